/*
 * The SCI: the line by which the machine itself interrupts.
 *
 * It is a line like any other, shared with whatever PCI device is wired to the same pin, so it goes
 * through gsi.c; on QEMU's pc it is GSI 9, as are some PCI pins. The handler is ACPICA's.
 */
#include <hal/hal.h>
#include <lib/log.h>

#include "acpi/acpi.h"
#include "acpi_bus.h"
#include "gsi.h"
#include "irq/interrupt.h"
#include "pci_hotplug.h"
#include "pnp/pnp.h"

enum { SCI_IRQL = 11 };

static struct _KINTERRUPT sci;

static BOOLEAN NTAPI sci_service(PKINTERRUPT interrupt, PVOID context, ULONG message)
{
    (void)interrupt;
    (void)context;
    (void)message;
    return acpi_sci_handle();
}

/* In a worker thread. */
static void button_pressed(void)
{
    log_info("acpi: power button");
    pnp_shutdown(PowerActionShutdownOff);
    hal_machine_power_off();
}

/* Windows has it at DIRQL 11 too: above most devices, and out of their vectors' way. */
static const struct irq_policy sci_policy = {.irql_low = SCI_IRQL, .irql_high = SCI_IRQL};

void acpi_sci_connect(void)
{
    struct hal_gsi_mode mode;
    struct irq_line *line;
    NTSTATUS status;
    gsi_t gsi;

    acpi_set_power_button(button_pressed);
    pci_hotplug_init();
    if (!acpi_events_start() || !acpi_sci_line(&gsi, &mode))
        return;
    status = gsi_line_get(gsi, &mode, &line);
    if (NT_SUCCESS(status))
        status = irq_kernel_connect(&sci, line, sci_service, true, &sci_policy);
    if (!NT_SUCCESS(status))
        log_warn("acpi: the SCI on GSI %u cannot be connected: 0x%08x", gsi.value,
                 (unsigned int)status);
}
