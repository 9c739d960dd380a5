/*
 * bench.c - the driver around the measurements: connects edu's message at start, raises it once,
 * which dates the machine's first interrupt in a driver, and runs the bench when told.
 */
#include "bench.h"

#define TEST_STATE BENCH
#define TEST_DRIVER "bench"
#include "../common/test_driver.h"

NTSTATUS BenchConnect(PBENCH Bench)
{
    IO_CONNECT_INTERRUPT_PARAMETERS parameters;
    PVOID context = NULL;
    NTSTATUS status;

    RtlZeroMemory(&parameters, sizeof(parameters));
    parameters.Version = CONNECT_MESSAGE_BASED;
    parameters.MessageBased.PhysicalDeviceObject = Bench->Physical;
    parameters.MessageBased.ConnectionContext.Generic = &context;
    parameters.MessageBased.MessageServiceRoutine = BenchServiceRoutine;
    parameters.MessageBased.ServiceContext = Bench;
    status = IoConnectInterruptEx(&parameters);
    if (!NT_SUCCESS(status))
        return status;
    Bench->Connection.Version = parameters.Version;
    Bench->Connection.ConnectionContext.Generic = context;
    return STATUS_SUCCESS;
}

VOID BenchDisconnect(PBENCH Bench)
{
    if (Bench->Connection.Version == 0)
        return;
    IoDisconnectInterruptEx(&Bench->Connection);
    Bench->Connection.Version = 0;
}

static NTSTATUS TestStart(PTEST_DEVICE Device)
{
    PBENCH bench = &Device->State;
    NTSTATUS status;
    ULONG i;

    if (Device->Registers == NULL)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    bench->Physical = Device->Physical;
    bench->Registers = Device->Registers;
    KeInitializeDpc(&bench->Dpc, BenchDpcRoutine, bench);
    KeInitializeEvent(&bench->Event, SynchronizationEvent, FALSE);
    status = BenchConnect(bench);
    if (!NT_SUCCESS(status))
        return status;
    BenchWrite(bench, EDU_INTERRUPT_RAISE, EDU_RAISED_BY_HAND);
    for (i = 0; bench->ServiceStamp == 0 && i < 1000000; i++)
        KeStallExecutionProcessor(1);
    bench->FirstStamp = __builtin_ia32_rdtsc();
    bench->FirstStamp -= (ULONG)bench->FirstStamp - bench->ServiceStamp;
    return STATUS_SUCCESS;
}

static VOID TestStop(PTEST_DEVICE Device)
{
    BenchDisconnect(&Device->State);
    KeFlushQueuedDpcs();
}

static NTSTATUS TestControl(PTEST_DEVICE Device, ULONG Code, PVOID Buffer, PULONG Length)
{
    if (Code != (ULONG)IOCTL_BENCH_RUN)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (*Length < sizeof(ULONG))
        return STATUS_BUFFER_TOO_SMALL;
    *Length = 0;
    return BenchRun(&Device->State, *(PULONG)Buffer);
}
