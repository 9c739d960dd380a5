/*
 * pool_injection.c - one allocation of the pool that fails because somebody asked for it.
 */
#include "mm/pool.h"
#include "mm/pool_block.h"

static struct {
    uint32_t left; /* atomic: allocations until the one that fails, 0: none will */
    uint32_t tag;  /* 0: drivers' allocations of any tag */
    uint64_t hits; /* atomic */
} injection;

void mm_pool_inject(uint32_t nth, uint32_t tag)
{
    __atomic_store_n(&injection.left, 0, __ATOMIC_RELEASE);
    injection.tag = tag;
    __atomic_store_n(&injection.left, nth, __ATOMIC_RELEASE);
}

uint64_t mm_pool_injection_hits(void)
{
    return __atomic_load_n(&injection.hits, __ATOMIC_RELAXED);
}

bool pool_injection_is_due(uint32_t tag)
{
    uint32_t left = __atomic_load_n(&injection.left, __ATOMIC_ACQUIRE);

    if (left == 0 || tag != injection.tag)
        return false;
    while (left != 0 && !__atomic_compare_exchange_n(&injection.left, &left, left - 1, false,
                                                     __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        ;
    if (left != 1)
        return false;
    __atomic_add_fetch(&injection.hits, 1, __ATOMIC_RELAXED);
    return true;
}
