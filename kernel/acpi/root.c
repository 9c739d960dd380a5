/*
 * PCI root bridges: the devices with the id PNP0A03 or PNP0A08, and the bus each begins with.
 *
 * A root says its segment by _SEG and its bus by _BBN; where it has no _BBN, the first bus number
 * range among its resources tells, else it is bus 0 (ACPI 6.5 6.5.5, 6.5.6). Roots that _STA calls
 * absent are kept: their _PRTs are reported, but nobody looks for functions there.
 */
#include <lib/log.h>

#include "acpi/eval.h"

static struct acpi_pci_root *root_first, *root_last;

static bool is_pci_root(acpi_handle handle)
{
    return acpi_eval_has_id(handle, PCI_ROOT_HID_STRING) ||
           acpi_eval_has_id(handle, PCI_EXPRESS_ROOT_HID_STRING);
}

/* A bus number range among the root's resources: its first number. */
static acpi_status bus_range_note(struct acpi_resource *resource, void *context)
{
    struct acpi_resource_address64 address;
    uint64_t *bus = context;

    if (ACPI_SUCCESS(acpi_resource_to_address64(resource, &address)) &&
        address.resource_type == ACPI_BUS_NUMBER_RANGE && address.address.address_length > 0) {
        *bus = address.address.minimum;
        return AE_CTRL_TERMINATE;
    }
    return AE_OK;
}

static void root_note(acpi_handle handle, void *context)
{
    uint64_t segment = 0, bus = 0, sta = ACPI_STA_DEVICE_PRESENT;
    struct acpi_pci_root *root;

    (void)context;
    if (!is_pci_root(handle))
        return;
    root = mm_pool_alloc(sizeof(*root), ACPI_POOL_TAG);
    if (root == NULL)
        return;
    root->handle = handle;
    root->path = acpi_eval_path(handle);
    acpi_eval_integer(handle, METHOD_NAME__SEG, &segment);
    if (!acpi_eval_integer(handle, METHOD_NAME__BBN, &bus))
        acpi_walk_resources(handle, METHOD_NAME__CRS, bus_range_note, &bus);
    acpi_eval_integer(handle, METHOD_NAME__STA, &sta);
    root->segment = (uint16_t)segment;
    root->bus = (uint32_t)bus;
    root->is_present = (sta & ACPI_STA_DEVICE_PRESENT) != 0;
    if (root_last != NULL)
        root_last->next = root;
    else
        root_first = root;
    root_last = root;
}

void acpi_roots_init(void)
{
    acpi_eval_devices(root_note, NULL);
}

const struct acpi_pci_root *acpi_pci_root_next(const struct acpi_pci_root *previous)
{
    return previous != NULL ? previous->next : root_first;
}

const struct acpi_pci_root *acpi_pci_root_of(acpi_handle handle)
{
    const struct acpi_pci_root *root = root_first;

    while (root != NULL && root->handle != handle)
        root = root->next;
    return root;
}
