/*
 * hal/msi_message.h - the message that leads a device's interrupt along a route.
 * arch/x86_64/msi_message.c
 */
#pragma once

#include <hw/msi.h>

/* False where no message can reach the destination. Any IRQL. */
bool hal_msi_message(const struct irq_route *route, struct msi_message *message);
