/*
 * rtc.c - periodic interrupts of the real-time clock, IRQ 8.
 *
 * The clock's line is an edge that nobody shares. It stays asserted until register C has been read,
 * which also says why it came; without that read there is never a second edge. What a run is,
 * and who counts it, is in ../function/run.h.
 *
 * Index and data port are two accesses that belong together: the routine and the thread exclude
 * each other by KeSynchronizeExecution.
 *
 * Motorola MC146818A: registers A to C; the divider rates are its table 5.
 */
#define FUNCTION_NAME "rtc"
#define FUNCTION_TYPE FILE_DEVICE_UNKNOWN
#define FUNCTION_FLAGS DO_BUFFERED_IO

#include "../function/function.h"

#define REGISTER_A 0x0A
#define REGISTER_B 0x0B
#define REGISTER_C 0x0C
#define A_RATE 0x0F
#define B_PERIODIC 0x40
#define C_PERIODIC 0x40
#define C_ANY 0x80

/* 32768 Hz >> (rate - 1): 3 is 8192 Hz, 15 is 2 Hz. */
#define RATE_FASTEST 3
#define RATE_SLOWEST 15

typedef struct _RTC_RUN {
    ULONG Rate;
    ULONG Count;
} RTC_RUN;

typedef struct _RTC_RESULT {
    ULONG Taken;   /* periodic interrupts of the run, those past the wanted number too */
    ULONG Calls;   /* of the service routine */
    ULONG DpcRuns; /* at least 1 */
} RTC_RESULT;

typedef struct _DEVICE {
    FUNCTION Function;
    RUN Run;
    PUCHAR Port; /* index; data is the next */
    UCHAR Rate;
    UCHAR RateBefore;
    volatile LONG Calls;
} DEVICE;

#include "../function/run.h"

/* At DIRQL, the interrupt's lock held; or while nothing is connected. */
static UCHAR Read(PDEVICE Device, UCHAR Register)
{
    WRITE_PORT_UCHAR(Device->Port, Register);
    return READ_PORT_UCHAR(Device->Port + 1);
}

static VOID Write(PDEVICE Device, UCHAR Register, UCHAR Value)
{
    WRITE_PORT_UCHAR(Device->Port, Register);
    WRITE_PORT_UCHAR(Device->Port + 1, Value);
}

/* ---- The interrupt ------------------------------------------------------------------------ */

static BOOLEAN NTAPI LineRoutine(PKINTERRUPT Interrupt, PVOID Context)
{
    PDEVICE device = Context;
    UCHAR why = Read(device, REGISTER_C); /* and with that the line is quiet */

    UNREFERENCED_PARAMETER(Interrupt);
    device->Calls++;
    if ((why & C_ANY) == 0)
        return FALSE;
    if ((why & C_PERIODIC) == 0 || !RunCount(device))
        return TRUE;
    Write(device, REGISTER_B, Read(device, REGISTER_B) & ~B_PERIODIC);
    RunEnd(device);
    return TRUE;
}

/* ---- Requests ----------------------------------------------------------------------------- */

/* KeSynchronizeExecution calls it at DIRQL under the interrupt's lock. */
static BOOLEAN NTAPI Begin(PVOID Context)
{
    PDEVICE device = Context;
    UCHAR a = Read(device, REGISTER_A);

    device->RateBefore = a & A_RATE;
    device->Calls = 0;
    Read(device, REGISTER_C); /* an edge that is left over */
    Write(device, REGISTER_A, (UCHAR)((a & ~A_RATE) | device->Rate));
    Write(device, REGISTER_B, Read(device, REGISTER_B) | B_PERIODIC);
    return TRUE;
}

static BOOLEAN NTAPI End(PVOID Context)
{
    PDEVICE device = Context;

    Write(device, REGISTER_B, Read(device, REGISTER_B) & ~B_PERIODIC);
    Write(device, REGISTER_A, (Read(device, REGISTER_A) & ~A_RATE) | device->RateBefore);
    return TRUE;
}

static NTSTATUS RunRequest(PDEVICE Device, PVOID Buffer, ULONG InputLength, ULONG OutputLength,
                           PULONG Information)
{
    PKINTERRUPT interrupt = Device->Function.Connection.ConnectionContext.InterruptObject;
    RTC_RESULT result;
    RTC_RUN wish;

    if (InputLength < sizeof(wish) || OutputLength < sizeof(result))
        return STATUS_BUFFER_TOO_SMALL;
    RtlCopyMemory(&wish, Buffer, sizeof(wish));
    if (wish.Rate < RATE_FASTEST || wish.Rate > RATE_SLOWEST || wish.Count == 0 ||
        wish.Count > MAXLONG)
        return STATUS_INVALID_PARAMETER;
    Device->Rate = (UCHAR)wish.Rate;
    RunBegin(Device, wish.Count);
    KeSynchronizeExecution(interrupt, Begin, Device);
    RunWait(Device);
    FunctionPause(QUIET_TIME);
    KeSynchronizeExecution(interrupt, End, Device);
    result.Taken = (ULONG)Device->Run.Taken;
    result.Calls = (ULONG)Device->Calls;
    result.DpcRuns = (ULONG)Device->Run.DpcRuns;
    RtlCopyMemory(Buffer, &result, sizeof(result));
    *Information = sizeof(result);
    return STATUS_SUCCESS;
}

/* ---- By dispatch.h ------------------------------------------------------------------------ */

NTSTATUS FunctionStart(PDEVICE Device)
{
    NTSTATUS status;

    Device->Port = FunctionPorts(&Device->Function, 0, 2);
    if (Device->Port == NULL)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    Write(Device, REGISTER_B, Read(Device, REGISTER_B) & ~B_PERIODIC);
    Read(Device, REGISTER_C);
    status = FunctionConnectLine(&Device->Function, LineRoutine, Device);
    if (NT_SUCCESS(status))
        DbgPrint("rtc%u: connected by CONNECT_LINE_BASED\n", Device->Function.Index);
    return status;
}
