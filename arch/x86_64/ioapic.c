/*
 * IOAPICs: the chip behind line-based interrupts.
 *
 * The MADT names each IOAPIC's address and the first GSI it serves; the chip itself says how many
 * pins it has. Each pin has a 64-bit entry, of which a shadow is kept here, so that masking is one
 * write and reserved bits stay as firmware left them. An entry is always rewritten masked, high
 * half first: a half-written entry can then never deliver.
 *
 * The select and window registers of a chip are a pair, so each chip has a lock; it nests inside
 * the line's lock and is held for a few accesses. End of interrupt is the local APIC's broadcast,
 * which names the vector; where remapping lets an entry's vector be something else (AMD-Vi), the
 * pin is ended by the chip's own register.
 *
 * Owns: pins, overrides. Owns not: lines and their vectors (kernel/irq), INTx routes (drivers/bus).
 */
#include <hal/hal.h>
#include <hal/ioapic.h>
#include <hal/ioapic_entry.h>
#include <lib/log.h>
#include <lib/rawlock.h>

#include "parse/madt.h"
#include "remap.h"

enum { IOAPICS_MAX = 64, ISA_IRQS = 16, LENGTH_OFFSET = 4 };

/* One page each, in the kernel's fixed mappings. */
#define IOAPIC_VIRTUAL 0xFFFFFFFFFFF00000ull

/* Legend: (c) constant after hal_ioapic_init(), (l) this chip's lock. */
struct ioapic {
    uint64_t registers;              /* (c) virtual address, 0: could not be mapped */
    phys_addr_t address;             /* (c) the same, physical */
    uint32_t gsi_base;               /* (c) */
    uint32_t pin_count;              /* (c) */
    uint8_t id;                      /* (c) as the MADT has it */
    bool has_eoi;                    /* (c) it can be told that an interrupt has ended */
    struct hal_remap remap;          /* (c) an entry a pin */
    struct raw_lock lock;            /* the select/window pair */
    uint64_t entry[IOAPIC_PINS_MAX]; /* (l) what was written last */
};

struct isa_route {
    uint32_t gsi;
    struct hal_gsi_mode mode;
    bool overridden;
};

static struct ioapic ioapics[IOAPICS_MAX];
static uint32_t ioapic_total;
static struct isa_route isa_routes[ISA_IRQS];
static bool initialised;

static uint32_t register_read(const struct ioapic *chip, uint32_t number)
{
    *(volatile uint32_t *)(chip->registers + IOAPIC_SELECT) = number;
    return *(volatile uint32_t *)(chip->registers + IOAPIC_WINDOW);
}

static void register_write(const struct ioapic *chip, uint32_t number, uint32_t value)
{
    *(volatile uint32_t *)(chip->registers + IOAPIC_SELECT) = number;
    *(volatile uint32_t *)(chip->registers + IOAPIC_WINDOW) = value;
}

static uint64_t entry_read(const struct ioapic *chip, uint32_t pin)
{
    uint64_t high = register_read(chip, ioapic_rte_register(pin, true));

    return high << 32 | register_read(chip, ioapic_rte_register(pin, false));
}

static void entry_write_low(struct ioapic *chip, uint32_t pin, uint64_t entry)
{
    register_write(chip, ioapic_rte_register(pin, false), (uint32_t)entry);
    chip->entry[pin] = entry;
}

/* Mask, high half, low half: with the new entry's own mask bit. Lock held. */
static void entry_write(struct ioapic *chip, uint32_t pin, uint64_t entry)
{
    if (!(chip->entry[pin] & IOAPIC_RTE_MASK))
        entry_write_low(chip, pin, chip->entry[pin] | IOAPIC_RTE_MASK);
    register_write(chip, ioapic_rte_register(pin, true), (uint32_t)(entry >> 32));
    entry_write_low(chip, pin, entry);
}

static void chip_start(struct ioapic *chip)
{
    uint32_t version = register_read(chip, IOAPIC_REG_VERSION);

    chip->pin_count = ioapic_pin_count(version);
    chip->has_eoi = FIELD_GET(IOAPIC_VERSION_FIELD, version) >= IOAPIC_VERSION_WITH_EOI;
    for (uint32_t pin = 0; pin < chip->pin_count; pin++) {
        uint64_t found = entry_read(chip, pin);

        chip->entry[pin] = found;
        entry_write(chip, pin, ioapic_rte_idle(found));
    }
}

static void chip_add(const struct madt_entry *found)
{
    struct ioapic *chip = &ioapics[ioapic_total];
    uint64_t page = found->address & ~(HAL_PAGE_SIZE - 1);
    uint64_t address = IOAPIC_VIRTUAL + ioapic_total * HAL_PAGE_SIZE;

    if (ioapic_total == IOAPICS_MAX) {
        log_warn("ioapic: more than %d, the one at 0x%llx is left alone", IOAPICS_MAX,
                 (unsigned long long)found->address);
        return;
    }
    if (!hal_page_map(address, page, HAL_PAGE_SIZE, HAL_PAGE_WRITE | HAL_PAGE_UNCACHED)) {
        log_warn("ioapic: no memory to map 0x%llx", (unsigned long long)found->address);
        return;
    }
    chip->registers = address + (found->address - page);
    chip->address = found->address;
    chip->gsi_base = found->gsi;
    chip->id = (uint8_t)found->apic_id;
    if (register_read(chip, IOAPIC_REG_VERSION) == 0xFFFFFFFF) {
        log_warn("ioapic: nothing answers at 0x%llx", (unsigned long long)found->address);
        hal_page_unmap(address, HAL_PAGE_SIZE);
        return;
    }
    chip_start(chip);
    ioapic_total++;
}

/* ACPI 6.5 5.2.12.5: conforming means edge and active high for ISA, low where level. */
static void override_add(const struct madt_entry *found)
{
    struct isa_route *route;

    if (found->isa_irq >= ISA_IRQS)
        return;
    route = &isa_routes[found->isa_irq];
    route->gsi = found->gsi;
    route->overridden = true;
    route->mode.trigger =
        found->trigger == MADT_TRIGGER_LEVEL ? IRQ_TRIGGER_LEVEL : IRQ_TRIGGER_LATCHED;
    if (found->polarity == MADT_POLARITY_CONFORMING)
        route->mode.polarity =
            route->mode.trigger == IRQ_TRIGGER_LEVEL ? IRQ_ACTIVE_LOW : IRQ_ACTIVE_HIGH;
    else
        route->mode.polarity =
            found->polarity == MADT_POLARITY_LOW ? IRQ_ACTIVE_LOW : IRQ_ACTIVE_HIGH;
}

static void isa_routes_default(void)
{
    for (uint32_t i = 0; i < ISA_IRQS; i++) {
        isa_routes[i].gsi = i;
        isa_routes[i].mode.trigger = IRQ_TRIGGER_LATCHED;
        isa_routes[i].mode.polarity = IRQ_ACTIVE_HIGH;
    }
}

void hal_ioapic_init(void)
{
    struct parse_error error;
    struct madt_entry entry;
    struct madt madt;
    enum parse_step step;
    const uint8_t *table;
    uint32_t size;

    if (initialised)
        return;
    initialised = true;
    isa_routes_default();
    table = hal_acpi_table("APIC", 0);
    if (table == NULL) {
        log_warn("ioapic: no MADT, so no interrupt lines");
        return;
    }
    __builtin_memcpy(&size, table + LENGTH_OFFSET, sizeof(size));
    if (!madt_open(&madt, table, size, &error)) {
        log_warn("MADT: %s at offset 0x%llx: %s", error.what, (unsigned long long)error.offset,
                 error.detail);
        return;
    }
    while ((step = madt_next(&madt, &entry, &error)) == PARSE_ITEM) {
        if (entry.kind == MADT_IO_APIC)
            chip_add(&entry);
        else if (entry.kind == MADT_SOURCE_OVERRIDE)
            override_add(&entry);
    }
    if (step == PARSE_BAD)
        log_warn("MADT: %s at offset 0x%llx: %s", error.what, (unsigned long long)error.offset,
                 error.detail);
}

/* ---- The chip ------------------------------------------------------------------------------ */

/* The entry of a pin for a route, and the remapping entry behind it. Lock held. */
static uint64_t entry_build(const struct ioapic *chip, uint32_t pin, const struct irq_route *route,
                            bool masked)
{
    if (chip->remap.unit != NULL)
        return remap_rte(&chip->remap, pin, route) | ioapic_rte_signal(route, masked);
    return ioapic_rte_build(chip->entry[pin], route, masked);
}

static void ioapic_program(const struct irq_source *source, const struct irq_route *route)
{
    struct ioapic *chip = source->context;
    raw_lock_state_t state = raw_lock_acquire(&chip->lock);

    entry_write(chip, source->index, entry_build(chip, source->index, route, true));
    raw_lock_release(&chip->lock, state);
}

static void ioapic_mask(const struct irq_source *source)
{
    struct ioapic *chip = source->context;
    raw_lock_state_t state = raw_lock_acquire(&chip->lock);

    entry_write_low(chip, source->index, chip->entry[source->index] | IOAPIC_RTE_MASK);
    raw_lock_release(&chip->lock, state);
}

static void ioapic_unmask(const struct irq_source *source)
{
    struct ioapic *chip = source->context;
    raw_lock_state_t state = raw_lock_acquire(&chip->lock);

    entry_write_low(chip, source->index, chip->entry[source->index] & ~IOAPIC_RTE_MASK);
    raw_lock_release(&chip->lock, state);
}

/*
 * A level line may be masked meanwhile: it is still asserted afterwards. An edge would be lost, as
 * a masked pin ignores it (IOAPIC 3.2.4), so an edge pin takes its new vector first, then its new
 * destination, open all the time; between the two writes it delivers the new vector at the old CPU.
 * With remapping the route changes in the remapping entry, at once; the pin's own entry changes
 * only if it repeats a vector that did, and for an edge nobody looks at that.
 */
static void ioapic_retarget(const struct irq_source *source, const struct irq_route *route)
{
    struct ioapic *chip = source->context;
    uint32_t pin = source->index;
    raw_lock_state_t state = raw_lock_acquire(&chip->lock);
    bool masked = (chip->entry[pin] & IOAPIC_RTE_MASK) != 0;
    uint64_t entry = entry_build(chip, pin, route, masked);

    if (entry == chip->entry[pin]) {
        /* nothing to write */
    } else if (route->trigger == IRQ_TRIGGER_LEVEL || masked) {
        entry_write(chip, pin, entry);
    } else {
        entry_write_low(chip, pin, entry);
        register_write(chip, ioapic_rte_register(pin, true), (uint32_t)(entry >> 32));
    }
    raw_lock_release(&chip->lock, state);
}

static void ioapic_release(const struct irq_source *source)
{
    const struct ioapic *chip = source->context;

    hal_remap_clear(&chip->remap, source->index);
}

/*
 * By the register that takes the vector of an entry; without one, an entry that is edge for a
 * moment forgets its Remote IRR (IOAPIC 3.2.4), and is masked so that nothing is taken for an edge.
 */
static void ioapic_eoi(const struct irq_source *source)
{
    struct ioapic *chip = source->context;
    uint32_t pin = source->index;
    raw_lock_state_t state = raw_lock_acquire(&chip->lock);
    uint64_t entry = chip->entry[pin];

    if (chip->has_eoi) {
        *(volatile uint32_t *)(chip->registers + IOAPIC_EOI) =
            (uint32_t)FIELD_GET(IOAPIC_RTE_VECTOR, entry);
    } else {
        entry_write_low(chip, pin, (entry | IOAPIC_RTE_MASK) & ~IOAPIC_RTE_LEVEL);
        entry_write_low(chip, pin, entry);
    }
    raw_lock_release(&chip->lock, state);
}

static void ioapic_read(const struct irq_source *source, struct irq_chip_state *state)
{
    struct ioapic *chip = source->context;
    raw_lock_state_t lock_state = raw_lock_acquire(&chip->lock);
    uint64_t entry = entry_read(chip, source->index);

    raw_lock_release(&chip->lock, lock_state);
    ioapic_rte_decode(entry, state);
    if (chip->remap.unit != NULL) {
        hal_remap_read(&chip->remap, source->index, &state->route);
        state->route.trigger = entry & IOAPIC_RTE_LEVEL ? IRQ_TRIGGER_LEVEL : IRQ_TRIGGER_LATCHED;
        state->remap = &chip->remap;
        state->remap_index = source->index;
    }
}

static const struct irq_chip ioapic_chip = {
    .name = "ioapic",
    .program = ioapic_program,
    .mask = ioapic_mask,
    .unmask = ioapic_unmask,
    .retarget = ioapic_retarget,
    .release = ioapic_release,
    .read = ioapic_read,
};

static const struct irq_chip ioapic_directed_chip = {
    .name = "ioapic",
    .program = ioapic_program,
    .mask = ioapic_mask,
    .unmask = ioapic_unmask,
    .retarget = ioapic_retarget,
    .release = ioapic_release,
    .eoi = ioapic_eoi,
    .read = ioapic_read,
};

const struct irq_chip *hal_ioapic_chip(const struct irq_source *source)
{
    const struct ioapic *chip = source->context;

    if (chip < ioapics || chip >= &ioapics[ioapic_total])
        return NULL;
    return chip->remap.unit != NULL && chip->remap.unit->driver->needs_directed_eoi
               ? &ioapic_directed_chip
               : &ioapic_chip;
}

/* ---- Remapping ----------------------------------------------------------------------------- */

bool ioapic_remap_open(void)
{
    for (uint32_t i = 0; i < ioapic_total; i++) {
        const struct hal_requester requester = {.kind = HAL_REQUESTER_IOAPIC,
                                                .number = ioapics[i].id};

        if (hal_remap_open(&requester, ioapics[i].pin_count, &ioapics[i].remap) &&
            ioapics[i].remap.unit != NULL)
            continue;
        log_warn("remap: no unit names the IOAPIC with id %u: interrupts are not remapped",
                 ioapics[i].id);
        return false;
    }
    return true;
}

void ioapic_remap_forget(void)
{
    for (uint32_t i = 0; i < ioapic_total; i++)
        ioapics[i].remap = (struct hal_remap){0};
}

/* ---- Numbers ------------------------------------------------------------------------------- */

uint32_t hal_ioapic_count(void)
{
    return ioapic_total;
}

bool hal_ioapic_source(gsi_t gsi, struct irq_source *source)
{
    for (uint32_t i = 0; i < ioapic_total; i++) {
        struct ioapic *chip = &ioapics[i];

        if (gsi.value >= chip->gsi_base && gsi.value - chip->gsi_base < chip->pin_count) {
            source->context = chip;
            source->index = gsi.value - chip->gsi_base;
            return true;
        }
    }
    return false;
}

void hal_ioapic_where(const struct irq_source *source, uint32_t *ioapic, uint32_t *pin)
{
    const struct ioapic *chip = source->context;

    *ioapic = (uint32_t)(chip - ioapics);
    *pin = source->index;
}

void hal_ioapic_info(uint32_t ioapic, struct hal_ioapic_info *info)
{
    struct ioapic *chip = &ioapics[ioapic];
    raw_lock_state_t state = raw_lock_acquire(&chip->lock);
    uint32_t version = register_read(chip, IOAPIC_REG_VERSION);

    raw_lock_release(&chip->lock, state);
    *info = (struct hal_ioapic_info){
        .address = chip->address,
        .id = chip->id,
        .version = (uint32_t)FIELD_GET(IOAPIC_VERSION_FIELD, version),
        .gsi_base = chip->gsi_base,
        .pin_count = chip->pin_count,
    };
}

void hal_ioapic_entry(uint32_t ioapic, uint32_t pin, uint64_t *written, uint64_t *held)
{
    struct ioapic *chip = &ioapics[ioapic];
    raw_lock_state_t state = raw_lock_acquire(&chip->lock);

    *written = chip->entry[pin];
    *held = entry_read(chip, pin);
    raw_lock_release(&chip->lock, state);
}

bool hal_ioapic_gsi(uint8_t ioapic_id, uint32_t pin, gsi_t *gsi)
{
    for (uint32_t i = 0; i < ioapic_total; i++) {
        if (ioapics[i].id == ioapic_id && pin < ioapics[i].pin_count) {
            gsi->value = ioapics[i].gsi_base + pin;
            return true;
        }
    }
    return false;
}

bool hal_isa_gsi(uint32_t isa_irq, gsi_t *gsi, struct hal_gsi_mode *mode)
{
    struct irq_source source;

    if (isa_irq >= ISA_IRQS)
        return false;
    gsi->value = isa_routes[isa_irq].gsi;
    *mode = isa_routes[isa_irq].mode;
    return hal_ioapic_source(*gsi, &source);
}

bool hal_gsi_override(gsi_t gsi, struct hal_gsi_mode *mode)
{
    for (uint32_t i = 0; i < ISA_IRQS; i++) {
        if (isa_routes[i].overridden && isa_routes[i].gsi == gsi.value) {
            *mode = isa_routes[i].mode;
            return true;
        }
    }
    return false;
}
