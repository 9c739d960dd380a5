/*
 * Message interrupts of a function: MSI-X where it has the capability, else MSI (RES-MSI-1).
 *
 * create: lines without vectors; the chip is chosen, an MSI-X table mapped.
 * enable: vectors are assigned and programmed; the enable bit goes on, INTx off (RES-MSI-12).
 * destroy: enable bit off, INTx allowed again, lines gone.
 */
#include "messages.h"

#include <lib/format.h>
#include <lib/log.h>

#include "memory.h"
#include "parse/fadt.h"
#include "pci_pdo.h"

enum { ACPI_LENGTH_OFFSET = 4 }; /* ACPI 6.5 5.2.6 */

/*
 * Functions whose MSI stops when INTx is disabled: Broadcom 5714, 5715, 5780; ATI SB4x0 to SB8x0
 * SATA and USB; Atheros AR81xx. For them the command bit stays as it is.
 */
static const struct {
    uint16_t vendor;
    uint16_t device;
} intx_must_stay[] = {
    {0x14E4, 0x1668}, {0x14E4, 0x1669}, {0x14E4, 0x1678}, {0x14E4, 0x1679}, {0x14E4, 0x166A},
    {0x14E4, 0x166B}, {0x1002, 0x4373}, {0x1002, 0x4374}, {0x1002, 0x4375}, {0x1002, 0x4390},
    {0x1002, 0x4391}, {0x1002, 0x4392}, {0x1002, 0x4393}, {0x1002, 0x4394}, {0x1969, 0x1026},
    {0x1969, 0x1048}, {0x1969, 0x1060}, {0x1969, 0x1062}, {0x1969, 0x1063}, {0x1969, 0x1073},
    {0x1969, 0x1083}, {0x1969, 0x1090}, {0x1969, 0x1091}, {0x1969, 0x10A0}, {0x1969, 0x10A1},
};

bool pci_messages_disable_intx(const struct pci_function *function)
{
    for (uint32_t i = 0; i < ARRAY_COUNT(intx_must_stay); i++) {
        if (intx_must_stay[i].vendor == function->vendor_id &&
            intx_must_stay[i].device == function->device_id)
            return false;
    }
    return true;
}

/* ACPI 6.5 5.2.9.3: the boot flags of the FADT may forbid messages for the whole machine. */
static bool is_forbidden;

void pci_messages_init(void)
{
    const uint8_t *table = hal_acpi_table("FACP", 0);
    struct parse_error error;
    struct fadt fadt;

    if (table == NULL || !fadt_parse(table, parse_u32(table + ACPI_LENGTH_OFFSET), &fadt, &error))
        return;
    is_forbidden = fadt.has_no_msi;
    if (is_forbidden)
        log_info("pci: the FADT says that this machine has no MSI");
}

bool pci_has_msix(const struct pci_function *function)
{
    return function->msix.offset != 0 && !function->bar_unassigned[function->msix.table_bir];
}

uint32_t pci_messages_capable(const struct pci_function *function)
{
    if (is_forbidden)
        return 0;
    if (pci_has_msix(function))
        return function->msix.table_count < hal_remap_block_max() ? function->msix.table_count
                                                                  : hal_remap_block_max();
    if (function->msi.offset == 0)
        return 0;
    return function->msi.message_count < MSI_MESSAGES_MAX ? function->msi.message_count
                                                          : (uint32_t)MSI_MESSAGES_MAX;
}

static NTSTATUS lines_create(struct pci_messages *messages)
{
    const struct pci_location *where = &messages->function->where;
    char name[sizeof(messages->lines[0]->name)];

    for (uint32_t i = 0; i < messages->count; i++) {
        struct irq_source source = {.context = messages, .index = i};
        NTSTATUS status;

        lib_snprintf(name, sizeof(name), "%s %02x:%02x.%x message %u", messages->chip->name,
                     where->bus, PCI_DEVFN_DEVICE(where->devfn), PCI_DEVFN_FUNCTION(where->devfn),
                     i);
        status = irq_line_create(messages->chip, source, IRQ_TRIGGER_LATCHED, IRQ_ACTIVE_HIGH, name,
                                 &messages->lines[i]);
        if (!NT_SUCCESS(status))
            return status;
    }
    return STATUS_SUCCESS;
}

static void messages_free(struct pci_messages *messages)
{
    for (uint32_t i = 0; messages->lines != NULL && i < messages->count; i++) {
        if (messages->lines[i] != NULL)
            irq_line_destroy(messages->lines[i]);
    }
    msix_unmap(messages);
    hal_remap_close(&messages->remap);
    bus_free(messages->lines);
    bus_free(messages);
}

static void messages_publish(struct pci_function *function, struct pci_messages *messages)
{
    raw_lock_state_t state = raw_lock_acquire(&function->lock);

    function->messages = messages;
    raw_lock_release(&function->lock, state);
}

NTSTATUS pci_messages_create(PDEVICE_OBJECT pdo, uint32_t count, struct irq_line **lines,
                             bool *block)
{
    struct pci_function *function = pci_function_of(pdo);
    uint32_t capable = pci_messages_capable(function);
    bool is_msix = pci_has_msix(function);
    struct hal_requester requester;
    struct pci_messages *messages;
    NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;

    if (function->messages != NULL)
        return STATUS_DEVICE_BUSY;
    if (count == 0 || count > capable || (!is_msix && !bits_is_power_of_two(count)))
        return STATUS_INVALID_PARAMETER;
    messages = bus_allocate(sizeof(*messages) + count * sizeof(messages->messages[0]));
    if (messages == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    messages->function = function;
    messages->count = count;
    messages->chip = is_msix ? &msix_chip : count > 1 ? &msi_block_chip : &msi_chip;
    messages->msi_mask = UINT32_MAX;
    for (uint32_t i = 0; i < count; i++) {
        messages->messages[i].masked = true;
        messages->messages[i].first_entry = MSIX_NO_ENTRY;
    }
    messages->lines = bus_allocate(count * sizeof(messages->lines[0]));
    if (messages->lines == NULL)
        goto fail_messages;
    pci_requester(function, &requester);
    if (!hal_remap_open(&requester, count, &messages->remap))
        goto fail_messages;
    pci_function_wake(function);
    if (is_msix) {
        pci_command_change(function, PCI_COMMAND_MEMORY, 0);
        status = msix_map(messages);
        if (!NT_SUCCESS(status))
            goto fail_messages;
    }
    status = lines_create(messages);
    if (!NT_SUCCESS(status))
        goto fail_messages;
    messages_publish(function, messages);
    memcpy(lines, messages->lines, count * sizeof(lines[0]));
    *block = !is_msix;
    return STATUS_SUCCESS;

fail_messages:
    messages_free(messages);
    return status;
}

NTSTATUS pci_messages_enable(PDEVICE_OBJECT pdo)
{
    struct pci_function *function = pci_function_of(pdo);
    struct pci_messages *messages = function->messages;

    if (messages == NULL)
        return STATUS_INVALID_DEVICE_STATE;
    if (pci_messages_disable_intx(function))
        pci_command_change(function, PCI_COMMAND_INTX_DISABLE, 0);
    if (messages->chip == &msix_chip)
        msix_enable(messages);
    else
        msi_enable(messages);
    return STATUS_SUCCESS;
}

void pci_messages_restore(PDEVICE_OBJECT pdo)
{
    struct pci_messages *messages = pci_function_of(pdo)->messages;

    if (messages->chip == &msix_chip)
        msix_rewrite(messages);
    else
        msi_rewrite(messages);
    pci_messages_enable(pdo);
}

void pci_messages_destroy(PDEVICE_OBJECT pdo)
{
    struct pci_function *function = pci_function_of(pdo);
    struct pci_messages *messages = function->messages;

    if (messages == NULL)
        return;
    if (messages->chip == &msix_chip)
        msix_disable(messages);
    else
        msi_disable(messages);
    messages_publish(function, NULL);
    messages_free(messages);
}

uint32_t pci_messages_views(const struct pci_messages *messages)
{
    return messages->chip == &msix_chip ? messages->function->msix.table_count : messages->count;
}

void pci_messages_view(struct pci_messages *messages, uint32_t index, struct pci_message_view *view)
{
    raw_lock_state_t state = raw_lock_acquire(&messages->function->lock);

    *view = (struct pci_message_view){0};
    if (messages->chip == &msix_chip)
        msix_view(messages, index, view);
    else
        msi_view(messages, index, view);
    raw_lock_release(&messages->function->lock, state);
}
