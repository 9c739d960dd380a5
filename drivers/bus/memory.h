/*
 * drivers/bus/memory.h - pool of the bus drivers: zeroed, tagged, resident.
 */
#pragma once

#include <lib/string.h>
#include <nt/wdm.h>

enum { BUS_POOL_TAG = 0x73427164 }; /* "dqBs" in memory order */

/* Nonpaged and zeroed; NULL where there is no memory. IRQL <= DISPATCH_LEVEL. */
static inline void *bus_allocate(size_t size)
{
    void *memory = ExAllocatePoolWithTag(NonPagedPoolNx, size, BUS_POOL_TAG);

    if (memory != NULL)
        memset(memory, 0, size);
    return memory;
}

/* For what the PnP manager will free: answers of IRPs. */
static inline void *bus_allocate_paged(size_t size)
{
    void *memory = ExAllocatePoolWithTag(PagedPool, size, BUS_POOL_TAG);

    if (memory != NULL)
        memset(memory, 0, size);
    return memory;
}

static inline void bus_free(void *memory)
{
    if (memory != NULL)
        ExFreePoolWithTag(memory, BUS_POOL_TAG);
}
