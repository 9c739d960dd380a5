/*
 * hal/pci_config.h - which ways lead to PCI configuration space. arch/x86_64/pci_config.c
 *
 * hal_pci_read() and hal_pci_write() of hal.h reach a bus through the memory window the MCFG names
 * once that bus was mapped, and the first 256 bytes of segment 0 through ports CF8/CFC always.
 */
#pragma once

#include <hal/types.h>

struct hal_pci_window {
    uint16_t segment;
    uint8_t first_bus;
    uint8_t last_bus;
    phys_addr_t base; /* of bus 0; meaningless where is_memory is false */
    bool is_memory;
};

/* Read the MCFG. Needs hal_acpi_table(). Calling it again does nothing. PASSIVE_LEVEL. */
void hal_pci_init(void);
/*
 * A window that something else than the MCFG names; left out where one covers its first bus
 * already, or there is no room. After hal_pci_init(). PASSIVE_LEVEL.
 */
void hal_pci_window_add(const struct hal_pci_window *window);
/* The index-th window. Without an MCFG there is one, segment 0 by ports. */
bool hal_pci_window_at(uint32_t index, struct hal_pci_window *window);
/*
 * Map a bus's window, before the first access to it. False where there is no window or no memory
 * for it: the bus is then reached by ports, or not at all. PASSIVE_LEVEL.
 */
bool hal_pci_bus_map(uint16_t segment, uint8_t bus);
