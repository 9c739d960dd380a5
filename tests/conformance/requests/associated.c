/*
 * associated.c - IRPs that are parts of another, completion routines that keep their device, and
 * IRPs in the driver's own memory.
 */
#include "requests.h"

#define PARTS 3

static VOID ServeAll(NTSTATUS Status)
{
    ULONG i, count = HeldCount;

    HeldCount = 0;
    for (i = 0; i < count; i++)
        Complete(Held[i], Status);
}

static PIRP MakePart(PIRP Master, PDEVICE_OBJECT Device)
{
    PIRP part = IoMakeAssociatedIrp(Master, Device->StackSize);

    if (part != NULL) {
        IoGetNextIrpStackLocation(part)->MajorFunction = IRP_MJ_READ;
        IoGetNextIrpStackLocation(part)->Parameters.Read.Length = 512;
    }
    return part;
}

static NTSTATUS NTAPI KeepPart(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    InterlockedIncrement(Context);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static VOID CheckParts(PREQUEST Master, PDEVICE_OBJECT Device)
{
    PIRP parts[PARTS];
    ULONG i;

    RequestBegin(Master, TestDevices->Self);
    Master->Irp->IoStatus.Status = STATUS_SUCCESS;
    Master->Irp->AssociatedIrp.IrpCount = PARTS;
    IoMarkIrpPending(Master->Irp);
    for (i = 0; i < PARTS; i++)
        parts[i] = MakePart(Master->Irp, Device);
    if (parts[0] == NULL || parts[1] == NULL || parts[2] == NULL) {
        Expect(FALSE, "IoMakeAssociatedIrp makes an IRP");
        return;
    }
    Expect(parts[0]->AssociatedIrp.MasterIrp == Master->Irp &&
               (parts[0]->Flags & IRP_ASSOCIATED_IRP) != 0 &&
               parts[0]->StackCount == Device->StackSize &&
               parts[0]->Tail.Overlay.Thread == Master->Irp->Tail.Overlay.Thread,
           "IoMakeAssociatedIrp makes an IRP that knows its master, in its thread");
    for (i = 0; i < PARTS; i++)
        IoCallDriver(Device, parts[i]);
    ExpectEqual(HeldCount, PARTS, "associated IRPs are sent as any other");
    for (i = 0; i < PARTS; i++) {
        Expect(Master->Completions == 0, "a master is not completed while a part is pending");
        Complete(Held[i], i == 1 ? STATUS_IO_DEVICE_ERROR : STATUS_SUCCESS);
    }
    HeldCount = 0;
    ExpectEqual((ULONG)Master->Completions, 1, "the last associated IRP completes the master");
    ExpectStatus(Master->Status, STATUS_SUCCESS,
                 "with the master's own status: what a part ended with is the driver's business");
}

static VOID CheckKeptPart(PREQUEST Master, PDEVICE_OBJECT Device)
{
    volatile LONG kept = 0;
    PIRP part;

    RequestBegin(Master, TestDevices->Self);
    Master->Irp->AssociatedIrp.IrpCount = 1;
    IoMarkIrpPending(Master->Irp);
    part = MakePart(Master->Irp, Device);
    if (part == NULL)
        return;
    IoSetCompletionRoutine(part, KeepPart, (PVOID)&kept, TRUE, TRUE, TRUE);
    IoCallDriver(Device, part);
    ServeAll(STATUS_SUCCESS);
    Expect(kept == 1 && Master->Completions == 0,
           "a part that its completion routine keeps does not complete the master");
    IoFreeIrp(part);
    Complete(Master->Irp, STATUS_IO_TIMEOUT);
    Expect(Master->Completions == 1 && Master->Status == STATUS_IO_TIMEOUT,
           "which the driver then does itself");
    Expect(IoMakeAssociatedIrp(Master->Irp, 0) == NULL,
           "an associated IRP without stack locations is not made");
}

/* ---- IoSetCompletionRoutineEx ---------------------------------------------------------------- */

static NTSTATUS NTAPI Count(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    InterlockedIncrement(Context);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static VOID CheckCompletionEx(PDEVICE_OBJECT Device)
{
    PDEVICE_OBJECT sender = DeviceCreate();
    PIRP irp = IoAllocateIrp(Device->StackSize, FALSE);
    volatile LONG calls = 0;

    if (sender == NULL || irp == NULL) {
        Expect(FALSE, "there is memory for a device and an IRP");
        return;
    }
    IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_READ;
    ExpectStatus(IoSetCompletionRoutineEx(sender, irp, Count, (PVOID)&calls, TRUE, TRUE, TRUE),
                 STATUS_SUCCESS, "IoSetCompletionRoutineEx succeeds");
    IoCallDriver(Device, irp);
    Expect(calls == 0, "its routine is not called before completion");
    IoDeleteDevice(sender);
    ServeAll(STATUS_SUCCESS);
    ExpectEqual((ULONG)calls, 1,
                "then it is, with its context, although the device it was set for is deleted");
    IoReuseIrp(irp, STATUS_SUCCESS);
    IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_READ;
    IoSetCompletionRoutineEx(Device, irp, Count, (PVOID)&calls, FALSE, TRUE, FALSE);
    IoCallDriver(Device, irp);
    ServeAll(STATUS_IO_DEVICE_ERROR);
    ExpectEqual((ULONG)calls, 2, "or for errors alone, when there is one");
    IoFreeIrp(irp);
}

/* ---- IoInitializeIrp ------------------------------------------------------------------------- */

static VOID CheckOwnMemory(PDEVICE_OBJECT Device)
{
    USHORT size = IoSizeOfIrp(2);
    PIRP irp = ExAllocatePoolWithTag(NonPagedPool, size, TEST_TAG);
    volatile LONG calls = 0;

    if (irp == NULL) {
        Expect(FALSE, "there is memory for an IRP");
        return;
    }
    RtlFillMemory(irp, size, 0xCC);
    IoInitializeIrp(irp, size, 2);
    Expect(irp->Type == IO_TYPE_IRP && irp->Size == size && irp->StackCount == 2 &&
               irp->CurrentLocation == 3,
           "IoInitializeIrp sets type, size and stack");
    Expect(irp->MdlAddress == NULL && irp->Flags == 0 && irp->CancelRoutine == NULL &&
               !irp->Cancel && irp->UserEvent == NULL && irp->IoStatus.Status == 0,
           "and all else is zero");
    Expect((PUCHAR)IoGetNextIrpStackLocation(irp) == (PUCHAR)irp + size - sizeof(IO_STACK_LOCATION),
           "the next stack location is the last in memory");
    IoSetCompletionRoutine(irp, Count, (PVOID)&calls, TRUE, TRUE, TRUE);
    IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_READ;
    ExpectStatus(IoCallDriver(Device, irp), STATUS_PENDING, "it can be sent");
    ServeAll(STATUS_SUCCESS);
    ExpectEqual((ULONG)calls, 1, "and is completed");
    ExFreePoolWithTag(irp, TEST_TAG);
}

VOID CheckAssociated(VOID)
{
    PDEVICE_OBJECT device = DeviceCreate();
    REQUEST master = {0};

    HeldCount = 0;
    if (device != NULL && RequestBegin(&master, device)) {
        CheckParts(&master, device);
        CheckKeptPart(&master, device);
        CheckCompletionEx(device);
        CheckOwnMemory(device);
    } else {
        Expect(FALSE, "there is memory for a device and a request");
    }
    RequestFree(&master);
    if (device != NULL)
        IoDeleteDevice(device);
}
