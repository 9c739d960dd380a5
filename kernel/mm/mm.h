/*
 * mm/mm.h - page frames, kernel addresses and mappings: what the layers above use of mm beyond the
 * WDK's Mm routines. The pool is in mm/pool.h.
 *
 * Three kinds of memory, by need:
 *   small and medium objects            mm_pool_alloc(), mm/pool.h
 *   whole pages, physically contiguous  mm_pages_alloc(), used through hal_direct_map()
 *   addresses of their own              mm_stack_alloc(), mm_image_alloc(), mm_region_reserve(),
 *                                       mm_io_map(): each has unmapped guard pages on both sides
 *
 * Unless a comment says otherwise the calls work at <= DISPATCH_LEVEL, from the end of mm_init()
 * on.
 */
#ifndef MM_MM_H
#define MM_MM_H

#include <hal/hal.h>

/*
 * Boot CPU, first thing in kernel_main(): page tables, page frames, direct map, pool. No allocation
 * before, no boot window and no identity map after.
 */
void mm_init(const struct boot_info *boot);

/* ---- Page frames (frame.c) ----------------------------------------------------------------- */

/* Who has a page frame; `mem` counts by it. */
enum mm_owner {
    MM_OWNER_KERNEL, /* whatever has no kind of its own */
    MM_OWNER_TABLE,  /* page tables */
    MM_OWNER_POOL,   /* pool blocks below a page */
    MM_OWNER_LARGE,  /* pool blocks of a page and more */
    MM_OWNER_CONTIGUOUS,
    MM_OWNER_MDL,
    MM_OWNER_STACK,
    MM_OWNER_IMAGE,
    MM_OWNER_SPECIAL, /* special pool */
    MM_OWNER_REGION,  /* of the process */
    MM_OWNER_COUNT,
};

struct mm_page_request {
    uint64_t count;      /* pages, 1 and more */
    phys_addr_t lowest;  /* first acceptable address */
    phys_addr_t highest; /* last acceptable address of the block's last byte; 0: any */
    uint64_t alignment;  /* power of two in bytes; 0: a page */
    uint64_t boundary;   /* power of two in bytes that the block must not cross; 0: none */
    enum mm_owner owner;
};

/* One page, not cleared; 0: none left. */
phys_addr_t mm_page_alloc(enum mm_owner owner);
/* Physically contiguous pages, not cleared; 0: none fit. */
phys_addr_t mm_pages_alloc(const struct mm_page_request *request);
/* Frees the whole block that begins at base: its length is known here. */
void mm_pages_free(phys_addr_t base);
/* Length in pages and owner of the block that begins at base; 0: no block begins there. */
uint64_t mm_pages_length(phys_addr_t base, enum mm_owner *owner);
/* Is there RAM behind this address? */
bool mm_page_is_ram(phys_addr_t address);

struct mm_frame_statistics {
    uint64_t total; /* pages managed */
    uint64_t free;
    uint64_t largest_free; /* pages of the largest free block */
    uint64_t by_owner[MM_OWNER_COUNT];
};

void mm_frame_statistics_read(struct mm_frame_statistics *statistics);
const char *mm_owner_name(enum mm_owner owner);

/* ---- Kernel addresses (address.c, mapping.c) ------------------------------------------------ */

enum mm_cache {
    MM_CACHE_UNCACHED,
    MM_CACHE_WRITE_BACK,
    MM_CACHE_WRITE_COMBINED,
    MM_CACHE_WRITE_THROUGH,
};

/*
 * Device memory (or RAM) at addresses of its own, writable, never executable. Any alignment: the
 * result has the offset of physical within its page. NULL: no address space or page table.
 */
void *mm_io_map(phys_addr_t physical, size_t size, enum mm_cache cache);
void *mm_io_map_flags(phys_addr_t physical, size_t size, uint32_t hal_page_flags);
void mm_io_unmap(void *address);

/*
 * A stack of size bytes, rounded up to pages; returns its lowest address, the stack grows down from
 * result + size. The pages below and above are never mapped. Cleared.
 */
void *mm_stack_alloc(size_t size);
void mm_stack_free(void *stack);

/*
 * A region of addresses, rounded up to pages, with nothing behind them at first; NULL: there are
 * none. Whole pages of it are committed, cleared unless they were already, with HAL_PAGE_ flags;
 * false: no memory, and those that were not yet may have been. Decommitted, they are gone.
 */
void *mm_region_reserve(size_t size);
bool mm_region_commit(void *address, size_t size, uint32_t flags);
void mm_region_decommit(void *address, size_t size);
void mm_region_free(void *region);

/*
 * Room for a driver image in the last GiB of addresses, next to the kernel: cleared, writable, not
 * executable. mm_protect() then gives each section its HAL_PAGE_ flags.
 */
void *mm_image_alloc(size_t size);
/* Does the address lie where images go? Any IRQL. */
bool mm_image_owns(const void *address);
void mm_image_free(void *image);

/* Page aligned range of a stack or image: HAL_PAGE_WRITE and HAL_PAGE_EXECUTE, never both. */
void mm_protect(void *address, size_t size, uint32_t flags);

/*
 * What lies at an address of the dynamic area, for the report of a page fault: true when it is the
 * guard page of a stack.
 */
bool mm_address_is_guard(uint64_t address);

/* False where an access would fault. Any IRQL. */
bool mm_address_is_valid(uint64_t address);

#endif
