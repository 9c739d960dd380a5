/*
 * ipi_plan.h - which messages interrupt a set of CPUs, and nobody else, at the least cost.
 *
 * A message costs the same whoever it names, so the cheapest plan is that of fewest messages:
 *
 *   all CPUs, all but the sender, or the sender alone   one shorthand
 *   xAPIC, up to 8 CPUs   one logical message: each CPU is a bit (SDM 3A 11.6.2.2, flat model)
 *   xAPIC, more CPUs      one physical message a CPU; 8 bits cannot name them all logically
 *   x2APIC                one logical message a cluster, that is 16 ids of the same upper bits (SDM
 *                         3A 11.12.10.2); physical where one CPU of a cluster is meant, and where
 *                         an id has no logical one
 *
 * Arithmetic alone: lapic.c sends.
 */
#pragma once

#include <hal/cpu_set.h>
#include <hal/ipi.h>
#include <hal/pcr.h>
#include <hal/types.h>

enum ipi_addressing {
    IPI_ADDRESSING_PHYSICAL,
    IPI_ADDRESSING_FLAT,
    IPI_ADDRESSING_CLUSTER,
};

/* The best that every CPU can be reached by. */
enum ipi_addressing ipi_addressing(bool is_x2, uint32_t cpu_count);

/*
 * What the LDR of a CPU holds (xAPIC: is set to, x2APIC: always reads as) under an addressing; 0:
 * the CPU has no logical id.
 */
uint32_t ipi_logical_id(enum ipi_addressing addressing, uint32_t cpu, apic_id_t id);

struct ipi_message {
    enum hal_ipi_kind kind;
    uint32_t icr;          /* shorthand and destination mode, as hw/lapic.h has them */
    apic_id_t destination; /* for physical and logical ones */
    uint32_t targets;
};

struct ipi_plan {
    struct cpu_set left; /* not named by a message yet */
    enum ipi_addressing addressing;
    uint32_t cpu_count;
    uint32_t self;
};

/* `set` within the first cpu_count CPUs; `self` is the sender. The set may be empty. */
void ipi_plan_begin(struct ipi_plan *plan, const struct cpu_set *set,
                    enum ipi_addressing addressing, uint32_t cpu_count, uint32_t self);
/* The next message; false: all have been named. */
bool ipi_plan_next(struct ipi_plan *plan, struct ipi_message *message);
