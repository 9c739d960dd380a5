/*
 * remap.c - interrupt remapping as the rest of the kernel asks for it, above VT-d and AMD-Vi.
 *
 * All units are of one kind, since a machine has a DMAR or an IVRS. Remapping goes on for the whole
 * machine or not at all: with it on, an IOAPIC that is behind no unit could not be told from a
 * forger. Entries belong to whoever opened them; a clear entry blocks, so an entry is clear until
 * its source has a route and again as soon as it has none.
 *
 * Owns: the list of units, blocks of entries, what is said of both. Owns not: tables, registers and
 * caches (remap_vtd.c, remap_amd.c), redirection entries (ioapic.c), who logs faults (drivers/bus).
 */
#include "remap.h"

#include <hal/ioapic_entry.h>
#include <hal/msi_message.h>
#include <hw/acpi_tables.h>
#include <lib/bits.h>
#include <lib/format.h>
#include <lib/log.h>
#include <lib/string.h>

#include "arch.h"
#include "parse/cmdline.h"

/* Fixed mappings, REMAP_MMIO_SIZE for each unit. */
#define REMAP_VIRTUAL 0xFFFFFFFFFFD00000ull

enum {
    REMAP_MMIO_SIZE = 0x4000,
    REMAP_WAIT_SECONDS = 1,
    REMAP_DESTINATION_MAX = 0xFFFFFFFE, /* all ones is everybody */
};

struct remap_unit remap_units[REMAP_UNITS_MAX];
uint32_t remap_unit_count; /* 0: remapping is off */

/* ---- for the drivers ------------------------------------------------------------------------- */

bool remap_registers_map(struct remap_unit *unit, uint32_t size)
{
    uint64_t address = REMAP_VIRTUAL + (uint64_t)(unit - remap_units) * REMAP_MMIO_SIZE;

    unit->registers = (volatile uint8_t *)address;
    return size <= REMAP_MMIO_SIZE &&
           hal_page_map(address, unit->physical, size, HAL_PAGE_WRITE | HAL_PAGE_UNCACHED);
}

uint32_t remap_units_give_up(struct remap_unit *units, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        units[i].driver->stop(&units[i]);
    return 0;
}

void remap_queue_put(struct remap_unit *unit, uint64_t low, uint64_t high)
{
    uint64_t *command = (uint64_t *)(unit->queue + unit->queue_tail);

    command[0] = low;
    command[1] = high;
    unit->queue_tail = (unit->queue_tail + 2 * sizeof(uint64_t)) % HAL_PAGE_SIZE;
}

bool remap_queue_wait(struct remap_unit *unit)
{
    uint64_t limit = hal_tsc_read() + REMAP_WAIT_SECONDS * hal_tsc_frequency();

    while (*unit->done != unit->sequence) {
        if (hal_tsc_read() > limit) {
            log_error("remap: %s at 0x%llx does not answer", unit->driver->name,
                      (unsigned long long)unit->physical);
            unit->is_on = false;
            return false;
        }
        hal_cpu_pause();
    }
    return true;
}

/* ---- on and off ------------------------------------------------------------------------------ */

static bool is_refused(const char *command_line)
{
    char value[CMDLINE_VALUE_MAX];

    return cmdline_get(command_line, "ir", value, sizeof(value)) && strcmp(value, "off") == 0;
}

static bool allocate_all(void)
{
    for (uint32_t i = 0; i < remap_unit_count; i++) {
        if (!remap_units[i].driver->allocate(&remap_units[i])) {
            log_warn("remap: no memory for %s at 0x%llx", remap_units[i].driver->name,
                     (unsigned long long)remap_units[i].physical);
            return false;
        }
    }
    return true;
}

static bool start_all(void)
{
    uint32_t started = 0;

    while (started < remap_unit_count && remap_units[started].driver->start(&remap_units[started]))
        started++;
    return started == remap_unit_count;
}

/* Also what firmware has left on: it would block everything. */
static void stop_all(void)
{
    remap_unit_count = remap_units_give_up(remap_units, remap_unit_count);
    ioapic_remap_forget();
}

void hal_remap_init(const char *command_line)
{
    const struct remap_driver *driver = hal_acpi_table("DMAR", 0) != NULL   ? &remap_vtd
                                        : hal_acpi_table("IVRS", 0) != NULL ? &remap_amd
                                                                            : NULL;

    if (driver == NULL)
        return;
    remap_unit_count = driver->find(remap_units);
    if (remap_unit_count == 0)
        return;
    if (is_refused(command_line)) {
        log_info("remap: off, as the command line has it");
        stop_all();
        return;
    }
    if (!allocate_all() || !ioapic_remap_open() || !start_all()) {
        stop_all();
        return;
    }
    log_info("remap: interrupts by %u unit%s of %s, %s destinations", remap_unit_count,
             remap_unit_count == 1 ? "" : "s", driver->name,
             hal_destination_max() > MSI_DESTINATION_MAX ? "32-bit" : "8-bit");
}

bool hal_remap_is_on(void)
{
    return remap_unit_count != 0;
}

uint32_t hal_destination_max(void)
{
    for (uint32_t i = 0; i < remap_unit_count; i++) {
        if (!remap_units[i].is_extended)
            return MSI_DESTINATION_MAX;
    }
    return remap_unit_count != 0 ? REMAP_DESTINATION_MAX : MSI_DESTINATION_MAX;
}

/* ---- blocks of entries ----------------------------------------------------------------------- */

/* Is there a CPU that only a remapping entry can name, and is it given interrupts? */
static bool has_far_cpu(void)
{
    for (uint32_t cpu = 0; cpu < hal_cpu_count(); cpu++) {
        uint32_t id = hal_pcr(cpu)->apic_id.value;

        if (id > MSI_DESTINATION_MAX && id <= hal_destination_max())
            return true;
    }
    return false;
}

bool hal_remap_open(const struct hal_requester *requester, uint32_t count, struct hal_remap *remap)
{
    raw_lock_state_t state;
    bool opened;

    *remap = (struct hal_remap){.count = count};
    if (remap_unit_count == 0)
        return true;
    remap->unit = remap_units[0].driver->unit_of(requester, remap);
    if (remap->unit == NULL)
        return !has_far_cpu();
    state = raw_lock_acquire(&remap->unit->lock);
    opened = remap->unit->driver->block_open(remap);
    if (opened)
        remap->unit->entries_used += count;
    raw_lock_release(&remap->unit->lock, state);
    if (!opened)
        *remap = (struct hal_remap){0};
    return opened;
}

uint32_t hal_remap_block_max(void)
{
    uint32_t max = UINT32_MAX;

    for (uint32_t i = 0; i < remap_unit_count; i++) {
        if (remap_units[i].block_max < max)
            max = remap_units[i].block_max;
    }
    return max;
}

void hal_remap_close(struct hal_remap *remap)
{
    raw_lock_state_t state;

    if (remap->unit == NULL)
        return;
    for (uint32_t i = 0; i < remap->count; i++)
        hal_remap_clear(remap, i);
    state = raw_lock_acquire(&remap->unit->lock);
    remap->unit->driver->block_close(remap);
    remap->unit->entries_used -= remap->count;
    raw_lock_release(&remap->unit->lock, state);
    *remap = (struct hal_remap){0};
}

void hal_remap_clear(const struct hal_remap *remap, uint32_t index)
{
    struct irq_route route;
    raw_lock_state_t state;

    if (remap->unit == NULL)
        return;
    state = raw_lock_acquire(&remap->unit->lock);
    if (remap->unit->driver->entry_read(remap, index, &route))
        remap->unit->driver->entry_write(remap, index, NULL);
    raw_lock_release(&remap->unit->lock, state);
}

bool hal_remap_read(const struct hal_remap *remap, uint32_t index, struct irq_route *route)
{
    raw_lock_state_t state = raw_lock_acquire(&remap->unit->lock);
    bool present = remap->unit->driver->entry_read(remap, index, route);

    raw_lock_release(&remap->unit->lock, state);
    return present;
}

uint64_t remap_rte(const struct hal_remap *remap, uint32_t pin, const struct irq_route *route)
{
    raw_lock_state_t state = raw_lock_acquire(&remap->unit->lock);

    remap->unit->driver->entry_write(remap, pin, route);
    raw_lock_release(&remap->unit->lock, state);
    return remap->unit->driver->rte(remap, pin, route);
}

static void source_format(const struct hal_remap *remap, char *text, size_t size)
{
    unsigned high = remap->source >> 8, low = remap->source & 0xFF;

    if (remap->check == HAL_REMAP_BY_BUS)
        lib_snprintf(text, size, "buses %02x to %02x", high, low);
    else if (remap->check == HAL_REMAP_BY_DEVICE)
        lib_snprintf(text, size, "%02x:%02x.*", high, low >> 3);
    else
        lib_snprintf(text, size, "%02x:%02x.%x", high, low >> 3, low & 7);
}

void hal_remap_describe(const struct hal_remap *remap, uint32_t index,
                        char text[HAL_REMAP_TEXT_MAX])
{
    struct irq_route route = {.trigger = IRQ_TRIGGER_LATCHED};
    char source[24];

    text[0] = '\0';
    if (remap == NULL || remap->unit == NULL)
        return;
    source_format(remap, source, sizeof(source));
    if (hal_remap_read(remap, index, &route))
        lib_snprintf(text, HAL_REMAP_TEXT_MAX,
                     "%s%u entry %u: vector 0x%02x to APIC %u, from %s only",
                     remap->unit->driver->name, (unsigned)(remap->unit - remap_units),
                     remap->first + index, route.vector.value, route.destination.value, source);
    else
        lib_snprintf(text, HAL_REMAP_TEXT_MAX, "%s%u entry %u: clear, blocks",
                     remap->unit->driver->name, (unsigned)(remap->unit - remap_units),
                     remap->first + index);
}

/* ---- units, faults --------------------------------------------------------------------------- */

bool hal_remap_unit_at(uint32_t number, struct hal_remap_unit_info *info)
{
    const struct remap_unit *unit = &remap_units[number];

    if (number >= remap_unit_count)
        return false;
    *info = (struct hal_remap_unit_info){
        .registers = unit->physical,
        .segment = unit->segment,
        .is_extended = unit->is_extended,
        .entries_used = unit->entries_used,
        .table = remap_physical(unit->table),
        .log = unit->log != NULL ? remap_physical(unit->log) : 0,
    };
    lib_snprintf(info->name, sizeof(info->name), "%s%u", unit->driver->name, number);
    return true;
}

bool hal_remap_register_at(uint32_t number, uint32_t index, struct hal_remap_register *found)
{
    struct remap_unit *unit = &remap_units[number];
    raw_lock_state_t state;
    bool is_one;

    if (number >= remap_unit_count)
        return false;
    state = raw_lock_acquire(&unit->lock);
    is_one = unit->driver->register_at(unit, index, found);
    raw_lock_release(&unit->lock, state);
    return is_one;
}

bool hal_remap_fault_take(uint32_t number, struct hal_remap_fault *fault)
{
    struct remap_unit *unit = &remap_units[number];
    raw_lock_state_t state;
    bool taken;

    if (number >= remap_unit_count)
        return false;
    *fault = (struct hal_remap_fault){.segment = unit->segment};
    state = raw_lock_acquire(&unit->lock);
    taken = unit->driver->fault_take(unit, fault);
    raw_lock_release(&unit->lock, state);
    return taken;
}

/* A unit's own message goes straight to the CPU: VT-d 5.1.6, AMD-Vi 3.10. */
static void fault_program(const struct irq_source *source, const struct irq_route *route)
{
    struct remap_unit *unit = &remap_units[source->index];
    struct msi_message message = msi_message_build(route);
    raw_lock_state_t state = raw_lock_acquire(&unit->lock);

    unit->fault_route = *route;
    unit->driver->fault_program(unit, &message);
    raw_lock_release(&unit->lock, state);
}

static void fault_mask_change(const struct irq_source *source, bool mask)
{
    struct remap_unit *unit = &remap_units[source->index];
    raw_lock_state_t state = raw_lock_acquire(&unit->lock);

    unit->fault_is_masked = mask;
    unit->driver->fault_mask(unit, mask);
    raw_lock_release(&unit->lock, state);
}

static void fault_mask(const struct irq_source *source)
{
    fault_mask_change(source, true);
}

static void fault_unmask(const struct irq_source *source)
{
    fault_mask_change(source, false);
}

static void fault_read(const struct irq_source *source, struct irq_chip_state *state)
{
    const struct remap_unit *unit = &remap_units[source->index];
    struct msi_message message = msi_message_build(&unit->fault_route);

    *state = (struct irq_chip_state){
        .route = unit->fault_route,
        .masked = unit->fault_is_masked,
        .is_message = true,
        .message_address = message.address,
        .message_data = message.data,
    };
}

const struct irq_chip hal_remap_fault_chip = {
    .name = "remap",
    .program = fault_program,
    .mask = fault_mask,
    .unmask = fault_unmask,
    .read = fault_read,
};
