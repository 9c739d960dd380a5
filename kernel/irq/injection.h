/*
 * irq/injection.h - faults at a device's service routines, for whoever tests a driver.
 *
 * Rules are kept by the device's location, so that they can be given before there is a device.
 * Where one is in force, KINTERRUPT.service_routine names a routine of ours that ends in the
 * driver's; off, an interrupt's way is what it always was.
 */
#pragma once

#include <nt/wdm.h>

#include "parse/injection.h"

/*
 * Put a fault in force or take it back: share, delay, late. Connected interrupts of the device obey
 * from now on. PASSIVE_LEVEL. STATUS_INSUFFICIENT_RESOURCES: too many devices.
 */
NTSTATUS irq_injection_set(const struct injection *injection);
/* How often it was done. */
uint64_t irq_injection_hits(const struct injection *injection);

/* irq/interrupt.c, at connect: line lock held, not yet linked. */
void irq_injection_attach(PKINTERRUPT interrupt);
/* After it was linked: a neighbour may interrupt at once (CIE-LIFE-4). PASSIVE_LEVEL. */
void irq_injection_connected(PKINTERRUPT interrupt);
/* Unlinked, and no CPU is inside. PASSIVE_LEVEL. */
void irq_injection_detach(PKINTERRUPT interrupt);
