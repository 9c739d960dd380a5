/*
 * ex/rw_spinlock.c - EX_SPIN_LOCK: one writer or any number of readers, spinning (LOCK-19).
 *
 * The word counts readers; its top bit belongs to the writer. A writer takes the bit first and
 * then waits for the readers to leave, and while the bit is set no reader comes in: writers are
 * not starved, and a reader does not acquire the lock a second time.
 */
#include <hal/hal.h>
#include <lib/assert.h>
#include <lib/export.h>
#include <nt/wdm.h>

#define RW_WRITER 0x80000000u

static volatile ULONG *rw_word(PEX_SPIN_LOCK lock)
{
    return (volatile ULONG *)lock;
}

static bool rw_try_shared(PEX_SPIN_LOCK lock)
{
    ULONG seen = __atomic_load_n(rw_word(lock), __ATOMIC_RELAXED);

    while (!(seen & RW_WRITER)) {
        if (__atomic_compare_exchange_n(rw_word(lock), &seen, seen + 1, false, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            return true;
    }
    return false;
}

static void rw_acquire_shared(PEX_SPIN_LOCK lock)
{
    while (!rw_try_shared(lock))
        hal_cpu_pause();
}

static void rw_acquire_exclusive(PEX_SPIN_LOCK lock)
{
    while (__atomic_fetch_or(rw_word(lock), RW_WRITER, __ATOMIC_ACQUIRE) & RW_WRITER) {
        while (__atomic_load_n(rw_word(lock), __ATOMIC_RELAXED) & RW_WRITER)
            hal_cpu_pause();
    }
    while (__atomic_load_n(rw_word(lock), __ATOMIC_ACQUIRE) != RW_WRITER)
        hal_cpu_pause();
}

static void rw_release_shared(PEX_SPIN_LOCK lock)
{
    __atomic_sub_fetch(rw_word(lock), 1, __ATOMIC_RELEASE);
}

static void rw_release_exclusive(PEX_SPIN_LOCK lock)
{
    __atomic_store_n(rw_word(lock), 0, __ATOMIC_RELEASE);
}

/* WDK surface */

KIRQL NTAPI ExAcquireSpinLockShared(PEX_SPIN_LOCK SpinLock)
{
    irql_t old;

    ASSERT_IRQL(DISPATCH_LEVEL);
    old = hal_irql_raise(DISPATCH_LEVEL);
    rw_acquire_shared(SpinLock);
    return old;
}
LDR_EXPORT(ExAcquireSpinLockShared);

VOID NTAPI ExReleaseSpinLockShared(PEX_SPIN_LOCK SpinLock, KIRQL OldIrql)
{
    rw_release_shared(SpinLock);
    hal_irql_write(OldIrql);
}
LDR_EXPORT(ExReleaseSpinLockShared);

KIRQL NTAPI ExAcquireSpinLockExclusive(PEX_SPIN_LOCK SpinLock)
{
    irql_t old;

    ASSERT_IRQL(DISPATCH_LEVEL);
    old = hal_irql_raise(DISPATCH_LEVEL);
    rw_acquire_exclusive(SpinLock);
    return old;
}
LDR_EXPORT(ExAcquireSpinLockExclusive);

VOID NTAPI ExReleaseSpinLockExclusive(PEX_SPIN_LOCK SpinLock, KIRQL OldIrql)
{
    rw_release_exclusive(SpinLock);
    hal_irql_write(OldIrql);
}
LDR_EXPORT(ExReleaseSpinLockExclusive);

VOID NTAPI ExAcquireSpinLockSharedAtDpcLevel(PEX_SPIN_LOCK SpinLock)
{
    rw_acquire_shared(SpinLock);
}
LDR_EXPORT(ExAcquireSpinLockSharedAtDpcLevel);

VOID NTAPI ExReleaseSpinLockSharedFromDpcLevel(PEX_SPIN_LOCK SpinLock)
{
    rw_release_shared(SpinLock);
}
LDR_EXPORT(ExReleaseSpinLockSharedFromDpcLevel);

VOID NTAPI ExAcquireSpinLockExclusiveAtDpcLevel(PEX_SPIN_LOCK SpinLock)
{
    rw_acquire_exclusive(SpinLock);
}
LDR_EXPORT(ExAcquireSpinLockExclusiveAtDpcLevel);

VOID NTAPI ExReleaseSpinLockExclusiveFromDpcLevel(PEX_SPIN_LOCK SpinLock)
{
    rw_release_exclusive(SpinLock);
}
LDR_EXPORT(ExReleaseSpinLockExclusiveFromDpcLevel);

/* The only reader becomes the writer; FALSE, and still a reader, if there are others. */
ULONG NTAPI ExTryConvertSharedSpinLockExclusive(PEX_SPIN_LOCK SpinLock)
{
    ULONG expected = 1;

    return __atomic_compare_exchange_n(rw_word(SpinLock), &expected, RW_WRITER, false,
                                       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}
LDR_EXPORT(ExTryConvertSharedSpinLockExclusive);

ULONG NTAPI ExTryAcquireSpinLockSharedAtDpcLevel(PEX_SPIN_LOCK SpinLock)
{
    return rw_try_shared(SpinLock);
}
LDR_EXPORT(ExTryAcquireSpinLockSharedAtDpcLevel);

ULONG NTAPI ExTryAcquireSpinLockExclusiveAtDpcLevel(PEX_SPIN_LOCK SpinLock)
{
    ULONG expected = 0;

    return __atomic_compare_exchange_n(rw_word(SpinLock), &expected, RW_WRITER, false,
                                       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}
LDR_EXPORT(ExTryAcquireSpinLockExclusiveAtDpcLevel);
