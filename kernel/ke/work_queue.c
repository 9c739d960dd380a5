/*
 * ke/work_queue.c - system worker threads: routines that need PASSIVE_LEVEL, from any level up to
 * DISPATCH_LEVEL.
 *
 * One queue for each kind of urgency, each with a worker from boot on. A worker that takes an item
 * while nobody else is idle first makes another worker, up to a limit: items may block for long,
 * and may wait for each other, also for one that is queued only later.
 */
#include <lib/assert.h>
#include <lib/bugcheck.h>
#include <lib/export.h>

#include "ke/dispatcher.h"
#include "ke/ke.h"
#include "ke/lock.h"
#include "ke/thread.h"

enum { WORKERS_MAX = 16 };

struct work_queue {
    const char *name;
    int32_t priority;
    ke_lock_t lock;
    LIST_ENTRY items;     /* (lock) */
    uint32_t waiting;     /* (lock) items in the list */
    uint32_t idle;        /* (lock) workers that wait for an item */
    uint32_t workers;     /* (lock) */
    KSEMAPHORE available; /* one count an item */
};

static struct work_queue queues[] = {
    [CriticalWorkQueue] = {.name = "worker critical", .priority = 13},
    [DelayedWorkQueue] = {.name = "worker", .priority = 12},
    [HyperCriticalWorkQueue] = {.name = "worker hyper", .priority = 15},
};

enum { QUEUE_COUNT = sizeof queues / sizeof queues[0] };

static VOID NTAPI worker(PVOID context);

/* A worker more; without memory the present ones have to do. */
static void worker_add(struct work_queue *queue)
{
    PKTHREAD thread;

    if (NT_SUCCESS(ke_thread_create(queue->name, queue->priority, worker, queue, &thread))) {
        ke_thread_release(thread);
        return;
    }
    irql_t old = hal_irql_raise(DISPATCH_LEVEL);
    ke_lock_acquire(&queue->lock);
    queue->workers--;
    ke_lock_release(&queue->lock);
    hal_irql_write(old);
}

static PWORK_QUEUE_ITEM item_take(struct work_queue *queue, bool *more_needed)
{
    irql_t old = hal_irql_raise(DISPATCH_LEVEL);
    PWORK_QUEUE_ITEM item;

    ke_lock_acquire(&queue->lock);
    item = CONTAINING_RECORD(RemoveHeadList(&queue->items), WORK_QUEUE_ITEM, List);
    queue->waiting--;
    queue->idle--;
    /* One in reserve: this item may wait for one that is not queued yet. */
    *more_needed = !queue->idle && queue->workers < WORKERS_MAX;
    if (*more_needed)
        queue->workers++;
    ke_lock_release(&queue->lock);
    hal_irql_write(old);
    return item;
}

static void item_run(PWORK_QUEUE_ITEM item)
{
    PWORKER_THREAD_ROUTINE routine = item->WorkerRoutine;
    PVOID parameter = item->Parameter;

    item->List.Flink = NULL; /* it may be queued again, or freed, from here on */
    routine(parameter);
    if (hal_irql_read() != PASSIVE_LEVEL)
        lib_bugcheck(WORKER_THREAD_RETURNED_AT_BAD_IRQL, (uint64_t)routine, hal_irql_read(),
                     (uint64_t)parameter, (uint64_t)item, NULL);
    if (ke_thread_apc_disable() != 0) /* APC-8 */
        lib_bugcheck(APC_INDEX_MISMATCH, (uint64_t)routine, 0, ke_thread_apc_disable(), 1, NULL);
}

static VOID NTAPI worker(PVOID context)
{
    struct work_queue *queue = context;
    bool more_needed;

    for (;;) {
        irql_t old = hal_irql_raise(DISPATCH_LEVEL);
        ke_lock_acquire(&queue->lock);
        queue->idle++;
        ke_lock_release(&queue->lock);
        hal_irql_write(old);

        KeWaitForSingleObject(&queue->available, WrQueue, KernelMode, FALSE, NULL);
        PWORK_QUEUE_ITEM item = item_take(queue, &more_needed);
        if (more_needed)
            worker_add(queue);
        item_run(item);
    }
}

void ke_work_init(void)
{
    for (uint32_t i = 0; i < QUEUE_COUNT; i++) {
        InitializeListHead(&queues[i].items);
        KeInitializeSemaphore(&queues[i].available, 0, INT32_MAX);
        queues[i].workers = 1;
        worker_add(&queues[i]);
    }
}

PWORK_QUEUE_ITEM ke_work_find(bool (*match)(PWORK_QUEUE_ITEM item, const void *context),
                              const void *context)
{
    PWORK_QUEUE_ITEM found = NULL;
    irql_t old = hal_irql_raise(DISPATCH_LEVEL);

    for (uint32_t i = 0; i < QUEUE_COUNT; i++) {
        ke_lock_acquire(&queues[i].lock);
        for (PLIST_ENTRY e = queues[i].items.Flink; e != &queues[i].items && !found; e = e->Flink)
            if (match(CONTAINING_RECORD(e, WORK_QUEUE_ITEM, List), context))
                found = CONTAINING_RECORD(e, WORK_QUEUE_ITEM, List);
        ke_lock_release(&queues[i].lock);
    }
    hal_irql_write(old);
    return found;
}

/* WDK surface */

VOID NTAPI ExQueueWorkItem(PWORK_QUEUE_ITEM WorkItem, WORK_QUEUE_TYPE QueueType)
{
    struct work_queue *queue =
        &queues[(uint32_t)QueueType < QUEUE_COUNT ? QueueType : DelayedWorkQueue];
    irql_t old;

    ASSERT_IRQL(DISPATCH_LEVEL);
    if (WorkItem->List.Flink) /* 0xE4 kind 1: already queued */
        lib_bugcheck(WORKER_INVALID, 1, (uint64_t)WorkItem, (uint64_t)QueueType, 0, NULL);
    old = hal_irql_raise(DISPATCH_LEVEL);
    ke_lock_acquire(&queue->lock);
    InsertTailList(&queue->items, &WorkItem->List);
    queue->waiting++;
    ke_lock_release(&queue->lock);
    hal_irql_write(old);
    KeReleaseSemaphore(&queue->available, 0, 1, FALSE);
}
LDR_EXPORT(ExQueueWorkItem);
