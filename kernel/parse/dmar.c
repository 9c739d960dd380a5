/*
 * DMAR structures to structs. VT-d 8.1 to 8.3.1.
 */
#include "parse/dmar.h"

#include <hw/vtd.h>

bool dmar_open(struct dmar *dmar, const void *table, size_t size, struct parse_error *error)
{
    struct acpi_header header;
    struct dmar_layout layout;

    if (!acpi_table_check(table, size, "DMAR", &header, error))
        return false;
    *dmar = (struct dmar){.table = {table, header.length}, .next = sizeof(layout)};
    if (!parse_copy(dmar->table, 0, &layout, sizeof(layout)))
        return parse_fail_value(error, "DMAR Length", 4, "too short", header.length);
    dmar->has_remapping = (layout.flags & DMAR_FLAG_INTERRUPT_REMAPPING) != 0;
    dmar->x2apic_opt_out = (layout.flags & DMAR_FLAG_X2APIC_OPT_OUT) != 0;
    return true;
}

enum parse_step dmar_next(struct dmar *dmar, struct dmar_unit *unit, struct parse_error *error)
{
    struct dmar_entry_layout entry;
    struct dmar_unit_layout layout;

    for (uint32_t at = dmar->next; parse_copy(dmar->table, at, &entry, sizeof(entry));
         at += entry.length) {
        if (entry.length < sizeof(entry) || !parse_range_ok(dmar->table.size, at, entry.length))
            return parse_bad(error, "DMAR structure Length", at, "leaves the table", entry.length);
        if (entry.type != DMAR_TYPE_UNIT)
            continue;
        if (entry.length < sizeof(layout))
            return parse_bad(error, "DRHD Length", at, "too short", entry.length);
        __builtin_memcpy(&layout, dmar->table.data + at, sizeof(layout));
        if (layout.registers == 0 || layout.registers % 4096 != 0)
            return parse_bad(error, "DRHD Register Base Address", at, "not a page",
                             layout.registers);
        *unit = (struct dmar_unit){
            .registers = layout.registers,
            .segment = layout.segment,
            .includes_all = (layout.flags & DMAR_UNIT_INCLUDES_ALL) != 0,
            .first_scope = at + (uint32_t)sizeof(layout),
            .end = at + entry.length,
        };
        dmar->next = at + entry.length;
        return PARSE_ITEM;
    }
    return PARSE_END;
}

enum parse_step dmar_scope_next(const struct dmar *dmar, struct dmar_unit *unit,
                                struct dmar_scope *scope, struct parse_error *error)
{
    struct parse_bytes bytes = {dmar->table.data, unit->end};
    struct dmar_scope_layout layout;
    uint32_t at = unit->first_scope;
    uint32_t steps;

    if (!parse_copy(bytes, at, &layout, sizeof(layout)))
        return PARSE_END; /* a rest shorter than a scope is padding */
    steps = layout.length < sizeof(layout)
                ? 0
                : (layout.length - (uint32_t)sizeof(layout)) / DMAR_PATH_STEP;
    if (steps == 0 || !parse_range_ok(bytes.size, at, layout.length))
        return parse_bad(error, "Device Scope Length", at, "not a scope's", layout.length);
    if (steps > DMAR_PATH_MAX)
        return parse_bad(error, "Device Scope Path", at, "too long", steps);
    *scope = (struct dmar_scope){
        .kind = layout.type,
        .enumeration_id = layout.enumeration_id,
        .start_bus = layout.start_bus,
        .path_length = (uint8_t)steps,
    };
    for (uint32_t i = 0; i < steps; i++) {
        const uint8_t *step = bytes.data + at + sizeof(layout) + i * DMAR_PATH_STEP;

        scope->path[i] = (uint8_t)((step[0] & 0x1Fu) << 3 | (step[1] & 7u));
    }
    unit->first_scope = at + layout.length;
    return PARSE_ITEM;
}
