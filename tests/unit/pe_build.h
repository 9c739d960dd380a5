/*
 * A small, sound driver image in memory, for the PE tests to spoil in one place each.
 *
 *   RVA 0x1000 .text   entry point, two functions        file 0x400
 *   RVA 0x2000 .rdata  imports, .pdata, load config      file 0x600
 *   RVA 0x3000 .data   cookie at +0, 0x1800 bytes long   file 0xA00
 *   RVA 0x5000 .reloc  one block                         file 0xC00
 */
#ifndef PE_BUILD_H
#define PE_BUILD_H

#include "test.h"

#include <hw/pe.h>

enum {
    PE_AT_LFANEW = 0x3C,
    PE_AT_NT = 0x80,
    PE_AT_FILE_HEADER = PE_AT_NT + 4,
    PE_AT_OPTIONAL = PE_AT_FILE_HEADER + 20,
    PE_AT_DIRECTORIES = PE_AT_OPTIONAL + 112,
    PE_AT_SECTIONS = PE_AT_DIRECTORIES + 16 * 8,
    PE_AT_TEXT = 0x400,
    PE_AT_RDATA = 0x600,
    PE_AT_IMPORTS = PE_AT_RDATA,
    PE_AT_LOOKUP = PE_AT_RDATA + 0x40,
    PE_AT_IAT = PE_AT_RDATA + 0x80,
    PE_AT_NAMES = PE_AT_RDATA + 0xC0,
    PE_AT_PDATA = PE_AT_RDATA + 0x180,
    PE_AT_LOAD_CONFIG = PE_AT_RDATA + 0x200,
    PE_AT_DATA = 0xA00,
    PE_AT_RELOC = 0xC00,
    PE_BUILT_SIZE = 0xE00,
    PE_RDATA_RVA = 0x2000,
};

#define PE_BUILT_BASE 0x140000000ull

static inline uint32_t pe_rva_of(uint32_t rdata_offset)
{
    return rdata_offset - PE_AT_RDATA + PE_RDATA_RVA;
}

static inline void pe_build_section(uint8_t *file, unsigned index, const char *name, uint32_t rva,
                                    uint32_t size, uint32_t raw, uint32_t raw_size, uint32_t flags)
{
    struct pe_section_header section = {
        .virtual_address = rva,
        .virtual_size = size,
        .pointer_to_raw_data = raw,
        .size_of_raw_data = raw_size,
        .characteristics = flags,
    };

    memcpy(section.name, name, strlen(name));
    memcpy(file + PE_AT_SECTIONS + index * sizeof(section), &section, sizeof(section));
}

static inline void pe_build_directory(uint8_t *file, unsigned index, uint32_t rva, uint32_t size)
{
    test_put(file + PE_AT_DIRECTORIES + index * 8, rva, 4);
    test_put(file + PE_AT_DIRECTORIES + index * 8 + 4, size, 4);
}

static inline void pe_build_headers(uint8_t *file)
{
    struct pe_file_header header = {
        .machine = PE_MACHINE_AMD64,
        .number_of_sections = 4,
        .size_of_optional_header = 112 + 16 * 8,
        .characteristics = PE_FILE_EXECUTABLE_IMAGE | 0x20,
    };
    struct pe_optional_header optional = {
        .magic = PE_MAGIC_PE32_PLUS,
        .address_of_entry_point = 0x1010,
        .image_base = PE_BUILT_BASE,
        .section_alignment = 0x1000,
        .file_alignment = 0x200,
        .size_of_image = 0x6000,
        .size_of_headers = 0x400,
        .subsystem = PE_SUBSYSTEM_NATIVE,
        .number_of_rva_and_sizes = 16,
    };

    memcpy(file, "MZ", 2);
    test_put(file + PE_AT_LFANEW, PE_AT_NT, 4);
    memcpy(file + PE_AT_NT, "PE\0\0", 4);
    memcpy(file + PE_AT_FILE_HEADER, &header, sizeof(header));
    memcpy(file + PE_AT_OPTIONAL, &optional, sizeof(optional));
    pe_build_section(file, 0, ".text", 0x1000, 0x100, PE_AT_TEXT, 0x200, 0x60000020);
    pe_build_section(file, 1, ".rdata", 0x2000, 0x400, PE_AT_RDATA, 0x400, 0x40000040);
    pe_build_section(file, 2, ".data", 0x3000, 0x1800, PE_AT_DATA, 0x200, 0xC0000040);
    pe_build_section(file, 3, ".reloc", 0x5000, 0x20, PE_AT_RELOC, 0x200, 0x42000040);
}

/* Two libraries: ntoskrnl.exe with a name and an ordinal, HAL.dll with a name. */
static inline void pe_build_imports(uint8_t *file)
{
    uint32_t names = PE_AT_NAMES;

    test_put(file + PE_AT_IMPORTS, pe_rva_of(PE_AT_LOOKUP), 4);
    test_put(file + PE_AT_IMPORTS + 12, pe_rva_of(names), 4);
    test_put(file + PE_AT_IMPORTS + 16, pe_rva_of(PE_AT_IAT), 4);
    memcpy(file + names, "ntoskrnl.exe", 13);
    test_put(file + PE_AT_LOOKUP, pe_rva_of(names + 0x20), 8);
    test_put(file + PE_AT_LOOKUP + 8, 1ull << 63 | 77, 8);
    memcpy(file + names + 0x20, "\x05\x00IoConnectInterruptEx", 23);
    test_put(file + PE_AT_IMPORTS + 20 + 0, pe_rva_of(PE_AT_LOOKUP + 0x18), 4);
    test_put(file + PE_AT_IMPORTS + 20 + 12, pe_rva_of(names + 0x40), 4);
    test_put(file + PE_AT_IMPORTS + 20 + 16, pe_rva_of(PE_AT_IAT + 0x18), 4);
    memcpy(file + names + 0x40, "HAL.dll", 8);
    test_put(file + PE_AT_LOOKUP + 0x18, pe_rva_of(names + 0x50), 8);
    memcpy(file + names + 0x50, "\x00\x00KeStallExecutionProcessor", 28);
    memcpy(file + PE_AT_IAT, file + PE_AT_LOOKUP, 0x30);
}

/* The whole image into a zeroed buffer of PE_BUILT_SIZE bytes. */
static inline void pe_build(uint8_t *file)
{
    memset(file, 0, PE_BUILT_SIZE);
    pe_build_headers(file);
    pe_build_imports(file);
    pe_build_directory(file, PE_DIRECTORY_IMPORT, pe_rva_of(PE_AT_IMPORTS), 60);

    const uint32_t functions[2][3] = {{0x1000, 0x1010, 0x2300}, {0x1010, 0x1080, 0x2310}};
    memcpy(file + PE_AT_PDATA, functions, sizeof(functions));
    pe_build_directory(file, PE_DIRECTORY_EXCEPTION, pe_rva_of(PE_AT_PDATA), sizeof(functions));

    test_put(file + PE_AT_LOAD_CONFIG, 0x70, 4);
    test_put(file + PE_AT_LOAD_CONFIG + 0x58, PE_BUILT_BASE + 0x3000, 8);
    pe_build_directory(file, PE_DIRECTORY_LOAD_CONFIG, pe_rva_of(PE_AT_LOAD_CONFIG), 0x70);

    test_put(file + PE_AT_RELOC, 0x3000, 4);
    test_put(file + PE_AT_RELOC + 4, 16, 4);
    const uint16_t entries[4] = {0xA000 | 0x10, 0xA000 | 0x18, 0xA000 | 0xFF8, 0};
    memcpy(file + PE_AT_RELOC + 8, entries, sizeof(entries));
    pe_build_directory(file, PE_DIRECTORY_BASE_RELOCATION, 0x5000, 16);
}

#endif
