/*
 * ke/watchdog.c - time-outs of DPCs and ISRs (DPC-40, DQ-7, BC-133-1).
 *
 * The clock samples each CPU: the same DPC or ISR at tick after tick is one that takes too long;
 * DISPATCH_LEVEL or above at tick after tick is too much time there in total, be it in DPCs, in
 * ISRs or under a spin lock (BUD-3). Either is bug check 0x133. Counting costs the interrupt path
 * nothing: the clock reads what that counts anyway.
 *
 * CPUs that are idle have no tick. CPU 0's asks those that it finds in a DPC or an ISR, by IPI, to
 * start theirs, so that the bug check happens, and backtraces, where the routine runs.
 */
#include "ke/watchdog.h"

#include <hal/ipi.h>
#include <lib/bugcheck.h>
#include <lib/export.h>

#include "ke/dispatcher.h"

enum {
    TICKS_PER_SECOND = 64,
    MS_PER_SECOND = 1000,
    EXPIRED_ONE = 0, /* parameter 1 of the bug check */
    EXPIRED_ALL = 1,
};

static uint32_t one_limit;
static uint32_t all_limit;

static uint32_t ticks(uint64_t milliseconds)
{
    return (uint32_t)((milliseconds * TICKS_PER_SECOND + MS_PER_SECOND - 1) / MS_PER_SECOND);
}

void ke_watchdog_limit(uint64_t one, uint64_t all)
{
    one_limit = ticks(one);
    all_limit = ticks(all);
}

/* In the DPC or the ISR in which the last tick found this CPU? */
static bool is_still_there(const struct ke_watchdog *watchdog)
{
    if (PCR->interrupt_depth)
        return watchdog->interrupts == PCR->interrupt_exits;
    return PCR->dpc_active && watchdog->dpcs == PCR->ke->dpc_count;
}

void ke_watchdog_tick(irql_t interrupted)
{
    struct ke_watchdog *watchdog = &PCR->ke->watchdog;

    if (interrupted < DISPATCH_LEVEL) {
        watchdog->one = watchdog->all = 0;
    } else {
        watchdog->all++;
        watchdog->one = is_still_there(watchdog) ? watchdog->one + 1 : 0;
    }
    watchdog->dpcs = PCR->ke->dpc_count;
    watchdog->interrupts = PCR->interrupt_exits;
    if (one_limit && watchdog->one > one_limit)
        lib_bugcheck(DPC_WATCHDOG_VIOLATION, EXPIRED_ONE, watchdog->one, one_limit, 0, NULL);
    if (all_limit && watchdog->all > all_limit)
        lib_bugcheck(DPC_WATCHDOG_VIOLATION, EXPIRED_ALL, all_limit, 0, 0, NULL);
}

static bool is_serving(const struct pcr *pcr)
{
    return pcr->dpc_active || pcr->interrupt_depth;
}

void ke_watchdog_tick_others(void)
{
    struct cpu_set asked = {0};

    for (uint32_t cpu = 1; cpu < hal_cpu_count(); cpu++) {
        const struct pcr *pcr = hal_pcr(cpu);
        if (pcr->online && is_serving(pcr) && !pcr->ke->tick_armed)
            cpu_set_add(&asked, cpu);
    }
    hal_ipi_send_set(&asked, (vector_t){VECTOR_IPI});
}

void ke_watchdog_asked(void)
{
    if (is_serving(pcr_self()))
        ke_clock_cpu_busy();
}

static uint32_t left(uint32_t limit, uint32_t used)
{
    return limit > used ? limit - used : 0;
}

/* WDK surface */

/*
 * DPC-38. DISPATCH_LEVEL. In ticks, what is left of each limit; zeroes where there is no limit.
 * STATUS_UNSUCCESSFUL: below DISPATCH_LEVEL, where no DPC runs.
 */
NTSTATUS NTAPI KeQueryDpcWatchdogInformation(PKDPC_WATCHDOG_INFORMATION WatchdogInformation)
{
    const struct ke_watchdog *watchdog = &PCR->ke->watchdog;

    if (hal_irql_read() < DISPATCH_LEVEL)
        return STATUS_UNSUCCESSFUL;
    *WatchdogInformation = (KDPC_WATCHDOG_INFORMATION){
        .DpcTimeLimit = one_limit,
        .DpcTimeCount = left(one_limit, is_still_there(watchdog) ? watchdog->one : 0),
        .DpcWatchdogLimit = all_limit,
        .DpcWatchdogCount = left(all_limit, watchdog->all),
    };
    return STATUS_SUCCESS;
}
LDR_EXPORT(KeQueryDpcWatchdogInformation);
