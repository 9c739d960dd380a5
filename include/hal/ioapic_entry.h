/*
 * hal/ioapic_entry.h - from a route to an IOAPIC redirection table entry and back.
 *
 * Pure, so that a host can test it against values from the data sheet.
 */
#pragma once

#include <hal/irq_chip.h>
#include <hw/ioapic.h>

/* How the pin signals: the half of an entry that is the same with and without remapping. */
static inline uint64_t ioapic_rte_signal(const struct irq_route *route, bool masked)
{
    return (route->polarity == IRQ_ACTIVE_LOW ? IOAPIC_RTE_ACTIVE_LOW : 0) |
           (route->trigger == IRQ_TRIGGER_LEVEL ? IOAPIC_RTE_LEVEL : 0) |
           (masked ? IOAPIC_RTE_MASK : 0);
}

/* Fixed delivery to one physical destination. */
static inline uint64_t ioapic_rte_build(uint64_t found, const struct irq_route *route, bool masked)
{
    return (found & IOAPIC_RTE_RESERVED) | FIELD_PREP(IOAPIC_RTE_VECTOR, route->vector.value) |
           FIELD_PREP(IOAPIC_RTE_DELIVERY_MODE, IOAPIC_DELIVERY_FIXED) |
           ioapic_rte_signal(route, masked) |
           FIELD_PREP(IOAPIC_RTE_DESTINATION, route->destination.value);
}

static inline void ioapic_rte_decode(uint64_t rte, struct irq_chip_state *state)
{
    state->route.vector.value = (uint8_t)FIELD_GET(IOAPIC_RTE_VECTOR, rte);
    state->route.destination.value = (uint32_t)FIELD_GET(IOAPIC_RTE_DESTINATION, rte);
    state->route.trigger = rte & IOAPIC_RTE_LEVEL ? IRQ_TRIGGER_LEVEL : IRQ_TRIGGER_LATCHED;
    state->route.polarity = rte & IOAPIC_RTE_ACTIVE_LOW ? IRQ_ACTIVE_LOW : IRQ_ACTIVE_HIGH;
    state->masked = (rte & IOAPIC_RTE_MASK) != 0;
    state->pending = (rte & IOAPIC_RTE_PENDING) != 0;
    state->in_service = (rte & IOAPIC_RTE_REMOTE_IRR) != 0;
    state->is_message = false;
    state->remap = NULL;
}
