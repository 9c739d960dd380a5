/*
 * initialize.c - what an initialized object is, whatever its memory held, at the highest IRQL at
 * which it may be initialized.
 */
#include "ke.h"

#define WAIT_MS 10000

typedef VOID(NTAPI *PINITIALIZE_LOCK)(PKSPIN_LOCK Lock);

/* A multiple of 8, not of 16. */
static struct {
    UCHAR Bytes[256];
} __attribute__((aligned(16))) Storage;
#define MEMORY ((PVOID)(Storage.Bytes + 8))

static KIRQL Dirty(KIRQL Level)
{
    KIRQL irql;

    RtlFillMemory(&Storage, sizeof(Storage), 0xCC);
    KeRaiseIrql(Level, &irql);
    return irql;
}

/* Two waits that do not wait: bit 0, the first is satisfied; bit 1, the second. */
static ULONG TwoWaits(PVOID Object)
{
    ULONG first = TestWait(Object, 0) == STATUS_SUCCESS;

    return first | (TestWait(Object, 0) == STATUS_SUCCESS ? 2 : 0);
}

static ULONG EventIs(EVENT_TYPE Type, BOOLEAN State)
{
    PKEVENT event = MEMORY;
    KIRQL irql = Dirty(HIGH_LEVEL);
    LONG state;

    KeInitializeEvent(event, Type, State);
    state = KeReadStateEvent(event);
    KeLowerIrql(irql);
    return (state != 0) == State ? TwoWaits(event) : MAXULONG;
}

static VOID CheckEvent(VOID)
{
    Expect(EventIs(NotificationEvent, FALSE) == 0 && EventIs(SynchronizationEvent, FALSE) == 0,
           "KeInitializeEvent, at any IRQL, makes an event that is not signaled");
    ExpectEqual(EventIs(NotificationEvent, TRUE), 3,
                "KeInitializeEvent makes a signaled notification event, which satisfies each wait");
    ExpectEqual(EventIs(SynchronizationEvent, TRUE), 1,
                "KeInitializeEvent makes a signaled synchronization event, which satisfies one "
                "wait");
}

static VOID CheckMutex(VOID)
{
    PKGUARDED_MUTEX guarded = MEMORY;
    PKMUTEX mutex = MEMORY;
    KIRQL irql = Dirty(HIGH_LEVEL);

    KeInitializeMutex(mutex, 0);
    KeLowerIrql(irql);
    Expect(KeReadStateMutex(mutex) == 1 && TestWait(mutex, 0) == STATUS_SUCCESS &&
               KeReadStateMutex(mutex) == 0,
           "KeInitializeMutex, at any IRQL, in memory that is aligned to 8 bytes, makes a mutex "
           "that is signaled");
    KeReleaseMutex(mutex, FALSE);
    irql = Dirty(APC_LEVEL);
    KeInitializeGuardedMutex(guarded);
    KeLowerIrql(irql);
    KeAcquireGuardedMutex(guarded);
    Expect(KeAreAllApcsDisabled() && !KeTryToAcquireGuardedMutex(guarded),
           "KeInitializeGuardedMutex, at APC_LEVEL, in memory that is aligned to 8 bytes, makes a "
           "free mutex");
    KeReleaseGuardedMutex(guarded);
}

/* ---- semaphores ----------------------------------------------------------------------------- */

static VOID ReleaseOne(PVOID Context)
{
    KeReleaseSemaphore(Context, IO_NO_INCREMENT, 1, FALSE);
}

/* How often it can be released before it refuses, at most so often. */
static ULONG Room(PKSEMAPHORE Semaphore, ULONG Most)
{
    ULONG i;

    for (i = 0; i < Most; i++)
        if (TestCatch(ReleaseOne, Semaphore) == STATUS_SEMAPHORE_LIMIT_EXCEEDED)
            break;
    return i;
}

static VOID CheckSemaphore(VOID)
{
    static const struct {
        LONG Count, Limit;
        ULONG Room;
    } kinds[] = {{0, 1, 1}, {0, MAXLONG, 5}, {1, 1, 0}, {2, 5, 3}, {MAXLONG, MAXLONG, 0}};
    PKSEMAPHORE semaphore = MEMORY;
    ULONG i, wrong = 0;

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        KeLowerIrql(Dirty(PASSIVE_LEVEL));
        KeInitializeSemaphore(semaphore, kinds[i].Count, kinds[i].Limit);
        wrong += KeReadStateSemaphore(semaphore) != kinds[i].Count;
        wrong += Room(semaphore, 5) != kinds[i].Room;
        KeInitializeSemaphore(semaphore, kinds[i].Count, kinds[i].Limit);
        wrong += (TestWait(semaphore, 0) == STATUS_SUCCESS) != (kinds[i].Count > 0);
    }
    ExpectEqual(wrong, 0,
                "KeInitializeSemaphore gives any count from 0 and any limit up to MAXLONG; a count "
                "above 0 is signaled");
}

/* ---- timers --------------------------------------------------------------------------------- */

/* Not signaled and not queued; then what two waits are when it has expired. */
static ULONG TimerIs(PKTIMER Timer, KIRQL Irql)
{
    LARGE_INTEGER now = {.QuadPart = -1};
    BOOLEAN fresh = !KeReadStateTimer(Timer) && !KeCancelTimer(Timer);
    ULONG i;

    KeLowerIrql(Irql);
    KeSetTimer(Timer, now, NULL);
    for (i = 0; i < WAIT_MS && !KeReadStateTimer(Timer); i++)
        TestPause(1);
    return fresh ? TwoWaits(Timer) : MAXULONG;
}

static VOID CheckTimer(VOID)
{
    PKTIMER timer = MEMORY;
    KIRQL irql = Dirty(DISPATCH_LEVEL);

    KeInitializeTimer(timer);
    ExpectEqual(TimerIs(timer, irql), 3,
                "KeInitializeTimer, at DISPATCH_LEVEL, makes a notification timer that is not "
                "signaled");
    irql = Dirty(DISPATCH_LEVEL);
    KeInitializeTimerEx(timer, NotificationTimer);
    ExpectEqual(TimerIs(timer, irql), 3,
                "KeInitializeTimerEx makes a notification timer, which satisfies each wait");
    irql = Dirty(DISPATCH_LEVEL);
    KeInitializeTimerEx(timer, SynchronizationTimer);
    ExpectEqual(TimerIs(timer, irql), 1,
                "KeInitializeTimerEx makes a synchronization timer, which satisfies one wait");
}

/* ---- locks and queues ----------------------------------------------------------------------- */

static VOID CheckLockAndQueue(VOID)
{
    PINITIALIZE_LOCK exported = (PINITIALIZE_LOCK)TestRoutine(L"KeInitializeSpinLock");
    PKDEVICE_QUEUE queue = MEMORY;
    PKSPIN_LOCK lock = MEMORY;
    KIRQL irql = Dirty(HIGH_LEVEL);
    BOOLEAN free;

    exported(lock);
    free = *lock == 0 && KeTestSpinLock(lock);
    *lock = MAXULONG;
    KeInitializeSpinLock(lock);
    free = free && *lock == 0;
    KeLowerIrql(irql);
    Expect(free,
           "LOCK-1 KeInitializeSpinLock, at any IRQL, makes a free lock, exported as inlined");
    irql = Dirty(DISPATCH_LEVEL);
    KeInitializeDeviceQueue(queue);
    free = !queue->Busy && KeRemoveDeviceQueue(queue) == NULL && !queue->Busy;
    KeLowerIrql(irql);
    Expect(free, "KeInitializeDeviceQueue, at DISPATCH_LEVEL, makes a queue that is empty and not "
                 "busy");
}

VOID CheckInitialize(VOID)
{
    CheckEvent();
    CheckMutex();
    CheckSemaphore();
    CheckTimer();
    CheckLockAndQueue();
}
