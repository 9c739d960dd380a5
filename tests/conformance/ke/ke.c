/*
 * ke.c - the group: locks, events, time, threads and processors as ntoskrnl's Ke routines give them
 * to any driver.
 */
#include "ke.h"

static VOID Run(VOID)
{
    CheckIrql();
    CheckSpinLocks();
    CheckMutexes();
    CheckEvents();
}

static VOID Stop(ULONG Number)
{
    if (Number <= 3)
        StopIrql(Number);
}

const TEST_GROUP TestGroup = {.Run = Run, .Stop = Stop};
