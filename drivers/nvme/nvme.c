/*
 * nvme.c - an NVM Express disk, read only: direct I/O, and a message for each queue.
 *
 * A read goes into the queue of the processor it came in on, and completes there: each queue has a
 * message, which the INF spreads over the processors. Where the system grants fewer messages, or
 * only a line, there are fewer queues. Citations: NVM Express Base Specification 1.4.
 */
#define FUNCTION_NAME "nvme"
#define FUNCTION_TYPE FILE_DEVICE_DISK
#define FUNCTION_FLAGS DO_DIRECT_IO

#include "../function/disk.h"
#include "../function/slots.h"

/* Registers, 3.1 */
enum {
    NVME_CAP_LOW = 0x00,  /* 15:0 entries of a queue, less one; 31:24 timeout in 500 ms */
    NVME_CAP_HIGH = 0x04, /* 3:0 doorbells are 4 << n bytes apart; 19:16 pages, 4 KiB << n */
    NVME_CONFIGURATION = 0x14,
    NVME_STATUS = 0x1C, /* bit 0: ready */
    NVME_ADMIN_SIZES = 0x24,
    NVME_ADMIN_SUBMISSION = 0x28, /* 64 bits, as the next */
    NVME_ADMIN_COMPLETION = 0x30,
    NVME_DOORBELLS = 0x1000,
};

enum { NVME_CREATE_SUBMISSION = 1, NVME_CREATE_COMPLETION = 5 }; /* opcodes, 5 and 6 */
enum { NVME_IDENTIFY = 6, NVME_SET_FEATURES = 9, NVME_READ = 2 };

typedef struct _NVME_COMMAND { /* 4.2 */
    UCHAR Opcode, Flags;
    USHORT Slot;
    ULONG Namespace;
    ULONGLONG Reserved, Metadata;
    ULONGLONG Page1, Page2; /* where the data goes; Page2: or the list of the other pages, 4.3 */
    ULONG Dword10, Dword11, Dword12, Dword13, Dword14, Dword15;
} NVME_COMMAND;
C_ASSERT(sizeof(NVME_COMMAND) == 64);

typedef struct _NVME_COMPLETION { /* 4.6 */
    ULONG Result, Reserved;
    USHORT SubmissionHead, SubmissionQueue, Slot;
    USHORT Status; /* bit 0: phase, inverted each time round; the rest: 0 for success */
} NVME_COMPLETION;
C_ASSERT(sizeof(NVME_COMPLETION) == 16);

#define QUEUES_MAX 5u /* admin, and at most four for reads; MessageNumberLimit in the INF */
#define ENTRIES 16u   /* of each ring */
#define SLOTS_USED 8u /* in each queue; fewer than ENTRIES, so that no ring fills */
#define PAGES_MAX (PAGE_SIZE / sizeof(ULONGLONG))
#define READ_MAX ((PAGES_MAX - 1) * PAGE_SIZE) /* from anywhere in a first page on */

typedef struct _QUEUE_MEMORY { /* a page for each ring, and a list of pages for each slot */
    NVME_COMMAND Submissions[PAGE_SIZE / sizeof(NVME_COMMAND)];
    volatile NVME_COMPLETION Completions[PAGE_SIZE / sizeof(NVME_COMPLETION)];
    ULONGLONG Pages[SLOTS_USED][PAGES_MAX]; /* in the admin queue: Identify's data */
} QUEUE_MEMORY;
#define ADDRESS(Queue, Field) ((Queue)->Address + FIELD_OFFSET(QUEUE_MEMORY, Field))

/* (l) the slots' lock; (i) the interrupt's lock; the rest is constant while started */
typedef struct _QUEUE {
    SLOTS Slots;   /* in the admin queue slot 0 for one command at a time */
    ULONG Message; /* by which its completions arrive */
    PULONG SubmissionDoorbell, CompletionDoorbell; /* registers */
    QUEUE_MEMORY *Memory;                          /* in the common buffer */
    ULONGLONG Address;                             /* of Memory, as the device sees it */
    ULONG Tail;                                    /* (l) next submission */
    ULONG Head;                                    /* (i) next completion */
    USHORT Phase;                                  /* (i) of the completions of this round */
    ULONG Result;                                  /* (i) of the last one */
} QUEUE, *PQUEUE;

typedef struct _DEVICE {
    FUNCTION Function;
    DISK Disk;
    ULONG Timeout; /* milliseconds */
    QUEUE Queues[QUEUES_MAX];
} DEVICE;

#include "../function/dispatch.h"

static VOID Submit(PQUEUE Queue, ULONG Slot, NVME_COMMAND Command)
{
    Command.Slot = (USHORT)Slot;
    Queue->Memory->Submissions[Queue->Tail] = Command;
    Queue->Tail = (Queue->Tail + 1) % ENTRIES;
    KeepOrder(); /* the entry before the doorbell */
    WRITE_REGISTER_ULONG(Queue->SubmissionDoorbell, Queue->Tail);
}

static VOID ReadStart(PSLOTS Slots, ULONG Slot)
{
    PQUEUE queue = CONTAINING_RECORD(Slots, QUEUE, Slots);
    ULONG shift = ((PDEVICE)Slots->Function)->Disk.BlockShift;
    ULONGLONG block = SlotsOffset(Slots, Slot) >> shift;
    ULONGLONG *pages = queue->Memory->Pages[Slot];
    ULONG count = SlotsPages(Slots, Slot, pages);
    NVME_COMMAND command = {.Opcode = NVME_READ,
                            .Namespace = 1,
                            .Page1 = pages[0],
                            .Page2 = count == 2 ? pages[1] : ADDRESS(queue, Pages[Slot][1]),
                            .Dword10 = (ULONG)block,
                            .Dword11 = (ULONG)(block >> 32),
                            .Dword12 = (SlotsPiece(Slots, Slot) >> shift) - 1};

    Submit(queue, Slot, command); /* with one page the second is ignored */
}

/* Moving the ring's head at the device lowers a line and lets the next message come. */
static BOOLEAN Collect(PQUEUE Queue)
{
    ULONG head = Queue->Head;
    volatile NVME_COMPLETION *entry = &Queue->Memory->Completions[head];

    while ((entry->Status & 1) == Queue->Phase) {
        KeepOrder(); /* the phase before the rest of the entry */
        Queue->Result = entry->Result;
        SlotsAnswer(&Queue->Slots, entry->Slot % SLOTS_USED,
                    entry->Status >> 1 == 0 ? STATUS_SUCCESS : STATUS_IO_DEVICE_ERROR);
        Queue->Head = (Queue->Head + 1) % ENTRIES;
        Queue->Phase ^= Queue->Head == 0;
        entry = &Queue->Memory->Completions[Queue->Head];
    }
    if (Queue->Head == head)
        return FALSE;
    WRITE_REGISTER_ULONG(Queue->CompletionDoorbell, Queue->Head);
    return TRUE;
}

static BOOLEAN NTAPI MessageRoutine(PKINTERRUPT Interrupt, PVOID Context, ULONG MessageId)
{
    PDEVICE device = Context;
    BOOLEAN claimed = FALSE;
    ULONG i;

    UNREFERENCED_PARAMETER(Interrupt);
    for (i = 0; i < QUEUES_MAX; i++)
        if (device->Queues[i].Message == MessageId)
            claimed |= Collect(&device->Queues[i]);
    return claimed;
}

/* Bit 0: enable. The controller is ready when it is enabled, and not when it is not. */
static NTSTATUS SetConfiguration(PDEVICE Device, ULONG Value)
{
    RegisterWrite(Device, NVME_CONFIGURATION, Value);
    return RegisterWait(Device, NVME_STATUS, 1, Value & 1, Device->Timeout);
}

/* Empty queues, then the interrupt, which answers the first command. */
static NTSTATUS Enable(PDEVICE Device)
{
    PFUNCTION function = &Device->Function;
    ULONG low = RegisterRead(Device, NVME_CAP_LOW), high = RegisterRead(Device, NVME_CAP_HIGH), i;
    ULONG stride = 1u << (high & 0xF); /* between doorbells, in ULONGs */
    PULONG doorbells = (PULONG)(function->Registers + NVME_DOORBELLS);
    NTSTATUS status;

    Device->Timeout = ((low >> 24) + 1) * 500;
    if ((low & 0xFFFF) + 1 < ENTRIES || (high >> 16 & 0xF) != 0 ||
        NVME_DOORBELLS + 2 * QUEUES_MAX * stride * sizeof(ULONG) > function->RegistersLength)
        return STATUS_NOT_SUPPORTED;
    status = SetConfiguration(Device, 0);
    if (NT_SUCCESS(status))
        status = FunctionAllocate(function, QUEUES_MAX * sizeof(QUEUE_MEMORY), READ_MAX, TRUE);
    for (i = 0; NT_SUCCESS(status) && i < QUEUES_MAX; i++) {
        PQUEUE queue = &Device->Queues[i];

        queue->SubmissionDoorbell = doorbells + 2 * i * stride;
        queue->CompletionDoorbell = doorbells + (2 * i + 1) * stride;
        queue->Memory = (QUEUE_MEMORY *)function->Memory + i;
        queue->Address = (ULONGLONG)function->MemoryAddress.QuadPart + i * sizeof(QUEUE_MEMORY);
        queue->Message = queue->Tail = queue->Head = 0;
        queue->Phase = 1;
    }
    if (NT_SUCCESS(status))
        status = FunctionConnectMessages(function, MessageRoutine);
    if (!NT_SUCCESS(status))
        return status;
    RegisterWrite(Device, NVME_ADMIN_SIZES, (ENTRIES - 1) << 16 | (ENTRIES - 1));
    RegisterWrite64(Device, NVME_ADMIN_SUBMISSION, ADDRESS(Device->Queues, Submissions));
    RegisterWrite64(Device, NVME_ADMIN_COMPLETION, ADDRESS(Device->Queues, Completions));
    /* Entries of 2^4 and 2^6 bytes, pages of 4 KiB, enabled */
    return SetConfiguration(Device, 4u << 20 | 6u << 16 | 1u);
}

/* One at a time, answered by the interrupt. */
static NTSTATUS Admin(PDEVICE Device, NVME_COMMAND Command)
{
    Submit(&Device->Queues[0], 0, Command);
    return SlotsWait(&Device->Queues[0].Slots, 0, Device->Timeout);
}

/* The data of the controller (1), then that of the first namespace (0): 5.15.2. */
static NTSTATUS Identify(PDEVICE Device)
{
    const UCHAR *data = (const UCHAR *)Device->Queues[0].Memory->Pages, *format;
    NVME_COMMAND command = {
        .Opcode = NVME_IDENTIFY, .Page1 = ADDRESS(Device->Queues, Pages), .Dword10 = 1};
    NTSTATUS status = Admin(Device, command);

    if (!NT_SUCCESS(status))
        return status;
    Device->Disk.ReadMax = Device->Disk.PieceMax = READ_MAX;
    if (data[77] != 0 && data[77] < 9) /* MDTS: 2^n pages */
        Device->Disk.PieceMax = PAGE_SIZE << data[77];
    command.Dword10 = 0;
    command.Namespace = 1;
    status = Admin(Device, command);
    if (!NT_SUCCESS(status))
        return status;
    format = &data[128 + 4 * (data[26] & 0xF)]; /* FLBAS chooses it; bit 4: checksums in between */
    if ((data[26] & 0x10) != 0 || format[2] < 9 || format[2] > PAGE_SHIFT)
        return STATUS_UNRECOGNIZED_MEDIA;
    Device->Disk.BlockShift = format[2];
    Device->Disk.Blocks = *(const ULONGLONG *)data;
    return Device->Disk.Blocks != 0 ? STATUS_SUCCESS : STATUS_UNRECOGNIZED_MEDIA;
}

/* As many as there are messages for, processors, and the device grants; at least one. */
static NTSTATUS CreateQueues(PDEVICE Device)
{
    ULONG messages = Device->Function.MessageCount, i;
    ULONG count = Least(Least(QUEUES_MAX - 1, KeQueryActiveProcessorCount(NULL)),
                        messages > 1 ? messages - 1 : 1);
    NVME_COMMAND command = {
        .Opcode = NVME_SET_FEATURES, .Dword10 = 7, .Dword11 = (count - 1) << 16 | (count - 1)};
    NTSTATUS status = Admin(Device, command); /* number of queues, 5.21.1.7 */

    count = Least(count, (Device->Queues[0].Result & 0xFFFF) + 1); /* submission queues granted */
    count = Least(count, (Device->Queues[0].Result >> 16) + 1);    /* completion queues */
    for (i = 1; NT_SUCCESS(status) && i <= count; i++) {
        PQUEUE queue = &Device->Queues[i];

        queue->Message = messages > 1 ? i : 0;
        command.Opcode = NVME_CREATE_COMPLETION; /* first: the submission queue names it */
        command.Page1 = ADDRESS(queue, Completions);
        command.Dword10 = (ENTRIES - 1) << 16 | i;
        command.Dword11 = queue->Message << 16 | 3; /* interrupts, contiguous */
        status = Admin(Device, command);
        if (!NT_SUCCESS(status))
            return status;
        command.Opcode = NVME_CREATE_SUBMISSION;
        command.Page1 = ADDRESS(queue, Submissions);
        command.Dword11 = i << 16 | 1; /* contiguous */
        status = Admin(Device, command);
        if (NT_SUCCESS(status))
            SlotsOpen(&queue->Slots, SLOTS_USED, Device->Disk.PieceMax);
    }
    Device->Disk.QueueCount = count;
    return status;
}

VOID FunctionInitialize(PDEVICE Device)
{
    ULONG i;

    Device->Function.Self->AlignmentRequirement = FILE_LONG_ALIGNMENT;
    for (i = 0; i < QUEUES_MAX; i++)
        SlotsInitialize(&Device->Queues[i].Slots, &Device->Function, ReadStart);
}

/* In the order of 7.6.1. */
NTSTATUS FunctionStart(PDEVICE Device)
{
    static NTSTATUS (*const steps[])(PDEVICE) = {Enable, Identify, CreateQueues};
    NTSTATUS status = FunctionMapRegisters(&Device->Function, NVME_DOORBELLS);
    ULONG i;

    for (i = 0; NT_SUCCESS(status) && i < ARRAYSIZE(steps); i++)
        status = steps[i](Device);
    if (NT_SUCCESS(status))
        DiskPrint(FUNCTION_NAME, &Device->Function, &Device->Disk);
    return status;
}

/* A disabled controller neither interrupts nor touches memory. */
VOID FunctionStop(PDEVICE Device)
{
    ULONG i;

    Device->Disk.Blocks = 0;
    if (Device->Function.Registers != NULL)
        SetConfiguration(Device, 0);
    FunctionDisconnect(&Device->Function);
    for (i = 0; i < QUEUES_MAX; i++)
        SlotsAbandon(&Device->Queues[i].Slots, STATUS_DEVICE_NOT_CONNECTED);
    FunctionFree(&Device->Function);
    FunctionUnmapRegisters(&Device->Function);
}

NTSTATUS FunctionRequest(PDEVICE Device, PIRP Irp, PULONG Information)
{
    ULONG queue = FunctionMessageHere(&Device->Function, 1, Device->Disk.QueueCount);
    NTSTATUS status = DiskRequest(&Device->Disk, Irp, Information);

    return status != STATUS_PENDING ? status : SlotsRead(&Device->Queues[queue].Slots, Irp);
}
