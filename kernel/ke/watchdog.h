/*
 * ke/watchdog.h - time-outs of DPCs and ISRs: what ke/clock.c, ke/cpu.c and main.c ask of
 * ke/watchdog.c.
 */
#pragma once

#include <hal/hal.h>

enum {
    KE_WATCHDOG_ONE_MS = 20000, /* BC-133-2: 0x500 ticks */
    KE_WATCHDOG_ALL_MS = 120000,
    KE_WATCHDOG_MS_MAX = 86400000,
};

/* In ticks of the clock, of 15.625 ms; see struct ke_cpu. */
struct ke_watchdog {
    uint64_t dpcs;       /* (p) DPCs that had run at the last tick */
    uint64_t interrupts; /* (p) interrupts that had ended at the last tick */
    uint32_t one;        /* (p) ticks within the DPC or ISR that is running */
    uint32_t all;        /* (p) ticks at DISPATCH_LEVEL or above without a break */
};

/* A tick of this CPU's clock, which interrupted this level. Clock level. */
void ke_watchdog_tick(irql_t interrupted);
/* CPU 0's tick: other CPUs do not tick while they are idle; those that are serving must. */
void ke_watchdog_tick_others(void);
/* Such a CPU, asked by IPI. */
void ke_watchdog_asked(void);
/* Limits in milliseconds, 0 for none; there is none before this is called. */
void ke_watchdog_limit(uint64_t one, uint64_t all);
