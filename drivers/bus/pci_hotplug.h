/*
 * drivers/bus/pci_hotplug.h - functions that come and go while the machine runs.
 */
#pragma once

/* Before ACPI's events are switched on. */
void pci_hotplug_init(void);
/* Start what is new, remove what has gone. PASSIVE_LEVEL. */
void pci_rescan(void);
