/*
 * pnp/start.c - from a reported device to a started one.
 *
 *   identify -> install (choose driver, INF) -> build the stack -> resources -> START_DEVICE
 *   -> QUERY_CAPABILITIES, QUERY_PNP_DEVICE_STATE -> children
 *
 * A step that fails leaves the node in PNP_FAILED with the step's name; what earlier steps did is
 * undone: a stack whose START failed gets REMOVE_DEVICE (PNP-5). The rest of the tree goes on.
 *
 * Owns: this order. Owns not: the steps' insides.
 */
#include <lib/format.h>
#include <lib/log.h>
#include <lib/string.h>

#include "io/driver.h"
#include "io/interface.h"
#include "ke/ob.h"
#include "ldr/ldr.h"
#include "pnp/devnode.h"

static void service_key_fill(const struct pnp_driver *driver)
{
    char path[PNP_NAME_MAX + 32];
    struct cm_key *services = cm_key_open_text(NULL, CM_REGISTRY_SERVICES, true);
    struct cm_key *key;

    if (services == NULL)
        return;
    key = cm_key_open_text(services, driver->service, true);
    ob_dereference(services);
    if (key == NULL)
        return;
    lib_snprintf(path, sizeof(path), "System32\\drivers\\%s", driver->file);
    cm_value_set_string(key, "ImagePath", REG_EXPAND_SZ, path);
    ob_dereference(key);
}

NTSTATUS pnp_driver_load(struct pnp_driver *driver)
{
    struct ldr_image *image;

    if (driver->object != NULL)
        return STATUS_SUCCESS;
    if (driver->tried && !NT_SUCCESS(driver->status))
        return driver->status;
    driver->tried = true;
    service_key_fill(driver);
    driver->status = ldr_image_load(driver->file, driver->data, driver->size, &image);
    if (!NT_SUCCESS(driver->status))
        return driver->status;
    driver->status = ldr_driver_start(image, driver->service, &driver->object);
    if (!NT_SUCCESS(driver->status)) {
        driver->object = NULL;
        ldr_image_unload(image);
    }
    return driver->status;
}

static NTSTATUS start_device(struct pnp_devnode *node)
{
    IO_STACK_LOCATION location = {.MinorFunction = IRP_MN_START_DEVICE};
    NTSTATUS status;

    location.Parameters.StartDevice.AllocatedResources = node->raw;
    location.Parameters.StartDevice.AllocatedResourcesTranslated = node->translated;
    /* Before the IRP: the driver connects while it handles it (CIE-GEN-4). */
    io_interrupt_assignment_set(node->pdo, node->assignment);
    io_device_of(node->pdo)->starting = true;
    status = pnp_send_location(node, &location, NULL);
    io_device_of(node->pdo)->starting = false;
    if (NT_SUCCESS(status))
        io_interfaces_started(node->pdo);
    return status;
}

/* Say so, and take the stack down as far as it was built (PNP-5). */
static void start_failed(struct pnp_devnode *node, const char *step, NTSTATUS status)
{
    pnp_devnode_fail(node, step, status);
    if (node->added)
        pnp_remove(node, true);
    else
        pnp_resources_release(node);
    node->state = PNP_FAILED;
}

/* The device has been added (or needs no driver): resources, START. */
static bool start_added(struct pnp_devnode *node)
{
    NTSTATUS status = pnp_resources_assign(node);

    if (!NT_SUCCESS(status)) {
        start_failed(node, "assigning resources", status);
        return false;
    }
    status = start_device(node);
    if (!NT_SUCCESS(status)) {
        start_failed(node, "START_DEVICE", status);
        return false;
    }
    node->state = PNP_STARTED;
    io_device_of(node->pdo)->device_power = PowerDeviceD0;
    node->status = STATUS_SUCCESS;
    node->problem = NULL;
    pnp_query_capabilities(node);
    return true;
}

/* The driver may say now that the device does not work after all. */
static void query_state(struct pnp_devnode *node)
{
    ULONG_PTR state = 0;

    if (node->driver == NULL || !NT_SUCCESS(pnp_send(node, IRP_MN_QUERY_PNP_DEVICE_STATE, &state)))
        return;
    if ((state & (PNP_DEVICE_FAILED | PNP_DEVICE_REMOVED)) != 0) {
        log_error("pnp: %s: its driver reports that it failed", node->instance);
        pnp_remove(node, true);
        node->state = PNP_FAILED;
        node->problem = "QUERY_PNP_DEVICE_STATE";
        node->status = STATUS_DEVICE_CONFIGURATION_ERROR;
    }
}

static void choose_and_add(struct pnp_devnode *node)
{
    NTSTATUS status;

    if (!node->installed)
        pnp_install(node);
    if (node->driver == NULL) {
        node->state = node->capabilities.RawDeviceOK ? PNP_ADDED : PNP_NO_DRIVER;
        return;
    }
    status = pnp_stack_build(node);
    if (NT_SUCCESS(status))
        node->state = PNP_ADDED;
    else
        start_failed(node, "adding the drivers", status);
}

void pnp_start(struct pnp_devnode *node)
{
    struct pnp_devnode *child;

    if (node->state == PNP_REPORTED) {
        NTSTATUS status = pnp_identify(node);

        if (!NT_SUCCESS(status))
            pnp_devnode_fail(node, "identifying", status);
    }
    if (node->state == PNP_IDENTIFIED)
        choose_and_add(node);
    if (node->state == PNP_ADDED || node->state == PNP_STOPPED) {
        if (start_added(node))
            query_state(node);
    }
    if (node->state == PNP_STARTED && node != &pnp_root)
        pnp_enumerate_children(node);
    /* Behind a device that failed there may be others that its bus driver, built in, reported. */
    for (child = node->first_child; child != NULL; child = child->next)
        pnp_start(child);
}
