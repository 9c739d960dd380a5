/*
 * The console as a consumer of WMI events: wmi.
 */
#include <lib/format.h>
#include <lib/string.h>

#include "io/interface.h"
#include "io/wmi.h"
#include "shell/command.h"
#include "shell/table.h"
#include "shell/text.h"

static bool list_events(bool json)
{
    static const struct table_column columns[] = {
        {"event", TABLE_NUMBER},    {"block", TABLE_TEXT},  {"driver", TABLE_TEXT},
        {"instance", TABLE_NUMBER}, {"size", TABLE_NUMBER}, {"data", TABLE_TEXT}};
    struct table *table = table_begin(columns, 6, json);
    struct io_wmi_event_info info;
    char guid[IO_GUID_TEXT_SIZE];

    for (uint32_t i = 0; io_wmi_event_at(i, &info); i++) {
        struct text data = {0};

        for (uint32_t j = 0; j < info.size && j < IO_WMI_EVENT_DATA_SHOWN; j++)
            text_print(&data, "%02x", info.data[j]);
        io_guid_text(&info.guid, guid);
        table_number(table, info.number);
        table_text(table, "%s", guid);
        table_text(table, "%s", info.driver);
        table_number(table, info.instance);
        table_number(table, info.size);
        table_text(table, "%s", data.used == 0 ? "" : data.bytes);
        text_free(&data);
    }
    return table_end(table);
}

static bool run_wmi(const struct shell_call *call)
{
    bool enable;
    GUID guid;

    if (call->argc == 0)
        return list_events(call->json);
    enable = strcmp(call->argv[0], "enable") == 0;
    if (call->argc != 2 || (!enable && strcmp(call->argv[0], "disable") != 0))
        return shell_fail("wmi: enable or disable {GUID}, or nothing");
    if (!shell_guid_read(call->argv[1], &guid))
        return shell_fail("%s: no {GUID}", call->argv[1]);
    return io_wmi_event_want(&guid, enable) || shell_fail("wmi: too many events are enabled");
}

const struct shell_command shell_wmi_commands[] = {
    {"wmi", "[enable|disable {GUID}]",
     "events that drivers sent to WMI; which ones they are to send", 0, 2, run_wmi},
    {0},
};
