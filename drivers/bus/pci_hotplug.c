/*
 * PCI functions that come and go while the machine runs.
 *
 * A rescan compares what answers with what is listed: a function that no longer answers was pulled
 * out, and its stack gets SURPRISE_REMOVAL and REMOVE_DEVICE; one that is new gets addresses, a
 * route and a PDO, and is started. ACPI asks for one where firmware notices (bus check, device
 * check), pci_slot.c where a port does, the console by `rescan`. An eject request is orderly:
 * drivers are asked first, and the slot is released only if none refuses. ACPI 6.5 5.6.6 "Device
 * Object Notifications".
 *
 * Owns: the order of these steps. Owns not: bridges that come: their buses have no numbers.
 */
#include "pci_hotplug.h"

#include <lib/log.h>

#include "acpi/acpi.h"
#include "pci_pdo.h"
#include "pnp/devnode.h"
#include "routing.h"

static void function_say(const struct pci_function *function, const char *what)
{
    log_info("pci %02x:%02x.%x: %s", function->where.bus, PCI_DEVFN_DEVICE(function->where.devfn),
             PCI_DEVFN_FUNCTION(function->where.devfn), what);
}

/* What is behind a bridge that goes has gone before it. */
static void function_remove(struct pci_function *function)
{
    struct pci_function *child = NULL;
    PDEVICE_OBJECT pdo = function->pdo;
    struct pnp_devnode *node = pdo == NULL ? NULL : pnp_devnode_of(pdo);

    while ((child = pci_function_after(child)) != NULL) {
        if (child->parent == function)
            function_remove(child);
    }
    function_say(function, "unplugged");
    if (node != NULL) {
        pnp_remove(node, true);
        pnp_devnode_delete(node);
    }
    function->pdo = NULL;
    function->is_gone = true;
    if (pdo != NULL)
        IoDeleteDevice(pdo);
}

static void function_add(struct pci_function *function)
{
    NTSTATUS status;

    function_say(function, "plugged in");
    routing_gsi(function, &function->line);
    status = pci_pdo_report(function);
    if (NT_SUCCESS(status))
        pnp_start(pnp_devnode_of(function->pdo));
    else
        log_error("pci: a new function cannot be reported: 0x%08x", (unsigned)status);
}

void pci_rescan(void)
{
    struct pci_function *function = NULL;

    pnp_lock();
    while ((function = pci_function_after(function)) != NULL) {
        if (!pci_function_answers(function))
            function_remove(function);
    }
    pci_enumerate_new();
    pci_assign();
    while ((function = pci_function_after(function)) != NULL) {
        if (function->pdo == NULL)
            function_add(function);
    }
    pnp_unlock();
}

/* ---- By ACPI's notifications --------------------------------------------------------------- */

/* The bus that a place is on: down the bridges from its root. False: a bridge is not there. */
static bool place_bus(const struct acpi_pci_place *place, uint8_t *bus)
{
    *bus = (uint8_t)place->bus;
    for (uint32_t i = 0; i + 1 < place->hop_count; i++) {
        const struct pci_function *bridge = pci_function_find(
            place->segment, *bus, PCI_DEVFN(place->hops[i] >> 8, place->hops[i] & 7));

        if (bridge == NULL || bridge->bridge.secondary == 0)
            return false;
        *bus = bridge->bridge.secondary;
    }
    return true;
}

enum { ANY_DEVICE = -1 };

/* A device on a bus, or all. False: a driver refuses. */
static bool release(uint16_t segment, uint8_t bus, int device)
{
    struct pci_function *function = NULL;
    NTSTATUS status = STATUS_SUCCESS;

    pnp_lock();
    while (NT_SUCCESS(status) && (function = pci_function_after(function)) != NULL) {
        if (function->where.segment == segment && function->where.bus == bus &&
            (device == ANY_DEVICE || PCI_DEVFN_DEVICE(function->where.devfn) == device) &&
            function->pdo != NULL) {
            status = pnp_remove(pnp_devnode_of(function->pdo), false);
            function_say(function, NT_SUCCESS(status) ? "released" : "its driver keeps it");
        }
    }
    pnp_unlock();
    return NT_SUCCESS(status);
}

bool pci_release_behind(const struct pci_function *bridge)
{
    return release(bridge->where.segment, bridge->bridge.secondary, ANY_DEVICE);
}

static bool place_release(const struct acpi_pci_place *place)
{
    uint8_t bus;

    return place->hop_count != 0 && place_bus(place, &bus) &&
           release(place->segment, bus, place->hops[place->hop_count - 1] >> 8);
}

void pci_hotplug_init(void)
{
    acpi_set_hotplug(pci_rescan, place_release);
}
