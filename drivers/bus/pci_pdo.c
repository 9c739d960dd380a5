/*
 * PDOs of PCI functions: IRP_MJ_PNP as a bus driver answers it.
 *
 * START_DEVICE brings the function to D0, writes its BARs back if it lost them, and switches
 * decoding and bus mastering on; INTx stays disabled only while messages are enabled (RES-MSI-12).
 * STOP and REMOVE switch bus mastering and INTx off; decoding stays on, since the message table
 * is still masked through it when the PnP manager takes the lines back.
 */
#include "pci_pdo.h"

#include <nt/initguid.h>
#include <lib/log.h>
#include <nt/wdmguid.h>

#include "gsi.h"
#include "io/driver.h"
#include "memory.h"
#include "messages.h"
#include "pci_slot.h"
#include "pdo.h"
#include "pnp/bus_interface.h"

struct pci_function *pci_function_of(PDEVICE_OBJECT pdo)
{
    return bus_pdo_extension(pdo);
}

/* ---- Start and stop ------------------------------------------------------------------------ */

static NTSTATUS function_start(struct pci_function *function)
{
    bool has_messages = function->messages != NULL && function->messages->is_enabled;

    pci_function_prepare(function);
    for (uint32_t i = 0; i < PCI_BAR_COUNT; i++) {
        if (function->bar_unassigned[i])
            return STATUS_INSUFFICIENT_RESOURCES;
    }
    pci_function_wake(function);
    pci_command_change(function, pci_command_decode(function) | PCI_COMMAND_BUS_MASTER,
                       has_messages ? 0 : PCI_COMMAND_INTX_DISABLE);
    if (!has_messages && pci_wants_interrupts(function) && function->interrupt_pin != 0 &&
        !function->line.is_valid)
        log_warn("pci %02x:%02x.%x: no route for INT%c, starts without a line", function->where.bus,
                 PCI_DEVFN_DEVICE(function->where.devfn), PCI_DEVFN_FUNCTION(function->where.devfn),
                 'A' + function->interrupt_pin - 1);
    function->is_started = true;
    if (pci_is_bridge(function))
        pci_slot_start(function);
    return STATUS_SUCCESS;
}

/* Bridges go on passing on what their children do. */
static void function_stop(struct pci_function *function)
{
    if (pci_is_bridge(function))
        pci_slot_stop(function);
    else if (function->is_started)
        pci_command_change(function, PCI_COMMAND_INTX_DISABLE, PCI_COMMAND_BUS_MASTER);
    function->is_started = false;
}

/* ---- Queries ------------------------------------------------------------------------------- */

static NTSTATUS answer_string(PIRP irp, WCHAR *string)
{
    if (string == NULL)
        return BUS_STATUS_UNCHANGED;
    irp->IoStatus.Information = (ULONG_PTR)string;
    return STATUS_SUCCESS;
}

static NTSTATUS answer_capabilities(const struct pci_function *function,
                                    PDEVICE_CAPABILITIES capabilities)
{
    if (capabilities->Version != 1 || capabilities->Size < sizeof(*capabilities))
        return STATUS_UNSUCCESSFUL;
    bus_capabilities_fill(capabilities);
    capabilities->Address = (ULONG)PCI_DEVFN_DEVICE(function->where.devfn) << 16 |
                            PCI_DEVFN_FUNCTION(function->where.devfn);
    capabilities->UINumber = (ULONG)-1;
    capabilities->DeviceD1 = pci_power_has(function, PowerDeviceD1);
    capabilities->DeviceD2 = pci_power_has(function, PowerDeviceD2);
    capabilities->RawDeviceOK = pci_is_bridge(function);
    return STATUS_SUCCESS;
}

static NTSTATUS answer_resources(struct pci_function *function, PIRP irp)
{
    PCM_RESOURCE_LIST list;
    NTSTATUS status;

    pci_function_prepare(function);
    status = pci_resources_query(function, &list);
    if (NT_SUCCESS(status) && list == NULL)
        return BUS_STATUS_UNCHANGED;
    irp->IoStatus.Information = (ULONG_PTR)list;
    return status;
}

static NTSTATUS answer_requirements(struct pci_function *function, PIRP irp)
{
    PIO_RESOURCE_REQUIREMENTS_LIST list;
    NTSTATUS status;

    pci_function_prepare(function);
    status = pci_requirements_query(function, pnp_device_message_limit(function->pdo), &list);
    if (NT_SUCCESS(status) && list == NULL)
        return BUS_STATUS_UNCHANGED;
    irp->IoStatus.Information = (ULONG_PTR)list;
    return status;
}

static NTSTATUS answer_config(struct pci_function *function, PIO_STACK_LOCATION location, PIRP irp)
{
    PVOID buffer = location->Parameters.ReadWriteConfig.Buffer;
    ULONG offset = location->Parameters.ReadWriteConfig.Offset;
    ULONG length = location->Parameters.ReadWriteConfig.Length;

    if (location->Parameters.ReadWriteConfig.WhichSpace != PCI_WHICHSPACE_CONFIG)
        return STATUS_INVALID_PARAMETER;
    irp->IoStatus.Information = location->MinorFunction == IRP_MN_READ_CONFIG
                                    ? pci_config_read(function, buffer, offset, length)
                                    : pci_config_write(function, buffer, offset, length);
    return STATUS_SUCCESS;
}

static NTSTATUS answer_interface(struct pci_function *function, PIO_STACK_LOCATION location)
{
    NTSTATUS status = pci_interface_query(function, location);

    return status == STATUS_NOT_SUPPORTED ? BUS_STATUS_UNCHANGED : status;
}

static NTSTATUS pnp_answer(PDEVICE_OBJECT pdo, PIRP irp)
{
    struct pci_function *function = pci_function_of(pdo);
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);

    switch (location->MinorFunction) {
    case IRP_MN_START_DEVICE:
        return function_start(function);
    case IRP_MN_STOP_DEVICE:
    case IRP_MN_REMOVE_DEVICE:
    case IRP_MN_SURPRISE_REMOVAL:
        function_stop(function);
        return STATUS_SUCCESS;
    case IRP_MN_QUERY_ID:
        return answer_string(irp, pci_id_query(function, location->Parameters.QueryId.IdType));
    case IRP_MN_QUERY_DEVICE_TEXT:
        return answer_string(
            irp, pci_text_query(function, location->Parameters.QueryDeviceText.DeviceTextType));
    case IRP_MN_QUERY_CAPABILITIES:
        return answer_capabilities(function, location->Parameters.DeviceCapabilities.Capabilities);
    case IRP_MN_QUERY_RESOURCES:
        return answer_resources(function, irp);
    case IRP_MN_QUERY_RESOURCE_REQUIREMENTS:
        return answer_requirements(function, irp);
    case IRP_MN_QUERY_BUS_INFORMATION:
        return bus_information_answer(irp, &GUID_BUS_TYPE_PCI, PCIBus, function->where.bus);
    case IRP_MN_READ_CONFIG:
    case IRP_MN_WRITE_CONFIG:
        return answer_config(function, location, irp);
    case IRP_MN_QUERY_INTERFACE:
        return answer_interface(function, location);
    default:
        return bus_pdo_pnp_common(pdo, irp);
    }
}

static NTSTATUS NTAPI pci_pnp(PDEVICE_OBJECT device, PIRP irp)
{
    return bus_pdo_complete(irp, pnp_answer(device, irp));
}

/* ---- Reporting ----------------------------------------------------------------------------- */

static NTSTATUS pci_line_get(PDEVICE_OBJECT pdo, uint32_t gsi, struct irq_line **line)
{
    const struct pci_function *function = pci_function_of(pdo);
    struct hal_gsi_mode mode = function->line.mode;

    if (!function->line.is_valid || function->line.gsi.value != gsi)
        gsi_mode_default((gsi_t){gsi}, &mode);
    return gsi_line_get((gsi_t){gsi}, &mode, line);
}

static const struct pnp_bus_ops pci_bus_ops = {
    .line_get = pci_line_get,
    .messages_create = pci_messages_create,
    .messages_enable = pci_messages_enable,
    .messages_destroy = pci_messages_destroy,
};

static NTSTATUS NTAPI pci_driver_init(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path)
{
    (void)registry_path;
    return bus_pdo_dispatch_by(driver, pci_pnp, pci_power);
}

static PDRIVER_OBJECT pci_driver;
static PDEVICE_OBJECT (*pci_root_of)(uint16_t segment);

NTSTATUS pci_pdo_report(struct pci_function *function)
{
    PDEVICE_OBJECT parent =
        function->parent != NULL ? function->parent->pdo : pci_root_of(function->where.segment);
    NTSTATUS status = bus_pdo_create(pci_driver, function, &function->pdo);

    if (NT_SUCCESS(status))
        status = pnp_device_report(parent, function->pdo, &pci_bus_ops);
    return status;
}

NTSTATUS pci_pdos_report(PDEVICE_OBJECT (*root_of)(uint16_t segment))
{
    struct pci_function *function = NULL;
    NTSTATUS status = io_driver_create_builtin("pci", pci_driver_init, &pci_driver);

    pci_root_of = root_of;
    while (NT_SUCCESS(status) && (function = pci_function_after(function)) != NULL)
        status = pci_pdo_report(function);
    return status;
}
