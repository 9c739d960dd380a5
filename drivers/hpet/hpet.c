/*
 * hpet.c - periodic interrupts of a high precision event timer block, by messages or by a line.
 *
 * What a run is, and who counts it, is in ../function/run.h: the last interrupt's routine stops the
 * main counter.
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
#define PERIOD_LEAST 10 /* microseconds */

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
    RUN Run;
    ULONG Input; /* IOAPIC input of the line */
} DEVICE;

#include "../function/run.h"

static VOID StopCounter(PDEVICE Device)
{
    RegisterWrite(Device, CONFIGURATION,
                  RegisterRead(Device, CONFIGURATION) & ~CONFIGURATION_ENABLE);
}

/* ---- The interrupt ------------------------------------------------------------------------ */

static VOID Count(PDEVICE Device)
{
    if (!RunCount(Device))
        return;
    StopCounter(Device);
    RunEnd(Device);
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
    if ((RegisterRead(device, STATUS) & 1) == 0)
        return FALSE;
    RegisterWrite(device, STATUS, 1);
    Count(device);
    return TRUE;
}

/* ---- Requests ----------------------------------------------------------------------------- */

/*
 * The counter stands. In periodic mode the first write of the comparator is when the first
 * interrupt comes, the second, while the set bit still holds, the period. With messages the
 * enable bit is the system's.
 */
static VOID Arm(PDEVICE Device, ULONG Timer, ULONG Ticks)
{
    ULONG configuration = RegisterRead(Device, TIMER_CONFIGURATION(Timer));

    configuration |= TIMER_PERIODIC | TIMER_32BIT | TIMER_SET_PERIOD;
    if (Device->Function.MessageCount == 0) {
        configuration &= ~TIMER_ROUTE_MASK;
        configuration |= TIMER_LEVEL | TIMER_INTERRUPT | TIMER_ROUTE(Device->Input);
    }
    RegisterWrite(Device, COUNTER, 0);
    RegisterWrite(Device, COUNTER + 4, 0);
    RegisterWrite(Device, TIMER_CONFIGURATION(Timer), configuration);
    RegisterWrite(Device, TIMER_COMPARATOR(Timer), Ticks);
    RegisterWrite(Device, TIMER_COMPARATOR(Timer), Ticks);
}

/* The comparator as far away as it can be. */
static VOID Disarm(PDEVICE Device, ULONG Timer)
{
    ULONG configuration =
        RegisterRead(Device, TIMER_CONFIGURATION(Timer)) & ~(TIMER_PERIODIC | TIMER_32BIT);

    if (Device->Function.MessageCount == 0)
        configuration &= ~TIMER_INTERRUPT;
    RegisterWrite(Device, TIMER_CONFIGURATION(Timer), configuration);
    RegisterWrite(Device, TIMER_COMPARATOR(Timer), ~0u);
    RegisterWrite(Device, TIMER_COMPARATOR(Timer) + 4, ~0u);
    RegisterWrite(Device, STATUS, 1u << Timer);
}

static VOID RunTimer(PDEVICE Device, const HPET_RUN *Wish, ULONG Ticks, HPET_RESULT *Result)
{
    ULONGLONG period = RegisterRead(Device, PERIOD);

    StopCounter(Device);
    RunBegin(Device, Wish->Count);
    Arm(Device, Wish->Timer, Ticks);
    RegisterWrite(Device, CONFIGURATION,
                  RegisterRead(Device, CONFIGURATION) | CONFIGURATION_ENABLE);
    RunWait(Device);
    Result->Microseconds =
        (ULONG)(RegisterRead(Device, COUNTER) * period / FEMTOSECONDS_PER_MICROSECOND);
    FunctionPause(QUIET_TIME);
    Disarm(Device, Wish->Timer);
    Result->Messages = Device->Function.MessageCount;
    Result->Taken = (ULONG)Device->Run.Taken;
    Result->DpcRuns = (ULONG)Device->Run.DpcRuns;
}

static NTSTATUS RunRequest(PDEVICE Device, PVOID Buffer, ULONG InputLength, ULONG OutputLength,
                           PULONG Information)
{
    ULONGLONG period = RegisterRead(Device, PERIOD), ticks;
    HPET_RESULT result;
    HPET_RUN wish;

    if (InputLength < sizeof(wish) || OutputLength < sizeof(result))
        return STATUS_BUFFER_TOO_SMALL;
    RtlCopyMemory(&wish, Buffer, sizeof(wish));
    if (wish.Timer > CAPABILITIES_LAST_TIMER(RegisterRead(Device, CAPABILITIES)) ||
        (wish.Timer > 0 && wish.Timer >= Device->Function.MessageCount) || wish.Count == 0 ||
        wish.Count > MAXLONG || wish.Microseconds < PERIOD_LEAST || period == 0)
        return STATUS_INVALID_PARAMETER;
    ticks = wish.Microseconds * FEMTOSECONDS_PER_MICROSECOND / period;
    if (ticks * wish.Count > MAXULONG ||
        (RegisterRead(Device, TIMER_CONFIGURATION(wish.Timer)) & TIMER_CAN_REPEAT) == 0)
        return STATUS_INVALID_PARAMETER;
    RtlZeroMemory(&result, sizeof(result));
    RunTimer(Device, &wish, (ULONG)ticks, &result);
    RtlCopyMemory(Buffer, &result, sizeof(result));
    *Information = sizeof(result);
    return STATUS_SUCCESS;
}

/* ---- By dispatch.h ------------------------------------------------------------------------ */

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

    status = FunctionMapRegisters(function, TIMER_COMPARATOR(1));
    if (!NT_SUCCESS(status))
        return status;
    FindInput(Device);
    StopCounter(Device); /* connecting lets timers interrupt, whatever they were set to */
    status = FunctionConnect(function, MessageRoutine, LineRoutine, Device);
    if (!NT_SUCCESS(status))
        return status;
    DbgPrint("hpet%u: %u timers, connected by %s, %u messages\n", function->Index,
             CAPABILITIES_LAST_TIMER(RegisterRead(Device, CAPABILITIES)) + 1,
             FunctionConnectionText(function), function->MessageCount);
    return status;
}
