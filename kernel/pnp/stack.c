/*
 * pnp/stack.c - building a device's stack: AddDevice of each driver, from below.
 *
 * The order is Windows': lower filters, function driver, upper filters, each list in the order of
 * its REG_MULTI_SZ value (LowerFilters, UpperFilters) in the device's Enum key. A filter is named
 * by its service. Where one of the drivers fails, those that were added get REMOVE_DEVICE from the
 * caller.
 *
 * Owns: the order of AddDevice. Owns not: where the values come from (pnp/inf_apply.c).
 */
#include <lib/log.h>
#include <lib/string.h>

#include "io/alloc.h"
#include "pnp/devnode.h"
#include "pnp/text.h"

static NTSTATUS add_driver(struct pnp_devnode *node, struct pnp_driver *driver)
{
    PDRIVER_ADD_DEVICE routine;
    NTSTATUS status;

    status = pnp_driver_load(driver);
    if (!NT_SUCCESS(status))
        return status;
    routine = driver->object->DriverExtension->AddDevice;
    if (routine == NULL) {
        log_error("pnp: %s: %s has no AddDevice routine", node->instance, driver->file);
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    status = routine(driver->object, node->pdo);
    if (NT_SUCCESS(status))
        node->added = true; /* there is something to send REMOVE_DEVICE to */
    else
        log_error("pnp: %s: AddDevice of %s failed: 0x%08x", node->instance, driver->file,
                  (unsigned)status);
    return status;
}

static NTSTATUS add_filter(struct pnp_devnode *node, const char *service)
{
    struct pnp_driver *driver = pnp_driver_by_name(service);

    if (driver == NULL || node->filter_count == CM_FILTERS_MAX) {
        log_error("pnp: %s: filter %s %s", node->instance, service,
                  driver == NULL ? "is not in the archive" : "is one too many");
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    node->filters[node->filter_count++] = driver;
    return add_driver(node, driver);
}

/* The value's strings with two terminators; io_free(). NULL: there is none. */
static WCHAR *filters_read(struct pnp_devnode *node, PCWSTR value)
{
    UNICODE_STRING name;
    ULONG size = 0;
    WCHAR *list;

    RtlInitUnicodeString(&name, value);
    if (node->key == NULL ||
        cm_value_get(node->key, &name, NULL, NULL, &size) == STATUS_OBJECT_NAME_NOT_FOUND)
        return NULL;
    list = io_allocate(size + 2 * sizeof(WCHAR), IO_TAG_PNP);
    if (list != NULL && !NT_SUCCESS(cm_value_get(node->key, &name, NULL, list, &size))) {
        io_free(list);
        return NULL;
    }
    return list;
}

static NTSTATUS add_filters(struct pnp_devnode *node, PCWSTR value)
{
    WCHAR *list = filters_read(node, value);
    NTSTATUS status = STATUS_SUCCESS;
    const WCHAR *at;

    for (at = list; at != NULL && *at != 0 && NT_SUCCESS(status); at += lib_wcslen(at) + 1) {
        char service[PNP_NAME_MAX];

        pnp_text_from_wide(service, sizeof(service), at);
        status = add_filter(node, service);
    }
    io_free(list);
    return status;
}

NTSTATUS pnp_stack_build(struct pnp_devnode *node)
{
    NTSTATUS status;

    node->filter_count = 0;
    status = add_filters(node, L"LowerFilters");
    if (NT_SUCCESS(status))
        status = add_driver(node, node->driver);
    if (NT_SUCCESS(status))
        status = add_filters(node, L"UpperFilters");
    return status;
}

bool pnp_stack_has(const struct pnp_devnode *node, const struct pnp_driver *driver)
{
    uint32_t i;

    for (i = 0; i < node->filter_count; i++)
        if (node->filters[i] == driver)
            return true;
    return node->driver == driver;
}
