/*
 * pnp/interface_data.c - the registry key of a device interface, and its properties.
 *
 * The key is Control\DeviceClasses\<class guid>\<name of the link with # for \>; what drivers keep
 * for an interface is in its Device Parameters. What the name and the state of the interface say is
 * told under the system's keys, which no driver can set but for the friendly name.
 *
 * Owns: IoGetDeviceInterfacePropertyData, IoSetDeviceInterfacePropertyData and
 * IoOpenDeviceInterfaceRegistryKey. Owns not: interfaces (io/interface.c), the store of properties
 * (pnp/property_store.c).
 */
#include <lib/export.h>
#include <lib/format.h>
#include <lib/string.h>
#include <nt/initguid.h>
#include <nt/devpkey.h>

#include "io/alloc.h"
#include "io/interface.h"
#include "ke/ob.h"
#include "pnp/property.h"

/* The interface's own key, made at its first use; referenced. NULL: no memory. */
static struct cm_key *interface_key(PCUNICODE_STRING link, const GUID *class_guid)
{
    UNICODE_STRING name = *link;
    char guid[IO_GUID_TEXT_SIZE], path[sizeof(CM_REGISTRY_DEVICE_CLASSES) + IO_GUID_TEXT_SIZE];
    struct cm_key *class, *key = NULL;

    io_guid_text(class_guid, guid);
    lib_snprintf(path, sizeof(path), CM_REGISTRY_DEVICE_CLASSES "\\%s", guid);
    class = cm_key_open_text(NULL, path, true);
    if (class == NULL)
        return NULL;
    name.Buffer = io_allocate(name.Length, IO_TAG_NAME);
    if (name.Buffer != NULL) {
        for (size_t i = 0; i < name.Length / sizeof(WCHAR); i++)
            name.Buffer[i] = link->Buffer[i] == L'\\' ? L'#' : link->Buffer[i];
        key = cm_key_open(class, &name, true, NULL);
        io_free(name.Buffer);
    }
    ob_dereference(class);
    return key;
}

/* What is wrong with the three that name a property; else the key to dereference. */
static NTSTATUS interface_property(PCUNICODE_STRING link, struct io_interface *found,
                                   struct pnp_property_name *name)
{
    NTSTATUS status = pnp_property_check(name->key, name->lcid);

    if (!NT_SUCCESS(status))
        return status;
    if (!io_interface_find(link, found))
        return STATUS_OBJECT_NAME_NOT_FOUND;
    name->owner = interface_key(link, &found->class_guid);
    return name->owner == NULL ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS;
}

static NTSTATUS reference_get(const struct io_interface *found, ULONG room, PVOID data,
                              PULONG required)
{
    if (found->reference.Length == 0)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    *required = found->reference.Length + sizeof(WCHAR);
    if (room < *required)
        return STATUS_BUFFER_TOO_SMALL;
    memcpy(data, found->reference.Buffer, found->reference.Length);
    ((PWCHAR)data)[found->reference.Length / sizeof(WCHAR)] = 0;
    return STATUS_SUCCESS;
}

/* WDK surface */

/*
 * PASSIVE_LEVEL. STATUS_BUFFER_TOO_SMALL: *RequiredSize says how much. STATUS_UNSUCCESSFUL: no such
 * locale. STATUS_NOT_IMPLEMENTED: a property id below the first usable one.
 * STATUS_OBJECT_NAME_NOT_FOUND: no such interface, or it has no such property. WDK
 * "IoGetDeviceInterfacePropertyData".
 */
NTSTATUS NTAPI IoGetDeviceInterfacePropertyData(PUNICODE_STRING SymbolicLinkName,
                                                const DEVPROPKEY *PropertyKey, LCID Lcid,
                                                ULONG Flags, ULONG Size, PVOID Data,
                                                PULONG RequiredSize, PDEVPROPTYPE Type)
{
    struct pnp_property_name name = {.key = PropertyKey, .lcid = Lcid};
    struct io_interface found;
    NTSTATUS status = interface_property(SymbolicLinkName, &found, &name);
    DEVPROP_BOOLEAN enabled;

    UNREFERENCED_PARAMETER(Flags);
    *RequiredSize = 0;
    *Type = DEVPROP_TYPE_EMPTY;
    if (!NT_SUCCESS(status))
        return status;
    if (Lcid == LOCALE_NEUTRAL &&
        IsEqualDevPropKey(*PropertyKey, DEVPKEY_DeviceInterface_Enabled)) {
        enabled = found.enabled ? DEVPROP_TRUE : DEVPROP_FALSE;
        *Type = DEVPROP_TYPE_BOOLEAN;
        status = pnp_property_copy(&enabled, sizeof(enabled), Size, Data, RequiredSize);
    } else if (Lcid == LOCALE_NEUTRAL &&
               IsEqualDevPropKey(*PropertyKey, DEVPKEY_DeviceInterface_ClassGuid)) {
        *Type = DEVPROP_TYPE_GUID;
        status = pnp_property_copy(&found.class_guid, sizeof(GUID), Size, Data, RequiredSize);
    } else if (Lcid == LOCALE_NEUTRAL &&
               IsEqualDevPropKey(*PropertyKey, DEVPKEY_DeviceInterface_ReferenceString)) {
        *Type = DEVPROP_TYPE_STRING;
        status = reference_get(&found, Size, Data, RequiredSize);
    } else {
        status = pnp_property_load(&name, Size, Data, RequiredSize, Type);
    }
    ob_dereference(name.owner);
    return status;
}
LDR_EXPORT(IoGetDeviceInterfacePropertyData);

/*
 * IRQL <= APC_LEVEL. Data NULL deletes. STATUS_UNSUCCESSFUL, STATUS_NOT_IMPLEMENTED as above.
 * STATUS_ACCESS_DENIED: one of the system's. STATUS_OBJECT_NAME_NOT_FOUND: no such interface, or
 * nothing to delete. STATUS_INVALID_PARAMETER: no such type. WDK
 * "IoSetDeviceInterfacePropertyData".
 */
NTSTATUS NTAPI IoSetDeviceInterfacePropertyData(PUNICODE_STRING SymbolicLinkName,
                                                const DEVPROPKEY *PropertyKey, LCID Lcid,
                                                ULONG Flags, DEVPROPTYPE Type, ULONG Size,
                                                PVOID Data)
{
    struct pnp_property_name name = {.key = PropertyKey, .lcid = Lcid};
    struct io_interface found;
    NTSTATUS status = interface_property(SymbolicLinkName, &found, &name);

    UNREFERENCED_PARAMETER(Flags);
    if (!NT_SUCCESS(status))
        return status;
    if (IsEqualDevPropKey(*PropertyKey, DEVPKEY_DeviceInterface_Enabled) ||
        IsEqualDevPropKey(*PropertyKey, DEVPKEY_DeviceInterface_ClassGuid) ||
        IsEqualDevPropKey(*PropertyKey, DEVPKEY_DeviceInterface_ReferenceString))
        status = STATUS_ACCESS_DENIED;
    else
        status = pnp_property_keep(&name, Type, Size, Data);
    ob_dereference(name.owner);
    return status;
}
LDR_EXPORT(IoSetDeviceInterfacePropertyData);

/*
 * PASSIVE_LEVEL. STATUS_OBJECT_NAME_NOT_FOUND: no such interface. STATUS_INSUFFICIENT_RESOURCES.
 * WDK "IoOpenDeviceInterfaceRegistryKey".
 */
NTSTATUS NTAPI IoOpenDeviceInterfaceRegistryKey(PUNICODE_STRING SymbolicLinkName,
                                                ACCESS_MASK DesiredAccess,
                                                PHANDLE DeviceInterfaceRegKey)
{
    struct cm_key *key, *parameters;
    struct io_interface found;
    NTSTATUS status;

    if (!io_interface_find(SymbolicLinkName, &found))
        return STATUS_OBJECT_NAME_NOT_FOUND;
    key = interface_key(SymbolicLinkName, &found.class_guid);
    if (key == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    parameters = cm_key_open_text(key, "Device Parameters", true);
    ob_dereference(key);
    if (parameters == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    status = ob_handle_create(parameters, DesiredAccess, DeviceInterfaceRegKey);
    ob_dereference(parameters);
    return status;
}
LDR_EXPORT(IoOpenDeviceInterfaceRegistryKey);
