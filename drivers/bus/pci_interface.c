/*
 * Interfaces and configuration space of a PCI function: BUS_INTERFACE_STANDARD and the MSI-X table
 * (GUID_MSIX_TABLE_CONFIG_INTERFACE), and READ_CONFIG / WRITE_CONFIG underneath them.
 *
 * An interface's context is the function, its reference one of the PDO. What is returned never
 * exceeds the size asked with; an interface that is not ours leaves the request's status as it is
 * (RES-MSIX-15, RES-MSIX-16, RES-MSIX-18).
 */
#include <nt/wdmguid.h>

#include "memory.h"
#include "messages.h"
#include "pci_pdo.h"

/* ---- Configuration space ------------------------------------------------------------------- */

static ULONG config_size(const struct pci_function *function)
{
    bool is_extended =
        function->express_offset != 0 && pci_read(function, PCI_CONFIG_SIZE, 4) != 0xFFFFFFFF;

    return is_extended ? PCI_EXPRESS_CONFIG_SIZE : PCI_CONFIG_SIZE;
}

static ULONG config_clip(const struct pci_function *function, ULONG offset, ULONG length)
{
    ULONG size = config_size(function);

    if (offset >= size)
        return 0;
    return length < size - offset ? length : size - offset;
}

/* The widest access that is aligned and fits: registers are read and written whole. */
static int access_width(ULONG offset, ULONG left)
{
    if (IS_ALIGNED(offset, 4) && left >= 4)
        return 4;
    return IS_ALIGNED(offset, 2) && left >= 2 ? 2 : 1;
}

ULONG pci_config_read(const struct pci_function *function, PVOID buffer, ULONG offset, ULONG length)
{
    ULONG count = config_clip(function, offset, length);

    for (ULONG done = 0; done < count;) {
        int width = access_width(offset + done, count - done);
        uint32_t value = pci_read(function, offset + done, width);

        memcpy((PUCHAR)buffer + done, &value, (size_t)width);
        done += (ULONG)width;
    }
    return count;
}

ULONG pci_config_write(struct pci_function *function, PVOID buffer, ULONG offset, ULONG length)
{
    ULONG count = config_clip(function, offset, length);
    bool keep_intx_off = offset <= PCI_COMMAND + 1 && offset + count > PCI_COMMAND &&
                         (pci_read(function, PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE) != 0 &&
                         function->messages != NULL;

    for (ULONG done = 0; done < count;) {
        int width = access_width(offset + done, count - done);
        uint32_t value = 0;

        memcpy(&value, (PUCHAR)buffer + done, (size_t)width);
        pci_write(function, offset + done, width, value);
        done += (ULONG)width;
    }
    if (keep_intx_off)
        pci_command_change(function, PCI_COMMAND_INTX_DISABLE, 0);
    return count;
}

/* ---- Interfaces ---------------------------------------------------------------------------- */

static VOID NTAPI interface_reference(PVOID context)
{
    struct pci_function *function = context;

    ObReferenceObject(function->pdo);
}

static VOID NTAPI interface_dereference(PVOID context)
{
    struct pci_function *function = context;

    ObDereferenceObject(function->pdo);
}

/* Bus addresses are physical addresses on this machine. */
static BOOLEAN NTAPI translate_bus_address(PVOID context, PHYSICAL_ADDRESS bus_address,
                                           ULONG length, PULONG address_space,
                                           PPHYSICAL_ADDRESS translated)
{
    (void)context;
    (void)length;
    (void)address_space;
    *translated = bus_address;
    return TRUE;
}

static PDMA_ADAPTER NTAPI get_dma_adapter(PVOID context, PDEVICE_DESCRIPTION description,
                                          PULONG map_registers)
{
    struct pci_function *function = context;

    return IoGetDmaAdapter(function->pdo, description, map_registers);
}

static ULONG NTAPI set_bus_data(PVOID context, ULONG space, PVOID buffer, ULONG offset,
                                ULONG length)
{
    return space == PCI_WHICHSPACE_CONFIG ? pci_config_write(context, buffer, offset, length) : 0;
}

static ULONG NTAPI get_bus_data(PVOID context, ULONG space, PVOID buffer, ULONG offset,
                                ULONG length)
{
    return space == PCI_WHICHSPACE_CONFIG ? pci_config_read(context, buffer, offset, length) : 0;
}

static NTSTATUS NTAPI set_table_entry(PVOID context, ULONG entry, ULONG message)
{
    return msix_entry_set(context, entry, message);
}

static NTSTATUS NTAPI mask_table_entry(PVOID context, ULONG entry)
{
    return msix_entry_mask(context, entry, true);
}

static NTSTATUS NTAPI unmask_table_entry(PVOID context, ULONG entry)
{
    return msix_entry_mask(context, entry, false);
}

static NTSTATUS bus_interface(struct pci_function *function, USHORT size, PVOID out)
{
    BUS_INTERFACE_STANDARD interface = {
        .Size = sizeof(interface),
        .Version = 1,
        .Context = function,
        .InterfaceReference = interface_reference,
        .InterfaceDereference = interface_dereference,
        .TranslateBusAddress = translate_bus_address,
        .GetDmaAdapter = get_dma_adapter,
        .SetBusData = set_bus_data,
        .GetBusData = get_bus_data,
    };

    if (size < sizeof(interface))
        return STATUS_NOT_SUPPORTED;
    memcpy(out, &interface, sizeof(interface));
    return STATUS_SUCCESS;
}

static NTSTATUS msix_interface(struct pci_function *function, USHORT size, PVOID out)
{
    PCI_MSIX_TABLE_CONFIG_INTERFACE interface = {
        .Size = sizeof(interface),
        .Version = PCI_MSIX_TABLE_CONFIG_INTERFACE_VERSION,
        .Context = function,
        .InterfaceReference = interface_reference,
        .InterfaceDereference = interface_dereference,
        .SetTableEntry = set_table_entry,
        .MaskTableEntry = mask_table_entry,
        .UnmaskTableEntry = unmask_table_entry,
    };

    if (function->msix.offset == 0 || size < PCI_MSIX_TABLE_CONFIG_MINIMUM_SIZE)
        return STATUS_NOT_SUPPORTED;
    if (size < sizeof(interface))
        interface.Size = PCI_MSIX_TABLE_CONFIG_MINIMUM_SIZE;
    memcpy(out, &interface, interface.Size);
    return STATUS_SUCCESS;
}

NTSTATUS pci_interface_query(struct pci_function *function, PIO_STACK_LOCATION location)
{
    const GUID *type = location->Parameters.QueryInterface.InterfaceType;
    USHORT size = location->Parameters.QueryInterface.Size;
    PVOID out = location->Parameters.QueryInterface.Interface;
    NTSTATUS status = STATUS_NOT_SUPPORTED;

    if (location->Parameters.QueryInterface.Version < 1)
        return STATUS_NOT_SUPPORTED;
    if (IsEqualGUID(type, &GUID_BUS_INTERFACE_STANDARD))
        status = bus_interface(function, size, out);
    else if (IsEqualGUID(type, &GUID_MSIX_TABLE_CONFIG_INTERFACE))
        status = msix_interface(function, size, out);
    if (NT_SUCCESS(status))
        interface_reference(function);
    return status;
}
