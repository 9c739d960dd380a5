/*
 * Interrupt messages on this machine.
 *
 * The one place that decides how a message leads from a device to a CPU: today straight to the
 * local APIC, fixed and physical (hw/msi.h); with interrupt remapping it would name a table entry.
 */
#include <hal/msi_message.h>

bool hal_msi_message(const struct irq_route *route, struct msi_message *message)
{
    if (!msi_message_reachable(route))
        return false;
    *message = msi_message_build(route);
    return true;
}
