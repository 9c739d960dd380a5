/*
 * serial.h - the 16550 and its ports on a PCI card.
 *
 *   pci-serial.c  the WDM driver: device objects, PnP, dispatch
 *   card.c        a card: its ports and the interrupt
 *   uart.c        one port: set-up, service, read and write
 *
 * A card has 1, 2 or 4 ports of eight registers each, one after another in the I/O space of its
 * BAR 0, and one line for all of them. Registers: PC16550D data sheet, 8.0 "Registers".
 */
#pragma once

#include <ntddk.h>

/* ---- Registers ---------------------------------------------------------------------------- */

enum {
    UART_DATA = 0,             /* receive and transmit; divisor low while UART_LCR_DIVISOR */
    UART_INTERRUPT_ENABLE = 1, /* divisor high while UART_LCR_DIVISOR */
    UART_INTERRUPT_ID = 2,     /* read */
    UART_FIFO_CONTROL = 2,     /* write */
    UART_LINE_CONTROL = 3,
    UART_MODEM_CONTROL = 4,
    UART_LINE_STATUS = 5,
    UART_MODEM_STATUS = 6,
    UART_REGISTERS = 8,
};

#define UART_IER_RECEIVED 0x01
#define UART_IER_TRANSMIT_EMPTY 0x02
#define UART_IER_LINE_STATUS 0x04

#define UART_IIR_NONE 0x01 /* no interrupt pending: the one bit that answers "is it ours?" */
#define UART_IIR_ID 0x0E
#define UART_IIR_MODEM_STATUS 0x00
#define UART_IIR_TRANSMIT_EMPTY 0x02
#define UART_IIR_RECEIVED 0x04
#define UART_IIR_LINE_STATUS 0x06
#define UART_IIR_TIMEOUT 0x0C /* received, but fewer than the trigger level */

#define UART_FCR_ENABLE 0x01
#define UART_FCR_CLEAR 0x06 /* both FIFOs */
#define UART_FCR_TRIGGER_14 0xC0
#define UART_FIFO_SIZE 16

#define UART_LCR_8N1 0x03
#define UART_LCR_DIVISOR 0x80
#define UART_DIVISOR_115200 1

#define UART_MCR_READY 0x0B /* DTR, RTS, and OUT2, which lets the interrupt out on PC cards */
#define UART_MCR_LOOP 0x10

#define UART_LSR_RECEIVED 0x01

/* ---- Requests ----------------------------------------------------------------------------- */

/* in: up to SERIAL_LOOPBACK_MAX bytes; out: the same, sent and received inside the chip. */
#define IOCTL_PCI_SERIAL_LOOPBACK                                                                  \
    CTL_CODE(FILE_DEVICE_SERIAL_PORT, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
/* out: SERIAL_STATISTICS */
#define IOCTL_PCI_SERIAL_STATISTICS                                                                \
    CTL_CODE(FILE_DEVICE_SERIAL_PORT, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)

#define SERIAL_LOOPBACK_MAX 1024

typedef struct _SERIAL_STATISTICS {
    LONG ServiceCalls; /* of the card's service routine, for whatever device on the line */
    LONG Claimed;      /* of these, the card's own */
    LONG PortClaimed;  /* in which this port took part */
    LONG Received;     /* bytes */
    LONG Sent;
    LONG Lost; /* bytes received with no room left */
    LONG DpcRuns;
} SERIAL_STATISTICS;

/* ---- The driver's own --------------------------------------------------------------------- */

#define PORTS_MAX 4
#define RING_SIZE 2048u /* a power of two */

typedef struct _RING {
    ULONG First; /* counts up for ever; modulo RING_SIZE the place */
    ULONG Last;
    UCHAR Bytes[RING_SIZE];
} RING;

typedef enum { KindCard, KindPort } KIND;

/* (i) under the interrupt's lock: service routine and critical sections; (c) constant */
typedef struct _PORT {
    KIND Kind;                    /* (c) first in both extensions, tells them apart */
    struct _CARD *Card;           /* (c) */
    ULONG Index;                  /* (c) in the name */
    PUCHAR Base;                  /* (c) while started: I/O port of register 0 */
    BOOLEAN Open;                 /* Busy held: the UART is set up */
    UCHAR InterruptEnable;        /* (i) what the register holds */
    RING Receive;                 /* (i) */
    RING Transmit;                /* (i) */
    SERIAL_STATISTICS Statistics; /* (i) */
    KMUTEX Busy;                  /* one request at a time */
    KEVENT Received;              /* set by the DPC */
    KEVENT Sent;
    KDPC Dpc;
} PORT, *PPORT;

typedef struct _CARD {
    KIND Kind;
    PDEVICE_OBJECT Physical;
    PDEVICE_OBJECT Lower;
    IO_REMOVE_LOCK Lock;
    PKINTERRUPT Interrupt; /* NULL while not connected */
    ULONG PortCount;
    PDEVICE_OBJECT Ports[PORTS_MAX];
    volatile LONG ServiceCalls;
    volatile LONG Claimed;
} CARD, *PCARD;

/* card.c */
NTSTATUS CardStart(PDEVICE_OBJECT DeviceObject, PCARD Card, PCM_RESOURCE_LIST Translated);
VOID CardStop(PCARD Card);
VOID CardDeletePorts(PCARD Card);

/* uart.c */
VOID PortInitialize(PPORT Port, PCARD Card, ULONG Index);
VOID PortOpen(PPORT Port);
VOID PortClose(PPORT Port);
BOOLEAN PortService(PPORT Port);
NTSTATUS PortRead(PPORT Port, PUCHAR Data, ULONG Length, PULONG_PTR Done);
NTSTATUS PortWrite(PPORT Port, const UCHAR *Data, ULONG Length, PULONG_PTR Done);
NTSTATUS PortLoopback(PPORT Port, PUCHAR Data, ULONG Length);
