/*
 * frame.c - physical page frames: a binary buddy allocator.
 *
 * One state byte a page says what the page is: the first page of a free block of 2^order pages, the
 * first page of a block in use and its owner, the continuation of either, or nothing of ours. That
 * byte is all the metadata: 1/4096 of RAM, so that the same code serves 16 MiB and a terabyte. The
 * list links of free blocks live in the free pages, reached through the direct map. Memory with
 * large holes gets one array of state bytes a span, none for the hole.
 *
 * Free blocks are kept by zone, so that memory below 16 MiB and 4 GiB, which DMA may need, goes
 * last. A block in use may have any number of pages and any constraint on its place; what a block
 * taken from the lists has too much before and behind goes back at once. Freeing needs the address
 * only: the length follows from the state bytes, and a wrong address is noticed.
 *
 * Locking: one raw lock over lists and states.
 */
#include <lib/assert.h>
#include <lib/bits.h>
#include <lib/bugcheck.h>
#include <lib/list.h>
#include <lib/log.h>
#include <lib/rawlock.h>
#include <lib/string.h>
#include <nt/bugcodes.h>

#include "mm/frame.h"
#include "mm/init.h"
#include "mm/mm.h"

enum {
    FRAME_SHIFT = 12,
    FRAME_ORDERS = 19, /* largest block 2^18 pages: 1 GiB */
    FRAME_SPANS_MAX = 32,
    FRAME_SPAN_GAP = 4096, /* pages; smaller holes do not end a span */
    FRAME_ZONE_LOW_END = 1 << (24 - FRAME_SHIFT),
    FRAME_ZONE_DMA32_END = 1 << (32 - FRAME_SHIFT),
    PFN_LIST_CORRUPT_FREE = 0x07, /* P1 of the bug check: freeing what is not in use; P2 page */
};

/* State bytes. */
enum {
    /* 0x00: not ours, or the inside of a free block that was never in use */
    STATE_OWNER = 0x1F, /* mask: enum mm_owner */
    STATE_NEXT = 0x20,  /* continuation of a block in use */
    STATE_USED = 0x40,
    STATE_ORDER = 0x1F, /* mask, with STATE_FREE */
    STATE_FREE = 0x80,  /* first page of a free block */
    STATE_FREE_NEXT = STATE_FREE | STATE_ORDER,
};

enum frame_zone { ZONE_LOW, ZONE_DMA32, ZONE_HIGH, ZONE_COUNT };

struct frame_span {
    uint64_t first; /* page number */
    uint64_t count;
    uint8_t *state;
};

static struct {
    struct raw_lock lock;
    uint32_t span_count;                                  /* (c) */
    struct frame_span spans[FRAME_SPANS_MAX];             /* (c) */
    struct list_head free[ZONE_COUNT][FRAME_ORDERS];      /* (lock) */
    uint64_t total, free_count, by_owner[MM_OWNER_COUNT]; /* (lock) */
} frames;

static enum frame_zone frame_zone_of(uint64_t page)
{
    return page < FRAME_ZONE_LOW_END     ? ZONE_LOW
           : page < FRAME_ZONE_DMA32_END ? ZONE_DMA32
                                         : ZONE_HIGH;
}

/* NULL: not RAM of ours. */
static uint8_t *frame_state_find(uint64_t page)
{
    for (uint32_t i = 0; i < frames.span_count; i++) {
        struct frame_span *span = &frames.spans[i];

        if (page - span->first < span->count) {
            return &span->state[page - span->first];
        }
    }
    return NULL;
}

static uint8_t *frame_state(uint64_t page)
{
    uint8_t *state = frame_state_find(page);

    ASSERT(state != NULL);
    return state;
}

static struct list_head *frame_link(uint64_t page)
{
    return hal_direct_map(page << FRAME_SHIFT);
}

static uint64_t frame_of_link(const struct list_head *link)
{
    return ((uintptr_t)link - HAL_DIRECT_MAP_BASE) >> FRAME_SHIFT;
}

/* ---- Free blocks, under the lock ----------------------------------------------------------- */

static void frame_block_unlink(uint64_t page)
{
    list_remove(frame_link(page));
    *frame_state(page) = STATE_FREE_NEXT;
}

static bool frame_is_free_block(uint64_t page, unsigned int order)
{
    const uint8_t *state = frame_state_find(page);

    return state != NULL && *state == (STATE_FREE | order);
}

/* Enters a naturally aligned block of 2^order free pages, joined with its free buddies. */
static void frame_block_free(uint64_t page, unsigned int order)
{
    while (order < FRAME_ORDERS - 1) {
        uint64_t buddy = page ^ (1ull << order);

        if (!frame_is_free_block(buddy, order) || frame_zone_of(buddy) != frame_zone_of(page)) {
            break;
        }
        frame_block_unlink(buddy);
        page &= ~(1ull << order);
        order++;
    }
    list_insert_first(&frames.free[frame_zone_of(page)][order], frame_link(page));
    *frame_state(page) = (uint8_t)(STATE_FREE | order);
}

/* The states of the pages must not look like used or free blocks any more. */
static void frame_run_free(uint64_t page, uint64_t count)
{
    while (count != 0) {
        unsigned int order = FRAME_ORDERS - 1;

        if (page != 0 && (unsigned int)__builtin_ctzll(page) < order) {
            order = (unsigned int)__builtin_ctzll(page);
        }
        if (bits_log2_floor(count) < order) {
            order = bits_log2_floor(count);
        }
        if (frame_zone_of(page) == ZONE_LOW && order > bits_log2_floor(FRAME_ZONE_LOW_END)) {
            order = bits_log2_floor(FRAME_ZONE_LOW_END);
        }
        frame_block_free(page, order);
        page += 1ull << order;
        count -= 1ull << order;
    }
}

/* Takes pages [page, page + count) out of the free block at block and marks them. */
static void frame_block_take(uint64_t block, unsigned int order, uint64_t page, uint64_t count,
                             enum mm_owner owner)
{
    uint64_t end = block + (1ull << order);
    uint8_t *state = frame_state(page);

    frame_block_unlink(block);
    state[0] = (uint8_t)(STATE_USED | owner);
    if (count > 1) {
        memset(state + 1, STATE_USED | STATE_NEXT | owner, count - 1);
    }
    frame_run_free(block, page - block);
    frame_run_free(page + count, end - page - count);
    frames.free_count -= count;
    frames.by_owner[owner] += count;
}

/* ---- Requests, under the lock -------------------------------------------------------------- */

/* First page within the block at which the request fits. */
static bool frame_fit(const struct mm_page_request *request, uint64_t block, unsigned int order,
                      uint64_t *page)
{
    phys_addr_t base = block << FRAME_SHIFT;
    phys_addr_t last = base + (HAL_PAGE_SIZE << order) - 1;
    uint64_t size = request->count << FRAME_SHIFT;
    uint64_t alignment = request->alignment > HAL_PAGE_SIZE ? request->alignment : HAL_PAGE_SIZE;

    if (request->highest != 0 && request->highest < last) {
        last = request->highest;
    }
    base = ALIGN_UP(base < request->lowest ? request->lowest : base, alignment);
    if (request->boundary != 0 &&
        base / request->boundary != (base + size - 1) / request->boundary) {
        base = ALIGN_UP(base, request->boundary);
        if (size > request->boundary || !IS_ALIGNED(base, alignment)) {
            return false;
        }
    }
    *page = base >> FRAME_SHIFT;
    return base <= last && last - base >= size - 1;
}

static uint64_t frame_take(const struct mm_page_request *request)
{
    unsigned int least = bits_log2_ceil(request->count);

    for (int zone = ZONE_HIGH; zone >= ZONE_LOW; zone--) {
        for (unsigned int order = least; order < FRAME_ORDERS; order++) {
            list_for_each (link, &frames.free[zone][order]) {
                uint64_t block = frame_of_link(link);
                uint64_t page;

                if (frame_fit(request, block, order, &page)) {
                    frame_block_take(block, order, page, request->count, request->owner);
                    return page;
                }
            }
        }
    }
    return 0;
}

static uint64_t frame_used_length(uint64_t page, enum mm_owner *owner)
{
    const uint8_t *state = frame_state_find(page);
    uint64_t length = 0;
    uint8_t next;

    if (state == NULL || (*state & (STATE_FREE | STATE_USED | STATE_NEXT)) != STATE_USED) {
        return 0;
    }
    *owner = *state & STATE_OWNER;
    next = *state | STATE_NEXT;
    do {
        length++;
        state = frame_state_find(page + length);
    } while (state != NULL && *state == next);
    return length;
}

/* ---- Bring-up ------------------------------------------------------------------------------ */

static void frame_span_add(uint64_t first, uint64_t end)
{
    struct frame_span *last = frames.span_count != 0 ? &frames.spans[frames.span_count - 1] : NULL;

    if (last != NULL && first - (last->first + last->count) <= FRAME_SPAN_GAP) {
        last->count = end - last->first;
    } else if (frames.span_count < FRAME_SPANS_MAX) {
        frames.spans[frames.span_count++] =
            (struct frame_span){.first = first, .count = end - first};
    } else {
        log_warn("mm: %lu pages at page %lx not used: too many holes", end - first, first);
    }
}

void frame_init(const struct mm_ranges *ram, void *(*early_alloc)(uint64_t size))
{
    for (int zone = 0; zone < ZONE_COUNT; zone++) {
        for (unsigned int order = 0; order < FRAME_ORDERS; order++) {
            list_init(&frames.free[zone][order]);
        }
    }
    for (uint32_t i = 0; i < ram->count; i++) {
        frame_span_add(ram->range[i].base >> FRAME_SHIFT, ram->range[i].end >> FRAME_SHIFT);
    }
    for (uint32_t i = 0; i < frames.span_count; i++) {
        frames.spans[i].state = early_alloc(frames.spans[i].count);
    }
    frames.total = mm_ranges_size(ram) >> FRAME_SHIFT;
    frames.by_owner[MM_OWNER_KERNEL] = frames.total;
}

void frame_add(phys_addr_t base, phys_addr_t end)
{
    uint64_t page = base >> FRAME_SHIFT;
    uint64_t count = (end - base) >> FRAME_SHIFT;

    if (frame_state_find(page) == NULL || count == 0) {
        return;
    }
    frame_run_free(page, count);
    frames.free_count += count;
    frames.by_owner[MM_OWNER_KERNEL] -= count;
}

/* ---- mm.h ---------------------------------------------------------------------------------- */

phys_addr_t mm_page_alloc(enum mm_owner owner)
{
    return mm_pages_alloc(&(struct mm_page_request){.count = 1, .owner = owner});
}

phys_addr_t mm_pages_alloc(const struct mm_page_request *request)
{
    raw_lock_state_t state;
    uint64_t page;

    ASSERT(request->count != 0 && request->owner < MM_OWNER_COUNT);
    if (request->count > 1ull << (FRAME_ORDERS - 1)) {
        return 0;
    }
    state = raw_lock_acquire(&frames.lock);
    page = frame_take(request);
    raw_lock_release(&frames.lock, state);
    return page << FRAME_SHIFT;
}

void mm_pages_free(phys_addr_t base)
{
    uint64_t page = base >> FRAME_SHIFT;
    raw_lock_state_t state = raw_lock_acquire(&frames.lock);
    enum mm_owner owner;
    uint64_t count = frame_used_length(page, &owner);

    if (count == 0 || !IS_ALIGNED(base, HAL_PAGE_SIZE)) {
        raw_lock_release(&frames.lock, state);
        lib_bugcheck(PFN_LIST_CORRUPT, PFN_LIST_CORRUPT_FREE, page, 0, 0, NULL);
    }
    memset(frame_state(page), STATE_FREE_NEXT, count);
    frame_run_free(page, count);
    frames.free_count += count;
    frames.by_owner[owner] -= count;
    raw_lock_release(&frames.lock, state);
}

uint64_t mm_pages_length(phys_addr_t base, enum mm_owner *owner)
{
    raw_lock_state_t state = raw_lock_acquire(&frames.lock);
    uint64_t count = frame_used_length(base >> FRAME_SHIFT, owner);

    raw_lock_release(&frames.lock, state);
    return count;
}

bool mm_page_is_ram(phys_addr_t address)
{
    return mm_ranges_contain(mm_ram_ranges(), address);
}

bool frame_owner(phys_addr_t address, enum mm_owner *owner, phys_addr_t *base)
{
    uint64_t page = address >> FRAME_SHIFT;
    const uint8_t *state = frame_state_find(page);

    if (state == NULL || (*state & (STATE_FREE | STATE_USED)) != STATE_USED) {
        return false;
    }
    *owner = *state & STATE_OWNER;
    while (*state & STATE_NEXT) {
        state--;
        page--;
    }
    *base = page << FRAME_SHIFT;
    return true;
}

void mm_frame_statistics_read(struct mm_frame_statistics *statistics)
{
    raw_lock_state_t state = raw_lock_acquire(&frames.lock);

    statistics->total = frames.total;
    statistics->free = frames.free_count;
    statistics->largest_free = 0;
    memcpy(statistics->by_owner, frames.by_owner, sizeof(frames.by_owner));
    for (int zone = 0; zone < ZONE_COUNT; zone++) {
        for (unsigned int order = 0; order < FRAME_ORDERS; order++) {
            uint64_t pages = list_is_empty(&frames.free[zone][order]) ? 0 : 1ull << order;

            if (pages > statistics->largest_free) {
                statistics->largest_free = pages;
            }
        }
    }
    raw_lock_release(&frames.lock, state);
}

const char *mm_owner_name(enum mm_owner owner)
{
    static const char *const names[MM_OWNER_COUNT] = {
        [MM_OWNER_KERNEL] = "kernel",
        [MM_OWNER_TABLE] = "tables",
        [MM_OWNER_POOL] = "pool",
        [MM_OWNER_LARGE] = "large pool",
        [MM_OWNER_CONTIGUOUS] = "contiguous",
        [MM_OWNER_MDL] = "mdl",
        [MM_OWNER_STACK] = "stacks",
        [MM_OWNER_IMAGE] = "images",
        [MM_OWNER_SPECIAL] = "special pool",
        [MM_OWNER_REGION] = "regions",
    };

    return owner < MM_OWNER_COUNT ? names[owner] : "?";
}
