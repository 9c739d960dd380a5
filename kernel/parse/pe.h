/*
 * PE32+ images of x64 Windows drivers.
 *
 * pe_parse() checks everything structural before the loader allocates a byte: DOS and NT headers,
 * machine, subsystem, section table (ascending, no overlap, inside SizeOfImage, raw data inside the
 * file), entry point, exception directory, security cookie. The iterators over imports and base
 * relocations then read the FILE, translating RVAs through the section table; the loader applies
 * what they yield to its mapped copy. Every RVA an iterator yields is inside a section.
 *
 * Not here: mapping, protection, symbol look-up (kernel/ldr); layouts (include/hw/pe.h).
 */
#ifndef PARSE_PE_H
#define PARSE_PE_H

#include "parse/parse.h"

#define PE_IMAGE_SIZE_MAX (64u << 20) /* our cap on SizeOfImage */
#define PE_SECTION_COUNT_MAX 96       /* Windows' own limit */

struct pe_range {
    uint32_t rva; /* 0 together with size 0: absent */
    uint32_t size;
};

struct pe_image {
    struct parse_bytes file;
    uint64_t image_base;      /* the base the image was linked for */
    uint32_t size_of_image;   /* <= PE_IMAGE_SIZE_MAX, a multiple of the page size */
    uint32_t size_of_headers; /* bytes of the file mapped at RVA 0, inside the file */
    uint32_t entry_rva;       /* inside an executable section */
    uint32_t timestamp;
    uint32_t checksum;
    uint32_t file_alignment;
    uint16_t section_count;
    uint16_t characteristics;
    uint16_t dll_characteristics;
    bool relocations_stripped; /* can only run at image_base */
    bool has_writable_code;    /* some discardable section is both writable and executable */
    uint64_t section_table;    /* file offset */
    struct pe_range import;
    struct pe_range relocation;
    struct pe_range exception; /* sorted RUNTIME_FUNCTIONs, file-backed, size a multiple of 12 */
    uint32_t cookie_rva;       /* __security_cookie, 8 bytes; 0: none */
};

struct pe_section {
    char name[9];
    uint32_t rva;         /* page aligned */
    uint32_t size;        /* bytes in memory, not rounded; never 0 */
    uint32_t mapped_size; /* size rounded up to pages */
    uint32_t raw_offset;  /* of its data in the file */
    uint32_t raw_size;    /* bytes to copy from the file, <= mapped_size; the rest is zero */
    uint32_t characteristics;
    bool writable;
    bool executable; /* with writable: discardable too, and writable only until loaded (W^X) */
    bool discardable;
};

struct pe_import {
    const char *library; /* "ntoskrnl.exe", NUL-terminated inside the file */
    const char *name;    /* NULL for an import by ordinal */
    uint16_t ordinal;    /* the ordinal, or the hint of a name */
    uint32_t slot_rva;   /* where the 8-byte address goes */
};

struct pe_import_iterator {
    const struct pe_image *image;
    uint32_t descriptor_rva;
    uint32_t lookup_rva; /* next entry of the lookup table; 0: take the next descriptor */
    uint32_t slot_rva;
    const char *library;
    uint32_t count;
};

struct pe_relocation_iterator {
    const struct pe_image *image;
    uint32_t next;      /* RVA of the next block header or entry */
    uint32_t block_end; /* RVA past the current block */
    uint32_t page_rva;
};

/* Check the file and fill *image, which keeps pointing into the file. False: *error says why. */
bool pe_parse(struct pe_image *image, const void *file, uint64_t size, struct parse_error *error);

/* Section index < section_count of a parsed image; false past the last one. */
bool pe_section_at(const struct pe_image *image, unsigned index, struct pe_section *section);

/* True and *section (NULL allowed) if [rva, rva + size) lies within one section's mapped pages. */
bool pe_section_containing(const struct pe_image *image, uint32_t rva, uint32_t size,
                           struct pe_section *section);

/* The file's bytes behind [rva, rva + size), or NULL if they are not all file-backed. */
const void *pe_file_at(const struct pe_image *image, uint32_t rva, uint32_t size);

/* Imports in file order, library by library. */
void pe_import_begin(const struct pe_image *image, struct pe_import_iterator *iterator);
enum parse_step pe_import_next(struct pe_import_iterator *iterator, struct pe_import *import,
                               struct parse_error *error);

/*
 * RVAs of the 64-bit words to which (load address - image_base) must be added. Only DIR64 and
 * ABSOLUTE (padding, skipped) are accepted.
 */
void pe_relocation_begin(const struct pe_image *image, struct pe_relocation_iterator *iterator);
enum parse_step pe_relocation_next(struct pe_relocation_iterator *iterator, uint32_t *target_rva,
                                   struct parse_error *error);

#endif
