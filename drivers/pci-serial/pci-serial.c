/*
 * pci-serial.c - serial ports on a PCI card, sharing one line: the WDM driver around them.
 *
 * Two kinds of device object: a card, in the device's stack, without a name; and one for each of
 * its ports, which stands alone, has the name pci-serialN and takes the requests. So each dispatch
 * routine first looks at the kind.
 */
#include "serial.h"

#define LOCK_TAG 0x72655350 /* "PSer" */

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS PnpStart(PDEVICE_OBJECT DeviceObject, PCARD Card, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS status = STATUS_UNSUCCESSFUL;

    if (IoForwardIrpSynchronously(Card->Lower, Irp))
        status = Irp->IoStatus.Status;
    if (NT_SUCCESS(status)) {
        status = CardStart(DeviceObject, Card,
                           stack->Parameters.StartDevice.AllocatedResourcesTranslated);
        if (!NT_SUCCESS(status))
            DbgPrint("pci-serial: card not started, status 0x%08X\n", status);
    }
    return Complete(Irp, status);
}

static NTSTATUS PnpRemove(PDEVICE_OBJECT DeviceObject, PCARD Card, PIRP Irp)
{
    NTSTATUS status;

    IoReleaseRemoveLockAndWait(&Card->Lock, Irp);
    CardStop(Card);
    CardDeletePorts(Card);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoSkipCurrentIrpStackLocation(Irp);
    status = IoCallDriver(Card->Lower, Irp);
    IoDetachDevice(Card->Lower);
    IoDeleteDevice(DeviceObject);
    return status;
}

static NTSTATUS NTAPI DispatchPassDown(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PCARD card = DeviceObject->DeviceExtension;

    if (card->Kind != KindCard)
        return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST);
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(card->Lower, Irp);
}

static NTSTATUS NTAPI DispatchPnp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PCARD card = DeviceObject->DeviceExtension;
    UCHAR minor = IoGetCurrentIrpStackLocation(Irp)->MinorFunction;
    NTSTATUS status;

    if (card->Kind != KindCard)
        return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST);
    status = IoAcquireRemoveLock(&card->Lock, Irp);
    if (!NT_SUCCESS(status))
        return Complete(Irp, status);
    if (minor == IRP_MN_REMOVE_DEVICE)
        return PnpRemove(DeviceObject, card, Irp); /* releases the lock */
    if (minor == IRP_MN_START_DEVICE) {
        status = PnpStart(DeviceObject, card, Irp);
    } else {
        if (minor == IRP_MN_STOP_DEVICE || minor == IRP_MN_SURPRISE_REMOVAL)
            CardStop(card);
        if (minor == IRP_MN_QUERY_STOP_DEVICE || minor == IRP_MN_CANCEL_STOP_DEVICE ||
            minor == IRP_MN_STOP_DEVICE || minor == IRP_MN_SURPRISE_REMOVAL ||
            minor == IRP_MN_QUERY_REMOVE_DEVICE || minor == IRP_MN_CANCEL_REMOVE_DEVICE)
            Irp->IoStatus.Status = STATUS_SUCCESS;
        status = DispatchPassDown(DeviceObject, Irp);
    }
    IoReleaseRemoveLock(&card->Lock, Irp);
    return status;
}

static NTSTATUS PortControl(PPORT Port, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG in = stack->Parameters.DeviceIoControl.InputBufferLength;
    ULONG out = stack->Parameters.DeviceIoControl.OutputBufferLength;
    ULONG code = stack->Parameters.DeviceIoControl.IoControlCode;
    PVOID data = Irp->AssociatedIrp.SystemBuffer;
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;

    if (code == IOCTL_PCI_SERIAL_LOOPBACK) {
        status = out < in ? STATUS_BUFFER_TOO_SMALL : PortLoopback(Port, data, in);
        Irp->IoStatus.Information = NT_SUCCESS(status) ? in : 0;
    } else if (code == IOCTL_PCI_SERIAL_STATISTICS) {
        SERIAL_STATISTICS *statistics = data;

        if (out < sizeof(*statistics))
            return STATUS_BUFFER_TOO_SMALL;
        *statistics = Port->Statistics;
        statistics->ServiceCalls = Port->Card->ServiceCalls;
        statistics->Claimed = Port->Card->Claimed;
        Irp->IoStatus.Information = sizeof(*statistics);
        status = STATUS_SUCCESS;
    }
    return status;
}

/* Read, write and control of a port, in the caller's thread, one at a time. */
static NTSTATUS NTAPI DispatchRequest(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    PPORT port = DeviceObject->DeviceExtension;
    PVOID data = Irp->AssociatedIrp.SystemBuffer;
    NTSTATUS status;

    Irp->IoStatus.Information = 0;
    if (port->Kind != KindPort)
        return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST);
    status = IoAcquireRemoveLock(&port->Card->Lock, Irp);
    if (!NT_SUCCESS(status))
        return Complete(Irp, status);
    KeWaitForSingleObject(&port->Busy, Executive, KernelMode, FALSE, NULL);
    if (!port->Open)
        status = STATUS_DEVICE_NOT_READY;
    else if (stack->MajorFunction == IRP_MJ_READ)
        status = PortRead(port, data, stack->Parameters.Read.Length, &Irp->IoStatus.Information);
    else if (stack->MajorFunction == IRP_MJ_WRITE)
        status = PortWrite(port, data, stack->Parameters.Write.Length, &Irp->IoStatus.Information);
    else
        status = PortControl(port, Irp);
    KeReleaseMutex(&port->Busy, FALSE);
    Complete(Irp, status);
    IoReleaseRemoveLock(&port->Card->Lock, Irp);
    return status;
}

static NTSTATUS NTAPI DispatchOpenClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    Irp->IoStatus.Information = 0;
    return Complete(Irp, STATUS_SUCCESS);
}

static NTSTATUS NTAPI AddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT Physical)
{
    PDEVICE_OBJECT object;
    NTSTATUS status;
    PCARD card;

    status = IoCreateDevice(DriverObject, sizeof(CARD), NULL, FILE_DEVICE_BUS_EXTENDER,
                            FILE_DEVICE_SECURE_OPEN, FALSE, &object);
    if (!NT_SUCCESS(status))
        return status;
    card = object->DeviceExtension; /* zeroed by the system */
    card->Kind = KindCard;
    card->Physical = Physical;
    IoInitializeRemoveLock(&card->Lock, LOCK_TAG, 0, 0);
    card->Lower = IoAttachDeviceToDeviceStack(object, Physical);
    if (card->Lower == NULL) {
        IoDeleteDevice(object);
        return STATUS_NO_SUCH_DEVICE;
    }
    object->Flags |= card->Lower->Flags & (DO_POWER_PAGABLE | DO_POWER_INRUSH);
    object->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static VOID NTAPI Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject); /* every device has been removed by now */
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->DriverExtension->AddDevice = AddDevice;
    DriverObject->DriverUnload = Unload;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = DispatchOpenClose;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = DispatchOpenClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = DispatchOpenClose;
    DriverObject->MajorFunction[IRP_MJ_READ] = DispatchRequest;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = DispatchRequest;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = DispatchRequest;
    DriverObject->MajorFunction[IRP_MJ_PNP] = DispatchPnp;
    DriverObject->MajorFunction[IRP_MJ_POWER] = DispatchPassDown;
    DriverObject->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = DispatchPassDown;
    return STATUS_SUCCESS;
}
