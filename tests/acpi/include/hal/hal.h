/*
 * hal/hal.h for the host: what kernel/acpi asks of the machine, answered by tests/acpi/host.c.
 *
 * Takes the place of include/hal/hal.h, whose calls are instructions that a process may not use.
 */
#pragma once

#include <hal/boot_info.h>
#include <hal/types.h>

uint8_t hal_port_read8(uint16_t port);
uint16_t hal_port_read16(uint16_t port);
uint32_t hal_port_read32(uint16_t port);
void hal_port_write8(uint16_t port, uint8_t value);
void hal_port_write16(uint16_t port, uint16_t value);
void hal_port_write32(uint16_t port, uint32_t value);
uint32_t hal_pci_read(uint16_t segment, uint8_t bus, uint8_t devfn, uint32_t offset, int width);
void hal_pci_write(uint16_t segment, uint8_t bus, uint8_t devfn, uint32_t offset, int width,
                   uint32_t value);
uint64_t hal_tsc_read(void);
uint64_t hal_tsc_frequency(void);
void hal_stall(uint32_t microseconds);
void *hal_direct_map_reach(phys_addr_t address, uint64_t size);
