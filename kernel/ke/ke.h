/*
 * ke/ke.h - what layers above kernel/ke use beyond the WDK routines.
 */
#pragma once

#include <hal/hal.h>

/* Boot CPU: DPC queue, idle thread from the running stack, clock. Once, before interrupts are on. */
void ke_init(void);
/* Its idle thread: from here on the boot thread may wait. Once, when mm is up. */
void ke_init_threads(void);
/* System worker threads; once threads run. */
void ke_work_init(void);
/* The clock and the shared user data page; once hal's clock is calibrated and mm is up. */
void ke_clock_init(void);

/*
 * The way out of a device interrupt whose dispatch found dpc_requested set: runs DPCs and switches
 * threads if `old` is below DISPATCH_LEVEL. Interrupts off, depth already counted down.
 */
void ke_interrupt_exit(irql_t old);

/*
 * Every CPU has executed a full barrier, and every device interrupt that was in progress on
 * another CPU when this was called has been left. How a handler is proved idle (DIS-10).
 * PASSIVE_LEVEL.
 */
void ke_interrupt_rendezvous(void);

/* Run function(context) on one CPU at IPI_LEVEL, and wait for it. IRQL <= DISPATCH_LEVEL. */
void ke_call_on_cpu(uint32_t cpu, void (*function)(void *), void *context);

/* Raise a status as an exception, as ExRaiseStatus does. */
_Noreturn void ke_raise_status(int32_t status);
