/*
 * IVRS blocks and device entries to structs. AMD-Vi 5.2.
 */
#include "parse/ivrs.h"

#include <hw/amd_iommu.h>

static bool is_unit(uint8_t type)
{
    return type == IVRS_TYPE_UNIT || type == IVRS_TYPE_UNIT_EXTENDED ||
           type == IVRS_TYPE_UNIT_NAMED;
}

/* The block at `at`, whatever its type; its length is sound then. */
static enum parse_step block_read(struct parse_bytes table, uint32_t at,
                                  struct ivrs_unit_layout *layout, struct parse_error *error)
{
    enum { COMMON = 4 }; /* type, flags, length */

    *layout = (struct ivrs_unit_layout){.type = 0};
    if (!parse_copy(table, at, layout, COMMON))
        return PARSE_END;
    if (layout->length < COMMON || !parse_range_ok(table.size, at, layout->length))
        return parse_bad(error, "IVRS block Length", at, "leaves the table", layout->length);
    if (!is_unit(layout->type))
        return PARSE_ITEM;
    if (layout->length <
        (layout->type == IVRS_TYPE_UNIT ? IVRS_UNIT_SIZE : IVRS_UNIT_EXTENDED_SIZE))
        return parse_bad(error, "IVHD Length", at, "too short", layout->length);
    __builtin_memcpy(layout, table.data + at, sizeof(*layout));
    return PARSE_ITEM;
}

bool ivrs_open(struct ivrs *ivrs, const void *table, size_t size, struct parse_error *error)
{
    struct acpi_header header;
    struct ivrs_unit_layout layout;

    if (!acpi_table_check(table, size, "IVRS", &header, error))
        return false;
    if (header.length < sizeof(struct ivrs_layout))
        return parse_fail_value(error, "IVRS Length", 4, "too short", header.length);
    *ivrs = (struct ivrs){.table = {table, header.length}, .next = sizeof(struct ivrs_layout)};
    for (uint32_t at = ivrs->next; block_read(ivrs->table, at, &layout, NULL) == PARSE_ITEM;
         at += layout.length) {
        if (is_unit(layout.type) && layout.type > ivrs->type)
            ivrs->type = layout.type;
    }
    return true;
}

enum parse_step ivrs_next(struct ivrs *ivrs, struct ivrs_unit *unit, struct parse_error *error)
{
    struct ivrs_unit_layout layout;
    enum parse_step step;

    for (uint32_t at = ivrs->next;
         (step = block_read(ivrs->table, at, &layout, error)) == PARSE_ITEM; at += layout.length) {
        if (!is_unit(layout.type) || layout.type != ivrs->type)
            continue;
        if (layout.registers == 0 || layout.registers % 4096 != 0)
            return parse_bad(error, "IVHD IOMMU Base Address", at, "not a page", layout.registers);
        *unit = (struct ivrs_unit){
            .registers = layout.registers,
            .segment = layout.segment,
            .device_id = layout.device_id,
            .capability = layout.capability,
            .first_entry = at + (layout.type == IVRS_TYPE_UNIT ? (uint32_t)IVRS_UNIT_SIZE
                                                               : (uint32_t)IVRS_UNIT_EXTENDED_SIZE),
            .end = at + layout.length,
        };
        ivrs->next = at + layout.length;
        return PARSE_ITEM;
    }
    return step;
}

/* Length of the device entry at `at`, 0: it is cut off or of no known shape. AMD-Vi 5.2.2 */
static uint32_t entry_length(struct parse_bytes bytes, uint32_t at)
{
    uint8_t type = bytes.data[at];
    uint32_t length = (uint32_t)IVRS_ENTRY_LEAST << (type >> IVRS_ENTRY_LENGTH_SHIFT);

    if (type == IVRS_ENTRY_NAMED) {
        if (!parse_range_ok(bytes.size, at, IVRS_NAMED_SIZE))
            return 0;
        length = (uint32_t)IVRS_NAMED_SIZE + bytes.data[at + IVRS_NAMED_UID_LENGTH];
    } else if (type >= IVRS_ENTRY_VARIABLE_FIRST) {
        return 0;
    }
    return parse_range_ok(bytes.size, at, length) ? length : 0;
}

static struct ivrs_entry_layout entry_read(struct parse_bytes bytes, uint32_t at, uint32_t length)
{
    struct ivrs_entry_layout layout = {.type = 0};

    __builtin_memcpy(&layout, bytes.data + at, length < sizeof(layout) ? length : sizeof(layout));
    return layout;
}

/* False: an entry that says nothing here. A start of a range is completed by its end. */
static bool entry_decode(const struct ivrs_entry_layout *layout, struct ivrs_entry *entry)
{
    *entry = (struct ivrs_entry){
        .kind = IVRS_DEVICES, .first = layout->device_id, .last = layout->device_id};
    switch (layout->type) {
    case IVRS_ENTRY_ALL:
        entry->first = 0;
        entry->last = UINT16_MAX;
        return true;
    case IVRS_ENTRY_SELECT:
    case IVRS_ENTRY_RANGE_START:
    case IVRS_ENTRY_EXTENDED:
    case IVRS_ENTRY_EXTENDED_START:
    case IVRS_ENTRY_NAMED:
        return true;
    case IVRS_ENTRY_ALIAS:
    case IVRS_ENTRY_ALIAS_START:
        entry->kind = IVRS_ALIASES;
        entry->source = layout->source_id;
        return true;
    case IVRS_ENTRY_SPECIAL:
        entry->kind = layout->variety == IVRS_SPECIAL_IOAPIC ? IVRS_IOAPIC : IVRS_HPET;
        entry->source = layout->source_id;
        entry->handle = layout->handle;
        return layout->variety == IVRS_SPECIAL_IOAPIC || layout->variety == IVRS_SPECIAL_HPET;
    default:
        return false;
    }
}

static bool is_range(uint8_t type)
{
    return type == IVRS_ENTRY_RANGE_START || type == IVRS_ENTRY_ALIAS_START ||
           type == IVRS_ENTRY_EXTENDED_START;
}

enum parse_step ivrs_entry_next(const struct ivrs *ivrs, struct ivrs_unit *unit,
                                struct ivrs_entry *entry, struct parse_error *error)
{
    struct parse_bytes bytes = {ivrs->table.data, unit->end};

    while (unit->first_entry < unit->end) {
        uint32_t at = unit->first_entry;
        uint32_t length = entry_length(bytes, at);
        struct ivrs_entry_layout layout;

        if (length == 0)
            return parse_bad(error, "IVHD device entry", at, "of no known length", bytes.data[at]);
        layout = entry_read(bytes, at, length);
        unit->first_entry = at + length;
        if (!entry_decode(&layout, entry))
            continue;
        if (is_range(layout.type)) {
            at += length;
            length = at < unit->end ? entry_length(bytes, at) : 0;
            if (length == 0 || bytes.data[at] != IVRS_ENTRY_RANGE_END)
                return parse_bad(error, "IVHD device entry", at, "is no end of range", layout.type);
            entry->last = entry_read(bytes, at, length).device_id;
            unit->first_entry = at + length;
            if (entry->last < entry->first)
                return parse_bad(error, "IVHD device entry", at, "ends below its start",
                                 entry->last);
        }
        return PARSE_ITEM;
    }
    return PARSE_END;
}
