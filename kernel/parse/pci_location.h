/*
 * Where a PCI function is, as people write it: BUS:DEVICE.FUNCTION in hexadecimal, as lspci prints
 * it ("00:1f.2").
 */
#ifndef PARSE_PCI_LOCATION_H
#define PARSE_PCI_LOCATION_H

#include <stdbool.h>
#include <stdint.h>

/* Bus in bits 15 to 8, device in 7 to 3, function in 2 to 0: a requester ID (PCIe 6.0 2.2.6.2). */
#define PCI_LOCATION(bus, device, function)                                                        \
    ((uint32_t)(bus) << 8 | (uint32_t)(device) << 3 | (uint32_t)(function))
#define PCI_LOCATION_NONE UINT32_MAX

/* The whole text must be one location; false leaves *location as it was. */
bool pci_location_parse(const char *text, uint32_t *location);

#endif
