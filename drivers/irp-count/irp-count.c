/*
 * irp-count.c - an upper filter: it counts the requests of each kind that pass, and changes none.
 *
 * A filter takes on the looks of the device below it (type, flags), passes everything down and
 * lets go when the device is removed. The counts are asked for by a control code that the filter
 * keeps for itself, on the very device it filters. Installed by the UpperFilters value of a device:
 * see ../edu-child/edu-child.inf.
 */
#include <ntddk.h>

/* out: IRP_COUNTS. The request itself is counted. */
#define IOCTL_IRP_COUNT CTL_CODE(FILE_DEVICE_UNKNOWN, 0xC00, METHOD_BUFFERED, FILE_ANY_ACCESS)

typedef struct _IRP_COUNTS {
    LONG Passed[IRP_MJ_MAXIMUM_FUNCTION + 1]; /* by major function */
    LONG Completed;                           /* of IRP_MJ_DEVICE_CONTROL: came back up */
} IRP_COUNTS;

#define LOCK_TAG 0x43707249 /* "IrpC" */

typedef struct _FILTER {
    PDEVICE_OBJECT Lower;
    IO_REMOVE_LOCK Lock;
    IRP_COUNTS Counts;
    BOOLEAN Surprised; /* the device went without being asked */
} FILTER, *PFILTER;

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status, ULONG Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* On the way up, at IRQL <= DISPATCH_LEVEL. A pending IRP must be seen as such further up. */
static NTSTATUS NTAPI ComesUp(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PFILTER filter = Context;

    UNREFERENCED_PARAMETER(DeviceObject);
    if (Irp->PendingReturned)
        IoMarkIrpPending(Irp);
    InterlockedIncrement(&filter->Counts.Completed);
    IoReleaseRemoveLock(&filter->Lock, Irp);
    return STATUS_CONTINUE_COMPLETION;
}

static NTSTATUS NTAPI DispatchAny(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PFILTER filter = DeviceObject->DeviceExtension;
    NTSTATUS status = IoAcquireRemoveLock(&filter->Lock, Irp);

    if (!NT_SUCCESS(status))
        return Complete(Irp, status, 0);
    InterlockedIncrement(&filter->Counts.Passed[IoGetCurrentIrpStackLocation(Irp)->MajorFunction]);
    IoSkipCurrentIrpStackLocation(Irp);
    status = IoCallDriver(filter->Lower, Irp);
    IoReleaseRemoveLock(&filter->Lock, Irp);
    return status;
}

static NTSTATUS NTAPI DispatchControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PFILTER filter = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS status = IoAcquireRemoveLock(&filter->Lock, Irp);

    if (!NT_SUCCESS(status))
        return Complete(Irp, status, 0);
    InterlockedIncrement(&filter->Counts.Passed[IRP_MJ_DEVICE_CONTROL]);
    if (stack->Parameters.DeviceIoControl.IoControlCode != (ULONG)IOCTL_IRP_COUNT) {
        IoCopyCurrentIrpStackLocationToNext(Irp);
        IoSetCompletionRoutine(Irp, ComesUp, filter, TRUE, TRUE, TRUE);
        return IoCallDriver(filter->Lower, Irp); /* ComesUp releases the lock */
    }
    if (stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof(filter->Counts)) {
        status = Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    } else {
        RtlCopyMemory(Irp->AssociatedIrp.SystemBuffer, &filter->Counts, sizeof(filter->Counts));
        status = Complete(Irp, STATUS_SUCCESS, sizeof(filter->Counts));
    }
    IoReleaseRemoveLock(&filter->Lock, Irp);
    return status;
}

static NTSTATUS NTAPI DispatchPnp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PFILTER filter = DeviceObject->DeviceExtension;
    NTSTATUS status;

    if (IoGetCurrentIrpStackLocation(Irp)->MinorFunction == IRP_MN_SURPRISE_REMOVAL)
        filter->Surprised = TRUE;
    if (IoGetCurrentIrpStackLocation(Irp)->MinorFunction != IRP_MN_REMOVE_DEVICE)
        return DispatchAny(DeviceObject, Irp);
    status = IoAcquireRemoveLock(&filter->Lock, Irp);
    if (!NT_SUCCESS(status))
        return Complete(Irp, status, 0);
    IoSkipCurrentIrpStackLocation(Irp);
    status = IoCallDriver(filter->Lower, Irp);
    IoReleaseRemoveLockAndWait(&filter->Lock, Irp);
    DbgPrint("irp-count: removed%s after %d PnP requests\n",
             filter->Surprised ? " by surprise" : "", filter->Counts.Passed[IRP_MJ_PNP]);
    IoDetachDevice(filter->Lower);
    IoDeleteDevice(DeviceObject);
    return status;
}

static NTSTATUS NTAPI AddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT Physical)
{
    PDEVICE_OBJECT object;
    PFILTER filter;
    NTSTATUS status;

    status =
        IoCreateDevice(DriverObject, sizeof(FILTER), NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &object);
    if (!NT_SUCCESS(status))
        return status;
    filter = object->DeviceExtension;
    IoInitializeRemoveLock(&filter->Lock, LOCK_TAG, 0, 0);
    filter->Lower = IoAttachDeviceToDeviceStack(object, Physical);
    if (filter->Lower == NULL) {
        IoDeleteDevice(object);
        return STATUS_NO_SUCH_DEVICE;
    }
    object->DeviceType = filter->Lower->DeviceType;
    object->Characteristics = filter->Lower->Characteristics;
    object->Flags |=
        filter->Lower->Flags & (DO_BUFFERED_IO | DO_DIRECT_IO | DO_POWER_PAGABLE | DO_POWER_INRUSH);
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
        DriverObject->MajorFunction[i] = DispatchAny;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = DispatchControl;
    DriverObject->MajorFunction[IRP_MJ_PNP] = DispatchPnp;
    DriverObject->DriverExtension->AddDevice = AddDevice;
    DriverObject->DriverUnload = Unload;
    return STATUS_SUCCESS;
}
