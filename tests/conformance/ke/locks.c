/*
 * locks.c - spin locks: the level at which each way of acquiring holds them, and that who comes
 * while one is held waits for it.
 */
#include "ke.h"

#define KINDS 8
#define WAIT_MS 10000
#define HELD_MS 5

typedef struct _LOCK_KIND {
    VOID (*Acquire)(PKSPIN_LOCK Lock, PKLOCK_QUEUE_HANDLE Handle); /* Handle->OldIrql: as told */
    VOID (*Release)(PKSPIN_LOCK Lock, PKLOCK_QUEUE_HANDLE Handle);
    KIRQL From, Inside;
    PCSTR Held, Waits;
} LOCK_KIND;

/* ---- the ways ------------------------------------------------------------------------------- */

static VOID Acquire(PKSPIN_LOCK Lock, PKLOCK_QUEUE_HANDLE Handle)
{
    Handle->OldIrql = KeAcquireSpinLockRaiseToDpc(Lock);
}

static VOID Release(PKSPIN_LOCK Lock, PKLOCK_QUEUE_HANDLE Handle)
{
    KeReleaseSpinLock(Lock, Handle->OldIrql);
}

static VOID AcquireAtDpc(PKSPIN_LOCK Lock, PKLOCK_QUEUE_HANDLE Handle)
{
    Handle->OldIrql = KeGetCurrentIrql();
    KeAcquireSpinLockAtDpcLevel(Lock);
}

static VOID ReleaseFromDpc(PKSPIN_LOCK Lock, PKLOCK_QUEUE_HANDLE Handle)
{
    UNREFERENCED_PARAMETER(Handle);
    KeReleaseSpinLockFromDpcLevel(Lock);
}

static VOID AcquireForDpc(PKSPIN_LOCK Lock, PKLOCK_QUEUE_HANDLE Handle)
{
    Handle->OldIrql = KeAcquireSpinLockForDpc(Lock);
}

static VOID ReleaseForDpc(PKSPIN_LOCK Lock, PKLOCK_QUEUE_HANDLE Handle)
{
    KeReleaseSpinLockForDpc(Lock, Handle->OldIrql);
}

static VOID AcquireQueued(PKSPIN_LOCK Lock, PKLOCK_QUEUE_HANDLE Handle)
{
    KeAcquireInStackQueuedSpinLock(Lock, Handle);
}

static VOID ReleaseQueued(PKSPIN_LOCK Lock, PKLOCK_QUEUE_HANDLE Handle)
{
    UNREFERENCED_PARAMETER(Lock);
    KeReleaseInStackQueuedSpinLock(Handle);
}

static VOID AcquireQueuedForDpc(PKSPIN_LOCK Lock, PKLOCK_QUEUE_HANDLE Handle)
{
    KeAcquireInStackQueuedSpinLockForDpc(Lock, Handle);
}

static VOID ReleaseQueuedForDpc(PKSPIN_LOCK Lock, PKLOCK_QUEUE_HANDLE Handle)
{
    UNREFERENCED_PARAMETER(Lock);
    KeReleaseInStackQueuedSpinLockForDpc(Handle);
}

static const LOCK_KIND Kinds[KINDS] = {
    {Acquire, Release, PASSIVE_LEVEL, DISPATCH_LEVEL,
     "LOCK-3 KeAcquireSpinLockRaiseToDpc holds the lock at DISPATCH_LEVEL and returns the level "
     "before",
     "LOCK-3 KeAcquireSpinLockRaiseToDpc waits until the holder releases the lock"},
    {Acquire, Release, DISPATCH_LEVEL, DISPATCH_LEVEL,
     "LOCK-3 KeAcquireSpinLockRaiseToDpc may be called at DISPATCH_LEVEL", NULL},
    {AcquireAtDpc, ReleaseFromDpc, DISPATCH_LEVEL, DISPATCH_LEVEL,
     "LOCK-6 KeAcquireSpinLockAtDpcLevel holds the lock and leaves DISPATCH_LEVEL",
     "LOCK-6 KeAcquireSpinLockAtDpcLevel waits until the holder releases the lock"},
    {AcquireForDpc, ReleaseForDpc, PASSIVE_LEVEL, DISPATCH_LEVEL,
     "LOCK-13 KeAcquireSpinLockForDpc holds the lock at DISPATCH_LEVEL and returns the level "
     "before",
     "LOCK-13 KeAcquireSpinLockForDpc waits until the holder releases the lock"},
    {AcquireForDpc, ReleaseForDpc, DISPATCH_LEVEL, DISPATCH_LEVEL,
     "LOCK-13 KeAcquireSpinLockForDpc leaves DISPATCH_LEVEL", NULL},
    {AcquireQueued, ReleaseQueued, PASSIVE_LEVEL, DISPATCH_LEVEL,
     "LOCK-10 KeAcquireInStackQueuedSpinLock holds the lock at DISPATCH_LEVEL, its release goes "
     "back",
     "LOCK-10 KeAcquireInStackQueuedSpinLock waits until the holder releases the lock"},
    {AcquireQueued, ReleaseQueued, DISPATCH_LEVEL, DISPATCH_LEVEL,
     "LOCK-10 KeAcquireInStackQueuedSpinLock may be called at DISPATCH_LEVEL", NULL},
    {AcquireQueuedForDpc, ReleaseQueuedForDpc, PASSIVE_LEVEL, DISPATCH_LEVEL,
     "LOCK-13 KeAcquireInStackQueuedSpinLockForDpc holds the lock at DISPATCH_LEVEL",
     "LOCK-13 KeAcquireInStackQueuedSpinLockForDpc waits until the holder releases the lock"},
};

/* A lock is taken in one way and at one level all its life: each case has its own. */
static KSPIN_LOCK Locks[KINDS + 1];

static VOID CheckHeld(PKSPIN_LOCK Lock, const LOCK_KIND *Kind)
{
    KLOCK_QUEUE_HANDLE handle;
    KIRQL outside, inside, after;
    BOOLEAN held;

    KeRaiseIrql(Kind->From, &outside);
    Kind->Acquire(Lock, &handle);
    inside = KeGetCurrentIrql();
    held = !KeTestSpinLock(Lock);
    Kind->Release(Lock, &handle);
    after = KeGetCurrentIrql();
    KeLowerIrql(outside);
    Expect(handle.OldIrql == Kind->From && inside == Kind->Inside && after == Kind->From && held &&
               *Lock == 0,
           Kind->Held);
}

/* ---- the level above ------------------------------------------------------------------------ */

/* The page of the acquire allows it; that of the release wants DISPATCH_LEVEL, as the overview. */
static VOID CheckAbove(PKSPIN_LOCK Lock)
{
    PCSTR name = "LOCK-6 KeAcquireSpinLockAtDpcLevel leaves a level above DISPATCH_LEVEL, too";
    KIRQL irql, inside;
    BOOLEAN held;

    if (MmIsDriverVerifying(TestDriver)) {
        ExpectSkip(name, "the verifier wants the lock released at DISPATCH_LEVEL");
        return;
    }
    KeRaiseIrql(SYNCH_LEVEL, &irql);
    KeAcquireSpinLockAtDpcLevel(Lock);
    inside = KeGetCurrentIrql();
    held = !KeTestSpinLock(Lock);
    KeReleaseSpinLockFromDpcLevel(Lock);
    KeLowerIrql(irql);
    Expect(held && inside == SYNCH_LEVEL && *Lock == 0, name);
}

/* ---- who waits ------------------------------------------------------------------------------ */

typedef struct _LATECOMER {
    TEST_THREAD Thread;
    const LOCK_KIND *Kind;
    PKSPIN_LOCK Lock;
    volatile LONG Go, Comes, Has;
} LATECOMER;

static VOID ComeLate(PVOID Context)
{
    LATECOMER *latecomer = Context;
    KLOCK_QUEUE_HANDLE handle;
    KIRQL irql;

    while (!latecomer->Go)
        YieldProcessor();
    KeRaiseIrql(latecomer->Kind->From, &irql);
    latecomer->Comes = 1;
    latecomer->Kind->Acquire(latecomer->Lock, &handle);
    latecomer->Has = 1;
    latecomer->Kind->Release(latecomer->Lock, &handle);
    KeLowerIrql(irql);
}

static VOID CheckWaits(PKSPIN_LOCK Lock, const LOCK_KIND *Kind)
{
    LATECOMER latecomer = {.Kind = Kind, .Lock = Lock};
    KLOCK_QUEUE_HANDLE handle;
    BOOLEAN waited;
    KIRQL irql;

    if (TestProcessors() == 1) {
        ExpectSkip(Kind->Waits, "one processor");
        return;
    }
    TestGoTo(0);
    if (!TestThreadStart(&latecomer.Thread, 1, ComeLate, &latecomer))
        return;
    KeRaiseIrql(Kind->From, &irql);
    Kind->Acquire(Lock, &handle);
    latecomer.Go = 1;
    waited =
        TestSpinUntil(&latecomer.Comes, 1, WAIT_MS) && !TestSpinUntil(&latecomer.Has, 1, HELD_MS);
    Kind->Release(Lock, &handle);
    KeLowerIrql(irql);
    TestThreadJoin(&latecomer.Thread);
    TestAnywhere();
    Expect(waited && latecomer.Has, Kind->Waits);
}

VOID CheckLocks(VOID)
{
    ULONG i;

    for (i = 0; i <= KINDS; i++)
        KeInitializeSpinLock(&Locks[i]);
    for (i = 0; i < KINDS; i++) {
        CheckHeld(&Locks[i], &Kinds[i]);
        if (Kinds[i].Waits != NULL)
            CheckWaits(&Locks[i], &Kinds[i]);
    }
    CheckAbove(&Locks[KINDS]);
}
