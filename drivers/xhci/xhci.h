/*
 * xhci.h - the root ports of a USB 3 controller: registers, rings, the driver's own.
 *
 * Citations are sections of the eXtensible Host Controller Interface specification 1.1. All values
 * little-endian.
 *
 *   xhci.c         start and stop, the requests, the events of the ports
 *   controller.c   from an unknown state to a running controller with an event ring, and back
 */
#pragma once

#include "../function/queue.h"

/* ---- Capability registers, 5.3 ------------------------------------------------------------ */

enum {
    XHCI_LENGTH = 0x00,       /* 8 bits: where the operational registers begin */
    XHCI_STRUCTURE_1 = 0x04,  /* slots, interrupters, ports */
    XHCI_STRUCTURE_2 = 0x08,  /* scratchpad pages */
    XHCI_CAPABILITIES = 0x10, /* HCCPARAMS1 */
    XHCI_DOORBELLS = 0x14,    /* offset of the doorbell array */
    XHCI_RUNTIME = 0x18,      /* offset of the runtime registers */
    XHCI_CAPABILITY_SIZE = 0x1C,
};

#define XHCI_PORTS(Structure1) ((Structure1) >> 24)
#define XHCI_SCRATCHPADS(Structure2)                                                               \
    ((((Structure2) >> 21 & 0x1Fu) << 5) | ((Structure2) >> 27 & 0x1Fu))
#define XHCI_CAPABILITY_64BIT 0x1u
#define XHCI_EXTENDED(Capabilities) (((Capabilities) >> 16) * 4) /* offset; 0: none */

/* Extended capabilities, 7: id in the low byte, then the offset of the next in dwords. */
#define XHCI_EXTENDED_LEGACY 1u
#define XHCI_LEGACY_FIRMWARE 0x00010000u /* USBLEGSUP, 7.1.1: the firmware owns the controller */
#define XHCI_LEGACY_SYSTEM 0x01000000u

/* ---- Operational registers, 5.4 ----------------------------------------------------------- */

enum {
    XHCI_COMMAND = 0x00,
    XHCI_STATUS = 0x04,
    XHCI_COMMAND_RING = 0x18,    /* 64 bits */
    XHCI_DEVICE_CONTEXTS = 0x30, /* 64 bits */
    XHCI_CONFIGURE = 0x38,       /* device slots in use */
    XHCI_PORT_STATUS = 0x400,    /* the first port's */
};

#define XHCI_PORT_STRIDE 0x10u

#define XHCI_COMMAND_RUN 0x1u
#define XHCI_COMMAND_RESET 0x2u
#define XHCI_COMMAND_INTERRUPTS 0x4u
#define XHCI_STATUS_HALTED 0x001u
#define XHCI_STATUS_INTERRUPT 0x008u /* write 1 to clear */
#define XHCI_STATUS_NOT_READY 0x800u

/* Port status, 5.4.8 */
#define XHCI_PORT_CONNECTED 0x00000001u
#define XHCI_PORT_KEEP 0x0E00C200u    /* what is written back as it was read: power, LEDs, wakes */
#define XHCI_PORT_CHANGES 0x00FE0000u /* write 1 to clear */

/* ---- Runtime registers, 5.5: of interrupter 0 --------------------------------------------- */

enum {
    XHCI_INTERRUPT = 0x20, /* IMAN */
    XHCI_EVENT_SEGMENTS = 0x28,
    XHCI_EVENT_TABLE = 0x30,   /* 64 bits */
    XHCI_EVENT_POINTER = 0x38, /* 64 bits */
    XHCI_RUNTIME_SIZE = 0x40,
};

#define XHCI_INTERRUPT_PENDING 0x1u /* write 1 to clear */
#define XHCI_INTERRUPT_ENABLE 0x2u
#define XHCI_EVENT_BUSY 0x8u /* in the pointer: write 1 to clear, 4.17.2 */

/* ---- Transfer request blocks, 4.11 -------------------------------------------------------- */

typedef struct _TRB {
    ULONGLONG Parameter;
    ULONG Status;
    volatile ULONG Control; /* bit 0: cycle; bits 10-15: type */
} TRB;
C_ASSERT(sizeof(TRB) == 16);

#define TRB_CYCLE 0x1u
#define TRB_TYPE(Control) (((Control) >> 10) & 0x3Fu)
#define TRB_OF_TYPE(Type) ((Type) << 10)
#define TRB_NO_OP_COMMAND 23u
#define TRB_COMMAND_COMPLETION 33u
#define TRB_PORT_CHANGE 34u
#define TRB_PORT(Parameter) ((ULONG)(Parameter) >> 24) /* 6.4.2.3, counted from 1 */

typedef struct _EVENT_SEGMENT { /* 6.5 */
    ULONGLONG Address;
    ULONG Entries;
    ULONG Reserved;
} EVENT_SEGMENT;

/* ---- The driver's own --------------------------------------------------------------------- */

/* In the common buffer. No device slot is enabled, so the context array has one entry. */
#define CONTEXTS_OFFSET 0x000u
#define SEGMENTS_OFFSET 0x040u
#define COMMANDS_OFFSET 0x100u /* we only ever give one command after a reset: no link at the end */
#define EVENTS_OFFSET 0x400u
#define EVENTS 64u
#define SCRATCHPADS_OFFSET 0x800u /* array of addresses, then the pages themselves */
#define SCRATCHPADS_MAX ((PAGE_SIZE - SCRATCHPADS_OFFSET) / sizeof(ULONGLONG))

#define CHANGES_KEPT 32u

/* What a read returns, as many as have room: the changes of ports, in order. */
typedef struct _XHCI_PORT_CHANGE {
    ULONG Port;   /* from 1 */
    ULONG Status; /* of the port, the changes still set */
} XHCI_PORT_CHANGE;

typedef struct _XHCI_INFORMATION {
    ULONG Ports;
    ULONG Connected; /* bit map of ports that have a device, bit 0 for port 1 */
    ULONG MessageCount;
    LONG Interrupts;
    ULONG Changes; /* of ports, since start */
    ULONG Lost;    /* of these, pushed out before somebody read them */
} XHCI_INFORMATION;

/* out: XHCI_INFORMATION */
#define IOCTL_XHCI_INFORMATION                                                                     \
    CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

/* (l) Lock; the rest is constant while started */
typedef struct _DEVICE {
    FUNCTION Function;
    ULONG Operational; /* offsets of register blocks */
    ULONG Runtime;
    ULONG Doorbells;
    KDPC Dpc;
    KEVENT CommandDone;
    KSPIN_LOCK Lock;
    BOOLEAN Open;                           /* (l) takes requests */
    ULONG EventNext;                        /* (l) */
    ULONG EventCycle;                       /* (l) of the events of this round */
    XHCI_PORT_CHANGE Changes[CHANGES_KEPT]; /* (l) a ring */
    ULONG ChangeFirst;                      /* (l) */
    ULONG ChangeCount;                      /* (l) */
    QUEUE Readers;
    XHCI_INFORMATION Information;
} DEVICE;

static inline ULONG PortRegister(PDEVICE Device, ULONG Port)
{
    return Device->Operational + XHCI_PORT_STATUS + (Port - 1) * XHCI_PORT_STRIDE;
}

static inline ULONGLONG MemoryAt(PDEVICE Device, ULONG Offset)
{
    return (ULONGLONG)Device->Function.MemoryAddress.QuadPart + Offset;
}

/* controller.c */
NTSTATUS ControllerReset(PDEVICE Device);
NTSTATUS ControllerAllocate(PDEVICE Device);
VOID ControllerRun(PDEVICE Device);
VOID ControllerCommand(PDEVICE Device);
VOID ControllerHalt(PDEVICE Device);
