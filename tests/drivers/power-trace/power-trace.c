/*
 * power-trace.c - an upper filter that says which requests of power, removal and shutdown come by.
 *
 * A line a request: where the device is, what it is told. IOCTL_TRACE_KEEP, sent to the device that
 * is filtered, has the filter keep the next request of a kind, as a driver does that has lost it,
 * or pass on what it keeps. On the stack by the UpperFilters value of a .reg file.
 */
#include <ntddk.h>

/* in: ULONG, a KEEP_... */
#define IOCTL_TRACE_KEEP CTL_CODE(FILE_DEVICE_UNKNOWN, 0xC80, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define KEEP_NOTHING 0 /* and what was kept goes on */
#define KEEP_DEVICE_STATE 1
#define KEEP_SYSTEM_STATE 2
#define KEEP_SHUTDOWN 3

typedef struct _FILTER {
    PDEVICE_OBJECT Lower;
    volatile ULONG Keep;
    PIRP volatile Kept;
    WCHAR Where[64]; /* the device's location */
} FILTER, *PFILTER;

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS NTAPI PassDown(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(((PFILTER)DeviceObject->DeviceExtension)->Lower, Irp);
}

static NTSTATUS Keep(PFILTER Filter, PIRP Irp)
{
    Filter->Keep = KEEP_NOTHING;
    IoMarkIrpPending(Irp);
    Filter->Kept = Irp;
    return STATUS_PENDING;
}

static NTSTATUS NTAPI DispatchPower(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    BOOLEAN device = stack->Parameters.Power.Type == DevicePowerState;
    PFILTER filter = DeviceObject->DeviceExtension;

    DbgPrint("power-trace: %ws: %s %s %u action %u\n", filter->Where,
             stack->MinorFunction == IRP_MN_SET_POWER ? "SET_POWER" : "other",
             device ? "device" : "system", stack->Parameters.Power.State.DeviceState,
             stack->Parameters.Power.ShutdownType);
    if (stack->MinorFunction != IRP_MN_SET_POWER ||
        filter->Keep != (device ? KEEP_DEVICE_STATE : KEEP_SYSTEM_STATE))
        return PassDown(DeviceObject, Irp);
    return Keep(filter, Irp);
}

static NTSTATUS NTAPI DispatchControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    PFILTER filter = DeviceObject->DeviceExtension;
    PIRP kept;

    if (stack->Parameters.DeviceIoControl.IoControlCode != (ULONG)IOCTL_TRACE_KEEP)
        return PassDown(DeviceObject, Irp);
    if (stack->Parameters.DeviceIoControl.InputBufferLength < sizeof(ULONG))
        return Complete(Irp, STATUS_BUFFER_TOO_SMALL);
    filter->Keep = *(PULONG)Irp->AssociatedIrp.SystemBuffer;
    kept = filter->Kept;
    filter->Kept = NULL;
    if (kept != NULL)
        PassDown(DeviceObject, kept);
    return Complete(Irp, STATUS_SUCCESS);
}

static NTSTATUS NTAPI DispatchShutdown(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PFILTER filter = DeviceObject->DeviceExtension;

    DbgPrint("power-trace: %ws: SHUTDOWN\n", filter->Where);
    if (filter->Keep == KEEP_SHUTDOWN)
        return Keep(filter, Irp);
    return Complete(Irp, STATUS_SUCCESS);
}

static NTSTATUS NTAPI DispatchPnp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PFILTER filter = DeviceObject->DeviceExtension;
    PDEVICE_OBJECT lower = filter->Lower;
    NTSTATUS status;

    switch (IoGetCurrentIrpStackLocation(Irp)->MinorFunction) {
    case IRP_MN_QUERY_REMOVE_DEVICE:
        DbgPrint("power-trace: %ws: QUERY_REMOVE_DEVICE\n", filter->Where);
        return PassDown(DeviceObject, Irp);
    case IRP_MN_SURPRISE_REMOVAL:
        DbgPrint("power-trace: %ws: SURPRISE_REMOVAL\n", filter->Where);
        return PassDown(DeviceObject, Irp);
    case IRP_MN_REMOVE_DEVICE:
        DbgPrint("power-trace: %ws: REMOVE_DEVICE\n", filter->Where);
        IoUnregisterShutdownNotification(DeviceObject);
        status = PassDown(DeviceObject, Irp);
        IoDetachDevice(lower);
        IoDeleteDevice(DeviceObject);
        return status;
    default:
        return PassDown(DeviceObject, Irp);
    }
}

static NTSTATUS NTAPI AddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT Physical)
{
    PDEVICE_OBJECT object;
    NTSTATUS status;
    PFILTER filter;
    ULONG length;

    status =
        IoCreateDevice(DriverObject, sizeof(FILTER), NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &object);
    if (!NT_SUCCESS(status))
        return status;
    filter = object->DeviceExtension;
    status = IoGetDeviceProperty(Physical, DevicePropertyLocationInformation,
                                 sizeof(filter->Where) - sizeof(WCHAR), filter->Where, &length);
    if (NT_SUCCESS(status))
        filter->Lower = IoAttachDeviceToDeviceStack(object, Physical);
    if (filter->Lower == NULL) {
        IoDeleteDevice(object);
        return STATUS_NO_SUCH_DEVICE;
    }
    IoRegisterShutdownNotification(object);
    IoRegisterLastChanceShutdownNotification(object);
    object->Flags |= filter->Lower->Flags & (DO_BUFFERED_IO | DO_DIRECT_IO | DO_POWER_PAGABLE);
    object->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static VOID NTAPI Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    ULONG i;

    UNREFERENCED_PARAMETER(RegistryPath);
    for (i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        DriverObject->MajorFunction[i] = PassDown;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = DispatchControl;
    DriverObject->MajorFunction[IRP_MJ_SHUTDOWN] = DispatchShutdown;
    DriverObject->MajorFunction[IRP_MJ_POWER] = DispatchPower;
    DriverObject->MajorFunction[IRP_MJ_PNP] = DispatchPnp;
    DriverObject->DriverExtension->AddDevice = AddDevice;
    DriverObject->DriverUnload = Unload;
    return STATUS_SUCCESS;
}
