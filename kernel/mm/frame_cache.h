/*
 * mm/frame_cache.h - between contiguous.c and mdl.c: the cache type of page frames.
 *
 * The direct map always shows the type that drivers use a frame with, so that no frame is ever seen
 * with two types. Both flush the frames' cache lines and, like hal_page_protect(), every TLB.
 */
#ifndef MM_FRAME_CACHE_H
#define MM_FRAME_CACHE_H

#include <hal/hal.h>
#include <nt/wdm.h>

void mm_frames_set_cache(phys_addr_t base, uint64_t count, MEMORY_CACHING_TYPE type);
void mm_frames_reset_cache(phys_addr_t base, uint64_t count);

#endif
