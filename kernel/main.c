/*
 * main.c - the boot order, one call a line.
 *
 * Entered by arch/x86_64/start.c on the boot CPU, interrupts off, console and log working, nothing
 * else. What a step needs is in the comment behind it; the rest of each story is in its file.
 */
#include <hal/hal.h>
#include <hal/ioapic.h>
#include <hal/remap.h>
#include <hal/upcall.h>
#include <lib/bugcheck.h>
#include <lib/log.h>
#include <lib/string.h>

#include "bus/bus.h"
#include "io/connection.h"
#include "io/irp.h"
#include "irq/line.h"
#include "irq/storm.h"
#include "ex/trace.h"
#include "ke/boot_time.h"
#include "ke/ke.h"
#include "ke/ob.h"
#include "ke/threaded_dpc.h"
#include "ke/version.h"
#include "ke/watchdog.h"
#include "ldr/ldr.h"
#include "mm/mm.h"
#include "parse/cmdline.h"
#include "parse/pci_location.h"
#include "pnp/pnp.h"
#include "cm/registry.h"
#include "shell/shell.h"
#include "verifier/verifier.h"

/* bugcheck=halt|reboot|exit: what happens after a bug check has been printed. */
static void choose_bugcheck_action(const char *command_line)
{
    char value[CMDLINE_VALUE_MAX];

    if (!cmdline_get(command_line, "bugcheck", value, sizeof value))
        return;
    if (!strcmp(value, "exit"))
        lib_bugcheck_set_action(BUGCHECK_EXIT);
    else if (!strcmp(value, "reboot"))
        lib_bugcheck_set_action(BUGCHECK_REBOOT);
    else if (strcmp(value, "halt"))
        log_warn("bugcheck=%s is not halt, reboot or exit", value);
}

/* ntver=, disconnect=, storm=: what this machine pretends to be, and how strict it is. */
static void choose_behaviour(const char *command_line)
{
    char value[CMDLINE_VALUE_MAX];

    if (cmdline_get(command_line, "ntver", value, sizeof value) && !ke_version_choose(value))
        log_warn("ntver=%s is not 5.0, 5.1, 5.2, 6.0 to 6.3 or 10.0", value);
    if (cmdline_get(command_line, "disconnect", value, sizeof value))
        io_disconnect_set_lenient(!strcmp(value, "lenient"));
    if (cmdline_get(command_line, "storm", value, sizeof value))
        irq_storm_set_bugcheck(!strcmp(value, "bugcheck"));
}

/* dpctimeout=MS, dpcwatchdogperiod=MS: limits of one DPC or ISR, and of all without a break. */
static void choose_watchdog(const char *command_line)
{
    uint64_t one = KE_WATCHDOG_ONE_MS;
    uint64_t all = KE_WATCHDOG_ALL_MS;

    cmdline_get_number(command_line, "dpctimeout", 0, KE_WATCHDOG_MS_MAX, &one);
    cmdline_get_number(command_line, "dpcwatchdogperiod", 0, KE_WATCHDOG_MS_MAX, &all);
    ke_watchdog_limit(one, all);
}

/* threaddpcenable=0|1: as if the registry said so, where drivers find it, too (TDPC-3). */
static void choose_threaded_dpcs(const char *command_line)
{
    struct cm_key *key;
    uint64_t enable;

    if (!cmdline_get_number(command_line, "threaddpcenable", 0, 1, &enable))
        return;
    ke_threaded_dpc_enable(enable != 0);
    key =
        cm_key_open_text(NULL, CM_REGISTRY_CONTROL_SET "\\Control\\Session Manager\\Kernel", true);
    if (key == NULL)
        return;
    cm_value_set_dword(key, "ThreadDpcEnable", (uint32_t)enable);
    ob_dereference(key);
}

/* passive=B:D.F, any number of them: devices whose lines are assigned PASSIVE_LEVEL. */
static void choose_passive(const char *command_line)
{
    struct cmdline_iterator iterator;
    char value[CMDLINE_VALUE_MAX];
    uint32_t location;

    cmdline_begin(&iterator, command_line, strlen(command_line));
    while (cmdline_next_value(&iterator, "passive", value, sizeof value))
        if (!pci_location_parse(value, &location) || !pnp_passive_set(location))
            log_warn("passive=%s: not BUS:DEVICE.FUNCTION, or too many of them", value);
}

/* cpus=N: start no more than that. */
static uint32_t cpu_limit(const char *command_line)
{
    uint64_t limit = CPU_MAX;

    cmdline_get_number(command_line, "cpus", 1, CPU_MAX, &limit);
    return (uint32_t)limit;
}

static void add_archives(const struct boot_info *boot)
{
    for (uint32_t i = 0; i < boot->module_count; i++)
        pnp_archive_add(hal_direct_map(boot->modules[i].base), boot->modules[i].length);
}

_Noreturn void kernel_main(const struct boot_info *boot)
{
    ke_boot_mark("firmware and boot loader");
    choose_bugcheck_action(boot->command_line);
    choose_behaviour(boot->command_line);
    choose_watchdog(boot->command_line);
    mm_init(boot);                            /* memory map */
    irq_init();                               /* PCR */
    ke_init();                                /* PCR */
    shell_console_select(boot->command_line); /* mm */
    ke_boot_mark("memory");
    hal_machine_init(); /* mm: ACPI tables, local APIC, clocks */
    ke_init_threads();  /* mm */
    ke_clock_init();    /* calibrated clocks */
    hal_ioapic_init();  /* every pin masked */
    hal_remap_init(boot->command_line);
    hal_interrupts_on();
    hal_irql_write(0);
    ke_work_init(); /* threads */
    ex_trace_init();
    ke_boot_mark("local APIC and clocks");
    hal_cpus_start(cpu_limit(boot->command_line)); /* interrupts, mm */
    ke_boot_mark("processors");
    choose_passive(boot->command_line);
    shell_inject_options(boot->command_line);
    shell_trace_options(boot->command_line);
    ldr_init();
    verifier_init(boot->command_line); /* exports */
    io_irp_init();                     /* ends requests of threads that end */
    pnp_init();                        /* registry, root */
    choose_threaded_dpcs(boot->command_line);
    add_archives(boot); /* drivers and INFs known */
    ke_boot_mark("boot archive");
    bus_init(boot); /* devices known */
    ke_boot_mark("devices");
    pnp_start_all(); /* drivers loaded, devices started */
    ke_boot_mark("drivers");
    shell_run(boot);
}
