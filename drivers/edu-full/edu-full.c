/*
 * edu-full.c - CONNECT_FULLY_SPECIFIED: the driver says all about the vector itself.
 *
 * Each value comes from the translated interrupt descriptor of IRP_MN_START_DEVICE, be it a line
 * or a message; one call connects one vector, and even a message gets a plain service routine. It
 * is the form frameworks use, and the only one for a driver that treats its vectors differently.
 * What surrounds this is in ../edu/frame.h and ../edu/requests.h. Windows' documentation of this
 * form: "Using the CONNECT_FULLY_SPECIFIED Version of IoConnectInterruptEx".
 */
#define FUNCTION_NAME "edu-full"
#include "../edu/frame.h"

/* At DIRQL, the interrupt's lock held; edu-line.c and edu-message.c say why each step is there. */
static BOOLEAN NTAPI ServiceRoutine(PKINTERRUPT Interrupt, PVOID Context)
{
    PDEVICE device = Context;

    UNREFERENCED_PARAMETER(Interrupt);
    if (!EduServe(&device->Hardware))
        return FALSE;
    KeInsertQueueDpc(&device->Dpc, NULL, NULL); /* already queued: it will see this one too */
    return TRUE;
}

static NTSTATUS Connect(PDEVICE Device, PCM_PARTIAL_RESOURCE_DESCRIPTOR Interrupt)
{
    BOOLEAN message = (Interrupt->Flags & CM_RESOURCE_INTERRUPT_MESSAGE) != 0;
    BOOLEAN latched = (Interrupt->Flags & CM_RESOURCE_INTERRUPT_LATCHED) != 0;
    EDU_STATISTICS *statistics = &Device->Hardware.Statistics;
    IO_CONNECT_INTERRUPT_PARAMETERS parameters;
    PKINTERRUPT interrupt = NULL;
    NTSTATUS status;

    RtlZeroMemory(&parameters, sizeof(parameters));
    parameters.Version = CONNECT_FULLY_SPECIFIED;
    parameters.FullySpecified.PhysicalDeviceObject = Device->Function.Physical;
    parameters.FullySpecified.InterruptObject = &interrupt;
    parameters.FullySpecified.ServiceRoutine = ServiceRoutine;
    parameters.FullySpecified.ServiceContext = Device;
    parameters.FullySpecified.ShareVector = Interrupt->ShareDisposition == CmResourceShareShared;
    parameters.FullySpecified.InterruptMode = latched ? Latched : LevelSensitive;
    if (message) {
        parameters.FullySpecified.Vector = Interrupt->u.MessageInterrupt.Translated.Vector;
        parameters.FullySpecified.Irql = (KIRQL)Interrupt->u.MessageInterrupt.Translated.Level;
        parameters.FullySpecified.ProcessorEnableMask =
            Interrupt->u.MessageInterrupt.Translated.Affinity;
    } else {
        parameters.FullySpecified.Vector = Interrupt->u.Interrupt.Vector;
        parameters.FullySpecified.Irql = (KIRQL)Interrupt->u.Interrupt.Level;
        parameters.FullySpecified.ProcessorEnableMask = Interrupt->u.Interrupt.Affinity;
    }
    /* The routine serves one vector, so it runs at that vector's own level. */
    parameters.FullySpecified.SynchronizeIrql = parameters.FullySpecified.Irql;
    status = IoConnectInterruptEx(&parameters);
    if (!NT_SUCCESS(status))
        return status;

    Device->Function.Connection.Version = CONNECT_FULLY_SPECIFIED;
    Device->Function.Connection.ConnectionContext.InterruptObject = interrupt;
    statistics->Version = CONNECT_FULLY_SPECIFIED;
    statistics->MessageCount = message ? 1 : 0;
    statistics->Vector = parameters.FullySpecified.Vector;
    statistics->Irql = parameters.FullySpecified.Irql;
    DbgPrint(FUNCTION_NAME "%u: connected by CONNECT_FULLY_SPECIFIED: %s, vector 0x%02X, DIRQL %u, "
                           "%s, processors 0x%llX\n",
             Device->Function.Index, message ? "message" : "line", statistics->Vector,
             statistics->Irql, latched ? "latched" : "level",
             (ULONGLONG)parameters.FullySpecified.ProcessorEnableMask);
    return STATUS_SUCCESS;
}
