/*
 * ke/irql.c - the exported forms of raising and lowering IRQL.
 *
 * Drivers built today inline these as CR8 moves; older binaries and other compilers import them
 * (RAI-7), and these check what the inlines cannot (RAI-1, RAI-2, RAI-4).
 */
#include <lib/bugcheck.h>
#include <lib/export.h>
#include <nt/wdm.h>

#include <hal/hal.h>

#include "ke/dispatcher.h"

static _Noreturn void irql_bugcheck(ULONG code, irql_t now, irql_t wanted, void *caller)
{
    lib_bugcheck(code, 0, now, wanted, (uint64_t)caller, NULL);
}

_Noreturn NTAPI void ke_irql_too_high(void *caller)
{
    irql_bugcheck(IRQL_NOT_LESS_OR_EQUAL, hal_irql_read(), DISPATCH_LEVEL, caller);
}

static KIRQL NTAPI get_current_irql(VOID)
{
    return hal_irql_read();
}
LDR_EXPORT_AS("KeGetCurrentIrql", get_current_irql);

static KIRQL raise_checked(KIRQL irql, void *caller)
{
    irql_t now = hal_irql_read();

    if (irql < now || irql > HIGH_LEVEL)
        irql_bugcheck(IRQL_NOT_GREATER_OR_EQUAL, now, irql, caller);
    hal_irql_write(irql);
    return now;
}

static KIRQL NTAPI raise_irql(KIRQL NewIrql)
{
    return raise_checked(NewIrql, __builtin_return_address(0));
}
LDR_EXPORT_AS("KfRaiseIrql", raise_irql);

static VOID NTAPI raise_irql_to(KIRQL NewIrql, PKIRQL OldIrql)
{
    *OldIrql = raise_checked(NewIrql, __builtin_return_address(0));
}
LDR_EXPORT_AS("KeRaiseIrql", raise_irql_to);

static KIRQL NTAPI raise_irql_to_dpc_level(VOID)
{
    return raise_checked(DISPATCH_LEVEL, __builtin_return_address(0));
}
LDR_EXPORT_AS("KeRaiseIrqlToDpcLevel", raise_irql_to_dpc_level);

static KIRQL NTAPI raise_irql_to_synch_level(VOID)
{
    return raise_checked(SYNCH_LEVEL, __builtin_return_address(0));
}
LDR_EXPORT_AS("KeRaiseIrqlToSynchLevel", raise_irql_to_synch_level);

static VOID NTAPI lower_irql(KIRQL NewIrql)
{
    irql_t now = hal_irql_read();

    if (NewIrql > now)
        irql_bugcheck(IRQL_NOT_LESS_OR_EQUAL, now, NewIrql, __builtin_return_address(0));
    hal_irql_write(NewIrql);
}
LDR_EXPORT_AS("KeLowerIrql", lower_irql);
LDR_EXPORT_AS("KfLowerIrql", lower_irql);
