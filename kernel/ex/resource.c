/*
 * ex/resource.c - executive resources: locks with one writer or many readers, recursive, that
 * threads wait for.
 *
 * All state is under the resource's own spin lock. A resource that becomes free is handed on, not
 * left to a race: the releasing thread makes the waiters owners and then wakes them. Readers that
 * wait have precedence over writers when a writer leaves, a writer when the last reader leaves; a
 * new reader queues behind a waiting writer, unless it asks not to (...StarveExclusive).
 *
 * Who owns it: the writer, or the first reader, in OwnerEntry; other readers in a table that grows
 * in steps. ActiveCount counts owners; Flag says whether it is the one writer. A waking reader
 * enters itself into the table, which the releasing thread cannot (no memory there): so
 * ActiveCount, not the table, decides.
 *
 * What threads wait for, as the table, is allocated by the first that needs it: making a resource
 * cannot fail (WDK "ExInitializeResourceLite", "ExReinitializeResourceLite").
 */
#include <hal/hal.h>
#include <lib/assert.h>
#include <lib/bugcheck.h>
#include <lib/export.h>
#include <lib/string.h>
#include <nt/wdm.h>

#include "ke/lock.h"
#include "mm/pool.h"

#define RESOURCE_TAG MM_TAG("ReTa")

enum {
    RESOURCE_EXCLUSIVE = 0x80, /* Flag: owned by a writer */
    RESOURCE_TABLE_STEP = 8,
};

struct resource_waits { /* one block; SharedWaiters and ExclusiveWaiters point into it */
    KSEMAPHORE shared;
    KEVENT exclusive;
};

static irql_t resource_lock(PERESOURCE resource)
{
    irql_t old = hal_irql_raise(DISPATCH_LEVEL);

    ke_lock_acquire(&resource->SpinLock);
    return old;
}

static void resource_unlock(PERESOURCE resource, irql_t old)
{
    ke_lock_release(&resource->SpinLock);
    hal_irql_write(old);
}

static ERESOURCE_THREAD current_owner(void)
{
    return (ERESOURCE_THREAD)KeGetCurrentThread();
}

static bool is_exclusive(const ERESOURCE *resource)
{
    return resource->Flag & RESOURCE_EXCLUSIVE;
}

/* ---- owners --------------------------------------------------------------------------------- */

/* The table's entry 0 only tells its size. */
static ULONG table_size(const ERESOURCE *resource)
{
    return resource->OwnerTable == NULL ? 0 : resource->OwnerTable[0].TableSize;
}

static POWNER_ENTRY owner_find(PERESOURCE resource, ERESOURCE_THREAD owner)
{
    if (resource->OwnerEntry.OwnerThread == owner)
        return &resource->OwnerEntry;
    for (ULONG i = 1; i < table_size(resource); i++) {
        if (resource->OwnerTable[i].OwnerThread == owner)
            return &resource->OwnerTable[i];
    }
    return NULL;
}

/* An acquire cannot fail: it waits for memory. */
static void *allocate(size_t size)
{
    LARGE_INTEGER moment = {.QuadPart = -10000}; /* 1 ms */
    void *block;

    while ((block = mm_pool_alloc(size, RESOURCE_TAG)) == NULL)
        KeDelayExecutionThread(KernelMode, FALSE, &moment);
    return block;
}

static void table_grow(PERESOURCE resource, ULONG seen)
{
    ULONG size = seen + RESOURCE_TABLE_STEP;
    POWNER_ENTRY table = allocate(size * sizeof *table);
    POWNER_ENTRY old_table = table;
    irql_t old = resource_lock(resource);

    if (table_size(resource) == seen) {
        old_table = resource->OwnerTable;
        if (seen)
            memcpy(table, old_table, seen * sizeof *table);
        table[0].TableSize = size;
        resource->OwnerTable = table;
    }
    resource_unlock(resource, old);
    if (old_table != NULL)
        mm_pool_free(old_table, RESOURCE_TAG);
}

/* A free entry for one reader more; grows the table, for which the lock is dropped for a while. */
static POWNER_ENTRY owner_new(PERESOURCE resource, irql_t *old)
{
    for (;;) {
        POWNER_ENTRY entry = owner_find(resource, 0);
        ULONG seen = table_size(resource);

        if (entry != NULL)
            return entry;
        resource_unlock(resource, *old);
        table_grow(resource, seen);
        *old = resource_lock(resource);
    }
}

static void owner_set(POWNER_ENTRY entry, ERESOURCE_THREAD owner, ULONG count)
{
    entry->OwnerThread = owner;
    entry->TableSize = 0; /* both flags beside OwnerCount */
    entry->OwnerCount = count;
}

static void waits_make(PERESOURCE resource)
{
    struct resource_waits *waits = allocate(sizeof *waits);
    irql_t old;

    KeInitializeSemaphore(&waits->shared, 0, MAXLONG);
    KeInitializeEvent(&waits->exclusive, SynchronizationEvent, FALSE);
    old = resource_lock(resource);
    if (resource->SharedWaiters == NULL) { /* no other was faster */
        resource->SharedWaiters = &waits->shared;
        resource->ExclusiveWaiters = &waits->exclusive;
        waits = NULL;
    }
    resource_unlock(resource, old);
    if (waits != NULL)
        mm_pool_free(waits, RESOURCE_TAG);
}

/* ---- handing on ----------------------------------------------------------------------------- */

static void grant_shared(PERESOURCE resource)
{
    ULONG count = resource->NumberOfSharedWaiters;

    resource->NumberOfSharedWaiters = 0;
    resource->ActiveCount = (SHORT)(resource->ActiveCount + count);
    resource->ActiveEntries += count;
    if (count)
        KeReleaseSemaphore(resource->SharedWaiters, 0, (LONG)count, FALSE);
}

static void grant_exclusive(PERESOURCE resource)
{
    resource->NumberOfExclusiveWaiters--;
    resource->Flag |= RESOURCE_EXCLUSIVE;
    resource->ActiveCount = 1;
    resource->ActiveEntries = 1;
    KeSetEvent(resource->ExclusiveWaiters, 0, FALSE);
}

/* One owner has left altogether. */
static void owner_left(PERESOURCE resource)
{
    bool was_exclusive = is_exclusive(resource);

    resource->ActiveEntries--;
    if (--resource->ActiveCount)
        return;
    resource->Flag &= (USHORT)~RESOURCE_EXCLUSIVE;
    if (was_exclusive && resource->NumberOfSharedWaiters)
        grant_shared(resource);
    else if (resource->NumberOfExclusiveWaiters)
        grant_exclusive(resource);
    else
        grant_shared(resource);
}

/* ---- acquiring ------------------------------------------------------------------------------ */

static BOOLEAN acquire_exclusive(PERESOURCE resource, BOOLEAN wait)
{
    ERESOURCE_THREAD self = current_owner();
    irql_t old = resource_lock(resource);

    if (resource->ActiveCount == 0) {
        resource->Flag |= RESOURCE_EXCLUSIVE;
        resource->ActiveCount = 1;
        resource->ActiveEntries = 1;
        owner_set(&resource->OwnerEntry, self, 1);
    } else if (is_exclusive(resource) && resource->OwnerEntry.OwnerThread == self) {
        resource->OwnerEntry.OwnerCount++;
    } else if (!wait) {
        resource_unlock(resource, old);
        return FALSE;
    } else if (resource->ExclusiveWaiters == NULL) {
        resource_unlock(resource, old);
        waits_make(resource);
        return acquire_exclusive(resource, wait);
    } else {
        resource->ContentionCount++;
        resource->NumberOfExclusiveWaiters++;
        resource_unlock(resource, old);
        KeWaitForSingleObject(resource->ExclusiveWaiters, WrResource, KernelMode, FALSE, NULL);
        old = resource_lock(resource);
        owner_set(&resource->OwnerEntry, self, 1);
    }
    resource_unlock(resource, old);
    return TRUE;
}

/* How a reader meets writers that wait. */
enum shared_manner {
    SHARED_BEHIND_WRITERS,        /* unless it is a reader already */
    SHARED_BEFORE_WRITERS,        /* ...StarveExclusive */
    SHARED_BEHIND_WRITERS_ALWAYS, /* ...WaitForExclusive */
};

static bool must_queue(PERESOURCE resource, bool owns, enum shared_manner manner)
{
    if (is_exclusive(resource))
        return true;
    if (!resource->NumberOfExclusiveWaiters || manner == SHARED_BEFORE_WRITERS)
        return false;
    return manner == SHARED_BEHIND_WRITERS_ALWAYS || !owns;
}

/* The current thread has become a reader (again). */
static void shared_enter(PERESOURCE resource, ERESOURCE_THREAD self, irql_t *old)
{
    POWNER_ENTRY entry = owner_find(resource, self);

    if (entry == NULL)
        owner_set(owner_new(resource, old), self, 1);
    else
        entry->OwnerCount++;
}

/*
 * A granted reader counts as an owner of its own until it finds that it was one before: two
 * acquires of one thread, the second of which queued, are one owner with count 2.
 */
static void shared_granted(PERESOURCE resource, ERESOURCE_THREAD self, irql_t *old)
{
    if (owner_find(resource, self) != NULL) {
        resource->ActiveCount--;
        resource->ActiveEntries--;
    }
    shared_enter(resource, self, old);
}

static BOOLEAN acquire_shared(PERESOURCE resource, BOOLEAN wait, enum shared_manner manner)
{
    ERESOURCE_THREAD self = current_owner();
    irql_t old = resource_lock(resource);
    bool owns = resource->ActiveCount && owner_find(resource, self) != NULL;

    if (is_exclusive(resource) && owns) { /* a writer may read: one level deeper */
        resource->OwnerEntry.OwnerCount++;
    } else if (!must_queue(resource, owns, manner)) {
        if (!owns) { /* first, so that the lock may be dropped for the table */
            resource->ActiveCount++;
            resource->ActiveEntries++;
        }
        shared_enter(resource, self, &old);
    } else if (!wait) {
        resource_unlock(resource, old);
        return FALSE;
    } else if (resource->SharedWaiters == NULL) {
        resource_unlock(resource, old);
        waits_make(resource);
        return acquire_shared(resource, wait, manner);
    } else {
        resource->ContentionCount++;
        resource->NumberOfSharedWaiters++;
        resource_unlock(resource, old);
        KeWaitForSingleObject(resource->SharedWaiters, WrResource, KernelMode, FALSE, NULL);
        old = resource_lock(resource);
        shared_granted(resource, self, &old);
    }
    resource_unlock(resource, old);
    return TRUE;
}

static void release(PERESOURCE resource, ERESOURCE_THREAD owner)
{
    irql_t old = resource_lock(resource);
    POWNER_ENTRY entry = resource->ActiveCount ? owner_find(resource, owner) : NULL;

    if (entry == NULL)
        lib_bugcheck(RESOURCE_NOT_OWNED, (uint64_t)resource, owner, (uint64_t)resource->OwnerTable,
                     is_exclusive(resource) ? 1 : 2, NULL);
    if (--entry->OwnerCount == 0) {
        owner_set(entry, 0, 0);
        owner_left(resource);
    }
    resource_unlock(resource, old);
}

/* WDK surface */

NTSTATUS NTAPI ExInitializeResourceLite(PERESOURCE Resource)
{
    memset(Resource, 0, sizeof *Resource);
    InitializeListHead(&Resource->SystemResourcesList);
    return STATUS_SUCCESS;
}
LDR_EXPORT(ExInitializeResourceLite);

NTSTATUS NTAPI ExReinitializeResourceLite(PERESOURCE Resource)
{
    ULONG size = table_size(Resource);

    if (size) {
        memset(Resource->OwnerTable, 0, size * sizeof *Resource->OwnerTable);
        Resource->OwnerTable[0].TableSize = size;
    }
    owner_set(&Resource->OwnerEntry, 0, 0);
    Resource->ActiveCount = 0;
    Resource->ActiveEntries = 0;
    Resource->Flag = 0;
    Resource->ContentionCount = 0;
    Resource->NumberOfSharedWaiters = 0;
    Resource->NumberOfExclusiveWaiters = 0;
    if (Resource->SharedWaiters != NULL) {
        KeInitializeSemaphore(Resource->SharedWaiters, 0, MAXLONG);
        KeInitializeEvent(Resource->ExclusiveWaiters, SynchronizationEvent, FALSE);
    }
    return STATUS_SUCCESS;
}
LDR_EXPORT(ExReinitializeResourceLite);

NTSTATUS NTAPI ExDeleteResourceLite(PERESOURCE Resource)
{
    ASSERT_IRQL(APC_LEVEL);
    if (Resource->OwnerTable != NULL)
        mm_pool_free(Resource->OwnerTable, RESOURCE_TAG);
    if (Resource->SharedWaiters != NULL) /* the head of both */
        mm_pool_free(Resource->SharedWaiters, RESOURCE_TAG);
    Resource->OwnerTable = NULL;
    Resource->SharedWaiters = NULL;
    Resource->ExclusiveWaiters = NULL;
    return STATUS_SUCCESS;
}
LDR_EXPORT(ExDeleteResourceLite);

BOOLEAN NTAPI ExAcquireResourceExclusiveLite(PERESOURCE Resource, BOOLEAN Wait)
{
    ASSERT_IRQL(APC_LEVEL);
    return acquire_exclusive(Resource, Wait);
}
LDR_EXPORT(ExAcquireResourceExclusiveLite);

BOOLEAN NTAPI ExAcquireResourceSharedLite(PERESOURCE Resource, BOOLEAN Wait)
{
    ASSERT_IRQL(APC_LEVEL);
    return acquire_shared(Resource, Wait, SHARED_BEHIND_WRITERS);
}
LDR_EXPORT(ExAcquireResourceSharedLite);

BOOLEAN NTAPI ExAcquireSharedStarveExclusive(PERESOURCE Resource, BOOLEAN Wait)
{
    ASSERT_IRQL(APC_LEVEL);
    return acquire_shared(Resource, Wait, SHARED_BEFORE_WRITERS);
}
LDR_EXPORT(ExAcquireSharedStarveExclusive);

BOOLEAN NTAPI ExAcquireSharedWaitForExclusive(PERESOURCE Resource, BOOLEAN Wait)
{
    ASSERT_IRQL(APC_LEVEL);
    return acquire_shared(Resource, Wait, SHARED_BEHIND_WRITERS_ALWAYS);
}
LDR_EXPORT(ExAcquireSharedWaitForExclusive);

VOID NTAPI ExConvertExclusiveToSharedLite(PERESOURCE Resource)
{
    irql_t old = resource_lock(Resource);

    Resource->Flag &= (USHORT)~RESOURCE_EXCLUSIVE;
    grant_shared(Resource);
    resource_unlock(Resource, old);
}
LDR_EXPORT(ExConvertExclusiveToSharedLite);

VOID NTAPI ExReleaseResourceLite(PERESOURCE Resource)
{
    release(Resource, current_owner());
}
LDR_EXPORT(ExReleaseResourceLite);

VOID NTAPI ExReleaseResourceForThreadLite(PERESOURCE Resource, ERESOURCE_THREAD ResourceThreadId)
{
    release(Resource, ResourceThreadId);
}
LDR_EXPORT(ExReleaseResourceForThreadLite);

/* The low two bits of the pointer are set by the caller: no thread has that address. */
VOID NTAPI ExSetResourceOwnerPointer(PERESOURCE Resource, PVOID OwnerPointer)
{
    irql_t old = resource_lock(Resource);
    POWNER_ENTRY entry = owner_find(Resource, current_owner());
    POWNER_ENTRY present = owner_find(Resource, (ERESOURCE_THREAD)OwnerPointer);

    if (entry == NULL)
        lib_bugcheck(RESOURCE_NOT_OWNED, (uint64_t)Resource, current_owner(),
                     (uint64_t)Resource->OwnerTable, 3, NULL);
    if (present != NULL) { /* two readers under one pointer are one owner */
        present->OwnerCount += entry->OwnerCount;
        owner_set(entry, 0, 0);
        Resource->ActiveCount--;
        Resource->ActiveEntries--;
    } else {
        entry->OwnerThread = (ERESOURCE_THREAD)OwnerPointer;
    }
    resource_unlock(Resource, old);
}
LDR_EXPORT(ExSetResourceOwnerPointer);

ULONG NTAPI ExGetExclusiveWaiterCount(PERESOURCE Resource)
{
    return *(volatile ULONG *)&Resource->NumberOfExclusiveWaiters;
}
LDR_EXPORT(ExGetExclusiveWaiterCount);

ULONG NTAPI ExGetSharedWaiterCount(PERESOURCE Resource)
{
    return *(volatile ULONG *)&Resource->NumberOfSharedWaiters;
}
LDR_EXPORT(ExGetSharedWaiterCount);

BOOLEAN NTAPI ExIsResourceAcquiredExclusiveLite(PERESOURCE Resource)
{
    return is_exclusive(Resource) && Resource->OwnerEntry.OwnerThread == current_owner();
}
LDR_EXPORT(ExIsResourceAcquiredExclusiveLite);

/* How often the current thread has acquired it, as reader or writer. */
ULONG NTAPI ExIsResourceAcquiredSharedLite(PERESOURCE Resource)
{
    irql_t old = resource_lock(Resource);
    POWNER_ENTRY entry = Resource->ActiveCount ? owner_find(Resource, current_owner()) : NULL;
    ULONG count = entry == NULL ? 0 : entry->OwnerCount;

    resource_unlock(Resource, old);
    return count;
}
LDR_EXPORT(ExIsResourceAcquiredSharedLite);

/* This kernel boosts no owner of a resource; the flag is kept for who reads it. */
VOID NTAPI ExDisableResourceBoostLite(PERESOURCE Resource)
{
    enum { RESOURCE_DISABLE_BOOST = 0x08 };
    irql_t old = resource_lock(Resource);

    Resource->Flag |= RESOURCE_DISABLE_BOOST;
    resource_unlock(Resource, old);
}
LDR_EXPORT(ExDisableResourceBoostLite);

PVOID NTAPI ExEnterCriticalRegionAndAcquireResourceExclusive(PERESOURCE Resource)
{
    KeEnterCriticalRegion();
    ExAcquireResourceExclusiveLite(Resource, TRUE);
    return KeGetCurrentThread();
}
LDR_EXPORT(ExEnterCriticalRegionAndAcquireResourceExclusive);

PVOID NTAPI ExEnterCriticalRegionAndAcquireResourceShared(PERESOURCE Resource)
{
    KeEnterCriticalRegion();
    ExAcquireResourceSharedLite(Resource, TRUE);
    return KeGetCurrentThread();
}
LDR_EXPORT(ExEnterCriticalRegionAndAcquireResourceShared);

VOID NTAPI ExReleaseResourceAndLeaveCriticalRegion(PERESOURCE Resource)
{
    ExReleaseResourceLite(Resource);
    KeLeaveCriticalRegion();
}
LDR_EXPORT(ExReleaseResourceAndLeaveCriticalRegion);
