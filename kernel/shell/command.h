/*
 * shell/command.h - what a command is, and what it prints with.
 *
 * Each file of commands ends in one const table; shell.c lists the tables. A command prints its
 * result by shell_print() or a table (table.h), says what went wrong by shell_fail(), and returns
 * whether it succeeded. All at PASSIVE_LEVEL, in the console's thread, one command at a time.
 */
#pragma once

#include <hal/boot_info.h>
#include <nt/wdm.h>

#include "parse/console_line.h"

enum {
    SHELL_LINE_MAX = 16 * 1024, /* a line of exec.txt: hex of a few KiB fits */
    SHELL_EXIT_OK = 0x10,       /* verdicts, for hal_machine_exit() */
    SHELL_EXIT_FAILED = 0x11,
    SHELL_EXIT_NOT_STARTED = 0x15,
};

struct shell_call {
    unsigned argc; /* the command's own name not counted, nor -j */
    char **argv;
    bool json; /* -j: JSON lines instead of a table */
};

struct shell_command {
    const char *name; /* NULL ends a table */
    const char *arguments;
    const char *help;
    unsigned least; /* number of arguments */
    unsigned most;
    bool (*run)(const struct shell_call *call);
};

extern const struct shell_command shell_general_commands[];
extern const struct shell_command shell_device_commands[];
extern const struct shell_command shell_pci_commands[];
extern const struct shell_command shell_interrupt_commands[];
extern const struct shell_command shell_memory_commands[];
extern const struct shell_command shell_io_commands[];
extern const struct shell_command shell_irq_control_commands[];
extern const struct shell_command shell_job_commands[];
extern const struct shell_command shell_acpi_commands[];
extern const struct shell_command shell_object_commands[];
extern const struct shell_command shell_thread_commands[];
extern const struct shell_command shell_registry_commands[];
extern const struct shell_command shell_power_commands[];
extern const struct shell_command shell_wmi_commands[];
extern const struct shell_command shell_debugging_commands[];
extern const struct shell_command shell_trace_commands[];
extern const struct shell_command shell_inject_commands[];
extern const struct shell_command shell_verifier_commands[];
extern const struct shell_command shell_route_commands[];
extern const struct shell_command shell_apic_commands[];
extern const struct shell_command shell_ipi_commands[];
extern const struct shell_command shell_verify_commands[];
extern const struct shell_command shell_remap_commands[];

/* Visit every command, in the order of `help`. */
const struct shell_command *shell_command_next(const struct shell_command *previous);

/* To the console, in one piece, past the log. */
__attribute__((format(printf, 1, 2))) void shell_print(const char *format, ...);
/* Why a command fails, as a log line; returns false, for `return shell_fail(...)`. */
__attribute__((format(printf, 1, 2))) bool shell_fail(const char *format, ...);
/* The same for a status: "<what>: 0xC0000034 (OBJECT_NAME_NOT_FOUND)". */
bool shell_fail_status(const char *what, NTSTATUS status);
/* Its name without STATUS_, "" if it is not one of those drivers and the system commonly give. */
const char *shell_status_name(NTSTATUS status);

/* "{xxxxxxxx-xxxx-...}"; trace.c. False: it is none. */
bool shell_guid_read(const char *text, GUID *guid);

/* Cut up and run one line, which is changed. An empty line succeeds. */
bool shell_execute(char *line);

/* Commands of exec.txt; does not return if there is one. */
void shell_exec_archive(void);

extern const struct boot_info *shell_boot_info;
