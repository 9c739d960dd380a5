/*
 * irq/storm.h - level lines that stay asserted.
 */
#pragma once

#include <hal/upcall.h>

#include "irq/line.h"

/*
 * A level line was served: `claimed` or not, while the code at `frame` was interrupted. Masks the
 * line when it has become a storm. Interrupts off, before the EOI. True: look at it after the EOI.
 */
bool irq_storm_watch(struct irq_line *line, bool claimed, const struct hal_interrupt_frame *frame);
/* Is it asserted again at once? Masks the line when that goes on. Interrupts off, after the EOI. */
void irq_storm_look(struct irq_line *line, vector_t vector);

/* storm=bugcheck: stop the machine with 0xF2, as Windows does, instead of masking the line. */
void irq_storm_set_bugcheck(bool stop);

/* Watch, timer and DPC of a level line; made and freed with it. */
struct irq_storm;
NTSTATUS irq_storm_create(struct irq_line *line);
void irq_storm_destroy(struct irq_line *line);
