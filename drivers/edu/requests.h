/*
 * requests.h - what the edu drivers do with the device once its interrupt is connected.
 *
 * The device's work is the same however the interrupt arrives, so the three drivers share it here;
 * each driver's own file holds what there is to learn: PnP, the connection, service routine, DPC.
 *
 * A request runs in the caller's thread at PASSIVE_LEVEL, one at a time (Busy), and sleeps until
 * the interrupt it waits for has come: service routine -> DPC -> KeSetEvent(Done) -> this thread.
 *
 * Field legend: (b) while holding Busy; (i) written by the service routine, read by anyone, each
 * access interlocked or a single aligned load.
 */
#pragma once

#include <ntddk.h>

#include "edu.h"

typedef struct _EDU_HARDWARE {
    PUCHAR Registers;               /* (b) BAR 0; NULL while the device is not started */
    PUCHAR Buffer;                  /* (b) for DMA, below 256 MiB */
    PHYSICAL_ADDRESS BufferAddress; /* (b) */
    BOOLEAN Asleep;                 /* (b) in D3, and not to be asked for anything */
    KMUTEX Busy;
    KEVENT Done;               /* set by the DPC when an operation has ended */
    volatile LONG Raised;      /* (i) status bits the DPC has not looked at yet */
    volatile LONG Unseen;      /* (i) claimed interrupts the DPC has not counted yet */
    EDU_STATISTICS Statistics; /* (i) counts; the rest is constant after start */
} EDU_HARDWARE, *PEDU_HARDWARE;

static inline ULONG EduRead(PEDU_HARDWARE Hardware, ULONG Register)
{
    return READ_REGISTER_ULONG((PULONG)(Hardware->Registers + Register));
}

static inline VOID EduWrite(PEDU_HARDWARE Hardware, ULONG Register, ULONG Value)
{
    WRITE_REGISTER_ULONG((PULONG)(Hardware->Registers + Register), Value);
}

/* Once, when the device object is made. */
static inline VOID EduInitialize(PEDU_HARDWARE Hardware)
{
    KeInitializeMutex(&Hardware->Busy, 0);
    KeInitializeEvent(&Hardware->Done, SynchronizationEvent, FALSE);
}

/*
 * What edu-line.c and edu-message.c write out, and give the reasons for: is the interrupt ours,
 * then silence the device and note it for the DPC. At DIRQL.
 */
static inline BOOLEAN EduServe(PEDU_HARDWARE Hardware)
{
    ULONG raised = EduRead(Hardware, EDU_INTERRUPT_STATUS);

    InterlockedIncrement(&Hardware->Statistics.Counts.ServiceCalls);
    if (raised == 0 || raised == ~0u)
        return FALSE;
    EduWrite(Hardware, EDU_INTERRUPT_ACKNOWLEDGE, raised);
    InterlockedOr(&Hardware->Raised, (LONG)raised);
    InterlockedIncrement(&Hardware->Unseen);
    InterlockedIncrement(&Hardware->Statistics.Counts.Claimed);
    return TRUE;
}

/* The DPC's part of it, whatever connected it; the service routine may run while this does. */
static inline VOID EduServed(PEDU_HARDWARE Hardware)
{
    LONG raised = InterlockedExchange(&Hardware->Raised, 0);

    Hardware->Statistics.Counts.DpcRuns++;
    Hardware->Statistics.Counts.DpcSaw += InterlockedExchange(&Hardware->Unseen, 0);
    if (raised & (EDU_RAISED_FACTORIAL | EDU_RAISED_DMA))
        KeSetEvent(&Hardware->Done, IO_NO_INCREMENT, FALSE);
}

/* No interrupt is raised from here on, if there are registers to say it to. */
static inline VOID EduSilence(PEDU_HARDWARE Hardware)
{
    if (Hardware->Registers == NULL)
        return;
    EduWrite(Hardware, EDU_STATUS, 0);
    EduWrite(Hardware, EDU_INTERRUPT_ACKNOWLEDGE, ~0u);
}

/* START: map the registers and see that there is an edu behind them, and find memory for DMA. */
static inline NTSTATUS EduMap(PEDU_HARDWARE Hardware, PHYSICAL_ADDRESS Start, ULONG Length)
{
    PHYSICAL_ADDRESS highest;

    highest.QuadPart = EDU_DMA_HIGHEST_ADDRESS;
    Hardware->Buffer = MmAllocateContiguousMemory(PAGE_SIZE, highest);
    if (Hardware->Buffer == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    Hardware->BufferAddress = MmGetPhysicalAddress(Hardware->Buffer);
    RtlZeroMemory(&Hardware->Statistics, sizeof(Hardware->Statistics));

    Hardware->Registers = MmMapIoSpace(Start, Length, MmNonCached);
    if (Hardware->Registers == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    if ((EduRead(Hardware, EDU_ID) & EDU_ID_MASK) != EDU_ID_VALUE)
        return STATUS_NO_SUCH_DEVICE;
    /* Quiet until the interrupt is connected, as every device should be. */
    EduWrite(Hardware, EDU_INTERRUPT_ACKNOWLEDGE, ~0u);
    return STATUS_SUCCESS;
}

/* STOP or REMOVE, after the interrupt was disconnected. Also undoes half an EduMap. */
static inline VOID EduUnmap(PEDU_HARDWARE Hardware, ULONG Length)
{
    if (Hardware->Registers != NULL)
        MmUnmapIoSpace(Hardware->Registers, Length);
    if (Hardware->Buffer != NULL)
        MmFreeContiguousMemory(Hardware->Buffer);
    Hardware->Registers = NULL;
    Hardware->Buffer = NULL;
    Hardware->Asleep = FALSE;
}

static inline NTSTATUS EduWaitDone(PEDU_HARDWARE Hardware)
{
    LARGE_INTEGER timeout;

    timeout.QuadPart = -5 * 10000000LL; /* relative, in 100 ns: five seconds */
    if (KeWaitForSingleObject(&Hardware->Done, Executive, KernelMode, FALSE, &timeout) ==
        STATUS_TIMEOUT)
        return STATUS_IO_TIMEOUT;
    return STATUS_SUCCESS;
}

static inline NTSTATUS EduFactorial(PEDU_HARDWARE Hardware, PULONG Number)
{
    NTSTATUS status;

    KeClearEvent(&Hardware->Done);
    EduWrite(Hardware, EDU_STATUS, EDU_STATUS_RAISE_WHEN_DONE);
    EduWrite(Hardware, EDU_FACTORIAL, *Number);
    status = EduWaitDone(Hardware);
    EduWrite(Hardware, EDU_STATUS, 0);
    if (NT_SUCCESS(status))
        *Number = EduRead(Hardware, EDU_FACTORIAL);
    return status;
}

static inline NTSTATUS EduTransfer(PEDU_HARDWARE Hardware, ULONG Direction, ULONG Length)
{
    ULONG memory = Hardware->BufferAddress.LowPart;
    BOOLEAN in = Direction == EDU_DMA_TO_MEMORY;

    KeClearEvent(&Hardware->Done);
    EduWrite(Hardware, EDU_DMA_SOURCE, in ? EDU_DMA_BUFFER : memory);
    EduWrite(Hardware, EDU_DMA_DESTINATION, in ? memory : EDU_DMA_BUFFER);
    EduWrite(Hardware, EDU_DMA_COUNT, Length);
    EduWrite(Hardware, EDU_DMA_COMMAND, EDU_DMA_START | EDU_DMA_RAISE_WHEN_DONE | Direction);
    return EduWaitDone(Hardware);
}

/* Data to the device and back into a wiped buffer; it must be the same. */
static inline NTSTATUS EduDma(PEDU_HARDWARE Hardware, PUCHAR Data, ULONG Length)
{
    NTSTATUS status;

    if (Length == 0 || Length > EDU_DMA_MAX)
        return STATUS_INVALID_PARAMETER;
    RtlCopyMemory(Hardware->Buffer, Data, Length);
    status = EduTransfer(Hardware, 0, Length);
    if (!NT_SUCCESS(status))
        return status;
    RtlZeroMemory(Hardware->Buffer, Length);
    status = EduTransfer(Hardware, EDU_DMA_TO_MEMORY, Length);
    if (!NT_SUCCESS(status))
        return status;
    if (RtlCompareMemory(Hardware->Buffer, Data, Length) != Length)
        return STATUS_DATA_ERROR;
    RtlCopyMemory(Data, Hardware->Buffer, Length);
    return STATUS_SUCCESS;
}

/*
 * Raise one interrupt after another: the next only when the service routine has claimed the last,
 * so that none can merge with another and the counts must come out equal.
 */
static inline NTSTATUS EduRaise(PEDU_HARDWARE Hardware, ULONG Number, EDU_COUNTS *Counts)
{
    volatile EDU_COUNTS *now = &Hardware->Statistics.Counts;
    EDU_COUNTS before = Hardware->Statistics.Counts;
    NTSTATUS status = STATUS_SUCCESS;
    ULONG raised, microseconds;

    if (Number > EDU_RAISE_MAX)
        return STATUS_INVALID_PARAMETER;
    for (raised = 0; raised < Number && NT_SUCCESS(status); raised++) {
        LONG claimed = now->Claimed;

        now->Raised++;
        EduWrite(Hardware, EDU_INTERRUPT_RAISE, EDU_RAISED_BY_HAND);
        for (microseconds = 0; now->Claimed == claimed; microseconds++) {
            if (microseconds == 1000000) {
                status = STATUS_IO_TIMEOUT;
                break;
            }
            KeStallExecutionProcessor(1);
        }
    }
    KeFlushQueuedDpcs(); /* the last DPC may be queued still, here or on another processor */
    Counts->Raised = now->Raised - before.Raised;
    Counts->ServiceCalls = now->ServiceCalls - before.ServiceCalls;
    Counts->Claimed = now->Claimed - before.Claimed;
    Counts->DpcRuns = now->DpcRuns - before.DpcRuns;
    Counts->DpcSaw = now->DpcSaw - before.DpcSaw;
    return status;
}

/* IRP_MJ_DEVICE_CONTROL with METHOD_BUFFERED: one buffer, first the input, then the output. */
static inline NTSTATUS EduControl(PEDU_HARDWARE Hardware, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG in = stack->Parameters.DeviceIoControl.InputBufferLength;
    ULONG out = stack->Parameters.DeviceIoControl.OutputBufferLength;
    ULONG code = stack->Parameters.DeviceIoControl.IoControlCode;
    PVOID data = Irp->AssociatedIrp.SystemBuffer;
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    ULONG length = 0;

    KeWaitForSingleObject(&Hardware->Busy, Executive, KernelMode, FALSE, NULL);
    if (Hardware->Registers == NULL || Hardware->Asleep) {
        status = STATUS_DEVICE_NOT_READY;
    } else if (code == IOCTL_EDU_FACTORIAL) {
        length = sizeof(ULONG);
        status =
            in < length || out < length ? STATUS_BUFFER_TOO_SMALL : EduFactorial(Hardware, data);
    } else if (code == IOCTL_EDU_DMA) {
        length = in;
        status = out < length ? STATUS_BUFFER_TOO_SMALL : EduDma(Hardware, data, in);
    } else if (code == IOCTL_EDU_RAISE) {
        length = sizeof(EDU_COUNTS);
        status = in < sizeof(ULONG) || out < length ? STATUS_BUFFER_TOO_SMALL
                                                    : EduRaise(Hardware, *(PULONG)data, data);
    } else if (code == IOCTL_EDU_STATISTICS) {
        length = sizeof(EDU_STATISTICS);
        status = out < length ? STATUS_BUFFER_TOO_SMALL : STATUS_SUCCESS;
        if (NT_SUCCESS(status))
            RtlCopyMemory(data, &Hardware->Statistics, length);
    }
    KeReleaseMutex(&Hardware->Busy, FALSE);
    Irp->IoStatus.Information = NT_SUCCESS(status) ? length : 0;
    return status;
}
