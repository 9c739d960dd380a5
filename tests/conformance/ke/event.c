/*
 * event.c - events that are pulsed and reset, semaphores, timers that may be late by so much.
 *
 * A pulse reaches who waits at that moment. Waiters are threads of a higher priority on processor
 * 0, where the case runs: once they have said that they are there, they wait.
 */
#include "ke.h"

#define WAITERS 3
#define WAIT_MS 10000

static TEST_THREAD Waiters[WAITERS];
static volatile LONG Waiting, Woken;
static KPRIORITY Before;
static KEVENT Event;

static VOID WaiterMain(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeSetPriorityThread(KeGetCurrentThread(), KE_HIGH);
    InterlockedIncrement(&Waiting);
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    InterlockedIncrement(&Woken);
}

static BOOLEAN StartWaiters(EVENT_TYPE Type)
{
    ULONG i;

    KeInitializeEvent(&Event, Type, FALSE);
    Waiting = Woken = 0;
    TestGoTo(0);
    Before = KeSetPriorityThread(KeGetCurrentThread(), KE_HIGH - 2);
    for (i = 0; i < WAITERS; i++)
        if (!TestThreadStart(&Waiters[i], 0, WaiterMain, NULL))
            return FALSE;
    while (Waiting < WAITERS)
        TestPause(1);
    return TRUE;
}

static VOID JoinWaiters(VOID)
{
    ULONG i;

    for (i = 0; i < WAITERS; i++)
        TestThreadJoin(&Waiters[i]);
    KeSetPriorityThread(KeGetCurrentThread(), Before);
    TestAnywhere();
}

/* ---- KePulseEvent --------------------------------------------------------------------------- */

static VOID CheckPulseNotification(VOID)
{
    LONG before, woken, state;

    if (!StartWaiters(NotificationEvent))
        return;
    before = KePulseEvent(&Event, IO_NO_INCREMENT, FALSE);
    woken = Woken; /* they have a higher priority */
    state = KeReadStateEvent(&Event);
    KeSetEvent(&Event, IO_NO_INCREMENT, FALSE);
    JoinWaiters();
    ExpectEqual((ULONG)before, 0, "KePulseEvent returns the state before");
    ExpectEqual((ULONG)woken, WAITERS, "it releases all who wait for a notification event");
    ExpectEqual((ULONG)state, 0, "and the event is not signaled then");
}

static VOID CheckPulseSynchronization(VOID)
{
    LONG woken[WAITERS], i, state = 0;
    BOOLEAN each = TRUE;
    KIRQL irql;

    if (!StartWaiters(SynchronizationEvent))
        return;
    for (i = 0; i < WAITERS; i++) {
        KeRaiseIrql(DISPATCH_LEVEL, &irql);
        KePulseEvent(&Event, IO_NO_INCREMENT, FALSE);
        each = each && Woken == i;
        KeLowerIrql(irql);
        woken[i] = Woken;
        state |= KeReadStateEvent(&Event);
    }
    for (i = 0; i < WAITERS; i++) {
        each = each && woken[i] == i + 1;
        KeSetEvent(&Event, IO_NO_INCREMENT, FALSE);
    }
    JoinWaiters();
    Expect(each, "of those who wait for a synchronization event it releases one each time; called "
                 "at DISPATCH_LEVEL, that one runs when the level is lowered");
    ExpectEqual((ULONG)state, 0, "the event is not signaled afterwards");
}

static VOID CheckPulseAlone(EVENT_TYPE Type)
{
    KeInitializeEvent(&Event, Type, FALSE);
    ExpectEqual((ULONG)KePulseEvent(&Event, IO_NO_INCREMENT, FALSE), 0,
                "an event that nobody waits for is pulsed");
    ExpectStatus(TestWait(&Event, 0), STATUS_TIMEOUT, "who comes later has missed it");
    KeSetEvent(&Event, IO_NO_INCREMENT, FALSE);
    Expect(KePulseEvent(&Event, IO_NO_INCREMENT, FALSE) != 0,
           "a pulse of a signaled event returns that it was");
    ExpectEqual((ULONG)KeReadStateEvent(&Event), 0, "and resets it");
}

/* ---- KeResetEvent --------------------------------------------------------------------------- */

static VOID CheckReset(EVENT_TYPE Type)
{
    LONG set, reset;
    KIRQL irql;

    KeInitializeEvent(&Event, Type, TRUE);
    Expect(KeResetEvent(&Event) != 0, "KeResetEvent returns that the event was signaled");
    ExpectStatus(TestWait(&Event, 0), STATUS_TIMEOUT, "then it is not");
    ExpectEqual((ULONG)KeResetEvent(&Event), 0, "KeResetEvent returns that it was not");
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    KeSetEvent(&Event, IO_NO_INCREMENT, FALSE);
    set = KeResetEvent(&Event);
    reset = KeResetEvent(&Event);
    KeLowerIrql(irql);
    Expect(set != 0 && reset == 0, "at DISPATCH_LEVEL, too");
}

/* ---- KeClearEvent --------------------------------------------------------------------------- */

static VOID CheckClear(EVENT_TYPE Type)
{
    LONG state;
    KIRQL irql;

    KeInitializeEvent(&Event, Type, TRUE);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    KeClearEvent(&Event);
    state = KeReadStateEvent(&Event);
    KeLowerIrql(irql);
    Expect(state == 0 && TestWait(&Event, 0) == STATUS_TIMEOUT,
           "KeClearEvent, at DISPATCH_LEVEL, makes an event of either type not signaled");
    KeClearEvent(&Event);
    ExpectEqual((ULONG)KeReadStateEvent(&Event), 0,
                "KeClearEvent leaves an event that is not signaled as it is");
}

/* ---- KeSetEvent ----------------------------------------------------------------------------- */

static VOID CheckSet(EVENT_TYPE Type)
{
    LONG before, again, set, unset;
    KIRQL irql;

    KeInitializeEvent(&Event, Type, FALSE);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    unset = KeReadStateEvent(&Event);
    before = KeSetEvent(&Event, IO_NO_INCREMENT, FALSE);
    again = KeSetEvent(&Event, IO_NO_INCREMENT, FALSE);
    KeLowerIrql(irql);
    KeRaiseIrql(HIGH_LEVEL, &irql);
    set = KeReadStateEvent(&Event);
    KeLowerIrql(irql);
    Expect(before == 0 && again != 0, "KeSetEvent returns the state before: nonzero for signaled");
    Expect(unset == 0 && set != 0,
           "KeReadStateEvent is zero for an event that is not signaled, else nonzero, also above "
           "DISPATCH_LEVEL");
}

static VOID CheckSetWaiters(VOID)
{
    LONG woken, state;

    if (!StartWaiters(NotificationEvent))
        return;
    KeSetEvent(&Event, IO_NO_INCREMENT, FALSE);
    woken = Woken;
    state = KeReadStateEvent(&Event);
    JoinWaiters();
    Expect(woken == WAITERS && state != 0,
           "KeSetEvent of a notification event satisfies all waits, and leaves it signaled");
    if (!StartWaiters(SynchronizationEvent))
        return;
    KeSetEvent(&Event, IO_NO_INCREMENT, FALSE);
    woken = Woken;
    state = KeReadStateEvent(&Event);
    KeSetEvent(&Event, IO_NO_INCREMENT, FALSE);
    KeSetEvent(&Event, IO_NO_INCREMENT, FALSE);
    JoinWaiters();
    Expect(woken == 1 && state == 0,
           "KeSetEvent of a synchronization event satisfies one, which clears it");
}

/* ---- semaphores ----------------------------------------------------------------------------- */

static KSEMAPHORE Semaphore;

static VOID ReleaseSemaphore(PVOID Context)
{
    KeReleaseSemaphore(&Semaphore, IO_NO_INCREMENT, *(PLONG)Context, FALSE);
}

static VOID TakeSemaphore(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    if (TestWait(&Semaphore, WAIT_MS) == STATUS_SUCCESS)
        InterlockedIncrement(&Woken);
}

static VOID CheckSemaphoreLimit(VOID)
{
    static const LONG refused[] = {3, MAXLONG, 0, -1};
    ULONG i, wrong = 0;
    LONG count;
    KIRQL irql;

    KeInitializeSemaphore(&Semaphore, 1, 3);
    for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        wrong +=
            TestCatch(ReleaseSemaphore, (PVOID)&refused[i]) != STATUS_SEMAPHORE_LIMIT_EXCEEDED ||
            KeReadStateSemaphore(&Semaphore) != 1;
    ExpectEqual(wrong, 0,
                "KeReleaseSemaphore beyond the limit, or by less than one, raises "
                "STATUS_SEMAPHORE_LIMIT_EXCEEDED and changes nothing");
    KeRaiseIrql(HIGH_LEVEL, &irql);
    count = KeReadStateSemaphore(&Semaphore);
    KeLowerIrql(irql);
    ExpectEqual((ULONG)count, 1, "KeReadStateSemaphore tells the count, at any IRQL");
    ExpectEqual((ULONG)KeReleaseSemaphore(&Semaphore, IO_NO_INCREMENT, 2, FALSE), 1,
                "up to the limit it returns the count before");
    for (i = 0; i < 3; i++)
        wrong += TestWait(&Semaphore, 0) != STATUS_SUCCESS;
    Expect(wrong == 0 && TestWait(&Semaphore, 0) == STATUS_TIMEOUT,
           "as many waits are satisfied at once");
    ExpectEqual((ULONG)KeReadStateSemaphore(&Semaphore), 0,
                "KeReadStateSemaphore is zero for a semaphore that is not signaled");
    ExpectEqual((ULONG)KeReleaseSemaphore(&Semaphore, IO_NO_INCREMENT, 1, FALSE), 0,
                "KeReleaseSemaphore returns zero for one that was not");
}

static VOID CheckSemaphoreWaiters(VOID)
{
    ULONG i;

    KeInitializeSemaphore(&Semaphore, 0, WAITERS);
    Woken = 0;
    for (i = 0; i < WAITERS; i++)
        TestThreadStart(&Waiters[i], i % TestProcessors(), TakeSemaphore, NULL);
    KeReleaseSemaphore(&Semaphore, IO_NO_INCREMENT, WAITERS, FALSE);
    for (i = 0; i < WAITERS; i++)
        TestThreadJoin(&Waiters[i]);
    Expect(Woken == WAITERS && KeReadStateSemaphore(&Semaphore) == 0,
           "one release lets as many threads through as it adds");
}

/* ---- KeSetCoalescableTimer ------------------------------------------------------------------ */

#define DUE_MS 20
#define TOLERANCE_MS 50
#define TRIES 5

static VOID NTAPI CountRun(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    InterlockedIncrement(Context);
}

static VOID CheckTolerance(PKTIMER Timer)
{
    LARGE_INTEGER due = {.QuadPart = -DUE_MS * 10000LL}, frequency, before, after;
    LONGLONG passed, least = MAXLONG;
    BOOLEAN early = FALSE;
    ULONG i;

    /* The host may be busy: the least of several is the system's own. */
    for (i = 0; i < TRIES || (i < 20 * TRIES && least > DUE_MS + TOLERANCE_MS); i++) {
        before = KeQueryPerformanceCounter(&frequency);
        KeSetCoalescableTimer(Timer, due, 0, TOLERANCE_MS, NULL);
        TestWait(Timer, WAIT_MS);
        after = KeQueryPerformanceCounter(NULL);
        passed = (after.QuadPart - before.QuadPart) * 1000 / frequency.QuadPart;
        early = early || passed < DUE_MS;
        least = passed < least ? passed : least;
    }
    Expect(!early, "a timer with a tolerance does not expire before it is due");
    Expect(least <= DUE_MS + TOLERANCE_MS, "and within its tolerance");
}

static VOID CheckCoalescable(VOID)
{
    LARGE_INTEGER far = {.QuadPart = -600 * 10000000LL}, soon = {.QuadPart = -10000};
    volatile LONG runs = 0;
    KTIMER timer;
    KDPC dpc;

    KeInitializeTimerEx(&timer, SynchronizationTimer);
    KeInitializeDpc(&dpc, CountRun, (PVOID)&runs);
    Expect(!KeSetCoalescableTimer(&timer, far, 0, TOLERANCE_MS, &dpc),
           "KeSetCoalescableTimer returns FALSE for a timer that was not set");
    Expect(KeSetCoalescableTimer(&timer, far, 0, 0, &dpc), "and TRUE for one that was");
    Expect(KeCancelTimer(&timer) && !KeCancelTimer(&timer), "it can be cancelled");
    KeSetCoalescableTimer(&timer, soon, MAXLONG, MAXLONG, NULL);
    Expect(KeSetCoalescableTimer(&timer, soon, MAXLONG, 0, NULL) && KeCancelTimer(&timer),
           "a Period and a tolerance may be up to MAXLONG");
    CheckTolerance(&timer);
    KeSetCoalescableTimer(&timer, soon, 5, 1, &dpc);
    Expect(TestWait(&timer, WAIT_MS) == STATUS_SUCCESS &&
               TestWait(&timer, WAIT_MS) == STATUS_SUCCESS,
           "with a Period it expires again and again");
    /* A late clock may find two periods over at once: they make one run of the DPC. */
    while (runs < 2 && TestWait(&timer, WAIT_MS) == STATUS_SUCCESS)
        continue;
    Expect(KeCancelTimer(&timer), "until it is cancelled");
    KeFlushQueuedDpcs();
    Expect(runs >= 2, "and queues its DPC each time");
}

VOID CheckEvents(VOID)
{
    CheckPulseNotification();
    CheckPulseSynchronization();
    CheckPulseAlone(NotificationEvent);
    CheckPulseAlone(SynchronizationEvent);
    CheckReset(NotificationEvent);
    CheckReset(SynchronizationEvent);
    CheckClear(NotificationEvent);
    CheckClear(SynchronizationEvent);
    CheckSet(NotificationEvent);
    CheckSet(SynchronizationEvent);
    CheckSetWaiters();
    CheckSemaphoreLimit();
    CheckSemaphoreWaiters();
    CheckCoalescable();
}
