/*
 * ipi_plan.c - naming a set of CPUs in as few interrupt messages as there can be: see ipi_plan.h.
 */
#include "ipi_plan.h"

#include <hal/hal.h>
#include <hw/lapic.h>

enum ipi_addressing ipi_addressing(bool is_x2, uint32_t cpu_count)
{
    return is_x2                             ? IPI_ADDRESSING_CLUSTER
           : cpu_count <= LAPIC_LDR_FLAT_MAX ? IPI_ADDRESSING_FLAT
                                             : IPI_ADDRESSING_PHYSICAL;
}

uint32_t ipi_logical_id(enum ipi_addressing addressing, uint32_t cpu, apic_id_t id)
{
    switch (addressing) {
    case IPI_ADDRESSING_FLAT:
        return cpu < LAPIC_LDR_FLAT_MAX ? 1u << (LAPIC_LDR_XAPIC_SHIFT + cpu) : 0;
    case IPI_ADDRESSING_CLUSTER:
        return lapic_x2_logical_id(id.value);
    default:
        return 0;
    }
}

void ipi_plan_begin(struct ipi_plan *plan, const struct cpu_set *set,
                    enum ipi_addressing addressing, uint32_t cpu_count, uint32_t self)
{
    *plan = (struct ipi_plan){*set, addressing, cpu_count, self};
}

/* Everybody, everybody else, or nobody else. */
static bool shorthand_next(struct ipi_plan *plan, struct ipi_message *message)
{
    uint32_t count = cpu_set_count(&plan->left);
    bool has_self = cpu_set_has(&plan->left, plan->self);

    if (has_self && count == 1)
        message->icr = LAPIC_ICR_SHORTHAND_SELF;
    else if (has_self && count == plan->cpu_count)
        message->icr = LAPIC_ICR_SHORTHAND_ALL;
    else if (!has_self && count == plan->cpu_count - 1)
        message->icr = LAPIC_ICR_SHORTHAND_OTHERS;
    else
        return false;
    message->kind = HAL_IPI_SHORTHAND;
    message->destination.value = 0;
    message->targets = count;
    plan->left = (struct cpu_set){0};
    return true;
}

static void physical_make(struct ipi_message *message, uint32_t cpu)
{
    *message = (struct ipi_message){HAL_IPI_PHYSICAL, 0, hal_pcr(cpu)->apic_id, 1};
}

/* A logical message for `first` and those left that share the bits `group` of its logical id. */
static void logical_make(struct ipi_plan *plan, uint32_t first, uint32_t group,
                         struct ipi_message *message)
{
    uint32_t destination = ipi_logical_id(plan->addressing, first, hal_pcr(first)->apic_id);
    uint32_t wanted = destination & group;
    uint32_t targets = 1;

    physical_make(message, first);
    if (destination == 0)
        return;
    for (uint32_t cpu = first; (cpu = cpu_set_next(&plan->left, cpu + 1)) < CPU_MAX;) {
        uint32_t logical = ipi_logical_id(plan->addressing, cpu, hal_pcr(cpu)->apic_id);

        if (logical == 0 || (logical & group) != wanted)
            continue;
        destination |= logical;
        cpu_set_remove(&plan->left, cpu);
        targets++;
    }
    if (targets == 1)
        return;
    if (plan->addressing == IPI_ADDRESSING_FLAT)
        destination >>= LAPIC_LDR_XAPIC_SHIFT;
    *message = (struct ipi_message){HAL_IPI_LOGICAL, LAPIC_ICR_LOGICAL, {destination}, targets};
}

bool ipi_plan_next(struct ipi_plan *plan, struct ipi_message *message)
{
    uint32_t first = cpu_set_next(&plan->left, 0);

    if (first == CPU_MAX)
        return false;
    if (shorthand_next(plan, message))
        return true;
    if (plan->addressing == IPI_ADDRESSING_PHYSICAL)
        physical_make(message, first);
    else
        logical_make(plan, first,
                     plan->addressing == IPI_ADDRESSING_CLUSTER ? LAPIC_LDR_X2_CLUSTER : 0,
                     message);
    cpu_set_remove(&plan->left, first);
    return true;
}
