/*
 * queue.c - a submission ring, a completion ring, and the interrupt between them.
 *
 * The service routine of a message looks at the queues of that message, takes what has completed
 * out of the ring and moves the ring's head at the device, which lowers a line and lets the next
 * message come. What completed it leaves in the slots, as a bit map for the DPC: each queue has a
 * DPC of its own, so queues proceed side by side on different processors.
 *
 * A new completion is known by its phase bit, which the device inverts each time round (4.6.1).
 */
#include "nvme.h"

static VOID DoorbellRing(PQUEUE Queue, BOOLEAN Completion, ULONG Value)
{
    PDEVICE device = Queue->Device;

    RegisterWrite(device, NVME_DOORBELLS + (2 * Queue->Id + (Completion ? 1 : 0)) * device->Stride,
                  Value);
}

/* Put a command into the ring; the slot is the caller's. Queue->Lock held. */
VOID QueueSubmit(PQUEUE Queue, ULONG Slot, NVME_COMMAND *Command)
{
    Command->Id = (USHORT)Slot;
    QueueSubmissions(Queue)[Queue->Tail] = *Command;
    Queue->Tail = (Queue->Tail + 1) % ENTRIES;
    KeepOrder(); /* the entry before the doorbell */
    DoorbellRing(Queue, FALSE, Queue->Tail);
}

/* At DIRQL with the lock of the queue's message. TRUE if there was anything. */
static BOOLEAN QueueService(PQUEUE Queue)
{
    volatile NVME_COMPLETION *entry = &QueueCompletions(Queue)[Queue->Head];
    LONG finished = 0;

    while ((entry->Status & NVME_COMPLETION_PHASE) == Queue->Phase) {
        ULONG slot = entry->Id;

        KeepOrder(); /* the phase before the rest of the entry */
        if (slot < SLOTS) {
            Queue->Slots[slot].Status = entry->Status >> 1;
            Queue->Slots[slot].Result = entry->Result;
            finished |= 1 << slot;
        }
        Queue->Head = (Queue->Head + 1) % ENTRIES;
        if (Queue->Head == 0)
            Queue->Phase ^= NVME_COMPLETION_PHASE;
        entry = &QueueCompletions(Queue)[Queue->Head];
    }
    if (finished == 0)
        return FALSE;
    DoorbellRing(Queue, TRUE, Queue->Head);
    InterlockedIncrement(&Queue->Interrupts);
    InterlockedOr(&Queue->Finished, finished);
    KeInsertQueueDpc(&Queue->Dpc, NULL, NULL);
    return TRUE;
}

static BOOLEAN NTAPI MessageRoutine(PKINTERRUPT Interrupt, PVOID Context, ULONG MessageId)
{
    PDEVICE device = Context;
    BOOLEAN claimed = FALSE;
    ULONG i;

    UNREFERENCED_PARAMETER(Interrupt);
    for (i = 0; i < device->QueueCount; i++) {
        if (device->Queues[i].Message == MessageId)
            claimed |= QueueService(&device->Queues[i]);
    }
    return claimed;
}

/* The fallback: one line, which other devices may share, for all queues; all have message 0. */
static BOOLEAN NTAPI LineRoutine(PKINTERRUPT Interrupt, PVOID Context)
{
    return MessageRoutine(Interrupt, Context, 0);
}

static VOID NTAPI DpcRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PQUEUE queue = Context;
    ULONG finished = (ULONG)InterlockedExchange(&queue->Finished, 0);
    ULONG slot;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    for (slot = 0; slot < SLOTS; slot++) {
        if ((finished & 1u << slot) == 0)
            continue;
        if (queue->Id == 0)
            KeSetEvent(&queue->AdminDone, IO_NO_INCREMENT, FALSE);
        else
            ReadFinish(queue, slot);
    }
}

/* Once for each queue the device may have: what must outlive a stop, such as the lock. */
VOID QueueInitialize(PDEVICE Device, ULONG Id)
{
    PQUEUE queue = &Device->Queues[Id];

    queue->Device = Device;
    queue->Id = Id;
    KeInitializeSpinLock(&queue->Lock);
    InitializeListHead(&queue->Waiting);
    KeInitializeEvent(&queue->AdminDone, SynchronizationEvent, FALSE);
    KeInitializeDpc(&queue->Dpc, DpcRoutine, queue);
}

/* Empty rings; the device hears of them from the caller. PASSIVE_LEVEL. */
NTSTATUS QueueCreate(PDEVICE Device, ULONG Id, ULONG Message)
{
    PQUEUE queue = &Device->Queues[Id];
    PHYSICAL_ADDRESS highest;

    highest.QuadPart = -1; /* anywhere: addresses in commands have 64 bits */
    queue->Memory = MmAllocateContiguousMemory(3 * PAGE_SIZE, highest);
    if (queue->Memory == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    RtlZeroMemory(queue->Memory, 3 * PAGE_SIZE);
    queue->MemoryAddress = (ULONGLONG)MmGetPhysicalAddress(queue->Memory).QuadPart;
    queue->Message = Message;
    queue->Tail = 0;
    queue->Head = 0;
    queue->Phase = NVME_COMPLETION_PHASE;
    queue->Free = (1u << SLOTS) - 1;
    queue->Finished = 0;
    queue->Interrupts = 0;
    return STATUS_SUCCESS;
}

VOID QueueSetOpen(PQUEUE Queue, BOOLEAN Open)
{
    KIRQL irql;

    KeAcquireSpinLock(&Queue->Lock, &irql);
    Queue->Open = Open;
    KeReleaseSpinLock(&Queue->Lock, irql);
}

VOID QueueDelete(PQUEUE Queue)
{
    if (Queue->Memory != NULL)
        MmFreeContiguousMemory(Queue->Memory);
    Queue->Memory = NULL;
}

/* Before there are queues: QueueCount is 0, so that a line shared with others finds none to ask. */
NTSTATUS QueuesConnect(PDEVICE Device)
{
    IO_CONNECT_INTERRUPT_PARAMETERS parameters;
    PVOID context = NULL;
    NTSTATUS status;

    RtlZeroMemory(&parameters, sizeof(parameters));
    parameters.Version = CONNECT_MESSAGE_BASED;
    parameters.MessageBased.PhysicalDeviceObject = Device->Physical;
    parameters.MessageBased.ConnectionContext.Generic = &context;
    parameters.MessageBased.MessageServiceRoutine = MessageRoutine;
    parameters.MessageBased.ServiceContext = Device;
    parameters.MessageBased.FallBackServiceRoutine = LineRoutine;
    status = IoConnectInterruptEx(&parameters);
    if (!NT_SUCCESS(status))
        return status;
    Device->Connection.Version = parameters.Version;
    Device->Connection.ConnectionContext.Generic = context;
    Device->MessageCount = 0;
    if (parameters.Version == CONNECT_MESSAGE_BASED)
        Device->MessageCount = ((PIO_INTERRUPT_MESSAGE_INFO)context)->MessageCount;
    return STATUS_SUCCESS;
}

VOID QueuesDisconnect(PDEVICE Device)
{
    if (Device->Connection.Version == 0)
        return;
    IoDisconnectInterruptEx(&Device->Connection);
    RtlZeroMemory(&Device->Connection, sizeof(Device->Connection));
    KeFlushQueuedDpcs();
}
