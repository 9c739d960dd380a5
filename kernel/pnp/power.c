/*
 * pnp/power.c - power states of the tree of devices.
 *
 * A device is in D0 from START_DEVICE on. It goes to a lower state after the devices that hang from
 * it, and comes back before them. At shutdown each stack is told PowerSystemShutdown; to make the
 * state of the device of it is up to the driver that owns its power policy (WDK: "Device Power
 * Policy Ownership"), and a stack without such a driver stays in D0 until the machine goes off.
 *
 * A driver that keeps a request is named in the log after a time, and left behind with it.
 *
 * Owns: whom the kernel sends power requests, in what order. Owns not: sending (power_request.c).
 */
#include <lib/log.h>

#include "io/alloc.h"
#include "pnp/power.h"

enum { ANSWER_TIMEOUT_S = 10 };

/* Shared by the thread that waits and the request; freed by the later of the two. */
struct power_wait {
    KEVENT done;
    NTSTATUS status;
    volatile LONG references;
};

static void wait_release(struct power_wait *wait)
{
    if (InterlockedDecrement(&wait->references) == 0)
        io_free(wait);
}

static VOID NTAPI wait_done(PDEVICE_OBJECT device, UCHAR minor, POWER_STATE state, PVOID context,
                            PIO_STATUS_BLOCK block)
{
    struct power_wait *wait = context;

    UNREFERENCED_PARAMETER(device);
    UNREFERENCED_PARAMETER(minor);
    UNREFERENCED_PARAMETER(state);
    wait->status = block->Status;
    KeSetEvent(&wait->done, IO_NO_INCREMENT, FALSE);
    wait_release(wait);
}

static NTSTATUS send_and_wait(struct pnp_devnode *node, const IO_STACK_LOCATION *location)
{
    struct power_wait *wait = io_allocate(sizeof(*wait), IO_TAG_PNP);
    LARGE_INTEGER timeout = {.QuadPart = -10000000ll * ANSWER_TIMEOUT_S};
    NTSTATUS status;

    if (wait == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    KeInitializeEvent(&wait->done, NotificationEvent, FALSE);
    wait->references = 2;
    status = pnp_power_request(node->pdo, location, wait_done, wait, NULL);
    if (status != STATUS_PENDING) {
        io_free(wait);
        return status;
    }
    if (KeWaitForSingleObject(&wait->done, Executive, KernelMode, FALSE, &timeout) ==
        STATUS_TIMEOUT) {
        log_error("pnp: %s: not done with a power request after %u s", node->instance,
                  (unsigned)ANSWER_TIMEOUT_S);
        pnp_power_log_holders(node);
        status = STATUS_IO_TIMEOUT;
    } else {
        status = wait->status;
    }
    wait_release(wait);
    return status;
}

static NTSTATUS device_set(struct pnp_devnode *node, DEVICE_POWER_STATE state)
{
    IO_STACK_LOCATION location = {.MinorFunction = IRP_MN_SET_POWER};

    location.Parameters.Power.Type = DevicePowerState;
    location.Parameters.Power.State.DeviceState = state;
    location.Parameters.Power.ShutdownType = PowerActionNone;
    return send_and_wait(node, &location);
}

static bool is_in(const struct pnp_devnode *node, DEVICE_POWER_STATE state)
{
    return node->state == PNP_STARTED && io_device_of(node->pdo)->device_power == state;
}

/* What is still on its way down keeps what it hangs from in D0. */
NTSTATUS pnp_power_down(struct pnp_devnode *node)
{
    for (struct pnp_devnode *child = node->first_child; child != NULL; child = child->next)
        if (is_in(child, PowerDeviceD0) && pnp_power_down(child) == STATUS_IO_TIMEOUT)
            return STATUS_IO_TIMEOUT;
    return device_set(node, PowerDeviceD3);
}

static void children_up(struct pnp_devnode *node)
{
    for (struct pnp_devnode *child = node->first_child; child != NULL; child = child->next)
        if (is_in(child, PowerDeviceD3) && NT_SUCCESS(device_set(child, PowerDeviceD0)))
            children_up(child);
}

static NTSTATUS parents_up(struct pnp_devnode *node)
{
    NTSTATUS status;

    if (node == NULL || !is_in(node, PowerDeviceD3))
        return STATUS_SUCCESS;
    status = parents_up(node->parent);
    return NT_SUCCESS(status) ? device_set(node, PowerDeviceD0) : status;
}

NTSTATUS pnp_power_up(struct pnp_devnode *node)
{
    NTSTATUS status = parents_up(node->parent);

    if (NT_SUCCESS(status))
        status = device_set(node, PowerDeviceD0);
    if (NT_SUCCESS(status))
        children_up(node);
    return status;
}

static void tree_shut_down(struct pnp_devnode *node, const IO_STACK_LOCATION *location)
{
    for (struct pnp_devnode *child = node->first_child; child != NULL; child = child->next)
        tree_shut_down(child, location);
    if (node->pdo != NULL && node->state == PNP_STARTED)
        send_and_wait(node, location);
}

void pnp_power_shutdown(POWER_ACTION action)
{
    IO_STACK_LOCATION location = {.MinorFunction = IRP_MN_SET_POWER};
    PSYSTEM_POWER_STATE_CONTEXT context = &location.Parameters.Power.SystemPowerStateContext;

    context->TargetSystemState = PowerSystemShutdown;
    context->EffectiveSystemState = PowerSystemShutdown;
    context->CurrentSystemState = PowerSystemWorking;
    location.Parameters.Power.Type = SystemPowerState;
    location.Parameters.Power.State.SystemState = PowerSystemShutdown;
    location.Parameters.Power.ShutdownType = action;
    tree_shut_down(&pnp_root, &location);
}
