/*
 * shortage.c - what is said when there is no memory. The run lets one allocation fail, again and
 * again a later one, and has all of these called each time; whoever was refused prints a case, and
 * must succeed when asked once more.
 */
#include "requests.h"

static NTSTATUS NTAPI Keep(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    UNREFERENCED_PARAMETER(Context);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* An IRP that is there whatever fails. */
static PIRP Spare;

static NTSTATUS TryCompletionRoutine(VOID)
{
    NTSTATUS status;

    IoReuseIrp(Spare, STATUS_SUCCESS);
    status = IoSetCompletionRoutineEx(TestDevices->Self, Spare, Keep, NULL, TRUE, TRUE, TRUE);
    if (NT_SUCCESS(status)) { /* its completion gives the memory back */
        IoSetNextIrpStackLocation(Spare);
        Complete(Spare, STATUS_SUCCESS);
    }
    return status;
}

static NTSTATUS TryAssociated(VOID)
{
    PIRP part;

    IoReuseIrp(Spare, STATUS_SUCCESS);
    part = IoMakeAssociatedIrp(Spare, 1);
    if (part != NULL)
        IoFreeIrp(part);
    return TestMade(part);
}

static VOID NTAPI NoTick(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Context);
}

static PDEVICE_OBJECT Device; /* without a timer; a new one for each attempt */

static NTSTATUS TryTimer(VOID)
{
    return IoInitializeTimer(Device, NoTick, NULL);
}

static NTSTATUS TryErrorLog(VOID)
{
    PVOID entry = IoAllocateErrorLogEntry(TestDevices->Self, sizeof(IO_ERROR_LOG_PACKET));

    if (entry != NULL)
        IoFreeErrorLogEntry(entry);
    return TestMade(entry);
}

static NTSTATUS TryWmi(VOID)
{
    NTSTATUS status = IoWMIRegistrationControl(TestDevices->Self, WMIREG_ACTION_REGISTER);

    if (NT_SUCCESS(status))
        IoWMIRegistrationControl(TestDevices->Self, WMIREG_ACTION_DEREGISTER);
    return status;
}

static NTSTATUS TryPower(VOID)
{
    POWER_STATE on = {.DeviceState = PowerDeviceD0};
    NTSTATUS status =
        PoRequestPowerIrp(TestDevices->Physical, IRP_MN_QUERY_POWER, on, NULL, NULL, NULL);

    return status == STATUS_PENDING ? STATUS_SUCCESS : status;
}

static NTSTATUS NTAPI NotNotified(PVOID Structure, PVOID Context)
{
    UNREFERENCED_PARAMETER(Structure);
    UNREFERENCED_PARAMETER(Context);
    return STATUS_SUCCESS;
}

static NTSTATUS TryNotification(VOID)
{
    PVOID entry = TestDriver;
    NTSTATUS status = IoRegisterPlugPlayNotification(EventCategoryHardwareProfileChange, 0, NULL,
                                                     TestDriver, NotNotified, NULL, &entry);

    if (NT_SUCCESS(status))
        IoUnregisterPlugPlayNotificationEx(entry);
    return NT_SUCCESS(status) || entry == NULL ? status : STATUS_UNSUCCESSFUL;
}

static NTSTATUS TryReport(VOID)
{
    static TARGET_DEVICE_CUSTOM_NOTIFICATION event = {
        .Version = 1, .Size = sizeof(event), .Event = {0x6f1e1d30, 1, 2, {3}}};

    return IoReportTargetDeviceChangeAsynchronous(TestDevices->Physical, &event, NULL, NULL);
}

static NTSTATUS TryInterfaces(VOID)
{
    static const GUID class = {0x6f1e1d31, 1, 2, {3}};
    PWSTR list = NULL;
    NTSTATUS status = IoGetDeviceInterfaces(&class, NULL, 0, &list);

    if (NT_SUCCESS(status))
        ExFreePool(list);
    return status;
}

static NTSTATUS TryLink(VOID)
{
    UNICODE_STRING link = RTL_CONSTANT_STRING(L"\\DosDevices\\RequestsTestLink"),
                   name = RTL_CONSTANT_STRING(L"\\Device\\Null");
    NTSTATUS status = IoCreateUnprotectedSymbolicLink(&link, &name);

    while (NT_SUCCESS(status) && IoDeleteSymbolicLink(&link) == STATUS_INSUFFICIENT_RESOURCES)
        ; /* the one allocation that fails was its own */
    return status;
}

static NTSTATUS TryEvent(VOID)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\BaseNamedObjects\\RequestsTestEvent");
    HANDLE handle;
    PKEVENT event = IoCreateNotificationEvent(&name, &handle);

    if (event != NULL)
        ZwClose(handle);
    return TestMade(event);
}

static NTSTATUS TryPages(VOID)
{
    PHYSICAL_ADDRESS low = {{0, 0}}, high = {{0xFFFFFFFF, 0}}, skip = {{0, 0}};
    PMDL mdl = MmAllocatePagesForMdlEx(low, high, skip, PAGE_SIZE, MmCached, 0);

    if (mdl != NULL) {
        MmFreePagesFromMdl(mdl);
        ExFreePool(mdl);
    }
    return TestMade(mdl);
}

/* ---- what is told by an APC ------------------------------------------------------------------ */

#define IOCTL_UNKNOWN CTL_CODE(FILE_DEVICE_UNKNOWN, 0xA1F, METHOD_BUFFERED, FILE_ANY_ACCESS)

static VOID NTAPI NoTell(PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, ULONG Reserved)
{
    UNREFERENCED_PARAMETER(ApcContext);
    UNREFERENCED_PARAMETER(IoStatusBlock);
    UNREFERENCED_PARAMETER(Reserved);
}

static VOID NTAPI NoTimerTell(PVOID TimerContext, ULONG TimerLowValue, LONG TimerHighValue)
{
    UNREFERENCED_PARAMETER(TimerContext);
    UNREFERENCED_PARAMETER(TimerLowValue);
    UNREFERENCED_PARAMETER(TimerHighValue);
}

/* The driver does not know the code, which is well: nobody lacked memory then. */
static NTSTATUS TryControl(VOID)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\??\\requests-test");
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK block;
    NTSTATUS status;
    HANDLE file;

    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE, NULL, NULL);
    if (!NT_SUCCESS(ZwOpenFile(&file, GENERIC_READ, &attributes, &block, 0, 0)))
        return STATUS_SUCCESS;
    status = ZwDeviceIoControlFile(file, NULL, NoTell, NULL, &block, IOCTL_UNKNOWN, &name,
                                   sizeof(name), NULL, 0);
    ZwClose(file);
    return status == STATUS_INVALID_DEVICE_REQUEST ? STATUS_SUCCESS : status;
}

static NTSTATUS TrySetTimer(VOID)
{
    LARGE_INTEGER due = {{0, -1}};
    NTSTATUS status;
    HANDLE timer;

    if (!NT_SUCCESS(ZwCreateTimer(&timer, STANDARD_RIGHTS_ALL, NULL, NotificationTimer)))
        return STATUS_SUCCESS;
    status = ZwSetTimer(timer, &due, NoTimerTell, NULL, FALSE, 0, NULL);
    ZwClose(timer);
    return status;
}

static const TEST_ATTEMPT attempts[] = {
    {"ZwDeviceIoControlFile without memory gives STATUS_INSUFFICIENT_RESOURCES", TryControl},
    {"ZwSetTimer without memory gives STATUS_INSUFFICIENT_RESOURCES", TrySetTimer},
    {"IoSetCompletionRoutineEx without memory gives STATUS_INSUFFICIENT_RESOURCES",
     TryCompletionRoutine},
    {"IoInitializeTimer without memory gives STATUS_INSUFFICIENT_RESOURCES", TryTimer},
    {"IoWMIRegistrationControl without memory gives STATUS_INSUFFICIENT_RESOURCES", TryWmi},
    {"PoRequestPowerIrp without memory gives STATUS_INSUFFICIENT_RESOURCES", TryPower},
    {"IoRegisterPlugPlayNotification without memory gives STATUS_INSUFFICIENT_RESOURCES",
     TryNotification},
    {"IoReportTargetDeviceChangeAsynchronous without memory gives STATUS_INSUFFICIENT_RESOURCES",
     TryReport},
    {"IoGetDeviceInterfaces without memory gives STATUS_INSUFFICIENT_RESOURCES", TryInterfaces},
    {"IoCreateUnprotectedSymbolicLink without memory gives STATUS_INSUFFICIENT_RESOURCES", TryLink},
    {"IoMakeAssociatedIrp without memory gives NULL", TryAssociated},
    {"IoAllocateErrorLogEntry without memory gives NULL", TryErrorLog},
    {"IoCreateNotificationEvent without memory gives NULL", TryEvent},
    {"MmAllocatePagesForMdlEx without memory for the MDL gives NULL", TryPages},
};

VOID StepShortage(ULONG Number)
{
    UNREFERENCED_PARAMETER(Number);
    Device = DeviceCreate();
    if (Device == NULL || (Spare == NULL && (Spare = IoAllocateIrp(1, FALSE)) == NULL)) {
        if (Device != NULL) /* the one allocation that fails was not one of those below */
            IoDeleteDevice(Device);
        return;
    }
    KtapBegin(&TestReport);
    TestAttempts(attempts, sizeof(attempts) / sizeof(attempts[0]));
    KtapEnd(&TestReport);
    IoDeleteDevice(Device);
}

VOID UnloadingShortage(VOID)
{
    if (Spare != NULL)
        IoFreeIrp(Spare);
    Spare = NULL;
}
