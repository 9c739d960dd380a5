/*
 * ex/memory_zw.c - ZwAllocateVirtualMemory and ZwFreeVirtualMemory for the one process there is.
 *
 * A region is addresses between unmapped pages. Its pages have memory while they are committed.
 * Where it lies is mm's choice: a caller that names an address gets it only within a region it has
 * reserved. Writable memory is never executable: PAGE_EXECUTE_READWRITE is not committed, nor is
 * memory that nobody can access.
 */
#include <hal/hal.h>
#include <lib/assert.h>
#include <lib/export.h>
#include <lib/string.h>
#include <nt/ntifs.h>

#include "ex/memory_zw.h"
#include "ke/lock.h"
#include "ke/ke.h"
#include "ke/ob.h"
#include "mm/mm.h"
#include "mm/pool.h"

#define REGION_TAG MM_TAG("ZwVm")

#define REGION_SIZE_MAX ((SIZE_T)1 << 40)

struct region {
    LIST_ENTRY entry;
    ULONG_PTR base;
    SIZE_T size;
};

static LIST_ENTRY regions = {&regions, &regions};
static FAST_MUTEX regions_mutex = KE_FAST_MUTEX_FREE(regions_mutex);

NTSTATUS ex_process_check(HANDLE process)
{
    void *object;
    NTSTATUS status = ob_handle_reference(process, ob_type(IoGetCurrentProcess()), &object);

    if (NT_SUCCESS(status))
        ob_dereference(object);
    return status;
}

/*
 * WDK: Memory Protection Constants. False: not one that this kernel can give; two it can where
 * nothing is committed, so that it does not matter.
 */
static bool protection_flags(ULONG protect, ULONG type, uint32_t *flags)
{
    *flags = 0;
    switch (protect) {
    case PAGE_READONLY:
        return true;
    case PAGE_READWRITE:
        *flags = HAL_PAGE_WRITE;
        return true;
    case PAGE_EXECUTE:
    case PAGE_EXECUTE_READ:
        *flags = HAL_PAGE_EXECUTE;
        return true;
    case PAGE_NOACCESS:
    case PAGE_EXECUTE_READWRITE:
        return (type & MEM_COMMIT) == 0;
    default:
        return false;
    }
}

/* Mutex held. */
static struct region *region_find(ULONG_PTR address)
{
    for (LIST_ENTRY *e = regions.Flink; e != &regions; e = e->Flink) {
        struct region *region = CONTAINING_RECORD(e, struct region, entry);

        if (address - region->base < region->size)
            return region;
    }
    return NULL;
}

static bool region_holds(const struct region *region, ULONG_PTR first, SIZE_T length)
{
    return region != NULL && length <= region->size - (first - region->base);
}

/* Mutex held. */
static NTSTATUS region_create(SIZE_T size, struct region **created)
{
    struct region *region = mm_pool_alloc(sizeof *region, REGION_TAG);

    if (region == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    region->base = (ULONG_PTR)mm_region_reserve(size);
    if (region->base == 0) {
        mm_pool_free(region, REGION_TAG);
        return STATUS_NO_MEMORY;
    }
    region->size = size;
    InsertTailList(&regions, &region->entry);
    *created = region;
    return STATUS_SUCCESS;
}

/* Mutex held. */
static void region_destroy(struct region *region)
{
    RemoveEntryList(&region->entry);
    mm_region_free((void *)region->base);
    mm_pool_free(region, REGION_TAG);
}

/* Mutex held. */
static NTSTATUS allocate(ULONG_PTR *base, SIZE_T *size, ULONG type, uint32_t flags)
{
    ULONG_PTR first = (ULONG_PTR)PAGE_ALIGN(*base);
    SIZE_T length = ROUND_TO_PAGES(*base + *size) - first;
    struct region *region = region_find(first), *fresh = NULL;
    NTSTATUS status = STATUS_SUCCESS;

    if (type == MEM_RESET) { /* what is in memory stays, and all is */
        if (!region_holds(region, first, length))
            return STATUS_MEMORY_NOT_ALLOCATED;
    } else if (first == 0) {
        status = region_create(length, &fresh);
        if (!NT_SUCCESS(status))
            return status;
        first = fresh->base;
    } else if (type & MEM_RESERVE || !region_holds(region, first, length)) {
        return STATUS_CONFLICTING_ADDRESSES;
    }
    if (type & MEM_COMMIT && !mm_region_commit((void *)first, length, flags)) {
        if (fresh != NULL)
            region_destroy(fresh);
        return STATUS_NO_MEMORY;
    }
    *base = first;
    *size = length;
    return STATUS_SUCCESS;
}

/* Mutex held. */
static NTSTATUS decommit(struct region *region, ULONG_PTR *base, SIZE_T *size)
{
    ULONG_PTR first = (ULONG_PTR)PAGE_ALIGN(*base);
    SIZE_T length = *size ? ROUND_TO_PAGES(*base + *size) - first : region->size;

    if (!*size && first != region->base)
        return STATUS_FREE_VM_NOT_AT_BASE;
    if (!region_holds(region, first, length))
        return STATUS_UNABLE_TO_FREE_VM;
    mm_region_decommit((void *)first, length);
    *base = first;
    *size = length;
    return STATUS_SUCCESS;
}

/* Mutex held. */
static NTSTATUS release(struct region *region, ULONG_PTR *base, SIZE_T *size)
{
    if ((ULONG_PTR)PAGE_ALIGN(*base) != region->base)
        return STATUS_FREE_VM_NOT_AT_BASE;
    if (*size && ROUND_TO_PAGES(*size) != region->size)
        return STATUS_UNABLE_TO_FREE_VM; /* a region is released as a whole */
    *base = region->base;
    *size = region->size;
    region_destroy(region);
    return STATUS_SUCCESS;
}

/* WDK surface */

NTSTATUS NTAPI ZwAllocateVirtualMemory(HANDLE ProcessHandle, PVOID *BaseAddress, ULONG_PTR ZeroBits,
                                       PSIZE_T RegionSize, ULONG AllocationType, ULONG Protect)
{
    NTSTATUS status = ex_process_check(ProcessHandle);
    uint32_t flags;

    ASSERT_IRQL(PASSIVE_LEVEL);
    if (!NT_SUCCESS(status))
        return status;
    if (ZeroBits) /* kernel addresses have no high zero bits to promise */
        return STATUS_INVALID_PARAMETER_3;
    if (*RegionSize == 0 || *RegionSize > REGION_SIZE_MAX)
        return STATUS_INVALID_PARAMETER_4;
    if (AllocationType != MEM_RESET && AllocationType != MEM_COMMIT &&
        AllocationType != MEM_RESERVE && AllocationType != (MEM_COMMIT | MEM_RESERVE))
        return STATUS_INVALID_PARAMETER_5;
    if (!protection_flags(Protect, AllocationType, &flags))
        return STATUS_INVALID_PAGE_PROTECTION;
    ExAcquireFastMutex(&regions_mutex);
    status = allocate((ULONG_PTR *)BaseAddress, RegionSize, AllocationType, flags);
    ExReleaseFastMutex(&regions_mutex);
    return status;
}
LDR_EXPORT(ZwAllocateVirtualMemory);

NTSTATUS NTAPI ZwFreeVirtualMemory(HANDLE ProcessHandle, PVOID *BaseAddress, PSIZE_T RegionSize,
                                   ULONG FreeType)
{
    NTSTATUS status = ex_process_check(ProcessHandle);
    struct region *region;

    ASSERT_IRQL(PASSIVE_LEVEL);
    if (!NT_SUCCESS(status))
        return status;
    if (FreeType != MEM_RELEASE && FreeType != MEM_DECOMMIT)
        return STATUS_INVALID_PARAMETER_4;
    ExAcquireFastMutex(&regions_mutex);
    region = region_find((ULONG_PTR)*BaseAddress);
    if (region == NULL)
        status = STATUS_MEMORY_NOT_ALLOCATED;
    else if (FreeType == MEM_DECOMMIT)
        status = decommit(region, (ULONG_PTR *)BaseAddress, RegionSize);
    else
        status = release(region, (ULONG_PTR *)BaseAddress, RegionSize);
    ExReleaseFastMutex(&regions_mutex);
    return status;
}
LDR_EXPORT(ZwFreeVirtualMemory);
