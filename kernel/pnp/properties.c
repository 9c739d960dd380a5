/*
 * pnp/properties.c - IoGetDeviceProperty and the registry keys of a device.
 *
 * Owns: what PnP knows of a device, by DEVICE_REGISTRY_PROPERTY. Owns not: properties by
 * DEVPROPKEY (pnp/property_data.c), which asks here for those.
 */
#include <lib/export.h>
#include <lib/string.h>

#include "io/alloc.h"
#include "io/name.h"
#include "ke/ob.h"
#include "pnp/devnode.h"
#include "pnp/property.h"
#include "pnp/text.h"

/* Where a property comes from: bytes of the devnode, a value of its Enum key, or a number. */
struct property {
    const void *data;
    ULONG size;
    const WCHAR *value; /* name of a value of the Enum key */
    ULONG number;
};

static ULONG list_size(const CM_RESOURCE_LIST *list)
{
    return list == NULL ? 0
                        : (ULONG)(FIELD_OFFSET(CM_RESOURCE_LIST,
                                               List[0].PartialResourceList.PartialDescriptors) +
                                  list->List[0].PartialResourceList.Count *
                                      sizeof(CM_PARTIAL_RESOURCE_DESCRIPTOR));
}

static NTSTATUS property_of_bus(const struct pnp_devnode *node, DEVICE_REGISTRY_PROPERTY which,
                                struct property *property)
{
    if (!node->has_bus)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    property->size = sizeof(ULONG);
    if (which == DevicePropertyBusNumber) {
        property->data = &node->bus.BusNumber;
    } else if (which == DevicePropertyLegacyBusType) {
        property->data = &node->bus.LegacyBusType;
    } else {
        property->data = &node->bus.BusTypeGuid;
        property->size = sizeof(GUID);
    }
    return STATUS_SUCCESS;
}

/* The values of the Enum key, by property. */
static const WCHAR *property_value(DEVICE_REGISTRY_PROPERTY which)
{
    switch (which) {
    case DevicePropertyDeviceDescription:
        return L"DeviceDesc";
    case DevicePropertyClassName:
        return L"Class";
    case DevicePropertyClassGuid:
        return L"ClassGUID";
    case DevicePropertyDriverKeyName:
        return L"Driver";
    case DevicePropertyManufacturer:
        return L"Mfg";
    case DevicePropertyFriendlyName:
        return L"FriendlyName";
    case DevicePropertyLocationInformation:
        return L"LocationInformation";
    default:
        return NULL;
    }
}

/* An interrupt has no translation before its vector is allocated. */
static bool list_has_interrupt(const CM_RESOURCE_LIST *list)
{
    const CM_PARTIAL_RESOURCE_DESCRIPTOR *descriptors;

    if (list == NULL)
        return false;
    descriptors = &list->List[0].PartialResourceList.PartialDescriptors[0];
    for (ULONG i = 0; i < list->List[0].PartialResourceList.Count; i++)
        if (descriptors[i].Type == CmResourceTypeInterrupt)
            return true;
    return false;
}

static ULONG removal_policy(const DEVICE_CAPABILITIES *capabilities)
{
    if (!capabilities->Removable)
        return RemovalPolicyExpectNoRemoval;
    return capabilities->SurpriseRemovalOK ? RemovalPolicyExpectSurpriseRemoval
                                           : RemovalPolicyExpectOrderlyRemoval;
}

static NTSTATUS property_find(const struct pnp_devnode *node, DEVICE_REGISTRY_PROPERTY which,
                              struct property *property)
{
    *property = (struct property){.value = property_value(which), .size = sizeof(ULONG)};
    if (property->value != NULL)
        return STATUS_SUCCESS;
    property->data = &property->number;
    switch (which) {
    case DevicePropertyHardwareID:
        property->data = node->hardware_ids;
        property->size = pnp_multi_size(node->hardware_ids);
        return STATUS_SUCCESS;
    case DevicePropertyCompatibleIDs:
        property->data = node->compatible_ids;
        property->size = pnp_multi_size(node->compatible_ids);
        return STATUS_SUCCESS;
    case DevicePropertyBootConfigurationTranslated:
        if (list_has_interrupt(node->boot_configuration))
            return STATUS_OBJECT_NAME_NOT_FOUND;
        /* fall through */
    case DevicePropertyBootConfiguration:
        property->data = node->boot_configuration;
        property->size = list_size(node->boot_configuration);
        return STATUS_SUCCESS;
    case DevicePropertyAllocatedResources:
        property->data = node->raw;
        property->size = list_size(node->raw);
        return STATUS_SUCCESS;
    case DevicePropertyResourceRequirements:
        property->data = node->requirements;
        property->size = node->requirements == NULL ? 0 : node->requirements->ListSize;
        return STATUS_SUCCESS;
    case DevicePropertyAddress:
        property->number = node->capabilities.Address;
        return STATUS_SUCCESS;
    case DevicePropertyUINumber:
        property->number = node->capabilities.UINumber;
        return STATUS_SUCCESS;
    case DevicePropertyInstallState:
        property->number = node->installed ? InstallStateInstalled : InstallStateNeedsReinstall;
        return STATUS_SUCCESS;
    case DevicePropertyRemovalPolicy:
        property->number = removal_policy(&node->capabilities);
        return STATUS_SUCCESS;
    case DevicePropertyBusNumber:
    case DevicePropertyLegacyBusType:
    case DevicePropertyBusTypeGuid:
        return property_of_bus(node, which, property);
    default:
        return STATUS_INVALID_PARAMETER_2;
    }
}

NTSTATUS pnp_property_copy(const void *data, ULONG size, ULONG room, PVOID buffer, PULONG result)
{
    *result = size;
    if (size > room)
        return STATUS_BUFFER_TOO_SMALL;
    memcpy(buffer, data, size);
    return STATUS_SUCCESS;
}

NTSTATUS pnp_property_value(const struct pnp_devnode *node, PCWSTR value, ULONG room, PVOID buffer,
                            PULONG result)
{
    UNICODE_STRING name;
    NTSTATUS status;

    RtlInitUnicodeString(&name, value);
    *result = room;
    status = cm_value_get(node->key, &name, NULL, buffer, result);
    return status == STATUS_BUFFER_OVERFLOW ? STATUS_BUFFER_TOO_SMALL : status;
}

/* The PDO's name, "\Device\00000012"; and the enumerator, the first part of the instance path. */
static NTSTATUS name_out(const struct pnp_devnode *node, bool enumerator, ULONG room, PVOID buffer,
                         PULONG result)
{
    WCHAR units[PNP_INSTANCE_MAX] = {0};
    size_t length = 0;

    if (enumerator) {
        while (node->instance_path[length] != 0 && node->instance_path[length] != L'\\')
            length++;
        memcpy(units, node->instance_path, length * sizeof(WCHAR));
    } else {
        KIRQL irql = io_database_acquire();
        const struct io_name *name = io_device_of(node->pdo)->name;

        if (name != NULL && name->path.Length < sizeof(units)) {
            length = name->path.Length / sizeof(WCHAR);
            memcpy(units, name->path.Buffer, name->path.Length);
        }
        io_database_release(irql);
    }
    return pnp_property_copy(units, (ULONG)((length + 1) * sizeof(WCHAR)), room, buffer, result);
}

NTSTATUS pnp_property_get(const struct pnp_devnode *node, DEVICE_REGISTRY_PROPERTY which,
                          ULONG room, PVOID buffer, PULONG result)
{
    struct property property;
    NTSTATUS status;

    *result = 0;
    if (which == DevicePropertyPhysicalDeviceObjectName || which == DevicePropertyEnumeratorName)
        return name_out(node, which == DevicePropertyEnumeratorName, room, buffer, result);
    status = property_find(node, which, &property);
    if (!NT_SUCCESS(status))
        return status;
    if (property.value != NULL)
        return pnp_property_value(node, property.value, room, buffer, result);
    return pnp_property_copy(property.data, property.size, room, buffer, result);
}

/* The key of the same path in the current hardware profile, made if it is missing; referenced. */
static NTSTATUS profile_key(struct cm_key *key, struct cm_key **in_profile)
{
    static const UNICODE_STRING machine = RTL_CONSTANT_STRING(L"\\Registry\\Machine");
    struct cm_key *profile =
        cm_key_open_text(NULL, CM_REGISTRY_CONTROL_SET "\\Hardware Profiles\\Current", true);
    UNICODE_STRING path, below;
    NTSTATUS status;

    if (profile == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    status = cm_key_path(key, &path);
    if (NT_SUCCESS(status)) {
        below.Buffer = path.Buffer + machine.Length / sizeof(WCHAR) + 1;
        below.Length = path.Length - machine.Length - sizeof(WCHAR);
        below.MaximumLength = below.Length;
        *in_profile = cm_key_open(profile, &below, true, NULL);
        if (*in_profile == NULL)
            status = STATUS_INSUFFICIENT_RESOURCES;
        ExFreePool(path.Buffer);
    }
    ob_dereference(profile);
    return status;
}

/* WDK surface */

/*
 * What nobody told of a device has the value 0xFFFFFFFF, if it is a number, or is not found. IRQL =
 * PASSIVE_LEVEL. STATUS_INVALID_DEVICE_REQUEST: no PDO, or none that has been enumerated.
 * STATUS_INVALID_PARAMETER_2, STATUS_BUFFER_TOO_SMALL, STATUS_OBJECT_NAME_NOT_FOUND. WDK:
 * IoGetDeviceProperty
 */
NTSTATUS NTAPI IoGetDeviceProperty(PDEVICE_OBJECT DeviceObject,
                                   DEVICE_REGISTRY_PROPERTY DeviceProperty, ULONG BufferLength,
                                   PVOID PropertyBuffer, PULONG ResultLength)
{
    const struct pnp_devnode *node = pnp_devnode_of(DeviceObject);

    *ResultLength = 0;
    if (node == NULL || node->key == NULL)
        return STATUS_INVALID_DEVICE_REQUEST;
    return pnp_property_get(node, DeviceProperty, BufferLength, PropertyBuffer, ResultLength);
}
LDR_EXPORT(IoGetDeviceProperty);

/*
 * PASSIVE_LEVEL. STATUS_INVALID_PARAMETER: not one of the two keys, or a flag that there is not;
 * STATUS_INVALID_DEVICE_REQUEST: no PDO; STATUS_OBJECT_NAME_NOT_FOUND: no driver is installed.
 * G-IO-51, WDK: IoOpenDeviceRegistryKey.
 */
NTSTATUS NTAPI IoOpenDeviceRegistryKey(PDEVICE_OBJECT DeviceObject, ULONG DevInstKeyType,
                                       ACCESS_MASK DesiredAccess, PHANDLE DeviceRegKey)
{
    struct pnp_devnode *node = pnp_devnode_of(DeviceObject);
    struct cm_key *key;
    NTSTATUS status;

    if (node == NULL)
        return STATUS_INVALID_DEVICE_REQUEST;
    switch (DevInstKeyType & ~PLUGPLAY_REGKEY_CURRENT_HWPROFILE) {
    case PLUGPLAY_REGKEY_DEVICE:
        key = node->parameters;
        break;
    case PLUGPLAY_REGKEY_DRIVER:
        key = node->driver_key;
        break;
    default:
        return STATUS_INVALID_PARAMETER;
    }
    if (key == NULL)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    if ((DevInstKeyType & PLUGPLAY_REGKEY_CURRENT_HWPROFILE) == 0)
        return ob_handle_create(key, DesiredAccess, DeviceRegKey);
    status = profile_key(key, &key);
    if (NT_SUCCESS(status)) {
        status = ob_handle_create(key, DesiredAccess, DeviceRegKey);
        ob_dereference(key);
    }
    return status;
}
LDR_EXPORT(IoOpenDeviceRegistryKey);
