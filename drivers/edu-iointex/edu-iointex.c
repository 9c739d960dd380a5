/*
 * edu-iointex.c - one driver for Windows 2000 to today: messages where the system knows them.
 *
 * IoConnectInterruptEx came with Windows Vista. Linked with the iointex library a driver calls it
 * on every system: an old one answers any form but CONNECT_FULLY_SPECIFIED with an error and that
 * very Version, and the driver says everything itself, for the line it is certain to have there.
 * What surrounds this is in ../edu/frame.h and ../edu/requests.h. Windows' documentation: "Using
 * IoConnectInterruptEx Prior to Windows Vista". Try it: dirql's option ntver=5.1.
 */
#include <ntddk.h>

#include <iointex.h>

#define FUNCTION_NAME "edu-iointex"
#include "../edu/frame.h"

/* At DIRQL, the interrupt's lock held; edu-line.c and edu-message.c say why each step is there. */
static BOOLEAN NTAPI LineRoutine(PKINTERRUPT Interrupt, PVOID Context)
{
    PDEVICE device = Context;

    UNREFERENCED_PARAMETER(Interrupt);
    if (!EduServe(&device->Hardware))
        return FALSE;
    KeInsertQueueDpc(&device->Dpc, NULL, NULL);
    return TRUE;
}

static BOOLEAN NTAPI MessageRoutine(PKINTERRUPT Interrupt, PVOID Context, ULONG MessageId)
{
    UNREFERENCED_PARAMETER(MessageId);
    return LineRoutine(Interrupt, Context);
}

/* Before Windows Vista: a line, never a message. Each value is the translated descriptor's. */
static VOID SayEverything(PIO_CONNECT_INTERRUPT_PARAMETERS Parameters, PDEVICE Device,
                          PCM_PARTIAL_RESOURCE_DESCRIPTOR Interrupt, PKINTERRUPT *Object)
{
    BOOLEAN latched = (Interrupt->Flags & CM_RESOURCE_INTERRUPT_LATCHED) != 0;

    RtlZeroMemory(Parameters, sizeof(*Parameters));
    Parameters->Version = CONNECT_FULLY_SPECIFIED;
    Parameters->FullySpecified.PhysicalDeviceObject = Device->Function.Physical;
    Parameters->FullySpecified.InterruptObject = Object;
    Parameters->FullySpecified.ServiceRoutine = LineRoutine;
    Parameters->FullySpecified.ServiceContext = Device;
    Parameters->FullySpecified.Vector = Interrupt->u.Interrupt.Vector;
    Parameters->FullySpecified.Irql = (KIRQL)Interrupt->u.Interrupt.Level;
    Parameters->FullySpecified.SynchronizeIrql = (KIRQL)Interrupt->u.Interrupt.Level;
    Parameters->FullySpecified.ProcessorEnableMask = Interrupt->u.Interrupt.Affinity;
    Parameters->FullySpecified.InterruptMode = latched ? Latched : LevelSensitive;
    Parameters->FullySpecified.ShareVector = Interrupt->ShareDisposition == CmResourceShareShared;
}

static NTSTATUS Connect(PDEVICE Device, PCM_PARTIAL_RESOURCE_DESCRIPTOR Interrupt)
{
    EDU_STATISTICS *statistics = &Device->Hardware.Statistics;
    IO_CONNECT_INTERRUPT_PARAMETERS parameters;
    PVOID context = NULL; /* a table or an interrupt object: Version says which */
    NTSTATUS status;

    RtlZeroMemory(&parameters, sizeof(parameters));
    parameters.Version = CONNECT_MESSAGE_BASED;
    parameters.MessageBased.PhysicalDeviceObject = Device->Function.Physical;
    parameters.MessageBased.ConnectionContext.Generic = &context;
    parameters.MessageBased.MessageServiceRoutine = MessageRoutine;
    parameters.MessageBased.ServiceContext = Device;
    parameters.MessageBased.FallBackServiceRoutine = LineRoutine;
    status = IoConnectInterruptEx(&parameters);
    if (!NT_SUCCESS(status) && parameters.Version == CONNECT_FULLY_SPECIFIED) {
        SayEverything(&parameters, Device, Interrupt, (PKINTERRUPT *)&context);
        status = IoConnectInterruptEx(&parameters);
    }
    if (!NT_SUCCESS(status))
        return status;

    Device->Function.Connection.Version = parameters.Version;
    Device->Function.Connection.ConnectionContext.Generic = context;
    statistics->Version = parameters.Version;
    statistics->Vector = Interrupt->u.Interrupt.Vector;
    statistics->Irql = Interrupt->u.Interrupt.Level;
    if (parameters.Version == CONNECT_MESSAGE_BASED) {
        PIO_INTERRUPT_MESSAGE_INFO table = context;

        statistics->MessageCount = table->MessageCount;
        statistics->Vector = table->MessageInfo[0].Vector;
        statistics->Irql = table->UnifiedIrql;
    }
    DbgPrint(FUNCTION_NAME "%u: connected by version %u: %s, vector 0x%02X, DIRQL %u\n",
             Device->Function.Index, parameters.Version,
             statistics->MessageCount != 0 ? "message" : "line", statistics->Vector,
             statistics->Irql);
    return STATUS_SUCCESS;
}
