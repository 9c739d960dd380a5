/*
 * The tables behind a PE image's data directories: imports, base relocations, exception directory,
 * load configuration. All are read from the file, through pe_file_at(), of an image whose section
 * table is sound; what is outside the file-backed part of a section counts as malformed.
 */
#include "parse/pe_tables.h"

#include <hw/pe.h>
#include <lib/bits.h>

#define PE_NAME_MAX 512u     /* of a library or a routine */
#define PE_IMPORT_MAX 65536u /* bounds the work where descriptors share a lookup table */

/* Where in the file an RVA's bytes are, for error messages; 0 if nowhere. */
static uint64_t file_offset(const struct pe_image *image, uint32_t rva)
{
    const uint8_t *at = pe_file_at(image, rva, 1);

    return at ? (uint64_t)(at - image->file.data) : 0;
}

/* A string that ends within its section's file-backed bytes and is neither empty nor absurd. */
static const char *string_at(const struct pe_image *image, uint32_t rva)
{
    struct pe_section section;

    if (!pe_section_containing(image, rva, 1, &section) || rva - section.rva >= section.raw_size)
        return NULL;

    const char *text = (const char *)image->file.data + section.raw_offset + (rva - section.rva);
    uint32_t limit = section.raw_size - (rva - section.rva);
    if (limit > PE_NAME_MAX)
        limit = PE_NAME_MAX;
    for (uint32_t length = 0; length < limit; length++) {
        if (text[length] == '\0')
            return length ? text : NULL;
    }
    return NULL;
}

void pe_import_begin(const struct pe_image *image, struct pe_import_iterator *iterator)
{
    *iterator = (struct pe_import_iterator){.image = image, .descriptor_rva = image->import.rva};
}

/* Enter the next library. PARSE_ITEM: entered. */
static enum parse_step next_library(struct pe_import_iterator *iterator, struct parse_error *error)
{
    const struct pe_image *image = iterator->image;
    struct pe_import_descriptor descriptor;
    uint32_t rva = iterator->descriptor_rva;
    const void *at = pe_file_at(image, rva, sizeof(descriptor));

    if (!at) {
        return parse_bad(error, "import descriptor", file_offset(image, rva),
                         "not inside a section's data", rva);
    }
    __builtin_memcpy(&descriptor, at, sizeof(descriptor));
    if (descriptor.name == 0 || descriptor.address_table == 0)
        return PARSE_END;

    iterator->library = string_at(image, descriptor.name);
    if (!iterator->library) {
        return parse_bad(error, "import descriptor Name", file_offset(image, rva),
                         "no string at RVA", descriptor.name);
    }
    iterator->descriptor_rva = rva + sizeof(descriptor);
    iterator->slot_rva = descriptor.address_table;
    iterator->lookup_rva =
        descriptor.lookup_table ? descriptor.lookup_table : descriptor.address_table;
    return PARSE_ITEM;
}

/* Decode one lookup entry that is not 0. */
static bool decode_import(const struct pe_import_iterator *iterator, uint64_t lookup,
                          struct pe_import *import, struct parse_error *error)
{
    const struct pe_image *image = iterator->image;

    import->library = iterator->library;
    import->slot_rva = iterator->slot_rva;
    if (lookup & PE_LOOKUP_BY_ORDINAL) {
        import->name = NULL;
        import->ordinal = (uint16_t)FIELD_GET(PE_LOOKUP_ORDINAL, lookup);
        return true;
    }

    uint32_t rva = (uint32_t)FIELD_GET(PE_LOOKUP_NAME_RVA, lookup);
    const void *hint = pe_file_at(image, rva, PE_HINT_SIZE);
    import->name =
        hint && lookup <= PE_LOOKUP_NAME_RVA ? string_at(image, rva + PE_HINT_SIZE) : NULL;
    if (!import->name)
        return parse_fail_value(error, "import lookup entry",
                                file_offset(image, iterator->lookup_rva), "no hint and name at RVA",
                                lookup);
    import->ordinal = parse_u16(hint);
    return true;
}

enum parse_step pe_import_next(struct pe_import_iterator *iterator, struct pe_import *import,
                               struct parse_error *error)
{
    const struct pe_image *image = iterator->image;

    if (iterator->descriptor_rva == 0)
        return PARSE_END;
    for (;;) {
        if (iterator->lookup_rva == 0) {
            enum parse_step step = next_library(iterator, error);
            if (step != PARSE_ITEM)
                return step;
        }
        const void *at = pe_file_at(image, iterator->lookup_rva, sizeof(uint64_t));
        if (!at) {
            return parse_bad(error, "import lookup table", file_offset(image, iterator->lookup_rva),
                             "not inside a section's data", iterator->lookup_rva);
        }
        uint64_t lookup = parse_u64(at);
        if (lookup == 0) {
            iterator->lookup_rva = 0;
            continue;
        }
        if (!pe_section_containing(image, iterator->slot_rva, sizeof(uint64_t), NULL)) {
            return parse_bad(error, "import address table",
                             file_offset(image, iterator->lookup_rva),
                             "the slot is not inside a section", iterator->slot_rva);
        }
        if (++iterator->count > PE_IMPORT_MAX) {
            return parse_bad(error, "import lookup table", file_offset(image, iterator->lookup_rva),
                             "too many imports", iterator->count);
        }
        if (!decode_import(iterator, lookup, import, error))
            return PARSE_BAD;
        iterator->lookup_rva += (uint32_t)sizeof(uint64_t);
        iterator->slot_rva += (uint32_t)sizeof(uint64_t);
        return PARSE_ITEM;
    }
}

void pe_relocation_begin(const struct pe_image *image, struct pe_relocation_iterator *iterator)
{
    *iterator = (struct pe_relocation_iterator){
        .image = image,
        .next = image->relocation.rva,
        .block_end = image->relocation.rva,
    };
}

/* Enter the block at iterator->next. PARSE_ITEM: entered. */
static enum parse_step next_block(struct pe_relocation_iterator *iterator,
                                  struct parse_error *error)
{
    const struct pe_image *image = iterator->image;
    uint32_t end = image->relocation.rva + image->relocation.size;
    uint32_t left = end - iterator->next;
    struct pe_relocation_block block;

    if (left < sizeof(block))
        return PARSE_END;
    const void *at = pe_file_at(image, iterator->next, sizeof(block));
    if (!at) {
        return parse_bad(error, "base relocation block", file_offset(image, iterator->next),
                         "not inside a section's data", iterator->next);
    }
    __builtin_memcpy(&block, at, sizeof(block));
    if (block.page_rva == 0 && block.block_size == 0)
        return PARSE_END; /* padding some linkers count as part of the directory */
    if (block.block_size < sizeof(block) || block.block_size > left || block.block_size % 2 ||
        !pe_file_at(image, iterator->next, block.block_size)) {
        return parse_bad(error, "base relocation SizeOfBlock", file_offset(image, iterator->next),
                         "does not fit the directory", block.block_size);
    }
    iterator->page_rva = block.page_rva;
    iterator->block_end = iterator->next + block.block_size;
    iterator->next += (uint32_t)sizeof(block);
    return PARSE_ITEM;
}

enum parse_step pe_relocation_next(struct pe_relocation_iterator *iterator, uint32_t *target_rva,
                                   struct parse_error *error)
{
    const struct pe_image *image = iterator->image;

    for (;;) {
        if (iterator->next == iterator->block_end) {
            enum parse_step step = next_block(iterator, error);
            if (step != PARSE_ITEM)
                return step;
            continue; /* the block may hold no entry */
        }
        const void *at = pe_file_at(image, iterator->next, sizeof(uint16_t));
        uint16_t entry = parse_u16(at); /* next_block() checked the whole block */
        uint32_t type = (uint32_t)FIELD_GET(PE_RELOCATION_TYPE, entry);
        uint64_t target = (uint64_t)iterator->page_rva + FIELD_GET(PE_RELOCATION_OFFSET, entry);

        if (type != PE_RELOCATION_ABSOLUTE && type != PE_RELOCATION_DIR64) {
            return parse_bad(error, "base relocation type", file_offset(image, iterator->next),
                             "neither DIR64 nor ABSOLUTE", type);
        }
        if (type == PE_RELOCATION_DIR64 &&
            (target > UINT32_MAX ||
             !pe_section_containing(image, (uint32_t)target, sizeof(uint64_t), NULL))) {
            return parse_bad(error, "base relocation", file_offset(image, iterator->next),
                             "the target is not inside a section", target);
        }
        iterator->next += (uint32_t)sizeof(uint16_t);
        if (type == PE_RELOCATION_DIR64) {
            *target_rva = (uint32_t)target;
            return PARSE_ITEM;
        }
    }
}

bool pe_exception_check(const struct pe_image *image, struct parse_error *error)
{
    const struct pe_range *range = &image->exception;
    struct pe_runtime_function function;
    uint32_t least_begin = 0;

    if (range->size == 0)
        return true;
    const uint8_t *table = pe_file_at(image, range->rva, range->size);
    if (!table)
        return parse_fail_value(error, "exception directory", 0, "not inside a section's data",
                                range->rva);
    uint64_t offset = (uint64_t)(table - image->file.data);
    if (range->size % sizeof(function))
        return parse_fail_value(error, "exception directory", offset, "size not a multiple of 12",
                                range->size);

    for (uint32_t at = 0; at < range->size; at += (uint32_t)sizeof(function)) {
        __builtin_memcpy(&function, table + at, sizeof(function));
        if (function.begin_address >= function.end_address ||
            function.end_address > image->size_of_image)
            return parse_fail_value(error, "RUNTIME_FUNCTION", offset + at,
                                    "not a range inside the image", function.begin_address);
        if (function.begin_address < least_begin)
            return parse_fail_value(error, "RUNTIME_FUNCTION", offset + at, "not in order",
                                    function.begin_address);
        if (function.unwind_information >= image->size_of_image)
            return parse_fail_value(error, "RUNTIME_FUNCTION UnwindData", offset + at,
                                    "leaves SizeOfImage", function.unwind_information);
        least_begin = function.begin_address + 1;
    }
    return true;
}

bool pe_load_config_read(struct pe_image *image, struct pe_range load_config,
                         struct parse_error *error)
{
    const uint32_t least = PE_LOAD_CONFIG_SECURITY_COOKIE + sizeof(uint64_t);
    struct pe_section section;

    if (load_config.size == 0)
        return true;
    const uint8_t *size_field = pe_file_at(image, load_config.rva, sizeof(uint32_t));
    if (!size_field)
        return parse_fail_value(error, "load configuration", 0, "not inside a section's data",
                                load_config.rva);
    if (parse_u32(size_field + PE_LOAD_CONFIG_SIZE) < least)
        return true; /* from a linker that knew no cookie */

    uint64_t offset = (uint64_t)(size_field - image->file.data);
    const uint8_t *config = pe_file_at(image, load_config.rva, least);
    if (!config)
        return parse_fail(error, "load configuration", offset, "past the section's data");
    uint64_t cookie = parse_u64(config + PE_LOAD_CONFIG_SECURITY_COOKIE);
    if (cookie == 0)
        return true;
    uint64_t rva = cookie - image->image_base;
    if (cookie < image->image_base || rva >= image->size_of_image ||
        !pe_section_containing(image, (uint32_t)rva, sizeof(uint64_t), &section) ||
        !section.writable)
        return parse_fail_value(error, "SecurityCookie", offset + PE_LOAD_CONFIG_SECURITY_COOKIE,
                                "not in a writable section", cookie);
    image->cookie_rva = (uint32_t)rva;
    return true;
}
