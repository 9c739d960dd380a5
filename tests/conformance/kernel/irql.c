/*
 * irql.c - IRQL and spin locks.
 */
#include "kernel.h"

VOID CheckIrql(PKTAP Report)
{
    KIRQL old, inner;

    KtapEqual(Report, KeGetCurrentIrql(), PASSIVE_LEVEL,
              "IRQ-4 a control request arrives at PASSIVE_LEVEL");
    KeRaiseIrql(APC_LEVEL, &old);
    KtapEqual(Report, old, PASSIVE_LEVEL, "RAI-1 raising returns the IRQL before");
    KeRaiseIrql(APC_LEVEL, &inner);
    KtapEqual(Report, inner, APC_LEVEL, "RAI-1 raising to the same IRQL is allowed");
    KeRaiseIrql(HIGH_LEVEL, &inner);
    KtapEqual(Report, KeGetCurrentIrql(), HIGH_LEVEL, "IRQ-1 HIGH_LEVEL is 15");
    KeLowerIrql(inner);
    KeLowerIrql(old);
    KtapEqual(Report, KeGetCurrentIrql(), PASSIVE_LEVEL, "RAI-2 lowering restores the IRQL");
}

VOID CheckSpinLocks(PKTAP Report)
{
    KLOCK_QUEUE_HANDLE handle;
    KSPIN_LOCK lock;
    KIRQL irql;

    KeInitializeSpinLock(&lock);
    KtapEqual(Report, lock, 0, "LOCK-1 a free spin lock is 0");
    KeAcquireSpinLock(&lock, &irql);
    KtapEqual(Report, irql, PASSIVE_LEVEL, "LOCK-3 acquiring returns the IRQL before");
    KtapEqual(Report, KeGetCurrentIrql(), DISPATCH_LEVEL,
              "LOCK-3 a spin lock is held at DISPATCH_LEVEL");
    KtapCheck(Report, !KeTryToAcquireSpinLockAtDpcLevel(&lock),
              "LOCK-8 a lock that is held cannot be taken");
    KeReleaseSpinLock(&lock, irql);
    KtapEqual(Report, KeGetCurrentIrql(), PASSIVE_LEVEL, "LOCK-4 releasing restores the IRQL");
    KeAcquireInStackQueuedSpinLock(&lock, &handle);
    KtapEqual(Report, KeGetCurrentIrql(), DISPATCH_LEVEL,
              "LOCK-10 a queued spin lock is held at DISPATCH_LEVEL");
    KeReleaseInStackQueuedSpinLock(&handle);
    KtapEqual(Report, KeGetCurrentIrql(), PASSIVE_LEVEL,
              "LOCK-10 releasing a queued spin lock restores the IRQL");
    KtapEqual(Report, lock, 0, "LOCK-10 a released lock is free");
}
