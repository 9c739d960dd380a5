/*
 * locks.c - every kind of lock keeps two numbers equal.
 */
#include "races.h"

#define ROUNDS 400

typedef struct _LOCKS {
    KSPIN_LOCK Spin;
    KSPIN_LOCK Queued;
    KSPIN_LOCK Synch;
    LONG Shared; /* an EX_SPIN_LOCK */
    FAST_MUTEX Fast;
    KGUARDED_MUTEX Guarded;
    KMUTEX Mutex;
    KEVENT Event;
    KSEMAPHORE Semaphore;
    ERESOURCE Resource;
} LOCKS;

/* What mingw-w64 does not declare. */
typedef KIRQL(NTAPI *ACQUIRE)(LONG *Lock);
typedef VOID(NTAPI *RELEASE)(LONG *Lock, KIRQL OldIrql);
typedef VOID(NTAPI *ACQUIRE_QUEUED)(PKSPIN_LOCK Lock, PKLOCK_QUEUE_HANDLE Handle);

static ACQUIRE_QUEUED AcquireToSynch;
static ACQUIRE AcquireExclusive, AcquireShared;
static RELEASE ReleaseExclusive, ReleaseShared;

typedef union _HELD {
    KIRQL Irql;
    KLOCK_QUEUE_HANDLE Queue;
} HELD, *PHELD;

typedef struct _LOCK_KIND {
    PCSTR Name;
    VOID (*Take)(LOCKS *Locks, PHELD Held);
    VOID (*Drop)(LOCKS *Locks, PHELD Held);
    VOID (*TakeShared)(LOCKS *Locks, PHELD Held); /* NULL: this lock has no readers */
    VOID (*DropShared)(LOCKS *Locks, PHELD Held);
} LOCK_KIND;

typedef struct _LOCK_RACE {
    const LOCK_KIND *Kind;
    LOCKS Locks;
    volatile ULONG First, Second; /* equal whenever the lock is free or held by readers */
    volatile LONG Rounds;
    volatile LONG Torn; /* how often they were found different */
} LOCK_RACE, *PLOCK_RACE;

static VOID TakeSpin(LOCKS *Locks, PHELD Held)
{
    KeAcquireSpinLock(&Locks->Spin, &Held->Irql);
}

static VOID DropSpin(LOCKS *Locks, PHELD Held)
{
    KeReleaseSpinLock(&Locks->Spin, Held->Irql);
}

static VOID TakeQueued(LOCKS *Locks, PHELD Held)
{
    KeAcquireInStackQueuedSpinLock(&Locks->Queued, &Held->Queue);
}

static VOID DropQueued(LOCKS *Locks, PHELD Held)
{
    UNREFERENCED_PARAMETER(Locks);
    KeReleaseInStackQueuedSpinLock(&Held->Queue);
}

static VOID TakeExclusive(LOCKS *Locks, PHELD Held)
{
    Held->Irql = AcquireExclusive(&Locks->Shared);
}

static VOID DropExclusive(LOCKS *Locks, PHELD Held)
{
    ReleaseExclusive(&Locks->Shared, Held->Irql);
}

static VOID TakeReader(LOCKS *Locks, PHELD Held)
{
    Held->Irql = AcquireShared(&Locks->Shared);
}

static VOID DropReader(LOCKS *Locks, PHELD Held)
{
    ReleaseShared(&Locks->Shared, Held->Irql);
}

static VOID TakeFast(LOCKS *Locks, PHELD Held)
{
    UNREFERENCED_PARAMETER(Held);
    ExAcquireFastMutex(&Locks->Fast);
}

static VOID DropFast(LOCKS *Locks, PHELD Held)
{
    UNREFERENCED_PARAMETER(Held);
    ExReleaseFastMutex(&Locks->Fast);
}

static VOID TakeGuarded(LOCKS *Locks, PHELD Held)
{
    UNREFERENCED_PARAMETER(Held);
    KeAcquireGuardedMutex(&Locks->Guarded);
}

static VOID DropGuarded(LOCKS *Locks, PHELD Held)
{
    UNREFERENCED_PARAMETER(Held);
    KeReleaseGuardedMutex(&Locks->Guarded);
}

static VOID Wait(PVOID Object)
{
    KeWaitForSingleObject(Object, Executive, KernelMode, FALSE, NULL);
}

static VOID TakeMutex(LOCKS *Locks, PHELD Held)
{
    UNREFERENCED_PARAMETER(Held);
    Wait(&Locks->Mutex);
}

static VOID DropMutex(LOCKS *Locks, PHELD Held)
{
    UNREFERENCED_PARAMETER(Held);
    KeReleaseMutex(&Locks->Mutex, FALSE);
}

static VOID TakeEvent(LOCKS *Locks, PHELD Held)
{
    UNREFERENCED_PARAMETER(Held);
    Wait(&Locks->Event);
}

static VOID DropEvent(LOCKS *Locks, PHELD Held)
{
    UNREFERENCED_PARAMETER(Held);
    KeSetEvent(&Locks->Event, IO_NO_INCREMENT, FALSE);
}

static VOID TakeSemaphore(LOCKS *Locks, PHELD Held)
{
    UNREFERENCED_PARAMETER(Held);
    Wait(&Locks->Semaphore);
}

static VOID DropSemaphore(LOCKS *Locks, PHELD Held)
{
    UNREFERENCED_PARAMETER(Held);
    KeReleaseSemaphore(&Locks->Semaphore, IO_NO_INCREMENT, 1, FALSE);
}

static VOID TakeResource(LOCKS *Locks, PHELD Held)
{
    UNREFERENCED_PARAMETER(Held);
    KeEnterCriticalRegion();
    ExAcquireResourceExclusiveLite(&Locks->Resource, TRUE);
}

static VOID TakeResourceShared(LOCKS *Locks, PHELD Held)
{
    UNREFERENCED_PARAMETER(Held);
    KeEnterCriticalRegion();
    ExAcquireResourceSharedLite(&Locks->Resource, TRUE);
}

static VOID DropResource(LOCKS *Locks, PHELD Held)
{
    UNREFERENCED_PARAMETER(Held);
    ExReleaseResourceLite(&Locks->Resource);
    KeLeaveCriticalRegion();
}

static VOID TakeToSynch(LOCKS *Locks, PHELD Held)
{
    AcquireToSynch(&Locks->Synch, &Held->Queue);
}

static VOID TakeForDpc(LOCKS *Locks, PHELD Held)
{
    KeAcquireInStackQueuedSpinLockForDpc(&Locks->Queued, &Held->Queue);
}

static VOID DropForDpc(LOCKS *Locks, PHELD Held)
{
    UNREFERENCED_PARAMETER(Locks);
    KeReleaseInStackQueuedSpinLockForDpc(&Held->Queue);
}

static VOID TakeFastUnsafe(LOCKS *Locks, PHELD Held)
{
    UNREFERENCED_PARAMETER(Held);
    KeEnterCriticalRegion();
    ExAcquireFastMutexUnsafe(&Locks->Fast);
}

static VOID DropFastUnsafe(LOCKS *Locks, PHELD Held)
{
    UNREFERENCED_PARAMETER(Held);
    ExReleaseFastMutexUnsafe(&Locks->Fast);
    KeLeaveCriticalRegion();
}

static VOID TakeGuardedUnsafe(LOCKS *Locks, PHELD Held)
{
    UNREFERENCED_PARAMETER(Held);
    KeEnterGuardedRegion();
    KeAcquireGuardedMutexUnsafe(&Locks->Guarded);
}

static VOID DropGuardedUnsafe(LOCKS *Locks, PHELD Held)
{
    UNREFERENCED_PARAMETER(Held);
    KeReleaseGuardedMutexUnsafe(&Locks->Guarded);
    KeLeaveGuardedRegion();
}

static const LOCK_KIND Kinds[] = {
    {"a spin lock excludes", TakeSpin, DropSpin, NULL, NULL},
    {"an in-stack queued spin lock excludes", TakeQueued, DropQueued, NULL, NULL},
    {"an in-stack queued spin lock excludes at SYNCH_LEVEL", TakeToSynch, DropQueued, NULL, NULL},
    {"an in-stack queued spin lock excludes for DPCs", TakeForDpc, DropForDpc, NULL, NULL},
    {"a fast mutex excludes without raising IRQL", TakeFastUnsafe, DropFastUnsafe, NULL, NULL},
    {"a guarded mutex excludes in the caller's region", TakeGuardedUnsafe, DropGuardedUnsafe, NULL,
     NULL},
    {"a reader-writer spin lock excludes writers from all", TakeExclusive, DropExclusive,
     TakeReader, DropReader},
    {"a fast mutex excludes", TakeFast, DropFast, NULL, NULL},
    {"a guarded mutex excludes", TakeGuarded, DropGuarded, NULL, NULL},
    {"a mutex excludes", TakeMutex, DropMutex, NULL, NULL},
    {"a synchronization event lets one through at a time", TakeEvent, DropEvent, NULL, NULL},
    {"a semaphore of one lets one through at a time", TakeSemaphore, DropSemaphore, NULL, NULL},
    {"an executive resource excludes writers from all", TakeResource, DropResource,
     TakeResourceShared, DropResource},
};

static VOID LockRacer(PRACER Racer)
{
    PLOCK_RACE race = Racer->Shared;
    const LOCK_KIND *kind = race->Kind;
    HELD held;
    ULONG i;

    for (i = 0; i < ROUNDS && RaceGoesOn(Racer); i++) {
        InterlockedIncrement(&race->Rounds);
        kind->Take(&race->Locks, &held);
        race->First++;
        RacePause(Racer);
        race->Second++;
        kind->Drop(&race->Locks, &held);
        RacePause(Racer);
        if (kind->TakeShared == NULL)
            continue;
        kind->TakeShared(&race->Locks, &held);
        if (race->First != race->Second)
            InterlockedIncrement(&race->Torn);
        kind->DropShared(&race->Locks, &held);
    }
}

static VOID InitializeLocks(LOCKS *Locks)
{
    KeInitializeSpinLock(&Locks->Spin);
    KeInitializeSpinLock(&Locks->Queued);
    KeInitializeSpinLock(&Locks->Synch);
    Locks->Shared = 0;
    ExInitializeFastMutex(&Locks->Fast);
    KeInitializeGuardedMutex(&Locks->Guarded);
    KeInitializeMutex(&Locks->Mutex, 0);
    KeInitializeEvent(&Locks->Event, SynchronizationEvent, TRUE);
    KeInitializeSemaphore(&Locks->Semaphore, 1, 1);
    ExInitializeResourceLite(&Locks->Resource);
}

VOID RaceLocks(VOID)
{
    static LOCK_RACE race;
    ULONG i;

    AcquireToSynch = (ACQUIRE_QUEUED)TestRoutine(L"KeAcquireInStackQueuedSpinLockRaiseToSynch");
    AcquireExclusive = (ACQUIRE)TestRoutine(L"ExAcquireSpinLockExclusive");
    AcquireShared = (ACQUIRE)TestRoutine(L"ExAcquireSpinLockShared");
    ReleaseExclusive = (RELEASE)TestRoutine(L"ExReleaseSpinLockExclusive");
    ReleaseShared = (RELEASE)TestRoutine(L"ExReleaseSpinLockShared");
    for (i = 0; i < sizeof(Kinds) / sizeof(Kinds[0]); i++) {
        InitializeLocks(&race.Locks);
        race.Kind = &Kinds[i];
        race.First = race.Second = 0;
        race.Rounds = race.Torn = 0;
        Race(LockRacer, &race);
        Expect(race.First == (ULONG)race.Rounds && race.Second == (ULONG)race.Rounds &&
                   race.Rounds >= RACERS && race.Torn == 0,
               Kinds[i].Name);
        ExDeleteResourceLite(&race.Locks.Resource);
    }
}
