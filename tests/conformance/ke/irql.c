/*
 * irql.c - the exported forms of raising and lowering, which headers inline, and the spin locks
 * that are taken at levels of their own.
 */
#include "ke.h"

#define WAIT_MS 10000

typedef KIRQL(NTAPI *PRAISE)(KIRQL NewIrql);
typedef VOID(NTAPI *PLOWER)(KIRQL NewIrql);
typedef VOID(NTAPI *PRAISE_TO)(KIRQL NewIrql, PKIRQL OldIrql);
typedef KIRQL(NTAPI *PRAISE_TO_LEVEL)(VOID);
typedef KIRQL(NTAPI *PACQUIRE)(PKSPIN_LOCK Lock);
typedef VOID(NTAPI *PACQUIRE_QUEUED)(PKSPIN_LOCK Lock, PKLOCK_QUEUE_HANDLE Handle);

static PRAISE Raise;
static PLOWER Lower;
static PRAISE_TO RaiseTo;
static PLOWER LowerTo;
static PRAISE_TO_LEVEL RaiseToDpc, RaiseToSynch;
static PACQUIRE AcquireToSynch;
static PACQUIRE_QUEUED AcquireQueuedToSynch;

static VOID Find(VOID)
{
    Raise = (PRAISE)TestRoutine(L"KfRaiseIrql");
    Lower = (PLOWER)TestRoutine(L"KfLowerIrql");
    RaiseTo = (PRAISE_TO)TestRoutine(L"KeRaiseIrql");
    LowerTo = (PLOWER)TestRoutine(L"KeLowerIrql");
    RaiseToDpc = (PRAISE_TO_LEVEL)TestRoutine(L"KeRaiseIrqlToDpcLevel");
    RaiseToSynch = (PRAISE_TO_LEVEL)TestRoutine(L"KeRaiseIrqlToSynchLevel");
    AcquireToSynch = (PACQUIRE)TestRoutine(L"KeAcquireSpinLockRaiseToSynch");
    AcquireQueuedToSynch =
        (PACQUIRE_QUEUED)TestRoutine(L"KeAcquireInStackQueuedSpinLockRaiseToSynch");
}

/* ---- levels --------------------------------------------------------------------------------- */

static VOID NTAPI CountRun(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    InterlockedIncrement(Context);
}

static VOID CheckEachLevel(VOID)
{
    ULONG wrong = 0, wrongTo = 0;
    KIRQL low, high, first, second;

    for (low = PASSIVE_LEVEL; low <= HIGH_LEVEL; low++) {
        for (high = low; high <= HIGH_LEVEL; high++) {
            wrong += Raise(low) != PASSIVE_LEVEL || KeGetCurrentIrql() != low;
            wrong += Raise(high) != low || KeGetCurrentIrql() != high;
            Lower(low);
            wrong += KeGetCurrentIrql() != low;
            Lower(PASSIVE_LEVEL);
            wrong += KeGetCurrentIrql() != PASSIVE_LEVEL;
            RaiseTo(low, &first);
            RaiseTo(high, &second);
            wrongTo += first != PASSIVE_LEVEL || second != low || KeGetCurrentIrql() != high;
            LowerTo(second);
            wrongTo += KeGetCurrentIrql() != low;
            LowerTo(first);
            wrongTo += KeGetCurrentIrql() != PASSIVE_LEVEL;
        }
    }
    ExpectEqual(wrong, 0,
                "RAI-1, RAI-3 KfRaiseIrql raises from each level to each not below it and returns "
                "the level before, KfLowerIrql goes back");
    ExpectEqual(wrongTo, 0,
                "RAI-1, RAI-2, RAI-3 KeRaiseIrql, where it is imported, does the same and stores "
                "the level before, KeLowerIrql goes back");
}

VOID CheckIrql(VOID)
{
    static const KIRQL from[] = {PASSIVE_LEVEL, APC_LEVEL, DISPATCH_LEVEL, SYNCH_LEVEL};
    volatile LONG runs = 0;
    LONG held;
    KIRQL old, inside, outside;
    ULONG i;
    KDPC dpc;

    Find();
    CheckEachLevel();
    KeInitializeDpc(&dpc, CountRun, (PVOID)&runs);
    Raise(DISPATCH_LEVEL);
    KeInsertQueueDpc(&dpc, NULL, NULL);
    held = runs;
    Lower(PASSIVE_LEVEL);
    Expect(held == 0 && runs == 1, "RAI-8 KfLowerIrql runs the DPC that has waited for it");
    for (i = 0; i < sizeof(from) && from[i] <= DISPATCH_LEVEL; i++) {
        outside = Raise(from[i]);
        old = RaiseToDpc();
        inside = KeGetCurrentIrql();
        Lower(old);
        Lower(outside);
        Expect(old == from[i] && inside == DISPATCH_LEVEL,
               "RAI-4 KeRaiseIrqlToDpcLevel, where it is imported, raises to DISPATCH_LEVEL and "
               "returns the level before");
    }
    for (i = 0; i < sizeof(from); i++) {
        outside = Raise(from[i]);
        old = RaiseToSynch();
        inside = KeGetCurrentIrql();
        Lower(old);
        Lower(outside);
        Expect(old == from[i] && inside == SYNCH_LEVEL,
               "KeRaiseIrqlToSynchLevel raises to SYNCH_LEVEL and returns the level before");
    }
}

VOID StopIrql(ULONG Number)
{
    KIRQL old;

    Find();
    Raise(DISPATCH_LEVEL);
    if (Number == 4) {
        ExpectStop(0x9, TEST_ANY, DISPATCH_LEVEL, APC_LEVEL, TEST_ANY,
                   "RAI-1, RAI-6 KeRaiseIrql to a lower level");
        RaiseTo(APC_LEVEL, &old);
    } else if (Number == 5) {
        ExpectStop(0xA, TEST_ANY, DISPATCH_LEVEL, SYNCH_LEVEL, TEST_ANY,
                   "RAI-2, RAI-6 KeLowerIrql to a higher level");
        LowerTo(SYNCH_LEVEL);
    } else if (Number == 6) {
        Raise(HIGH_LEVEL);
        ExpectStop(0x9, TEST_ANY, HIGH_LEVEL, DISPATCH_LEVEL, TEST_ANY,
                   "RAI-4, RAI-6 KeRaiseIrqlToDpcLevel from above it");
        RaiseToDpc();
    } else if (Number == 1) {
        ExpectStop(0x9, TEST_ANY, DISPATCH_LEVEL, APC_LEVEL, TEST_ANY,
                   "RAI-1, RAI-6 KfRaiseIrql to a lower level");
        Raise(APC_LEVEL);
    } else if (Number == 2) {
        ExpectStop(0xA, TEST_ANY, DISPATCH_LEVEL, SYNCH_LEVEL, TEST_ANY,
                   "RAI-2, RAI-6 KfLowerIrql to a higher level");
        Lower(SYNCH_LEVEL);
    } else {
        Raise(HIGH_LEVEL);
        ExpectStop(0x9, TEST_ANY, HIGH_LEVEL, SYNCH_LEVEL, TEST_ANY,
                   "RAI-4, RAI-6 KeRaiseIrqlToSynchLevel from above it");
        RaiseToSynch();
    }
}

/* ---- plain locks ---------------------------------------------------------------------------- */

/* A lock is taken in one way and at one level all its life: each case has its own. */
#define QUEUED_KINDS 6

static KSPIN_LOCK Locks[3 + QUEUED_KINDS], Contended;

static VOID CheckRaiseToSynch(PKSPIN_LOCK Lock, KIRQL From)
{
    KIRQL outside, old, inside, after;
    BOOLEAN held, free;

    free = KeTestSpinLock(Lock);
    KeRaiseIrql(From, &outside);
    old = AcquireToSynch(Lock);
    inside = KeGetCurrentIrql();
    held = *Lock != 0 && !KeTestSpinLock(Lock);
    KeReleaseSpinLock(Lock, old);
    after = KeGetCurrentIrql();
    KeLowerIrql(outside);
    Expect(old == From && inside == SYNCH_LEVEL && after == From,
           "KeAcquireSpinLockRaiseToSynch holds the lock at SYNCH_LEVEL, KeReleaseSpinLock goes "
           "back");
    Expect(free && held && *Lock == 0 && KeTestSpinLock(Lock),
           "KeTestSpinLock tells a free lock from a held one and takes neither");
}

/* Whoever tries, on whichever processor: the lock knows no owner. */
static VOID CheckTries(PKSPIN_LOCK Lock)
{
    BOOLEAN first, second, third;
    KIRQL irql, inside;

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    first = KeTryToAcquireSpinLockAtDpcLevel(Lock);
    second = KeTryToAcquireSpinLockAtDpcLevel(Lock);
    inside = KeGetCurrentIrql();
    KeReleaseSpinLockFromDpcLevel(Lock);
    third = KeTryToAcquireSpinLockAtDpcLevel(Lock);
    KeReleaseSpinLockFromDpcLevel(Lock);
    KeLowerIrql(irql);
    Expect(first && third && inside == DISPATCH_LEVEL && *Lock == 0,
           "LOCK-8 KeTryToAcquireSpinLockAtDpcLevel takes a free lock, TRUE");
    Expect(!second, "LOCK-8 KeTryToAcquireSpinLockAtDpcLevel returns FALSE for a held one at once");
}

/* ---- queued locks --------------------------------------------------------------------------- */

typedef struct _QUEUED_KIND {
    VOID(NTAPI *Acquire)(PKSPIN_LOCK Lock, PKLOCK_QUEUE_HANDLE Handle);
    VOID(NTAPI *Release)(PKLOCK_QUEUE_HANDLE Handle);
    KIRQL From, Inside;
    PCSTR Name;
} QUEUED_KIND;

static VOID CheckQueued(PKSPIN_LOCK Lock, const QUEUED_KIND *Kind)
{
    KLOCK_QUEUE_HANDLE handle;
    KIRQL outside, inside, after;
    KSPIN_LOCK held;

    KeRaiseIrql(Kind->From, &outside);
    Kind->Acquire(Lock, &handle);
    inside = KeGetCurrentIrql();
    held = *Lock;
    Kind->Release(&handle);
    after = KeGetCurrentIrql();
    KeLowerIrql(outside);
    Expect(inside == Kind->Inside && after == Kind->From && held != 0 && *Lock == 0, Kind->Name);
}

static VOID CheckQueuedKinds(PKSPIN_LOCK Own)
{
    const QUEUED_KIND kinds[QUEUED_KINDS] = {
        {KeAcquireInStackQueuedSpinLockAtDpcLevel, KeReleaseInStackQueuedSpinLockFromDpcLevel,
         DISPATCH_LEVEL, DISPATCH_LEVEL,
         "LOCK-10 KeAcquireInStackQueuedSpinLockAtDpcLevel and its release leave DISPATCH_LEVEL"},
        {KeAcquireInStackQueuedSpinLockAtDpcLevel, KeReleaseInStackQueuedSpinLockFromDpcLevel,
         SYNCH_LEVEL, SYNCH_LEVEL, "LOCK-10 or a level above it"},
        {KeAcquireInStackQueuedSpinLockForDpc, KeReleaseInStackQueuedSpinLockForDpc, PASSIVE_LEVEL,
         DISPATCH_LEVEL,
         "KeAcquireInStackQueuedSpinLockForDpc in a threaded DPC raises to DISPATCH_LEVEL, its "
         "release goes back"},
        {KeAcquireInStackQueuedSpinLockForDpc, KeReleaseInStackQueuedSpinLockForDpc, DISPATCH_LEVEL,
         DISPATCH_LEVEL, "in an ordinary one both leave it"},
        {AcquireQueuedToSynch, KeReleaseInStackQueuedSpinLock, PASSIVE_LEVEL, SYNCH_LEVEL,
         "KeAcquireInStackQueuedSpinLockRaiseToSynch holds the lock at SYNCH_LEVEL, its release "
         "goes back"},
        {AcquireQueuedToSynch, KeReleaseInStackQueuedSpinLock, DISPATCH_LEVEL, SYNCH_LEVEL,
         "also to DISPATCH_LEVEL"},
    };
    ULONG i;

    for (i = 0; i < QUEUED_KINDS; i++)
        CheckQueued(&Own[i], &kinds[i]);
}

/* ---- who waits longest comes first ---------------------------------------------------------- */

#define WAITERS 3

typedef struct _WAITER {
    TEST_THREAD Thread;
    KLOCK_QUEUE_HANDLE Handle;
    LONG Number; /* from 1 */
    LONG Turn;   /* 1: the first to have the lock */
} WAITER, *PWAITER;

static volatile LONG Admitted, Turns;

static VOID WaiterMain(PVOID Context)
{
    PWAITER waiter = Context;
    KIRQL irql;

    while (Admitted < waiter->Number)
        YieldProcessor();
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    KeAcquireInStackQueuedSpinLockAtDpcLevel(&Contended, &waiter->Handle);
    waiter->Turn = ++Turns;
    KeReleaseInStackQueuedSpinLockFromDpcLevel(&waiter->Handle);
    KeLowerIrql(irql);
}

/* Who queues links itself to the handle before; this is how to know that it waits. */
static BOOLEAN HasSuccessor(PKLOCK_QUEUE_HANDLE Handle)
{
    PVOID volatile *next = (PVOID volatile *)&Handle->LockQueue.Next;
    ULONG i;

    for (i = 0; i < WAIT_MS && *next == NULL; i++)
        KeStallExecutionProcessor(1000);
    return *next != NULL;
}

static VOID CheckQueueOrder(VOID)
{
    static WAITER waiters[WAITERS];
    KLOCK_QUEUE_HANDLE own, *last = &own;
    BOOLEAN ordered = TRUE;
    LONG i;

    if (TestProcessors() <= WAITERS) {
        ExpectSkip("LOCK-10 a queued spin lock is handed on in the order of arrival",
                   "fewer than four processors");
        return;
    }
    RtlZeroMemory(waiters, sizeof(waiters));
    KeInitializeSpinLock(&Contended);
    Admitted = Turns = 0;
    TestGoTo(0);
    for (i = 0; i < WAITERS; i++) {
        waiters[i].Number = i + 1;
        if (!TestThreadStart(&waiters[i].Thread, (ULONG)i + 1, WaiterMain, &waiters[i]))
            ordered = FALSE;
    }
    KeAcquireInStackQueuedSpinLock(&Contended, &own);
    for (i = 0; i < WAITERS && ordered; i++) {
        Admitted = i + 1;
        ordered = HasSuccessor(last);
        last = &waiters[i].Handle;
    }
    Admitted = WAITERS;
    ordered = ordered && Turns == 0;
    KeReleaseInStackQueuedSpinLock(&own);
    for (i = 0; i < WAITERS; i++) {
        TestThreadJoin(&waiters[i].Thread);
        ordered = ordered && waiters[i].Turn == i + 1;
    }
    TestAnywhere();
    Expect(ordered && Contended == 0,
           "LOCK-10 a queued spin lock is handed on in the order of arrival");
}

VOID CheckSpinLocks(VOID)
{
    ULONG i;

    for (i = 0; i < sizeof(Locks) / sizeof(Locks[0]); i++)
        KeInitializeSpinLock(&Locks[i]);
    CheckRaiseToSynch(&Locks[0], PASSIVE_LEVEL);
    CheckRaiseToSynch(&Locks[1], DISPATCH_LEVEL);
    CheckTries(&Locks[2]);
    CheckQueuedKinds(&Locks[3]);
    CheckQueueOrder();
}
