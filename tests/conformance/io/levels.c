/*
 * levels.c - routines at the highest IRQL that their pages allow: DISPATCH_LEVEL, APC_LEVEL, any.
 */
#include "io.h"

static UCHAR Bytes[PAGE_SIZE];
static PDEVICE_OBJECT Lower, Upper, Third;

/* ---- DISPATCH_LEVEL: each returns whether all was as below ----------------------------------- */

static BOOLEAN Allocate(VOID)
{
    PIRP irp = IoAllocateIrp(2, FALSE);
    PMDL mdl = IoAllocateMdl(Bytes, sizeof(Bytes), FALSE, FALSE, irp);
    PMDL part = IoAllocateMdl(Bytes, sizeof(Bytes), FALSE, FALSE, NULL);
    PIO_WORKITEM item = IoAllocateWorkItem(Lower);
    PVOID entry = IoAllocateErrorLogEntry(Lower, ERROR_LOG_MAXIMUM_SIZE);
    BOOLEAN made = irp != NULL && mdl != NULL && part != NULL && item != NULL && entry != NULL;

    if (made) {
        MmBuildMdlForNonPagedPool(mdl);
        IoBuildPartialMdl(mdl, part, Bytes + 16, 16);
        made = irp->MdlAddress == mdl && MmGetMdlByteCount(part) == 16 && !IoCancelIrp(irp) &&
               irp->Cancel && IoGetRequestorProcess(irp) == NULL &&
               IoGetRequestorProcessId(irp) == 0;
    }
    if (entry != NULL)
        IoFreeErrorLogEntry(entry);
    if (item != NULL)
        IoFreeWorkItem(item);
    if (part != NULL)
        IoFreeMdl(part);
    if (mdl != NULL)
        IoFreeMdl(mdl);
    if (irp != NULL)
        IoFreeIrp(irp);
    return made;
}

static BOOLEAN Extend(VOID)
{
    static UCHAR id;
    PVOID extension = NULL;

    return NT_SUCCESS(IoAllocateDriverObjectExtension(TestDriver, &id, 16, &extension)) &&
           IoGetDriverObjectExtension(TestDriver, &id) == extension;
}

static BOOLEAN Attach(VOID)
{
    PDEVICE_OBJECT attached = NULL;

    return IoAttachDeviceToDeviceStack(Upper, Lower) == Lower &&
           NT_SUCCESS(IoAttachDeviceToDeviceStackSafe(Third, Lower, &attached)) &&
           attached == Upper;
}

static BOOLEAN Walk(VOID)
{
    PDEVICE_OBJECT devices[16], top = IoGetAttachedDeviceReference(Lower),
                                base = IoGetDeviceAttachmentBaseRef(Third),
                                below = IoGetLowerDeviceObject(Third);
    BOOLEAN right =
        top == Third && IoGetAttachedDevice(Lower) == Third && base == Lower && below == Upper;
    ULONG count = 0, i;

    ObDereferenceObject(top);
    ObDereferenceObject(base);
    ObDereferenceObject(below);
    right &= NT_SUCCESS(IoEnumerateDeviceObjectList(TestDriver, devices, sizeof(devices), &count));
    right &= count >= 3;
    for (i = 0; i < count && i < 16; i++)
        ObDereferenceObject(devices[i]);
    return right;
}

static BOOLEAN At(KIRQL Level, BOOLEAN (*Routine)(VOID))
{
    BOOLEAN right;
    KIRQL irql;

    KeRaiseIrql(Level, &irql);
    right = Routine() && KeGetCurrentIrql() == Level;
    KeLowerIrql(irql);
    return right;
}

/* ---- APC_LEVEL ------------------------------------------------------------------------------- */

static NTSTATUS NTAPI Answer(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return TestComplete(Irp, STATUS_SUCCESS, 0);
}

static BOOLEAN Make(VOID)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\IoTestLevels");
    PDEVICE_OBJECT device = NULL;

    if (!NT_SUCCESS(IoCreateDevice(TestDriver, 8, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device)))
        return FALSE;
    IoDeleteDevice(device);
    return TRUE;
}

static BOOLEAN Build(VOID)
{
    IO_STATUS_BLOCK block = {{0}, 0};
    PIRP irps[3];
    KEVENT event;
    ULONG i, good = 0;

    KeInitializeEvent(&event, SynchronizationEvent, FALSE);
    irps[0] =
        IoBuildSynchronousFsdRequest(IRP_MJ_FLUSH_BUFFERS, Lower, NULL, 0, NULL, &event, &block);
    irps[1] = IoBuildDeviceIoControlRequest(0, Lower, Bytes, 4, Bytes, 4, TRUE, &event, &block);
    irps[2] = IoBuildAsynchronousFsdRequest(IRP_MJ_FLUSH_BUFFERS, Lower, NULL, 0, NULL, NULL);
    for (i = 0; i < 2; i++)
        good += irps[i] != NULL && NT_SUCCESS(IoCallDriver(Lower, irps[i])) &&
                KeReadStateEvent(&event) != 0;
    if (irps[2] != NULL)
        IoFreeIrp(irps[2]);
    return good == 2 && irps[2] != NULL;
}

static BOOLEAN Forward(VOID)
{
    PIRP irp = IoAllocateIrp(2, FALSE);
    BOOLEAN sent;

    if (irp == NULL)
        return FALSE;
    IoSetNextIrpStackLocation(irp);
    IoGetCurrentIrpStackLocation(irp)->MajorFunction = IRP_MJ_FLUSH_BUFFERS;
    sent = IoForwardIrpSynchronously(Lower, irp) && NT_SUCCESS(irp->IoStatus.Status);
    IoFreeIrp(irp);
    return sent;
}

static BOOLEAN FindStack(VOID)
{
    ULONG_PTR low, high;

    IoGetStackLimits(&low, &high);
    return IoGetInitialStack() == (PVOID)high;
}

/* ---- any ------------------------------------------------------------------------------------- */

static PEPROCESS Process;

static BOOLEAN FindProcess(VOID)
{
    return IoGetCurrentProcess() == Process;
}

static VOID CheckApcLevel(VOID)
{
    PDRIVER_DISPATCH internal = TestDriver->MajorFunction[IRP_MJ_INTERNAL_DEVICE_CONTROL];
    PDRIVER_DISPATCH flush = TestDriver->MajorFunction[IRP_MJ_FLUSH_BUFFERS];

    TestDriver->MajorFunction[IRP_MJ_INTERNAL_DEVICE_CONTROL] = Answer;
    TestDriver->MajorFunction[IRP_MJ_FLUSH_BUFFERS] = Answer;
    Expect(At(APC_LEVEL, Make), "a device is created and deleted at APC_LEVEL");
    Expect(At(APC_LEVEL, Build), "requests are built, sent and completed at APC_LEVEL");
    Expect(At(APC_LEVEL, Forward), "an IRP is forwarded, and waited for, at APC_LEVEL");
    Expect(At(APC_LEVEL, FindStack), "a thread finds its stack at APC_LEVEL");
    TestDriver->MajorFunction[IRP_MJ_INTERNAL_DEVICE_CONTROL] = internal;
    TestDriver->MajorFunction[IRP_MJ_FLUSH_BUFFERS] = flush;
}

VOID CheckLevels(VOID)
{
    Lower = CreateDevice(NULL);
    Upper = CreateDevice(NULL);
    Third = CreateDevice(NULL);
    if (Lower == NULL || Upper == NULL || Third == NULL) {
        Expect(FALSE, "three devices can be created");
        return;
    }
    CheckApcLevel();
    Expect(At(DISPATCH_LEVEL, Allocate),
           "IRPs, MDLs, work items and log entries come and go at DISPATCH_LEVEL");
    Expect(At(DISPATCH_LEVEL, Extend), "a driver object is extended at DISPATCH_LEVEL");
    Expect(At(DISPATCH_LEVEL, Attach), "devices are attached at DISPATCH_LEVEL");
    Expect(At(DISPATCH_LEVEL, Walk), "a stack is walked, and devices listed, at DISPATCH_LEVEL");
    IoDetachDevice(Upper);
    IoDetachDevice(Lower);
    Process = IoGetCurrentProcess();
    Expect(At(HIGH_LEVEL, FindProcess), "IoGetCurrentProcess tells the same at HIGH_LEVEL");
    IoDeleteDevice(Third);
    IoDeleteDevice(Upper);
    IoDeleteDevice(Lower);
}
