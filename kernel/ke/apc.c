/*
 * ke/apc.c - when a thread may be interrupted by APCs: critical and guarded regions.
 *
 * The counts go below zero while APCs are off, as Windows keeps them; a thread that ends, and a
 * work item that returns, with a count other than 0 is a bug check (APC-8). The kernel itself
 * queues no APCs, so VECTOR_APC is a stray interrupt.
 */
#include <hal/hal.h>
#include <hal/upcall.h>
#include <lib/export.h>
#include <nt/wdm.h>

#include "ke/thread.h"

HAL_UPCALL void ke_apc_interrupt(uint64_t vector)
{
    PCR->vector_count[vector]++;
    hal_apic_eoi();
}

/* WDK surface */

VOID NTAPI KeEnterCriticalRegion(VOID)
{
    ke_thread_current()->kernel_apc_disable--;
}
LDR_EXPORT(KeEnterCriticalRegion);

VOID NTAPI KeLeaveCriticalRegion(VOID)
{
    ke_thread_current()->kernel_apc_disable++;
}
LDR_EXPORT(KeLeaveCriticalRegion);

VOID NTAPI KeEnterGuardedRegion(VOID)
{
    ke_thread_current()->special_apc_disable--;
}
LDR_EXPORT(KeEnterGuardedRegion);

VOID NTAPI KeLeaveGuardedRegion(VOID)
{
    ke_thread_current()->special_apc_disable++;
}
LDR_EXPORT(KeLeaveGuardedRegion);

BOOLEAN NTAPI KeAreApcsDisabled(VOID)
{
    PKTHREAD self = ke_thread_current();

    return self->kernel_apc_disable || self->special_apc_disable;
}
LDR_EXPORT(KeAreApcsDisabled);

BOOLEAN NTAPI KeAreAllApcsDisabled(VOID)
{
    return ke_thread_current()->special_apc_disable || hal_irql_read() >= APC_LEVEL;
}
LDR_EXPORT(KeAreAllApcsDisabled);
