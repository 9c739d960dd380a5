/*
 * pnp/property_data.c - properties of devices by DEVPROPKEY.
 *
 * What PnP knows of a device it tells under the system's keys, in no language; of those a driver
 * can set the friendly name alone. Under any other key it finds what was set before. Where the
 * pages are silent: the system's properties are refused with STATUS_ACCESS_DENIED, a locale that is
 * none with STATUS_UNSUCCESSFUL as of interfaces, and to delete what is not there gives
 * STATUS_OBJECT_NAME_NOT_FOUND.
 *
 * Owns: IoGetDevicePropertyData, IoSetDevicePropertyData. Owns not: the store (property_store.c).
 */
#include <lib/bits.h>
#include <lib/export.h>
#include <nt/initguid.h>
#include <nt/devpkey.h>

#include "pnp/property.h"
#include "pnp/text.h"

struct system_property;

/* As pnp_property_get(). */
typedef NTSTATUS property_reader(const struct pnp_devnode *node,
                                 const struct system_property *property, ULONG room, PVOID data,
                                 PULONG required);

struct system_property {
    const DEVPROPKEY *key;
    DEVPROPTYPE type;
    property_reader *read;
    PCWSTR value;                   /* for read_value: of the Enum key */
    DEVICE_REGISTRY_PROPERTY which; /* for read_known: its older name */
};

static NTSTATUS read_value(const struct pnp_devnode *node, const struct system_property *property,
                           ULONG room, PVOID data, PULONG required)
{
    return pnp_property_value(node, property->value, room, data, required);
}

static NTSTATUS read_known(const struct pnp_devnode *node, const struct system_property *property,
                           ULONG room, PVOID data, PULONG required)
{
    return pnp_property_get(node, property->which, room, data, required);
}

/* The registry has it as text. */
static NTSTATUS read_class_guid(const struct pnp_devnode *node,
                                const struct system_property *property, ULONG room, PVOID data,
                                PULONG required)
{
    enum { TEXT_BYTES = 80 };
    WCHAR text[TEXT_BYTES / sizeof(WCHAR)];
    UNICODE_STRING string = {.Buffer = text};
    ULONG size;
    GUID guid;

    if (!NT_SUCCESS(pnp_property_value(node, property->value, TEXT_BYTES, text, &size)))
        return STATUS_OBJECT_NAME_NOT_FOUND;
    string.Length = string.MaximumLength = (USHORT)size;
    if (!NT_SUCCESS(RtlGUIDFromString(&string, &guid)))
        return STATUS_OBJECT_NAME_NOT_FOUND;
    return pnp_property_copy(&guid, sizeof(guid), room, data, required);
}

static NTSTATUS read_path(const struct pnp_devnode *node, const struct system_property *property,
                          ULONG room, PVOID data, PULONG required)
{
    UNREFERENCED_PARAMETER(property);
    return pnp_property_copy(node->instance_path, pnp_wide_size(node->instance_path), room, data,
                             required);
}

static NTSTATUS read_parent(const struct pnp_devnode *node, const struct system_property *property,
                            ULONG room, PVOID data, PULONG required)
{
    return read_path(node->parent, property, room, data, required); /* the root has none */
}

#define FROM(Name, Type, Read, ...)                                                                \
    {                                                                                              \
        .key = &DEVPKEY_Device_##Name, .type = DEVPROP_TYPE_##Type, .read = Read, __VA_ARGS__      \
    }
#define VALUE(Name, Type, Value) FROM(Name, Type, read_value, .value = Value)
#define KNOWN(Name, Type, Which) FROM(Name, Type, read_known, .which = Which)

static const struct system_property system_properties[] = {
    VALUE(DeviceDesc, STRING, L"DeviceDesc"),
    KNOWN(HardwareIds, STRING_LIST, DevicePropertyHardwareID),
    KNOWN(CompatibleIds, STRING_LIST, DevicePropertyCompatibleIDs),
    VALUE(Service, STRING, L"Service"),
    VALUE(Class, STRING, L"Class"),
    FROM(ClassGuid, GUID, read_class_guid, .value = L"ClassGUID"),
    VALUE(Driver, STRING, L"Driver"),
    VALUE(ConfigFlags, UINT32, L"ConfigFlags"),
    VALUE(Manufacturer, STRING, L"Mfg"),
    VALUE(FriendlyName, STRING, L"FriendlyName"),
    VALUE(LocationInfo, STRING, L"LocationInformation"),
    KNOWN(PDOName, STRING, DevicePropertyPhysicalDeviceObjectName),
    KNOWN(UINumber, UINT32, DevicePropertyUINumber),
    VALUE(UpperFilters, STRING_LIST, L"UpperFilters"),
    VALUE(LowerFilters, STRING_LIST, L"LowerFilters"),
    KNOWN(BusTypeGuid, GUID, DevicePropertyBusTypeGuid),
    KNOWN(LegacyBusType, UINT32, DevicePropertyLegacyBusType),
    KNOWN(BusNumber, UINT32, DevicePropertyBusNumber),
    KNOWN(EnumeratorName, STRING, DevicePropertyEnumeratorName),
    KNOWN(Address, UINT32, DevicePropertyAddress),
    FROM(InstanceId, STRING, read_path, ),
    FROM(Parent, STRING, read_parent, ),
};

static const struct system_property *system_find(const DEVPROPKEY *key)
{
    for (size_t i = 0; i < ARRAY_COUNT(system_properties); i++)
        if (IsEqualDevPropKey(*system_properties[i].key, *key))
            return &system_properties[i];
    return NULL;
}

static NTSTATUS friendly_name_set(const struct pnp_devnode *node, DEVPROPTYPE type, ULONG size,
                                  PVOID data)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"FriendlyName");

    if (data == NULL)
        return cm_value_delete(node->key, &name);
    if (type != DEVPROP_TYPE_STRING)
        return STATUS_INVALID_PARAMETER;
    return cm_value_set(node->key, &name, REG_SZ, data, size);
}

/* What is wrong with the three that name a property; else the device is known, and its key. */
static NTSTATUS device_property(PDEVICE_OBJECT pdo, const struct pnp_devnode **node,
                                struct pnp_property_name *name)
{
    NTSTATUS status = pnp_property_check(name->key, name->lcid);

    if (!NT_SUCCESS(status))
        return status;
    *node = pnp_devnode_of(pdo);
    if (*node == NULL || (*node)->key == NULL)
        return STATUS_INVALID_DEVICE_REQUEST;
    name->owner = (*node)->key;
    return STATUS_SUCCESS;
}

/* WDK surface */

/*
 * IRQL <= APC_LEVEL. STATUS_BUFFER_TOO_SMALL: *RequiredSize says how much. *Type is set then, too.
 * STATUS_OBJECT_NAME_NOT_FOUND: the device has no such property, or not in that language.
 * STATUS_INVALID_DEVICE_REQUEST: no PDO of a device that PnP knows. WDK "IoGetDevicePropertyData".
 */
NTSTATUS NTAPI IoGetDevicePropertyData(PDEVICE_OBJECT Pdo, const DEVPROPKEY *PropertyKey, LCID Lcid,
                                       ULONG Flags, ULONG Size, PVOID Data, PULONG RequiredSize,
                                       PDEVPROPTYPE Type)
{
    const struct system_property *property = system_find(PropertyKey);
    struct pnp_property_name name = {.key = PropertyKey, .lcid = Lcid};
    const struct pnp_devnode *node;
    NTSTATUS status = device_property(Pdo, &node, &name);

    UNREFERENCED_PARAMETER(Flags);
    *RequiredSize = 0;
    *Type = DEVPROP_TYPE_EMPTY;
    if (!NT_SUCCESS(status))
        return status;
    if (property == NULL)
        return pnp_property_load(&name, Size, Data, RequiredSize, Type);
    if (Lcid != LOCALE_NEUTRAL)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    status = property->read(node, property, Size, Data, RequiredSize);
    if (*RequiredSize == 0)
        return STATUS_OBJECT_NAME_NOT_FOUND; /* as of a bus that told no ids */
    *Type = property->type;
    return status;
}
LDR_EXPORT(IoGetDevicePropertyData);

/*
 * IRQL <= APC_LEVEL. Data NULL deletes, in that locale. STATUS_ACCESS_DENIED: one of the system's.
 * STATUS_OBJECT_NAME_NOT_FOUND: nothing to delete. STATUS_INVALID_PARAMETER: no such type.
 * STATUS_INVALID_DEVICE_REQUEST as above. What was set lasts, persistent or not, as since Windows
 * 8. WDK "IoSetDevicePropertyData".
 */
NTSTATUS NTAPI IoSetDevicePropertyData(PDEVICE_OBJECT Pdo, const DEVPROPKEY *PropertyKey, LCID Lcid,
                                       ULONG Flags, DEVPROPTYPE Type, ULONG Size, PVOID Data)
{
    struct pnp_property_name name = {.key = PropertyKey, .lcid = Lcid};
    const struct pnp_devnode *node;
    NTSTATUS status = device_property(Pdo, &node, &name);

    UNREFERENCED_PARAMETER(Flags);
    if (!NT_SUCCESS(status))
        return status;
    if (IsEqualDevPropKey(*PropertyKey, DEVPKEY_Device_FriendlyName) && Lcid == LOCALE_NEUTRAL)
        return friendly_name_set(node, Type, Size, Data);
    if (system_find(PropertyKey) != NULL)
        return STATUS_ACCESS_DENIED;
    return pnp_property_keep(&name, Type, Size, Data);
}
LDR_EXPORT(IoSetDevicePropertyData);
