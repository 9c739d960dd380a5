/*
 * Layouts of PE32+ images: the parts of the file format that a kernel loader reads.
 * Source: Microsoft "PE Format" (revision 11); section titles are given at each structure.
 *
 * Owns the layouts and constants; kernel/parse/pe.h owns their meaning and their checks.
 */
#ifndef HW_PE_H
#define HW_PE_H

#include <stdint.h>

/* "MS-DOS Stub": the two fields that matter. */
#define PE_DOS_MAGIC 0x5A4Du /* "MZ" */
#define PE_DOS_HEADER_SIZE 64u
#define PE_DOS_NEW_HEADER 0x3Cu /* u32: file offset of the signature */

/* "Signature" */
#define PE_SIGNATURE 0x00004550u /* "PE\0\0" */

/* "COFF File Header" */
struct pe_file_header {
    uint16_t machine;
    uint16_t number_of_sections;
    uint32_t time_date_stamp;
    uint32_t pointer_to_symbol_table;
    uint32_t number_of_symbols;
    uint16_t size_of_optional_header;
    uint16_t characteristics;
};
_Static_assert(sizeof(struct pe_file_header) == 20, "COFF File Header");

#define PE_MACHINE_AMD64 0x8664u

#define PE_FILE_RELOCS_STRIPPED 0x0001u
#define PE_FILE_EXECUTABLE_IMAGE 0x0002u

/* "Optional Header", PE32+, up to the data directories */
struct pe_optional_header {
    uint16_t magic;
    uint8_t major_linker_version;
    uint8_t minor_linker_version;
    uint32_t size_of_code;
    uint32_t size_of_initialized_data;
    uint32_t size_of_uninitialized_data;
    uint32_t address_of_entry_point;
    uint32_t base_of_code;
    uint64_t image_base;
    uint32_t section_alignment;
    uint32_t file_alignment;
    uint16_t major_operating_system_version;
    uint16_t minor_operating_system_version;
    uint16_t major_image_version;
    uint16_t minor_image_version;
    uint16_t major_subsystem_version;
    uint16_t minor_subsystem_version;
    uint32_t win32_version_value;
    uint32_t size_of_image;
    uint32_t size_of_headers;
    uint32_t check_sum;
    uint16_t subsystem;
    uint16_t dll_characteristics;
    uint64_t size_of_stack_reserve;
    uint64_t size_of_stack_commit;
    uint64_t size_of_heap_reserve;
    uint64_t size_of_heap_commit;
    uint32_t loader_flags;
    uint32_t number_of_rva_and_sizes;
};
_Static_assert(sizeof(struct pe_optional_header) == 112, "Optional Header, PE32+");

#define PE_MAGIC_PE32 0x010Bu
#define PE_MAGIC_PE32_PLUS 0x020Bu
#define PE_SUBSYSTEM_NATIVE 1u

/* "Optional Header Data Directories": index, then the structure */
enum pe_directory_index {
    PE_DIRECTORY_EXPORT = 0,
    PE_DIRECTORY_IMPORT = 1,
    PE_DIRECTORY_EXCEPTION = 3,
    PE_DIRECTORY_BASE_RELOCATION = 5,
    PE_DIRECTORY_LOAD_CONFIG = 10,
    PE_DIRECTORY_COUNT = 16,
};

struct pe_data_directory {
    uint32_t virtual_address;
    uint32_t size;
};
_Static_assert(sizeof(struct pe_data_directory) == 8, "IMAGE_DATA_DIRECTORY");

/* "Section Table (Section Headers)" */
struct pe_section_header {
    char name[8];
    uint32_t virtual_size;
    uint32_t virtual_address;
    uint32_t size_of_raw_data;
    uint32_t pointer_to_raw_data;
    uint32_t pointer_to_relocations;
    uint32_t pointer_to_linenumbers;
    uint16_t number_of_relocations;
    uint16_t number_of_linenumbers;
    uint32_t characteristics;
};
_Static_assert(sizeof(struct pe_section_header) == 40, "Section Header");

/* "Section Flags" */
#define PE_SCN_CNT_CODE 0x00000020u
#define PE_SCN_MEM_DISCARDABLE 0x02000000u
#define PE_SCN_MEM_NOT_PAGED 0x08000000u
#define PE_SCN_MEM_EXECUTE 0x20000000u
#define PE_SCN_MEM_READ 0x40000000u
#define PE_SCN_MEM_WRITE 0x80000000u

/* "Export Directory Table" */
struct pe_export_directory {
    uint32_t flags;
    uint32_t time_date_stamp;
    uint16_t major_version;
    uint16_t minor_version;
    uint32_t name;
    uint32_t ordinal_base;
    uint32_t number_of_functions;
    uint32_t number_of_names;
    uint32_t functions;     /* RVAs, by ordinal */
    uint32_t names;         /* RVAs of names, ascending */
    uint32_t name_ordinals; /* 16 bits each, in the order of names, without the base */
};
_Static_assert(sizeof(struct pe_export_directory) == 40, "Export Directory Table");

/* "Import Directory Table", "Import Lookup Table", "Hint/Name Table" */
struct pe_import_descriptor {
    uint32_t lookup_table;
    uint32_t time_date_stamp;
    uint32_t forwarder_chain;
    uint32_t name;
    uint32_t address_table;
};
_Static_assert(sizeof(struct pe_import_descriptor) == 20, "Import Directory Entry");

#define PE_LOOKUP_BY_ORDINAL 0x8000000000000000ull /* bit 63 */
#define PE_LOOKUP_ORDINAL 0x000000000000FFFFull
#define PE_LOOKUP_NAME_RVA 0x000000007FFFFFFFull
#define PE_HINT_SIZE 2u /* before the name */

/* "Base Relocation Block" */
struct pe_relocation_block {
    uint32_t page_rva;
    uint32_t block_size; /* header included */
};
_Static_assert(sizeof(struct pe_relocation_block) == 8, "Base Relocation Block");

#define PE_RELOCATION_TYPE 0xF000u
#define PE_RELOCATION_OFFSET 0x0FFFu
#define PE_RELOCATION_ABSOLUTE 0u
#define PE_RELOCATION_DIR64 10u

/* "The .pdata Section", x64: RUNTIME_FUNCTION */
struct pe_runtime_function {
    uint32_t begin_address;
    uint32_t end_address;
    uint32_t unwind_information;
};
_Static_assert(sizeof(struct pe_runtime_function) == 12, "RUNTIME_FUNCTION");

#define PE_UNWIND_INDIRECT 1u /* the RVA, less this bit, is another RUNTIME_FUNCTION's */

/* "The Load Configuration Structure (Image Only)", 64-bit: the fields that are read */
#define PE_LOAD_CONFIG_SIZE 0x00u            /* u32 */
#define PE_LOAD_CONFIG_SECURITY_COOKIE 0x58u /* u64, a virtual address */

#endif
