/*
 * struct hvm_start_info and the arrays it points to. Xen public/arch-x86/hvm/start_info.h.
 */
#include "parse/pvh.h"

struct pvh_start_layout {
    uint32_t magic;
    uint32_t version;
    uint32_t flags;
    uint32_t module_count;
    uint64_t modules;
    uint64_t command_line;
    uint64_t rsdp;
    uint64_t regions; /* from here on version 1 */
    uint32_t region_count;
    uint32_t reserved;
};
_Static_assert(sizeof(struct pvh_start_layout) == PVH_START_SIZE, "hvm_start_info");

struct pvh_module_layout {
    uint64_t address;
    uint64_t size;
    uint64_t command_line;
    uint64_t reserved;
};
_Static_assert(sizeof(struct pvh_module_layout) == PVH_MODULE_SIZE, "hvm_modlist_entry");

struct pvh_region_layout {
    uint64_t address;
    uint64_t size;
    uint32_t type;
    uint32_t reserved;
};
_Static_assert(sizeof(struct pvh_region_layout) == PVH_REGION_SIZE, "hvm_memmap_table_entry");

#define PVH_COUNT_MAX 4096u /* of modules and of regions: more is garbage */

bool pvh_start_parse(const void *bytes, size_t size, struct pvh_start *start,
                     struct parse_error *error)
{
    const size_t version_0_size = offsetof(struct pvh_start_layout, regions);
    struct pvh_start_layout layout = {.regions = 0};

    if (size < version_0_size)
        return parse_fail_value(error, "hvm_start_info", 0, "cut off, bytes", size);
    __builtin_memcpy(&layout, bytes, version_0_size);
    if (layout.magic != PVH_START_MAGIC)
        return parse_fail_value(error, "hvm_start_info magic", 0, "wrong", layout.magic);
    if (layout.version >= 1) {
        if (size < sizeof(layout))
            return parse_fail_value(error, "hvm_start_info", 0, "cut off, bytes", size);
        __builtin_memcpy(&layout, bytes, sizeof(layout));
    }
    if (layout.module_count > PVH_COUNT_MAX)
        return parse_fail_value(error, "hvm_start_info nr_modules",
                                offsetof(struct pvh_start_layout, module_count), "absurd",
                                layout.module_count);
    if (layout.region_count > PVH_COUNT_MAX)
        return parse_fail_value(error, "hvm_start_info memmap_entries",
                                offsetof(struct pvh_start_layout, region_count), "absurd",
                                layout.region_count);

    start->version = layout.version;
    start->flags = layout.flags;
    start->module_count = layout.modules ? layout.module_count : 0;
    start->modules = layout.modules;
    start->command_line = layout.command_line;
    start->rsdp = layout.rsdp;
    start->regions = layout.regions;
    start->region_count = layout.regions ? layout.region_count : 0;
    return true;
}

bool pvh_module_at(const void *modules, size_t size, unsigned index, struct pvh_module *module)
{
    struct pvh_module_layout layout;

    if (!parse_copy((struct parse_bytes){modules, size}, (uint64_t)index * sizeof(layout), &layout,
                    sizeof(layout)))
        return false;
    module->address = layout.address;
    module->size = layout.size;
    module->command_line = layout.command_line;
    return true;
}

bool pvh_region_at(const void *regions, size_t size, unsigned index, struct pvh_region *region)
{
    struct pvh_region_layout layout;

    if (!parse_copy((struct parse_bytes){regions, size}, (uint64_t)index * sizeof(layout), &layout,
                    sizeof(layout)))
        return false;
    region->address = layout.address;
    region->size = layout.size;
    region->type = layout.type;
    return true;
}
