/*
 * ke/dispatcher.c - which thread runs where.
 *
 * Owns the dispatcher lock, the ready queues (one for each priority, shared by all CPUs) and the
 * choice of a CPU for a thread that became ready: an idle one it may use, best the one it ran on
 * last; else one whose thread it outranks; else it queues. The chosen thread is written to that
 * CPU's next_thread and the CPU is told; the switch itself happens on the way out of DPC level
 * (dpc.c) or when the dispatcher lock is left (ke_dispatcher_unlock).
 *
 * Lock order: dispatcher lock, then a DPC queue lock. Interrupts stay on except around the switch.
 */
#include <lib/assert.h>

#include "ke/dispatcher.h"
#include "ke/ke.h"

ke_lock_t ke_dispatcher_lock_word;

static LIST_ENTRY ready_queues[KE_PRIORITY_COUNT];
static uint32_t ready_summary; /* bit p: ready_queues[p] is not empty */
static uint64_t idle_cpus[CPU_MAX / 64];
uint32_t ke_idle_cpu_count; /* bits set in idle_cpus */

void ke_dispatcher_init_queues(void)
{
    for (uint32_t p = 0; p < KE_PRIORITY_COUNT; p++)
        InitializeListHead(&ready_queues[p]);
}

static void idle_set(uint32_t cpu, bool idle)
{
    uint64_t bit = 1ull << (cpu % 64);

    if (idle == (bool)(idle_cpus[cpu / 64] & bit))
        return;
    idle_cpus[cpu / 64] ^= bit;
    ke_idle_cpu_count += idle ? 1u : -1u;
}

void ke_cpu_set_idle(uint32_t cpu)
{
    idle_set(cpu, true);
}

bool ke_thread_may_run_on(const struct _KTHREAD *thread, uint32_t cpu)
{
    return thread->affinity[cpu / 64] >> (cpu % 64) & 1;
}

static inline void ready_enqueue(PKTHREAD thread, bool at_head)
{
    thread->state = KE_THREAD_READY;
    if (at_head) {
        InsertHeadList(&ready_queues[thread->priority], &thread->ready_entry);
    } else {
        InsertTailList(&ready_queues[thread->priority], &thread->ready_entry);
        thread->quantum = KE_QUANTUM_TICKS;
    }
    ready_summary |= 1u << thread->priority;
}

static void ready_dequeue(PKTHREAD thread)
{
    if (RemoveEntryList(&thread->ready_entry))
        ready_summary &= ~(1u << thread->priority);
}

/* Best ready thread of at least this priority that may run on the CPU, taken off its queue. */
static PKTHREAD ready_take(uint32_t cpu, int32_t least)
{
    uint32_t candidates = least > 0 ? ready_summary & ~((1u << least) - 1) : ready_summary;

    while (candidates) {
        uint32_t priority = 31 - (uint32_t)__builtin_clz(candidates);
        LIST_ENTRY *head = &ready_queues[priority];
        for (LIST_ENTRY *e = head->Flink; e != head; e = e->Flink) {
            PKTHREAD thread = CONTAINING_RECORD(e, struct _KTHREAD, ready_entry);
            if (ke_thread_may_run_on(thread, cpu)) {
                ready_dequeue(thread);
                return thread;
            }
        }
        candidates &= ~(1u << priority);
    }
    return NULL;
}

static void standby_on(PKTHREAD thread, uint32_t cpu)
{
    struct pcr *pcr = hal_pcr(cpu);
    PKTHREAD displaced = pcr->next_thread;

    thread->state = KE_THREAD_STANDBY;
    thread->cpu = cpu;
    pcr->next_thread = thread;
    idle_set(cpu, false);
    if (displaced && displaced != pcr->idle_thread)
        ready_enqueue(displaced, true);
    if (cpu != cpu_current())
        ke_request_dispatch_on(cpu);
}

static bool idle_cpu_find(PKTHREAD thread, uint32_t *cpu)
{
    uint32_t last = thread->cpu;

    if (idle_cpus[last / 64] >> (last % 64) & 1 && ke_thread_may_run_on(thread, last)) {
        *cpu = last;
        return true;
    }
    for (uint32_t group = 0; group < CPU_MAX / 64; group++) {
        uint64_t mask = idle_cpus[group] & thread->affinity[group];
        if (mask) {
            *cpu = group * 64 + (uint32_t)__builtin_ctzll(mask);
            return true;
        }
    }
    return false;
}

static int32_t cpu_priority(uint32_t cpu)
{
    struct pcr *pcr = hal_pcr(cpu);
    return pcr->next_thread ? pcr->next_thread->priority : pcr->current_thread->priority;
}

void ke_thread_make_ready(PKTHREAD thread)
{
    uint32_t cpu = thread->cpu;

    thread->must_move = FALSE;
    if (idle_cpu_find(thread, &cpu)) {
        standby_on(thread, cpu);
        return;
    }
    if (!ke_thread_may_run_on(thread, cpu) || !hal_pcr(cpu)->online) {
        for (cpu = 0; cpu < hal_cpu_count(); cpu++)
            if (ke_thread_may_run_on(thread, cpu) && hal_pcr(cpu)->online)
                break;
        ASSERT(cpu < hal_cpu_count());
        thread->cpu = cpu;
    }
    if (thread->priority > cpu_priority(cpu))
        standby_on(thread, cpu);
    else
        ready_enqueue(thread, false);
}

/*
 * Interrupts off. The lock is held, and still is by whoever runs next: it is released on the other
 * side, which also turns interrupts on. Neither thread is the idle one.
 */
static inline void switch_threads(PKTHREAD self, PKTHREAD next)
{
    PCR->next_thread = NULL;
    next->state = KE_THREAD_RUNNING;
    next->cpu = cpu_current();
    next->switches++;
    PCR->current_thread = next;
    hal_context_switch(&self->context, &next->context);
}

/* The same, also to and from the idle thread, and to the thread that runs already. */
static __attribute__((noinline)) void switch_to(PKTHREAD self, PKTHREAD next)
{
    if (next == self) {
        PCR->next_thread = NULL;
        next->state = KE_THREAD_RUNNING;
        return;
    }
    idle_set(cpu_current(), next == PCR->idle_thread);
    if (self == PCR->idle_thread)
        ke_clock_cpu_busy();
    switch_threads(self, next);
}

static PKTHREAD choose_next(int32_t least)
{
    PKTHREAD next = PCR->next_thread;

    if (!next)
        next = ready_take(cpu_current(), least);
    return next;
}

/* A running thread gives way to next_thread and stays ready. Interrupts off. */
static inline void preempt(void)
{
    PKTHREAD self = PCR->current_thread;
    PKTHREAD next = PCR->next_thread;
    PKTHREAD idle = PCR->idle_thread;

    if (__builtin_expect(self == idle || next == idle || next == self || self->must_move, 0)) {
        if (self != idle && next != self)
            self->must_move ? ke_thread_make_ready(self) : ready_enqueue(self, true);
        switch_to(self, next);
        return;
    }
    ready_enqueue(self, self->quantum > 0);
    switch_threads(self, next);
}

void ke_dispatcher_unlock_and_switch(irql_t old)
{
    hal_interrupts_off();
    if (old < DISPATCH_LEVEL)
        preempt();
    else
        ke_request_dispatch();
    hal_interrupts_on();
    ke_lock_release(&ke_dispatcher_lock_word);
    hal_irql_write(old);
}

KE_HOT NTAPI NTSTATUS ke_dispatcher_block(void)
{
    PKTHREAD next = choose_next(0);
    PKTHREAD self;

    hal_interrupts_off();
    switch_to(PCR->current_thread, next ? next : PCR->idle_thread);
    /* Here again as the thread that blocked: nothing of it was kept in registers. */
    hal_interrupts_on();
    self = PCR->current_thread;
    ke_lock_release(&ke_dispatcher_lock_word);
    hal_irql_write(self->wait_irql);
    return self->wait_status;
}

_Noreturn void ke_dispatcher_exit_thread(void)
{
    PKTHREAD next = choose_next(0);

    hal_interrupts_off();
    PCR->current_thread->state = KE_THREAD_TERMINATED;
    switch_to(PCR->current_thread, next ? next : PCR->idle_thread);
    __builtin_unreachable();
}

/* Choose a ready thread of at least the current one's priority; if there is none it goes on. */
static void next_in_turn(PKTHREAD self)
{
    if (!PCR->next_thread) {
        PKTHREAD next = ready_take(cpu_current(), self->priority);
        if (next) {
            next->state = KE_THREAD_STANDBY;
            PCR->next_thread = next;
        }
    }
    if (!PCR->next_thread)
        self->quantum = KE_QUANTUM_TICKS;
}

bool ke_thread_yield(void)
{
    irql_t old = ke_dispatcher_lock();
    PKTHREAD self = PCR->current_thread;
    bool yields;

    self->quantum = 0; /* to the end of its queue, if it goes */
    next_in_turn(self);
    yields = PCR->next_thread != NULL;
    ke_dispatcher_unlock(old);
    return yields;
}

/* Out of quantum: another thread of the same priority has its turn. */
static void quantum_end(void)
{
    PKTHREAD self = PCR->current_thread;

    PCR->ke->quantum_is_over = false;
    if (self == PCR->idle_thread)
        return;
    if (self->priority > self->base_priority && self->priority < KE_PRIORITY_REALTIME_LOW)
        self->priority--;
    next_in_turn(self);
}

KE_HOT NTAPI void ke_dispatch_switch(void)
{
    if (__builtin_expect(!ke_lock_try(&ke_dispatcher_lock_word), 0)) {
        hal_interrupts_on(); /* not while waiting for another CPU */
        ke_lock_acquire(&ke_dispatcher_lock_word);
        hal_interrupts_off();
    }
    if (__builtin_expect(PCR->ke->quantum_is_over, 0))
        quantum_end();
    if (PCR->next_thread)
        preempt();
    ke_lock_release(&ke_dispatcher_lock_word);
}

void ke_thread_set_priority(PKTHREAD thread, int32_t priority)
{
    int32_t old = thread->priority;

    if (old == priority)
        return;
    if (thread->state == KE_THREAD_READY) {
        ready_dequeue(thread);
        thread->priority = priority;
        ke_thread_make_ready(thread);
        return;
    }
    thread->priority = priority;
    if (thread->state == KE_THREAD_RUNNING && priority < old &&
        !hal_pcr(thread->cpu)->next_thread) {
        PKTHREAD better = ready_take(thread->cpu, priority + 1);
        if (better)
            standby_on(better, thread->cpu);
    }
}

void ke_thread_set_affinity(PKTHREAD thread, uint16_t group, uint64_t mask)
{
    for (uint32_t g = 0; g < CPU_MAX / 64; g++)
        thread->affinity[g] = g == group ? mask : 0;
    if (thread->state == KE_THREAD_READY) {
        ready_dequeue(thread);
        ke_thread_make_ready(thread);
    } else if (thread->state == KE_THREAD_WAITING && !ke_thread_may_run_on(thread, thread->cpu)) {
        thread->cpu = group * 64u + (uint32_t)__builtin_ctzll(mask); /* where it will wake */
    } else if (thread->state == KE_THREAD_RUNNING && !ke_thread_may_run_on(thread, thread->cpu)) {
        struct pcr *pcr = hal_pcr(thread->cpu);
        thread->must_move = TRUE;
        if (!pcr->next_thread) {
            PKTHREAD other = ready_take(thread->cpu, 0);
            standby_on(other ? other : pcr->idle_thread, pcr->number);
        }
    }
}
