/*
 * ke/threaded_dpc.c - threaded DPCs: a queue and a thread of the highest priority for each CPU.
 *
 * A DPC may be queued from any IRQL, and a thread can be neither made nor woken there. So an
 * insert queues an ordinary DPC, the waker, on the target CPU; that sets the thread's event, or,
 * the first time, asks a worker to make the thread, which finds the queue as it is. Without
 * memory for the thread, or with threaded DPCs switched off, the waker runs the queue itself, at
 * DISPATCH_LEVEL (TDPC-2).
 *
 * Importance decides between head and tail only (TDPC-5). Ordinary DPCs run before these, other
 * threads after them (TDPC-6).
 *
 * Field legend: (l) the queue's lock, with interrupts off.
 */
#include "ke/threaded_dpc.h"

#include <lib/assert.h>
#include <lib/bugcheck.h>
#include <lib/export.h>
#include <lib/log.h>

#include "ke/dispatcher.h"
#include "ke/dpc.h"
#include "ke/dpc_list.h"

enum { KE_PRIORITY_THREADED_DPC = 31 };

enum thread_state { THREAD_NONE, THREAD_ASKED_FOR, THREAD_RUNS, THREAD_IMPOSSIBLE };

struct threaded_queue {
    ke_lock_t lock;
    LIST_ENTRY list;         /* (l) Flink NULL: not used yet */
    enum thread_state state; /* (l) */
    KEVENT work;             /* the list is not empty, or was */
    KDPC waker;
    WORK_QUEUE_ITEM maker;
};

static struct threaded_queue queues[CPU_MAX];
static bool threads_allowed = true;

void ke_threaded_dpc_enable(bool enable)
{
    threads_allowed = enable;
}

static uint32_t queue_cpu(const struct threaded_queue *queue)
{
    return (uint32_t)(queue - queues);
}

/* Take the first off and run it. False: there was none. */
static bool run_first(struct threaded_queue *queue)
{
    uint64_t flags = ke_lock_acquire_irqoff(&queue->lock);
    irql_t old = hal_irql_read();
    PKDEFERRED_ROUTINE routine;
    PVOID context, argument1, argument2;
    PKDPC dpc;

    if (IsListEmpty(&queue->list)) {
        ke_lock_release_irqoff(&queue->lock, flags);
        return false;
    }
    dpc = CONTAINING_RECORD(RemoveHeadList(&queue->list), KDPC, DpcListEntry);
    routine = dpc->DeferredRoutine;
    context = dpc->DeferredContext;
    argument1 = dpc->SystemArgument1;
    argument2 = dpc->SystemArgument2;
    ke_dpc_free(dpc);
    ke_lock_release_irqoff(&queue->lock, flags);
    routine(dpc, context, argument1, argument2);
    if (hal_irql_read() != old)
        lib_bugcheck(IRQL_UNEXPECTED_VALUE, (uint64_t)hal_irql_read() << 16 | (uint64_t)old << 8,
                     (uint64_t)routine, 0, 0, NULL);
    return true;
}

static VOID NTAPI queue_thread(PVOID context)
{
    struct threaded_queue *queue = context;
    uint32_t cpu = queue_cpu(queue);
    irql_t old = ke_dispatcher_lock();

    ke_thread_set_affinity(ke_thread_current(), (uint16_t)(cpu / 64), 1ull << (cpu % 64));
    ke_dispatcher_unlock(old);
    for (;;) {
        while (run_first(queue))
            continue;
        KeWaitForSingleObject(&queue->work, WrQueue, KernelMode, FALSE, NULL);
    }
}

static void set_state(struct threaded_queue *queue, enum thread_state state)
{
    uint64_t flags = ke_lock_acquire_irqoff(&queue->lock);

    queue->state = state;
    ke_lock_release_irqoff(&queue->lock, flags);
}

static VOID NTAPI make_thread(PVOID context)
{
    struct threaded_queue *queue = context;
    PKTHREAD thread;

    if (NT_SUCCESS(ke_thread_create("threaded DPCs", KE_PRIORITY_THREADED_DPC, queue_thread, queue,
                                    &thread))) {
        ke_thread_release(thread);
        set_state(queue, THREAD_RUNS);
    } else {
        log_warn("ke: no memory for threaded DPCs of CPU %u: run as ordinary ones",
                 queue_cpu(queue));
        set_state(queue, THREAD_IMPOSSIBLE);
        KeInsertQueueDpc(&queue->waker, NULL, NULL);
    }
}

static VOID NTAPI wake(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1,
                       PVOID SystemArgument2)
{
    struct threaded_queue *queue = DeferredContext;
    uint64_t flags = ke_lock_acquire_irqoff(&queue->lock);
    enum thread_state state = queue->state;

    (void)Dpc, (void)SystemArgument1, (void)SystemArgument2;
    if (state == THREAD_NONE)
        queue->state = THREAD_ASKED_FOR;
    ke_lock_release_irqoff(&queue->lock, flags);
    if (state == THREAD_NONE) {
        ExInitializeWorkItem(&queue->maker, make_thread, queue);
        ExQueueWorkItem(&queue->maker, HyperCriticalWorkQueue);
    } else if (state == THREAD_IMPOSSIBLE) {
        while (run_first(queue))
            continue;
    } else {
        KeSetEvent(&queue->work, 0, FALSE);
    }
}

/* First use. Lock held. */
static void queue_init(struct threaded_queue *queue)
{
    PROCESSOR_NUMBER number = {.Group = (USHORT)(queue_cpu(queue) / 64),
                               .Number = (UCHAR)(queue_cpu(queue) % 64)};

    queue->state = threads_allowed ? THREAD_NONE : THREAD_IMPOSSIBLE;
    InitializeListHead(&queue->list);
    KeInitializeEvent(&queue->work, SynchronizationEvent, FALSE);
    KeInitializeDpc(&queue->waker, wake, queue);
    KeSetImportanceDpc(&queue->waker, MediumHighImportance);
    KeSetTargetProcessorDpcEx(&queue->waker, &number);
}

BOOLEAN ke_threaded_dpc_insert(PKDPC dpc, uint32_t cpu, PVOID argument1, PVOID argument2)
{
    struct threaded_queue *queue = &queues[cpu];
    uint64_t flags = ke_lock_acquire_irqoff(&queue->lock);
    BOOLEAN queued = ke_dpc_claim(dpc, queue);

    if (!queue->list.Flink)
        queue_init(queue);
    if (queued) {
        dpc->SystemArgument1 = argument1;
        dpc->SystemArgument2 = argument2;
        if (dpc->Importance == HighImportance)
            InsertHeadList(&queue->list, &dpc->DpcListEntry);
        else
            InsertTailList(&queue->list, &dpc->DpcListEntry);
    }
    ke_lock_release(&queue->lock);
    if (queued)
        KeInsertQueueDpc(&queue->waker, NULL, NULL);
    hal_interrupts_restore(flags);
    return queued;
}

BOOLEAN ke_threaded_dpc_remove(PKDPC dpc)
{
    struct threaded_queue *queue = dpc->DpcData;
    BOOLEAN removed = FALSE;
    uint64_t flags;

    if (!queue)
        return FALSE;
    flags = ke_lock_acquire_irqoff(&queue->lock);
    if (dpc->DpcData == queue) {
        RemoveEntryList(&dpc->DpcListEntry);
        ke_dpc_free(dpc);
        removed = TRUE;
    }
    ke_lock_release_irqoff(&queue->lock, flags);
    return removed;
}

static VOID NTAPI flush_marker(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1,
                               PVOID SystemArgument2)
{
    (void)Dpc, (void)SystemArgument1, (void)SystemArgument2;
    KeSetEvent(DeferredContext, 0, FALSE);
}

void ke_threaded_dpc_flush(void)
{
    for (uint32_t cpu = 0; cpu < hal_cpu_count(); cpu++) {
        KEVENT done;
        KDPC marker;

        if (!queues[cpu].list.Flink) /* never used */
            continue;
        KeInitializeEvent(&done, NotificationEvent, FALSE);
        KeInitializeThreadedDpc(&marker, flush_marker, &done);
        ke_threaded_dpc_insert(&marker, cpu, NULL, NULL);
        KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
    }
}

void ke_threaded_dpc_visit(uint32_t cpu, void (*visit)(PKDPC dpc, void *context), void *context)
{
    struct threaded_queue *queue = &queues[cpu];
    uint64_t flags = ke_lock_acquire_irqoff(&queue->lock);

    if (queue->list.Flink)
        for (PLIST_ENTRY entry = queue->list.Flink; entry != &queue->list; entry = entry->Flink)
            visit(CONTAINING_RECORD(entry, KDPC, DpcListEntry), context);
    ke_lock_release_irqoff(&queue->lock, flags);
}

/* WDK surface */

VOID NTAPI KeInitializeThreadedDpc(PRKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine,
                                   PVOID DeferredContext)
{
    KeInitializeDpc(Dpc, DeferredRoutine, DeferredContext);
    Dpc->Type = DPC_TYPE_THREADED;
}
LDR_EXPORT(KeInitializeThreadedDpc);
