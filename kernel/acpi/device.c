/*
 * Devices of the namespace that interrupt without PCI: serial ports, keyboard, clock, timers.
 *
 * What they have is what _CRS says is set now; nothing is moved. An IRQ descriptor of the old kind
 * names an ISA interrupt, which the MADT's overrides lead to a GSI and may say how it signals; an
 * extended one names a GSI (ACPI 6.5 6.4.2.1, 6.4.3.6).
 */
#include <hal/ioapic.h>
#include <lib/format.h>
#include <lib/log.h>
#include <lib/string.h>

#include "acpi/eval.h"

#define LINK_HID "PNP0C0F"
#define HPET_HID "PNP0103"

static struct acpi_node *node_first, *node_last;

const struct acpi_node *acpi_node_next(const struct acpi_node *previous)
{
    return previous != NULL ? previous->next : node_first;
}

/* ---- Resources ----------------------------------------------------------------------------- */

static struct acpi_item *item_add(struct acpi_node *node, enum acpi_item_kind kind)
{
    struct acpi_item *item;

    if (node->item_count == ACPI_ITEMS_MAX)
        return NULL;
    item = &node->items[node->item_count++];
    item->kind = kind;
    return item;
}

static void range_add(struct acpi_node *node, enum acpi_item_kind kind, uint64_t start,
                      uint64_t length)
{
    struct acpi_item *item = length > 0 ? item_add(node, kind) : NULL;

    if (item == NULL)
        return;
    item->start = start;
    item->length = length;
    item->is_writable = true;
}

static struct hal_gsi_mode mode_of(uint8_t triggering, uint8_t polarity)
{
    return (struct hal_gsi_mode){
        .trigger = triggering == ACPI_EDGE_SENSITIVE ? IRQ_TRIGGER_LATCHED : IRQ_TRIGGER_LEVEL,
        .polarity = polarity == ACPI_ACTIVE_LOW ? IRQ_ACTIVE_LOW : IRQ_ACTIVE_HIGH,
    };
}

static void isa_line_add(struct acpi_node *node, const struct acpi_resource_irq *irq, uint32_t i)
{
    struct acpi_item *item = item_add(node, ACPI_ITEM_LINE);
    struct hal_gsi_mode isa_mode;

    if (item == NULL)
        return;
    item->mode = mode_of(irq->triggering, irq->polarity);
    item->is_shared = irq->shareable == ACPI_SHARED;
    if (!hal_isa_gsi(irq->interrupts[i], &item->gsi, &isa_mode)) {
        node->item_count--;
        return;
    }
    if (hal_gsi_override(item->gsi, &isa_mode))
        item->mode = isa_mode;
}

static void lines_add(struct acpi_node *node, const struct acpi_resource_extended_irq *irq)
{
    for (u32 i = 0; i < irq->interrupt_count; i++) {
        struct acpi_item *item = item_add(node, ACPI_ITEM_LINE);

        if (item == NULL)
            return;
        item->gsi.value = irq->interrupts[i];
        item->mode = mode_of(irq->triggering, irq->polarity);
        item->is_shared = irq->shareable == ACPI_SHARED;
    }
}

static void address_add(struct acpi_node *node, struct acpi_resource *resource)
{
    struct acpi_resource_address64 address;

    if (ACPI_FAILURE(acpi_resource_to_address64(resource, &address)) ||
        address.producer_consumer == ACPI_PRODUCER)
        return;
    if (address.resource_type == ACPI_MEMORY_RANGE)
        range_add(node, ACPI_ITEM_MEMORY, address.address.minimum, address.address.address_length);
    else if (address.resource_type == ACPI_IO_RANGE)
        range_add(node, ACPI_ITEM_PORT, address.address.minimum, address.address.address_length);
}

static acpi_status resource_note(struct acpi_resource *resource, void *context)
{
    struct acpi_node *node = context;
    union acpi_resource_data *data = &resource->data;

    switch (resource->type) {
    case ACPI_RESOURCE_TYPE_IRQ:
        for (uint32_t i = 0; i < data->irq.interrupt_count; i++)
            isa_line_add(node, &data->irq, i);
        break;
    case ACPI_RESOURCE_TYPE_EXTENDED_IRQ:
        lines_add(node, &data->extended_irq);
        break;
    case ACPI_RESOURCE_TYPE_IO:
        range_add(node, ACPI_ITEM_PORT, data->io.minimum, data->io.address_length);
        break;
    case ACPI_RESOURCE_TYPE_FIXED_IO:
        range_add(node, ACPI_ITEM_PORT, data->fixed_io.address, data->fixed_io.address_length);
        break;
    case ACPI_RESOURCE_TYPE_MEMORY24: /* in units of 256 bytes */
        range_add(node, ACPI_ITEM_MEMORY, (uint64_t)data->memory24.minimum << 8,
                  (uint64_t)data->memory24.address_length << 8);
        break;
    case ACPI_RESOURCE_TYPE_MEMORY32:
        range_add(node, ACPI_ITEM_MEMORY, data->memory32.minimum, data->memory32.address_length);
        break;
    case ACPI_RESOURCE_TYPE_FIXED_MEMORY32:
        range_add(node, ACPI_ITEM_MEMORY, data->fixed_memory32.address,
                  data->fixed_memory32.address_length);
        break;
    default:
        address_add(node, resource);
        break;
    }
    return AE_OK;
}

/* ---- Devices ------------------------------------------------------------------------------- */

static bool is_wanted(const struct acpi_node *node)
{
    if (strcmp(node->hid, HPET_HID) == 0)
        return true;
    for (uint32_t i = 0; i < node->item_count; i++) {
        if (node->items[i].kind == ACPI_ITEM_LINE)
            return true;
    }
    return false;
}

static void uid_read(acpi_handle handle, char uid[ACPI_UID_MAX])
{
    union acpi_object *object;

    uid[0] = '\0';
    if (ACPI_FAILURE(acpi_eval(handle, METHOD_NAME__UID, &object)))
        return;
    if (object->type == ACPI_TYPE_INTEGER)
        lib_snprintf(uid, ACPI_UID_MAX, "%llu", (unsigned long long)object->integer.value);
    else if (object->type == ACPI_TYPE_STRING)
        lib_strlcpy(uid, object->string.pointer, ACPI_UID_MAX);
    acpi_eval_free(object);
}

static bool is_working(acpi_handle handle)
{
    uint64_t sta, both = ACPI_STA_DEVICE_PRESENT | ACPI_STA_DEVICE_ENABLED;

    return !acpi_eval_integer(handle, METHOD_NAME__STA, &sta) || (sta & both) == both;
}

static void node_note(acpi_handle handle, void *context)
{
    static struct acpi_node found;
    struct acpi_node *node;

    (void)context;
    memset(&found, 0, sizeof(found));
    acpi_eval_hid(handle, found.hid);
    if (found.hid[0] == '\0' || strcmp(found.hid, LINK_HID) == 0 ||
        acpi_pci_root_of(handle) != NULL || !is_working(handle))
        return;
    acpi_walk_resources(handle, METHOD_NAME__CRS, resource_note, &found);
    if (!is_wanted(&found))
        return;
    node = mm_pool_alloc(sizeof(*node), ACPI_POOL_TAG);
    if (node == NULL)
        return;
    *node = found;
    node->path = acpi_eval_path(handle);
    uid_read(handle, node->uid);
    acpi_eval_cid(handle, node->cid);
    if (node_last != NULL)
        node_last->next = node;
    else
        node_first = node;
    node_last = node;
}

void acpi_nodes_init(void)
{
    acpi_eval_devices(node_note, NULL);
}
