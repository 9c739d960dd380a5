/*
 * Tags of Multiboot2 boot information. Multiboot2 Specification 2.0, 3.6: tags begin at multiples
 * of 8 bytes, and their size does not count the padding.
 */
#include "parse/multiboot2.h"

#define MULTIBOOT2_INFORMATION_MAX (16u << 20)
#define MULTIBOOT2_HEADER_SIZE 8u /* total_size, reserved */
#define MULTIBOOT2_TAG_ALIGNMENT 8u

/* 3.6.2 "Basic tags structure" */
struct multiboot2_tag_layout {
    uint32_t type;
    uint32_t size; /* this header included */
};

/* 3.6.6 "Modules", up to the string */
struct multiboot2_module_layout {
    uint32_t start;
    uint32_t end;
};

/* 3.6.8 "Memory map", its header and one entry */
struct multiboot2_map_layout {
    uint32_t entry_size;
    uint32_t entry_version;
};

struct multiboot2_region_layout {
    uint64_t address;
    uint64_t length;
    uint32_t type;
    uint32_t reserved;
};
_Static_assert(sizeof(struct multiboot2_region_layout) == 24, "Multiboot2 3.6.8");

bool multiboot2_open(struct multiboot2 *multiboot, const void *information, uint64_t size,
                     struct parse_error *error)
{
    if (size < MULTIBOOT2_HEADER_SIZE)
        return parse_fail_value(error, "boot information", 0, "cut off, bytes", size);
    uint32_t total = multiboot2_total_size(information);
    if (total < MULTIBOOT2_HEADER_SIZE || total > size || total > MULTIBOOT2_INFORMATION_MAX)
        return parse_fail_value(error, "boot information total_size", 0, "absurd", total);
    multiboot->information = (struct parse_bytes){information, total};
    multiboot->next = MULTIBOOT2_HEADER_SIZE;
    return true;
}

enum parse_step multiboot2_next(struct multiboot2 *multiboot, struct multiboot2_tag *tag,
                                struct parse_error *error)
{
    struct parse_bytes information = multiboot->information;
    struct multiboot2_tag_layout layout;
    uint64_t at = multiboot->next;

    if (at >= information.size)
        return PARSE_END; /* the end tag is missing; nothing is lost */
    if (!parse_copy(information, at, &layout, sizeof(layout)))
        return parse_bad(error, "tag", at, "cut off, total_size", information.size);
    if (layout.size < sizeof(layout) || !parse_range_ok(information.size, at, layout.size))
        return parse_bad(error, "tag size", at + offsetof(struct multiboot2_tag_layout, size),
                         "leaves the boot information", layout.size);
    if (layout.type == MULTIBOOT2_END)
        return PARSE_END;
    tag->type = layout.type;
    tag->body = information.data + at + sizeof(layout);
    tag->size = layout.size - (uint32_t)sizeof(layout);
    tag->offset = at;
    uint64_t end = at + layout.size;
    multiboot->next =
        (end + MULTIBOOT2_TAG_ALIGNMENT - 1) / MULTIBOOT2_TAG_ALIGNMENT * MULTIBOOT2_TAG_ALIGNMENT;
    return PARSE_ITEM;
}

/* The string from an offset of the body on, if it ends within the body. */
static const char *string_in(const struct multiboot2_tag *tag, uint32_t from)
{
    const char *text = tag->body;

    for (uint32_t at = from; at < tag->size; at++) {
        if (text[at] == '\0')
            return text + from;
    }
    return NULL;
}

const char *multiboot2_string(const struct multiboot2_tag *tag)
{
    return string_in(tag, 0);
}

bool multiboot2_module_decode(const struct multiboot2_tag *tag, struct multiboot2_module *module,
                              struct parse_error *error)
{
    struct multiboot2_module_layout layout;
    struct parse_bytes body = {tag->body, tag->size};

    if (tag->type != MULTIBOOT2_MODULE || !parse_copy(body, 0, &layout, sizeof(layout)))
        return parse_fail_value(error, "module tag", tag->offset, "too short, bytes", tag->size);
    if (layout.end < layout.start)
        return parse_fail_value(error, "module mod_end", tag->offset, "below mod_start",
                                layout.end);
    module->start = layout.start;
    module->end = layout.end;
    module->command_line = string_in(tag, sizeof(layout));
    if (!module->command_line)
        return parse_fail(error, "module string", tag->offset, "not terminated");
    return true;
}

bool multiboot2_memory_map_open(const struct multiboot2_tag *tag, struct multiboot2_memory_map *map,
                                struct parse_error *error)
{
    struct multiboot2_map_layout layout;
    struct parse_bytes body = {tag->body, tag->size};

    if (tag->type != MULTIBOOT2_MEMORY_MAP || !parse_copy(body, 0, &layout, sizeof(layout)))
        return parse_fail_value(error, "memory map tag", tag->offset, "too short, bytes",
                                tag->size);
    if (layout.entry_size < sizeof(struct multiboot2_region_layout))
        return parse_fail_value(error, "memory map entry_size", tag->offset, "too short",
                                layout.entry_size);
    map->entries = body;
    map->entry_size = layout.entry_size;
    map->next = sizeof(layout);
    return true;
}

bool multiboot2_memory_map_next(struct multiboot2_memory_map *map, struct multiboot2_region *region)
{
    struct multiboot2_region_layout layout;

    if (!parse_copy(map->entries, map->next, &layout, sizeof(layout)))
        return false;
    region->address = layout.address;
    region->size = layout.length;
    region->type = layout.type;
    map->next += map->entry_size;
    return true;
}
