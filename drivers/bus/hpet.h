/*
 * drivers/bus/hpet.h - the timer block (PNP0103) as a source of interrupts.
 *
 * Its PDO is an ACPI device's (acpi_node.c); what _CRS does not tell of its interrupts, the block's
 * own registers do: which timers can send messages, and which IOAPIC inputs the first one can be
 * led to. A function driver is given either one message for each of these timers, message n for
 * timer n, or one line for timer 0, whose Tn_INT_ROUTE_CNF it sets to the raw vector it was given.
 *
 * Everything else of the block belongs to the function driver, except that while messages are
 * connected Tn_INT_ENB_CNF, Tn_FSB_EN_CNF and the FSB route are the system's: a driver that changes
 * a timer's configuration keeps these bits as it found them.
 */
#pragma once

#include "acpi/acpi.h"
#include "pnp/bus_interface.h"

bool hpet_is_node(const struct acpi_node *node);
/*
 * What the block asks for: its registers, then messages, lines or no interrupt. `limit`: the most
 * messages it may be given. NULL: no memory. PASSIVE_LEVEL.
 */
PIO_RESOURCE_REQUIREMENTS_LIST hpet_requirements(const struct acpi_node *node, uint32_t limit);
/* The parts of pnp_bus_ops that are about messages. The PDO's extension is its acpi_node. */
NTSTATUS hpet_messages_create(PDEVICE_OBJECT pdo, uint32_t count, struct irq_line **lines,
                              bool *block);
NTSTATUS hpet_messages_enable(PDEVICE_OBJECT pdo);
void hpet_messages_destroy(PDEVICE_OBJECT pdo);
