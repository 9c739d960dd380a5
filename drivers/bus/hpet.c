/*
 * Interrupts of a timer block: messages timer by timer, or a line. See hpet.h.
 *
 * A timer that may not interrupt (Tn_INT_ENB_CNF clear) keeps nothing to send later: what would
 * have come while a message is masked is lost, which for a timer means that it is late.
 *
 * IA-PC HPET Specification 1.0a: 2.3.8 timer configuration, 2.3.10 FSB interrupt route.
 */
#include "hpet.h"

#include <hal/hal.h>
#include <hal/msi_message.h>
#include <hw/hpet.h>
#include <lib/format.h>
#include <lib/rawlock.h>

#include "gsi.h"
#include "memory.h"
#include "parse/hpet.h"
#include "pdo.h"

#define HPET_ID "PNP0103"

enum { ACPI_LENGTH_OFFSET = 4 }; /* ACPI 6.5 5.2.6 */
enum { HPET_SIZE = 0x400, TIMERS_MAX = 32, ROUTES_MAX = 32, ISA_GSIS = 16 };

/* Legend: (c) constant while it exists, (l) its lock. */
struct hpet {
    struct hpet *next;                  /* (c) */
    const struct acpi_node *node;       /* (c) */
    volatile uint8_t *registers;        /* (c) mapped uncached */
    struct raw_lock lock;               /* read-modify-write of timer configurations */
    uint32_t count;                     /* (c) messages, for timers 0 to count - 1 */
    struct hal_remap remap;             /* (c) an entry a message */
    struct irq_line *lines[TIMERS_MAX]; /* (c) */
};

static struct hpet *hpets; /* those with messages; changed by the PnP manager, one at a time */

static volatile uint32_t *hpet_register(volatile uint8_t *registers, uint32_t timer,
                                        uint32_t offset)
{
    return (volatile uint32_t *)(registers + HPET_TIMER_0 + timer * HPET_TIMER_STRIDE + offset);
}

static const struct acpi_item *hpet_memory(const struct acpi_node *node)
{
    for (uint32_t i = 0; i < node->item_count; i++) {
        if (node->items[i].kind == ACPI_ITEM_MEMORY && node->items[i].length >= HPET_SIZE)
            return &node->items[i];
    }
    return NULL;
}

static volatile uint8_t *hpet_map(const struct acpi_node *node)
{
    const struct acpi_item *memory = hpet_memory(node);

    if (memory == NULL)
        return NULL;
    return MmMapIoSpace((PHYSICAL_ADDRESS){.QuadPart = (LONGLONG)memory->start}, HPET_SIZE,
                        MmNonCached);
}

bool hpet_is_node(const struct acpi_node *node)
{
    return strcmp(node->hid, HPET_ID) == 0;
}

/* ---- The chip ------------------------------------------------------------------------------ */

static void configuration_change(const struct irq_source *source, uint32_t set, uint32_t clear)
{
    struct hpet *hpet = source->context;
    raw_lock_state_t state = raw_lock_acquire(&hpet->lock);
    volatile uint32_t *configuration =
        hpet_register(hpet->registers, source->index, HPET_TIMER_CONFIGURATION);

    *configuration = (*configuration & ~clear) | set;
    raw_lock_release(&hpet->lock, state);
}

/* Retargeted alive, it may send the new vector to the old CPU between the two writes. */
static void hpet_program(const struct irq_source *source, const struct irq_route *route)
{
    const struct hpet *hpet = source->context;
    struct msi_message message;

    if (!hal_msi_message(&hpet->remap, source->index, route, &message))
        return;
    *hpet_register(hpet->registers, source->index, HPET_TIMER_FSB_DATA) = message.data;
    *hpet_register(hpet->registers, source->index, HPET_TIMER_FSB_ADDRESS) =
        (uint32_t)message.address;
}

static void hpet_mask(const struct irq_source *source)
{
    configuration_change(source, 0, HPET_TIMER_INTERRUPT);
}

static void hpet_unmask(const struct irq_source *source)
{
    configuration_change(source, HPET_TIMER_INTERRUPT, 0);
}

static void hpet_release(const struct irq_source *source)
{
    const struct hpet *hpet = source->context;

    hal_remap_clear(&hpet->remap, source->index);
}

static void hpet_read(const struct irq_source *source, struct irq_chip_state *state)
{
    const struct hpet *hpet = source->context;
    struct msi_message message = {
        .address = *hpet_register(hpet->registers, source->index, HPET_TIMER_FSB_ADDRESS),
        .data = *hpet_register(hpet->registers, source->index, HPET_TIMER_FSB_DATA),
    };

    *state = (struct irq_chip_state){
        .is_message = true, .message_address = message.address, .message_data = message.data};
    hal_msi_route(&hpet->remap, source->index, &message, &state->route);
    state->remap = &hpet->remap;
    state->remap_index = source->index;
    state->masked = !(*hpet_register(hpet->registers, source->index, HPET_TIMER_CONFIGURATION) &
                      HPET_TIMER_INTERRUPT);
}

static const struct irq_chip hpet_chip = {
    .name = "hpet",
    .program = hpet_program,
    .mask = hpet_mask,
    .unmask = hpet_unmask,
    .retarget = hpet_program,
    .release = hpet_release,
    .read = hpet_read,
};

/* ---- Messages ------------------------------------------------------------------------------ */

static struct hpet *hpet_of(PDEVICE_OBJECT pdo)
{
    struct hpet *hpet = hpets;

    while (hpet != NULL && hpet->node != bus_pdo_extension(pdo))
        hpet = hpet->next;
    return hpet;
}

static void hpet_free(struct hpet *hpet)
{
    for (uint32_t i = 0; i < hpet->count; i++) {
        if (hpet->lines[i] != NULL)
            irq_line_destroy(hpet->lines[i]);
    }
    hal_remap_close(&hpet->remap);
    if (hpet->registers != NULL)
        MmUnmapIoSpace((PVOID)hpet->registers, HPET_SIZE);
    bus_free(hpet);
}

/* The number that remapping tables know the block by: of the HPET table that has its address. */
static bool remap_open(struct hpet *hpet)
{
    struct hal_requester requester = {.kind = HAL_REQUESTER_HPET};
    const struct acpi_item *memory = hpet_memory(hpet->node);
    const uint8_t *table;

    for (uint32_t i = 0; (table = hal_acpi_table("HPET", i)) != NULL; i++) {
        struct parse_error error;
        struct hpet_table found;

        if (hpet_parse(table, parse_u32(table + ACPI_LENGTH_OFFSET), &found, &error) &&
            found.address == memory->start)
            requester.number = found.number;
    }
    return hal_remap_open(&requester, hpet->count, &hpet->remap);
}

static NTSTATUS lines_create(struct hpet *hpet)
{
    NTSTATUS status = STATUS_SUCCESS;

    for (uint32_t i = 0; NT_SUCCESS(status) && i < hpet->count; i++) {
        struct irq_source source = {.context = hpet, .index = i};
        char name[sizeof(hpet->lines[0]->name)];

        lib_snprintf(name, sizeof(name), "hpet%s timer %u", hpet->node->uid, i);
        hpet_mask(&source);
        status = irq_line_create(&hpet_chip, source, IRQ_TRIGGER_LATCHED, IRQ_ACTIVE_HIGH, name,
                                 &hpet->lines[i]);
    }
    return status;
}

NTSTATUS hpet_messages_create(PDEVICE_OBJECT pdo, uint32_t count, struct irq_line **lines,
                              bool *block)
{
    struct hpet *hpet = bus_allocate(sizeof(*hpet));
    NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;

    if (hpet == NULL)
        return status;
    if (count > TIMERS_MAX)
        count = TIMERS_MAX;
    hpet->node = bus_pdo_extension(pdo);
    hpet->count = count;
    hpet->registers = hpet_map(hpet->node);
    if (hpet->registers != NULL && remap_open(hpet))
        status = lines_create(hpet);
    if (!NT_SUCCESS(status)) {
        hpet_free(hpet);
        return status;
    }
    memcpy(lines, hpet->lines, count * sizeof(lines[0]));
    *block = false;
    hpet->next = hpets;
    hpets = hpet;
    return STATUS_SUCCESS;
}

NTSTATUS hpet_messages_enable(PDEVICE_OBJECT pdo)
{
    struct hpet *hpet = hpet_of(pdo);

    for (uint32_t i = 0; i < hpet->count; i++)
        configuration_change(&hpet->lines[i]->source, HPET_TIMER_FSB, 0);
    return STATUS_SUCCESS;
}

void hpet_messages_destroy(PDEVICE_OBJECT pdo)
{
    struct hpet *hpet = hpet_of(pdo);
    struct hpet **link = &hpets;

    for (uint32_t i = 0; i < hpet->count; i++)
        configuration_change(&hpet->lines[i]->source, 0, HPET_TIMER_FSB | HPET_TIMER_INTERRUPT);
    while (*link != hpet)
        link = &(*link)->next;
    *link = hpet->next;
    hpet_free(hpet);
}

/* ---- Requirements -------------------------------------------------------------------------- */

/* What the registers say of the block. */
struct hpet_shape {
    uint32_t messages; /* timers from the first on that can send them */
    uint32_t routes;   /* GSIs that timer 0 can be led to, a bit each */
    uint32_t route_count;
};

/* Below 16 are the inputs of ISA devices, which do not share theirs. */
static void shape_read(const struct acpi_node *node, struct hpet_shape *shape)
{
    volatile uint8_t *registers = hpet_map(node);
    uint32_t timers;

    *shape = (struct hpet_shape){0};
    if (registers == NULL)
        return;
    timers = (uint32_t)FIELD_GET(HPET_CAP_LAST_TIMER,
                                 *(volatile uint32_t *)(registers + HPET_CAPABILITIES)) +
             1;
    while (
        shape->messages < timers &&
        (*hpet_register(registers, shape->messages, HPET_TIMER_CONFIGURATION) & HPET_TIMER_HAS_FSB))
        shape->messages++;
    for (uint32_t gsi = ISA_GSIS; gsi < ROUTES_MAX; gsi++) {
        struct irq_source source;

        if ((*hpet_register(registers, 0, HPET_TIMER_ROUTES) >> gsi & 1) == 0 ||
            !hal_ioapic_source((gsi_t){gsi}, &source))
            continue;
        shape->routes |= 1u << gsi;
        shape->route_count++;
    }
    MmUnmapIoSpace((PVOID)registers, HPET_SIZE);
}

static PIO_RESOURCE_DESCRIPTOR memory_write(PIO_RESOURCE_DESCRIPTOR descriptor,
                                            const struct acpi_item *memory)
{
    descriptor->Type = CmResourceTypeMemory;
    descriptor->ShareDisposition = CmResourceShareDeviceExclusive;
    descriptor->Flags = CM_RESOURCE_MEMORY_READ_WRITE;
    descriptor->u.Memory.Length = (ULONG)memory->length;
    descriptor->u.Memory.Alignment = 1;
    descriptor->u.Memory.MinimumAddress.QuadPart = (LONGLONG)memory->start;
    descriptor->u.Memory.MaximumAddress.QuadPart = (LONGLONG)(memory->start + memory->length - 1);
    return descriptor + 1;
}

static PIO_RESOURCE_DESCRIPTOR interrupt_write(PIO_RESOURCE_DESCRIPTOR descriptor, USHORT flags,
                                               UCHAR share, ULONG vector)
{
    descriptor->Type = CmResourceTypeInterrupt;
    descriptor->ShareDisposition = share;
    descriptor->Flags = flags;
    descriptor->u.Interrupt.MinimumVector = vector;
    descriptor->u.Interrupt.MaximumVector = vector;
    return descriptor + 1;
}

PIO_RESOURCE_REQUIREMENTS_LIST hpet_requirements(const struct acpi_node *node, uint32_t limit)
{
    const struct acpi_item *memory = hpet_memory(node);
    PIO_RESOURCE_REQUIREMENTS_LIST list;
    PIO_RESOURCE_DESCRIPTOR descriptor;
    struct hpet_shape shape;
    uint32_t messages;
    ULONG size;

    shape_read(node, &shape);
    messages = shape.messages < limit ? shape.messages : limit;
    size = (ULONG)(sizeof(*list) + (1 + messages + shape.route_count) * sizeof(*descriptor));
    list = bus_allocate_paged(size);
    if (list == NULL || memory == NULL)
        return list;
    list->ListSize = size;
    list->InterfaceType = ACPIBus;
    list->AlternativeLists = 1;
    list->List[0].Version = 1;
    list->List[0].Revision = 1;
    descriptor = memory_write(list->List[0].Descriptors, memory);
    for (uint32_t i = 0; i < messages; i++)
        descriptor = interrupt_write(
            descriptor, CM_RESOURCE_INTERRUPT_LATCHED | CM_RESOURCE_INTERRUPT_MESSAGE,
            CmResourceShareDeviceExclusive, CM_RESOURCE_INTERRUPT_MESSAGE_TOKEN);
    for (uint32_t gsi = 0; messages == 0 && gsi < ROUTES_MAX; gsi++) {
        if ((shape.routes >> gsi & 1) == 0)
            continue;
        descriptor = interrupt_write(descriptor, CM_RESOURCE_INTERRUPT_LEVEL_SENSITIVE,
                                     CmResourceShareShared, gsi);
        if (descriptor - list->List[0].Descriptors > 2)
            descriptor[-1].Option = IO_RESOURCE_ALTERNATIVE;
    }
    list->List[0].Count = (ULONG)(descriptor - list->List[0].Descriptors);
    return list;
}
