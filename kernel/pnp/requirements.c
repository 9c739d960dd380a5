/*
 * pnp/requirements.c - what a device asks for: its bus's requirements, the registry's interrupt
 * policy, the driver's filter.
 *
 * The order is that of RES-FLT-8: the policy is merged before the driver sees the list. A filter
 * may return the list as it is, changed in place, or another one (RES-FLT-4); what it returns is
 * checked against its own ListSize before it is read.
 *
 * Owns: fetching and checking requirement lists. Owns not: choosing (pnp/resources.c).
 */
#include <lib/log.h>
#include <lib/string.h>

#include "io/alloc.h"
#include "ke/ob.h"
#include "ke/version.h"
#include "pnp/devnode.h"
#include "pnp/override.h"
#include "pnp/requirements.h"

enum {
    LIST_HEAD = FIELD_OFFSET(IO_RESOURCE_LIST, Descriptors),
    REQUIREMENTS_HEAD = FIELD_OFFSET(IO_RESOURCE_REQUIREMENTS_LIST, List),
};

PIO_RESOURCE_LIST pnp_requirements_next(PIO_RESOURCE_LIST list)
{
    return (PIO_RESOURCE_LIST)(void *)&list->Descriptors[list->Count];
}

/* Does every alternative list lie within ListSize? */
static bool requirements_sound(PIO_RESOURCE_REQUIREMENTS_LIST requirements)
{
    const char *end = (const char *)requirements + requirements->ListSize;
    PIO_RESOURCE_LIST list = requirements->List;
    ULONG i;

    if (requirements->ListSize < REQUIREMENTS_HEAD)
        return false;
    for (i = 0; i < requirements->AlternativeLists; i++) {
        if ((const char *)list + LIST_HEAD > end ||
            list->Count >
                (size_t)(end - ((const char *)list + LIST_HEAD)) / sizeof(IO_RESOURCE_DESCRIPTOR))
            return false;
        list = pnp_requirements_next(list);
    }
    return true;
}

/* The registry's interrupt policy of a device (RES-REG-4 to -7). */
struct device_policy {
    bool present;
    uint32_t affinity_policy;
    uint32_t priority;
    uint64_t targets;
};

static void policy_read(struct pnp_devnode *node, struct device_policy *policy)
{
    struct cm_key *key;

    *policy = (struct device_policy){0};
    key = cm_key_open_text(node->parameters, "Interrupt Management\\Affinity Policy", false);
    if (key == NULL)
        return;
    policy->present = cm_value_get_dword(key, "DevicePolicy", &policy->affinity_policy);
    policy->present |= cm_value_get_dword(key, "DevicePriority", &policy->priority);
    policy->present |= cm_value_get_mask(key, "AssignmentSetOverride", &policy->targets);
    ob_dereference(key);
}

static void policy_merge(struct pnp_devnode *node, PIO_RESOURCE_REQUIREMENTS_LIST requirements)
{
    struct device_policy policy;
    PIO_RESOURCE_LIST list = requirements->List;
    ULONG i, j;

    policy_read(node, &policy);
    if (!policy.present)
        return;
    for (i = 0; i < requirements->AlternativeLists; i++) {
        for (j = 0; j < list->Count; j++) {
            PIO_RESOURCE_DESCRIPTOR descriptor = &list->Descriptors[j];

            if (descriptor->Type != CmResourceTypeInterrupt)
                continue;
            descriptor->Flags |= CM_RESOURCE_INTERRUPT_POLICY_INCLUDED;
            descriptor->u.Interrupt.AffinityPolicy = (IRQ_DEVICE_POLICY)policy.affinity_policy;
            descriptor->u.Interrupt.Group =
                policy.affinity_policy == IrqPolicySpecifiedProcessors ? 0 : ALL_PROCESSOR_GROUPS;
            descriptor->u.Interrupt.PriorityPolicy = (IRQ_PRIORITY)policy.priority;
            descriptor->u.Interrupt.TargetedProcessors = policy.targets;
        }
        list = pnp_requirements_next(list);
    }
}

static NTSTATUS requirements_filter(struct pnp_devnode *node, ULONG_PTR *list)
{
    IO_STACK_LOCATION location = {.MinorFunction = IRP_MN_FILTER_RESOURCE_REQUIREMENTS};
    NTSTATUS status;

    location.Parameters.FilterResourceRequirements.IoResourceRequirementList =
        (PIO_RESOURCE_REQUIREMENTS_LIST)*list;
    status = pnp_send_location(node, &location, list);
    return status == STATUS_NOT_SUPPORTED ? STATUS_SUCCESS : status;
}

NTSTATUS pnp_requirements_fetch(struct pnp_devnode *node)
{
    ULONG_PTR answer = 0;
    NTSTATUS status;

    io_free(node->boot_configuration);
    node->boot_configuration = NULL;
    if (NT_SUCCESS(pnp_send(node, IRP_MN_QUERY_RESOURCES, &answer)))
        node->boot_configuration = (PCM_RESOURCE_LIST)answer;

    io_free(node->requirements);
    node->requirements = NULL;
    answer = 0;
    status = pnp_send(node, IRP_MN_QUERY_RESOURCE_REQUIREMENTS, &answer);
    if (!NT_SUCCESS(status) && status != STATUS_NOT_SUPPORTED)
        return status;
    if (!NT_SUCCESS(status))
        answer = 0;
    if (answer != 0)
        policy_merge(node, (PIO_RESOURCE_REQUIREMENTS_LIST)answer);
    if (node->driver != NULL) {
        status = requirements_filter(node, &answer);
        if (!NT_SUCCESS(status)) {
            io_free((void *)answer);
            return status;
        }
    }
    node->requirements = (PIO_RESOURCE_REQUIREMENTS_LIST)answer;
    if (answer != 0 && !requirements_sound(node->requirements)) {
        log_error("pnp: %s: malformed IO_RESOURCE_REQUIREMENTS_LIST", node->instance);
        return STATUS_INVALID_PARAMETER;
    }
    return STATUS_SUCCESS;
}

uint32_t pnp_device_message_limit(PDEVICE_OBJECT pdo)
{
    struct pnp_devnode *node = pnp_devnode_of(pdo);
    uint32_t limit = PNP_MESSAGES_MAX;
    uint32_t supported = 0;
    struct cm_key *key;

    if (node == NULL || node->parameters == NULL || !ke_version_has_messages())
        return 0;
    key = cm_key_open_text(node->parameters,
                           "Interrupt Management\\MessageSignaledInterruptProperties", false);
    if (key == NULL)
        return 0;
    cm_value_get_dword(key, "MSISupported", &supported);
    cm_value_get_dword(key, "MessageNumberLimit", &limit);
    ob_dereference(key);
    if (supported == 0)
        return 0;
    limit = limit == 0 || limit > PNP_MESSAGES_MAX ? PNP_MESSAGES_MAX : limit;
    return pnp_device_messages_allowed(pdo, limit);
}
