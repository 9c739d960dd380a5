/*
 * ke/dispatcher.h - the scheduler's inside, for kernel/ke only.
 *
 * One dispatcher lock guards every dispatcher object, wait list, ready queue and timer. It is
 * taken at DISPATCH_LEVEL (never from an ISR). Code that may have made a thread ready leaves
 * through ke_dispatcher_unlock(), which switches when a better thread was chosen for this CPU.
 */
#pragma once

#include "ke/ke.h"
#include "ke/lock.h"
#include "ke/thread.h"
#include "ke/watchdog.h"

extern ke_lock_t ke_dispatcher_lock_word;

/* A routine for DISPATCH_LEVEL and below was called above it: bug check that names the caller. */
_Noreturn NTAPI void ke_irql_too_high(void *caller);

static inline irql_t ke_dispatcher_lock(void)
{
    irql_t old = hal_irql_raise(DISPATCH_LEVEL);
    ke_lock_acquire(&ke_dispatcher_lock_word);
    return old;
}

/* The same where next_thread is set. */
void ke_dispatcher_unlock_and_switch(irql_t old);

/* Release the lock, switch to next_thread if there is one and `old` allows, lower to `old`. */
static inline void ke_dispatcher_unlock(irql_t old)
{
    if (__builtin_expect(PCR->next_thread != NULL, 0) && !PCR->dpc_active) {
        ke_dispatcher_unlock_and_switch(old);
        return;
    }
    ke_lock_release(&ke_dispatcher_lock_word);
    if (old != DISPATCH_LEVEL)
        hal_irql_write(old);
}

/*
 * The same for a caller that waits next: until then it stays at DISPATCH_LEVEL, so that nobody runs
 * instead, and the wait brings the level back (WDK: KeSetEvent, Wait). At DISPATCH_LEVEL there is
 * nothing to keep.
 */
static inline void ke_dispatcher_unlock_and(irql_t old, BOOLEAN wait)
{
    if (wait && old < DISPATCH_LEVEL) {
        PCR->current_thread->wait_irql = old;
        PCR->current_thread->wait_next = TRUE;
        old = DISPATCH_LEVEL;
    }
    ke_dispatcher_unlock(old);
}

/* All below: dispatcher lock held. */

/* A thread left its wait or was created: choose a CPU for it. */
void ke_thread_make_ready(PKTHREAD thread);
extern uint32_t ke_idle_cpu_count;

/* Would it be this CPU's next_thread, at once? It ran here last, outranks what runs here, and no
 * CPU is idle. */
static inline bool ke_thread_wakes_here(const struct _KTHREAD *thread)
{
    return !ke_idle_cpu_count && thread->cpu == cpu_current() && !PCR->next_thread &&
           thread->priority > PCR->current_thread->priority;
}

/*
 * Block the current thread: state, wait blocks and wait_irql are set up. Releases the lock; returns
 * the wait's status when the thread runs again, at wait_irql.
 */
NTAPI NTSTATUS ke_dispatcher_block(void);
/* End the wait of a thread with this status; it becomes ready. */
void ke_wait_end(PKTHREAD thread, NTSTATUS status, int32_t boost);
/* The wait of a thread is interrupted for an APC; it becomes ready, and its context is intercepted
 * next. */
void ke_wait_interrupt(PKTHREAD thread, int32_t boost);
/* In its context, as after a switch: let APCs run, wait again. Interrupts off. */
void ke_wait_again(PKTHREAD self);

/* A thread's queue of APCs has changed, or it may have them again: it looks at it as soon as it
 * can. apc.c */
void ke_apc_tell(PKTHREAD thread, int32_t boost);
static inline void ke_apc_enabled(PKTHREAD thread)
{
    if (__builtin_expect(!IsListEmpty(&thread->apc_queue), 0))
        ke_apc_tell(thread, 0);
}
/* An object's state rose above 0: satisfy as many waits as it allows. */
void ke_object_signaled(DISPATCHER_HEADER *header, int32_t boost);
/* Give the current thread, about to stop for good, away. */
_Noreturn void ke_dispatcher_exit_thread(void);
void ke_thread_set_priority(PKTHREAD thread, int32_t priority);
/* The active CPUs of a set; none if it names one that the group has not (WDK:
 * KeSetSystemGroupAffinityThread). cpu.c */
uint64_t ke_affinity_usable(uint16_t group, uint64_t mask);
/* Take a thread's affinity into account: moves it if it may no longer be where it is. */
void ke_thread_set_affinity(PKTHREAD thread, uint16_t group, uint64_t mask);
bool ke_thread_may_run_on(const struct _KTHREAD *thread, uint32_t cpu);

/* PASSIVE_LEVEL, no lock held. False: no other thread was ready that could run here. */
bool ke_thread_yield(void);

void ke_dispatcher_init_queues(void);
void ke_cpu_set_idle(uint32_t cpu);
/* The end of the DPC loop: next_thread or a quantum end is due. Interrupts off, no lock held. */
NTAPI void ke_dispatch_switch(void);

/* The thread ends: the APCs it has are run, and it gets no more. PASSIVE_LEVEL, no lock held. */
void ke_apc_close(PKTHREAD self);

/* Threads before they run (thread.c); no lock held. */
void ke_thread_init(PKTHREAD thread, const char *name, int32_t priority);
NTSTATUS ke_thread_allocate(const char *name, int32_t priority, PKSTART_ROUTINE start_routine,
                            PVOID context, PKTHREAD *thread);
/* Make it ready, with a reference of its own, and tell who wants to know. PASSIVE_LEVEL. */
void ke_thread_start(PKTHREAD thread);

/* Timers (timer.c). */
void ke_timer_insert(PKTIMER timer, uint64_t due_time);
bool ke_timer_remove(PKTIMER timer);
/* Called while draining DPCs on CPU 0 when the clock found a timer due; takes the lock itself. */
void ke_timers_expire(void);
/* Interrupt time, in 100 ns units, at which the first timer is due; UINT64_MAX: none. */
uint64_t ke_timer_first_due(void);

/* pcr->dispatch_requests: what waits for IRQL to drop below DISPATCH_LEVEL on this CPU. */
enum {
    KE_DISPATCH_LOOK = 1 << 0,    /* at the DPC queue and next_thread */
    KE_DISPATCH_TIMERS = 1 << 1,  /* the clock found timers due (CPU 0) */
    KE_DISPATCH_QUANTUM = 1 << 2, /* the thread's time is up */
};

/* DPC queue and CPU state of one processor. */
struct ke_cpu {
    ke_lock_t dpc_lock;            /* with interrupts off */
    LIST_ENTRY dpc_list;           /* (dpc_lock) */
    uint64_t dpc_count;            /* (dpc_lock) DPCs run */
    bool quantum_is_over;          /* (p) the DPC loop ends with a look for another thread */
    uint64_t busy_ticks;           /* (p) ticks that found another thread than the idle one */
    uint32_t tick_armed;           /* (p) a clock interrupt is on its way */
    struct ke_call *volatile call; /* (x) function another CPU wants run here, see cpu.c */
    struct ke_watchdog watchdog;   /* (p) watchdog.c */
};

/*
 * Ask this CPU to look at its DPC queue and next_thread as soon as IRQL drops below
 * DISPATCH_LEVEL. Interrupts off.
 */
void ke_request_dispatch(void);
/* The same for another CPU, by IPI. */
void ke_request_dispatch_on(uint32_t cpu);
/* Queue a free DPC on a CPU by its importance; the CPU is not told: the caller tells all. */
void ke_dpc_post(uint32_t cpu, PKDPC dpc, PVOID argument1, PVOID argument2);
_Noreturn void ke_idle(void);

/* System time (clock.c). */
uint64_t ke_interrupt_time(void); /* 100 ns units since boot */
uint64_t ke_system_time(void);    /* 100 ns units since 1601 */
uint64_t ke_system_time_at(uint64_t interrupt_time);
void ke_clock_reprogram(void); /* the first timer changed: any CPU */
void ke_clock_check(void);     /* CPU 0, from its IPI: another CPU changed it */
uint64_t ke_time_to_tsc(uint64_t interrupt_time);
/* The idle thread is left for another: this CPU needs its tick. Interrupts off. */
void ke_clock_cpu_busy(void);

/* A queued APC of which `match` says so, or NULL. IRQL <= DISPATCH_LEVEL. apc.c */
PKAPC ke_apc_find(bool (*match)(PKAPC apc, const void *context), const void *context);
/* A timer that is set and of which `match` says so, or NULL. IRQL <= DISPATCH_LEVEL. timer.c */
PKTIMER ke_timer_find(bool (*match)(PKTIMER timer, const void *context), const void *context);
/* A queued item of which `match` says so, or NULL. IRQL <= DISPATCH_LEVEL. work_queue.c */
PWORK_QUEUE_ITEM ke_work_find(bool (*match)(PWORK_QUEUE_ITEM item, const void *context),
                              const void *context);
