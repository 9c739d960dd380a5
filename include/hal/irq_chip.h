/*
 * hal/irq_chip.h - how a line's hardware is driven. The only thing kernel/irq knows of an IOAPIC,
 * MSI or MSI-X.
 *
 * A chip serves many sources; each is named by the chip's own context and index (an IOAPIC and a
 * pin, a device and a message). All operations may be called at any IRQL up to IPI_LEVEL with the
 * line's lock held; they do not allocate and cannot fail.
 */
#pragma once

#include <hal/types.h>

struct hal_remap;

struct irq_source {
    void *context;
    uint32_t index;
};

enum irq_trigger { IRQ_TRIGGER_LEVEL = 0, IRQ_TRIGGER_LATCHED = 1 }; /* = KINTERRUPT_MODE */
enum irq_polarity { IRQ_ACTIVE_HIGH = 1, IRQ_ACTIVE_LOW = 2 };       /* = KINTERRUPT_POLARITY */

/* Where a source delivers, and how. */
struct irq_route {
    vector_t vector;
    apic_id_t destination;
    enum irq_trigger trigger;
    enum irq_polarity polarity;
};

/* What the hardware holds now. */
struct irq_chip_state {
    struct irq_route route;
    bool masked;
    bool pending;    /* PBA or MSI pending bit, IOAPIC delivery status */
    bool in_service; /* IOAPIC Remote IRR */
    bool is_message; /* message_* below are valid */
    uint64_t message_address;
    uint32_t message_data;
    const struct hal_remap *remap; /* the entry it goes by, for hal_remap_describe(); or NULL */
    uint32_t remap_index;
};

struct irq_chip {
    const char *name;       /* "ioapic", "msi", "msix" */
    bool is_block;          /* sources of one context have contiguous vectors: they move together */
    bool retarget_is_whole; /* no interrupt ever goes by a half of retarget()'s new route */
    /* Write the route; the source is masked before and after. */
    void (*program)(const struct irq_source *source, const struct irq_route *route);
    void (*mask)(const struct irq_source *source);
    void (*unmask)(const struct irq_source *source);
    /*
     * Change destination and vector of a live source, losing nothing. Where it is not whole, the
     * new vector may arrive at the old destination meanwhile. A block: source 0 stands for all.
     * NULL: it cannot be moved.
     */
    void (*retarget)(const struct irq_source *source, const struct irq_route *route);
    /*
     * The source has no route any more; it is masked. What it still sends is blocked if it can
     * be.
     */
    void (*release)(const struct irq_source *source);
    /* End a level interrupt at the chip, before the local APIC does; NULL: that one is enough. */
    void (*eoi)(const struct irq_source *source);
    /* Read back what the hardware holds. */
    void (*read)(const struct irq_source *source, struct irq_chip_state *state);
};
