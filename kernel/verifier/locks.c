/*
 * verifier/locks.c - what stands in place of the spin lock routines: plain, queued, of interrupts,
 * the cancel spin lock.
 */
#include "verifier/internal.h"

#include "irq/interrupt.h"

#define CALLER ((uint64_t)__builtin_return_address(0))

static irql_t at_least_dispatch(void)
{
    irql_t irql = hal_irql_read();

    return irql < DISPATCH_LEVEL ? DISPATCH_LEVEL : irql;
}

static struct verifier_lock plain(const void *lock, irql_t irql, uint64_t caller)
{
    return (struct verifier_lock){lock, lock, LOCK_PLAIN, irql, caller, 0};
}

/* ---- plain locks ---------------------------------------------------------------------------- */

static VOID NTAPI initialize(PKSPIN_LOCK SpinLock)
{
    verifier_order_forget(SpinLock, sizeof *SpinLock);
    KeInitializeSpinLock(SpinLock);
}

static KIRQL NTAPI acquire_raise(PKSPIN_LOCK SpinLock)
{
    struct verifier_lock lock = plain(SpinLock, DISPATCH_LEVEL, CALLER);
    KIRQL old;

    verifier_lock_wait(&lock);
    old = KeAcquireSpinLockRaiseToDpc(SpinLock);
    verifier_lock_acquired(&lock);
    return old;
}

static KIRQL NTAPI acquire_synch(PKSPIN_LOCK SpinLock)
{
    struct verifier_lock lock = plain(SpinLock, SYNCH_LEVEL, CALLER);
    KIRQL old;

    verifier_lock_wait(&lock);
    old = KeAcquireSpinLockRaiseToSynch(SpinLock);
    verifier_lock_acquired(&lock);
    return old;
}

static VOID NTAPI acquire(PKSPIN_LOCK SpinLock)
{
    struct verifier_lock lock = plain(SpinLock, hal_irql_read(), CALLER);

    verifier_lock_wait(&lock);
    KeAcquireSpinLockAtDpcLevel(SpinLock);
    verifier_lock_acquired(&lock);
}

static BOOLEAN NTAPI try_acquire(PKSPIN_LOCK SpinLock)
{
    struct verifier_lock lock = plain(SpinLock, hal_irql_read(), CALLER);

    if (!KeTryToAcquireSpinLockAtDpcLevel(SpinLock))
        return FALSE;
    verifier_lock_note(&lock);
    verifier_lock_acquired(&lock);
    return TRUE;
}

static KIRQL NTAPI acquire_for_dpc(PKSPIN_LOCK SpinLock)
{
    struct verifier_lock lock = plain(SpinLock, at_least_dispatch(), CALLER);
    KIRQL old;

    verifier_lock_wait(&lock);
    old = KeAcquireSpinLockForDpc(SpinLock);
    verifier_lock_acquired(&lock);
    return old;
}

static VOID NTAPI release_lower(PKSPIN_LOCK SpinLock, KIRQL NewIrql)
{
    verifier_lock_release(SpinLock, LOCK_PLAIN, CALLER);
    KeReleaseSpinLock(SpinLock, NewIrql);
}

static VOID NTAPI release_for_dpc(PKSPIN_LOCK SpinLock, KIRQL OldIrql)
{
    verifier_lock_release(SpinLock, LOCK_PLAIN, CALLER);
    KeReleaseSpinLockForDpc(SpinLock, OldIrql);
}

static VOID NTAPI release_stay(PKSPIN_LOCK SpinLock)
{
    verifier_lock_release(SpinLock, LOCK_PLAIN, CALLER);
    KeReleaseSpinLockFromDpcLevel(SpinLock);
}

/* ---- queued locks: known by their handle ---------------------------------------------------- */

static struct verifier_lock queued(const void *lock, const void *handle, irql_t irql,
                                   uint64_t caller)
{
    return (struct verifier_lock){lock, handle, LOCK_QUEUED, irql, caller, 0};
}

static VOID NTAPI acquire_queued(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle)
{
    struct verifier_lock lock = queued(SpinLock, LockHandle, DISPATCH_LEVEL, CALLER);

    verifier_lock_wait(&lock);
    KeAcquireInStackQueuedSpinLock(SpinLock, LockHandle);
    verifier_lock_acquired(&lock);
}

static VOID NTAPI acquire_queued_synch(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle)
{
    struct verifier_lock lock = queued(SpinLock, LockHandle, SYNCH_LEVEL, CALLER);

    verifier_lock_wait(&lock);
    KeAcquireInStackQueuedSpinLockRaiseToSynch(SpinLock, LockHandle);
    verifier_lock_acquired(&lock);
}

static VOID NTAPI acquire_queued_stay(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle)
{
    struct verifier_lock lock = queued(SpinLock, LockHandle, hal_irql_read(), CALLER);

    verifier_lock_wait(&lock);
    KeAcquireInStackQueuedSpinLockAtDpcLevel(SpinLock, LockHandle);
    verifier_lock_acquired(&lock);
}

static VOID NTAPI acquire_queued_for_dpc(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle)
{
    struct verifier_lock lock = queued(SpinLock, LockHandle, at_least_dispatch(), CALLER);

    verifier_lock_wait(&lock);
    KeAcquireInStackQueuedSpinLockForDpc(SpinLock, LockHandle);
    verifier_lock_acquired(&lock);
}

static VOID NTAPI release_queued(PKLOCK_QUEUE_HANDLE LockHandle)
{
    verifier_lock_release(LockHandle, LOCK_QUEUED, CALLER);
    KeReleaseInStackQueuedSpinLock(LockHandle);
}

static VOID NTAPI release_queued_stay(PKLOCK_QUEUE_HANDLE LockHandle)
{
    verifier_lock_release(LockHandle, LOCK_QUEUED, CALLER);
    KeReleaseInStackQueuedSpinLockFromDpcLevel(LockHandle);
}

const struct verifier_special verifier_lock_specials[] = {
    {"KeInitializeSpinLock", NULL, initialize},
    {"KeAcquireSpinLockRaiseToDpc", NULL, acquire_raise},
    {"KeAcquireSpinLockRaiseToSynch", NULL, acquire_synch},
    {"KeAcquireSpinLockAtDpcLevel", NULL, acquire},
    {"KeTryToAcquireSpinLockAtDpcLevel", NULL, try_acquire},
    {"KeAcquireSpinLockForDpc", NULL, acquire_for_dpc},
    {"KeReleaseSpinLock", NULL, release_lower},
    {"KeReleaseSpinLockForDpc", NULL, release_for_dpc},
    {"KeReleaseSpinLockFromDpcLevel", NULL, release_stay},
    {"KeAcquireInStackQueuedSpinLock", NULL, acquire_queued},
    {"KeAcquireInStackQueuedSpinLockRaiseToSynch", NULL, acquire_queued_synch},
    {"KeAcquireInStackQueuedSpinLockAtDpcLevel", NULL, acquire_queued_stay},
    {"KeAcquireInStackQueuedSpinLockForDpc", NULL, acquire_queued_for_dpc},
    {"KeReleaseInStackQueuedSpinLock", NULL, release_queued},
    {"KeReleaseInStackQueuedSpinLockForDpc", NULL, release_queued},
    {"KeReleaseInStackQueuedSpinLockFromDpcLevel", NULL, release_queued_stay},
    {0},
};

/* ---- interrupt spin locks ------------------------------------------------------------------- */

static struct verifier_lock of_interrupt(PKINTERRUPT interrupt, uint64_t caller)
{
    return (struct verifier_lock){
        interrupt->lock, interrupt->lock, LOCK_INTERRUPT, interrupt->synchronize_irql, caller, 0};
}

/* Passive objects have no lock, and wrong levels are the routine's own to find. */
static bool has_lock(PKINTERRUPT interrupt)
{
    return !interrupt->passive && hal_irql_read() <= interrupt->synchronize_irql;
}

static KIRQL NTAPI acquire_interrupt(PKINTERRUPT Interrupt)
{
    struct verifier_lock lock = of_interrupt(Interrupt, CALLER);
    irql_t old;

    if (!has_lock(Interrupt))
        return KeAcquireInterruptSpinLock(Interrupt);
    verifier_lock_wait(&lock);
    old = KeAcquireInterruptSpinLock(Interrupt);
    verifier_lock_acquired(&lock);
    return old;
}

static VOID NTAPI release_interrupt(PKINTERRUPT Interrupt, KIRQL OldIrql)
{
    if (!Interrupt->passive)
        verifier_lock_release(Interrupt->lock, LOCK_INTERRUPT, CALLER);
    KeReleaseInterruptSpinLock(Interrupt, OldIrql);
}

/* The lock counts as held from a little before on: its time is not taken. */
static BOOLEAN NTAPI synchronize(PKINTERRUPT Interrupt, PKSYNCHRONIZE_ROUTINE SynchronizeRoutine,
                                 PVOID SynchronizeContext)
{
    struct verifier_lock lock = of_interrupt(Interrupt, CALLER);
    BOOLEAN result;
    irql_t old;

    if (!has_lock(Interrupt))
        return KeSynchronizeExecution(Interrupt, SynchronizeRoutine, SynchronizeContext);
    verifier_lock_wait(&lock);
    old = hal_irql_raise(Interrupt->synchronize_irql);
    verifier_lock_push(&lock);
    result = KeSynchronizeExecution(Interrupt, SynchronizeRoutine, SynchronizeContext);
    verifier_lock_release(lock.handle, LOCK_INTERRUPT, lock.caller);
    hal_irql_write(old);
    return result;
}

const struct verifier_special verifier_interrupt_lock_specials[] = {
    {"KeAcquireInterruptSpinLock", NULL, acquire_interrupt},
    {"KeReleaseInterruptSpinLock", NULL, release_interrupt},
    {"KeSynchronizeExecution", NULL, synchronize},
    {0},
};

/* ---- the cancel spin lock ------------------------------------------------------------------- */

static VOID NTAPI acquire_cancel(PKIRQL Irql)
{
    struct verifier_lock lock = verifier_cancel_lock(CALLER);

    verifier_lock_wait(&lock);
    IoAcquireCancelSpinLock(Irql);
    verifier_lock_acquired(&lock);
}

static VOID NTAPI release_cancel(KIRQL Irql)
{
    struct verifier_lock lock = verifier_cancel_lock(CALLER);

    verifier_lock_release(lock.handle, LOCK_CANCEL, lock.caller);
    IoReleaseCancelSpinLock(Irql);
}

/* The routine acquires it, too. */
static void check_cancel(const char *routine, const uint64_t *frame)
{
    struct verifier_lock lock = verifier_cancel_lock(frame[CALL_RETURN]);

    (void)routine;
    verifier_lock_wait(&lock);
}

const struct verifier_special verifier_cancel_specials[] = {
    {"IoAcquireCancelSpinLock", NULL, acquire_cancel},
    {"IoReleaseCancelSpinLock", NULL, release_cancel},
    {"IoCancelIrp", check_cancel, NULL},
    {0},
};
