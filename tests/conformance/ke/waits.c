/*
 * waits.c - waits that are announced by the call before, that only look, and of which a mutex has
 * had enough.
 */
#include "ke.h"

#define WAIT_MS 10000

static KEVENT Woken; /* what the waiter waits for */
static KSEMAPHORE WokenCount;
static KMUTEX WokenMutex;
static KEVENT Next; /* what the caller waits for next: signaled */
static KMUTEX Mutex;
static volatile LONG Waiting, Runs;

/* ---- Wait TRUE ------------------------------------------------------------------------------ */

static VOID WaiterMain(PVOID Object)
{
    KeSetPriorityThread(KeGetCurrentThread(), KE_HIGH);
    InterlockedIncrement(&Waiting);
    KeWaitForSingleObject(Object, Executive, KernelMode, FALSE, NULL);
    InterlockedIncrement(&Runs);
    if (Object == &WokenMutex)
        KeReleaseMutex(&WokenMutex, FALSE);
}

static VOID Set(BOOLEAN Wait)
{
    KeSetEvent(&Woken, IO_NO_INCREMENT, Wait);
}

static VOID Pulse(BOOLEAN Wait)
{
    KePulseEvent(&Woken, IO_NO_INCREMENT, Wait);
}

static VOID ReleaseSemaphore(BOOLEAN Wait)
{
    KeReleaseSemaphore(&WokenCount, IO_NO_INCREMENT, 1, Wait);
}

static VOID ReleaseMutex(BOOLEAN Wait)
{
    KeReleaseMutex(&WokenMutex, Wait);
}

typedef struct _ANNOUNCED {
    VOID (*Signal)(BOOLEAN Wait);
    PVOID Object;
    PCSTR Name;
} ANNOUNCED;

/* Signal wakes a thread of higher priority on this processor, which runs when the wait is over. */
static BOOLEAN Announce(const ANNOUNCED *Announced, KIRQL From)
{
    KIRQL outside, between, after;
    TEST_THREAD thread;
    LONG early;

    Waiting = Runs = 0;
    KeInitializeEvent(&Next, NotificationEvent, TRUE);
    if (!TestThreadStart(&thread, 0, WaiterMain, Announced->Object))
        return FALSE;
    while (Waiting == 0)
        TestPause(1);
    KeRaiseIrql(From, &outside);
    Announced->Signal(TRUE);
    between = KeGetCurrentIrql();
    early = Runs;
    KeWaitForSingleObject(&Next, Executive, KernelMode, FALSE, NULL);
    after = KeGetCurrentIrql();
    KeLowerIrql(outside);
    TestThreadJoin(&thread);
    return between == DISPATCH_LEVEL && early == 0 && after == From && Runs == 1;
}

static VOID CheckAnnounced(VOID)
{
    static const ANNOUNCED announced[] = {
        {Set, &Woken, "KeSetEvent with Wait leaves DISPATCH_LEVEL to the wait that follows it"},
        {Pulse, &Woken, "KePulseEvent with Wait leaves DISPATCH_LEVEL to the wait that follows it"},
        {ReleaseSemaphore, &WokenCount,
         "KeReleaseSemaphore with Wait leaves DISPATCH_LEVEL to the wait that follows it"},
        {ReleaseMutex, &WokenMutex,
         "KeReleaseMutex with Wait leaves DISPATCH_LEVEL to the wait that follows it"},
    };
    KPRIORITY before;
    BOOLEAN passed;
    ULONG i;

    KeInitializeEvent(&Woken, SynchronizationEvent, FALSE);
    KeInitializeSemaphore(&WokenCount, 0, 1);
    KeInitializeMutex(&WokenMutex, 0);
    TestGoTo(0);
    before = KeSetPriorityThread(KeGetCurrentThread(), KE_HIGH - 2);
    for (i = 0; i < sizeof(announced) / sizeof(announced[0]); i++) {
        if (announced[i].Object == &WokenMutex)
            TestWait(&WokenMutex, 0);
        passed = Announce(&announced[i], PASSIVE_LEVEL);
        Expect(passed, announced[i].Name);
    }
    Expect(Announce(&announced[0], APC_LEVEL), "which restores APC_LEVEL, too");
    KeSetPriorityThread(KeGetCurrentThread(), before);
    TestAnywhere();
}

/* The wait that follows may be for several, may be over in time, and may begin at once. */
static VOID CheckAnnouncedWaits(VOID)
{
    LARGE_INTEGER none = {.QuadPart = 0}, soon = {.QuadPart = -10000};
    PVOID objects[2] = {&Woken, &Next};
    NTSTATUS several, looked, timed;
    KIRQL irql[3];

    KeInitializeEvent(&Woken, NotificationEvent, FALSE);
    KeInitializeEvent(&Next, NotificationEvent, FALSE);
    KeSetEvent(&Next, IO_NO_INCREMENT, TRUE);
    several =
        KeWaitForMultipleObjects(2, objects, WaitAny, Executive, KernelMode, FALSE, NULL, NULL);
    irql[0] = KeGetCurrentIrql();
    KeSetEvent(&Next, IO_NO_INCREMENT, TRUE);
    looked = KeWaitForSingleObject(&Woken, Executive, KernelMode, FALSE, &none);
    irql[1] = KeGetCurrentIrql();
    KeSetEvent(&Next, IO_NO_INCREMENT, TRUE);
    timed = KeWaitForSingleObject(&Woken, Executive, KernelMode, FALSE, &soon);
    irql[2] = KeGetCurrentIrql();
    Expect(several == STATUS_WAIT_1 && looked == STATUS_TIMEOUT && timed == STATUS_TIMEOUT,
           "the wait that follows is like any other");
    Expect(irql[0] == PASSIVE_LEVEL && irql[1] == PASSIVE_LEVEL && irql[2] == PASSIVE_LEVEL,
           "and restores the IRQL however it ends");
}

/* ---- looking -------------------------------------------------------------------------------- */

static VOID CheckLooks(VOID)
{
    LARGE_INTEGER none = {.QuadPart = 0};
    PVOID objects[THREAD_WAIT_OBJECTS] = {&Woken, &WokenCount, &Next};
    NTSTATUS unset, set, any, all;
    KIRQL irql, after;

    KeInitializeEvent(&Woken, SynchronizationEvent, FALSE);
    KeInitializeEvent(&Next, SynchronizationEvent, FALSE);
    KeInitializeSemaphore(&WokenCount, 0, 1);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    unset = KeWaitForSingleObject(&Woken, Executive, KernelMode, FALSE, &none);
    KeSetEvent(&Woken, IO_NO_INCREMENT, FALSE);
    set = KeWaitForSingleObject(&Woken, Executive, KernelMode, FALSE, &none);
    KeSetEvent(&Next, IO_NO_INCREMENT, FALSE);
    all = KeWaitForMultipleObjects(THREAD_WAIT_OBJECTS, objects, WaitAll, Executive, KernelMode,
                                   FALSE, &none, NULL);
    any = KeWaitForMultipleObjects(THREAD_WAIT_OBJECTS, objects, WaitAny, Executive, KernelMode,
                                   FALSE, &none, NULL);
    after = KeGetCurrentIrql();
    KeLowerIrql(irql);
    Expect(unset == STATUS_TIMEOUT && set == STATUS_SUCCESS && after == DISPATCH_LEVEL,
           "KeWaitForSingleObject with a timeout of 0 looks at an object at DISPATCH_LEVEL, too");
    Expect(all == STATUS_TIMEOUT && any == STATUS_WAIT_2,
           "KeWaitForMultipleObjects looks there as well; three objects need no wait blocks");
    ExpectEqual((ULONG)KeReadStateEvent(&Next), 0, "and takes what it finds");
}

/* ---- mutexes -------------------------------------------------------------------------------- */

static VOID TakeMutex(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeWaitForSingleObject(&Mutex, Executive, KernelMode, FALSE, NULL);
}

static VOID TakeOne(PVOID Context)
{
    PVOID objects[2] = {&Next, &Mutex};

    KeWaitForMultipleObjects(2, objects, *(WAIT_TYPE *)Context, Executive, KernelMode, FALSE, NULL,
                             NULL);
}

static VOID GiveMutex(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeReleaseMutex(&Mutex, FALSE);
}

/* Nobody has the time to take it 2^31 times: its state, which the headers show, says it was. */
static VOID CheckMutexLimit(VOID)
{
    static WAIT_TYPE all = WaitAll, any = WaitAny;

    KeInitializeEvent(&Next, NotificationEvent, TRUE);
    KeInitializeMutex(&Mutex, 0);
    TakeMutex(NULL);
    Mutex.Header.SignalState = (LONG)MINLONG + 1;
    ExpectStatus(TestCatch(TakeMutex, NULL), STATUS_SUCCESS,
                 "a mutex can be acquired until its state is MINLONG");
    ExpectEqual((ULONG)KeReadStateMutex(&Mutex), MINLONG, "which it is then");
    ExpectStatus(TestCatch(TakeMutex, NULL), STATUS_MUTANT_LIMIT_EXCEEDED,
                 "KeWaitForSingleObject once more raises STATUS_MUTANT_LIMIT_EXCEEDED");
    ExpectStatus(TestCatch(TakeOne, &all), STATUS_MUTANT_LIMIT_EXCEEDED,
                 "so does KeWaitForMultipleObjects");
    ExpectEqual((ULONG)KeReadStateMutex(&Mutex), MINLONG, "both leave the mutex as it was");
    ExpectStatus(TestCatch(TakeOne, &any), STATUS_SUCCESS,
                 "unless another object satisfies the wait");
    Mutex.Header.SignalState = -1; /* acquired twice, as it was */
    GiveMutex(NULL);
    GiveMutex(NULL);
    ExpectEqual((ULONG)KeReadStateMutex(&Mutex), 1, "released as often it is free");
}

static VOID HoldMutex(PVOID Context)
{
    TakeMutex(NULL);
    *(NTSTATUS *)Context = TestWait(&Next, WAIT_MS);
    GiveMutex(NULL);
}

static VOID CheckNotOwned(VOID)
{
    NTSTATUS waited = STATUS_UNSUCCESSFUL;
    TEST_THREAD thread;

    KeInitializeMutex(&Mutex, 0);
    ExpectStatus(TestCatch(GiveMutex, NULL), STATUS_MUTANT_NOT_OWNED,
                 "DISC-26 KeReleaseMutex of a free mutex raises STATUS_MUTANT_NOT_OWNED");
    ExpectEqual((ULONG)KeReadStateMutex(&Mutex), 1, "and leaves it free");
    KeInitializeEvent(&Next, NotificationEvent, FALSE);
    if (!TestThreadStart(&thread, TestOtherProcessor(TestCurrentProcessor()), HoldMutex, &waited))
        return;
    while (KeReadStateMutex(&Mutex) == 1)
        TestPause(1);
    ExpectStatus(TestCatch(GiveMutex, NULL), STATUS_MUTANT_NOT_OWNED,
                 "KeReleaseMutex of what another thread holds raises STATUS_MUTANT_NOT_OWNED");
    ExpectEqual((ULONG)KeReadStateMutex(&Mutex), 0, "and leaves it held");
    KeSetEvent(&Next, IO_NO_INCREMENT, FALSE);
    TestThreadJoin(&thread);
    Expect(waited == STATUS_SUCCESS && KeReadStateMutex(&Mutex) == 1,
           "until its owner releases it");
}

static VOID GiveAtDispatch(PVOID Context)
{
    KIRQL irql;

    UNREFERENCED_PARAMETER(Context);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    KeReleaseMutex(&Mutex, FALSE);
    KeLowerIrql(irql);
}

static VOID CheckMutexLevel(VOID)
{
    LARGE_INTEGER none = {.QuadPart = 0};
    NTSTATUS taken, raised;
    KIRQL irql;

    KeInitializeMutex(&Mutex, 0);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    taken = KeWaitForSingleObject(&Mutex, Executive, KernelMode, FALSE, &none);
    KeLowerIrql(irql);
    ExpectStatus(taken, STATUS_SUCCESS, "a mutex can be acquired at DISPATCH_LEVEL");
    ExpectStatus(TestCatch(GiveMutex, NULL), STATUS_MUTANT_NOT_OWNED,
                 "below it KeReleaseMutex then raises STATUS_MUTANT_NOT_OWNED");
    GiveAtDispatch(NULL);
    ExpectEqual((ULONG)KeReadStateMutex(&Mutex), 1, "there it releases it");
    TakeMutex(NULL);
    raised = TestCatch(GiveAtDispatch, NULL);
    KeLowerIrql(PASSIVE_LEVEL); /* where the exception has left it */
    ExpectStatus(raised, STATUS_MUTANT_NOT_OWNED,
                 "at DISPATCH_LEVEL it raises it for a mutex that was acquired below");
    GiveMutex(NULL);
    ExpectEqual((ULONG)KeReadStateMutex(&Mutex), 1, "below it releases that");
}

VOID CheckWaiting(VOID)
{
    CheckAnnounced();
    CheckAnnouncedWaits();
    CheckLooks();
    CheckMutexLimit();
    CheckNotOwned();
    CheckMutexLevel();
}
