/*
 * edu-bus.c - the bus itself: a function driver for an edu, with two slots.
 *
 * To the PnP manager a bus driver is a function driver that also answers QUERY_DEVICE_RELATIONS and
 * deletes its children before it goes. Slots are plugged and unplugged by control code; each time
 * IoInvalidateDeviceRelations makes the PnP manager ask again.
 *
 * The driver has device objects of two kinds, so its dispatch routines look which it is first.
 */
#define FUNCTION_NAME "edu-bus"
#define FUNCTION_TYPE FILE_DEVICE_BUS_EXTENDER
#define FUNCTION_FLAGS DO_BUFFERED_IO
#define FUNCTION_DISPATCH_PNP BusPnp
#define FUNCTION_DISPATCH_POWER BusPower
#define FUNCTION_DISPATCH_REQUEST BusRequest
#define FUNCTION_DISPATCH_OTHER BusOther

#include "edu-bus.h"

static DRIVER_DISPATCH BusPnp, BusPower, BusRequest, BusOther;

#include "../function/dispatch.h"

/* ---- The interrupt: as in the edu drivers, which say why ---------------------------------- */

static BOOLEAN NTAPI LineRoutine(PKINTERRUPT Interrupt, PVOID Context)
{
    PDEVICE device = Context;

    UNREFERENCED_PARAMETER(Interrupt);
    if (!EduServe(&device->Hardware))
        return FALSE;
    KeInsertQueueDpc(&device->Dpc, NULL, NULL);
    return TRUE;
}

static BOOLEAN NTAPI MessageRoutine(PKINTERRUPT Interrupt, PVOID Context, ULONG MessageId)
{
    UNREFERENCED_PARAMETER(MessageId);
    return LineRoutine(Interrupt, Context);
}

static VOID NTAPI DpcRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PDEVICE device = Context;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    EduServed(&device->Hardware);
}

/* ---- By dispatch.h ------------------------------------------------------------------------ */

VOID FunctionInitialize(PDEVICE Device)
{
    ULONG slot;

    EduInitialize(&Device->Hardware);
    KeInitializeDpc(&Device->Dpc, DpcRoutine, Device);
    ExInitializeFastMutex(&Device->Slots.Lock);
    for (slot = 0; slot < BUS_SLOTS; slot++)
        Device->Slots.Plugged[slot] = TRUE;
}

NTSTATUS FunctionStart(PDEVICE Device)
{
    PCM_PARTIAL_RESOURCE_DESCRIPTOR memory =
        FunctionResource(&Device->Function, CmResourceTypeMemory, 0);
    NTSTATUS status;

    if (memory == NULL)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    Device->Length = memory->u.Memory.Length;
    status = EduMap(&Device->Hardware, memory->u.Memory.Start, Device->Length);
    if (NT_SUCCESS(status))
        status = FunctionConnect(&Device->Function, MessageRoutine, LineRoutine, Device);
    if (!NT_SUCCESS(status))
        return status;
    Device->Hardware.Statistics.Version = Device->Function.Connection.Version;
    Device->Hardware.Statistics.MessageCount = Device->Function.MessageCount;
    DbgPrint("edu-bus%u: connected by %s, %u slots\n", Device->Function.Index,
             FunctionConnectionText(&Device->Function), BUS_SLOTS);
    return STATUS_SUCCESS;
}

VOID FunctionStop(PDEVICE Device)
{
    PEDU_HARDWARE hardware = &Device->Hardware;

    KeWaitForSingleObject(&hardware->Busy, Executive, KernelMode, FALSE, NULL);
    EduSilence(hardware);
    FunctionDisconnect(&Device->Function);
    EduUnmap(hardware, Device->Length);
    KeReleaseMutex(&hardware->Busy, FALSE);
}

static NTSTATUS Plug(PDEVICE Device, PIRP Irp, BOOLEAN Plugged)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG slot;

    if (stack->Parameters.DeviceIoControl.InputBufferLength < sizeof(ULONG))
        return STATUS_BUFFER_TOO_SMALL;
    slot = *(PULONG)Irp->AssociatedIrp.SystemBuffer;
    if (slot >= BUS_SLOTS)
        return STATUS_INVALID_PARAMETER;
    ExAcquireFastMutex(&Device->Slots.Lock);
    Device->Slots.Plugged[slot] = Plugged;
    ExReleaseFastMutex(&Device->Slots.Lock);
    IoInvalidateDeviceRelations(Device->Function.Physical, BusRelations);
    return STATUS_SUCCESS;
}

NTSTATUS FunctionRequest(PDEVICE Device, PIRP Irp, PULONG Information)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG code = stack->Parameters.DeviceIoControl.IoControlCode;
    NTSTATUS status;

    if (stack->MajorFunction != IRP_MJ_DEVICE_CONTROL)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (code == (ULONG)IOCTL_EDU_BUS_PLUG || code == (ULONG)IOCTL_EDU_BUS_UNPLUG)
        return Plug(Device, Irp, code == (ULONG)IOCTL_EDU_BUS_PLUG);
    status = EduControl(&Device->Hardware, Irp);
    *Information = (ULONG)Irp->IoStatus.Information;
    return status;
}

/* ---- Which kind of device object? --------------------------------------------------------- */

/* Before the bus goes its children go: they have had their REMOVE_DEVICE. */
static NTSTATUS NTAPI BusPnp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS status;

    if (IsChild(DeviceObject))
        return ChildPnp(DeviceObject, Irp);
    if (stack->MinorFunction == IRP_MN_REMOVE_DEVICE)
        ChildrenDelete(DeviceObject->DeviceExtension);
    if (stack->MinorFunction == IRP_MN_QUERY_DEVICE_RELATIONS &&
        stack->Parameters.QueryDeviceRelations.Type == BusRelations) {
        status = ChildrenReport(DeviceObject->DeviceExtension, Irp);
        if (!NT_SUCCESS(status))
            return Complete(Irp, status, 0);
        Irp->IoStatus.Status = status; /* and down: others below may add theirs */
    }
    return DispatchPnp(DeviceObject, Irp);
}

static NTSTATUS NTAPI BusPower(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return IsChild(DeviceObject) ? ChildPower(Irp) : DispatchPower(DeviceObject, Irp);
}

static NTSTATUS NTAPI BusRequest(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return IsChild(DeviceObject) ? ChildRequest(DeviceObject, Irp)
                                 : DispatchRequest(DeviceObject, Irp);
}

/* A child is the end of its stack: what it has no part in it completes as it came. */
static NTSTATUS NTAPI BusOther(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    NTSTATUS status = Irp->IoStatus.Status;

    if (!IsChild(DeviceObject))
        return DispatchPassDown(DeviceObject, Irp);
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return status;
}
