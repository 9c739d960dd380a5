/*
 * requests.c - IRPs in queues and in parts, timers, work items, error log entries: what the I/O
 * manager does between a driver's dispatch routines and its device.
 */
#include "requests.h"

PIRP Held[HELD];
ULONG HeldCount;

VOID Complete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

static NTSTATUS NTAPI NoteCompletion(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PREQUEST request = Context;

    UNREFERENCED_PARAMETER(DeviceObject);
    request->Status = Irp->IoStatus.Status;
    InterlockedIncrement(&request->Completions);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

BOOLEAN RequestBegin(PREQUEST Request, PDEVICE_OBJECT Device)
{
    if (Request->Irp != NULL)
        IoReuseIrp(Request->Irp, STATUS_SUCCESS);
    else
        Request->Irp = IoAllocateIrp(2, FALSE);
    Request->Completions = 0;
    if (Request->Irp == NULL)
        return FALSE;
    IoSetCompletionRoutine(Request->Irp, NoteCompletion, Request, TRUE, TRUE, TRUE);
    IoSetNextIrpStackLocation(Request->Irp);
    IoGetCurrentIrpStackLocation(Request->Irp)->DeviceObject = Device;
    return TRUE;
}

VOID RequestFree(PREQUEST Request)
{
    if (Request->Irp != NULL)
        IoFreeIrp(Request->Irp);
    Request->Irp = NULL;
}

PDEVICE_OBJECT DeviceCreate(VOID)
{
    PDEVICE_OBJECT device;

    if (!NT_SUCCESS(IoCreateDevice(TestDriver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device)))
        return NULL;
    device->Flags &= ~DO_DEVICE_INITIALIZING;
    return device;
}

static NTSTATUS NTAPI DispatchRead(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    if (HeldCount == HELD) {
        Complete(Irp, STATUS_DEVICE_BUSY);
        return STATUS_DEVICE_BUSY;
    }
    IoMarkIrpPending(Irp);
    Held[HeldCount++] = Irp;
    return STATUS_PENDING;
}

static VOID Run(VOID)
{
    TestDriver->MajorFunction[IRP_MJ_READ] = DispatchRead;
    TimerBegin();
    CheckStartIo();
    CheckQueues();
    CheckAssociated();
    CheckSending();
    CheckRemoveLock();
    CheckFiles();
    CheckServices();
}

const TEST_GROUP TestGroup = {
    .Run = Run,
    .Stop = Stop,
    .Step = StepShortage,
    .Unloading = UnloadingShortage,
};
