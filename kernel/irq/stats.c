/*
 * irq/stats.c - stray, spurious and error interrupts.
 *
 * A vector without a handler is counted and ended (SPUR-5). The spurious vector is counted but not
 * ended: the local APIC has no in-service bit for it (SDM 3A "Spurious Interrupt" 11.9). A vector
 * that arrives without its in-service bit was never accepted by the local APIC and gets no EOI,
 * which would end some other interrupt.
 */
#include <hal/hal.h>
#include <hal/upcall.h>
#include <lib/log.h>

#include "irq/stats.h"
#include "irq/vector.h"

struct irq_stats irq_stats;

static void count(uint64_t *counter)
{
    __atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

/* Nobody was given that vector: a forged message, or a device set up by someone else. Once each. */
static void report(vector_t vector)
{
    static uint64_t said[VECTOR_COUNT / 64];
    uint64_t bit = 1ull << vector.value % 64;

    if (!(__atomic_fetch_or(&said[vector.value / 64], bit, __ATOMIC_RELAXED) & bit))
        log_warn("irq: CPU %u: an interrupt at vector 0x%02x, which nobody has", pcr_self()->number,
                 vector.value);
}

void irq_stray(struct irq_line *line, vector_t vector)
{
    if (line == &irq_stray_line)
        report(vector);
    irq_stats.last_stray = vector.value;
    line->unclaimed++;
    count(&irq_stats.stray);
    if (hal_apic_in_service(vector))
        hal_apic_eoi();
    else
        count(&irq_stats.software);
}

HAL_UPCALL void irq_apic_fault(uint64_t vector)
{
    PCR->vector_count[vector]++;
    if (vector == VECTOR_SPURIOUS) {
        count(&irq_stats.spurious);
        return;
    }
    count(&irq_stats.apic_error);
    hal_apic_eoi();
}
