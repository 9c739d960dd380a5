/*
 * PE images: a small loader. What pe_parse() accepts is mapped, relocated and has its import slots
 * filled, without a check of its own: the parser's promises must suffice.
 */
#include "fuzz.h"

#include "parse/pe.h"

#define MAPPED_MAX (1u << 20) /* keeps runs short; larger images are only walked */

static void map_sections(const struct pe_image *image, uint8_t *memory)
{
    struct pe_section section;

    memcpy(memory, image->file.data, image->size_of_headers);
    for (unsigned i = 0; pe_section_at(image, i, &section); i++) {
        FUZZ_CHECK(section.rva % 4096 == 0 && section.mapped_size % 4096 == 0);
        FUZZ_CHECK(!(section.writable && section.executable) || section.discardable);
        memcpy(memory + section.rva, image->file.data + section.raw_offset, section.raw_size);
        memory[section.rva + section.mapped_size - 1] = 0;
    }
}

static void walk_relocations(const struct pe_image *image, uint8_t *memory)
{
    struct pe_relocation_iterator iterator;
    struct parse_error error = {0};
    enum parse_step step;
    uint32_t rva;
    uint64_t word;

    pe_relocation_begin(image, &iterator);
    while ((step = pe_relocation_next(&iterator, &rva, &error)) == PARSE_ITEM) {
        FUZZ_CHECK((uint64_t)rva + sizeof(word) <= image->size_of_image);
        if (!memory)
            continue;
        memcpy(&word, memory + rva, sizeof(word));
        word += 0x1000;
        memcpy(memory + rva, &word, sizeof(word));
    }
    FUZZ_CHECK(step == PARSE_END || error.what);
}

static void walk_imports(const struct pe_image *image, uint8_t *memory)
{
    struct pe_import_iterator iterator;
    struct pe_import import;
    struct parse_error error = {0};
    enum parse_step step;

    pe_import_begin(image, &iterator);
    while ((step = pe_import_next(&iterator, &import, &error)) == PARSE_ITEM) {
        FUZZ_CHECK(strlen(import.library) > 0);
        FUZZ_CHECK(!import.name || strlen(import.name) > 0);
        FUZZ_CHECK((uint64_t)import.slot_rva + 8 <= image->size_of_image);
        if (memory)
            memset(memory + import.slot_rva, 0xA5, 8);
    }
    FUZZ_CHECK(step == PARSE_END || error.what);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pe_image image;
    struct parse_error error = {0};
    uint8_t *memory = NULL;

    if (!pe_parse(&image, data, size, &error)) {
        FUZZ_CHECK(error.what && error.detail[0]);
        return 0;
    }
    FUZZ_CHECK(image.entry_rva < image.size_of_image);
    FUZZ_CHECK(image.cookie_rva + 8 <= image.size_of_image);
    if (image.size_of_image <= MAPPED_MAX) {
        memory = malloc(image.size_of_image);
        FUZZ_CHECK(memory);
        memset(memory, 0, image.size_of_image);
        map_sections(&image, memory);
    }
    walk_relocations(&image, memory);
    walk_imports(&image, memory);
    free(memory);
    return 0;
}
