/*
 * PCI configuration space.
 *
 * Two ways lead there: the memory window of PCI Express, which the MCFG, or a root bridge's _CBA,
 * names and which is mapped one bus (1 MiB) at a time as buses are found, and ports CF8/CFC,
 * which reach the first 256 bytes of segment 0. A mapped bus is accessed without a lock; the port
 * pair is two steps and has one. What cannot be reached reads as ones, as an absent function
 * does.
 *
 * Owns: access. Owns not: what the registers mean (hw/pci.h), which buses there are (drivers/bus).
 */
#include <hal/hal.h>
#include <hal/pci_config.h>
#include <hw/pci.h>
#include <lib/log.h>
#include <lib/rawlock.h>

#include "parse/mcfg.h"

enum { WINDOWS_MAX = 32, BUSES = 256, LENGTH_OFFSET = 4 };

/* Address space of its own: 256 MiB for each window, filled as buses are mapped. */
#define ECAM_VIRTUAL 0xFFFFF90000000000ull
#define ECAM_WINDOW_SIZE (BUSES * PCI_ECAM_BUS_SIZE)

/* Legend: (c) constant after hal_pci_init(), (x) set bit by bit, read by anyone. */
struct ecam {
    struct hal_pci_window window; /* (c) */
    uint64_t virtual_base;        /* (c) of bus 0 */
    uint64_t mapped[BUSES / 64];  /* (x) */
};

static struct ecam ecam[WINDOWS_MAX];
static uint32_t ecam_count;
static bool initialised;
static struct raw_lock port_lock;

static struct ecam *ecam_find(uint16_t segment, uint8_t bus)
{
    for (uint32_t i = 0; i < ecam_count; i++) {
        const struct hal_pci_window *window = &ecam[i].window;

        if (window->segment == segment && bus >= window->first_bus && bus <= window->last_bus)
            return &ecam[i];
    }
    return NULL;
}

static void ecam_add(const struct hal_pci_window *window)
{
    struct ecam *entry = &ecam[ecam_count];

    entry->window = *window;
    entry->virtual_base = ECAM_VIRTUAL + ecam_count * ECAM_WINDOW_SIZE;
    ecam_count++;
}

void hal_pci_init(void)
{
    struct parse_error error;
    struct mcfg_window found;
    struct mcfg mcfg;
    const uint8_t *table = initialised ? NULL : hal_acpi_table("MCFG", 0);
    uint32_t size;

    initialised = true;
    if (table == NULL)
        return;
    __builtin_memcpy(&size, table + LENGTH_OFFSET, sizeof(size));
    if (!mcfg_open(&mcfg, table, size, &error)) {
        log_warn("MCFG: %s at offset 0x%llx: %s", error.what, (unsigned long long)error.offset,
                 error.detail);
        return;
    }
    while (ecam_count < WINDOWS_MAX && mcfg_next(&mcfg, &found, &error) == PARSE_ITEM) {
        ecam_add(&(struct hal_pci_window){.segment = found.segment,
                                          .first_bus = found.first_bus,
                                          .last_bus = found.last_bus,
                                          .base = found.address,
                                          .is_memory = true});
    }
}

void hal_pci_window_add(const struct hal_pci_window *window)
{
    if (ecam_count < WINDOWS_MAX && ecam_find(window->segment, window->first_bus) == NULL)
        ecam_add(window);
}

bool hal_pci_window_at(uint32_t index, struct hal_pci_window *window)
{
    if (ecam_count == 0 && index == 0) {
        *window = (struct hal_pci_window){.last_bus = BUSES - 1};
        return true;
    }
    if (index >= ecam_count)
        return false;
    *window = ecam[index].window;
    return true;
}

static inline bool ecam_is_mapped(const struct ecam *entry, uint8_t bus)
{
    return (__atomic_load_n(&entry->mapped[bus / 64], __ATOMIC_ACQUIRE) & BIT(bus % 64)) != 0;
}

bool hal_pci_bus_map(uint16_t segment, uint8_t bus)
{
    struct ecam *entry = ecam_find(segment, bus);
    uint64_t offset = FIELD_PREP(PCI_ECAM_BUS, bus);

    if (entry == NULL)
        return false;
    if (ecam_is_mapped(entry, bus))
        return true;
    if (!hal_page_map(entry->virtual_base + offset, entry->window.base + offset, PCI_ECAM_BUS_SIZE,
                      HAL_PAGE_WRITE | HAL_PAGE_UNCACHED))
        return false;
    __atomic_fetch_or(&entry->mapped[bus / 64], BIT(bus % 64), __ATOMIC_RELEASE);
    return true;
}

/* Where a register is mapped; 0: it is not. */
static uint64_t ecam_address(uint16_t segment, uint8_t bus, uint8_t devfn, uint32_t offset)
{
    struct ecam *entry = ecam_find(segment, bus);

    if (entry == NULL || !ecam_is_mapped(entry, bus))
        return 0;
    return entry->virtual_base + FIELD_PREP(PCI_ECAM_BUS, bus) + FIELD_PREP(PCI_ECAM_DEVFN, devfn) +
           FIELD_PREP(PCI_ECAM_REGISTER, offset);
}

static uint32_t all_ones(int width)
{
    return width == 1 ? 0xFF : width == 2 ? 0xFFFF : 0xFFFFFFFF;
}

/* Select a register for the data port; its low two bits select the port. Lock held. */
static uint16_t port_select(uint8_t bus, uint8_t devfn, uint32_t offset)
{
    hal_port_write32(PCI_CONFIG_ADDRESS_PORT,
                     (uint32_t)(PCI_CONFIG_ADDRESS_ENABLE |
                                FIELD_PREP(PCI_CONFIG_ADDRESS_BUS, bus) |
                                FIELD_PREP(PCI_CONFIG_ADDRESS_DEVFN, devfn) |
                                (offset & PCI_CONFIG_ADDRESS_REGISTER)));
    return (uint16_t)(PCI_CONFIG_DATA_PORT + (offset & 3));
}

static bool port_reaches(uint16_t segment, uint32_t offset)
{
    return segment == 0 && offset < PCI_CONFIG_SIZE;
}

uint32_t hal_pci_read(uint16_t segment, uint8_t bus, uint8_t devfn, uint32_t offset, int width)
{
    uint64_t address = ecam_address(segment, bus, devfn, offset);
    raw_lock_state_t state;
    uint32_t value;
    uint16_t port;

    if (offset >= PCI_EXPRESS_CONFIG_SIZE)
        return all_ones(width);
    if (address != 0) {
        if (width == 1)
            return *(volatile uint8_t *)address;
        return width == 2 ? *(volatile uint16_t *)address : *(volatile uint32_t *)address;
    }
    if (!port_reaches(segment, offset))
        return all_ones(width);
    state = raw_lock_acquire(&port_lock);
    port = port_select(bus, devfn, offset);
    value = width == 1   ? hal_port_read8(port)
            : width == 2 ? hal_port_read16(port)
                         : hal_port_read32(port);
    raw_lock_release(&port_lock, state);
    return value;
}

void hal_pci_write(uint16_t segment, uint8_t bus, uint8_t devfn, uint32_t offset, int width,
                   uint32_t value)
{
    uint64_t address = ecam_address(segment, bus, devfn, offset);
    raw_lock_state_t state;
    uint16_t port;

    if (offset >= PCI_EXPRESS_CONFIG_SIZE)
        return;
    if (address != 0) {
        if (width == 1)
            *(volatile uint8_t *)address = (uint8_t)value;
        else if (width == 2)
            *(volatile uint16_t *)address = (uint16_t)value;
        else
            *(volatile uint32_t *)address = value;
        return;
    }
    if (!port_reaches(segment, offset))
        return;
    state = raw_lock_acquire(&port_lock);
    port = port_select(bus, devfn, offset);
    if (width == 1)
        hal_port_write8(port, (uint8_t)value);
    else if (width == 2)
        hal_port_write16(port, (uint16_t)value);
    else
        hal_port_write32(port, value);
    raw_lock_release(&port_lock, state);
}
