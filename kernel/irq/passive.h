/*
 * irq/passive.h - handlers that run at PASSIVE_LEVEL, in a thread (spec B.3).
 */
#pragma once

#include "irq/interrupt.h"

/* Thread and event of a passive object; before it is connected. PASSIVE_LEVEL. */
NTSTATUS irq_passive_create(PKINTERRUPT interrupt);
/* After it is disconnected: waits until the routine has returned. PASSIVE_LEVEL. */
void irq_passive_destroy(PKINTERRUPT interrupt);

/*
 * Have the line's passive handlers run; a level line stays masked until they have returned
 * (CIE-PASS-7, -8). False if there is none. At the line's IRQL.
 */
bool irq_passive_schedule(struct irq_line *line);

/* The event that stands for the interrupt spin lock (CIE-PASS-4). PASSIVE_LEVEL. */
void irq_passive_lock(PKINTERRUPT interrupt);
void irq_passive_unlock(PKINTERRUPT interrupt);
