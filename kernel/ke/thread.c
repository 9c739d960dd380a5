/*
 * ke/thread.c - threads: creation, end, the list of all.
 *
 * A thread is an object (ke/ob.h) and a stack with a guard page; both are freed when the last
 * reference goes, which cannot be before another thread runs: the dispatcher lock is held
 * across the last switch away, and the final release takes it.
 */
#include <lib/assert.h>
#include <lib/bugcheck.h>
#include <lib/export.h>
#include <lib/format.h>
#include <lib/string.h>

#include "ke/dispatcher.h"
#include "ke/ke.h"
#include "ke/notify.h"
#include "ke/ob.h"
#include "ke/object.h"
#include "ke/verifier.h"
#include "mm/mm.h"

static LIST_ENTRY all_threads = {&all_threads, &all_threads};
static ke_lock_t all_threads_lock;
static volatile int64_t last_id;

static struct ke_thread_end *thread_ends; /* grows only */

/* First code of every thread: comes from a switch, so the dispatcher lock is held. */
static void thread_first_run(void *argument)
{
    PKTHREAD self = argument;

    hal_interrupts_on();
    ke_lock_release(&ke_dispatcher_lock_word);
    hal_irql_write(PASSIVE_LEVEL);
    self->start_routine(self->start_context);
    ke_thread_exit(STATUS_SUCCESS);
}

void ke_thread_init(PKTHREAD thread, const char *name, int32_t priority)
{
    ke_object_init(&thread->header, KE_OBJECT_THREAD, sizeof *thread, 0);
    thread->priority = thread->base_priority = priority;
    thread->quantum = KE_QUANTUM_TICKS;
    thread->id = (uint64_t)__atomic_add_fetch(&last_id, 4, __ATOMIC_RELAXED);
    thread->cpu = cpu_current();
    lib_strlcpy(thread->name, name, sizeof thread->name);
    memset(thread->affinity, 0xFF, sizeof thread->affinity);
    InitializeListHead(&thread->apc_queue);
    InitializeListHead(&thread->apc_notice);
    InitializeListHead(&thread->mutants);
    KeInitializeTimer(&thread->wait_timer);

    irql_t old = hal_irql_raise(DISPATCH_LEVEL);
    ke_lock_acquire(&all_threads_lock);
    InsertTailList(&all_threads, &thread->all_entry);
    ke_lock_release(&all_threads_lock);
    hal_irql_write(old);
}

static void thread_destroy(void *object)
{
    PKTHREAD thread = object;
    irql_t old = ke_dispatcher_lock(); /* its CPU has left its stack */

    ASSERT(thread->state == KE_THREAD_TERMINATED || thread->state == KE_THREAD_INITIALIZED);
    ke_lock_acquire(&all_threads_lock);
    RemoveEntryList(&thread->all_entry);
    ke_lock_release(&all_threads_lock);
    ke_dispatcher_unlock(old);
    mm_stack_free(thread->stack_base);
}

static void thread_describe(void *object, char *text, size_t size)
{
    const struct _KTHREAD *thread = object;

    lib_snprintf(text, size, "%s, id %llu", thread->name, (unsigned long long)thread->id);
}

const struct _OBJECT_TYPE ke_thread_type = {
    .name = "Thread", .destroy = thread_destroy, .describe = thread_describe, .waitable = true};

/* Everything but making it ready. One reference, the caller's. */
NTSTATUS ke_thread_allocate(const char *name, int32_t priority, PKSTART_ROUTINE start_routine,
                            PVOID context, PKTHREAD *thread_out)
{
    PKTHREAD thread = ob_create(&ke_thread_type, sizeof *thread);

    if (!thread)
        return STATUS_INSUFFICIENT_RESOURCES;
    thread->stack_base = mm_stack_alloc(KE_THREAD_STACK_SIZE);
    if (!thread->stack_base) {
        ob_discard(thread);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    thread->stack_top = (char *)thread->stack_base + KE_THREAD_STACK_SIZE;
    thread->start_routine = start_routine;
    thread->start_context = context;
    ke_thread_init(thread, name, priority);
    hal_context_init(&thread->context, thread->stack_top, thread_first_run, thread);
    *thread_out = thread;
    return STATUS_SUCCESS;
}

NTSTATUS ke_thread_create(const char *name, int32_t priority, PKSTART_ROUTINE start_routine,
                          PVOID context, PKTHREAD *thread_out)
{
    NTSTATUS status = ke_thread_allocate(name, priority, start_routine, context, thread_out);

    if (NT_SUCCESS(status))
        ke_thread_start(*thread_out);
    return status;
}

void ke_thread_start(PKTHREAD thread)
{
    irql_t old;

    ke_thread_reference(thread); /* its own, dropped after its end */
    ke_notify_thread(thread->id, true);
    old = ke_dispatcher_lock();
    ke_thread_make_ready(thread);
    ke_dispatcher_unlock(old);
}

void ke_thread_reference(PKTHREAD thread)
{
    ob_reference(thread);
}

void ke_thread_release(PKTHREAD thread)
{
    ob_dereference(thread);
}

/*
 * The stack in use cannot be freed by its user: one dead thread waits for the next to die. (d): the
 * lock is held from here until the dying thread has left its stack, so what is found is free.
 */
static PKTHREAD last_dead;

/* Release the one before, take its place. Dispatcher lock held on return. */
static void thread_become_last_dead(PKTHREAD self)
{
    irql_t old = ke_dispatcher_lock();

    while (last_dead) {
        PKTHREAD dead = last_dead;

        last_dead = NULL;
        ke_dispatcher_unlock(old);
        ke_thread_release(dead);
        old = ke_dispatcher_lock();
    }
    last_dead = self;
}

void ke_thread_end_add(struct ke_thread_end *end)
{
    end->next = thread_ends;
    while (!__atomic_compare_exchange_n(&thread_ends, &end->next, end, false, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED))
        ;
}

_Noreturn void ke_thread_exit(NTSTATUS status)
{
    PKTHREAD self = ke_thread_current();

    if (hal_irql_read() != PASSIVE_LEVEL)
        lib_bugcheck(IRQL_NOT_LESS_OR_EQUAL, (uint64_t)self, hal_irql_read(), 0,
                     (uint64_t)__builtin_return_address(0), NULL);
    if (ke_verifier)
        ke_verifier->thread_ended(self);
    if (self->begins_in_region && self->kernel_apc_disable + ke_mutants_apc_disable(self) == -1)
        self->kernel_apc_disable++; /* it has not left that itself */
    if (self->kernel_apc_disable || self->special_apc_disable)
        lib_bugcheck(KERNEL_APC_PENDING_DURING_EXIT, 0, (uint64_t)(int64_t)self->kernel_apc_disable,
                     hal_irql_read(), 0, NULL);
    for (struct ke_thread_end *end = __atomic_load_n(&thread_ends, __ATOMIC_ACQUIRE); end;
         end = end->next)
        end->routine(self);
    ke_apc_close(self);
    ke_notify_thread(self->id, false);
    thread_become_last_dead(self);
    ke_mutants_abandon(self);
    self->exit_status = status;
    self->header.SignalState = 1;
    ke_object_signaled(&self->header, 0);
    ke_dispatcher_exit_thread();
}

void ke_thread_for_each(void (*visit)(PKTHREAD thread, void *context), void *context)
{
    irql_t old = hal_irql_raise(DISPATCH_LEVEL);

    ke_lock_acquire(&all_threads_lock);
    for (LIST_ENTRY *e = all_threads.Flink; e != &all_threads; e = e->Flink)
        visit(CONTAINING_RECORD(e, struct _KTHREAD, all_entry), context);
    ke_lock_release(&all_threads_lock);
    hal_irql_write(old);
}

/* WDK surface */

static PKTHREAD NTAPI get_current_thread(VOID)
{
    return ke_thread_current();
}
LDR_EXPORT_AS("KeGetCurrentThread", get_current_thread);
LDR_EXPORT_AS("PsGetCurrentThread", get_current_thread);

KPRIORITY NTAPI KeSetPriorityThread(PKTHREAD Thread, KPRIORITY Priority)
{
    irql_t old = ke_dispatcher_lock();
    KPRIORITY previous = Thread->priority;

    if (Priority > 0 && Priority < KE_PRIORITY_COUNT) {
        Thread->base_priority = Priority;
        ke_thread_set_priority(Thread, Priority);
    }
    ke_dispatcher_unlock(old);
    return previous;
}
LDR_EXPORT(KeSetPriorityThread);

KPRIORITY NTAPI KeQueryPriorityThread(PKTHREAD Thread)
{
    return Thread->priority;
}
LDR_EXPORT(KeQueryPriorityThread);
