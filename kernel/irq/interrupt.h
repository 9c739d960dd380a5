/*
 * irq/interrupt.h - KINTERRUPT, one handler of one line.
 *
 * Opaque to drivers (CIE-LAY-10). io/connect_interrupt.c allocates them, fills the (c) fields and
 * hands them to irq_interrupt_connect(); the lock and the chain are this layer's.
 *
 * Field legend: (c) constant while connected, (l) line lock, (i) interrupt spin lock of the object.
 */
#pragma once

#include <nt/wdm.h>

#include "irq/line.h"

struct _KINTERRUPT {
    /* what dispatch reads, in its order */
    struct irq_line *line; /* (c) */
    PKSPIN_LOCK lock;      /* (c) interrupt spin lock: own_lock or the driver's */
    PKMESSAGE_SERVICE_ROUTINE service_routine; /* (l) `checked`, or one that ends in calling it */
    PVOID service_context;                     /* (c) */
    ULONG message_id;                          /* (c) third argument; 0 for a line */
    KIRQL synchronize_irql;                    /* (c) */
    KIRQL irql;                                /* (c) level of the vector */
    BOOLEAN active;                            /* (l) FALSE: soft-disconnected, skipped */
    BOOLEAN passive;                           /* (c) runs in a thread, under `event` */
    BOOLEAN share;                             /* (c) */
    struct _KINTERRUPT *next;                  /* (l) chain */
    uint64_t calls;                            /* (i) */
    uint64_t claims;                           /* (i) */

    KSPIN_LOCK own_lock;
    struct irq_passive *passive_work;  /* (c) thread and event of a passive object, else NULL */
    PKMESSAGE_SERVICE_ROUTINE routine; /* (c) also a KSERVICE_ROUTINE: it ignores the id */
    PKMESSAGE_SERVICE_ROUTINE checked; /* (c) `routine`, or the verifier's, which calls it */
    PDEVICE_OBJECT device;             /* (c) PDO, NULL for the legacy routine */
    uint32_t location;                 /* (c) PCI_LOCATION() of the device, or _NONE */
    struct irq_injection *injection;   /* (l) faults of its device, or NULL */
    uint32_t signature;                /* IRQ_INTERRUPT_SIGNATURE while connected */
};

enum { IRQ_INTERRUPT_SIGNATURE = 0x4e49544b }; /* "KTIN" */

/*
 * Link a filled-in object into its line; the first handler programs and unmasks the chip, so the
 * ISR may run before this returns. PASSIVE_LEVEL.
 * STATUS_INVALID_PARAMETER: the line's handlers and this one do not agree to share (CIE-FULL-29).
 */
NTSTATUS irq_interrupt_connect(PKINTERRUPT interrupt);
/*
 * The same for a handler of the kernel's own: a zeroed object, on a line that gets its vector here.
 * PASSIVE_LEVEL. STATUS_INSUFFICIENT_RESOURCES: no vector.
 */
NTSTATUS irq_kernel_connect(PKINTERRUPT interrupt, struct irq_line *line,
                            PKMESSAGE_SERVICE_ROUTINE routine, bool share,
                            const struct irq_policy *policy);
/*
 * Unlink; on return no CPU runs or will run its routine (DIS-10). The last handler leaves the
 * line masked. PASSIVE_LEVEL. The caller frees the object.
 */
void irq_interrupt_disconnect(PKINTERRUPT interrupt);
/* Soft connect and disconnect (ACT-5, ACT-11). IRQL <= DISPATCH_LEVEL. */
void irq_interrupt_set_active(PKINTERRUPT interrupt, bool active);
