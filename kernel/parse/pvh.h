/*
 * The PVH boot protocol (Xen "x86/HVM direct boot ABI", struct hvm_start_info): what `qemu -kernel`
 * passes in EBX. The structure holds physical addresses of further arrays; the boot code maps those
 * and hands their bytes to the decoders below.
 */
#ifndef PARSE_PVH_H
#define PARSE_PVH_H

#include "parse/parse.h"

#define PVH_START_MAGIC 0x336EC578u
#define PVH_START_SIZE 56u  /* version 1; version 0 has 40 bytes and no memory map */
#define PVH_MODULE_SIZE 32u /* struct hvm_modlist_entry */
#define PVH_REGION_SIZE 24u /* struct hvm_memmap_table_entry */

enum pvh_memory_type {
    PVH_MEMORY_RAM = 1,
    PVH_MEMORY_RESERVED = 2,
    PVH_MEMORY_ACPI = 3,
    PVH_MEMORY_NVS = 4,
    PVH_MEMORY_UNUSABLE = 5,
    PVH_MEMORY_DISABLED = 6,
    PVH_MEMORY_PERSISTENT = 7,
};

struct pvh_start {
    uint32_t version;
    uint32_t flags;
    uint32_t module_count;
    uint64_t modules;      /* physical address of module_count * PVH_MODULE_SIZE bytes */
    uint64_t command_line; /* physical address of a string; 0: none */
    uint64_t rsdp;         /* physical address; 0: none */
    uint64_t regions;      /* physical address of region_count * PVH_REGION_SIZE bytes */
    uint32_t region_count;
};

struct pvh_module {
    uint64_t address;
    uint64_t size;
    uint64_t command_line; /* physical address; 0: none */
};

struct pvh_region {
    uint64_t address;
    uint64_t size;
    uint32_t type; /* enum pvh_memory_type */
};

bool pvh_start_parse(const void *bytes, size_t size, struct pvh_start *start,
                     struct parse_error *error);

/* Entry index of the array's bytes; false past their end. */
bool pvh_module_at(const void *modules, size_t size, unsigned index, struct pvh_module *module);
bool pvh_region_at(const void *regions, size_t size, unsigned index, struct pvh_region *region);

#endif
