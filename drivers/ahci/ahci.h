/*
 * ahci.h - a SATA disk behind an AHCI controller, read only: registers, tables, the driver's own.
 *
 * Citations are sections of Serial ATA AHCI 1.3.1; commands are of ATA/ATAPI Command Set (ACS-3).
 * All values little-endian.
 *
 *   ahci.c      the driver as dispatch.h sees it: start, stop, the requests
 *   port.c      the controller and the one port that has our disk (PASSIVE_LEVEL)
 *   command.c   slots: from a request to a command, the interrupt, completion
 */
#pragma once

#include "../function/function.h"

/* ---- Controller registers, 3.1 ------------------------------------------------------------ */

enum {
    AHCI_CAPABILITIES = 0x00,
    AHCI_CONTROL = 0x04,
    AHCI_INTERRUPTS = 0x08, /* a bit a port; written back to clear */
    AHCI_PORTS_PRESENT = 0x0C,
    AHCI_PORTS = 0x100, /* the first port's registers */
};

#define AHCI_PORT_STRIDE 0x80u
#define AHCI_PORT_COUNT 32u

#define AHCI_CAP_SLOTS(Capabilities) ((((Capabilities) >> 8) & 0x1Fu) + 1)
#define AHCI_CAP_NCQ 0x40000000u
#define AHCI_CAP_64BIT 0x80000000u

#define AHCI_CONTROL_RESET 0x00000001u
#define AHCI_CONTROL_INTERRUPTS 0x00000002u
#define AHCI_CONTROL_AHCI 0x80000000u

/* ---- Port registers, 3.3 ------------------------------------------------------------------ */

enum {
    PORT_LIST = 0x00, /* command list, 64 bits */
    PORT_FIS = 0x08,  /* received FIS, 64 bits */
    PORT_INTERRUPTS = 0x10,
    PORT_INTERRUPT_ENABLE = 0x14,
    PORT_COMMAND = 0x18,
    PORT_TASK_FILE = 0x20,
    PORT_SIGNATURE = 0x24,
    PORT_LINK = 0x28,
    PORT_LINK_CONTROL = 0x2C,
    PORT_ERRORS = 0x30,
    PORT_ACTIVE = 0x34, /* SActive: queued commands not finished */
    PORT_ISSUE = 0x38,  /* commands not yet taken, or not finished if not queued */
};

#define PORT_INTERRUPT_DONE 0x0000000Bu  /* DHRS, PSS, SDBS: a FIS that ends a command */
#define PORT_INTERRUPT_ERROR 0x78000000u /* IFS, HBDS, HBFS, TFES: the port has stopped */

#define PORT_COMMAND_START 0x00000001u
#define PORT_COMMAND_SPIN_UP 0x00000002u
#define PORT_COMMAND_POWER 0x00000004u
#define PORT_COMMAND_FIS 0x00000010u
#define PORT_COMMAND_FIS_RUNNING 0x00004000u
#define PORT_COMMAND_RUNNING 0x00008000u

#define PORT_TASK_FILE_BUSY 0x88u /* BSY or DRQ */
#define PORT_LINK_MASK 0x0Fu      /* DET */
#define PORT_LINK_UP 0x03u
#define PORT_LINK_RESET 0x01u /* in the control register's DET: COMRESET while set */
#define PORT_SIGNATURE_DISK 0x00000101u

/* ---- Tables in memory, 4.2 ---------------------------------------------------------------- */

typedef struct _AHCI_HEADER { /* 4.2.2 */
    USHORT Flags;             /* low five bits: dwords of the command */
    USHORT RegionCount;
    volatile ULONG Moved; /* bytes */
    ULONGLONG Table;
    ULONG Reserved[4];
} AHCI_HEADER;
C_ASSERT(sizeof(AHCI_HEADER) == 32);

typedef struct _AHCI_REGION { /* 4.2.3.3 */
    ULONGLONG Address;
    ULONG Reserved; /* 0, as the buffer began */
    ULONG LengthLessOne;
} AHCI_REGION;
C_ASSERT(sizeof(AHCI_REGION) == 16);

/* Register FIS, host to device. SATA 3.2 "Register Host to Device FIS" 10.5.5 */
typedef struct _ATA_COMMAND {
    UCHAR Type;
    UCHAR Flags;
    UCHAR Command;
    UCHAR FeatureLow;
    UCHAR Lba0, Lba1, Lba2;
    UCHAR Device;
    UCHAR Lba3, Lba4, Lba5;
    UCHAR FeatureHigh;
    UCHAR CountLow;
    UCHAR CountHigh;
    UCHAR Reserved[6];
} ATA_COMMAND;
C_ASSERT(sizeof(ATA_COMMAND) == 20);

#define ATA_FIS_TYPE 0x27u
#define ATA_FIS_COMMAND 0x80u
#define ATA_DEVICE_LBA 0x40u

enum {
    ATA_READ_DMA = 0x25,    /* READ DMA EXT: one at a time */
    ATA_READ_QUEUED = 0x60, /* READ FPDMA QUEUED: as many as there are slots */
    ATA_IDENTIFY = 0xEC,
};

/* Words of the IDENTIFY data, ACS-3 7.12.7. */
#define ATA_WORD_DEPTH 75        /* low five bits: queue depth less one */
#define ATA_WORD_SATA 76         /* bit 8: queued commands */
#define ATA_WORD_SECTORS 100     /* 64 bits */
#define ATA_WORD_SECTOR_SIZE 106 /* bit 14 set, 15 clear: valid; bit 12: larger than 512 bytes */
#define ATA_SATA_NCQ 0x0100u

/* ---- The driver's own --------------------------------------------------------------------- */

#define SLOTS 32u
#define SECTOR_SHIFT 9
#define TRANSFER_MAX (128u * 1024u)
#define REGIONS_MAX (TRANSFER_MAX / PAGE_SIZE + 1)
#define TABLE_SIZE 1024u /* a command, and REGIONS_MAX regions from TABLE_REGIONS on */
#define TABLE_REGIONS 0x80u
C_ASSERT(TABLE_REGIONS + REGIONS_MAX * sizeof(AHCI_REGION) <= TABLE_SIZE);

/* In the common buffer. */
#define LIST_OFFSET 0u
#define FIS_OFFSET 0x400u
#define IDENTIFY_OFFSET 0x800u
#define TABLES_OFFSET 0x1000u
#define MEMORY_SIZE (TABLES_OFFSET + SLOTS * TABLE_SIZE)

typedef struct _AHCI_INFORMATION {
    ULONGLONG Sectors; /* 0: no disk */
    ULONG Depth;       /* 0: no queued commands */
    ULONG MessageCount;
    volatile LONG Interrupts; /* claimed */
    ULONG ReadsQueued;
    ULONG ReadsAlone;
} AHCI_INFORMATION;

/*
 * (l) Lock; (i) the service routine and, by exchange, the DPC; the rest is constant while started
 */
typedef struct _DEVICE {
    FUNCTION Function;
    ULONG Capabilities;
    ULONG Port;
    ULONG Depth;    /* slots in use */
    BOOLEAN Queued; /* reads go by ATA_READ_QUEUED */
    PIO_WORKITEM Recovery;
    KDPC Dpc;
    KEVENT IdentifyDone;
    KEVENT RecoveryDone;  /* no recovery is under way */
    volatile LONG Raised; /* (i) port interrupts the DPC has not seen */
    KSPIN_LOCK Lock;
    BOOLEAN Open;       /* (l) takes requests */
    BOOLEAN Recovering; /* (l) the port is being restarted: nothing may be issued */
    ULONG Issued;       /* (l) bit map of slots */
    BOOLEAN Alone;      /* (l) what is issued is not queued: nothing beside it */
    PIRP Slots[SLOTS];  /* (l) NULL in an issued slot: IDENTIFY */
    LIST_ENTRY Waiting; /* (l) IRPs with their scatter/gather list */
    AHCI_INFORMATION Information;
} DEVICE;

/* in: ULONGLONG sector; out: whole sectors, read by ATA_READ_DMA */
#define IOCTL_AHCI_READ_DMA CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_OUT_DIRECT, FILE_ANY_ACCESS)
/* out: AHCI_INFORMATION */
#define IOCTL_AHCI_INFORMATION                                                                     \
    CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)

static inline ULONG PortRead(PDEVICE Device, ULONG Register)
{
    return RegisterRead(Device, AHCI_PORTS + Device->Port * AHCI_PORT_STRIDE + Register);
}

static inline VOID PortWrite(PDEVICE Device, ULONG Register, ULONG Value)
{
    RegisterWrite(Device, AHCI_PORTS + Device->Port * AHCI_PORT_STRIDE + Register, Value);
}

/* port.c */
NTSTATUS ControllerReset(PDEVICE Device);
NTSTATUS PortFindDisk(PDEVICE Device);
NTSTATUS PortIdentify(PDEVICE Device);
VOID PortRun(PDEVICE Device);
VOID PortHalt(PDEVICE Device);
VOID PortReset(PDEVICE Device);

/* command.c */
NTSTATUS CommandsConnect(PDEVICE Device);
NTSTATUS CommandRead(PDEVICE Device, PIRP Irp, ULONG Length);
VOID CommandIdentify(PDEVICE Device);
VOID CommandsAbandon(PDEVICE Device, NTSTATUS Status);
VOID CommandsOpen(PDEVICE Device, BOOLEAN Open);
