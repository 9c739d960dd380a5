/*
 * Interrupt messages on this machine.
 *
 * The one place that decides how a message leads from a device to a CPU: straight to the local
 * APIC, fixed and physical (hw/msi.h), or by an entry of a remapping unit (remap.c).
 */
#include <hal/msi_message.h>

#include "remap.h"

bool hal_msi_message(const struct hal_remap *remap, uint32_t index, const struct irq_route *route,
                     struct msi_message *message)
{
    raw_lock_state_t state;

    if (remap->unit == NULL) {
        if (!msi_message_reachable(route))
            return false;
        *message = msi_message_build(route);
        return true;
    }
    if (route->destination.value > hal_destination_max())
        return false;
    state = raw_lock_acquire(&remap->unit->lock);
    remap->unit->driver->entry_write(remap, index, route);
    raw_lock_release(&remap->unit->lock, state);
    *message = remap->unit->driver->message(remap, index);
    return true;
}

bool hal_msi_route(const struct hal_remap *remap, uint32_t index, const struct msi_message *message,
                   struct irq_route *route)
{
    bool is_message = msi_message_decode(message, route);
    struct msi_message expected;

    if (remap->unit == NULL || !is_message)
        return is_message;
    expected = remap->unit->driver->message(remap, index);
    return message->address == expected.address && message->data == expected.data &&
           hal_remap_read(remap, index, route);
}
