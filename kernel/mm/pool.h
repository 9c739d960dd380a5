/*
 * mm/pool.h - the pool, as the kernel itself uses it. Drivers use the ExAllocatePool family, which
 * ends here too (pool_wdk.c).
 *
 * One pool, never paged, never executable. Blocks below a page are 16-byte aligned, a page and more
 * page aligned and physically contiguous. Each block remembers tag and size; a free that does not
 * fit ends in bug check 0xC2 or 0x19. <= DISPATCH_LEVEL.
 */
#ifndef MM_POOL_H
#define MM_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* MM_TAG("Irql"): four characters, as a memory dump shows them. */
#define MM_TAG(text)                                                                               \
    ((uint32_t)(uint8_t)(text)[0] | (uint32_t)(uint8_t)(text)[1] << 8 |                            \
     (uint32_t)(uint8_t)(text)[2] << 16 | (uint32_t)(uint8_t)(text)[3] << 24)

/* Cleared; NULL when memory is short. Size 0 gives the smallest block. */
void *mm_pool_alloc(size_t size, uint32_t tag);
/* As above, contents undefined. */
void *mm_pool_alloc_raw(size_t size, uint32_t tag);
/* tag 0: not compared. NULL is not accepted. */
void mm_pool_free(void *block, uint32_t tag);
/* Bytes asked for. */
size_t mm_pool_size(const void *block);

/* Does this address lie in a pool block that is allocated? For checks of drivers' pointers. */
bool mm_pool_owns(const void *address);

/*
 * Have the nth allocation from now fail, once: of drivers whatever its tag (tag 0), or of everybody
 * with that tag. nth 0: none. PASSIVE_LEVEL.
 */
void mm_pool_inject(uint32_t nth, uint32_t tag);
uint64_t mm_pool_injection_hits(void);

/* A block that code of a driver image asked for. */
struct mm_pool_tracked {
    const void *block;
    size_t size;
    uint32_t tag;
    bool is_paged;      /* was asked for as paged pool */
    const void *caller; /* the return address of the call */
};

/*
 * From now on such blocks are remembered until they are freed, and `freed` hears of every block of
 * the pool before it is. Once, before there are drivers.
 */
void mm_pool_track(void (*freed)(const void *block, size_t size));
/* Nothing happens while that is off. <= DISPATCH_LEVEL. */
void mm_pool_track_block(const void *block, size_t size, uint32_t tag, bool is_paged,
                         const void *caller);
/* It is freed, or the kernel's from now on. Any other block is ignored. */
void mm_pool_untrack(const void *block);
bool mm_pool_tracked_find(const void *block, struct mm_pool_tracked *record);
/* Blocks whose caller lies in the range: at most count rows; returns how many there are. */
size_t mm_pool_tracked_read(uint64_t base, uint64_t size, struct mm_pool_tracked *rows,
                            size_t count);

/* From now on callers that `covers` accepts get special pool. Once, before there are drivers. */
void mm_pool_special(bool (*covers)(const void *caller));
/* Is the address one of special pool, or next to a block of it? Of a page fault's address. */
bool mm_pool_special_fault(uint64_t address, bool *is_freed);

struct mm_pool_tag_statistics {
    uint32_t tag;
    uint64_t allocations; /* so far */
    uint64_t frees;
    int64_t bytes; /* in use */
};

struct mm_pool_statistics {
    uint64_t allocations;
    uint64_t frees;
    int64_t bytes;  /* in use, as asked for */
    uint64_t pages; /* page frames that the pool holds */
};

/* Totals, and one row a tag: at most count rows; returns how many there are. */
void mm_pool_statistics_read(struct mm_pool_statistics *statistics);
size_t mm_pool_stats(struct mm_pool_tag_statistics *rows, size_t count);

#endif
