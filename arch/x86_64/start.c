/*
 * start.c - from the last instruction of boot.S to kernel_main().
 *
 * Owns the order of the first steps of the boot CPU, and hal_machine_init(), the second half that
 * needs mm. No allocation, no interrupt, no other CPU here.
 */
#include "arch.h"

#include <lib/bugcheck.h>
#include <lib/log.h>

static void start_bugcheck_exit(uint32_t code)
{
    hal_machine_exit((uint8_t)code);
}

static const struct bugcheck_machine start_bugcheck_machine = {
    .freeze_others = hal_cpus_freeze,
    .cpu_number = cpu_current,
    .reboot = hal_machine_reboot,
    .exit = start_bugcheck_exit,
};

void arch_start(uint32_t magic, uint32_t info_physical)
{
    cpu_boot_init();
    console_init();
    log_set_sink(hal_console_write);
    lib_bugcheck_set_machine(&start_bugcheck_machine);
    boot_info_read(magic, info_physical);
    kernel_main(&boot_info);
}

void hal_machine_init(void)
{
    hal_page_unmap((uint64_t)boot_stack_guard, HAL_PAGE_SIZE);
    cpu_boot_guard_stacks();
    machine_firmware_init();
    i8259_init();
    lapic_boot_init();
    lapic_cpu_init();
    lapic_logical_init();
    clock_calibrate();
    clock_cpu_init();
}
