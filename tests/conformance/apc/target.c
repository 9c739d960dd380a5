/*
 * target.c - APCs of another thread: while it runs, is not let run, or waits.
 */
#include "apc.h"

BOOLEAN Start(PTARGET Target, ULONG Processor, TEST_THREAD_ROUTINE Routine)
{
    RtlZeroMemory(Target, sizeof(*Target));
    KeInitializeEvent(&Target->First, SynchronizationEvent, FALSE);
    KeInitializeEvent(&Target->Second, NotificationEvent, FALSE);
    if (!TestThreadStart(&Target->Thread, Processor, Routine, Target) ||
        !TestSpinUntil(&Target->Ready, 1, PATIENCE)) {
        Expect(FALSE, "a thread starts");
        return FALSE;
    }
    return TRUE;
}

VOID Leave(PTARGET Target)
{
    Target->InRegion = KeAreApcsDisabled() && !KeAreAllApcsDisabled();
    Target->Self = KeGetCurrentThread();
    KeLeaveCriticalRegion();
}

VOID Announce(PTARGET Target)
{
    InterlockedExchange(&Target->Ready, 1);
}

VOID LetItWait(VOID)
{
    TestPause(20);
}

BOOLEAN Comes(volatile LONG *Value, LONG Least)
{
    ULONG i;

    for (i = 0; i < PATIENCE && *Value < Least; i++)
        TestPause(1);
    return *Value >= Least;
}

/* ---- it runs ------------------------------------------------------------------------------- */

static VOID Spin(PVOID Context)
{
    PTARGET target = Context;

    Leave(target);
    Announce(target);
    while (!target->Go)
        YieldProcessor();
}

static VOID SpinInRegion(PVOID Context)
{
    PTARGET target = Context;

    Leave(target);
    KeEnterCriticalRegion();
    Announce(target);
    while (!target->Go)
        YieldProcessor();
    KeLeaveCriticalRegion();
    InterlockedExchange(&target->Done, 1);
}

static VOID CheckRunning(VOID)
{
    ULONG other = TestOtherProcessor(TestCurrentProcessor());
    NOTED noted;
    TARGET target;

    if (TestProcessors() == 1) {
        ExpectSkip("an APC reaches a thread that runs on another processor",
                   "there is one processor");
        return;
    }
    if (!Start(&target, other, Spin))
        return;
    Normal(&noted, target.Self);
    Queue(&noted);
    Expect(TestSpinUntil(&noted.NormalCalls, 1, PATIENCE) && noted.NormalThread == target.Self,
           "an APC reaches a thread that runs on another processor");
    InterlockedExchange(&target.Go, 1);
    TestThreadJoin(&target.Thread);

    if (!Start(&target, other, SpinInRegion))
        return;
    Normal(&noted, target.Self);
    Queue(&noted);
    TestPause(20);
    Expect(noted.KernelCalls == 0, "there a critical region keeps it off");
    InterlockedExchange(&target.Go, 1);
    TestThreadJoin(&target.Thread);
    Expect(noted.NormalCalls == 1, "until it is left");
}

/* ---- it is ready, and not let run ----------------------------------------------------------- */

static VOID CheckReady(VOID)
{
    PKTHREAD self = KeGetCurrentThread();
    KPRIORITY before;
    NOTED noted;
    TARGET target;
    LONG early;

    TestGoTo(0);
    if (Start(&target, 0, Spin)) {
        before = KeSetPriorityThread(self, LOW_REALTIME_PRIORITY); /* it runs when this one waits */
        Normal(&noted, target.Self);
        Queue(&noted);
        early = noted.KernelCalls;
        Expect(early == 0 && Comes(&noted.NormalCalls, 1) && noted.NormalThread == target.Self,
               "a thread that is ready has its APC when it runs again");
        InterlockedExchange(&target.Go, 1);
        TestThreadJoin(&target.Thread);
        KeSetPriorityThread(self, before);
    }
    TestAnywhere();
}

/* ---- it waits ------------------------------------------------------------------------------- */

static VOID WaitOnce(PVOID Context)
{
    PTARGET target = Context;
    ULONG64 begin = KeQueryInterruptTime();

    Leave(target);
    Announce(target);
    target->Status = KeWaitForSingleObject(&target->First, Executive, KernelMode, FALSE,
                                           target->Timeout.QuadPart ? &target->Timeout : NULL);
    target->Irql = KeGetCurrentIrql();
    target->Took = KeQueryInterruptTime() - begin;
    InterlockedExchange(&target->Done, 1);
}

static VOID WaitAtApcLevel(PVOID Context)
{
    PTARGET target = Context;
    KIRQL irql;

    Leave(target);
    KeRaiseIrql(APC_LEVEL, &irql);
    Announce(target);
    target->Status = KeWaitForSingleObject(&target->First, Executive, KernelMode, FALSE, NULL);
    InterlockedExchange(&target->Done, 1);
    while (!target->Go)
        YieldProcessor();
    KeLowerIrql(irql);
}

static VOID WaitForBoth(PVOID Context)
{
    PTARGET target = Context;
    PVOID objects[] = {&target->First, &target->Second};

    Leave(target);
    Announce(target);
    target->Status =
        KeWaitForMultipleObjects(2, objects, WaitAll, Executive, KernelMode, FALSE, NULL, NULL);
    InterlockedExchange(&target->Done, 1);
}

static VOID Delay(PVOID Context)
{
    PTARGET target = Context;
    ULONG64 begin = KeQueryInterruptTime();
    LARGE_INTEGER interval;

    Leave(target);
    interval.QuadPart = -200 * 10000;
    Announce(target);
    target->Status = KeDelayExecutionThread(KernelMode, FALSE, &interval);
    target->Took = KeQueryInterruptTime() - begin;
    InterlockedExchange(&target->Done, 1);
}

/* A normal routine that waits itself: for the target's second event. */
static PTARGET Waiting;

static VOID WaitInside(PNOTED Noted)
{
    UNREFERENCED_PARAMETER(Noted);
    KeWaitForSingleObject(&Waiting->Second, Executive, KernelMode, FALSE, NULL);
}

static VOID CheckPlainWait(VOID)
{
    NOTED noted, second;
    TARGET target;

    if (!Start(&target, 0, WaitOnce))
        return;
    LetItWait();
    Normal(&noted, target.Self);
    Queue(&noted);
    Expect(Comes(&noted.NormalCalls, 1) && noted.NormalThread == target.Self,
           "a wait is interrupted for a normal APC");
    LetItWait();
    Expect(!target.Done, "after the APC the thread waits again");
    Special(&second, target.Self);
    Queue(&second);
    Expect(Comes(&second.KernelCalls, 1) && !target.Done, "and again after a second one");
    KeSetEvent(&target.First, 0, FALSE);
    TestThreadJoin(&target.Thread);
    Expect(target.Status == STATUS_WAIT_0 && target.Irql == PASSIVE_LEVEL,
           "the wait ends as if there had been no APC");
    ExpectEqual((ULONG)KeReadStateEvent(&target.First), 0, "and has taken the event");
}

static VOID CheckWaitInside(VOID)
{
    NOTED outer, special;
    TARGET target;

    if (!Start(&target, 0, WaitOnce))
        return;
    Waiting = &target;
    LetItWait();
    Normal(&outer, target.Self);
    outer.Body = WaitInside;
    Queue(&outer);
    Expect(Comes(&outer.KernelCalls, 1) && !outer.NormalCalls, "an APC may wait itself");
    LetItWait();
    Special(&special, target.Self);
    Queue(&special);
    Expect(Comes(&special.KernelCalls, 1), "and that wait is interrupted for a special APC");
    KeSetEvent(&target.First, 0, FALSE);
    LetItWait();
    Expect(!target.Done && !outer.NormalCalls,
           "an event of the outer wait does not end the inner one");
    KeSetEvent(&target.Second, 0, FALSE);
    TestThreadJoin(&target.Thread);
    Expect(outer.NormalCalls == 1 && target.Status == STATUS_WAIT_0,
           "when the APC ends the outer wait finds its event");
}

static VOID CheckPulse(VOID)
{
    TARGET target;
    NOTED outer;

    if (!Start(&target, 0, WaitOnce))
        return;
    Waiting = &target;
    LetItWait();
    Normal(&outer, target.Self);
    outer.Body = WaitInside;
    Queue(&outer);
    Comes(&outer.KernelCalls, 1);
    LetItWait();
    KePulseEvent(&target.First, IO_NO_INCREMENT, FALSE);
    KeSetEvent(&target.Second, IO_NO_INCREMENT, FALSE);
    Comes(&outer.NormalCalls, 1);
    LetItWait();
    Expect(!target.Done && outer.NormalCalls == 1,
           "KePulseEvent does not reach a thread whose wait an APC has interrupted");
    KeSetEvent(&target.First, IO_NO_INCREMENT, FALSE);
    TestThreadJoin(&target.Thread);
    ExpectStatus(target.Status, STATUS_WAIT_0, "which waits on when the APC has ended");
}

static VOID CheckOtherWaits(VOID)
{
    NOTED noted;
    TARGET target;
    LONG early;

    if (!Start(&target, 0, WaitForBoth))
        return;
    LetItWait();
    KeSetEvent(&target.First, 0, FALSE);
    Normal(&noted, target.Self);
    Queue(&noted);
    Expect(Comes(&noted.NormalCalls, 1) && !target.Done && KeReadStateEvent(&target.First) != 0,
           "a wait for all of several objects goes on after an APC, with none of them taken");
    KeSetEvent(&target.Second, 0, FALSE);
    TestThreadJoin(&target.Thread);
    Expect(target.Status == STATUS_WAIT_0 && KeReadStateEvent(&target.First) == 0,
           "and takes all when all are there");

    if (!Start(&target, 0, WaitAtApcLevel))
        return;
    LetItWait();
    Special(&noted, target.Self);
    Queue(&noted);
    TestPause(20);
    Expect(noted.KernelCalls == 0, "APC-4 a wait at APC_LEVEL is not interrupted");
    KeSetEvent(&target.First, 0, FALSE);
    Comes(&target.Done, 1);
    early = noted.KernelCalls;
    InterlockedExchange(&target.Go, 1);
    TestThreadJoin(&target.Thread);
    Expect(early == 0 && noted.KernelCalls == 1,
           "APC-4 nor does the APC run when it ends, but when the IRQL drops");
}

static VOID CheckTimes(VOID)
{
    NOTED noted;
    TARGET target;
    ULONG i;

    if (!Start(&target, 0, Delay))
        return;
    for (i = 0; i < 5; i++) {
        Normal(&noted, target.Self);
        Queue(&noted);
        Comes(&noted.NormalCalls, 1);
        TestPause(10);
    }
    TestThreadJoin(&target.Thread);
    Expect(target.Status == STATUS_SUCCESS && target.Took >= 200 * 10000,
           "a delay is no shorter for the APCs that interrupt it");
}

static VOID CheckTimeout(VOID)
{
    NOTED noted;
    TARGET target;

    RtlZeroMemory(&target, sizeof(target));
    KeInitializeEvent(&target.First, SynchronizationEvent, FALSE);
    KeInitializeEvent(&target.Second, NotificationEvent, FALSE);
    target.Timeout.QuadPart = -100 * 10000;
    Waiting = &target;
    if (!TestThreadStart(&target.Thread, 0, WaitOnce, &target) ||
        !TestSpinUntil(&target.Ready, 1, PATIENCE))
        return;
    Normal(&noted, target.Self);
    noted.Body = WaitInside; /* longer than the timeout */
    Queue(&noted);
    Comes(&noted.KernelCalls, 1);
    TestPause(150);
    Expect(!target.Done, "an APC may take longer than the wait that it interrupts");
    KeSetEvent(&target.Second, 0, FALSE);
    TestThreadJoin(&target.Thread);
    Expect(target.Status == STATUS_TIMEOUT && target.Took >= 100 * 10000,
           "whose time is then over");
}

VOID CheckOthers(VOID)
{
    CheckRunning();
    CheckReady();
    CheckPlainWait();
    CheckWaitInside();
    CheckPulse();
    CheckOtherWaits();
    CheckTimes();
    CheckTimeout();
}
