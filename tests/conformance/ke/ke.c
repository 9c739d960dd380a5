/*
 * ke.c - the group: locks, events, time, threads and processors as ntoskrnl's Ke routines give them
 * to any driver.
 */
#include "ke.h"

static VOID Run(VOID)
{
    CheckIrql();
    CheckSpinLocks();
    CheckLocks();
    CheckRegions();
    CheckCurrent();
    CheckInitialize();
    CheckMutexes();
    CheckEvents();
    CheckWaiting();
    CheckClock();
    CheckIpi();
    CheckProcessors();
    CheckState();
    CheckLevels();
    CheckDebug();
    CheckBugCheckCallbacks();
    CheckDeviceQueue();
    CheckDeviceQueueOrder();
    CheckDeviceQueueRemovals();
    CheckFlush();
}

static VOID Stop(ULONG Number)
{
    if (Number < 10)
        StopIrql(Number);
    else if (Number < 20)
        StopState(Number);
    else if (Number < 30)
        StopDebug(Number);
    else if (Number < 40)
        StopBugCheck();
    else
        StopMutex(Number);
}

const TEST_GROUP TestGroup = {.Run = Run, .Stop = Stop};
