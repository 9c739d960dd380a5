/*
 * ke/ke.h - what layers above kernel/ke use beyond the WDK routines.
 */
#pragma once

#include <hal/hal.h>

/*
 * A routine of the interrupt path, whose instructions are counted (tests/bench): it keeps no frame
 * pointer, so a backtrace through it goes on with its caller's caller.
 */
#define KE_HOT __attribute__((hot, optimize("omit-frame-pointer")))

/* Boot CPU: DPC queue, idle thread from the running stack, clock. Once, interrupts still off. */
void ke_init(void);
/* Its idle thread: from here on the boot thread may wait. Once, when mm is up. */
void ke_init_threads(void);
/* Messages that came at an exception's vector: counted and ignored. trap.c */
extern uint64_t ke_forged_exceptions;

/* System worker threads; once threads run. */
void ke_work_init(void);
/* The clock and the shared user data page; once hal's clock is calibrated and mm is up. */
void ke_clock_init(void);
struct _KUSER_SHARED_DATA;
/* Its ProcessorFeatures, which ExIsProcessorFeaturePresent answers from. processor_features.c */
void ke_processor_features_write(volatile struct _KUSER_SHARED_DATA *shared);

enum { KE_CLOCK_PERIOD = 156250 }; /* between ticks, in 100 ns units */

/*
 * How often the times in the shared user data page are brought up to date, in 100 ns units: at
 * most KE_CLOCK_PERIOD, which is the default. Any CPU, IRQL <= DISPATCH_LEVEL.
 */
uint32_t ke_clock_resolution(void);
void ke_clock_resolution_set(uint32_t period);

/*
 * At DISPATCH_LEVEL, interrupts off: run DPCs and expired timers, then switch threads if one was
 * chosen. May come back on another CPU.
 */
__attribute__((ms_abi)) void ke_dispatch_loop(void);
/* The same as soon as IRQL drops: for an interrupt that came at DISPATCH_LEVEL or above. */
__attribute__((ms_abi)) void ke_dispatch_later(void);

/*
 * The way out of an interrupt that found dispatch_requests set. `old` is the level to go back to.
 * Interrupts off, depth already counted down.
 */
static inline void ke_interrupt_exit(irql_t old)
{
    if (old < 2) { /* DISPATCH_LEVEL */
        hal_irql_write(2);
        ke_dispatch_loop();
    } else {
        ke_dispatch_later();
    }
}

/*
 * Every CPU has executed a full barrier, and every device interrupt that was in progress on
 * another CPU when this was called has been left. How a handler is proved idle (DIS-10).
 * PASSIVE_LEVEL.
 */
void ke_interrupt_rendezvous(void);

/* Run function(context) on one CPU at IPI_LEVEL, and wait for it. IRQL <= DISPATCH_LEVEL. */
void ke_call_on_cpu(uint32_t cpu, void (*function)(void *), void *context);

/*
 * Take a CPU (not 0) out of scheduling: threads leave it, its DPCs have run, its PCR's `online` is
 * 0. It still takes interrupts and IPIs. Callers are one at a time. PASSIVE_LEVEL. cpu_offline.c
 */
int32_t ke_cpu_park(uint32_t cpu);
void ke_cpu_unpark(uint32_t cpu);

/* Raise a status as an exception, as ExRaiseStatus does. */
_Noreturn void ke_raise_status(int32_t status);

/* Initializer of a static FAST_MUTEX that nobody holds: as ExInitializeFastMutex leaves one. */
#define KE_FAST_MUTEX_FREE(mutex)                                                                  \
    {                                                                                              \
        .Count = 1,                                                                                \
        .Event = {.Header = {.Type = SynchronizationEvent,                                         \
                             .Size = sizeof(KEVENT) / sizeof(ULONG),                               \
                             .WaitListHead = {&(mutex).Event.Header.WaitListHead,                  \
                                              &(mutex).Event.Header.WaitListHead}}},               \
    }
