/*
 * ke/dpc.c - deferred procedure calls: one queue a CPU, and the loop that empties it.
 *
 * The queue is touched from any IRQL and from other CPUs, so its lock is held with interrupts off
 * (DQ-2). A DPC is taken off and marked free before its routine runs, so that an ISR can queue it
 * again meanwhile (DPC-7); the arguments are copied first (DPC-8). Two CPUs may queue one DPC at
 * once, each holding its own lock: DpcData, NULL while the DPC is free, goes to one of them
 * atomically, and whoever frees the DPC stores NULL last.
 *
 * How the loop is entered: dpc_requested is set with the insert. If a device interrupt is being
 * served on this CPU, its way out runs the loop without another interrupt; if the loop is already
 * running, it sees the new entry; else VECTOR_DPC is sent to this CPU and waits in the local APIC
 * until CR8 drops below DISPATCH_LEVEL (CR8-5). When the queue is empty the loop ends with a
 * thread switch, if one is due.
 */
#include <hal/ipi.h>
#include <hal/upcall.h>
#include <lib/assert.h>
#include <lib/bugcheck.h>
#include <lib/export.h>

#include "ke/dispatcher.h"
#include "ke/dpc.h"
#include "ke/ke.h"
#include "ke/threaded_dpc.h"

enum {
    DPC_TYPE_NORMAL = 0x13,    /* spec C.7 */
    DPC_TARGET_BASE = 0x800,   /* KDPC.Number from here on names processor Number - base */
    DPC_QUEUE_DEPTH_LIMIT = 4, /* DPC-23 MaximumDpcQueueDepth */
    DPC_FLUSH_BATCH = 16,      /* CPUs that one stack frame has markers for */
};

/* ---- asking for the loop -------------------------------------------------------------------- */

void ke_request_dispatch(void)
{
    PCR->dispatch_requests |= KE_DISPATCH_LOOK;
    if (!PCR->interrupt_depth && !PCR->dpc_active)
        hal_ipi_self((vector_t){VECTOR_DPC});
}

void ke_request_dispatch_on(uint32_t cpu)
{
    hal_ipi_send(cpu, (vector_t){VECTOR_IPI});
}

/* ---- the loop ------------------------------------------------------------------------------- */

static __attribute__((noinline, cold)) NTAPI void dpc_changed_irql(PKDEFERRED_ROUTINE routine)
{
    lib_bugcheck(IRQL_UNEXPECTED_VALUE,
                 (uint64_t)hal_irql_read() << 16 | (uint64_t)DISPATCH_LEVEL << 8, (uint64_t)routine,
                 0, 0, NULL);
}

/* Run what is queued, first to last. Interrupts off on entry and return. */
static inline void dpc_run_all(struct ke_cpu *ke)
{
    do {
        ke_lock_acquire(&ke->dpc_lock);
        LIST_ENTRY *entry = ke->dpc_list.Flink;
        if (__builtin_expect(entry == &ke->dpc_list, 0)) {
            ke_lock_release(&ke->dpc_lock);
            return;
        }
        PKDPC dpc = CONTAINING_RECORD(entry, KDPC, DpcListEntry);
        PKDEFERRED_ROUTINE routine = dpc->DeferredRoutine;
        PVOID context = dpc->DeferredContext;
        PVOID argument1 = dpc->SystemArgument1;
        PVOID argument2 = dpc->SystemArgument2;
        LIST_ENTRY *next = entry->Flink;
        ke->dpc_list.Flink = next;
        next->Blink = &ke->dpc_list;
        ke->dpc_count++;
        ke_dpc_free(dpc);
        ke_lock_release(&ke->dpc_lock);
        hal_interrupts_on();

        routine(dpc, context, argument1, argument2);
        if (__builtin_expect(hal_irql_read() != DISPATCH_LEVEL, 0))
            dpc_changed_irql(routine);

        hal_interrupts_off();
    } while (!IsListEmpty(&ke->dpc_list));
}

/* What the clock asked for besides. */
static __attribute__((noinline, cold)) NTAPI void clock_requests(struct ke_cpu *ke,
                                                                 uint32_t requests)
{
    if (requests & KE_DISPATCH_QUANTUM)
        ke->quantum_is_over = true;
    if (requests & KE_DISPATCH_TIMERS) {
        hal_interrupts_on();
        ke_timers_expire();
        hal_interrupts_off();
    }
}

/*
 * DISPATCH_LEVEL, interrupts off on entry and return; may come back much later, and on another
 * CPU, if it ends with a thread switch. In the Windows convention, as the DPC routines are.
 */
KE_HOT NTAPI void ke_dispatch_loop(void)
{
    struct ke_cpu *ke = PCR->ke;

    PCR->dpc_active = 1;
    do {
        uint32_t requests = PCR->dispatch_requests;
        PCR->dispatch_requests = 0;
        if (__builtin_expect(requests > KE_DISPATCH_LOOK, 0))
            clock_requests(ke, requests);
        dpc_run_all(ke);
    } while (PCR->dispatch_requests);
    PCR->dpc_active = 0;
    if (PCR->next_thread || ke->quantum_is_over)
        ke_dispatch_switch();
}

NTAPI void ke_dispatch_later(void)
{
    if (!PCR->interrupt_depth && !PCR->dpc_active)
        hal_ipi_self((vector_t){VECTOR_DPC});
}

HAL_UPCALL void ke_dpc_interrupt(uint64_t vector)
{
    irql_t old = hal_irql_read();

    (void)vector;
    hal_apic_eoi();
    hal_irql_write(DISPATCH_LEVEL);
    ke_dispatch_loop();
    hal_irql_write(old);
}

/* ---- queueing ------------------------------------------------------------------------------- */

static void dpc_initialize(PKDPC dpc, UCHAR type, PKDEFERRED_ROUTINE routine, PVOID context)
{
    dpc->Type = type;
    dpc->Importance = MediumImportance;
    dpc->Number = 0;
    dpc->DeferredRoutine = routine;
    dpc->DeferredContext = context;
    dpc->DpcData = NULL;
}

/* Tell the CPU whose queue just got an entry (DPC-18 to DPC-20). Queue lock held. */
static void dpc_notify(struct ke_cpu *ke, uint32_t cpu, const KDPC *dpc)
{
    uint32_t depth = 0;

    for (LIST_ENTRY *e = ke->dpc_list.Flink; e != &ke->dpc_list; e = e->Flink)
        depth++;
    if (cpu == cpu_current()) {
        if (dpc->Importance != LowImportance || depth > DPC_QUEUE_DEPTH_LIMIT)
            ke_request_dispatch();
        return;
    }
    if (dpc->Importance == HighImportance || dpc->Importance == MediumHighImportance ||
        depth > DPC_QUEUE_DEPTH_LIMIT || hal_pcr(cpu)->current_thread == hal_pcr(cpu)->idle_thread)
        ke_request_dispatch_on(cpu);
}

/* False: it is in a queue already. Queue lock held. */
static BOOLEAN dpc_link(struct ke_cpu *ke, PKDPC dpc, PVOID argument1, PVOID argument2)
{
    if (!ke_dpc_claim(dpc, ke))
        return FALSE;
    dpc->SystemArgument1 = argument1;
    dpc->SystemArgument2 = argument2;
    if (dpc->Importance == HighImportance)
        InsertHeadList(&ke->dpc_list, &dpc->DpcListEntry);
    else
        InsertTailList(&ke->dpc_list, &dpc->DpcListEntry);
    return TRUE;
}

void ke_dpc_post(uint32_t cpu, PKDPC dpc, PVOID argument1, PVOID argument2)
{
    struct ke_cpu *ke = hal_pcr(cpu)->ke;
    uint64_t flags = hal_interrupts_disable();

    ke_lock_acquire(&ke->dpc_lock);
    dpc_link(ke, dpc, argument1, argument2);
    ke_lock_release(&ke->dpc_lock);
    hal_interrupts_restore(flags);
}

/* Any importance, any target. */
static __attribute__((noinline)) NTAPI BOOLEAN dpc_insert(PKDPC dpc, PVOID argument1,
                                                          PVOID argument2)
{
    uint64_t flags = hal_interrupts_disable();
    uint32_t target = dpc->Number;
    uint32_t cpu = target >= DPC_TARGET_BASE ? target - DPC_TARGET_BASE : cpu_current();
    struct ke_cpu *ke;
    BOOLEAN queued = FALSE;

    if (!hal_pcr(cpu)->online) /* parked: ke/cpu_offline.c */
        cpu = 0;
    ke = hal_pcr(cpu)->ke;
    if (dpc->Type == DPC_TYPE_THREADED) {
        queued = ke_threaded_dpc_insert(dpc, cpu, argument1, argument2);
        hal_interrupts_restore(flags);
        return queued;
    }
    ke_lock_acquire(&ke->dpc_lock);
    queued = dpc_link(ke, dpc, argument1, argument2);
    if (queued)
        dpc_notify(ke, cpu, dpc);
    ke_lock_release(&ke->dpc_lock);
    hal_interrupts_restore(flags);
    return queued;
}

/* Type, importance and target of a DPC that KeInitializeDpc left as it was. */
static bool dpc_is_plain(const KDPC *dpc)
{
    return *(const ULONG *)(const void *)dpc == (DPC_TYPE_NORMAL | MediumImportance << 8);
}

/* WDK surface */

VOID NTAPI KeInitializeDpc(PRKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine, PVOID DeferredContext)
{
    dpc_initialize(Dpc, DPC_TYPE_NORMAL, DeferredRoutine, DeferredContext);
}
LDR_EXPORT(KeInitializeDpc);

/* What an ISR does most often: a plain DPC, on this CPU. */
KE_HOT BOOLEAN NTAPI KeInsertQueueDpc(PRKDPC Dpc, PVOID SystemArgument1, PVOID SystemArgument2)
{
    uint64_t flags;
    struct ke_cpu *ke;
    LIST_ENTRY *last;

    if (__builtin_expect(!dpc_is_plain(Dpc), 0))
        return dpc_insert(Dpc, SystemArgument1, SystemArgument2);
    flags = hal_interrupts_disable();
    ke = PCR->ke;
    ke_lock_acquire(&ke->dpc_lock);
    if (!ke_dpc_claim(Dpc, ke)) {
        ke_lock_release(&ke->dpc_lock);
        hal_interrupts_restore(flags);
        return FALSE;
    }
    Dpc->SystemArgument1 = SystemArgument1;
    Dpc->SystemArgument2 = SystemArgument2;
    last = ke->dpc_list.Blink;
    Dpc->DpcListEntry.Flink = &ke->dpc_list;
    Dpc->DpcListEntry.Blink = last;
    last->Flink = &Dpc->DpcListEntry;
    ke->dpc_list.Blink = &Dpc->DpcListEntry;
    ke_lock_release(&ke->dpc_lock);
    PCR->dispatch_requests |= KE_DISPATCH_LOOK;
    if (!PCR->interrupt_depth && !PCR->dpc_active)
        hal_ipi_self((vector_t){VECTOR_DPC});
    hal_interrupts_restore(flags);
    return TRUE;
}
LDR_EXPORT(KeInsertQueueDpc);

BOOLEAN NTAPI KeRemoveQueueDpc(PRKDPC Dpc)
{
    uint64_t flags;
    struct ke_cpu *ke;
    BOOLEAN removed = FALSE;

    if (Dpc->Type == DPC_TYPE_THREADED)
        return ke_threaded_dpc_remove(Dpc);
    flags = hal_interrupts_disable();
    ke = Dpc->DpcData;
    if (ke) {
        ke_lock_acquire(&ke->dpc_lock);
        if (Dpc->DpcData == ke) {
            RemoveEntryList(&Dpc->DpcListEntry);
            ke_dpc_free(Dpc);
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

/* One batch of CPUs whose queues KeFlushQueuedDpcs() waits for. */
struct dpc_flush {
    KEVENT done;
    volatile uint32_t pending; /* CPUs that have not come to their markers, and the caller */
    KDPC markers[DPC_FLUSH_BATCH];
};

static void flush_release(struct dpc_flush *flush)
{
    if (!__atomic_sub_fetch(&flush->pending, 1, __ATOMIC_ACQ_REL))
        KeSetEvent(&flush->done, 0, FALSE);
}

/* A DPC behind everything queued so far on one CPU. */
static VOID NTAPI flush_marker(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1,
                               PVOID SystemArgument2)
{
    (void)Dpc, (void)SystemArgument1, (void)SystemArgument2;
    flush_release(DeferredContext);
}

/* False, and nothing is queued, where no DPC is queued or running. */
static bool flush_mark(uint32_t cpu, PKDPC marker)
{
    struct ke_cpu *ke = hal_pcr(cpu)->ke;
    uint64_t flags = hal_interrupts_disable();
    bool is_busy;

    ke_lock_acquire(&ke->dpc_lock);
    is_busy = !IsListEmpty(&ke->dpc_list) || hal_pcr(cpu)->dpc_active;
    if (is_busy)
        dpc_link(ke, marker, NULL, NULL);
    ke_lock_release(&ke->dpc_lock);
    hal_interrupts_restore(flags);
    return is_busy;
}

/* Mark busy CPUs from `cpu` on, as many as there are markers, tell them all and wait. */
static uint32_t flush_batch(uint32_t cpu)
{
    struct cpu_set marked = {0};
    struct dpc_flush flush = {.pending = 1};
    uint32_t used = 0;

    KeInitializeEvent(&flush.done, NotificationEvent, FALSE);
    for (; cpu < hal_cpu_count() && used < DPC_FLUSH_BATCH; cpu++) {
        KeInitializeDpc(&flush.markers[used], flush_marker, &flush);
        __atomic_add_fetch(&flush.pending, 1, __ATOMIC_RELAXED);
        if (flush_mark(cpu, &flush.markers[used])) {
            cpu_set_add(&marked, cpu);
            used++;
        } else {
            __atomic_sub_fetch(&flush.pending, 1, __ATOMIC_RELAXED);
        }
    }
    hal_ipi_send_set(&marked, (vector_t){VECTOR_IPI});
    flush_release(&flush);
    KeWaitForSingleObject(&flush.done, Executive, KernelMode, FALSE, NULL);
    return cpu;
}

/*
 * FLU-1, FLU-3. PASSIVE_LEVEL. A CPU that has nothing queued and runs no DPC is left alone: what
 * is queued there after it was looked at came after the call.
 */
VOID NTAPI KeFlushQueuedDpcs(VOID)
{
    ASSERT_IRQL(PASSIVE_LEVEL);
    for (uint32_t cpu = 0; cpu < hal_cpu_count();)
        cpu = flush_batch(cpu);
    ke_threaded_dpc_flush(); /* FLU-5 */
}
LDR_EXPORT(KeFlushQueuedDpcs);
