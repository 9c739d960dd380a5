/*
 * drivers/bus/pci_pdo.h - the PDO side of the PCI bus: what is asked of a function by IRPs.
 */
#pragma once

#include "pci.h"

/* pci_pdo.c: create and report a PDO for each function of the list, below its bridge or root. */
NTSTATUS pci_pdos_report(PDEVICE_OBJECT (*root_of)(uint16_t segment));
struct pci_function *pci_function_of(PDEVICE_OBJECT pdo);

/* pci_power.c: bring the function to D0, with BARs and what D3 made it forget. PASSIVE_LEVEL. */
void pci_function_wake(struct pci_function *function);
/* Of the states between on and off, does it have this one? */
bool pci_power_has(const struct pci_function *function, DEVICE_POWER_STATE state);
/* IRP_MJ_POWER of its PDO. */
NTSTATUS NTAPI pci_power(PDEVICE_OBJECT pdo, PIRP irp);

/* pci_ids.c: a new string in paged pool; NULL for no memory or an id a function does not have. */
WCHAR *pci_id_query(const struct pci_function *function, BUS_QUERY_ID_TYPE type);
WCHAR *pci_text_query(const struct pci_function *function, DEVICE_TEXT_TYPE type);

/* pci_pdo.c: a PDO for a function, reported below its bridge or its root. After the first
 * pci_pdos_report(). */
NTSTATUS pci_pdo_report(struct pci_function *function);

/* pci_resources.c: lists in paged pool; *list is NULL where the function has no resources. */
NTSTATUS pci_resources_query(const struct pci_function *function, PCM_RESOURCE_LIST *list);
NTSTATUS pci_requirements_query(const struct pci_function *function, uint32_t message_limit,
                                PIO_RESOURCE_REQUIREMENTS_LIST *list);

/* pci_interface.c: IRP_MN_QUERY_INTERFACE; STATUS_NOT_SUPPORTED where it is not ours. */
NTSTATUS pci_interface_query(struct pci_function *function, PIO_STACK_LOCATION location);
/* Configuration space by byte range; the number of bytes that exist. IRQL <= HIGH_LEVEL. */
ULONG pci_config_read(const struct pci_function *function, PVOID buffer, ULONG offset,
                      ULONG length);
ULONG pci_config_write(struct pci_function *function, PVOID buffer, ULONG offset, ULONG length);

/* A bridge runs without a driver; it gets interrupts only where one was put on it. */
static inline bool pci_wants_interrupts(const struct pci_function *function)
{
    return !pci_is_bridge(function) || function->pdo->AttachedDevice != NULL;
}
