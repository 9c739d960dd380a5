/*
 * mdl.c - memory descriptor lists: what pages are behind a buffer, and where a list of pages can be
 * seen.
 *
 * All kernel memory is resident, so that locking is checking and writing down. A list whose pages
 * are contiguous is seen through the direct map and costs nothing to map; any other gets addresses
 * of its own. The cache type of a page of RAM is the one its direct map has, whatever a mapping
 * asks for, so that no page is seen with two types.
 *
 * Not here: user mappings (there is no user mode; asking for one raises, as the WDK says a failed
 * user mapping does), IoAllocateMdl and its kin (kernel/io).
 */
#include <hal/upcall.h>
#include <lib/bits.h>
#include <lib/bugcheck.h>
#include <lib/export.h>
#include <lib/string.h>
#include <nt/bugcodes.h>
#include <nt/wdm.h>

#include "mm/address.h"
#include "mm/frame_cache.h"
#include "mm/init.h"
#include "mm/mm.h"
#include "mm/pool.h"

/* Driver Verifier's names for MDL misuse (spec H.2), raised here without it too. */
enum {
    VERIFIER_UNLOCK_UNLOCKED = 0x7C, /* P2 MDL, P3 flags */
    VERIFIER_BUILD_PAGED = 0x7F,     /* P2 IRQL, P3 MDL, P4 flags */
    VERIFIER_MAP_UNLOCKED = 0x83,    /* P2 MDL */
};

#define MDL_TAG MM_TAG("Mdl ")
#define MDL_BYTES_MAX 0xFFFFF000ull /* ByteCount is 32 bits */

static ULONG mdl_page_count(const MDL *mdl)
{
    return ADDRESS_AND_SIZE_TO_SPAN_PAGES(MmGetMdlVirtualAddress(mdl), mdl->ByteCount);
}

static phys_addr_t mdl_page(PMDL mdl, ULONG index)
{
    return MmGetMdlPfnArray(mdl)[index] << PAGE_SHIFT;
}

/*
 * Writes down the pages behind the buffer; false at the first that is not there, or not writable.
 */
static bool mdl_fill(PMDL mdl, bool write)
{
    uint64_t address = (uintptr_t)mdl->StartVa;
    ULONG count = mdl_page_count(mdl);

    for (ULONG i = 0; i < count; i++, address += PAGE_SIZE) {
        phys_addr_t physical;
        uint32_t flags;

        if (!hal_page_query(address, &physical, &flags) || (write && !(flags & HAL_PAGE_WRITE))) {
            return false;
        }
        MmGetMdlPfnArray(mdl)[i] = physical >> PAGE_SHIFT;
    }
    return true;
}

static bool mdl_is_contiguous(PMDL mdl)
{
    ULONG count = mdl_page_count(mdl);

    for (ULONG i = 1; i < count; i++) {
        if (mdl_page(mdl, i) != mdl_page(mdl, 0) + i * (phys_addr_t)PAGE_SIZE) {
            return false;
        }
    }
    return true;
}

static bool mdl_in_direct_map(const void *address)
{
    return (uintptr_t)address - HAL_DIRECT_MAP_BASE < HAL_DIRECT_MAP_SIZE;
}

/* ---- Mapping ------------------------------------------------------------------------------- */

static uint32_t mdl_page_flags(phys_addr_t page, MEMORY_CACHING_TYPE type)
{
    const uint32_t cache = HAL_PAGE_UNCACHED | HAL_PAGE_WRITE_COMBINED | HAL_PAGE_WRITE_THROUGH;
    uint32_t flags;

    if (hal_page_query((uintptr_t)hal_direct_map(page), NULL, &flags)) {
        return flags & cache;
    }
    if (type == MmCached || type == MmHardwareCoherentCached) {
        return 0;
    }
    return type == MmWriteCombined ? HAL_PAGE_WRITE_COMBINED : HAL_PAGE_UNCACHED;
}

static bool mdl_fill_area(PMDL mdl, const struct mm_area *area, MEMORY_CACHING_TYPE type,
                          uint32_t access)
{
    ULONG count = mdl_page_count(mdl);

    for (ULONG i = 0; i < count; i++) {
        phys_addr_t page = mdl_page(mdl, i);

        if (!hal_page_map(area->address + i * (uint64_t)PAGE_SIZE, page, PAGE_SIZE,
                          access | mdl_page_flags(page, type))) {
            hal_page_unmap(area->address, i * (uint64_t)PAGE_SIZE);
            return false;
        }
    }
    return true;
}

static void *mdl_map_area(PMDL mdl, MEMORY_CACHING_TYPE type, uint32_t access)
{
    uint64_t size = (uint64_t)mdl_page_count(mdl) * PAGE_SIZE;
    struct mm_area *area = mm_area_reserve(MM_AREA_MDL, size, PAGE_SIZE, 0);

    if (area == NULL) {
        return NULL;
    }
    if (!mdl_fill_area(mdl, area, type, access)) {
        mm_area_release(area);
        return NULL;
    }
    return (void *)(area->address + mdl->ByteOffset);
}

/* Its pages were allocated with it and belong to nobody else: they get a view that is theirs. */
static bool mdl_owns_pages(PMDL mdl)
{
    enum mm_owner owner;

    return mm_pages_length(mdl_page(mdl, 0), &owner) != 0 && owner == MM_OWNER_MDL;
}

static void *mdl_map(PMDL mdl, MEMORY_CACHING_TYPE type, ULONG priority)
{
    bool read_only = (priority & MdlMappingNoWrite) != 0;
    void *view = (uint8_t *)hal_direct_map(mdl_page(mdl, 0)) + mdl->ByteOffset;

    if (read_only || mdl_owns_pages(mdl) || !mdl_is_contiguous(mdl) ||
        !mm_page_is_ram(mdl_page(mdl, 0))) {
        view = mdl_map_area(mdl, type, read_only ? HAL_PAGE_READ : HAL_PAGE_WRITE);
    }
    if (view != NULL) {
        mdl->MappedSystemVa = view;
        mdl->MdlFlags |= MDL_MAPPED_TO_SYSTEM_VA;
        mdl->MdlFlags |= mdl->MdlFlags & MDL_PARTIAL ? MDL_PARTIAL_HAS_BEEN_MAPPED : 0;
    }
    return view;
}

static void mdl_unmap(PMDL mdl, const void *address)
{
    if (!mdl_in_direct_map(address)) {
        struct mm_area *area = mm_area_find(ALIGN_DOWN((uintptr_t)address, PAGE_SIZE), MM_AREA_MDL);

        if (area == NULL) {
            lib_bugcheck(DRIVER_VERIFIER_DETECTED_VIOLATION, VERIFIER_MAP_UNLOCKED, (uintptr_t)mdl,
                         (uintptr_t)address, 0, NULL);
        }
        hal_page_unmap(area->address, area->size);
        mm_area_release(area);
    }
    mdl->MdlFlags &= ~(MDL_MAPPED_TO_SYSTEM_VA | MDL_PARTIAL_HAS_BEEN_MAPPED);
}

/* ---- Pages without addresses --------------------------------------------------------------- */

static void mdl_free_pages(PMDL mdl)
{
    ULONG count = mdl_page_count(mdl);
    enum mm_owner owner;

    for (ULONG i = 0; i < count;) {
        phys_addr_t base = mdl_page(mdl, i);
        uint64_t length = mm_pages_length(base, &owner);

        mm_frames_reset_cache(base, length);
        mm_pages_free(base);
        i += (ULONG)length;
    }
    mdl->ByteCount = 0;
    mdl->MdlFlags &= ~MDL_PAGES_LOCKED;
}

/* Adds blocks of request->count pages to `count` pages until total are there or memory ends. */
static ULONG mdl_add_pages(PMDL mdl, const struct mm_page_request *request, ULONG count,
                           ULONG total, MEMORY_CACHING_TYPE type, ULONG flags)
{
    while (count + request->count <= total) {
        phys_addr_t base = mm_pages_alloc(request);

        if (base == 0) {
            break;
        }
        if (!(flags & MM_DONT_ZERO_ALLOCATION)) {
            memset(hal_direct_map(base), 0, request->count * PAGE_SIZE);
        }
        mm_frames_set_cache(base, request->count, type);
        for (uint64_t i = 0; i < request->count; i++) {
            MmGetMdlPfnArray(mdl)[count++] = (base >> PAGE_SHIFT) + i;
        }
    }
    return count;
}

static phys_addr_t ram_end(void)
{
    const struct mm_ranges *ram = mm_ram_ranges();

    return ram->count == 0 ? 0 : ram->range[ram->count - 1].end;
}

/* skip != 0: what the request's range cannot give comes from those `skip` bytes further on. */
static PMDL mdl_alloc_pages(struct mm_page_request *request, uint64_t skip, uint64_t bytes,
                            MEMORY_CACHING_TYPE type, ULONG flags)
{
    ULONG total = (ULONG)BYTES_TO_PAGES(bytes);
    PMDL mdl = mm_pool_alloc(sizeof(MDL) + total * sizeof(PFN_NUMBER), MDL_TAG);
    ULONG count = 0;

    if (mdl == NULL) {
        return NULL;
    }
    MmInitializeMdl(mdl, NULL, bytes);
    do {
        count = mdl_add_pages(mdl, request, count, total, type, flags);
        request->lowest += skip;
        request->highest += skip;
    } while (skip != 0 && count < total && request->lowest < ram_end());
    if (count < total) {
        mdl->ByteCount = count * PAGE_SIZE;
    }
    mdl->MdlFlags = MDL_PAGES_LOCKED;
    if (count == 0 || (count < total && (flags & MM_ALLOCATE_FULLY_REQUIRED))) {
        mdl_free_pages(mdl);
        mm_pool_free(mdl, MDL_TAG);
        return NULL;
    }
    return mdl;
}

/* WDK surface */

SIZE_T NTAPI MmSizeOfMdl(PVOID Base, SIZE_T Length)
{
    return sizeof(MDL) + ADDRESS_AND_SIZE_TO_SPAN_PAGES(Base, Length) * sizeof(PFN_NUMBER);
}
LDR_EXPORT(MmSizeOfMdl);

VOID NTAPI MmBuildMdlForNonPagedPool(PMDL MemoryDescriptorList)
{
    PMDL mdl = MemoryDescriptorList;

    if (!mdl_fill(mdl, false)) {
        lib_bugcheck(DRIVER_VERIFIER_DETECTED_VIOLATION, VERIFIER_BUILD_PAGED, hal_irql_read(),
                     (uintptr_t)mdl, (USHORT)mdl->MdlFlags, NULL);
    }
    mdl->Process = NULL;
    mdl->MappedSystemVa = MmGetMdlVirtualAddress(mdl);
    mdl->MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL;
}
LDR_EXPORT(MmBuildMdlForNonPagedPool);

/*
 * IRQL <= DISPATCH_LEVEL. Raises STATUS_ACCESS_VIOLATION: a page is not mapped, may not be written
 * to, or is not user mode's, for which the caller speaks. WDK: MmProbeAndLockPages
 */
VOID NTAPI MmProbeAndLockPages(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode,
                               LOCK_OPERATION Operation)
{
    PMDL mdl = MemoryDescriptorList;

    ULONG64 end = (ULONG64)MmGetMdlVirtualAddress(mdl) + MmGetMdlByteCount(mdl);

    if ((AccessMode != KernelMode && end > MmUserProbeAddress) ||
        !mdl_fill(mdl, Operation != IoReadAccess)) {
        ke_raise_status(STATUS_ACCESS_VIOLATION);
    }
    mdl->Process = NULL;
    mdl->MdlFlags |= MDL_PAGES_LOCKED;
    if (Operation != IoReadAccess) {
        mdl->MdlFlags |= MDL_WRITE_OPERATION;
    }
}
LDR_EXPORT(MmProbeAndLockPages);

VOID NTAPI MmUnlockPages(PMDL MemoryDescriptorList)
{
    PMDL mdl = MemoryDescriptorList;

    if (!(mdl->MdlFlags & MDL_PAGES_LOCKED)) {
        lib_bugcheck(DRIVER_VERIFIER_DETECTED_VIOLATION, VERIFIER_UNLOCK_UNLOCKED, (uintptr_t)mdl,
                     (USHORT)mdl->MdlFlags, 0, NULL);
    }
    if (mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) {
        mdl_unmap(mdl, mdl->MappedSystemVa);
    }
    mdl->MdlFlags &= ~(MDL_PAGES_LOCKED | MDL_WRITE_OPERATION);
}
LDR_EXPORT(MmUnlockPages);

PVOID NTAPI MmMapLockedPagesSpecifyCache(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode,
                                         MEMORY_CACHING_TYPE CacheType, PVOID RequestedAddress,
                                         ULONG BugCheckOnFailure, ULONG Priority)
{
    PMDL mdl = MemoryDescriptorList;
    PVOID view;

    UNREFERENCED_PARAMETER(RequestedAddress); /* for user mappings only */
    if (AccessMode != KernelMode) {
        ke_raise_status(STATUS_NOT_SUPPORTED);
    }
    if (mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL)) {
        return mdl->MappedSystemVa;
    }
    if (!(mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_PARTIAL | MDL_IO_SPACE))) {
        lib_bugcheck(DRIVER_VERIFIER_DETECTED_VIOLATION, VERIFIER_MAP_UNLOCKED, (uintptr_t)mdl,
                     mdl_page_count(mdl), 0, NULL);
    }
    view = mdl_map(mdl, CacheType, Priority);
    if (view == NULL && BugCheckOnFailure) {
        lib_bugcheck(NO_MORE_SYSTEM_PTES, 0, mdl_page_count(mdl), 0, 0, NULL);
    }
    return view;
}
LDR_EXPORT(MmMapLockedPagesSpecifyCache);

PVOID NTAPI MmMapLockedPages(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode)
{
    return MmMapLockedPagesSpecifyCache(MemoryDescriptorList, AccessMode, MmCached, NULL, TRUE,
                                        HighPagePriority);
}
LDR_EXPORT(MmMapLockedPages);

VOID NTAPI MmUnmapLockedPages(PVOID BaseAddress, PMDL MemoryDescriptorList)
{
    mdl_unmap(MemoryDescriptorList, BaseAddress);
}
LDR_EXPORT(MmUnmapLockedPages);

static NTSTATUS mdl_protect(PMDL mdl, bool is_accessible, uint32_t access)
{
    const struct mm_area *area;
    uint64_t address;

    if (!(mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA)) {
        return STATUS_NOT_MAPPED_VIEW;
    }
    if (mdl_in_direct_map(mdl->MappedSystemVa) || !mm_page_is_ram(mdl_page(mdl, 0))) {
        return STATUS_NOT_SUPPORTED;
    }
    address = ALIGN_DOWN((uintptr_t)mdl->MappedSystemVa, PAGE_SIZE);
    area = mm_area_find(address, MM_AREA_MDL);
    if (area == NULL) {
        return STATUS_NOT_MAPPED_VIEW;
    }
    if (!is_accessible) {
        hal_page_unmap(address, area->size);
    } else if (mm_address_is_valid(address)) {
        hal_page_protect(address, area->size, access | mdl_page_flags(mdl_page(mdl, 0), MmCached));
    } else if (!mdl_fill_area(mdl, area, MmCached, access)) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    return STATUS_SUCCESS;
}

/*
 * IRQL <= DISPATCH_LEVEL. STATUS_NOT_MAPPED_VIEW, STATUS_INVALID_PAGE_PROTECTION;
 * STATUS_NOT_SUPPORTED where the mapping is one that others use too. Nothing is both writable and
 * executable. WDK "MmProtectMdlSystemAddress".
 */
NTSTATUS NTAPI MmProtectMdlSystemAddress(PMDL MemoryDescriptorList, ULONG NewProtect)
{
    switch (NewProtect) {
    case PAGE_NOACCESS:
        return mdl_protect(MemoryDescriptorList, false, 0);
    case PAGE_READONLY:
        return mdl_protect(MemoryDescriptorList, true, HAL_PAGE_READ);
    case PAGE_READWRITE:
        return mdl_protect(MemoryDescriptorList, true, HAL_PAGE_WRITE);
    case PAGE_EXECUTE:
    case PAGE_EXECUTE_READ:
        return mdl_protect(MemoryDescriptorList, true, HAL_PAGE_EXECUTE);
    default:
        return STATUS_INVALID_PAGE_PROTECTION;
    }
}
LDR_EXPORT(MmProtectMdlSystemAddress);

PMDL NTAPI MmAllocatePagesForMdlEx(PHYSICAL_ADDRESS LowAddress, PHYSICAL_ADDRESS HighAddress,
                                   PHYSICAL_ADDRESS SkipBytes, SIZE_T TotalBytes,
                                   MEMORY_CACHING_TYPE CacheType, ULONG Flags)
{
    struct mm_page_request request = {
        .count = 1,
        .lowest = (uint64_t)LowAddress.QuadPart,
        .highest = (uint64_t)HighAddress.QuadPart,
        .owner = MM_OWNER_MDL,
    };

    uint64_t skip = (uint64_t)SkipBytes.QuadPart;

    if (TotalBytes == 0 || TotalBytes > MDL_BYTES_MAX || request.highest == 0 ||
        skip % PAGE_SIZE != 0) {
        return NULL;
    }
    if (Flags & MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS) {
        if (skip != 0 && !bits_is_power_of_two(skip)) {
            return NULL;
        }
        request.count = BYTES_TO_PAGES(skip != 0 ? skip : TotalBytes);
        if (BYTES_TO_PAGES(TotalBytes) % request.count != 0) {
            return NULL;
        }
        skip = 0; /* it is the size of a chunk */
    }
    return mdl_alloc_pages(&request, skip, TotalBytes, CacheType, Flags);
}
LDR_EXPORT(MmAllocatePagesForMdlEx);

PMDL NTAPI MmAllocatePagesForMdl(PHYSICAL_ADDRESS LowAddress, PHYSICAL_ADDRESS HighAddress,
                                 PHYSICAL_ADDRESS SkipBytes, SIZE_T TotalBytes)
{
    return MmAllocatePagesForMdlEx(LowAddress, HighAddress, SkipBytes, TotalBytes, MmCached, 0);
}
LDR_EXPORT(MmAllocatePagesForMdl);

VOID NTAPI MmFreePagesFromMdl(PMDL MemoryDescriptorList)
{
    mdl_free_pages(MemoryDescriptorList);
}
LDR_EXPORT(MmFreePagesFromMdl);
