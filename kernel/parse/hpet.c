/*
 * The HPET description table. IA-PC HPET 1.0a 3.2.4.
 */
#include "parse/hpet.h"

#include <hw/acpi_tables.h>
#include <lib/bits.h>

#define HPET_SPACE_MEMORY 0u /* ACPI 6.5 5.2.3.2, Address Space ID */

bool hpet_parse(const void *table, size_t size, struct hpet_table *hpet, struct parse_error *error)
{
    struct acpi_header header;
    struct acpi_hpet_layout layout;

    if (!acpi_table_check(table, size, "HPET", &header, error))
        return false;
    if (!parse_copy((struct parse_bytes){table, header.length}, 0, &layout, sizeof(layout)))
        return parse_fail_value(error, "HPET Length", offsetof(struct acpi_header_layout, length),
                                "too short", header.length);
    if (layout.address.space != HPET_SPACE_MEMORY || layout.address.address == 0)
        return parse_fail_value(error, "HPET Base Address",
                                offsetof(struct acpi_hpet_layout, address), "not in memory",
                                layout.address.address);

    hpet->address = layout.address.address;
    hpet->block_id = layout.block_id;
    hpet->number = layout.number;
    hpet->least_tick = layout.least_tick;
    hpet->comparator_count = (uint8_t)(FIELD_GET(ACPI_HPET_ID_COMPARATORS, layout.block_id) + 1);
    hpet->is_64bit = layout.block_id & ACPI_HPET_ID_64BIT;
    hpet->has_legacy_routing = layout.block_id & ACPI_HPET_ID_LEGACY;
    return true;
}
