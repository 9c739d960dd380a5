/*
 * hal/ipi.h - inter-processor interrupts to some of the CPUs, and what sending has cost so far.
 * One target, all others and the sender itself have calls of their own in hal/hal.h. lapic.c
 */
#pragma once

#include <hal/cpu_set.h>

/* How a message names its targets. */
enum hal_ipi_kind {
    HAL_IPI_PHYSICAL,  /* one, by its APIC id */
    HAL_IPI_LOGICAL,   /* several, by a mask */
    HAL_IPI_SHORTHAND, /* all, all others, or the sender */
    HAL_IPI_KIND_COUNT,
};

struct hal_ipi_counts {
    uint64_t messages[HAL_IPI_KIND_COUNT];
    uint64_t targets; /* CPUs that all these messages named together */
};

/*
 * One interrupt to each CPU of the set, also to the caller's own, by the fewest messages that name
 * just those: arch/x86_64/ipi_plan.h. Only CPUs that are up. Not before all are.
 */
void hal_ipi_send_set(const struct cpu_set *set, vector_t vector);

/* What this CPU has sent; hal_ipi_self(), which never leaves the CPU, is not counted. */
void hal_ipi_counts_read(uint32_t cpu, struct hal_ipi_counts *counts);
