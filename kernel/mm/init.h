/*
 * mm/init.h - between the parts of mm, for bring-up.
 */
#ifndef MM_INIT_H
#define MM_INIT_H

#include "mm/ranges.h"

/* Page frames are there; nothing else is. */
void mm_pool_init(void);

/* All usable memory that the boot loader told of, also what is in use. Constant. */
const struct mm_ranges *mm_ram_ranges(void);

#endif
