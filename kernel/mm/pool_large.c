/*
 * pool_large.c - pool blocks of a page and more: contiguous page frames, used in the direct map.
 *
 * Tag and size stand in a description of their own, found by the block's address in a hash, so that
 * the block begins on a page and has no header that an underrun could reach.
 */
#include <lib/bits.h>
#include <lib/list.h>
#include <lib/rawlock.h>

#include "mm/mm.h"
#include "mm/pool.h"
#include "mm/pool_block.h"

enum { LARGE_BUCKETS = 128 };

struct pool_large {
    struct list_head link; /* (lock) */
    void *block;           /* (c) */
    size_t size;           /* (c) bytes asked for */
    uint32_t tag;          /* (c) */
};

static struct {
    struct raw_lock lock;
    uint64_t pages; /* (lock) */
    struct list_head buckets[LARGE_BUCKETS];
} large;

static struct list_head *large_bucket(const void *block)
{
    return &large.buckets[((uintptr_t)block / HAL_PAGE_SIZE) % LARGE_BUCKETS];
}

static uint64_t large_page_count(size_t size)
{
    return size / HAL_PAGE_SIZE + (size % HAL_PAGE_SIZE != 0);
}

/* Under the lock. */
static struct pool_large *large_find(const void *block)
{
    list_for_each (link, large_bucket(block)) {
        struct pool_large *found = CONTAINER_OF(link, struct pool_large, link);

        if (found->block == block) {
            return found;
        }
    }
    return NULL;
}

void pool_large_init(void)
{
    for (size_t i = 0; i < LARGE_BUCKETS; i++) {
        list_init(&large.buckets[i]);
    }
}

void *pool_large_alloc(size_t size, uint32_t tag)
{
    uint64_t count = large_page_count(size);
    struct pool_header *header = pool_small_alloc(sizeof(struct pool_large), MM_TAG("MmLg"));
    struct pool_large *made;
    raw_lock_state_t state;
    phys_addr_t base;

    if (header == NULL) {
        return NULL;
    }
    base = mm_pages_alloc(&(struct mm_page_request){.count = count, .owner = MM_OWNER_LARGE});
    if (base == 0) {
        pool_small_free(header);
        return NULL;
    }
    made = pool_block_data(header);
    *made = (struct pool_large){.block = hal_direct_map(base), .size = size, .tag = tag};
    state = raw_lock_acquire(&large.lock);
    list_insert_first(large_bucket(made->block), &made->link);
    large.pages += count;
    raw_lock_release(&large.lock, state);
    return made->block;
}

bool pool_large_lookup(const void *block, size_t *size, uint32_t *tag)
{
    raw_lock_state_t state = raw_lock_acquire(&large.lock);
    const struct pool_large *found = large_find(block);

    if (found != NULL) {
        *size = found->size;
        *tag = found->tag;
    }
    raw_lock_release(&large.lock, state);
    return found != NULL;
}

bool pool_large_free(void *block)
{
    raw_lock_state_t state = raw_lock_acquire(&large.lock);
    struct pool_large *found = large_find(block);

    if (found != NULL) {
        list_remove(&found->link);
        large.pages -= large_page_count(found->size);
    }
    raw_lock_release(&large.lock, state);
    if (found == NULL) {
        return false;
    }
    mm_pages_free((uintptr_t)block - HAL_DIRECT_MAP_BASE);
    pool_small_free(pool_block_header(found));
    return true;
}

uint64_t pool_large_pages(void)
{
    return large.pages;
}
