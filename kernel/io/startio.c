/*
 * io/startio.c - IoStartPacket and IoStartNextPacket: one IRP at a time through DriverStartIo.
 *
 * The device's KDEVICE_QUEUE holds the waiting IRPs; DeviceObject->CurrentIrp is the one in
 * StartIo. A cancelable IRP is queued and taken under the cancel spin lock, so that its cancel
 * routine sees one or the other. With the deferred attribute StartIo does not recurse: a packet
 * started inside StartIo waits until it has returned.
 */
#include <lib/export.h>

#include "io/alloc.h"
#include "io/device.h"

enum { STARTIO_DEFERRED = 1, STARTIO_NOT_CANCELABLE = 2 };

static PIRP irp_of(PKDEVICE_QUEUE_ENTRY entry)
{
    return CONTAINING_RECORD(entry, IRP, Tail.Overlay.DeviceQueueEntry);
}

/* DISPATCH_LEVEL. */
static void startio_call(PDEVICE_OBJECT device, PIRP irp)
{
    device->DriverObject->DriverStartIo(device, irp);
}

/* Take the next packet, by key if there is one, and start it. DISPATCH_LEVEL. */
static void startio_next(PDEVICE_OBJECT device, bool cancelable, const ULONG *key)
{
    bool cancel_lock =
        cancelable && (io_device_of(device)->startio_flags & STARTIO_NOT_CANCELABLE) == 0;
    PKDEVICE_QUEUE_ENTRY entry;
    KIRQL irql = DISPATCH_LEVEL;
    PIRP irp = NULL;

    if (cancel_lock)
        IoAcquireCancelSpinLock(&irql);
    device->CurrentIrp = NULL;
    entry = key == NULL ? KeRemoveDeviceQueue(&device->DeviceQueue)
                        : KeRemoveByKeyDeviceQueue(&device->DeviceQueue, *key);
    if (entry != NULL) {
        irp = irp_of(entry);
        device->CurrentIrp = irp;
        if (cancelable && !cancel_lock)
            IoSetCancelRoutine(irp, NULL);
    }
    if (cancel_lock)
        IoReleaseCancelSpinLock(irql);
    if (irp != NULL)
        startio_call(device, irp);
}

/* With the deferred attribute: run startio_next until no StartIo asked for another. */
static void startio_next_deferred(PDEVICE_OBJECT device, bool cancelable, const ULONG *key)
{
    struct io_device *io = io_device_of(device);

    if (InterlockedIncrement(&io->startio_pending) > 1)
        return;
    do {
        startio_next(device, cancelable, key);
    } while (InterlockedDecrement(&io->startio_pending) > 0);
}

static void startio_next_any(PDEVICE_OBJECT device, bool cancelable, const ULONG *key)
{
    if ((io_device_of(device)->startio_flags & STARTIO_DEFERRED) != 0)
        startio_next_deferred(device, cancelable, key);
    else
        startio_next(device, cancelable, key);
}

/* WDK surface */

VOID NTAPI IoStartPacket(PDEVICE_OBJECT DeviceObject, PIRP Irp, PULONG Key,
                         PDRIVER_CANCEL CancelFunction)
{
    PKDEVICE_QUEUE_ENTRY entry = &Irp->Tail.Overlay.DeviceQueueEntry;
    KIRQL cancel_irql = DISPATCH_LEVEL;
    KIRQL irql;
    bool queued;
    bool cancelled = false;

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    if (CancelFunction != NULL) {
        IoAcquireCancelSpinLock(&cancel_irql);
        IoSetCancelRoutine(Irp, CancelFunction);
    }
    queued = Key == NULL ? KeInsertDeviceQueue(&DeviceObject->DeviceQueue, entry)
                         : KeInsertByKeyDeviceQueue(&DeviceObject->DeviceQueue, entry, *Key);
    if (!queued)
        DeviceObject->CurrentIrp = Irp;
    else if (CancelFunction != NULL && Irp->Cancel)
        cancelled = IoSetCancelRoutine(Irp, NULL) != NULL;
    if (cancelled) {
        Irp->CancelIrql = cancel_irql;
        CancelFunction(DeviceObject, Irp); /* releases the lock */
    } else {
        if (CancelFunction != NULL) {
            if (!queued &&
                (io_device_of(DeviceObject)->startio_flags & STARTIO_NOT_CANCELABLE) != 0)
                IoSetCancelRoutine(Irp, NULL);
            IoReleaseCancelSpinLock(cancel_irql);
        }
        if (!queued)
            startio_call(DeviceObject, Irp);
    }
    KeLowerIrql(irql);
}
LDR_EXPORT(IoStartPacket);

VOID NTAPI IoStartNextPacket(PDEVICE_OBJECT DeviceObject, BOOLEAN Cancelable)
{
    startio_next_any(DeviceObject, Cancelable, NULL);
}
LDR_EXPORT(IoStartNextPacket);

VOID NTAPI IoStartNextPacketByKey(PDEVICE_OBJECT DeviceObject, BOOLEAN Cancelable, ULONG Key)
{
    KIRQL irql;

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    startio_next_any(DeviceObject, Cancelable, &Key);
    KeLowerIrql(irql);
}
LDR_EXPORT(IoStartNextPacketByKey);

VOID NTAPI IoSetStartIoAttributes(PDEVICE_OBJECT DeviceObject, BOOLEAN DeferredStartIo,
                                  BOOLEAN NonCancelable)
{
    io_device_of(DeviceObject)->startio_flags =
        (DeferredStartIo ? STARTIO_DEFERRED : 0) | (NonCancelable ? STARTIO_NOT_CANCELABLE : 0);
}
LDR_EXPORT(IoSetStartIoAttributes);
