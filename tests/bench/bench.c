/*
 * bench.c - the driver around the measurements: connects edu's message at start, raises it once,
 * which dates the machine's first interrupt in a driver, and runs the bench when told.
 */
#include "bench.h"

NTSTATUS BenchConnect(PBENCH Bench)
{
    IO_CONNECT_INTERRUPT_PARAMETERS parameters;
    PVOID context = NULL;
    NTSTATUS status;

    RtlZeroMemory(&parameters, sizeof(parameters));
    parameters.Version = CONNECT_MESSAGE_BASED;
    parameters.MessageBased.PhysicalDeviceObject = Bench->Physical;
    parameters.MessageBased.ConnectionContext.Generic = &context;
    parameters.MessageBased.MessageServiceRoutine = BenchServiceRoutine;
    parameters.MessageBased.ServiceContext = Bench;
    status = IoConnectInterruptEx(&parameters);
    if (!NT_SUCCESS(status))
        return status;
    Bench->Connection.Version = parameters.Version;
    Bench->Connection.ConnectionContext.Generic = context;
    return STATUS_SUCCESS;
}

VOID BenchDisconnect(PBENCH Bench)
{
    if (Bench->Connection.Version == 0)
        return;
    IoDisconnectInterruptEx(&Bench->Connection);
    Bench->Connection.Version = 0;
}

static VOID StopDevice(PBENCH Bench)
{
    BenchDisconnect(Bench);
    KeFlushQueuedDpcs();
    if (Bench->Registers != NULL)
        MmUnmapIoSpace(Bench->Registers, Bench->Length);
    Bench->Registers = NULL;
}

static NTSTATUS StartDevice(PBENCH Bench, PCM_RESOURCE_LIST Translated)
{
    PCM_PARTIAL_RESOURCE_LIST list;
    NTSTATUS status;
    ULONG i;

    if (Translated == NULL || Translated->Count == 0)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    list = &Translated->List[0].PartialResourceList;
    for (i = 0; i < list->Count && list->PartialDescriptors[i].Type != CmResourceTypeMemory; i++)
        ;
    if (i == list->Count)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    Bench->Length = list->PartialDescriptors[i].u.Memory.Length;
    Bench->Registers =
        MmMapIoSpace(list->PartialDescriptors[i].u.Memory.Start, Bench->Length, MmNonCached);
    if (Bench->Registers == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    status = BenchConnect(Bench);
    if (!NT_SUCCESS(status)) {
        DbgPrint("bench: no message: 0x%08X\n", status);
        StopDevice(Bench);
        return status;
    }
    BenchWrite(Bench, EDU_INTERRUPT_RAISE, EDU_RAISED_BY_HAND);
    for (i = 0; Bench->ServiceStamp == 0 && i < 1000000; i++)
        KeStallExecutionProcessor(1);
    Bench->FirstStamp = Bench->ServiceStamp;
    return STATUS_SUCCESS;
}

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS NTAPI DispatchPassDown(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PBENCH bench = DeviceObject->DeviceExtension;

    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(bench->Lower, Irp);
}

static NTSTATUS NTAPI DispatchPnp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    PBENCH bench = DeviceObject->DeviceExtension;
    UNICODE_STRING link = RTL_CONSTANT_STRING(L"\\DosDevices\\bench0");
    NTSTATUS status = STATUS_UNSUCCESSFUL;

    switch (stack->MinorFunction) {
    case IRP_MN_START_DEVICE:
        if (IoForwardIrpSynchronously(bench->Lower, Irp))
            status = Irp->IoStatus.Status;
        if (NT_SUCCESS(status))
            status = StartDevice(bench, stack->Parameters.StartDevice.AllocatedResourcesTranslated);
        return Complete(Irp, status);
    case IRP_MN_REMOVE_DEVICE:
        StopDevice(bench);
        Irp->IoStatus.Status = STATUS_SUCCESS;
        status = DispatchPassDown(DeviceObject, Irp);
        IoDeleteSymbolicLink(&link);
        IoDetachDevice(bench->Lower);
        IoDeleteDevice(DeviceObject);
        return status;
    case IRP_MN_STOP_DEVICE:
    case IRP_MN_SURPRISE_REMOVAL:
        StopDevice(bench);
        Irp->IoStatus.Status = STATUS_SUCCESS;
        return DispatchPassDown(DeviceObject, Irp);
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_QUERY_REMOVE_DEVICE:
        Irp->IoStatus.Status = STATUS_SUCCESS;
        return DispatchPassDown(DeviceObject, Irp);
    default:
        return DispatchPassDown(DeviceObject, Irp);
    }
}

static NTSTATUS NTAPI DispatchControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    PULONG samples = Irp->AssociatedIrp.SystemBuffer;

    Irp->IoStatus.Information = 0;
    if (stack->Parameters.DeviceIoControl.IoControlCode != (ULONG)IOCTL_BENCH_RUN)
        return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST);
    if (stack->Parameters.DeviceIoControl.InputBufferLength < sizeof(*samples))
        return Complete(Irp, STATUS_BUFFER_TOO_SMALL);
    return Complete(Irp, BenchRun(DeviceObject->DeviceExtension, *samples));
}

static NTSTATUS NTAPI DispatchOpenClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    Irp->IoStatus.Information = 0;
    return Complete(Irp, STATUS_SUCCESS);
}

static NTSTATUS NTAPI AddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT Physical)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\bench0");
    UNICODE_STRING link = RTL_CONSTANT_STRING(L"\\DosDevices\\bench0");
    PDEVICE_OBJECT object;
    NTSTATUS status;
    PBENCH bench;

    status = IoCreateDevice(DriverObject, sizeof(BENCH), &name, FILE_DEVICE_UNKNOWN, 0, FALSE,
                            &object);
    if (!NT_SUCCESS(status))
        return status;
    bench = object->DeviceExtension;
    bench->Physical = Physical;
    KeInitializeDpc(&bench->Dpc, BenchDpcRoutine, bench);
    KeInitializeEvent(&bench->Event, SynchronizationEvent, FALSE);
    bench->Lower = IoAttachDeviceToDeviceStack(object, Physical);
    status = bench->Lower != NULL ? IoCreateSymbolicLink(&link, &name) : STATUS_NO_SUCH_DEVICE;
    if (!NT_SUCCESS(status)) {
        if (bench->Lower != NULL)
            IoDetachDevice(bench->Lower);
        IoDeleteDevice(object);
        return status;
    }
    object->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static VOID NTAPI Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
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
