/*
 * built.c - IRPs made by IoBuild...Request: what each kind of request is sent with, what comes
 * back; IRPs sent on, IRPs and their MDLs.
 */
#include "io.h"

#define IOCTL_NEITHER CTL_CODE(FILE_DEVICE_UNKNOWN, 0xB00, METHOD_NEITHER, FILE_ANY_ACCESS)
#define IOCTL_DIRECT CTL_CODE(FILE_DEVICE_UNKNOWN, 0xB01, METHOD_OUT_DIRECT, FILE_ANY_ACCESS)
#define IOCTL_BUFFERED CTL_CODE(FILE_DEVICE_UNKNOWN, 0xB02, METHOD_BUFFERED, FILE_ANY_ACCESS)

static UCHAR Bytes[64];
static KEVENT Event;
static IO_STATUS_BLOCK Block;

/* A device of this driver, which answers what is built here. */
static PDEVICE_OBJECT Device;
static ULONG Answered; /* requests */

/* Three bytes, to whom they can be given; else nothing. */
static NTSTATUS NTAPI Answer(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    Answered++;
    if (Irp->AssociatedIrp.SystemBuffer == NULL)
        return TestComplete(Irp, STATUS_SUCCESS, 0);
    RtlFillMemory(Irp->AssociatedIrp.SystemBuffer, 3, 0x5A);
    return TestComplete(Irp, STATUS_SUCCESS, 3);
}

static PIRP Synchronous(ULONG Major, PVOID Buffer, ULONG Length, PLARGE_INTEGER Offset)
{
    KeClearEvent(&Event);
    Block.Status = STATUS_PENDING;
    Block.Information = ~(ULONG_PTR)0;
    return IoBuildSynchronousFsdRequest(Major, Device, Buffer, Length, Offset, &Event, &Block);
}

static VOID SendBuilt(PIRP Irp)
{
    if (Irp != NULL && IoCallDriver(Device, Irp) == STATUS_PENDING)
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
}

/* ---- reads, writes and what has no buffer ---------------------------------------------------- */

static VOID CheckRead(VOID)
{
    LARGE_INTEGER offset = {.QuadPart = 0x123456789};
    PIRP irp;

    RtlFillMemory(Bytes, sizeof(Bytes), 0x11);
    Device->Flags |= DO_BUFFERED_IO;
    irp = Synchronous(IRP_MJ_READ, Bytes, 8, &offset);
    Expect(irp != NULL && irp->UserEvent == &Event && irp->UserIosb == &Block &&
               irp->AssociatedIrp.SystemBuffer != NULL && irp->AssociatedIrp.SystemBuffer != Bytes,
           "IoBuildSynchronousFsdRequest builds a read with event, status block and buffer");
    Expect(irp != NULL && IoGetNextIrpStackLocation(irp)->MajorFunction == IRP_MJ_READ &&
               IoGetNextIrpStackLocation(irp)->Parameters.Read.Length == 8 &&
               IoGetNextIrpStackLocation(irp)->Parameters.Read.ByteOffset.QuadPart ==
                   offset.QuadPart,
           "of the length, from the offset given");
    SendBuilt(irp);
    Expect(KeReadStateEvent(&Event) != 0 && Block.Status == STATUS_SUCCESS &&
               Block.Information == 3,
           "its completion sets the event and the status block of a read");
    Expect(Bytes[2] == 0x5A && Bytes[3] == 0x11, "and brings the bytes that were read, no more");
    Device->Flags &= ~DO_BUFFERED_IO;
    Device->Flags |= DO_DIRECT_IO;
    irp = Synchronous(IRP_MJ_WRITE, Bytes, 8, &offset);
    Expect(irp != NULL && irp->MdlAddress != NULL &&
               MmGetMdlVirtualAddress(irp->MdlAddress) == Bytes &&
               MmGetMdlByteCount(irp->MdlAddress) == 8 &&
               (irp->MdlAddress->MdlFlags & MDL_PAGES_LOCKED) != 0,
           "to a device with direct I/O a write goes with an MDL of locked pages");
    SendBuilt(irp);
    Device->Flags &= ~DO_DIRECT_IO;
    irp = Synchronous(IRP_MJ_WRITE, Bytes, 8, &offset);
    Expect(irp != NULL && irp->UserBuffer == Bytes && irp->MdlAddress == NULL &&
               irp->AssociatedIrp.SystemBuffer == NULL,
           "to one with neither kind of I/O with the address alone");
    SendBuilt(irp);
}

static VOID CheckWithoutBuffer(VOID)
{
    static const UCHAR majors[] = {IRP_MJ_FLUSH_BUFFERS, IRP_MJ_SHUTDOWN};
    ULONG i, before = Answered;
    PIRP irp;

    for (i = 0; i < sizeof(majors); i++) {
        irp = Synchronous(majors[i], NULL, 0, NULL);
        Expect(irp != NULL && IoGetNextIrpStackLocation(irp)->MajorFunction == majors[i] &&
                   irp->UserBuffer == NULL && irp->MdlAddress == NULL &&
                   irp->AssociatedIrp.SystemBuffer == NULL,
               i == 0 ? "IoBuildSynchronousFsdRequest: a flush has no buffer"
                      : "IoBuildSynchronousFsdRequest: nor has a shutdown");
        SendBuilt(irp);
        Expect(KeReadStateEvent(&Event) != 0 && Block.Status == STATUS_SUCCESS,
               i == 0 ? "a flush is sent and completed" : "a shutdown is sent and completed");
    }
    ExpectEqual(Answered, before + 2, "each came to its driver once");
    irp = IoBuildAsynchronousFsdRequest(IRP_MJ_FLUSH_BUFFERS, Device, NULL, 0, NULL, NULL);
    Expect(irp != NULL && IoGetNextIrpStackLocation(irp)->MajorFunction == IRP_MJ_FLUSH_BUFFERS,
           "IoBuildAsynchronousFsdRequest: a flush needs neither buffer nor status block");
    if (irp != NULL)
        IoFreeIrp(irp);
}

static volatile LONG KeptCompletions;

static NTSTATUS NTAPI Keep(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    UNREFERENCED_PARAMETER(Context);
    InterlockedIncrement(&KeptCompletions);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static volatile LONG Told;

static NTSTATUS NTAPI Tell(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    UNREFERENCED_PARAMETER(Context);
    InterlockedIncrement(&Told);
    return STATUS_SUCCESS;
}

static VOID CheckAsynchronous(VOID)
{
    PIRP irp = IoBuildAsynchronousFsdRequest(IRP_MJ_READ, Device, Bytes, 8, NULL, &Block);

    if (irp == NULL) {
        Expect(FALSE, "there is memory for an asynchronous read");
        return;
    }
    Expect(irp->Tail.Overlay.Thread == PsGetCurrentThread() && irp->UserEvent == NULL &&
               irp->UserIosb == &Block,
           "IoBuildAsynchronousFsdRequest names the caller's thread, and the status block");
    KeptCompletions = 0;
    IoSetCompletionRoutine(irp, Keep, NULL, TRUE, TRUE, TRUE);
    IoCallDriver(Device, irp);
    ExpectEqual((ULONG)KeptCompletions, 1, "its completion routine gets it back");
    IoFreeIrp(irp);
}

/* ---- controls -------------------------------------------------------------------------------- */

static PIRP Control(ULONG Code, BOOLEAN Internal, PKEVENT WhenDone)
{
    KeClearEvent(&Event);
    Block.Status = STATUS_PENDING;
    return IoBuildDeviceIoControlRequest(Code, Device, Bytes, 4, Bytes + 8, 16, Internal, WhenDone,
                                         &Block);
}

static VOID CheckControls(VOID)
{
    PIRP irp = Control(IOCTL_NEITHER, TRUE, &Event);

    Expect(irp != NULL &&
               IoGetNextIrpStackLocation(irp)->MajorFunction == IRP_MJ_INTERNAL_DEVICE_CONTROL,
           "with InternalDeviceIoControl the request is an internal one");
    Expect(irp != NULL && irp->RequestorMode == KernelMode && irp->UserBuffer == Bytes + 8 &&
               IoGetNextIrpStackLocation(irp)->Parameters.DeviceIoControl.Type3InputBuffer == Bytes,
           "METHOD_NEITHER brings both addresses, of kernel mode");
    SendBuilt(irp);
    irp = Control(IOCTL_DIRECT, FALSE, &Event);
    Expect(irp != NULL && irp->AssociatedIrp.SystemBuffer != NULL && irp->MdlAddress != NULL &&
               MmGetMdlVirtualAddress(irp->MdlAddress) == Bytes + 8 &&
               MmGetMdlByteCount(irp->MdlAddress) == 16,
           "METHOD_OUT_DIRECT brings a copy of the input and an MDL of the output");
    SendBuilt(irp);
    RtlFillMemory(Bytes, sizeof(Bytes), 0x22);
    irp = Control(IOCTL_BUFFERED, FALSE, &Event);
    SendBuilt(irp);
    Expect(KeReadStateEvent(&Event) != 0 && Block.Information == 3 && Bytes[10] == 0x5A &&
               Bytes[11] == 0x22 && Bytes[0] == 0x22,
           "METHOD_BUFFERED brings as much output back as the driver says");
    irp = Control(IOCTL_BUFFERED, FALSE, NULL);
    if (irp != NULL) {
        IoSetCompletionRoutine(irp, Tell, NULL, TRUE, TRUE, TRUE);
        Told = 0;
        IoCallDriver(Device, irp);
        Expect(Told == 1 && Block.Status == STATUS_SUCCESS,
               "without an event a completion routine tells that it is done");
    }
}

/* How drivers cancel what takes too long: the IRP stays theirs until they complete it again. */
static VOID CheckKept(VOID)
{
    PIRP irp = Control(IOCTL_BUFFERED, FALSE, &Event);

    if (irp == NULL) {
        Expect(FALSE, "there is memory for a control request");
        return;
    }
    IoSetCompletionRoutine(irp, Keep, NULL, TRUE, TRUE, TRUE);
    IoCallDriver(Device, irp);
    Expect(KeReadStateEvent(&Event) == 0 && Block.Status == STATUS_PENDING,
           "a built request that its completion routine keeps is not done");
    Expect(!IoCancelIrp(irp), "it can be canceled still, to no effect");
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    Expect(KeReadStateEvent(&Event) != 0 && Block.Status == STATUS_SUCCESS &&
               Block.Information == 3,
           "completed once more, it is");
}

/* ---- of a thread that ends ------------------------------------------------------------------- */

static IO_STATUS_BLOCK LeftBlock;
static KEVENT LeftEvent;
static volatile LONG Cancels;

static VOID NTAPI CancelHeld(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    InterlockedIncrement(&Cancels);
    TestComplete(Irp, STATUS_CANCELLED, 0);
}

static NTSTATUS NTAPI Hold(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    IoMarkIrpPending(Irp);
    IoSetCancelRoutine(Irp, CancelHeld);
    if (Irp->Cancel && IoSetCancelRoutine(Irp, NULL) != NULL)
        TestComplete(Irp, STATUS_CANCELLED, 0); /* it was canceled before */
    return STATUS_PENDING;
}

/* Sends one request of each kind, and does not wait. */
static VOID Leave(PVOID Context)
{
    PIRP irps[2];
    ULONG i;

    irps[0] = IoBuildDeviceIoControlRequest(IOCTL_NEITHER, Device, NULL, 0, NULL, 0, TRUE,
                                            &LeftEvent, &LeftBlock);
    irps[1] =
        IoBuildSynchronousFsdRequest(IRP_MJ_FLUSH_BUFFERS, Device, NULL, 0, NULL, &Event, &Block);
    for (i = 0; i < 2; i++)
        if (irps[i] != NULL && IoCallDriver(Device, irps[i]) == STATUS_PENDING)
            (*(PULONG)Context)++;
}

static VOID CheckThreadEnd(VOID)
{
    TEST_THREAD thread;
    ULONG sent = 0;

    Cancels = 0;
    KeInitializeEvent(&LeftEvent, NotificationEvent, FALSE);
    KeClearEvent(&Event);
    LeftBlock.Status = Block.Status = STATUS_PENDING;
    TestDriver->MajorFunction[IRP_MJ_INTERNAL_DEVICE_CONTROL] = Hold;
    TestDriver->MajorFunction[IRP_MJ_FLUSH_BUFFERS] = Hold;
    if (!TestThreadStart(&thread, TestOtherProcessor(TestCurrentProcessor()), Leave, &sent)) {
        Expect(FALSE, "a thread can be had");
        return;
    }
    TestThreadJoin(&thread);
    ExpectEqual(sent, 2, "a thread sends two requests and ends");
    ExpectEqual((ULONG)Cancels, 2, "the requests of a thread that ends are canceled");
    Expect(LeftBlock.Status == STATUS_CANCELLED && KeReadStateEvent(&LeftEvent) != 0,
           "a control request is over when its thread is");
    Expect(Block.Status == STATUS_CANCELLED && KeReadStateEvent(&Event) != 0,
           "so is any other synchronous one");
}

/* ---- sent on --------------------------------------------------------------------------------- */

/* Ends, after a while, what the device holds. */
static VOID EndLater(PVOID Context)
{
    TestPause(20);
    IoCancelIrp(Context);
}

static VOID CheckForwardPending(PIRP Irp)
{
    TEST_THREAD thread;

    if (!TestThreadStart(&thread, TestOtherProcessor(TestCurrentProcessor()), EndLater, Irp)) {
        Expect(FALSE, "a thread can be had");
        return;
    }
    TestDriver->MajorFunction[IRP_MJ_FLUSH_BUFFERS] = Hold;
    Expect(IoForwardIrpSynchronously(Device, Irp) && Irp->IoStatus.Status == STATUS_CANCELLED,
           "IoForwardIrpSynchronously waits for what its driver has pending");
    TestDriver->MajorFunction[IRP_MJ_FLUSH_BUFFERS] = Answer;
    TestThreadJoin(&thread);
}

static VOID CheckForward(VOID)
{
    PIRP irp = IoAllocateIrp(2, FALSE);
    ULONG before = Answered;

    if (irp == NULL) {
        Expect(FALSE, "there is memory for an IRP of two locations");
        return;
    }
    IoSetNextIrpStackLocation(irp);
    IoGetCurrentIrpStackLocation(irp)->MajorFunction = IRP_MJ_FLUSH_BUFFERS;
    Expect(IoForwardIrpSynchronously(Device, irp) && irp->IoStatus.Status == STATUS_SUCCESS,
           "IoForwardIrpSynchronously sends a copy of the stack location and waits for its end");
    Expect(Answered == before + 1 && irp->CurrentLocation == 2,
           "after which the IRP is the caller's again");
    CheckForwardPending(irp);
    IoSetNextIrpStackLocation(irp);
    Expect(!IoForwardIrpSynchronously(Device, irp) && Answered == before + 1,
           "IoForwardIrpSynchronously without a stack location left sends nothing");
    IoFreeIrp(irp);
}

/* ---- MDLs of an IRP -------------------------------------------------------------------------- */

static VOID CheckChain(VOID)
{
    PIRP irp = IoAllocateIrp(1, FALSE);
    PMDL first, second, third;

    if (irp == NULL) {
        Expect(FALSE, "there is memory for an IRP");
        return;
    }
    first = IoAllocateMdl(Bytes, 8, FALSE, FALSE, irp);
    Expect(first != NULL && irp->MdlAddress == first,
           "IoAllocateMdl for an IRP makes the MDL the IRP's");
    second = IoAllocateMdl(Bytes + 8, 8, TRUE, FALSE, irp);
    third = IoAllocateMdl(Bytes + 16, 8, TRUE, FALSE, irp);
    Expect(irp->MdlAddress == first && first->Next == second && second->Next == third &&
               third->Next == NULL,
           "or, for a secondary buffer, the last of its chain");
    IoFreeIrp(irp);
    Expect(MmGetMdlByteCount(first) == 8 && first->Next == second &&
               MmGetMdlVirtualAddress(third) == Bytes + 16,
           "IoFreeIrp leaves the MDLs of the IRP");
    IoFreeMdl(second);
    Expect(MmGetMdlVirtualAddress(first) == Bytes && MmGetMdlVirtualAddress(third) == Bytes + 16,
           "IoFreeMdl frees the one, and none of its chain");
    IoFreeMdl(first);
    IoFreeMdl(third);
}

VOID CheckBuilt(VOID)
{
    PDRIVER_DISPATCH internal = TestDriver->MajorFunction[IRP_MJ_INTERNAL_DEVICE_CONTROL];
    PDRIVER_DISPATCH control = TestDriver->MajorFunction[IRP_MJ_DEVICE_CONTROL];

    Device = CreateDevice(NULL);
    if (Device == NULL) {
        Expect(FALSE, "a device can be created");
        return;
    }
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    TestDriver->MajorFunction[IRP_MJ_READ] = Answer;
    TestDriver->MajorFunction[IRP_MJ_WRITE] = Answer;
    TestDriver->MajorFunction[IRP_MJ_FLUSH_BUFFERS] = Answer;
    TestDriver->MajorFunction[IRP_MJ_SHUTDOWN] = Answer;
    TestDriver->MajorFunction[IRP_MJ_INTERNAL_DEVICE_CONTROL] = Answer;
    TestDriver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Answer;
    CheckRead();
    CheckWithoutBuffer();
    CheckAsynchronous();
    CheckControls();
    CheckKept();
    CheckForward();
    CheckThreadEnd();
    CheckChain();
    TestDriver->MajorFunction[IRP_MJ_INTERNAL_DEVICE_CONTROL] = internal;
    TestDriver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = control;
    IoDeleteDevice(Device);
}
