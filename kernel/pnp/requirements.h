/*
 * pnp/requirements.h - requirement lists of a device.
 */
#pragma once

#include "pnp/devnode.h"

/* QUERY_RESOURCES, QUERY_RESOURCE_REQUIREMENTS, policy, FILTER: fills node->requirements. */
NTSTATUS pnp_requirements_fetch(struct pnp_devnode *node);
/* The alternative list after this one (RES-IO-16). */
PIO_RESOURCE_LIST pnp_requirements_next(PIO_RESOURCE_LIST list);

/* Descriptors that were chosen, one for each the device needs, in the list's order. */
struct pnp_choice {
    ULONG count;
    PIO_RESOURCE_DESCRIPTOR descriptors[];
};

/*
 * resource_list.c: raw and translated lists of the choice into node->raw and ->translated, and
 * node->assignment. The lines (node->lines) have their vectors.
 */
NTSTATUS pnp_resource_lists_build(struct pnp_devnode *node, const struct pnp_choice *choice);
/* Messages that one interrupt requirement asks for; 0 for a line. */
uint32_t pnp_requirement_messages(const IO_RESOURCE_DESCRIPTOR *descriptor);
