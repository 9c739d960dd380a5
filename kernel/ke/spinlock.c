/*
 * ke/spinlock.c - the exported spin lock routines: plain, at DPC level, in-stack queued.
 *
 * A plain lock is one word, 0 when free. A queued lock is the same word used as the tail of a
 * queue of KLOCK_QUEUE_HANDLEs: each waiter spins on its own handle and is served in order
 * (LOCK-10). One word is used one way or the other, never both (LOCK-11).
 */
#include <lib/export.h>
#include <nt/wdm.h>

#include "ke/lock.h"

/* WDK surface */

static VOID NTAPI initialize_spin_lock(PKSPIN_LOCK SpinLock)
{
    *SpinLock = 0;
}
LDR_EXPORT_AS("KeInitializeSpinLock", initialize_spin_lock);

KIRQL NTAPI KeAcquireSpinLockRaiseToDpc(PKSPIN_LOCK SpinLock)
{
    irql_t old = hal_irql_raise(DISPATCH_LEVEL);
    ke_lock_acquire(SpinLock);
    return old;
}
LDR_EXPORT(KeAcquireSpinLockRaiseToDpc);

KIRQL NTAPI KeAcquireSpinLockRaiseToSynch(PKSPIN_LOCK SpinLock)
{
    irql_t old = hal_irql_raise(SYNCH_LEVEL);
    ke_lock_acquire(SpinLock);
    return old;
}
LDR_EXPORT(KeAcquireSpinLockRaiseToSynch);

VOID NTAPI KeReleaseSpinLock(PKSPIN_LOCK SpinLock, KIRQL NewIrql)
{
    ke_lock_release(SpinLock);
    hal_irql_write(NewIrql);
}
LDR_EXPORT(KeReleaseSpinLock);

VOID NTAPI KeAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock)
{
    ke_lock_acquire(SpinLock);
}
LDR_EXPORT(KeAcquireSpinLockAtDpcLevel);

VOID NTAPI KeReleaseSpinLockFromDpcLevel(PKSPIN_LOCK SpinLock)
{
    ke_lock_release(SpinLock);
}
LDR_EXPORT(KeReleaseSpinLockFromDpcLevel);

BOOLEAN NTAPI KeTryToAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock)
{
    return ke_lock_try(SpinLock);
}
LDR_EXPORT(KeTryToAcquireSpinLockAtDpcLevel);

BOOLEAN NTAPI KeTestSpinLock(PKSPIN_LOCK SpinLock)
{
    return !*(volatile KSPIN_LOCK *)SpinLock;
}
LDR_EXPORT(KeTestSpinLock);

/* A threaded DPC may run at PASSIVE_LEVEL or, when they are disabled, at DISPATCH_LEVEL. */
KIRQL NTAPI KeAcquireSpinLockForDpc(PKSPIN_LOCK SpinLock)
{
    irql_t old = hal_irql_read();

    if (old < DISPATCH_LEVEL)
        hal_irql_write(DISPATCH_LEVEL);
    ke_lock_acquire(SpinLock);
    return old;
}
LDR_EXPORT(KeAcquireSpinLockForDpc);

VOID NTAPI KeReleaseSpinLockForDpc(PKSPIN_LOCK SpinLock, KIRQL OldIrql)
{
    ke_lock_release(SpinLock);
    hal_irql_write(OldIrql);
}
LDR_EXPORT(KeReleaseSpinLockForDpc);

/* While a handle waits, the low bit of its Lock member is set; the one before clears it. */
enum { QUEUED_LOCK_WAIT = 1 };

static void queued_acquire(PKSPIN_LOCK lock, PKLOCK_QUEUE_HANDLE handle)
{
    KSPIN_LOCK_QUEUE *self = &handle->LockQueue;
    KSPIN_LOCK_QUEUE *before;

    self->Next = NULL;
    self->Lock = (PKSPIN_LOCK)((ULONG_PTR)lock | QUEUED_LOCK_WAIT);
    before = (KSPIN_LOCK_QUEUE *)__atomic_exchange_n(lock, (KSPIN_LOCK)self, __ATOMIC_ACQ_REL);
    if (!before) {
        self->Lock = lock;
        return;
    }
    __atomic_store_n(&before->Next, self, __ATOMIC_RELEASE);
    while ((ULONG_PTR)__atomic_load_n(&self->Lock, __ATOMIC_ACQUIRE) & QUEUED_LOCK_WAIT)
        hal_cpu_pause();
}

static void queued_release(PKLOCK_QUEUE_HANDLE handle)
{
    KSPIN_LOCK_QUEUE *self = &handle->LockQueue;
    PKSPIN_LOCK lock = self->Lock;
    KSPIN_LOCK expected = (KSPIN_LOCK)self;
    KSPIN_LOCK_QUEUE *next = __atomic_load_n(&self->Next, __ATOMIC_ACQUIRE);

    if (!next) {
        if (__atomic_compare_exchange_n(lock, &expected, 0, false, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED))
            return;
        while (!(next = __atomic_load_n(&self->Next, __ATOMIC_ACQUIRE)))
            hal_cpu_pause();
    }
    __atomic_store_n(&next->Lock, lock, __ATOMIC_RELEASE);
}

VOID NTAPI KeAcquireInStackQueuedSpinLock(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle)
{
    LockHandle->OldIrql = hal_irql_raise(DISPATCH_LEVEL);
    queued_acquire(SpinLock, LockHandle);
}
LDR_EXPORT(KeAcquireInStackQueuedSpinLock);

VOID NTAPI KeAcquireInStackQueuedSpinLockRaiseToSynch(PKSPIN_LOCK SpinLock,
                                                      PKLOCK_QUEUE_HANDLE LockHandle)
{
    LockHandle->OldIrql = hal_irql_raise(SYNCH_LEVEL);
    queued_acquire(SpinLock, LockHandle);
}
LDR_EXPORT(KeAcquireInStackQueuedSpinLockRaiseToSynch);

VOID NTAPI KeReleaseInStackQueuedSpinLock(PKLOCK_QUEUE_HANDLE LockHandle)
{
    KIRQL old = LockHandle->OldIrql;

    queued_release(LockHandle);
    hal_irql_write(old);
}
LDR_EXPORT(KeReleaseInStackQueuedSpinLock);
LDR_EXPORT_AS("KeReleaseInStackQueuedSpinLockForDpc", KeReleaseInStackQueuedSpinLock);

VOID NTAPI KeAcquireInStackQueuedSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock,
                                                    PKLOCK_QUEUE_HANDLE LockHandle)
{
    queued_acquire(SpinLock, LockHandle);
}
LDR_EXPORT(KeAcquireInStackQueuedSpinLockAtDpcLevel);

VOID NTAPI KeReleaseInStackQueuedSpinLockFromDpcLevel(PKLOCK_QUEUE_HANDLE LockHandle)
{
    queued_release(LockHandle);
}
LDR_EXPORT(KeReleaseInStackQueuedSpinLockFromDpcLevel);

VOID NTAPI KeAcquireInStackQueuedSpinLockForDpc(PKSPIN_LOCK SpinLock,
                                                PKLOCK_QUEUE_HANDLE LockHandle)
{
    LockHandle->OldIrql = hal_irql_read();
    if (LockHandle->OldIrql < DISPATCH_LEVEL)
        hal_irql_write(DISPATCH_LEVEL);
    queued_acquire(SpinLock, LockHandle);
}
LDR_EXPORT(KeAcquireInStackQueuedSpinLockForDpc);
