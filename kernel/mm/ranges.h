/*
 * mm/ranges.h - sets of physical memory, as sorted, disjoint, non-touching ranges.
 *
 * Made from the boot loader's memory map, which may overlap itself, be unsorted and end anywhere
 * within a page. Fixed room, no allocation: page frames do not exist yet.
 */
#ifndef MM_RANGES_H
#define MM_RANGES_H

#include <hal/boot_info.h>

/* Each range removed can split one in two: the kernel, modules, reserved ranges. */
enum { MM_RANGES_MAX = 2 * BOOT_MEMORY_RANGES_MAX + BOOT_MODULES_MAX };

struct mm_range {
    phys_addr_t base;
    phys_addr_t end; /* first byte behind */
};

struct mm_ranges {
    uint32_t count;
    struct mm_range range[MM_RANGES_MAX];
};

/* Both ignore empty ranges. Adding drops what finds no room; removing too much is always safe. */
void mm_ranges_add(struct mm_ranges *ranges, phys_addr_t base, phys_addr_t end);
void mm_ranges_remove(struct mm_ranges *ranges, phys_addr_t base, phys_addr_t end);

/* Usable memory in whole pages: usable ranges, minus whatever any other range claims. */
void mm_ranges_from_boot(struct mm_ranges *ranges, const struct boot_info *boot);

uint64_t mm_ranges_size(const struct mm_ranges *ranges);
bool mm_ranges_contain(const struct mm_ranges *ranges, phys_addr_t address);

#endif
