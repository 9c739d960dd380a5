/*
 * hal/msi_message.h - the message that leads a device's interrupt along a route.
 *
 * Every message is fixed delivery, edge, to one physical destination; the redirection hint is off.
 * The inline functions are pure, so that a host can test them.
 */
#pragma once

#include <hal/irq_chip.h>
#include <hal/remap.h>
#include <hw/msi.h>

/* The destination must fit: higher APIC ids need interrupt remapping, and 255 is everybody. */
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

/*
 * The message that source `index` of the block sends, as this machine needs it; its remapping entry
 * is written. False where none can reach the destination: nothing is changed then. Any IRQL.
 * arch/x86_64/msi_message.c
 */
bool hal_msi_message(const struct hal_remap *remap, uint32_t index, const struct irq_route *route,
                     struct msi_message *message);
/* And back: where such a message, read from the device, leads. False: nowhere. Any IRQL. */
bool hal_msi_route(const struct hal_remap *remap, uint32_t index, const struct msi_message *message,
                   struct irq_route *route);
