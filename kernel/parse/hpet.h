/*
 * The HPET description table: where the first timer block is. IA-PC HPET Specification 1.0a 3.2.4.
 * The block's own registers are include/hw/hpet.h's.
 */
#ifndef PARSE_HPET_H
#define PARSE_HPET_H

#include "parse/acpi_table.h"

struct hpet_table {
    uint64_t address; /* physical, memory space */
    uint32_t block_id;
    uint8_t number;
    uint16_t least_tick;      /* periodic mode without lost interrupts */
    uint8_t comparator_count; /* 1..32, from the block id */
    bool is_64bit;
    bool has_legacy_routing;
};

bool hpet_parse(const void *table, size_t size, struct hpet_table *hpet, struct parse_error *error);

#endif
