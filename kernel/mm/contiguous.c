/*
 * contiguous.c - physically contiguous memory for drivers.
 *
 * The memory is used in the direct map. Where another cache type than cached is asked for, it is
 * the direct map's own pages that change type, so that no second, differently cached view of the
 * same memory exists; freeing changes them back. DMA is coherent on x86-64, so that cached is the
 * rule.
 *
 * Owns: MmAllocateContiguousMemory and its kin, MmAllocateNonCachedMemory. Owns not: page frames.
 */
#include <lib/bits.h>
#include <lib/bugcheck.h>
#include <lib/export.h>
#include <nt/bugcodes.h>
#include <nt/wdm.h>

#include "mm/frame_cache.h"
#include "mm/mm.h"

enum {
    BAD_CALLER_CONTIGUOUS = 0x60, /* WDK "Bug Check 0xC2": P2 address */
    CACHE_LINE = 64,
};

static uint32_t contiguous_cache_flags(MEMORY_CACHING_TYPE type)
{
    switch (type) {
    case MmNonCached:
    case MmNonCachedUnordered:
        return HAL_PAGE_UNCACHED;
    case MmWriteCombined:
    case MmUSWCCached:
        return HAL_PAGE_WRITE_COMBINED;
    default:
        return 0;
    }
}

/* No line of the block may stay in a cache when its pages become uncached. */
static void contiguous_flush(const void *block, uint64_t size)
{
    const char *at = block;

    for (const char *end = at + size; at < end; at += CACHE_LINE) {
        __asm__ volatile("clflush %0" : : "m"(*at));
    }
    __asm__ volatile("mfence" : : : "memory");
}

static void contiguous_protect(void *block, uint64_t size, uint32_t flags)
{
    hal_page_protect((uintptr_t)block, size, HAL_PAGE_WRITE | flags);
    contiguous_flush(block, size);
}

void mm_frames_set_cache(phys_addr_t base, uint64_t count, MEMORY_CACHING_TYPE type)
{
    uint32_t flags = contiguous_cache_flags(type);

    if (flags != 0) {
        contiguous_protect(hal_direct_map(base), count * HAL_PAGE_SIZE, flags);
    }
}

void mm_frames_reset_cache(phys_addr_t base, uint64_t count)
{
    void *block = hal_direct_map(base);
    uint32_t flags;

    if (hal_page_query((uintptr_t)block, NULL, &flags) &&
        (flags & (HAL_PAGE_UNCACHED | HAL_PAGE_WRITE_COMBINED))) {
        contiguous_protect(block, count * HAL_PAGE_SIZE, 0);
    }
}

static void *contiguous_alloc(const struct mm_page_request *request, MEMORY_CACHING_TYPE type)
{
    phys_addr_t base = mm_pages_alloc(request);

    if (base == 0) {
        return NULL;
    }
    mm_frames_set_cache(base, request->count, type);
    return hal_direct_map(base);
}

static void contiguous_free(void *block)
{
    phys_addr_t base = (uintptr_t)block - HAL_DIRECT_MAP_BASE;
    enum mm_owner owner = MM_OWNER_KERNEL;
    uint64_t count = base < HAL_DIRECT_MAP_SIZE ? mm_pages_length(base, &owner) : 0;

    if (count == 0 || owner != MM_OWNER_CONTIGUOUS) {
        lib_bugcheck(BAD_POOL_CALLER, BAD_CALLER_CONTIGUOUS, (uintptr_t)block, 0, 0, NULL);
    }
    mm_frames_reset_cache(base, count);
    mm_pages_free(base);
}

/* WDK surface */

PVOID NTAPI MmAllocateContiguousMemorySpecifyCache(SIZE_T NumberOfBytes,
                                                   PHYSICAL_ADDRESS LowestAcceptableAddress,
                                                   PHYSICAL_ADDRESS HighestAcceptableAddress,
                                                   PHYSICAL_ADDRESS BoundaryAddressMultiple,
                                                   MEMORY_CACHING_TYPE CacheType)
{
    struct mm_page_request request = {
        .count = BYTES_TO_PAGES(NumberOfBytes),
        .lowest = (uint64_t)LowestAcceptableAddress.QuadPart,
        .highest = (uint64_t)HighestAcceptableAddress.QuadPart,
        .boundary = (uint64_t)BoundaryAddressMultiple.QuadPart,
        .owner = MM_OWNER_CONTIGUOUS,
    };

    if (NumberOfBytes == 0 || request.highest == 0 ||
        (request.boundary != 0 && !bits_is_power_of_two(request.boundary))) {
        return NULL;
    }
    return contiguous_alloc(&request, CacheType);
}
LDR_EXPORT(MmAllocateContiguousMemorySpecifyCache);

PVOID NTAPI MmAllocateContiguousMemorySpecifyCacheNode(SIZE_T NumberOfBytes,
                                                       PHYSICAL_ADDRESS LowestAcceptableAddress,
                                                       PHYSICAL_ADDRESS HighestAcceptableAddress,
                                                       PHYSICAL_ADDRESS BoundaryAddressMultiple,
                                                       MEMORY_CACHING_TYPE CacheType,
                                                       ULONG PreferredNode)
{
    UNREFERENCED_PARAMETER(PreferredNode); /* one node */
    return MmAllocateContiguousMemorySpecifyCache(NumberOfBytes, LowestAcceptableAddress,
                                                  HighestAcceptableAddress, BoundaryAddressMultiple,
                                                  CacheType);
}
LDR_EXPORT(MmAllocateContiguousMemorySpecifyCacheNode);

PVOID NTAPI MmAllocateContiguousMemory(SIZE_T NumberOfBytes,
                                       PHYSICAL_ADDRESS HighestAcceptableAddress)
{
    PHYSICAL_ADDRESS none = {.QuadPart = 0};

    return MmAllocateContiguousMemorySpecifyCache(NumberOfBytes, none, HighestAcceptableAddress,
                                                  none, MmCached);
}
LDR_EXPORT(MmAllocateContiguousMemory);

VOID NTAPI MmFreeContiguousMemory(PVOID BaseAddress)
{
    contiguous_free(BaseAddress);
}
LDR_EXPORT(MmFreeContiguousMemory);

VOID NTAPI MmFreeContiguousMemorySpecifyCache(PVOID BaseAddress, SIZE_T NumberOfBytes,
                                              MEMORY_CACHING_TYPE CacheType)
{
    UNREFERENCED_PARAMETER(NumberOfBytes); /* known from the frames */
    UNREFERENCED_PARAMETER(CacheType);
    contiguous_free(BaseAddress);
}
LDR_EXPORT(MmFreeContiguousMemorySpecifyCache);

PVOID NTAPI MmAllocateNonCachedMemory(SIZE_T NumberOfBytes)
{
    struct mm_page_request request = {.count = BYTES_TO_PAGES(NumberOfBytes),
                                      .owner = MM_OWNER_CONTIGUOUS};

    return NumberOfBytes != 0 ? contiguous_alloc(&request, MmNonCached) : NULL;
}
LDR_EXPORT(MmAllocateNonCachedMemory);

VOID NTAPI MmFreeNonCachedMemory(PVOID BaseAddress, SIZE_T NumberOfBytes)
{
    UNREFERENCED_PARAMETER(NumberOfBytes);
    contiguous_free(BaseAddress);
}
LDR_EXPORT(MmFreeNonCachedMemory);
