/*
 * shortage.h - what the files of the shortage driver share.
 *
 *   shortage.c    the group: what connecting does
 *   routines.c    other routines that need memory
 */
#pragma once

#include "suite.h"

/* Calls each once, and once more where it failed: how many did. */
ULONG CheckRoutines(VOID);
