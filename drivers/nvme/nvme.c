/*
 * nvme.c - an NVM Express disk, read only: the WDM driver around it.
 *
 * Shows what the edu examples cannot: several messages, one for each queue, spread over the
 * processors (see the INF); a request that stays pending until the DPC completes it; direct I/O.
 * Where the system grants fewer messages, or only a line, it makes do with fewer queues.
 *
 * Requests: IRP_MJ_READ of whole blocks at a byte offset; IOCTL_NVME_INFORMATION; writes are
 * refused. Each read under way holds the remove lock; a stop closes the queues to new ones and
 * abandons those the device still owes.
 */
#include "nvme.h"

#define DEVICE_NAME L"\\Device\\nvme0"
#define LINK_NAME L"\\DosDevices\\nvme0"
#define NAME_DIGIT(Name) ((Name)[sizeof(Name) / sizeof((Name)[0]) - 2])
#define DEVICES_MAX 10      /* the last character of the names is a digit */
#define LOCK_TAG 0x656D764E /* "Nvme" */

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* Also undoes half a start, and is harmless when repeated. */
static VOID StopDevice(PDEVICE Device)
{
    ULONG i;

    for (i = 1; i < QUEUES_MAX; i++)
        QueueSetOpen(&Device->Queues[i], FALSE);
    ControllerStop(Device);
    QueuesDisconnect(Device);
    for (i = 0; i < Device->QueueCount; i++) {
        if (i > 0)
            ReadAbandon(&Device->Queues[i]);
        QueueDelete(&Device->Queues[i]);
    }
    Device->QueueCount = 0;
    if (Device->Registers != NULL)
        MmUnmapIoSpace(Device->Registers, Device->Length);
    Device->Registers = NULL;
}

static NTSTATUS StartDevice(PDEVICE Device, PCM_RESOURCE_LIST Translated)
{
    PCM_PARTIAL_RESOURCE_DESCRIPTOR memory = NULL;
    PCM_PARTIAL_RESOURCE_LIST list;
    NTSTATUS status;
    ULONG i;

    if (Translated == NULL || Translated->Count == 0)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    list = &Translated->List[0].PartialResourceList;
    for (i = 0; i < list->Count && memory == NULL; i++) {
        if (list->PartialDescriptors[i].Type == CmResourceTypeMemory)
            memory = &list->PartialDescriptors[i];
    }
    if (memory == NULL)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    Device->Length = memory->u.Memory.Length;
    Device->Registers = MmMapIoSpace(memory->u.Memory.Start, Device->Length, MmNonCached);
    if (Device->Registers == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    status = QueuesConnect(Device);
    if (NT_SUCCESS(status))
        status = ControllerStart(Device);
    if (!NT_SUCCESS(status)) {
        DbgPrint("nvme%u: not started, status 0x%08X\n", Device->Index, status);
        StopDevice(Device);
        return status;
    }
    DbgPrint("nvme%u: connected by %s: %u message(s), %u I/O queue(s)\n", Device->Index,
             Device->MessageCount != 0 ? "CONNECT_MESSAGE_BASED" : "CONNECT_LINE_BASED (fallback)",
             Device->MessageCount, Device->QueueCount - 1);
    DbgPrint("nvme%u: %s, serial %s, %I64u blocks of %u bytes\n", Device->Index, Device->Model,
             Device->Serial, Device->Blocks, 1u << Device->BlockShift);
    return STATUS_SUCCESS;
}

static NTSTATUS PnpStart(PDEVICE Device, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS status = STATUS_UNSUCCESSFUL;

    if (IoForwardIrpSynchronously(Device->Lower, Irp))
        status = Irp->IoStatus.Status;
    if (NT_SUCCESS(status))
        status = StartDevice(Device, stack->Parameters.StartDevice.AllocatedResourcesTranslated);
    return Complete(Irp, status, 0);
}

/* First turn away and abandon what waits for the device, or the lock would never come free. */
static NTSTATUS PnpRemove(PDEVICE_OBJECT DeviceObject, PDEVICE Device, PIRP Irp)
{
    UNICODE_STRING link;
    WCHAR name[] = LINK_NAME;
    NTSTATUS status;

    StopDevice(Device);
    IoReleaseRemoveLockAndWait(&Device->Lock, Irp);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoSkipCurrentIrpStackLocation(Irp);
    status = IoCallDriver(Device->Lower, Irp);

    NAME_DIGIT(name) += (WCHAR)Device->Index;
    RtlInitUnicodeString(&link, name);
    IoDeleteSymbolicLink(&link);
    IoDetachDevice(Device->Lower);
    IoDeleteDevice(DeviceObject);
    return status;
}

static NTSTATUS NTAPI DispatchPassDown(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PDEVICE device = DeviceObject->DeviceExtension;

    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(device->Lower, Irp);
}

static NTSTATUS NTAPI DispatchPnp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PDEVICE device = DeviceObject->DeviceExtension;
    UCHAR minor = IoGetCurrentIrpStackLocation(Irp)->MinorFunction;
    NTSTATUS status = IoAcquireRemoveLock(&device->Lock, Irp);

    if (!NT_SUCCESS(status))
        return Complete(Irp, status, 0);
    if (minor == IRP_MN_REMOVE_DEVICE)
        return PnpRemove(DeviceObject, device, Irp); /* releases the lock */
    if (minor == IRP_MN_START_DEVICE) {
        status = PnpStart(device, Irp);
    } else {
        if (minor == IRP_MN_STOP_DEVICE || minor == IRP_MN_SURPRISE_REMOVAL)
            StopDevice(device);
        if (minor == IRP_MN_QUERY_STOP_DEVICE || minor == IRP_MN_CANCEL_STOP_DEVICE ||
            minor == IRP_MN_STOP_DEVICE || minor == IRP_MN_SURPRISE_REMOVAL ||
            minor == IRP_MN_QUERY_REMOVE_DEVICE || minor == IRP_MN_CANCEL_REMOVE_DEVICE)
            Irp->IoStatus.Status = STATUS_SUCCESS;
        status = DispatchPassDown(DeviceObject, Irp);
    }
    IoReleaseRemoveLock(&device->Lock, Irp);
    return status;
}

static NTSTATUS NTAPI DispatchRead(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PDEVICE device = DeviceObject->DeviceExtension;
    NTSTATUS status = IoAcquireRemoveLock(&device->Lock, Irp);

    if (!NT_SUCCESS(status))
        return Complete(Irp, status, 0);
    status = ReadStart(device, Irp);
    if (status != STATUS_PENDING) {
        Complete(Irp, status, 0);
        IoReleaseRemoveLock(&device->Lock, Irp);
    }
    return status;
}

static NTSTATUS NTAPI DispatchWrite(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return Complete(Irp, STATUS_MEDIA_WRITE_PROTECTED, 0);
}

static NTSTATUS NTAPI DispatchControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PDEVICE device = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    NVME_INFORMATION *information = Irp->AssociatedIrp.SystemBuffer;
    ULONG i;

    if (stack->Parameters.DeviceIoControl.IoControlCode != (ULONG)IOCTL_NVME_INFORMATION)
        return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    if (stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof(*information))
        return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    RtlZeroMemory(information, sizeof(*information));
    information->Blocks = device->Blocks;
    information->BlockSize = 1u << device->BlockShift;
    information->Version = device->Connection.Version;
    information->MessageCount = device->MessageCount;
    information->QueueCount = device->QueueCount;
    for (i = 0; i < device->QueueCount; i++)
        information->Interrupts[i] = device->Queues[i].Interrupts;
    RtlCopyMemory(information->Model, device->Model, sizeof(device->Model));
    RtlCopyMemory(information->Serial, device->Serial, sizeof(device->Serial));
    return Complete(Irp, STATUS_SUCCESS, sizeof(*information));
}

static NTSTATUS NTAPI DispatchOpenClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return Complete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI AddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT Physical)
{
    WCHAR deviceText[] = DEVICE_NAME, linkText[] = LINK_NAME;
    UNICODE_STRING deviceName, linkName;
    PDEVICE_OBJECT object;
    NTSTATUS status;
    PDEVICE device;
    ULONG index = 0, i;

    RtlInitUnicodeString(&deviceName, deviceText);
    RtlInitUnicodeString(&linkName, linkText);
    while ((status = IoCreateDevice(DriverObject, sizeof(DEVICE), &deviceName, FILE_DEVICE_DISK,
                                    FILE_DEVICE_SECURE_OPEN, FALSE, &object)) ==
               STATUS_OBJECT_NAME_COLLISION &&
           ++index < DEVICES_MAX)
        NAME_DIGIT(deviceText)++; /* taken: the next number */
    if (!NT_SUCCESS(status))
        return status;
    NAME_DIGIT(linkText) += (WCHAR)index;

    device = object->DeviceExtension; /* zeroed by the system */
    device->Physical = Physical;
    device->Index = index;
    IoInitializeRemoveLock(&device->Lock, LOCK_TAG, 0, 0);
    for (i = 0; i < QUEUES_MAX; i++)
        QueueInitialize(device, i);
    status = IoCreateSymbolicLink(&linkName, &deviceName);
    if (!NT_SUCCESS(status))
        goto fail_delete_device;
    device->Lower = IoAttachDeviceToDeviceStack(object, Physical);
    if (device->Lower == NULL) {
        status = STATUS_NO_SUCH_DEVICE;
        goto fail_delete_link;
    }
    object->AlignmentRequirement = FILE_LONG_ALIGNMENT;
    object->Flags |= DO_DIRECT_IO;
    object->Flags |= device->Lower->Flags & (DO_POWER_PAGABLE | DO_POWER_INRUSH);
    object->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;

fail_delete_link:
    IoDeleteSymbolicLink(&linkName);
fail_delete_device:
    IoDeleteDevice(object);
    return status;
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
    DriverObject->MajorFunction[IRP_MJ_READ] = DispatchRead;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = DispatchWrite;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = DispatchControl;
    DriverObject->MajorFunction[IRP_MJ_PNP] = DispatchPnp;
    DriverObject->MajorFunction[IRP_MJ_POWER] = DispatchPassDown;
    DriverObject->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = DispatchPassDown;
    return STATUS_SUCCESS;
}
