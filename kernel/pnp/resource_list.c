/*
 * pnp/resource_list.c - CM_RESOURCE_LISTs, raw and translated, from what was chosen.
 *
 * Both lists have the same number and order of descriptors (RES-CM-16). MSI-X messages are one
 * descriptor each, an MSI block is one descriptor with MessageCount (RES-CM-13, -15). A line's raw
 * vector is its GSI. Vector and affinity of a translated descriptor are the line's.
 *
 * Owns: these layouts, the interrupt assignment that versions 2 and 3 of IoConnectInterruptEx read.
 */
#include <lib/string.h>

#include "io/alloc.h"
#include "pnp/override.h"
#include "pnp/requirements.h"

/* A place in both lists. */
struct list_pair {
    PCM_PARTIAL_RESOURCE_DESCRIPTOR raw;
    PCM_PARTIAL_RESOURCE_DESCRIPTOR translated;
};

static PCM_RESOURCE_LIST list_allocate(struct pnp_devnode *node, ULONG count)
{
    size_t size = sizeof(CM_RESOURCE_LIST) + count * sizeof(CM_PARTIAL_RESOURCE_DESCRIPTOR);
    PCM_RESOURCE_LIST list = io_allocate(size, IO_TAG_PNP);

    if (list == NULL)
        return NULL;
    list->Count = 1;
    list->List[0].InterfaceType =
        node->has_bus ? node->bus.LegacyBusType : node->requirements->InterfaceType;
    list->List[0].BusNumber = node->has_bus ? node->bus.BusNumber : node->requirements->BusNumber;
    list->List[0].PartialResourceList.Version = 1;
    list->List[0].PartialResourceList.Revision = 1;
    list->List[0].PartialResourceList.Count = count;
    return list;
}

/* The boot configuration's range of that type and length, where the requirement leaves it open. */
static bool boot_range(const struct pnp_devnode *node, const IO_RESOURCE_DESCRIPTOR *wanted,
                       PHYSICAL_ADDRESS *start)
{
    const CM_PARTIAL_RESOURCE_LIST *list;
    ULONG i;

    if (node->boot_configuration == NULL || node->boot_configuration->Count == 0)
        return false;
    list = &node->boot_configuration->List[0].PartialResourceList;
    for (i = 0; i < list->Count; i++) {
        CM_PARTIAL_RESOURCE_DESCRIPTOR have = list->PartialDescriptors[i];

        if (have.Type == wanted->Type && have.u.Generic.Length == wanted->u.Generic.Length &&
            have.u.Generic.Start.QuadPart >= wanted->u.Generic.MinimumAddress.QuadPart &&
            have.u.Generic.Start.QuadPart <= wanted->u.Generic.MaximumAddress.QuadPart) {
            *start = have.u.Generic.Start;
            return true;
        }
    }
    return false;
}

static void put_range(const struct pnp_devnode *node, const IO_RESOURCE_DESCRIPTOR *wanted,
                      struct list_pair at)
{
    PHYSICAL_ADDRESS start = wanted->u.Generic.MinimumAddress;
    uint64_t room = (uint64_t)wanted->u.Generic.MaximumAddress.QuadPart -
                    (uint64_t)wanted->u.Generic.MinimumAddress.QuadPart + 1;

    if (wanted->Type != CmResourceTypeMemoryLarge && room != wanted->u.Generic.Length)
        boot_range(node, wanted, &start);
    at.raw->Flags = wanted->Flags;
    at.raw->u.Generic.Start = start;
    at.raw->u.Generic.Length = wanted->u.Generic.Length;
    *at.translated = *at.raw;
}

static void put_line(const IO_RESOURCE_DESCRIPTOR *wanted, const struct irq_line *line,
                     bool passive, struct list_pair at)
{
    at.raw->u.Interrupt.Level = (USHORT)wanted->u.Interrupt.MinimumVector;
    at.raw->u.Interrupt.Vector = wanted->u.Interrupt.MinimumVector;
    at.raw->u.Interrupt.Affinity = ~(KAFFINITY)0;
    at.translated->u.Interrupt.Level = passive ? PASSIVE_LEVEL : irq_line_irql(line);
    at.translated->u.Interrupt.Group = irq_line_group(line);
    at.translated->u.Interrupt.Vector = line->route.vector.value;
    at.translated->u.Interrupt.Affinity = irq_line_affinity(line);
}

static void put_messages(const struct irq_line *line, uint32_t count, struct list_pair at)
{
    at.raw->u.MessageInterrupt.Raw.Group = irq_line_group(line);
    at.raw->u.MessageInterrupt.Raw.MessageCount = (USHORT)count;
    at.raw->u.MessageInterrupt.Raw.Vector = line->route.vector.value;
    at.raw->u.MessageInterrupt.Raw.Affinity = irq_line_affinity(line);
    at.translated->u.MessageInterrupt.Translated.Level = irq_line_irql(line);
    at.translated->u.MessageInterrupt.Translated.Group = irq_line_group(line);
    at.translated->u.MessageInterrupt.Translated.Vector = line->route.vector.value;
    at.translated->u.MessageInterrupt.Translated.Affinity = irq_line_affinity(line);
}

/* An interrupt descriptor and its entries of the assignment; *next: index of its first line. */
static void put_interrupt(struct pnp_devnode *node, const IO_RESOURCE_DESCRIPTOR *wanted,
                          struct list_pair at, uint32_t *next)
{
    uint32_t messages = pnp_requirement_messages(wanted);
    uint32_t count = messages == 0 ? 1 : messages;
    bool passive = messages == 0 && pnp_device_is_passive(node->pdo);
    uint32_t i;

    at.raw->Flags = wanted->Flags & (USHORT)~CM_RESOURCE_INTERRUPT_POLICY_INCLUDED; /* RES-CM-18 */
    *at.translated = *at.raw;
    if (messages == 0)
        put_line(wanted, node->lines->lines[*next], passive, at);
    else
        put_messages(node->lines->lines[*next], messages, at);
    for (i = 0; i < count; i++) {
        struct io_interrupt *interrupt = &node->assignment->interrupts[*next + i];

        interrupt->line = node->lines->lines[*next + i];
        interrupt->message = messages != 0;
        interrupt->passive = passive;
        interrupt->shared = wanted->ShareDisposition == CmResourceShareShared;
    }
    *next += count;
}

static void put_descriptor(struct pnp_devnode *node, const IO_RESOURCE_DESCRIPTOR *wanted,
                           struct list_pair at, uint32_t *next)
{
    at.raw->Type = at.translated->Type = wanted->Type;
    at.raw->ShareDisposition = at.translated->ShareDisposition = wanted->ShareDisposition;
    switch (wanted->Type) {
    case CmResourceTypePort:
    case CmResourceTypeMemory:
    case CmResourceTypeMemoryLarge:
        put_range(node, wanted, at);
        break;
    case CmResourceTypeInterrupt:
        put_interrupt(node, wanted, at, next);
        break;
    case CmResourceTypeBusNumber:
        at.raw->u.BusNumber.Start = wanted->u.BusNumber.MinBusNumber;
        at.raw->u.BusNumber.Length = wanted->u.BusNumber.Length;
        *at.translated = *at.raw;
        break;
    default: /* private to the bus: three words, handed through */
        at.raw->Flags = wanted->Flags;
        memcpy(at.raw->u.DevicePrivate.Data, wanted->u.DevicePrivate.Data,
               sizeof(at.raw->u.DevicePrivate.Data));
        *at.translated = *at.raw;
        break;
    }
}

NTSTATUS pnp_resource_lists_build(struct pnp_devnode *node, const struct pnp_choice *choice)
{
    uint32_t line_count = node->lines == NULL ? 0 : node->lines->count;
    PCM_PARTIAL_RESOURCE_DESCRIPTOR raw, translated;
    uint32_t next = 0;
    ULONG i;

    if (choice->count == 0)
        return STATUS_SUCCESS;
    node->raw = list_allocate(node, choice->count);
    node->translated = list_allocate(node, choice->count);
    node->assignment = io_allocate(sizeof(*node->assignment) +
                                       line_count * sizeof(node->assignment->interrupts[0]),
                                   IO_TAG_PNP);
    if (node->raw == NULL || node->translated == NULL || node->assignment == NULL) {
        io_free(node->raw);
        io_free(node->translated);
        io_free(node->assignment);
        node->raw = node->translated = NULL;
        node->assignment = NULL;
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    node->assignment->count = line_count;
    /* Pointers, not List[0]....[i]: the compiler takes an array within an array at its word. */
    raw = node->raw->List[0].PartialResourceList.PartialDescriptors;
    translated = node->translated->List[0].PartialResourceList.PartialDescriptors;
    for (i = 0; i < choice->count; i++) {
        struct list_pair at = {.raw = raw + i, .translated = translated + i};

        put_descriptor(node, choice->descriptors[i], at, &next);
    }
    return STATUS_SUCCESS;
}
