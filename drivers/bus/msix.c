/*
 * MSI-X: a table of up to 2,048 entries in a BAR, each with an address, data and a mask bit.
 *
 * Messages and entries are different things. A function was granted `count` messages, one line
 * each; each table entry carries one of them: entry i message i, entries beyond that message 0
 * (RES-MSIX-4), until a driver points an entry elsewhere (SetTableEntry). The entries that carry a
 * message form a list, so that masking or moving a message touches these only.
 *
 * An entry is masked in hardware if its message's line is masked or the driver masked the entry
 * (RES-MSIX-11). An entry is rewritten masked; what the device raises meanwhile waits in its
 * pending bit and is sent after. While the table is set up the function mask is on.
 *
 * The table may share its page with device registers; it is mapped uncached and by itself.
 */
#include <hal/msi_message.h>
#include <lib/log.h>

#include "memory.h"
#include "messages.h"

enum { PENDING_BITS = 64, PENDING_WORD_SIZE = 8 };

static volatile uint32_t *entry_register(const struct pci_messages *messages, uint32_t entry,
                                         uint32_t offset)
{
    return (volatile uint32_t *)(messages->table + entry * PCI_MSIX_ENTRY_SIZE + offset);
}

/*
 * The mask bit as it has to be now; the other bits of the register are reserved and stay as they
 * were found. Written always, not only when it changes: a function reset masks every entry.
 */
static void entry_mask_write(const struct pci_messages *messages, uint32_t entry, bool mask)
{
    *entry_register(messages, entry, PCI_MSIX_ENTRY_CONTROL) =
        messages->entries[entry].control | (mask ? (uint32_t)PCI_MSIX_ENTRY_MASK : 0);
}

/* Writes are posted: after a read of the table they have arrived, and nothing is sent any more. */
static void table_flush(const struct pci_messages *messages)
{
    (void)*entry_register(messages, 0, PCI_MSIX_ENTRY_CONTROL);
}

static bool entry_is_masked(const struct pci_messages *messages, uint32_t entry)
{
    const struct pci_msix_entry *state = &messages->entries[entry];

    return state->masked_by_driver || messages->messages[state->message].masked;
}

static void entry_mask_update(const struct pci_messages *messages, uint32_t entry)
{
    entry_mask_write(messages, entry, entry_is_masked(messages, entry));
}

/* Put the entry's message into the table; the entry is masked meanwhile. */
static void entry_write(const struct pci_messages *messages, uint32_t entry)
{
    const struct msi_message *message =
        &messages->messages[messages->entries[entry].message].message;

    entry_mask_write(messages, entry, true);
    *entry_register(messages, entry, PCI_MSIX_ENTRY_ADDRESS) = (uint32_t)message->address;
    *entry_register(messages, entry, PCI_MSIX_ENTRY_ADDRESS_HIGH) =
        (uint32_t)(message->address >> 32);
    *entry_register(messages, entry, PCI_MSIX_ENTRY_DATA) = message->data;
    entry_mask_update(messages, entry);
}

static void entry_link(struct pci_messages *messages, uint32_t entry, uint32_t message)
{
    struct pci_message_state *state = &messages->messages[message];

    messages->entries[entry].message = (uint16_t)message;
    messages->entries[entry].next = state->first_entry;
    state->first_entry = (uint16_t)entry;
}

static void entry_unlink(struct pci_messages *messages, uint32_t entry)
{
    uint16_t *link = &messages->messages[messages->entries[entry].message].first_entry;

    while (*link != entry)
        link = &messages->entries[*link].next;
    *link = messages->entries[entry].next;
}

/* ---- The chip ------------------------------------------------------------------------------ */

/*
 * Program and retarget alike: each entry is rewritten masked, then gets its mask back. `always`:
 * even if the message is what it was, and only the remapping entry behind it has changed.
 */
static void message_write(const struct irq_source *source, const struct irq_route *route,
                          bool always)
{
    struct pci_messages *messages = source->context;
    struct pci_message_state *state = &messages->messages[source->index];
    raw_lock_state_t lock_state = raw_lock_acquire(&messages->function->lock);
    struct msi_message message, old = state->message;

    if (hal_msi_message(&messages->remap, source->index, route, &message)) {
        state->route = *route;
        state->message = message;
        always |= message.address != old.address || message.data != old.data;
        for (uint32_t entry = state->first_entry; always && entry != MSIX_NO_ENTRY;
             entry = messages->entries[entry].next)
            entry_write(messages, entry);
    }
    raw_lock_release(&messages->function->lock, lock_state);
}

static void msix_program(const struct irq_source *source, const struct irq_route *route)
{
    message_write(source, route, true);
}

static void msix_retarget(const struct irq_source *source, const struct irq_route *route)
{
    message_write(source, route, false);
}

static void msix_release(const struct irq_source *source)
{
    const struct pci_messages *messages = source->context;

    hal_remap_clear(&messages->remap, source->index);
}

static void mask_change(const struct irq_source *source, bool mask)
{
    struct pci_messages *messages = source->context;
    struct pci_message_state *state = &messages->messages[source->index];
    raw_lock_state_t lock_state = raw_lock_acquire(&messages->function->lock);

    state->masked = mask;
    for (uint32_t entry = state->first_entry; entry != MSIX_NO_ENTRY;
         entry = messages->entries[entry].next)
        entry_mask_update(messages, entry);
    if (mask)
        table_flush(messages);
    raw_lock_release(&messages->function->lock, lock_state);
}

static void msix_mask(const struct irq_source *source)
{
    mask_change(source, true);
}

static void msix_unmask(const struct irq_source *source)
{
    mask_change(source, false);
}

static struct msi_message entry_message(const struct pci_messages *messages, uint32_t entry)
{
    return (struct msi_message){
        .address = *entry_register(messages, entry, PCI_MSIX_ENTRY_ADDRESS) |
                   (uint64_t)*entry_register(messages, entry, PCI_MSIX_ENTRY_ADDRESS_HIGH) << 32,
        .data = *entry_register(messages, entry, PCI_MSIX_ENTRY_DATA),
    };
}

static bool entry_holds_mask(const struct pci_messages *messages, uint32_t entry)
{
    return (*entry_register(messages, entry, PCI_MSIX_ENTRY_CONTROL) & PCI_MSIX_ENTRY_MASK) != 0;
}

static bool entry_is_pending(const struct pci_messages *messages, uint32_t entry)
{
    return messages->pending != NULL &&
           (*(volatile uint64_t *)(messages->pending + entry / PENDING_BITS * PENDING_WORD_SIZE) &
            BIT(entry % PENDING_BITS)) != 0;
}

/* What the first entry that carries the message holds; masked and pending if all, if any is. */
static void msix_read(const struct irq_source *source, struct irq_chip_state *state)
{
    const struct pci_messages *messages = source->context;
    const struct pci_message_state *message_state = &messages->messages[source->index];
    raw_lock_state_t lock_state = raw_lock_acquire(&messages->function->lock);
    struct msi_message message = message_state->message;
    uint32_t entry = message_state->first_entry;

    *state = (struct irq_chip_state){.is_message = true, .masked = true};
    if (entry != MSIX_NO_ENTRY)
        message = entry_message(messages, entry);
    for (; entry != MSIX_NO_ENTRY; entry = messages->entries[entry].next) {
        state->masked &= entry_holds_mask(messages, entry);
        state->pending |= entry_is_pending(messages, entry);
    }
    raw_lock_release(&messages->function->lock, lock_state);
    state->message_address = message.address;
    state->message_data = message.data;
    hal_msi_route(&messages->remap, source->index, &message, &state->route);
    state->remap = &messages->remap;
    state->remap_index = source->index;
}

void msix_view(const struct pci_messages *messages, uint32_t entry, struct pci_message_view *view)
{
    view->message = messages->entries[entry].message;
    view->set = messages->messages[view->message].message;
    view->held = entry_message(messages, entry);
    view->is_set_masked = entry_is_masked(messages, entry);
    view->is_held_masked = entry_holds_mask(messages, entry);
    view->is_pending = entry_is_pending(messages, entry);
}

const struct irq_chip msix_chip = {
    .name = "msix",
    .retarget_is_whole = true,
    .program = msix_program,
    .mask = msix_mask,
    .unmask = msix_unmask,
    .retarget = msix_retarget,
    .release = msix_release,
    .read = msix_read,
};

/* ---- Life ---------------------------------------------------------------------------------- */

static void control_change(const struct pci_function *function, uint32_t set, uint32_t clear)
{
    uint32_t offset = function->msix.offset + PCI_MSIX_CONTROL;
    uint32_t control = pci_read(function, offset, 2);

    pci_write(function, offset, 2, (control & ~clear) | set);
}

static volatile uint8_t *bar_map(const struct pci_function *function, uint8_t bir, uint32_t offset,
                                 uint32_t size)
{
    PHYSICAL_ADDRESS address = {.QuadPart = (LONGLONG)(function->bars[bir].address + offset)};

    return MmMapIoSpace(address, size, MmNonCached);
}

/*
 * Map the table, mask every entry, deal the entries out. Some functions take table writes only
 * while MSI-X is enabled, so it goes on here, under the function mask.
 */
NTSTATUS msix_map(struct pci_messages *messages)
{
    const struct pci_function *function = messages->function;
    const struct pci_msix_capability *msix = &function->msix;

    messages->entries = bus_allocate(msix->table_count * sizeof(messages->entries[0]));
    messages->table = bar_map(function, msix->table_bir, msix->table_offset, msix->table_size);
    messages->pending =
        bar_map(function, msix->pending_bir, msix->pending_offset, msix->pending_size);
    if (messages->entries == NULL || messages->table == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    control_change(function, PCI_MSIX_CONTROL_ENABLE | PCI_MSIX_CONTROL_FUNCTION_MASK, 0);
    /* From the last on, so that each list is in rising order. */
    for (uint32_t entry = msix->table_count; entry-- > 0;) {
        messages->entries[entry].control =
            *entry_register(messages, entry, PCI_MSIX_ENTRY_CONTROL) &
            ~(uint32_t)PCI_MSIX_ENTRY_MASK;
        entry_mask_write(messages, entry, true);
        entry_link(messages, entry, entry < messages->count ? entry : 0);
    }
    return STATUS_SUCCESS;
}

/* Masked, and naming no vector that may be another device's by the time somebody unmasks it. */
static void entry_empty(const struct pci_messages *messages, uint32_t entry)
{
    entry_mask_write(messages, entry, true);
    *entry_register(messages, entry, PCI_MSIX_ENTRY_ADDRESS) = 0;
    *entry_register(messages, entry, PCI_MSIX_ENTRY_ADDRESS_HIGH) = 0;
    *entry_register(messages, entry, PCI_MSIX_ENTRY_DATA) = 0;
}

void msix_unmap(struct pci_messages *messages)
{
    const struct pci_msix_capability *msix = &messages->function->msix;

    if (messages->table != NULL) {
        for (uint32_t entry = 0; messages->entries != NULL && entry < msix->table_count; entry++)
            entry_empty(messages, entry);
        control_change(messages->function, 0,
                       PCI_MSIX_CONTROL_ENABLE | PCI_MSIX_CONTROL_FUNCTION_MASK);
        MmUnmapIoSpace((PVOID)messages->table, msix->table_size);
    }
    if (messages->pending != NULL)
        MmUnmapIoSpace((PVOID)messages->pending, msix->pending_size);
    bus_free(messages->entries);
}

void msix_rewrite(struct pci_messages *messages)
{
    struct pci_function *function = messages->function;
    raw_lock_state_t state = raw_lock_acquire(&function->lock);

    control_change(function, PCI_MSIX_CONTROL_ENABLE | PCI_MSIX_CONTROL_FUNCTION_MASK, 0);
    for (uint32_t entry = 0; entry < function->msix.table_count; entry++)
        entry_write(messages, entry);
    raw_lock_release(&function->lock, state);
}

void msix_enable(struct pci_messages *messages)
{
    struct pci_function *function = messages->function;
    raw_lock_state_t state = raw_lock_acquire(&function->lock);

    control_change(function, PCI_MSIX_CONTROL_ENABLE, PCI_MSIX_CONTROL_FUNCTION_MASK);
    messages->is_enabled = true;
    raw_lock_release(&function->lock, state);
}

void msix_disable(struct pci_messages *messages)
{
    struct pci_function *function = messages->function;
    raw_lock_state_t state = raw_lock_acquire(&function->lock);

    control_change(function, PCI_MSIX_CONTROL_FUNCTION_MASK, 0);
    messages->is_enabled = false;
    raw_lock_release(&function->lock, state);
}

/* ---- What a driver may change -------------------------------------------------------------- */

/* The function's MSI-X in use, or NULL. Lock held. */
static struct pci_messages *messages_in_use(const struct pci_function *function, uint32_t entry)
{
    struct pci_messages *messages = function->messages;

    if (messages == NULL || messages->chip != &msix_chip || !messages->is_enabled ||
        entry >= function->msix.table_count)
        return NULL;
    return messages;
}

NTSTATUS msix_entry_set(struct pci_function *function, uint32_t entry, uint32_t message)
{
    raw_lock_state_t state = raw_lock_acquire(&function->lock);
    struct pci_messages *messages = messages_in_use(function, entry);
    NTSTATUS status = STATUS_INVALID_PARAMETER;

    if (messages != NULL && message < messages->count) {
        entry_unlink(messages, entry);
        entry_link(messages, entry, message);
        entry_write(messages, entry);
        status = STATUS_SUCCESS;
    }
    raw_lock_release(&function->lock, state);
    return status;
}

NTSTATUS msix_entry_mask(struct pci_function *function, uint32_t entry, bool mask)
{
    raw_lock_state_t state = raw_lock_acquire(&function->lock);
    struct pci_messages *messages = messages_in_use(function, entry);

    if (messages != NULL) {
        messages->entries[entry].masked_by_driver = mask;
        entry_mask_update(messages, entry);
        if (mask)
            table_flush(messages);
    }
    raw_lock_release(&function->lock, state);
    return messages != NULL ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}
