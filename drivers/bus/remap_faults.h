/*
 * drivers/bus/remap_faults.h - what remapping units blocked, by device.
 */
#pragma once

#include <hal/remap.h>

enum { REMAP_FAULT_NAME_MAX = 64 };

/* Faults of one kind from one requester. */
struct remap_fault_count {
    struct hal_remap_fault fault; /* the first; `detail` of the last */
    uint64_t count;
};

/* Connect the units' own interrupts. Once, when PCI functions are known. PASSIVE_LEVEL. */
void remap_faults_init(void);
/* Empty the units' logs now, whether or not they have interrupted. IRQL <= DISPATCH_LEVEL. */
void remap_faults_collect(void);
/* In order of their first appearance; false: there are no more. IRQL <= DISPATCH_LEVEL. */
bool remap_fault_at(uint32_t number, struct remap_fault_count *count);
/* "00:04.0 Ethernet controller", "ff:00.0 no PCI function". Any IRQL. */
void remap_fault_name(const struct hal_remap_fault *fault, char name[REMAP_FAULT_NAME_MAX]);
