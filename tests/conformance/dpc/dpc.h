/*
 * dpc.h - conformance of DPC objects and KeFlushQueuedDpcs.
 *
 *   dpc.c     the group; queueing, order, arguments, targets
 *   isr.c     DPCs of interrupt service routines, IoRequestDpc
 *   when.c    when a DPC runs: importance, processor, clock
 *   timer.c   DPCs of timers
 *   endless.c the watchdog: DPCs and ISRs that take too long
 */
#pragma once

#include "suite.h"

#define DPC_WAIT_MS 5000

VOID CheckRequests(PTEST_DEVICE Device);
VOID CheckInsideDpc(PTEST_DEVICE Device);

VOID CheckLowImportance(VOID);
VOID CheckOtherProcessor(VOID);
VOID CheckFlush(VOID);

VOID CheckTimers(VOID);

VOID CheckWatchdog(VOID);
/* Bug checks: a number of these; the run has set short limits. */
VOID StopEndless(ULONG Number);

/* ---- a DPC that notes its calls -------------------------------------------------------------- */

typedef struct _NOTED_DPC {
    KDPC Dpc;
    volatile LONG Runs;
    volatile LONG Order; /* which of all noted runs the last one was, from 1 */
    volatile ULONG Irql;
    volatile ULONG Processor;
    PVOID volatile Context;
    PVOID volatile Argument1;
    PVOID volatile Argument2;
} NOTED_DPC, *PNOTED_DPC;

extern volatile LONG NotedRuns;

VOID NTAPI NoteRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2);
/* Zeroed; its context is itself. */
VOID NoteInitialize(PNOTED_DPC Noted);

/* Holds another processor at DISPATCH_LEVEL, so that no DPC runs there, until released. */
typedef struct _HELD_PROCESSOR {
    TEST_THREAD Thread;
    volatile LONG Held;
    volatile LONG Release;
} HELD_PROCESSOR, *PHELD_PROCESSOR;

BOOLEAN HoldProcessor(PHELD_PROCESSOR Held, ULONG Processor);
VOID ReleaseProcessor(PHELD_PROCESSOR Held);
