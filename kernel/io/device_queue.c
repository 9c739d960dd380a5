/*
 * io/device_queue.c - KDEVICE_QUEUE: a queue that is busy or not.
 *
 * The first insertion into an idle queue makes it busy and is not queued: the caller serves it at
 * once. Removal from an empty queue makes it idle. All at DISPATCH_LEVEL under the queue's own
 * lock (WDK: KeInsertDeviceQueue).
 */
#include <lib/export.h>
#include <lib/string.h>

#include "io/alloc.h"
#include "ke/lock.h"

enum { DEVICE_QUEUE_TYPE = 20 }; /* KOBJECTS: DeviceQueueObject */

static PKDEVICE_QUEUE_ENTRY entry_of(PLIST_ENTRY link)
{
    return CONTAINING_RECORD(link, KDEVICE_QUEUE_ENTRY, DeviceListEntry);
}

static PKDEVICE_QUEUE_ENTRY entry_take(PKDEVICE_QUEUE_ENTRY entry)
{
    RemoveEntryList(&entry->DeviceListEntry);
    entry->Inserted = FALSE;
    return entry;
}

/* Queue lock held: the first entry whose key is at least that, else the first of all. */
static PKDEVICE_QUEUE_ENTRY entry_by_key(PKDEVICE_QUEUE queue, ULONG key)
{
    PLIST_ENTRY link;

    for (link = queue->DeviceListHead.Flink; link != &queue->DeviceListHead; link = link->Flink)
        if (entry_of(link)->SortKey >= key)
            return entry_of(link);
    return entry_of(queue->DeviceListHead.Flink);
}

/* WDK surface */

VOID NTAPI KeInitializeDeviceQueue(PKDEVICE_QUEUE DeviceQueue)
{
    memset(DeviceQueue, 0, sizeof(*DeviceQueue));
    DeviceQueue->Type = DEVICE_QUEUE_TYPE;
    DeviceQueue->Size = sizeof(*DeviceQueue);
    InitializeListHead(&DeviceQueue->DeviceListHead);
}
LDR_EXPORT(KeInitializeDeviceQueue);

BOOLEAN NTAPI KeInsertDeviceQueue(PKDEVICE_QUEUE DeviceQueue, PKDEVICE_QUEUE_ENTRY DeviceQueueEntry)
{
    BOOLEAN inserted;

    ke_lock_acquire(&DeviceQueue->Lock);
    inserted = DeviceQueue->Busy;
    if (inserted)
        InsertTailList(&DeviceQueue->DeviceListHead, &DeviceQueueEntry->DeviceListEntry);
    DeviceQueue->Busy = TRUE;
    DeviceQueueEntry->Inserted = inserted;
    ke_lock_release(&DeviceQueue->Lock);
    return inserted;
}
LDR_EXPORT(KeInsertDeviceQueue);

BOOLEAN NTAPI KeInsertByKeyDeviceQueue(PKDEVICE_QUEUE DeviceQueue,
                                       PKDEVICE_QUEUE_ENTRY DeviceQueueEntry, ULONG SortKey)
{
    BOOLEAN inserted;
    PLIST_ENTRY link;

    ke_lock_acquire(&DeviceQueue->Lock);
    inserted = DeviceQueue->Busy;
    DeviceQueueEntry->SortKey = SortKey;
    if (inserted) {
        /* Behind all entries of the same key: the order of arrival stays. */
        link = DeviceQueue->DeviceListHead.Flink;
        while (link != &DeviceQueue->DeviceListHead && entry_of(link)->SortKey <= SortKey)
            link = link->Flink;
        InsertTailList(link, &DeviceQueueEntry->DeviceListEntry);
    }
    DeviceQueue->Busy = TRUE;
    DeviceQueueEntry->Inserted = inserted;
    ke_lock_release(&DeviceQueue->Lock);
    return inserted;
}
LDR_EXPORT(KeInsertByKeyDeviceQueue);

PKDEVICE_QUEUE_ENTRY NTAPI KeRemoveDeviceQueue(PKDEVICE_QUEUE DeviceQueue)
{
    PKDEVICE_QUEUE_ENTRY entry = NULL;

    ke_lock_acquire(&DeviceQueue->Lock);
    if (IsListEmpty(&DeviceQueue->DeviceListHead))
        DeviceQueue->Busy = FALSE;
    else
        entry = entry_take(entry_of(DeviceQueue->DeviceListHead.Flink));
    ke_lock_release(&DeviceQueue->Lock);
    return entry;
}
LDR_EXPORT(KeRemoveDeviceQueue);

PKDEVICE_QUEUE_ENTRY NTAPI KeRemoveByKeyDeviceQueue(PKDEVICE_QUEUE DeviceQueue, ULONG SortKey)
{
    PKDEVICE_QUEUE_ENTRY entry = NULL;

    ke_lock_acquire(&DeviceQueue->Lock);
    if (IsListEmpty(&DeviceQueue->DeviceListHead))
        DeviceQueue->Busy = FALSE;
    else
        entry = entry_take(entry_by_key(DeviceQueue, SortKey));
    ke_lock_release(&DeviceQueue->Lock);
    return entry;
}
LDR_EXPORT(KeRemoveByKeyDeviceQueue);

PKDEVICE_QUEUE_ENTRY NTAPI KeRemoveByKeyDeviceQueueIfBusy(PKDEVICE_QUEUE DeviceQueue, ULONG SortKey)
{
    PKDEVICE_QUEUE_ENTRY entry = NULL;

    ke_lock_acquire(&DeviceQueue->Lock);
    if (DeviceQueue->Busy && IsListEmpty(&DeviceQueue->DeviceListHead))
        DeviceQueue->Busy = FALSE;
    else if (DeviceQueue->Busy)
        entry = entry_take(entry_by_key(DeviceQueue, SortKey));
    ke_lock_release(&DeviceQueue->Lock);
    return entry;
}
LDR_EXPORT(KeRemoveByKeyDeviceQueueIfBusy);

BOOLEAN NTAPI KeRemoveEntryDeviceQueue(PKDEVICE_QUEUE DeviceQueue,
                                       PKDEVICE_QUEUE_ENTRY DeviceQueueEntry)
{
    BOOLEAN removed;
    KIRQL irql;

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    ke_lock_acquire(&DeviceQueue->Lock);
    removed = DeviceQueueEntry->Inserted;
    if (removed)
        entry_take(DeviceQueueEntry);
    ke_lock_release(&DeviceQueue->Lock);
    KeLowerIrql(irql);
    return removed;
}
LDR_EXPORT(KeRemoveEntryDeviceQueue);
