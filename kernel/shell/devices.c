/*
 * Commands about drivers and devices: drivers, devices, driver.
 */
#include <lib/format.h>
#include <lib/string.h>

#include "pnp/pnp.h"
#include "shell/command.h"
#include "shell/table.h"
#include "shell/text.h"

static bool run_drivers(const struct shell_call *call)
{
    static const struct table_column columns[] = {
        {"driver", TABLE_TEXT},    {"file", TABLE_TEXT},   {"state", TABLE_TEXT},
        {"base", TABLE_HEX},       {"size", TABLE_NUMBER}, {"devices", TABLE_NUMBER},
        {"started", TABLE_NUMBER}, {"status", TABLE_TEXT},
    };
    struct table *table = table_begin(columns, 8, call->json);
    struct pnp_driver_info info;

    for (uint32_t i = 0; pnp_driver_at(i, &info); i++) {
        table_text(table, "%s", info.name);
        table_text(table, "%s", info.file);
        table_text(table, "%s", info.state);
        table_number(table, info.base);
        table_number(table, info.size);
        table_number(table, info.device_count);
        table_number(table, info.started_count);
        if (NT_SUCCESS(info.status))
            table_text(table, "%s", "");
        else
            table_text(table, "0x%08X %s", (unsigned)info.status, shell_status_name(info.status));
    }
    return table_end(table);
}

static void describe_interrupt(const struct pnp_resource_info *resource, char *text, size_t size)
{
    if (resource->message_count > 0)
        lib_snprintf(text, size, "%u message%s vector 0x%02x irql %u cpus %u:0x%llx",
                     resource->message_count, resource->message_count > 1 ? "s" : "",
                     resource->vector, resource->irql, resource->group,
                     (unsigned long long)resource->affinity);
    else
        lib_snprintf(text, size, "line %u vector 0x%02x irql %u cpus %u:0x%llx",
                     resource->raw_vector, resource->vector, resource->irql, resource->group,
                     (unsigned long long)resource->affinity);
}

static void describe_resource(const struct pnp_resource_info *resource, char *text, size_t size)
{
    unsigned long long first = resource->start, last = first + resource->length - 1;

    switch (resource->type) {
    case CmResourceTypeMemory:
    case CmResourceTypeMemoryLarge:
        lib_snprintf(text, size, "memory 0x%llx-0x%llx", first, last);
        break;
    case CmResourceTypePort:
        lib_snprintf(text, size, "port 0x%llx-0x%llx", first, last);
        break;
    case CmResourceTypeInterrupt:
        describe_interrupt(resource, text, size);
        break;
    default:
        lib_snprintf(text, size, "resource of type %u", resource->type);
        break;
    }
}

/* As JSON one row a device, its resources a list; as a table each resource on a line of its own. */
static void add_resources(struct table *table, uint32_t device, uint32_t depth, bool json)
{
    struct pnp_resource_info resource;
    struct text list = {0};
    char text[96];

    for (uint32_t i = 0; pnp_device_resource_at(device, i, &resource); i++) {
        describe_resource(&resource, text, sizeof(text));
        if (json) {
            text_print(&list, "%s%s", i > 0 ? ", " : "", text);
        } else {
            table_text(table, "%*s%s", (int)(2 * depth + 4), "", text);
            table_fill(table);
        }
    }
    if (json)
        table_text(table, "%s", list.bytes != NULL ? list.bytes : "");
    text_free(&list);
}

static bool run_devices(const struct shell_call *call)
{
    static const struct table_column columns[] = {
        {"device", TABLE_TEXT}, {"location", TABLE_TEXT},   {"driver", TABLE_TEXT},
        {"state", TABLE_TEXT},  {"instance", TABLE_TEXT},   {"depth", TABLE_NUMBER},
        {"status", TABLE_TEXT}, {"resources", TABLE_WORDS},
    };
    enum { COLUMNS_TABLE = 5, COLUMNS_JSON = 8 };
    struct table *table =
        table_begin(columns, call->json ? COLUMNS_JSON : COLUMNS_TABLE, call->json);
    struct pnp_device_info info;

    for (uint32_t i = 0; pnp_device_at(i, &info); i++) {
        bool failed = !NT_SUCCESS(info.status);

        table_text(table, "%*s%s", call->json ? 0 : (int)(2 * info.depth), "", info.description);
        table_text(table, "%s", info.location);
        table_text(table, "%s", info.driver);
        if (failed && !call->json)
            table_text(table, "%s 0x%08X", info.state, (unsigned)info.status);
        else
            table_text(table, "%s", info.state);
        table_text(table, "%s", info.instance);
        if (call->json) {
            table_number(table, info.depth);
            if (failed)
                table_text(table, "0x%08X", (unsigned)info.status);
            else
                table_text(table, "%s", "");
        }
        add_resources(table, i, info.depth, call->json);
    }
    return table_end(table);
}

static bool run_driver(const struct shell_call *call)
{
    const char *action = call->argv[0], *name = call->argv[1];
    NTSTATUS status;

    if (strcmp(action, "start") == 0)
        status = pnp_driver_start(name);
    else if (strcmp(action, "stop") == 0)
        status = pnp_driver_stop(name);
    else if (strcmp(action, "remove") == 0)
        status = pnp_driver_remove(name);
    else if (strcmp(action, "sleep") == 0)
        status = pnp_driver_power(name, false);
    else if (strcmp(action, "wake") == 0)
        status = pnp_driver_power(name, true);
    else
        return shell_fail("driver: start, stop, remove, sleep or wake, not %s", action);
    if (!NT_SUCCESS(status))
        return shell_fail_status(name, status);
    shell_print("%s: %s done\n", name, action);
    return true;
}

const struct shell_command shell_device_commands[] = {
    {"drivers", "", "drivers and whether they run", 0, 0, run_drivers},
    {"devices", "", "the tree of devices, with resources", 0, 0, run_devices},
    {"driver", "start|stop|remove|sleep|wake NAME",
     "start, stop or remove a driver's devices, or send them to D3 or D0", 2, 2, run_driver},
    {0},
};
