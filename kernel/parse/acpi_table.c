/*
 * RSDP, RSDT and XSDT, and the header all tables begin with.
 *
 * The walk reads one header at a time and trusts none: an address of 0, an unreadable one, or an
 * absurd length skips that table and goes on to the next.
 */
#include "parse/acpi_table.h"

#include <hw/acpi_tables.h>

bool acpi_rsdp_parse(const void *bytes, size_t size, struct acpi_rsdp *rsdp,
                     struct parse_error *error)
{
    struct acpi_rsdp_layout layout = {.revision = 0};
    size_t length = ACPI_RSDP_V1_SIZE;

    if (size < ACPI_RSDP_V1_SIZE)
        return parse_fail_value(error, "RSDP", 0, "cut off, bytes", size);
    __builtin_memcpy(&layout, bytes, ACPI_RSDP_V1_SIZE);
    if (__builtin_memcmp(layout.signature, ACPI_RSDP_SIGNATURE, sizeof(layout.signature)) != 0)
        return parse_fail(error, "RSDP Signature", 0, "not \"RSD PTR \"");
    if (parse_byte_sum(bytes, ACPI_RSDP_V1_SIZE) != 0)
        return parse_fail_value(error, "RSDP Checksum", offsetof(struct acpi_rsdp_layout, checksum),
                                "wrong", layout.checksum);
    if (layout.revision >= 2) {
        if (size < sizeof(layout))
            return parse_fail_value(error, "RSDP", 0, "cut off, bytes", size);
        __builtin_memcpy(&layout, bytes, sizeof(layout));
        length = layout.length;
        if (length < sizeof(layout) || length > size)
            return parse_fail_value(error, "RSDP Length", offsetof(struct acpi_rsdp_layout, length),
                                    "not 36 or what was read", length);
        if (parse_byte_sum(bytes, length) != 0)
            return parse_fail_value(error, "RSDP Extended Checksum",
                                    offsetof(struct acpi_rsdp_layout, extended_checksum), "wrong",
                                    layout.extended_checksum);
    }

    rsdp->revision = layout.revision;
    __builtin_memcpy(rsdp->oem_id, layout.oem_id, sizeof(layout.oem_id));
    rsdp->oem_id[sizeof(layout.oem_id)] = '\0';
    rsdp->rsdt_address = layout.rsdt_address;
    rsdp->xsdt_address = layout.revision >= 2 ? layout.xsdt_address : 0;
    if (rsdp->rsdt_address == 0 && rsdp->xsdt_address == 0)
        return parse_fail(error, "RSDP RsdtAddress",
                          offsetof(struct acpi_rsdp_layout, rsdt_address), "no table at all");
    return true;
}

bool acpi_rsdp_find(const void *bytes, size_t size, size_t *offset, struct acpi_rsdp *rsdp)
{
    const uint8_t *from = bytes;

    for (size_t at = 0; at < size; at += ACPI_RSDP_ALIGNMENT) {
        if (acpi_rsdp_parse(from + at, size - at, rsdp, NULL)) {
            *offset = at;
            return true;
        }
    }
    return false;
}

static void decode_header(const struct acpi_header_layout *layout, struct acpi_header *header)
{
    *header = (struct acpi_header){.length = layout->length, .revision = layout->revision};
    __builtin_memcpy(header->signature, layout->signature, sizeof(layout->signature));
    __builtin_memcpy(header->oem_id, layout->oem_id, sizeof(layout->oem_id));
    __builtin_memcpy(header->oem_table_id, layout->oem_table_id, sizeof(layout->oem_table_id));
}

/* Read and judge a header in physical memory. */
static bool read_header(acpi_read_physical *read, void *context, uint64_t address,
                        struct acpi_header *header)
{
    struct acpi_header_layout layout;

    if (address == 0 || !read(context, address, &layout, sizeof(layout)))
        return false;
    decode_header(&layout, header);
    return header->length >= sizeof(layout) && header->length <= ACPI_TABLE_SIZE_MAX;
}

/* Enter a root table of that kind. */
static bool open_root(struct acpi_table_iterator *iterator, uint64_t address, const char *signature,
                      uint8_t entry_size)
{
    struct acpi_header header;

    if (!read_header(iterator->read, iterator->context, address, &header) ||
        __builtin_memcmp(header.signature, signature, 4) != 0)
        return false;
    iterator->root = address;
    iterator->entry_size = entry_size;
    iterator->count = (header.length - (uint32_t)sizeof(struct acpi_header_layout)) / entry_size;
    if (iterator->count > ACPI_TABLE_COUNT_MAX)
        iterator->count = ACPI_TABLE_COUNT_MAX;
    return true;
}

bool acpi_table_begin(struct acpi_table_iterator *iterator, const struct acpi_rsdp *rsdp,
                      acpi_read_physical *read, void *context, struct parse_error *error)
{
    *iterator = (struct acpi_table_iterator){.read = read, .context = context};
    if (open_root(iterator, rsdp->xsdt_address, "XSDT", sizeof(uint64_t)) ||
        open_root(iterator, rsdp->rsdt_address, "RSDT", sizeof(uint32_t)))
        return true;
    return parse_fail_value(error, "RSDT", offsetof(struct acpi_rsdp_layout, rsdt_address),
                            "unreadable at", rsdp->rsdt_address);
}

bool acpi_table_next(struct acpi_table_iterator *iterator, struct acpi_table_location *location)
{
    while (iterator->next < iterator->count) {
        uint64_t entry = iterator->root + sizeof(struct acpi_header_layout) +
                         (uint64_t)iterator->next++ * iterator->entry_size;
        uint64_t address = 0; /* an RSDT entry fills the low half */

        if (iterator->read(iterator->context, entry, &address, iterator->entry_size) &&
            read_header(iterator->read, iterator->context, address, &location->header)) {
            location->address = address;
            return true;
        }
    }
    return false;
}

bool acpi_table_find(const struct acpi_rsdp *rsdp, acpi_read_physical *read, void *context,
                     const char signature[4], unsigned index, struct acpi_table_location *location)
{
    struct acpi_table_iterator iterator;

    if (!acpi_table_begin(&iterator, rsdp, read, context, NULL))
        return false;
    while (acpi_table_next(&iterator, location)) {
        if (__builtin_memcmp(location->header.signature, signature, 4) == 0 && index-- == 0)
            return true;
    }
    return false;
}

bool acpi_table_check(const void *table, size_t size, const char *signature,
                      struct acpi_header *header, struct parse_error *error)
{
    struct acpi_header_layout layout;

    if (size < sizeof(layout))
        return parse_fail_value(error, "table header", 0, "cut off, bytes", size);
    __builtin_memcpy(&layout, table, sizeof(layout));
    decode_header(&layout, header);
    if (signature && __builtin_memcmp(layout.signature, signature, sizeof(layout.signature)) != 0)
        return parse_fail_value(error, "Signature", 0, "another table's", parse_u32(table));
    if (layout.length < sizeof(layout) || layout.length > size)
        return parse_fail_value(error, "Length", offsetof(struct acpi_header_layout, length),
                                "not the table's", layout.length);
    uint8_t sum = parse_byte_sum(table, layout.length);
    if (sum != 0)
        return parse_fail_value(error, "Checksum", offsetof(struct acpi_header_layout, checksum),
                                "wrong, the bytes sum to", sum);
    return true;
}
