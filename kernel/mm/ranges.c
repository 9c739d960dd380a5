/*
 * ranges.c - set arithmetic on physical memory. See mm/ranges.h.
 *
 * Pure: no hardware, no locks, tested on the host.
 */
#include <lib/bits.h>
#include <lib/string.h>

#include "mm/ranges.h"

enum { RANGE_PAGE = 4096 };

static void ranges_delete(struct mm_ranges *ranges, uint32_t index, uint32_t count)
{
    memmove(&ranges->range[index], &ranges->range[index + count],
            (ranges->count - index - count) * sizeof(ranges->range[0]));
    ranges->count -= count;
}

static void ranges_insert(struct mm_ranges *ranges, uint32_t index, phys_addr_t base,
                          phys_addr_t end)
{
    if (ranges->count == MM_RANGES_MAX) {
        return;
    }
    memmove(&ranges->range[index + 1], &ranges->range[index],
            (ranges->count - index) * sizeof(ranges->range[0]));
    ranges->range[index] = (struct mm_range){base, end};
    ranges->count++;
}

/* Index of the first range that ends at or behind address. */
static uint32_t ranges_find(const struct mm_ranges *ranges, phys_addr_t address)
{
    uint32_t index = 0;

    while (index < ranges->count && ranges->range[index].end < address) {
        index++;
    }
    return index;
}

void mm_ranges_add(struct mm_ranges *ranges, phys_addr_t base, phys_addr_t end)
{
    uint32_t first = ranges_find(ranges, base);
    uint32_t last = first;

    if (base >= end) {
        return;
    }
    for (; last < ranges->count && ranges->range[last].base <= end; last++) {
        struct mm_range *touching = &ranges->range[last];

        base = touching->base < base ? touching->base : base;
        end = touching->end > end ? touching->end : end;
    }
    if (last == first) {
        ranges_insert(ranges, first, base, end);
        return;
    }
    ranges->range[first] = (struct mm_range){base, end};
    ranges_delete(ranges, first + 1, last - first - 1);
}

void mm_ranges_remove(struct mm_ranges *ranges, phys_addr_t base, phys_addr_t end)
{
    uint32_t index = ranges_find(ranges, base);

    if (base >= end) {
        return;
    }
    while (index < ranges->count && ranges->range[index].base < end) {
        struct mm_range *range = &ranges->range[index];
        struct mm_range old = *range;

        if (old.end <= base) {
            index++;
        } else if (old.base < base) {
            range->end = base;
            index++;
            if (old.end > end) {
                ranges_insert(ranges, index, end, old.end);
            }
        } else if (old.end > end) {
            range->base = end;
        } else {
            ranges_delete(ranges, index, 1);
        }
    }
}

/* A length from firmware may run past the end of the address space. */
static phys_addr_t range_end(const struct boot_memory_range *range)
{
    return range->length > UINT64_MAX - RANGE_PAGE - range->base ? UINT64_MAX - RANGE_PAGE
                                                                 : range->base + range->length;
}

void mm_ranges_from_boot(struct mm_ranges *ranges, const struct boot_info *boot)
{
    ranges->count = 0;
    for (uint32_t i = 0; i < boot->memory_range_count; i++) {
        const struct boot_memory_range *range = &boot->memory_ranges[i];

        if (range->kind == BOOT_MEMORY_USABLE) {
            mm_ranges_add(ranges, ALIGN_UP(range->base, RANGE_PAGE),
                          ALIGN_DOWN(range_end(range), RANGE_PAGE));
        }
    }
    for (uint32_t i = 0; i < boot->memory_range_count; i++) {
        const struct boot_memory_range *range = &boot->memory_ranges[i];

        if (range->kind != BOOT_MEMORY_USABLE && range->length != 0) {
            mm_ranges_remove(ranges, ALIGN_DOWN(range->base, RANGE_PAGE),
                             ALIGN_UP(range_end(range), RANGE_PAGE));
        }
    }
}

uint64_t mm_ranges_size(const struct mm_ranges *ranges)
{
    uint64_t size = 0;

    for (uint32_t i = 0; i < ranges->count; i++) {
        size += ranges->range[i].end - ranges->range[i].base;
    }
    return size;
}

bool mm_ranges_contain(const struct mm_ranges *ranges, phys_addr_t address)
{
    for (uint32_t i = 0; i < ranges->count; i++) {
        if (address >= ranges->range[i].base && address < ranges->range[i].end) {
            return true;
        }
    }
    return false;
}
