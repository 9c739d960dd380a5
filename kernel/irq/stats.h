/*
 * irq/stats.h - interrupts that belong to nobody, counted.
 */
#pragma once

#include "irq/line.h"

struct irq_stats {
    uint64_t stray;      /* a vector arrived that has no handler */
    uint64_t software;   /* ... and was not in service in the local APIC: an INT instruction */
    uint64_t spurious;   /* local APIC spurious vector */
    uint64_t apic_error; /* local APIC error interrupts */
    uint8_t last_stray;  /* vector */
};

extern struct irq_stats irq_stats;

/* Interrupts off; ends the interrupt. */
void irq_stray(struct irq_line *line, vector_t vector);
