/*
 * ex/rw_lock.c - EX_SPIN_LOCK, the reader/writer spin lock.
 *
 * The word counts readers; its sign bit is the writer. A writer takes the bit first, which keeps
 * new readers out, and then waits for those inside (WDK: ExAcquireSpinLockExclusive).
 */
#include <hal/hal.h>
#include <lib/export.h>
#include <nt/wdm.h>

#define RW_WRITER 0x80000000u

/* WDK surface */

VOID NTAPI ExAcquireSpinLockSharedAtDpcLevel(PEX_SPIN_LOCK SpinLock)
{
    for (;;) {
        LONG value = *(volatile LONG *)SpinLock;

        if (value >= 0 && __atomic_compare_exchange_n(SpinLock, &value, value + 1, false,
                                                      __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return;
        hal_cpu_pause();
    }
}
LDR_EXPORT(ExAcquireSpinLockSharedAtDpcLevel);

VOID NTAPI ExReleaseSpinLockSharedFromDpcLevel(PEX_SPIN_LOCK SpinLock)
{
    __atomic_sub_fetch(SpinLock, 1, __ATOMIC_RELEASE);
}
LDR_EXPORT(ExReleaseSpinLockSharedFromDpcLevel);

VOID NTAPI ExAcquireSpinLockExclusiveAtDpcLevel(PEX_SPIN_LOCK SpinLock)
{
    for (;;) {
        LONG value = *(volatile LONG *)SpinLock;

        if (value >= 0 &&
            __atomic_compare_exchange_n(SpinLock, &value, (LONG)((ULONG)value | RW_WRITER), false,
                                        __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            break;
        hal_cpu_pause();
    }
    while (__atomic_load_n((ULONG *)SpinLock, __ATOMIC_ACQUIRE) != RW_WRITER)
        hal_cpu_pause();
}
LDR_EXPORT(ExAcquireSpinLockExclusiveAtDpcLevel);

VOID NTAPI ExReleaseSpinLockExclusiveFromDpcLevel(PEX_SPIN_LOCK SpinLock)
{
    __atomic_store_n(SpinLock, 0, __ATOMIC_RELEASE);
}
LDR_EXPORT(ExReleaseSpinLockExclusiveFromDpcLevel);

KIRQL NTAPI ExAcquireSpinLockShared(PEX_SPIN_LOCK SpinLock)
{
    KIRQL irql;

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    ExAcquireSpinLockSharedAtDpcLevel(SpinLock);
    return irql;
}
LDR_EXPORT(ExAcquireSpinLockShared);

VOID NTAPI ExReleaseSpinLockShared(PEX_SPIN_LOCK SpinLock, KIRQL OldIrql)
{
    ExReleaseSpinLockSharedFromDpcLevel(SpinLock);
    KeLowerIrql(OldIrql);
}
LDR_EXPORT(ExReleaseSpinLockShared);

KIRQL NTAPI ExAcquireSpinLockExclusive(PEX_SPIN_LOCK SpinLock)
{
    KIRQL irql;

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    ExAcquireSpinLockExclusiveAtDpcLevel(SpinLock);
    return irql;
}
LDR_EXPORT(ExAcquireSpinLockExclusive);

VOID NTAPI ExReleaseSpinLockExclusive(PEX_SPIN_LOCK SpinLock, KIRQL OldIrql)
{
    ExReleaseSpinLockExclusiveFromDpcLevel(SpinLock);
    KeLowerIrql(OldIrql);
}
LDR_EXPORT(ExReleaseSpinLockExclusive);
