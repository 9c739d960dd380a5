/*
 * MADT entries to structs, one function a layout. ACPI 6.5 5.2.12.
 */
#include "parse/madt.h"

#include <hw/acpi_tables.h>
#include <lib/bits.h>

bool madt_open(struct madt *madt, const void *table, size_t size, struct parse_error *error)
{
    struct acpi_header header;
    struct acpi_madt_layout layout;

    if (!acpi_table_check(table, size, "APIC", &header, error))
        return false;
    *madt = (struct madt){.table = {table, header.length}};
    if (!parse_copy(madt->table, 0, &layout, sizeof(layout)))
        return parse_fail_value(error, "MADT Length", offsetof(struct acpi_header_layout, length),
                                "too short", header.length);
    madt->local_apic_address = layout.local_apic_address;
    madt->has_8259 = layout.flags & ACPI_MADT_PCAT_COMPAT;
    madt_rewind(madt);
    return true;
}

void madt_rewind(struct madt *madt)
{
    madt->next = sizeof(struct acpi_madt_layout);
}

/* The reserved value 2 of either field, seen on real machines, is read as "conforms". */
static void decode_inti(uint16_t flags, struct madt_entry *entry)
{
    unsigned polarity = (unsigned)FIELD_GET(ACPI_INTI_POLARITY, flags);
    unsigned trigger = (unsigned)FIELD_GET(ACPI_INTI_TRIGGER, flags);

    entry->polarity = polarity == 2 ? MADT_POLARITY_CONFORMING : (enum madt_polarity)polarity;
    entry->trigger = trigger == 2 ? MADT_TRIGGER_CONFORMING : (enum madt_trigger)trigger;
}

static void decode_apic(uint32_t apic_id, uint32_t uid, uint32_t flags, struct madt_entry *entry)
{
    entry->apic_id = apic_id;
    entry->processor_uid = uid;
    entry->is_enabled = flags & ACPI_MADT_APIC_ENABLED;
    entry->is_online_capable = flags & ACPI_MADT_APIC_ONLINE_CAPABLE;
}

static void decode_local_apic(const void *at, struct madt_entry *entry)
{
    struct acpi_madt_local_apic layout;

    __builtin_memcpy(&layout, at, sizeof(layout));
    decode_apic(layout.apic_id, layout.processor_uid, layout.flags, entry);
}

static void decode_io_apic(const void *at, struct madt_entry *entry)
{
    struct acpi_madt_io_apic layout;

    __builtin_memcpy(&layout, at, sizeof(layout));
    entry->apic_id = layout.io_apic_id;
    entry->address = layout.address;
    entry->gsi = layout.gsi_base;
}

static void decode_source_override(const void *at, struct madt_entry *entry)
{
    struct acpi_madt_source_override layout;

    __builtin_memcpy(&layout, at, sizeof(layout));
    entry->isa_irq = layout.source;
    entry->gsi = layout.gsi;
    decode_inti(layout.flags, entry);
}

static void decode_nmi_source(const void *at, struct madt_entry *entry)
{
    struct acpi_madt_nmi_source layout;

    __builtin_memcpy(&layout, at, sizeof(layout));
    entry->gsi = layout.gsi;
    decode_inti(layout.flags, entry);
}

static void decode_local_apic_nmi(const void *at, struct madt_entry *entry)
{
    struct acpi_madt_local_apic_nmi layout;

    __builtin_memcpy(&layout, at, sizeof(layout));
    entry->processor_uid =
        layout.processor_uid == ACPI_MADT_ALL_UIDS_8 ? MADT_ALL_PROCESSORS : layout.processor_uid;
    entry->local_input = layout.lint;
    decode_inti(layout.flags, entry);
}

static void decode_local_apic_address(const void *at, struct madt_entry *entry)
{
    struct acpi_madt_local_apic_address layout;

    __builtin_memcpy(&layout, at, sizeof(layout));
    entry->address = layout.address;
}

static void decode_local_x2apic(const void *at, struct madt_entry *entry)
{
    struct acpi_madt_local_x2apic layout;

    __builtin_memcpy(&layout, at, sizeof(layout));
    decode_apic(layout.x2apic_id, layout.processor_uid, layout.flags, entry);
}

static void decode_local_x2apic_nmi(const void *at, struct madt_entry *entry)
{
    struct acpi_madt_local_x2apic_nmi layout;

    __builtin_memcpy(&layout, at, sizeof(layout));
    entry->processor_uid = layout.processor_uid;
    entry->local_input = layout.lint;
    decode_inti(layout.flags, entry);
}

/* Longer entries than these are later revisions' and read by their beginning. */
static const struct {
    uint8_t least_length;
    void (*decode)(const void *at, struct madt_entry *entry);
} kinds[] = {
    [MADT_LOCAL_APIC] = {sizeof(struct acpi_madt_local_apic), decode_local_apic},
    [MADT_IO_APIC] = {sizeof(struct acpi_madt_io_apic), decode_io_apic},
    [MADT_SOURCE_OVERRIDE] = {sizeof(struct acpi_madt_source_override), decode_source_override},
    [MADT_NMI_SOURCE] = {sizeof(struct acpi_madt_nmi_source), decode_nmi_source},
    [MADT_LOCAL_APIC_NMI] = {sizeof(struct acpi_madt_local_apic_nmi), decode_local_apic_nmi},
    [MADT_LOCAL_APIC_ADDRESS] = {sizeof(struct acpi_madt_local_apic_address),
                                 decode_local_apic_address},
    [MADT_LOCAL_X2APIC] = {sizeof(struct acpi_madt_local_x2apic), decode_local_x2apic},
    [MADT_LOCAL_X2APIC_NMI] = {sizeof(struct acpi_madt_local_x2apic_nmi), decode_local_x2apic_nmi},
};

enum parse_step madt_next(struct madt *madt, struct madt_entry *entry, struct parse_error *error)
{
    struct acpi_madt_entry_layout head;

    while (madt->next < madt->table.size) {
        uint32_t at = madt->next;

        if (!parse_copy(madt->table, at, &head, sizeof(head)))
            return parse_bad(error, "MADT entry", at, "cut off, table length", madt->table.size);
        if (head.length < sizeof(head) || !parse_range_ok(madt->table.size, at, head.length))
            return parse_bad(error, "MADT entry Length", at + 1, "does not fit the table",
                             head.length);
        madt->next = at + head.length;
        if (head.type >= ARRAY_COUNT(kinds) || !kinds[head.type].decode)
            continue;
        if (head.length < kinds[head.type].least_length)
            return parse_bad(error, "MADT entry Length", at + 1, "too short for its type",
                             head.length);
        *entry = (struct madt_entry){.kind = (enum madt_kind)head.type};
        kinds[head.type].decode(madt->table.data + at, entry);
        return PARSE_ITEM;
    }
    return PARSE_END;
}
