/*
 * dma.h - what the files of the dma group share.
 */
#pragma once

#include "suite.h"

#define LENGTH (3 * PAGE_SIZE)
#define LIMIT_24 0x1000000ull

extern PUCHAR Buffer; /* LENGTH bytes, not at the beginning of a page */
extern PMDL Mdl;      /* of the buffer */

VOID Fill(PUCHAR Bytes, UCHAR Seed);
BOOLEAN IsFilled(const UCHAR *Bytes, UCHAR Seed);

/* version3.c */
VOID CheckVersion3(VOID);
