/*
 * pool_track.c - who allocated what: blocks of drivers, by address, while somebody wants to know.
 *
 * Off, an allocation or a free costs one test. A block is forgotten when it is freed, by whomever,
 * or when the kernel takes it over.
 */
#include <lib/bits.h>
#include <lib/list.h>
#include <lib/rawlock.h>

#include "mm/pool.h"
#include "mm/pool_block.h"

enum { TRACK_BUCKETS = 256 };

struct tracked_block {
    struct list_head link;         /* (lock) */
    struct mm_pool_tracked record; /* (c) */
};

static struct {
    bool on;                                       /* set once, before drivers are loaded */
    void (*freed)(const void *block, size_t size); /* (c) once on */
    struct raw_lock lock;
    struct list_head buckets[TRACK_BUCKETS];
} track;

void mm_pool_track(void (*freed)(const void *block, size_t size))
{
    track.freed = freed;
    for (size_t i = 0; i < TRACK_BUCKETS; i++) {
        list_init(&track.buckets[i]);
    }
    track.on = true;
}

static struct list_head *bucket_of(const void *block)
{
    return &track.buckets[((uintptr_t)block / POOL_ALIGNMENT) % TRACK_BUCKETS];
}

void mm_pool_track_block(const void *block, size_t size, uint32_t tag, bool is_paged,
                         const void *caller)
{
    struct pool_header *header;
    struct tracked_block *made;
    raw_lock_state_t state;

    if (!track.on || block == NULL) {
        return;
    }
    header = pool_small_alloc(sizeof(*made), MM_TAG("MmTr"));
    if (header == NULL) {
        return;
    }
    made = pool_block_data(header);
    made->record = (struct mm_pool_tracked){block, size, tag, is_paged, caller};
    state = raw_lock_acquire(&track.lock);
    list_insert_first(bucket_of(block), &made->link);
    raw_lock_release(&track.lock, state);
}

void pool_track_freed(const void *block, size_t size)
{
    if (track.on) {
        track.freed(block, size);
    }
}

bool mm_pool_tracked_find(const void *block, struct mm_pool_tracked *record)
{
    bool found = false;
    raw_lock_state_t state;

    if (!track.on) {
        return false;
    }
    state = raw_lock_acquire(&track.lock);
    list_for_each (link, bucket_of(block)) {
        struct tracked_block *entry = CONTAINER_OF(link, struct tracked_block, link);

        if (entry->record.block == block) {
            *record = entry->record;
            found = true;
            break;
        }
    }
    raw_lock_release(&track.lock, state);
    return found;
}

void mm_pool_untrack(const void *block)
{
    struct tracked_block *found = NULL;
    raw_lock_state_t state;

    if (!track.on) {
        return;
    }
    state = raw_lock_acquire(&track.lock);
    list_for_each (link, bucket_of(block)) {
        struct tracked_block *entry = CONTAINER_OF(link, struct tracked_block, link);

        if (entry->record.block == block) {
            found = entry;
            list_remove(&entry->link);
            break;
        }
    }
    raw_lock_release(&track.lock, state);
    if (found != NULL) {
        pool_small_free(pool_block_header(found));
    }
}

size_t mm_pool_tracked_read(uint64_t base, uint64_t size, struct mm_pool_tracked *rows,
                            size_t count)
{
    size_t found = 0;
    raw_lock_state_t state;

    if (!track.on) {
        return 0;
    }
    state = raw_lock_acquire(&track.lock);
    for (size_t i = 0; i < TRACK_BUCKETS; i++) {
        list_for_each (link, &track.buckets[i]) {
            struct tracked_block *entry = CONTAINER_OF(link, struct tracked_block, link);

            if ((uint64_t)entry->record.caller - base >= size) {
                continue;
            }
            if (found < count) {
                rows[found] = entry->record;
            }
            found++;
        }
    }
    raw_lock_release(&track.lock, state);
    return found;
}
