/*
 * read.c - IRP_MJ_READ as NVMe commands.
 *
 * A read takes a slot of the queue of the processor it came in on, or waits its turn in that
 * queue's list. It is cut into pieces of the device's greatest transfer; the DPC sends the next
 * piece from the same slot, and completes the IRP after the last. The data goes straight into the
 * caller's pages (direct I/O): a command names the first page, and the second or a list (4.3).
 */
#include "nvme.h"

/* The next piece of a slot's IRP. Queue->Lock held. */
static VOID SubmitPiece(PQUEUE Queue, ULONG Slot)
{
    PDEVICE device = Queue->Device;
    SLOT *slot = &Queue->Slots[Slot];
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(slot->Irp);
    PMDL mdl = slot->Irp->MdlAddress;
    PPFN_NUMBER frames = MmGetMdlPfnArray(mdl);
    ULONG start = MmGetMdlByteOffset(mdl) + slot->Done;
    ULONG first = start / PAGE_SIZE, offset = start % PAGE_SIZE;
    ULONGLONG block =
        ((ULONGLONG)stack->Parameters.Read.ByteOffset.QuadPart + slot->Done) >> device->BlockShift;
    ULONGLONG *list = SlotPages(Queue, Slot);
    NVME_COMMAND command;
    ULONG pages, i;

    /* One page less than the greatest transfer has room for any offset in the first page. */
    slot->Current = stack->Parameters.Read.Length - slot->Done;
    if (slot->Current > device->TransferMax - PAGE_SIZE)
        slot->Current = device->TransferMax - PAGE_SIZE;
    pages = (offset + slot->Current + PAGE_SIZE - 1) / PAGE_SIZE;

    RtlZeroMemory(&command, sizeof(command));
    command.Opcode = NVME_READ;
    command.Namespace = device->Namespace;
    command.Page1 = ((ULONGLONG)frames[first] << PAGE_SHIFT) + offset;
    for (i = 1; i < pages; i++)
        list[i - 1] = (ULONGLONG)frames[first + i] << PAGE_SHIFT;
    if (pages > 1)
        command.Page2 = pages == 2 ? list[0] : SlotPagesAddress(Queue, Slot);
    command.Dword10 = (ULONG)block;
    command.Dword11 = (ULONG)(block >> 32);
    command.Dword12 = (slot->Current >> device->BlockShift) - 1;
    QueueSubmit(Queue, Slot, &command);
}

/* Give an IRP a free slot and start it. Queue->Lock held; there is a free slot. */
static VOID SlotStart(PQUEUE Queue, PIRP Irp)
{
    ULONG slot = 0;

    while ((Queue->Free & 1u << slot) == 0)
        slot++;
    Queue->Free &= ~(1u << slot);
    Queue->Slots[slot].Irp = Irp;
    Queue->Slots[slot].Done = 0;
    SubmitPiece(Queue, slot);
}

static NTSTATUS CheckRange(PDEVICE Device, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    ULONGLONG offset = (ULONGLONG)stack->Parameters.Read.ByteOffset.QuadPart;
    ULONGLONG size = Device->Blocks << Device->BlockShift;
    ULONG length = stack->Parameters.Read.Length;
    ULONG mask = (1u << Device->BlockShift) - 1;

    if (((offset | length) & mask) != 0)
        return STATUS_INVALID_PARAMETER; /* whole blocks only */
    if (offset > size || length > size - offset)
        return STATUS_INVALID_PARAMETER;
    if (length != 0 && (MmGetMdlByteOffset(Irp->MdlAddress) & (sizeof(ULONG) - 1)) != 0)
        return STATUS_DATATYPE_MISALIGNMENT; /* the device takes addresses of whole dwords */
    return STATUS_SUCCESS;
}

/*
 * STATUS_PENDING: the IRP is marked, and completed and its remove lock released later. Any other
 * status is for the caller to complete it with. IRQL <= DISPATCH_LEVEL.
 */
NTSTATUS ReadStart(PDEVICE Device, PIRP Irp)
{
    ULONG processor = KeGetCurrentProcessorNumberEx(NULL) % PROCESSORS;
    NTSTATUS status;
    PQUEUE queue;
    KIRQL irql;

    if (Device->QueueOfProcessor[processor] == 0)
        return STATUS_DEVICE_NOT_READY; /* never started */
    status = CheckRange(Device, Irp);
    if (!NT_SUCCESS(status) || IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.Length == 0)
        return status;

    queue = &Device->Queues[Device->QueueOfProcessor[processor]];
    KeAcquireSpinLock(&queue->Lock, &irql);
    if (!queue->Open) {
        status = STATUS_DEVICE_NOT_READY;
    } else {
        status = STATUS_PENDING;
        IoMarkIrpPending(Irp);
        if (queue->Free != 0)
            SlotStart(queue, Irp);
        else
            InsertTailList(&queue->Waiting, &Irp->Tail.Overlay.ListEntry);
    }
    KeReleaseSpinLock(&queue->Lock, irql);
    return status;
}

static VOID ReadComplete(PDEVICE Device, PIRP Irp, NTSTATUS Status, ULONG Length)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Length;
    IoCompleteRequest(Irp, IO_DISK_INCREMENT);
    IoReleaseRemoveLock(&Device->Lock, Irp);
}

/* A command has completed: in the DPC, at DISPATCH_LEVEL. */
VOID ReadFinish(PQUEUE Queue, ULONG Slot)
{
    SLOT *slot = &Queue->Slots[Slot];
    PIRP irp = slot->Irp;
    ULONG length = IoGetCurrentIrpStackLocation(irp)->Parameters.Read.Length;
    ULONG done = slot->Done;
    NTSTATUS status = STATUS_IO_DEVICE_ERROR;

    KeAcquireSpinLockAtDpcLevel(&Queue->Lock);
    if (slot->Status == 0) {
        slot->Done = done = slot->Done + slot->Current;
        status = STATUS_SUCCESS;
        if (done < length) {
            SubmitPiece(Queue, Slot);
            KeReleaseSpinLockFromDpcLevel(&Queue->Lock);
            return;
        }
    }
    slot->Irp = NULL;
    Queue->Free |= 1u << Slot;
    if (!IsListEmpty(&Queue->Waiting)) {
        PLIST_ENTRY entry = RemoveHeadList(&Queue->Waiting);

        SlotStart(Queue, CONTAINING_RECORD(entry, IRP, Tail.Overlay.ListEntry));
    }
    KeReleaseSpinLockFromDpcLevel(&Queue->Lock);
    ReadComplete(Queue->Device, irp, status, done);
}

/* The device will answer no more: fail all that is under way or waits. After disconnecting. */
VOID ReadAbandon(PQUEUE Queue)
{
    ULONG slot;

    for (slot = 0; slot < SLOTS; slot++) {
        PIRP irp = Queue->Slots[slot].Irp;

        Queue->Slots[slot].Irp = NULL;
        if (irp != NULL)
            ReadComplete(Queue->Device, irp, STATUS_DEVICE_NOT_CONNECTED, 0);
    }
    while (!IsListEmpty(&Queue->Waiting)) {
        PLIST_ENTRY entry = RemoveHeadList(&Queue->Waiting);

        ReadComplete(Queue->Device, CONTAINING_RECORD(entry, IRP, Tail.Overlay.ListEntry),
                     STATUS_DEVICE_NOT_CONNECTED, 0);
    }
}
