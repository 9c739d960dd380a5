/*
 * suite.c - the WDM driver around a group of conformance cases.
 *
 * AddDevice makes a function device object for each device; the first also makes the control
 * device <driver>-test, the last that goes takes it along, so that the driver can unload. What
 * START_DEVICE brings is copied, nothing is connected: that is the cases' business.
 */
#include "suite.h"

#define NAME_MAX 64

typedef struct _TEST_EXTENSION {
    PTEST_DEVICE Device; /* NULL: the control device */
} TEST_EXTENSION, *PTEST_EXTENSION;

PTEST_DEVICE TestDevices;
PDRIVER_OBJECT TestDriver;
KTAP TestReport;
static PDEVICE_OBJECT ControlDevice;
static ULONG DeviceCount; /* devices added and not removed */

NTSTATUS TestComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

PVOID TestRoutine(PCWSTR Name)
{
    UNICODE_STRING name;

    RtlInitUnicodeString(&name, Name);
    return MmGetSystemRoutineAddress(&name);
}

/* ---- the control device -------------------------------------------------------------------- */

/* "\Device\" or "\DosDevices\", the driver's name, "-test". */
static VOID ControlName(PCWSTR Folder, PUNICODE_STRING Name, PWSTR Buffer)
{
    UNICODE_STRING driver = TestDriver->DriverName;
    USHORT i, start = 0;

    for (i = 0; i < driver.Length / sizeof(WCHAR); i++)
        if (driver.Buffer[i] == L'\\')
            start = i + 1;
    driver.Buffer += start;
    driver.Length -= start * sizeof(WCHAR);
    Name->Buffer = Buffer;
    Name->Length = 0;
    Name->MaximumLength = NAME_MAX * sizeof(WCHAR);
    RtlAppendUnicodeToString(Name, Folder);
    RtlAppendUnicodeStringToString(Name, &driver);
    RtlAppendUnicodeToString(Name, L"-test");
}

static NTSTATUS ControlCreate(VOID)
{
    WCHAR deviceText[NAME_MAX], linkText[NAME_MAX];
    UNICODE_STRING device, link;
    NTSTATUS status;

    ControlName(L"\\Device\\", &device, deviceText);
    ControlName(L"\\DosDevices\\", &link, linkText);
    status = IoCreateDevice(TestDriver, sizeof(TEST_EXTENSION), &device, FILE_DEVICE_UNKNOWN, 0,
                            FALSE, &ControlDevice);
    if (!NT_SUCCESS(status))
        return status;
    ((PTEST_EXTENSION)ControlDevice->DeviceExtension)->Device = NULL;
    status = IoCreateSymbolicLink(&link, &device);
    if (!NT_SUCCESS(status)) {
        IoDeleteDevice(ControlDevice);
        ControlDevice = NULL;
        return status;
    }
    ControlDevice->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static VOID ControlDelete(VOID)
{
    WCHAR text[NAME_MAX];
    UNICODE_STRING link;

    ControlName(L"\\DosDevices\\", &link, text);
    IoDeleteSymbolicLink(&link);
    IoDeleteDevice(ControlDevice);
    ControlDevice = NULL;
}

/* ---- resources ------------------------------------------------------------------------------ */

static PVOID CopyList(PCM_RESOURCE_LIST List)
{
    SIZE_T size;
    PVOID copy;

    if (List == NULL)
        return NULL;
    size = FIELD_OFFSET(CM_RESOURCE_LIST, List[0].PartialResourceList.PartialDescriptors) +
           List->List[0].PartialResourceList.Count * sizeof(CM_PARTIAL_RESOURCE_DESCRIPTOR);
    copy = ExAllocatePoolWithTag(NonPagedPool, size, TEST_TAG);
    if (copy != NULL)
        RtlCopyMemory(copy, List, size);
    return copy;
}

static VOID ReleaseResources(PTEST_DEVICE Device)
{
    if (Device->Registers != NULL)
        MmUnmapIoSpace(Device->Registers, Device->RegistersLength);
    if (Device->Translated != NULL)
        ExFreePoolWithTag(Device->Translated, TEST_TAG);
    if (Device->RawList != NULL)
        ExFreePoolWithTag(Device->RawList, TEST_TAG);
    if (Device->TranslatedList != NULL)
        ExFreePoolWithTag(Device->TranslatedList, TEST_TAG);
    Device->Registers = Device->Ports = NULL;
    Device->Translated = Device->Raw = NULL;
    Device->RawList = Device->TranslatedList = NULL;
    Device->InterruptCount = 0;
    Device->Started = FALSE;
}

static VOID TakeDescriptor(PTEST_DEVICE Device, PCM_PARTIAL_RESOURCE_DESCRIPTOR Translated,
                           PCM_PARTIAL_RESOURCE_DESCRIPTOR Raw)
{
    if (Translated->Type == CmResourceTypeMemory && Device->Registers == NULL) {
        Device->RegistersLength = Translated->u.Memory.Length;
        Device->Registers =
            MmMapIoSpace(Translated->u.Memory.Start, Device->RegistersLength, MmNonCached);
    }
    if (Translated->Type == CmResourceTypePort && Device->Ports == NULL)
        Device->Ports = (PUCHAR)(ULONG_PTR)Translated->u.Port.Start.QuadPart;
    if (Translated->Type == CmResourceTypeInterrupt) {
        Device->Translated[Device->InterruptCount] = Translated;
        Device->Raw[Device->InterruptCount++] = Raw;
    }
}

static NTSTATUS TakeResources(PTEST_DEVICE Device, PCM_RESOURCE_LIST Raw,
                              PCM_RESOURCE_LIST Translated)
{
    PCM_PARTIAL_RESOURCE_LIST list, raw;
    ULONG i;

    ReleaseResources(Device);
    Device->RawList = CopyList(Raw);
    Device->TranslatedList = CopyList(Translated);
    if (Device->TranslatedList != NULL && Device->RawList != NULL) {
        list = &Device->TranslatedList->List[0].PartialResourceList;
        raw = &Device->RawList->List[0].PartialResourceList;
        Device->Translated = ExAllocatePoolWithTag(
            NonPagedPool, (list->Count + 1) * 2 * sizeof(*Device->Translated), TEST_TAG);
        if (Device->Translated == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
        Device->Raw = Device->Translated + list->Count + 1;
        for (i = 0; i < list->Count; i++)
            TakeDescriptor(Device, &list->PartialDescriptors[i], &raw->PartialDescriptors[i]);
    }
    Device->Started = TRUE;
    Device->State = 0;
    Device->StartStatus = STATUS_SUCCESS;
    TestDevicePrepare(Device);
    if (TestGroup.Started != NULL)
        TestGroup.Started(Device);
    Device->Settled = FALSE;
    if (NT_SUCCESS(Device->StartStatus))
        Device->Starts++;
    return Device->StartStatus;
}

/* ---- finding devices ------------------------------------------------------------------------ */

PTEST_DEVICE TestFind(TEST_KIND Kind, ULONG Index)
{
    PTEST_DEVICE device;

    for (device = TestDevices; device != NULL; device = device->Next)
        if (device->Kind == Kind && device->Started && Index-- == 0)
            return device;
    return NULL;
}

BOOLEAN TestIsMessage(PTEST_DEVICE Device)
{
    return Device->InterruptCount > 0 &&
           (Device->Translated[0]->Flags & CM_RESOURCE_INTERRUPT_MESSAGE) != 0;
}

BOOLEAN TestIsLine(PTEST_DEVICE Device)
{
    return Device->InterruptCount > 0 && !TestIsMessage(Device);
}

BOOLEAN TestCanRaise(PTEST_DEVICE Device)
{
    if (!Device->Started || Device->InterruptCount == 0)
        return FALSE;
    if (Device->Kind == TestKindEdu || Device->Kind == TestKindSerial ||
        Device->Kind == TestKindKeyboard)
        return TRUE;
    return Device->Kind == (TestIsMessage(Device) ? TestKindRocker : TestKindE1000e);
}

PTEST_DEVICE TestFindLine(ULONG Index)
{
    PTEST_DEVICE device;

    for (device = TestDevices; device != NULL; device = device->Next)
        if (TestCanRaise(device) && TestIsLine(device) && Index-- == 0)
            return device;
    return NULL;
}

PTEST_DEVICE TestFindMessage(ULONG Index)
{
    PTEST_DEVICE device;

    for (device = TestDevices; device != NULL; device = device->Next)
        if (TestCanRaise(device) && TestIsMessage(device) && Index-- == 0)
            return device;
    return NULL;
}

ULONG TestMessageCount(PTEST_DEVICE Device)
{
    if (!TestIsMessage(Device))
        return 0;
    if (Device->InterruptCount == 1)
        return Device->Raw[0]->u.MessageInterrupt.Raw.MessageCount;
    return Device->InterruptCount;
}

/* ---- requests ------------------------------------------------------------------------------- */

static NTSTATUS PassDown(PTEST_DEVICE Device, PIRP Irp)
{
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(Device->Lower, Irp);
}

static VOID Unlink(PTEST_DEVICE Device)
{
    PTEST_DEVICE *link = &TestDevices;

    while (*link != NULL && *link != Device)
        link = &(*link)->Next;
    if (*link != NULL)
        *link = Device->Next;
}

static NTSTATUS Remove(PTEST_DEVICE Device, PIRP Irp)
{
    PDEVICE_OBJECT self = Device->Self, lower = Device->Lower;
    NTSTATUS status;

    if (Device->Started && TestGroup.Removing != NULL)
        TestGroup.Removing(Device);
    ReleaseResources(Device);
    Unlink(Device);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    status = PassDown(Device, Irp);
    IoDetachDevice(lower);
    ExFreePoolWithTag(Device, TEST_TAG);
    IoDeleteDevice(self);
    if (--DeviceCount == 0)
        ControlDelete();
    return status;
}

static NTSTATUS Filter(PTEST_DEVICE Device, PIRP Irp)
{
    PIO_RESOURCE_REQUIREMENTS_LIST list;
    NTSTATUS status;

    if (TestGroup.Filter == NULL)
        return PassDown(Device, Irp);
    if (IoForwardIrpSynchronously(Device->Lower, Irp))
        status = Irp->IoStatus.Status;
    else
        status = STATUS_UNSUCCESSFUL;
    if (!NT_SUCCESS(status) && status != STATUS_NOT_SUPPORTED)
        return TestComplete(Irp, status, Irp->IoStatus.Information);
    list = (PIO_RESOURCE_REQUIREMENTS_LIST)Irp->IoStatus.Information; /* RES-FLT-3 */
    TestGroup.Filter(Device, &list);
    return TestComplete(Irp, STATUS_SUCCESS, (ULONG_PTR)list);
}

static NTSTATUS Take(PTEST_DEVICE Device, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);

    return TakeResources(Device, stack->Parameters.StartDevice.AllocatedResources,
                         stack->Parameters.StartDevice.AllocatedResourcesTranslated);
}

static VOID NTAPI FinishStart(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    PIRP irp = Context;
    PIO_WORKITEM item = irp->Tail.Overlay.DriverContext[0];
    PTEST_DEVICE device = ((PTEST_EXTENSION)DeviceObject->DeviceExtension)->Device;

    TestComplete(irp, Take(device, irp), 0);
    IoFreeWorkItem(item);
}

/* The drivers below come first (PNP-1); what they say stands if they fail (PNP-2). */
static NTSTATUS Start(PTEST_DEVICE Device, PIRP Irp)
{
    NTSTATUS status = STATUS_UNSUCCESSFUL;
    PIO_WORKITEM item = NULL;

    if (IoForwardIrpSynchronously(Device->Lower, Irp))
        status = Irp->IoStatus.Status;
    if (NT_SUCCESS(status) && Device->StartLater)
        item = IoAllocateWorkItem(Device->Self);
    Device->StartLater = FALSE;
    if (item != NULL) {
        IoMarkIrpPending(Irp);
        Irp->Tail.Overlay.DriverContext[0] = item;
        IoQueueWorkItem(item, FinishStart, DelayedWorkQueue, Irp);
        return STATUS_PENDING;
    }
    if (NT_SUCCESS(status))
        status = Take(Device, Irp);
    return TestComplete(Irp, status, 0);
}

static NTSTATUS NTAPI DispatchPnp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PTEST_DEVICE device = ((PTEST_EXTENSION)DeviceObject->DeviceExtension)->Device;
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);

    if (device == NULL)
        return TestComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    switch (stack->MinorFunction) {
    case IRP_MN_START_DEVICE:
        return Start(device, Irp);
    case IRP_MN_QUERY_DEVICE_RELATIONS:
        if (stack->Parameters.QueryDeviceRelations.Type == BusRelations)
            device->Settled = device->Started;
        return PassDown(device, Irp);
    case IRP_MN_FILTER_RESOURCE_REQUIREMENTS:
        return Filter(device, Irp);
    case IRP_MN_REMOVE_DEVICE:
        return Remove(device, Irp);
    case IRP_MN_QUERY_PNP_DEVICE_STATE:
        Irp->IoStatus.Information |= device->State;
        Irp->IoStatus.Status = STATUS_SUCCESS;
        return PassDown(device, Irp);
    case IRP_MN_STOP_DEVICE:
    case IRP_MN_SURPRISE_REMOVAL:
        if (device->Started && TestGroup.Removing != NULL)
            TestGroup.Removing(device);
        ReleaseResources(device);
        /* fall through */
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
        Irp->IoStatus.Status = STATUS_SUCCESS;
        return PassDown(device, Irp);
    default:
        return PassDown(device, Irp);
    }
}

static NTSTATUS NTAPI DispatchPassDown(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PTEST_DEVICE device = ((PTEST_EXTENSION)DeviceObject->DeviceExtension)->Device;

    return device != NULL ? PassDown(device, Irp) : TestComplete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI DispatchOpenClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return TestComplete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI DispatchControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    PULONG buffer = Irp->AssociatedIrp.SystemBuffer;
    ULONG code = stack->Parameters.DeviceIoControl.IoControlCode;
    ULONG given = stack->Parameters.DeviceIoControl.InputBufferLength;
    VOID(*numbered)
    (ULONG Number) = code == (ULONG)IOCTL_TEST_STOP ? TestGroup.Stop : TestGroup.Step;

    if (DeviceObject != ControlDevice)
        return TestComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    switch (code) {
    case IOCTL_TEST_RUN:
        if (TestGroup.Run == NULL)
            return TestComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
        if (stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof(ULONG))
            return TestComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
        KtapBegin(&TestReport);
        TestGroup.Run();
        *buffer = KtapEnd(&TestReport);
        return TestComplete(Irp, STATUS_SUCCESS, sizeof(ULONG));
    case IOCTL_TEST_STOP:
    case IOCTL_TEST_STEP:
        if (given < sizeof(ULONG) || numbered == NULL)
            return TestComplete(Irp, STATUS_INVALID_PARAMETER, 0);
        numbered(*buffer);
        return TestComplete(Irp, STATUS_SUCCESS, 0);
    default:
        return TestComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}

static NTSTATUS NTAPI AddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT Physical)
{
    PTEST_DEVICE device, *link = &TestDevices;
    PDEVICE_OBJECT object;
    NTSTATUS status;

    if (ControlDevice == NULL) {
        status = ControlCreate();
        if (!NT_SUCCESS(status))
            return status;
    }
    status = IoCreateDevice(DriverObject, sizeof(TEST_EXTENSION), NULL, FILE_DEVICE_UNKNOWN, 0,
                            FALSE, &object);
    if (!NT_SUCCESS(status))
        return status;
    device = ExAllocatePoolWithTag(NonPagedPool, sizeof(*device), TEST_TAG);
    if (device == NULL) {
        IoDeleteDevice(object);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlZeroMemory(device, sizeof(*device));
    device->Self = object;
    device->Physical = Physical;
    device->Kind = TestKindOf(Physical);
    device->Remapped = TestIsMarked(Physical, L"Remapped");
    device->Lower = IoAttachDeviceToDeviceStack(object, Physical);
    if (device->Lower == NULL) {
        ExFreePoolWithTag(device, TEST_TAG);
        IoDeleteDevice(object);
        return STATUS_NO_SUCH_DEVICE;
    }
    ((PTEST_EXTENSION)object->DeviceExtension)->Device = device;
    while (*link != NULL)
        link = &(*link)->Next;
    *link = device;
    DeviceCount++;
    object->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static VOID NTAPI Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    if (TestGroup.Unloading != NULL)
        TestGroup.Unloading();
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    TestDriver = DriverObject;
    DriverObject->DriverExtension->AddDevice = AddDevice;
    DriverObject->DriverUnload = Unload;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = DispatchOpenClose;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = DispatchOpenClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = DispatchOpenClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = DispatchControl;
    DriverObject->MajorFunction[IRP_MJ_PNP] = DispatchPnp;
    DriverObject->MajorFunction[IRP_MJ_POWER] = DispatchPassDown;
    DriverObject->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = DispatchPassDown;
    if (TestGroup.Entry != NULL)
        TestGroup.Entry();
    return STATUS_SUCCESS;
}
