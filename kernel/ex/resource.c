/*
 * ex/resource.c - ERESOURCE: shared and exclusive ownership with recursion.
 *
 * The spin lock in the resource guards it. OwnerEntry is the exclusive owner, or the first shared
 * one; further shared owners stand in OwnerTable, whose element 0 holds its size. Waiters sleep on a
 * semaphore (shared) or an event (exclusive), made when first needed; a release wakes the exclusive
 * waiter first, or all shared ones. Ownership is handed over by whoever releases, so a woken thread
 * owns the resource already.
 *
 * Owns: Ex*Resource*. Owns not: priority boosts, deadlock detection.
 */
#include <hal/types.h>
#include <lib/export.h>
#include <lib/string.h>
#include <nt/wdm.h>

#include "mm/pool.h"

enum {
    RESOURCE_EXCLUSIVE = 0x80, /* Flag: owned exclusively */
    TABLE_STEP = 4,
};

#define RESOURCE_TAG MM_TAG("ReTa")

/* A thread that waits; on its stack. */
struct resource_wait {
    LIST_ENTRY link;
    ERESOURCE_THREAD thread;
    KEVENT granted;
};

/* Reserved2 points here: created with the resource. */
struct resource_waiters {
    LIST_ENTRY shared;
    LIST_ENTRY exclusive;
};

static struct resource_waiters *waiters_of(PERESOURCE resource)
{
    return resource->Reserved2;
}

static ERESOURCE_THREAD current_thread(void)
{
    return (ERESOURCE_THREAD)PsGetCurrentThread();
}

static bool is_exclusive(PERESOURCE resource)
{
    return (resource->Flag & RESOURCE_EXCLUSIVE) != 0;
}

/* Lock held: the thread's entry, or NULL; with make, a free one is given to it. */
static POWNER_ENTRY owner_entry(PERESOURCE resource, ERESOURCE_THREAD thread, bool make)
{
    POWNER_ENTRY table = resource->OwnerTable;
    POWNER_ENTRY found = NULL;
    ULONG i;

    if (resource->OwnerEntry.OwnerThread == thread)
        return &resource->OwnerEntry;
    for (i = 1; table != NULL && i < table->TableSize; i++) {
        if (table[i].OwnerThread == thread)
            return &table[i];
        if (table[i].OwnerThread == 0 && found == NULL)
            found = &table[i];
    }
    if (!make)
        return NULL;
    if (resource->OwnerEntry.OwnerThread == 0)
        found = &resource->OwnerEntry;
    if (found == NULL) {
        ULONG old_size = table == NULL ? 1 : table->TableSize;
        POWNER_ENTRY grown =
            mm_pool_alloc((old_size + TABLE_STEP) * sizeof(*grown), RESOURCE_TAG);

        if (grown == NULL)
            return NULL;
        if (table != NULL) {
            memcpy(grown, table, old_size * sizeof(*grown));
            mm_pool_free(table, RESOURCE_TAG);
        }
        grown->TableSize = old_size + TABLE_STEP;
        resource->OwnerTable = grown;
        found = &grown[old_size];
    }
    found->OwnerThread = thread;
    found->OwnerCount = 0;
    return found;
}

/* Lock held. */
static bool grant(PERESOURCE resource, ERESOURCE_THREAD thread, bool exclusive)
{
    POWNER_ENTRY entry = owner_entry(resource, thread, true);

    if (entry == NULL)
        return false;
    if (entry->OwnerCount++ == 0) {
        resource->ActiveEntries++;
        resource->ActiveCount++;
    }
    if (exclusive)
        resource->Flag |= RESOURCE_EXCLUSIVE;
    return true;
}

static void wake(PLIST_ENTRY link)
{
    KeSetEvent(&CONTAINING_RECORD(link, struct resource_wait, link)->granted, IO_NO_INCREMENT,
               FALSE);
}

/* Lock held: the resource has no owner, or only shared ones. Hand it to whoever may have it. */
static void grant_waiters(PERESOURCE resource)
{
    struct resource_waiters *waiters = waiters_of(resource);

    if (resource->ActiveEntries == 0 && !IsListEmpty(&waiters->exclusive)) {
        PLIST_ENTRY link = RemoveHeadList(&waiters->exclusive);

        resource->NumberOfExclusiveWaiters--;
        grant(resource, CONTAINING_RECORD(link, struct resource_wait, link)->thread, true);
        wake(link);
        return;
    }
    while (!is_exclusive(resource) && !IsListEmpty(&waiters->shared)) {
        PLIST_ENTRY link = RemoveHeadList(&waiters->shared);

        resource->NumberOfSharedWaiters--;
        grant(resource, CONTAINING_RECORD(link, struct resource_wait, link)->thread, false);
        wake(link);
    }
}

/* Who goes before a shared request that the resource's present state would allow. */
enum shared_order { SHARED_NORMAL, SHARED_STARVE_EXCLUSIVE, SHARED_WAIT_FOR_EXCLUSIVE };

static bool may_share(PERESOURCE resource, ERESOURCE_THREAD thread, enum shared_order order)
{
    if (is_exclusive(resource))
        return resource->OwnerEntry.OwnerThread == thread;
    if (order == SHARED_STARVE_EXCLUSIVE || resource->NumberOfExclusiveWaiters == 0)
        return true;
    return order == SHARED_NORMAL && owner_entry(resource, thread, false) != NULL;
}

static BOOLEAN acquire(PERESOURCE resource, bool exclusive, enum shared_order order, BOOLEAN wait)
{
    struct resource_wait block = {.thread = current_thread()};
    BOOLEAN taken;
    KIRQL irql;

    KeAcquireSpinLock(&resource->SpinLock, &irql);
    if (exclusive)
        taken = resource->ActiveEntries == 0 ||
                (is_exclusive(resource) && resource->OwnerEntry.OwnerThread == block.thread);
    else
        taken = may_share(resource, block.thread, order);
    if (taken) {
        taken = grant(resource, block.thread, exclusive);
    } else if (wait) {
        resource->ContentionCount++;
        KeInitializeEvent(&block.granted, SynchronizationEvent, FALSE);
        if (exclusive) {
            resource->NumberOfExclusiveWaiters++;
            InsertTailList(&waiters_of(resource)->exclusive, &block.link);
        } else {
            resource->NumberOfSharedWaiters++;
            InsertTailList(&waiters_of(resource)->shared, &block.link);
        }
    }
    KeReleaseSpinLock(&resource->SpinLock, irql);
    if (taken || !wait)
        return taken;
    KeWaitForSingleObject(&block.granted, WrResource, KernelMode, FALSE, NULL);
    return TRUE;
}

static void release(PERESOURCE resource, ERESOURCE_THREAD thread)
{
    POWNER_ENTRY entry;
    KIRQL irql;

    KeAcquireSpinLock(&resource->SpinLock, &irql);
    entry = owner_entry(resource, thread, false);
    if (entry == NULL)
        KeBugCheckEx(RESOURCE_NOT_OWNED, (ULONG_PTR)resource, thread,
                     (ULONG_PTR)resource->OwnerTable, 0);
    if (--entry->OwnerCount == 0) {
        entry->OwnerThread = 0;
        resource->ActiveEntries--;
        resource->ActiveCount--;
        if (resource->ActiveEntries == 0)
            resource->Flag &= (USHORT)~RESOURCE_EXCLUSIVE;
        grant_waiters(resource);
    }
    KeReleaseSpinLock(&resource->SpinLock, irql);
}

/* WDK surface */

NTSTATUS NTAPI ExInitializeResourceLite(PERESOURCE Resource)
{
    struct resource_waiters *waiters = mm_pool_alloc(sizeof(*waiters), RESOURCE_TAG);

    if (waiters == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    memset(Resource, 0, sizeof(*Resource));
    InitializeListHead(&waiters->shared);
    InitializeListHead(&waiters->exclusive);
    InitializeListHead(&Resource->SystemResourcesList);
    Resource->Reserved2 = waiters;
    return STATUS_SUCCESS;
}
LDR_EXPORT(ExInitializeResourceLite);

NTSTATUS NTAPI ExDeleteResourceLite(PERESOURCE Resource)
{
    if (Resource->OwnerTable != NULL)
        mm_pool_free(Resource->OwnerTable, RESOURCE_TAG);
    mm_pool_free(Resource->Reserved2, RESOURCE_TAG);
    Resource->OwnerTable = NULL;
    Resource->Reserved2 = NULL;
    return STATUS_SUCCESS;
}
LDR_EXPORT(ExDeleteResourceLite);

NTSTATUS NTAPI ExReinitializeResourceLite(PERESOURCE Resource)
{
    ExDeleteResourceLite(Resource);
    return ExInitializeResourceLite(Resource);
}
LDR_EXPORT(ExReinitializeResourceLite);

BOOLEAN NTAPI ExAcquireResourceExclusiveLite(PERESOURCE Resource, BOOLEAN Wait)
{
    return acquire(Resource, true, SHARED_NORMAL, Wait);
}
LDR_EXPORT(ExAcquireResourceExclusiveLite);

BOOLEAN NTAPI ExAcquireResourceSharedLite(PERESOURCE Resource, BOOLEAN Wait)
{
    return acquire(Resource, false, SHARED_NORMAL, Wait);
}
LDR_EXPORT(ExAcquireResourceSharedLite);

BOOLEAN NTAPI ExAcquireSharedStarveExclusive(PERESOURCE Resource, BOOLEAN Wait)
{
    return acquire(Resource, false, SHARED_STARVE_EXCLUSIVE, Wait);
}
LDR_EXPORT(ExAcquireSharedStarveExclusive);

BOOLEAN NTAPI ExAcquireSharedWaitForExclusive(PERESOURCE Resource, BOOLEAN Wait)
{
    return acquire(Resource, false, SHARED_WAIT_FOR_EXCLUSIVE, Wait);
}
LDR_EXPORT(ExAcquireSharedWaitForExclusive);

VOID NTAPI ExConvertExclusiveToSharedLite(PERESOURCE Resource)
{
    KIRQL irql;

    KeAcquireSpinLock(&Resource->SpinLock, &irql);
    Resource->Flag &= (USHORT)~RESOURCE_EXCLUSIVE;
    grant_waiters(Resource);
    KeReleaseSpinLock(&Resource->SpinLock, irql);
}
LDR_EXPORT(ExConvertExclusiveToSharedLite);

VOID NTAPI ExReleaseResourceForThreadLite(PERESOURCE Resource, ERESOURCE_THREAD ResourceThreadId)
{
    release(Resource, ResourceThreadId);
}
LDR_EXPORT(ExReleaseResourceForThreadLite);

VOID NTAPI ExReleaseResourceLite(PERESOURCE Resource)
{
    release(Resource, current_thread());
}
LDR_EXPORT(ExReleaseResourceLite);

VOID NTAPI ExSetResourceOwnerPointer(PERESOURCE Resource, PVOID OwnerPointer)
{
    POWNER_ENTRY entry;
    KIRQL irql;

    KeAcquireSpinLock(&Resource->SpinLock, &irql);
    entry = owner_entry(Resource, current_thread(), false);
    if (entry != NULL)
        entry->OwnerThread = (ERESOURCE_THREAD)OwnerPointer;
    KeReleaseSpinLock(&Resource->SpinLock, irql);
}
LDR_EXPORT(ExSetResourceOwnerPointer);

ULONG NTAPI ExGetExclusiveWaiterCount(PERESOURCE Resource)
{
    return Resource->NumberOfExclusiveWaiters;
}
LDR_EXPORT(ExGetExclusiveWaiterCount);

ULONG NTAPI ExGetSharedWaiterCount(PERESOURCE Resource)
{
    return Resource->NumberOfSharedWaiters;
}
LDR_EXPORT(ExGetSharedWaiterCount);

BOOLEAN NTAPI ExIsResourceAcquiredExclusiveLite(PERESOURCE Resource)
{
    return is_exclusive(Resource) && Resource->OwnerEntry.OwnerThread == current_thread();
}
LDR_EXPORT(ExIsResourceAcquiredExclusiveLite);

ULONG NTAPI ExIsResourceAcquiredSharedLite(PERESOURCE Resource)
{
    POWNER_ENTRY entry;
    ULONG count;
    KIRQL irql;

    KeAcquireSpinLock(&Resource->SpinLock, &irql);
    entry = owner_entry(Resource, current_thread(), false);
    count = entry == NULL ? 0 : entry->OwnerCount;
    KeReleaseSpinLock(&Resource->SpinLock, irql);
    return count;
}
LDR_EXPORT(ExIsResourceAcquiredSharedLite);

PVOID NTAPI ExEnterCriticalRegionAndAcquireResourceExclusive(PERESOURCE Resource)
{
    KeEnterCriticalRegion();
    ExAcquireResourceExclusiveLite(Resource, TRUE);
    return NULL;
}
LDR_EXPORT(ExEnterCriticalRegionAndAcquireResourceExclusive);

PVOID NTAPI ExEnterCriticalRegionAndAcquireResourceShared(PERESOURCE Resource)
{
    KeEnterCriticalRegion();
    ExAcquireResourceSharedLite(Resource, TRUE);
    return NULL;
}
LDR_EXPORT(ExEnterCriticalRegionAndAcquireResourceShared);

VOID NTAPI ExReleaseResourceAndLeaveCriticalRegion(PERESOURCE Resource)
{
    ExReleaseResourceLite(Resource);
    KeLeaveCriticalRegion();
}
LDR_EXPORT(ExReleaseResourceAndLeaveCriticalRegion);
