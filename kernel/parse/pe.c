/*
 * PE32+ structure checks: headers, section table, entry point, security cookie, and the translation
 * of RVAs to the file's bytes. The tables behind the data directories are pe_tables.c's.
 *
 * The order of the checks matters: pe_section_at() and pe_file_at() rely on a section table that
 * pe_parse() has found sound, so the directories are looked at last.
 */
#include "parse/pe.h"

#include <hw/pe.h>
#include <lib/bits.h>

#include "parse/pe_tables.h"

#define PE_PAGE_SIZE 4096u

/* Where the variable parts of the headers lie in the file. */
struct pe_layout {
    uint64_t optional;
    uint64_t directories;
    uint32_t directory_count;
};

/* MZ, PE and the COFF header: sets the section count and finds the optional header. */
static bool check_file_header(struct pe_image *image, struct pe_layout *layout,
                              struct parse_error *error)
{
    struct parse_bytes file = image->file;
    struct pe_file_header header;

    if (file.size < PE_DOS_HEADER_SIZE)
        return parse_fail_value(error, "DOS header", 0, "the file is too short", file.size);
    if (parse_u16(file.data) != PE_DOS_MAGIC)
        return parse_fail(error, "e_magic", 0, "not MZ");

    uint64_t signature = parse_u32(file.data + PE_DOS_NEW_HEADER);
    uint64_t at = signature + sizeof(uint32_t);
    if (!parse_copy(file, at, &header, sizeof(header)))
        return parse_fail_value(error, "e_lfanew", PE_DOS_NEW_HEADER, "past the end of the file",
                                signature);
    if (parse_u32(file.data + signature) != PE_SIGNATURE)
        return parse_fail(error, "Signature", signature, "not PE");
    if (header.machine != PE_MACHINE_AMD64)
        return parse_fail_value(error, "Machine", at + offsetof(struct pe_file_header, machine),
                                "not x64", header.machine);
    if (!(header.characteristics & PE_FILE_EXECUTABLE_IMAGE))
        return parse_fail_value(error, "Characteristics",
                                at + offsetof(struct pe_file_header, characteristics),
                                "not an executable image", header.characteristics);
    if (header.number_of_sections == 0 || header.number_of_sections > PE_SECTION_COUNT_MAX)
        return parse_fail_value(error, "NumberOfSections",
                                at + offsetof(struct pe_file_header, number_of_sections),
                                "not 1 to 96", header.number_of_sections);
    if (header.size_of_optional_header < sizeof(struct pe_optional_header))
        return parse_fail_value(error, "SizeOfOptionalHeader",
                                at + offsetof(struct pe_file_header, size_of_optional_header),
                                "too short for PE32+", header.size_of_optional_header);

    image->section_count = header.number_of_sections;
    image->characteristics = header.characteristics;
    image->relocations_stripped = header.characteristics & PE_FILE_RELOCS_STRIPPED;
    image->timestamp = header.time_date_stamp;
    layout->optional = at + sizeof(header);
    layout->directories = layout->optional + sizeof(struct pe_optional_header);
    layout->directory_count = (header.size_of_optional_header - sizeof(struct pe_optional_header)) /
                              sizeof(struct pe_data_directory);
    image->section_table = layout->optional + header.size_of_optional_header;
    if (!parse_range_ok(file.size, image->section_table,
                        header.number_of_sections * sizeof(struct pe_section_header)))
        return parse_fail(error, "section table", image->section_table, "past the end of the file");
    return true;
}

/* Alignment and sizes of the optional header. */
static bool check_optional_header(struct pe_image *image, struct pe_layout *layout,
                                  struct parse_error *error)
{
    struct pe_optional_header header;
    uint64_t at = layout->optional;

    if (!parse_copy(image->file, at, &header, sizeof(header)))
        return parse_fail(error, "optional header", at, "past the end of the file");

#define BAD(field, member, text)                                                                   \
    parse_fail_value(error, field, at + offsetof(struct pe_optional_header, member), text,         \
                     header.member)
    if (header.magic != PE_MAGIC_PE32_PLUS)
        return BAD("Magic", magic, "not PE32+");
    if (header.subsystem != PE_SUBSYSTEM_NATIVE)
        return BAD("Subsystem", subsystem, "not native, so no driver");
    if (!bits_is_power_of_two(header.section_alignment) || header.section_alignment < PE_PAGE_SIZE)
        return BAD("SectionAlignment", section_alignment, "not a power of two of pages");
    if (!bits_is_power_of_two(header.file_alignment) || header.file_alignment < 512 ||
        header.file_alignment > 65536)
        return BAD("FileAlignment", file_alignment, "not a power of two of 512 to 64K");
    if (header.size_of_image == 0 || !IS_ALIGNED(header.size_of_image, PE_PAGE_SIZE))
        return BAD("SizeOfImage", size_of_image, "not a whole number of pages");
    if (header.size_of_image > PE_IMAGE_SIZE_MAX)
        return BAD("SizeOfImage", size_of_image, "above 64 MB");
    if (header.size_of_headers > image->file.size)
        return BAD("SizeOfHeaders", size_of_headers, "past the end of the file");
    if (header.size_of_headers <
        image->section_table + image->section_count * sizeof(struct pe_section_header))
        return BAD("SizeOfHeaders", size_of_headers, "does not cover the section table");
    if (!IS_ALIGNED(header.image_base, 65536))
        return BAD("ImageBase", image_base, "not a multiple of 64K");
    if (header.image_base > UINT64_MAX - header.size_of_image)
        return BAD("ImageBase", image_base, "the image wraps around");
#undef BAD

    image->image_base = header.image_base;
    image->size_of_image = header.size_of_image;
    image->size_of_headers = header.size_of_headers;
    image->entry_rva = header.address_of_entry_point;
    image->checksum = header.check_sum;
    image->dll_characteristics = header.dll_characteristics;
    if (layout->directory_count > header.number_of_rva_and_sizes)
        layout->directory_count = header.number_of_rva_and_sizes;

    /* FileAlignment serves check_sections(): raw data begins at a multiple of it. */
    image->file_alignment = header.file_alignment;
    return true;
}

bool pe_section_at(const struct pe_image *image, unsigned index, struct pe_section *section)
{
    struct pe_section_header header;

    if (index >= image->section_count ||
        !parse_copy(image->file, image->section_table + index * sizeof(header), &header,
                    sizeof(header)))
        return false;

    __builtin_memcpy(section->name, header.name, sizeof(header.name));
    section->name[sizeof(header.name)] = '\0';
    section->rva = header.virtual_address;
    section->size = header.virtual_size ? header.virtual_size : header.size_of_raw_data;
    section->mapped_size = section->size > PE_IMAGE_SIZE_MAX
                               ? UINT32_MAX /* check_sections() refuses it */
                               : (uint32_t)ALIGN_UP(section->size, PE_PAGE_SIZE);
    section->raw_offset = header.pointer_to_raw_data;
    section->raw_size = header.pointer_to_raw_data ? header.size_of_raw_data : 0;
    if (section->raw_size > section->mapped_size)
        section->raw_size = section->mapped_size;
    section->characteristics = header.characteristics;
    section->writable = header.characteristics & PE_SCN_MEM_WRITE;
    section->executable = header.characteristics & PE_SCN_MEM_EXECUTE;
    section->discardable = header.characteristics & PE_SCN_MEM_DISCARDABLE;
    return true;
}

/* One section against its image; least_rva is where the one before it ended. */
static bool check_section(struct pe_image *image, const struct pe_section *section, uint64_t at,
                          uint32_t least_rva, struct parse_error *error)
{
#define BAD(field, member, text, value)                                                            \
    parse_fail_value(error, field, at + offsetof(struct pe_section_header, member), text, value)
    if (!IS_ALIGNED(section->rva, PE_PAGE_SIZE))
        return BAD("section VirtualAddress", virtual_address, "not page aligned", section->rva);
    if (section->rva < least_rva)
        return BAD("section VirtualAddress", virtual_address, "overlaps what precedes it",
                   section->rva);
    if (section->size == 0)
        return BAD("section VirtualSize", virtual_size, "the section is empty", 0);
    if (!parse_range_ok(image->size_of_image, section->rva, section->mapped_size))
        return BAD("section VirtualSize", virtual_size, "the section leaves SizeOfImage",
                   section->size);
    if (section->raw_size && !IS_ALIGNED(section->raw_offset, image->file_alignment))
        return BAD("section PointerToRawData", pointer_to_raw_data,
                   "not a multiple of FileAlignment", section->raw_offset);
    if (!parse_range_ok(image->file.size, section->raw_offset, section->raw_size))
        return BAD("section SizeOfRawData", size_of_raw_data, "past the end of the file",
                   section->raw_size);
    if (section->writable && section->executable && !section->discardable)
        return BAD("section Characteristics", characteristics, "both writable and executable",
                   section->characteristics);
#undef BAD
    return true;
}

static bool check_sections(struct pe_image *image, struct parse_error *error)
{
    struct pe_section section;
    uint32_t least_rva = image->size_of_headers;

    for (unsigned i = 0; pe_section_at(image, i, &section); i++) {
        uint64_t at = image->section_table + i * sizeof(struct pe_section_header);

        if (!check_section(image, &section, at, least_rva, error))
            return false;
        if (section.writable && section.executable)
            image->has_writable_code = true;
        least_rva = section.rva + section.mapped_size;
    }
    return true;
}

bool pe_section_containing(const struct pe_image *image, uint32_t rva, uint32_t size,
                           struct pe_section *section)
{
    struct pe_section each;

    for (unsigned i = 0; pe_section_at(image, i, &each); i++) {
        if (rva < each.rva || !parse_range_ok(each.mapped_size, rva - each.rva, size))
            continue;
        if (section)
            *section = each;
        return true;
    }
    return false;
}

const void *pe_file_at(const struct pe_image *image, uint32_t rva, uint32_t size)
{
    struct pe_section section;

    if (!pe_section_containing(image, rva, size, &section) ||
        !parse_range_ok(section.raw_size, rva - section.rva, size))
        return NULL;
    return image->file.data + section.raw_offset + (rva - section.rva);
}

static bool check_entry(const struct pe_image *image, const struct pe_layout *layout,
                        struct parse_error *error)
{
    struct pe_section section;
    uint64_t at = layout->optional + offsetof(struct pe_optional_header, address_of_entry_point);

    if (image->entry_rva == 0)
        return parse_fail(error, "AddressOfEntryPoint", at, "there is none");
    if (!pe_section_containing(image, image->entry_rva, 1, &section) || !section.executable)
        return parse_fail_value(error, "AddressOfEntryPoint", at, "not in an executable section",
                                image->entry_rva);
    return true;
}

/* A data directory; absent and empty ones come out as {0, 0}. */
static bool read_directory(const struct pe_image *image, const struct pe_layout *layout,
                           enum pe_directory_index index, struct pe_range *range,
                           struct parse_error *error)
{
    struct pe_data_directory directory;
    uint64_t at = layout->directories + index * sizeof(directory);

    *range = (struct pe_range){0, 0};
    if (index >= layout->directory_count)
        return true;
    if (!parse_copy(image->file, at, &directory, sizeof(directory)))
        return parse_fail(error, "data directory", at, "past the end of the file");
    if (directory.size == 0 || directory.virtual_address == 0)
        return true;
    if (!parse_range_ok(image->size_of_image, directory.virtual_address, directory.size))
        return parse_fail_value(error, "data directory", at, "leaves SizeOfImage",
                                directory.virtual_address);
    range->rva = directory.virtual_address;
    range->size = directory.size;
    return true;
}

bool pe_parse(struct pe_image *image, const void *file, uint64_t size, struct parse_error *error)
{
    struct pe_layout layout;
    struct pe_range load_config;

    *image = (struct pe_image){.file = {file, size}};
    return check_file_header(image, &layout, error) &&
           check_optional_header(image, &layout, error) && check_sections(image, error) &&
           check_entry(image, &layout, error) &&
           read_directory(image, &layout, PE_DIRECTORY_IMPORT, &image->import, error) &&
           read_directory(image, &layout, PE_DIRECTORY_EXCEPTION, &image->exception, error) &&
           read_directory(image, &layout, PE_DIRECTORY_BASE_RELOCATION, &image->relocation,
                          error) &&
           read_directory(image, &layout, PE_DIRECTORY_LOAD_CONFIG, &load_config, error) &&
           pe_exception_check(image, error) && pe_load_config_read(image, load_config, error);
}
