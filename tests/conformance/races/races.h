/*
 * races.h - what must hold however the processors' steps interleave.
 *
 *   races.c    the group: racers, their random pauses, the seed
 *   locks.c    every kind of lock keeps two numbers equal
 *   objects.c  DPCs, timers, events, semaphores, lists, work items: nothing lost, nothing twice
 *   irps.c     cancel against completion, remove against I/O
 *   files.c    requests by handle against the close of the file and the end of the thread
 *   timers.c   APC routines of timers by handle against setting anew, cancelling and threads' ends
 *   packets.c  StartIo and queues with contexts against cancel; parts of a master IRP
 *   system.c   pool, threads, names, registry, mappings
 *   executive.c readers that become writers, pulses, EX_TIMERs, device queues
 *   notices.c  notify routines against their removal, handles against their closing
 *   traces.c   events against providers that come and go
 *   connects.c connecting and disconnecting beside one another
 *
 * A race is one routine run by RACERS threads at once, each on a processor of its own where there
 * are as many. The seed gives the operations and the pauses; it is printed, and IOCTL_TEST_STEP
 * with that number runs them again.
 */
#pragma once

#include "suite.h"

#define RACERS 4

typedef struct _RACER {
    ULONG Index; /* 0 to RACERS - 1 */
    ULONG Random;
    ULONG64 Until; /* interrupt time */
    PVOID Shared;
} RACER, *PRACER;

typedef VOID (*RACE_ROUTINE)(PRACER Racer);

/* Runs the routine by all racers; returns when the last has. PASSIVE_LEVEL. */
VOID Race(RACE_ROUTINE Routine, PVOID Shared);
/*
 * FALSE: the race has lasted SECONDS_MAX, which it does only where the processors are themselves
 * kept waiting. A racer then stops between two rounds.
 */
BOOLEAN RaceGoesOn(PRACER Racer);
/* The racer's next random number. Any IRQL. */
ULONG RaceRandom(PRACER Racer);
/* A pause of some microseconds at random, often none. Any IRQL. */
VOID RacePause(PRACER Racer);
/* Waits, at PASSIVE_LEVEL, until all racers are here; Count starts at 0 and is the race's own. */
VOID RaceMeet(volatile LONG *Count);

/* A cancel-safe queue, in irps.c; the IRPs are linked through Tail.Overlay.ListEntry. */
typedef struct _RACE_CSQ {
    IO_CSQ Queue;
    KSPIN_LOCK Lock;
    LIST_ENTRY Head;
} RACE_CSQ, *PRACE_CSQ;

VOID NTAPI RaceCsqRemove(PIO_CSQ Csq, PIRP Irp);
PIRP NTAPI RaceCsqNext(PIO_CSQ Csq, PIRP Irp, PVOID Context);
VOID NTAPI RaceCsqLock(PIO_CSQ Csq, PKIRQL Irql);
VOID NTAPI RaceCsqUnlock(PIO_CSQ Csq, KIRQL Irql);
VOID NTAPI RaceCsqCompleteCanceled(PIO_CSQ Csq, PIRP Irp);
/* Completes an IRP without data. */
VOID RaceComplete(PIRP Irp, NTSTATUS Status);

VOID RaceLocks(VOID);
VOID RaceObjects(VOID);
VOID RaceIrps(VOID);
VOID RaceFiles(VOID);
VOID RaceTimerHandles(VOID);
VOID RacePackets(VOID);
VOID RaceSystem(VOID);
VOID RaceExecutive(VOID);
VOID RaceNotices(VOID);
VOID RaceTraces(VOID);
VOID RaceConnects(VOID);
