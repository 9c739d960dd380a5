/*
 * ke.h - what the files of the ke driver share: the kernel proper's routines that no interrupt
 * needs.
 *
 *   irql.c        raising and lowering, spin locks of all kinds
 *   mutex.c       guarded mutexes, fast mutexes, mutants
 *   event.c       events that are pulsed and reset, semaphores, timers with a tolerance
 *   clock.c       time, delays, ticks, the clock's resolution
 *   processors.c  affinity and priority of threads, processors that come, numbers, nodes
 *   state.c       extended processor state, features
 *   debug.c       no debugger; printing, breakpoints
 *   bugcheck.c    callbacks at a stop
 *   device.c      device queues by key, buffers that a device has written
 */
#pragma once

#include "suite.h"

#define KE_HIGH 12 /* a priority above that of the threads that run cases */

VOID CheckIrql(VOID);
VOID CheckSpinLocks(VOID);
VOID CheckMutexes(VOID);
VOID CheckEvents(VOID);
VOID CheckClock(VOID);
VOID CheckProcessors(VOID);
VOID CheckState(VOID);
VOID CheckDebug(VOID);
VOID CheckBugCheckCallbacks(VOID);
VOID CheckDeviceQueue(VOID);
VOID CheckFlush(VOID);

VOID StopIrql(ULONG Number);  /* 1 to 3 */
VOID StopState(ULONG Number); /* 10 to 13 */
VOID StopDebug(ULONG Number); /* 20, 21 */
VOID StopBugCheck(VOID);      /* 30 */
