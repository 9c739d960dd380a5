/*
 * MCFG windows. PCI Firmware 3.0 4.1.2.
 */
#include "parse/mcfg.h"

#include <hw/acpi_tables.h>

bool mcfg_open(struct mcfg *mcfg, const void *table, size_t size, struct parse_error *error)
{
    struct acpi_header header;

    if (!acpi_table_check(table, size, "MCFG", &header, error))
        return false;
    if (header.length < sizeof(struct acpi_mcfg_layout))
        return parse_fail_value(error, "MCFG Length", offsetof(struct acpi_header_layout, length),
                                "too short", header.length);
    mcfg->table = (struct parse_bytes){table, header.length};
    mcfg->next = sizeof(struct acpi_mcfg_layout);
    return true;
}

enum parse_step mcfg_next(struct mcfg *mcfg, struct mcfg_window *window, struct parse_error *error)
{
    struct acpi_mcfg_entry entry;
    uint32_t at = mcfg->next;

    if (!parse_copy(mcfg->table, at, &entry, sizeof(entry)))
        return PARSE_END; /* a rest shorter than an entry is padding */
    if (entry.first_bus > entry.last_bus)
        return parse_bad(error, "MCFG End Bus Number",
                         at + offsetof(struct acpi_mcfg_entry, last_bus), "below the first",
                         entry.last_bus);
    if (entry.address == 0 || entry.address % (1u << 20))
        return parse_bad(error, "MCFG Base Address", at, "not a multiple of 1 MB", entry.address);

    window->address = entry.address;
    window->segment = entry.segment;
    window->first_bus = entry.first_bus;
    window->last_bus = entry.last_bus;
    mcfg->next = at + (uint32_t)sizeof(entry);
    return PARSE_ITEM;
}
