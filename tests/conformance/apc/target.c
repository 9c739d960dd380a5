/*
 * target.c - APCs of another thread: while it runs, is not let run, waits or ends; and alerts.
 */
#include "apc.h"

#define PATIENCE 20000 /* milliseconds: for what must come */

typedef struct _TARGET {
    TEST_THREAD Thread;
    KEVENT First, Second;
    volatile LONG Ready, Go, Done;
    PKTHREAD Self;
    HANDLE Handle; /* of itself */
    NTSTATUS Status;
    KIRQL Irql;
    BOOLEAN InRegion; /* when it began */
    LARGE_INTEGER Timeout;
    ULONG64 Took; /* 100 ns */
} TARGET, *PTARGET;

static BOOLEAN Start(PTARGET Target, ULONG Processor, TEST_THREAD_ROUTINE Routine)
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

/* A system thread begins in a critical region: out of it, with the IRQL and regions to come. */
static VOID Leave(PTARGET Target)
{
    Target->InRegion = KeAreApcsDisabled() && !KeAreAllApcsDisabled();
    Target->Self = KeGetCurrentThread();
    KeLeaveCriticalRegion();
}

static VOID Announce(PTARGET Target)
{
    InterlockedExchange(&Target->Ready, 1);
}

/* Until its wait has begun: its state is not told, so for a while. */
static VOID LetItWait(VOID)
{
    TestPause(20);
}

static BOOLEAN Comes(volatile LONG *Value, LONG Least)
{
    ULONG i;

    for (i = 0; i < PATIENCE && *Value < Least; i++)
        TestPause(1);
    return *Value >= Least;
}

/* ---- it runs -------------------------------------------------------------------------------*/

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

/* ---- it is ready, and not let run -----------------------------------------------------------*/

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

/* ---- it waits -------------------------------------------------------------------------------*/

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

/* ---- it ends --------------------------------------------------------------------------------*/

static VOID EndWithApcs(PVOID Context)
{
    static NOTED last;
    PTARGET target = Context;

    Leave(target);
    Announce(target);
    while (!target->Go)
        YieldProcessor();
    Normal(&last, KeGetCurrentThread());
    KeEnterCriticalRegion();
    Queue(&last);
    KeLeaveCriticalRegion();
    target->Status = last.NormalCalls == 1 ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

/* It never leaves the region that it begins in. */
static VOID StayInRegion(PVOID Context)
{
    static NOTED special;
    PTARGET target = Context;

    target->Self = KeGetCurrentThread();
    Special(&special, target->Self);
    Queue(&special);
    target->Status = special.KernelCalls == 1 ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
    Announce(target);
    while (!target->Go)
        YieldProcessor();
    InterlockedExchange(&target->Done, 1);
}

static VOID CheckBegin(VOID)
{
    NOTED noted;
    TARGET target;
    LONG before;

    if (!Start(&target, TestOtherProcessor(TestCurrentProcessor()), StayInRegion))
        return;
    ExpectStatus(target.Status, STATUS_SUCCESS, "where it has special APCs");
    Normal(&noted, target.Self);
    Queue(&noted);
    TestPause(20);
    before = noted.NormalCalls;
    InterlockedExchange(&target.Go, 1);
    TestThreadJoin(&target.Thread);
    Expect(before == 0 && noted.NormalCalls == 1,
           "and normal ones not before it ends, which leaves the region");
}

static VOID CheckEnd(VOID)
{
    NOTED noted;
    TARGET target;

    if (!Start(&target, 0, EndWithApcs))
        return;
    Expect(target.InRegion, "PsCreateSystemThread: a thread begins inside of a critical region");
    ObReferenceObject(target.Self);
    InterlockedExchange(&target.Go, 1);
    TestThreadJoin(&target.Thread);
    ExpectStatus(target.Status, STATUS_SUCCESS, "a thread has its APCs before it ends");
    Normal(&noted, target.Self);
    Expect(!Queue(&noted) && !noted.Apc.Inserted, "KeInsertQueueApc: FALSE for a thread that has "
                                                  "ended");
    ObDereferenceObject(target.Self);
}

/* ---- many -----------------------------------------------------------------------------------*/

#define STORM 1000

/* A thread that waits on and off, and another that sends it APCs all the while. */
static VOID WaitOften(PVOID Context)
{
    PTARGET target = Context;
    LARGE_INTEGER timeout;

    Leave(target);
    timeout.QuadPart = -1000;
    Announce(target);
    while (!target->Go)
        KeWaitForSingleObject(&target->Second, Executive, KernelMode, FALSE, &timeout);
    InterlockedExchange(&target->Done, 1);
}

static VOID CheckMany(VOID)
{
    ULONG other = TestOtherProcessor(TestCurrentProcessor());
    static NOTED noted[4];
    TARGET target;
    LONG queued = 0, ran = 0;
    ULONG64 end;
    ULONG i, k;

    if (!Start(&target, other, WaitOften))
        return;
    for (k = 0; k < 4; k++) {
        if (k & 1)
            Normal(&noted[k], target.Self);
        else
            Special(&noted[k], target.Self);
    }
    end = KeQueryInterruptTime() + (ULONG64)PATIENCE * 10000;
    while (queued < STORM && KeQueryInterruptTime() < end) {
        for (k = 0; k < 4; k++)
            queued += Queue(&noted[k]);
        if (TestProcessors() == 1)
            TestPause(1);
    }
    for (i = 0; i < PATIENCE && ran < queued; i++) {
        TestPause(1);
        for (ran = 0, k = 0; k < 4; k++)
            ran += noted[k].KernelCalls;
    }
    InterlockedExchange(&target.Go, 1);
    TestThreadJoin(&target.Thread);
    Expect(queued >= STORM, "APCs are queued again as soon as they have run");
    ExpectEqual((ULONG)ran, (ULONG)queued, "each APC that was queued has run once");
}

VOID CheckOthers(VOID)
{
    CheckRunning();
    CheckReady();
    CheckPlainWait();
    CheckWaitInside();
    CheckOtherWaits();
    CheckTimes();
    CheckTimeout();
    CheckEnd();
    CheckBegin();
    CheckMany();
}

/* ---- alerts ---------------------------------------------------------------------------------*/

static VOID WaitAlertably(PVOID Context)
{
    PTARGET target = Context;
    PVOID objects[] = {&target->First, &target->Second};
    LARGE_INTEGER interval;

    Leave(target);
    Announce(target);
    target->Status = KeWaitForSingleObject(&target->First, Executive, KernelMode, TRUE, NULL);
    InterlockedExchange(&target->Done, 1);
    if (NT_SUCCESS(target->Status) && target->Status == STATUS_ALERTED)
        target->Status =
            KeWaitForMultipleObjects(2, objects, WaitAny, Executive, KernelMode, TRUE, NULL, NULL);
    InterlockedExchange(&target->Done, 2);
    interval.QuadPart = -(LONGLONG)PATIENCE * 10000;
    if (target->Status == STATUS_ALERTED)
        target->Status = KeDelayExecutionThread(KernelMode, TRUE, &interval);
    InterlockedExchange(&target->Done, 3);
}

static NTSTATUS Alert(PKTHREAD Thread)
{
    HANDLE handle;
    NTSTATUS status = ObOpenObjectByPointer(Thread, OBJ_KERNEL_HANDLE, NULL, THREAD_ALL_ACCESS,
                                            NULL, KernelMode, &handle);

    if (!NT_SUCCESS(status))
        return status;
    status = ZwAlertThread(handle);
    ZwClose(handle);
    return status;
}

VOID CheckAlerts(VOID)
{
    PKTHREAD self = KeGetCurrentThread();
    LARGE_INTEGER none = {{0, 0}};
    NOTED noted;
    TARGET target;
    HANDLE handle;
    KEVENT event;
    LONG i;

    if (!Start(&target, 0, WaitAlertably))
        return;
    for (i = 1; i <= 3; i++) {
        LetItWait();
        Special(&noted, target.Self); /* after which the wait is still alertable */
        Queue(&noted);
        Comes(&noted.KernelCalls, 1);
        ExpectStatus(Alert(target.Self), STATUS_SUCCESS, "ZwAlertThread alerts a thread");
        if (!Comes(&target.Done, i))
            break;
    }
    Expect(target.Done == 3 && target.Status == STATUS_ALERTED,
           "STATUS_ALERTED ends alertable waits for one object, for several, and delays");
    KeSetEvent(&target.First, 0, FALSE); /* whatever it waits for still */
    TestThreadJoin(&target.Thread);

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    Alert(self);
    ExpectStatus(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &none), STATUS_TIMEOUT,
                 "a wait that is not alertable does not end by an alert");
    ExpectStatus(KeWaitForSingleObject(&event, Executive, KernelMode, TRUE, NULL), STATUS_ALERTED,
                 "the next alertable wait does");
    ExpectStatus(KeWaitForSingleObject(&event, Executive, KernelMode, TRUE, &none), STATUS_TIMEOUT,
                 "and one only");
    if (NT_SUCCESS(ZwCreateEvent(&handle, EVENT_ALL_ACCESS, NULL, NotificationEvent, FALSE))) {
        Alert(self);
        ExpectStatus(ZwWaitForSingleObject(handle, TRUE, NULL), STATUS_ALERTED,
                     "a wait by handle ends by an alert, too");
        ZwClose(handle);
    }
    ExpectStatus(ZwAlertThread(NULL), STATUS_INVALID_HANDLE, "ZwAlertThread needs a handle");
}
