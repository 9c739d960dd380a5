/*
 * generic-dpc.c - conformance of KeGenericCallDpc and of what its routine signals.
 */
#include "suite.h"

#define ROUNDS 50
#define BARRIERS 3

NTKERNELAPI VOID NTAPI KeGenericCallDpc(PKDEFERRED_ROUTINE Routine, PVOID Context);
NTKERNELAPI VOID NTAPI KeSignalCallDpcDone(PVOID SystemArgument1);
NTKERNELAPI LOGICAL NTAPI KeSignalCallDpcSynchronize(PVOID SystemArgument2);

typedef struct _COUNTS {
    volatile LONG Calls;
    volatile LONG Before; /* processors that have come to the barrier */
    volatile LONG Early;  /* left it when not all had come */
    volatile LONG Chosen; /* TRUE results */
    volatile LONG WrongIrql;
    volatile LONG64 Processors;
} COUNTS;

static ULONG ProcessorCount;

static VOID NTAPI Routine(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1,
                          PVOID SystemArgument2)
{
    COUNTS *counts = DeferredContext;

    UNREFERENCED_PARAMETER(Dpc);
    InterlockedIncrement(&counts->Calls);
    InterlockedOr64(&counts->Processors, 1ll << KeGetCurrentProcessorNumberEx(NULL));
    if (KeGetCurrentIrql() != DISPATCH_LEVEL)
        InterlockedIncrement(&counts->WrongIrql);
    for (LONG i = 1; i <= BARRIERS; i++) {
        InterlockedIncrement(&counts->Before);
        if (KeSignalCallDpcSynchronize(SystemArgument2))
            InterlockedIncrement(&counts->Chosen);
        if (counts->Before < i * (LONG)ProcessorCount)
            InterlockedIncrement(&counts->Early);
    }
    KeSignalCallDpcDone(SystemArgument1);
}

static VOID Run(VOID)
{
    COUNTS counts = {0};
    KIRQL irql = KeGetCurrentIrql();

    ProcessorCount = KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS);
    for (ULONG i = 0; i < ROUNDS; i++) {
        counts.Before = 0;
        KeGenericCallDpc(Routine, &counts);
    }
    ExpectEqual((ULONG64)counts.Calls, (ULONG64)ROUNDS * ProcessorCount,
                "KeGenericCallDpc runs the routine once on each processor, each time");
    ExpectEqual((ULONG64)counts.Processors, (1ull << ProcessorCount) - 1,
                "KeGenericCallDpc leaves no processor out");
    ExpectEqual((ULONG64)counts.WrongIrql, 0, "KeGenericCallDpc: it runs at DISPATCH_LEVEL");
    ExpectEqual((ULONG64)counts.Early, 0,
                "KeSignalCallDpcSynchronize returns when all processors have called it");
    ExpectEqual((ULONG64)counts.Chosen, (ULONG64)ROUNDS * BARRIERS,
                "KeSignalCallDpcSynchronize is TRUE on one of them");
    ExpectEqual(KeGetCurrentIrql(), irql, "KeGenericCallDpc returns at the level of the call");
}

const TEST_GROUP TestGroup = {.Run = Run};
