/*
 * kmdf.c - an interrupt as KMDF connects it.
 *
 * What the framework does, by its published source, is done here in the same order: routines by
 * name, Version 4 on a zeroed structure, values from u.Interrupt of the translated descriptor also
 * where that describes a message, a thunk and a lock of its own for all interrupts of the device,
 * which all run at the highest of their levels. Before that, its filter of requirements asks for a
 * processor, unless the registry does.
 */
#include "suite.h"

#define INTERRUPTS_MAX 16
#define LOCK_MS 5

typedef NTSTATUS(NTAPI *PCONNECT)(PIO_CONNECT_INTERRUPT_PARAMETERS Parameters);
typedef VOID(NTAPI *PDISCONNECT)(PIO_DISCONNECT_INTERRUPT_PARAMETERS Parameters);

/* What stands for WDFINTERRUPT. */
typedef struct _FRAMEWORK_INTERRUPT {
    PTEST_DEVICE Device;
    ULONG Message;
    PKINTERRUPT Object;
    volatile PKINTERRUPT First; /* of the first call, which may come before Object is stored */
    volatile LONG Calls;
    volatile LONG Claims;
    volatile LONG Dpcs;
    volatile ULONG Irql;
    KDPC Dpc;
} FRAMEWORK_INTERRUPT, *PFRAMEWORK_INTERRUPT;

static PCONNECT ConnectRoutine;
static PDISCONNECT DisconnectRoutine;
static PLAG_REPORT_ACTIVE_STATE ReportActive, ReportInactive;
static FRAMEWORK_INTERRUPT Interrupts[INTERRUPTS_MAX];
static ULONG Count;
static KSPIN_LOCK Lock;
static KIRQL Highest;

/* ---- policy --------------------------------------------------------------------------------- */

static BOOLEAN ByRegistry; /* the registry's policy was there when the driver was asked */
static KAFFINITY Targets;  /* the registry's, or else the framework's */

/*
 * FILTER_RESOURCE_REQUIREMENTS: what the driver's code asks for goes into each interrupt descriptor
 * that the registry left without a policy.
 */
static VOID Filter(PTEST_DEVICE Device, PIO_RESOURCE_REQUIREMENTS_LIST *List)
{
    PIO_RESOURCE_LIST list;
    ULONG i, j;

    UNREFERENCED_PARAMETER(Device);
    if (*List == NULL)
        return;
    list = (*List)->List;
    for (i = 0; i < (*List)->AlternativeLists; i++) {
        for (j = 0; j < list->Count; j++) {
            PLAG_INTERRUPT_REQUIREMENT wanted = (PLAG_INTERRUPT_REQUIREMENT)&list->Descriptors[j];

            if (wanted->Type != CmResourceTypeInterrupt)
                continue;
            ByRegistry = (wanted->Flags & CM_RESOURCE_INTERRUPT_POLICY_INCLUDED) != 0;
            if (!ByRegistry) {
                wanted->AffinityPolicy = LagPolicySpecifiedProcessors;
                wanted->PriorityPolicy = LagPriorityNormal;
                wanted->TargetedProcessors = (KAFFINITY)1 << (TestProcessors() - 1);
                wanted->Group = 0;
                wanted->Flags |= CM_RESOURCE_INTERRUPT_POLICY_INCLUDED;
            }
            Targets = wanted->TargetedProcessors;
        }
        list = (PIO_RESOURCE_LIST)&list->Descriptors[list->Count];
    }
}

static VOID CheckPolicy(PTEST_DEVICE Device)
{
    ULONG i, right = 0;

    for (i = 0; i < Device->InterruptCount; i++)
        right += Device->Translated[i]->u.Interrupt.Affinity == Targets;
    ExpectEqual(right, Device->InterruptCount,
                ByRegistry ? "CIE-KMDF-8 a policy of the registry's is there when the driver is "
                             "asked, and holds"
                           : "CIE-KMDF-8 without one that of the driver's code holds");
    if (ByRegistry)
        Expect(Targets != (KAFFINITY)1 << (TestProcessors() - 1),
               "CIE-KMDF-8 it is not what the driver's code would have asked for");
}

/* ---- interrupts ----------------------------------------------------------------------------- */

static VOID NTAPI DpcThunk(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    InterlockedIncrement(&((PFRAMEWORK_INTERRUPT)Context)->Dpcs);
}

static BOOLEAN NTAPI Thunk(PKINTERRUPT Interrupt, PVOID Context)
{
    PFRAMEWORK_INTERRUPT self = Context;
    BOOLEAN claimed = TestAcknowledge(self->Device);

    if (self->First == NULL)
        self->First = Interrupt;
    self->Irql = KeGetCurrentIrql();
    if (claimed) {
        InterlockedIncrement(&self->Claims);
        KeInsertQueueDpc(&self->Dpc, NULL, NULL);
    }
    InterlockedIncrement(&self->Calls);
    return claimed;
}

/* One object for each interrupt; for each message of an MSI descriptor, too. */
static VOID Create(PTEST_DEVICE Device)
{
    ULONG i;

    Count = TestIsMessage(Device) ? TestMessageCount(Device) : Device->InterruptCount;
    if (Count > INTERRUPTS_MAX)
        Count = INTERRUPTS_MAX;
    KeInitializeSpinLock(&Lock);
    Highest = 0;
    RtlZeroMemory(Interrupts, sizeof(Interrupts));
    for (i = 0; i < Count; i++) {
        Interrupts[i].Device = Device;
        Interrupts[i].Message = i;
        KeInitializeDpc(&Interrupts[i].Dpc, DpcThunk, &Interrupts[i]);
    }
    for (i = 0; i < Device->InterruptCount; i++)
        if (Device->Translated[i]->u.Interrupt.Level > Highest)
            Highest = (KIRQL)Device->Translated[i]->u.Interrupt.Level;
}

static NTSTATUS Connect(PFRAMEWORK_INTERRUPT Self)
{
    BOOLEAN block = Self->Device->InterruptCount == 1;
    PCM_PARTIAL_RESOURCE_DESCRIPTOR descriptor =
        Self->Device->Translated[block ? 0 : Self->Message];
    IO_CONNECT_INTERRUPT_PARAMETERS parameters;

    RtlZeroMemory(&parameters, sizeof(parameters));
    parameters.Version = CONNECT_FULLY_SPECIFIED_GROUP;
    parameters.FullySpecified.PhysicalDeviceObject = Self->Device->Physical;
    parameters.FullySpecified.InterruptObject = &Self->Object;
    parameters.FullySpecified.ServiceRoutine = Thunk;
    parameters.FullySpecified.ServiceContext = Self;
    parameters.FullySpecified.SpinLock = &Lock;
    parameters.FullySpecified.SynchronizeIrql = Highest;
    parameters.FullySpecified.FloatingSave = FALSE;
    parameters.FullySpecified.ShareVector = descriptor->ShareDisposition == CmResourceShareShared;
    parameters.FullySpecified.InterruptMode =
        descriptor->Flags & CM_RESOURCE_INTERRUPT_LATCHED ? Latched : LevelSensitive;
    parameters.FullySpecified.Vector = descriptor->u.Interrupt.Vector + (block ? Self->Message : 0);
    parameters.FullySpecified.Irql = (KIRQL)descriptor->u.Interrupt.Level;
    parameters.FullySpecified.Group = descriptor->u.Interrupt.Group;
    parameters.FullySpecified.ProcessorEnableMask = descriptor->u.Interrupt.Affinity;
    return ConnectRoutine(&parameters);
}

static VOID Disconnect(PFRAMEWORK_INTERRUPT Self)
{
    IO_DISCONNECT_INTERRUPT_PARAMETERS parameters;

    RtlZeroMemory(&parameters, sizeof(parameters));
    parameters.Version = CONNECT_FULLY_SPECIFIED_GROUP;
    parameters.ConnectionContext.InterruptObject = Self->Object;
    DisconnectRoutine(&parameters);
    Self->Object = NULL;
}

static VOID Report(PFRAMEWORK_INTERRUPT Self, PLAG_REPORT_ACTIVE_STATE Routine)
{
    LAG_ACTIVE_STATE_PARAMETERS parameters;

    RtlZeroMemory(&parameters, sizeof(parameters));
    parameters.Version = CONNECT_FULLY_SPECIFIED_GROUP;
    parameters.ConnectionContext.InterruptObject = Self->Object;
    Routine(&parameters);
}

static VOID CheckServed(PFRAMEWORK_INTERRUPT Self, PCSTR Name)
{
    LONG claims = Self->Claims;

    TestRaise(Self->Device, Self->Message);
    Expect(TestSpinUntil(&Self->Claims, claims + 1, 5000), Name);
    ExpectEqual(Self->Irql, Highest,
                "CIE-SYNC-18, CIE-SYNC-9, CIE-FULL-11 at the highest level of the device's "
                "interrupts");
    ExpectEqual((ULONG64)Self->First, (ULONG64)Self->Object,
                "CIE-LIFE-6 the routine's first argument is the object stored");
}

/* The lock, held through one object, keeps out every routine of the device. */
static VOID CheckLock(PTEST_DEVICE Device)
{
    ULONG i, calls = 0, before;
    KIRQL irql;

    for (i = 0; i < Count; i++) {
        irql = KeAcquireInterruptSpinLock(Interrupts[0].Object);
        before = (ULONG)Interrupts[i].Calls; /* none is under way now */
        TestRaise(Device, i);
        TestSpinUntil(&Interrupts[i].Calls, (LONG)before + 1, LOCK_MS);
        calls += (ULONG)Interrupts[i].Calls - before;
        KeReleaseInterruptSpinLock(Interrupts[0].Object, irql);
        Expect(TestSpinUntil(&Interrupts[i].Calls, (LONG)before + 1, 5000),
               "CIE-SYNC-6 released, it lets the routine in");
    }
    ExpectEqual(calls, 0,
                "CIE-SYNC-6, CIE-SYNC-7, CIE-SYNC-18 one lock of the framework's holds off all");
}

static VOID CheckDevice(PTEST_DEVICE Device)
{
    ULONG i, connected = 0, nonzero = 0, dpcs = 0;

    Create(Device);
    for (i = 0; i < Count; i++) {
        nonzero += Device->Translated[0]->u.Interrupt.Vector != 0;
        connected += NT_SUCCESS(Connect(&Interrupts[i])) && Interrupts[i].Object != NULL;
    }
    ExpectEqual(nonzero, Count, "CIE-KMDF-3 no vector is 0");
    ExpectEqual(connected, Count,
                "TC-54, CIE-KMDF-1, CIE-KMDF-2, CIE-KMDF-4, CIE-KMDF-9, CIE-KMDF-11, CIE-FULL-35 "
                "each interrupt connects by Version 4 with what u.Interrupt says");
    if (connected != Count)
        return;
    if (TestCanRaise(Device)) {
        for (i = 0; i < Count; i++)
            CheckServed(&Interrupts[i], "CIE-KMDF-2 the thunk is called with the framework's own "
                                        "object, for the interrupt of that object");
        CheckLock(Device);
        for (i = 0; i < Count; i++) {
            Report(&Interrupts[i], ReportInactive);
            Report(&Interrupts[i], ReportActive);
            CheckServed(&Interrupts[i],
                        "CIE-KMDF-6, CIE-LIFE-13 reported inactive and active, it is served again");
        }
    }
    for (i = 0; i < Count; i++)
        Disconnect(&Interrupts[i]);
    KeFlushQueuedDpcs();
    for (i = 0; i < Count; i++)
        dpcs += TestCanRaise(Device) ? Interrupts[i].Dpcs > 0 : 1;
    ExpectEqual(dpcs, Count,
                "CIE-KMDF-5, CIE-KMDF-7 after disconnecting by Version 4 "
                "KeFlushQueuedDpcs finds every DPC run");
}

/* Every routine of the interrupt API that is one: IoRequestDpc and others are inline. */
static VOID CheckNames(VOID)
{
    static const PCWSTR names[] = {
        L"IoConnectInterrupt",         L"IoConnectInterruptEx",
        L"IoDisconnectInterrupt",      L"IoDisconnectInterruptEx",
        L"IoGetAffinityInterrupt",     L"IoReportInterruptActive",
        L"IoReportInterruptInactive",  L"KeAcquireInterruptSpinLock",
        L"KeFlushQueuedDpcs",          L"KeInitializeDpc",
        L"KeInitializeThreadedDpc",    L"KeInsertQueueDpc",
        L"KeReleaseInterruptSpinLock", L"KeRemoveQueueDpc",
        L"KeSetImportanceDpc",         L"KeSetTargetProcessorDpc",
        L"KeSetTargetProcessorDpcEx",  L"KeSynchronizeExecution",
        L"MmGetSystemRoutineAddress",
    };
    ULONG i, found = 0;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        found += TestRoutine(names[i]) != NULL;
    ExpectEqual(found, sizeof(names) / sizeof(names[0]),
                "IOX-6, CIE-KMDF-10 every routine of the interrupt API is found by name");
}

static VOID Run(VOID)
{
    PTEST_DEVICE device;

    CheckNames();
    ConnectRoutine = (PCONNECT)TestRoutine(L"IoConnectInterruptEx");
    DisconnectRoutine = (PDISCONNECT)TestRoutine(L"IoDisconnectInterruptEx");
    ReportActive = (PLAG_REPORT_ACTIVE_STATE)TestRoutine(L"IoReportInterruptActive");
    ReportInactive = (PLAG_REPORT_ACTIVE_STATE)TestRoutine(L"IoReportInterruptInactive");
    Expect(ConnectRoutine != NULL && DisconnectRoutine != NULL && ReportActive != NULL &&
               ReportInactive != NULL,
           "IOX-6, IOX-7, CIE-KMDF-10, CIE-GEN-2 the four routines are found by name");
    Expect(TestRoutine(L"KeInitializeInterrupt") == NULL &&
               TestRoutine(L"IoInitializeInterrupt") == NULL &&
               TestRoutine(L"KeConnectInterrupt") == NULL,
           "HAL-4 private routines are not exported");
    if (ConnectRoutine == NULL || DisconnectRoutine == NULL || ReportActive == NULL ||
        ReportInactive == NULL)
        return;
    for (device = TestDevices; device != NULL; device = device->Next)
        if (device->InterruptCount > 0) {
            CheckPolicy(device);
            CheckDevice(device);
        }
}

const TEST_GROUP TestGroup = {.Run = Run, .Filter = Filter};
