/*
 * frame.h - the WDM driver around an edu device: device objects, PnP, dispatch.
 *
 * Everything a PnP function driver does that does not depend on how its interrupt is connected, in
 * the order things happen:
 *
 *   DriverEntry      fill in the dispatch table
 *   AddDevice        one device object on top of the stack of each device found
 *   IRP_MN_START     bus first; then map the registers, Connect(), which the driver writes
 *   service routine  the driver's own                                     (DIRQL)
 *   DpcRoutine       wake the thread that waits                           (DISPATCH_LEVEL)
 *   IRP_MN_STOP, _SURPRISE_REMOVAL, _REMOVE    the same backwards
 *
 * A driver defines EDU_DRIVER, its name, includes this file, and defines Connect().
 */
#pragma once

#include <ntddk.h>

#include "requests.h"

#define DEVICE_NAME L"\\Device\\" EDU_DRIVER "0"
#define LINK_NAME L"\\DosDevices\\" EDU_DRIVER "0"
#define NAME_DIGIT(Name) ((Name)[sizeof(Name) / sizeof((Name)[0]) - 2])
#define DEVICES_MAX 10      /* the last character of the names is a digit */
#define LOCK_TAG 0x20756445 /* "Edu " */

typedef struct _DEVICE {
    EDU_HARDWARE Hardware;
    PDEVICE_OBJECT Physical; /* the bus driver's object: names the device in system calls */
    PDEVICE_OBJECT Lower;    /* where IRPs are passed on to */
    IO_REMOVE_LOCK Lock;     /* held by each request under way */
    KDPC Dpc;
    ULONG Length; /* of the registers */
    ULONG Index;
    /* What IoConnectInterruptEx gave: what has to be remembered is what disconnecting asks for. */
    IO_DISCONNECT_INTERRUPT_PARAMETERS Connection; /* Version 0 while not connected */
} DEVICE, *PDEVICE;

/*
 * By the driver: connect, fill in Device->Connection and the constant part of the statistics.
 * `Interrupt` is the translated descriptor; forms that let the system look it up ignore it.
 */
static NTSTATUS Connect(PDEVICE Device, PCM_PARTIAL_RESOURCE_DESCRIPTOR Interrupt);

/* The service routine may run while this does, on this processor or another: exchange, then act. */
static VOID NTAPI DpcRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PDEVICE device = Context;
    PEDU_HARDWARE hardware = &device->Hardware;
    LONG raised = InterlockedExchange(&hardware->Raised, 0);

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    hardware->Statistics.Counts.DpcRuns++;
    hardware->Statistics.Counts.DpcSaw += InterlockedExchange(&hardware->Unseen, 0);
    if (raised & (EDU_RAISED_FACTORIAL | EDU_RAISED_DMA))
        KeSetEvent(&hardware->Done, IO_NO_INCREMENT, FALSE);
}

/* Silence the device, then disconnect: no call of the service routine comes after the return. */
static VOID Disconnect(PDEVICE Device)
{
    if (Device->Connection.Version == 0)
        return;
    EduWrite(&Device->Hardware, EDU_STATUS, 0);
    EduWrite(&Device->Hardware, EDU_INTERRUPT_ACKNOWLEDGE, ~0u);
    IoDisconnectInterruptEx(&Device->Connection);
    RtlZeroMemory(&Device->Connection, sizeof(Device->Connection));
    KeFlushQueuedDpcs(); /* the last interrupt's DPC must not outlive the device */
}

/* Also called for a device that never started, and twice on a removal by surprise. */
static VOID StopDevice(PDEVICE Device)
{
    KeWaitForSingleObject(&Device->Hardware.Busy, Executive, KernelMode, FALSE, NULL);
    Disconnect(Device);
    EduUnmap(&Device->Hardware, Device->Length);
    KeReleaseMutex(&Device->Hardware.Busy, FALSE);
}

static NTSTATUS StartDevice(PDEVICE Device, PCM_RESOURCE_LIST Translated)
{
    PCM_PARTIAL_RESOURCE_DESCRIPTOR memory = NULL, interrupt = NULL;
    PCM_PARTIAL_RESOURCE_LIST list;
    NTSTATUS status;
    ULONG i;

    if (Translated == NULL || Translated->Count == 0)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    list = &Translated->List[0].PartialResourceList;
    for (i = 0; i < list->Count; i++) {
        PCM_PARTIAL_RESOURCE_DESCRIPTOR descriptor = &list->PartialDescriptors[i];

        if (descriptor->Type == CmResourceTypeMemory && memory == NULL)
            memory = descriptor;
        if (descriptor->Type == CmResourceTypeInterrupt && interrupt == NULL)
            interrupt = descriptor;
    }
    if (memory == NULL || interrupt == NULL) {
        DbgPrint(EDU_DRIVER "%u: no %s among the resources\n", Device->Index,
                 memory == NULL ? "memory" : "interrupt");
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    }
    Device->Length = memory->u.Memory.Length;
    status = EduMap(&Device->Hardware, memory->u.Memory.Start, Device->Length);
    if (NT_SUCCESS(status))
        status = Connect(Device, interrupt);
    if (!NT_SUCCESS(status)) {
        DbgPrint(EDU_DRIVER "%u: not started, status 0x%08X\n", Device->Index, status);
        StopDevice(Device);
    }
    return status;
}

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* The bus driver is below: it must have powered and configured the device before we touch it. */
static NTSTATUS PnpStart(PDEVICE Device, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS status = STATUS_UNSUCCESSFUL;

    if (IoForwardIrpSynchronously(Device->Lower, Irp))
        status = Irp->IoStatus.Status;
    if (NT_SUCCESS(status))
        status = StartDevice(Device, stack->Parameters.StartDevice.AllocatedResourcesTranslated);
    return Complete(Irp, status);
}

/* Wait for requests under way, stop, let the bus driver remove, and only then vanish. */
static NTSTATUS PnpRemove(PDEVICE_OBJECT DeviceObject, PDEVICE Device, PIRP Irp)
{
    UNICODE_STRING link;
    WCHAR name[] = LINK_NAME;
    NTSTATUS status;

    IoReleaseRemoveLockAndWait(&Device->Lock, Irp);
    StopDevice(Device);
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

/* Requests of the kinds we have no part in go down as they are. */
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
        return Complete(Irp, status);
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

static NTSTATUS NTAPI DispatchControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PDEVICE device = DeviceObject->DeviceExtension;
    NTSTATUS status = IoAcquireRemoveLock(&device->Lock, Irp);

    if (!NT_SUCCESS(status))
        return Complete(Irp, status);
    status = Complete(Irp, EduControl(&device->Hardware, Irp));
    IoReleaseRemoveLock(&device->Lock, Irp);
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
    WCHAR deviceText[] = DEVICE_NAME, linkText[] = LINK_NAME;
    UNICODE_STRING deviceName, linkName;
    PDEVICE_OBJECT object;
    NTSTATUS status;
    PDEVICE device;
    ULONG index = 0;

    RtlInitUnicodeString(&deviceName, deviceText);
    RtlInitUnicodeString(&linkName, linkText);
    while ((status = IoCreateDevice(DriverObject, sizeof(DEVICE), &deviceName, FILE_DEVICE_UNKNOWN,
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
    EduInitialize(&device->Hardware);
    IoInitializeRemoveLock(&device->Lock, LOCK_TAG, 0, 0);
    KeInitializeDpc(&device->Dpc, DpcRoutine, device);
    status = IoCreateSymbolicLink(&linkName, &deviceName);
    if (!NT_SUCCESS(status))
        goto fail_delete_device;
    device->Lower = IoAttachDeviceToDeviceStack(object, Physical);
    if (device->Lower == NULL) {
        status = STATUS_NO_SUCH_DEVICE;
        goto fail_delete_link;
    }
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
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = DispatchControl;
    DriverObject->MajorFunction[IRP_MJ_PNP] = DispatchPnp;
    DriverObject->MajorFunction[IRP_MJ_POWER] = DispatchPassDown;
    DriverObject->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = DispatchPassDown;
    return STATUS_SUCCESS;
}
