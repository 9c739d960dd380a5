/*
 * pnp/bus_interface.h - what a built-in bus driver (drivers/bus) gives the PnP manager beside the
 * IRPs every bus driver answers: the lines behind interrupt descriptors.
 *
 * pnp arbitrates and assigns vectors (irq_line_assign); the bus knows which chip a pin or message
 * is wired to. All calls at PASSIVE_LEVEL.
 */
#pragma once

#include <nt/wdm.h>

#include "irq/line.h"

struct pnp_bus_ops {
    /*
     * The line of a raw line-based descriptor. `gsi` is the descriptor's vector, as the bus itself
     * reported it. STATUS_NOT_FOUND where no IOAPIC has that pin.
     */
    NTSTATUS (*line_get)(PDEVICE_OBJECT pdo, uint32_t gsi, struct irq_line **line);
    /*
     * Create `count` message lines for the device, masked and without vectors: MSI-X entries where
     * the device has MSI-X, else one MSI block. Vectors are assigned by the caller, after which
     * messages_enable() programs the table and sets the enable bit (entries stay masked until a
     * handler connects). `block` out: lines must be assigned as one aligned block.
     */
    NTSTATUS(*messages_create)
    (PDEVICE_OBJECT pdo, uint32_t count, struct irq_line **lines, bool *block);
    NTSTATUS (*messages_enable)(PDEVICE_OBJECT pdo);
    /* Disable MSI/MSI-X at the device and destroy the lines; they have been released before. */
    void (*messages_destroy)(PDEVICE_OBJECT pdo);
};

/*
 * One child a bus reports: parent_pdo NULL is the root, ops NULL a device without interrupts. pnp
 * refers to the PDO until removal and clears DO_DEVICE_INITIALIZING. A device that needs no
 * function driver (a bridge) says RawDeviceOK in its capabilities. PASSIVE_LEVEL.
 */
NTSTATUS pnp_device_report(PDEVICE_OBJECT parent_pdo, PDEVICE_OBJECT pdo,
                           const struct pnp_bus_ops *ops);

/*
 * Messages the device may be given, for QUERY_RESOURCE_REQUIREMENTS: 0 where its registry does not
 * set MSISupported, else MessageNumberLimit, or PNP_MESSAGES_MAX where that is absent
 * (RES-REG-1, -2). Known from the time the device's driver was chosen.
 */
enum { PNP_MESSAGES_MAX = 2048 };
uint32_t pnp_device_message_limit(PDEVICE_OBJECT pdo);
