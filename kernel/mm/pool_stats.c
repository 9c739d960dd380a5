/*
 * pool_stats.c - pool use by tag.
 *
 * A fixed open-addressed table of counters: a tag gets a row when it is first seen and keeps it.
 * Counting is a few atomic additions, no lock. When the table is full the rest shares one row.
 */
#include <lib/bits.h>
#include <lib/string.h>

#include "mm/pool.h"
#include "mm/pool_block.h"

enum { STATS_ROWS = 256, STATS_OVERFLOW = STATS_ROWS }; /* the row behind the table */

struct stats_row {
    uint32_t tag; /* 0: free */
    uint64_t allocations;
    uint64_t frees;
    int64_t bytes;
};

static struct stats_row stats[STATS_ROWS + 1] = {[STATS_OVERFLOW] = {.tag = MM_TAG("Ovfl")}};

static struct stats_row *stats_row_of(uint32_t tag)
{
    uint32_t start = (tag * 0x9E3779B1u) >> 24; /* Fibonacci hashing to 8 bits */

    for (uint32_t i = 0; i < STATS_ROWS; i++) {
        struct stats_row *row = &stats[(start + i) % STATS_ROWS];
        uint32_t seen = __atomic_load_n(&row->tag, __ATOMIC_RELAXED);

        if (seen == 0 && __atomic_compare_exchange_n(&row->tag, &seen, tag, false, __ATOMIC_RELAXED,
                                                     __ATOMIC_RELAXED)) {
            return row;
        }
        if (seen == tag) {
            return row;
        }
    }
    return &stats[STATS_OVERFLOW];
}

void pool_stats_count_alloc(uint32_t tag, size_t size)
{
    struct stats_row *row = stats_row_of(tag);

    __atomic_add_fetch(&row->allocations, 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&row->bytes, (int64_t)size, __ATOMIC_RELAXED);
}

void pool_stats_count_free(uint32_t tag, size_t size)
{
    struct stats_row *row = stats_row_of(tag);

    __atomic_add_fetch(&row->frees, 1, __ATOMIC_RELAXED);
    __atomic_sub_fetch(&row->bytes, (int64_t)size, __ATOMIC_RELAXED);
}

void mm_pool_statistics_read(struct mm_pool_statistics *statistics)
{
    memset(statistics, 0, sizeof(*statistics));
    for (size_t i = 0; i < ARRAY_COUNT(stats); i++) {
        statistics->allocations += stats[i].allocations;
        statistics->frees += stats[i].frees;
        statistics->bytes += stats[i].bytes;
    }
    statistics->pages = pool_slab_pages() + pool_large_pages();
}

size_t mm_pool_stats(struct mm_pool_tag_statistics *rows, size_t count)
{
    size_t found = 0;

    for (size_t i = 0; i < ARRAY_COUNT(stats); i++) {
        if (stats[i].tag == 0 || stats[i].allocations == 0) {
            continue;
        }
        if (found < count) {
            rows[found] = (struct mm_pool_tag_statistics){.tag = stats[i].tag,
                                                          .allocations = stats[i].allocations,
                                                          .frees = stats[i].frees,
                                                          .bytes = stats[i].bytes};
        }
        found++;
    }
    return found;
}
