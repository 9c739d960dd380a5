/*
 * pci-serial.c - a 16550 serial port on a PCI card, on a line it shares with other cards.
 *
 * The service routine moves bytes between the chip and memory. Whoever touches the same memory
 * outside of it does so in a critical section, KeSynchronizeExecution: at the interrupt's IRQL
 * with its lock, so that the routine does not run meanwhile on this processor or another.
 *
 * Of a card with several ports the first is used; the others stay silent, as a reset leaves them.
 */
#define FUNCTION_NAME "pci-serial"
#define FUNCTION_TYPE FILE_DEVICE_SERIAL_PORT
#define FUNCTION_FLAGS DO_BUFFERED_IO

#include "../function/function.h"

/* in: up to RING_SIZE bytes; out: as many, the way they came back inside the chip */
#define IOCTL_PCI_SERIAL_LOOPBACK                                                                  \
    CTL_CODE(FILE_DEVICE_SERIAL_PORT, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

/* Registers: PC16550D data sheet, 8.0 "Registers". */
enum {
    UART_DATA = 0,             /* receive and transmit; divisor low while UART_LCR_DIVISOR */
    UART_INTERRUPT_ENABLE = 1, /* divisor high while UART_LCR_DIVISOR */
    UART_INTERRUPT_ID = 2,     /* read */
    UART_FIFO_CONTROL = 2,     /* write */
    UART_LINE_CONTROL = 3,
    UART_MODEM_CONTROL = 4,
    UART_LINE_STATUS = 5,
    UART_REGISTERS = 8,
};

#define UART_IER_RECEIVED 0x01
#define UART_IER_TRANSMIT_EMPTY 0x02
#define UART_IIR_NONE 0x01 /* no interrupt pending: the one bit that answers "is it ours?" */
#define UART_IIR_ID 0x0E
#define UART_IIR_TRANSMIT_EMPTY 0x02
#define UART_FCR_START 0xC7 /* both FIFOs on and empty, an interrupt from 14 bytes on */
#define UART_FIFO_SIZE 16
#define UART_LCR_8N1 0x03
#define UART_LCR_DIVISOR 0x80
#define UART_DIVISOR_115200 1
#define UART_MCR_READY 0x0B /* DTR, RTS, and OUT2, which lets the interrupt out on PC cards */
#define UART_MCR_LOOP 0x10
#define UART_LSR_RECEIVED 0x01

#define RING_SIZE 2048u /* a power of two */
#define ROUNDS_MAX 64   /* of one service call; what is left asserts the line again */
#define READ_WAIT 1000  /* ms, for the first byte */
#define WRITE_WAIT 5000 /* ms, from one interrupt to the next */

/* What a critical section is given: KeSynchronizeExecution passes one pointer. */
typedef struct _TRANSFER {
    PDEVICE Device;
    PUCHAR Data;
    ULONG Length;
    volatile ULONG Done; /* of its bytes */
} TRANSFER;

/* (i) under the interrupt's lock: by the service routine and in critical sections */
typedef struct _DEVICE {
    FUNCTION Function;
    PUCHAR Base;           /* I/O port of register 0; NULL while stopped */
    PKINTERRUPT Interrupt; /* constant while started */
    TRANSFER *Sending;     /* (i) the write under way; NULL: none */
    ULONG First, Last;     /* (i) of Ring: count up for ever; modulo RING_SIZE the place */
    UCHAR Ring[RING_SIZE]; /* (i) received, not read yet */
    KMUTEX Busy;           /* one request at a time */
    KEVENT Progress;       /* by the DPC: there was an interrupt, look again */
    KDPC Dpc;
} DEVICE;

#include "../function/dispatch.h"

static UCHAR UartRead(PDEVICE Device, ULONG Register)
{
    return READ_PORT_UCHAR(Device->Base + Register);
}

static VOID UartWrite(PDEVICE Device, ULONG Register, UCHAR Value)
{
    WRITE_PORT_UCHAR(Device->Base + Register, Value);
}

/* ---- The interrupt ------------------------------------------------------------------------ */

/* A FIFO full at most: all registers of a card that is gone read as ones. */
static VOID ServiceReceive(PDEVICE Device)
{
    ULONG left = UART_FIFO_SIZE;

    while (left-- > 0 && (UartRead(Device, UART_LINE_STATUS) & UART_LSR_RECEIVED))
        Device->Ring[Device->Last++ % RING_SIZE] = UartRead(Device, UART_DATA);
}

/* The transmitter is empty: a FIFO full more. After the last byte, no such interrupt either. */
static VOID ServiceTransmit(PDEVICE Device)
{
    TRANSFER *sending = Device->Sending;
    ULONG room = UART_FIFO_SIZE;

    while (sending != NULL && sending->Done < sending->Length && room-- > 0)
        UartWrite(Device, UART_DATA, sending->Data[sending->Done++]);
    if (sending == NULL || sending->Done == sending->Length)
        UartWrite(Device, UART_INTERRUPT_ENABLE, UART_IER_RECEIVED);
}

/*
 * At DIRQL, the interrupt's lock held. Reads the identification until it says that nothing is left,
 * since the line stays asserted until then. If it says so at once this card did not interrupt:
 * FALSE, and the system asks the next driver on the line.
 */
static BOOLEAN NTAPI ServiceRoutine(PKINTERRUPT Interrupt, PVOID Context)
{
    PDEVICE device = Context;
    ULONG rounds;
    UCHAR id;

    UNREFERENCED_PARAMETER(Interrupt);
    for (rounds = 0; rounds < ROUNDS_MAX; rounds++) {
        id = UartRead(device, UART_INTERRUPT_ID);
        if (id & UART_IIR_NONE)
            break;
        if ((id & UART_IIR_ID) == UART_IIR_TRANSMIT_EMPTY)
            ServiceTransmit(device);
        else
            ServiceReceive(device);
    }
    if (rounds != 0)
        KeInsertQueueDpc(&device->Dpc, NULL, NULL);
    return rounds != 0;
}

static VOID NTAPI DpcRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PDEVICE device = Context;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    KeSetEvent(&device->Progress, IO_SERIAL_INCREMENT, FALSE);
}

/* ---- Critical sections -------------------------------------------------------------------- */

static BOOLEAN NTAPI TakeSection(PVOID Context)
{
    TRANSFER *transfer = Context;
    PDEVICE device = transfer->Device;

    if (device->Last - device->First > RING_SIZE)
        device->First = device->Last - RING_SIZE; /* what nobody took in time was overwritten */
    while (transfer->Done < transfer->Length && device->First != device->Last)
        transfer->Data[transfer->Done++] = device->Ring[device->First++ % RING_SIZE];
    return TRUE;
}

/* Enabling the transmit interrupt is what starts sending: an empty transmitter interrupts. */
static BOOLEAN NTAPI SendSection(PVOID Context)
{
    TRANSFER *transfer = Context;

    transfer->Device->Sending = transfer;
    UartWrite(transfer->Device, UART_INTERRUPT_ENABLE, UART_IER_RECEIVED | UART_IER_TRANSMIT_EMPTY);
    return TRUE;
}

/* Nothing to send, or no more: only receive. */
static BOOLEAN NTAPI ListenSection(PVOID Context)
{
    PDEVICE device = Context;

    device->Sending = NULL;
    UartWrite(device, UART_INTERRUPT_ENABLE, UART_IER_RECEIVED);
    return TRUE;
}

/* ---- Requests, in the caller's thread, Busy held ------------------------------------------ */

/* What has arrived; if nothing has, what arrives soon. Returns the number of bytes. */
static ULONG Receive(PDEVICE Device, PUCHAR Data, ULONG Length)
{
    TRANSFER transfer = {Device, Data, Length, 0};

    do {
        KeSynchronizeExecution(Device->Interrupt, TakeSection, &transfer);
    } while (transfer.Done == 0 && Length > 0 && FunctionWait(&Device->Progress, READ_WAIT));
    return transfer.Done;
}

/* Returns when the last byte has gone into the transmitter, or none goes any more. */
static NTSTATUS Send(PDEVICE Device, PUCHAR Data, ULONG Length, PULONG Done)
{
    TRANSFER transfer = {Device, Data, Length, 0};

    KeSynchronizeExecution(Device->Interrupt, SendSection, &transfer);
    while (transfer.Done < Length && FunctionWait(&Device->Progress, WRITE_WAIT))
        ;
    KeSynchronizeExecution(Device->Interrupt, ListenSection, Device);
    *Done = transfer.Done;
    return *Done == Length ? STATUS_SUCCESS : STATUS_IO_TIMEOUT;
}

/* What is sent comes back inside the chip, with all interrupts working (8.6 "Loopback"). */
static NTSTATUS Loopback(PDEVICE Device, PUCHAR Data, ULONG Length, PULONG Done)
{
    NTSTATUS status;
    ULONG got;

    UartWrite(Device, UART_MODEM_CONTROL, UART_MCR_READY | UART_MCR_LOOP);
    status = Send(Device, Data, Length, Done);
    for (*Done = 0; NT_SUCCESS(status) && *Done < Length; *Done += got) {
        got = Receive(Device, Data + *Done, Length - *Done);
        if (got == 0)
            status = STATUS_IO_TIMEOUT;
    }
    UartWrite(Device, UART_MODEM_CONTROL, UART_MCR_READY);
    return status;
}

static NTSTATUS Perform(PDEVICE Device, PIRP Irp, PULONG Done)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    PVOID data = Irp->AssociatedIrp.SystemBuffer;
    ULONG in = stack->Parameters.DeviceIoControl.InputBufferLength;

    if (stack->MajorFunction == IRP_MJ_WRITE)
        return Send(Device, data, stack->Parameters.Write.Length, Done);
    if (stack->MajorFunction == IRP_MJ_READ) {
        *Done = Receive(Device, data, stack->Parameters.Read.Length);
        return STATUS_SUCCESS;
    }
    if (stack->Parameters.DeviceIoControl.IoControlCode != IOCTL_PCI_SERIAL_LOOPBACK)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (in == 0 || in > RING_SIZE)
        return STATUS_INVALID_PARAMETER;
    if (stack->Parameters.DeviceIoControl.OutputBufferLength < in)
        return STATUS_BUFFER_TOO_SMALL;
    return Loopback(Device, data, in, Done);
}

/* ---- By dispatch.h ------------------------------------------------------------------------ */

NTSTATUS FunctionRequest(PDEVICE Device, PIRP Irp, PULONG Information)
{
    NTSTATUS status = STATUS_DEVICE_NOT_READY;

    KeWaitForSingleObject(&Device->Busy, Executive, KernelMode, FALSE, NULL);
    if (Device->Base != NULL)
        status = Perform(Device, Irp, Information);
    KeReleaseMutex(&Device->Busy, FALSE);
    return status;
}

VOID FunctionInitialize(PDEVICE Device)
{
    KeInitializeMutex(&Device->Busy, 0);
    KeInitializeEvent(&Device->Progress, SynchronizationEvent, FALSE);
    KeInitializeDpc(&Device->Dpc, DpcRoutine, Device);
}

/* 115,200 8N1, FIFOs on. Interrupts come last, when someone is there to take them. */
NTSTATUS FunctionStart(PDEVICE Device)
{
    NTSTATUS status;

    Device->Base = FunctionPorts(&Device->Function, 0, UART_REGISTERS);
    if (Device->Base == NULL)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    UartWrite(Device, UART_LINE_CONTROL, UART_LCR_DIVISOR);
    UartWrite(Device, UART_DATA, UART_DIVISOR_115200);
    UartWrite(Device, UART_INTERRUPT_ENABLE, 0); /* the divisor's high half, */
    UartWrite(Device, UART_LINE_CONTROL, UART_LCR_8N1);
    UartWrite(Device, UART_INTERRUPT_ENABLE, 0); /* now the register itself */
    UartWrite(Device, UART_FIFO_CONTROL, UART_FCR_START);
    UartWrite(Device, UART_MODEM_CONTROL, UART_MCR_READY);
    status = FunctionConnectLine(&Device->Function, ServiceRoutine, Device);
    if (!NT_SUCCESS(status))
        return status;
    Device->Interrupt = Device->Function.Connection.ConnectionContext.InterruptObject;
    KeSynchronizeExecution(Device->Interrupt, ListenSection, Device);
    DbgPrint("pci-serial%u: connected by CONNECT_LINE_BASED\n", Device->Function.Index);
    return status;
}

/*
 * Waits for the request under way; the next is refused. Without a write under way the service
 * routine leaves the registers written here alone, so this needs no critical section.
 */
VOID FunctionStop(PDEVICE Device)
{
    KeWaitForSingleObject(&Device->Busy, Executive, KernelMode, FALSE, NULL);
    if (Device->Base != NULL) {
        UartWrite(Device, UART_INTERRUPT_ENABLE, 0);
        UartWrite(Device, UART_MODEM_CONTROL, 0);
    }
    FunctionDisconnect(&Device->Function);
    Device->Base = NULL;
    KeReleaseMutex(&Device->Busy, FALSE);
}
