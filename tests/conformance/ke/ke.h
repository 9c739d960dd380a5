/*
 * ke.h - what the files of the ke driver share: the kernel proper's routines that no interrupt
 * needs.
 *
 *   irql.c        raising and lowering, spin locks at SYNCH_LEVEL, queued spin locks
 *   locks.c       spin locks: their levels, and who waits for them
 *   regions.c     critical and guarded regions
 *   current.c     IRQL, thread and processor of the caller
 *   initialize.c  objects made in whatever memory
 *   mutex.c       guarded mutexes, fast mutexes, mutants
 *   event.c       events that are pulsed and reset, semaphores, timers with a tolerance
 *   waits.c       waits announced by the call before, waits that only look, mutexes' limits
 *   clock.c       time, delays, ticks, the clock's resolution
 *   ipi.c         a routine on all processors at one time
 *   processors.c  affinity and priority of threads, processors that come, numbers, nodes
 *   state.c       extended processor state, features
 *   levels.c      routines at the highest IRQL that their pages allow
 *   debug.c       no debugger; printing, breakpoints
 *   bugcheck.c    callbacks at a stop
 *   device.c      the order of device queues, buffers that a device has written
 */
#pragma once

#include "suite.h"

#define SYNCH_LEVEL 12 /* x64: below the clock and the inter-processor interrupt */
#define KE_HIGH 12     /* a priority above that of the threads that run cases */

VOID CheckIrql(VOID);
VOID CheckSpinLocks(VOID);
VOID CheckLocks(VOID);
VOID CheckRegions(VOID);
VOID CheckCurrent(VOID);
VOID CheckInitialize(VOID);
VOID CheckMutexes(VOID);
VOID CheckEvents(VOID);
VOID CheckWaiting(VOID);
VOID CheckClock(VOID);
VOID CheckIpi(VOID);
VOID CheckProcessors(VOID);
VOID CheckState(VOID);
VOID CheckLevels(VOID);
VOID CheckDebug(VOID);
VOID CheckBugCheckCallbacks(VOID);
VOID CheckDeviceQueue(VOID);
VOID CheckDeviceQueueOrder(VOID);
VOID CheckDeviceQueueRemovals(VOID);
VOID CheckFlush(VOID);

VOID StopIrql(ULONG Number);  /* 1 to 6 */
VOID StopState(ULONG Number); /* 10 to 15 */
VOID StopDebug(ULONG Number); /* 20, 21 */
VOID StopBugCheck(VOID);      /* 30 */
VOID StopMutex(ULONG Number); /* 40, 41 */
