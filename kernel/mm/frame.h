/*
 * mm/frame.h - the page frame allocator's bring-up; its everyday calls are in mm/mm.h.
 */
#ifndef MM_FRAME_H
#define MM_FRAME_H

#include "mm/mm.h"
#include "mm/ranges.h"

/*
 * Makes the state bytes, one a page, for all of ram, with memory from early_alloc (cleared, cannot
 * fail). All pages count as in use until frame_add() gives them free.
 */
void frame_init(const struct mm_ranges *ram, void *(*early_alloc)(uint64_t size));
void frame_add(phys_addr_t base, phys_addr_t end);

/*
 * Owner and first page of the block that a page belongs to; false: free or not RAM. Takes no lock:
 * only for a block that the caller keeps from being freed, or to find out that a pointer is wrong.
 */
bool frame_owner(phys_addr_t address, enum mm_owner *owner, phys_addr_t *base);

#endif
