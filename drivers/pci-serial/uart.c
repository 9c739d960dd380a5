/*
 * uart.c - one 16550: service, read, write.
 *
 * Two rings stand between the requests and the service routine. Whoever touches them outside the
 * service routine does so in a critical section, KeSynchronizeExecution: at the interrupt's IRQL
 * with its lock, so that the routine does not run meanwhile on this processor or another.
 */
#include "serial.h"

#define POOL_TAG 0x72655350 /* "PSer" */

/* What a critical section is given; KeSynchronizeExecution passes one pointer. */
typedef struct _TRANSFER {
    PPORT Port;
    PUCHAR Data;
    ULONG Length;
    ULONG Done;
} TRANSFER;

static UCHAR UartRead(PPORT Port, ULONG Register)
{
    return READ_PORT_UCHAR(Port->Base + Register);
}

static VOID UartWrite(PPORT Port, ULONG Register, UCHAR Value)
{
    WRITE_PORT_UCHAR(Port->Base + Register, Value);
}

static VOID RingPut(RING *Ring, UCHAR Byte)
{
    Ring->Bytes[Ring->Last++ % RING_SIZE] = Byte;
}

static UCHAR RingGet(RING *Ring)
{
    return Ring->Bytes[Ring->First++ % RING_SIZE];
}

static VOID ServiceReceive(PPORT Port)
{
    while (UartRead(Port, UART_LINE_STATUS) & UART_LSR_RECEIVED) {
        UCHAR byte = UartRead(Port, UART_DATA);

        if (Port->Receive.Last - Port->Receive.First == RING_SIZE) {
            Port->Statistics.Lost++;
            continue;
        }
        RingPut(&Port->Receive, byte);
        Port->Statistics.Received++;
    }
}

/* The transmitter is empty: a FIFO full more, or nothing, and then no such interrupt either. */
static VOID ServiceTransmit(PPORT Port)
{
    ULONG room = UART_FIFO_SIZE;

    while (room-- > 0 && Port->Transmit.First != Port->Transmit.Last) {
        UartWrite(Port, UART_DATA, RingGet(&Port->Transmit));
        Port->Statistics.Sent++;
    }
    if (Port->Transmit.First == Port->Transmit.Last) {
        Port->InterruptEnable &= ~UART_IER_TRANSMIT_EMPTY;
        UartWrite(Port, UART_INTERRUPT_ENABLE, Port->InterruptEnable);
    }
}

/*
 * At DIRQL, the interrupt's lock held. Reads the identification until it says that nothing is left,
 * since the line stays asserted until then. FALSE: it said so at once, this port did not interrupt.
 */
BOOLEAN PortService(PPORT Port)
{
    UCHAR id = UartRead(Port, UART_INTERRUPT_ID);
    ULONG rounds;

    if ((id & UART_IIR_NONE) || id == 0xFF)
        return FALSE;
    for (rounds = 0; !(id & UART_IIR_NONE) && rounds < RING_SIZE; rounds++) {
        switch (id & UART_IIR_ID) {
        case UART_IIR_RECEIVED:
        case UART_IIR_TIMEOUT:
            ServiceReceive(Port);
            break;
        case UART_IIR_TRANSMIT_EMPTY:
            ServiceTransmit(Port);
            break;
        case UART_IIR_LINE_STATUS:
            UartRead(Port, UART_LINE_STATUS);
            break;
        default:
            UartRead(Port, UART_MODEM_STATUS);
            break;
        }
        id = UartRead(Port, UART_INTERRUPT_ID);
    }
    Port->Statistics.PortClaimed++;
    KeInsertQueueDpc(&Port->Dpc, NULL, NULL);
    return TRUE;
}

/* Both events, whatever it was: who waits looks at the rings again. */
static VOID NTAPI DpcRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PPORT port = Context;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    port->Statistics.DpcRuns++;
    KeSetEvent(&port->Received, IO_SERIAL_INCREMENT, FALSE);
    KeSetEvent(&port->Sent, IO_SERIAL_INCREMENT, FALSE);
}

VOID PortInitialize(PPORT Port, PCARD Card, ULONG Index)
{
    Port->Kind = KindPort;
    Port->Card = Card;
    Port->Index = Index;
    KeInitializeMutex(&Port->Busy, 0);
    KeInitializeEvent(&Port->Received, SynchronizationEvent, FALSE);
    KeInitializeEvent(&Port->Sent, SynchronizationEvent, FALSE);
    KeInitializeDpc(&Port->Dpc, DpcRoutine, Port);
}

/* 115,200 8N1, FIFOs on, receive interrupts on; in a critical section, as is all below that is
 * of the type KSYNCHRONIZE_ROUTINE. */
static BOOLEAN NTAPI OpenSection(PVOID Context)
{
    PPORT port = Context;

    UartWrite(port, UART_LINE_CONTROL, UART_LCR_DIVISOR);
    UartWrite(port, UART_DATA, UART_DIVISOR_115200);
    UartWrite(port, UART_INTERRUPT_ENABLE, 0);
    UartWrite(port, UART_LINE_CONTROL, UART_LCR_8N1);
    UartWrite(port, UART_FIFO_CONTROL, UART_FCR_ENABLE | UART_FCR_CLEAR | UART_FCR_TRIGGER_14);
    UartWrite(port, UART_MODEM_CONTROL, UART_MCR_READY);
    port->InterruptEnable = UART_IER_RECEIVED | UART_IER_LINE_STATUS;
    UartWrite(port, UART_INTERRUPT_ENABLE, port->InterruptEnable);
    return TRUE;
}

static BOOLEAN NTAPI CloseSection(PVOID Context)
{
    PPORT port = Context;

    port->InterruptEnable = 0;
    UartWrite(port, UART_INTERRUPT_ENABLE, 0);
    UartWrite(port, UART_MODEM_CONTROL, 0);
    return TRUE;
}

VOID PortOpen(PPORT Port)
{
    KeSynchronizeExecution(Port->Card->Interrupt, OpenSection, Port);
    Port->Open = TRUE;
}

/* Waits for the request under way; the next is refused. */
VOID PortClose(PPORT Port)
{
    KeWaitForSingleObject(&Port->Busy, Executive, KernelMode, FALSE, NULL);
    if (Port->Open)
        KeSynchronizeExecution(Port->Card->Interrupt, CloseSection, Port);
    Port->Open = FALSE;
    KeReleaseMutex(&Port->Busy, FALSE);
}

static BOOLEAN NTAPI TakeSection(PVOID Context)
{
    TRANSFER *transfer = Context;
    RING *ring = &transfer->Port->Receive;

    while (transfer->Done < transfer->Length && ring->First != ring->Last)
        transfer->Data[transfer->Done++] = RingGet(ring);
    return TRUE;
}

/* Enabling the transmit interrupt is what starts sending: an empty transmitter interrupts. */
static BOOLEAN NTAPI PutSection(PVOID Context)
{
    TRANSFER *transfer = Context;
    PPORT port = transfer->Port;
    RING *ring = &port->Transmit;

    while (transfer->Done < transfer->Length && ring->Last - ring->First < RING_SIZE)
        RingPut(ring, transfer->Data[transfer->Done++]);
    if (ring->First == ring->Last)
        return TRUE; /* all has been handed to the transmitter */
    port->InterruptEnable |= UART_IER_TRANSMIT_EMPTY;
    UartWrite(port, UART_INTERRUPT_ENABLE, port->InterruptEnable);
    return FALSE;
}

static BOOLEAN WaitFor(PKEVENT Event, LONG Milliseconds)
{
    LARGE_INTEGER timeout;

    timeout.QuadPart = -(LONGLONG)Milliseconds * 10000;
    return KeWaitForSingleObject(Event, Executive, KernelMode, FALSE, &timeout) != STATUS_TIMEOUT;
}

/* What has arrived; if nothing has, what arrives within a second. Busy held. */
NTSTATUS PortRead(PPORT Port, PUCHAR Data, ULONG Length, PULONG_PTR Done)
{
    TRANSFER transfer = {Port, Data, Length, 0};

    do {
        KeSynchronizeExecution(Port->Card->Interrupt, TakeSection, &transfer);
    } while (transfer.Done == 0 && Length > 0 && WaitFor(&Port->Received, 1000));
    *Done = transfer.Done;
    return STATUS_SUCCESS;
}

/* Returns when the last byte has gone into the transmitter. Busy held. */
NTSTATUS PortWrite(PPORT Port, const UCHAR *Data, ULONG Length, PULONG_PTR Done)
{
    TRANSFER transfer = {Port, (PUCHAR)Data, Length, 0};
    BOOLEAN empty;

    do {
        empty = KeSynchronizeExecution(Port->Card->Interrupt, PutSection, &transfer);
    } while (!(empty && transfer.Done == Length) && WaitFor(&Port->Sent, 5000));
    *Done = transfer.Done;
    return empty && transfer.Done == Length ? STATUS_SUCCESS : STATUS_IO_TIMEOUT;
}

/* What is sent comes back inside the chip, with all interrupts working (8.6 "Loopback"). */
NTSTATUS PortLoopback(PPORT Port, PUCHAR Data, ULONG Length)
{
    ULONG_PTR done = 0, got;
    UCHAR *back;
    NTSTATUS status;

    if (Length == 0 || Length > SERIAL_LOOPBACK_MAX)
        return STATUS_INVALID_PARAMETER;
    back = ExAllocatePoolWithTag(NonPagedPool, Length, POOL_TAG);
    if (back == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    UartWrite(Port, UART_MODEM_CONTROL, UART_MCR_READY | UART_MCR_LOOP);
    status = PortWrite(Port, Data, Length, &done);
    for (done = 0; NT_SUCCESS(status) && done < Length; done += got) {
        status = PortRead(Port, back + done, Length - (ULONG)done, &got);
        if (NT_SUCCESS(status) && got == 0)
            status = STATUS_IO_TIMEOUT;
    }
    UartWrite(Port, UART_MODEM_CONTROL, UART_MCR_READY);
    if (NT_SUCCESS(status) && RtlCompareMemory(back, Data, Length) != Length)
        status = STATUS_DATA_ERROR;
    RtlCopyMemory(Data, back, Length);
    ExFreePoolWithTag(back, POOL_TAG);
    return status;
}
