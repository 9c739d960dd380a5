/*
 * pnp/lists.c - drivers, devices and resources for the console, copied out by index.
 *
 * Device lists take the tree lock only, so they work while an action is stuck in a driver; a field
 * that an action is changing may be the old or the new one.
 */
#include <lib/string.h>

#include "io/driver.h"
#include "pnp/devnode.h"
#include "pnp/pnp.h"

static void driver_count_devices(const struct pnp_driver *driver, struct pnp_driver_info *info)
{
    struct pnp_devnode *node;
    KIRQL irql = pnp_tree_lock();

    for (node = pnp_devnode_next(&pnp_root, &pnp_root); node != NULL;
         node = pnp_devnode_next(&pnp_root, node)) {
        if (!pnp_stack_has(node, driver))
            continue;
        info->device_count++;
        info->started_count += node->state == PNP_STARTED;
    }
    pnp_tree_unlock(irql);
}

static const char *driver_state(const struct pnp_driver *driver, const struct pnp_driver_info *info)
{
    if (driver->object == NULL)
        return driver->tried ? "failed" : "not loaded";
    if (driver->object->DriverExtension->AddDevice == NULL || info->started_count != 0)
        return "running";
    return info->device_count != 0 ? "stopped" : "loaded";
}

/* The n-th built-in driver. */
struct builtin_search {
    uint32_t left;
    struct pnp_driver_info *info;
    bool found;
};

static void builtin_visit(struct io_driver *driver, void *context)
{
    struct builtin_search *search = context;

    if (!driver->builtin || search->found)
        return;
    if (search->left-- != 0)
        return;
    search->found = true;
    lib_strlcpy(search->info->name, driver->name, sizeof(search->info->name));
    lib_strlcpy(search->info->file, "(built in)", sizeof(search->info->file));
    search->info->state = "running";
}

bool pnp_driver_at(uint32_t index, struct pnp_driver_info *info)
{
    struct builtin_search search = {.info = info};
    const struct pnp_driver *driver = pnp_driver_list;

    memset(info, 0, sizeof(*info));
    while (driver != NULL && index != 0) {
        driver = driver->next;
        index--;
    }
    if (driver == NULL) {
        search.left = index;
        io_driver_for_each(builtin_visit, &search);
        return search.found;
    }
    lib_strlcpy(info->name, driver->service, sizeof(info->name));
    lib_strlcpy(info->file, driver->file, sizeof(info->file));
    info->status = driver->status;
    info->named = driver->named;
    driver_count_devices(driver, info);
    info->state = driver_state(driver, info);
    if (driver->object != NULL) {
        info->base = (uint64_t)driver->object->DriverStart;
        info->size = driver->object->DriverSize;
    }
    return true;
}

/* Tree lock held. */
static struct pnp_devnode *device_find(uint32_t index)
{
    struct pnp_devnode *node = &pnp_root;

    while (node != NULL && index-- != 0)
        node = pnp_devnode_next(&pnp_root, node);
    return node;
}

static ULONG resource_count(const struct pnp_devnode *node)
{
    return node->translated == NULL ? 0 : node->translated->List[0].PartialResourceList.Count;
}

static bool is_asleep(const struct pnp_devnode *node)
{
    return node->state == PNP_STARTED && node->pdo != NULL &&
           io_device_of(node->pdo)->device_power > PowerDeviceD0;
}

bool pnp_device_at(uint32_t index, struct pnp_device_info *info)
{
    const struct pnp_devnode *node;
    const struct pnp_devnode *up;
    KIRQL irql;

    memset(info, 0, sizeof(*info));
    irql = pnp_tree_lock();
    node = device_find(index);
    if (node != NULL) {
        for (up = node->parent; up != NULL; up = up->parent)
            info->depth++;
        lib_strlcpy(info->instance, node->instance, sizeof(info->instance));
        lib_strlcpy(info->description, node->description, sizeof(info->description));
        lib_strlcpy(info->location, node->location, sizeof(info->location));
        if (node->driver != NULL)
            lib_strlcpy(info->driver, node->driver->service, sizeof(info->driver));
        info->state = is_asleep(node) ? "asleep" : pnp_state_name(node->state);
        info->status = node->status;
        info->resource_count = resource_count(node);
        info->pdo = node->pdo;
    }
    pnp_tree_unlock(irql);
    return node != NULL;
}

static uint64_t range_length(const CM_PARTIAL_RESOURCE_DESCRIPTOR *descriptor)
{
    uint64_t length = descriptor->u.Generic.Length;

    if (descriptor->Type != CmResourceTypeMemoryLarge)
        return length;
    if ((descriptor->Flags & CM_RESOURCE_MEMORY_LARGE_40) != 0)
        return length << 8;
    if ((descriptor->Flags & CM_RESOURCE_MEMORY_LARGE_48) != 0)
        return length << 16;
    return length << 32;
}

static void interrupt_info(const CM_PARTIAL_RESOURCE_DESCRIPTOR *raw,
                           const CM_PARTIAL_RESOURCE_DESCRIPTOR *translated,
                           struct pnp_resource_info *info)
{
    /* Line and message descriptors have the same translated members. */
    info->vector = translated->u.Interrupt.Vector;
    info->irql = (uint8_t)translated->u.Interrupt.Level;
    info->affinity = translated->u.Interrupt.Affinity;
    info->group = translated->u.Interrupt.Group;
    info->raw_vector = raw->u.Interrupt.Vector;
    if ((translated->Flags & CM_RESOURCE_INTERRUPT_MESSAGE) != 0) {
        info->message_count = raw->u.MessageInterrupt.Raw.MessageCount;
        info->raw_vector = raw->u.MessageInterrupt.Raw.Vector;
    }
}

bool pnp_device_resource_at(uint32_t device_index, uint32_t index, struct pnp_resource_info *info)
{
    const struct pnp_devnode *node;
    bool found;
    KIRQL irql;

    memset(info, 0, sizeof(*info));
    irql = pnp_tree_lock();
    node = device_find(device_index);
    found = node != NULL && index < resource_count(node);
    if (found) {
        /* Pointers first: see pnp_resource_lists_build(). */
        const CM_PARTIAL_RESOURCE_DESCRIPTOR *raws =
            node->raw->List[0].PartialResourceList.PartialDescriptors;
        const CM_PARTIAL_RESOURCE_DESCRIPTOR *translateds =
            node->translated->List[0].PartialResourceList.PartialDescriptors;
        CM_PARTIAL_RESOURCE_DESCRIPTOR raw = raws[index];
        CM_PARTIAL_RESOURCE_DESCRIPTOR translated = translateds[index];

        info->type = translated.Type;
        info->flags = translated.Flags;
        if (translated.Type == CmResourceTypeInterrupt) {
            interrupt_info(&raw, &translated, info);
        } else {
            info->start = (uint64_t)translated.u.Generic.Start.QuadPart;
            info->length = range_length(&translated);
        }
    }
    pnp_tree_unlock(irql);
    return found;
}
