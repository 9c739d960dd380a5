/*
 * ke/clock.c - time: interrupt time from the TSC, the tick, and the page drivers read time from.
 *
 * CPU 0 ticks every 15.625 ms, as Windows does by default, and earlier when a timer is due; at each
 * tick it brings the shared user data page up to date (spec F.7: drivers inline those reads). While
 * drivers ask for a finer resolution it does so more often; accounting and quanta keep the tick.
 * The other CPUs tick only while a thread other than the idle one runs there, for its quantum, or
 * while a DPC or ISR takes long (ke/watchdog.c).
 */
#include <hal/upcall.h>
#include <lib/assert.h>
#include <lib/export.h>
#include <lib/string.h>

#include "ke/dispatcher.h"
#include "ke/ke.h"
#include "ke/version.h"
#include "mm/mm.h"

enum {
    TICK_PERIOD = KE_CLOCK_PERIOD,
    UNITS_PER_SECOND = 10000000,
    TIME_SCALE_SHIFT = 32,
};

static uint64_t tsc_at_boot;
static uint64_t time_per_tsc; /* 100 ns units a TSC tick, scaled by 2^32 */
static uint64_t tsc_per_time; /* TSC ticks a 100 ns unit, scaled by 2^32 */
static uint64_t system_time_at_boot;
static uint64_t next_tick;
static volatile uint32_t resolution = KE_CLOCK_PERIOD; /* of the shared page's times */
static volatile KUSER_SHARED_DATA *shared;             /* writable alias of the page drivers see */

static inline uint64_t time_of_tsc(uint64_t tsc)
{
    return (uint64_t)((unsigned __int128)(tsc - tsc_at_boot) * time_per_tsc >> TIME_SCALE_SHIFT);
}

uint64_t ke_interrupt_time(void)
{
    return time_of_tsc(hal_tsc_read());
}

uint64_t ke_system_time_at(uint64_t interrupt_time)
{
    return system_time_at_boot + interrupt_time;
}

uint64_t ke_system_time(void)
{
    return ke_system_time_at(ke_interrupt_time());
}

uint64_t ke_time_to_tsc(uint64_t interrupt_time)
{
    return tsc_at_boot +
           (uint64_t)((unsigned __int128)interrupt_time * tsc_per_time >> TIME_SCALE_SHIFT);
}

/* Readers compare High1Time and High2Time around the low part: write in this order. */
static void shared_time_write(volatile KSYSTEM_TIME *time, uint64_t value)
{
    time->High2Time = (LONG)(value >> 32);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    time->LowPart = (ULONG)value;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    time->High1Time = (LONG)(value >> 32);
}

static void shared_update(uint64_t now)
{
    uint64_t ticks = now / TICK_PERIOD;

    shared_time_write(&shared->InterruptTime, now);
    shared_time_write(&shared->SystemTime, system_time_at_boot + now);
    shared_time_write(&shared->TickCount, ticks);
}

/* The next tick, or the next update of the shared page if drivers want that earlier. */
static uint64_t next_update(void)
{
    uint32_t period = resolution;
    uint64_t now, fine;

    if (period == TICK_PERIOD)
        return next_tick;
    now = ke_interrupt_time();
    fine = now - now % period + period;
    return fine < next_tick ? fine : next_tick;
}

static void arm(void)
{
    uint64_t due = next_update();
    uint64_t first = ke_timer_first_due();

    if (first < due)
        due = first;
    hal_clock_arm(ke_time_to_tsc(due));
}

static volatile uint32_t changed_elsewhere;

void ke_clock_check(void)
{
    if (__atomic_exchange_n(&changed_elsewhere, 0, __ATOMIC_ACQ_REL))
        arm();
}

void ke_clock_reprogram(void)
{
    if (cpu_current() != 0) {
        __atomic_store_n(&changed_elsewhere, 1, __ATOMIC_RELEASE);
        ke_request_dispatch_on(0);
        return;
    }
    uint64_t flags = hal_interrupts_disable();
    arm();
    hal_interrupts_restore(flags);
}

uint32_t ke_clock_resolution(void)
{
    return resolution;
}

void ke_clock_resolution_set(uint32_t period)
{
    resolution = period;
    ke_clock_reprogram();
}

void ke_clock_cpu_busy(void)
{
    if (cpu_current() == 0 || PCR->ke->tick_armed)
        return;
    PCR->ke->tick_armed = 1;
    hal_clock_arm(ke_time_to_tsc(ke_interrupt_time() + TICK_PERIOD));
}

static void account(struct ke_cpu *ke)
{
    PKTHREAD thread = PCR->current_thread;

    thread->run_ticks++;
    if (thread == PCR->idle_thread)
        return;
    ke->busy_ticks++;
    if (--thread->quantum <= 0) {
        PCR->dispatch_requests |= KE_DISPATCH_QUANTUM;
    }
}

static void tick_cpu0(struct ke_cpu *ke, irql_t interrupted)
{
    uint64_t now = ke_interrupt_time();

    bool expired = ke_timer_first_due() <= now;

    if (expired)
        PCR->dispatch_requests |= KE_DISPATCH_TIMERS;
    if (now >= next_tick) {
        next_tick += TICK_PERIOD;
        if (next_tick <= now)
            next_tick = now + TICK_PERIOD;
        account(ke);
        ke_watchdog_tick(interrupted);
        ke_watchdog_tick_others();
    }
    shared_update(now);
    if (expired)
        hal_clock_arm(ke_time_to_tsc(next_update())); /* ke_timers_expire() sets the rest */
    else
        arm();
}

HAL_UPCALL void ke_clock_interrupt(uint64_t vector)
{
    irql_t old = hal_irql_read();
    struct ke_cpu *ke = PCR->ke;

    hal_apic_eoi();
    PCR->vector_count[vector]++;
    if (cpu_current() == 0) {
        tick_cpu0(ke, old);
    } else {
        ke->tick_armed = 0;
        account(ke);
        ke_watchdog_tick(old);
        if (PCR->current_thread != PCR->idle_thread && PCR->online)
            ke_clock_cpu_busy();
        else
            ke_watchdog_asked();
    }
    if (PCR->dispatch_requests)
        ke_interrupt_exit(old);
    hal_irql_write(old);
}

void ke_clock_init(void)
{
    phys_addr_t page = mm_page_alloc(MM_OWNER_KERNEL);

    uint64_t frequency = hal_tsc_frequency();

    time_per_tsc = ((uint64_t)UNITS_PER_SECOND << TIME_SCALE_SHIFT) / frequency;
    tsc_per_time = (frequency / UNITS_PER_SECOND << TIME_SCALE_SHIFT) +
                   (frequency % UNITS_PER_SECOND << TIME_SCALE_SHIFT) / UNITS_PER_SECOND;
    tsc_at_boot = hal_tsc_read();
    system_time_at_boot = hal_rtc_read();
    ASSERT(page && hal_page_map(HAL_SHARED_USER_DATA, page, HAL_PAGE_SIZE, HAL_PAGE_READ));
    shared = hal_direct_map(page);
    memset((void *)shared, 0, HAL_PAGE_SIZE);
    shared->NtMajorVersion = ke_version.major;
    shared->NtMinorVersion = ke_version.minor;
    shared->Reserved2[6] = ke_version.build;  /* NtBuildNumber since Windows 10, at +0x260 */
    shared->TickCountMultiplier = 0x0FA00000; /* 15.625 ms, scaled by 2^24 */
    ke_processor_features_write(shared);
    next_tick = TICK_PERIOD;
    shared_update(0);
    ke_clock_reprogram();
}

/* WDK surface */

LARGE_INTEGER NTAPI KeQueryPerformanceCounter(PLARGE_INTEGER PerformanceFrequency)
{
    LARGE_INTEGER counter = {.QuadPart = (LONGLONG)hal_tsc_read()};

    if (PerformanceFrequency)
        PerformanceFrequency->QuadPart = (LONGLONG)hal_tsc_frequency();
    return counter;
}
LDR_EXPORT(KeQueryPerformanceCounter);

/* Those of the latest tick are what the headers' inline forms read: no driver sees one go back. */
static ULONGLONG NTAPI query_interrupt_time(VOID)
{
    return KeQueryInterruptTime();
}
LDR_EXPORT_AS("KeQueryInterruptTime", query_interrupt_time);
LDR_EXPORT_AS("KeQueryUnbiasedInterruptTime", query_interrupt_time); /* no sleep, no bias */

/* Time and stamp are of one moment. */
static ULONGLONG NTAPI query_interrupt_time_precise(PULONG64 QpcTimeStamp)
{
    uint64_t tsc = hal_tsc_read();

    *QpcTimeStamp = tsc;
    return time_of_tsc(tsc);
}
LDR_EXPORT_AS("KeQueryInterruptTimePrecise", query_interrupt_time_precise);

static VOID NTAPI query_system_time(PLARGE_INTEGER CurrentTime)
{
    KeQuerySystemTime(CurrentTime);
}
LDR_EXPORT_AS("KeQuerySystemTime", query_system_time);

static VOID NTAPI query_system_time_precise(PLARGE_INTEGER CurrentTime)
{
    CurrentTime->QuadPart = (LONGLONG)ke_system_time();
}
LDR_EXPORT_AS("KeQuerySystemTimePrecise", query_system_time_precise);

static VOID NTAPI query_tick_count(PLARGE_INTEGER CurrentCount)
{
    CurrentCount->QuadPart = (LONGLONG)shared->TickCountQuad;
}
LDR_EXPORT_AS("KeQueryTickCount", query_tick_count);

ULONG NTAPI KeQueryTimeIncrement(VOID)
{
    return TICK_PERIOD;
}
LDR_EXPORT(KeQueryTimeIncrement);

VOID NTAPI KeStallExecutionProcessor(ULONG MicroSeconds)
{
    hal_stall(MicroSeconds);
}
LDR_EXPORT(KeStallExecutionProcessor);
