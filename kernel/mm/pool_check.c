/*
 * pool_check.c - the pool's front: small or large, counted, and checked when it comes back.
 *
 * What a free may find, and the bug check for it (spec BC-C2-1; WDK "Bug Check 0x19", "0xC2"):
 *   0xC2/0x40  a user address                   0xC2/0x46  not a pool block at all
 *   0xC2/0x07  a block that is free already     0xC2/0x0A  another tag than the allocation's
 *   0x19/0x20  a damaged header                 0x19/0x21  damage right behind the block
 *
 * The unused end of a small block is filled with a pattern, at most POOL_TAIL_MAX bytes of it,
 * which is what finds the last.
 */
#include <lib/bits.h>
#include <lib/bugcheck.h>
#include <lib/string.h>
#include <nt/bugcodes.h>

#include "mm/frame.h"
#include "mm/init.h"
#include "mm/pool.h"
#include "mm/pool_block.h"

enum {
    BAD_HEADER_SIZE = 0x20,
    BAD_HEADER_TAIL = 0x21,
    BAD_CALLER_FREED = 0x07,
    BAD_CALLER_TAG = 0x0A,
    BAD_CALLER_USER = 0x40,
    BAD_CALLER_ADDRESS = 0x46,
};

enum { POOL_TAIL_MAX = 16, POOL_TAIL_BYTE = 0xFB };

#define SYSTEM_START 0xFFFF800000000000ull

void mm_pool_init(void)
{
    pool_slabs_init();
    pool_large_init();
}

/* ---- The end of a small block -------------------------------------------------------------- */

static size_t tail_length(const struct pool_header *header)
{
    size_t slack = pool_small_capacity(header) - header->size;

    return slack < POOL_TAIL_MAX ? slack : POOL_TAIL_MAX;
}

static uint8_t *tail_of(struct pool_header *header)
{
    return (uint8_t *)pool_block_data(header) + header->size;
}

static void tail_fill(struct pool_header *header)
{
    memset(tail_of(header), POOL_TAIL_BYTE, tail_length(header));
}

static void tail_verify(struct pool_header *header)
{
    uint8_t *tail = tail_of(header);

    for (size_t i = 0; i < tail_length(header); i++) {
        if (tail[i] != POOL_TAIL_BYTE) {
            lib_bugcheck(BAD_POOL_HEADER, BAD_HEADER_TAIL, (uintptr_t)pool_block_data(header),
                         header->size, tail[i], NULL);
        }
    }
}

/* ---- Pointers that come back --------------------------------------------------------------- */

/* MM_OWNER_POOL or MM_OWNER_LARGE with the block's first frame, or nothing of the pool. */
static bool pool_locate(const void *address, enum mm_owner *owner, phys_addr_t *base)
{
    uint64_t offset = (uintptr_t)address - HAL_DIRECT_MAP_BASE;

    return offset < HAL_DIRECT_MAP_SIZE && frame_owner(offset, owner, base) &&
           (*owner == MM_OWNER_POOL || *owner == MM_OWNER_LARGE);
}

__attribute__((noreturn)) static void pool_reject(const void *block)
{
    if ((uintptr_t)block < SYSTEM_START) {
        lib_bugcheck(BAD_POOL_CALLER, BAD_CALLER_USER, (uintptr_t)block, SYSTEM_START, 0, NULL);
    }
    lib_bugcheck(BAD_POOL_CALLER, BAD_CALLER_ADDRESS, (uintptr_t)block, 0, 0, NULL);
}

static void pool_compare_tag(const void *block, uint32_t allocated, uint32_t freed)
{
    if (freed != 0 && freed != allocated) {
        lib_bugcheck(BAD_POOL_CALLER, BAD_CALLER_TAG, (uintptr_t)block, allocated, freed, NULL);
    }
}

/* The header of a small block about to be used or freed; does not return when it is not sound. */
static struct pool_header *pool_header_verify(const void *block, phys_addr_t slab)
{
    struct pool_header *header = pool_small_block_of(slab, block);
    uint64_t contents;

    if (header == NULL || pool_block_data(header) != block) {
        pool_reject(block);
    }
    memcpy(&contents, header, sizeof(contents));
    if (header->check != pool_header_check(header)) {
        lib_bugcheck(BAD_POOL_HEADER, BAD_HEADER_SIZE, (uintptr_t)header, 0, contents, NULL);
    }
    if (header->state != POOL_ALLOCATED) {
        lib_bugcheck(BAD_POOL_CALLER, BAD_CALLER_FREED, 0, contents, (uintptr_t)block, NULL);
    }
    return header;
}

static void pool_free_small(void *block, phys_addr_t slab, uint32_t tag)
{
    struct pool_header *header = pool_header_verify(block, slab);

    pool_compare_tag(block, header->tag, tag);
    tail_verify(header);
    pool_track_freed(block, header->size);
    pool_stats_count_free(header->tag, header->size);
    pool_small_free(header);
}

static void pool_free_large(void *block, uint32_t tag)
{
    uint32_t allocated;
    size_t size;

    if (!pool_large_lookup(block, &size, &allocated)) {
        pool_reject(block);
    }
    pool_compare_tag(block, allocated, tag);
    pool_track_freed(block, size);
    pool_stats_count_free(allocated, size);
    pool_large_free(block);
}

/* ---- pool.h -------------------------------------------------------------------------------- */

void *mm_pool_alloc_raw(size_t size, uint32_t tag)
{
    void *block = NULL;

    if (tag != 0 && pool_injection_is_due(tag)) {
        return NULL;
    }
    if (size <= POOL_SMALL_MAX) {
        struct pool_header *header = pool_small_alloc(size, tag);

        if (header != NULL) {
            tail_fill(header);
            block = pool_block_data(header);
        }
    } else {
        block = pool_large_alloc(size, tag);
    }
    if (block != NULL) {
        pool_stats_count_alloc(tag, size);
    }
    return block;
}

void *mm_pool_alloc(size_t size, uint32_t tag)
{
    void *block = mm_pool_alloc_raw(size, tag);

    return block != NULL ? memset(block, 0, size) : NULL;
}

void mm_pool_free(void *block, uint32_t tag)
{
    enum mm_owner owner;
    phys_addr_t base;

    mm_pool_untrack(block);
    if (!pool_locate(block, &owner, &base)) {
        if (pool_special_free(block, tag)) {
            return;
        }
        pool_reject(block);
    }
    if (owner == MM_OWNER_LARGE) {
        pool_free_large(block, tag);
    } else {
        pool_free_small(block, base, tag);
    }
}

size_t mm_pool_size(const void *block)
{
    enum mm_owner owner;
    phys_addr_t base;
    uint32_t tag;
    size_t size;

    if (!pool_locate(block, &owner, &base)) {
        if (pool_special_size(block, &size)) {
            return size;
        }
        pool_reject(block);
    }
    if (owner == MM_OWNER_POOL) {
        return pool_header_verify(block, base)->size;
    }
    if (!pool_large_lookup(block, &size, &tag)) {
        pool_reject(block);
    }
    return size;
}

bool mm_pool_owns(const void *address)
{
    const struct pool_header *header;
    enum mm_owner owner;
    phys_addr_t base;
    size_t size;

    if (!pool_locate(address, &owner, &base)) {
        return pool_special_size(address, &size);
    }
    if (owner == MM_OWNER_LARGE) {
        return true;
    }
    header = pool_small_block_of(base, address);
    return header != NULL && header->state == POOL_ALLOCATED && address > (const void *)header;
}
