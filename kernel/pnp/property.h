/*
 * pnp/property.h - properties of devices and their interfaces inside the PnP manager.
 *
 * Those that the system keeps are told by properties.c; what drivers set under keys of their own is
 * kept by property_store.c in the registry, below a device's or an interface's key:
 *
 *   Properties\{format id}\<property id, 8 digits>    a value a locale, <LCID, 8 digits>
 *
 * The value's type is the property's, with PNP_PROPERTY_VALUE set. As every other key it lasts
 * until the machine goes off. Calls: IRQL <= APC_LEVEL.
 */
#pragma once

#include "pnp/devnode.h"

#define PNP_PROPERTY_VALUE 0xFFFF0000u

/* ---- properties.c: *result is the size, STATUS_BUFFER_TOO_SMALL if that is more than room. --- */

NTSTATUS pnp_property_copy(const void *data, ULONG size, ULONG room, PVOID buffer, PULONG result);
/* A value of the Enum key. STATUS_OBJECT_NAME_NOT_FOUND. */
NTSTATUS pnp_property_value(const struct pnp_devnode *node, PCWSTR value, ULONG room, PVOID buffer,
                            PULONG result);
/* STATUS_INVALID_PARAMETER_2: no such property. STATUS_OBJECT_NAME_NOT_FOUND: it has none. */
NTSTATUS pnp_property_get(const struct pnp_devnode *node, DEVICE_REGISTRY_PROPERTY which,
                          ULONG room, PVOID buffer, PULONG result);

/* ---- property_store.c ----------------------------------------------------------------------- */

/* One property of a device or an interface, in one locale. */
struct pnp_property_name {
    struct cm_key *owner;
    const DEVPROPKEY *key;
    LCID lcid;
};

/* A key and a locale that there can be. STATUS_NOT_IMPLEMENTED, STATUS_UNSUCCESSFUL. */
NTSTATUS pnp_property_check(const DEVPROPKEY *key, LCID lcid);
/* STATUS_OBJECT_NAME_NOT_FOUND, STATUS_BUFFER_TOO_SMALL. */
NTSTATUS pnp_property_load(const struct pnp_property_name *name, ULONG room, PVOID data,
                           PULONG required, PDEVPROPTYPE type);
/*
 * Set, or with data NULL delete. STATUS_INVALID_PARAMETER: no such type.
 * STATUS_OBJECT_NAME_NOT_FOUND: nothing to delete. STATUS_INSUFFICIENT_RESOURCES.
 */
NTSTATUS pnp_property_keep(const struct pnp_property_name *name, DEVPROPTYPE type, ULONG size,
                           const void *data);
