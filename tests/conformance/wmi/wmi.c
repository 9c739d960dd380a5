/*
 * wmi.c - a WMI data provider by way of the WMI library: what it registers, and the requests that
 * WMI sends it. WMI itself is played by the cases, but for registration.
 */
#include "wmi.h"

const GUID BlockGuid = {0x4f1f2c00, 0x7a31, 0x4d0e, {0x91, 0x02, 3, 4, 5, 6, 7, 8}};
const GUID EventGuid = {0x4f1f2c01, 0x7a31, 0x4d0e, {0x91, 0x02, 3, 4, 5, 6, 7, 8}};
const GUID OtherGuid = {0x4f1f2c02, 0x7a31, 0x4d0e, {0x91, 0x02, 3, 4, 5, 6, 7, 8}};

const GUID TracedGuid = {0x4f1f2c03, 0x7a31, 0x4d0e, {0x91, 0x02, 3, 4, 5, 6, 7, 8}};

PROVIDER Provider;
static TEST_THREAD Completer;

static NTSTATUS NTAPI QueryRegInfo(PDEVICE_OBJECT DeviceObject, PULONG RegFlags,
                                   PUNICODE_STRING InstanceName, PUNICODE_STRING *RegistryPath,
                                   PUNICODE_STRING MofResourceName, PDEVICE_OBJECT *Pdo)
{
    static UNICODE_STRING path = RTL_CONSTANT_STRING(L"\\Registry\\Machine\\Wmi");
    ULONG i;

    UNREFERENCED_PARAMETER(DeviceObject);
    InterlockedExchange(&Provider.Inside, 1);
    Provider.InSystemThread =
        KeGetCurrentIrql() == PASSIVE_LEVEL && PsIsSystemThread(PsGetCurrentThread());
    while (Provider.Hold)
        TestPause(1);
    *RegFlags = Provider.RegFlags;
    *RegistryPath = &path;
    RtlInitUnicodeString(MofResourceName, L"Mof");
    *Pdo = TestDevices->Physical;
    if (Provider.BaseUnits != 0) { /* the library frees it */
        USHORT bytes = (USHORT)(Provider.BaseUnits * sizeof(WCHAR));

        InstanceName->Buffer = ExAllocatePoolWithTag(NonPagedPool, bytes, TEST_TAG);
        if (InstanceName->Buffer == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
        for (i = 0; i < Provider.BaseUnits; i++)
            InstanceName->Buffer[i] = L'B';
        InstanceName->Length = InstanceName->MaximumLength = bytes;
    }
    InterlockedIncrement(&Provider.RegInfos);
    return Provider.Status;
}

static VOID CompleteLater(PVOID Context)
{
    PIRP irp = Context;
    KIRQL irql;

    TestPause(10);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    WmiCompleteRequest(TestDevices->Self, irp, STATUS_SUCCESS, Provider.Size[0], IO_NO_INCREMENT);
    KeLowerIrql(irql);
}

static NTSTATUS Completed(PDEVICE_OBJECT DeviceObject, PIRP Irp, NTSTATUS Status, ULONG Used)
{
    Provider.Completion = WmiCompleteRequest(DeviceObject, Irp, Status, Used, IO_NO_INCREMENT);
    return Provider.Completion;
}

static NTSTATUS NTAPI QueryDataBlock(PDEVICE_OBJECT DeviceObject, PIRP Irp, ULONG GuidIndex,
                                     ULONG InstanceIndex, ULONG InstanceCount,
                                     PULONG InstanceLengthArray, ULONG BufferAvail, PUCHAR Buffer)
{
    ULONG used = 0, i;

    Provider.Calls++;
    Provider.GuidIndex = GuidIndex;
    Provider.Instance = InstanceIndex;
    Provider.Count = InstanceCount;
    Provider.OutSize = BufferAvail;
    Provider.Lengths = InstanceLengthArray != NULL;
    for (i = InstanceIndex; i < InstanceIndex + InstanceCount; i++)
        used = ((used + 7) & ~7u) + Provider.Size[i]; /* each instance on eight bytes */
    if (!NT_SUCCESS(Provider.Status))
        return Completed(DeviceObject, Irp, Provider.Status, 0);
    if (InstanceLengthArray == NULL || used > BufferAvail)
        return Completed(DeviceObject, Irp, STATUS_BUFFER_TOO_SMALL, used);
    used = 0;
    for (i = InstanceIndex; i < InstanceIndex + InstanceCount; i++) {
        used = (used + 7) & ~7u;
        InstanceLengthArray[i - InstanceIndex] = Provider.Size[i];
        RtlCopyMemory(Buffer + used, Provider.Data[i], Provider.Size[i]);
        used += Provider.Size[i];
    }
    if (Provider.Later) {
        IoMarkIrpPending(Irp);
        if (TestThreadStart(&Completer, TestCurrentProcessor(), CompleteLater, Irp))
            return STATUS_PENDING;
    }
    return Completed(DeviceObject, Irp, STATUS_SUCCESS, used);
}

/* What all callbacks that change something have in common. */
static NTSTATUS Change(PDEVICE_OBJECT DeviceObject, PIRP Irp, ULONG GuidIndex, ULONG Instance,
                       ULONG Item, ULONG Size, PUCHAR Buffer)
{
    Provider.Calls++;
    Provider.GuidIndex = GuidIndex;
    Provider.Instance = Instance;
    Provider.Item = Item;
    Provider.InSize = Size;
    if (Size <= DATA)
        RtlCopyMemory(Provider.Data[Instance], Buffer, Size);
    return WmiCompleteRequest(DeviceObject, Irp, Provider.Status, 0, IO_NO_INCREMENT);
}

static NTSTATUS NTAPI SetDataBlock(PDEVICE_OBJECT DeviceObject, PIRP Irp, ULONG GuidIndex,
                                   ULONG InstanceIndex, ULONG BufferSize, PUCHAR Buffer)
{
    return Change(DeviceObject, Irp, GuidIndex, InstanceIndex, 0, BufferSize, Buffer);
}

static NTSTATUS NTAPI SetDataItem(PDEVICE_OBJECT DeviceObject, PIRP Irp, ULONG GuidIndex,
                                  ULONG InstanceIndex, ULONG DataItemId, ULONG BufferSize,
                                  PUCHAR Buffer)
{
    return Change(DeviceObject, Irp, GuidIndex, InstanceIndex, DataItemId, BufferSize, Buffer);
}

/* Writes back twice what it gets. */
static NTSTATUS NTAPI ExecuteMethod(PDEVICE_OBJECT DeviceObject, PIRP Irp, ULONG GuidIndex,
                                    ULONG InstanceIndex, ULONG MethodId, ULONG InBufferSize,
                                    ULONG OutBufferSize, PUCHAR Buffer)
{
    Provider.Calls++;
    Provider.GuidIndex = GuidIndex;
    Provider.Instance = InstanceIndex;
    Provider.Item = MethodId;
    Provider.InSize = InBufferSize;
    Provider.OutSize = OutBufferSize;
    if (OutBufferSize < 2 * InBufferSize)
        return WmiCompleteRequest(DeviceObject, Irp, STATUS_BUFFER_TOO_SMALL, 2 * InBufferSize,
                                  IO_NO_INCREMENT);
    RtlCopyMemory(Buffer + InBufferSize, Buffer, InBufferSize);
    return WmiCompleteRequest(DeviceObject, Irp, STATUS_SUCCESS, 2 * InBufferSize, IO_NO_INCREMENT);
}

static NTSTATUS NTAPI FunctionControl(PDEVICE_OBJECT DeviceObject, PIRP Irp, ULONG GuidIndex,
                                      WMIENABLEDISABLECONTROL Function, BOOLEAN Enable)
{
    Provider.Calls++;
    Provider.GuidIndex = GuidIndex;
    Provider.Function = Function;
    Provider.Enable = Enable;
    return WmiCompleteRequest(DeviceObject, Irp, STATUS_SUCCESS, 0, IO_NO_INCREMENT);
}

VOID ProviderReset(VOID)
{
    static const WMILIB_CONTEXT all = {
        .GuidCount = BLOCKS,
        .QueryWmiRegInfo = QueryRegInfo,
        .QueryWmiDataBlock = QueryDataBlock,
        .SetWmiDataBlock = SetDataBlock,
        .SetWmiDataItem = SetDataItem,
        .ExecuteWmiMethod = ExecuteMethod,
        .WmiFunctionControl = FunctionControl,
    };
    ULONG i;

    RtlZeroMemory(&Provider, sizeof(Provider));
    Provider.Library = all;
    Provider.Library.GuidList = Provider.Guids;
    Provider.Guids[0].Guid = &BlockGuid;
    Provider.Guids[0].InstanceCount = INSTANCES;
    Provider.Guids[0].Flags = WMIREG_FLAG_EXPENSIVE;
    Provider.Guids[1].Guid = &EventGuid;
    Provider.Guids[1].InstanceCount = 1;
    Provider.Guids[1].Flags = WMIREG_FLAG_EVENT_ONLY_GUID;
    Provider.RegFlags = WMIREG_FLAG_INSTANCE_PDO;
    for (i = 0; i < INSTANCES; i++) {
        Provider.Size[i] = 4 + 8 * i; /* 4, 12, 20 */
        RtlFillMemory(Provider.Data[i], DATA, 0x10 + i);
    }
}

static NTSTATUS Forward(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PTEST_DEVICE device;

    for (device = TestDevices; device != NULL; device = device->Next) {
        if (device->Self == DeviceObject) {
            IoSkipCurrentIrpStackLocation(Irp);
            return IoCallDriver(device->Lower, Irp);
        }
    }
    Irp->IoStatus.Status = STATUS_INVALID_DEVICE_REQUEST;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_INVALID_DEVICE_REQUEST;
}

/* What the library does not hand on: the node of a block that is traced. */
static VOID NoteEnable(PIO_STACK_LOCATION Location)
{
    if (Location->MinorFunction != IRP_MN_ENABLE_EVENTS &&
        Location->MinorFunction != IRP_MN_DISABLE_EVENTS)
        return;
    Provider.EnableMinor = Location->MinorFunction;
    if (Location->Parameters.WMI.BufferSize >= sizeof(WNODE_HEADER))
        Provider.EnableNode = *(PWNODE_HEADER)Location->Parameters.WMI.Buffer;
    InterlockedIncrement(&Provider.Enables);
}

/* As the WDK says a dispatch routine is written around WmiSystemControl. */
static NTSTATUS NTAPI DispatchSystemControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    IO_STACK_LOCATION location = *IoGetCurrentIrpStackLocation(Irp);
    SYSCTL_IRP_DISPOSITION disposition;
    NTSTATUS status;

    NoteEnable(&location);
    status = WmiSystemControl(&Provider.Library, DeviceObject, Irp, &disposition);

    Provider.Disposition = disposition;
    switch (disposition) {
    case IrpProcessed:
        return status;
    case IrpNotCompleted:
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        if (location.MinorFunction == IRP_MN_REGINFO_EX) {
            Provider.DataPath = (ULONG_PTR)location.Parameters.WMI.DataPath;
            Provider.RequestStatus = status;
            InterlockedIncrement(&Provider.Requests);
        }
        return status;
    default:
        return Forward(DeviceObject, Irp);
    }
}

static NTSTATUS NTAPI Signal(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    KeSetEvent(Context, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

NTSTATUS Send(UCHAR Minor, ULONG_PTR ProviderId, PVOID DataPath, PVOID Buffer, ULONG Size,
              PULONG_PTR Information)
{
    PDEVICE_OBJECT device = TestDevices->Self;
    PIRP irp = IoAllocateIrp(device->StackSize, FALSE);
    PIO_STACK_LOCATION location;
    NTSTATUS status;
    KEVENT event;

    if (irp == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    location = IoGetNextIrpStackLocation(irp);
    location->MajorFunction = IRP_MJ_SYSTEM_CONTROL;
    location->MinorFunction = Minor;
    location->Parameters.WMI.ProviderId = ProviderId;
    location->Parameters.WMI.DataPath = DataPath;
    location->Parameters.WMI.Buffer = Buffer;
    location->Parameters.WMI.BufferSize = Size;
    IoSetCompletionRoutine(irp, Signal, &event, TRUE, TRUE, TRUE);
    IoCallDriver(device, irp);
    KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
    if (Provider.Later)
        TestThreadJoin(&Completer);
    *Information = irp->IoStatus.Information;
    status = irp->IoStatus.Status;
    IoFreeIrp(irp);
    return status;
}

NTSTATUS Ask(UCHAR Minor, const GUID *Guid, PVOID Buffer, ULONG Size, PULONG_PTR Information)
{
    return Send(Minor, (ULONG_PTR)TestDevices->Self, (PVOID)Guid, Buffer, Size, Information);
}

VOID ProviderDispatch(VOID)
{
    TestDriver->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = DispatchSystemControl;
}

static VOID Run(VOID)
{
    ProviderDispatch();
    CheckRegistration();
    CheckBlocks();
    CheckMessages();
    CheckEvents();
    ProviderReset();
}

static VOID Step(ULONG Number)
{
    if (Number < FIRST_EVENT_STEP)
        StepTrace(Number);
    else
        StepEvents(Number - FIRST_EVENT_STEP);
}

const TEST_GROUP TestGroup = {.Run = Run, .Step = Step};
