/*
 * verifier/rw_locks.c - what stands in place of the reader-writer spin lock routines.
 *
 * A CPU that holds one exclusive and wants it again, or shared and wants it exclusive, waits for
 * itself; one that holds it shared and wants it shared does so when a writer waits in between
 * (LOCK-19).
 */
#include "verifier/internal.h"

#define CALLER ((uint64_t)__builtin_return_address(0))

static struct verifier_lock rw(PEX_SPIN_LOCK lock, enum verifier_lock_kind kind, irql_t irql,
                               uint64_t caller)
{
    return (struct verifier_lock){(const void *)lock, (const void *)lock, kind, irql, caller, 0};
}

static KIRQL NTAPI acquire_shared(PEX_SPIN_LOCK SpinLock)
{
    struct verifier_lock lock = rw(SpinLock, LOCK_SHARED, DISPATCH_LEVEL, CALLER);
    KIRQL old;

    verifier_lock_wait(&lock);
    old = ExAcquireSpinLockShared(SpinLock);
    verifier_lock_acquired(&lock);
    return old;
}

static KIRQL NTAPI acquire_exclusive(PEX_SPIN_LOCK SpinLock)
{
    struct verifier_lock lock = rw(SpinLock, LOCK_EXCLUSIVE, DISPATCH_LEVEL, CALLER);
    KIRQL old;

    verifier_lock_wait(&lock);
    old = ExAcquireSpinLockExclusive(SpinLock);
    verifier_lock_acquired(&lock);
    return old;
}

static VOID NTAPI acquire_shared_stay(PEX_SPIN_LOCK SpinLock)
{
    struct verifier_lock lock = rw(SpinLock, LOCK_SHARED, hal_irql_read(), CALLER);

    verifier_lock_wait(&lock);
    ExAcquireSpinLockSharedAtDpcLevel(SpinLock);
    verifier_lock_acquired(&lock);
}

static VOID NTAPI acquire_exclusive_stay(PEX_SPIN_LOCK SpinLock)
{
    struct verifier_lock lock = rw(SpinLock, LOCK_EXCLUSIVE, hal_irql_read(), CALLER);

    verifier_lock_wait(&lock);
    ExAcquireSpinLockExclusiveAtDpcLevel(SpinLock);
    verifier_lock_acquired(&lock);
}

static ULONG NTAPI try_shared(PEX_SPIN_LOCK SpinLock)
{
    struct verifier_lock lock = rw(SpinLock, LOCK_SHARED, hal_irql_read(), CALLER);
    ULONG acquired = ExTryAcquireSpinLockSharedAtDpcLevel(SpinLock);

    if (acquired) {
        verifier_lock_note(&lock);
        verifier_lock_acquired(&lock);
    }
    return acquired;
}

static ULONG NTAPI try_exclusive(PEX_SPIN_LOCK SpinLock)
{
    struct verifier_lock lock = rw(SpinLock, LOCK_EXCLUSIVE, hal_irql_read(), CALLER);
    ULONG acquired = ExTryAcquireSpinLockExclusiveAtDpcLevel(SpinLock);

    if (acquired) {
        verifier_lock_note(&lock);
        verifier_lock_acquired(&lock);
    }
    return acquired;
}

static ULONG NTAPI try_convert(PEX_SPIN_LOCK SpinLock)
{
    struct verifier_lock lock = rw(SpinLock, LOCK_EXCLUSIVE, hal_irql_read(), CALLER);
    ULONG converted = ExTryConvertSharedSpinLockExclusive(SpinLock);

    if (converted) {
        verifier_lock_release(lock.handle, LOCK_SHARED, lock.caller);
        verifier_lock_acquired(&lock);
    }
    return converted;
}

static VOID NTAPI release_shared(PEX_SPIN_LOCK SpinLock, KIRQL OldIrql)
{
    verifier_lock_release((const void *)SpinLock, LOCK_SHARED, CALLER);
    ExReleaseSpinLockShared(SpinLock, OldIrql);
}

static VOID NTAPI release_exclusive(PEX_SPIN_LOCK SpinLock, KIRQL OldIrql)
{
    verifier_lock_release((const void *)SpinLock, LOCK_EXCLUSIVE, CALLER);
    ExReleaseSpinLockExclusive(SpinLock, OldIrql);
}

static VOID NTAPI release_shared_stay(PEX_SPIN_LOCK SpinLock)
{
    verifier_lock_release((const void *)SpinLock, LOCK_SHARED, CALLER);
    ExReleaseSpinLockSharedFromDpcLevel(SpinLock);
}

static VOID NTAPI release_exclusive_stay(PEX_SPIN_LOCK SpinLock)
{
    verifier_lock_release((const void *)SpinLock, LOCK_EXCLUSIVE, CALLER);
    ExReleaseSpinLockExclusiveFromDpcLevel(SpinLock);
}

const struct verifier_special verifier_rw_lock_specials[] = {
    {"ExAcquireSpinLockShared", NULL, acquire_shared},
    {"ExAcquireSpinLockExclusive", NULL, acquire_exclusive},
    {"ExAcquireSpinLockSharedAtDpcLevel", NULL, acquire_shared_stay},
    {"ExAcquireSpinLockExclusiveAtDpcLevel", NULL, acquire_exclusive_stay},
    {"ExTryAcquireSpinLockSharedAtDpcLevel", NULL, try_shared},
    {"ExTryAcquireSpinLockExclusiveAtDpcLevel", NULL, try_exclusive},
    {"ExTryConvertSharedSpinLockExclusive", NULL, try_convert},
    {"ExReleaseSpinLockShared", NULL, release_shared},
    {"ExReleaseSpinLockExclusive", NULL, release_exclusive},
    {"ExReleaseSpinLockSharedFromDpcLevel", NULL, release_shared_stay},
    {"ExReleaseSpinLockExclusiveFromDpcLevel", NULL, release_exclusive_stay},
    {0},
};
