/*
 * Faults for whoever tests a driver: the command inject, and inject= on the kernel command line.
 *
 * What is in force is kept here, to be listed; each layer knows by itself what it has to do.
 */
#include <lib/bits.h>
#include <lib/log.h>
#include <lib/string.h>

#include "irq/injection.h"
#include "irq/vector.h"
#include "mm/pool.h"
#include "parse/cmdline.h"
#include "parse/pci_location.h"
#include "pnp/pnp.h"
#include "shell/command.h"
#include "shell/shell.h"
#include "shell/table.h"

enum { ACTIVE_MAX = 32 };

static struct injection active[ACTIVE_MAX];
static uint32_t active_count;

static bool apply(const struct injection *injection)
{
    switch (injection->kind) {
    case INJECTION_MESSAGES:
        return pnp_messages_limit(injection->location, !injection->is_off, injection->value);
    case INJECTION_VECTORS:
        irq_vectors_limit(injection->is_off ? IRQ_CLASS_SIZE : injection->value);
        return true;
    case INJECTION_POOL:
        mm_pool_inject(injection->is_off ? 0 : injection->value, injection->tag);
        return true;
    default:
        return NT_SUCCESS(irq_injection_set(injection));
    }
}

static uint64_t hits(const struct injection *injection)
{
    switch (injection->kind) {
    case INJECTION_MESSAGES:
        return pnp_messages_limit_hits(injection->location);
    case INJECTION_VECTORS:
        return irq_vectors_refused();
    case INJECTION_POOL:
        return mm_pool_injection_hits();
    default:
        return irq_injection_hits(injection);
    }
}

static uint32_t active_find(const struct injection *injection)
{
    uint32_t i = 0;

    while (i < active_count &&
           (active[i].kind != injection->kind || active[i].location != injection->location))
        i++;
    return i;
}

/* False, with a log line: it is none, or there is no room for it. */
static bool inject(const char *text)
{
    struct injection injection;
    struct parse_error error;
    uint32_t at;

    if (!injection_parse(text, &injection, &error))
        return shell_fail("inject %s: %s at %llu: %s", text, error.what,
                          (unsigned long long)error.offset, error.detail);
    at = active_find(&injection);
    if (at == ACTIVE_MAX || !apply(&injection))
        return shell_fail("inject %s: too many faults", text);
    if (!injection.is_off) {
        active[at] = injection;
        active_count += at == active_count;
    } else if (at < active_count) {
        active[at] = active[--active_count];
    }
    return true;
}

static bool show(bool json)
{
    static const struct table_column columns[] = {
        {"fault", TABLE_TEXT}, {"device", TABLE_TEXT}, {"value", TABLE_NUMBER},
        {"tag", TABLE_TEXT},   {"done", TABLE_NUMBER},
    };
    struct table *table = table_begin(columns, ARRAY_COUNT(columns), json);

    for (uint32_t i = 0; i < active_count; i++) {
        const struct injection *injection = &active[i];
        uint32_t where = injection->location;
        char tag[5] = {0};

        memcpy(tag, &injection->tag, sizeof(injection->tag));
        table_text(table, "%s", injection_forms[injection->kind].word);
        if (where == PCI_LOCATION_NONE)
            table_text(table, "%s", "");
        else
            table_text(table, "%02x:%02x.%x", where >> 8, where >> 3 & 0x1F, where & 7);
        table_number(table, injection->value);
        table_text(table, "%s", tag);
        table_number(table, hits(injection));
    }
    return table_end(table);
}

static bool run_inject(const struct shell_call *call)
{
    char text[CMDLINE_VALUE_MAX] = "";

    if (call->argc == 0)
        return show(call->json);
    for (unsigned i = 0; i < call->argc; i++) {
        lib_strlcat(text, call->argv[i], sizeof(text));
        lib_strlcat(text, " ", sizeof(text));
    }
    return inject(text);
}

void shell_inject_options(const char *command_line)
{
    struct cmdline_iterator iterator;
    char value[CMDLINE_VALUE_MAX];

    cmdline_begin(&iterator, command_line, strlen(command_line));
    while (cmdline_next_value(&iterator, "inject", value, sizeof(value)))
        inject(value);
}

const struct shell_command shell_inject_commands[] = {
    {"inject", "[messages|vectors|share|delay|late|pool ...]",
     "faults for tests of drivers: put one in force, or list them", 0, 4, run_inject},
    {0},
};
