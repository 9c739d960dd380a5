/*
 * Commands about interrupt remapping: remap.
 */
#include <hal/remap.h>
#include <lib/string.h>

#include "bus/remap_faults.h"
#include "shell/command.h"
#include "shell/table.h"

static bool run_units(bool json)
{
    static const struct table_column columns[] = {
        {"unit", TABLE_TEXT},     {"segment", TABLE_NUMBER}, {"registers", TABLE_HEX},
        {"extended", TABLE_FLAG}, {"entries", TABLE_NUMBER}, {"table", TABLE_HEX},
        {"log", TABLE_HEX},
    };
    struct table *table = table_begin(columns, 7, json);
    struct hal_remap_unit_info info;

    for (uint32_t i = 0; hal_remap_unit_at(i, &info); i++) {
        table_text(table, "%s", info.name);
        table_number(table, info.segment);
        table_number(table, info.registers);
        table_number(table, info.is_extended);
        table_number(table, info.entries_used);
        table_number(table, info.table);
        table_number(table, info.log);
    }
    return table_end(table);
}

static bool run_faults(bool json)
{
    static const struct table_column columns[] = {
        {"requester", TABLE_TEXT},
        {"fault", TABLE_TEXT},
        {"last", TABLE_HEX},
        {"count", TABLE_NUMBER},
    };
    struct table *table = table_begin(columns, 4, json);
    char name[REMAP_FAULT_NAME_MAX];
    struct remap_fault_count row;

    remap_faults_collect();
    for (uint32_t i = 0; remap_fault_at(i, &row); i++) {
        remap_fault_name(&row.fault, name);
        table_text(table, "%s", name);
        table_text(table, "%s", row.fault.what);
        table_number(table, row.fault.detail);
        table_number(table, row.count);
    }
    return table_end(table);
}

static bool run_remap(const struct shell_call *call)
{
    if (call->argc == 1 && strcmp(call->argv[0], "faults") != 0)
        return shell_fail("usage: remap [faults]");
    if (!hal_remap_is_on())
        return shell_fail("interrupts are not remapped here");
    return call->argc == 0 ? run_units(call->json) : run_faults(call->json);
}

const struct shell_command shell_remap_commands[] = {
    {"remap", "[faults]", "interrupt remapping: units; what they have blocked", 0, 1, run_remap},
    {0},
};
