/*
 * pnp/remove.c - stopping and removing devices.
 *
 * Children go before their parent. A query that a driver refuses is taken back from all that had
 * agreed. A surprise removal asks nobody. After REMOVE_DEVICE only the PDO is left of the stack; it
 * belongs to the bus and stays reported, so that the device can be given to a driver again.
 *
 * Owns: QUERY_STOP/STOP, QUERY_REMOVE/SURPRISE_REMOVAL/REMOVE. Owns not: unloading (pnp/pnp.c).
 */
#include <lib/log.h>

#include "io/interface.h"
#include "io/notification.h"
#include "pnp/devnode.h"
#include "pnp/fx.h"

static bool refused(NTSTATUS status)
{
    return !NT_SUCCESS(status) && status != STATUS_NOT_SUPPORTED;
}

static void cancel_query(struct pnp_devnode *node, UCHAR cancel)
{
    pnp_send(node, cancel, NULL);
    if (cancel == IRP_MN_CANCEL_REMOVE_DEVICE)
        io_notify_target(node->pdo, IO_TARGET_REMOVE_CANCELLED);
}

/* Take the query back from a subtree that agreed, in the order of START. */
static void cancel_tree(struct pnp_devnode *node, UCHAR cancel)
{
    if (node->state == PNP_STARTED && node->added)
        cancel_query(node, cancel);
    for (struct pnp_devnode *child = node->first_child; child != NULL; child = child->next)
        cancel_tree(child, cancel);
}

/* One device: those who have it open first, then its drivers. */
static NTSTATUS query_device(struct pnp_devnode *node, UCHAR query, UCHAR cancel)
{
    NTSTATUS status;

    if (query == IRP_MN_QUERY_REMOVE_DEVICE) {
        if (!NT_SUCCESS(io_notify_target(node->pdo, IO_TARGET_QUERY_REMOVE))) {
            log_warn("pnp: %s: somebody who was notified refuses", node->instance);
            return STATUS_UNSUCCESSFUL;
        }
        if (io_device_stack_is_open(node->pdo)) {
            io_notify_target(node->pdo, IO_TARGET_REMOVE_CANCELLED);
            log_warn("pnp: %s: somebody has it open", node->instance);
            return STATUS_DEVICE_BUSY;
        }
    }
    status = pnp_send(node, query, NULL);
    if (!refused(status))
        return STATUS_SUCCESS;
    cancel_query(node, cancel);
    log_warn("pnp: %s: its driver refuses: 0x%08x", node->instance, (unsigned)status);
    return STATUS_UNSUCCESSFUL;
}

/* Query a subtree, deepest first; on a refusal cancel those that agreed. */
static NTSTATUS query_tree(struct pnp_devnode *node, UCHAR query, UCHAR cancel)
{
    struct pnp_devnode *child;
    struct pnp_devnode *undo;
    NTSTATUS status = STATUS_SUCCESS;

    for (child = node->first_child; child != NULL; child = child->next) {
        status = query_tree(child, query, cancel);
        if (!NT_SUCCESS(status))
            break;
    }
    if (NT_SUCCESS(status) && node->state == PNP_STARTED && node->added)
        status = query_device(node, query, cancel);
    if (!NT_SUCCESS(status))
        for (undo = node->first_child; undo != child; undo = undo->next)
            cancel_tree(undo, cancel);
    return status;
}

static void stop_tree(struct pnp_devnode *node)
{
    struct pnp_devnode *child;

    for (child = node->first_child; child != NULL; child = child->next)
        stop_tree(child);
    if (node->state != PNP_STARTED || !node->added)
        return;
    pnp_send(node, IRP_MN_STOP_DEVICE, NULL);
    pnp_resources_release(node);
    node->state = PNP_STOPPED;
}

NTSTATUS pnp_stop(struct pnp_devnode *node)
{
    NTSTATUS status = query_tree(node, IRP_MN_QUERY_STOP_DEVICE, IRP_MN_CANCEL_STOP_DEVICE);

    if (NT_SUCCESS(status))
        stop_tree(node);
    return status;
}

/* Interfaces that its drivers left enabled go; those who wait for its removal are told. */
static void tell_gone(struct pnp_devnode *node)
{
    io_interfaces_removed(node->pdo);
    io_notify_target(node->pdo, IO_TARGET_REMOVE_COMPLETE);
}

static void remove_tree(struct pnp_devnode *node, bool surprise)
{
    struct pnp_devnode *child = node->first_child;

    while (child != NULL) {
        struct pnp_devnode *next = child->next;

        remove_tree(child, surprise);
        if (child->ops == NULL && node->added)
            pnp_devnode_delete(child); /* its bus driver goes next */
        child = next;
    }
    if (node->added) {
        if (surprise && node->state == PNP_STARTED) {
            node->state = PNP_SURPRISE_REMOVED;
            pnp_send(node, IRP_MN_SURPRISE_REMOVAL, NULL);
            tell_gone(node);
        }
        pnp_send(node, IRP_MN_REMOVE_DEVICE, NULL);
        if (node->state != PNP_SURPRISE_REMOVED)
            tell_gone(node);
        if (node->pdo->AttachedDevice != NULL)
            log_warn("pnp: %s: a driver stays attached after REMOVE_DEVICE", node->instance);
        if (pnp_fx_removed(node->pdo))
            log_warn("pnp: %s: still registered with the power framework after REMOVE_DEVICE",
                     node->instance);
    } else if (node->state == PNP_STARTED && node->pdo != NULL) {
        pnp_send(node, IRP_MN_REMOVE_DEVICE, NULL);
    }
    if (node->pdo == NULL)
        return;
    pnp_resources_release(node);
    node->added = false;
    node->driver = NULL;
    node->filter_count = 0;
    node->installed = false;
    if (node->state != PNP_REPORTED)
        node->state = PNP_REMOVED;
}

NTSTATUS pnp_remove(struct pnp_devnode *node, bool surprise)
{
    NTSTATUS status = STATUS_SUCCESS;

    if (!surprise)
        status = query_tree(node, IRP_MN_QUERY_REMOVE_DEVICE, IRP_MN_CANCEL_REMOVE_DEVICE);
    if (NT_SUCCESS(status))
        remove_tree(node, surprise);
    return status;
}
