/*
 * virtio-rng.c - random bytes from the host: IRP_MJ_READ of any length.
 *
 * Reads wait in a cancel-safe queue. The device works for one read at a time, in pieces of a page;
 * the DPC copies each piece and asks for the next.
 */
#define FUNCTION_NAME "virtio-rng"
#define FUNCTION_TYPE FILE_DEVICE_UNKNOWN
#define FUNCTION_FLAGS DO_BUFFERED_IO

#include "virtio-rng.h"

#include "../function/dispatch.h"

/* ---- The read under way ------------------------------------------------------------------- */

static ULONG ReadLength(PIRP Irp)
{
    return IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.Length;
}

static VOID AskForPiece(PDEVICE Device)
{
    ULONG left = ReadLength(Device->Current) - Device->Done;

    TransportSubmit(Device, left < DATA_SIZE ? left : DATA_SIZE);
}

/* Start the next waiting read if none is under way; turn all away if the device is stopped. */
static VOID Pump(PDEVICE Device)
{
    PIRP refused = NULL;
    KIRQL irql;

    do {
        KeAcquireSpinLock(&Device->Lock, &irql);
        if (!Device->Open) {
            refused = QueueRemove(&Device->Waiting);
        } else if (Device->Current == NULL) {
            Device->Current = QueueRemove(&Device->Waiting);
            Device->Done = 0;
            if (Device->Current != NULL)
                AskForPiece(Device);
        }
        KeReleaseSpinLock(&Device->Lock, irql);
        if (refused == NULL)
            return;
        FunctionFinish(&Device->Function, refused, STATUS_DEVICE_NOT_READY, 0);
        refused = NULL;
    } while (TRUE);
}

/* Add a piece to the current read. TRUE: the read is over, with *Status. Lock held. */
static BOOLEAN TakePiece(PDEVICE Device, ULONG Length, NTSTATUS *Status)
{
    PUCHAR target = Device->Current->AssociatedIrp.SystemBuffer;
    ULONG left = ReadLength(Device->Current) - Device->Done;

    *Status = STATUS_SUCCESS;
    if (Length == 0 || Length > left || Length > DATA_SIZE) {
        *Status = STATUS_DEVICE_PROTOCOL_ERROR;
        return TRUE;
    }
    RtlCopyMemory(target + Device->Done, Device->Function.Memory + PAGE_SIZE, Length);
    RtlZeroMemory(Device->Function.Memory + PAGE_SIZE, Length); /* nobody else's from now on */
    Device->Done += Length;
    if (Length == left)
        return TRUE;
    AskForPiece(Device);
    return FALSE;
}

static VOID NTAPI DpcRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    NTSTATUS status = STATUS_SUCCESS;
    PDEVICE device = Context;
    PIRP finished = NULL;
    ULONG length;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    KeAcquireSpinLockAtDpcLevel(&device->Lock);
    while (device->Current != NULL && TransportCollect(device, &length)) {
        if (TakePiece(device, length, &status)) {
            finished = device->Current;
            device->Current = NULL;
        }
    }
    KeReleaseSpinLockFromDpcLevel(&device->Lock);
    if (finished == NULL)
        return;
    FunctionFinish(&device->Function, finished, status,
                   NT_SUCCESS(status) ? ReadLength(finished) : 0);
    Pump(device);
}

/* ---- By dispatch.h ------------------------------------------------------------------------ */

NTSTATUS FunctionRequest(PDEVICE Device, PIRP Irp, PULONG Information)
{
    UNREFERENCED_PARAMETER(Information);
    if (IoGetCurrentIrpStackLocation(Irp)->MajorFunction != IRP_MJ_READ)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (ReadLength(Irp) == 0)
        return STATUS_SUCCESS;
    QueueInsert(&Device->Waiting, Irp);
    Pump(Device);
    return STATUS_PENDING;
}

VOID FunctionInitialize(PDEVICE Device)
{
    KeInitializeSpinLock(&Device->Lock);
    KeInitializeDpc(&Device->Dpc, DpcRoutine, Device);
    QueueInitialize(&Device->Waiting, &Device->Function);
}

static VOID SetOpen(PDEVICE Device, BOOLEAN Open)
{
    KIRQL irql;

    KeAcquireSpinLock(&Device->Lock, &irql);
    Device->Open = Open;
    KeReleaseSpinLock(&Device->Lock, irql);
}

NTSTATUS FunctionStart(PDEVICE Device)
{
    NTSTATUS status = TransportStart(Device);

    if (!NT_SUCCESS(status))
        return status;
    SetOpen(Device, TRUE);
    DbgPrint("virtio-rng%u: connected by %s\n", Device->Function.Index,
             FunctionConnectionText(&Device->Function));
    return status;
}

VOID FunctionStop(PDEVICE Device)
{
    PIRP current;

    SetOpen(Device, FALSE);
    TransportStop(Device);
    current = Device->Current; /* nothing else runs any more */
    Device->Current = NULL;
    if (current != NULL)
        FunctionFinish(&Device->Function, current, STATUS_DEVICE_NOT_CONNECTED, 0);
    Pump(Device);
}
