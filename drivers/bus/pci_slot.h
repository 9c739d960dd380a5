/*
 * drivers/bus/pci_slot.h - hot-plug slots of PCI Express that a port itself reports.
 */
#pragma once

#include "pci.h"

/*
 * Look after the port's slot from now on, if it has one for hot-plug and firmware leaves it to us.
 * The port decodes its BARs. PASSIVE_LEVEL, one caller at a time.
 */
void pci_slot_start(struct pci_function *port);
/* The port stops or goes. PASSIVE_LEVEL. */
void pci_slot_stop(struct pci_function *port);
