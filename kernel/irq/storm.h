/*
 * irq/storm.h - level lines that nobody claims.
 */
#pragma once

#include "irq/line.h"

/* A pass over the line's handlers claimed nothing. Interrupts off, before the EOI. */
void irq_unclaimed(struct irq_line *line);

/* Timer and DPC with which a masked line is tried again; made with a level line. */
struct irq_storm;
NTSTATUS irq_storm_create(struct irq_line *line);
void irq_storm_destroy(struct irq_line *line);
