/*
 * acpi/os.h - what the files of ACPICA's OS layer share, and acpi.c tells them.
 */
#pragma once

#include "acpi/acpica.h"
#include "mm/pool.h"

#define ACPI_POOL_TAG MM_TAG("Acpi")

/* Where the RSDP is, if the boot loader told; 0: search. Before acpi_initialize_tables(). */
void acpi_os_set_root_pointer(acpi_physical_address rsdp);

/*
 * The handler ACPICA installed for the SCI. False: none. The routine tells by ACPI_INTERRUPT_*
 * whether the interrupt was its own; call it at the SCI's level.
 */
bool acpi_os_sci(acpi_osd_handler *routine, void **context);
