/*
 * dispatch.h - the dispatch routines of a function driver; see function.h. Included by one file of
 * each driver.
 *
 * Power: the device is in D0 from START_DEVICE on. SET_POWER to D3 stops it as STOP_DEVICE does and
 * is then passed down, so that the bus driver takes the power away last; to D0 it is passed down
 * first. The device object asks for power IRPs at PASSIVE_LEVEL (DO_POWER_PAGABLE), as stopping and
 * starting wait. The driver owns the device's power policy: of a state of the system as a whole,
 * shutdown too, it makes one of the device, which it asks the power manager for. Windows'
 * documentation: "Handling a System Set-Power IRP in a Device Power Policy Owner".
 */
#pragma once

#include "function.h"

#define WIDE_AGAIN(Text) L##Text
#define WIDE(Text) WIDE_AGAIN(Text)
#define DEVICE_NAME L"\\Device\\" WIDE(FUNCTION_NAME) L"0"
#define LINK_NAME L"\\DosDevices\\" WIDE(FUNCTION_NAME) L"0"
#define NAME_DIGIT(Name) ((Name)[sizeof(Name) / sizeof((Name)[0]) - 2])
#define DEVICES_MAX 10 /* the last character of the names is a digit */

/* A driver with device objects of other kinds, too, names routines of its own, which tell them
 * apart. */
#ifndef FUNCTION_DISPATCH_PNP
#define FUNCTION_DISPATCH_PNP DispatchPnp
#define FUNCTION_DISPATCH_POWER DispatchPower
#define FUNCTION_DISPATCH_REQUEST DispatchRequest
#define FUNCTION_DISPATCH_OTHER DispatchPassDown
#endif

/* A driver that keeps what it has in D3 names routines of its own for the way there and back. */
#ifdef FUNCTION_SLEEP
#define FUNCTION_SLEEPS_STOPPED FALSE
#else
#define FUNCTION_SLEEP FunctionStop
#define FUNCTION_WAKE FunctionStart
#define FUNCTION_SLEEPS_STOPPED TRUE
#endif

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status, ULONG Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS NTAPI DispatchPassDown(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PFUNCTION function = DeviceObject->DeviceExtension;

    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(function->Lower, Irp);
}

/* ---- Starting and stopping -------------------------------------------------------------- */

/* A copy of a list with one full descriptor, which is what a PCI device gets. */
static PCM_RESOURCE_LIST CopyResources(PCM_RESOURCE_LIST List)
{
    PCM_RESOURCE_LIST copy;
    SIZE_T size;

    if (List == NULL || List->Count == 0)
        return NULL;
    size = FIELD_OFFSET(CM_RESOURCE_LIST, List[0].PartialResourceList.PartialDescriptors) +
           List->List[0].PartialResourceList.Count * sizeof(CM_PARTIAL_RESOURCE_DESCRIPTOR);
    copy = ExAllocatePoolWithTag(NonPagedPool, size, FUNCTION_TAG);
    if (copy != NULL) {
        RtlCopyMemory(copy, List, size);
        copy->Count = 1;
    }
    return copy;
}

static VOID FreeResources(PFUNCTION Function)
{
    if (Function->Raw != NULL)
        ExFreePoolWithTag(Function->Raw, FUNCTION_TAG);
    if (Function->Translated != NULL)
        ExFreePoolWithTag(Function->Translated, FUNCTION_TAG);
    Function->Raw = NULL;
    Function->Translated = NULL;
}

static NTSTATUS Run(PFUNCTION Function, NTSTATUS (*Start)(PDEVICE Device))
{
    NTSTATUS status = Start((PDEVICE)Function);

    Function->Asleep = FALSE;
    if (!NT_SUCCESS(status)) {
        DbgPrint(FUNCTION_NAME "%u: not started, status 0x%08X\n", Function->Index, status);
        FunctionStop((PDEVICE)Function);
        return status;
    }
    Function->Running = TRUE;
    return status;
}

static VOID Halt(PFUNCTION Function)
{
    if (Function->Running || (Function->Asleep && !FUNCTION_SLEEPS_STOPPED))
        FunctionStop((PDEVICE)Function);
    Function->Running = FALSE;
    Function->Asleep = FALSE;
}

/* ---- PnP -------------------------------------------------------------------------------- */

/* The bus driver is below: it must have powered and configured the device before we touch it. */
static NTSTATUS PnpStart(PFUNCTION Function, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS status = STATUS_UNSUCCESSFUL;

    if (IoForwardIrpSynchronously(Function->Lower, Irp))
        status = Irp->IoStatus.Status;
    if (NT_SUCCESS(status)) {
        Function->Raw = CopyResources(stack->Parameters.StartDevice.AllocatedResources);
        Function->Translated =
            CopyResources(stack->Parameters.StartDevice.AllocatedResourcesTranslated);
        status = Run(Function, FunctionStart);
        Function->Started = NT_SUCCESS(status);
        if (!NT_SUCCESS(status))
            FreeResources(Function);
    }
    return Complete(Irp, status, 0);
}

static VOID PnpStop(PFUNCTION Function)
{
    Halt(Function);
    Function->Started = FALSE;
    FreeResources(Function);
}

/* First turn away and finish what waits for the device, or the lock would never come free. */
static NTSTATUS PnpRemove(PDEVICE_OBJECT DeviceObject, PFUNCTION Function, PIRP Irp)
{
    UNICODE_STRING link;
    WCHAR name[] = LINK_NAME;
    NTSTATUS status;

    PnpStop(Function);
    IoReleaseRemoveLockAndWait(&Function->Lock, Irp);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoSkipCurrentIrpStackLocation(Irp);
    status = IoCallDriver(Function->Lower, Irp);

    NAME_DIGIT(name) += (WCHAR)Function->Index;
    RtlInitUnicodeString(&link, name);
    IoDeleteSymbolicLink(&link);
    IoDetachDevice(Function->Lower);
    IoDeleteDevice(DeviceObject);
    return status;
}

static NTSTATUS NTAPI DispatchPnp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PFUNCTION function = DeviceObject->DeviceExtension;
    UCHAR minor = IoGetCurrentIrpStackLocation(Irp)->MinorFunction;
    NTSTATUS status = IoAcquireRemoveLock(&function->Lock, Irp);

    if (!NT_SUCCESS(status))
        return Complete(Irp, status, 0);
    if (minor == IRP_MN_REMOVE_DEVICE)
        return PnpRemove(DeviceObject, function, Irp); /* releases the lock */
    if (minor == IRP_MN_START_DEVICE) {
        status = PnpStart(function, Irp);
    } else {
        if (minor == IRP_MN_STOP_DEVICE || minor == IRP_MN_SURPRISE_REMOVAL)
            PnpStop(function);
        if (minor == IRP_MN_QUERY_STOP_DEVICE || minor == IRP_MN_CANCEL_STOP_DEVICE ||
            minor == IRP_MN_STOP_DEVICE || minor == IRP_MN_SURPRISE_REMOVAL ||
            minor == IRP_MN_QUERY_REMOVE_DEVICE || minor == IRP_MN_CANCEL_REMOVE_DEVICE)
            Irp->IoStatus.Status = STATUS_SUCCESS;
        status = DispatchPassDown(DeviceObject, Irp);
    }
    IoReleaseRemoveLock(&function->Lock, Irp);
    return status;
}

/* ---- Power ------------------------------------------------------------------------------ */

/*
 * Before Windows Vista power requests go down by PoCallDriver, and each driver calls
 * PoStartNextPowerIrp before it lets go of one. Since then IoCallDriver would do, too, and the
 * other does nothing.
 */
static NTSTATUS PowerPassDown(PFUNCTION Function, PIRP Irp)
{
    PoStartNextPowerIrp(Irp);
    IoSkipCurrentIrpStackLocation(Irp);
    return PoCallDriver(Function->Lower, Irp);
}

static NTSTATUS NTAPI PowerCameUp(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    KeSetEvent(Context, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* The status that the drivers below completed it with. PASSIVE_LEVEL. */
static NTSTATUS PowerForward(PFUNCTION Function, PIRP Irp)
{
    KEVENT event;

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, PowerCameUp, &event, TRUE, TRUE, TRUE);
    PoCallDriver(Function->Lower, Irp);
    KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
    return Irp->IoStatus.Status;
}

/* The device is in the state that fits the system's, and with that this request is done, too. */
static VOID NTAPI DeviceStateSet(PDEVICE_OBJECT DeviceObject, UCHAR Minor, POWER_STATE State,
                                 PVOID Context, PIO_STATUS_BLOCK Block)
{
    PFUNCTION function = DeviceObject->DeviceExtension;
    PIRP system = Context;

    UNREFERENCED_PARAMETER(Minor);
    UNREFERENCED_PARAMETER(State);
    system->IoStatus.Status = Block->Status;
    PoStartNextPowerIrp(system);
    IoCompleteRequest(system, IO_NO_INCREMENT);
    IoReleaseRemoveLock(&function->Lock, system);
}

/* The drivers below have seen the system's state; IRQL <= DISPATCH_LEVEL. */
static NTSTATUS NTAPI SystemStateSeen(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    PFUNCTION function = Context;
    NTSTATUS status = Irp->IoStatus.Status;
    POWER_STATE state;

    UNREFERENCED_PARAMETER(DeviceObject);
    state.DeviceState = stack->Parameters.Power.State.SystemState == PowerSystemWorking
                            ? PowerDeviceD0
                            : PowerDeviceD3;
    if (NT_SUCCESS(status))
        status =
            PoRequestPowerIrp(function->Self, IRP_MN_SET_POWER, state, DeviceStateSet, Irp, NULL);
    if (status == STATUS_PENDING)
        return STATUS_MORE_PROCESSING_REQUIRED; /* DeviceStateSet completes it */
    Irp->IoStatus.Status = status;
    PoStartNextPowerIrp(Irp);
    IoReleaseRemoveLock(&function->Lock, Irp);
    return STATUS_CONTINUE_COMPLETION;
}

static NTSTATUS SystemState(PFUNCTION Function, PIRP Irp)
{
    IoMarkIrpPending(Irp);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, SystemStateSeen, Function, TRUE, TRUE, TRUE);
    PoCallDriver(Function->Lower, Irp);
    return STATUS_PENDING;
}

static NTSTATUS PowerUp(PFUNCTION Function, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS status = PowerForward(Function, Irp);

    if (NT_SUCCESS(status) && !Function->Running && Function->Started)
        status = Run(Function, Function->Asleep ? FUNCTION_WAKE : FunctionStart);
    if (NT_SUCCESS(status))
        PoSetPowerState(Function->Self, DevicePowerState, stack->Parameters.Power.State);
    PoStartNextPowerIrp(Irp);
    return Complete(Irp, status, 0);
}

/* Silent before the bus driver takes the power away, of which the power manager is told first. */
static VOID PowerDown(PFUNCTION Function, PIO_STACK_LOCATION Stack)
{
    PoSetPowerState(Function->Self, DevicePowerState, Stack->Parameters.Power.State);
    if (!Function->Running)
        return;
    FUNCTION_SLEEP((PDEVICE)Function);
    Function->Running = FALSE;
    Function->Asleep = TRUE;
}

static NTSTATUS NTAPI DispatchPower(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PFUNCTION function = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    BOOLEAN set = stack->MinorFunction == IRP_MN_SET_POWER;
    BOOLEAN device = set && stack->Parameters.Power.Type == DevicePowerState;
    NTSTATUS status = IoAcquireRemoveLock(&function->Lock, Irp);

    if (!NT_SUCCESS(status)) {
        PoStartNextPowerIrp(Irp);
        return Complete(Irp, status, 0);
    }
    if (set && !device)
        return SystemState(function, Irp); /* the lock is released when it is completed */
    if (device && stack->Parameters.Power.State.DeviceState == PowerDeviceD0) {
        status = PowerUp(function, Irp);
    } else {
        if (device)
            PowerDown(function, stack);
        if (device || stack->MinorFunction == IRP_MN_QUERY_POWER)
            Irp->IoStatus.Status = STATUS_SUCCESS;
        status = PowerPassDown(function, Irp);
    }
    IoReleaseRemoveLock(&function->Lock, Irp);
    return status;
}

/* ---- Requests --------------------------------------------------------------------------- */

static NTSTATUS NTAPI DispatchRequest(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PFUNCTION function = DeviceObject->DeviceExtension;
    NTSTATUS status = IoAcquireRemoveLock(&function->Lock, Irp);
    ULONG information = 0;

    if (!NT_SUCCESS(status))
        return Complete(Irp, status, 0);
    status = FunctionRequest((PDEVICE)function, Irp, &information);
    if (status != STATUS_PENDING)
        FunctionFinish(function, Irp, status, information);
    return status;
}

static NTSTATUS NTAPI DispatchOpenClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return Complete(Irp, STATUS_SUCCESS, 0);
}

/* ---- Devices ---------------------------------------------------------------------------- */

/* A device object with the first name that is free. */
static NTSTATUS CreateNamed(PDRIVER_OBJECT DriverObject, ULONG Size, PDEVICE_OBJECT *Object)
{
    WCHAR deviceText[] = DEVICE_NAME, linkText[] = LINK_NAME;
    UNICODE_STRING deviceName, linkName;
    NTSTATUS status;
    ULONG index = 0;

    RtlInitUnicodeString(&deviceName, deviceText);
    RtlInitUnicodeString(&linkName, linkText);
    while ((status = IoCreateDevice(DriverObject, Size, &deviceName, FUNCTION_TYPE,
                                    FILE_DEVICE_SECURE_OPEN, FALSE, Object)) ==
               STATUS_OBJECT_NAME_COLLISION &&
           ++index < DEVICES_MAX)
        NAME_DIGIT(deviceText)++; /* taken: the next number */
    if (!NT_SUCCESS(status))
        return status;
    NAME_DIGIT(linkText) += (WCHAR)index;
    ((PFUNCTION)(*Object)->DeviceExtension)->Index = index;
    status = IoCreateSymbolicLink(&linkName, &deviceName);
    if (!NT_SUCCESS(status))
        IoDeleteDevice(*Object);
    return status;
}

static NTSTATUS NTAPI AddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT Physical)
{
    WCHAR linkText[] = LINK_NAME;
    UNICODE_STRING linkName;
    PDEVICE_OBJECT object;
    PFUNCTION function;
    NTSTATUS status;

    status = CreateNamed(DriverObject, sizeof(DEVICE), &object);
    if (!NT_SUCCESS(status))
        return status;
    function = object->DeviceExtension; /* zeroed by the system */
    function->Self = object;
    function->Physical = Physical;
    IoInitializeRemoveLock(&function->Lock, FUNCTION_TAG, 0, 0);
    FunctionInitialize((PDEVICE)function);
    function->Lower = IoAttachDeviceToDeviceStack(object, Physical);
    if (function->Lower == NULL) {
        NAME_DIGIT(linkText) += (WCHAR)function->Index;
        RtlInitUnicodeString(&linkName, linkText);
        IoDeleteSymbolicLink(&linkName);
        IoDeleteDevice(object);
        return STATUS_NO_SUCH_DEVICE;
    }
    object->Flags |= FUNCTION_FLAGS | DO_POWER_PAGABLE;
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
    DriverObject->MajorFunction[IRP_MJ_READ] = FUNCTION_DISPATCH_REQUEST;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = FUNCTION_DISPATCH_REQUEST;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = FUNCTION_DISPATCH_REQUEST;
    DriverObject->MajorFunction[IRP_MJ_PNP] = FUNCTION_DISPATCH_PNP;
    DriverObject->MajorFunction[IRP_MJ_POWER] = FUNCTION_DISPATCH_POWER;
    DriverObject->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = FUNCTION_DISPATCH_OTHER;
    return STATUS_SUCCESS;
}
