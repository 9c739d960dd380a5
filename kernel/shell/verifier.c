/*
 * `verifier`: what took how long in the drivers that are verified, and the IRQLs they are held to.
 */
#include <lib/bits.h>
#include <lib/bugcheck.h>
#include <lib/string.h>

#include "shell/command.h"
#include "shell/table.h"
#include "verifier/verifier.h"

enum { NAME_SIZE = 96 };

/* Which export may be called at which IRQL, and the code of the stop where it is not. */
static bool show_rules(const struct shell_call *call)
{
    static const struct table_column columns[] = {
        {"routine", TABLE_TEXT}, {"from", TABLE_NUMBER}, {"to", TABLE_NUMBER}, {"code", TABLE_HEX}};
    struct table *table = table_begin(columns, ARRAY_COUNT(columns), call->json);

    for (uint32_t i = 0; i < verifier_irql_rule_count; i++) {
        table_text(table, "%s", verifier_irql_rules[i].name);
        table_number(table, verifier_irql_rules[i].low);
        table_number(table, verifier_irql_rules[i].high);
        table_number(table, verifier_irql_rules[i].code);
    }
    return table_end(table);
}

static bool run_verifier(const struct shell_call *call)
{
    static const struct table_column columns[] = {
        {"routine", TABLE_TEXT},      {"kind", TABLE_TEXT},       {"runs", TABLE_NUMBER},
        {"longest ns", TABLE_NUMBER}, {"too long", TABLE_NUMBER},
    };
    static const char *const kinds[] = {
        [VERIFIER_ISR] = "isr", [VERIFIER_DPC] = "dpc", [VERIFIER_LOCK] = "lock"};
    struct verifier_time time;
    struct table *table;
    char name[NAME_SIZE];

    if (call->argc > 0 && strcmp(call->argv[0], "rules") == 0)
        return show_rules(call);
    if (!verifier_is_on())
        return shell_fail("verifier: no driver is verified; the option verifier=all has them all");
    table = table_begin(columns, ARRAY_COUNT(columns), call->json);
    for (uint32_t i = 0; verifier_time_at(i, &time); i++) {
        lib_symbol_describe(time.routine, name, sizeof(name));
        table_text(table, "%s", name);
        table_text(table, "%s", kinds[time.kind]);
        table_number(table, time.runs);
        table_number(table, time.longest);
        table_number(table, time.too_long);
    }
    if (!call->json)
        shell_print("%llu calls of drivers were checked\n", (unsigned long long)verifier_calls());
    return table_end(table);
}

const struct shell_command shell_verifier_commands[] = {
    {"verifier", "[rules]",
     "times of verified drivers' routines and locks; rules: IRQLs of exports", 0, 1, run_verifier},
    {0},
};
