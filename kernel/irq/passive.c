/*
 * irq/passive.c - passive-level interrupt objects.
 *
 * The trap only masks a level line (an edge needs nothing) and queues a DPC that wakes the
 * object's thread; the thread takes the object's event, calls the routine, and unmasks. A routine
 * never runs twice at once: an edge that arrives while it runs leaves `pending` set, and the
 * thread goes round once more (CIE-PASS-12).
 */
#include <lib/assert.h>
#include <nt/wdm.h>

#include "irq/passive.h"
#include "ke/thread.h"
#include "mm/pool.h"

#define PASSIVE_TAG MM_TAG("IPas")

struct irq_passive {
    PKINTERRUPT interrupt;
    PKTHREAD thread;
    KEVENT lock; /* synchronization event, signaled when free */
    KEVENT wake; /* synchronization event: `pending` or `stop` was set */
    KDPC wake_dpc;
    volatile uint32_t pending;
    volatile uint32_t stop;
};

static VOID NTAPI wake_deferred(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1,
                                PVOID SystemArgument2)
{
    struct irq_passive *work = DeferredContext;

    (void)Dpc, (void)SystemArgument1, (void)SystemArgument2;
    KeSetEvent(&work->wake, IO_NO_INCREMENT, FALSE);
}

void irq_passive_lock(PKINTERRUPT interrupt)
{
    KeWaitForSingleObject(&interrupt->passive_work->lock, Executive, KernelMode, FALSE, NULL);
}

void irq_passive_unlock(PKINTERRUPT interrupt)
{
    KeSetEvent(&interrupt->passive_work->lock, IO_NO_INCREMENT, FALSE);
}

static void run_once(struct irq_passive *work)
{
    PKINTERRUPT interrupt = work->interrupt;
    bool level = interrupt->line->route.trigger == IRQ_TRIGGER_LEVEL;

    if (!level)
        work->pending = 0;
    irq_passive_lock(interrupt);
    if (interrupt->active) {
        BOOLEAN claimed = interrupt->service_routine(interrupt, interrupt->service_context,
                                                     interrupt->message_id);
        interrupt->calls++;
        interrupt->claims += claimed != FALSE;
    }
    irq_passive_unlock(interrupt);
    if (level) {
        work->pending = 0;
        irq_line_unmask(interrupt->line);
    }
}

static VOID NTAPI passive_thread(PVOID context)
{
    struct irq_passive *work = context;

    for (;;) {
        KeWaitForSingleObject(&work->wake, Executive, KernelMode, FALSE, NULL);
        while (work->pending)
            run_once(work);
        if (work->stop)
            return;
    }
}

NTSTATUS irq_passive_create(PKINTERRUPT interrupt)
{
    struct irq_passive *work = mm_pool_alloc(sizeof *work, PASSIVE_TAG);
    NTSTATUS status;

    if (!work)
        return STATUS_INSUFFICIENT_RESOURCES;
    work->interrupt = interrupt;
    work->pending = work->stop = 0;
    KeInitializeEvent(&work->lock, SynchronizationEvent, TRUE);
    KeInitializeEvent(&work->wake, SynchronizationEvent, FALSE);
    KeInitializeDpc(&work->wake_dpc, wake_deferred, work);
    KeSetImportanceDpc(&work->wake_dpc, HighImportance);
    interrupt->passive_work = work;
    status = ke_thread_create("passive isr", KE_PRIORITY_PASSIVE_ISR, passive_thread, work,
                              &work->thread);
    if (!NT_SUCCESS(status)) {
        interrupt->passive_work = NULL;
        mm_pool_free(work, PASSIVE_TAG);
    }
    return status;
}

void irq_passive_destroy(PKINTERRUPT interrupt)
{
    struct irq_passive *work = interrupt->passive_work;

    KeFlushQueuedDpcs();
    work->stop = 1;
    KeSetEvent(&work->wake, IO_NO_INCREMENT, FALSE);
    KeWaitForSingleObject(work->thread, Executive, KernelMode, FALSE, NULL);
    ke_thread_release(work->thread);
    interrupt->passive_work = NULL;
    mm_pool_free(work, PASSIVE_TAG);
}

bool irq_passive_schedule(struct irq_line *line)
{
    bool level = line->route.trigger == IRQ_TRIGGER_LEVEL;
    bool any = false;

    for (PKINTERRUPT i = line->first; i; i = i->next) {
        if (!i->passive || !i->active)
            continue;
        any = true;
        if (level) /* first: the thread, if it is awake, unmasks as soon as it sees `pending` */
            irq_line_mask(line);
        if (__atomic_exchange_n(&i->passive_work->pending, 1, __ATOMIC_ACQ_REL)) {
            if (level)
                irq_line_unmask(line);
            continue;
        }
        KeInsertQueueDpc(&i->passive_work->wake_dpc, NULL, NULL);
    }
    return any;
}
