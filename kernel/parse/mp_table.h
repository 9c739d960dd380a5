/*
 * Intel MultiProcessor Specification 1.4: the floating pointer and the configuration table, the
 * source of processors and of INTx routes where there is no ACPI. One decoded entry at a time, in
 * table order; the base table's checksum and every length are checked.
 */
#ifndef PARSE_MP_TABLE_H
#define PARSE_MP_TABLE_H

#include "parse/parse.h"

#define MP_ALL_IO_APICS 0xFFu

struct mp_floating {
    uint32_t config_address; /* physical; 0: a default configuration */
    uint8_t revision;        /* 1 or 4 */
    uint8_t default_config;  /* 0, or 1..7 */
    bool has_imcr;           /* PIC mode: the IMCR must be switched */
};

enum mp_kind {
    MP_PROCESSOR = 0,
    MP_BUS = 1,
    MP_IO_APIC = 2,
    MP_IO_INTERRUPT = 3,
    MP_LOCAL_INTERRUPT = 4,
};

enum mp_interrupt_type {
    MP_INT = 0,
    MP_NMI = 1,
    MP_SMI = 2,
    MP_EXTINT = 3,
};

/* As in the MADT: 0 conforms to the bus. */
enum mp_polarity { MP_POLARITY_CONFORMING = 0, MP_POLARITY_HIGH = 1, MP_POLARITY_LOW = 3 };
enum mp_trigger { MP_TRIGGER_CONFORMING = 0, MP_TRIGGER_EDGE = 1, MP_TRIGGER_LEVEL = 3 };

struct mp_interrupt {
    enum mp_interrupt_type type;
    enum mp_polarity polarity;
    enum mp_trigger trigger;
    uint8_t source_bus;
    uint8_t source_irq;   /* ISA: the IRQ; PCI: device << 2 | pin, see the two below */
    uint8_t target_apic;  /* I/O APIC id, or local APIC id; 0xFF: all */
    uint8_t target_input; /* pin, or LINT */
};

struct mp_entry {
    enum mp_kind kind;
    uint8_t id;       /* PROCESSOR: local APIC id; BUS; IO_APIC */
    bool is_enabled;  /* PROCESSOR, IO_APIC */
    bool is_boot;     /* PROCESSOR */
    char bus_type[7]; /* BUS: "PCI", "ISA", ...: trailing blanks removed */
    uint32_t address; /* IO_APIC */
    struct mp_interrupt interrupt;
};

struct mp_config {
    struct parse_bytes table;
    uint32_t local_apic_address;
    uint16_t entry_count;
    uint16_t entries_done;
    uint32_t next;
};

/* PCI source of an interrupt entry: device 0..31 and pin 0 (INTA) .. 3. MP 1.4 D.3. */
static inline uint8_t mp_interrupt_pci_device(const struct mp_interrupt *interrupt)
{
    return (interrupt->source_irq >> 2) & 0x1F;
}

static inline uint8_t mp_interrupt_pci_pin(const struct mp_interrupt *interrupt)
{
    return interrupt->source_irq & 3;
}

/* Search a copy of low memory at 16-byte steps; *offset is where it was found. */
bool mp_floating_find(const void *bytes, size_t size, size_t *offset, struct mp_floating *floating);

/* Length of the base table from its first 8 bytes, 0 if that is not one: how much to read. */
uint32_t mp_config_length(const void *bytes, size_t size);

bool mp_config_open(struct mp_config *config, const void *table, size_t size,
                    struct parse_error *error);
void mp_config_rewind(struct mp_config *config);
enum parse_step mp_config_next(struct mp_config *config, struct mp_entry *entry,
                               struct parse_error *error);

#endif
