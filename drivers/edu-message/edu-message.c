/*
 * edu-message.c - CONNECT_MESSAGE_BASED: messages where the device has them, else its line.
 *
 * One call serves both. The INF asks for messages (MSISupported); whether they were granted is
 * told by the Version that comes back: CONNECT_MESSAGE_BASED and a table of messages, or
 * CONNECT_LINE_BASED and one interrupt object, with the fallback routine connected. What surrounds
 * this is in ../edu/frame.h and ../edu/requests.h. Windows' documentation of this form: "Using the
 * CONNECT_MESSAGE_BASED Version of IoConnectInterruptEx".
 */
#define FUNCTION_NAME "edu-message"
#include "../edu/frame.h"

/*
 * At DIRQL, the message's lock held. A message is an edge: the device waits for no answer, and two
 * that follow each other closely may come as one call. The bits are acknowledged all the same,
 * since the device sends its next message only when a bit is raised anew.
 */
static BOOLEAN NTAPI MessageRoutine(PKINTERRUPT Interrupt, PVOID Context, ULONG MessageId)
{
    PDEVICE device = Context;
    PEDU_HARDWARE hardware = &device->Hardware;
    ULONG raised = EduRead(hardware, EDU_INTERRUPT_STATUS);

    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(MessageId); /* the device has one message only: 0 */
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

/* The fallback. On a line the same holds, and more strictly: see edu-line.c. */
static BOOLEAN NTAPI LineRoutine(PKINTERRUPT Interrupt, PVOID Context)
{
    return MessageRoutine(Interrupt, Context, 0);
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
    if (!NT_SUCCESS(status))
        return status;

    Device->Function.Connection.Version = parameters.Version;
    Device->Function.Connection.ConnectionContext.Generic = context;
    statistics->Version = parameters.Version;
    if (parameters.Version == CONNECT_MESSAGE_BASED) {
        PIO_INTERRUPT_MESSAGE_INFO table = context;

        statistics->MessageCount = table->MessageCount;
        statistics->Vector = table->MessageInfo[0].Vector;
        statistics->Irql = table->UnifiedIrql;
        DbgPrint(FUNCTION_NAME "%u: connected by CONNECT_MESSAGE_BASED: %u message, vector 0x%02X, "
                               "DIRQL %u, address 0x%llX, data 0x%X\n",
                 Device->Function.Index, statistics->MessageCount, statistics->Vector,
                 statistics->Irql, table->MessageInfo[0].MessageAddress.QuadPart,
                 table->MessageInfo[0].MessageData);
    } else {
        statistics->Vector = Interrupt->u.Interrupt.Vector;
        statistics->Irql = Interrupt->u.Interrupt.Level;
        DbgPrint(FUNCTION_NAME
                 "%u: connected by CONNECT_LINE_BASED (fallback): line, vector 0x%02X, "
                 "DIRQL %u\n",
                 Device->Function.Index, statistics->Vector, statistics->Irql);
    }
    return STATUS_SUCCESS;
}
