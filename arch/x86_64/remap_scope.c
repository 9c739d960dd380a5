/*
 * remap_scope.c - which of Intel's units is responsible for whom, by the DMAR.
 *
 * A unit names its devices by paths: a bus, then a bridge at each step but the last. Bus numbers
 * behind bridges are read when somebody asks, since they are given out later than the table is
 * read. One unit of a segment may include all that no other names.
 */
#include "remap_scope.h"

#include <hw/pci.h>

static struct dmar scope_table;

void remap_scope_init(const struct dmar *dmar)
{
    scope_table = *dmar;
}

/* Where a path ends: bus << 8 | devfn. */
static uint16_t path_end(uint16_t segment, const struct dmar_scope *scope)
{
    uint8_t bus = scope->start_bus;

    for (uint32_t i = 0; i + 1 < scope->path_length; i++)
        bus = (uint8_t)hal_pci_read(segment, bus, scope->path[i], PCI_BRIDGE_SECONDARY_BUS, 1);
    return (uint16_t)(bus << 8 | scope->path[scope->path_length - 1]);
}

static bool is_behind(uint16_t segment, uint16_t bridge, uint16_t function)
{
    uint8_t bus = (uint8_t)(bridge >> 8), devfn = (uint8_t)bridge;
    uint8_t first = (uint8_t)hal_pci_read(segment, bus, devfn, PCI_BRIDGE_SECONDARY_BUS, 1);
    uint8_t last = (uint8_t)hal_pci_read(segment, bus, devfn, PCI_BRIDGE_SUBORDINATE_BUS, 1);

    return first != 0 && function >> 8 >= first && function >> 8 <= last;
}

/* Does the scope name him? `id` is then what his requests come as. */
static bool scope_names(const struct dmar_scope *scope, uint16_t segment,
                        const struct hal_requester *requester, uint16_t *id)
{
    uint16_t end = path_end(segment, scope);

    *id = end;
    switch (requester->kind) {
    case HAL_REQUESTER_IOAPIC:
        return scope->kind == DMAR_SCOPE_IOAPIC && scope->enumeration_id == requester->number;
    case HAL_REQUESTER_HPET:
        return scope->kind == DMAR_SCOPE_HPET && scope->enumeration_id == requester->number;
    default:
        *id = requester->id;
        if (segment != requester->segment)
            return false;
        if (scope->kind == DMAR_SCOPE_BRIDGE)
            return end == requester->function || is_behind(segment, end, requester->function);
        return scope->kind == DMAR_SCOPE_ENDPOINT && end == requester->function;
    }
}

static bool unit_names(const struct remap_unit *unit, const struct hal_requester *requester,
                       uint16_t *id)
{
    struct dmar_unit walk = unit->scope.dmar;
    struct dmar_scope scope;

    while (dmar_scope_next(&scope_table, &walk, &scope, NULL) == PARSE_ITEM) {
        if (scope_names(&scope, unit->segment, requester, id))
            return true;
    }
    return false;
}

struct remap_unit *remap_scope_unit(const struct hal_requester *requester, struct hal_remap *remap)
{
    struct remap_unit *rest = NULL;

    remap->check = HAL_REMAP_BY_ID;
    remap->source = requester->id;
    for (uint32_t i = 0; i < remap_unit_count; i++) {
        struct remap_unit *unit = &remap_units[i];

        if (unit_names(unit, requester, &remap->source)) {
            rest = unit;
            break;
        }
        if (unit->scope.dmar.includes_all && unit->segment == requester->segment &&
            requester->kind == HAL_REQUESTER_FUNCTION)
            rest = unit;
    }
    if (requester->kind == HAL_REQUESTER_HPET)
        remap->check = HAL_REMAP_BY_DEVICE; /* some give each timer a function of its own */
    if (requester->kind == HAL_REQUESTER_FUNCTION && requester->last_bus != 0) {
        remap->check = HAL_REMAP_BY_BUS;
        remap->source = (uint16_t)(requester->first_bus << 8 | requester->last_bus);
    }
    return rest;
}
