/*
 * pnp/enumerate.c - asking buses: who are you, and who is behind you?
 *
 * A new device is asked for its ids, texts, capabilities and bus by IRPs to its PDO; the answers go
 * into the devnode and into Enum\<device id>\<instance id>. An instance id that is unique only on
 * its bus gets the parent's place in the tree in front, as on Windows.
 *
 * Owns: these questions. Owns not: drivers and resources.
 */
#include <lib/format.h>
#include <lib/log.h>
#include <lib/string.h>

#include "io/alloc.h"
#include "ke/ob.h"
#include "parse/pci_location.h"
#include "pnp/devnode.h"
#include "pnp/text.h"

static WCHAR *query_id(struct pnp_devnode *node, BUS_QUERY_ID_TYPE type)
{
    IO_STACK_LOCATION location = {.MinorFunction = IRP_MN_QUERY_ID};
    ULONG_PTR answer = 0;

    location.Parameters.QueryId.IdType = type;
    if (!NT_SUCCESS(pnp_send_location(node, &location, &answer)))
        return NULL;
    return (WCHAR *)answer;
}

static void query_text(struct pnp_devnode *node, DEVICE_TEXT_TYPE type, char *text, size_t size)
{
    IO_STACK_LOCATION location = {.MinorFunction = IRP_MN_QUERY_DEVICE_TEXT};
    ULONG_PTR answer = 0;

    location.Parameters.QueryDeviceText.DeviceTextType = type;
    location.Parameters.QueryDeviceText.LocaleId = 0x0409; /* en-US */
    if (!NT_SUCCESS(pnp_send_location(node, &location, &answer)) || answer == 0)
        return;
    pnp_text_from_wide(text, size, (WCHAR *)answer);
    io_free((void *)answer);
}

void pnp_query_capabilities(struct pnp_devnode *node)
{
    IO_STACK_LOCATION location = {.MinorFunction = IRP_MN_QUERY_CAPABILITIES};
    DEVICE_CAPABILITIES capabilities = {.Size = sizeof(capabilities), .Version = 1};

    capabilities.Address = ~(ULONG)0;
    capabilities.UINumber = ~(ULONG)0;
    location.Parameters.DeviceCapabilities.Capabilities = &capabilities;
    if (NT_SUCCESS(pnp_send_location(node, &location, NULL)))
        node->capabilities = capabilities;
}

static void query_bus(struct pnp_devnode *node)
{
    ULONG_PTR answer = 0;

    if (!NT_SUCCESS(pnp_send(node, IRP_MN_QUERY_BUS_INFORMATION, &answer)) || answer == 0)
        return;
    node->bus = *(PPNP_BUS_INFORMATION)answer;
    node->has_bus = true;
    io_free((void *)answer);
}

/* What options of the command line and the console name a device by. */
static uint32_t pci_location_of(const struct pnp_devnode *node)
{
    ULONG address = node->capabilities.Address; /* of PCI: device << 16 | function */

    if (!node->has_bus || node->bus.LegacyBusType != PCIBus || address == ~(ULONG)0)
        return PCI_LOCATION_NONE;
    return PCI_LOCATION(node->bus.BusNumber, address >> 16, address & 0xFFFF);
}

/* Depth and a hash of the parent's path: the prefix that makes an instance id unique. */
static void instance_prefix(const struct pnp_devnode *node, char *prefix, size_t size)
{
    const struct pnp_devnode *parent = node->parent;
    const struct pnp_devnode *up;
    uint32_t hash = 5381;
    unsigned depth = 1;
    size_t i;

    prefix[0] = 0;
    if (node->capabilities.UniqueID)
        return;
    for (up = parent; up->parent != NULL; up = up->parent)
        depth++;
    for (i = 0; parent->instance[i] != 0; i++)
        hash = hash * 33 + (uint8_t)parent->instance[i];
    lib_snprintf(prefix, size, "%u&%x&", depth, (unsigned)hash);
}

static NTSTATUS make_instance(struct pnp_devnode *node)
{
    char device[PNP_INSTANCE_MAX];
    char instance[PNP_NAME_MAX];
    char prefix[PNP_NAME_MAX];
    size_t units;

    pnp_text_from_wide(device, sizeof(device), node->device_id);
    if (node->instance_id != NULL)
        pnp_text_from_wide(instance, sizeof(instance), node->instance_id);
    else
        lib_strlcpy(instance, "0", sizeof(instance));
    instance_prefix(node, prefix, sizeof(prefix));
    lib_snprintf(node->instance, sizeof(node->instance), "%s\\%s%s", device, prefix, instance);
    units = strlen(node->instance) + 1;
    node->instance_path = io_allocate(units * sizeof(WCHAR), IO_TAG_PNP);
    if (node->instance_path == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    lib_wide_from_utf8(node->instance_path, units, node->instance, units);
    io_device_of(node->pdo)->instance_path = node->instance_path;
    return STATUS_SUCCESS;
}

static NTSTATUS make_key(struct pnp_devnode *node)
{
    struct cm_key *root = cm_key_open_text(NULL, CM_REGISTRY_ENUM, true);

    if (root == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    node->key = cm_key_open_text(root, node->instance, true);
    ob_dereference(root);
    if (node->key == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    node->parameters = cm_key_open_text(node->key, "Device Parameters", true);
    if (node->parameters == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    cm_value_set_data(node->key, "HardwareID", REG_MULTI_SZ, node->hardware_ids,
                      pnp_multi_size(node->hardware_ids));
    cm_value_set_data(node->key, "CompatibleIDs", REG_MULTI_SZ, node->compatible_ids,
                      pnp_multi_size(node->compatible_ids));
    cm_value_set_string(node->key, "LocationInformation", REG_SZ, node->location);
    cm_value_set_dword(node->key, "Address", node->capabilities.Address);
    return STATUS_SUCCESS;
}

NTSTATUS pnp_identify(struct pnp_devnode *node)
{
    NTSTATUS status;

    node->device_id = query_id(node, BusQueryDeviceID);
    if (node->device_id == NULL) {
        lib_strlcpy(node->instance, "(a device without an id)", sizeof(node->instance));
        return STATUS_PNP_INVALID_ID;
    }
    node->capabilities.Address = ~(ULONG)0;
    pnp_query_capabilities(node);
    node->instance_id = query_id(node, BusQueryInstanceID);
    node->hardware_ids = query_id(node, BusQueryHardwareIDs);
    node->compatible_ids = query_id(node, BusQueryCompatibleIDs);
    query_text(node, DeviceTextDescription, node->description, sizeof(node->description));
    query_text(node, DeviceTextLocationInformation, node->location, sizeof(node->location));
    query_bus(node);
    io_device_of(node->pdo)->location = pci_location_of(node);
    status = make_instance(node);
    if (NT_SUCCESS(status))
        status = make_key(node);
    if (NT_SUCCESS(status))
        node->state = PNP_IDENTIFIED;
    return status;
}

/* ---- Children ------------------------------------------------------------------------------- */

static PDEVICE_RELATIONS query_children(struct pnp_devnode *node)
{
    IO_STACK_LOCATION location = {.MinorFunction = IRP_MN_QUERY_DEVICE_RELATIONS};
    ULONG_PTR answer = 0;

    location.Parameters.QueryDeviceRelations.Type = BusRelations;
    if (!NT_SUCCESS(pnp_send_location(node, &location, &answer)))
        return NULL;
    return (PDEVICE_RELATIONS)answer;
}

/* Children that the report does not name any more are gone from the bus. */
static void remove_missing(struct pnp_devnode *node)
{
    struct pnp_devnode *child = node->first_child;

    while (child != NULL) {
        struct pnp_devnode *next = child->next;

        if (child->missing) {
            pnp_remove(child, true);
            pnp_devnode_delete(child);
        }
        child = next;
    }
}

void pnp_enumerate_children(struct pnp_devnode *node)
{
    PDEVICE_RELATIONS relations = query_children(node);
    struct pnp_devnode *child;
    ULONG i;

    if (relations == NULL)
        return;
    /* A device without ops was found by such a report; one with ops its bus reports by itself. */
    for (child = node->first_child; child != NULL; child = child->next)
        child->missing = child->ops == NULL;
    for (i = 0; i < relations->Count; i++) {
        PDEVICE_OBJECT pdo = relations->Objects[i];

        if (pnp_devnode_of(pdo) == NULL)
            pnp_device_report(node->pdo, pdo, NULL);
        child = pnp_devnode_of(pdo);
        if (child != NULL)
            child->missing = false;
        ob_dereference(pdo);
    }
    io_free(relations);
    remove_missing(node);
}
