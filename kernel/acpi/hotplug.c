/*
 * Notifications that a slot is filled, or is to be emptied.
 *
 * One handler at the root of the namespace hears the system's notifications of every device, in
 * ACPICA's worker at PASSIVE_LEVEL. It tells PCI devices apart by the root bridge they stand below,
 * as their routes are told apart (routing.c), and evaluates _EJ0 once the slot has been released.
 * ACPI 6.5 5.6.6 "Device Object Notifications", 6.3.3 "_EJx".
 */
#include <lib/log.h>
#include <nt/wdm.h>

#include "acpi/eval.h"

enum { NOTIFY_BUS_CHECK = 0, NOTIFY_DEVICE_CHECK = 1, NOTIFY_EJECT_REQUEST = 3 };

static void (*bus_changed)(void);
static bool (*slot_released)(const struct acpi_pci_place *place);

/* False: it stands below no PCI root. */
static bool place_find(acpi_handle handle, struct acpi_pci_place *place)
{
    const struct acpi_pci_root *root = NULL;
    uint16_t hops[ACPI_HOPS_MAX];

    place->hop_count = 0;
    if (!acpi_pci_hops(handle, &root, hops, &place->hop_count))
        return false;
    place->segment = root->segment;
    place->bus = root->bus;
    for (uint32_t i = 0; i < place->hop_count; i++)
        place->hops[i] = hops[i];
    return true;
}

static void eject(acpi_handle handle)
{
    struct acpi_pci_place place;
    union acpi_object lock = {.integer = {.type = ACPI_TYPE_INTEGER, .value = 1}};
    struct acpi_object_list arguments = {1, &lock};
    acpi_status status;

    if (!place_find(handle, &place) || !slot_released(&place))
        return;
    status = acpi_evaluate_object(handle, "_EJ0", &arguments, NULL);
    if (ACPI_FAILURE(status))
        log_warn("acpi: _EJ0: %s", acpi_eval_status_name(status));
    bus_changed();
}

static void notified(acpi_handle handle, u32 value, void *context)
{
    struct acpi_pci_place place;

    (void)context;
    if (value == NOTIFY_EJECT_REQUEST)
        eject(handle);
    else if ((value == NOTIFY_BUS_CHECK || value == NOTIFY_DEVICE_CHECK) &&
             place_find(handle, &place))
        bus_changed();
}

void acpi_set_hotplug(void (*changed)(void), bool (*released)(const struct acpi_pci_place *place))
{
    bus_changed = changed;
    slot_released = released;
}

void acpi_hotplug_listen(void)
{
    if (bus_changed != NULL)
        acpi_install_notify_handler(ACPI_ROOT_OBJECT, ACPI_SYSTEM_NOTIFY, notified, NULL);
}
