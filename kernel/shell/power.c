/*
 * Commands about power: power.
 */
#include <lib/string.h>

#include "io/interface.h"
#include "parse/cmdline.h"
#include "pnp/fx.h"
#include "pnp/power_need.h"
#include "pnp/power_setting.h"
#include "shell/command.h"
#include "shell/table.h"

static bool list_settings(bool json)
{
    static const struct table_column columns[] = {
        {"setting", TABLE_TEXT}, {"value", TABLE_TEXT}, {"callbacks", TABLE_NUMBER}};
    struct table *table = table_begin(columns, 3, json);
    struct pnp_power_setting_info info;
    char guid[IO_GUID_TEXT_SIZE];

    for (uint32_t i = 0; pnp_power_setting_at(i, &info); i++) {
        table_text(table, "%s", info.name);
        if (info.length == sizeof(GUID)) {
            io_guid_text(&info.value.guid, guid);
            table_text(table, "%s", guid);
        } else if (info.length != 0) {
            table_text(table, "%u", (unsigned)info.value.number);
        } else {
            table_text(table, "%s", "");
        }
        table_number(table, info.callbacks);
    }
    return table_end(table);
}

/* Power requests, busy states, and how often activity was told of. */
static bool list_needs(bool json)
{
    static const struct table_column columns[] = {{"need", TABLE_TEXT},
                                                  {"driver", TABLE_TEXT},
                                                  {"count", TABLE_NUMBER},
                                                  {"flags", TABLE_HEX},
                                                  {"reason", TABLE_TEXT}};
    struct table *table = table_begin(columns, 5, json);
    struct pnp_power_need_info info;

    for (uint32_t i = 0; pnp_power_need_at(i, &info); i++) {
        table_text(table, "%s", info.what);
        table_text(table, "%s", info.driver);
        table_number(table, info.count);
        table_number(table, info.flags);
        table_text(table, "%s", info.reason);
    }
    return table_end(table);
}

/* Components of the devices that are registered with the power framework. */
static bool list_components(bool json)
{
    static const struct table_column columns[] = {
        {"device", TABLE_TEXT},    {"power", TABLE_TEXT},   {"component", TABLE_NUMBER},
        {"condition", TABLE_TEXT}, {"state", TABLE_NUMBER}, {"activations", TABLE_NUMBER}};
    struct table *table = table_begin(columns, 6, json);
    struct pnp_fx_info info;

    for (uint32_t i = 0; pnp_fx_at(i, &info); i++) {
        table_text(table, "%s", info.instance);
        table_text(table, "%s", info.power);
        table_number(table, info.component);
        table_text(table, "%s", info.condition);
        table_number(table, info.state);
        table_number(table, info.references);
    }
    return table_end(table);
}

static bool run_power(const struct shell_call *call)
{
    uint64_t value;

    if (call->argc == 0)
        return list_settings(call->json);
    if (strcmp(call->argv[0], "needs") == 0 && call->argc == 1)
        return list_needs(call->json);
    if (strcmp(call->argv[0], "components") == 0 && call->argc == 1)
        return list_components(call->json);
    if (strcmp(call->argv[0], "set") != 0 || call->argc != 3)
        return shell_fail("power: needs, components, set SETTING NUMBER, or nothing");
    if (!cmdline_number(call->argv[2], 0, UINT32_MAX, &value))
        return shell_fail("power set: %s is no number", call->argv[2]);
    return pnp_power_setting_set(call->argv[1], (ULONG)value) ||
           shell_fail("power set: %s is no setting with a number", call->argv[1]);
}

const struct shell_command shell_power_commands[] = {
    {"power", "[needs|components|set SETTING NUMBER]",
     "power settings; who needs the system to work; components of devices", 0, 3, run_power},
    {0},
};
