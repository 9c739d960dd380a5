/*
 * dpc.c - IRQL, spin locks and DPCs.
 */
#include "kernel.h"

#define DPCS 4

typedef struct _ORDER {
    KDPC Dpcs[DPCS];
    volatile LONG Runs;
    volatile LONG Sequence[DPCS]; /* the argument of the first, second, ... DPC that ran */
    volatile KIRQL Irql;
} ORDER;

static VOID NTAPI OrderRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    ORDER *order = Context;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument2);
    if (order->Runs < DPCS)
        order->Sequence[order->Runs] = (LONG)(ULONG_PTR)Argument1;
    order->Irql = KeGetCurrentIrql();
    order->Runs++;
}

VOID CheckIrql(PKTAP Report)
{
    KIRQL old, inner;

    KtapEqual(Report, KeGetCurrentIrql(), PASSIVE_LEVEL,
              "a control request arrives at PASSIVE_LEVEL (IRQ-4)");
    KeRaiseIrql(APC_LEVEL, &old);
    KtapEqual(Report, old, PASSIVE_LEVEL, "raising returns the IRQL before (RAI-1)");
    KeRaiseIrql(APC_LEVEL, &inner);
    KtapEqual(Report, inner, APC_LEVEL, "raising to the same IRQL is allowed (RAI-1)");
    KeRaiseIrql(HIGH_LEVEL, &inner);
    KtapEqual(Report, KeGetCurrentIrql(), HIGH_LEVEL, "HIGH_LEVEL is 15 (IRQ-1)");
    KeLowerIrql(inner);
    KeLowerIrql(old);
    KtapEqual(Report, KeGetCurrentIrql(), PASSIVE_LEVEL, "lowering restores the IRQL (RAI-2)");
}

VOID CheckSpinLocks(PKTAP Report)
{
    KLOCK_QUEUE_HANDLE handle;
    KSPIN_LOCK lock;
    KIRQL irql;

    KeInitializeSpinLock(&lock);
    KtapEqual(Report, lock, 0, "a free spin lock is 0 (LOCK-1)");
    KeAcquireSpinLock(&lock, &irql);
    KtapEqual(Report, irql, PASSIVE_LEVEL, "acquiring returns the IRQL before (LOCK-3)");
    KtapEqual(Report, KeGetCurrentIrql(), DISPATCH_LEVEL,
              "a spin lock is held at DISPATCH_LEVEL (LOCK-3)");
    KtapCheck(Report, !KeTryToAcquireSpinLockAtDpcLevel(&lock),
              "a lock that is held cannot be taken (LOCK-8)");
    KeReleaseSpinLock(&lock, irql);
    KtapEqual(Report, KeGetCurrentIrql(), PASSIVE_LEVEL, "releasing restores the IRQL (LOCK-4)");
    KeAcquireInStackQueuedSpinLock(&lock, &handle);
    KtapEqual(Report, KeGetCurrentIrql(), DISPATCH_LEVEL,
              "a queued spin lock is held at DISPATCH_LEVEL (LOCK-10)");
    KeReleaseInStackQueuedSpinLock(&handle);
    KtapEqual(Report, KeGetCurrentIrql(), PASSIVE_LEVEL,
              "releasing a queued spin lock restores the IRQL (LOCK-10)");
    KtapEqual(Report, lock, 0, "a released lock is free (LOCK-10)");
}

static VOID CheckOrder(PKTAP Report, ORDER *Order)
{
    KIRQL irql;
    ULONG i;

    for (i = 0; i < DPCS; i++)
        KeInitializeDpc(&Order->Dpcs[i], OrderRoutine, Order);
    KeSetImportanceDpc(&Order->Dpcs[3], HighImportance);
    Order->Runs = 0;
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    for (i = 0; i < DPCS; i++)
        KeInsertQueueDpc(&Order->Dpcs[i], (PVOID)(ULONG_PTR)(i + 1), NULL);
    KtapEqual(Report, (ULONG)Order->Runs, 0, "at DISPATCH_LEVEL no DPC runs (DPC-18)");
    KeLowerIrql(irql);
    KtapEqual(Report, (ULONG)Order->Runs, DPCS, "all have run when the IRQL drops (RAI-8)");
    KtapEqual(Report, (ULONG)Order->Sequence[0], 4, "an important DPC runs first (DPC-17)");
    KtapCheck(Report, Order->Sequence[1] == 1 && Order->Sequence[2] == 2 && Order->Sequence[3] == 3,
              "the others run in order (DPC-17)");
    KtapEqual(Report, Order->Irql, DISPATCH_LEVEL, "a DPC runs at DISPATCH_LEVEL (DPC-3)");
}

static VOID CheckRemove(PKTAP Report, ORDER *Order)
{
    KIRQL irql;

    Order->Runs = 0;
    KeInitializeDpc(&Order->Dpcs[0], OrderRoutine, Order);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    KtapCheck(Report, KeInsertQueueDpc(&Order->Dpcs[0], (PVOID)1, NULL) == TRUE,
              "queuing a DPC returns TRUE (DPC-4)");
    KtapCheck(Report, KeInsertQueueDpc(&Order->Dpcs[0], (PVOID)2, NULL) == FALSE,
              "queuing it again returns FALSE (DPC-4)");
    KtapCheck(Report, KeRemoveQueueDpc(&Order->Dpcs[0]) == TRUE,
              "removing a queued DPC returns TRUE (DPC-9)");
    KtapCheck(Report, KeRemoveQueueDpc(&Order->Dpcs[0]) == FALSE,
              "removing one that is not queued returns FALSE (DPC-9)");
    KeLowerIrql(irql);
    KtapEqual(Report, (ULONG)Order->Runs, 0, "a removed DPC does not run (DPC-9)");
}

static VOID CheckTargets(PKTAP Report, ORDER *Order)
{
    ULONG processors = KeQueryActiveProcessorCount(NULL), i;
    PROCESSOR_NUMBER number = {9, 0, 0};

    KtapStatus(Report, KeSetTargetProcessorDpcEx(&Order->Dpcs[0], &number),
               STATUS_INVALID_PARAMETER,
               "a target in a group without processors is refused (DPC-13)");
    Order->Runs = 0;
    for (i = 0; i < processors; i++) {
        KDPC *dpc = &Order->Dpcs[0];

        KeInitializeDpc(dpc, OrderRoutine, Order);
        KeSetTargetProcessorDpc(dpc, (CCHAR)i);
        KeInsertQueueDpc(dpc, NULL, NULL);
        KeFlushQueuedDpcs();
    }
    KtapEqual(Report, (ULONG)Order->Runs, processors,
              "flushing waits for the DPCs of each processor (FLU-1)");
}

VOID CheckDpcs(PKTAP Report)
{
    ORDER *order = ExAllocatePoolWithTag(NonPagedPool, sizeof(ORDER), TEST_TAG);

    KtapCheck(Report, order != NULL, "pool for DPCs can be had");
    if (order == NULL)
        return;
    CheckOrder(Report, order);
    CheckRemove(Report, order);
    CheckTargets(Report, order);
    ExFreePoolWithTag(order, TEST_TAG);
}
