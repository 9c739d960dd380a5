/*
 * The DMAR table: Intel's remapping units, and what each is responsible for. VT-d chapter 8.
 *
 * Units come one at a time, in table order; structures of other kinds are skipped by their length.
 * A unit's scopes are walked from the unit. Layouts: include/hw/vtd.h.
 */
#ifndef PARSE_DMAR_H
#define PARSE_DMAR_H

#include "parse/acpi_table.h"

enum { DMAR_PATH_MAX = 8 };

struct dmar {
    struct parse_bytes table;
    bool has_remapping;  /* the platform can remap interrupts */
    bool x2apic_opt_out; /* firmware asks that x2APIC mode is not used */
    uint32_t next;
};

struct dmar_unit {
    uint64_t registers;
    uint16_t segment;
    bool includes_all; /* whatever no other unit of the segment names */
    uint32_t first_scope;
    uint32_t end;
};

enum dmar_scope_kind {
    DMAR_SCOPE_ENDPOINT = 1,
    DMAR_SCOPE_BRIDGE = 2, /* and all behind it */
    DMAR_SCOPE_IOAPIC = 3,
    DMAR_SCOPE_HPET = 4,
    DMAR_SCOPE_NAMED = 5,
};

struct dmar_scope {
    uint8_t kind;           /* enum dmar_scope_kind, or one of the future */
    uint8_t enumeration_id; /* IOAPIC: its id; HPET: its number */
    uint8_t start_bus;
    uint8_t path_length;         /* 1 and more */
    uint8_t path[DMAR_PATH_MAX]; /* device << 3 | function; all but the last are bridges */
};

bool dmar_open(struct dmar *dmar, const void *table, size_t size, struct parse_error *error);
enum parse_step dmar_next(struct dmar *dmar, struct dmar_unit *unit, struct parse_error *error);
/* The unit's scopes; it advances unit->first_scope. */
enum parse_step dmar_scope_next(const struct dmar *dmar, struct dmar_unit *unit,
                                struct dmar_scope *scope, struct parse_error *error);

#endif
