/*
 * The console: its commands' tables, the line that becomes a call, and the loop around both.
 *
 * Reading a line with its editing is console.c's; commands of the boot archive are exec.c's; each
 * other file is a group of commands.
 */
#include "shell/shell.h"

#include <hal/hal.h>
#include <lib/log.h>
#include <lib/string.h>

#include "mm/pool.h"
#include "shell/command.h"
#include "shell/console.h"
#include "shell/text.h"

#define SHELL_TAG MM_TAG("Shel")

const struct boot_info *shell_boot_info;

static const struct shell_command *const command_groups[] = {
    shell_general_commands,     shell_device_commands,    shell_pci_commands,
    shell_io_commands,          shell_interrupt_commands, shell_memory_commands,
    shell_irq_control_commands, shell_job_commands,       shell_acpi_commands,
    shell_route_commands,       shell_apic_commands,      shell_verify_commands,
    shell_inject_commands,      shell_remap_commands,     shell_verifier_commands,
    shell_object_commands,      shell_thread_commands,    shell_registry_commands,
    shell_debugging_commands,   shell_ipi_commands,       shell_power_commands,
    shell_wmi_commands,         shell_trace_commands,
};

enum { GROUP_COUNT = sizeof(command_groups) / sizeof(command_groups[0]) };

const struct shell_command *shell_command_next(const struct shell_command *previous)
{
    bool take = previous == NULL;

    for (unsigned i = 0; i < GROUP_COUNT; i++) {
        for (const struct shell_command *c = command_groups[i]; c->name != NULL; c++) {
            if (take)
                return c;
            take = c == previous;
        }
    }
    return NULL;
}

static const struct shell_command *command_find(const char *name)
{
    const struct shell_command *command = NULL;

    while ((command = shell_command_next(command)) != NULL && strcmp(command->name, name) != 0)
        ;
    return command;
}

void shell_print(const char *format, ...)
{
    struct text text = {0};
    va_list arguments;

    va_start(arguments, format);
    text_vprint(&text, format, arguments);
    va_end(arguments);
    text_flush(&text);
    text_free(&text);
}

bool shell_fail(const char *format, ...)
{
    struct text text = {0};
    va_list arguments;

    va_start(arguments, format);
    text_vprint(&text, format, arguments);
    va_end(arguments);
    log_error("%s", text.bytes != NULL ? text.bytes : "");
    text_free(&text);
    return false;
}

bool shell_fail_status(const char *what, NTSTATUS status)
{
    const char *name = shell_status_name(status);

    return shell_fail("%s: 0x%08X%s%s%s", what, (unsigned)status, *name ? " (" : "", name,
                      *name ? ")" : "");
}

/* Take -j out, wherever it stands. */
static void take_options(struct shell_call *call)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < call->argc; i++) {
        if (strcmp(call->argv[i], "-j") == 0)
            call->json = true;
        else
            call->argv[kept++] = call->argv[i];
    }
    call->argc = kept;
    call->argv[kept] = NULL;
}

bool shell_execute(char *line)
{
    char *words[CONSOLE_LINE_WORDS_MAX + 1];
    const struct shell_command *command;
    struct parse_error error;
    struct shell_call call = {0};

    if (!console_line_split(line, words, CONSOLE_LINE_WORDS_MAX + 1, &call.argc, &error))
        return shell_fail("%s", error.detail);
    if (call.argc == 0)
        return true;
    command = command_find(words[0]);
    if (command == NULL)
        return shell_fail("no command %s; `help` lists them", words[0]);
    call.argc--;
    call.argv = words + 1;
    take_options(&call);
    if (call.argc < command->least || call.argc > command->most)
        return shell_fail("usage: %s %s", command->name, command->arguments);
    return command->run(&call);
}

_Noreturn void shell_run(const struct boot_info *boot)
{
    char *line = mm_pool_alloc(SHELL_LINE_MAX, SHELL_TAG);

    shell_boot_info = boot;
    shell_exec_archive();
    if (line == NULL) {
        log_error("shell: no memory for a line");
        hal_machine_halt();
    }
    for (;;) {
        console_read_line("dirql> ", line, SHELL_LINE_MAX);
        shell_execute(line);
    }
}
