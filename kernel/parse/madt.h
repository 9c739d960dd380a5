/*
 * The MADT ("APIC"): local APICs, I/O APICs, overrides, NMI pins. One decoded entry at a time, in
 * table order; entries of kinds not listed here are skipped. A wrong length is an error, since
 * everything behind it would be guessed. ACPI 6.5 5.2.12.
 */
#ifndef PARSE_MADT_H
#define PARSE_MADT_H

#include "parse/acpi_table.h"

enum madt_kind {
    MADT_LOCAL_APIC = 0,
    MADT_IO_APIC = 1,
    MADT_SOURCE_OVERRIDE = 2,
    MADT_NMI_SOURCE = 3,
    MADT_LOCAL_APIC_NMI = 4,
    MADT_LOCAL_APIC_ADDRESS = 5,
    MADT_LOCAL_X2APIC = 9,
    MADT_LOCAL_X2APIC_NMI = 10,
};

/* MPS INTI flags, ACPI 6.5 5.2.12.5: conforming means as the bus says (ISA: edge, active high). */
enum madt_polarity {
    MADT_POLARITY_CONFORMING = 0,
    MADT_POLARITY_HIGH = 1,
    MADT_POLARITY_LOW = 3,
};

enum madt_trigger {
    MADT_TRIGGER_CONFORMING = 0,
    MADT_TRIGGER_EDGE = 1,
    MADT_TRIGGER_LEVEL = 3,
};

#define MADT_ALL_PROCESSORS 0xFFFFFFFFu

/* Fields that a kind does not have are 0. */
struct madt_entry {
    enum madt_kind kind;
    uint32_t apic_id;       /* LOCAL_(X2)APIC; the id of an IO_APIC */
    uint32_t processor_uid; /* LOCAL_(X2)APIC and their NMIs: MADT_ALL_PROCESSORS for all */
    bool is_enabled;        /* LOCAL_(X2)APIC */
    bool is_online_capable; /* LOCAL_(X2)APIC: may be enabled later */
    uint64_t address;       /* IO_APIC, LOCAL_APIC_ADDRESS */
    uint32_t gsi;           /* IO_APIC: its base; SOURCE_OVERRIDE, NMI_SOURCE */
    uint8_t isa_irq;        /* SOURCE_OVERRIDE */
    uint8_t local_input;    /* ...NMI: LINT 0 or 1 */
    enum madt_polarity polarity;
    enum madt_trigger trigger;
};

struct madt {
    struct parse_bytes table;
    uint32_t local_apic_address; /* before a LOCAL_APIC_ADDRESS entry */
    bool has_8259;               /* PCAT_COMPAT: mask it */
    uint32_t next;
};

bool madt_open(struct madt *madt, const void *table, size_t size, struct parse_error *error);
void madt_rewind(struct madt *madt);
enum parse_step madt_next(struct madt *madt, struct madt_entry *entry, struct parse_error *error);

#endif
