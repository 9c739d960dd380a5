/*
 * Resource lists of a PCI function: what it has (CM_RESOURCE_LIST) and what it asks for
 * (IO_RESOURCE_REQUIREMENTS_LIST).
 *
 * BARs are fixed by the time anybody asks, so their range is the one address they have. Of
 * interrupts there are up to three alternatives, one list each: all messages, one message, the line
 * (RES-MSI-10). MSI is one descriptor whose minimum tells the number, MSI-X one descriptor a
 * message (RES-IO-7, RES-IO-8).
 */
#include "memory.h"
#include "messages.h"
#include "pci_pdo.h"

enum { ALTERNATIVES_MAX = 3 };

/* Windows' limit of a message number, RES-REG-2, RES-MSI-5. */
#define MESSAGES_MAX ((uint32_t)PCI_MSIX_ENTRIES_MAX)

/* The length as 32 bits and the flag that tells which 32 of 64 they are, RES-CM-27. */
static ULONG large_length(uint64_t length, USHORT *flags)
{
    if (length <= UINT32_MAX)
        return (ULONG)length;
    if (length <= CM_RESOURCE_MEMORY_LARGE_40_MAXLEN) {
        *flags |= CM_RESOURCE_MEMORY_LARGE_40;
        return (ULONG)(length >> 8);
    }
    if (length <= CM_RESOURCE_MEMORY_LARGE_48_MAXLEN) {
        *flags |= CM_RESOURCE_MEMORY_LARGE_48;
        return (ULONG)(length >> 16);
    }
    *flags |= CM_RESOURCE_MEMORY_LARGE_64;
    return (ULONG)(length >> 32);
}

static UCHAR bar_type(const struct pci_bar *bar)
{
    if (bar->kind == PCI_BAR_IO)
        return CmResourceTypePort;
    return bar->size <= UINT32_MAX ? CmResourceTypeMemory : CmResourceTypeMemoryLarge;
}

static USHORT bar_flags(const struct pci_bar *bar)
{
    if (bar->kind == PCI_BAR_IO)
        return CM_RESOURCE_PORT_IO | CM_RESOURCE_PORT_16_BIT_DECODE |
               CM_RESOURCE_PORT_POSITIVE_DECODE | CM_RESOURCE_PORT_BAR;
    return CM_RESOURCE_MEMORY_READ_WRITE | CM_RESOURCE_MEMORY_BAR |
           (bar->is_prefetchable ? CM_RESOURCE_MEMORY_PREFETCHABLE : 0);
}

static bool has_line(const struct pci_function *function)
{
    return function->line.is_valid && pci_wants_interrupts(function);
}

static bool bar_counts(const struct pci_function *function, uint32_t index)
{
    return function->bars[index].kind != PCI_BAR_ABSENT && function->bars[index].address != 0;
}

static uint32_t bars_total(const struct pci_function *function)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < PCI_BAR_COUNT; i++)
        count += bar_counts(function, i) ? 1 : 0;
    return count;
}

static USHORT line_flags(const struct pci_function *function)
{
    return function->line.mode.trigger == IRQ_TRIGGER_LATCHED
               ? CM_RESOURCE_INTERRUPT_LATCHED
               : CM_RESOURCE_INTERRUPT_LEVEL_SENSITIVE;
}

NTSTATUS pci_resources_query(const struct pci_function *function, PCM_RESOURCE_LIST *list_out)
{
    uint32_t count = bars_total(function) + (function->line.is_valid ? 1 : 0);
    PCM_PARTIAL_RESOURCE_DESCRIPTOR descriptor;
    PCM_RESOURCE_LIST list;

    *list_out = NULL;
    if (count == 0)
        return STATUS_SUCCESS;
    list = bus_allocate_paged(sizeof(*list) + (count - 1) * sizeof(*descriptor));
    if (list == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    list->Count = 1;
    list->List[0].InterfaceType = PCIBus;
    list->List[0].BusNumber = function->where.bus;
    list->List[0].PartialResourceList.Version = 1;
    list->List[0].PartialResourceList.Revision = 1;
    list->List[0].PartialResourceList.Count = count;
    descriptor = list->List[0].PartialResourceList.PartialDescriptors;
    for (uint32_t i = 0; i < PCI_BAR_COUNT; i++) {
        const struct pci_bar *bar = &function->bars[i];

        if (!bar_counts(function, i))
            continue;
        descriptor->Type = bar_type(bar);
        descriptor->ShareDisposition = CmResourceShareDeviceExclusive;
        descriptor->Flags = bar_flags(bar);
        descriptor->u.Generic.Start.QuadPart = (LONGLONG)bar->address;
        descriptor->u.Generic.Length = large_length(bar->size, &descriptor->Flags);
        descriptor++;
    }
    if (function->line.is_valid) {
        descriptor->Type = CmResourceTypeInterrupt;
        descriptor->ShareDisposition = CmResourceShareShared;
        descriptor->Flags = line_flags(function);
        descriptor->u.Interrupt.Level = (USHORT)function->line.gsi.value;
        descriptor->u.Interrupt.Vector = function->line.gsi.value;
        descriptor->u.Interrupt.Affinity = ~(KAFFINITY)0;
    }
    *list_out = list;
    return STATUS_SUCCESS;
}

/* ---- Requirements -------------------------------------------------------------------------- */

/* One alternative: `messages` of them, or for 0 the line, if there is one. */
struct alternative {
    uint32_t messages;
    uint32_t descriptors;
};

static uint32_t messages_wanted(const struct pci_function *function, uint32_t limit)
{
    uint32_t wanted = pci_messages_capable(function);

    if (wanted > limit)
        wanted = limit;
    if (wanted > MESSAGES_MAX)
        wanted = MESSAGES_MAX;
    if (wanted > 1 && !pci_has_msix(function))
        wanted = (uint32_t)BIT(bits_log2_floor(wanted));
    return wanted;
}

static struct alternative alternative_make(const struct pci_function *function, uint32_t messages)
{
    struct alternative made = {.messages = messages, .descriptors = bars_total(function)};

    if (messages == 0)
        made.descriptors += has_line(function) ? 1 : 0;
    else
        made.descriptors += pci_has_msix(function) ? messages : 1;
    return made;
}

static uint32_t alternatives_make(const struct pci_function *function, uint32_t limit,
                                  struct alternative made[ALTERNATIVES_MAX])
{
    uint32_t wanted = pci_wants_interrupts(function) ? messages_wanted(function, limit) : 0;
    uint32_t count = 0;

    if (wanted > 0)
        made[count++] = alternative_make(function, wanted);
    if (wanted > 1)
        made[count++] = alternative_make(function, 1);
    if (wanted == 0 || has_line(function))
        made[count++] = alternative_make(function, 0);
    return count;
}

static PIO_RESOURCE_DESCRIPTOR bars_write(const struct pci_function *function,
                                          PIO_RESOURCE_DESCRIPTOR descriptor)
{
    for (uint32_t i = 0; i < PCI_BAR_COUNT; i++) {
        const struct pci_bar *bar = &function->bars[i];

        if (!bar_counts(function, i))
            continue;
        descriptor->Type = bar_type(bar);
        descriptor->ShareDisposition = CmResourceShareDeviceExclusive;
        descriptor->Flags = bar_flags(bar);
        descriptor->u.Generic.Length = large_length(bar->size, &descriptor->Flags);
        /* In units of the length where that is scaled; the address is fixed anyway. */
        descriptor->u.Generic.Alignment = descriptor->u.Generic.Length;
        descriptor->u.Generic.MinimumAddress.QuadPart = (LONGLONG)bar->address;
        descriptor->u.Generic.MaximumAddress.QuadPart = (LONGLONG)(bar->address + bar->size - 1);
        descriptor++;
    }
    return descriptor;
}

static PIO_RESOURCE_DESCRIPTOR interrupt_write(PIO_RESOURCE_DESCRIPTOR descriptor, USHORT flags,
                                               UCHAR share, ULONG minimum, ULONG maximum)
{
    descriptor->Type = CmResourceTypeInterrupt;
    descriptor->ShareDisposition = share;
    descriptor->Flags = flags;
    descriptor->u.Interrupt.MinimumVector = minimum;
    descriptor->u.Interrupt.MaximumVector = maximum;
    return descriptor + 1;
}

static void alternative_write(const struct pci_function *function,
                              const struct alternative *alternative, PIO_RESOURCE_LIST list)
{
    const USHORT message_flags = CM_RESOURCE_INTERRUPT_LATCHED | CM_RESOURCE_INTERRUPT_MESSAGE;
    const ULONG token = CM_RESOURCE_INTERRUPT_MESSAGE_TOKEN;
    PIO_RESOURCE_DESCRIPTOR descriptor = list->Descriptors;
    uint32_t messages = alternative->messages;

    list->Version = 1;
    list->Revision = 1;
    list->Count = alternative->descriptors;
    descriptor = bars_write(function, descriptor);
    if (messages == 0 && has_line(function))
        interrupt_write(descriptor, line_flags(function), CmResourceShareShared,
                        function->line.gsi.value, function->line.gsi.value);
    else if (messages != 0 && !pci_has_msix(function))
        interrupt_write(descriptor, message_flags, CmResourceShareDeviceExclusive,
                        token - messages + 1, token);
    else
        for (uint32_t i = 0; i < messages; i++)
            descriptor = interrupt_write(descriptor, message_flags, CmResourceShareDeviceExclusive,
                                         token, token);
}

static ULONG alternative_size(const struct alternative *alternative)
{
    return (ULONG)(FIELD_OFFSET(IO_RESOURCE_LIST, Descriptors) +
                   alternative->descriptors * sizeof(IO_RESOURCE_DESCRIPTOR));
}

NTSTATUS pci_requirements_query(const struct pci_function *function, uint32_t message_limit,
                                PIO_RESOURCE_REQUIREMENTS_LIST *list_out)
{
    struct alternative alternatives[ALTERNATIVES_MAX];
    uint32_t count = alternatives_make(function, message_limit, alternatives);
    ULONG size = FIELD_OFFSET(IO_RESOURCE_REQUIREMENTS_LIST, List);
    PIO_RESOURCE_REQUIREMENTS_LIST list;
    PIO_RESOURCE_LIST next;

    *list_out = NULL;
    if (count == 1 && alternatives[0].descriptors == 0)
        return STATUS_SUCCESS;
    for (uint32_t i = 0; i < count; i++)
        size += alternative_size(&alternatives[i]);
    list = bus_allocate_paged(size);
    if (list == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    list->ListSize = size;
    list->InterfaceType = PCIBus;
    list->BusNumber = function->where.bus;
    list->SlotNumber = PCI_DEVFN_DEVICE(function->where.devfn) |
                       (ULONG)PCI_DEVFN_FUNCTION(function->where.devfn) << 5;
    list->AlternativeLists = count;
    next = list->List;
    for (uint32_t i = 0; i < count; i++) {
        alternative_write(function, &alternatives[i], next);
        next = (PIO_RESOURCE_LIST)((PUCHAR)next + alternative_size(&alternatives[i]));
    }
    *list_out = list;
    return STATUS_SUCCESS;
}
