/*
 * io/interrupt_assignment.h - the interrupts PnP assigned to a device at its last start.
 *
 * Written by pnp when it translates resources, read by connect_interrupt.c: versions 2 and 3 look
 * the device's interrupts up here, not in the START IRP (CIE-GEN-6). The order is that of the
 * interrupt descriptors in the resource list, so the index of a message is its MessageID
 * (CIE-MTAB-11).
 */
#pragma once

#include <nt/wdm.h>

#include "irq/line.h"

struct io_interrupt {
    struct irq_line *line;
    bool message; /* descriptor has CM_RESOURCE_INTERRUPT_MESSAGE */
    bool shared;  /* ShareDisposition is CmResourceShareShared */
    bool passive; /* level 0 was assigned (`passive=` on the command line) */
};

struct io_interrupt_assignment {
    uint32_t count;
    struct io_interrupt interrupts[];
};

/*
 * Record (or with NULL forget) the assignment of a PDO; the caller owns the memory and keeps it
 * until it has recorded another. PASSIVE_LEVEL.
 */
void io_interrupt_assignment_set(PDEVICE_OBJECT pdo, struct io_interrupt_assignment *assignment);
/* NULL: not a PDO, or nothing assigned. */
struct io_interrupt_assignment *io_interrupt_assignment_get(PDEVICE_OBJECT pdo);
