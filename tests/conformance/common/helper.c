/*
 * helper.c - pauses, threads and processors; requests to the drivers below; bug checks to come.
 */
#include "suite.h"

#define RESTART_MS 20000
#define STALL_US 10
#define STALLS_PER_MS 100

VOID TestPause(ULONG Milliseconds)
{
    LARGE_INTEGER interval;

    interval.QuadPart = -(LONGLONG)Milliseconds * 10000;
    KeDelayExecutionThread(KernelMode, FALSE, &interval);
}

NTSTATUS TestWait(PVOID Object, ULONG Milliseconds)
{
    LARGE_INTEGER timeout;

    timeout.QuadPart = -(LONGLONG)Milliseconds * 10000;
    return KeWaitForSingleObject(Object, Executive, KernelMode, FALSE, &timeout);
}

BOOLEAN TestRestart(PTEST_DEVICE Device)
{
    PDEVICE_OBJECT physical = Device->Physical;
    ULONG starts = Device->Starts, waited;
    PTEST_DEVICE device;

    Device->State = PNP_DEVICE_RESOURCE_REQUIREMENTS_CHANGED;
    IoInvalidateDeviceState(physical);
    for (waited = 0; waited < RESTART_MS; waited++) {
        for (device = TestDevices; device != NULL && device->Physical != physical;)
            device = device->Next;
        if (device == NULL)
            return FALSE;
        if (device->Starts != starts && (device->Settled || !device->Started))
            return device->Started;
        TestPause(1);
    }
    return FALSE;
}

NTSTATUS TestSendPnp(PTEST_DEVICE Device, PIO_STACK_LOCATION Location, PULONG_PTR Information)
{
    PIO_STACK_LOCATION stack;
    IO_STATUS_BLOCK result;
    NTSTATUS status;
    KEVENT event;
    PIRP irp;

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    irp = IoBuildSynchronousFsdRequest(IRP_MJ_PNP, Device->Lower, NULL, 0, NULL, &event, &result);
    if (irp == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED; /* RES-MSIX-16 */
    irp->IoStatus.Information = *Information;
    stack = IoGetNextIrpStackLocation(irp);
    stack->MinorFunction = Location->MinorFunction;
    stack->Parameters = Location->Parameters;
    status = IoCallDriver(Device->Lower, irp);
    if (status == STATUS_PENDING) {
        KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
        status = result.Status;
    }
    *Information = result.Information;
    return status;
}

NTSTATUS TestQueryInterface(PTEST_DEVICE Device, const GUID *Type, PVOID Interface, USHORT Size,
                            USHORT Version)
{
    IO_STACK_LOCATION location = {.MinorFunction = IRP_MN_QUERY_INTERFACE};
    ULONG_PTR information = 0;

    location.Parameters.QueryInterface.InterfaceType = Type;
    location.Parameters.QueryInterface.Size = Size;
    location.Parameters.QueryInterface.Version = Version;
    location.Parameters.QueryInterface.Interface = Interface;
    return TestSendPnp(Device, &location, &information);
}

VOID TestReadConfig(PTEST_DEVICE Device, ULONG Offset, PVOID Buffer, ULONG Length)
{
    IO_STACK_LOCATION location = {.MinorFunction = IRP_MN_READ_CONFIG};
    ULONG_PTR information = 0;

    RtlZeroMemory(Buffer, Length);
    location.Parameters.ReadWriteConfig.WhichSpace = PCI_WHICHSPACE_CONFIG;
    location.Parameters.ReadWriteConfig.Buffer = Buffer;
    location.Parameters.ReadWriteConfig.Offset = Offset;
    location.Parameters.ReadWriteConfig.Length = Length;
    TestSendPnp(Device, &location, &information);
}

BOOLEAN TestIsMarked(PDEVICE_OBJECT Physical, PCWSTR Name)
{
    ULONG buffer[(sizeof(KEY_VALUE_PARTIAL_INFORMATION) + sizeof(ULONG)) / sizeof(ULONG) + 1];
    PKEY_VALUE_PARTIAL_INFORMATION value = (PVOID)buffer;
    BOOLEAN marked;
    UNICODE_STRING name;
    ULONG length;
    HANDLE key;

    if (!NT_SUCCESS(IoOpenDeviceRegistryKey(Physical, PLUGPLAY_REGKEY_DEVICE, KEY_READ, &key)))
        return FALSE;
    RtlInitUnicodeString(&name, Name);
    marked = NT_SUCCESS(ZwQueryValueKey(key, &name, KeyValuePartialInformation, value,
                                        sizeof(buffer), &length)) &&
             value->Type == REG_DWORD && *(PULONG)value->Data == 1;
    ZwClose(key);
    return marked;
}

ULONG TestProcessors(VOID)
{
    return KeQueryActiveProcessorCountEx(0);
}

ULONG TestCurrentProcessor(VOID)
{
    return KeGetCurrentProcessorNumberEx(NULL);
}

VOID TestGoTo(ULONG Processor)
{
    KeSetSystemAffinityThread((KAFFINITY)1 << Processor);
}

VOID TestAnywhere(VOID)
{
    KeRevertToUserAffinityThread();
}

static VOID NTAPI ThreadMain(PVOID Context)
{
    PTEST_THREAD thread = Context;

    TestGoTo(thread->Processor);
    thread->Routine(thread->Context);
    TestAnywhere();
    PsTerminateSystemThread(STATUS_SUCCESS);
}

BOOLEAN TestThreadStart(PTEST_THREAD Thread, ULONG Processor, TEST_THREAD_ROUTINE Routine,
                        PVOID Context)
{
    HANDLE handle;
    NTSTATUS status;

    Thread->Routine = Routine;
    Thread->Context = Context;
    Thread->Processor = Processor;
    Thread->Object = NULL;
    status = PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, ThreadMain, Thread);
    if (!NT_SUCCESS(status))
        return FALSE;
    status = ObReferenceObjectByHandle(handle, THREAD_ALL_ACCESS, NULL, KernelMode, &Thread->Object,
                                       NULL);
    ZwClose(handle);
    return NT_SUCCESS(status);
}

VOID TestThreadJoin(PTEST_THREAD Thread)
{
    if (Thread->Object == NULL)
        return;
    KeWaitForSingleObject(Thread->Object, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(Thread->Object);
    Thread->Object = NULL;
}

BOOLEAN TestSpinUntil(volatile LONG *Value, LONG Least, ULONG Milliseconds)
{
    ULONG i;

    for (i = 0; i < Milliseconds * STALLS_PER_MS && *Value < Least; i++)
        KeStallExecutionProcessor(STALL_US);
    return *Value >= Least;
}

ULONG TestLowestProcessor(KAFFINITY Set)
{
    ULONG processor;

    for (processor = 0; processor < TestProcessors(); processor++)
        if (Set >> processor & 1)
            return processor;
    return 0;
}

ULONG TestOtherProcessor(ULONG Processor)
{
    return (Processor + 1) % TestProcessors();
}

static VOID PrintParameter(ULONG64 Parameter)
{
    if (Parameter == TEST_ANY)
        DbgPrint(" *");
    else
        DbgPrint(" 0x%I64X", Parameter);
}

VOID ExpectStop(ULONG Code, ULONG64 Parameter1, ULONG64 Parameter2, ULONG64 Parameter3,
                ULONG64 Parameter4, PCSTR Name)
{
    DbgPrint("expect stop 0x%08X", Code);
    PrintParameter(Parameter1);
    PrintParameter(Parameter2);
    PrintParameter(Parameter3);
    PrintParameter(Parameter4);
    DbgPrint(" - %s\n", Name);
}
