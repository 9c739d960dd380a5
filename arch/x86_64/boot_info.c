/*
 * boot_info.c - what the loader left in memory, turned into struct boot_info.
 *
 * Reads through the boot page tables' direct map of the low 4 GiB, which is where both protocols
 * keep what they pass. Everything but the modules is copied, so that mm may reuse the rest. One
 * page below 1 MiB is taken out of the memory map for starting CPUs (smp.c).
 *
 * Nothing here fails: what is malformed or too much is named in the log and left out.
 */
#include "arch.h"

#include <lib/bits.h>
#include <lib/log.h>
#include <lib/string.h>

#include <hw/acpi_tables.h>
#include "parse/multiboot2.h"
#include "parse/pvh.h"

#define BOOT_MAP_END (4ull << 30)
#define CONVENTIONAL_END 0xA0000ull /* below it real-mode code can run */
#define MB2_INFO_SIZE_MAX (16u << 20)

struct boot_info boot_info;
uint64_t boot_trampoline_page;

/* The RSDP that Multiboot2 passes by value. Its physical address is what others need. */
static uint8_t boot_rsdp_copy[ACPI_RSDP_V1_SIZE + 16] __attribute__((aligned(16)));

static const void *boot_at(uint64_t address, uint64_t size)
{
    if (address >= BOOT_MAP_END || size > BOOT_MAP_END - address)
        return NULL;
    return hal_direct_map(address);
}

static void boot_add_range(uint64_t base, uint64_t length, enum boot_memory_kind kind)
{
    if (length == 0 || base + length < base)
        return;
    if (boot_info.memory_range_count == BOOT_MEMORY_RANGES_MAX) {
        log_warn("boot: memory map has more than %u ranges", BOOT_MEMORY_RANGES_MAX);
        return;
    }
    boot_info.memory_ranges[boot_info.memory_range_count++] =
        (struct boot_memory_range){.base = base, .length = length, .kind = kind};
}

static void boot_add_module(uint64_t base, uint64_t length)
{
    if (length == 0)
        return;
    if (boot_info.module_count == BOOT_MODULES_MAX) {
        log_warn("boot: more than %u modules", BOOT_MODULES_MAX);
        return;
    }
    boot_info.modules[boot_info.module_count++] =
        (struct boot_module){.base = base, .length = length};
}

static void boot_set_command_line(const char *text, size_t limit)
{
    size_t length = lib_strnlen(text, limit);

    if (length >= BOOT_COMMAND_LINE_MAX) {
        log_warn("boot: command line cut to %u characters", BOOT_COMMAND_LINE_MAX - 1);
        length = BOOT_COMMAND_LINE_MAX - 1;
    }
    memcpy(boot_info.command_line, text, length);
    boot_info.command_line[length] = '\0';
}

/* ---- Multiboot2 -------------------------------------------------------------------------- */

static enum boot_memory_kind boot_kind_of_multiboot2(uint32_t type)
{
    switch (type) {
    case MULTIBOOT2_MEMORY_AVAILABLE:
        return BOOT_MEMORY_USABLE;
    case MULTIBOOT2_MEMORY_ACPI:
        return BOOT_MEMORY_ACPI_RECLAIM;
    case MULTIBOOT2_MEMORY_NVS:
        return BOOT_MEMORY_ACPI_NVS;
    case MULTIBOOT2_MEMORY_BAD:
        return BOOT_MEMORY_BAD;
    default:
        return BOOT_MEMORY_RESERVED;
    }
}

static void boot_read_multiboot2_tag(const struct multiboot2_tag *tag)
{
    struct multiboot2_memory_map map;
    struct multiboot2_region region;
    struct multiboot2_module module;
    struct parse_error error;
    const char *text;

    switch (tag->type) {
    case MULTIBOOT2_COMMAND_LINE:
        text = multiboot2_string(tag);
        if (text != NULL)
            boot_set_command_line(text, tag->size);
        break;
    case MULTIBOOT2_MODULE:
        if (multiboot2_module_decode(tag, &module, &error))
            boot_add_module(module.start, module.end - module.start);
        break;
    case MULTIBOOT2_MEMORY_MAP:
        if (!multiboot2_memory_map_open(tag, &map, &error))
            break;
        while (multiboot2_memory_map_next(&map, &region))
            boot_add_range(region.address, region.size, boot_kind_of_multiboot2(region.type));
        break;
    case MULTIBOOT2_RSDP_OLD:
        if (boot_info.rsdp != 0)
            break;
        /* fall through */
    case MULTIBOOT2_RSDP_NEW:
        memcpy(boot_rsdp_copy, tag->body,
               tag->size < sizeof(boot_rsdp_copy) ? tag->size : sizeof(boot_rsdp_copy));
        boot_info.rsdp = arch_image_physical(boot_rsdp_copy);
        break;
    default:
        break;
    }
}

static void boot_read_multiboot2(uint32_t address)
{
    const void *information = boot_at(address, sizeof(uint64_t));
    struct multiboot2 multiboot;
    struct multiboot2_tag tag;
    struct parse_error error = {0};
    uint32_t size = multiboot2_total_size(information);
    enum parse_step step = PARSE_BAD;

    if (size > MB2_INFO_SIZE_MAX || boot_at(address, size) == NULL)
        log_error("boot: multiboot2 information of 0x%x bytes", size);
    else if (multiboot2_open(&multiboot, information, size, &error))
        while ((step = multiboot2_next(&multiboot, &tag, &error)) == PARSE_ITEM)
            boot_read_multiboot2_tag(&tag);
    if (step == PARSE_BAD && error.what != NULL)
        log_error("boot: multiboot2: %s at offset 0x%lx: %s", error.what, error.offset,
                  error.detail);
}

/* ---- PVH --------------------------------------------------------------------------------- */

static enum boot_memory_kind boot_kind_of_pvh(uint32_t type)
{
    switch (type) {
    case PVH_MEMORY_RAM:
        return BOOT_MEMORY_USABLE;
    case PVH_MEMORY_ACPI:
        return BOOT_MEMORY_ACPI_RECLAIM;
    case PVH_MEMORY_NVS:
        return BOOT_MEMORY_ACPI_NVS;
    case PVH_MEMORY_UNUSABLE:
        return BOOT_MEMORY_BAD;
    default:
        return BOOT_MEMORY_RESERVED;
    }
}

static void boot_read_pvh(uint32_t address)
{
    struct pvh_start start;
    struct pvh_module module;
    struct pvh_region region;
    struct parse_error error;
    const void *bytes = boot_at(address, PVH_START_SIZE);
    size_t size;

    if (bytes == NULL || !pvh_start_parse(bytes, PVH_START_SIZE, &start, &error)) {
        log_error("boot: no PVH start information at 0x%x", address);
        return;
    }
    boot_info.rsdp = start.rsdp;
    bytes = boot_at(start.command_line, BOOT_COMMAND_LINE_MAX);
    if (start.command_line != 0 && bytes != NULL)
        boot_set_command_line(bytes, BOOT_COMMAND_LINE_MAX);
    size = (size_t)start.module_count * PVH_MODULE_SIZE;
    bytes = boot_at(start.modules, size);
    for (unsigned i = 0; bytes != NULL && pvh_module_at(bytes, size, i, &module); i++)
        boot_add_module(module.address, module.size);
    size = (size_t)start.region_count * PVH_REGION_SIZE;
    bytes = boot_at(start.regions, size);
    for (unsigned i = 0; bytes != NULL && pvh_region_at(bytes, size, i, &region); i++)
        boot_add_range(region.address, region.size, boot_kind_of_pvh(region.type));
}

/* ---- both -------------------------------------------------------------------------------- */

/* Cut the last page below 640 KiB off the range it is in; what little lies behind goes with it. */
static void boot_take_trampoline_page(void)
{
    struct boot_memory_range *best = NULL;
    uint64_t page = 0;

    for (uint32_t i = 0; i < boot_info.memory_range_count; i++) {
        struct boot_memory_range *range = &boot_info.memory_ranges[i];
        uint64_t end = range->base + range->length;

        if (end > CONVENTIONAL_END)
            end = CONVENTIONAL_END;
        if (range->kind != BOOT_MEMORY_USABLE || end < HAL_PAGE_SIZE * 2)
            continue;
        end = ALIGN_DOWN(end, HAL_PAGE_SIZE) - HAL_PAGE_SIZE;
        if (end >= range->base && end > page) {
            best = range;
            page = end;
        }
    }
    if (best == NULL) {
        log_warn("boot: no free page below 640 KiB: only the boot CPU can run");
        return;
    }
    best->length = page - best->base;
    boot_trampoline_page = page;
}

void boot_info_read(uint32_t magic, uint32_t info_physical)
{
    if (magic == MULTIBOOT2_BOOTLOADER_MAGIC) {
        boot_info.protocol = "multiboot2";
        boot_read_multiboot2(info_physical);
    } else if (magic == PVH_START_MAGIC) {
        boot_info.protocol = "pvh";
        boot_read_pvh(info_physical);
    } else {
        boot_info.protocol = "unknown";
        log_error("boot: unknown loader magic 0x%08x", magic);
    }
    boot_take_trampoline_page();
}
