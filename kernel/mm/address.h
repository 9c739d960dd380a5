/*
 * mm/address.h - kernel virtual addresses outside the direct map, by area.
 *
 * An area is a run of pages with an unmapped page before it; what follows is the next area's
 * unmapped page or free. Areas are found again by their first address.
 */
#ifndef MM_ADDRESS_H
#define MM_ADDRESS_H

#include <hal/hal.h>
#include <lib/list.h>

enum mm_area_kind {
    MM_AREA_IO,
    MM_AREA_STACK,
    MM_AREA_IMAGE,
    MM_AREA_MDL,
    MM_AREA_POOL,
    MM_AREA_REGION,
};

struct mm_area {
    struct list_head link;  /* (lock) by address */
    struct list_head hash;  /* (lock) by address of the first page */
    uint64_t address;       /* (c) */
    uint64_t size;          /* (c) pages, in bytes */
    enum mm_area_kind kind; /* (c) */
};

void mm_address_init(void);

/*
 * Room for size bytes (whole pages) at an address that is offset modulo alignment; images lie in
 * the last GiB. NULL: no room, or no memory for the description.
 */
struct mm_area *mm_area_reserve(enum mm_area_kind kind, uint64_t size, uint64_t alignment,
                                uint64_t offset);
/* The area that begins at address and is of this kind, or NULL. It stays until released. */
struct mm_area *mm_area_find(uint64_t address, enum mm_area_kind kind);
/* The area whose pages or guard page hold the address. copy: what was found. */
bool mm_area_containing(uint64_t address, struct mm_area *copy);
/* Nothing may be mapped there any more. */
void mm_area_release(struct mm_area *area);

/*
 * mapping.c: whole pages for special pool, with an unmapped one before and behind; they are taken
 * away first, their addresses given back later. <= DISPATCH_LEVEL.
 */
void *mapping_pool_alloc(size_t size);
void mapping_pool_unmap(void *pages);
void mapping_pool_release(void *pages);

#endif
