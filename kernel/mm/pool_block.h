/*
 * mm/pool_block.h - between the parts of the pool: what stands before each block, and the checks.
 *
 * A block below a page lies in a slab: a page of blocks of one size, behind a struct pool_slab.
 * Each block begins with a struct pool_header; what the caller gets starts behind it, 16-byte
 * aligned. Larger blocks are whole pages and are described elsewhere (pool_large.c), so that they
 * begin on a page.
 */
#ifndef MM_POOL_BLOCK_H
#define MM_POOL_BLOCK_H

#include <hal/hal.h>
#include <lib/assert.h>

enum { POOL_ALIGNMENT = 16, POOL_SMALL_MAX = 4048 };

enum pool_state {
    POOL_ALLOCATED = 0xA5,
    POOL_FREE = 0x5F,
    POOL_ALIAS = 0xC3, /* stands before an aligned pointer inside a block; see ExAllocatePool */
};

struct pool_header {
    uint32_t tag;
    uint16_t size;   /* bytes asked for */
    uint16_t offset; /* of this header in its slab, in units of POOL_ALIGNMENT */
    uint8_t class;
    uint8_t state; /* enum pool_state */
    uint16_t reserved;
    uint32_t check; /* of everything above and of the header's address */
};

STATIC_ASSERT(sizeof(struct pool_header) == POOL_ALIGNMENT);

static inline void *pool_block_data(struct pool_header *header)
{
    return header + 1;
}

static inline struct pool_header *pool_block_header(const void *data)
{
    return (struct pool_header *)(uintptr_t)data - 1;
}

static inline uint32_t pool_header_check(const struct pool_header *header)
{
    uint64_t mixed = ((uint64_t)header->tag << 32 | (uint32_t)header->size << 16 | header->offset) ^
                     (uintptr_t)header ^ (uint64_t)(header->class << 8 | header->state) << 20;

    mixed *= 0x9E3779B97F4A7C15ull; /* 2^64 / golden ratio: spreads every bit */
    return (uint32_t)(mixed >> 32);
}

static inline void pool_header_seal(struct pool_header *header, enum pool_state state)
{
    header->state = (uint8_t)state;
    header->check = pool_header_check(header);
}

/* pool.c */
void pool_slabs_init(void);
struct pool_header *pool_small_alloc(size_t size, uint32_t tag);
void pool_small_free(struct pool_header *header);
/* The block of the slab at base that holds the address; NULL: none. */
struct pool_header *pool_small_block_of(phys_addr_t base, const void *address);
/* Room behind the header. */
size_t pool_small_capacity(const struct pool_header *header);
uint64_t pool_slab_pages(void);

/* pool_large.c */
void pool_large_init(void);
void *pool_large_alloc(size_t size, uint32_t tag);
bool pool_large_lookup(const void *block, size_t *size, uint32_t *tag);
/* False: no such block. */
bool pool_large_free(void *block);
uint64_t pool_large_pages(void);

/* pool_injection.c: must this allocation fail? Tag 0: it is a driver's, of any tag. */
bool pool_injection_is_due(uint32_t tag);

/*
 * pool_special.c: is the caller's block to be one of special pool? alloc: at the start of its page
 * or at the end. free, size: false for a block that is not of it.
 */
bool pool_special_wanted(const void *caller);
void *pool_special_alloc(size_t size, uint32_t tag, bool at_start);
bool pool_special_free(const void *block, uint32_t tag);
bool pool_special_size(const void *block, size_t *size);

/* pool_stats.c: one allocation or free of size bytes under a tag. */
void pool_stats_count_alloc(uint32_t tag, size_t size);
void pool_stats_count_free(uint32_t tag, size_t size);

/* pool_track.c: a block is about to be free. */
void pool_track_freed(const void *block, size_t size);

#endif
