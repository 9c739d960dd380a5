/*
 * edu-line.c - CONNECT_LINE_BASED: the system finds the device's line, the driver names a routine.
 *
 * The shortest way to an interrupt, and the one for each device that has a pin. What surrounds it,
 * from AddDevice to removal, is in ../edu/frame.h, and the dispatch routines in
 * ../function/dispatch.h; what the device then does, in ../edu/requests.h. Windows' documentation
 * of this form: "Using the CONNECT_LINE_BASED Version of IoConnectInterruptEx".
 */
#define FUNCTION_NAME "edu-line"
#include "../edu/frame.h"

/*
 * At DIRQL, the interrupt's lock held. The line may be shared: first find out whether the device
 * is ours at all. An answer of all ones means that it has been pulled out. Then silence it, or the
 * line would interrupt for ever. The rest is the DPC's.
 */
static BOOLEAN NTAPI ServiceRoutine(PKINTERRUPT Interrupt, PVOID Context)
{
    PDEVICE device = Context;
    PEDU_HARDWARE hardware = &device->Hardware;
    ULONG raised = EduRead(hardware, EDU_INTERRUPT_STATUS);

    UNREFERENCED_PARAMETER(Interrupt);
    InterlockedIncrement(&hardware->Statistics.Counts.ServiceCalls);
    if (raised == 0 || raised == ~0u)
        return FALSE;
    EduWrite(hardware, EDU_INTERRUPT_ACKNOWLEDGE, raised);
    InterlockedOr(&hardware->Raised, (LONG)raised);
    InterlockedIncrement(&hardware->Unseen);
    InterlockedIncrement(&hardware->Statistics.Counts.Claimed);
    KeInsertQueueDpc(&device->Dpc, NULL, NULL); /* already queued: it will see this one too */
    return TRUE;
}

static NTSTATUS Connect(PDEVICE Device, PCM_PARTIAL_RESOURCE_DESCRIPTOR Interrupt)
{
    EDU_STATISTICS *statistics = &Device->Hardware.Statistics;
    IO_CONNECT_INTERRUPT_PARAMETERS parameters;
    PKINTERRUPT interrupt = NULL;
    NTSTATUS status;

    RtlZeroMemory(&parameters, sizeof(parameters));
    parameters.Version = CONNECT_LINE_BASED;
    parameters.LineBased.PhysicalDeviceObject = Device->Function.Physical;
    parameters.LineBased.InterruptObject = &interrupt;
    parameters.LineBased.ServiceRoutine = ServiceRoutine;
    parameters.LineBased.ServiceContext = Device;
    /* SpinLock NULL, SynchronizeIrql 0: the system's own lock, at the line's own DIRQL. */
    status = IoConnectInterruptEx(&parameters);
    if (!NT_SUCCESS(status))
        return status;

    Device->Function.Connection.Version = CONNECT_LINE_BASED;
    Device->Function.Connection.ConnectionContext.InterruptObject = interrupt;
    statistics->Version = CONNECT_LINE_BASED;
    statistics->Vector = Interrupt->u.Interrupt.Vector;
    statistics->Irql = Interrupt->u.Interrupt.Level;
    DbgPrint(FUNCTION_NAME "%u: connected by CONNECT_LINE_BASED: line, vector 0x%02X, DIRQL %u\n",
             Device->Function.Index, statistics->Vector, statistics->Irql);
    return STATUS_SUCCESS;
}
