/*
 * io/alloc.h - zeroed nonpaged memory with a tag, for io, pnp and ldr.
 *
 * Where an interface says that the receiver frees with ExFreePool (device ids, resource lists,
 * names), memory comes from here too.
 */
#pragma once

#include <nt/wdm.h>

#include "mm/pool.h"

#define IO_TAG_IO MM_TAG("Io  ")
#define IO_TAG_IRP MM_TAG("Irp ")
#define IO_TAG_NAME MM_TAG("IoNm")
#define IO_TAG_WORK MM_TAG("IoWi")
#define IO_TAG_MDL MM_TAG("Mdl ")
#define IO_TAG_DMA MM_TAG("Dma ")
#define IO_TAG_PNP MM_TAG("Pnp ")
#define IO_TAG_REGISTRY MM_TAG("Cm  ")
#define IO_TAG_LOADER MM_TAG("Ldr ")

static inline void *io_allocate(size_t size, uint32_t tag)
{
    return mm_pool_alloc(size, tag);
}

/* NULL is allowed. */
static inline void io_free(void *memory)
{
    if (memory != NULL)
        mm_pool_free(memory, 0);
}
