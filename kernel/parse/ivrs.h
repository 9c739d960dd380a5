/*
 * The IVRS table: AMD's remapping units, and the device ids each is responsible for. AMD-Vi 5.
 *
 * A unit is described up to three times, by blocks of type 10h, 11h and 40h; the iterator gives the
 * blocks of the highest type present only. A block's device entries are walked from the block: a
 * range is one entry here. Layouts: include/hw/amd_iommu.h.
 */
#ifndef PARSE_IVRS_H
#define PARSE_IVRS_H

#include "parse/acpi_table.h"

struct ivrs {
    struct parse_bytes table;
    uint8_t type; /* of the blocks that count; 0: there is none */
    uint32_t next;
};

struct ivrs_unit {
    uint64_t registers;
    uint16_t segment;
    uint16_t device_id;  /* of the unit itself */
    uint16_t capability; /* offset of its capability block */
    uint32_t first_entry;
    uint32_t end;
};

enum ivrs_kind {
    IVRS_DEVICES, /* [first, last] are requester ids */
    IVRS_ALIASES, /* requests of [first, last] come under the id `source` */
    IVRS_IOAPIC,  /* `source` is the requester id of the IOAPIC with id `handle` */
    IVRS_HPET,    /* ... of the HPET with number `handle` */
};

struct ivrs_entry {
    enum ivrs_kind kind;
    uint16_t first;
    uint16_t last;
    uint16_t source;
    uint8_t handle;
};

bool ivrs_open(struct ivrs *ivrs, const void *table, size_t size, struct parse_error *error);
enum parse_step ivrs_next(struct ivrs *ivrs, struct ivrs_unit *unit, struct parse_error *error);
/* The unit's entries; it advances unit->first_entry. */
enum parse_step ivrs_entry_next(const struct ivrs *ivrs, struct ivrs_unit *unit,
                                struct ivrs_entry *entry, struct parse_error *error);

#endif
