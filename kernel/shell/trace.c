/*
 * The console as the controller and the consumer of event tracing: the command trace, and trace= on
 * the kernel command line.
 */
#include <lib/format.h>
#include <lib/string.h>

#include "ex/trace.h"
#include "io/interface.h"
#include "io/wmi.h"
#include "parse/cmdline.h"
#include "shell/command.h"
#include "shell/shell.h"
#include "shell/table.h"

enum { GUID_UNITS = 38, DATA_SHOWN = 64, TEXT_SHOWN = 256, ENABLE_WORDS = 4 };
enum { SHOWN_MAX = 4096 /* at once: they may be written on and on */ };

static unsigned char data[EX_TRACE_DATA_MAX]; /* one command runs at a time */

static void add_guid(struct table *table, bool has, const GUID *guid)
{
    char text[IO_GUID_TEXT_SIZE] = "";

    if (has)
        io_guid_text(guid, text);
    table_text(table, "%s", text);
}

/* A string as text, other data as hex, its beginning. */
static void add_data(struct table *table, const struct ex_trace_record *record)
{
    char text[TEXT_SHOWN] = "";
    uint32_t shown = record->data_size < DATA_SHOWN ? record->data_size : DATA_SHOWN;

    if (record->kind == EX_TRACE_STRING)
        lib_utf8_cut(text, sizeof(text), (const uint16_t *)(const void *)data,
                     record->data_size / sizeof(uint16_t) - 1);
    else
        for (uint32_t i = 0; i < shown; i++)
            lib_snprintf(text + 2 * (size_t)i, sizeof(text) - 2 * (size_t)i, "%02x", data[i]);
    table_text(table, "%s", text);
}

static void add_record(struct table *table, const struct ex_trace_record *record)
{
    static const char *const kinds[] = {
        [EX_TRACE_EVENT] = "event", [EX_TRACE_STRING] = "string", [EX_TRACE_MESSAGE] = "message"};

    table_number(table, (uint64_t)record->time.QuadPart);
    table_number(table, record->cpu);
    table_number(table, record->thread);
    add_guid(table, true, &record->id);
    table_text(table, "%s", kinds[record->kind]);
    table_number(table, record->descriptor.Id);
    table_number(table, record->descriptor.Version);
    table_number(table, record->descriptor.Level);
    table_number(table, record->descriptor.Opcode);
    table_number(table, record->descriptor.Keyword);
    add_guid(table, record->has_activity, &record->activity);
    add_guid(table, record->has_related, &record->related);
    table_number(table, record->sequence);
    table_number(table, record->data_size);
    add_data(table, record);
}

static bool show(bool json)
{
    static const struct table_column columns[] = {
        {"time", TABLE_NUMBER},     {"cpu", TABLE_NUMBER},    {"thread", TABLE_NUMBER},
        {"provider", TABLE_TEXT},   {"kind", TABLE_TEXT},     {"id", TABLE_NUMBER},
        {"version", TABLE_NUMBER},  {"level", TABLE_NUMBER},  {"opcode", TABLE_NUMBER},
        {"keyword", TABLE_HEX},     {"activity", TABLE_TEXT}, {"related", TABLE_TEXT},
        {"sequence", TABLE_NUMBER}, {"size", TABLE_NUMBER},   {"data", TABLE_TEXT}};
    struct table *table = table_begin(columns, sizeof(columns) / sizeof(columns[0]), json);
    struct ex_trace_record record;
    bool is_complete;

    for (unsigned i = 0; i < SHOWN_MAX && ex_trace_take(&record, data); i++)
        add_record(table, &record);
    is_complete = table_end(table);
    if (ex_trace_lost() != 0 && !json)
        shell_print("%llu lost: there was no room\n", (unsigned long long)ex_trace_lost());
    return is_complete;
}

bool shell_guid_read(const char *text, GUID *guid)
{
    WCHAR units[GUID_UNITS + 1];
    UNICODE_STRING string = {.Buffer = units};
    size_t length = lib_wide_from_utf8(units, GUID_UNITS + 1, text, strlen(text));

    string.Length = string.MaximumLength = GUID_UNITS * sizeof(WCHAR);
    return length == GUID_UNITS && NT_SUCCESS(RtlGUIDFromString(&string, guid));
}

static bool take_provider(const char *text, struct ex_trace_enabling *enabling)
{
    if (strcmp(text, "all") == 0) {
        enabling->is_every = true;
        return true;
    }
    return shell_guid_read(text, &enabling->id) ||
           shell_fail("%s: no provider: {GUID} or all", text);
}

/* {GUID}|all [LEVEL [ANY [ALL]]] */
static bool enable(unsigned argc, char *const *argv)
{
    struct ex_trace_enabling enabling = {0};
    uint64_t level = 0;
    NTSTATUS status;

    if (!take_provider(argv[0], &enabling))
        return false;
    if ((argc > 1 && !cmdline_number(argv[1], 0, UINT8_MAX, &level)) ||
        (argc > 2 && !cmdline_number(argv[2], 0, UINT64_MAX, &enabling.any)) ||
        (argc > 3 && !cmdline_number(argv[3], 0, UINT64_MAX, &enabling.all)))
        return shell_fail("a level is 0 to 255, keywords are numbers");
    enabling.level = (uint8_t)level;
    status = ex_trace_enable(&enabling);
    io_wmi_trace_changed();
    return NT_SUCCESS(status) || shell_fail_status(argv[0], status);
}

void shell_trace_options(const char *command_line)
{
    struct cmdline_iterator iterator;
    char value[CMDLINE_VALUE_MAX];

    cmdline_begin(&iterator, command_line, strlen(command_line));
    while (cmdline_next_value(&iterator, "trace", value, sizeof(value))) {
        char *words[ENABLE_WORDS] = {value};
        unsigned count = 1;

        for (char *at = value; *at != '\0' && count < ENABLE_WORDS; at++) {
            if (*at == ',') {
                *at = '\0';
                words[count++] = at + 1;
            }
        }
        enable(count, words);
    }
}

static bool switch_off(const struct shell_call *call)
{
    struct ex_trace_enabling enabling = {0};
    bool found;

    if (call->argc > 2)
        return shell_fail("usage: trace off [{GUID}|all]");
    if (call->argc == 2 && !take_provider(call->argv[1], &enabling))
        return false;
    found = ex_trace_disable(call->argc == 2 ? &enabling : NULL);
    io_wmi_trace_changed();
    return found || shell_fail("that provider is not enabled");
}

static bool run_trace(const struct shell_call *call)
{
    if (call->argc == 0)
        return show(call->json);
    if (strcmp(call->argv[0], "on") == 0 && call->argc >= 2)
        return enable(call->argc - 1, call->argv + 1);
    if (strcmp(call->argv[0], "off") == 0)
        return switch_off(call);
    return shell_fail("usage: trace [on {GUID}|all [LEVEL [ANY [ALL]]] | off [{GUID}|all]]");
}

const struct shell_command shell_trace_commands[] = {
    {"trace", "[on {GUID}|all [LEVEL [ANY [ALL]]] | off [{GUID}|all]]",
     "events that providers have written since the last time; enable and disable providers", 0, 5,
     run_trace},
    {0},
};
