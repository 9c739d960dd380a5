/*
 * MSI: up to 16 messages in configuration space, one address and data for all.
 *
 * The data names the first vector; the device varies its low bits, so message i arrives at the
 * base vector plus i, and the lines of a function are assigned as one aligned block (RES-MSI-11).
 * Of the four layouts (32 or 64 address bits, with or without mask) parse/pci_capability.h gives
 * the offsets.
 *
 * A function without mask bits cannot be silenced message by message: masking is then only noted,
 * and what still arrives finds a line without handlers, which counts and acknowledges it
 * (RES-MSI-14).
 */
#include <hal/msi_message.h>
#include <lib/log.h>

#include "messages.h"

/* Address below 4 GiB and 16 data bits: what the capability can hold. */
static void message_write(const struct pci_function *function, const struct msi_message *message)
{
    const struct pci_msi_capability *msi = &function->msi;

    pci_write(function, msi->address_offset, 4, (uint32_t)message->address);
    if (msi->is_64bit)
        pci_write(function, msi->upper_address_offset, 4, (uint32_t)(message->address >> 32));
    pci_write(function, msi->data_offset, 2, message->data);
}

static void mask_write(struct pci_messages *messages)
{
    if (messages->function->msi.is_maskable)
        pci_write(messages->function, messages->function->msi.mask_offset, 4, messages->msi_mask);
}

static void control_change(const struct pci_function *function, uint32_t set, uint32_t clear)
{
    uint32_t offset = function->msi.offset + PCI_MSI_CONTROL;
    uint32_t control = pci_read(function, offset, 2);

    pci_write(function, offset, 2, (control & ~clear) | set);
}

/* The block's message from the route of any of its messages: the device adds to the data. */
static bool block_message(const struct irq_source *source, const struct irq_route *route,
                          struct msi_message *message)
{
    const struct pci_messages *messages = source->context;

    if (!hal_msi_message(&messages->remap, source->index, route, message))
        return false;
    message->data -= source->index;
    return true;
}

static bool is_written(const struct pci_messages *messages, const struct msi_message *message)
{
    return message->address == messages->messages[0].message.address &&
           message->data == messages->messages[0].message.data;
}

/*
 * All messages of the block write the same values. While enabled nothing is written unless it
 * changes, so that connecting a second time does not touch a live device.
 */
static void msi_program(const struct irq_source *source, const struct irq_route *route)
{
    struct pci_messages *messages = source->context;
    struct pci_message_state *state = &messages->messages[source->index];
    raw_lock_state_t lock_state = raw_lock_acquire(&messages->function->lock);
    struct msi_message message;

    state->route = *route;
    if (block_message(source, route, &message) &&
        (!messages->is_enabled || !is_written(messages, &message))) {
        messages->messages[0].message = message;
        message_write(messages->function, &message);
    }
    raw_lock_release(&messages->function->lock, lock_state);
}

static void mask_change(const struct irq_source *source, bool mask)
{
    struct pci_messages *messages = source->context;
    raw_lock_state_t state = raw_lock_acquire(&messages->function->lock);
    uint32_t bit = (uint32_t)BIT(source->index);

    messages->messages[source->index].masked = mask;
    messages->msi_mask = mask ? messages->msi_mask | bit : messages->msi_mask & ~bit;
    mask_write(messages);
    raw_lock_release(&messages->function->lock, state);
}

static void msi_mask(const struct irq_source *source)
{
    mask_change(source, true);
}

static void msi_unmask(const struct irq_source *source)
{
    mask_change(source, false);
}

/*
 * With a mask bit the pending bit keeps what comes meanwhile. Without one the data goes first and
 * the address second, the device being live: between the two it sends the new vector to the old
 * CPU, where irq/move.c has it bound too. Switching MSI off instead would lose the message (PCI
 * 6.8.3.1). The address is one write: its upper half is 0 for every CPU that can be named. With
 * remapping the message stays what it is, and the device is left alone.
 */
static void msi_retarget(const struct irq_source *source, const struct irq_route *route)
{
    struct pci_messages *messages = source->context;
    const struct pci_function *function = messages->function;
    raw_lock_state_t state = raw_lock_acquire(&messages->function->lock);
    uint32_t mask = messages->msi_mask;
    struct msi_message message;

    if (block_message(source, route, &message)) {
        bool is_same = is_written(messages, &message);

        messages->messages[source->index].route = *route;
        messages->messages[0].message = message;
        if (is_same) {
            /* the remapping entry has changed */
        } else if (function->msi.is_maskable) {
            messages->msi_mask = UINT32_MAX;
            mask_write(messages);
            message_write(function, &message);
            messages->msi_mask = mask;
            mask_write(messages);
        } else {
            pci_write(function, function->msi.data_offset, 2, message.data);
            pci_write(function, function->msi.address_offset, 4, (uint32_t)message.address);
        }
    }
    raw_lock_release(&messages->function->lock, state);
}

static void msi_release(const struct irq_source *source)
{
    const struct pci_messages *messages = source->context;

    hal_remap_clear(&messages->remap, source->index);
}

/* What the capability holds for message `index`: the device adds the number to the data. */
static struct msi_message message_read(const struct pci_function *function, uint32_t index)
{
    const struct pci_msi_capability *msi = &function->msi;
    struct msi_message message = {
        .address = pci_read(function, msi->address_offset, 4),
        .data = pci_read(function, msi->data_offset, 2) + index,
    };

    if (msi->is_64bit)
        message.address |= (uint64_t)pci_read(function, msi->upper_address_offset, 4) << 32;
    return message;
}

static bool pending_read(const struct pci_function *function, uint32_t index)
{
    return function->msi.is_maskable &&
           (pci_read(function, function->msi.pending_offset, 4) & BIT(index)) != 0;
}

static void msi_read(const struct irq_source *source, struct irq_chip_state *state)
{
    const struct pci_messages *messages = source->context;
    struct msi_message message = message_read(messages->function, source->index);

    *state = (struct irq_chip_state){.is_message = true, .message_address = message.address};
    state->message_data = message.data;
    hal_msi_route(&messages->remap, source->index, &message, &state->route);
    state->remap = &messages->remap;
    state->remap_index = source->index;
    state->masked = messages->messages[source->index].masked;
    state->pending = pending_read(messages->function, source->index);
}

void msi_view(const struct pci_messages *messages, uint32_t index, struct pci_message_view *view)
{
    const struct pci_function *function = messages->function;

    view->message = index;
    view->set = messages->messages[0].message;
    view->set.data += index;
    view->held = message_read(function, index);
    view->is_set_masked = (messages->msi_mask & BIT(index)) != 0;
    view->is_held_masked = view->is_set_masked;
    if (function->msi.is_maskable)
        view->is_held_masked = (pci_read(function, function->msi.mask_offset, 4) & BIT(index)) != 0;
    view->is_pending = pending_read(function, index);
}

const struct irq_chip msi_chip = {
    .name = "msi",
    .program = msi_program,
    .mask = msi_mask,
    .unmask = msi_unmask,
    .retarget = msi_retarget,
    .release = msi_release,
    .read = msi_read,
};

const struct irq_chip msi_block_chip = {
    .name = "msi",
    .is_block = true,
    .program = msi_program,
    .mask = msi_mask,
    .unmask = msi_unmask,
    .retarget = msi_retarget,
    .release = msi_release,
    .read = msi_read,
};

void msi_rewrite(struct pci_messages *messages)
{
    raw_lock_state_t state = raw_lock_acquire(&messages->function->lock);

    control_change(messages->function, 0, PCI_MSI_CONTROL_ENABLE);
    message_write(messages->function, &messages->messages[0].message);
    raw_lock_release(&messages->function->lock, state);
}

void msi_enable(struct pci_messages *messages)
{
    struct pci_function *function = messages->function;
    raw_lock_state_t state = raw_lock_acquire(&function->lock);
    uint32_t order = bits_log2_floor(messages->count);

    mask_write(messages);
    control_change(function,
                   (uint32_t)(PCI_MSI_CONTROL_ENABLE | FIELD_PREP(PCI_MSI_CONTROL_ENABLED, order)),
                   PCI_MSI_CONTROL_ENABLED);
    messages->is_enabled = true;
    raw_lock_release(&function->lock, state);
}

void msi_disable(struct pci_messages *messages)
{
    struct pci_function *function = messages->function;
    raw_lock_state_t state = raw_lock_acquire(&function->lock);

    control_change(function, 0, PCI_MSI_CONTROL_ENABLE | PCI_MSI_CONTROL_ENABLED);
    messages->is_enabled = false;
    messages->msi_mask = UINT32_MAX;
    mask_write(messages);
    raw_lock_release(&function->lock, state);
}
