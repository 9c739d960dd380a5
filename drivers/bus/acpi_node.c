/*
 * PDOs of ACPI devices: IRP_MJ_PNP for what has no bus to be enumerated by.
 *
 * Ids are ACPI's: "ACPI\PNP0501", with "*PNP0501" beside it, and the first compatible id after it;
 * the instance is the _UID. Resources are fixed: what _CRS says is what the device has and asks
 * for, so starting and stopping moves nothing.
 */
#include <lib/format.h>
#include <nt/initguid.h>
#include <nt/wdmguid.h>

#include "acpi/acpi.h"
#include "acpi_bus.h"
#include "gsi.h"
#include "hpet.h"
#include "io/driver.h"
#include "memory.h"
#include "pdo.h"
#include "pnp/bus_interface.h"

enum { ID_TEXT_MAX = 64 };

/* ---- Ids ----------------------------------------------------------------------------------- */

/* Text of `size` bytes, NULs inside, as a wide string of its own with one NUL more. */
static WCHAR *wide_copy(const char *text, size_t size)
{
    WCHAR *wide = bus_allocate_paged((size + 1) * sizeof(WCHAR));

    for (size_t i = 0; wide != NULL && i < size; i++)
        wide[i] = (WCHAR)(unsigned char)text[i];
    return wide;
}

/* "ACPI\<id>" and "*<id>", a NUL behind each; returns the bytes. */
static size_t id_pair(char text[ID_TEXT_MAX], const char *id)
{
    size_t first = (size_t)lib_snprintf(text, ID_TEXT_MAX, "ACPI\\%s", id) + 1;

    return first + (size_t)lib_snprintf(text + first, ID_TEXT_MAX - first, "*%s", id) + 1;
}

/* Position among the devices of the same id, for those without a _UID. */
static uint32_t twin_index(const struct acpi_node *node)
{
    const struct acpi_node *other = NULL;
    uint32_t index = 0;

    while ((other = acpi_node_next(other)) != node)
        index += strcmp(other->hid, node->hid) == 0 ? 1 : 0;
    return index;
}

static WCHAR *id_query(const struct acpi_node *node, BUS_QUERY_ID_TYPE type)
{
    char text[ID_TEXT_MAX];

    switch (type) {
    case BusQueryDeviceID:
        lib_snprintf(text, sizeof(text), "ACPI\\%s", node->hid);
        return wide_copy(text, strlen(text) + 1);
    case BusQueryHardwareIDs:
        return wide_copy(text, id_pair(text, node->hid));
    case BusQueryCompatibleIDs:
        return node->cid[0] != '\0' ? wide_copy(text, id_pair(text, node->cid)) : NULL;
    case BusQueryInstanceID:
        if (node->uid[0] != '\0')
            lib_snprintf(text, sizeof(text), "%s", node->uid);
        else
            lib_snprintf(text, sizeof(text), "%u", twin_index(node));
        return wide_copy(text, strlen(text) + 1);
    default:
        return NULL;
    }
}

static const char *node_description(const struct acpi_node *node)
{
    static const struct {
        const char *id;
        const char *text;
    } known[] = {
        {"PNP0100", "System timer"},  {"PNP0103", "High precision event timer"},
        {"PNP0303", "PS/2 keyboard"}, {"PNP0400", "Parallel port"},
        {"PNP0500", "Serial port"},   {"PNP0501", "Serial port"},
        {"PNP0700", "Floppy disk"},   {"PNP0B00", "Real-time clock"},
        {"PNP0C04", "Coprocessor"},   {"PNP0F13", "PS/2 mouse"},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(known[i].id, node->hid) == 0)
            return known[i].text;
    }
    return "ACPI device";
}

/* ---- Resources ----------------------------------------------------------------------------- */

static USHORT item_flags(const struct acpi_item *item)
{
    if (item->kind == ACPI_ITEM_PORT)
        return CM_RESOURCE_PORT_IO | CM_RESOURCE_PORT_16_BIT_DECODE;
    if (item->kind == ACPI_ITEM_MEMORY)
        return item->is_writable ? CM_RESOURCE_MEMORY_READ_WRITE : CM_RESOURCE_MEMORY_READ_ONLY;
    return item->mode.trigger == IRQ_TRIGGER_LATCHED ? CM_RESOURCE_INTERRUPT_LATCHED
                                                     : CM_RESOURCE_INTERRUPT_LEVEL_SENSITIVE;
}

static UCHAR item_type(const struct acpi_item *item)
{
    if (item->kind == ACPI_ITEM_PORT)
        return CmResourceTypePort;
    return item->kind == ACPI_ITEM_MEMORY ? CmResourceTypeMemory : CmResourceTypeInterrupt;
}

static UCHAR item_share(const struct acpi_item *item)
{
    return item->kind == ACPI_ITEM_LINE && item->is_shared ? CmResourceShareShared
                                                           : CmResourceShareDeviceExclusive;
}

static PCM_RESOURCE_LIST resources_make(const struct acpi_node *node)
{
    PCM_PARTIAL_RESOURCE_DESCRIPTOR descriptor; /* an index into [1] would not leave its bounds */
    PCM_RESOURCE_LIST list =
        bus_allocate_paged(sizeof(*list) + node->item_count * sizeof(*descriptor));

    if (list == NULL)
        return NULL;
    list->Count = 1;
    list->List[0].InterfaceType = ACPIBus;
    list->List[0].PartialResourceList.Version = 1;
    list->List[0].PartialResourceList.Revision = 1;
    list->List[0].PartialResourceList.Count = node->item_count;
    descriptor = list->List[0].PartialResourceList.PartialDescriptors;
    for (uint32_t i = 0; i < node->item_count; i++, descriptor++) {
        const struct acpi_item *item = &node->items[i];

        descriptor->Type = item_type(item);
        descriptor->ShareDisposition = item_share(item);
        descriptor->Flags = item_flags(item);
        if (item->kind == ACPI_ITEM_LINE) {
            descriptor->u.Interrupt.Level = (USHORT)item->gsi.value;
            descriptor->u.Interrupt.Vector = item->gsi.value;
            descriptor->u.Interrupt.Affinity = ~(KAFFINITY)0;
        } else {
            descriptor->u.Generic.Start.QuadPart = (LONGLONG)item->start;
            descriptor->u.Generic.Length = (ULONG)item->length;
        }
    }
    return list;
}

static PIO_RESOURCE_REQUIREMENTS_LIST requirements_make(const struct acpi_node *node)
{
    ULONG size = (ULONG)(sizeof(IO_RESOURCE_REQUIREMENTS_LIST) +
                         node->item_count * sizeof(IO_RESOURCE_DESCRIPTOR));
    PIO_RESOURCE_REQUIREMENTS_LIST list = bus_allocate_paged(size);
    PIO_RESOURCE_DESCRIPTOR descriptor;

    if (list == NULL)
        return NULL;
    list->ListSize = size;
    list->InterfaceType = ACPIBus;
    list->AlternativeLists = 1;
    list->List[0].Version = 1;
    list->List[0].Revision = 1;
    list->List[0].Count = node->item_count;
    descriptor = list->List[0].Descriptors;
    for (uint32_t i = 0; i < node->item_count; i++, descriptor++) {
        const struct acpi_item *item = &node->items[i];

        descriptor->Type = item_type(item);
        descriptor->ShareDisposition = item_share(item);
        descriptor->Flags = item_flags(item);
        if (item->kind == ACPI_ITEM_LINE) {
            descriptor->u.Interrupt.MinimumVector = item->gsi.value;
            descriptor->u.Interrupt.MaximumVector = item->gsi.value;
        } else {
            descriptor->u.Generic.Length = (ULONG)item->length;
            descriptor->u.Generic.Alignment = 1;
            descriptor->u.Generic.MinimumAddress.QuadPart = (LONGLONG)item->start;
            descriptor->u.Generic.MaximumAddress.QuadPart =
                (LONGLONG)(item->start + item->length - 1);
        }
    }
    return list;
}

/* ---- Requests ------------------------------------------------------------------------------ */

static NTSTATUS answer_pointer(PIRP irp, void *answer)
{
    if (answer == NULL)
        return BUS_STATUS_UNCHANGED;
    irp->IoStatus.Information = (ULONG_PTR)answer;
    return STATUS_SUCCESS;
}

static NTSTATUS answer_capabilities(PDEVICE_CAPABILITIES capabilities)
{
    if (capabilities->Version != 1 || capabilities->Size < sizeof(*capabilities))
        return STATUS_UNSUCCESSFUL;
    bus_capabilities_fill(capabilities);
    capabilities->Address = (ULONG)-1;
    capabilities->UINumber = (ULONG)-1;
    return STATUS_SUCCESS;
}

static NTSTATUS pnp_answer(PDEVICE_OBJECT pdo, PIRP irp)
{
    const struct acpi_node *node = bus_pdo_extension(pdo);
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    const char *text;

    switch (location->MinorFunction) {
    case IRP_MN_START_DEVICE:
    case IRP_MN_STOP_DEVICE:
    case IRP_MN_REMOVE_DEVICE:
    case IRP_MN_SURPRISE_REMOVAL:
        return STATUS_SUCCESS;
    case IRP_MN_QUERY_ID:
        return answer_pointer(irp, id_query(node, location->Parameters.QueryId.IdType));
    case IRP_MN_QUERY_DEVICE_TEXT:
        text = location->Parameters.QueryDeviceText.DeviceTextType == DeviceTextDescription
                   ? node_description(node)
                   : node->path;
        return answer_pointer(irp, wide_copy(text, strlen(text) + 1));
    case IRP_MN_QUERY_CAPABILITIES:
        return answer_capabilities(location->Parameters.DeviceCapabilities.Capabilities);
    case IRP_MN_QUERY_RESOURCES:
        return answer_pointer(irp, resources_make(node));
    case IRP_MN_QUERY_RESOURCE_REQUIREMENTS:
        if (hpet_is_node(node))
            return answer_pointer(irp, hpet_requirements(node, pnp_device_message_limit(pdo)));
        return answer_pointer(irp, requirements_make(node));
    case IRP_MN_QUERY_BUS_INFORMATION:
        return bus_information_answer(irp, &GUID_BUS_TYPE_INTERNAL, ACPIBus, 0);
    default:
        return bus_pdo_pnp_common(pdo, irp);
    }
}

static NTSTATUS NTAPI node_pnp(PDEVICE_OBJECT device, PIRP irp)
{
    return bus_pdo_complete(irp, pnp_answer(device, irp));
}

static NTSTATUS NTAPI node_driver_init(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path)
{
    (void)registry_path;
    return bus_pdo_dispatch_by(driver, node_pnp, bus_pdo_power);
}

/* ---- Reporting ----------------------------------------------------------------------------- */

static NTSTATUS node_line_get(PDEVICE_OBJECT pdo, uint32_t gsi, struct irq_line **line)
{
    const struct acpi_node *node = bus_pdo_extension(pdo);
    struct hal_gsi_mode mode;

    gsi_mode_default((gsi_t){gsi}, &mode);
    for (uint32_t i = 0; i < node->item_count; i++) {
        if (node->items[i].kind == ACPI_ITEM_LINE && node->items[i].gsi.value == gsi)
            mode = node->items[i].mode;
    }
    return gsi_line_get((gsi_t){gsi}, &mode, line);
}

static const struct pnp_bus_ops node_ops = {.line_get = node_line_get};
static const struct pnp_bus_ops hpet_ops = {
    .line_get = node_line_get,
    .messages_create = hpet_messages_create,
    .messages_enable = hpet_messages_enable,
    .messages_destroy = hpet_messages_destroy,
};

NTSTATUS acpi_nodes_report(PDEVICE_OBJECT machine)
{
    const struct acpi_node *node = NULL;
    PDRIVER_OBJECT driver;
    NTSTATUS status = io_driver_create_builtin("acpidevice", node_driver_init, &driver);

    acpi_nodes_init();
    while (NT_SUCCESS(status) && (node = acpi_node_next(node)) != NULL) {
        PDEVICE_OBJECT pdo;

        status = bus_pdo_create(driver, (void *)(uintptr_t)node, &pdo);
        if (NT_SUCCESS(status))
            status = pnp_device_report(machine, pdo, hpet_is_node(node) ? &hpet_ops : &node_ops);
    }
    return status;
}
