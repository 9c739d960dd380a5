/*
 * MP floating pointer and configuration table. MultiProcessor Specification 1.4, chapter 4; the
 * layouts are used nowhere else and stand here.
 */
#include "parse/mp_table.h"

#include <lib/bits.h>

#define MP_FLOATING_SIGNATURE "_MP_"
#define MP_CONFIG_SIGNATURE "PCMP"
#define MP_FLOATING_ALIGNMENT 16u
#define MP_FEATURE2_IMCRP 0x80u /* MP 1.4 4.1, feature byte 2 */

/* MP 1.4 4.1 "MP Floating Pointer Structure" */
struct mp_floating_layout {
    char signature[4];
    uint32_t config_address;
    uint8_t length; /* in units of 16 bytes */
    uint8_t revision;
    uint8_t checksum;
    uint8_t feature[5];
};
_Static_assert(sizeof(struct mp_floating_layout) == 16, "MP 1.4 4.1");

/* MP 1.4 4.2 "MP Configuration Table Header" */
struct mp_config_layout {
    char signature[4];
    uint16_t base_length;
    uint8_t revision;
    uint8_t checksum;
    char oem_id[8];
    char product_id[12];
    uint32_t oem_table;
    uint16_t oem_table_size;
    uint16_t entry_count;
    uint32_t local_apic_address;
    uint16_t extended_length;
    uint8_t extended_checksum;
    uint8_t reserved;
};
_Static_assert(sizeof(struct mp_config_layout) == 44, "MP 1.4 4.2");

/* MP 1.4 4.3.1 "Processor Entries" */
struct mp_processor_layout {
    uint8_t type;
    uint8_t apic_id;
    uint8_t apic_version;
    uint8_t flags;
    uint32_t signature;
    uint32_t features;
    uint32_t reserved[2];
};
_Static_assert(sizeof(struct mp_processor_layout) == 20, "MP 1.4 4.3.1");

#define MP_PROCESSOR_ENABLED 0x01u
#define MP_PROCESSOR_BOOT 0x02u

/* MP 1.4 4.3.2 "Bus Entries" */
struct mp_bus_layout {
    uint8_t type;
    uint8_t id;
    char bus_type[6];
};
_Static_assert(sizeof(struct mp_bus_layout) == 8, "MP 1.4 4.3.2");

/* MP 1.4 4.3.3 "I/O APIC Entries" */
struct mp_io_apic_layout {
    uint8_t type;
    uint8_t id;
    uint8_t version;
    uint8_t flags;
    uint32_t address;
};
_Static_assert(sizeof(struct mp_io_apic_layout) == 8, "MP 1.4 4.3.3");

#define MP_IO_APIC_ENABLED 0x01u

/* MP 1.4 4.3.4 "I/O Interrupt Assignment Entries", 4.3.5 "Local Interrupt Assignment Entries" */
struct mp_interrupt_layout {
    uint8_t type;
    uint8_t interrupt_type;
    uint16_t flags;
    uint8_t source_bus;
    uint8_t source_irq;
    uint8_t target_apic;
    uint8_t target_input;
};
_Static_assert(sizeof(struct mp_interrupt_layout) == 8, "MP 1.4 4.3.4");

#define MP_FLAGS_POLARITY 0x0003u
#define MP_FLAGS_TRIGGER 0x000Cu

static bool parse_floating(const uint8_t *at, size_t left, struct mp_floating *floating)
{
    struct mp_floating_layout layout;

    if (left < sizeof(layout))
        return false;
    __builtin_memcpy(&layout, at, sizeof(layout));
    if (__builtin_memcmp(layout.signature, MP_FLOATING_SIGNATURE, 4) != 0 || layout.length != 1 ||
        parse_byte_sum(at, sizeof(layout)) != 0)
        return false;
    floating->config_address = layout.config_address;
    floating->revision = layout.revision;
    floating->default_config = layout.feature[0];
    floating->has_imcr = layout.feature[1] & MP_FEATURE2_IMCRP;
    return true;
}

bool mp_floating_find(const void *bytes, size_t size, size_t *offset, struct mp_floating *floating)
{
    const uint8_t *from = bytes;

    for (size_t at = 0; at < size; at += MP_FLOATING_ALIGNMENT) {
        if (parse_floating(from + at, size - at, floating)) {
            *offset = at;
            return true;
        }
    }
    return false;
}

uint32_t mp_config_length(const void *bytes, size_t size)
{
    const uint8_t *from = bytes;

    if (size < 8 || __builtin_memcmp(bytes, MP_CONFIG_SIGNATURE, 4) != 0)
        return 0;
    return parse_u16(from + offsetof(struct mp_config_layout, base_length));
}

bool mp_config_open(struct mp_config *config, const void *table, size_t size,
                    struct parse_error *error)
{
    struct mp_config_layout layout;

    if (!parse_copy((struct parse_bytes){table, size}, 0, &layout, sizeof(layout)))
        return parse_fail_value(error, "MP table", 0, "cut off, bytes", size);
    if (__builtin_memcmp(layout.signature, MP_CONFIG_SIGNATURE, sizeof(layout.signature)) != 0)
        return parse_fail(error, "MP table Signature", 0, "not PCMP");
    if (layout.base_length < sizeof(layout) || layout.base_length > size)
        return parse_fail_value(error, "MP table Base Table Length",
                                offsetof(struct mp_config_layout, base_length), "not the table's",
                                layout.base_length);
    uint8_t sum = parse_byte_sum(table, layout.base_length);
    if (sum != 0)
        return parse_fail_value(error, "MP table Checksum",
                                offsetof(struct mp_config_layout, checksum),
                                "wrong, the bytes sum to", sum);
    config->table = (struct parse_bytes){table, layout.base_length};
    config->local_apic_address = layout.local_apic_address;
    config->entry_count = layout.entry_count;
    mp_config_rewind(config);
    return true;
}

void mp_config_rewind(struct mp_config *config)
{
    config->entries_done = 0;
    config->next = sizeof(struct mp_config_layout);
}

static void decode_processor(const void *at, struct mp_entry *entry)
{
    struct mp_processor_layout layout;

    __builtin_memcpy(&layout, at, sizeof(layout));
    entry->id = layout.apic_id;
    entry->is_enabled = layout.flags & MP_PROCESSOR_ENABLED;
    entry->is_boot = layout.flags & MP_PROCESSOR_BOOT;
}

static void decode_bus(const void *at, struct mp_entry *entry)
{
    struct mp_bus_layout layout;
    size_t length = sizeof(layout.bus_type);

    __builtin_memcpy(&layout, at, sizeof(layout));
    entry->id = layout.id;
    while (length && (layout.bus_type[length - 1] == ' ' || layout.bus_type[length - 1] == '\0'))
        length--;
    for (size_t i = 0; i < length; i++)
        entry->bus_type[i] = layout.bus_type[i];
    entry->bus_type[length] = '\0';
}

static void decode_io_apic(const void *at, struct mp_entry *entry)
{
    struct mp_io_apic_layout layout;

    __builtin_memcpy(&layout, at, sizeof(layout));
    entry->id = layout.id;
    entry->is_enabled = layout.flags & MP_IO_APIC_ENABLED;
    entry->address = layout.address;
}

/* The reserved value 2 of polarity and trigger is read as "conforms". */
static void decode_interrupt(const void *at, struct mp_entry *entry)
{
    struct mp_interrupt *interrupt = &entry->interrupt;
    struct mp_interrupt_layout layout;

    __builtin_memcpy(&layout, at, sizeof(layout));
    unsigned polarity = (unsigned)FIELD_GET(MP_FLAGS_POLARITY, layout.flags);
    unsigned trigger = (unsigned)FIELD_GET(MP_FLAGS_TRIGGER, layout.flags);
    interrupt->type = (enum mp_interrupt_type)layout.interrupt_type;
    interrupt->polarity = polarity == 2 ? MP_POLARITY_CONFORMING : (enum mp_polarity)polarity;
    interrupt->trigger = trigger == 2 ? MP_TRIGGER_CONFORMING : (enum mp_trigger)trigger;
    interrupt->source_bus = layout.source_bus;
    interrupt->source_irq = layout.source_irq;
    interrupt->target_apic = layout.target_apic;
    interrupt->target_input = layout.target_input;
}

static const struct {
    uint8_t length;
    void (*decode)(const void *at, struct mp_entry *entry);
} kinds[] = {
    [MP_PROCESSOR] = {sizeof(struct mp_processor_layout), decode_processor},
    [MP_BUS] = {sizeof(struct mp_bus_layout), decode_bus},
    [MP_IO_APIC] = {sizeof(struct mp_io_apic_layout), decode_io_apic},
    [MP_IO_INTERRUPT] = {sizeof(struct mp_interrupt_layout), decode_interrupt},
    [MP_LOCAL_INTERRUPT] = {sizeof(struct mp_interrupt_layout), decode_interrupt},
};

enum parse_step mp_config_next(struct mp_config *config, struct mp_entry *entry,
                               struct parse_error *error)
{
    uint32_t at = config->next;

    if (config->entries_done == config->entry_count)
        return PARSE_END;
    if (!parse_range_ok(config->table.size, at, 1))
        return parse_bad(error, "MP table Entry Count",
                         offsetof(struct mp_config_layout, entry_count),
                         "more than the table holds", config->entry_count);
    uint8_t kind = config->table.data[at];
    if (kind >= ARRAY_COUNT(kinds))
        return parse_bad(error, "MP table entry type", at, "unknown", kind);
    if (!parse_range_ok(config->table.size, at, kinds[kind].length))
        return parse_bad(error, "MP table entry", at, "cut off, type", kind);
    *entry = (struct mp_entry){.kind = (enum mp_kind)kind};
    kinds[kind].decode(config->table.data + at, entry);
    if (entry->interrupt.type > MP_EXTINT)
        return parse_bad(error, "MP table interrupt type", at + 1, "unknown",
                         entry->interrupt.type);
    config->next = at + kinds[kind].length;
    config->entries_done++;
    return PARSE_ITEM;
}
