/*
 * Multiboot2 boot information: all tags, decoded by their type.
 */
#include "fuzz.h"

#include "parse/multiboot2.h"

static void decode(const struct multiboot2_tag *tag)
{
    struct multiboot2_module module;
    struct multiboot2_memory_map map;
    struct multiboot2_region region;
    const char *text = multiboot2_string(tag);
    size_t count = 0;

    FUZZ_CHECK(!text || strlen(text) < tag->size);
    if (multiboot2_module_decode(tag, &module, NULL))
        FUZZ_CHECK(module.start <= module.end && strlen(module.command_line) < tag->size);
    if (multiboot2_memory_map_open(tag, &map, NULL)) {
        while (multiboot2_memory_map_next(&map, &region))
            FUZZ_CHECK(++count <= tag->size / 24);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct multiboot2 multiboot;
    struct multiboot2_tag tag;
    uint8_t *copy = fuzz_copy(data, size);
    uint32_t total = (uint32_t)size;

    if (size >= 8)
        memcpy(copy, &total, sizeof(total));
    if (multiboot2_open(&multiboot, copy, size, NULL)) {
        while (multiboot2_next(&multiboot, &tag, NULL) == PARSE_ITEM)
            decode(&tag);
    }
    if (multiboot2_open(&multiboot, data, size, NULL)) {
        while (multiboot2_next(&multiboot, &tag, NULL) == PARSE_ITEM)
            decode(&tag);
    }
    free(copy);
    return 0;
}
