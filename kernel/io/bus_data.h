/*
 * io/bus_data.h - which buses HalGetBusData and its kin can reach.
 */
#pragma once

#include <hal/types.h>
#include <nt/wdm.h>

/* The PCI bus driver found this bus. IRQL <= DISPATCH_LEVEL. */
void io_bus_data_add(uint16_t segment, uint8_t bus);
