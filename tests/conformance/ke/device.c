/*
 * device.c - the order of device queues; buffers that a device has written.
 */
#include "ke.h"

/* ---- KeRemoveByKeyDeviceQueueIfBusy --------------------------------------------------------- */

#define ENTRIES 4

static KDEVICE_QUEUE Queue;
static KDEVICE_QUEUE_ENTRY Entries[ENTRIES];

static LONG NumberOf(PKDEVICE_QUEUE_ENTRY Entry)
{
    return Entry == NULL ? -1 : (LONG)(Entry - Entries);
}

VOID CheckDeviceQueue(VOID)
{
    static const ULONG keys[ENTRIES] = {0, 30, 10, 20};
    static const ULONG asked[] = {15, 25, 99, 0};
    static const LONG wanted[] = {3, 1, 2, -1};
    LONG idle, got[4], last;
    BOOLEAN queued[ENTRIES], again, busy;
    KIRQL irql;
    ULONG i;

    KeInitializeDeviceQueue(&Queue);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    idle = NumberOf(KeRemoveByKeyDeviceQueueIfBusy(&Queue, 0));
    for (i = 0; i < ENTRIES; i++)
        queued[i] = KeInsertByKeyDeviceQueue(&Queue, &Entries[i], keys[i]);
    for (i = 0; i < 4; i++)
        got[i] = NumberOf(KeRemoveByKeyDeviceQueueIfBusy(&Queue, asked[i]));
    busy = Queue.Busy;
    again = KeInsertByKeyDeviceQueue(&Queue, &Entries[0], 1);
    last = NumberOf(KeRemoveByKeyDeviceQueueIfBusy(&Queue, 0));
    KeLowerIrql(irql);
    Expect(idle == -1 && !queued[0],
           "KeRemoveByKeyDeviceQueueIfBusy of an idle queue returns NULL and leaves it idle");
    Expect(queued[1] && queued[2] && queued[3] && got[0] == wanted[0] && got[1] == wanted[1],
           "of a busy one it removes the first entry whose key is not less");
    Expect(got[2] == wanted[2], "the first of all where there is none");
    Expect(got[3] == wanted[3] && !busy, "of a busy one that is empty NULL, which makes it idle");
    Expect(!again && last == -1, "so that the next entry is not queued");
}

/* ---- the order of entries ------------------------------------------------------------------- */

VOID CheckDeviceQueueOrder(VOID)
{
    static const ULONG keys[] = {7, 0, MAXULONG, 7, 0, 7};
    static const LONG wanted[] = {2, 5, 1, 4, 6, 3, -1};
    static KDEVICE_QUEUE_ENTRY sorted[7];
    PKDEVICE_QUEUE_ENTRY taken;
    ULONG i, wrong = 0, reversed = 0;
    KIRQL irql;

    KeInitializeDeviceQueue(&Queue);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    wrong += KeInsertByKeyDeviceQueue(&Queue, &sorted[0], 1) || !Queue.Busy || sorted[0].Inserted;
    for (i = 0; i < 6; i++)
        wrong += !KeInsertByKeyDeviceQueue(&Queue, &sorted[i + 1], keys[i]);
    for (i = 0; i < 7; i++) {
        taken = KeRemoveDeviceQueue(&Queue);
        wrong += (taken == NULL ? -1 : (LONG)(taken - sorted)) != wanted[i];
    }
    for (i = 0; i < ENTRIES; i++)
        reversed += KeInsertDeviceQueue(&Queue, &Entries[i]) != (i > 0) || !Queue.Busy;
    for (i = 0; i < ENTRIES; i++)
        reversed += NumberOf(KeRemoveDeviceQueue(&Queue)) != (i + 1 < ENTRIES ? (LONG)i + 1 : -1);
    KeLowerIrql(irql);
    ExpectEqual(wrong, 0,
                "KeInsertByKeyDeviceQueue queues behind all entries of a key not greater, from 0 "
                "to MAXULONG; in a queue that is not busy it makes that busy and queues nothing");
    ExpectEqual(reversed, 0,
                "KeInsertDeviceQueue queues at the tail; in a queue that is not busy it makes that "
                "busy and queues nothing");
}

/* ---- removing ------------------------------------------------------------------------------- */

VOID CheckDeviceQueueRemovals(VOID)
{
    LONG byKey[4], head[2];
    BOOLEAN removed, again, idle[2];
    KIRQL irql, inside;
    ULONG i;

    KeInitializeDeviceQueue(&Queue);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    for (i = 0; i < ENTRIES; i++)
        KeInsertByKeyDeviceQueue(&Queue, &Entries[i], 10 * i);
    byKey[0] = NumberOf(KeRemoveByKeyDeviceQueue(&Queue, 20));
    byKey[1] = NumberOf(KeRemoveByKeyDeviceQueue(&Queue, 31));
    byKey[2] = NumberOf(KeRemoveByKeyDeviceQueue(&Queue, 0));
    byKey[3] = NumberOf(KeRemoveByKeyDeviceQueue(&Queue, 0));
    idle[0] = !Queue.Busy;
    KeInsertDeviceQueue(&Queue, &Entries[0]);
    KeInsertDeviceQueue(&Queue, &Entries[1]);
    head[0] = NumberOf(KeRemoveDeviceQueue(&Queue));
    head[1] = NumberOf(KeRemoveDeviceQueue(&Queue));
    idle[1] = !Queue.Busy;
    KeInsertDeviceQueue(&Queue, &Entries[0]);
    KeInsertDeviceQueue(&Queue, &Entries[1]);
    KeLowerIrql(irql);
    removed = KeRemoveEntryDeviceQueue(&Queue, &Entries[1]);
    again = KeRemoveEntryDeviceQueue(&Queue, &Entries[1]);
    inside = KeGetCurrentIrql();
    Expect(
        byKey[0] == 2 && byKey[1] == 1 && byKey[2] == 3,
        "KeRemoveByKeyDeviceQueue removes the first entry whose key is not less, else the first");
    Expect(byKey[3] == -1 && idle[0],
           "KeRemoveByKeyDeviceQueue of an empty queue returns NULL and makes it not busy");
    ExpectEqual((ULONG)head[0], 1, "KeRemoveDeviceQueue removes the first entry");
    Expect(head[1] == -1 && idle[1],
           "KeRemoveDeviceQueue of an empty queue returns NULL and makes it not busy");
    Expect(removed && Queue.Busy && inside == irql,
           "KeRemoveEntryDeviceQueue removes an entry, TRUE, and leaves the queue busy");
    Expect(!again && !KeRemoveEntryDeviceQueue(&Queue, &Entries[0]),
           "KeRemoveEntryDeviceQueue returns FALSE for an entry that is not queued");
}

/* ---- KeFlushIoBuffers ----------------------------------------------------------------------- */

#define VALUE 0x600DF00D
#define WAIT_MS 10000

typedef VOID(NTAPI *PFLUSH)(PMDL Mdl, BOOLEAN ReadOperation, BOOLEAN DmaOperation);

static BOOLEAN WaitFor(volatile ULONG *Place, ULONG Value)
{
    ULONG i;

    for (i = 0; i < WAIT_MS && *Place != Value; i++)
        TestPause(1);
    return *Place == Value;
}

VOID CheckFlush(VOID)
{
    PHYSICAL_ADDRESS highest = {.QuadPart = 0x0FFFFFFF}; /* the edu device has 28 address bits */
    PFLUSH flush = (PFLUSH)TestRoutine(L"KeFlushIoBuffers"); /* a macro in the headers */
    volatile ULONG *memory = MmAllocateContiguousMemory(PAGE_SIZE, highest);
    PTEST_DEVICE device = TestFind(TestKindEdu, 0);
    PMDL mdl;
    KIRQL irql;

    mdl = memory == NULL ? NULL : IoAllocateMdl((PVOID)memory, PAGE_SIZE, FALSE, FALSE, NULL);
    Expect(mdl != NULL && device != NULL, "a buffer and a device that writes to it can be had");
    if (mdl == NULL || device == NULL)
        return;
    MmBuildMdlForNonPagedPool(mdl);
    memory[0] = 1;
    memory[1] = 2;
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    flush(mdl, FALSE, TRUE);
    flush(mdl, FALSE, FALSE);
    KeLowerIrql(irql);
    Expect(memory[0] == 1 && memory[1] == 2,
           "KeFlushIoBuffers before a write leaves what the processor has written");
    flush(mdl, TRUE, TRUE);
    TestEduWrite(device, MmGetPhysicalAddress((PVOID)memory).LowPart, VALUE);
    Expect(WaitFor(memory, VALUE), "a device writes to the buffer");
    flush(mdl, TRUE, TRUE);
    Expect(memory[0] == VALUE && memory[1] == 2,
           "KeFlushIoBuffers after a read leaves what the device has written");
    IoFreeMdl(mdl);
    MmFreeContiguousMemory((PVOID)memory);
}
