/*
 * The root of the device tree: the machine, and a PCI root for each segment.
 *
 * These are the children that every PC has, with or without ACPI, with the ids that ACPI gives
 * them; what the tables tell (IOAPICs, overrides, configuration windows) is read by hal/ioapic.h
 * and hal/pci_config.h. Devices of ACPI's namespace stand beside them: acpi_node.c.
 *
 * bus_init() is the order in which hardware becomes known: pins, functions, addresses, routes, and
 * last the PDOs, since PnP asks them at once.
 */
#include <hal/ioapic.h>
#include <hal/pci_config.h>
#include <lib/format.h>
#include <lib/log.h>
#include <nt/wdmguid.h>

#include "acpi/acpi.h"
#include "acpi_bus.h"
#include "bus.h"
#include "io/driver.h"
#include "ke/boot_time.h"
#include "memory.h"
#include "messages.h"
#include "pci_pdo.h"
#include "pdo.h"
#include "pnp/bus_interface.h"
#include "remap_faults.h"
#include "routing.h"

enum { ACPI_DEVICES_MAX = 1 + 32, ACPI_ID_MAX = 64 };

struct acpi_device {
    const char *device_id;    /* "ACPI\\PNP0A08" */
    const char *hardware_ids; /* REG_MULTI_SZ, in characters */
    size_t hardware_ids_size;
    const char *description;
    uint32_t unit;    /* _UID */
    uint16_t segment; /* of a PCI root */
    bool is_pci_root;
    PDEVICE_OBJECT pdo;
};

static const char machine_ids[] = "ACPI_HAL\\PNP0C08\0*PNP0C08\0";
static const char pci_root_ids[] = "ACPI\\PNP0A08\0*PNP0A08\0ACPI\\PNP0A03\0*PNP0A03\0";

static struct acpi_device devices[ACPI_DEVICES_MAX];
static uint32_t device_count;

static WCHAR *wide_copy(const char *text, size_t size)
{
    WCHAR *wide = bus_allocate_paged((size + 1) * sizeof(WCHAR));

    for (size_t i = 0; wide != NULL && i < size; i++)
        wide[i] = (WCHAR)(unsigned char)text[i];
    return wide;
}

static WCHAR *id_query(const struct acpi_device *device, BUS_QUERY_ID_TYPE type)
{
    char text[ACPI_ID_MAX];

    switch (type) {
    case BusQueryDeviceID:
        return wide_copy(device->device_id, strlen(device->device_id) + 1);
    case BusQueryHardwareIDs:
        return wide_copy(device->hardware_ids, device->hardware_ids_size);
    case BusQueryInstanceID:
        lib_snprintf(text, sizeof(text), "%u", device->unit);
        return wide_copy(text, strlen(text) + 1);
    default:
        return NULL;
    }
}

static NTSTATUS answer_string(PIRP irp, WCHAR *string)
{
    if (string == NULL)
        return BUS_STATUS_UNCHANGED;
    irp->IoStatus.Information = (ULONG_PTR)string;
    return STATUS_SUCCESS;
}

static NTSTATUS answer_capabilities(const struct acpi_device *device,
                                    PDEVICE_CAPABILITIES capabilities)
{
    if (capabilities->Version != 1 || capabilities->Size < sizeof(*capabilities))
        return STATUS_UNSUCCESSFUL;
    bus_capabilities_fill(capabilities);
    capabilities->Address = device->unit;
    capabilities->UINumber = (ULONG)-1;
    capabilities->RawDeviceOK = TRUE;
    return STATUS_SUCCESS;
}

static NTSTATUS pnp_answer(PDEVICE_OBJECT pdo, PIRP irp)
{
    const struct acpi_device *device = bus_pdo_extension(pdo);
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);

    switch (location->MinorFunction) {
    case IRP_MN_START_DEVICE:
    case IRP_MN_STOP_DEVICE:
    case IRP_MN_REMOVE_DEVICE:
    case IRP_MN_SURPRISE_REMOVAL:
        return STATUS_SUCCESS;
    case IRP_MN_QUERY_ID:
        return answer_string(irp, id_query(device, location->Parameters.QueryId.IdType));
    case IRP_MN_QUERY_DEVICE_TEXT:
        if (location->Parameters.QueryDeviceText.DeviceTextType != DeviceTextDescription)
            return BUS_STATUS_UNCHANGED;
        return answer_string(irp, wide_copy(device->description, strlen(device->description) + 1));
    case IRP_MN_QUERY_CAPABILITIES:
        return answer_capabilities(device, location->Parameters.DeviceCapabilities.Capabilities);
    case IRP_MN_QUERY_BUS_INFORMATION:
        return bus_information_answer(irp, &GUID_BUS_TYPE_INTERNAL, Internal, 0);
    default:
        return bus_pdo_pnp_common(pdo, irp);
    }
}

static NTSTATUS NTAPI acpi_pnp(PDEVICE_OBJECT device, PIRP irp)
{
    return bus_pdo_complete(irp, pnp_answer(device, irp));
}

static NTSTATUS NTAPI acpi_driver_init(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path)
{
    (void)registry_path;
    return bus_pdo_dispatch_by(driver, acpi_pnp, bus_pdo_power);
}

/* These devices have no interrupts, so nothing of it is ever called. */
static const struct pnp_bus_ops no_interrupt_ops;

static NTSTATUS device_report(PDRIVER_OBJECT driver, struct acpi_device *device,
                              PDEVICE_OBJECT parent)
{
    NTSTATUS status = bus_pdo_create(driver, device, &device->pdo);

    return NT_SUCCESS(status) ? pnp_device_report(parent, device->pdo, &no_interrupt_ops) : status;
}

static struct acpi_device *device_add(const char *device_id, const char *hardware_ids,
                                      size_t hardware_ids_size, const char *description)
{
    struct acpi_device *device = &devices[device_count++];

    device->device_id = device_id;
    device->hardware_ids = hardware_ids;
    device->hardware_ids_size = hardware_ids_size;
    device->description = description;
    return device;
}

static PDEVICE_OBJECT pci_root_of(uint16_t segment)
{
    for (uint32_t i = 0; i < device_count; i++) {
        if (devices[i].is_pci_root && devices[i].segment == segment)
            return devices[i].pdo;
    }
    return devices[0].pdo;
}

static NTSTATUS roots_report(PDRIVER_OBJECT driver)
{
    struct acpi_device *machine =
        device_add("ACPI_HAL\\PNP0C08", machine_ids, sizeof(machine_ids), "ACPI machine");
    NTSTATUS status = device_report(driver, machine, NULL);
    struct hal_pci_window window;

    for (uint32_t i = 0;
         NT_SUCCESS(status) && device_count < ACPI_DEVICES_MAX && hal_pci_window_at(i, &window);
         i++) {
        struct acpi_device *root =
            device_add("ACPI\\PNP0A08", pci_root_ids, sizeof(pci_root_ids), "PCI root");

        root->unit = i;
        root->segment = window.segment;
        root->is_pci_root = true;
        status = device_report(driver, root, machine->pdo);
    }
    return status;
}

/* Windows of configuration space that root bridges name themselves. */
static void windows_add(void)
{
    const struct acpi_pci_root *root = NULL;

    hal_pci_init();
    while (acpi_is_up() && (root = acpi_pci_root_next(root)) != NULL) {
        struct hal_pci_window window = {.segment = root->segment,
                                        .first_bus = (uint8_t)root->bus,
                                        .last_bus = (uint8_t)root->last_bus,
                                        .base = root->configuration,
                                        .is_memory = true};

        if (root->is_present && root->configuration != 0 && root->last_bus <= UINT8_MAX)
            hal_pci_window_add(&window);
    }
}

void bus_init(const struct boot_info *boot)
{
    struct pci_function *function = NULL;
    PDRIVER_OBJECT driver;
    NTSTATUS status;

    hal_ioapic_init();
    acpi_init(boot);
    ke_boot_mark("ACPI namespace");
    windows_add();
    pci_enumerate();
    pci_assign_init(boot);
    pci_assign();
    pci_messages_init();
    ke_boot_mark("PCI functions");
    routing_init();
    while ((function = pci_function_after(function)) != NULL)
        routing_gsi(function, &function->line);
    ke_boot_mark("interrupt routes");
    status = io_driver_create_builtin("acpi", acpi_driver_init, &driver);
    if (NT_SUCCESS(status))
        status = roots_report(driver);
    if (NT_SUCCESS(status))
        status = pci_pdos_report(pci_root_of);
    if (NT_SUCCESS(status) && acpi_is_up()) {
        acpi_sci_connect();
        status = acpi_nodes_report(devices[0].pdo);
    }
    remap_faults_init();
    if (!NT_SUCCESS(status))
        log_error("bus: devices could not be reported: 0x%08x", (unsigned int)status);
}
