/*
 * nvme.h - registers and structures of NVM Express, and the driver's own.
 *
 * Citations are sections of the NVM Express Base Specification 1.4. All values little-endian.
 *
 *   nvme.c        the WDM driver: device objects, PnP, dispatch, the information request
 *   controller.c  reset, identify, making queues (PASSIVE_LEVEL)
 *   queue.c       a pair of rings: submit, service routines, DPC (up to DIRQL)
 *   read.c        an IRP to commands: slots, page lists, completion (<= DISPATCH_LEVEL)
 */
#pragma once

#include <ntddk.h>

/* ---- Controller registers, 3.1 ------------------------------------------------------------ */

enum {
    NVME_CAP_LOW = 0x00,
    NVME_CAP_HIGH = 0x04,
    NVME_CONFIGURATION = 0x14,
    NVME_STATUS = 0x1C,
    NVME_ADMIN_SIZES = 0x24,
    NVME_ADMIN_SUBMISSION = 0x28, /* 64 bits */
    NVME_ADMIN_COMPLETION = 0x30, /* 64 bits */
    NVME_DOORBELLS = 0x1000,
};

#define NVME_CAP_ENTRIES_MASK 0x0000FFFFu   /* CAP.MQES, low half, 0-based */
#define NVME_CAP_TIMEOUT(Low) ((Low) >> 24) /* CAP.TO, in 500 ms */
#define NVME_CAP_STRIDE(High) ((High)&0xFu) /* CAP.DSTRD: 4 << n bytes between doorbells */
#define NVME_CAP_PAGE_MIN(High) (((High) >> 16) & 0xFu) /* CAP.MPSMIN: 4 KiB << n */

#define NVME_CC_ENABLE 0x00000001u
#define NVME_CC_SUBMISSION_64 (6u << 16) /* IOSQES: entries of 2^6 bytes */
#define NVME_CC_COMPLETION_16 (4u << 20) /* IOCQES */

#define NVME_CSTS_READY 0x1u
#define NVME_CSTS_FATAL 0x2u

/* ---- Commands and completions, 4.2 and 4.6 ------------------------------------------------ */

enum {
    NVME_ADMIN_CREATE_SUBMISSION = 0x01, /* 5.4 */
    NVME_ADMIN_CREATE_COMPLETION = 0x05, /* 5.3 */
    NVME_ADMIN_IDENTIFY = 0x06,          /* 5.15 */
    NVME_ADMIN_SET_FEATURES = 0x09,      /* 5.21 */
    NVME_READ = 0x02,                    /* 6.9 */
};

#define NVME_IDENTIFY_NAMESPACE 0u
#define NVME_IDENTIFY_CONTROLLER 1u
#define NVME_FEATURE_QUEUES 7u   /* 5.21.1.7 */
#define NVME_QUEUE_CONTIGUOUS 1u /* create: PC */
#define NVME_QUEUE_INTERRUPT 2u  /* create completion queue: IEN */

typedef struct _NVME_COMMAND {
    UCHAR Opcode;
    UCHAR Flags;
    USHORT Id; /* our slot number */
    ULONG Namespace;
    ULONG Reserved[2];
    ULONGLONG Metadata;
    ULONGLONG Page1; /* PRP entry 1 */
    ULONGLONG Page2; /* PRP entry 2: the second page, or the list of the rest */
    ULONG Dword10;
    ULONG Dword11;
    ULONG Dword12;
    ULONG Dword13;
    ULONG Dword14;
    ULONG Dword15;
} NVME_COMMAND;
C_ASSERT(sizeof(NVME_COMMAND) == 64);

typedef struct _NVME_COMPLETION {
    ULONG Result;
    ULONG Reserved;
    USHORT SubmissionHead;
    USHORT SubmissionQueue;
    USHORT Id;
    USHORT Status; /* bit 0: phase; the rest: 0 for success */
} NVME_COMPLETION;
C_ASSERT(sizeof(NVME_COMPLETION) == 16);

#define NVME_COMPLETION_PHASE 1u

/* Offsets in the Identify data, 5.15.2. */
#define NVME_CONTROLLER_SERIAL 4   /* 20 characters */
#define NVME_CONTROLLER_MODEL 24   /* 40 characters */
#define NVME_CONTROLLER_MDTS 77    /* greatest transfer: 2^n pages, 0 for any */
#define NVME_NAMESPACE_SIZE 0      /* NSZE: blocks */
#define NVME_NAMESPACE_FORMAT 26   /* FLBAS: low four bits the format, bit 4 inline metadata */
#define NVME_NAMESPACE_FORMATS 128 /* LBAF0: metadata size 16 bits, 2^n block size 8 bits */
#define NVME_FORMAT_EXTENDED 0x10u

/* ---- The driver's own --------------------------------------------------------------------- */

#define QUEUES_MAX 5  /* admin, and at most four for reads; MessageNumberLimit in the INF */
#define PROCESSORS 64 /* of group 0: message tables name no other */
#define ENTRIES 16    /* of each ring */
#define SLOTS 8       /* commands under way in a queue; fewer than ENTRIES, so that no ring fills */
#define PAGES_MAX (PAGE_SIZE / SLOTS / sizeof(ULONGLONG)) /* in a slot's page list */

typedef struct _SLOT {
    PIRP Irp;      /* NULL in the admin queue */
    ULONG Done;    /* bytes read already */
    ULONG Current; /* bytes under way */
    USHORT Status;
    ULONG Result;
} SLOT;

/* (s) Lock; (i) the interrupt's lock: only the service routine; (c) constant while started */
typedef struct _QUEUE {
    struct _DEVICE *Device;  /* (c) */
    ULONG Id;                /* (c) 0: admin */
    ULONG Message;           /* (c) the message its completions arrive by */
    PUCHAR Memory;           /* (c) three pages: submissions, completions, page lists */
    ULONGLONG MemoryAddress; /* (c) physical */
    KSPIN_LOCK Lock;
    BOOLEAN Open;             /* (s) takes reads */
    ULONG Tail;               /* (s) next submission */
    ULONG Free;               /* (s) bit map of free slots */
    LIST_ENTRY Waiting;       /* (s) IRPs that found no free slot */
    ULONG Head;               /* (i) next completion */
    USHORT Phase;             /* (i) of the completions of this round */
    volatile LONG Finished;   /* bit map: set by the service routine, taken by the DPC */
    volatile LONG Interrupts; /* claimed interrupts that found completions here */
    KDPC Dpc;
    KEVENT AdminDone; /* the one admin command has completed */
    SLOT Slots[SLOTS];
} QUEUE, *PQUEUE;

typedef struct _DEVICE {
    PDEVICE_OBJECT Physical;
    PDEVICE_OBJECT Lower;
    IO_REMOVE_LOCK Lock;
    ULONG Index;
    volatile PUCHAR Registers;
    ULONG Length;
    ULONG Stride; /* bytes between doorbells */
    ULONG TimeoutMilliseconds;
    ULONG Namespace;
    ULONG BlockShift;
    ULONGLONG Blocks;
    ULONG TransferMax;                  /* bytes */
    ULONG MessageCount;                 /* 0: line */
    volatile ULONG QueueCount;          /* made so far, the admin queue included */
    UCHAR QueueOfProcessor[PROCESSORS]; /* the queue whose message that processor takes */
    IO_DISCONNECT_INTERRUPT_PARAMETERS Connection; /* Version 0 while not connected */
    CHAR Model[41];
    CHAR Serial[21];
    QUEUE Queues[QUEUES_MAX];
} DEVICE, *PDEVICE;

/* out: NVME_INFORMATION */
#define IOCTL_NVME_INFORMATION                                                                     \
    CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

typedef struct _NVME_INFORMATION {
    ULONGLONG Blocks;
    ULONG BlockSize;
    ULONG Version;      /* CONNECT_...: how the interrupt is connected */
    ULONG MessageCount; /* 0 for a line */
    ULONG QueueCount;   /* the admin queue included */
    LONG Interrupts[QUEUES_MAX];
    CHAR Model[41];
    CHAR Serial[21];
} NVME_INFORMATION;

/* Keeps the compiler from moving memory accesses; the processor keeps their order by itself. */
static inline VOID KeepOrder(VOID)
{
    __asm__ volatile("" : : : "memory");
}

static inline ULONG RegisterRead(PDEVICE Device, ULONG Register)
{
    return READ_REGISTER_ULONG((PULONG)(Device->Registers + Register));
}

static inline VOID RegisterWrite(PDEVICE Device, ULONG Register, ULONG Value)
{
    WRITE_REGISTER_ULONG((PULONG)(Device->Registers + Register), Value);
}

static inline NVME_COMMAND *QueueSubmissions(PQUEUE Queue)
{
    return (NVME_COMMAND *)Queue->Memory;
}

static inline volatile NVME_COMPLETION *QueueCompletions(PQUEUE Queue)
{
    return (volatile NVME_COMPLETION *)(Queue->Memory + PAGE_SIZE);
}

/* A slot's page list, and its physical address. */
static inline ULONGLONG *SlotPages(PQUEUE Queue, ULONG Slot)
{
    return (ULONGLONG *)(Queue->Memory + 2 * PAGE_SIZE) + Slot * PAGES_MAX;
}

static inline ULONGLONG SlotPagesAddress(PQUEUE Queue, ULONG Slot)
{
    return Queue->MemoryAddress + 2 * PAGE_SIZE + Slot * PAGES_MAX * sizeof(ULONGLONG);
}

/* controller.c */
NTSTATUS ControllerStart(PDEVICE Device);
VOID ControllerStop(PDEVICE Device);

/* queue.c */
VOID QueueInitialize(PDEVICE Device, ULONG Id);
NTSTATUS QueueCreate(PDEVICE Device, ULONG Id, ULONG Message);
VOID QueueDelete(PQUEUE Queue);
VOID QueueSetOpen(PQUEUE Queue, BOOLEAN Open);
VOID QueueSubmit(PQUEUE Queue, ULONG Slot, NVME_COMMAND *Command);
NTSTATUS QueuesConnect(PDEVICE Device);
VOID QueuesDisconnect(PDEVICE Device);

/* read.c */
NTSTATUS ReadStart(PDEVICE Device, PIRP Irp);
VOID ReadFinish(PQUEUE Queue, ULONG Slot);
VOID ReadAbandon(PQUEUE Queue);
