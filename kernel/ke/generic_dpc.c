/*
 * ke/generic_dpc.c - a routine run once on every processor, at DISPATCH_LEVEL, all at one time.
 *
 * The caller's processor runs it in the call, the others as a DPC ahead of theirs. The set is
 * chosen, and the DPCs queued, under the dispatcher lock: no processor is parked meanwhile
 * (ke/cpu_offline.c), so each of them really runs one.
 */
#include <hal/hal.h>
#include <hal/ipi.h>
#include <lib/assert.h>
#include <lib/export.h>
#include <nt/ntddk.h>

#include "ke/dispatcher.h"
#include "ke/ke.h"

/* What SystemArgument2 points to; SystemArgument1 points to `left`. */
struct generic_call {
    volatile uint32_t left;    /* processors that are not done */
    volatile uint32_t missing; /* at the barrier, in this round */
    volatile uint32_t round;   /* of the barrier */
    uint32_t processors;       /* (c) during the call */
};

static struct generic_call call;
static KDPC dpcs[CPU_MAX];

/* One call at a time: they share what is above. Signalled: nobody calls. */
static KEVENT idle = {
    .Header = {.Type = SynchronizationEvent,
               .Size = sizeof(KEVENT) / sizeof(ULONG),
               .SignalState = 1,
               .WaitListHead = {&idle.Header.WaitListHead, &idle.Header.WaitListHead}}};

/* At DISPATCH_LEVEL. The count of the others and the caller's own. */
static void call_begin(PKDEFERRED_ROUTINE routine, PVOID context)
{
    irql_t old = ke_dispatcher_lock();
    uint32_t self = cpu_current();
    struct cpu_set others = {0};

    for (uint32_t cpu = 0; cpu < hal_cpu_count(); cpu++) {
        if (cpu != self && hal_pcr(cpu)->online)
            cpu_set_add(&others, cpu);
    }
    call.processors = cpu_set_count(&others) + 1;
    call.left = call.processors;
    call.missing = call.processors;
    KeInitializeDpc(&dpcs[self], routine, context);
    for (uint32_t cpu = 0; (cpu = cpu_set_next(&others, cpu)) < CPU_MAX; cpu++) {
        KeInitializeDpc(&dpcs[cpu], routine, context);
        KeSetImportanceDpc(&dpcs[cpu], HighImportance);
        ke_dpc_post(cpu, &dpcs[cpu], (PVOID)&call.left, &call);
    }
    hal_ipi_send_set(&others, (vector_t){VECTOR_IPI});
    ke_dispatcher_unlock(old);
}

/* WDK surface */

/*
 * Returns when the routine has called KeSignalCallDpcDone everywhere. IRQL <= APC_LEVEL.
 * WDK: KeGenericCallDpc
 */
VOID NTAPI KeGenericCallDpc(PKDEFERRED_ROUTINE Routine, PVOID Context)
{
    irql_t old;

    ASSERT(hal_irql_read() <= APC_LEVEL);
    KeWaitForSingleObject(&idle, Executive, KernelMode, FALSE, NULL);
    old = hal_irql_raise(DISPATCH_LEVEL);
    call_begin(Routine, Context);
    Routine(&dpcs[cpu_current()], Context, (PVOID)&call.left, &call);
    while (__atomic_load_n(&call.left, __ATOMIC_ACQUIRE) != 0)
        hal_cpu_pause();
    hal_irql_write(old);
    KeSetEvent(&idle, IO_NO_INCREMENT, FALSE);
}
LDR_EXPORT(KeGenericCallDpc);

/* IRQL = DISPATCH_LEVEL, in the routine, last. */
VOID NTAPI KeSignalCallDpcDone(PVOID SystemArgument1)
{
    __atomic_sub_fetch((volatile uint32_t *)SystemArgument1, 1, __ATOMIC_ACQ_REL);
}
LDR_EXPORT(KeSignalCallDpcDone);

/*
 * Waits until all processors have come here; TRUE on one of them: the last. IRQL = DISPATCH_LEVEL,
 * in the routine, on each processor as often.
 */
LOGICAL NTAPI KeSignalCallDpcSynchronize(PVOID SystemArgument2)
{
    struct generic_call *barrier = SystemArgument2;
    uint32_t round = __atomic_load_n(&barrier->round, __ATOMIC_ACQUIRE);

    if (__atomic_sub_fetch(&barrier->missing, 1, __ATOMIC_ACQ_REL) == 0) {
        barrier->missing = barrier->processors;
        __atomic_store_n(&barrier->round, round + 1, __ATOMIC_RELEASE);
        return TRUE;
    }
    while (__atomic_load_n(&barrier->round, __ATOMIC_ACQUIRE) == round)
        hal_cpu_pause();
    return FALSE;
}
LDR_EXPORT(KeSignalCallDpcSynchronize);
