/*
 * controller.c - from a controller in an unknown state to one that reads, and back.
 *
 * The order is the specification's (7.6.1): disable, admin queue, enable, identify, number of I/O
 * queues, the queues. Admin commands go one at a time, in slot 0, at PASSIVE_LEVEL, each awaited by
 * the interrupt; so the interrupt is connected first. Reading is all this driver does: nothing here
 * writes to the medium.
 */
#include "nvme.h"

/* Wait until the controller says that it is (not) ready, polling once a millisecond. */
static NTSTATUS WaitReady(PDEVICE Device, BOOLEAN Ready)
{
    LARGE_INTEGER pause;
    ULONG waited;

    pause.QuadPart = -10000; /* 1 ms */
    for (waited = 0; waited <= Device->TimeoutMilliseconds; waited++) {
        ULONG status = RegisterRead(Device, NVME_STATUS);

        if (status == ~0u)
            return STATUS_NO_SUCH_DEVICE;
        if (Ready && (status & NVME_CSTS_FATAL))
            return STATUS_ADAPTER_HARDWARE_ERROR;
        if (((status & NVME_CSTS_READY) != 0) == Ready)
            return STATUS_SUCCESS;
        KeDelayExecutionThread(KernelMode, FALSE, &pause);
    }
    return STATUS_IO_TIMEOUT;
}

static VOID RegisterWrite64(PDEVICE Device, ULONG Register, ULONGLONG Value)
{
    RegisterWrite(Device, Register, (ULONG)Value);
    RegisterWrite(Device, Register + sizeof(ULONG), (ULONG)(Value >> 32));
}

static NTSTATUS AdminExecute(PDEVICE Device, NVME_COMMAND *Command, PULONG Result)
{
    PQUEUE queue = &Device->Queues[0];
    LARGE_INTEGER timeout;
    KIRQL irql;

    KeClearEvent(&queue->AdminDone);
    KeAcquireSpinLock(&queue->Lock, &irql);
    QueueSubmit(queue, 0, Command);
    KeReleaseSpinLock(&queue->Lock, irql);
    timeout.QuadPart = -(LONGLONG)Device->TimeoutMilliseconds * 10000;
    if (KeWaitForSingleObject(&queue->AdminDone, Executive, KernelMode, FALSE, &timeout) ==
        STATUS_TIMEOUT)
        return STATUS_IO_TIMEOUT;
    if (queue->Slots[0].Status != 0)
        return STATUS_IO_DEVICE_ERROR;
    if (Result != NULL)
        *Result = queue->Slots[0].Result;
    return STATUS_SUCCESS;
}

static NTSTATUS Identify(PDEVICE Device, ULONG What, ULONG Namespace, PHYSICAL_ADDRESS Page)
{
    NVME_COMMAND command;

    RtlZeroMemory(&command, sizeof(command));
    command.Opcode = NVME_ADMIN_IDENTIFY;
    command.Namespace = Namespace;
    command.Page1 = (ULONGLONG)Page.QuadPart;
    command.Dword10 = What;
    return AdminExecute(Device, &command, NULL);
}

/* A fixed field of characters, blanks at its end cut off. */
static VOID CopyText(PCHAR Target, const UCHAR *Source, ULONG Length)
{
    while (Length > 0 && (Source[Length - 1] == ' ' || Source[Length - 1] == 0))
        Length--;
    RtlCopyMemory(Target, Source, Length);
    Target[Length] = 0;
}

static VOID ReadControllerData(PDEVICE Device, const UCHAR *Data)
{
    ULONG pages = PAGES_MAX;

    CopyText(Device->Serial, Data + NVME_CONTROLLER_SERIAL, 20);
    CopyText(Device->Model, Data + NVME_CONTROLLER_MODEL, 40);
    if (Data[NVME_CONTROLLER_MDTS] != 0 && Data[NVME_CONTROLLER_MDTS] < 16 &&
        1u << Data[NVME_CONTROLLER_MDTS] < pages)
        pages = 1u << Data[NVME_CONTROLLER_MDTS];
    Device->TransferMax = pages * PAGE_SIZE;
}

static NTSTATUS ReadNamespaceData(PDEVICE Device, const UCHAR *Data)
{
    const UCHAR *format = Data + NVME_NAMESPACE_FORMATS + 4 * (Data[NVME_NAMESPACE_FORMAT] & 0xF);

    RtlCopyMemory(&Device->Blocks, Data + NVME_NAMESPACE_SIZE, sizeof(Device->Blocks));
    Device->BlockShift = format[2];
    if (Device->Blocks == 0 || Device->BlockShift < 9 || Device->BlockShift > 12)
        return STATUS_UNRECOGNIZED_MEDIA;
    if (Data[NVME_NAMESPACE_FORMAT] & NVME_FORMAT_EXTENDED)
        return STATUS_UNRECOGNIZED_MEDIA; /* blocks with checksums in between */
    return STATUS_SUCCESS;
}

static NTSTATUS IdentifyAll(PDEVICE Device)
{
    PHYSICAL_ADDRESS highest, address;
    NTSTATUS status;
    PUCHAR data;

    highest.QuadPart = -1;
    data = MmAllocateContiguousMemory(PAGE_SIZE, highest);
    if (data == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    address = MmGetPhysicalAddress(data);
    status = Identify(Device, NVME_IDENTIFY_CONTROLLER, 0, address);
    if (NT_SUCCESS(status)) {
        ReadControllerData(Device, data);
        Device->Namespace = 1;
        status = Identify(Device, NVME_IDENTIFY_NAMESPACE, Device->Namespace, address);
    }
    if (NT_SUCCESS(status))
        status = ReadNamespaceData(Device, data);
    MmFreeContiguousMemory(data);
    return status;
}

/* As many I/O queues as there are messages beside the admin queue's, processors, and the device
 * grants; one in any case, which then shares the admin queue's interrupt. */
static NTSTATUS NegotiateQueues(PDEVICE Device, PULONG Count)
{
    ULONG wanted = QUEUES_MAX - 1, processors = KeQueryActiveProcessorCount(NULL), granted;
    NVME_COMMAND command;
    NTSTATUS status;

    if (wanted > processors)
        wanted = processors;
    if (Device->MessageCount <= 1)
        wanted = 1;
    else if (wanted > Device->MessageCount - 1)
        wanted = Device->MessageCount - 1;
    RtlZeroMemory(&command, sizeof(command));
    command.Opcode = NVME_ADMIN_SET_FEATURES;
    command.Dword10 = NVME_FEATURE_QUEUES;
    command.Dword11 = (wanted - 1) << 16 | (wanted - 1);
    status = AdminExecute(Device, &command, &granted);
    if (!NT_SUCCESS(status))
        return status;
    if (wanted > (granted & 0xFFFF) + 1)
        wanted = (granted & 0xFFFF) + 1;
    if (wanted > (granted >> 16) + 1)
        wanted = (granted >> 16) + 1;
    *Count = wanted;
    return STATUS_SUCCESS;
}

/* The completion queue first: the submission queue names it. */
static NTSTATUS CreateIoQueue(PDEVICE Device, ULONG Id)
{
    ULONG message = Device->MessageCount > 1 ? Id : 0;
    PQUEUE queue = &Device->Queues[Id];
    NVME_COMMAND command;
    NTSTATUS status;

    status = QueueCreate(Device, Id, message);
    if (!NT_SUCCESS(status))
        return status;
    KeepOrder(); /* the service routine may look as soon as it is counted */
    Device->QueueCount = Id + 1;

    RtlZeroMemory(&command, sizeof(command));
    command.Opcode = NVME_ADMIN_CREATE_COMPLETION;
    command.Page1 = queue->MemoryAddress + PAGE_SIZE;
    command.Dword10 = (ENTRIES - 1) << 16 | Id;
    command.Dword11 = message << 16 | NVME_QUEUE_INTERRUPT | NVME_QUEUE_CONTIGUOUS;
    status = AdminExecute(Device, &command, NULL);
    if (!NT_SUCCESS(status))
        return status;
    RtlZeroMemory(&command, sizeof(command));
    command.Opcode = NVME_ADMIN_CREATE_SUBMISSION;
    command.Page1 = queue->MemoryAddress;
    command.Dword10 = (ENTRIES - 1) << 16 | Id;
    command.Dword11 = Id << 16 | NVME_QUEUE_CONTIGUOUS;
    return AdminExecute(Device, &command, NULL);
}

static NTSTATUS EnableWithAdminQueue(PDEVICE Device)
{
    PQUEUE admin = &Device->Queues[0];
    ULONG low = RegisterRead(Device, NVME_CAP_LOW), high = RegisterRead(Device, NVME_CAP_HIGH);
    NTSTATUS status;

    if (low == ~0u || (low & NVME_CAP_ENTRIES_MASK) + 1 < ENTRIES || NVME_CAP_PAGE_MIN(high) != 0)
        return STATUS_NOT_SUPPORTED;
    Device->Stride = 4u << NVME_CAP_STRIDE(high);
    Device->TimeoutMilliseconds = (NVME_CAP_TIMEOUT(low) + 1) * 500;
    if (NVME_DOORBELLS + 2 * QUEUES_MAX * Device->Stride > Device->Length)
        return STATUS_NOT_SUPPORTED;

    RegisterWrite(Device, NVME_CONFIGURATION, 0);
    status = WaitReady(Device, FALSE);
    if (NT_SUCCESS(status))
        status = QueueCreate(Device, 0, 0);
    if (!NT_SUCCESS(status))
        return status;
    KeepOrder();
    Device->QueueCount = 1;
    RegisterWrite(Device, NVME_ADMIN_SIZES, (ENTRIES - 1) << 16 | (ENTRIES - 1));
    RegisterWrite64(Device, NVME_ADMIN_SUBMISSION, admin->MemoryAddress);
    RegisterWrite64(Device, NVME_ADMIN_COMPLETION, admin->MemoryAddress + PAGE_SIZE);
    RegisterWrite(Device, NVME_CONFIGURATION,
                  NVME_CC_ENABLE | NVME_CC_SUBMISSION_64 | NVME_CC_COMPLETION_16);
    return WaitReady(Device, TRUE);
}

/*
 * A read goes into the queue whose message its processor takes, so that it completes where it was
 * asked for; processors that take none share the queues out between them.
 */
static VOID AssignProcessors(PDEVICE Device)
{
    PIO_INTERRUPT_MESSAGE_INFO table = Device->Connection.ConnectionContext.InterruptMessageTable;
    ULONG processor, i;

    for (processor = 0; processor < PROCESSORS; processor++) {
        Device->QueueOfProcessor[processor] = (UCHAR)(1 + processor % (Device->QueueCount - 1));
        for (i = 1; Device->MessageCount > 1 && i < Device->QueueCount; i++) {
            ULONG message = Device->Queues[i].Message;

            if (table->MessageInfo[message].TargetProcessorSet & (KAFFINITY)1 << processor)
                Device->QueueOfProcessor[processor] = (UCHAR)i;
        }
    }
}

NTSTATUS ControllerStart(PDEVICE Device)
{
    ULONG count = 0, i;
    NTSTATUS status;

    status = EnableWithAdminQueue(Device);
    if (NT_SUCCESS(status))
        status = IdentifyAll(Device);
    if (NT_SUCCESS(status))
        status = NegotiateQueues(Device, &count);
    for (i = 1; NT_SUCCESS(status) && i <= count; i++)
        status = CreateIoQueue(Device, i);
    if (!NT_SUCCESS(status))
        return status;
    AssignProcessors(Device);
    for (i = 1; i <= count; i++)
        QueueSetOpen(&Device->Queues[i], TRUE);
    return STATUS_SUCCESS;
}

/* Silence: a disabled controller neither interrupts nor touches memory. It may be gone already. */
VOID ControllerStop(PDEVICE Device)
{
    if (Device->Registers == NULL)
        return;
    RegisterWrite(Device, NVME_CONFIGURATION, 0);
    WaitReady(Device, FALSE);
}
