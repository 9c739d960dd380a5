/*
 * Commands that test how drivers are debugged: dbgprint, bugcheck.
 */
#include <lib/string.h>

#include "ex/debug.h"
#include "parse/cmdline.h"
#include "shell/command.h"
#include "shell/table.h"

static const struct {
    const char *name;
    uint32_t id;
} components[] = {
    {"ihvdriver", DPFLTR_IHVDRIVER_ID},
    {"default", DPFLTR_DEFAULT_ID},
};

static bool take_component(const char *text, uint32_t *id)
{
    uint64_t value;

    for (size_t i = 0; i < sizeof(components) / sizeof(components[0]); i++) {
        if (lib_stricmp(text, components[i].name) == 0) {
            *id = components[i].id;
            return true;
        }
    }
    if (!cmdline_number(text, 0, EX_DEBUG_COMPONENTS - 1, &value))
        return shell_fail("%s: no component: a number, ihvdriver or default", text);
    *id = (uint32_t)value;
    return true;
}

static bool show_filters(bool json)
{
    static const struct table_column columns[] = {{"component", TABLE_NUMBER}, {"mask", TABLE_HEX}};
    struct table *table = table_begin(columns, 2, json);

    for (uint32_t id = 0; id < EX_DEBUG_COMPONENTS; id++) {
        if (ex_debug_mask(id) == EX_DEBUG_ALL)
            continue;
        table_number(table, id);
        table_number(table, ex_debug_mask(id));
    }
    return table_end(table);
}

/* Without arguments: what is held back. */
static bool run_dbgprint(const struct shell_call *call)
{
    uint64_t mask;
    uint32_t id = 0;

    if (call->argc == 0)
        return show_filters(call->json);
    if (call->argc != 2 || !cmdline_number(call->argv[1], 0, UINT32_MAX, &mask))
        return shell_fail("usage: dbgprint [COMPONENT MASK]");
    if (!take_component(call->argv[0], &id))
        return false;
    ex_debug_mask_set(id, (uint32_t)mask);
    return true;
}

static bool run_bugcheck(const struct shell_call *call)
{
    uint64_t values[5] = {0};

    for (unsigned i = 0; i < call->argc; i++) {
        if (!cmdline_number(call->argv[i], 0, i == 0 ? UINT32_MAX : UINT64_MAX, &values[i]))
            return shell_fail("%s: not a number here", call->argv[i]);
    }
    KeBugCheckEx((ULONG)values[0], values[1], values[2], values[3], values[4]);
}

const struct shell_command shell_debugging_commands[] = {
    {"dbgprint", "[COMPONENT MASK]", "levels of a component that are printed, bit n for level n", 0,
     2, run_dbgprint},
    {"bugcheck", "CODE [P1 P2 P3 P4]", "stop the machine as a driver would", 1, 5, run_bugcheck},
    {0},
};
