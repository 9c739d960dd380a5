/*
 * wdm/irql.h - interrupt request levels, and how code moves between them.
 *
 * On x64 the level of a processor is its CR8 register; compiled drivers raise
 * and lower it by bare moves, which the inlines here repeat. The kernel exports
 * routines of the same names for binaries that import them, and those check the
 * caller; the inlines do not.
 */
#ifndef NT_WDM_IRQL_H
#define NT_WDM_IRQL_H

#define PASSIVE_LEVEL 0
#define LOW_LEVEL 0
#define APC_LEVEL 1
#define DISPATCH_LEVEL 2
#define CMCI_LEVEL 5
#define CLOCK_LEVEL 13
#define IPI_LEVEL 14
#define DRS_LEVEL 14
#define POWER_LEVEL 14
#define PROFILE_LEVEL 15
#define HIGH_LEVEL 15
#define SYNCH_LEVEL 12

FORCEINLINE KIRQL NTAPI KeGetCurrentIrql(VOID)
{
    ULONG64 Level;

    __asm__ volatile("movq %%cr8, %0" : "=r"(Level) : : "memory");
    return (KIRQL)Level;
}

FORCEINLINE VOID NTAPI KeLowerIrql(KIRQL NewIrql)
{
    __asm__ volatile("movq %0, %%cr8" : : "r"((ULONG64)NewIrql) : "memory");
}

FORCEINLINE VOID NTAPI KfLowerIrql(KIRQL NewIrql)
{
    __asm__ volatile("movq %0, %%cr8" : : "r"((ULONG64)NewIrql) : "memory");
}

FORCEINLINE KIRQL NTAPI KfRaiseIrql(KIRQL NewIrql)
{
    KIRQL OldIrql = KeGetCurrentIrql();

    __asm__ volatile("movq %0, %%cr8" : : "r"((ULONG64)NewIrql) : "memory");
    return OldIrql;
}

FORCEINLINE KIRQL NTAPI KeRaiseIrqlToDpcLevel(VOID)
{
    return KfRaiseIrql(DISPATCH_LEVEL);
}

FORCEINLINE KIRQL NTAPI KeRaiseIrqlToSynchLevel(VOID)
{
    return KfRaiseIrql(SYNCH_LEVEL);
}

#define KeRaiseIrql(NewIrql, OldIrql) (*(OldIrql) = KfRaiseIrql(NewIrql))

/* A debugging aid in checked builds: pageable code must run below DISPATCH_LEVEL. */
#define PAGED_CODE() ((void)0)
#define PAGED_CODE_LOCKED() ((void)0)

#endif
