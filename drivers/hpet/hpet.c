/*
 * hpet.c - periodic interrupts of a high precision event timer block, by messages or by a line.
 *
 * IOCTL_HPET_RUN has a timer interrupt a given number of times: the routine counts, and at the last
 * one stops the main counter, so that none can follow. The thread that asked waits, waits a little
 * longer, and reports what was counted: by then every interrupt there was has been.
 *
 * With messages each timer has its own, and its number is the message's. With a line only timer 0
 * is used, as a level: the status bit must be cleared, and tells whether the interrupt is ours.
 *
 * IA-PC HPET Specification 1.0a: registers 2.3, periodic mode 2.3.9.2.2.
 */
#define FUNCTION_NAME "hpet"
#define FUNCTION_TYPE FILE_DEVICE_UNKNOWN
#define FUNCTION_FLAGS DO_BUFFERED_IO

#include "../function/function.h"

#define IOCTL_HPET_RUN CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

#define CAPABILITIES 0x000
#define PERIOD 0x004 /* of a tick, in femtoseconds */
#define CONFIGURATION 0x010
#define STATUS 0x020
#define COUNTER 0x0F0
#define TIMER_CONFIGURATION(Timer) (0x100 + 0x20 * (Timer))
#define TIMER_COMPARATOR(Timer) (0x108 + 0x20 * (Timer))

#define CAPABILITIES_LAST_TIMER(Value) ((Value) >> 8 & 0x1F)
#define CONFIGURATION_ENABLE 0x1u
#define TIMER_LEVEL 0x2u
#define TIMER_INTERRUPT 0x4u
#define TIMER_PERIODIC 0x8u
#define TIMER_CAN_REPEAT 0x10u
#define TIMER_SET_PERIOD 0x40u
#define TIMER_32BIT 0x100u
#define TIMER_ROUTE_MASK 0x3E00u
#define TIMER_ROUTE(Input) ((ULONG)(Input) << 9)

#define FEMTOSECONDS_PER_MICROSECOND 1000000000ull
#define QUIET_TIME (-10 * 1000 * 20) /* 20 ms in units of 100 ns, relative */
#define PERIOD_LEAST 10              /* microseconds */

typedef struct _HPET_RUN {
    ULONG Timer;
    ULONG Microseconds; /* period */
    ULONG Count;        /* interrupts wanted */
} HPET_RUN;

typedef struct _HPET_RESULT {
    ULONG Messages;     /* 0: by a line */
    ULONG Taken;        /* interrupts of the run, those past the wanted number too */
    ULONG DpcRuns;      /* at least 1 */
    ULONG Microseconds; /* by the main counter, from the start to the last interrupt */
} HPET_RESULT;

typedef struct _DEVICE {
    FUNCTION Function;
    PUCHAR Registers;
    ULONG Length;
    ULONG Input; /* IOAPIC input of the line */
    KMUTEX Busy;
    KDPC Dpc;
    KEVENT Done;
    volatile LONG Wanted; /* 0: no run */
    volatile LONG Taken;
    volatile LONG DpcRuns;
} DEVICE;

#include "../function/dispatch.h"

static ULONG Read(PDEVICE Device, ULONG Register)
{
    return READ_REGISTER_ULONG((PULONG)(Device->Registers + Register));
}

static VOID Write(PDEVICE Device, ULONG Register, ULONG Value)
{
    WRITE_REGISTER_ULONG((PULONG)(Device->Registers + Register), Value);
}

static VOID StopCounter(PDEVICE Device)
{
    Write(Device, CONFIGURATION, Read(Device, CONFIGURATION) & ~CONFIGURATION_ENABLE);
}

/* ---- The interrupt ------------------------------------------------------------------------ */

static VOID Count(PDEVICE Device)
{
    if (InterlockedIncrement(&Device->Taken) != Device->Wanted)
        return;
    StopCounter(Device);
    KeInsertQueueDpc(&Device->Dpc, NULL, NULL);
}

static BOOLEAN NTAPI MessageRoutine(PKINTERRUPT Interrupt, PVOID Context, ULONG MessageId)
{
    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(MessageId);
    Count(Context);
    return TRUE;
}

static BOOLEAN NTAPI LineRoutine(PKINTERRUPT Interrupt, PVOID Context)
{
    PDEVICE device = Context;

    UNREFERENCED_PARAMETER(Interrupt);
    if ((Read(device, STATUS) & 1) == 0)
        return FALSE;
    Write(device, STATUS, 1);
    Count(device);
    return TRUE;
}

static VOID NTAPI DpcRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PDEVICE device = Context;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    InterlockedIncrement(&device->DpcRuns);
    KeSetEvent(&device->Done, IO_NO_INCREMENT, FALSE);
}

/* ---- Requests ----------------------------------------------------------------------------- */

/*
 * The counter stands. In periodic mode the first write of the comparator is when the first
 * interrupt comes, the second, while the set bit still holds, the period. With messages the
 * enable bit is the system's.
 */
static VOID Arm(PDEVICE Device, ULONG Timer, ULONG Ticks)
{
    ULONG configuration = Read(Device, TIMER_CONFIGURATION(Timer));

    configuration |= TIMER_PERIODIC | TIMER_32BIT | TIMER_SET_PERIOD;
    if (Device->Function.MessageCount == 0) {
        configuration &= ~TIMER_ROUTE_MASK;
        configuration |= TIMER_LEVEL | TIMER_INTERRUPT | TIMER_ROUTE(Device->Input);
    }
    Write(Device, COUNTER, 0);
    Write(Device, COUNTER + 4, 0);
    Write(Device, TIMER_CONFIGURATION(Timer), configuration);
    Write(Device, TIMER_COMPARATOR(Timer), Ticks);
    Write(Device, TIMER_COMPARATOR(Timer), Ticks);
}

/* The comparator as far away as it can be. */
static VOID Disarm(PDEVICE Device, ULONG Timer)
{
    ULONG configuration =
        Read(Device, TIMER_CONFIGURATION(Timer)) & ~(TIMER_PERIODIC | TIMER_32BIT);

    if (Device->Function.MessageCount == 0)
        configuration &= ~TIMER_INTERRUPT;
    Write(Device, TIMER_CONFIGURATION(Timer), configuration);
    Write(Device, TIMER_COMPARATOR(Timer), ~0u);
    Write(Device, TIMER_COMPARATOR(Timer) + 4, ~0u);
    Write(Device, STATUS, 1u << Timer);
}

static VOID RunTimer(PDEVICE Device, const HPET_RUN *Wish, ULONG Ticks, HPET_RESULT *Result)
{
    ULONGLONG period = Read(Device, PERIOD);
    LARGE_INTEGER quiet;

    quiet.QuadPart = QUIET_TIME;
    StopCounter(Device);
    Device->Taken = 0;
    Device->DpcRuns = 0;
    Device->Wanted = (LONG)Wish->Count;
    KeClearEvent(&Device->Done);
    Arm(Device, Wish->Timer, Ticks);
    Write(Device, CONFIGURATION, Read(Device, CONFIGURATION) | CONFIGURATION_ENABLE);
    KeWaitForSingleObject(&Device->Done, Executive, KernelMode, FALSE, NULL);
    Result->Microseconds = (ULONG)(Read(Device, COUNTER) * period / FEMTOSECONDS_PER_MICROSECOND);
    KeDelayExecutionThread(KernelMode, FALSE, &quiet);
    Disarm(Device, Wish->Timer);
    Result->Messages = Device->Function.MessageCount;
    Result->Taken = (ULONG)Device->Taken;
    Result->DpcRuns = (ULONG)Device->DpcRuns;
}

static NTSTATUS RunRequest(PDEVICE Device, PVOID Buffer, ULONG InputLength, ULONG OutputLength,
                           PULONG Information)
{
    ULONGLONG period = Read(Device, PERIOD), ticks;
    HPET_RESULT result;
    HPET_RUN wish;

    if (InputLength < sizeof(wish) || OutputLength < sizeof(result))
        return STATUS_BUFFER_TOO_SMALL;
    RtlCopyMemory(&wish, Buffer, sizeof(wish));
    if (wish.Timer > CAPABILITIES_LAST_TIMER(Read(Device, CAPABILITIES)) ||
        (wish.Timer > 0 && wish.Timer >= Device->Function.MessageCount) || wish.Count == 0 ||
        wish.Count > MAXLONG || wish.Microseconds < PERIOD_LEAST || period == 0)
        return STATUS_INVALID_PARAMETER;
    ticks = wish.Microseconds * FEMTOSECONDS_PER_MICROSECOND / period;
    if (ticks * wish.Count > MAXULONG ||
        (Read(Device, TIMER_CONFIGURATION(wish.Timer)) & TIMER_CAN_REPEAT) == 0)
        return STATUS_INVALID_PARAMETER;
    RtlZeroMemory(&result, sizeof(result));
    RunTimer(Device, &wish, (ULONG)ticks, &result);
    RtlCopyMemory(Buffer, &result, sizeof(result));
    *Information = sizeof(result);
    return STATUS_SUCCESS;
}

NTSTATUS FunctionRequest(PDEVICE Device, PIRP Irp, PULONG Information)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS status = STATUS_DEVICE_NOT_READY;

    if (stack->MajorFunction != IRP_MJ_DEVICE_CONTROL ||
        stack->Parameters.DeviceIoControl.IoControlCode != IOCTL_HPET_RUN)
        return STATUS_INVALID_DEVICE_REQUEST;
    KeWaitForSingleObject(&Device->Busy, Executive, KernelMode, FALSE, NULL);
    if (Device->Registers != NULL)
        status = RunRequest(Device, Irp->AssociatedIrp.SystemBuffer,
                            stack->Parameters.DeviceIoControl.InputBufferLength,
                            stack->Parameters.DeviceIoControl.OutputBufferLength, Information);
    KeReleaseMutex(&Device->Busy, FALSE);
    return status;
}

/* ---- By dispatch.h ------------------------------------------------------------------------ */

VOID FunctionInitialize(PDEVICE Device)
{
    KeInitializeMutex(&Device->Busy, 0);
    KeInitializeEvent(&Device->Done, SynchronizationEvent, FALSE);
    KeInitializeDpc(&Device->Dpc, DpcRoutine, Device);
}

/* The IOAPIC input of the line is what the bus calls its vector. */
static VOID FindInput(PDEVICE Device)
{
    PCM_PARTIAL_RESOURCE_LIST raw = &Device->Function.Raw->List[0].PartialResourceList;
    PCM_PARTIAL_RESOURCE_DESCRIPTOR descriptor = raw->PartialDescriptors;
    ULONG i;

    for (i = 0; i < raw->Count; i++)
        if (descriptor[i].Type == CmResourceTypeInterrupt)
            Device->Input = descriptor[i].u.Interrupt.Vector;
}

NTSTATUS FunctionStart(PDEVICE Device)
{
    PFUNCTION function = &Device->Function;
    NTSTATUS status;

    Device->Registers = FunctionMap(function, 0, &Device->Length);
    if (Device->Registers == NULL)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    FindInput(Device);
    StopCounter(Device); /* connecting lets timers interrupt, whatever they were set to */
    status = FunctionConnect(function, MessageRoutine, LineRoutine, Device);
    if (!NT_SUCCESS(status))
        return status;
    DbgPrint("hpet%u: %u timers, connected by %s, %u messages\n", function->Index,
             CAPABILITIES_LAST_TIMER(Read(Device, CAPABILITIES)) + 1,
             FunctionConnectionText(function), function->MessageCount);
    return status;
}

VOID FunctionStop(PDEVICE Device)
{
    KeWaitForSingleObject(&Device->Busy, Executive, KernelMode, FALSE,
                          NULL); /* a run under way ends by itself */
    FunctionDisconnect(&Device->Function);
    if (Device->Registers != NULL)
        MmUnmapIoSpace(Device->Registers, Device->Length);
    Device->Registers = NULL;
    KeReleaseMutex(&Device->Busy, FALSE);
}
