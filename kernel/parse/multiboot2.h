/*
 * Multiboot2 boot information (Multiboot2 Specification 2.0, 3.6): its tags, one at a time, and the
 * entries of its memory map. The boot code makes struct boot_info of them; nothing is kept here.
 */
#ifndef PARSE_MULTIBOOT2_H
#define PARSE_MULTIBOOT2_H

#include "parse/parse.h"

#define MULTIBOOT2_BOOTLOADER_MAGIC 0x36D76289u /* in EAX */

enum multiboot2_tag_type {
    MULTIBOOT2_END = 0,
    MULTIBOOT2_COMMAND_LINE = 1,
    MULTIBOOT2_LOADER_NAME = 2,
    MULTIBOOT2_MODULE = 3,
    MULTIBOOT2_MEMORY_MAP = 6,
    MULTIBOOT2_FRAMEBUFFER = 8,
    MULTIBOOT2_EFI64_SYSTEM_TABLE = 12,
    MULTIBOOT2_RSDP_OLD = 14,
    MULTIBOOT2_RSDP_NEW = 15,
};

enum multiboot2_memory_type {
    MULTIBOOT2_MEMORY_AVAILABLE = 1,
    MULTIBOOT2_MEMORY_RESERVED = 2,
    MULTIBOOT2_MEMORY_ACPI = 3,
    MULTIBOOT2_MEMORY_NVS = 4,
    MULTIBOOT2_MEMORY_BAD = 5,
};

struct multiboot2_tag {
    uint32_t type;
    const void *body; /* past type and size */
    uint32_t size;    /* of the body */
    uint64_t offset;  /* of the tag in the information */
};

struct multiboot2_module {
    uint32_t start; /* physical */
    uint32_t end;
    const char *command_line; /* NUL-terminated */
};

struct multiboot2_region {
    uint64_t address;
    uint64_t size;
    uint32_t type; /* enum multiboot2_memory_type */
};

struct multiboot2 {
    struct parse_bytes information;
    uint64_t next;
};

struct multiboot2_memory_map {
    struct parse_bytes entries;
    uint32_t entry_size;
    uint64_t next;
};

/* Total size from the first 4 bytes: how much to map before multiboot2_open(). */
static inline uint32_t multiboot2_total_size(const void *information)
{
    return parse_u32(information);
}

bool multiboot2_open(struct multiboot2 *multiboot, const void *information, uint64_t size,
                     struct parse_error *error);
enum parse_step multiboot2_next(struct multiboot2 *multiboot, struct multiboot2_tag *tag,
                                struct parse_error *error);

/* The body of COMMAND_LINE and LOADER_NAME; NULL if it is not terminated. */
const char *multiboot2_string(const struct multiboot2_tag *tag);

bool multiboot2_module_decode(const struct multiboot2_tag *tag, struct multiboot2_module *module,
                              struct parse_error *error);

bool multiboot2_memory_map_open(const struct multiboot2_tag *tag, struct multiboot2_memory_map *map,
                                struct parse_error *error);
bool multiboot2_memory_map_next(struct multiboot2_memory_map *map,
                                struct multiboot2_region *region);

#endif
