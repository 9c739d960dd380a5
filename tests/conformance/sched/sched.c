/*
 * sched.c - scheduling as drivers feel it: who runs when, on which processor, after which wait.
 *
 * All threads of a case run on processor 0, so that it shows in which order they run. Stops: waits
 * for more objects than there may be, and a thread that ends with a mutex.
 */
#include "suite.h"

#define LOW 6 /* below that of new threads */
#define MIDDLE 12
#define HIGH 14
#define REALTIME 17
#define WAITERS 4
#define OBJECTS MAXIMUM_WAIT_OBJECTS

static VOID Wait(PVOID Object)
{
    KeWaitForSingleObject(Object, Executive, KernelMode, FALSE, NULL);
}

static NTSTATUS WaitFor(PVOID Object, LONG Milliseconds)
{
    LARGE_INTEGER timeout;

    timeout.QuadPart = -(LONGLONG)Milliseconds * 10000;
    return KeWaitForSingleObject(Object, Executive, KernelMode, FALSE, &timeout);
}

static KPRIORITY SetPriority(KPRIORITY Priority)
{
    return KeSetPriorityThread(KeGetCurrentThread(), Priority);
}

/* ---- priorities ------------------------------------------------------------------------------ */

typedef struct _SLEEPER {
    TEST_THREAD Thread;
    KEVENT Event;
    KPRIORITY Priority;
    KPRIORITY Woken; /* its priority when the wait was over */
    KPRIORITY Later; /* and after it has run for some quanta */
    volatile LONG Ready, Runs;
} SLEEPER, *PSLEEPER;

static VOID Burn(ULONG Milliseconds)
{
    ULONG i;

    for (i = 0; i < Milliseconds * 100; i++)
        KeStallExecutionProcessor(10);
}

static VOID SleeperMain(PVOID Context)
{
    PSLEEPER sleeper = Context;

    SetPriority(sleeper->Priority);
    InterlockedIncrement(&sleeper->Ready);
    Wait(&sleeper->Event);
    sleeper->Woken = KeQueryPriorityThread(KeGetCurrentThread());
    InterlockedIncrement(&sleeper->Runs);
    if (sleeper->Woken == sleeper->Priority)
        return;
    Burn(400);
    sleeper->Later = KeQueryPriorityThread(KeGetCurrentThread());
}

/* A thread of this priority that waits on processor 0; the caller goes there, too. */
static BOOLEAN StartSleeper(PSLEEPER Sleeper, KPRIORITY Priority)
{
    RtlZeroMemory(Sleeper, sizeof(*Sleeper));
    KeInitializeEvent(&Sleeper->Event, SynchronizationEvent, FALSE);
    Sleeper->Priority = Priority;
    TestGoTo(0);
    if (!TestThreadStart(&Sleeper->Thread, 0, SleeperMain, Sleeper))
        return FALSE;
    while (Sleeper->Ready == 0)
        TestPause(1);
    TestPause(20);
    return TRUE;
}

static VOID CheckPreemption(VOID)
{
    static SLEEPER sleeper;
    KPRIORITY old = SetPriority(MIDDLE);
    LONG runs;

    ExpectEqual((ULONG)SetPriority(MIDDLE), MIDDLE,
                "KeSetPriorityThread returns the priority before");
    if (StartSleeper(&sleeper, HIGH)) {
        KeSetEvent(&sleeper.Event, IO_NO_INCREMENT, FALSE);
        Expect(sleeper.Runs == 1, "G-KE-33 a waiting thread of higher priority runs at once");
        TestThreadJoin(&sleeper.Thread);
    }
    if (StartSleeper(&sleeper, LOW)) {
        KeSetEvent(&sleeper.Event, IO_NO_INCREMENT, FALSE);
        Burn(100);
        runs = sleeper.Runs;
        TestThreadJoin(&sleeper.Thread);
        Expect(runs == 0 && sleeper.Runs == 1,
               "a thread of lower priority runs once nobody else is ready");
    }
    if (StartSleeper(&sleeper, HIGH)) {
        KIRQL irql;

        KeRaiseIrql(DISPATCH_LEVEL, &irql);
        KeSetEvent(&sleeper.Event, IO_NO_INCREMENT, FALSE);
        runs = sleeper.Runs;
        KeLowerIrql(irql);
        Expect(runs == 0 && sleeper.Runs == 1, "RAI-8 no thread is switched to above APC_LEVEL");
        TestThreadJoin(&sleeper.Thread);
    }
    SetPriority(old);
    TestAnywhere();
}

static VOID CheckBoost(VOID)
{
    static SLEEPER sleeper;
    KPRIORITY old = SetPriority(REALTIME);

    if (StartSleeper(&sleeper, LOW)) {
        KeSetEvent(&sleeper.Event, 3, FALSE);
        TestThreadJoin(&sleeper.Thread);
        ExpectEqual((ULONG)sleeper.Woken, LOW + 3,
                    "G-KE-33 Increment is added to the waiter's priority");
        ExpectEqual((ULONG)sleeper.Later, LOW, "the boost is gone after some quanta");
    }
    if (StartSleeper(&sleeper, HIGH)) {
        KeSetEvent(&sleeper.Event, 6, FALSE);
        TestThreadJoin(&sleeper.Thread);
        ExpectEqual((ULONG)sleeper.Woken, LOW_REALTIME_PRIORITY - 1,
                    "a boost does not reach the real-time priorities");
    }
    if (StartSleeper(&sleeper, REALTIME + 1)) {
        KeSetEvent(&sleeper.Event, 6, FALSE);
        TestThreadJoin(&sleeper.Thread);
        ExpectEqual((ULONG)sleeper.Woken, REALTIME + 1, "a real-time thread is not boosted");
    }
    SetPriority(old);
    TestAnywhere();
}

/* ---- quanta ---------------------------------------------------------------------------------- */

typedef struct _SPINNER {
    TEST_THREAD Thread;
    volatile LONG *Stop;
    volatile LONG Turns;
} SPINNER, *PSPINNER;

static VOID SpinnerMain(PVOID Context)
{
    PSPINNER spinner = Context;

    SetPriority(LOW);
    while (*spinner->Stop == 0)
        InterlockedIncrement(&spinner->Turns);
}

static VOID CheckQuanta(VOID)
{
    static SPINNER spinners[3];
    volatile LONG stop = 0;
    KPRIORITY old = SetPriority(REALTIME);
    ULONG i;

    for (i = 0; i < 3; i++) {
        spinners[i].Stop = &stop;
        spinners[i].Turns = 0;
        if (!TestThreadStart(&spinners[i].Thread, 0, SpinnerMain, &spinners[i]))
            stop = 1;
    }
    for (i = 0;
         i < 500 && stop == 0 && (!spinners[0].Turns || !spinners[1].Turns || !spinners[2].Turns);
         i++)
        TestPause(10);
    stop = 1;
    for (i = 0; i < 3; i++)
        TestThreadJoin(&spinners[i].Thread);
    Expect(spinners[0].Turns && spinners[1].Turns && spinners[2].Turns,
           "threads of one priority take turns by quanta");
    SetPriority(old);
}

/* ---- order of waiters ------------------------------------------------------------------------ */

typedef struct _QUEUE {
    PVOID Object;
    BOOLEAN IsMutex;
    volatile LONG Waiting, Served;
    ULONG Order[WAITERS];
} QUEUE, *PQUEUE;

typedef struct _WAITER {
    TEST_THREAD Thread;
    PQUEUE Queue;
    ULONG Number;
} WAITER;

static VOID WaiterMain(PVOID Context)
{
    WAITER *waiter = Context;
    PQUEUE queue = waiter->Queue;

    InterlockedIncrement(&queue->Waiting);
    Wait(queue->Object);
    queue->Order[InterlockedIncrement(&queue->Served) - 1] = waiter->Number;
    if (queue->IsMutex)
        KeReleaseMutex(queue->Object, FALSE);
}

/* WAITERS threads, one after the other, wait; TRUE: they were served in that order. */
static BOOLEAN InOrder(PQUEUE Queue, VOID (*Release)(PVOID Object))
{
    static WAITER waiters[WAITERS];
    BOOLEAN ordered = TRUE;
    ULONG i;

    Queue->Waiting = Queue->Served = 0;
    for (i = 0; i < WAITERS; i++) {
        waiters[i].Queue = Queue;
        waiters[i].Number = i;
        if (!TestThreadStart(&waiters[i].Thread, 0, WaiterMain, &waiters[i]))
            return FALSE;
        while (Queue->Waiting <= (LONG)i)
            TestPause(1);
        TestPause(10);
    }
    ordered = Queue->Served == 0;
    for (i = 0; i < WAITERS; i++) {
        if (i == 0 || !Queue->IsMutex)
            Release(Queue->Object);
        while (Queue->Served <= (LONG)i)
            TestPause(1);
        ordered = ordered && Queue->Order[i] == i;
    }
    for (i = 0; i < WAITERS; i++)
        TestThreadJoin(&waiters[i].Thread);
    return ordered;
}

static VOID ReleaseMutex(PVOID Object)
{
    KeReleaseMutex(Object, FALSE);
}

static VOID ReleaseEvent(PVOID Object)
{
    KeSetEvent(Object, IO_NO_INCREMENT, FALSE);
}

static VOID ReleaseSemaphore(PVOID Object)
{
    KeReleaseSemaphore(Object, IO_NO_INCREMENT, 1, FALSE);
}

static VOID CheckOrder(VOID)
{
    static QUEUE queue;
    static KMUTEX mutex;
    static KEVENT event;
    static KSEMAPHORE semaphore;

    KeInitializeMutex(&mutex, 0);
    Wait(&mutex);
    Wait(&mutex);
    ExpectEqual((ULONG)KeReleaseMutex(&mutex, FALSE), (ULONG)-1,
                "G-KE-41 a mutex taken twice is released twice");
    queue.Object = &mutex;
    queue.IsMutex = TRUE;
    Expect(InOrder(&queue, ReleaseMutex), "a mutex is handed on in the order of the waits");
    ExpectEqual((ULONG)KeReadStateMutex(&mutex), 1, "G-KE-42 a free mutex reads as 1");

    KeInitializeEvent(&event, SynchronizationEvent, FALSE);
    queue.Object = &event;
    queue.IsMutex = FALSE;
    Expect(InOrder(&queue, ReleaseEvent),
           "a synchronization event lets its waiters through in order");
    KeInitializeSemaphore(&semaphore, 0, WAITERS);
    queue.Object = &semaphore;
    Expect(InOrder(&queue, ReleaseSemaphore), "a semaphore lets its waiters through in order");
}

/* ---- waits for many -------------------------------------------------------------------------- */

static VOID CheckMany(VOID)
{
    static KEVENT events[OBJECTS];
    static KWAIT_BLOCK blocks[OBJECTS];
    static PVOID objects[OBJECTS];
    LARGE_INTEGER none = {.QuadPart = 0};
    ULONG i, wrong = 0;

    for (i = 0; i < OBJECTS; i++) {
        KeInitializeEvent(&events[i], SynchronizationEvent, FALSE);
        objects[i] = &events[i];
    }
    for (i = 0; i < OBJECTS; i++) {
        KeSetEvent(&events[i], IO_NO_INCREMENT, FALSE);
        if (KeWaitForMultipleObjects(OBJECTS, objects, WaitAny, Executive, KernelMode, FALSE, &none,
                                     blocks) != (NTSTATUS)(STATUS_WAIT_0 + i))
            wrong++;
    }
    ExpectEqual(wrong, 0, "G-KE-38 a wait for any of 64 tells which");
    for (i = 0; i < OBJECTS; i++) {
        if (KeWaitForMultipleObjects(OBJECTS, objects, WaitAll, Executive, KernelMode, FALSE, &none,
                                     blocks) != STATUS_TIMEOUT)
            wrong++;
        KeSetEvent(&events[i], IO_NO_INCREMENT, FALSE);
    }
    ExpectEqual(wrong, 0, "G-KE-38 a wait for all of 64 is not over before the last");
    ExpectStatus(KeWaitForMultipleObjects(OBJECTS, objects, WaitAll, Executive, KernelMode, FALSE,
                                          &none, blocks),
                 STATUS_SUCCESS, "G-KE-38 a wait for all of 64 takes all");
    for (i = 0; i < OBJECTS; i++)
        wrong += KeReadStateEvent(&events[i]) != 0;
    ExpectEqual(wrong, 0, "a wait for all resets each synchronization event");
}

/* ---- processors ------------------------------------------------------------------------------ */

static volatile LONG IpiCalls, IpiWrong;

static ULONG_PTR NTAPI IpiRoutine(ULONG_PTR Argument)
{
    InterlockedIncrement(&IpiCalls);
    if (KeGetCurrentIrql() != IPI_LEVEL || Argument != (ULONG_PTR)&IpiCalls)
        InterlockedIncrement(&IpiWrong);
    return Argument + 1;
}

static VOID CheckProcessors(VOID)
{
    ULONG i, wrong = 0;

    for (i = 0; i < TestProcessors(); i++) {
        TestGoTo(i);
        wrong += TestCurrentProcessor() != i;
        TestPause(1);
        wrong += TestCurrentProcessor() != i;
    }
    TestAnywhere();
    ExpectEqual(wrong, 0, "a thread is on its processor when the call that sends it there returns");
    IpiCalls = IpiWrong = 0;
    Expect(KeIpiGenericCall(IpiRoutine, (ULONG_PTR)&IpiCalls) == (ULONG_PTR)&IpiCalls + 1,
           "KeIpiGenericCall returns what the routine returned here");
    ExpectEqual((ULONG)IpiCalls, TestProcessors(), "KeIpiGenericCall runs once on each processor");
    ExpectEqual((ULONG)IpiWrong, 0,
                "KeIpiGenericCall runs at IPI_LEVEL with the caller's argument");
}

/* ---- time ------------------------------------------------------------------------------------ */

#define SLEEPS 15

static VOID CheckTime(VOID)
{
    LARGE_INTEGER frequency, before, after;
    ULONG64 late[SLEEPS], swap;
    ULONG i, k, early = 0;
    KTIMER timer;

    KeInitializeTimerEx(&timer, SynchronizationTimer);
    for (i = 0; i < SLEEPS; i++) {
        LARGE_INTEGER due = {.QuadPart = -30000 - (LONGLONG)i * 1000};
        LONGLONG passed;

        before = KeQueryPerformanceCounter(&frequency);
        KeSetTimer(&timer, due, NULL);
        Wait(&timer);
        after = KeQueryPerformanceCounter(NULL);
        passed = (after.QuadPart - before.QuadPart) * 10000000 / frequency.QuadPart;
        if (passed < -due.QuadPart)
            early++;
        late[i] = passed < -due.QuadPart ? 0 : (ULONG64)(passed + due.QuadPart);
        for (k = i; k > 0 && late[k - 1] > late[k]; k--) {
            swap = late[k];
            late[k] = late[k - 1];
            late[k - 1] = swap;
        }
    }
    DbgPrint("# timers late by %u to %u, median %u us\n", (ULONG)late[0] / 10,
             (ULONG)late[SLEEPS - 1] / 10, (ULONG)late[SLEEPS / 2] / 10);
    ExpectEqual(early, 0, "no timer expires early");
    /* The host may be busy: the least of many is the system's own. */
    Expect(late[0] <= 10000, "a timer on an idle processor is not more than 1 ms late");
}

/* ---- APCs and regions ------------------------------------------------------------------------ */

static VOID CheckRegions(VOID)
{
    KIRQL irql;

    Expect(!KeAreApcsDisabled() && !KeAreAllApcsDisabled(),
           "APCs are enabled in a thread that has not disabled them");
    KeEnterCriticalRegion();
    KeEnterCriticalRegion();
    KeLeaveCriticalRegion();
    Expect(KeAreApcsDisabled() && !KeAreAllApcsDisabled(),
           "APC-5 a critical region, also a nested one, disables normal APCs");
    KeLeaveCriticalRegion();
    KeEnterGuardedRegion();
    Expect(KeAreApcsDisabled() && KeAreAllApcsDisabled(), "a guarded region disables all APCs");
    KeLeaveGuardedRegion();
    KeRaiseIrql(APC_LEVEL, &irql);
    Expect(KeAreAllApcsDisabled(), "APC_LEVEL disables all APCs");
    KeLowerIrql(irql);
    Expect(!KeAreApcsDisabled() && !KeAreAllApcsDisabled(), "leaving the regions enables APCs");
}

static VOID CheckTimeouts(VOID)
{
    KEVENT event;
    LARGE_INTEGER when;

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    ExpectStatus(WaitFor(&event, 0), STATUS_TIMEOUT, "G-KE-37 a timeout of 0 looks and returns");
    KeQuerySystemTime(&when);
    ExpectStatus(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &when), STATUS_TIMEOUT,
                 "G-KE-37 an absolute timeout in the past is over at once");
    when.QuadPart += 200000;
    ExpectStatus(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &when), STATUS_TIMEOUT,
                 "G-KE-37 an absolute timeout passes");
}

static VOID Run(VOID)
{
    CheckPreemption();
    CheckBoost();
    CheckQuanta();
    CheckOrder();
    CheckMany();
    CheckProcessors();
    CheckTime();
    CheckTimeouts();
    CheckRegions();
}

/* ---- stops ----------------------------------------------------------------------------------- */

static VOID KeepMutex(PVOID Context)
{
    Wait(Context);
}

static VOID Stop(ULONG Number)
{
    static KEVENT events[OBJECTS + 1];
    static KWAIT_BLOCK blocks[OBJECTS + 1];
    static PVOID objects[OBJECTS + 1];
    static KMUTEX mutex;
    TEST_THREAD thread;
    ULONG i;

    for (i = 0; i < OBJECTS + 1; i++) {
        KeInitializeEvent(&events[i], NotificationEvent, TRUE);
        objects[i] = &events[i];
    }
    if (Number == 1) {
        ExpectStop(0xC, TEST_ANY, TEST_ANY, TEST_ANY, TEST_ANY,
                   "G-KE-38 a wait for four objects needs the caller's wait blocks");
        KeWaitForMultipleObjects(THREAD_WAIT_OBJECTS + 1, objects, WaitAny, Executive, KernelMode,
                                 FALSE, NULL, NULL);
    } else if (Number == 2) {
        ExpectStop(0xC, TEST_ANY, TEST_ANY, TEST_ANY, TEST_ANY,
                   "G-KE-38 nobody can wait for 65 objects");
        KeWaitForMultipleObjects(OBJECTS + 1, objects, WaitAny, Executive, KernelMode, FALSE, NULL,
                                 blocks);
    } else if (Number == 3) {
        ExpectStop(0x20, 0, (ULONG64)-1, 0, 0,
                   "a thread that ends with APCs disabled, as by a mutex, stops the system");
        KeInitializeMutex(&mutex, 0);
        if (TestThreadStart(&thread, 0, KeepMutex, &mutex))
            TestThreadJoin(&thread);
    }
}

const TEST_GROUP TestGroup = {.Run = Run, .Stop = Stop};
