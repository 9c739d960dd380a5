/*
 * pool_special.c - special pool: blocks with a page of their own, for finding who writes where
 * (DV-12; WDK "Special Pool").
 *
 * A block of less than a page ends at the end of its page, or up to 15 bytes before, and an
 * unmapped page follows: what goes past the end faults. One whose priority asks for it begins at
 * the start of its page, and what goes before it faults. Freed, its page is taken away and its
 * address kept out of use for as long as there is room: what touches it then faults too. What
 * lies in between, before the block or behind it, is filled, and looked at when it is freed.
 *
 * Blocks of a page and more, or aligned to cache lines, stay ordinary ones: their promises would
 * not leave them where they are of use here.
 *
 *   0xCC, 0xD5  access to a freed block, by the kernel, by a driver
 *   0xCD, 0xD6  access past the end, or before the start, likewise
 *   0xC1/0x23, 0x24  the fill before, or behind, the block was written to
 */
#include <lib/bits.h>
#include <lib/bugcheck.h>
#include <lib/list.h>
#include <lib/rawlock.h>
#include <lib/string.h>
#include <nt/bugcodes.h>

#include "mm/address.h"
#include "mm/pool.h"
#include "mm/pool_block.h"

enum {
    SPECIAL_BUCKETS = 128,
    SPECIAL_FREED_MAX = 512, /* blocks whose addresses are kept out of use */
    SPECIAL_FILL = 0x6B,
    CORRUPT_BEFORE = 0x23,
    CORRUPT_BEHIND = 0x24,
    BAD_CALLER_FREED = 0x07,
    BAD_CALLER_TAG = 0x0A,
    BAD_CALLER_ADDRESS = 0x46,
};

struct special_block {
    struct list_head link;  /* (lock) in its bucket, by its page */
    struct list_head freed; /* (lock) oldest first */
    uint64_t page;          /* (c) its address */
    uint64_t block;         /* (c) what the caller has */
    size_t size;            /* (c) bytes asked for */
    uint32_t tag;           /* (c) */
    bool is_freed;          /* (lock) */
};

static struct {
    bool (*covers)(const void *caller); /* NULL: there is no special pool */
    struct raw_lock lock;
    struct list_head buckets[SPECIAL_BUCKETS];
    struct list_head freed;
    uint32_t freed_count;
} special;

void mm_pool_special(bool (*covers)(const void *caller))
{
    for (size_t i = 0; i < SPECIAL_BUCKETS; i++) {
        list_init(&special.buckets[i]);
    }
    list_init(&special.freed);
    special.covers = covers;
}

bool pool_special_wanted(const void *caller)
{
    return special.covers != NULL && special.covers(caller);
}

static struct list_head *bucket_of(uint64_t page)
{
    return &special.buckets[page / HAL_PAGE_SIZE % SPECIAL_BUCKETS];
}

/* Under the lock. The block that has that page. */
static struct special_block *find(uint64_t page)
{
    list_for_each (link, bucket_of(page)) {
        struct special_block *found = CONTAINER_OF(link, struct special_block, link);

        if (found->page == page) {
            return found;
        }
    }
    return NULL;
}

/* The pool's area that holds the address, or whose guard, the page before it, does; 0: none. */
static uint64_t area_at(uint64_t address)
{
    struct mm_area area;

    return mm_area_containing(address, &area) && area.kind == MM_AREA_POOL ? area.address : 0;
}

/*
 * A copy of the block that holds the address, or past whose end, or before whose start it is by
 * less than a page: one page guards the end of one block and the start of the next.
 */
static bool look_up(uint64_t address, struct special_block *copy)
{
    struct special_block *found;
    uint64_t page, below;
    raw_lock_state_t state;

    if (special.covers == NULL) {
        return false;
    }
    page = area_at(address);
    below = page == 0 || address < page ? area_at(address - HAL_PAGE_SIZE) : 0;
    state = raw_lock_acquire(&special.lock);
    found = find(below != 0 ? below : page);
    if (below != 0 && (found == NULL || found->block == found->page)) {
        struct special_block *next = find(page);

        if (next != NULL && next->block == next->page) {
            found = next;
        }
    }
    if (found != NULL) {
        *copy = *found;
    }
    raw_lock_release(&special.lock, state);
    return found != NULL;
}

void *pool_special_alloc(size_t size, uint32_t tag, bool at_start)
{
    struct pool_header *header = pool_small_alloc(sizeof(struct special_block), MM_TAG("MmSp"));
    struct special_block *made;
    raw_lock_state_t state;
    void *page;

    if (header == NULL) {
        return NULL;
    }
    page = mapping_pool_alloc(HAL_PAGE_SIZE);
    if (page == NULL) {
        pool_small_free(header);
        return NULL;
    }
    made = pool_block_data(header);
    *made = (struct special_block){.page = (uint64_t)page, .size = size, .tag = tag};
    made->block = made->page;
    if (!at_start) {
        made->block += HAL_PAGE_SIZE - ALIGN_UP(size == 0 ? 1 : size, POOL_ALIGNMENT);
    }
    memset(page, SPECIAL_FILL, HAL_PAGE_SIZE);
    state = raw_lock_acquire(&special.lock);
    list_insert_first(bucket_of(made->page), &made->link);
    raw_lock_release(&special.lock, state);
    pool_stats_count_alloc(tag, size);
    return (void *)made->block;
}

static void verify_fill(const struct special_block *block, uint64_t from, uint64_t to,
                        uint32_t kind)
{
    for (const uint8_t *at = (const uint8_t *)from; at < (const uint8_t *)to; at++) {
        if (*at != SPECIAL_FILL) {
            lib_bugcheck(SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION, block->block, (uint64_t)at, 0,
                         kind, NULL);
        }
    }
}

/* Addresses of the oldest freed blocks are given back. Returns what was taken out. */
static struct special_block *freed_add(struct special_block *block)
{
    struct special_block *oldest = NULL;
    raw_lock_state_t state = raw_lock_acquire(&special.lock);

    block->is_freed = true;
    list_insert_last(&special.freed, &block->freed);
    if (++special.freed_count > SPECIAL_FREED_MAX) {
        oldest = CONTAINER_OF(special.freed.next, struct special_block, freed);
        list_remove(&oldest->freed);
        list_remove(&oldest->link);
        special.freed_count--;
    }
    raw_lock_release(&special.lock, state);
    return oldest;
}

bool pool_special_free(const void *block, uint32_t tag)
{
    struct special_block *found, *oldest;
    struct special_block copy;
    raw_lock_state_t state;

    if (!look_up((uint64_t)block, &copy)) {
        return false;
    }
    if (copy.block != (uint64_t)block) {
        lib_bugcheck(BAD_POOL_CALLER, BAD_CALLER_ADDRESS, (uint64_t)block, 0, 0, NULL);
    }
    if (copy.is_freed) {
        lib_bugcheck(BAD_POOL_CALLER, BAD_CALLER_FREED, 0, copy.tag, (uint64_t)block, NULL);
    }
    if (tag != 0 && tag != copy.tag) {
        lib_bugcheck(BAD_POOL_CALLER, BAD_CALLER_TAG, (uint64_t)block, copy.tag, tag, NULL);
    }
    verify_fill(&copy, copy.page, copy.block, CORRUPT_BEFORE);
    verify_fill(&copy, copy.block + copy.size, copy.page + HAL_PAGE_SIZE, CORRUPT_BEHIND);
    state = raw_lock_acquire(&special.lock);
    found = find(copy.page);
    raw_lock_release(&special.lock, state);
    pool_track_freed(block, copy.size);
    pool_stats_count_free(copy.tag, copy.size);
    mapping_pool_unmap((void *)copy.page);
    oldest = freed_add(found);
    if (oldest != NULL) {
        mapping_pool_release((void *)oldest->page);
        pool_small_free(pool_block_header(oldest));
    }
    return true;
}

bool pool_special_size(const void *block, size_t *size)
{
    struct special_block copy;

    if (!look_up((uint64_t)block, &copy) || copy.is_freed || (uint64_t)block < copy.block ||
        (uint64_t)block >= copy.page + HAL_PAGE_SIZE) {
        return false;
    }
    *size = copy.size;
    return true;
}

bool mm_pool_special_fault(uint64_t address, bool *is_freed)
{
    struct special_block copy;

    if (!look_up(address, &copy)) {
        return false;
    }
    *is_freed = copy.is_freed;
    return true;
}
