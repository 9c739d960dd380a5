/*
 * locks.c - rules of locks that are broken, and their like that are not.
 */
#include "rules.h"

enum { LONG_US = 5000 };

static KSPIN_LOCK First, Second, Third;
static EX_SPIN_LOCK Shared;
static FAST_MUTEX Fast[2];
static KMUTEX Mutexes[2];

/* ---- spin locks ----------------------------------------------------------------------------- */

static VOID TakeBoth(PKSPIN_LOCK Outer, PKSPIN_LOCK Inner)
{
    KIRQL old;

    KeAcquireSpinLock(Outer, &old);
    KeAcquireSpinLockAtDpcLevel(Inner);
    KeReleaseSpinLockFromDpcLevel(Inner);
    KeReleaseSpinLock(Outer, old);
}

static VOID TakeBothQueued(PKSPIN_LOCK Outer, PKSPIN_LOCK Inner)
{
    KLOCK_QUEUE_HANDLE outer, inner;

    KeAcquireInStackQueuedSpinLock(Outer, &outer);
    KeAcquireInStackQueuedSpinLockAtDpcLevel(Inner, &inner);
    KeReleaseInStackQueuedSpinLockFromDpcLevel(&inner);
    KeReleaseInStackQueuedSpinLock(&outer);
}

static VOID KeepOrder(VOID)
{
    KIRQL old;
    ULONG i;

    for (i = 0; i < 3; i++)
        TakeBoth(&First, &Second);
    TakeBoth(&Second, &Third);
    TakeBoth(&First, &Third);
    KeAcquireSpinLock(&Second, &old); /* who does not wait cannot wait for ever */
    if (KeTryToAcquireSpinLockAtDpcLevel(&First))
        KeReleaseSpinLockFromDpcLevel(&First);
    KeReleaseSpinLock(&Second, old);
    KeAcquireSpinLock(&First, &old); /* hand over hand */
    KeAcquireSpinLockAtDpcLevel(&Second);
    KeReleaseSpinLockFromDpcLevel(&First);
    KeReleaseSpinLock(&Second, old);
}

/* The same addresses, most likely, but other locks. */
static VOID OrderOfFreed(VOID)
{
    PKSPIN_LOCK locks;
    ULONG i;

    for (i = 0; i < 2; i++) {
        locks = ExAllocatePoolWithTag(NonPagedPool, 2 * sizeof(KSPIN_LOCK), RULES_TAG);
        if (locks == NULL)
            return;
        KeInitializeSpinLock(&locks[0]);
        KeInitializeSpinLock(&locks[1]);
        TakeBoth(&locks[i], &locks[1 - i]);
        ExFreePoolWithTag(locks, RULES_TAG);
    }
}

static VOID BreakSpinLockRule(ULONG Number)
{
    volatile ULONG i; /* one place in the code, too */
    KIRQL old;

    switch (Number) {
    case ORDER_REVERSED:
        TakeBoth(&First, &Second);
        TakeBoth(&Second, &First);
        break;
    case ORDER_KEPT:
        KeepOrder();
        break;
    case ORDER_OF_THREE:
        TakeBoth(&First, &Second);
        TakeBoth(&Second, &Third);
        TakeBoth(&Third, &First);
        break;
    case ORDER_OF_QUEUED:
        TakeBothQueued(&First, &Second);
        TakeBothQueued(&Second, &First);
        break;
    case ORDER_OF_FREED:
        OrderOfFreed();
        break;
    case OTHER_KIND_OF_LOCK:
        First = 1; /* as another processor leaves it that holds it by KeAcquireSpinLock */
        TakeBothQueued(&First, &Third);
        break;
    case LOCK_NOT_INITIALIZED:
        First = 0xCDCDCDCD;
        TakeBoth(&First, &Second);
        break;
    case HOLD_LOCK_LONG: /* twice at one place: the time of the first does not count */
        for (i = 0; i < 2; i++) {
            KeAcquireSpinLock(&First, &old);
            KeStallExecutionProcessor(LONG_US);
            KeReleaseSpinLock(&First, old);
        }
        break;
    }
}

/* ---- the cancel spin lock ------------------------------------------------------------------- */

static VOID NTAPI KeepingCancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
}

static VOID NTAPI NormalCancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    IoReleaseCancelSpinLock(Irp->CancelIrql);
}

static VOID CancelOne(PDEVICE_OBJECT DeviceObject, PDRIVER_CANCEL Routine)
{
    PIRP irp = IoAllocateIrp(1, FALSE);

    if (irp == NULL)
        return;
    IoSetNextIrpStackLocation(irp);
    IoGetCurrentIrpStackLocation(irp)->DeviceObject = DeviceObject;
    IoSetCancelRoutine(irp, Routine);
    IoCancelIrp(irp);
    IoFreeIrp(irp);
}

static VOID BreakCancelRule(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    KIRQL old;

    switch (Number) {
    case CANCEL_LOCK_TWICE:
        IoAcquireCancelSpinLock(&old);
        IoAcquireCancelSpinLock(&old);
        break;
    case CANCEL_LOCK_KEPT:
        IoAcquireCancelSpinLock(&old);
        break;
    case CANCEL_LOCK_NOT_HELD:
        KeRaiseIrql(DISPATCH_LEVEL, &old);
        IoReleaseCancelSpinLock(old);
        break;
    case CANCEL_ROUTINE_KEEPS_LOCK:
        CancelOne(DeviceObject, KeepingCancel);
        break;
    case CANCEL_NORMAL:
        IoAcquireCancelSpinLock(&old);
        IoReleaseCancelSpinLock(old);
        CancelOne(DeviceObject, NormalCancel);
        break;
    }
}

/* ---- reader-writer spin locks --------------------------------------------------------------- */

static VOID BreakReaderWriterRule(ULONG Number)
{
    KIRQL old;

    if (Number == EXCLUSIVE_TWICE) {
        old = ExAcquireSpinLockExclusive(&Shared);
        ExAcquireSpinLockExclusiveAtDpcLevel(&Shared);
    } else {
        old = ExAcquireSpinLockShared(&Shared);
    }
    switch (Number) {
    case SHARED_TO_EXCLUSIVE:
        ExAcquireSpinLockExclusiveAtDpcLevel(&Shared);
        break;
    case SHARED_RELEASED_EXCLUSIVE:
        ExReleaseSpinLockExclusive(&Shared, old);
        break;
    case READER_WRITER_NORMAL:
        if (ExTryConvertSharedSpinLockExclusive(&Shared))
            ExReleaseSpinLockExclusive(&Shared, old);
        else
            ExReleaseSpinLockShared(&Shared, old);
        old = ExAcquireSpinLockExclusive(&Shared);
        ExReleaseSpinLockExclusive(&Shared, old);
        break;
    }
}

/* ---- mutexes -------------------------------------------------------------------------------- */

static VOID TakeMutex(PKMUTEX Mutex)
{
    KeWaitForSingleObject(Mutex, Executive, KernelMode, FALSE, NULL);
}

static VOID TakeBothFast(PFAST_MUTEX Outer, PFAST_MUTEX Inner)
{
    ExAcquireFastMutex(Outer);
    ExAcquireFastMutex(Inner);
    ExReleaseFastMutex(Inner);
    ExReleaseFastMutex(Outer);
}

static VOID TakeBothMutexes(PKMUTEX Outer, PKMUTEX Inner)
{
    TakeMutex(Outer);
    TakeMutex(Outer); /* recursion, which is allowed */
    TakeMutex(Inner);
    KeReleaseMutex(Inner, FALSE);
    KeReleaseMutex(Outer, FALSE);
    KeReleaseMutex(Outer, FALSE);
}

static VOID NTAPI MutexThread(PVOID Context)
{
    ULONG number = (ULONG)(ULONG_PTR)Context;

    if (number == MUTEX_OF_OTHER) {
        KeEnterCriticalRegion();
        ExReleaseFastMutexUnsafe(&Fast[0]);
        KeLeaveCriticalRegion();
    } else {
        TakeMutex(&Mutexes[0]);
    }
    PsTerminateSystemThread(STATUS_SUCCESS);
}

/* A thread that does its part while this one waits for its end. */
static VOID RunThread(ULONG Number)
{
    HANDLE handle;
    PVOID thread;

    if (!NT_SUCCESS(PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, MutexThread,
                                         (PVOID)(ULONG_PTR)Number)))
        return;
    ObReferenceObjectByHandle(handle, THREAD_ALL_ACCESS, NULL, KernelMode, &thread, NULL);
    KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(thread);
    ZwClose(handle);
}

static VOID FreeHeld(ULONG Number)
{
    PVOID block = ExAllocatePoolWithTag(NonPagedPool, sizeof(FAST_MUTEX), RULES_TAG);
    KIRQL old;

    if (block == NULL)
        return;
    if (Number == FREE_HELD_LOCK) {
        KeInitializeSpinLock((PKSPIN_LOCK)block);
        KeAcquireSpinLock((PKSPIN_LOCK)block, &old);
    } else {
        ExInitializeFastMutex((PFAST_MUTEX)block);
        ExAcquireFastMutex((PFAST_MUTEX)block);
    }
    ExFreePoolWithTag(block, RULES_TAG);
}

static VOID BreakMutexRule(ULONG Number)
{
    ULONG i;

    for (i = 0; i < 2; i++) {
        ExInitializeFastMutex(&Fast[i]);
        KeInitializeMutex(&Mutexes[i], 0);
    }
    switch (Number) {
    case ORDER_OF_FAST_MUTEXES:
        TakeBothFast(&Fast[0], &Fast[1]);
        TakeBothFast(&Fast[1], &Fast[0]);
        break;
    case ORDER_OF_MUTEXES:
        TakeBothMutexes(&Mutexes[0], &Mutexes[1]);
        TakeBothMutexes(&Mutexes[1], &Mutexes[0]);
        break;
    case MUTEX_TWICE:
        ExAcquireFastMutex(&Fast[0]);
        ExAcquireFastMutex(&Fast[0]);
        break;
    case MUTEX_OF_OTHER:
        KeEnterCriticalRegion();
        ExAcquireFastMutexUnsafe(&Fast[0]);
        RunThread(Number);
        break;
    case MUTEX_NOT_HELD:
        KeEnterCriticalRegion();
        ExReleaseFastMutexUnsafe(&Fast[0]);
        break;
    case MUTEX_MADE_AGAIN:
        TakeMutex(&Mutexes[0]);
        KeInitializeMutex(&Mutexes[0], 0);
        break;
    case THREAD_ENDS_WITH_MUTEX:
        RunThread(Number);
        break;
    case FREE_HELD_LOCK:
    case FREE_HELD_MUTEX:
        FreeHeld(Number);
        break;
    case MUTEXES_NORMAL:
        TakeBothFast(&Fast[0], &Fast[1]);
        TakeBothFast(&Fast[0], &Fast[1]);
        TakeBothMutexes(&Mutexes[1], &Mutexes[0]);
        KeInitializeMutex(&Mutexes[0], 0);
        break;
    }
}

VOID BreakLockRule(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    if (Number <= LOCK_NOT_INITIALIZED || Number == HOLD_LOCK_LONG)
        BreakSpinLockRule(Number);
    if (Number >= CANCEL_LOCK_TWICE && Number <= CANCEL_NORMAL)
        BreakCancelRule(DeviceObject, Number);
    else if (Number >= EXCLUSIVE_TWICE && Number <= READER_WRITER_NORMAL)
        BreakReaderWriterRule(Number);
    else
        BreakMutexRule(Number);
}
