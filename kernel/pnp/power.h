/*
 * pnp/power.h - power IRPs inside the PnP manager.
 *
 * power_request.c makes, queues and sends them, for drivers (PoRequestPowerIrp) and for power.c,
 * which decides what the tree of devices is told, and waits.
 */
#pragma once

#include "pnp/devnode.h"

/*
 * Send an IRP_MJ_POWER with these parameters to the top of the device's stack, from a system
 * thread, as soon as no other request stands in its way. STATUS_PENDING: `completion` is, or has
 * been, called for it. *irp (may be NULL): the request, until then. STATUS_INSUFFICIENT_RESOURCES.
 * IRQL <= DISPATCH_LEVEL.
 */
NTSTATUS pnp_power_request(PDEVICE_OBJECT device, const IO_STACK_LOCATION *location,
                           PREQUEST_POWER_COMPLETE completion, PVOID context, PIRP *irp);
/* Has the PDO's stack a set-power request that is not completed? IRQL <= DISPATCH_LEVEL. */
bool pnp_power_is_busy(PDEVICE_OBJECT pdo);
/* Say in the log which drivers keep the requests that the node's stack has not completed. */
void pnp_power_log_holders(const struct pnp_devnode *node);

/* ---- power.c: PASSIVE_LEVEL, under the action lock. ----------------------------------------- */

/*
 * The node to D3, its children before it; or to D0, after the devices that it hangs from and before
 * its children. The status is that of the node's own request; STATUS_IO_TIMEOUT: a driver keeps it,
 * or a child's.
 */
NTSTATUS pnp_power_down(struct pnp_devnode *node);
NTSTATUS pnp_power_up(struct pnp_devnode *node);
/* SET_POWER PowerSystemShutdown to every stack, children before parents. */
void pnp_power_shutdown(POWER_ACTION action);
