/*
 * io/startio.c - IoStartPacket and IoStartNextPacket: one IRP at a time through DriverStartIo.
 *
 * The device's KDEVICE_QUEUE holds the waiting IRPs; DeviceObject->CurrentIrp is the one in
 * StartIo. A cancelable IRP is queued and taken under the cancel spin lock, so that its cancel
 * routine sees one or the other; where IRPs cannot be canceled once they are taken, their cancel
 * routine goes under the same lock. With the deferred attribute StartIo is never entered while it
 * runs: what is to be started meanwhile waits in struct io_startio for it to return.
 */
#include <lib/export.h>

#include "io/alloc.h"
#include "io/device.h"
#include "io/irp.h"
#include "ke/lock.h"

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
static void startio_next(PDEVICE_OBJECT device, const struct io_startio_next *next)
{
    PKDEVICE_QUEUE_ENTRY entry;
    KIRQL irql = DISPATCH_LEVEL;
    PIRP irp = NULL;

    if (next->cancelable)
        IoAcquireCancelSpinLock(&irql);
    device->CurrentIrp = NULL;
    entry = next->by_key ? KeRemoveByKeyDeviceQueue(&device->DeviceQueue, next->key)
                         : KeRemoveDeviceQueue(&device->DeviceQueue);
    if (entry != NULL) {
        irp = irp_of(entry);
        device->CurrentIrp = irp;
        if (next->cancelable && (io_device_of(device)->startio.flags & STARTIO_NOT_CANCELABLE) != 0)
            IoSetCancelRoutine(irp, NULL);
    }
    if (next->cancelable)
        IoReleaseCancelSpinLock(irql);
    if (irp != NULL)
        startio_call(device, irp);
}

/*
 * Start `first`, the packet of an idle device, or without one the next of the queue. With the
 * deferred attribute whoever is inside does it when its StartIo returns. DISPATCH_LEVEL.
 */
static void startio_run(PDEVICE_OBJECT device, PIRP first, struct io_startio_next next)
{
    struct io_startio *startio = &io_device_of(device)->startio;

    if ((startio->flags & STARTIO_DEFERRED) == 0) {
        if (first != NULL)
            startio_call(device, first);
        else
            startio_next(device, &next);
        return;
    }
    ke_lock_acquire(&startio->lock);
    if (first != NULL) {
        startio->first = first;
    } else {
        startio->next = next;
        startio->asked++;
    }
    if (startio->inside) {
        ke_lock_release(&startio->lock);
        return;
    }
    startio->inside = true;
    while ((first = startio->first) != NULL || startio->asked != 0) {
        startio->first = NULL;
        startio->asked -= first == NULL;
        next = startio->next;
        ke_lock_release(&startio->lock);
        if (first != NULL)
            startio_call(device, first);
        else
            startio_next(device, &next);
        ke_lock_acquire(&startio->lock);
    }
    startio->inside = false;
    ke_lock_release(&startio->lock);
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
        io_irp_call_cancel(CancelFunction, DeviceObject, Irp);
    } else {
        if (CancelFunction != NULL) {
            if (!queued &&
                (io_device_of(DeviceObject)->startio.flags & STARTIO_NOT_CANCELABLE) != 0)
                IoSetCancelRoutine(Irp, NULL);
            IoReleaseCancelSpinLock(cancel_irql);
        }
        if (!queued)
            startio_run(DeviceObject, Irp, (struct io_startio_next){0});
    }
    KeLowerIrql(irql);
}
LDR_EXPORT(IoStartPacket);

VOID NTAPI IoStartNextPacket(PDEVICE_OBJECT DeviceObject, BOOLEAN Cancelable)
{
    startio_run(DeviceObject, NULL, (struct io_startio_next){.cancelable = Cancelable});
}
LDR_EXPORT(IoStartNextPacket);

VOID NTAPI IoStartNextPacketByKey(PDEVICE_OBJECT DeviceObject, BOOLEAN Cancelable, ULONG Key)
{
    KIRQL irql;

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    startio_run(DeviceObject, NULL,
                (struct io_startio_next){.cancelable = Cancelable, .by_key = true, .key = Key});
    KeLowerIrql(irql);
}
LDR_EXPORT(IoStartNextPacketByKey);

VOID NTAPI IoSetStartIoAttributes(PDEVICE_OBJECT DeviceObject, BOOLEAN DeferredStartIo,
                                  BOOLEAN NonCancelable)
{
    io_device_of(DeviceObject)->startio.flags =
        (DeferredStartIo ? STARTIO_DEFERRED : 0) | (NonCancelable ? STARTIO_NOT_CANCELABLE : 0);
}
LDR_EXPORT(IoSetStartIoAttributes);
