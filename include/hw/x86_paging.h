/*
 * hw/x86_paging.h - page table entries and the PAT of x86-64, 4-level paging.
 *
 * SDM 3A "Paging" chapter 4 (entries: tables 4-15 to 4-20), "Page Attribute Table" 12.12. Whether
 * an entry is a table or a page, and where its PAT bit lies, depends on the level: level 1 entries
 * map 4 KiB, level 2 2 MiB, level 3 1 GiB, level 4 entries are always tables. Control registers,
 * MSR numbers and CPUID bits are in x86_cpu.h.
 */
#ifndef HW_X86_PAGING_H
#define HW_X86_PAGING_H

#include <lib/bits.h>

enum {
    PAGING_LEVELS = 4,
    PAGING_ENTRIES = 512,
    PAGING_INDEX_BITS = 9,
    PAGING_PAGE_SHIFT = 12,
};

/* SDM 3A 4.5.4: entries of every level */
#define PTE_PRESENT BIT(0)
#define PTE_WRITABLE BIT(1)
#define PTE_USER BIT(2)
#define PTE_PWT BIT(3)
#define PTE_PCD BIT(4)
#define PTE_ACCESSED BIT(5)
#define PTE_DIRTY BIT(6)
#define PTE_LARGE BIT(7)     /* levels 2 and 3: maps a page, not a table */
#define PTE_PAT_SMALL BIT(7) /* level 1 */
#define PTE_GLOBAL BIT(8)
#define PTE_PAT_LARGE BIT(12) /* levels 2 and 3, with PTE_LARGE */
#define PTE_NO_EXECUTE BIT(63)
#define PTE_ADDRESS BITS(51, 12)

/* Bytes that one entry of the level maps. */
static inline uint64_t paging_level_size(unsigned int level)
{
    return 1ull << (PAGING_PAGE_SHIFT + (level - 1) * PAGING_INDEX_BITS);
}

/* Index of the entry for an address in its table of the level. */
static inline unsigned int paging_index(uint64_t virtual_address, unsigned int level)
{
    return (virtual_address >> (PAGING_PAGE_SHIFT + (level - 1) * PAGING_INDEX_BITS)) &
           (PAGING_ENTRIES - 1);
}

static inline bool paging_entry_is_table(uint64_t entry, unsigned int level)
{
    return (entry & PTE_PRESENT) && level > 1 && !(entry & PTE_LARGE);
}

static inline uint64_t paging_pat_bit(unsigned int level)
{
    return level == 1 ? PTE_PAT_SMALL : PTE_PAT_LARGE;
}

/*
 * Address in an entry that maps a page: large pages keep their PAT bit at the address' lowest bit.
 */
static inline uint64_t paging_entry_address(uint64_t entry, unsigned int level)
{
    return entry & PTE_ADDRESS & ~(paging_level_size(level) - 1);
}

/* Memory types, SDM 3A table 12-2, and the index (PAT, PCD, PWT) they get from PAT_VALUE. */
enum {
    PAT_TYPE_UC = 0,
    PAT_TYPE_WC = 1,
    PAT_TYPE_WT = 4,
    PAT_TYPE_WP = 5,
    PAT_TYPE_WB = 6,
    PAT_TYPE_UC_MINUS = 7,
};

/*
 * Entries 0 to 3 as after reset, so that tables made before this value is loaded keep their
 * meaning; entry 4 is write combining.
 */
#define PAT_ENTRY(index, type) ((uint64_t)(type) << ((index)*8))
#define PAT_VALUE                                                                                  \
    (PAT_ENTRY(0, PAT_TYPE_WB) | PAT_ENTRY(1, PAT_TYPE_WT) | PAT_ENTRY(2, PAT_TYPE_UC_MINUS) |     \
     PAT_ENTRY(3, PAT_TYPE_UC) | PAT_ENTRY(4, PAT_TYPE_WC) | PAT_ENTRY(5, PAT_TYPE_WP) |           \
     PAT_ENTRY(6, PAT_TYPE_UC_MINUS) | PAT_ENTRY(7, PAT_TYPE_UC))

#endif
