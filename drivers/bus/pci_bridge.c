/*
 * PCI-to-PCI bridges: bus numbers and the windows they pass down.
 *
 * P2P 3.2.5: three windows, I/O, memory and prefetchable memory, each a base and a limit register;
 * a window whose base lies above its limit is closed. The upper halves exist where the type field
 * of the lower says so.
 */
#include "pci.h"

static void window_close_if_empty(struct pci_window *window)
{
    window->is_open = window->base <= window->limit && window->limit != 0;
}

static void io_window_read(struct pci_function *bridge)
{
    uint32_t base = pci_read(bridge, PCI_BRIDGE_IO_BASE, 1);
    uint32_t limit = pci_read(bridge, PCI_BRIDGE_IO_LIMIT, 1);
    struct pci_window *window = &bridge->bridge.io;

    bridge->bridge.io_is_32bit = FIELD_GET(PCI_BRIDGE_IO_TYPE, base) == PCI_BRIDGE_WINDOW_IO_32;
    window->base = FIELD_GET(PCI_BRIDGE_IO_ADDRESS, base) * PCI_BRIDGE_IO_GRANULE;
    window->limit = FIELD_GET(PCI_BRIDGE_IO_ADDRESS, limit) * PCI_BRIDGE_IO_GRANULE;
    if (bridge->bridge.io_is_32bit) {
        window->base |= (uint64_t)pci_read(bridge, PCI_BRIDGE_IO_BASE_HIGH, 2) << 16;
        window->limit |= (uint64_t)pci_read(bridge, PCI_BRIDGE_IO_LIMIT_HIGH, 2) << 16;
    }
    window->limit += PCI_BRIDGE_IO_GRANULE - 1;
    window_close_if_empty(window);
    /* Base and limit 0 is what reset leaves, not a window over the system's own ports. */
    if (window->base == 0)
        window->is_open = false;
}

static void memory_window_read(struct pci_function *bridge)
{
    uint32_t base = pci_read(bridge, PCI_BRIDGE_MEMORY_BASE, 2);
    uint32_t limit = pci_read(bridge, PCI_BRIDGE_MEMORY_LIMIT, 2);
    struct pci_window *window = &bridge->bridge.memory;

    window->base = FIELD_GET(PCI_BRIDGE_MEMORY_ADDRESS, base) * PCI_BRIDGE_MEMORY_GRANULE;
    window->limit = FIELD_GET(PCI_BRIDGE_MEMORY_ADDRESS, limit) * PCI_BRIDGE_MEMORY_GRANULE +
                    PCI_BRIDGE_MEMORY_GRANULE - 1;
    window_close_if_empty(window);
    if (window->base == 0)
        window->is_open = false;
}

static void prefetch_window_read(struct pci_function *bridge)
{
    uint32_t base = pci_read(bridge, PCI_BRIDGE_PREFETCH_BASE, 2);
    uint32_t limit = pci_read(bridge, PCI_BRIDGE_PREFETCH_LIMIT, 2);
    struct pci_window *window = &bridge->bridge.prefetch;

    window->base = FIELD_GET(PCI_BRIDGE_MEMORY_ADDRESS, base) * PCI_BRIDGE_MEMORY_GRANULE;
    window->limit = FIELD_GET(PCI_BRIDGE_MEMORY_ADDRESS, limit) * PCI_BRIDGE_MEMORY_GRANULE;
    bridge->bridge.prefetch_is_64bit =
        FIELD_GET(PCI_BRIDGE_PREFETCH_TYPE, base) == PCI_BRIDGE_WINDOW_PREFETCH_64;
    if (bridge->bridge.prefetch_is_64bit) {
        window->base |= (uint64_t)pci_read(bridge, PCI_BRIDGE_PREFETCH_BASE_HIGH, 4) << 32;
        window->limit |= (uint64_t)pci_read(bridge, PCI_BRIDGE_PREFETCH_LIMIT_HIGH, 4) << 32;
    }
    window->limit += PCI_BRIDGE_MEMORY_GRANULE - 1;
    window_close_if_empty(window);
    if (window->base == 0)
        window->is_open = false;
}

void pci_bridge_read(struct pci_function *bridge)
{
    bridge->bridge.secondary = (uint8_t)pci_read(bridge, PCI_BRIDGE_SECONDARY_BUS, 1);
    bridge->bridge.subordinate = (uint8_t)pci_read(bridge, PCI_BRIDGE_SUBORDINATE_BUS, 1);
    io_window_read(bridge);
    memory_window_read(bridge);
    prefetch_window_read(bridge);
}

/* Base, then limit, of the memory and I/O windows that are open; the others are left alone. */
void pci_bridge_window_write(struct pci_function *bridge)
{
    const struct pci_window *io = &bridge->bridge.io;
    const struct pci_window *memory = &bridge->bridge.memory;

    if (io->is_open) {
        pci_write(bridge, PCI_BRIDGE_IO_BASE, 1,
                  (uint32_t)FIELD_PREP(PCI_BRIDGE_IO_ADDRESS, io->base / PCI_BRIDGE_IO_GRANULE));
        pci_write(bridge, PCI_BRIDGE_IO_LIMIT, 1,
                  (uint32_t)FIELD_PREP(PCI_BRIDGE_IO_ADDRESS, io->limit / PCI_BRIDGE_IO_GRANULE));
        if (bridge->bridge.io_is_32bit) {
            pci_write(bridge, PCI_BRIDGE_IO_BASE_HIGH, 2, (uint32_t)(io->base >> 16));
            pci_write(bridge, PCI_BRIDGE_IO_LIMIT_HIGH, 2, (uint32_t)(io->limit >> 16));
        }
    }
    if (memory->is_open) {
        pci_write(bridge, PCI_BRIDGE_MEMORY_BASE, 2,
                  (uint32_t)FIELD_PREP(PCI_BRIDGE_MEMORY_ADDRESS,
                                       memory->base / PCI_BRIDGE_MEMORY_GRANULE));
        pci_write(bridge, PCI_BRIDGE_MEMORY_LIMIT, 2,
                  (uint32_t)FIELD_PREP(PCI_BRIDGE_MEMORY_ADDRESS,
                                       memory->limit / PCI_BRIDGE_MEMORY_GRANULE));
    }
}
