/*
 * _PRT: which GSI, or which link, an INTx pin of a bus is wired to.
 *
 * Every _PRT of the namespace is evaluated once, into structs of our own: entries of one table can
 * be malformed, doubled, or name pins past D, and cost no more than themselves. A table belongs to
 * the bridge it stands below: the chain of _ADRs up to the root bridge finds that bridge among the
 * PCI functions, and its secondary bus is what the entries are about.
 *
 * Links are led somewhere at the first question about a pin that needs them (link.c).
 *
 * ACPI 6.5 6.2.13 "_PRT", 6.1.1 "_ADR".
 */
#include <hal/hal.h>
#include <hw/pci.h>
#include <lib/log.h>
#include <lib/string.h>

#include "acpi/eval.h"

enum {
    PRT_ADDRESS, /* elements of an entry */
    PRT_PIN,
    PRT_SOURCE,
    PRT_INDEX,
    PRT_ELEMENTS,
};

static struct acpi_prt *prt_first, *prt_last;

/* ---- Where a table belongs ----------------------------------------------------------------- */

/* The hops are met from the bridge upward. */
static void hops_turn(uint16_t *hops, uint32_t count)
{
    for (uint32_t i = 0; i < count / 2; i++) {
        uint16_t hop = hops[i];

        hops[i] = hops[count - 1 - i];
        hops[count - 1 - i] = hop;
    }
}

bool acpi_pci_hops(acpi_handle handle, const struct acpi_pci_root **root, uint16_t *hops,
                   uint32_t *count)
{
    uint64_t address;

    while ((*root = acpi_pci_root_of(handle)) == NULL) {
        if (acpi_eval_integer(handle, METHOD_NAME__ADR, &address)) {
            if (*count == ACPI_HOPS_MAX)
                return false;
            hops[(*count)++] = (uint16_t)((address >> 16 & 0xFF) << 8 | (address & 0xFF));
        }
        if (ACPI_FAILURE(acpi_get_parent(handle, &handle)))
            return false;
    }
    hops_turn(hops, *count);
    return true;
}

/* Down the bridges from the root bus; -1 where one of them is not there. */
static int32_t prt_bus(const struct acpi_prt *prt)
{
    uint16_t segment = prt->root->segment;
    uint32_t bus = prt->root->bus;

    if (!prt->root->is_present || bus > UINT8_MAX)
        return -1;
    for (uint32_t i = 0; i < prt->hop_count; i++) {
        uint8_t devfn = (uint8_t)(prt->hops[i] >> 8 << 3 | (prt->hops[i] & 7));
        uint32_t layout;

        if (hal_pci_read(segment, (uint8_t)bus, devfn, PCI_VENDOR_ID, 2) == UINT16_MAX)
            return -1;
        layout = hal_pci_read(segment, (uint8_t)bus, devfn, PCI_HEADER_TYPE, 1);
        if (FIELD_GET(PCI_HEADER_LAYOUT, layout) != PCI_HEADER_BRIDGE)
            return -1;
        bus = hal_pci_read(segment, (uint8_t)bus, devfn, PCI_BRIDGE_SECONDARY_BUS, 1);
        if (bus == 0)
            return -1;
    }
    return (int32_t)bus;
}

/* ---- Entries ------------------------------------------------------------------------------- */

/* A reference, or a path from the bridge upward. */
static struct acpi_link *source_link(acpi_handle bridge, const union acpi_object *source)
{
    acpi_handle handle = NULL;

    if (source->type == ACPI_TYPE_LOCAL_REFERENCE)
        handle = source->reference.handle;
    else if (source->type == ACPI_TYPE_STRING &&
             ACPI_FAILURE(acpi_get_handle(bridge, source->string.pointer, &handle)))
        handle = NULL;
    return handle != NULL ? acpi_link_get(handle) : NULL;
}

static bool entry_read(acpi_handle bridge, const union acpi_object *package,
                       struct acpi_prt_entry *entry)
{
    const union acpi_object *element = package->package.elements;

    if (package->type != ACPI_TYPE_PACKAGE || package->package.count < PRT_ELEMENTS ||
        element[PRT_ADDRESS].type != ACPI_TYPE_INTEGER ||
        element[PRT_PIN].type != ACPI_TYPE_INTEGER || element[PRT_INDEX].type != ACPI_TYPE_INTEGER)
        return false;
    entry->device = (uint16_t)(element[PRT_ADDRESS].integer.value >> 16);
    entry->function = (uint16_t)element[PRT_ADDRESS].integer.value;
    entry->pin = (uint32_t)element[PRT_PIN].integer.value;
    entry->number = (uint32_t)element[PRT_INDEX].integer.value;
    if (element[PRT_SOURCE].type == ACPI_TYPE_INTEGER)
        return true;
    entry->link = source_link(bridge, &element[PRT_SOURCE]);
    return entry->link != NULL;
}

static acpi_status entries_read(struct acpi_prt *prt, acpi_handle handle)
{
    union acpi_object *table;
    acpi_status status = acpi_eval(handle, METHOD_NAME__PRT, &table);

    if (ACPI_FAILURE(status))
        return status;
    if (table->type != ACPI_TYPE_PACKAGE) {
        acpi_eval_free(table);
        return AE_TYPE;
    }
    prt->entries = mm_pool_alloc(table->package.count * sizeof(*prt->entries), ACPI_POOL_TAG);
    for (u32 i = 0; prt->entries != NULL && i < table->package.count; i++) {
        struct acpi_prt_entry *entry = &prt->entries[prt->entry_count++];

        entry->is_malformed = !entry_read(handle, &table->package.elements[i], entry);
    }
    acpi_eval_free(table);
    return prt->entries != NULL ? AE_OK : AE_NO_MEMORY;
}

static void prt_read(acpi_handle table, void *context)
{
    uint64_t sta;
    acpi_status status;
    acpi_handle handle;
    struct acpi_prt *prt;

    (void)context;
    if (ACPI_FAILURE(acpi_get_parent(table, &handle)))
        return;
    prt = mm_pool_alloc(sizeof(*prt), ACPI_POOL_TAG);
    if (prt == NULL)
        return;
    prt->path = acpi_eval_path(handle);
    acpi_eval_hid(handle, prt->hid);
    prt->sta = acpi_eval_integer(handle, METHOD_NAME__STA, &sta) ? (int64_t)sta : -1;
    prt->bus = -1;
    if (acpi_pci_hops(handle, &prt->root, prt->hops, &prt->hop_count))
        prt->bus = prt_bus(prt);
    status = entries_read(prt, handle);
    if (ACPI_FAILURE(status)) {
        prt->error = acpi_eval_status_name(status);
        log_warn("acpi: %s._PRT cannot be used: %s", prt->path, prt->error);
    }
    if (prt_last != NULL)
        prt_last->next = prt;
    else
        prt_first = prt;
    prt_last = prt;
}

void acpi_routing_init(void)
{
    acpi_eval_named(METHOD_NAME__PRT, prt_read, NULL);
}

/* ---- Answers ------------------------------------------------------------------------------- */

const struct acpi_prt *acpi_prt_next(const struct acpi_prt *previous)
{
    return previous != NULL ? previous->next : prt_first;
}

static const struct acpi_prt *prt_find(uint16_t segment, uint8_t bus)
{
    for (const struct acpi_prt *prt = prt_first; prt != NULL; prt = prt->next) {
        if (prt->bus == bus && prt->root->segment == segment && prt->error == NULL && prt->sta != 0)
            return prt;
    }
    return NULL;
}

static const struct acpi_prt_entry *entry_find(const struct acpi_prt *prt, uint8_t device,
                                               uint32_t pin)
{
    for (uint32_t i = 0; i < prt->entry_count; i++) {
        const struct acpi_prt_entry *entry = &prt->entries[i];

        if (!entry->is_malformed && entry->device == device && entry->pin == pin)
            return entry;
    }
    return NULL;
}

bool acpi_route(uint16_t segment, uint8_t bus, uint8_t device, uint32_t pin,
                struct acpi_route *route)
{
    const struct acpi_prt *prt = prt_find(segment, bus);
    const struct acpi_prt_entry *entry = prt != NULL ? entry_find(prt, device, pin) : NULL;

    if (entry == NULL)
        return false;
    *route = (struct acpi_route){.prt = prt, .entry = entry};
    if (entry->link == NULL) {
        route->gsi.value = entry->number;
        return true;
    }
    if (!acpi_link_enable(entry->link))
        return false;
    route->gsi.value = entry->link->gsi;
    route->mode = entry->link->mode;
    route->has_mode = true;
    return true;
}
