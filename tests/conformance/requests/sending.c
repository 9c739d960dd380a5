/*
 * sending.c - IofCallDriver and IofCompleteRequest between two devices: what each driver finds in
 * the IRP, which completion routines are called, and who is woken how.
 */
#include "requests.h"

#define BOOST IO_SERIAL_INCREMENT
#define ATTEMPTS 10

/* A completion routine's context: what it saw, and what it returns. */
typedef struct _NOTED {
    ULONG Calls;
    ULONG Order; /* of the call among all routines' */
    PDEVICE_OBJECT Device;
    CHAR Location; /* the current one */
    BOOLEAN Pending;
    BOOLEAN BelowZeroed; /* the location that was completed */
    NTSTATUS Status;     /* of the IRP */
    NTSTATUS Return;
} NOTED, *PNOTED;

static ULONG CallOrder;

static BOOLEAN IsZero(PVOID Memory, SIZE_T Size)
{
    PUCHAR bytes = Memory;

    while (Size > 0 && *bytes == 0) {
        bytes++;
        Size--;
    }
    return Size == 0;
}

static NTSTATUS NTAPI Note(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PNOTED noted = Context;

    noted->Calls++;
    noted->Order = ++CallOrder;
    noted->Device = DeviceObject;
    noted->Location = Irp->CurrentLocation;
    noted->Pending = Irp->PendingReturned;
    noted->BelowZeroed = IsZero(IoGetNextIrpStackLocation(Irp), sizeof(IO_STACK_LOCATION));
    noted->Status = Irp->IoStatus.Status;
    if (Irp->PendingReturned && noted->Return == STATUS_CONTINUE_COMPLETION)
        IoMarkIrpPending(Irp);
    return noted->Return;
}

/* The driver's own IRP for Upper, which sends it on to Lower, where it is held. */
static NTSTATUS SendThrough(PIRP Irp, PDEVICE_OBJECT Upper, PDEVICE_OBJECT Lower, PNOTED Sender,
                            PNOTED Middle)
{
    RtlZeroMemory(Middle, sizeof(*Middle));
    RtlZeroMemory(Sender, sizeof(*Sender));
    CallOrder = 0;
    Sender->Return = STATUS_MORE_PROCESSING_REQUIRED;
    HeldCount = 0;
    IoReuseIrp(Irp, STATUS_SUCCESS);
    IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_READ;
    IoGetNextIrpStackLocation(Irp)->Parameters.Read.Length = 512;
    IoSetCompletionRoutine(Irp, Note, Sender, TRUE, TRUE, TRUE);
    IoCallDriver(Upper, Irp);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, Note, Middle, TRUE, TRUE, TRUE);
    return IoCallDriver(Lower, Irp);
}

static VOID CheckTwo(PIRP Irp, PDEVICE_OBJECT Upper, PDEVICE_OBJECT Lower)
{
    PIO_STACK_LOCATION location;
    NOTED sender, middle;

    ExpectStatus(SendThrough(Irp, Upper, Lower, &sender, &middle), STATUS_PENDING,
                 "G-IO-17 IofCallDriver returns what the driver called returns");
    location = IoGetCurrentIrpStackLocation(Irp);
    Expect(HeldCount == 2 && location->DeviceObject == Lower && Irp->CurrentLocation == 1 &&
               location->MajorFunction == IRP_MJ_READ && location->Parameters.Read.Length == 512,
           "G-IO-17 which finds its device in the next stack location");
    Complete(Irp, STATUS_IO_TIMEOUT);
    Expect(middle.Calls == 1 && sender.Calls == 1 && middle.Order < sender.Order,
           "G-IO-18 IofCompleteRequest calls completion routines from below upwards");
    Expect(middle.Device == Upper && middle.Location == 2 && sender.Device == NULL,
           "G-IO-18 each with the device that set it, or none");
    Expect(middle.Status == STATUS_IO_TIMEOUT && sender.Status == STATUS_IO_TIMEOUT,
           "G-IO-18 the IRP has its status");
    Expect(middle.Pending && sender.Pending, "G-IO-18 and tells that it was pending below");
    Expect(middle.BelowZeroed && sender.BelowZeroed,
           "the stack locations of the drivers below are filled with zeros");

    SendThrough(Irp, Upper, Lower, &sender, &middle);
    middle.Return = STATUS_MORE_PROCESSING_REQUIRED;
    Complete(Irp, STATUS_SUCCESS);
    Expect(middle.Calls == 1 && sender.Calls == 0 && Irp->CurrentLocation == 2,
           "G-IO-18 STATUS_MORE_PROCESSING_REQUIRED stops completion");
    Complete(Irp, STATUS_IO_DEVICE_ERROR);
    Expect(middle.Calls == 1 && sender.Calls == 1 && sender.Status == STATUS_IO_DEVICE_ERROR,
           "G-IO-18 which goes on from there when the IRP is completed again");
    HeldCount = 0;
}

/* Is the routine of the driver between called, if it wants to be for `When`, at such an end? */
static BOOLEAN IsCalled(PIRP Irp, PDEVICE_OBJECT Upper, PDEVICE_OBJECT Lower, UCHAR When,
                        NTSTATUS Status, BOOLEAN Cancel)
{
    NOTED sender, middle;
    NTSTATUS status;

    SendThrough(Irp, Upper, Lower, &sender, &middle);
    /* The IRP comes back to Upper, which sends it once more. */
    middle.Return = STATUS_MORE_PROCESSING_REQUIRED;
    Complete(Irp, STATUS_SUCCESS);
    middle.Return = STATUS_CONTINUE_COMPLETION;
    middle.Calls = 0;
    IoCopyCurrentIrpStackLocationToNext(Irp);
    status = IoSetCompletionRoutineEx(Upper, Irp, Note, &middle, (When & SL_INVOKE_ON_SUCCESS) != 0,
                                      (When & SL_INVOKE_ON_ERROR) != 0,
                                      (When & SL_INVOKE_ON_CANCEL) != 0);
    IoCallDriver(Lower, Irp);
    Irp->Cancel = Cancel;
    Complete(Irp, Status);
    HeldCount = 0;
    Expect(NT_SUCCESS(status) && sender.Calls == 1 && sender.Pending && sender.Status == Status,
           "G-IO-22 whoever is above is called in any case");
    return middle.Calls == 1;
}

static VOID CheckChosen(PIRP Irp, PDEVICE_OBJECT Upper, PDEVICE_OBJECT Lower)
{
    Expect(IsCalled(Irp, Upper, Lower, SL_INVOKE_ON_SUCCESS, STATUS_SUCCESS, FALSE) &&
               !IsCalled(Irp, Upper, Lower, SL_INVOKE_ON_SUCCESS, STATUS_IO_TIMEOUT, FALSE),
           "G-IO-22 with InvokeOnSuccess alone the routine is called for successes only");
    Expect(IsCalled(Irp, Upper, Lower, SL_INVOKE_ON_ERROR, STATUS_IO_TIMEOUT, FALSE) &&
               !IsCalled(Irp, Upper, Lower, SL_INVOKE_ON_ERROR, STATUS_SUCCESS, FALSE),
           "G-IO-22 with InvokeOnError for errors");
    Expect(IsCalled(Irp, Upper, Lower, SL_INVOKE_ON_CANCEL, STATUS_CANCELLED, TRUE) &&
               !IsCalled(Irp, Upper, Lower, SL_INVOKE_ON_CANCEL, STATUS_IO_TIMEOUT, FALSE),
           "G-IO-22 with InvokeOnCancel when IoCancelIrp was called");
}

static VOID CheckFull(PDEVICE_OBJECT Lower)
{
    PIRP irp = IoAllocateIrp(1, FALSE);
    NOTED sender = {.Return = STATUS_MORE_PROCESSING_REQUIRED};

    if (irp == NULL) {
        Expect(FALSE, "there is memory for an IRP");
        return;
    }
    HeldCount = HELD;
    IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_READ;
    IoSetCompletionRoutine(irp, Note, &sender, TRUE, TRUE, TRUE);
    ExpectStatus(IoCallDriver(Lower, irp), STATUS_DEVICE_BUSY, "G-IO-17 a failure, too");
    Expect(sender.Calls == 1 && !sender.Pending && sender.Status == STATUS_DEVICE_BUSY,
           "G-IO-18 an IRP may be completed before IofCallDriver returns");
    HeldCount = 0;
    IoFreeIrp(irp);
}

/* ---- the thread that waits ------------------------------------------------------------------- */

typedef struct _WAITER {
    PDEVICE_OBJECT Device;
    KPRIORITY Base, Woken;
    NTSTATUS Status;
} WAITER, *PWAITER;

static VOID Read(PVOID Context)
{
    PWAITER waiter = Context;
    UCHAR buffer[8];
    LARGE_INTEGER offset = {.QuadPart = 0};
    IO_STATUS_BLOCK block;
    KEVENT event;
    PIRP irp;

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    irp = IoBuildSynchronousFsdRequest(IRP_MJ_READ, waiter->Device, buffer, sizeof(buffer), &offset,
                                       &event, &block);
    if (irp == NULL)
        return;
    waiter->Base = KeQueryPriorityThread(KeGetCurrentThread());
    IoCallDriver(waiter->Device, irp);
    KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
    waiter->Woken = KeQueryPriorityThread(KeGetCurrentThread());
    waiter->Status = block.Status;
}

/* By how much the thread that waits for a request is raised when that is completed. */
static KPRIORITY Raised(PDEVICE_OBJECT Device, CCHAR Boost)
{
    static WAITER waiter;
    TEST_THREAD thread;
    ULONG i;

    RtlZeroMemory(&waiter, sizeof(waiter));
    waiter.Device = Device;
    HeldCount = 0;
    if (!TestThreadStart(&thread, TestCurrentProcessor(), Read, &waiter))
        return -1;
    for (i = 0; HeldCount == 0 && i < 6000; i++)
        TestPause(5);
    TestPause(20); /* until it waits */
    Held[0]->IoStatus.Status = STATUS_SUCCESS;
    Held[0]->IoStatus.Information = 0;
    IoCompleteRequest(Held[0], Boost);
    HeldCount = 0;
    TestThreadJoin(&thread);
    return NT_SUCCESS(waiter.Status) ? waiter.Woken - waiter.Base : -1;
}

static VOID CheckBoost(PDEVICE_OBJECT Device)
{
    KPRIORITY raised = 0;
    ULONG i;

    /* A thread that came to wait too late is not raised. */
    for (i = 0; raised == 0 && i < ATTEMPTS; i++)
        raised = Raised(Device, BOOST);
    ExpectEqual((ULONG)raised, BOOST,
                "IofCompleteRequest raises the thread that waits by the priority boost");
    ExpectEqual((ULONG)Raised(Device, IO_NO_INCREMENT), 0, "and by nothing with IO_NO_INCREMENT");
}

VOID CheckSending(VOID)
{
    PDEVICE_OBJECT upper = DeviceCreate(), lower = DeviceCreate();
    PIRP irp = IoAllocateIrp(2, FALSE);

    if (upper != NULL && lower != NULL && irp != NULL) {
        CheckTwo(irp, upper, lower);
        CheckChosen(irp, upper, lower);
        CheckFull(lower);
        CheckBoost(lower);
    } else {
        Expect(FALSE, "there is memory for two devices and an IRP");
    }
    if (irp != NULL)
        IoFreeIrp(irp);
    if (upper != NULL)
        IoDeleteDevice(upper);
    if (lower != NULL)
        IoDeleteDevice(lower);
}
