/*
 * ke/dpc.c - deferred procedure calls: one queue a CPU, and the loop that empties it.
 *
 * The queue is touched from any IRQL and from other CPUs, so its lock is held with interrupts off
 * (DQ-2). A DPC is taken off and marked free before its routine runs, so that an ISR can queue it
 * again meanwhile (DPC-7); the arguments are copied first (DPC-8).
 *
 * How the loop is entered: dpc_requested is set with the insert. If a device interrupt is being
 * served on this CPU, its way out runs the loop without another interrupt; if the loop is already
 * running, it sees the new entry; else VECTOR_DPC is sent to this CPU and waits in the local APIC
 * until CR8 drops below DISPATCH_LEVEL (CR8-5). When the queue is empty the loop ends with a
 * thread switch, if one is due.
 */
#include <hal/upcall.h>
#include <lib/assert.h>
#include <lib/bugcheck.h>
#include <lib/export.h>

#include "ke/dispatcher.h"
#include "ke/ke.h"

enum {
    DPC_TYPE_NORMAL = 0x13,    /* spec C.7 */
    DPC_TARGET_BASE = 0x800, /* KDPC.Number from here on names processor Number - base */
    DPC_QUEUE_DEPTH_LIMIT = 4, /* DPC-23 MaximumDpcQueueDepth */
};

/* ---- asking for the loop -------------------------------------------------------------------- */

void ke_request_dispatch(void)
{
    PCR->dpc_requested = 1;
    if (!PCR->interrupt_depth && !PCR->dpc_active)
        hal_ipi_self((vector_t){VECTOR_DPC});
}

void ke_request_dispatch_on(uint32_t cpu)
{
    hal_ipi_send(cpu, (vector_t){VECTOR_IPI});
}

/* ---- the loop ------------------------------------------------------------------------------- */

static void dpc_check_return(PKDEFERRED_ROUTINE routine)
{
    irql_t irql = hal_irql_read();

    if (__builtin_expect(irql != DISPATCH_LEVEL, 0))
        lib_bugcheck(IRQL_UNEXPECTED_VALUE,
                     (uint64_t)irql << 16 | (uint64_t)DISPATCH_LEVEL << 8, (uint64_t)routine, 0, 0,
                     NULL);
}

/* Interrupts off on entry and return. */
static void dpc_run_all(struct ke_cpu *ke)
{
    while (!IsListEmpty(&ke->dpc_list)) {
        ke_lock_acquire(&ke->dpc_lock);
        if (IsListEmpty(&ke->dpc_list)) {
            ke_lock_release(&ke->dpc_lock);
            break;
        }
        PKDPC dpc = CONTAINING_RECORD(ke->dpc_list.Flink, KDPC, DpcListEntry);
        PKDEFERRED_ROUTINE routine = dpc->DeferredRoutine;
        PVOID context = dpc->DeferredContext;
        PVOID argument1 = dpc->SystemArgument1;
        PVOID argument2 = dpc->SystemArgument2;
        RemoveEntryList(&dpc->DpcListEntry);
        ke->dpc_depth--;
        dpc->DpcData = NULL;
        ke->dpc_running = dpc;
        ke_lock_release(&ke->dpc_lock);
        hal_interrupts_on();

        ke->dpc_count++;
        routine(dpc, context, argument1, argument2);
        dpc_check_return(routine);

        hal_interrupts_off();
        ke->dpc_running = NULL;
    }
    ke->dpc_generation++;
}

/* DISPATCH_LEVEL, interrupts off on entry and return; may come back much later, on this CPU or,
 * after a thread switch, on another. */
static void dispatch_loop(void)
{
    PCR->dpc_active = 1;
    do {
        struct ke_cpu *ke = PCR->ke;
        PCR->dpc_requested = 0;
        if (ke->timer_expired) {
            ke->timer_expired = 0;
            hal_interrupts_on();
            ke_timers_expire();
            hal_interrupts_off();
        }
        dpc_run_all(ke);
    } while (PCR->dpc_requested);
    PCR->dpc_active = 0;
    if (PCR->next_thread || PCR->ke->quantum_end) {
        hal_interrupts_on();
        ke_dispatch_switch();
        hal_interrupts_off();
    }
}

void ke_interrupt_exit(irql_t old)
{
    if (old < DISPATCH_LEVEL) {
        hal_irql_write(DISPATCH_LEVEL);
        dispatch_loop();
    } else if (!PCR->interrupt_depth && !PCR->dpc_active) {
        hal_ipi_self((vector_t){VECTOR_DPC});
    }
}

HAL_UPCALL void ke_dpc_interrupt(uint64_t vector)
{
    irql_t old = hal_irql_read();

    (void)vector;
    hal_apic_eoi();
    hal_irql_write(DISPATCH_LEVEL);
    dispatch_loop();
    hal_irql_write(old);
}

/* ---- queueing --------------------------------------------------------------------------------- */

static void dpc_initialize(PKDPC dpc, UCHAR type, PKDEFERRED_ROUTINE routine, PVOID context)
{
    dpc->Type = type;
    dpc->Importance = MediumImportance;
    dpc->Number = 0;
    dpc->DeferredRoutine = routine;
    dpc->DeferredContext = context;
    dpc->DpcData = NULL;
}

/* Tell the CPU whose queue just got an entry (DPC-18 to DPC-20). Interrupts off. */
static void dpc_notify(struct ke_cpu *ke, uint32_t cpu, const KDPC *dpc, bool own)
{
    if (own) {
        if (dpc->Importance != LowImportance || ke->dpc_depth > DPC_QUEUE_DEPTH_LIMIT)
            ke_request_dispatch();
        return;
    }
    if (dpc->Importance == HighImportance || dpc->Importance == MediumHighImportance ||
        ke->dpc_depth > DPC_QUEUE_DEPTH_LIMIT || hal_pcr(cpu)->current_thread ==
        hal_pcr(cpu)->idle_thread)
        ke_request_dispatch_on(cpu);
}

/* WDK surface */

VOID NTAPI KeInitializeDpc(PRKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine, PVOID DeferredContext)
{
    dpc_initialize(Dpc, DPC_TYPE_NORMAL, DeferredRoutine, DeferredContext);
}
LDR_EXPORT(KeInitializeDpc);

BOOLEAN NTAPI KeInsertQueueDpc(PRKDPC Dpc, PVOID SystemArgument1, PVOID SystemArgument2)
{
    uint64_t flags = hal_interrupts_disable();
    uint32_t self = cpu_current();
    uint32_t target = Dpc->Number;
    uint32_t cpu = target >= DPC_TARGET_BASE ? target - DPC_TARGET_BASE : self;
    struct ke_cpu *ke = cpu == self ? PCR->ke : hal_pcr(cpu)->ke;
    BOOLEAN queued = FALSE;

    ke_lock_acquire(&ke->dpc_lock);
    if (!Dpc->DpcData) {
        queued = TRUE;
        Dpc->DpcData = ke;
        Dpc->SystemArgument1 = SystemArgument1;
        Dpc->SystemArgument2 = SystemArgument2;
        ke->dpc_depth++;
        if (Dpc->Importance == HighImportance)
            InsertHeadList(&ke->dpc_list, &Dpc->DpcListEntry);
        else
            InsertTailList(&ke->dpc_list, &Dpc->DpcListEntry);
    }
    ke_lock_release(&ke->dpc_lock);
    if (queued)
        dpc_notify(ke, cpu, Dpc, cpu == self);
    hal_interrupts_restore(flags);
    return queued;
}
LDR_EXPORT(KeInsertQueueDpc);

BOOLEAN NTAPI KeRemoveQueueDpc(PRKDPC Dpc)
{
    uint64_t flags = hal_interrupts_disable();
    struct ke_cpu *ke = Dpc->DpcData;
    BOOLEAN removed = FALSE;

    if (ke) {
        ke_lock_acquire(&ke->dpc_lock);
        if (Dpc->DpcData == ke) {
            RemoveEntryList(&Dpc->DpcListEntry);
            ke->dpc_depth--;
            Dpc->DpcData = NULL;
            removed = TRUE;
        }
        ke_lock_release(&ke->dpc_lock);
    }
    hal_interrupts_restore(flags);
    return removed;
}
LDR_EXPORT(KeRemoveQueueDpc);

VOID NTAPI KeSetImportanceDpc(PRKDPC Dpc, KDPC_IMPORTANCE Importance)
{
    Dpc->Importance = (UCHAR)Importance;
}
LDR_EXPORT(KeSetImportanceDpc);

VOID NTAPI KeSetTargetProcessorDpc(PRKDPC Dpc, CCHAR Number)
{
    if ((UCHAR)Number < hal_cpu_count() && (UCHAR)Number < 64)
        Dpc->Number = (USHORT)(DPC_TARGET_BASE + (UCHAR)Number);
}
LDR_EXPORT(KeSetTargetProcessorDpc);

NTSTATUS NTAPI KeSetTargetProcessorDpcEx(PKDPC Dpc, PPROCESSOR_NUMBER ProcNumber)
{
    uint32_t cpu = ProcNumber->Group * 64u + ProcNumber->Number;

    if (ProcNumber->Number >= 64 || ProcNumber->Reserved || cpu >= hal_cpu_count())
        return STATUS_INVALID_PARAMETER;
    Dpc->Number = (USHORT)(DPC_TARGET_BASE + cpu);
    return STATUS_SUCCESS;
}
LDR_EXPORT(KeSetTargetProcessorDpcEx);

/* A DPC behind everything queued so far on one CPU; its event tells that all that has run. */
static VOID NTAPI flush_marker(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1,
                               PVOID SystemArgument2)
{
    (void)Dpc, (void)SystemArgument1, (void)SystemArgument2;
    KeSetEvent(DeferredContext, 0, FALSE);
}

VOID NTAPI KeFlushQueuedDpcs(VOID)
{
    ASSERT_IRQL(PASSIVE_LEVEL);
    for (uint32_t cpu = 0; cpu < hal_cpu_count(); cpu++) {
        KEVENT done;
        KDPC marker;

        KeInitializeEvent(&done, NotificationEvent, FALSE);
        KeInitializeDpc(&marker, flush_marker, &done);
        marker.Number = (USHORT)(DPC_TARGET_BASE + cpu);
        marker.Importance = MediumHighImportance;
        KeInsertQueueDpc(&marker, NULL, NULL);
        KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
    }
}
LDR_EXPORT(KeFlushQueuedDpcs);
