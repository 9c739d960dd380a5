/*
 * drivers/bus/pci_hotplug.h - functions that come and go while the machine runs.
 */
#pragma once

#include "pci.h"

/* Before ACPI's events are switched on. */
void pci_hotplug_init(void);
/* Start what is new, remove what has gone. PASSIVE_LEVEL. */
void pci_rescan(void);
/*
 * Ask the drivers of every function on the bus behind a bridge, and remove them. False: one
 * refuses, and what was asked before it is gone. PASSIVE_LEVEL.
 */
bool pci_release_behind(const struct pci_function *bridge);
