/*
 * drivers/bus/acpi_bus.h - what ACPI adds to the machine's bus.
 */
#pragma once

#include <nt/wdm.h>

/*
 * Connect the SCI. From here on the power button switches the machine off in good order. After
 * acpi_init(). PASSIVE_LEVEL, once.
 */
void acpi_sci_connect(void);
/* A PDO for each device of the namespace that has an interrupt line. PASSIVE_LEVEL, once. */
NTSTATUS acpi_nodes_report(PDEVICE_OBJECT machine);
