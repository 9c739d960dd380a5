/*
 * pnp/resources.c - choosing among a device's alternatives and giving it vectors.
 *
 * An alternative list is a row of slots; a slot is a required descriptor and the alternatives that
 * follow it (IO_RESOURCE_ALTERNATIVE). Memory and ports have been configured by the bus, so their
 * first form is taken. Interrupt slots are tried together, first with the first form of each, then
 * with the second, and so on; then comes the next alternative list. That gives RES-MSI-6 and -7:
 * all messages, one message, the line, as the bus lists them. A driver whose filter left only a
 * number that cannot be had gets one message (RES-MSI-6).
 *
 * Messages of one policy are assigned in one call, so that they share an IRQL class (CIE-SYNC-15).
 *
 * Owns: choice, lines and vectors. Owns not: the lists drivers see (pnp/resource_list.c), chips
 * (drivers/bus).
 */
#include <lib/log.h>
#include <lib/string.h>

#include "io/alloc.h"
#include "io/connection.h"
#include "ke/version.h"
#include "pnp/override.h"
#include "pnp/requirements.h"

/* IRQL classes by IRQ_PRIORITY (RES-IO-20). */
static const struct {
    irql_t low, high;
} priority_irql[] = {
    [IrqPriorityUndefined] = {6, 8},
    [IrqPriorityLow] = {3, 5},
    [IrqPriorityNormal] = {6, 8},
    [IrqPriorityHigh] = {9, 11},
};

uint32_t pnp_requirement_messages(const IO_RESOURCE_DESCRIPTOR *descriptor)
{
    if (descriptor->Type != CmResourceTypeInterrupt ||
        (descriptor->Flags & CM_RESOURCE_INTERRUPT_MESSAGE) == 0)
        return 0;
    return descriptor->u.Interrupt.MaximumVector - descriptor->u.Interrupt.MinimumVector + 1;
}

/* ---- Choice --------------------------------------------------------------------------------- */

static bool is_alternative(const IO_RESOURCE_DESCRIPTOR *descriptor)
{
    return (descriptor->Option & IO_RESOURCE_ALTERNATIVE) != 0;
}

/*
 * Fill the choice from one alternative list: form number `attempt` of interrupt slots (the last one
 * of a slot that has fewer), the first form of all others. *more: some slot has later forms.
 */
static void choice_make(PIO_RESOURCE_LIST list, ULONG attempt, struct pnp_choice *choice,
                        bool *more)
{
    ULONG i = 0;

    choice->count = 0;
    *more = false;
    while (i < list->Count) {
        ULONG first = i;
        ULONG forms = 1;
        ULONG taken = 0;

        while (first + forms < list->Count && is_alternative(&list->Descriptors[first + forms]))
            forms++;
        if (list->Descriptors[first].Type == CmResourceTypeInterrupt) {
            taken = attempt < forms ? attempt : forms - 1;
            *more |= attempt + 1 < forms;
        }
        choice->descriptors[choice->count++] = &list->Descriptors[first + taken];
        i += forms;
    }
}

static uint32_t choice_messages(const struct pnp_choice *choice)
{
    uint32_t count = 0;
    ULONG i;

    for (i = 0; i < choice->count; i++)
        count += pnp_requirement_messages(choice->descriptors[i]);
    return count;
}

/* Keep one message of the choice: the first descriptor that has any, reduced to one. */
static void choice_reduce_to_one(struct pnp_choice *choice)
{
    bool have = false;
    ULONG i, kept = 0;

    for (i = 0; i < choice->count; i++) {
        PIO_RESOURCE_DESCRIPTOR descriptor = choice->descriptors[i];

        if (pnp_requirement_messages(descriptor) != 0) {
            if (have)
                continue;
            have = true;
            descriptor->u.Interrupt.MinimumVector = descriptor->u.Interrupt.MaximumVector;
        }
        choice->descriptors[kept++] = descriptor;
    }
    choice->count = kept;
}

/* ---- Policy --------------------------------------------------------------------------------- */

static void policy_of(const IO_RESOURCE_DESCRIPTOR *descriptor, struct irq_policy *policy)
{
    uint32_t priority = 0;

    *policy = irq_policy_default;
    policy->irql_low = priority_irql[IrqPriorityUndefined].low;
    policy->irql_high = priority_irql[IrqPriorityUndefined].high;
    if ((descriptor->Flags & CM_RESOURCE_INTERRUPT_POLICY_INCLUDED) == 0)
        return;
    priority = (uint32_t)descriptor->u.Interrupt.PriorityPolicy;
    if (priority <= IrqPriorityHigh) {
        policy->irql_low = priority_irql[priority].low;
        policy->irql_high = priority_irql[priority].high;
    }
    if (descriptor->u.Interrupt.AffinityPolicy == IrqPolicySpreadMessagesAcrossAllProcessors) {
        policy->spread = true;
    } else if (descriptor->u.Interrupt.AffinityPolicy == IrqPolicySpecifiedProcessors) {
        USHORT group = descriptor->u.Interrupt.Group;
        KAFFINITY active;

        if (group == ALL_PROCESSOR_GROUPS) /* RES-IO-13: targets are ignored then */
            return;
        active = KeQueryGroupAffinity(group);
        policy->affinity = descriptor->u.Interrupt.TargetedProcessors & active; /* RES-REG-10 */
        policy->group = policy->affinity == 0 ? 0 : group;
    }
}

static bool policies_equal(const struct irq_policy *left, const struct irq_policy *right)
{
    return left->affinity == right->affinity && left->group == right->group &&
           left->spread == right->spread && left->irql_low == right->irql_low &&
           left->irql_high == right->irql_high;
}

/* ---- Lines ---------------------------------------------------------------------------------- */

static void lines_release(struct pnp_devnode *node)
{
    struct pnp_lines *lines = node->lines;
    uint32_t i;

    if (lines == NULL)
        return;
    for (i = 0; i < lines->count; i++)
        irq_line_release(lines->lines[i]);
    if (lines->messages)
        node->ops->messages_destroy(node->pdo);
    io_free(lines);
    node->lines = NULL;
}

static struct pnp_lines *lines_allocate(uint32_t count)
{
    struct pnp_lines *lines =
        io_allocate(sizeof(*lines) + count * sizeof(lines->lines[0]), IO_TAG_PNP);

    return lines;
}

/* Vectors for messages that are not one block: runs of equal policy, one call each. */
static NTSTATUS messages_assign(const struct pnp_choice *choice, struct pnp_lines *lines,
                                uint32_t count)
{
    struct irq_policy policies[2];
    NTSTATUS status = STATUS_SUCCESS;
    uint32_t start = 0;
    uint32_t at = 0;
    ULONG i;

    for (i = 0; i < choice->count && NT_SUCCESS(status); i++) {
        uint32_t messages = pnp_requirement_messages(choice->descriptors[i]);

        if (messages == 0)
            continue;
        policy_of(choice->descriptors[i], &policies[1]);
        if (at > start && !policies_equal(&policies[0], &policies[1])) {
            status = irq_line_assign(lines->lines + start, at - start, false, &policies[0]);
            if (NT_SUCCESS(status))
                lines->count = start = at;
        }
        policies[0] = policies[1];
        at += messages;
    }
    if (NT_SUCCESS(status) && start < count) {
        status = irq_line_assign(lines->lines + start, count - start, false, &policies[0]);
        if (NT_SUCCESS(status))
            lines->count = count;
    }
    return status;
}

static NTSTATUS block_assign(const struct pnp_choice *choice, struct pnp_lines *lines,
                             uint32_t count)
{
    struct irq_policy policy = irq_policy_default;
    NTSTATUS status;
    ULONG i;

    for (i = 0; i < choice->count; i++)
        if (pnp_requirement_messages(choice->descriptors[i]) != 0)
            policy_of(choice->descriptors[i], &policy);
    status = irq_line_assign(lines->lines, count, true, &policy);
    if (NT_SUCCESS(status))
        lines->count = count;
    return status;
}

static NTSTATUS messages_take(struct pnp_devnode *node, const struct pnp_choice *choice,
                              uint32_t count)
{
    struct pnp_lines *lines = lines_allocate(count);
    NTSTATUS status;
    bool block;

    if (lines == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    status = node->ops->messages_create(node->pdo, count, lines->lines, &block);
    if (!NT_SUCCESS(status)) {
        io_free(lines);
        return status;
    }
    lines->messages = true;
    node->lines = lines;
    status = block ? block_assign(choice, lines, count) : messages_assign(choice, lines, count);
    if (NT_SUCCESS(status))
        status = node->ops->messages_enable(node->pdo);
    if (!NT_SUCCESS(status))
        lines_release(node);
    return status;
}

/* Line interrupts of the choice, usually one. */
static NTSTATUS lines_take(struct pnp_devnode *node, const struct pnp_choice *choice)
{
    NTSTATUS status = STATUS_SUCCESS;
    ULONG i;

    node->lines = lines_allocate(choice->count);
    if (node->lines == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    for (i = 0; i < choice->count && NT_SUCCESS(status); i++) {
        PIO_RESOURCE_DESCRIPTOR descriptor = choice->descriptors[i];
        struct irq_policy policy;
        struct irq_line *line;

        if (descriptor->Type != CmResourceTypeInterrupt)
            continue;
        policy_of(descriptor, &policy);
        status = node->ops->line_get(node->pdo, descriptor->u.Interrupt.MinimumVector, &line);
        if (NT_SUCCESS(status))
            status = irq_line_assign(&line, 1, false, &policy);
        if (NT_SUCCESS(status))
            node->lines->lines[node->lines->count++] = line;
    }
    if (!NT_SUCCESS(status))
        lines_release(node);
    return status;
}

static bool choice_has_interrupt(const struct pnp_choice *choice)
{
    ULONG i;

    for (i = 0; i < choice->count; i++)
        if (choice->descriptors[i]->Type == CmResourceTypeInterrupt)
            return true;
    return false;
}

static NTSTATUS choice_take(struct pnp_devnode *node, const struct pnp_choice *choice)
{
    uint32_t messages = choice_messages(choice);
    NTSTATUS status = STATUS_SUCCESS;

    if (choice_has_interrupt(choice)) {
        if (node->ops == NULL || (messages != 0 && !ke_version_has_messages()))
            return STATUS_NOT_SUPPORTED;
        if (messages > PNP_MESSAGES_MAX ||
            pnp_device_messages_allowed(node->pdo, messages) < messages)
            return STATUS_INSUFFICIENT_RESOURCES;
        status = messages != 0 ? messages_take(node, choice, messages) : lines_take(node, choice);
    }
    if (NT_SUCCESS(status)) {
        status = pnp_resource_lists_build(node, choice);
        if (!NT_SUCCESS(status))
            lines_release(node);
    }
    return status;
}

static NTSTATUS list_try(struct pnp_devnode *node, PIO_RESOURCE_LIST list,
                         struct pnp_choice *choice)
{
    NTSTATUS status;
    bool more = true;
    ULONG attempt;

    for (attempt = 0; more; attempt++) {
        choice_make(list, attempt, choice, &more);
        status = choice_take(node, choice);
        if (NT_SUCCESS(status))
            return status;
    }
    return status;
}

NTSTATUS pnp_resources_assign(struct pnp_devnode *node)
{
    PIO_RESOURCE_REQUIREMENTS_LIST requirements;
    PIO_RESOURCE_LIST list;
    struct pnp_choice *choice;
    NTSTATUS status;
    ULONG largest = 0;
    ULONG i;

    status = pnp_requirements_fetch(node);
    if (!NT_SUCCESS(status))
        return status;
    requirements = node->requirements;
    if (requirements == NULL || requirements->AlternativeLists == 0)
        return STATUS_SUCCESS;
    for (i = 0, list = requirements->List; i < requirements->AlternativeLists; i++) {
        largest = list->Count > largest ? list->Count : largest;
        list = pnp_requirements_next(list);
    }
    choice = io_allocate(sizeof(*choice) + largest * sizeof(choice->descriptors[0]), IO_TAG_PNP);
    if (choice == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    status = STATUS_INSUFFICIENT_RESOURCES;
    for (i = 0, list = requirements->List; i < requirements->AlternativeLists; i++) {
        status = list_try(node, list, choice);
        if (NT_SUCCESS(status))
            break;
        list = pnp_requirements_next(list);
    }
    if (!NT_SUCCESS(status)) {
        bool more;

        choice_make(requirements->List, 0, choice, &more);
        if (choice_messages(choice) > 1) {
            choice_reduce_to_one(choice);
            status = choice_take(node, choice);
        }
    }
    io_free(choice);
    return status;
}

void pnp_resources_release(struct pnp_devnode *node)
{
    io_interrupt_assignment_set(node->pdo, NULL);
    io_connection_expect_none(node->pdo);
    lines_release(node);
    io_free(node->assignment);
    io_free(node->raw);
    io_free(node->translated);
    node->assignment = NULL;
    node->raw = NULL;
    node->translated = NULL;
}
