/*
 * pnp/devnode.c - the device tree itself.
 *
 * The tree lock guards links and lets lists be read at any time; the action lock serialises what
 * changes devices. Nodes are freed only under both, so an action may hold a pointer to a node
 * without a reference.
 *
 * Owns: links, locks, reporting, PnP IRPs. Owns not: what happens to a device (start.c, remove.c).
 */
#include "pnp/devnode.h"

#include <lib/log.h>
#include <lib/string.h>

#include "io/alloc.h"
#include "io/irp.h"
#include "ke/ob.h"
#include "mm/pool.h"

struct pnp_devnode pnp_root = {
    .state = PNP_STARTED,
    .instance = "ROOT",
    .description = "this machine",
    .installed = true,
};

static KMUTEX action_lock;
static KSPIN_LOCK tree_lock;

void pnp_lock_init(void)
{
    KeInitializeMutex(&action_lock, 0);
}

void pnp_lock(void)
{
    KeWaitForSingleObject(&action_lock, Executive, KernelMode, FALSE, NULL);
}

void pnp_unlock(void)
{
    KeReleaseMutex(&action_lock, FALSE);
}

KIRQL pnp_tree_lock(void)
{
    KIRQL irql;

    KeAcquireSpinLock(&tree_lock, &irql);
    return irql;
}

void pnp_tree_unlock(KIRQL irql)
{
    KeReleaseSpinLock(&tree_lock, irql);
}

struct pnp_devnode *pnp_devnode_next(struct pnp_devnode *top, struct pnp_devnode *node)
{
    if (node->first_child != NULL)
        return node->first_child;
    while (node != top && node->next == NULL)
        node = node->parent;
    return node == top ? NULL : node->next;
}

const char *pnp_state_name(enum pnp_state state)
{
    static const char *const names[] = {
        [PNP_REPORTED] = "reported",   [PNP_IDENTIFIED] = "identified",
        [PNP_NO_DRIVER] = "no driver", [PNP_ADDED] = "added",
        [PNP_STARTED] = "started",     [PNP_STOPPED] = "stopped",
        [PNP_FAILED] = "failed",       [PNP_SURPRISE_REMOVED] = "surprise removed",
        [PNP_REMOVED] = "removed",
    };

    return names[state];
}

void pnp_devnode_fail(struct pnp_devnode *node, const char *step, NTSTATUS status)
{
    node->state = PNP_FAILED;
    node->status = status;
    node->problem = step;
    log_error("pnp: %s: %s failed: 0x%08x", node->instance, step, (unsigned)status);
}

NTSTATUS pnp_device_report(PDEVICE_OBJECT parent_pdo, PDEVICE_OBJECT pdo,
                           const struct pnp_bus_ops *ops)
{
    struct pnp_devnode *parent = parent_pdo == NULL ? &pnp_root : pnp_devnode_of(parent_pdo);
    struct pnp_devnode *node;
    struct pnp_devnode **link;
    KIRQL irql;

    if (parent == NULL || pnp_devnode_of(pdo) != NULL)
        return STATUS_INVALID_PARAMETER;
    node = io_allocate(sizeof(*node), IO_TAG_PNP);
    if (node == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    /* Device interfaces are links to the PDO's name. */
    io_device_name_ensure(pdo);
    ob_reference(pdo);
    node->pdo = pdo;
    node->ops = ops;
    node->parent = parent;
    pdo->Flags |= DO_BUS_ENUMERATED_DEVICE;
    pdo->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    io_device_of(pdo)->devnode = node;

    irql = pnp_tree_lock();
    for (link = &parent->first_child; *link != NULL;)
        link = &(*link)->next;
    *link = node;
    pnp_tree_unlock(irql);
    return STATUS_SUCCESS;
}

static void devnode_free(struct pnp_devnode *node)
{
    io_free(node->device_id);
    io_free(node->instance_id);
    io_free(node->hardware_ids);
    io_free(node->compatible_ids);
    io_free(node->instance_path);
    io_free(node->requirements);
    io_free(node->boot_configuration);
    if (node->driver_key != NULL)
        ob_dereference(node->driver_key);
    if (node->parameters != NULL)
        ob_dereference(node->parameters);
    if (node->key != NULL)
        ob_dereference(node->key);
    io_free(node);
}

void pnp_devnode_delete(struct pnp_devnode *node)
{
    PDEVICE_OBJECT pdo = node->pdo;
    struct pnp_devnode **link;
    KIRQL irql = pnp_tree_lock();

    for (link = &node->parent->first_child; *link != node;)
        link = &(*link)->next;
    *link = node->next;
    io_device_of(pdo)->devnode = NULL;
    io_device_of(pdo)->instance_path = NULL;
    pnp_tree_unlock(irql);
    devnode_free(node);
    ob_dereference(pdo);
}

NTSTATUS pnp_send_location(struct pnp_devnode *node, IO_STACK_LOCATION *location,
                           ULONG_PTR *information)
{
    NTSTATUS status;

    location->MajorFunction = IRP_MJ_PNP;
    status = io_request_send(node->pdo, location, STATUS_NOT_SUPPORTED, information);
    if (NT_SUCCESS(status) && information != NULL)
        mm_pool_untrack((const void *)*information); /* lists and names: ours from now on */
    return status;
}

NTSTATUS pnp_send(struct pnp_devnode *node, UCHAR minor, ULONG_PTR *information)
{
    IO_STACK_LOCATION location = {.MinorFunction = minor};

    return pnp_send_location(node, &location, information);
}
