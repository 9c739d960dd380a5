/*
 * measure.c - the figures of the interrupt path.
 *
 *   isr         MMIO store that raises -> first thing in the service routine
 *   resume      the same store -> next instruction of the interrupted code; the service routine
 *               reads the device's status and acknowledges it
 *   dpc         the same store -> first thing in the DPC that the service routine queued
 *   thread      the same store -> first thing in the thread that the DPC woke by KeSetEvent
 *   connect     IoConnectInterruptEx, the message's vector being assigned already
 *   disconnect  IoDisconnectInterruptEx
 *
 * Each sample is one interrupt; minimum, median and maximum of all are printed. One CPU.
 */
#include "bench.h"

#define BENCH_TAG 0x636E6542 /* "Benc" */
#define BENCH_THREAD_PRIORITY 20

typedef struct _FIGURES {
    ULONG Least, Median, Most;
} FIGURES;

typedef struct _SAMPLES {
    ULONG Count;
    ULONG *First;
    ULONG *Second; /* measures that come in pairs */
} SAMPLES;

/* Apart from the routine, which so needs no stack frame where it does not come here. */
static __attribute__((noinline)) BOOLEAN QueueDpc(PBENCH Bench)
{
    KeInsertQueueDpc(&Bench->Dpc, NULL, NULL);
    return TRUE;
}

BOOLEAN NTAPI BenchServiceRoutine(PKINTERRUPT Interrupt, PVOID Context, ULONG MessageId)
{
    ULONG now = BenchStamp();
    PBENCH bench = Context;
    ULONG raised = BenchRead(bench, EDU_INTERRUPT_STATUS);

    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(MessageId);
    if (raised == 0)
        return FALSE;
    BenchWrite(bench, EDU_INTERRUPT_ACKNOWLEDGE, raised);
    bench->ServiceStamp = now;
    if (bench->Depth != BenchServiceOnly)
        return QueueDpc(bench);
    return TRUE;
}

VOID NTAPI BenchDpcRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    ULONG now = BenchStamp();
    PBENCH bench = Context;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    bench->DpcStamp = now;
    if (bench->Depth == BenchThread)
        KeSetEvent(&bench->Event, IO_NO_INCREMENT, FALSE);
}

/* Above the measuring thread in priority: it runs as soon as it is ready. */
static VOID NTAPI WaitingThread(PVOID Context)
{
    PBENCH bench = Context;

    KeSetPriorityThread(KeGetCurrentThread(), BENCH_THREAD_PRIORITY);
    for (;;) {
        KeWaitForSingleObject(&bench->Event, Executive, KernelMode, FALSE, NULL);
        bench->ThreadStamp = BenchStamp();
        if (bench->Stop)
            break;
    }
    PsTerminateSystemThread(STATUS_SUCCESS);
}

/* Shell sort: no recursion, no memory. */
static VOID Sort(ULONG *Values, ULONG Count)
{
    ULONG gap, i, j;

    for (gap = Count / 2; gap > 0; gap /= 2) {
        for (i = gap; i < Count; i++) {
            ULONG value = Values[i];

            for (j = i; j >= gap && Values[j - gap] > value; j -= gap)
                Values[j] = Values[j - gap];
            Values[j] = value;
        }
    }
}

static FIGURES Reduce(ULONG *Values, ULONG Count)
{
    FIGURES figures;

    Sort(Values, Count);
    figures.Least = Values[0];
    figures.Median = Values[Count / 2];
    figures.Most = Values[Count - 1];
    return figures;
}

/* Wait for a stamp that is not there yet: another processor may take the interrupt. */
static BOOLEAN WaitStamp(volatile ULONG *Stamp)
{
    ULONG microseconds;

    for (microseconds = 0; *Stamp == 0; microseconds++) {
        if (microseconds == 1000000)
            return FALSE;
        KeStallExecutionProcessor(1);
    }
    return TRUE;
}

static NTSTATUS MeasureService(PBENCH Bench, SAMPLES *Samples)
{
    ULONG i;

    Bench->Depth = BenchServiceOnly;
    for (i = 0; i < Samples->Count; i++) {
        ULONG before, after;

        Bench->ServiceStamp = 0;
        before = BenchRaise(Bench);
        after = BenchStamp();
        if (!WaitStamp(&Bench->ServiceStamp))
            return STATUS_IO_TIMEOUT;
        Samples->First[i] = Bench->ServiceStamp - before;
        Samples->Second[i] = after - before;
    }
    return STATUS_SUCCESS;
}

static NTSTATUS MeasureBeyond(PBENCH Bench, SAMPLES *Samples, BENCH_DEPTH Depth,
                              volatile ULONG *Stamp)
{
    ULONG i;

    Bench->Depth = Depth;
    for (i = 0; i < Samples->Count; i++) {
        ULONG before;

        *Stamp = 0;
        before = BenchRaise(Bench);
        if (!WaitStamp(Stamp))
            return STATUS_IO_TIMEOUT;
        Samples->First[i] = *Stamp - before;
    }
    Bench->Depth = BenchServiceOnly;
    return STATUS_SUCCESS;
}

static NTSTATUS MeasureThread(PBENCH Bench, SAMPLES *Samples)
{
    NTSTATUS status;
    PVOID object;
    HANDLE handle;

    Bench->Stop = FALSE;
    status =
        PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, WaitingThread, Bench);
    if (!NT_SUCCESS(status))
        return status;
    ObReferenceObjectByHandle(handle, THREAD_ALL_ACCESS, NULL, KernelMode, &object, NULL);
    ZwClose(handle);
    Bench->ThreadStamp = 0;
    KeSetEvent(&Bench->Event, IO_NO_INCREMENT, FALSE); /* once round, so that it is set up */
    if (WaitStamp(&Bench->ThreadStamp))
        status = MeasureBeyond(Bench, Samples, BenchThread, &Bench->ThreadStamp);
    Bench->Stop = TRUE;
    KeSetEvent(&Bench->Event, IO_NO_INCREMENT, FALSE);
    KeWaitForSingleObject(object, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(object);
    return status;
}

static NTSTATUS MeasureConnect(PBENCH Bench, SAMPLES *Samples)
{
    NTSTATUS status = STATUS_SUCCESS;
    ULONG i;

    for (i = 0; i < Samples->Count && NT_SUCCESS(status); i++) {
        ULONG before = BenchStamp();

        BenchDisconnect(Bench);
        Samples->Second[i] = BenchStamp() - before;
        before = BenchStamp();
        status = BenchConnect(Bench);
        Samples->First[i] = BenchStamp() - before;
    }
    return status;
}

static NTSTATUS MeasureAll(PBENCH Bench, SAMPLES *Samples)
{
    FIGURES isr, resume, dpc, thread, connect, disconnect;
    ULONG count = Samples->Count;
    NTSTATUS status;

    status = MeasureService(Bench, Samples);
    if (!NT_SUCCESS(status))
        return status;
    isr = Reduce(Samples->First, count);
    resume = Reduce(Samples->Second, count);
    status = MeasureBeyond(Bench, Samples, BenchDpc, &Bench->DpcStamp);
    if (!NT_SUCCESS(status))
        return status;
    dpc = Reduce(Samples->First, count);
    status = MeasureThread(Bench, Samples);
    if (!NT_SUCCESS(status))
        return status;
    thread = Reduce(Samples->First, count);
    status = MeasureConnect(Bench, Samples);
    if (!NT_SUCCESS(status))
        return status;
    connect = Reduce(Samples->First, count);
    disconnect = Reduce(Samples->Second, count);
    DbgPrint("{\"samples\":%u,\"first\":%I64u,\"isr\":[%u,%u,%u],\"resume\":[%u,%u,%u],"
             "\"dpc\":[%u,%u,%u],\"thread\":[%u,%u,%u],\"connect\":[%u,%u,%u],"
             "\"disconnect\":[%u,%u,%u]}\n",
             count, Bench->FirstStamp, isr.Least, isr.Median, isr.Most, resume.Least, resume.Median,
             resume.Most, dpc.Least, dpc.Median, dpc.Most, thread.Least, thread.Median, thread.Most,
             connect.Least, connect.Median, connect.Most, disconnect.Least, disconnect.Median,
             disconnect.Most);
    return STATUS_SUCCESS;
}

NTSTATUS BenchRun(PBENCH Bench, ULONG Samples)
{
    SAMPLES samples = {Samples, NULL, NULL};
    NTSTATUS status;

    if (Samples == 0 || Samples > BENCH_SAMPLES_MAX)
        return STATUS_INVALID_PARAMETER;
    if (Bench->Connection.Version == 0)
        return STATUS_DEVICE_NOT_READY;
    samples.First = ExAllocatePoolWithTag(NonPagedPool, 2 * Samples * sizeof(ULONG), BENCH_TAG);
    if (samples.First == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    samples.Second = samples.First + Samples;
    status = MeasureAll(Bench, &samples);
    ExFreePoolWithTag(samples.First, BENCH_TAG);
    return status;
}
