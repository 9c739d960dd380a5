/*
 * shortage.c - what these routines say when there is no memory: see ../requests/shortage.c.
 */
#include "io.h"

#define NAME L"\\Device\\IoTestShortage"
#define LINK L"\\DosDevices\\IoTestShortage"
#define EVENT L"\\BaseNamedObjects\\IoTestShortage"
#define IOCTL_NONE CTL_CODE(FILE_DEVICE_UNKNOWN, 0xB10, METHOD_BUFFERED, FILE_ANY_ACCESS)

static PDEVICE_OBJECT Device; /* to open and to build requests for: it is there whatever fails */
static UCHAR Bytes[16];
static IO_STATUS_BLOCK Block;
static KEVENT Event;

/* It lasts as long as the driver: that the id is taken is found out with memory only. */
static NTSTATUS TryExtension(VOID)
{
    PVOID extension = &Device;
    NTSTATUS status = IoAllocateDriverObjectExtension(TestDriver, &Device, 8, &extension);

    if (status == STATUS_OBJECT_NAME_COLLISION)
        return STATUS_SUCCESS;
    return NT_SUCCESS(status) || extension == NULL ? status : STATUS_UNSUCCESSFUL;
}

static NTSTATUS TryIrp(VOID)
{
    PIRP irp = IoAllocateIrp(1, FALSE);

    if (irp != NULL)
        IoFreeIrp(irp);
    return TestMade(irp);
}

static NTSTATUS TryMdl(VOID)
{
    PMDL mdl = IoAllocateMdl(Bytes, sizeof(Bytes), FALSE, FALSE, NULL);

    if (mdl != NULL)
        IoFreeMdl(mdl);
    return TestMade(mdl);
}

static NTSTATUS TryWorkItem(VOID)
{
    PIO_WORKITEM item = IoAllocateWorkItem(Device);

    if (item != NULL)
        IoFreeWorkItem(item);
    return TestMade(item);
}

static NTSTATUS TryAsynchronous(VOID)
{
    PIRP irp = IoBuildAsynchronousFsdRequest(IRP_MJ_READ, Device, Bytes, 4, NULL, NULL);

    if (irp != NULL) {
        IoFreeMdl(irp->MdlAddress);
        IoFreeIrp(irp);
    }
    return TestMade(irp);
}

/* A built request that is not sent ends like one that is. */
static VOID Finish(PIRP Irp)
{
    if (Irp != NULL)
        TestComplete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS TrySynchronous(VOID)
{
    PIRP irp = IoBuildSynchronousFsdRequest(IRP_MJ_READ, Device, Bytes, 4, NULL, &Event, &Block);

    Finish(irp);
    return TestMade(irp);
}

static NTSTATUS TryControl(VOID)
{
    PIRP irp = IoBuildDeviceIoControlRequest(IOCTL_NONE, Device, Bytes, 4, Bytes, 4, FALSE, &Event,
                                             &Block);

    Finish(irp);
    return TestMade(irp);
}

static NTSTATUS TryDevice(VOID)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(NAME L"2");
    PDEVICE_OBJECT device = Device;
    NTSTATUS status = IoCreateDevice(TestDriver, 8, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);

    if (NT_SUCCESS(status))
        IoDeleteDevice(device);
    return NT_SUCCESS(status) || device == NULL ? status : STATUS_UNSUCCESSFUL;
}

static NTSTATUS TryLink(VOID)
{
    UNICODE_STRING link = RTL_CONSTANT_STRING(LINK), name = RTL_CONSTANT_STRING(NAME);
    NTSTATUS status = IoCreateSymbolicLink(&link, &name);

    while (NT_SUCCESS(status) && IoDeleteSymbolicLink(&link) == STATUS_INSUFFICIENT_RESOURCES)
        ; /* the one allocation that fails was its own */
    return status;
}

static NTSTATUS TryEvent(VOID)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(EVENT);
    HANDLE handle;
    PKEVENT event = IoCreateSynchronizationEvent(&name, &handle);

    if (event != NULL)
        ZwClose(handle);
    return TestMade(event);
}

static ULONG Ended; /* IRP_MJ_CLEANUP and IRP_MJ_CLOSE */

static NTSTATUS NTAPI CountEnd(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    Ended++;
    return TestComplete(Irp, STATUS_SUCCESS, 0);
}

/* What is open is closed, even if there is no memory to tell so. */
static NTSTATUS TryPointer(VOID)
{
    PDRIVER_DISPATCH cleanup = TestDriver->MajorFunction[IRP_MJ_CLEANUP];
    PDRIVER_DISPATCH close = TestDriver->MajorFunction[IRP_MJ_CLOSE];
    UNICODE_STRING name = RTL_CONSTANT_STRING(NAME);
    PDEVICE_OBJECT device;
    PFILE_OBJECT file;
    NTSTATUS status;

    Ended = 0;
    TestDriver->MajorFunction[IRP_MJ_CLEANUP] = TestDriver->MajorFunction[IRP_MJ_CLOSE] = CountEnd;
    status = IoGetDeviceObjectPointer(&name, FILE_READ_DATA, &file, &device);
    if (NT_SUCCESS(status))
        ObDereferenceObject(file);
    TestDriver->MajorFunction[IRP_MJ_CLEANUP] = cleanup;
    TestDriver->MajorFunction[IRP_MJ_CLOSE] = close;
    return NT_SUCCESS(status) && Ended != 2 ? STATUS_UNSUCCESSFUL : status;
}

static NTSTATUS TryAdapter(VOID)
{
    DEVICE_DESCRIPTION description;
    PDMA_ADAPTER adapter;
    ULONG registers;

    RtlZeroMemory(&description, sizeof(description));
    description.Version = DEVICE_DESCRIPTION_VERSION;
    description.Master = TRUE;
    description.InterfaceType = PCIBus;
    description.MaximumLength = PAGE_SIZE;
    adapter = IoGetDmaAdapter(TestDevices->Physical, &description, &registers);
    if (adapter != NULL)
        adapter->DmaOperations->PutDmaAdapter(adapter);
    return TestMade(adapter);
}

static const TEST_ATTEMPT attempts[] = {
    {"IoAllocateDriverObjectExtension without memory gives STATUS_INSUFFICIENT_RESOURCES",
     TryExtension},
    {"IoCreateDevice without memory gives STATUS_INSUFFICIENT_RESOURCES", TryDevice},
    {"IoCreateSymbolicLink without memory gives STATUS_INSUFFICIENT_RESOURCES", TryLink},
    {"IoGetDeviceObjectPointer without memory gives STATUS_INSUFFICIENT_RESOURCES", TryPointer},
    {"IoAllocateIrp without memory gives NULL", TryIrp},
    {"IoAllocateMdl without memory gives NULL", TryMdl},
    {"IoAllocateWorkItem without memory gives NULL", TryWorkItem},
    {"IoBuildAsynchronousFsdRequest without memory gives NULL", TryAsynchronous},
    {"IoBuildSynchronousFsdRequest without memory gives NULL", TrySynchronous},
    {"IoBuildDeviceIoControlRequest without memory gives NULL", TryControl},
    {"IoCreateSynchronizationEvent without memory gives NULL", TryEvent},
    {"IoGetDmaAdapter without memory gives NULL", TryAdapter},
};

VOID StepShortage(ULONG Number)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(NAME);

    UNREFERENCED_PARAMETER(Number);
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    Device = CreateDevice(&name);
    if (Device == NULL)
        return; /* the one allocation that fails was this one */
    Device->Flags |= DO_DIRECT_IO;
    KtapBegin(&TestReport);
    TestAttempts(attempts, sizeof(attempts) / sizeof(attempts[0]));
    KtapEnd(&TestReport);
    IoDeleteDevice(Device);
}
