/*
 * run.h - timers that interrupt on request: so many times, each one counted, then no more.
 *
 * IOCTL_RUN has the device interrupt a given number of times. The service routine that counts the
 * last one stops the device, so that none can follow, and queues the DPC. The thread that asked
 * waits, waits a little longer, and reports what was counted: by then every interrupt there was
 * has been. One run at a time.
 *
 * Included by one file of a driver in place of dispatch.h, after its DEVICE, which has a RUN of
 * that name. The driver writes FunctionStart and
 *
 *   RunRequest   one run: check the wish, RunBegin, start the device, RunWait, the result
 */
#pragma once

#include "dispatch.h"

#define QUIET_TIME 20 /* milliseconds */

/* Busy is held; the device is started. Buffer: first the wish, then the result. */
static NTSTATUS RunRequest(PDEVICE Device, PVOID Buffer, ULONG InputLength, ULONG OutputLength,
                           PULONG Information);

/* ---- Services to the driver ------------------------------------------------------------- */

static VOID RunBegin(PDEVICE Device, ULONG Wanted)
{
    Device->Run.Wanted = (LONG)Wanted;
    Device->Run.Taken = 0;
    Device->Run.DpcRuns = 0;
    KeClearEvent(&Device->Run.Done);
}

/* In the service routine. TRUE: this was the last one wanted; stop the device, then RunEnd. */
static BOOLEAN RunCount(PDEVICE Device)
{
    return InterlockedIncrement(&Device->Run.Taken) == Device->Run.Wanted;
}

static VOID RunEnd(PDEVICE Device)
{
    KeInsertQueueDpc(&Device->Run.Dpc, NULL, NULL);
}

static VOID RunWait(PDEVICE Device)
{
    KeWaitForSingleObject(&Device->Run.Done, Executive, KernelMode, FALSE, NULL);
}

static VOID NTAPI RunDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PDEVICE device = Context;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    InterlockedIncrement(&device->Run.DpcRuns);
    KeSetEvent(&device->Run.Done, IO_NO_INCREMENT, FALSE);
}

/* ---- By dispatch.h ---------------------------------------------------------------------- */

VOID FunctionInitialize(PDEVICE Device)
{
    KeInitializeMutex(&Device->Run.Busy, 0);
    KeInitializeEvent(&Device->Run.Done, SynchronizationEvent, FALSE);
    KeInitializeDpc(&Device->Run.Dpc, RunDpc, Device);
}

NTSTATUS FunctionRequest(PDEVICE Device, PIRP Irp, PULONG Information)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS status = STATUS_DEVICE_NOT_READY;

    if (stack->MajorFunction != IRP_MJ_DEVICE_CONTROL ||
        stack->Parameters.DeviceIoControl.IoControlCode != IOCTL_RUN)
        return STATUS_INVALID_DEVICE_REQUEST;
    KeWaitForSingleObject(&Device->Run.Busy, Executive, KernelMode, FALSE, NULL);
    if (Device->Function.Connection.Version != 0)
        status = RunRequest(Device, Irp->AssociatedIrp.SystemBuffer,
                            stack->Parameters.DeviceIoControl.InputBufferLength,
                            stack->Parameters.DeviceIoControl.OutputBufferLength, Information);
    KeReleaseMutex(&Device->Run.Busy, FALSE);
    return status;
}

/* A run under way ends by itself; after it nothing is connected. */
VOID FunctionStop(PDEVICE Device)
{
    KeWaitForSingleObject(&Device->Run.Busy, Executive, KernelMode, FALSE, NULL);
    FunctionDisconnect(&Device->Function);
    FunctionUnmapRegisters(&Device->Function);
    KeReleaseMutex(&Device->Run.Busy, FALSE);
}
