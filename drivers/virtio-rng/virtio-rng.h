/*
 * virtio-rng.h - a virtio entropy source (QEMU's virtio-rng-pci): registers, rings, the driver's
 * own.
 *
 * Citations are sections of Virtual I/O Device (VIRTIO) Version 1.0. All values little-endian.
 *
 *   virtio-rng.c   the read request: queue, pieces, completion
 *   transport.c    finding the registers, negotiation, the one virtqueue, the interrupt
 */
#pragma once

#include "../function/queue.h"

/* ---- Capabilities: where the registers are, 4.1.4 ----------------------------------------- */

#define VIRTIO_CAPABILITY 0x09u /* the PCI id of vendor-specific capabilities */

enum {
    VIRTIO_CAPABILITY_TYPE = 3,
    VIRTIO_CAPABILITY_BAR = 4,
    VIRTIO_CAPABILITY_OFFSET = 8,
    VIRTIO_CAPABILITY_LENGTH = 12,
    VIRTIO_CAPABILITY_MULTIPLIER = 16, /* type VIRTIO_NOTIFY only */
};

enum {
    VIRTIO_COMMON = 1,
    VIRTIO_NOTIFY = 2,
    VIRTIO_ISR = 3,
    VIRTIO_STRUCTURES = 4, /* below this number */
};

/* ---- Common configuration, 4.1.4.3 -------------------------------------------------------- */

enum {
    VIRTIO_DEVICE_FEATURES_SELECT = 0x00,
    VIRTIO_DEVICE_FEATURES = 0x04,
    VIRTIO_DRIVER_FEATURES_SELECT = 0x08,
    VIRTIO_DRIVER_FEATURES = 0x0C,
    VIRTIO_CONFIG_VECTOR = 0x10, /* 16 bits */
    VIRTIO_STATUS = 0x14,        /* 8 bits */
    VIRTIO_QUEUE_SELECT = 0x16,  /* 16 bits, as the next four */
    VIRTIO_QUEUE_SIZE = 0x18,    /* entries; the driver may lower it */
    VIRTIO_QUEUE_VECTOR = 0x1A,  /* MSI-X table entry */
    VIRTIO_QUEUE_ENABLE = 0x1C,  /* 1 */
    VIRTIO_QUEUE_NOTIFY = 0x1E,  /* ro: times the multiplier, in the notify structure */
    VIRTIO_QUEUE_TABLE = 0x20,   /* 64 bits, as the next two */
    VIRTIO_QUEUE_AVAILABLE = 0x28,
    VIRTIO_QUEUE_USED = 0x30,
    VIRTIO_COMMON_SIZE = 0x38,
};

/* Status, 2.1 */
#define VIRTIO_STATUS_ACKNOWLEDGE 0x01u
#define VIRTIO_STATUS_DRIVER 0x02u
#define VIRTIO_STATUS_DRIVER_OK 0x04u
#define VIRTIO_STATUS_FEATURES_OK 0x08u
#define VIRTIO_STATUS_FAILED 0x80u

#define VIRTIO_FEATURE_VERSION_1 0x1u /* bit 32: the first of the second 32, 6 */
#define VIRTIO_NO_VECTOR 0xFFFFu      /* 4.1.5.1.2 */
#define VIRTIO_ISR_QUEUE 0x1u         /* ISR status, 4.1.4.5: cleared by the read */

/* ---- The rings, 2.4 ----------------------------------------------------------------------- */

#define QUEUE_ENTRIES 8u /* a power of two; we use one entry at a time */

typedef struct _VIRTIO_DESCRIPTOR {
    ULONGLONG Address;
    ULONG Length;
    USHORT Flags;
    USHORT Next;
} VIRTIO_DESCRIPTOR;
C_ASSERT(sizeof(VIRTIO_DESCRIPTOR) == 16);

#define VIRTIO_DESCRIPTOR_WRITE 0x2u /* the device writes this buffer */

/* One page: what the device reads, what it writes, and the bytes themselves in the next page. */
typedef struct _RINGS {
    VIRTIO_DESCRIPTOR Table[QUEUE_ENTRIES];
    struct {
        USHORT Flags;
        USHORT Index; /* of the next entry we fill, modulo 2^16 */
        USHORT Ring[QUEUE_ENTRIES];
        USHORT UsedEvent;
    } Available;
    USHORT Reserved;
    struct {
        USHORT Flags;
        USHORT Index;
        struct {
            ULONG Id;
            ULONG Length; /* bytes written */
        } Ring[QUEUE_ENTRIES];
    } Used;
} RINGS;
C_ASSERT(FIELD_OFFSET(RINGS, Used) % 4 == 0);

#define DATA_SIZE PAGE_SIZE
#define MEMORY_SIZE (PAGE_SIZE + DATA_SIZE)

/* ---- The driver's own --------------------------------------------------------------------- */

typedef struct _STRUCTURE {
    PUCHAR Registers; /* NULL: the device has none of this type */
    ULONG Length;
} STRUCTURE;

/* The common buffer: rings, then data. (l) Lock; the rest is constant while started */
typedef struct _DEVICE {
    FUNCTION Function;
    PUCHAR Bars[PCI_TYPE0_ADDRESSES]; /* those that were mapped */
    ULONG BarLengths[PCI_TYPE0_ADDRESSES];
    STRUCTURE Structures[VIRTIO_STRUCTURES];
    ULONG NotifyMultiplier;
    PUCHAR Doorbell;
    KDPC Dpc;
    KSPIN_LOCK Lock;
    BOOLEAN Open;    /* (l) takes requests */
    PIRP Current;    /* (l) the read the device works for */
    ULONG Done;      /* (l) of its bytes */
    USHORT LastUsed; /* (l) */
    QUEUE Waiting;   /* reads, before they are Current */
} DEVICE;

/* transport.c */
NTSTATUS TransportStart(PDEVICE Device);
VOID TransportStop(PDEVICE Device);
VOID TransportSubmit(PDEVICE Device, ULONG Length);      /* Lock held */
BOOLEAN TransportCollect(PDEVICE Device, PULONG Length); /* Lock held */
