/*
 * edu-passive.c - a service routine at PASSIVE_LEVEL, which may wait.
 *
 * For devices whose registers can only be reached by a request to another driver (over I2C, say).
 * The system masks the line, runs the routine in a thread of high priority, and unmasks the line
 * when it returns; in place of the interrupt's spin lock there is an event. One asks for it by
 * Irql = SynchronizeIrql = PASSIVE_LEVEL and no spin lock: by CONNECT_FULLY_SPECIFIED on any line,
 * by CONNECT_LINE_BASED where the PnP manager assigned that level (dirql's option passive=B:D.F).
 * Messages have no such routines. What surrounds this is in ../edu/frame.h and ../edu/requests.h.
 * Windows' documentation: "Using Passive-Level Interrupt Service Routines".
 */
#define FUNCTION_NAME "edu-passive"
#include "../edu/frame.h"

/*
 * In a thread, the interrupt's event taken. It still has to tell whether the device is its own and
 * to silence it: the line is unmasked at the return. No DPC is needed to get down from DIRQL, so
 * what the other drivers' DPC does is done here.
 */
static BOOLEAN NTAPI PassiveRoutine(PKINTERRUPT Interrupt, PVOID Context)
{
    PDEVICE device = Context;
    PEDU_HARDWARE hardware = &device->Hardware;
    EDU_COUNTS *counts = &hardware->Statistics.Counts;
    ULONG raised = EduRead(hardware, EDU_INTERRUPT_STATUS);

    UNREFERENCED_PARAMETER(Interrupt);
    PAGED_CODE(); /* IRQL below DISPATCH_LEVEL: waits and pageable memory are allowed */
    InterlockedIncrement(&counts->ServiceCalls);
    if (raised == 0 || raised == ~0u)
        return FALSE;
    EduWrite(hardware, EDU_INTERRUPT_ACKNOWLEDGE, raised);
    InterlockedIncrement(&counts->DpcRuns);
    InterlockedIncrement(&counts->DpcSaw);
    InterlockedIncrement(&counts->Claimed);
    if (raised & (EDU_RAISED_FACTORIAL | EDU_RAISED_DMA))
        KeSetEvent(&hardware->Done, IO_NO_INCREMENT, FALSE);
    return TRUE;
}

static NTSTATUS Connect(PDEVICE Device, PCM_PARTIAL_RESOURCE_DESCRIPTOR Interrupt)
{
    BOOLEAN latched = (Interrupt->Flags & CM_RESOURCE_INTERRUPT_LATCHED) != 0;
    EDU_STATISTICS *statistics = &Device->Hardware.Statistics;
    IO_CONNECT_INTERRUPT_PARAMETERS parameters;
    PKINTERRUPT interrupt = NULL;
    NTSTATUS status;

    RtlZeroMemory(&parameters, sizeof(parameters)); /* and so SpinLock NULL, levels PASSIVE */
    parameters.Version = CONNECT_FULLY_SPECIFIED;
    parameters.FullySpecified.PhysicalDeviceObject = Device->Function.Physical;
    parameters.FullySpecified.InterruptObject = &interrupt;
    parameters.FullySpecified.ServiceRoutine = PassiveRoutine;
    parameters.FullySpecified.ServiceContext = Device;
    parameters.FullySpecified.Vector = Interrupt->u.Interrupt.Vector;
    parameters.FullySpecified.Irql = PASSIVE_LEVEL; /* whatever level was assigned */
    parameters.FullySpecified.SynchronizeIrql = PASSIVE_LEVEL;
    parameters.FullySpecified.ProcessorEnableMask = Interrupt->u.Interrupt.Affinity;
    parameters.FullySpecified.InterruptMode = latched ? Latched : LevelSensitive;
    parameters.FullySpecified.ShareVector = Interrupt->ShareDisposition == CmResourceShareShared;
    status = IoConnectInterruptEx(&parameters);
    if (!NT_SUCCESS(status))
        return status;

    Device->Function.Connection.Version = CONNECT_FULLY_SPECIFIED;
    Device->Function.Connection.ConnectionContext.InterruptObject = interrupt;
    statistics->Version = CONNECT_FULLY_SPECIFIED;
    statistics->Vector = Interrupt->u.Interrupt.Vector;
    statistics->Irql = PASSIVE_LEVEL;
    DbgPrint(FUNCTION_NAME
             "%u: connected at PASSIVE_LEVEL: line, vector 0x%02X, assigned level %u\n",
             Device->Function.Index, statistics->Vector, Interrupt->u.Interrupt.Level);
    return STATUS_SUCCESS;
}
