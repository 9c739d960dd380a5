/*
 * remap_amd.c - AMD's remapping unit: device table, tables of entries, command and event rings.
 *
 * Every requester id has an entry of the device table, all valid from the start: memory passes,
 * interrupts go by a table that is all clear, and so are blocked, until somebody opens entries for
 * that id; then it gets a table of its own for good. A message's data are the index into the
 * sender's table, so what an id cannot do is use another's entry.
 *
 * The unit's command head register is not looked at: a command that has run is known by the number
 * that a completion wait behind it stores.
 *
 * Owns: registers, tables, rings. Owns not: what is above both kinds of unit (remap.c).
 */
#include <hal/amd_iommu_entry.h>
#include <hw/acpi_tables.h>
#include <hw/pci.h>
#include <lib/log.h>

#include "arch.h"
#include "remap.h"

#include "parse/pci_capability.h"

enum {
    AMD_RING_ORDER = 8, /* 256 commands or events of 16 bytes: one page */
    AMD_DEVICE_IDS = 65536,
    AMD_POLL_SECONDS = 1,
};
_Static_assert(((uint64_t)16 << AMD_RING_ORDER) == HAL_PAGE_SIZE, "AMD-Vi 3.4.2");

#define AMD_CONTROL_WIDE (AMD_IOMMU_CONTROL_WIDE_ENTRIES | AMD_IOMMU_CONTROL_WIDE_DESTINATIONS)
#define AMD_CONTROL_OURS                                                                           \
    (AMD_IOMMU_CONTROL_ON | AMD_IOMMU_CONTROL_EVENT_LOG | AMD_IOMMU_CONTROL_EVENT_INTERRUPT |      \
     AMD_IOMMU_CONTROL_COHERENT | AMD_IOMMU_CONTROL_COMMANDS | AMD_IOMMU_CONTROL_ENTRIES |         \
     AMD_CONTROL_WIDE)

static struct ivrs amd_ivrs;

static struct amd_device_entry *device_at(const struct remap_unit *unit, uint16_t id)
{
    return (struct amd_device_entry *)unit->table + id;
}

static uint32_t entry_size(const struct remap_unit *unit)
{
    return unit->is_extended ? sizeof(struct amd_wide_irte) : sizeof(uint32_t);
}

/* The table of an id, and behind it the bits of its used entries. */
static uint8_t *table_of(const struct remap_unit *unit, uint16_t id)
{
    return hal_direct_map(device_at(unit, id)->word[2] & AMD_DTE_TABLE_ROOT);
}

static uint64_t *used_of(const struct remap_unit *unit, uint16_t id)
{
    return (uint64_t *)(table_of(unit, id) + unit->block_max * entry_size(unit));
}

static uint8_t *table_alloc(const struct remap_unit *unit)
{
    return hal_upcall_pages_alloc(unit->block_max * entry_size(unit) + unit->block_max / 8);
}

/* ---- commands, AMD-Vi 2.4 -------------------------------------------------------------------- */

/* Have the unit forget its copies of what it holds of an id, and wait until it has. */
static bool invalidate(struct remap_unit *unit, uint64_t code, uint16_t id)
{
    if (!unit->is_on)
        return false; /* it has no copies yet, or is beyond help */
    unit->sequence++;
    remap_queue_put(unit, FIELD_PREP(AMD_COMMAND_CODE, code) | FIELD_PREP(AMD_COMMAND_DEVICE, id),
                    0);
    remap_queue_put(unit,
                    FIELD_PREP(AMD_COMMAND_CODE, AMD_COMMAND_WAIT) | AMD_COMMAND_STORE |
                        (remap_physical((const void *)unit->done) & AMD_COMMAND_ADDRESS),
                    unit->sequence);
    remap_write64(unit, AMD_IOMMU_COMMAND_TAIL, unit->queue_tail);
    return remap_queue_wait(unit);
}

/* ---- life ------------------------------------------------------------------------------------ */

static bool amd_allocate(struct remap_unit *unit)
{
    unit->table_count = AMD_DEVICE_IDS;
    unit->table = hal_upcall_pages_alloc(AMD_DEVICE_IDS * sizeof(struct amd_device_entry));
    unit->queue = hal_upcall_pages_alloc(2 * HAL_PAGE_SIZE);
    unit->log = hal_upcall_pages_alloc(HAL_PAGE_SIZE);
    unit->blank = table_alloc(unit);
    if (unit->table == NULL || unit->queue == NULL || unit->log == NULL || unit->blank == NULL)
        return false;
    unit->done = (volatile uint64_t *)(unit->queue + HAL_PAGE_SIZE);
    for (uint32_t id = 0; id < AMD_DEVICE_IDS; id++)
        *device_at(unit, (uint16_t)id) =
            amd_device_entry_build(remap_physical(unit->blank), unit->block_max);
    return true;
}

static bool unit_prepare(struct remap_unit *unit, const struct ivrs_unit *found)
{
    uint64_t features;

    unit->driver = &remap_amd;
    unit->physical = found->registers;
    unit->segment = found->segment;
    unit->scope.ivrs = *found;
    if (!remap_registers_map(unit, AMD_IOMMU_MMIO_SIZE)) {
        log_warn("remap: no memory for amd-vi at 0x%llx", (unsigned long long)unit->physical);
        return false;
    }
    features = remap_read64(unit, AMD_IOMMU_FEATURES);
    if (features == UINT64_MAX) {
        log_warn("remap: no amd-vi answers at 0x%llx", (unsigned long long)unit->physical);
        return false;
    }
    unit->is_extended = hal_apic_is_x2() && (features & AMD_IOMMU_FEATURE_WIDE_ENTRIES) != 0 &&
                        (features & AMD_IOMMU_FEATURE_WIDE_DESTINATIONS) != 0;
    unit->block_max = FIELD_GET(AMD_IOMMU_FEATURE_2_ENTRIES,
                                remap_read64(unit, AMD_IOMMU_FEATURES_2)) == AMD_ENTRIES_2048
                          ? AMD_TABLE_ENTRIES_MAX
                          : AMD_TABLE_ENTRIES;
    return true;
}

static uint32_t amd_find(struct remap_unit *units)
{
    const struct acpi_header_layout *table = hal_acpi_table("IVRS", 0);
    struct parse_error error;
    struct ivrs_unit found;
    enum parse_step step;
    uint32_t count = 0;

    if (!ivrs_open(&amd_ivrs, table, table->length, &error)) {
        log_warn("IVRS: %s: %s", error.what, error.detail);
        return 0;
    }
    while ((step = ivrs_next(&amd_ivrs, &found, &error)) == PARSE_ITEM) {
        if (count == REMAP_UNITS_MAX || !unit_prepare(&units[count], &found))
            return remap_units_give_up(units, count);
        count++;
    }
    if (step == PARSE_BAD) {
        log_warn("IVRS: %s at offset 0x%llx: %s", error.what, (unsigned long long)error.offset,
                 error.detail);
        return remap_units_give_up(units, count);
    }
    return count;
}

/* AMD-Vi 3.4.16: what has been switched off may be at work for a while, firmware's rings too. */
static void rings_wait(struct remap_unit *unit)
{
    uint64_t limit = hal_tsc_read() + AMD_POLL_SECONDS * hal_tsc_frequency();

    while ((remap_read64(unit, AMD_IOMMU_STATUS) &
            (AMD_IOMMU_STATUS_COMMANDS | AMD_IOMMU_STATUS_LOGS)) != 0 &&
           hal_tsc_read() < limit)
        hal_cpu_pause();
}

static void amd_stop(struct remap_unit *unit)
{
    uint64_t control = remap_read64(unit, AMD_IOMMU_CONTROL) &
                       ~(AMD_IOMMU_CONTROL_EVENT_LOG | AMD_IOMMU_CONTROL_EVENT_INTERRUPT |
                         AMD_IOMMU_CONTROL_COMMANDS);

    unit->is_on = false;
    remap_write64(unit, AMD_IOMMU_CONTROL, control);
    rings_wait(unit);
    remap_write64(unit, AMD_IOMMU_CONTROL, control & ~AMD_IOMMU_CONTROL_ON);
    remap_write64(unit, AMD_IOMMU_DEVICE_TABLE, 0); /* QEMU's looks there even when it is off */
}

static uint64_t ring_base(const uint8_t *ring)
{
    return (remap_physical(ring) & AMD_IOMMU_BASE_ADDRESS) |
           FIELD_PREP(AMD_IOMMU_RING_ORDER, AMD_RING_ORDER);
}

static uint64_t device_table_setting(const struct remap_unit *unit)
{
    uint64_t pages = AMD_DEVICE_IDS * sizeof(struct amd_device_entry) / HAL_PAGE_SIZE - 1;

    return (remap_physical(unit->table) & AMD_IOMMU_BASE_ADDRESS) |
           FIELD_PREP(AMD_IOMMU_TABLE_PAGES, pages);
}

/* Of the bits AMD_CONTROL_OURS. */
static uint64_t control_setting(const struct remap_unit *unit)
{
    uint64_t entries = unit->block_max > AMD_TABLE_ENTRIES ? AMD_ENTRIES_2048 : AMD_ENTRIES_512;

    return AMD_IOMMU_CONTROL_ON | AMD_IOMMU_CONTROL_EVENT_LOG | AMD_IOMMU_CONTROL_EVENT_INTERRUPT |
           AMD_IOMMU_CONTROL_COHERENT | AMD_IOMMU_CONTROL_COMMANDS |
           FIELD_PREP(AMD_IOMMU_CONTROL_ENTRIES, entries) |
           (unit->is_extended ? AMD_CONTROL_WIDE : 0);
}

static bool amd_register_at(struct remap_unit *unit, uint32_t index,
                            struct hal_remap_register *found)
{
    switch (index) {
    case 0:
        *found =
            (struct hal_remap_register){"control", control_setting(unit),
                                        remap_read64(unit, AMD_IOMMU_CONTROL) & AMD_CONTROL_OURS};
        return true;
    case 1:
        *found = (struct hal_remap_register){"device table", device_table_setting(unit),
                                             remap_read64(unit, AMD_IOMMU_DEVICE_TABLE)};
        return true;
    case 2:
        *found = (struct hal_remap_register){"command ring", ring_base(unit->queue),
                                             remap_read64(unit, AMD_IOMMU_COMMAND_BASE)};
        return true;
    case 3:
        *found = (struct hal_remap_register){"event ring", ring_base(unit->log),
                                             remap_read64(unit, AMD_IOMMU_EVENT_BASE)};
        return true;
    default:
        return false;
    }
}

/* AMD-Vi 2.8 "Initialization": tables and rings while the unit is off, then on. */
static bool amd_start(struct remap_unit *unit)
{
    uint64_t control;

    amd_stop(unit);
    remap_write64(unit, AMD_IOMMU_DEVICE_TABLE, device_table_setting(unit));
    remap_write64(unit, AMD_IOMMU_COMMAND_BASE, ring_base(unit->queue));
    remap_write64(unit, AMD_IOMMU_COMMAND_HEAD, 0);
    remap_write64(unit, AMD_IOMMU_COMMAND_TAIL, 0);
    remap_write64(unit, AMD_IOMMU_EVENT_BASE, ring_base(unit->log));
    remap_write64(unit, AMD_IOMMU_EVENT_HEAD, 0);
    remap_write64(unit, AMD_IOMMU_EVENT_TAIL, 0);
    control = remap_read64(unit, AMD_IOMMU_CONTROL) & ~AMD_CONTROL_OURS;
    remap_write64(unit, AMD_IOMMU_CONTROL, control | control_setting(unit));
    unit->is_on = true;
    return invalidate(unit, AMD_COMMAND_DEVICE_ENTRY, 0);
}

/* ---- who is behind which unit ---------------------------------------------------------------- */

/* AMD-Vi 5.2.2: does the entry speak of him? `id` is then what his requests come as. */
static bool entry_names(const struct ivrs_entry *entry, const struct hal_requester *requester,
                        uint16_t *id)
{
    bool in_range = requester->function >= entry->first && requester->function <= entry->last;

    switch (requester->kind) {
    case HAL_REQUESTER_IOAPIC:
        *id = entry->source;
        return entry->kind == IVRS_IOAPIC && entry->handle == requester->number;
    case HAL_REQUESTER_HPET:
        *id = entry->source;
        return entry->kind == IVRS_HPET && entry->handle == requester->number;
    default:
        *id = entry->kind == IVRS_ALIASES ? entry->source : requester->id;
        return in_range && (entry->kind == IVRS_DEVICES || entry->kind == IVRS_ALIASES);
    }
}

/* The last entry of a unit that names him is the most precise: ranges stand before exceptions. */
static struct remap_unit *amd_unit_of(const struct hal_requester *requester,
                                      struct hal_remap *remap)
{
    struct remap_unit *unit = NULL;

    for (uint32_t i = 0; i < remap_unit_count; i++) {
        struct ivrs_unit walk = remap_units[i].scope.ivrs;
        struct ivrs_entry entry;
        uint16_t id;

        if (requester->kind == HAL_REQUESTER_FUNCTION &&
            remap_units[i].segment != requester->segment)
            continue;
        while (ivrs_entry_next(&amd_ivrs, &walk, &entry, NULL) == PARSE_ITEM) {
            if (entry_names(&entry, requester, &id)) {
                unit = &remap_units[i];
                remap->source = id;
            }
        }
    }
    return unit;
}

/* ---- entries --------------------------------------------------------------------------------- */

static bool amd_block_open(struct hal_remap *remap)
{
    struct remap_unit *unit = remap->unit;
    uint8_t *table;

    if (table_of(unit, remap->source) == unit->blank) {
        table = table_alloc(unit);
        if (table == NULL)
            return false;
        device_at(unit, remap->source)->word[2] =
            amd_device_entry_build(remap_physical(table), unit->block_max).word[2];
        invalidate(unit, AMD_COMMAND_DEVICE_ENTRY, remap->source);
    }
    remap->first = remap_bits_take(used_of(unit, remap->source), unit->block_max, remap->count);
    return remap->first != UINT32_MAX;
}

static void amd_block_close(const struct hal_remap *remap)
{
    remap_bits_give(used_of(remap->unit, remap->source), remap->first, remap->count);
}

/* All 128 bits at once: the two halves of a route must never be seen apart. */
static void wide_write(struct amd_wide_irte *entry, struct amd_wide_irte value)
{
    struct amd_wide_irte old = *entry;

    for (bool done = false;;) {
        __asm__ volatile("lock cmpxchg16b %1"
                         : "=@ccz"(done), "+m"(*entry), "+a"(old.low), "+d"(old.high)
                         : "b"(value.low), "c"(value.high)
                         : "memory");
        if (done)
            return;
    }
}

static void amd_entry_write(const struct hal_remap *remap, uint32_t index,
                            const struct irq_route *route)
{
    uint8_t *table = table_of(remap->unit, remap->source);
    uint32_t number = remap->first + index;

    if (remap->unit->is_extended)
        wide_write((struct amd_wide_irte *)table + number,
                   route != NULL ? amd_wide_irte_build(route) : (struct amd_wide_irte){0});
    else
        *((volatile uint32_t *)table + number) = route != NULL ? amd_irte_build(route) : 0;
    invalidate(remap->unit, AMD_COMMAND_INTERRUPT_TABLE, remap->source);
}

static bool amd_entry_read(const struct hal_remap *remap, uint32_t index, struct irq_route *route)
{
    const uint8_t *table = table_of(remap->unit, remap->source);
    uint32_t number = remap->first + index;
    struct amd_wide_irte wide;
    uint32_t narrow;

    if (remap->unit->is_extended) {
        wide = *((const struct amd_wide_irte *)table + number);
        amd_wide_irte_decode(&wide, route);
        return (wide.low & AMD_IRTE_ON) != 0;
    }
    narrow = *((const volatile uint32_t *)table + number);
    amd_irte_decode(narrow, route);
    return (narrow & AMD_IRTE_ON) != 0;
}

static struct msi_message amd_message(const struct hal_remap *remap, uint32_t index)
{
    return amd_message_build(remap->first + index, remap->unit->block_max);
}

static uint64_t amd_rte(const struct hal_remap *remap, uint32_t index,
                        const struct irq_route *route)
{
    (void)route;
    return amd_rte_build(remap->first + index);
}

/* ---- events, AMD-Vi 2.5 ---------------------------------------------------------------------- */

static const char *event_name(uint64_t code, bool is_interrupt)
{
    switch (code) {
    case AMD_EVENT_DEVICE_ENTRY:
        return "device table entry is not valid";
    case AMD_EVENT_PAGE_FAULT:
        return is_interrupt ? "entry is clear" : "DMA fault";
    case AMD_EVENT_DEVICE_TABLE:
        return "device table cannot be read";
    case AMD_EVENT_PAGE_TABLE:
        return "table cannot be read";
    case AMD_EVENT_COMMAND:
    case AMD_EVENT_COMMAND_BUFFER:
        return "command refused";
    case AMD_EVENT_TIMEOUT:
        return "device does not answer an invalidation";
    case AMD_EVENT_REQUEST:
        return "request that is not allowed";
    default:
        return "unknown event";
    }
}

/* AMD-Vi 3.4.16: a full log stops; it is started anew once it has been read. */
static void overflow_clear(struct remap_unit *unit)
{
    uint64_t control = remap_read64(unit, AMD_IOMMU_CONTROL);

    if (!(remap_read64(unit, AMD_IOMMU_STATUS) & AMD_IOMMU_STATUS_OVERFLOW))
        return;
    remap_write64(unit, AMD_IOMMU_CONTROL, control & ~AMD_IOMMU_CONTROL_EVENT_LOG);
    remap_write64(unit, AMD_IOMMU_STATUS, AMD_IOMMU_STATUS_OVERFLOW);
    remap_write64(unit, AMD_IOMMU_CONTROL, control | AMD_IOMMU_CONTROL_EVENT_LOG);
}

static bool amd_fault_take(struct remap_unit *unit, struct hal_remap_fault *fault)
{
    uint32_t tail;
    volatile uint64_t *event = (volatile uint64_t *)(unit->log + unit->log_head);

    remap_write64(unit, AMD_IOMMU_STATUS, AMD_IOMMU_STATUS_EVENT);
    tail = (uint32_t)(remap_read64(unit, AMD_IOMMU_EVENT_TAIL) & AMD_IOMMU_RING_POINTER);
    if (tail >= HAL_PAGE_SIZE || tail == unit->log_head) {
        overflow_clear(unit);
        return false;
    }
    fault->source = (uint16_t)FIELD_GET(AMD_EVENT_DEVICE, event[0]);
    fault->what =
        event_name(FIELD_GET(AMD_EVENT_CODE, event[0]), (event[0] & AMD_EVENT_INTERRUPT) != 0);
    fault->detail = event[1];
    event[0] = 0;
    unit->log_head = (unit->log_head + AMD_EVENT_SIZE) % HAL_PAGE_SIZE;
    remap_write64(unit, AMD_IOMMU_EVENT_HEAD, unit->log_head);
    return true;
}

/* The unit is a PCI function with MSI. 0: firmware hides it. */
static uint16_t msi_offset(const struct remap_unit *unit, struct pci_msi_capability *msi)
{
    const struct ivrs_unit *ivrs = &unit->scope.ivrs;
    uint8_t bus = (uint8_t)(ivrs->device_id >> 8), devfn = (uint8_t)ivrs->device_id;
    uint32_t config[PCI_CONFIG_SIZE / sizeof(uint32_t)];
    uint16_t offset;

    for (uint32_t i = 0; i < PCI_CONFIG_SIZE / sizeof(uint32_t); i++)
        config[i] = hal_pci_read(ivrs->segment, bus, devfn, i * sizeof(uint32_t), 4);
    offset = pci_capability_find(config, sizeof(config), PCI_CAPABILITY_MSI);
    return offset != 0 && pci_msi_decode(config, sizeof(config), offset, msi, NULL) ? offset : 0;
}

static void msi_write(const struct remap_unit *unit, uint32_t offset, int width, uint32_t value)
{
    const struct ivrs_unit *ivrs = &unit->scope.ivrs;

    hal_pci_write(ivrs->segment, (uint8_t)(ivrs->device_id >> 8), (uint8_t)ivrs->device_id, offset,
                  width, value);
}

static void amd_fault_program(struct remap_unit *unit, const struct msi_message *message)
{
    struct pci_msi_capability msi;

    if (msi_offset(unit, &msi) == 0)
        return;
    msi_write(unit, msi.address_offset, 4, (uint32_t)message->address);
    if (msi.is_64bit)
        msi_write(unit, msi.upper_address_offset, 4, 0);
    msi_write(unit, msi.data_offset, 2, message->data);
}

static void amd_fault_mask(struct remap_unit *unit, bool mask)
{
    struct pci_msi_capability msi;
    uint16_t offset = msi_offset(unit, &msi);

    if (offset != 0)
        msi_write(unit, offset + PCI_MSI_CONTROL, 2, mask ? 0 : (uint32_t)PCI_MSI_CONTROL_ENABLE);
}

const struct remap_driver remap_amd = {
    .name = "amd-vi",
    .find = amd_find,
    .allocate = amd_allocate,
    .start = amd_start,
    .stop = amd_stop,
    .unit_of = amd_unit_of,
    .block_open = amd_block_open,
    .block_close = amd_block_close,
    .entry_write = amd_entry_write,
    .entry_read = amd_entry_read,
    .message = amd_message,
    .rte = amd_rte,
    .register_at = amd_register_at,
    .fault_take = amd_fault_take,
    .fault_program = amd_fault_program,
    .fault_mask = amd_fault_mask,
    .needs_directed_eoi = true,
};
