/*
 * ends.c - APCs of a thread that begins or ends, many of them; alerts.
 */
#include "apc.h"

/* ---- it ends -------------------------------------------------------------------------------- */

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
    ExpectStatus(target.Status, STATUS_SUCCESS,
                 "a system thread has special APCs from its beginning on");
    Normal(&noted, target.Self);
    Queue(&noted);
    TestPause(20);
    before = noted.NormalCalls;
    InterlockedExchange(&target.Go, 1);
    TestThreadJoin(&target.Thread);
    Expect(before == 0 && noted.NormalCalls == 1,
           "one that stays in its critical region has normal APCs when it ends");
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

/* ---- many ----------------------------------------------------------------------------------- */

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

static KSEMAPHORE Semaphore;

/* A thread that takes what comes, one at a time, until all has come. */
static VOID Consume(PVOID Context)
{
    PTARGET target = Context;

    Leave(target);
    Announce(target);
    while (target->Done < STORM) {
        KeWaitForSingleObject(&Semaphore, Executive, KernelMode, FALSE, NULL);
        InterlockedIncrement(&target->Done);
    }
}

/* What signals a wait and what interrupts it at once. */
static VOID CheckSignals(VOID)
{
    NOTED special, normal;
    TARGET target;
    ULONG i;

    KeInitializeSemaphore(&Semaphore, 0, MAXLONG);
    if (!Start(&target, TestOtherProcessor(TestCurrentProcessor()), Consume))
        return;
    Special(&special, target.Self);
    Normal(&normal, target.Self);
    for (i = 0; i < STORM; i++) {
        Queue(&special);
        KeReleaseSemaphore(&Semaphore, 0, 1, FALSE);
        Queue(&normal);
    }
    Expect(Comes(&target.Done, STORM), "no signal is lost to a wait that APCs interrupt");
    TestThreadJoin(&target.Thread);
    ExpectEqual((ULONG)KeReadStateSemaphore(&Semaphore), 0, "and none is taken twice");
}

VOID CheckEnds(VOID)
{
    CheckBegin();
    CheckEnd();
    CheckMany();
    CheckSignals();
}

/* ---- alerts --------------------------------------------------------------------------------- */

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
