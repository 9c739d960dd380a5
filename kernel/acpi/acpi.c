/*
 * ACPI from the tables to a loaded namespace.
 *
 * Only what routing needs happens here: the table list, the namespace of DSDT and SSDTs, and
 * \_PIC(1), which tells firmware that IOAPICs are in use, so that _PRT answers with GSIs (ACPI 6.5
 * 5.8.1 "_PIC Method"). ACPI mode, events and devices come later (events.c).
 *
 * ACPICA's slack mode is on: it accepts what other interpreters accept and firmware therefore does.
 */
#include "acpi/acpi.h"

#include <hal/hal.h>
#include <lib/format.h>
#include <lib/log.h>
#include <lib/string.h>

#include "acpi/eval.h"
#include "parse/cmdline.h"

enum { TABLES_FIRST = 32, PIC_IOAPIC = 1, RESULT_MAX = 40 };

static bool is_up;
static uint64_t load_ticks;
static char pic_result[RESULT_MAX];

static bool is_switched_off(const struct boot_info *boot)
{
    char value[CMDLINE_VALUE_MAX];

    return cmdline_get(boot->command_line, "acpi", value, sizeof(value)) && !strcmp(value, "off");
}

static void pic_choose(void)
{
    union acpi_object mode = {.integer = {ACPI_TYPE_INTEGER, PIC_IOAPIC}};
    struct acpi_object_list arguments = {1, &mode};
    acpi_handle method;
    acpi_status status;

    if (ACPI_FAILURE(acpi_get_handle(ACPI_ROOT_OBJECT, "\\_PIC", &method))) {
        lib_strlcpy(pic_result, "none", sizeof(pic_result));
        return;
    }
    status = acpi_evaluate_object(method, NULL, &arguments, NULL);
    lib_strlcpy(pic_result, "ok", sizeof(pic_result));
    if (ACPI_FAILURE(status)) {
        lib_snprintf(pic_result, sizeof(pic_result), "error:%s", acpi_eval_status_name(status));
        log_warn("acpi: _PIC cannot be used: %s", acpi_eval_status_name(status));
    }
}

static acpi_status namespace_load(void)
{
    acpi_status status = acpi_initialize_subsystem();

    if (ACPI_SUCCESS(status))
        status = acpi_initialize_tables(NULL, TABLES_FIRST, TRUE);
    /* Fails if any table does; what loaded is usable all the same. */
    if (ACPI_SUCCESS(status) && ACPI_FAILURE(acpi_load_tables()))
        log_warn("acpi: not every table could be loaded");
    return status;
}

bool acpi_init(const struct boot_info *boot)
{
    uint64_t begin = hal_tsc_read();
    acpi_status status;

    if (is_switched_off(boot)) {
        log_info("acpi: off, as the command line says");
        return false;
    }
    acpi_os_set_root_pointer(boot->rsdp);
    acpi_gbl_enable_interpreter_slack = TRUE;
    status = namespace_load();
    if (ACPI_FAILURE(status)) {
        log_warn("acpi: cannot be used: %s", acpi_eval_status_name(status));
        return false;
    }
    pic_choose();
    acpi_roots_init();
    load_ticks = hal_tsc_read() - begin;
    is_up = true;
    return true;
}

bool acpi_is_up(void)
{
    return is_up;
}

uint32_t acpi_interpreter_version(void)
{
    return ACPI_CA_VERSION;
}

uint64_t acpi_load_ticks(void)
{
    return load_ticks;
}

const char *acpi_pic_result(void)
{
    return pic_result;
}
