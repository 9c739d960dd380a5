/*
 * pnp/pnp.c - what boot and console ask of the PnP manager.
 *
 * Owns: starting everything, drivers by name, IoInvalidateDeviceRelations. Owns not: how
 * one device starts or goes (pnp/start.c, pnp/remove.c), the lists (pnp/lists.c).
 */
#include "pnp/pnp.h"

#include <lib/assert.h>
#include <lib/export.h>
#include <lib/log.h>
#include <lib/string.h>

#include "io/alloc.h"
#include "io/driver.h"
#include "ke/ob.h"
#include "ldr/ldr.h"
#include "pnp/devnode.h"
#include "pnp/match.h"
#include "pnp/power.h"
#include "pnp/power_setting.h"

static bool named_missing; /* named.txt names a driver that is not in the archive */

void pnp_init(void)
{
    pnp_lock_init();
    pnp_power_setting_init();
    cm_registry_init();
}

/* A driver that no INF and no rule of match.cfg mentions serves no PnP device: start it alone. */
static void start_legacy_drivers(void)
{
    struct pnp_driver *driver;

    for (driver = pnp_driver_list; driver != NULL; driver = driver->next)
        if (!driver->has_inf && !pnp_match_names(driver))
            pnp_driver_load(driver);
}

void pnp_start_all(void)
{
    ASSERT_IRQL(PASSIVE_LEVEL);
    pnp_lock();
    named_missing |= pnp_named_read();
    pnp_match_read();
    pnp_inf_resolve();
    pnp_start(&pnp_root);
    start_legacy_drivers();
    io_drivers_reinitialize();
    pnp_unlock();
}

static uint32_t count_started(const struct pnp_driver *driver)
{
    struct pnp_devnode *node;
    uint32_t count = 0;

    for (node = pnp_devnode_next(&pnp_root, &pnp_root); node != NULL;
         node = pnp_devnode_next(&pnp_root, node))
        count += pnp_stack_has(node, driver) && node->state == PNP_STARTED;
    return count;
}

bool pnp_named_failed(void)
{
    bool failed = named_missing;
    struct pnp_driver *driver;

    pnp_lock();
    for (driver = pnp_driver_list; driver != NULL; driver = driver->next) {
        const char *why = NULL;

        if (!driver->named)
            continue;
        if (driver->object == NULL)
            why = driver->tried ? "did not load" : "matches no device";
        else if (driver->object->DriverExtension->AddDevice != NULL && count_started(driver) == 0)
            why = "has no started device";
        if (why != NULL) {
            log_error("pnp: named driver %s %s", driver->file, why);
            failed = true;
        }
    }
    pnp_unlock();
    return failed;
}

/* ---- Drivers by name ------------------------------------------------------------------------ */

/* Can this node be offered to a driver (again)? */
static bool node_is_free(const struct pnp_devnode *node)
{
    return node->driver == NULL && !node->added &&
           (node->state == PNP_REMOVED || node->state == PNP_NO_DRIVER ||
            node->state == PNP_FAILED);
}

static NTSTATUS start_free_node(struct pnp_devnode *node, struct pnp_driver *driver)
{
    pnp_install(node);
    if (node->driver != driver) {
        node->driver = NULL;
        node->installed = false;
        return STATUS_SUCCESS;
    }
    node->state = PNP_IDENTIFIED;
    pnp_start(node);
    return node->state == PNP_STARTED ? STATUS_SUCCESS : node->status;
}

NTSTATUS pnp_driver_start(const char *name)
{
    NTSTATUS status = STATUS_SUCCESS;
    struct pnp_driver *driver;
    struct pnp_devnode *node;

    pnp_lock();
    driver = pnp_driver_by_name(name);
    if (driver == NULL) {
        pnp_unlock();
        return STATUS_NOT_FOUND;
    }
    if (!NT_SUCCESS(driver->status))
        driver->tried = false;
    for (node = pnp_devnode_next(&pnp_root, &pnp_root); node != NULL;
         node = pnp_devnode_next(&pnp_root, node)) {
        NTSTATUS result = STATUS_SUCCESS;

        if (node->driver == driver && node->state == PNP_STOPPED) {
            pnp_start(node);
            result = node->state == PNP_STARTED ? STATUS_SUCCESS : node->status;
        } else if (node->driver == driver && node->state == PNP_FAILED && !node->added) {
            node->state = PNP_IDENTIFIED;
            pnp_start(node);
            result = node->state == PNP_STARTED ? STATUS_SUCCESS : node->status;
        } else if (node_is_free(node)) {
            result = start_free_node(node, driver);
        }
        if (!NT_SUCCESS(result))
            status = result;
    }
    if (NT_SUCCESS(status) && driver->object == NULL && !driver->has_inf)
        status = pnp_driver_load(driver);
    if (NT_SUCCESS(status) && driver->object == NULL)
        status = STATUS_NO_SUCH_DEVICE;
    io_drivers_reinitialize();
    pnp_unlock();
    return status;
}

NTSTATUS pnp_driver_stop(const char *name)
{
    NTSTATUS status = STATUS_SUCCESS;
    struct pnp_driver *driver;
    struct pnp_devnode *node;

    pnp_lock();
    driver = pnp_driver_by_name(name);
    if (driver == NULL || driver->object == NULL)
        status = STATUS_NOT_FOUND;
    for (node = pnp_devnode_next(&pnp_root, &pnp_root); node != NULL && NT_SUCCESS(status);
         node = pnp_devnode_next(&pnp_root, node))
        if (node->driver == driver && node->state == PNP_STARTED)
            status = pnp_stop(node);
    pnp_unlock();
    return status;
}

NTSTATUS pnp_driver_remove(const char *name)
{
    NTSTATUS status = STATUS_SUCCESS;
    struct pnp_driver *driver;
    struct pnp_devnode *node;

    pnp_lock();
    driver = pnp_driver_by_name(name);
    if (driver == NULL || driver->object == NULL)
        status = STATUS_NOT_FOUND;
    for (node = pnp_devnode_next(&pnp_root, &pnp_root); node != NULL && NT_SUCCESS(status);
         node = pnp_devnode_next(&pnp_root, node))
        if (pnp_stack_has(node, driver) && node->added)
            status = pnp_remove(node, false);
    if (NT_SUCCESS(status)) {
        if (io_driver_is_busy(driver->object)) {
            log_warn("pnp: %s stays in memory: a device of it is referenced", driver->file);
            status = STATUS_DEVICE_BUSY;
        } else if (ldr_driver_unload(driver->object)) {
            driver->object = NULL;
            driver->tried = false;
        } else {
            log_warn("pnp: %s has no unload routine: it stays in memory", driver->file);
        }
    }
    pnp_unlock();
    return status;
}

NTSTATUS pnp_driver_power(const char *name, bool awake)
{
    NTSTATUS status = STATUS_SUCCESS;
    struct pnp_driver *driver;
    struct pnp_devnode *node;

    pnp_lock();
    driver = pnp_driver_by_name(name);
    if (driver == NULL || driver->object == NULL)
        status = STATUS_NOT_FOUND;
    for (node = pnp_devnode_next(&pnp_root, &pnp_root); node != NULL && NT_SUCCESS(status);
         node = pnp_devnode_next(&pnp_root, node))
        if (node->driver == driver && node->state == PNP_STARTED)
            status = awake ? pnp_power_up(node) : pnp_power_down(node);
    pnp_unlock();
    return status;
}

/* ---- Requests of drivers, carried out by a work item ---------------------------------------- */

struct pnp_request {
    WORK_QUEUE_ITEM item;
    PDEVICE_OBJECT pdo;
    void (*action)(struct pnp_devnode *node);
};

static VOID NTAPI request_run(PVOID context)
{
    struct pnp_request *request = context;
    struct pnp_devnode *node;

    pnp_lock();
    node = pnp_devnode_of(request->pdo);
    if (node != NULL && node->state == PNP_STARTED)
        request->action(node);
    pnp_unlock();
    ob_dereference(request->pdo);
    io_free(request);
}

static void request_queue(PDEVICE_OBJECT pdo, void (*action)(struct pnp_devnode *node))
{
    struct pnp_request *request = io_allocate(sizeof(*request), IO_TAG_PNP);

    if (request == NULL) {
        log_error("pnp: no memory for a request of a driver");
        return;
    }
    request->pdo = pdo;
    request->action = action;
    ob_reference(pdo);
    ExInitializeWorkItem(&request->item, request_run, request);
    ExQueueWorkItem(&request->item, DelayedWorkQueue);
}

static void relations_changed(struct pnp_devnode *node)
{
    struct pnp_devnode *child;

    pnp_enumerate_children(node);
    for (child = node->first_child; child != NULL; child = child->next)
        pnp_start(child);
    io_drivers_reinitialize();
}

static void state_changed(struct pnp_devnode *node)
{
    ULONG_PTR state = 0;

    if (!NT_SUCCESS(pnp_send(node, IRP_MN_QUERY_PNP_DEVICE_STATE, &state)))
        return;
    if ((state & (PNP_DEVICE_FAILED | PNP_DEVICE_REMOVED)) != 0) {
        log_error("pnp: %s: its driver reports that it failed", node->instance);
        pnp_remove(node, true);
    } else if ((state & PNP_DEVICE_RESOURCE_REQUIREMENTS_CHANGED) != 0 &&
               NT_SUCCESS(pnp_stop(node))) {
        pnp_start(node);
    }
}

/* WDK surface */

VOID NTAPI IoInvalidateDeviceRelations(PDEVICE_OBJECT DeviceObject, DEVICE_RELATION_TYPE Type)
{
    if (Type == BusRelations || Type == SingleBusRelations)
        request_queue(DeviceObject, relations_changed);
}
LDR_EXPORT(IoInvalidateDeviceRelations);

VOID NTAPI IoInvalidateDeviceState(PDEVICE_OBJECT PhysicalDeviceObject)
{
    request_queue(PhysicalDeviceObject, state_changed);
}
LDR_EXPORT(IoInvalidateDeviceState);
