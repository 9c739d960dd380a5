/*
 * Link devices: the boxes between a board's interrupt wires and its GSIs.
 *
 * Firmware's choice (_CRS) is kept where it is one of the possible ones (_PRS) and the link is
 * switched on. Else the least burdened of the possible GSIs is chosen and set (_SRS): each link
 * that already leads to a GSI is a burden, and the ISA interrupts that a PC's own devices use are a
 * larger one. Links are enabled when the first device behind them is asked for, so those nobody
 * uses burden nothing.
 *
 * ACPI 6.5 6.2.2 "_CRS", 6.2.12 "_PRS", 6.2.16 "_SRS", 6.3.7 "_STA"; PNP0C0F.
 */
#include <lib/log.h>
#include <lib/string.h>

#include "acpi/eval.h"

enum {
    GSI_BURDENS = 256,
    BURDEN_LINK = 10,     /* another link that leads there */
    BURDEN_ISA = 100,     /* a device of the PC may use it */
    BURDEN_NEVER = 10000, /* timer, keyboard, cascade, clock, coprocessor */
    POSSIBLE_MAX = 32,
};

/* What a link's resources say: one interrupt (_CRS) or several to choose from (_PRS). */
struct possible {
    uint32_t count;
    uint32_t gsi[POSSIBLE_MAX];
    uint8_t triggering;
    uint8_t polarity;
    uint8_t shareable;
    bool is_extended; /* 32-bit descriptor */
};

static struct acpi_link *link_first, *link_last;
static uint16_t burdens[GSI_BURDENS];

static void burdens_init(void)
{
    static const uint8_t never[] = {0, 1, 2, 8, 13};
    static const uint8_t isa[] = {3, 4, 6, 7, 9, 12, 14, 15};

    for (size_t i = 0; i < sizeof(never); i++)
        burdens[never[i]] = BURDEN_NEVER;
    for (size_t i = 0; i < sizeof(isa); i++)
        burdens[isa[i]] = BURDEN_ISA;
}

struct acpi_link *acpi_link_get(acpi_handle handle)
{
    struct acpi_link *link;

    for (link = link_first; link != NULL; link = link->next) {
        if (link->handle == handle)
            return link;
    }
    link = mm_pool_alloc(sizeof(*link), ACPI_POOL_TAG);
    if (link == NULL)
        return NULL;
    link->handle = handle;
    link->path = acpi_eval_path(handle);
    if (link_last != NULL)
        link_last->next = link;
    else
        link_first = link;
    link_last = link;
    return link;
}

const struct acpi_link *acpi_link_next(const struct acpi_link *previous)
{
    return previous != NULL ? previous->next : link_first;
}

/* ---- Reading ------------------------------------------------------------------------------- */

static void possible_add(struct possible *possible, uint32_t gsi)
{
    if (possible->count < POSSIBLE_MAX)
        possible->gsi[possible->count++] = gsi;
}

/* The first interrupt descriptor counts. */
static acpi_status possible_note(struct acpi_resource *resource, void *context)
{
    struct possible *possible = context;

    if (resource->type == ACPI_RESOURCE_TYPE_IRQ) {
        const struct acpi_resource_irq *irq = &resource->data.irq;

        for (u32 i = 0; i < irq->interrupt_count; i++)
            possible_add(possible, irq->interrupts[i]);
        possible->triggering = irq->triggering;
        possible->polarity = irq->polarity;
        possible->shareable = irq->shareable;
    } else if (resource->type == ACPI_RESOURCE_TYPE_EXTENDED_IRQ) {
        const struct acpi_resource_extended_irq *irq = &resource->data.extended_irq;

        for (u32 i = 0; i < irq->interrupt_count; i++)
            possible_add(possible, irq->interrupts[i]);
        possible->triggering = irq->triggering;
        possible->polarity = irq->polarity;
        possible->shareable = irq->shareable;
        possible->is_extended = true;
    }
    return possible->count > 0 ? AE_CTRL_TERMINATE : AE_OK;
}

static void possible_read(acpi_handle handle, const char *name, struct possible *possible)
{
    *possible = (struct possible){0};
    acpi_walk_resources(handle, (char *)name, possible_note, possible);
}

static bool is_possible(const struct possible *possible, uint32_t gsi)
{
    for (uint32_t i = 0; i < possible->count; i++) {
        if (possible->gsi[i] == gsi)
            return true;
    }
    return false;
}

/* ---- Choosing and setting ------------------------------------------------------------------ */

static uint32_t burden(uint32_t gsi)
{
    return gsi < GSI_BURDENS ? burdens[gsi] : 0;
}

/* Of equals the first one listed. */
static uint32_t possible_choose(const struct possible *possible)
{
    uint32_t best = possible->gsi[0];

    for (uint32_t i = 1; i < possible->count; i++) {
        if (burden(possible->gsi[i]) < burden(best))
            best = possible->gsi[i];
    }
    return best;
}

static acpi_status link_set(const struct acpi_link *link, const struct possible *possible,
                            uint32_t gsi)
{
    struct {
        struct acpi_resource interrupt;
        struct acpi_resource end;
    } resources;
    struct acpi_buffer buffer = {sizeof(resources), &resources};

    memset(&resources, 0, sizeof(resources));
    resources.interrupt.length = sizeof(resources.interrupt);
    if (possible->is_extended) {
        struct acpi_resource_extended_irq *irq = &resources.interrupt.data.extended_irq;

        resources.interrupt.type = ACPI_RESOURCE_TYPE_EXTENDED_IRQ;
        irq->producer_consumer = ACPI_CONSUMER;
        irq->triggering = possible->triggering;
        irq->polarity = possible->polarity;
        irq->shareable = possible->shareable;
        irq->interrupt_count = 1;
        irq->interrupts[0] = gsi;
    } else {
        struct acpi_resource_irq *irq = &resources.interrupt.data.irq;

        resources.interrupt.type = ACPI_RESOURCE_TYPE_IRQ;
        irq->descriptor_length = 3; /* with the flags' byte: _SRS methods expect it */
        irq->triggering = possible->triggering;
        irq->polarity = possible->polarity;
        irq->shareable = possible->shareable;
        irq->interrupt_count = 1;
        irq->interrupts[0] = (u8)gsi;
    }
    resources.end.type = ACPI_RESOURCE_TYPE_END_TAG;
    resources.end.length = sizeof(resources.end);
    return acpi_set_current_resources(link->handle, &buffer);
}

static void link_take(struct acpi_link *link, const struct possible *how, uint32_t gsi)
{
    link->gsi = gsi;
    link->mode.trigger =
        how->triggering == ACPI_EDGE_SENSITIVE ? IRQ_TRIGGER_LATCHED : IRQ_TRIGGER_LEVEL;
    link->mode.polarity = how->polarity == ACPI_ACTIVE_HIGH ? IRQ_ACTIVE_HIGH : IRQ_ACTIVE_LOW;
    link->is_set = true;
    if (gsi < GSI_BURDENS)
        burdens[gsi] += BURDEN_LINK;
}

static bool is_switched_on(const struct acpi_link *link)
{
    uint64_t sta;

    return !acpi_eval_integer(link->handle, METHOD_NAME__STA, &sta) ||
           (sta & ACPI_STA_DEVICE_ENABLED);
}

bool acpi_link_enable(struct acpi_link *link)
{
    struct possible current, possible;
    acpi_status status;
    uint32_t gsi;

    if (link->is_tried)
        return link->is_set;
    if (burdens[0] == 0)
        burdens_init();
    link->is_tried = true;
    possible_read(link->handle, METHOD_NAME__CRS, &current);
    possible_read(link->handle, METHOD_NAME__PRS, &possible);
    if (current.count > 0 && current.gsi[0] == 0) /* how firmware says "none" */
        current.count = 0;
    link->was_set =
        current.count > 0 && (possible.count == 0 || is_possible(&possible, current.gsi[0]));
    if (link->was_set && (is_switched_on(link) || possible.count == 0)) {
        link_take(link, &current, current.gsi[0]);
        return true;
    }
    if (possible.count == 0) {
        log_warn("acpi: link %s leads nowhere", link->path);
        return false;
    }
    gsi = link->was_set ? current.gsi[0] : possible_choose(&possible);
    status = link_set(link, &possible, gsi);
    /* A link with one possibility is often a wire, and has no _SRS. */
    if (ACPI_FAILURE(status) && possible.count > 1) {
        log_warn("acpi: link %s cannot be set to GSI %u: %s", link->path, gsi,
                 acpi_eval_status_name(status));
        return false;
    }
    link_take(link, &possible, gsi);
    return true;
}
