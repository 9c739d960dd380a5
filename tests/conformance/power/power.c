/*
 * power.c - power requests: who sends them, in what order they come, what the bus makes of them.
 */
#include "power.h"

SEEN Seen[SEEN_MAX];
volatile LONG SeenCount, Cancels;
volatile ANSWER Answer;

static DRIVER_DISPATCH *Before; /* the suite's, which passes everything on */

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static VOID NTAPI Cancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    InterlockedIncrement(&Cancels);
    Complete(Irp, STATUS_CANCELLED);
}

static NTSTATUS NTAPI DispatchPower(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    ANSWER answer = Answer;
    LONG number = SeenCount;

    if (number < SEEN_MAX) {
        Seen[number].Device = DeviceObject;
        Seen[number].Irp = Irp;
        Seen[number].Location = *stack;
        Seen[number].Irql = KeGetCurrentIrql();
        Seen[number].StatusBefore = Irp->IoStatus.Status;
    }
    if (answer == Hold) {
        IoMarkIrpPending(Irp);
        if (stack->MinorFunction == IRP_MN_WAIT_WAKE)
            IoSetCancelRoutine(Irp, Cancel);
        InterlockedIncrement(&SeenCount);
        return STATUS_PENDING;
    }
    InterlockedIncrement(&SeenCount);
    return answer == Refuse ? Complete(Irp, REFUSAL) : Before(DeviceObject, Irp);
}

VOID Watch(ANSWER Wanted)
{
    SeenCount = 0;
    Answer = Wanted;
}

VOID Release(ULONG Number)
{
    Before(Seen[Number].Device, Seen[Number].Irp);
}

static VOID Intercept(VOID)
{
    Before = TestDriver->MajorFunction[IRP_MJ_POWER];
    TestDriver->MajorFunction[IRP_MJ_POWER] = DispatchPower;
}

static VOID Run(VOID)
{
    PTEST_DEVICE one = TestFind(TestKindEdu, 0), other = TestFind(TestKindEdu, 1);

    CheckSettings();
    CheckNeeds(TestDevices);
    if (one == NULL || other == NULL) {
        ExpectSkip("G-PO-2 power requests", "there are not two edu devices");
        return;
    }
    Intercept();
    CheckRequests(one, other);
    CheckIdleDetection(one);
    CheckDevice(one);
    TestDriver->MajorFunction[IRP_MJ_POWER] = Before;
}

static VOID Step(ULONG Number)
{
    if (Number < 10) {
        StepPower(Number);
        return;
    }
    Intercept();
    StepIdle(Number - 10);
    TestDriver->MajorFunction[IRP_MJ_POWER] = Before;
}

const TEST_GROUP TestGroup = {.Run = Run, .Step = Step};
