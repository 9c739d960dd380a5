/*
 * shell/shell.h - the console as the boot order sees it.
 */
#pragma once

#include <hal/boot_info.h>

/*
 * Move the console to where `console=com1|com2|pci:BUS:DEV.FN[,BAUD]` says; without that option, or
 * where no UART answers, it stays on COM1. Once mm can map device memory; before log_set_sink(), so
 * that the log is replayed there.
 */
void shell_console_select(const char *command_line);

/*
 * inject=FAULT, any number of them: what the command of that name does, before there is a driver.
 * After mm_init(), ke_init() and irq_init().
 */
void shell_inject_options(const char *command_line);
/* The same of trace={GUID}|all[,LEVEL[,ANY[,ALL]]]. PASSIVE_LEVEL, after ex_trace_init(). */
void shell_trace_options(const char *command_line);

/*
 * The rest of the machine's life, in the calling thread. If the boot archive holds exec.txt, its
 * commands are run and the machine ends with a verdict (see exec.c); otherwise it prompts for
 * commands for ever. PASSIVE_LEVEL, after pnp_start_all().
 */
_Noreturn void shell_run(const struct boot_info *boot);
