/*
 * From a function's interrupt pin to a GSI.
 *
 * ACPI answers by _PRT: that of the function's bus; where it has no entry, the same question for
 * the bridge above, with the pin swizzled, up to the root bus (P2P 2.4: pins turn by device). Where
 * there is no ACPI, asked in this order:
 *   1. the MP table: the exact bus, device and pin, then upward in the same way;
 *   2. the interrupt line register: 1 to 15 is an ISA IRQ and leads through the MADT's overrides,
 *      255 is "not connected";
 *   3. any MP table entry of the slot on the root bus.
 * The register comes before (3) since firmware writes it for the function itself.
 *
 * UEFI provides no MP table: there (2) answers, which holds as long as the chipset still drives the
 * ISA pin that firmware chose beside the pin of APIC mode (ICH9 and PIIX3 do).
 */
#include <lib/log.h>

#include "acpi/acpi.h"
#include "gsi.h"
#include "memory.h"
#include "parse/mp_table.h"
#include "routing.h"

/* MP 1.4 chapter 4: where the floating pointer may be. */
enum {
    EBDA_SEGMENT_POINTER = 0x40E,
    EBDA_SEARCH = 1024,
    BASE_MEMORY_LAST_KB = 639 * 1024,
    BIOS_AREA = 0xF0000,
    BIOS_AREA_SIZE = 0x10000,
    CONFIG_PREFIX = 8, /* what mp_config_length() wants */
    MP_BUSES = 256,
    INTERRUPT_LINE_LAST = 15,
};

struct mp_route {
    uint8_t bus;
    uint8_t device;
    uint8_t pin; /* 0: INTA */
    gsi_t gsi;
    struct hal_gsi_mode mode;
};

static struct mp_route *mp_routes;
static uint32_t mp_route_count;

static bool physical_copy(uint64_t address, void *to, uint32_t length)
{
    PHYSICAL_ADDRESS physical = {.QuadPart = (LONGLONG)address};
    void *mapped = MmMapIoSpace(physical, length, MmCached);

    if (mapped == NULL)
        return false;
    memcpy(to, mapped, length);
    MmUnmapIoSpace(mapped, length);
    return true;
}

/* Searched in place: the area is memory, and its bytes do not change any more. */
static bool floating_in(uint64_t address, uint32_t length, struct mp_floating *floating)
{
    PHYSICAL_ADDRESS physical = {.QuadPart = (LONGLONG)address};
    void *mapped = MmMapIoSpace(physical, length, MmCached);
    size_t offset;
    bool is_found;

    if (mapped == NULL)
        return false;
    is_found = mp_floating_find(mapped, length, &offset, floating);
    MmUnmapIoSpace(mapped, length);
    return is_found;
}

static bool floating_find(struct mp_floating *floating)
{
    uint16_t segment = 0;

    if (physical_copy(EBDA_SEGMENT_POINTER, &segment, sizeof(segment)) && segment != 0 &&
        floating_in((uint64_t)segment << 4, EBDA_SEARCH, floating))
        return true;
    return floating_in(BASE_MEMORY_LAST_KB, EBDA_SEARCH, floating) ||
           floating_in(BIOS_AREA, BIOS_AREA_SIZE, floating);
}

static bool mp_gsi(const struct mp_interrupt *interrupt, gsi_t *gsi)
{
    struct irq_source source;

    if (interrupt->target_apic != MP_ALL_IO_APICS &&
        hal_ioapic_gsi(interrupt->target_apic, interrupt->target_input, gsi))
        return true;
    /* "All", or an id the MADT does not know: with one IOAPIC there is no doubt. */
    gsi->value = interrupt->target_input;
    return (interrupt->target_apic == MP_ALL_IO_APICS || hal_ioapic_count() == 1) &&
           hal_ioapic_source(*gsi, &source);
}

static void mp_route_add(const struct mp_interrupt *interrupt)
{
    struct mp_route *route = &mp_routes[mp_route_count];

    if (interrupt->type != MP_INT || !mp_gsi(interrupt, &route->gsi))
        return;
    route->bus = interrupt->source_bus;
    route->device = mp_interrupt_pci_device(interrupt);
    route->pin = mp_interrupt_pci_pin(interrupt);
    gsi_mode_default(route->gsi, &route->mode);
    if (interrupt->trigger != MP_TRIGGER_CONFORMING)
        route->mode.trigger =
            interrupt->trigger == MP_TRIGGER_EDGE ? IRQ_TRIGGER_LATCHED : IRQ_TRIGGER_LEVEL;
    if (interrupt->polarity != MP_POLARITY_CONFORMING)
        route->mode.polarity =
            interrupt->polarity == MP_POLARITY_HIGH ? IRQ_ACTIVE_HIGH : IRQ_ACTIVE_LOW;
    mp_route_count++;
}

static void mp_read(const void *table, uint32_t length)
{
    bool is_pci[MP_BUSES] = {false};
    struct parse_error error = {.what = ""};
    struct mp_config config;
    struct mp_entry entry;

    if (!mp_config_open(&config, table, length, &error)) {
        log_warn("MP table: %s at offset 0x%llx: %s", error.what, (unsigned long long)error.offset,
                 error.detail);
        return;
    }
    mp_routes = bus_allocate((config.entry_count + 1u) * sizeof(*mp_routes));
    if (mp_routes == NULL)
        return;
    while (mp_config_next(&config, &entry, &error) == PARSE_ITEM) {
        if (entry.kind == MP_BUS)
            is_pci[entry.id] = strcmp(entry.bus_type, "PCI") == 0;
        else if (entry.kind == MP_IO_INTERRUPT && is_pci[entry.interrupt.source_bus])
            mp_route_add(&entry.interrupt);
    }
    if (error.what[0] != '\0')
        log_warn("MP table: %s at offset 0x%llx: %s", error.what, (unsigned long long)error.offset,
                 error.detail);
}

void routing_init(void)
{
    uint8_t prefix[CONFIG_PREFIX];
    struct mp_floating floating;
    uint32_t length = 0;
    void *table;

    if (acpi_is_up()) {
        acpi_routing_init();
        return;
    }
    if (floating_find(&floating) && floating.config_address != 0 &&
        physical_copy(floating.config_address, prefix, sizeof(prefix)))
        length = mp_config_length(prefix, sizeof(prefix));
    if (length == 0) {
        log_info("routing: no MP table, INTx routes come from interrupt line registers");
        return;
    }
    table = bus_allocate(length);
    if (table != NULL && physical_copy(floating.config_address, table, length))
        mp_read(table, length);
    bus_free(table);
}

static const struct mp_route *mp_find(uint8_t bus, uint8_t device, uint32_t pin)
{
    for (uint32_t i = 0; i < mp_route_count; i++) {
        if (mp_routes[i].bus == bus && mp_routes[i].device == device && mp_routes[i].pin == pin)
            return &mp_routes[i];
    }
    return NULL;
}

/* The function on the root bus above, and the function's pin there. */
static const struct pci_function *swizzle_to_root(const struct pci_function *function,
                                                  uint32_t *pin)
{
    while (function->parent != NULL) {
        *pin = (*pin + PCI_DEVFN_DEVICE(function->where.devfn)) % 4;
        function = function->parent;
    }
    return function;
}

static bool acpi_answer(const struct pci_function *function, struct pci_line_route *answer)
{
    uint32_t pin = function->interrupt_pin - 1u;
    struct acpi_route route;

    while (function != NULL) {
        uint8_t device = PCI_DEVFN_DEVICE(function->where.devfn);

        if (acpi_route(function->where.segment, function->where.bus, device, pin, &route)) {
            answer->is_valid = true;
            answer->gsi = route.gsi;
            answer->source = route.entry->link != NULL ? "_PRT link" : "_PRT";
            answer->mode = route.mode;
            if (!route.has_mode)
                gsi_mode_default(route.gsi, &answer->mode);
            return true;
        }
        pin = (pin + device) % 4;
        function = function->parent;
    }
    return false;
}

static void answer_take(const struct mp_route *route, const char *source,
                        struct pci_line_route *answer)
{
    answer->is_valid = true;
    answer->gsi = route->gsi;
    answer->mode = route->mode;
    answer->source = source;
}

static bool mp_answer(const struct pci_function *function, struct pci_line_route *answer)
{
    uint32_t pin = function->interrupt_pin - 1u;

    if (function->where.segment != 0)
        return false;
    for (;;) {
        uint8_t device = PCI_DEVFN_DEVICE(function->where.devfn);
        const struct mp_route *route = mp_find(function->where.bus, device, pin);

        if (route != NULL) {
            answer_take(route, "MP table", answer);
            return true;
        }
        if (function->parent == NULL)
            return false;
        pin = (pin + device) % 4;
        function = function->parent;
    }
}

static bool register_answer(const struct pci_function *function, struct pci_line_route *answer)
{
    struct hal_gsi_mode isa_mode;

    if (function->interrupt_line == 0 || function->interrupt_line > INTERRUPT_LINE_LAST ||
        !hal_isa_gsi(function->interrupt_line, &answer->gsi, &isa_mode))
        return false;
    gsi_mode_default(answer->gsi, &answer->mode);
    answer->source = "interrupt line register";
    answer->is_valid = true;
    return true;
}

static void slot_answer(const struct pci_function *function, struct pci_line_route *answer)
{
    uint32_t pin = function->interrupt_pin - 1u;
    const struct pci_function *top = swizzle_to_root(function, &pin);
    const struct mp_route *route = NULL;

    for (uint32_t i = 0; route == NULL && i < 4; i++)
        route = mp_find(top->where.bus, PCI_DEVFN_DEVICE(top->where.devfn), i);
    if (route != NULL && top->where.segment == 0)
        answer_take(route, "MP table, another pin of the slot", answer);
}

void routing_gsi(const struct pci_function *function, struct pci_line_route *answer)
{
    *answer = (struct pci_line_route){.is_valid = false};
    if (function->interrupt_pin == 0)
        return;
    if (acpi_is_up() && acpi_answer(function, answer))
        return;
    if (!mp_answer(function, answer) && !register_answer(function, answer))
        slot_answer(function, answer);
}
