/*
 * remap_vtd.c - Intel's remapping unit: its table of entries, invalidation queue, fault records.
 *
 * Each unit has a table and a queue of its own; registers that firmware left on are switched off
 * first. An entry's upper half, which says who may use it, is written while the entry is not
 * present; a move then changes the lower half alone, by one store, and is whole. Every change is
 * followed by an invalidation of the entry's copy and a wait, after which interrupts that went by
 * the old entry have arrived (VT-d 6.5.2.11).
 *
 * Owns: registers, table, queue. Owns not: which unit is responsible for whom (remap_scope.c).
 */
#include <hal/vtd_entry.h>
#include <hw/acpi_tables.h>
#include <lib/log.h>

#include "arch.h"
#include "remap.h"
#include "remap_scope.h"

enum {
    VTD_TABLE_ENTRIES = 16384, /* 256 KiB; 64 messages for each of 256 CPUs */
    VTD_POLL_SECONDS = 1,
};

static struct vtd_irte *entry_at(const struct hal_remap *remap, uint32_t index)
{
    return (struct vtd_irte *)remap->unit->table + remap->first + index;
}

/* VT-d 11.4.3, C: some units do not look into the CPUs' caches when they read an entry. */
static void entry_flush(const struct remap_unit *unit, volatile struct vtd_irte *entry)
{
    if (!unit->is_coherent)
        __asm__ volatile("mfence; clflush %0; mfence" : "+m"(*entry));
}

/* ---- registers ------------------------------------------------------------------------------- */

/* VT-d 11.4.4.1: one command at a time; then wait for the bit of the status that answers. */
static bool command(struct remap_unit *unit, uint64_t bit, bool set)
{
    uint32_t kept = (uint32_t)(remap_read32(unit, VTD_GLOBAL_STATUS) & VTD_GLOBAL_KEPT);
    uint32_t value = set ? kept | (uint32_t)bit : kept & ~(uint32_t)bit;
    uint64_t limit = hal_tsc_read() + VTD_POLL_SECONDS * hal_tsc_frequency();

    remap_write32(unit, VTD_GLOBAL_COMMAND, value);
    while (((remap_read32(unit, VTD_GLOBAL_STATUS) & bit) != 0) != set) {
        if (hal_tsc_read() > limit) {
            log_error("remap: vtd at 0x%llx does not take command 0x%08x",
                      (unsigned long long)unit->physical, value);
            return false;
        }
        hal_cpu_pause();
    }
    return true;
}

static bool command_if(struct remap_unit *unit, uint64_t bit, bool set)
{
    bool is_set = (remap_read32(unit, VTD_GLOBAL_STATUS) & bit) != 0;

    return is_set == set || command(unit, bit, set);
}

/* ---- the queue ------------------------------------------------------------------------------- */

/* Have the unit forget its copy of one entry, or of all where `index` is UINT32_MAX. */
static bool invalidate(struct remap_unit *unit, uint32_t index)
{
    uint64_t which =
        index == UINT32_MAX ? 0 : VTD_CACHE_BY_INDEX | FIELD_PREP(VTD_CACHE_INDEX, index);

    if (!unit->is_on)
        return false; /* it has no copies yet, or is beyond help */
    unit->sequence = (uint32_t)(unit->sequence + 1);
    remap_queue_put(unit, VTD_CACHE_TYPE | which, 0);
    remap_queue_put(unit,
                    VTD_WAIT_TYPE | VTD_WAIT_WRITE | FIELD_PREP(VTD_WAIT_DATA, unit->sequence),
                    remap_physical((const void *)unit->done));
    remap_write64(unit, VTD_QUEUE_TAIL, unit->queue_tail);
    return remap_queue_wait(unit);
}

/* ---- life ------------------------------------------------------------------------------------ */

/* What the unit can do; false: not what is needed. */
static bool unit_read(struct remap_unit *unit)
{
    uint64_t able = remap_read64(unit, VTD_EXTENDED_CAPABILITY);

    unit->is_extended = hal_apic_is_x2() && (able & VTD_ECAP_EXTENDED_MODE) != 0;
    unit->is_coherent = (able & VTD_ECAP_COHERENT) != 0;
    return remap_read32(unit, VTD_VERSION) != UINT32_MAX && (able & VTD_ECAP_REMAPPING) != 0 &&
           (able & VTD_ECAP_QUEUE) != 0;
}

static bool unit_prepare(struct remap_unit *unit, const struct dmar_unit *found)
{
    unit->driver = &remap_vtd;
    unit->physical = found->registers;
    unit->segment = found->segment;
    unit->scope.dmar = *found;
    if (!remap_registers_map(unit, VTD_MMIO_SIZE)) {
        log_warn("remap: no memory for vtd at 0x%llx", (unsigned long long)unit->physical);
        return false;
    }
    if (!unit_read(unit)) {
        log_warn("remap: vtd at 0x%llx cannot remap interrupts",
                 (unsigned long long)unit->physical);
        return false;
    }
    unit->block_max = VTD_TABLE_ENTRIES;
    return true;
}

static bool vtd_allocate(struct remap_unit *unit)
{
    unit->table_count = VTD_TABLE_ENTRIES;
    unit->table = hal_upcall_pages_alloc(VTD_TABLE_ENTRIES * sizeof(struct vtd_irte));
    unit->used = hal_upcall_pages_alloc(VTD_TABLE_ENTRIES / 8);
    unit->queue = hal_upcall_pages_alloc(2 * HAL_PAGE_SIZE);
    if (unit->table == NULL || unit->used == NULL || unit->queue == NULL)
        return false;
    unit->done = (volatile uint64_t *)(unit->queue + HAL_PAGE_SIZE);
    return true;
}

static uint32_t vtd_find(struct remap_unit *units)
{
    const struct acpi_header_layout *table = hal_acpi_table("DMAR", 0);
    struct parse_error error;
    struct dmar_unit found;
    struct dmar dmar;
    enum parse_step step;
    uint32_t count = 0;

    if (!dmar_open(&dmar, table, table->length, &error)) {
        log_warn("DMAR: %s: %s", error.what, error.detail);
        return 0;
    }
    if (!dmar.has_remapping) {
        log_info("remap: the DMAR says that this machine remaps no interrupts");
        return 0;
    }
    while ((step = dmar_next(&dmar, &found, &error)) == PARSE_ITEM) {
        if (count == REMAP_UNITS_MAX || !unit_prepare(&units[count], &found))
            return remap_units_give_up(units, count);
        count++;
    }
    if (step == PARSE_BAD) {
        log_warn("DMAR: %s at offset 0x%llx: %s", error.what, (unsigned long long)error.offset,
                 error.detail);
        return remap_units_give_up(units, count); /* one that is not known lets all pass */
    }
    remap_scope_init(&dmar);
    return count;
}

/* VT-d 6.5.2: the queue is not switched off while the unit is at work on it; firmware's too. */
static void queue_drain(struct remap_unit *unit)
{
    uint64_t limit = hal_tsc_read() + VTD_POLL_SECONDS * hal_tsc_frequency();

    while (remap_read64(unit, VTD_QUEUE_HEAD) != remap_read64(unit, VTD_QUEUE_TAIL) &&
           hal_tsc_read() < limit)
        hal_cpu_pause();
}

static void vtd_stop(struct remap_unit *unit)
{
    unit->is_on = false;
    command_if(unit, VTD_GLOBAL_REMAPPING, false);
    if (remap_read32(unit, VTD_GLOBAL_STATUS) & VTD_GLOBAL_QUEUE)
        queue_drain(unit);
    command_if(unit, VTD_GLOBAL_QUEUE, false);
}

static uint64_t table_setting(const struct remap_unit *unit)
{
    uint64_t order = bits_log2_floor(unit->table_count) - 1;

    return remap_physical(unit->table) | FIELD_PREP(VTD_TABLE_ORDER, order) |
           (unit->is_extended ? VTD_TABLE_EXTENDED : 0);
}

static bool vtd_register_at(struct remap_unit *unit, uint32_t index,
                            struct hal_remap_register *found)
{
    const uint64_t ours = VTD_GLOBAL_REMAPPING | VTD_GLOBAL_QUEUE | VTD_GLOBAL_COMPATIBILITY;

    switch (index) {
    case 0:
        *found =
            (struct hal_remap_register){"global status", VTD_GLOBAL_REMAPPING | VTD_GLOBAL_QUEUE,
                                        remap_read32(unit, VTD_GLOBAL_STATUS) & ours};
        return true;
    case 1:
        *found = (struct hal_remap_register){"remapping table address", table_setting(unit),
                                             remap_read64(unit, VTD_TABLE_ADDRESS)};
        return true;
    case 2:
        *found =
            (struct hal_remap_register){"invalidation queue address", remap_physical(unit->queue),
                                        remap_read64(unit, VTD_QUEUE_ADDRESS)};
        return true;
    default:
        return false;
    }
}

/* VT-d 5.1.4 "Interrupt Remapping Hardware": table, then copies gone, then on. */
static bool vtd_start(struct remap_unit *unit)
{
    vtd_stop(unit);
    remap_write64(unit, VTD_QUEUE_TAIL, 0);
    remap_write64(unit, VTD_QUEUE_ADDRESS, remap_physical(unit->queue));
    if (!command(unit, VTD_GLOBAL_QUEUE, true))
        return false;
    unit->is_on = true;
    remap_write64(unit, VTD_TABLE_ADDRESS, table_setting(unit));
    return command(unit, VTD_GLOBAL_TABLE, true) && invalidate(unit, UINT32_MAX) &&
           command_if(unit, VTD_GLOBAL_COMPATIBILITY, false) &&
           command(unit, VTD_GLOBAL_REMAPPING, true);
}

/* ---- entries --------------------------------------------------------------------------------- */

static bool vtd_block_open(struct hal_remap *remap)
{
    remap->first = remap_bits_take(remap->unit->used, remap->unit->table_count, remap->count);
    return remap->first != UINT32_MAX;
}

static void vtd_block_close(const struct hal_remap *remap)
{
    remap_bits_give(remap->unit->used, remap->first, remap->count);
}

static void vtd_entry_write(const struct hal_remap *remap, uint32_t index,
                            const struct irq_route *route)
{
    volatile struct vtd_irte *entry = entry_at(remap, index);
    uint64_t high = vtd_irte_high(remap->source, remap->check);

    if (entry->high != high) { /* only ever while it is clear */
        entry->low = 0;
        entry->high = high;
        entry_flush(remap->unit, entry);
    }
    entry->low = route != NULL ? vtd_irte_low(route, remap->unit->is_extended) : 0;
    entry_flush(remap->unit, entry);
    invalidate(remap->unit, remap->first + index);
}

static bool vtd_entry_read(const struct hal_remap *remap, uint32_t index, struct irq_route *route)
{
    uint64_t low = ((volatile struct vtd_irte *)entry_at(remap, index))->low;

    vtd_irte_decode(low, remap->unit->is_extended, route);
    return (low & VTD_IRTE_PRESENT) != 0;
}

static struct msi_message vtd_message(const struct hal_remap *remap, uint32_t index)
{
    return vtd_message_build(remap->first, index);
}

static uint64_t vtd_rte(const struct hal_remap *remap, uint32_t index,
                        const struct irq_route *route)
{
    return vtd_rte_build(remap->first + index, route);
}

/* ---- faults, VT-d 7 -------------------------------------------------------------------------- */

static const char *reason_name(uint64_t reason)
{
    switch (reason) {
    case VTD_REASON_RESERVED:
        return "request with reserved bits";
    case VTD_REASON_INDEX:
        return "entry beyond the table";
    case VTD_REASON_NOT_PRESENT:
        return "entry is clear";
    case VTD_REASON_TABLE:
        return "table cannot be read";
    case VTD_REASON_ENTRY:
        return "entry with reserved bits";
    case VTD_REASON_COMPATIBILITY:
        return "message of the old format";
    case VTD_REASON_SOURCE:
        return "entry belongs to another";
    default:
        return "DMA fault";
    }
}

/* What else may stand in the status is of no use here and would hold back further faults. */
static void status_clear(struct remap_unit *unit)
{
    remap_write32(unit, VTD_FAULT_STATUS, (uint32_t)(VTD_FAULT_OVERFLOW | VTD_FAULT_QUEUE_ERRORS));
}

static bool vtd_fault_take(struct remap_unit *unit, struct hal_remap_fault *fault)
{
    uint64_t able = remap_read64(unit, VTD_CAPABILITY);
    uint32_t count = (uint32_t)FIELD_GET(VTD_CAP_FAULT_COUNT, able) + 1;
    uint32_t at = (uint32_t)FIELD_GET(VTD_CAP_FAULT_OFFSET, able) * VTD_FAULT_OFFSET_UNIT;

    for (; count > 0 && at + VTD_FAULT_SIZE <= VTD_MMIO_SIZE; count--, at += VTD_FAULT_SIZE) {
        uint64_t high = remap_read64(unit, at + 8);

        if (!(high & VTD_RECORD_FAULT))
            continue;
        fault->source = (uint16_t)FIELD_GET(VTD_RECORD_SOURCE, high);
        fault->what = reason_name(FIELD_GET(VTD_RECORD_REASON, high));
        fault->detail = FIELD_GET(VTD_RECORD_INDEX, remap_read64(unit, at));
        remap_write32(unit, at + 12, (uint32_t)(VTD_RECORD_FAULT >> 32)); /* written 1: clear */
        return true;
    }
    status_clear(unit);
    return false;
}

static void vtd_fault_program(struct remap_unit *unit, const struct msi_message *message)
{
    remap_write32(unit, VTD_FAULT_DATA, message->data);
    remap_write32(unit, VTD_FAULT_ADDRESS, (uint32_t)message->address);
    remap_write32(unit, VTD_FAULT_ADDRESS_HIGH, 0);
}

static void vtd_fault_mask(struct remap_unit *unit, bool mask)
{
    remap_write32(unit, VTD_FAULT_CONTROL, mask ? (uint32_t)VTD_FAULT_MASK : 0);
}

const struct remap_driver remap_vtd = {
    .name = "vtd",
    .find = vtd_find,
    .allocate = vtd_allocate,
    .start = vtd_start,
    .stop = vtd_stop,
    .unit_of = remap_scope_unit,
    .block_open = vtd_block_open,
    .block_close = vtd_block_close,
    .entry_write = vtd_entry_write,
    .entry_read = vtd_entry_read,
    .message = vtd_message,
    .rte = vtd_rte,
    .register_at = vtd_register_at,
    .fault_take = vtd_fault_take,
    .fault_program = vtd_fault_program,
    .fault_mask = vtd_fault_mask,
};
