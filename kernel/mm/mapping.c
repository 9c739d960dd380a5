/*
 * mapping.c - memory at addresses of its own: device memory, stacks, driver images, regions.
 *
 * Device memory is mapped with the largest pages its alignment allows. Stacks and images are made
 * of single page frames, so that they never fail for want of contiguous memory, and are mapped
 * without execute; mm_protect() opens an image's code for execution after it was written.
 *
 * Owns: these four. Owns not: MDL mappings (mdl.c), contiguous memory (contiguous.c), which live
 * in the direct map where they can.
 */
#include <lib/assert.h>
#include <lib/bits.h>
#include <lib/bugcheck.h>
#include <lib/string.h>

#include "mm/address.h"
#include "mm/mm.h"

enum {
    SYSTEM_PTE_MISUSE = 0xDA, /* bug check: unmapping what is not mapped; P2 address */
    SYSTEM_PTE_MISUSE_UNMAP = 0x01,
};

#define MAPPING_LARGE_PAGE (2ull << 20)
#define MAPPING_PHYSICAL_END (1ull << 52) /* SDM 3A 4.1.4: the most that MAXPHYADDR can be */

static uint32_t mapping_cache_flags(enum mm_cache cache)
{
    static const uint32_t flags[] = {
        [MM_CACHE_UNCACHED] = HAL_PAGE_UNCACHED,
        [MM_CACHE_WRITE_BACK] = 0,
        [MM_CACHE_WRITE_COMBINED] = HAL_PAGE_WRITE_COMBINED,
        [MM_CACHE_WRITE_THROUGH] = HAL_PAGE_WRITE_THROUGH,
    };

    ASSERT(cache < ARRAY_COUNT(flags));
    return flags[cache];
}

void *mm_io_map_flags(phys_addr_t physical, size_t size, uint32_t flags)
{
    uint64_t offset = physical % HAL_PAGE_SIZE;
    phys_addr_t base = physical - offset;
    uint64_t alignment = HAL_PAGE_SIZE;
    uint64_t length;
    struct mm_area *area;

    if (size == 0 || physical >= MAPPING_PHYSICAL_END || size > MAPPING_PHYSICAL_END - physical) {
        return NULL;
    }
    length = ALIGN_UP(offset + size, HAL_PAGE_SIZE);
    if (length >= MAPPING_LARGE_PAGE) {
        alignment = MAPPING_LARGE_PAGE;
    }
    area = mm_area_reserve(MM_AREA_IO, length, alignment, base % alignment);
    if (area == NULL) {
        return NULL;
    }
    if (!hal_page_map(area->address, base, length, flags)) {
        mm_area_release(area);
        return NULL;
    }
    return (void *)(area->address + offset);
}

void *mm_io_map(phys_addr_t physical, size_t size, enum mm_cache cache)
{
    return mm_io_map_flags(physical, size, HAL_PAGE_WRITE | mapping_cache_flags(cache));
}

void mm_io_unmap(void *address)
{
    struct mm_area *area = mm_area_find(ALIGN_DOWN((uintptr_t)address, HAL_PAGE_SIZE), MM_AREA_IO);

    if (area == NULL) {
        lib_bugcheck(SYSTEM_PTE_MISUSE, SYSTEM_PTE_MISUSE_UNMAP, (uintptr_t)address, 0, 0, NULL);
    }
    hal_page_unmap(area->address, area->size);
    mm_area_release(area);
}

/* ---- Page frames of their own -------------------------------------------------------------- */

static void mapping_protect_alias(phys_addr_t first, phys_addr_t end, uint32_t flags)
{
    if (first != end) {
        hal_page_protect((uintptr_t)hal_direct_map(first), end - first, flags);
    }
}

/*
 * The direct map shows the frames of [address, address + size), too: what may not be written here
 * must not be writable there. One call for each run of frames whose rights change.
 */
static void mapping_protect_frames(uint64_t address, uint64_t size, uint32_t flags)
{
    uint32_t wanted = flags & HAL_PAGE_WRITE ? HAL_PAGE_WRITE : HAL_PAGE_READ;
    phys_addr_t first = 0;
    phys_addr_t end = 0;

    for (uint64_t at = address; at < address + size; at += HAL_PAGE_SIZE) {
        phys_addr_t page;
        uint32_t now;

        if (!hal_page_query(at, &page, NULL) ||
            !hal_page_query((uintptr_t)hal_direct_map(page), NULL, &now) ||
            (now & HAL_PAGE_WRITE) == (wanted & HAL_PAGE_WRITE)) {
            continue;
        }
        if (page != end) {
            mapping_protect_alias(first, end, wanted);
            first = page;
        }
        end = page + HAL_PAGE_SIZE;
    }
    mapping_protect_alias(first, end, wanted);
}

/*
 * Unmaps [address, address + size) and frees the frames behind it. Until no CPU can reach them any
 * more they are chained through their own first words.
 */
static void mapping_frames_remove(uint64_t address, uint64_t size)
{
    phys_addr_t chain = 0;

    mapping_protect_frames(address, size, HAL_PAGE_WRITE);
    for (uint64_t at = address; at < address + size; at += HAL_PAGE_SIZE) {
        phys_addr_t page;

        if (hal_page_query(at, &page, NULL)) {
            *(phys_addr_t *)hal_direct_map(page) = chain;
            chain = page;
        }
    }
    hal_page_unmap(address, size);
    while (chain != 0) {
        phys_addr_t next = *(phys_addr_t *)hal_direct_map(chain);

        mm_pages_free(chain);
        chain = next;
    }
}

static bool mapping_frames_add(uint64_t address, uint64_t size, enum mm_owner owner)
{
    for (uint64_t done = 0; done < size; done += HAL_PAGE_SIZE) {
        phys_addr_t page = mm_page_alloc(owner);

        if (page == 0 || !hal_page_map(address + done, page, HAL_PAGE_SIZE, HAL_PAGE_WRITE)) {
            if (page != 0) {
                mm_pages_free(page);
            }
            if (done != 0) {
                mapping_frames_remove(address, done);
            }
            return false;
        }
        memset(hal_direct_map(page), 0, HAL_PAGE_SIZE);
    }
    return true;
}

static void *mapping_make(enum mm_area_kind kind, size_t size, enum mm_owner owner)
{
    struct mm_area *area;

    if (size == 0) {
        return NULL;
    }
    area = mm_area_reserve(kind, ALIGN_UP(size, HAL_PAGE_SIZE), HAL_PAGE_SIZE, 0);
    if (area == NULL) {
        return NULL;
    }
    if (!mapping_frames_add(area->address, area->size, owner)) {
        mm_area_release(area);
        return NULL;
    }
    return (void *)area->address;
}

static void mapping_drop(enum mm_area_kind kind, void *address)
{
    struct mm_area *area = mm_area_find((uintptr_t)address, kind);

    ASSERT(area != NULL);
    mapping_frames_remove(area->address, area->size);
    mm_area_release(area);
}

void *mapping_pool_alloc(size_t size)
{
    return mapping_make(MM_AREA_POOL, size, MM_OWNER_SPECIAL);
}

void mapping_pool_unmap(void *pages)
{
    struct mm_area *area = mm_area_find((uintptr_t)pages, MM_AREA_POOL);

    ASSERT(area != NULL);
    mapping_frames_remove(area->address, area->size);
}

void mapping_pool_release(void *pages)
{
    struct mm_area *area = mm_area_find((uintptr_t)pages, MM_AREA_POOL);

    ASSERT(area != NULL);
    mm_area_release(area);
}

void *mm_stack_alloc(size_t size)
{
    return mapping_make(MM_AREA_STACK, size, MM_OWNER_STACK);
}

void mm_stack_free(void *stack)
{
    mapping_drop(MM_AREA_STACK, stack);
}

void *mm_region_reserve(size_t size)
{
    struct mm_area *area =
        mm_area_reserve(MM_AREA_REGION, ALIGN_UP(size, HAL_PAGE_SIZE), HAL_PAGE_SIZE, 0);

    return area != NULL ? (void *)area->address : NULL;
}

/* How far the pages from `at` on are all committed, or all not. */
static uint64_t region_run_end(uint64_t at, uint64_t end, bool committed)
{
    while (at < end && hal_page_query(at, NULL, NULL) == committed) {
        at += HAL_PAGE_SIZE;
    }
    return at;
}

bool mm_region_commit(void *address, size_t size, uint32_t flags)
{
    uint64_t end = (uintptr_t)address + size;

    for (uint64_t at = (uintptr_t)address; at < end;) {
        uint64_t missing = region_run_end(at, end, true);

        at = region_run_end(missing, end, false);
        if (at != missing && !mapping_frames_add(missing, at - missing, MM_OWNER_REGION)) {
            return false;
        }
    }
    mm_protect(address, size, flags);
    return true;
}

void mm_region_decommit(void *address, size_t size)
{
    mapping_frames_remove((uintptr_t)address, size);
}

void mm_region_free(void *region)
{
    mapping_drop(MM_AREA_REGION, region);
}

void *mm_image_alloc(size_t size)
{
    return mapping_make(MM_AREA_IMAGE, size, MM_OWNER_IMAGE);
}

void mm_image_free(void *image)
{
    mapping_drop(MM_AREA_IMAGE, image);
}

void mm_protect(void *address, size_t size, uint32_t flags)
{
    struct mm_area area;
    uint64_t first = (uintptr_t)address;
    bool found = mm_area_containing(first, &area);

    ASSERT(!found || (first >= area.address && size <= area.address + area.size - first));
    hal_page_protect(first, ALIGN_UP(size, HAL_PAGE_SIZE), flags);
    mapping_protect_frames(first, ALIGN_UP(size, HAL_PAGE_SIZE), flags);
}

bool mm_address_is_guard(uint64_t address)
{
    struct mm_area area;

    return mm_area_containing(address, &area) && area.kind == MM_AREA_STACK &&
           address < area.address;
}

bool mm_address_is_valid(uint64_t address)
{
    return hal_page_query(address, NULL, NULL);
}
