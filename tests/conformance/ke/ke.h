/*
 * ke.h - what the files of the ke driver share: the kernel proper's routines that no interrupt
 * needs.
 *
 *   irql.c   raising and lowering, spin locks of all kinds
 *   mutex.c  guarded mutexes, fast mutexes without the raise, mutants
 *   event.c  events that are pulsed and reset, timers with a tolerance
 */
#pragma once

#include "suite.h"

#define KE_HIGH 12 /* a priority above that of the threads that run cases */

VOID CheckIrql(VOID);
VOID CheckSpinLocks(VOID);
VOID CheckMutexes(VOID);
VOID CheckEvents(VOID);

VOID StopIrql(ULONG Number); /* 1 to 3 */

/* KeWaitForSingleObject for at most so long. */
static inline NTSTATUS KeWait(PVOID Object, ULONG Milliseconds)
{
    LARGE_INTEGER timeout = {.QuadPart = -(LONGLONG)Milliseconds * 10000};

    return KeWaitForSingleObject(Object, Executive, KernelMode, FALSE, &timeout);
}
