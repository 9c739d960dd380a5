/*
 * The MCFG: where PCI Express configuration space is mapped. PCI Firmware 3.0 4.1.2. One window at
 * a time; windows with buses in the wrong order or without an address are errors.
 */
#ifndef PARSE_MCFG_H
#define PARSE_MCFG_H

#include "parse/acpi_table.h"

struct mcfg_window {
    uint64_t address; /* of bus 0 of the segment: bus N is at address + (N << 20) */
    uint16_t segment;
    uint8_t first_bus;
    uint8_t last_bus;
};

struct mcfg {
    struct parse_bytes table;
    uint32_t next;
};

bool mcfg_open(struct mcfg *mcfg, const void *table, size_t size, struct parse_error *error);
enum parse_step mcfg_next(struct mcfg *mcfg, struct mcfg_window *window, struct parse_error *error);

#endif
