/*
 * test_driver.h - the WDM driver around a test: device objects, PnP, dispatch.
 *
 * For drivers that exist to test or measure the system. Before including it a driver defines
 * TEST_DRIVER, its device's name (`test` finds those that end in -test), and after it:
 *
 *   TestStart     the device has started: resources are in Device, BAR 0 is mapped if it is memory
 *   TestStop      undo that; also called when TestStart failed, and maybe twice
 *   TestControl   a request: input and output in Buffer, *Length in: input, out: output bytes
 *
 * State of the test's own goes into TEST_STATE, a type it defines first; Device->State is it.
 * Only documented routines are used, so a test can be loaded on Windows too.
 */
#pragma once

#include <ntddk.h>

/* What the console's `test` command sends; out: ULONG number of failures. */
#define IOCTL_TEST_RUN CTL_CODE(FILE_DEVICE_UNKNOWN, 0xA00, METHOD_BUFFERED, FILE_ANY_ACCESS)

#define TEST_DEVICE_NAME L"\\Device\\" TEST_DRIVER "0"
#define TEST_LINK_NAME L"\\DosDevices\\" TEST_DRIVER "0"
#define TEST_NAME_DIGIT(Name) ((Name)[sizeof(Name) / sizeof((Name)[0]) - 2])
#define TEST_DEVICES_MAX 10
#define TEST_INTERRUPTS_MAX 16

typedef struct _TEST_DEVICE {
    PDEVICE_OBJECT Physical;
    PDEVICE_OBJECT Lower;
    ULONG Index;
    PUCHAR Registers; /* BAR 0 where it is memory, else NULL */
    ULONG Length;
    ULONG InterruptCount; /* descriptors below, in the order of the lists */
    CM_PARTIAL_RESOURCE_DESCRIPTOR Translated[TEST_INTERRUPTS_MAX];
    CM_PARTIAL_RESOURCE_DESCRIPTOR Raw[TEST_INTERRUPTS_MAX];
    TEST_STATE State;
} TEST_DEVICE, *PTEST_DEVICE;

static NTSTATUS TestStart(PTEST_DEVICE Device);
static VOID TestStop(PTEST_DEVICE Device);
static NTSTATUS TestControl(PTEST_DEVICE Device, ULONG Code, PVOID Buffer, PULONG Length);

static NTSTATUS FrameComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static VOID FrameStop(PTEST_DEVICE Device)
{
    TestStop(Device);
    if (Device->Registers != NULL)
        MmUnmapIoSpace(Device->Registers, Device->Length);
    Device->Registers = NULL;
}

static NTSTATUS FrameStart(PTEST_DEVICE Device, PCM_RESOURCE_LIST Raw, PCM_RESOURCE_LIST Translated)
{
    PCM_PARTIAL_RESOURCE_LIST list = NULL;
    NTSTATUS status;
    ULONG i;

    Device->InterruptCount = 0;
    if (Translated != NULL && Translated->Count > 0)
        list = &Translated->List[0].PartialResourceList;
    for (i = 0; list != NULL && i < list->Count; i++) {
        PCM_PARTIAL_RESOURCE_DESCRIPTOR descriptor = &list->PartialDescriptors[i];

        if (descriptor->Type == CmResourceTypeMemory && Device->Registers == NULL) {
            Device->Length = descriptor->u.Memory.Length;
            Device->Registers =
                MmMapIoSpace(descriptor->u.Memory.Start, Device->Length, MmNonCached);
        }
        if (descriptor->Type == CmResourceTypeInterrupt &&
            Device->InterruptCount < TEST_INTERRUPTS_MAX) {
            Device->Translated[Device->InterruptCount] = *descriptor;
            Device->Raw[Device->InterruptCount++] =
                Raw->List[0].PartialResourceList.PartialDescriptors[i];
        }
    }
    status = TestStart(Device);
    if (!NT_SUCCESS(status)) {
        DbgPrint("%s%u: not started, status 0x%08X\n", TEST_DRIVER, Device->Index, status);
        FrameStop(Device);
    }
    return status;
}

static NTSTATUS NTAPI FramePassDown(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PTEST_DEVICE device = DeviceObject->DeviceExtension;

    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(device->Lower, Irp);
}

static NTSTATUS FrameRemove(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PTEST_DEVICE device = DeviceObject->DeviceExtension;
    WCHAR name[] = TEST_LINK_NAME;
    UNICODE_STRING link;
    NTSTATUS status;

    FrameStop(device);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    status = FramePassDown(DeviceObject, Irp);
    TEST_NAME_DIGIT(name) += (WCHAR)device->Index;
    RtlInitUnicodeString(&link, name);
    IoDeleteSymbolicLink(&link);
    IoDetachDevice(device->Lower);
    IoDeleteDevice(DeviceObject);
    return status;
}

static NTSTATUS NTAPI FramePnp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    PTEST_DEVICE device = DeviceObject->DeviceExtension;
    NTSTATUS status = STATUS_UNSUCCESSFUL;

    switch (stack->MinorFunction) {
    case IRP_MN_START_DEVICE:
        if (IoForwardIrpSynchronously(device->Lower, Irp))
            status = Irp->IoStatus.Status;
        if (NT_SUCCESS(status))
            status = FrameStart(device, stack->Parameters.StartDevice.AllocatedResources,
                                stack->Parameters.StartDevice.AllocatedResourcesTranslated);
        return FrameComplete(Irp, status, 0);
    case IRP_MN_REMOVE_DEVICE:
        return FrameRemove(DeviceObject, Irp);
    case IRP_MN_STOP_DEVICE:
    case IRP_MN_SURPRISE_REMOVAL:
        FrameStop(device);
        /* fall through */
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
        Irp->IoStatus.Status = STATUS_SUCCESS;
        return FramePassDown(DeviceObject, Irp);
    default:
        return FramePassDown(DeviceObject, Irp);
    }
}

static NTSTATUS NTAPI FrameControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG length = stack->Parameters.DeviceIoControl.InputBufferLength;
    ULONG room = stack->Parameters.DeviceIoControl.OutputBufferLength;
    NTSTATUS status;

    status =
        TestControl(DeviceObject->DeviceExtension, stack->Parameters.DeviceIoControl.IoControlCode,
                    Irp->AssociatedIrp.SystemBuffer, &length);
    return FrameComplete(Irp, status, NT_SUCCESS(status) && length <= room ? length : 0);
}

static NTSTATUS NTAPI FrameOpenClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return FrameComplete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI FrameAddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT Physical)
{
    WCHAR deviceText[] = TEST_DEVICE_NAME, linkText[] = TEST_LINK_NAME;
    UNICODE_STRING deviceName, linkName;
    PDEVICE_OBJECT object;
    PTEST_DEVICE device;
    NTSTATUS status;
    ULONG index = 0;

    RtlInitUnicodeString(&deviceName, deviceText);
    RtlInitUnicodeString(&linkName, linkText);
    while ((status = IoCreateDevice(DriverObject, sizeof(TEST_DEVICE), &deviceName,
                                    FILE_DEVICE_UNKNOWN, 0, FALSE, &object)) ==
               STATUS_OBJECT_NAME_COLLISION &&
           ++index < TEST_DEVICES_MAX)
        TEST_NAME_DIGIT(deviceText)++;
    if (!NT_SUCCESS(status))
        return status;
    TEST_NAME_DIGIT(linkText) += (WCHAR)index;
    device = object->DeviceExtension;
    device->Physical = Physical;
    device->Index = index;
    device->Lower = IoAttachDeviceToDeviceStack(object, Physical);
    status = device->Lower != NULL ? IoCreateSymbolicLink(&linkName, &deviceName)
                                   : STATUS_NO_SUCH_DEVICE;
    if (!NT_SUCCESS(status)) {
        if (device->Lower != NULL)
            IoDetachDevice(device->Lower);
        IoDeleteDevice(object);
        return status;
    }
    object->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static VOID NTAPI FrameUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->DriverExtension->AddDevice = FrameAddDevice;
    DriverObject->DriverUnload = FrameUnload;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = FrameOpenClose;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = FrameOpenClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = FrameOpenClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = FrameControl;
    DriverObject->MajorFunction[IRP_MJ_PNP] = FramePnp;
    DriverObject->MajorFunction[IRP_MJ_POWER] = FramePassDown;
    DriverObject->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = FramePassDown;
    return STATUS_SUCCESS;
}
