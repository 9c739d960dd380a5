/*
 * ACPI mode, the SCI, the power button, switching off.
 *
 * ACPICA's handler for the SCI reads the event registers at the SCI's level and defers what AML has
 * to say about it (os_work.c). The power button is a fixed event: its handler runs at that level
 * too and only queues the call of whoever asked for it. A button that is a device of the namespace
 * (PNP0C0C) tells by a notification instead. ACPI 6.5 4.8.2.2 "Power Button", 5.6 "ACPI Event
 * Programming Model", 7.4.2.5 "S5".
 */
#include <hal/hal.h>
#include <lib/log.h>
#include <nt/wdm.h>

#include "acpi/eval.h"

enum { NOTIFY_BUTTON_PRESSED = 0x80, ISA_IRQS = 16 };

#define POWER_BUTTON_HID "PNP0C0C"

static void (*button_pressed)(void);

void acpi_set_power_button(void (*pressed)(void))
{
    button_pressed = pressed;
}

/* ---- The power button ---------------------------------------------------------------------- */

static void button_run(void *context)
{
    (void)context;
    if (button_pressed != NULL)
        button_pressed();
}

static u32 button_fixed(void *context)
{
    (void)context;
    acpi_os_execute(OSL_NOTIFY_HANDLER, button_run, NULL);
    return ACPI_INTERRUPT_HANDLED;
}

/* Already in a worker, at PASSIVE_LEVEL. */
static void button_notified(acpi_handle handle, u32 value, void *context)
{
    (void)handle;
    if (value == NOTIFY_BUTTON_PRESSED)
        button_run(context);
}

static void button_device_note(acpi_handle handle, void *context)
{
    (void)context;
    if (acpi_eval_has_id(handle, POWER_BUTTON_HID))
        acpi_install_notify_handler(handle, ACPI_DEVICE_NOTIFY, button_notified, NULL);
}

static void button_listen(void)
{
    if (!(acpi_gbl_FADT.flags & ACPI_FADT_POWER_BUTTON))
        acpi_install_fixed_event_handler(ACPI_EVENT_POWER_BUTTON, button_fixed, NULL);
    else
        acpi_eval_devices(button_device_note, NULL);
}

/* ---- Start --------------------------------------------------------------------------------- */

bool acpi_events_start(void)
{
    acpi_status status = acpi_enable_subsystem(ACPI_FULL_INITIALIZATION);

    hal_machine_set_power_off(acpi_power_off);
    if (ACPI_FAILURE(status)) {
        log_warn("acpi: no events: %s", acpi_eval_status_name(status));
        return false;
    }
    status = acpi_initialize_objects(ACPI_FULL_INITIALIZATION);
    if (ACPI_FAILURE(status))
        log_warn("acpi: not every device is initialised: %s", acpi_eval_status_name(status));
    acpi_update_all_gpes();
    button_listen();
    acpi_hotplug_listen();
    return true;
}

bool acpi_sci_line(gsi_t *gsi, struct hal_gsi_mode *mode)
{
    acpi_osd_handler routine;
    void *context;
    uint32_t number = acpi_gbl_FADT.sci_interrupt;
    struct hal_gsi_mode isa_mode;

    if (!acpi_os_sci(&routine, &context))
        return false;
    gsi->value = number;
    if (number < ISA_IRQS && !hal_isa_gsi(number, gsi, &isa_mode))
        return false;
    /* ACPI 6.5 5.2.9 "SCI_INT": level, active low, shareable, unless overridden. */
    mode->trigger = IRQ_TRIGGER_LEVEL;
    mode->polarity = IRQ_ACTIVE_LOW;
    hal_gsi_override(*gsi, mode);
    return true;
}

bool acpi_sci_handle(void)
{
    acpi_osd_handler routine;
    void *context;

    return acpi_os_sci(&routine, &context) && routine(context) == ACPI_INTERRUPT_HANDLED;
}

/* ---- The end ------------------------------------------------------------------------------- */

void acpi_power_off(void)
{
    acpi_status status;

    if (KeGetCurrentIrql() > PASSIVE_LEVEL)
        return;
    status = acpi_enter_sleep_state_prep(ACPI_STATE_S5);
    if (ACPI_SUCCESS(status))
        status = acpi_enter_sleep_state(ACPI_STATE_S5);
    if (ACPI_FAILURE(status))
        log_warn("acpi: S5 cannot be entered: %s", acpi_eval_status_name(status));
}
