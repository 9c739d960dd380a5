/*
 * ex.h - what the files of the ex driver share.
 */
#pragma once

#include "suite.h"

VOID CheckPool(VOID);
VOID CheckLists(VOID);
VOID CheckResources(VOID);
VOID CheckCallbacks(VOID);
VOID CheckTrace(VOID);
VOID CheckTry(VOID);
