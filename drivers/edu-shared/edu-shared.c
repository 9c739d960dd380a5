/*
 * edu-shared.c - several devices on one line, and what routine and DPC share under its lock.
 *
 * A PCI line is shared whether or not a driver likes it. Routines are asked in the order in which
 * they were connected until one claims, again and again until the line is quiet: so each asks its
 * own device first, claims nothing else, and is prepared for calls before its device was ever
 * started. Bits that wait for the DPC are plain memory here, guarded by the interrupt's lock, which
 * the DPC takes by KeSynchronizeExecution; the other edu drivers make do with interlocked access.
 * What surrounds this is in ../edu/frame.h and ../edu/requests.h. Windows' documentation:
 * "Writing an ISR", "Synchronizing Access to Device Data".
 *
 * While the device sleeps its neighbours go on: then the connection is kept and reported inactive.
 * "Making an ISR Active or Inactive".
 */
#define FUNCTION_NAME "edu-shared"
#define FUNCTION_SLEEP FunctionSleep
#define FUNCTION_WAKE FunctionWake
#include "../edu/frame.h"

/* What the DPC is to know: guarded by the interrupt's lock, in the hardware's two fields for it. */
typedef struct _TAKEN {
    PEDU_HARDWARE Hardware;
    LONG Raised; /* bits since the last DPC */
    LONG Unseen; /* interrupts that is */
} TAKEN;

/*
 * At DIRQL, the interrupt's lock held. Reading the status of a device that is not ours to answer
 * for costs one access and changes nothing: that is what makes sharing bearable. FALSE hands the
 * interrupt to the next routine of the chain.
 */
static BOOLEAN NTAPI ServiceRoutine(PKINTERRUPT Interrupt, PVOID Context)
{
    PDEVICE device = Context;
    PEDU_HARDWARE hardware = &device->Hardware;
    ULONG raised = EduRead(hardware, EDU_INTERRUPT_STATUS);

    UNREFERENCED_PARAMETER(Interrupt);
    hardware->Statistics.Counts.ServiceCalls++;
    if (raised == 0 || raised == ~0u)
        return FALSE; /* a neighbour's, or our device has been pulled out */
    EduWrite(hardware, EDU_INTERRUPT_ACKNOWLEDGE, raised);
    hardware->Raised |= (LONG)raised;
    hardware->Unseen++;
    hardware->Statistics.Counts.Claimed++;
    KeInsertQueueDpc(&device->Dpc, NULL, NULL);
    return TRUE;
}

/* At the interrupt's level, its lock held: no service routine of this interrupt runs meanwhile. */
static BOOLEAN NTAPI TakeRaised(PVOID Context)
{
    TAKEN *taken = Context;

    taken->Raised = taken->Hardware->Raised;
    taken->Unseen = taken->Hardware->Unseen;
    taken->Hardware->Raised = 0;
    taken->Hardware->Unseen = 0;
    return taken->Unseen != 0;
}

/* At DISPATCH_LEVEL: nothing of the device is touched outside of TakeRaised. */
static VOID NTAPI SharedDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PDEVICE device = Context;
    PEDU_HARDWARE hardware = &device->Hardware;
    TAKEN taken = {hardware, 0, 0};

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    hardware->Statistics.Counts.DpcRuns++;
    if (!KeSynchronizeExecution(device->Function.Connection.ConnectionContext.InterruptObject,
                                TakeRaised, &taken))
        return; /* the DPC before this one saw it all */
    hardware->Statistics.Counts.DpcSaw += taken.Unseen;
    if (taken.Raised & (EDU_RAISED_FACTORIAL | EDU_RAISED_DMA))
        KeSetEvent(&hardware->Done, IO_NO_INCREMENT, FALSE);
}

static NTSTATUS Connect(PDEVICE Device, PCM_PARTIAL_RESOURCE_DESCRIPTOR Interrupt)
{
    EDU_STATISTICS *statistics = &Device->Hardware.Statistics;
    IO_CONNECT_INTERRUPT_PARAMETERS parameters;
    NTSTATUS status;

    if (Interrupt->ShareDisposition != CmResourceShareShared)
        DbgPrint(FUNCTION_NAME "%u: the line is this device's alone\n", Device->Function.Index);
    KeInitializeDpc(&Device->Dpc, SharedDpc, Device); /* in place of the frame's */

    /*
     * The routine may run, and its DPC too, before the call returns. The object is therefore
     * stored right where the DPC looks for it, which the system does before it calls anybody.
     */
    RtlZeroMemory(&parameters, sizeof(parameters));
    parameters.Version = CONNECT_LINE_BASED; /* sharing is taken from the resource itself */
    parameters.LineBased.PhysicalDeviceObject = Device->Function.Physical;
    parameters.LineBased.InterruptObject =
        &Device->Function.Connection.ConnectionContext.InterruptObject;
    parameters.LineBased.ServiceRoutine = ServiceRoutine;
    parameters.LineBased.ServiceContext = Device;
    status = IoConnectInterruptEx(&parameters);
    if (!NT_SUCCESS(status))
        return status;

    Device->Function.Connection.Version = CONNECT_LINE_BASED;
    statistics->Version = CONNECT_LINE_BASED;
    statistics->Vector = Interrupt->u.Interrupt.Vector;
    statistics->Irql = Interrupt->u.Interrupt.Level;
    DbgPrint(FUNCTION_NAME "%u: connected to a shared line: vector 0x%02X, DIRQL %u\n",
             Device->Function.Index, statistics->Vector, statistics->Irql);
    return STATUS_SUCCESS;
}

/* ---- D3 and back -------------------------------------------------------------------------- */

/* Since Windows 8, and asked what disconnecting is asked: Version and context. */
typedef VOID NTAPI REPORT_STATE(PIO_DISCONNECT_INTERRUPT_PARAMETERS Connection);

static VOID ReportState(PDEVICE Device, PCWSTR Routine)
{
    UNICODE_STRING name;
    REPORT_STATE *report;

    RtlInitUnicodeString(&name, Routine);
    report = (REPORT_STATE *)MmGetSystemRoutineAddress(&name);
    if (report != NULL) /* else the routine is called on, and reads all ones of a device in D3 */
        report(&Device->Function.Connection);
}

/* From the return of IoReportInterruptInactive on the routine is not called, nor is it running. */
VOID FunctionSleep(PDEVICE Device)
{
    PEDU_HARDWARE hardware = &Device->Hardware;

    KeWaitForSingleObject(&hardware->Busy, Executive, KernelMode, FALSE, NULL);
    EduSilence(hardware);
    ReportState(Device, L"IoReportInterruptInactive");
    KeFlushQueuedDpcs();
    hardware->Asleep = TRUE;
    KeReleaseMutex(&hardware->Busy, FALSE);
}

/* Nothing to allocate, nothing that may have gone to somebody else meanwhile: it cannot fail. */
NTSTATUS FunctionWake(PDEVICE Device)
{
    PEDU_HARDWARE hardware = &Device->Hardware;

    KeWaitForSingleObject(&hardware->Busy, Executive, KernelMode, FALSE, NULL);
    EduSilence(hardware);
    ReportState(Device, L"IoReportInterruptActive");
    hardware->Asleep = FALSE;
    KeReleaseMutex(&hardware->Busy, FALSE);
    return STATUS_SUCCESS;
}
