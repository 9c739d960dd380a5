/*
 * PCI root bridges: the devices with the id PNP0A03 or PNP0A08, and the bus each begins with.
 *
 * A root says its segment by _SEG and its bus by _BBN; where it has no _BBN, the first bus number
 * range among its resources tells, else it is bus 0 (ACPI 6.5 6.5.5, 6.5.6). One that can be taken
 * away names its own window of configuration space by _CBA (PCI Firmware 3.2 4.1.3). Roots that
 * _STA calls absent are kept: their _PRTs are reported, but nobody looks for functions there.
 */
#include <lib/log.h>

#include "acpi/eval.h"

static struct acpi_pci_root *root_first, *root_last;

static bool is_pci_root(acpi_handle handle)
{
    return acpi_eval_has_id(handle, PCI_ROOT_HID_STRING) ||
           acpi_eval_has_id(handle, PCI_EXPRESS_ROOT_HID_STRING);
}

#define FOUR_GIB 0x100000000ull

static void window_note(struct acpi_pci_root *root, const struct acpi_address64_attribute *range)
{
    struct acpi_window *window = range->minimum < FOUR_GIB ? &root->low : &root->high;

    if (range->address_length > window->length)
        *window = (struct acpi_window){range->minimum, range->address_length};
}

/* What the root passes on: bus numbers, the first range of them, and memory. */
static acpi_status resource_note(struct acpi_resource *resource, void *context)
{
    struct acpi_resource_address64 address;
    struct acpi_pci_root *root = context;

    if (ACPI_FAILURE(acpi_resource_to_address64(resource, &address)) ||
        address.address.address_length == 0)
        return AE_OK;
    if (address.resource_type == ACPI_MEMORY_RANGE) {
        window_note(root, &address.address);
    } else if (address.resource_type == ACPI_BUS_NUMBER_RANGE && root->last_bus == 0) {
        root->bus = (uint32_t)address.address.minimum;
        root->last_bus = (uint32_t)(root->bus + address.address.address_length - 1);
    }
    return AE_OK;
}

static void root_note(acpi_handle handle, void *context)
{
    uint64_t segment = 0, bus, sta = ACPI_STA_DEVICE_PRESENT;
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
    acpi_walk_resources(handle, METHOD_NAME__CRS, resource_note, root);
    if (acpi_eval_integer(handle, METHOD_NAME__BBN, &bus))
        root->bus = (uint32_t)bus;
    if (root->last_bus < root->bus)
        root->last_bus = root->bus;
    acpi_eval_integer(handle, METHOD_NAME__STA, &sta);
    root->segment = (uint16_t)segment;
    acpi_eval_integer(handle, METHOD_NAME__CBA, &root->configuration);
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
