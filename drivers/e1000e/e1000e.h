/*
 * e1000e.h - an Intel 82574 gigabit Ethernet controller (QEMU's e1000e): registers, descriptors,
 * the driver's own.
 *
 * Citations are sections of the Intel 82574 GbE Controller Family Datasheet, revision 3.4. What is
 * used of it without messages and a second transmit queue, the 82540 (e1000 of QEMU and Bochs) has
 * at the same places: PCI/PCI-X Family of Gigabit Ethernet Controllers Software Developer's Manual,
 * chapter 13.
 *
 *   e1000e.c   start, stop, the interrupts, the requests
 *   rings.c    frames in and out
 */
#pragma once

#include "../function/queue.h"

/* ---- Registers, 10.2 ---------------------------------------------------------------------- */

enum {
    E1000E_CONTROL = 0x0000,
    E1000E_STATUS = 0x0008,
    E1000E_EEPROM = 0x0014, /* EERD */
    E1000E_CONTROL_EXTENDED = 0x0018,
    E1000E_CAUSES = 0x00C0,       /* ICR: written back to clear */
    E1000E_AUTO_CLEAR = 0x00DC,   /* EIAC: causes that their message clears */
    E1000E_VECTORS = 0x00E4,      /* IVAR */
    E1000E_UNMASK = 0x00D0,       /* IMS */
    E1000E_MASK = 0x00D8,         /* IMC */
    E1000E_RECEIVE = 0x0100,      /* RCTL */
    E1000E_TRANSMIT = 0x0400,     /* TCTL */
    E1000E_TRANSMIT_GAP = 0x0410, /* TIPG */
    E1000E_RECEIVE_RING = 0x2800,
    E1000E_TRANSMIT_RINGS = 0x3800, /* the second one 0x100 further */
    E1000E_MULTICAST = 0x5200,      /* 128 registers of filter bits */
    E1000E_ADDRESS_LOW = 0x5400,    /* from the EEPROM, at reset */
    E1000E_ADDRESS_HIGH = 0x5404,
    E1000E_REGISTERS = 0x6000, /* all above lie below */
};

/* In each ring's block of registers. */
enum {
    RING_BASE = 0x00, /* 64 bits */
    RING_LENGTH = 0x08,
    RING_HEAD = 0x10,
    RING_TAIL = 0x18,
    RING_CONTROL = 0x28, /* TXDCTL */
    RING_STRIDE = 0x100,
};

#define E1000E_CONTROL_LINK_UP 0x00000040u /* SLU */
#define E1000E_CONTROL_RESET 0x04000000u
#define E1000E_STATUS_LINK 0x00000002u
/* EERD of an 82540, 13.4.4 */
#define E1000E_EEPROM_READ(Word) (0x00000001u | (Word) << 8)
#define E1000E_EEPROM_DONE 0x00000010u
#define E1000E_EEPROM_DATA(Value) ((Value) >> 16)

#define E1000E_EXTENDED_AUTO_MASK 0x01000000u /* EIAME: a message masks its causes */
#define E1000E_EXTENDED_PENDING 0x80000000u   /* PBA_CLR: MSI-X pending bits work */

#define E1000E_RECEIVE_ENABLE 0x00000002u
#define E1000E_RECEIVE_BROADCAST 0x00008000u
#define E1000E_RECEIVE_NO_CRC 0x04000000u
#define E1000E_TRANSMIT_ENABLE 0x00000002u
#define E1000E_TRANSMIT_PAD 0x00000008u
#define E1000E_TRANSMIT_COLLISIONS 0x000400F0u /* CT 15, COLD 64: 10.2.6.1 */
#define E1000E_TRANSMIT_GAP_COPPER 0x00602008u /* 10.2.6.2 */
#define RING_CONTROL_TRANSMIT 0x01400000u      /* TXDCTL of an 82574: GRAN, bit 22 "must be 1" */

/* Causes, 10.2.4.1: those of a line, and those that IVAR distributes among messages. */
#define CAUSE_TRANSMITTED 0x00000001u
#define CAUSE_LINK 0x00000004u
#define CAUSE_RECEIVED 0x00000080u
#define CAUSE_RECEIVE_QUEUE 0x00100000u
#define CAUSE_TRANSMIT_QUEUE(Queue) (0x00400000u << (Queue))
#define CAUSE_OTHER 0x01000000u
#define CAUSES_TRANSMIT (CAUSE_TRANSMITTED | CAUSE_TRANSMIT_QUEUE(0) | CAUSE_TRANSMIT_QUEUE(1))
#define CAUSES_RECEIVE (CAUSE_RECEIVED | CAUSE_RECEIVE_QUEUE)
#define CAUSES_QUEUES (CAUSE_RECEIVE_QUEUE | CAUSE_TRANSMIT_QUEUE(0) | CAUSE_TRANSMIT_QUEUE(1))

/* IVAR, 10.2.4.9: a vector each for receive queue 0, transmit queues 0 and 1, and the rest. */
#define VECTOR_VALID 0x8u
#define VECTORS(Receive, Transmit0, Transmit1, Other)                                              \
    ((VECTOR_VALID | (Receive)) | (VECTOR_VALID | (Transmit0)) << 8 |                              \
     (VECTOR_VALID | (Transmit1)) << 12 | (VECTOR_VALID | (Other)) << 16)

/* ---- Descriptors -------------------------------------------------------------------------- */

typedef struct _RECEIVE_DESCRIPTOR { /* legacy, 7.1.4.1 */
    ULONGLONG Address;
    USHORT Length;
    USHORT Checksum;
    volatile UCHAR Status;
    UCHAR Errors;
    USHORT Special;
} RECEIVE_DESCRIPTOR;
C_ASSERT(sizeof(RECEIVE_DESCRIPTOR) == 16);

typedef struct _TRANSMIT_DESCRIPTOR { /* legacy, 7.2.10.1 */
    ULONGLONG Address;
    USHORT Length;
    UCHAR ChecksumOffset;
    UCHAR Command;
    volatile UCHAR Status;
    UCHAR ChecksumStart;
    USHORT Special;
} TRANSMIT_DESCRIPTOR;
C_ASSERT(sizeof(TRANSMIT_DESCRIPTOR) == 16);

#define DESCRIPTOR_DONE 0x01u  /* either's status */
#define RECEIVE_LAST 0x02u     /* EOP: the frame ends in this buffer */
#define TRANSMIT_COMMAND 0x0Bu /* EOP, IFCS, RS: one frame, add the CRC, report */

/* ---- The driver's own --------------------------------------------------------------------- */

#define FRAME_LEAST 14u   /* two addresses and a type */
#define FRAME_MAX 1514u   /* without CRC */
#define BUFFER_SIZE 2048u /* one a descriptor */
#define RECEIVE_ENTRIES 16u
#define TRANSMIT_ENTRIES 8u /* the least: 128 bytes of ring */
#define TRANSMIT_QUEUES 2u  /* the most */
#define E1000E_VENDOR 0x8086u
#define E1000E_DEVICE 0x10D3u /* 82574 */

/* In the common buffer: three rings in the first page, then the buffers. */
#define RECEIVE_RING_OFFSET 0u
#define TRANSMIT_RING_OFFSET(Queue) (1024u + (Queue)*1024u)
#define RECEIVE_BUFFER_OFFSET(Entry) (PAGE_SIZE + (Entry)*BUFFER_SIZE)
#define TRANSMIT_BUFFER_OFFSET(Queue, Entry)                                                       \
    RECEIVE_BUFFER_OFFSET(RECEIVE_ENTRIES + (Queue)*TRANSMIT_ENTRIES + (Entry))
#define MEMORY_SIZE TRANSMIT_BUFFER_OFFSET(TRANSMIT_QUEUES, 0)

enum { MESSAGE_RECEIVE, MESSAGE_TRANSMIT0, MESSAGE_TRANSMIT1, MESSAGE_OTHER, MESSAGES };

typedef struct _E1000E_INFORMATION {
    UCHAR Address[6];
    UCHAR LinkUp;
    UCHAR Reserved;
    ULONG MessageCount;
    LONG Interrupts[MESSAGES]; /* by message; with a line or one message all in the first */
    ULONG Received;            /* frames that a reader took */
    ULONG Sent;
} E1000E_INFORMATION;

/* out: E1000E_INFORMATION */
#define IOCTL_E1000E_INFORMATION                                                                   \
    CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

typedef struct _TRANSMIT_QUEUE {
    ULONG Next;                  /* entry the next frame goes into */
    ULONG Oldest;                /* entry of the oldest frame not reported yet */
    PIRP Irps[TRANSMIT_ENTRIES]; /* NULL: free */
} TRANSMIT_QUEUE;

/* (l) Lock; the rest is constant while started */
typedef struct _DEVICE {
    FUNCTION Function;
    KDPC Dpc;
    volatile LONG Raised; /* causes: set by the service routines, taken by the DPC */
    KSPIN_LOCK Lock;
    ULONG TransmitQueues;
    BOOLEAN Open;                             /* (l) takes requests */
    ULONG ReceiveNext;                        /* (l) entry of the next frame */
    ULONG Frames;                             /* (l) given to transmit queues, in turn */
    TRANSMIT_QUEUE Transmit[TRANSMIT_QUEUES]; /* (l) */
    QUEUE Readers;
    E1000E_INFORMATION Information;
} DEVICE;

/* rings.c */
VOID RingsStart(PDEVICE Device);
VOID ReceivePump(PDEVICE Device);
NTSTATUS TransmitFrame(PDEVICE Device, PIRP Irp, ULONG Length);
VOID TransmitCollect(PDEVICE Device);
VOID TransmitAbandon(PDEVICE Device);
