/*
 * drivers/bus/routing.h - from a function's interrupt pin to a GSI.
 *
 * The one place that knows who to ask, and in which order. Callers see an answer or none: a
 * function without an answer starts without a line.
 */
#pragma once

#include "pci.h"

/* Read the tables that routes come from. After hal_ioapic_init(). PASSIVE_LEVEL, once. */
void routing_init(void);
/* Fill *answer; answer->is_valid tells whether there is a route. Needs the list of functions. */
void routing_gsi(const struct pci_function *function, struct pci_line_route *answer);
