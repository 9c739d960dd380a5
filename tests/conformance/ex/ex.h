/*
 * ex.h - what the files of the ex driver share.
 *
 *   ex.c         the group
 *   pool.c       pool of all kinds, lookaside lists, lists under a lock and without one
 *   blocks.c     limits and failures of each routine that allocates pool; frees that are wrong
 *   shortage.c   what is said when there is no memory
 *   lookaside.c  lookaside lists with routines of the driver's own
 *   locks.c      executive resources, rundown protection, callback objects
 *   trace.c      event tracing, with the console as controller and consumer
 *   resource.c   resources in critical regions, owners that are not threads
 *   waiters.c    who waits for a resource or for rundown
 *   callback.c   callback objects with several routines, names
 *   rwlock.c     reader-writer spin locks
 *   timer.c      EX_TIMER
 *   work.c       work items without a device
 *   misc.c       pool without a tag, condition masks, the type of events, local time, alignment
 *   try.c        exceptions in gcc's C
 *   levels.c     each routine at the highest IRQL that its page allows
 */
#pragma once

#include "suite.h"

VOID CheckPool(VOID);
VOID CheckBlocks(VOID);
VOID CheckLists(VOID);
VOID CheckResources(VOID);
VOID CheckCallbacks(VOID);
VOID CheckTrace(VOID);
VOID CheckTry(VOID);
VOID CheckLookasideEx(VOID);
VOID CheckResourceOwners(VOID);
VOID CheckWaiters(VOID);
VOID CheckCallbackObjects(VOID);
VOID CheckReaderWriter(VOID);
VOID CheckTimers(VOID);
VOID CheckWork(VOID);
VOID CheckMiscellany(VOID);
VOID CheckLevels(VOID);

VOID StepTrace(ULONG Number);

VOID StopTimer(ULONG Number);    /* 1 to 4 */
VOID StopWork(ULONG Number);     /* 10, 11 */
VOID StopResource(ULONG Number); /* 20, 21 */
VOID StopPool(ULONG Number);     /* 30, 31 */
VOID StopFree(ULONG Number);     /* 40 to 46 */
VOID StepShortage(ULONG Number);
