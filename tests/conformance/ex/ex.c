/*
 * ex.c - the executive's routines: pool, lists, locks, callbacks, event tracing.
 */
#include "ex.h"

static VOID Run(VOID)
{
    CheckPool();
    CheckLists();
    CheckResources();
    CheckCallbacks();
    CheckTrace();
    CheckTry();
}

const TEST_GROUP TestGroup = {.Run = Run};
