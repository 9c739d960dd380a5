/*
 * rings.c - frames in and out.
 *
 * Received frames stay in the ring until somebody reads them: a full ring makes the device drop.
 * Frames to send are copied into the buffer of their entry and go to the transmit queues in
 * turn; the write completes when the device reports the entry done. Both DPC and requests come
 * here, so everything is under the device's lock but the completion of IRPs.
 */
#include "e1000e.h"

static RECEIVE_DESCRIPTOR *ReceiveRing(PDEVICE Device)
{
    return (RECEIVE_DESCRIPTOR *)(Device->Function.Memory + RECEIVE_RING_OFFSET);
}

static TRANSMIT_DESCRIPTOR *TransmitRing(PDEVICE Device, ULONG Queue)
{
    return (TRANSMIT_DESCRIPTOR *)(Device->Function.Memory + TRANSMIT_RING_OFFSET(Queue));
}

static VOID RingStart(PDEVICE Device, ULONG Registers, ULONG Offset, ULONG Length, ULONG Tail)
{
    ULONGLONG address = (ULONGLONG)Device->Function.MemoryAddress.QuadPart + Offset;

    RegisterWrite(Device, Registers + RING_BASE, (ULONG)address);
    RegisterWrite(Device, Registers + RING_BASE + sizeof(ULONG), (ULONG)(address >> 32));
    RegisterWrite(Device, Registers + RING_LENGTH, Length);
    RegisterWrite(Device, Registers + RING_HEAD, 0);
    RegisterWrite(Device, Registers + RING_TAIL, Tail);
}

/* After a reset. The receiver owns all entries but one: head equal to tail would mean none. */
VOID RingsStart(PDEVICE Device)
{
    RECEIVE_DESCRIPTOR *receive = ReceiveRing(Device);
    ULONGLONG memory = (ULONGLONG)Device->Function.MemoryAddress.QuadPart;
    ULONG i;

    RtlZeroMemory(Device->Transmit, sizeof(Device->Transmit));
    Device->ReceiveNext = 0;
    for (i = 0; i < RECEIVE_ENTRIES; i++)
        receive[i].Address = memory + RECEIVE_BUFFER_OFFSET(i);
    for (i = 0; i < Device->TransmitQueues; i++) {
        ULONG registers = E1000E_TRANSMIT_RINGS + i * RING_STRIDE;

        RingStart(Device, registers, TRANSMIT_RING_OFFSET(i),
                  TRANSMIT_ENTRIES * sizeof(TRANSMIT_DESCRIPTOR), 0);
        if (Device->TransmitQueues == TRANSMIT_QUEUES)
            RegisterWrite(Device, registers + RING_CONTROL,
                          RegisterRead(Device, registers + RING_CONTROL) | RING_CONTROL_TRANSMIT);
    }
    RegisterWrite(Device, E1000E_TRANSMIT_GAP, E1000E_TRANSMIT_GAP_COPPER);
    RegisterWrite(Device, E1000E_TRANSMIT,
                  E1000E_TRANSMIT_ENABLE | E1000E_TRANSMIT_PAD | E1000E_TRANSMIT_COLLISIONS);
    RingStart(Device, E1000E_RECEIVE_RING, RECEIVE_RING_OFFSET,
              RECEIVE_ENTRIES * sizeof(RECEIVE_DESCRIPTOR), 0);
    RegisterWrite(Device, E1000E_RECEIVE,
                  E1000E_RECEIVE_ENABLE | E1000E_RECEIVE_BROADCAST | E1000E_RECEIVE_NO_CRC);
    RegisterWrite(Device, E1000E_RECEIVE_RING + RING_TAIL, RECEIVE_ENTRIES - 1);
}

/* ---- Receiving ---------------------------------------------------------------------------- */

/* Hand the next entry back to the device: it becomes the last one it may use. Lock held. */
static VOID ReceiveReturn(PDEVICE Device)
{
    ULONG entry = Device->ReceiveNext;

    ReceiveRing(Device)[entry].Status = 0;
    Device->ReceiveNext = (entry + 1) % RECEIVE_ENTRIES;
    KeepOrder(); /* the entry before the tail */
    RegisterWrite(Device, E1000E_RECEIVE_RING + RING_TAIL, entry);
}

/* Drop what is no whole frame. TRUE: the next entry holds one. Lock held. */
static BOOLEAN ReceiveReady(PDEVICE Device, RECEIVE_DESCRIPTOR **Entry)
{
    while (TRUE) {
        *Entry = &ReceiveRing(Device)[Device->ReceiveNext];
        if (!((*Entry)->Status & DESCRIPTOR_DONE))
            return FALSE;
        KeepOrder(); /* the status before the rest */
        if (((*Entry)->Status & RECEIVE_LAST) && (*Entry)->Errors == 0 &&
            (*Entry)->Length <= BUFFER_SIZE)
            return TRUE;
        ReceiveReturn(Device);
    }
}

/* Copy the next frame to a reader. Lock held. */
static NTSTATUS ReceiveCopy(PDEVICE Device, RECEIVE_DESCRIPTOR *Entry, PIRP Irp, PULONG Length)
{
    ULONG room = IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.Length;
    NTSTATUS status = Entry->Length <= room ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;

    *Length = Entry->Length <= room ? Entry->Length : room;
    RtlCopyMemory(Irp->AssociatedIrp.SystemBuffer,
                  Device->Function.Memory + RECEIVE_BUFFER_OFFSET(Device->ReceiveNext), *Length);
    Device->Information.Received++;
    ReceiveReturn(Device);
    return status;
}

/* Bring frames and readers together; turn readers away if the device is stopped. */
VOID ReceivePump(PDEVICE Device)
{
    RECEIVE_DESCRIPTOR *entry;
    NTSTATUS status;
    ULONG length;
    KIRQL irql;
    PIRP irp;

    do {
        irp = NULL;
        length = 0;
        status = STATUS_DEVICE_NOT_READY;
        KeAcquireSpinLock(&Device->Lock, &irql);
        if (!Device->Open) {
            irp = QueueRemove(&Device->Readers);
        } else if (ReceiveReady(Device, &entry)) {
            irp = QueueRemove(&Device->Readers);
            if (irp != NULL)
                status = ReceiveCopy(Device, entry, irp, &length);
        }
        KeReleaseSpinLock(&Device->Lock, irql);
        if (irp != NULL)
            FunctionFinish(&Device->Function, irp, status, length);
    } while (irp != NULL);
}

/* ---- Sending ------------------------------------------------------------------------------ */

/* STATUS_PENDING, or STATUS_DEVICE_BUSY: the ring is full. IRQL <= DISPATCH_LEVEL. */
NTSTATUS TransmitFrame(PDEVICE Device, PIRP Irp, ULONG Length)
{
    NTSTATUS status = STATUS_DEVICE_NOT_READY;
    KIRQL irql;

    KeAcquireSpinLock(&Device->Lock, &irql);
    if (Device->Open) {
        ULONG number = Device->Frames % Device->TransmitQueues;
        TRANSMIT_QUEUE *queue = &Device->Transmit[number];
        TRANSMIT_DESCRIPTOR *entry = &TransmitRing(Device, number)[queue->Next];
        ULONG offset = TRANSMIT_BUFFER_OFFSET(number, queue->Next);
        ULONG following = (queue->Next + 1) % TRANSMIT_ENTRIES;

        status = STATUS_DEVICE_BUSY;
        if (following != queue->Oldest) { /* a ring with head equal to tail is an empty one */
            status = STATUS_PENDING;
            IoMarkIrpPending(Irp);
            Device->Frames++;
            queue->Irps[queue->Next] = Irp;
            RtlCopyMemory(Device->Function.Memory + offset, Irp->AssociatedIrp.SystemBuffer,
                          Length);
            RtlZeroMemory(entry, sizeof(*entry));
            entry->Address = (ULONGLONG)Device->Function.MemoryAddress.QuadPart + offset;
            entry->Length = (USHORT)Length;
            entry->Command = TRANSMIT_COMMAND;
            queue->Next = following;
            KeepOrder(); /* the entry before the tail */
            RegisterWrite(Device, E1000E_TRANSMIT_RINGS + number * RING_STRIDE + RING_TAIL,
                          following);
        }
    }
    KeReleaseSpinLock(&Device->Lock, irql);
    return status;
}

/* The oldest frame of a queue if it is done, or in any case; NULL: none. */
static PIRP TransmitTake(PDEVICE Device, ULONG Number, BOOLEAN Any)
{
    TRANSMIT_QUEUE *queue = &Device->Transmit[Number];
    PIRP irp = NULL;
    KIRQL irql;

    KeAcquireSpinLock(&Device->Lock, &irql);
    if (queue->Oldest != queue->Next &&
        (Any || (TransmitRing(Device, Number)[queue->Oldest].Status & DESCRIPTOR_DONE))) {
        irp = queue->Irps[queue->Oldest];
        queue->Oldest = (queue->Oldest + 1) % TRANSMIT_ENTRIES;
        Device->Information.Sent += !Any;
    }
    KeReleaseSpinLock(&Device->Lock, irql);
    return irp;
}

VOID TransmitCollect(PDEVICE Device)
{
    ULONG number;
    PIRP irp;

    for (number = 0; number < TRANSMIT_QUEUES; number++)
        while ((irp = TransmitTake(Device, number, FALSE)) != NULL)
            FunctionFinish(&Device->Function, irp, STATUS_SUCCESS,
                           IoGetCurrentIrpStackLocation(irp)->Parameters.Write.Length);
}

/* The device is stopped and closed: what it still owes fails. */
VOID TransmitAbandon(PDEVICE Device)
{
    ULONG number;
    PIRP irp;

    for (number = 0; number < TRANSMIT_QUEUES; number++)
        while ((irp = TransmitTake(Device, number, TRUE)) != NULL)
            FunctionFinish(&Device->Function, irp, STATUS_DEVICE_NOT_CONNECTED, 0);
}
