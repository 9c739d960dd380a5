/*
 * init.c - bring-up of memory, in the order the parts need each other.
 *
 * Page frames need the direct map (their list links live in free pages), the direct map needs page
 * tables, tables need frames. The knot is cut by an early allocator: it takes pages from the top of
 * the largest usable range below 4 GiB, which the boot code's direct map already reaches, and what
 * it took is never given to the page frame allocator.
 *
 * Kept from general use: the first 64 KiB (BIOS data; other CPUs start there), the kernel image,
 * the boot modules.
 *
 * Owns: the order, and the sets of RAM. Owns not: each part.
 */
#include <lib/bits.h>
#include <lib/bugcheck.h>
#include <lib/log.h>
#include <lib/string.h>
#include <nt/bugcodes.h>

#include "mm/address.h"
#include "mm/frame.h"
#include "mm/init.h"
#include "mm/mm.h"

enum { PAGE_KIB = HAL_PAGE_SIZE / 1024 };

#define LOW_RESERVED_END 0x10000ull
#define VIDEO_START 0xA0000ull /* memory-mapped video, not RAM */
#define VIDEO_END 0xC0000ull
#define LOW_END 0x100000ull
#define RESERVED_SIZE_MAX (16ull << 20)

static struct mm_ranges mm_ram;
static struct mm_ranges mm_work; /* mm_init() only: one set after the other */

static struct {
    phys_addr_t base; /* free: [base, next) */
    phys_addr_t next;
    phys_addr_t end;
    bool over;
} early;

/* ---- Early allocator ----------------------------------------------------------------------- */

static void early_init(const struct mm_ranges *free)
{
    for (uint32_t i = 0; i < free->count; i++) {
        phys_addr_t base = free->range[i].base;
        phys_addr_t end = free->range[i].end;

        if (end > HAL_BOOT_DIRECT_MAP_SIZE) {
            end = HAL_BOOT_DIRECT_MAP_SIZE;
        }
        if (end > base && end - base > early.end - early.base) {
            early.base = base;
            early.next = early.end = end;
        }
    }
}

static phys_addr_t early_take(uint64_t size)
{
    size = ALIGN_UP(size, HAL_PAGE_SIZE);
    if (early.over || early.next - early.base < size) {
        return 0;
    }
    early.next -= size;
    return early.next;
}

__attribute__((noreturn)) static void init_too_little(void)
{
    lib_bugcheck(INSTALL_MORE_MEMORY, mm_ranges_size(&mm_ram) / HAL_PAGE_SIZE, early.base,
                 early.next, 0, NULL);
}

static void *early_alloc(uint64_t size)
{
    phys_addr_t at = early_take(size);

    if (at == 0) {
        init_too_little();
    }
    return memset(hal_direct_map(at), 0, size);
}

static phys_addr_t init_table_alloc(void)
{
    return early.over ? mm_page_alloc(MM_OWNER_TABLE) : early_take(HAL_PAGE_SIZE);
}

/* ---- Which memory -------------------------------------------------------------------------- */

static void init_free_ranges(struct mm_ranges *free, const struct boot_info *boot)
{
    phys_addr_t base;
    phys_addr_t end;

    *free = mm_ram;
    mm_ranges_remove(free, 0, LOW_RESERVED_END);
    hal_kernel_extent(&base, &end);
    mm_ranges_remove(free, base, end);
    for (uint32_t i = 0; i < boot->module_count; i++) {
        base = boot->modules[i].base;
        mm_ranges_remove(free, ALIGN_DOWN(base, HAL_PAGE_SIZE),
                         ALIGN_UP(base + boot->modules[i].length, HAL_PAGE_SIZE));
    }
}

/*
 * Small reserved ranges that follow RAM are where firmware keeps tables; large ones and those far
 * from RAM are devices, which must not be mapped cached.
 */
static bool init_is_firmware_memory(const struct boot_memory_range *range, phys_addr_t ram_end)
{
    switch (range->kind) {
    case BOOT_MEMORY_USABLE:
    case BOOT_MEMORY_ACPI_RECLAIM:
    case BOOT_MEMORY_ACPI_NVS:
        return true;
    case BOOT_MEMORY_RESERVED:
        return range->length <= RESERVED_SIZE_MAX && range->base < ram_end + RESERVED_SIZE_MAX;
    default:
        return false;
    }
}

/* The end of RAM below 4 GiB. */
static phys_addr_t init_low_ram_end(void)
{
    phys_addr_t end = LOW_END;

    for (uint32_t i = 0; i < mm_ram.count; i++) {
        if (mm_ram.range[i].end <= HAL_BOOT_DIRECT_MAP_SIZE) {
            end = mm_ram.range[i].end;
        }
    }
    return end;
}

static void init_direct_ranges(struct mm_ranges *direct, const struct boot_info *boot)
{
    phys_addr_t ram_end = init_low_ram_end();

    direct->count = 0;
    for (uint32_t i = 0; i < boot->memory_range_count; i++) {
        const struct boot_memory_range *range = &boot->memory_ranges[i];

        if (init_is_firmware_memory(range, ram_end) && range->base < HAL_DIRECT_MAP_SIZE &&
            range->length <= HAL_DIRECT_MAP_SIZE - range->base) {
            mm_ranges_add(direct, ALIGN_DOWN(range->base, HAL_PAGE_SIZE),
                          ALIGN_UP(range->base + range->length, HAL_PAGE_SIZE));
        }
    }
    mm_ranges_add(direct, 0, LOW_END);
    mm_ranges_remove(direct, VIDEO_START, VIDEO_END);
}

static void init_direct_map(const struct mm_ranges *direct)
{
    for (uint32_t i = 0; i < direct->count; i++) {
        phys_addr_t base = direct->range[i].base;

        if (!hal_page_map(HAL_DIRECT_MAP_BASE + base, base, direct->range[i].end - base,
                          HAL_PAGE_WRITE)) {
            init_too_little();
        }
    }
}

void mm_init(const struct boot_info *boot)
{
    struct mm_frame_statistics statistics;

    mm_ranges_from_boot(&mm_ram, boot);
    init_free_ranges(&mm_work, boot);
    early_init(&mm_work);
    frame_init(&mm_ram, early_alloc);
    if (!hal_paging_init(init_table_alloc)) {
        init_too_little();
    }
    init_direct_ranges(&mm_work, boot);
    init_direct_map(&mm_work);
    hal_paging_activate();
    early.over = true;

    init_free_ranges(&mm_work, boot);
    mm_ranges_remove(&mm_work, early.next, early.end);
    for (uint32_t i = 0; i < mm_work.count; i++) {
        frame_add(mm_work.range[i].base, mm_work.range[i].end);
    }
    mm_pool_init();
    mm_address_init();

    mm_frame_statistics_read(&statistics);
    log_info("mm: %lu KiB of memory, %lu KiB free", statistics.total * PAGE_KIB,
             statistics.free * PAGE_KIB);
}

const struct mm_ranges *mm_ram_ranges(void)
{
    return &mm_ram;
}
