/*
 * drivers/bus/gsi.h - the lines behind IOAPIC pins: one line a pin, whoever uses it.
 */
#pragma once

#include <hal/ioapic.h>

#include "irq/line.h"

/*
 * The line of a GSI, created at the first call with the mode of that caller.
 * STATUS_NOT_FOUND: no IOAPIC has that pin. PASSIVE_LEVEL.
 */
NTSTATUS gsi_line_get(gsi_t gsi, const struct hal_gsi_mode *mode, struct irq_line **line);
/* How an ISA IRQ or a PCI pin on that GSI signals, where nothing else is known of it. */
void gsi_mode_default(gsi_t gsi, struct hal_gsi_mode *mode);
