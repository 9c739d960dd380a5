/*
 * i8042.c - the PS/2 keyboard, IRQ 1: each key that is typed is printed to the debugger.
 *
 * The routine takes scan codes from the controller into a ring and queues the DPC, which turns them
 * into characters. A code comes by an edge, and reading it is what allows the next one; codes that
 * came together come by one edge, so that the routine reads until the buffer is empty. What the
 * mouse sent is left to a driver of its own.
 *
 * The controller translates to scan code set 1: bit 7 means "released".
 * IBM Personal System/2 Hardware Interface Technical Reference, "Keyboard/Auxiliary Device
 * Controller".
 */
#define FUNCTION_NAME "i8042"
#define FUNCTION_TYPE FILE_DEVICE_KEYBOARD
#define FUNCTION_FLAGS DO_BUFFERED_IO

#include "../function/function.h"

#define STATUS_OUTPUT_FULL 0x01
#define STATUS_INPUT_FULL 0x02
#define STATUS_FROM_MOUSE 0x20
#define COMMAND_READ_MODE 0x20
#define COMMAND_WRITE_MODE 0x60
#define COMMAND_ENABLE_KEYBOARD 0xAE
#define MODE_INTERRUPT 0x01
#define MODE_KEYBOARD_OFF 0x10
#define MODE_TRANSLATE 0x40

#define CODE_EXTENDED 0xE0
#define CODE_RELEASED 0x80
#define CODE_SHIFT_LEFT 0x2A
#define CODE_SHIFT_RIGHT 0x36

#define RING_SIZE 256 /* a power of two, so that the indices may wrap */
#define POLLS 10000
#define POLL_MICROSECONDS 10

typedef struct _DEVICE {
    FUNCTION Function;
    PUCHAR Data;    /* port 0x60 */
    PUCHAR Command; /* port 0x64: written a command, read the status */
    KDPC Dpc;
    UCHAR Ring[RING_SIZE];
    volatile LONG Put;  /* by the routine */
    volatile LONG Take; /* by the DPC */
    BOOLEAN Shift;
    BOOLEAN Extended;
} DEVICE;

#include "../function/dispatch.h"

/* By scan code; without and with shift. */
static const char Plain[] =
    "\0\0331234567890-=\b\tqwertyuiop[]\n\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
static const char Shifted[] =
    "\0\033!@#$%^&*()_+\b\tQWERTYUIOP{}\n\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";

/* ---- The interrupt ------------------------------------------------------------------------ */

static BOOLEAN NTAPI LineRoutine(PKINTERRUPT Interrupt, PVOID Context)
{
    PDEVICE device = Context;
    BOOLEAN any = FALSE;

    UNREFERENCED_PARAMETER(Interrupt);
    while ((READ_PORT_UCHAR(device->Command) & (STATUS_OUTPUT_FULL | STATUS_FROM_MOUSE)) ==
           STATUS_OUTPUT_FULL) {
        UCHAR code = READ_PORT_UCHAR(device->Data);

        any = TRUE;
        if (device->Put - device->Take < RING_SIZE) {
            device->Ring[device->Put % RING_SIZE] = code;
            InterlockedIncrement(&device->Put);
        }
    }
    if (any)
        KeInsertQueueDpc(&device->Dpc, NULL, NULL);
    return any;
}

static VOID PrintKey(PDEVICE Device, UCHAR Code)
{
    char character = Code < sizeof(Plain) ? (Device->Shift ? Shifted : Plain)[Code] : 0;

    if (character >= ' ')
        DbgPrint("i8042: key '%c'\n", character);
    else
        DbgPrint("i8042: key 0x%02X\n", Code);
}

static VOID TakeCode(PDEVICE Device, UCHAR Code)
{
    BOOLEAN released = (Code & CODE_RELEASED) != 0;
    UCHAR key = Code & ~CODE_RELEASED;
    BOOLEAN extended = Device->Extended;

    Device->Extended = Code == CODE_EXTENDED;
    if (Device->Extended)
        return;
    if (!extended && (key == CODE_SHIFT_LEFT || key == CODE_SHIFT_RIGHT))
        Device->Shift = !released;
    else if (extended && !released)
        DbgPrint("i8042: key 0xE0 0x%02X\n", key);
    else if (!released)
        PrintKey(Device, key);
}

static VOID NTAPI DpcRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PDEVICE device = Context;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    while (device->Take != device->Put) {
        TakeCode(device, device->Ring[device->Take % RING_SIZE]);
        InterlockedIncrement(&device->Take);
    }
}

/* ---- The controller ----------------------------------------------------------------------- */

/* PASSIVE_LEVEL. Bounded: where there is no controller, the ports read as all ones. */
static BOOLEAN WaitStatus(PDEVICE Device, UCHAR Mask, UCHAR Value)
{
    ULONG i;

    for (i = 0; i < POLLS; i++) {
        if ((READ_PORT_UCHAR(Device->Command) & Mask) == Value)
            return TRUE;
        KeStallExecutionProcessor(POLL_MICROSECONDS);
    }
    return FALSE;
}

static BOOLEAN Command(PDEVICE Device, UCHAR Code)
{
    if (!WaitStatus(Device, STATUS_INPUT_FULL, 0))
        return FALSE;
    WRITE_PORT_UCHAR(Device->Command, Code);
    return WaitStatus(Device, STATUS_INPUT_FULL, 0);
}

static VOID Drain(PDEVICE Device)
{
    ULONG i;

    for (i = 0; i < POLLS && (READ_PORT_UCHAR(Device->Command) & STATUS_OUTPUT_FULL) != 0; i++)
        READ_PORT_UCHAR(Device->Data);
}

/* Its mode byte: the keyboard's interrupt on or off, translation on, the mouse's bits as found. */
static NTSTATUS SetInterrupt(PDEVICE Device, BOOLEAN On)
{
    UCHAR mode;

    Drain(Device);
    if (!Command(Device, COMMAND_READ_MODE) ||
        !WaitStatus(Device, STATUS_OUTPUT_FULL, STATUS_OUTPUT_FULL))
        return STATUS_IO_TIMEOUT;
    mode = READ_PORT_UCHAR(Device->Data);
    mode =
        On ? (mode | MODE_INTERRUPT | MODE_TRANSLATE) & ~MODE_KEYBOARD_OFF : mode & ~MODE_INTERRUPT;
    if (!Command(Device, COMMAND_WRITE_MODE))
        return STATUS_IO_TIMEOUT;
    WRITE_PORT_UCHAR(Device->Data, mode);
    return WaitStatus(Device, STATUS_INPUT_FULL, 0) ? STATUS_SUCCESS : STATUS_IO_TIMEOUT;
}

/* ---- By dispatch.h ------------------------------------------------------------------------ */

NTSTATUS FunctionRequest(PDEVICE Device, PIRP Irp, PULONG Information)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    UNREFERENCED_PARAMETER(Information);
    return STATUS_INVALID_DEVICE_REQUEST;
}

VOID FunctionInitialize(PDEVICE Device)
{
    KeInitializeDpc(&Device->Dpc, DpcRoutine, Device);
}

/* The first port of the resources is the data's, the second the command's. */
NTSTATUS FunctionStart(PDEVICE Device)
{
    NTSTATUS status;

    Device->Data = FunctionPorts(&Device->Function, 0, 1);
    Device->Command = FunctionPorts(&Device->Function, 1, 1);
    if (Device->Data == NULL || Device->Command == NULL)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    status = SetInterrupt(Device, FALSE);
    if (NT_SUCCESS(status))
        status = FunctionConnectLine(&Device->Function, LineRoutine, Device);
    if (NT_SUCCESS(status) && Command(Device, COMMAND_ENABLE_KEYBOARD))
        status = SetInterrupt(Device, TRUE);
    if (NT_SUCCESS(status))
        DbgPrint("i8042%u: connected by CONNECT_LINE_BASED\n", Device->Function.Index);
    return status;
}

VOID FunctionStop(PDEVICE Device)
{
    /* First this, or the routine would take the controller's answer for a key. */
    FunctionDisconnect(&Device->Function);
    if (Device->Command != NULL)
        SetInterrupt(Device, FALSE);
    Device->Data = Device->Command = NULL;
}
