/*
 * acpi/eval.h - questions to the namespace, each with the memory its answer needs.
 */
#pragma once

#include <nt/wdm.h>

#include "acpi/acpi.h"
#include "acpi/os.h"

/* Evaluate without arguments; *object is freed by acpi_eval_free(). */
acpi_status acpi_eval(acpi_handle handle, const char *name, union acpi_object **object);
void acpi_eval_free(union acpi_object *object);
bool acpi_eval_integer(acpi_handle handle, const char *name, uint64_t *value);
/* _HID as text, "PNP0A08"; empty: none. */
void acpi_eval_hid(acpi_handle handle, char hid[ACPI_HID_MAX]);
/* The first of its _CIDs, likewise. */
void acpi_eval_cid(acpi_handle handle, char cid[ACPI_HID_MAX]);
/* Is the id its _HID or one of its _CIDs? */
bool acpi_eval_has_id(acpi_handle handle, const char *id);
/* Full path, from the pool; NULL: no memory. */
char *acpi_eval_path(acpi_handle handle);
/* "AE_NOT_FOUND". */
const char *acpi_eval_status_name(acpi_status status);

/* Visit every Device of the namespace, or every object of a name, in its order. */
typedef void acpi_eval_visit_fn(acpi_handle handle, void *context);
void acpi_eval_devices(acpi_eval_visit_fn *visit, void *context);
void acpi_eval_named(const char *name, acpi_eval_visit_fn *visit, void *context);

/* root.c: find the PCI roots, once; the root that has this handle, or NULL. */
void acpi_roots_init(void);
const struct acpi_pci_root *acpi_pci_root_of(acpi_handle handle);
/* routing.c: the chain of _ADRs from the root bridge above down to this device; *count is 0 before.
 * False: it stands below no PCI root. */
bool acpi_pci_hops(acpi_handle handle, const struct acpi_pci_root **root, uint16_t *hops,
                   uint32_t *count);
/* hotplug.c: hear of slots, if somebody wants to know. */
void acpi_hotplug_listen(void);
/* link.c: the link of that path, NULL: no memory. */
struct acpi_link *acpi_link_get(acpi_handle handle);
/* link.c: lead it somewhere, once; false: it leads nowhere. */
bool acpi_link_enable(struct acpi_link *link);
