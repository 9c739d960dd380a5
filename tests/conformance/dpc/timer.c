/*
 * timer.c - DPCs that timers queue.
 */
#include "dpc.h"

#define SHORT_MS 10
#define MS 10000LL /* of 100 ns */

static NOTED_DPC Noted;
static KTIMER Timer;

static LARGE_INTEGER In(LONG Milliseconds)
{
    LARGE_INTEGER due;

    due.QuadPart = -Milliseconds * MS;
    return due;
}

static VOID CheckSetAgain(VOID)
{
    NoteInitialize(&Noted);
    KeInitializeTimer(&Timer);
    Expect(KeSetTimer(&Timer, In(SHORT_MS), &Noted.Dpc) == FALSE,
           "DPC-42 setting a timer that is not queued gives FALSE");
    Expect(KeSetTimer(&Timer, In(DPC_WAIT_MS), &Noted.Dpc) == TRUE,
           "DPC-42 setting one that is queued gives TRUE");
    TestPause(3 * SHORT_MS);
    ExpectEqual((ULONG)Noted.Runs, 0, "DPC-42 and cancels the earlier setting with its DPC");
    Expect(KeCancelTimer(&Timer) == TRUE, "DPC-37 cancelling a queued timer gives TRUE");
    KeSetTimer(&Timer, In(1), &Noted.Dpc);
    Expect(TestSpinUntil(&Noted.Runs, 1, DPC_WAIT_MS) && Noted.Context == &Noted &&
               Noted.Irql == DISPATCH_LEVEL,
           "DPC-36 a timer that expires queues its DPC, with the DPC's own context");
}

/* A timer that expires while the processor is held to which its DPC goes. */
static BOOLEAN ExpireHeld(PHELD_PROCESSOR Held, PVOID QueuedByHand, LONG Period)
{
    ULONG waited, other = TestOtherProcessor(0);

    TestGoTo(0);
    NoteInitialize(&Noted);
    KeInitializeTimer(&Timer);
    KeSetTargetProcessorDpc(&Noted.Dpc, (CCHAR)other);
    if (!HoldProcessor(Held, other))
        return FALSE;
    if (QueuedByHand != NULL)
        KeInsertQueueDpc(&Noted.Dpc, QueuedByHand, NULL);
    KeSetTimerEx(&Timer, In(1), Period, &Noted.Dpc);
    for (waited = 0; waited < DPC_WAIT_MS / 2 && !KeReadStateTimer(&Timer); waited++)
        TestPause(1);
    return TRUE;
}

static VOID EndHeld(PHELD_PROCESSOR Held)
{
    ReleaseProcessor(Held);
    KeFlushQueuedDpcs();
    TestAnywhere();
}

static VOID CheckHeld(VOID)
{
    HELD_PROCESSOR held;

    if (TestProcessors() == 1) {
        ExpectSkip("DPC-35, DPC-37 KeCancelTimer does not remove a DPC that is queued already",
                   "one processor");
        return;
    }
    if (ExpireHeld(&held, NULL, 0)) {
        Expect(KeCancelTimer(&Timer) == FALSE, "DPC-37 cancelling an expired timer gives FALSE");
        ExpectEqual((ULONG)Noted.Runs, 0, "DPC-37 whose DPC is still queued");
        EndHeld(&held);
        ExpectEqual((ULONG)Noted.Runs, 1,
                    "DPC-37 the DPC runs all the same; KeFlushQueuedDpcs waits for it");
    }
    if (ExpireHeld(&held, (PVOID)1, 0)) { /* one object for both uses, against the advice */
        EndHeld(&held);
        Expect(Noted.Runs == 1 && Noted.Argument1 == (PVOID)1,
               "DPC-35, DPC-4 a timer that expires while its DPC is queued by hand adds no run");
    }
    if (ExpireHeld(&held, NULL, 1)) {
        Expect(KeCancelTimer(&Timer) == TRUE,
               "DPC-37 cancelling a periodic timer gives TRUE also when its DPC is queued already");
        EndHeld(&held);
        ExpectEqual((ULONG)Noted.Runs, 1, "DPC-37 that DPC runs all the same, once");
    }
}

static VOID CheckCancelled(VOID)
{
    BOOLEAN never, queued, again;
    KIRQL irql;

    NoteInitialize(&Noted);
    KeInitializeTimer(&Timer);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    never = KeCancelTimer(&Timer);
    KeSetTimer(&Timer, In(1), &Noted.Dpc);
    queued = KeCancelTimer(&Timer);
    again = KeCancelTimer(&Timer);
    KeLowerIrql(irql);
    TestPause(3 * SHORT_MS);
    Expect(!never && !again,
           "KeCancelTimer gives FALSE for a timer that was never set, and for one "
           "that is cancelled");
    Expect(queued && Noted.Runs == 0 && !KeReadStateTimer(&Timer),
           "KeCancelTimer, at DISPATCH_LEVEL, takes a timer out with its DPC, and it stays not "
           "signaled");
}

static VOID CheckPeriodic(VOID)
{
    NoteInitialize(&Noted);
    KeInitializeTimerEx(&Timer, NotificationTimer);
    KeSetTimerEx(&Timer, In(1), 1, &Noted.Dpc);
    Expect(TestSpinUntil(&Noted.Runs, 2, DPC_WAIT_MS), "DPC-37 a periodic timer goes on");
    Expect(KeCancelTimer(&Timer) == TRUE, "DPC-37 cancelling a periodic timer gives TRUE");
}

static VOID CheckStates(VOID)
{
    BOOLEAN first, second, set, once, expired, again;
    KIRQL irql;

    NoteInitialize(&Noted);
    KeInitializeTimerEx(&Timer, NotificationTimer);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    first = KeSetTimerEx(&Timer, In(DPC_WAIT_MS), 0, &Noted.Dpc);
    set = KeReadStateTimer(&Timer);
    second = KeSetTimerEx(&Timer, In(1), 0, &Noted.Dpc);
    KeLowerIrql(irql);
    TestSpinUntil(&Noted.Runs, 1, DPC_WAIT_MS);
    expired = KeReadStateTimer(&Timer);
    once = KeCancelTimer(&Timer);
    again = KeSetTimerEx(&Timer, In(DPC_WAIT_MS), MAXLONG, NULL);
    Expect(!first, "KeSetTimerEx of a timer that is not set returns FALSE");
    Expect(second == TRUE, "KeSetTimerEx of one that is set returns TRUE");
    Expect(!set && expired && !KeReadStateTimer(&Timer),
           "KeReadStateTimer is TRUE for a timer that has expired, FALSE for one that is set");
    Expect(!once && !again && Noted.Runs == 1, "KeSetTimerEx with a Period of 0 expires once");
    Expect(KeCancelTimer(&Timer), "KeSetTimerEx takes a Period of MAXLONG");
}

/* Due at a time of day: not before it; one that has passed is due at once. */
static VOID CheckAbsolute(VOID)
{
    VOID(NTAPI * precise)(PLARGE_INTEGER) = TestRoutine(L"KeQuerySystemTimePrecise");
    LARGE_INTEGER due, now, past = {.QuadPart = 0};
    BOOLEAN early, late;

    NoteInitialize(&Noted);
    KeInitializeTimerEx(&Timer, SynchronizationTimer);
    precise(&due);
    due.QuadPart += 20 * MS;
    KeSetTimer(&Timer, due, &Noted.Dpc);
    late = TestWait(&Timer, DPC_WAIT_MS) != STATUS_SUCCESS;
    precise(&now);
    early = now.QuadPart < due.QuadPart;
    Expect(!late && !early, "KeSetTimer to an absolute time expires then, and not before");
    KeSetTimer(&Timer, past, NULL);
    ExpectStatus(TestWait(&Timer, DPC_WAIT_MS), STATUS_SUCCESS,
                 "KeSetTimer to a time that has passed expires at once");
    KeSetTimerEx(&Timer, past, 1, NULL);
    Expect(TestWait(&Timer, DPC_WAIT_MS) == STATUS_SUCCESS &&
               TestWait(&Timer, DPC_WAIT_MS) == STATUS_SUCCESS && KeCancelTimer(&Timer),
           "KeSetTimerEx to one does, too, and goes on with its Period");
    KeSetCoalescableTimer(&Timer, past, 0, 50, NULL);
    ExpectStatus(TestWait(&Timer, DPC_WAIT_MS), STATUS_SUCCESS,
                 "KeSetCoalescableTimer to one does, too");
}

static volatile LONG Freed;

static VOID NTAPI FreeingRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    RtlFillMemory(Context, sizeof(KTIMER), 0xCC);
    ExFreePoolWithTag(Context, TEST_TAG);
    InterlockedIncrement(&Freed);
}

static VOID CheckFree(VOID)
{
    PKTIMER timer = ExAllocatePoolWithTag(NonPagedPool, sizeof(KTIMER), TEST_TAG);
    static KDPC dpc;

    if (timer == NULL)
        return;
    Freed = 0;
    KeInitializeTimer(timer);
    KeInitializeDpc(&dpc, FreeingRoutine, timer);
    KeSetTimer(timer, In(1), &dpc);
    Expect(TestSpinUntil(&Freed, 1, DPC_WAIT_MS),
           "DPC-43 the DPC of a timer that is not periodic may free it");
    NoteInitialize(&Noted);
    KeInitializeTimer(&Timer);
    KeSetTimer(&Timer, In(1), &Noted.Dpc);
    Expect(TestSpinUntil(&Noted.Runs, 1, DPC_WAIT_MS), "DPC-43 other timers go on expiring");
}

VOID CheckTimers(VOID)
{
    CheckSetAgain();
    CheckHeld();
    CheckCancelled();
    CheckPeriodic();
    CheckStates();
    CheckAbsolute();
    CheckFree();
}
