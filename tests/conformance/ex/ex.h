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

/* Routines that mingw-w64's import library has not: TestRoutine finds them. */
#define FLAG_USE_QUOTA 0x1ull /* POOL_FLAG_... */
#define FLAG_UNINITIALIZED 0x2ull
#define FLAG_CACHE_ALIGNED 0x8ull
#define FLAG_RAISE 0x20ull
#define FLAG_NON_PAGED 0x40ull
#define FLAG_EXECUTE 0x80ull
#define FLAG_PAGED 0x100ull

typedef PVOID(NTAPI *PALLOCATE2)(ULONG64 Flags, SIZE_T Size, ULONG Tag);
typedef PVOID(NTAPI *PALLOCATE3)(ULONG64 Flags, SIZE_T Size, ULONG Tag, const ULONG64 *Parameters,
                                 ULONG Count);
typedef VOID(NTAPI *PFREE2)(PVOID Block, ULONG Tag, const ULONG64 *Parameters, ULONG Count);

typedef struct _EX_TIMER *PTIMER;
typedef VOID(NTAPI *PTIMER_CALLBACK)(PTIMER Timer, PVOID Context);
typedef PTIMER(NTAPI *PALLOCATE_TIMER)(PTIMER_CALLBACK Callback, PVOID Context, ULONG Attributes);
typedef BOOLEAN(NTAPI *PSET_TIMER)(PTIMER Timer, LONGLONG DueTime, LONGLONG Period,
                                   PVOID Parameters);
typedef BOOLEAN(NTAPI *PCANCEL_TIMER)(PTIMER Timer, PVOID Parameters);
typedef BOOLEAN(NTAPI *PDELETE_TIMER)(PTIMER Timer, BOOLEAN Cancel, BOOLEAN Wait, PVOID Parameters);

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
