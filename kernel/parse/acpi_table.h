/*
 * How ACPI tables are found and checked: RSDP, RSDT/XSDT, the common header. What the single tables
 * say is in madt.h, mcfg.h, hpet.h and fadt.h, which take a table's bytes whole.
 *
 * Physical memory is read through a callback of the caller, so that the same walk runs in the
 * kernel (through a temporary map) and on a host (over a dump). Layouts: include/hw/acpi_tables.h.
 * ACPICA has its own table manager; this one serves what must be known before it runs. Names of
 * public structs here differ from ACPICA's, so that one file can include both.
 */
#ifndef PARSE_ACPI_TABLE_H
#define PARSE_ACPI_TABLE_H

#include "parse/parse.h"

#define ACPI_TABLE_SIZE_MAX (16u << 20) /* longer ones are firmware faults */
#define ACPI_TABLE_COUNT_MAX 256u

struct acpi_rsdp {
    uint8_t revision; /* 0: ACPI 1.0, no XSDT */
    char oem_id[7];
    uint64_t rsdt_address; /* 0: none */
    uint64_t xsdt_address; /* 0: none */
};

struct acpi_header {
    char signature[5];
    uint32_t length; /* of the whole table, header included */
    uint8_t revision;
    char oem_id[7];
    char oem_table_id[9];
};

/* Copy length bytes of physical memory; false if they are not readable. */
typedef bool acpi_read_physical(void *context, uint64_t address, void *buffer, size_t length);

struct acpi_table_iterator {
    acpi_read_physical *read;
    void *context;
    uint64_t root;      /* physical address of RSDT or XSDT */
    uint8_t entry_size; /* 4 or 8 */
    uint32_t count;
    uint32_t next;
};

/* A table's place, before its body was read. */
struct acpi_table_location {
    uint64_t address;
    struct acpi_header header;
};

/* Decode an RSDP that begins at the first byte: 20 bytes at least, 36 for revision 2. */
bool acpi_rsdp_parse(const void *bytes, size_t size, struct acpi_rsdp *rsdp,
                     struct parse_error *error);

/* Search a copy of low memory (the EBDA's first KB, 0xE0000-0xFFFFF) at 16-byte steps. */
bool acpi_rsdp_find(const void *bytes, size_t size, size_t *offset, struct acpi_rsdp *rsdp);

/* Start walking the XSDT, or the RSDT where there is none (or the XSDT is unreadable). */
bool acpi_table_begin(struct acpi_table_iterator *iterator, const struct acpi_rsdp *rsdp,
                      acpi_read_physical *read, void *context, struct parse_error *error);

/* Tables whose header cannot be read or is absurd are skipped. */
bool acpi_table_next(struct acpi_table_iterator *iterator, struct acpi_table_location *location);

/* The index-th (0, 1, ...) table with that signature. */
bool acpi_table_find(const struct acpi_rsdp *rsdp, acpi_read_physical *read, void *context,
                     const char signature[4], unsigned index, struct acpi_table_location *location);

/* Check a table read whole: signature (NULL: any), length <= size, checksum. */
bool acpi_table_check(const void *table, size_t size, const char *signature,
                      struct acpi_header *header, struct parse_error *error);

#endif
