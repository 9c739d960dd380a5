/*
 * address.c - which kernel addresses are taken. See mm/address.h.
 *
 * First fit from the bottom: addresses given back are used again first, so that page tables, which
 * are never freed, stay few. Areas are some hundreds (stacks, BARs, images), so the walk is short;
 * finding one by its address goes through a hash.
 *
 * Owns: areas. Owns not: what is mapped there (mapping.c, mdl.c) and the tables (paging.c).
 */
#include <lib/bits.h>
#include <lib/rawlock.h>

#include "mm/address.h"
#include "mm/mm.h"
#include "mm/pool.h"

enum { AREA_HASH_BUCKETS = 64 };

/* Images: the last GiB but its last 16 MiB, where arch has fixed mappings of its own. */
#define IMAGE_BASE 0xFFFFFFFFC0000000ull
#define IMAGE_END 0xFFFFFFFFFF000000ull

struct address_arena {
    uint64_t base;
    uint64_t end;
    struct list_head areas; /* (lock) by address */
};

static struct {
    struct raw_lock lock;
    struct address_arena dynamic;
    struct address_arena image;
    struct list_head buckets[AREA_HASH_BUCKETS];
} addresses;

static struct list_head *address_bucket(uint64_t address)
{
    return &addresses.buckets[(address / HAL_PAGE_SIZE) % AREA_HASH_BUCKETS];
}

static struct mm_area *area_of_link(struct list_head *link)
{
    return CONTAINER_OF(link, struct mm_area, link);
}

static bool arena_fit(uint64_t from, uint64_t end, const struct mm_area *area, uint64_t alignment,
                      uint64_t offset, uint64_t *address)
{
    *address = ALIGN_UP(from + HAL_PAGE_SIZE - offset, alignment) + offset;
    return *address >= from && *address < end && end - *address >= area->size;
}

/* Links the area in at the lowest address that fits. */
static bool arena_place(struct address_arena *arena, struct mm_area *area, uint64_t alignment,
                        uint64_t offset)
{
    uint64_t from = arena->base;
    struct list_head *link = arena->areas.next;

    for (; link != &arena->areas; link = link->next) {
        struct mm_area *next = area_of_link(link);

        if (arena_fit(from, next->address - HAL_PAGE_SIZE, area, alignment, offset,
                      &area->address)) {
            break;
        }
        from = next->address + next->size;
    }
    if (link == &arena->areas &&
        !arena_fit(from, arena->end - HAL_PAGE_SIZE, area, alignment, offset, &area->address)) {
        return false;
    }
    list_insert_last(link, &area->link); /* before link */
    list_insert_first(address_bucket(area->address), &area->hash);
    return true;
}

static void arena_init(struct address_arena *arena, uint64_t base, uint64_t end)
{
    arena->base = base;
    arena->end = end;
    list_init(&arena->areas);
}

bool mm_image_owns(const void *address)
{
    return (uint64_t)address >= IMAGE_BASE && (uint64_t)address < IMAGE_END;
}

void mm_address_init(void)
{
    arena_init(&addresses.dynamic, HAL_DYNAMIC_BASE, HAL_DYNAMIC_BASE + HAL_DYNAMIC_SIZE);
    arena_init(&addresses.image, IMAGE_BASE, IMAGE_END);
    for (uint32_t i = 0; i < AREA_HASH_BUCKETS; i++) {
        list_init(&addresses.buckets[i]);
    }
}

struct mm_area *mm_area_reserve(enum mm_area_kind kind, uint64_t size, uint64_t alignment,
                                uint64_t offset)
{
    struct address_arena *arena = kind == MM_AREA_IMAGE ? &addresses.image : &addresses.dynamic;
    struct mm_area *area = mm_pool_alloc_raw(sizeof(*area), MM_TAG("MmAr"));
    raw_lock_state_t state;
    bool placed;

    if (area == NULL) {
        return NULL;
    }
    area->size = size;
    area->kind = kind;
    state = raw_lock_acquire(&addresses.lock);
    placed = arena_place(arena, area, alignment, offset);
    raw_lock_release(&addresses.lock, state);
    if (!placed) {
        mm_pool_free(area, MM_TAG("MmAr"));
        return NULL;
    }
    return area;
}

struct mm_area *mm_area_find(uint64_t address, enum mm_area_kind kind)
{
    raw_lock_state_t state = raw_lock_acquire(&addresses.lock);
    struct mm_area *found = NULL;

    list_for_each (link, address_bucket(address)) {
        struct mm_area *area = CONTAINER_OF(link, struct mm_area, hash);

        if (area->address == address && area->kind == kind) {
            found = area;
            break;
        }
    }
    raw_lock_release(&addresses.lock, state);
    return found;
}

static bool arena_containing(struct address_arena *arena, uint64_t address, struct mm_area *copy)
{
    if (address < arena->base || address >= arena->end) {
        return false;
    }
    list_for_each (link, &arena->areas) {
        struct mm_area *area = area_of_link(link);

        if (address - (area->address - HAL_PAGE_SIZE) < area->size + HAL_PAGE_SIZE) {
            *copy = *area;
            return true;
        }
    }
    return false;
}

bool mm_area_containing(uint64_t address, struct mm_area *copy)
{
    raw_lock_state_t state = raw_interrupts_save();
    bool found = false;

    /* Asked by the page fault path: the fault may have happened with the lock held. */
    if (raw_lock_try(&addresses.lock)) {
        found = arena_containing(&addresses.dynamic, address, copy) ||
                arena_containing(&addresses.image, address, copy);
        raw_lock_release(&addresses.lock, state);
    } else {
        raw_interrupts_restore(state);
    }
    return found;
}

void mm_area_release(struct mm_area *area)
{
    raw_lock_state_t state = raw_lock_acquire(&addresses.lock);

    list_remove(&area->link);
    list_remove(&area->hash);
    raw_lock_release(&addresses.lock, state);
    mm_pool_free(area, MM_TAG("MmAr"));
}
