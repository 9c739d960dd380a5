/*
 * frame.h - the edu device as a function driver: what surrounds the connection of its interrupt.
 *
 * Device objects, PnP and power are those of all function drivers here, ../function/dispatch.h.
 * What does not depend on how the interrupt is connected stands below, in the order things happen:
 *
 *   FunctionInitialize   AddDevice
 *   FunctionStart        START_DEVICE, D0: map the registers, Connect(), which the driver writes
 *   service routine      the driver's own                                     (DIRQL)
 *   DpcRoutine           wake the thread that waits                           (DISPATCH_LEVEL)
 *   FunctionStop         STOP, removal, D3: the same backwards
 *
 * A driver defines FUNCTION_NAME, its name, includes this file, and defines Connect().
 */
#pragma once

#include <ntddk.h>

#include "../function/function.h"
#include "requests.h"

#define FUNCTION_TYPE FILE_DEVICE_UNKNOWN
#define FUNCTION_FLAGS DO_BUFFERED_IO

typedef struct _DEVICE {
    FUNCTION Function;
    EDU_HARDWARE Hardware;
    KDPC Dpc;
    ULONG Length; /* of the registers */
} DEVICE;

#include "../function/dispatch.h"

/*
 * By the driver: connect, fill in Function.Connection, which is what disconnecting asks for, and
 * the constant part of the statistics. `Interrupt` is the translated descriptor; forms that let
 * the system look it up ignore it.
 */
static NTSTATUS Connect(PDEVICE Device, PCM_PARTIAL_RESOURCE_DESCRIPTOR Interrupt);

/* The service routine may run while this does, on this processor or another: exchange, then act. */
static VOID NTAPI DpcRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PDEVICE device = Context;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    EduServed(&device->Hardware);
}

VOID FunctionInitialize(PDEVICE Device)
{
    EduInitialize(&Device->Hardware);
    KeInitializeDpc(&Device->Dpc, DpcRoutine, Device);
}

NTSTATUS FunctionStart(PDEVICE Device)
{
    PFUNCTION function = &Device->Function;
    PCM_PARTIAL_RESOURCE_DESCRIPTOR memory = FunctionResource(function, CmResourceTypeMemory, 0);
    PCM_PARTIAL_RESOURCE_DESCRIPTOR interrupt =
        FunctionResource(function, CmResourceTypeInterrupt, 0);
    NTSTATUS status;

    if (memory == NULL || interrupt == NULL) {
        DbgPrint(FUNCTION_NAME "%u: no %s among the resources\n", function->Index,
                 memory == NULL ? "memory" : "interrupt");
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    }
    Device->Length = memory->u.Memory.Length;
    status = EduMap(&Device->Hardware, memory->u.Memory.Start, Device->Length);
    return NT_SUCCESS(status) ? Connect(Device, interrupt) : status;
}

/* Silence the device, then disconnect: no call of the service routine comes after the return. */
VOID FunctionStop(PDEVICE Device)
{
    PEDU_HARDWARE hardware = &Device->Hardware;

    /* A request under way ends first; those that come after it find no registers. */
    KeWaitForSingleObject(&hardware->Busy, Executive, KernelMode, FALSE, NULL);
    EduSilence(hardware);
    FunctionDisconnect(&Device->Function);
    EduUnmap(hardware, Device->Length);
    KeReleaseMutex(&hardware->Busy, FALSE);
}

NTSTATUS FunctionRequest(PDEVICE Device, PIRP Irp, PULONG Information)
{
    NTSTATUS status;

    if (IoGetCurrentIrpStackLocation(Irp)->MajorFunction != IRP_MJ_DEVICE_CONTROL)
        return STATUS_INVALID_DEVICE_REQUEST;
    status = EduControl(&Device->Hardware, Irp);
    *Information = (ULONG)Irp->IoStatus.Information;
    return status;
}
