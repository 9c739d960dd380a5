/*
 * ex.c - the executive's routines: pool, lists, locks, callbacks, event tracing.
 */
#include "ex.h"

static VOID Run(VOID)
{
    CheckPool();
    CheckBlocks();
    CheckLists();
    CheckResources();
    CheckCallbacks();
    CheckTrace();
    CheckTry();
    CheckLookasideEx();
    CheckResourceOwners();
    CheckWaiters();
    CheckCallbackObjects();
    CheckReaderWriter();
    CheckTimers();
    CheckWork();
    CheckMiscellany();
    CheckLevels();
}

static VOID Stop(ULONG Number)
{
    if (Number < 10)
        StopTimer(Number);
    else if (Number < 20)
        StopWork(Number);
    else if (Number < 30)
        StopResource(Number);
    else if (Number < 40)
        StopPool(Number);
    else
        StopFree(Number);
}

static VOID Step(ULONG Number)
{
    if (Number < 10)
        StepShortage(Number);
    else
        StepTrace(Number - 10);
}

const TEST_GROUP TestGroup = {.Run = Run, .Stop = Stop, .Step = Step};
