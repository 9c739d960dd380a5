/*
 * One line for each IOAPIC pin that somebody asked for.
 *
 * Pins are shared, so a line stays once it exists: its vector comes and goes with the devices that
 * hold it (irq_line_assign, irq_line_release). Requests come from the PnP manager, one at a time.
 */
#include "gsi.h"

#include <lib/format.h>

#include "memory.h"

struct gsi_line {
    struct gsi_line *next;
    gsi_t gsi;
    struct irq_line *line;
};

static struct gsi_line *gsi_lines;

void gsi_mode_default(gsi_t gsi, struct hal_gsi_mode *mode)
{
    if (hal_gsi_override(gsi, mode))
        return;
    mode->trigger = IRQ_TRIGGER_LEVEL; /* PCI 2.2.6: INTx is level, active low */
    mode->polarity = IRQ_ACTIVE_LOW;
}

static NTSTATUS gsi_line_create(gsi_t gsi, const struct hal_gsi_mode *mode, struct gsi_line *entry)
{
    struct irq_source source;
    uint32_t ioapic, pin;
    char name[sizeof(entry->line->name)];

    if (!hal_ioapic_source(gsi, &source))
        return STATUS_NOT_FOUND;
    hal_ioapic_where(&source, &ioapic, &pin);
    lib_snprintf(name, sizeof(name), "ioapic%u pin %u", ioapic, pin);
    entry->gsi = gsi;
    return irq_line_create(hal_ioapic_chip(&source), source, mode->trigger, mode->polarity, name,
                           &entry->line);
}

NTSTATUS gsi_line_get(gsi_t gsi, const struct hal_gsi_mode *mode, struct irq_line **line)
{
    struct gsi_line *entry;
    NTSTATUS status;

    for (entry = gsi_lines; entry != NULL; entry = entry->next) {
        if (entry->gsi.value == gsi.value) {
            *line = entry->line;
            return STATUS_SUCCESS;
        }
    }
    entry = bus_allocate(sizeof(*entry));
    if (entry == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    status = gsi_line_create(gsi, mode, entry);
    if (!NT_SUCCESS(status)) {
        bus_free(entry);
        return status;
    }
    entry->next = gsi_lines;
    gsi_lines = entry;
    *line = entry->line;
    return STATUS_SUCCESS;
}
