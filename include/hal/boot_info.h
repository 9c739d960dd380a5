/*
 * hal/boot_info.h - what the boot loader told us, in one form for Multiboot2 and PVH.
 *
 * Filled by arch/x86_64/boot_info.c before anything else runs; constant afterwards. Module memory
 * and everything else named here lies outside the ranges marked usable, or is reserved by mm.
 */
#pragma once

#include <hal/types.h>

enum boot_memory_kind {
    BOOT_MEMORY_USABLE = 1,
    BOOT_MEMORY_RESERVED = 2,
    BOOT_MEMORY_ACPI_RECLAIM = 3,
    BOOT_MEMORY_ACPI_NVS = 4,
    BOOT_MEMORY_BAD = 5,
};

struct boot_memory_range {
    phys_addr_t base;
    uint64_t length;
    enum boot_memory_kind kind;
};

struct boot_module {
    phys_addr_t base;
    uint64_t length;
};

enum { BOOT_MEMORY_RANGES_MAX = 256, BOOT_MODULES_MAX = 8, BOOT_COMMAND_LINE_MAX = 1024 };

struct boot_info {
    const char *protocol; /* "multiboot2" or "pvh" */
    char command_line[BOOT_COMMAND_LINE_MAX];
    uint32_t memory_range_count;
    struct boot_memory_range memory_ranges[BOOT_MEMORY_RANGES_MAX];
    uint32_t module_count;
    struct boot_module modules[BOOT_MODULES_MAX];
    phys_addr_t rsdp; /* 0: not told, search the BIOS area */
};
