/*
 * Commands about the console and the machine as a whole: help, about, boottime, log, reboot,
 * poweroff.
 */
#include <hal/hal.h>
#include <lib/log.h>
#include <lib/string.h>

#include <cpuid.h>

#include "ke/boot_time.h"
#include "pnp/pnp.h"
#include "shell/command.h"
#include "shell/table.h"

enum { MICROSECONDS = 1000000 };

static bool run_help(const struct shell_call *call)
{
    static const struct table_column columns[] = {
        {"command", TABLE_TEXT},
        {"arguments", TABLE_TEXT},
        {"does", TABLE_TEXT},
    };
    const struct shell_command *command = NULL;
    struct table *table = table_begin(columns, 3, call->json);

    while ((command = shell_command_next(command)) != NULL) {
        if (call->argc == 1 && strcmp(call->argv[0], command->name) != 0)
            continue;
        table_text(table, "%s", command->name);
        table_text(table, "%s", command->arguments);
        table_text(table, "%s", command->help);
    }
    return table_end(table);
}

/* SDM 2A "CPUID": leaves 80000002H to 80000004H hold the brand string. */
static void read_cpu_brand(char brand[49])
{
    enum { BRAND_FIRST = 0x80000002, BRAND_LAST = 0x80000004 };
    uint32_t words[12] = {0};

    for (uint32_t leaf = BRAND_FIRST; leaf <= BRAND_LAST; leaf++) {
        uint32_t *w = words + (leaf - BRAND_FIRST) * 4;

        __get_cpuid(leaf, &w[0], &w[1], &w[2], &w[3]);
    }
    memcpy(brand, words, 48);
    brand[48] = '\0';
}

static bool run_about(const struct shell_call *call)
{
    static const struct table_column columns[] = {{"what", TABLE_TEXT}, {"value", TABLE_TEXT}};
    struct table *table = table_begin(columns, 2, call->json);
    const char *text;
    char brand[49];

    read_cpu_brand(brand);
    for (text = brand; *text == ' '; text++)
        ;
    table_text(table, "kernel");
    table_text(table, "dirql: Windows' interrupt API on bare x86-64");
    table_text(table, "boot protocol");
    table_text(table, "%s", shell_boot_info->protocol);
    table_text(table, "command line");
    table_text(table, "%s", shell_boot_info->command_line);
    table_text(table, "processor");
    table_text(table, "%s", text);
    table_text(table, "processors");
    table_text(table, "%u", hal_cpu_count());
    table_text(table, "APIC mode");
    table_text(table, "%s", hal_apic_is_x2() ? "x2APIC" : "xAPIC");
    table_text(table, "TSC");
    table_text(table, "%llu Hz", (unsigned long long)hal_tsc_frequency());
    return table_end(table);
}

/*
 * The TSC counts from reset where firmware leaves it alone, as QEMU's does: its value when the
 * console started is how long the machine took to get there.
 */
static bool run_boottime(const struct shell_call *call)
{
    static const struct table_column columns[] = {
        {"step", TABLE_TEXT},
        {"ticks", TABLE_NUMBER},
        {"microseconds", TABLE_NUMBER},
    };
    struct table *table = table_begin(columns, 3, call->json);
    uint64_t frequency = hal_tsc_frequency() / MICROSECONDS;
    struct ke_boot_mark mark;
    uint64_t before = 0;

    if (frequency == 0)
        frequency = 1;
    for (uint32_t i = 0; ke_boot_mark_at(i, &mark); i++) {
        table_text(table, "%s", mark.done);
        table_number(table, mark.tsc - before);
        table_number(table, (mark.tsc - before) / frequency);
        before = mark.tsc;
    }
    table_text(table, "sum");
    table_number(table, before);
    table_number(table, before / frequency);
    return table_end(table);
}

static bool run_log(const struct shell_call *call)
{
    char piece[512];
    uint64_t cursor = 0;
    size_t length;

    (void)call;
    while ((length = log_read(&cursor, piece, sizeof(piece))) > 0)
        log_console(piece, length);
    return true;
}

static bool run_reboot(const struct shell_call *call)
{
    (void)call;
    pnp_shutdown(PowerActionShutdownReset);
    hal_machine_reboot();
}

static bool run_poweroff(const struct shell_call *call)
{
    (void)call;
    pnp_shutdown(PowerActionShutdownOff);
    hal_machine_power_off();
}

const struct shell_command shell_general_commands[] = {
    {"help", "[COMMAND]", "list the commands; all that print a table take -j", 0, 1, run_help},
    {"about", "", "kernel, boot, processor", 0, 0, run_about},
    {"boottime", "", "how long each step of the boot took", 0, 0, run_boottime},
    {"log", "", "the kernel's log again, from memory", 0, 0, run_log},
    {"reboot", "", "remove every device and reset the machine", 0, 0, run_reboot},
    {"poweroff", "", "remove every device and switch off", 0, 0, run_poweroff},
    {0},
};
