/*
 * hw/msi.h - the interrupt message: what a device writes, and where to, to raise a vector.
 *
 * SDM 3A "Message Signalled Interrupts" 11.11. Pure, so that a host can test it. Every message
 * here is fixed delivery, edge, to one physical destination; the redirection hint is off.
 */
#pragma once

#include <hal/irq_chip.h>
#include <lib/bits.h>

/* SDM 3A 11.11.1, message address. Bits 63:32 are 0 without interrupt remapping. */
#define MSI_ADDRESS_BASE        0xFEE00000ull
#define MSI_ADDRESS_BASE_FIELD  BITS(31, 20)
#define MSI_ADDRESS_DESTINATION BITS(19, 12)
#define MSI_ADDRESS_REDIRECT    BIT(3)
#define MSI_ADDRESS_LOGICAL     BIT(2)

/* SDM 3A 11.11.2, message data. */
#define MSI_DATA_VECTOR        BITS(7, 0)
#define MSI_DATA_DELIVERY_MODE BITS(10, 8)
#define MSI_DATA_LEVEL_ASSERT  BIT(14)
#define MSI_DATA_TRIGGER_LEVEL BIT(15)

enum { MSI_DELIVERY_FIXED = 0, MSI_DESTINATION_MAX = 0xFF };

struct msi_message {
    uint64_t address;
    uint32_t data;
};

/* The destination must fit: APIC ids above 255 need interrupt remapping. */
static inline bool msi_message_reachable(const struct irq_route *route)
{
    return route->destination.value <= MSI_DESTINATION_MAX;
}

static inline struct msi_message msi_message_build(const struct irq_route *route)
{
    struct msi_message message = {
        .address = MSI_ADDRESS_BASE | FIELD_PREP(MSI_ADDRESS_DESTINATION, route->destination.value),
        .data = (uint32_t)(FIELD_PREP(MSI_DATA_VECTOR, route->vector.value) |
                           FIELD_PREP(MSI_DATA_DELIVERY_MODE, MSI_DELIVERY_FIXED)),
    };

    return message;
}

/* False where address and data do not form a message to a local APIC. */
static inline bool msi_message_decode(const struct msi_message *message, struct irq_route *route)
{
    route->vector.value = (uint8_t)FIELD_GET(MSI_DATA_VECTOR, message->data);
    route->destination.value = (uint32_t)FIELD_GET(MSI_ADDRESS_DESTINATION, message->address);
    route->trigger = IRQ_TRIGGER_LATCHED;
    route->polarity = IRQ_ACTIVE_HIGH;
    return message->address >> 32 == 0 &&
           (message->address & MSI_ADDRESS_BASE_FIELD) == MSI_ADDRESS_BASE;
}
