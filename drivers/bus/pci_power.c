/*
 * Power states of PCI functions: IRP_MJ_POWER of their PDOs, and what D3 makes a function forget.
 *
 * A function that leaves D3 may be as after a reset (PM 5.4.1, PM 5.6.1). What drivers and firmware
 * have set in the header and in the PCI Express capability is kept on the way down and written
 * back; BARs and messages are written back from what the bus knows of them. The rest of
 * configuration space is the driver's.
 *
 * Bridges stay in D0, and so does what was never started.
 */
#include "messages.h"
#include "pci_pdo.h"
#include "pdo.h"

/* Command last: with it the function begins to decode. */
static const struct {
    uint8_t offset;
    uint8_t width;
} kept_header[] = {{PCI_CACHE_LINE_SIZE, 1},
                   {PCI_LATENCY_TIMER, 1},
                   {PCI_ROM_BAR, 4},
                   {PCI_INTERRUPT_LINE, 1},
                   {PCI_COMMAND, 2}};

static const uint8_t kept_express[] = {PCI_EXPRESS_DEVICE_CONTROL, PCI_EXPRESS_LINK_CONTROL,
                                       PCI_EXPRESS_DEVICE_CONTROL_2, PCI_EXPRESS_LINK_CONTROL_2};

_Static_assert(ARRAY_COUNT(kept_header) <= PCI_SAVED_HEADER_MAX, "room");
_Static_assert(ARRAY_COUNT(kept_express) <= PCI_SAVED_EXPRESS_MAX, "room");

/* The second pair of control registers came with version 2 of the capability. */
static uint32_t express_count(const struct pci_function *function)
{
    uint32_t capabilities;

    if (function->express_offset == 0)
        return 0;
    capabilities = pci_read(function, function->express_offset + PCI_EXPRESS_CAPABILITIES, 2);
    return FIELD_GET(PCI_EXPRESS_VERSION, capabilities) < 2 ? 2 : ARRAY_COUNT(kept_express);
}

static void configuration_save(struct pci_function *function)
{
    struct pci_saved *saved = &function->saved;

    if (saved->is_valid || function->layout != PCI_HEADER_DEVICE)
        return;
    for (uint32_t i = 0; i < ARRAY_COUNT(kept_header); i++)
        saved->header[i] = pci_read(function, kept_header[i].offset, kept_header[i].width);
    saved->express_count = express_count(function);
    for (uint32_t i = 0; i < saved->express_count; i++)
        saved->express[i] =
            (uint16_t)pci_read(function, function->express_offset + kept_express[i], 2);
    saved->is_valid = true;
}

static bool bar_is_held(const struct pci_function *function, uint32_t index)
{
    const struct pci_bar *bar = &function->bars[index];
    uint32_t offset = PCI_BAR0 + index * (uint32_t)sizeof(uint32_t);
    uint32_t mask =
        bar->kind == PCI_BAR_IO ? (uint32_t)PCI_BAR_IO_ADDRESS : (uint32_t)PCI_BAR_MEMORY_ADDRESS;

    return ((pci_read(function, offset, 4) ^ (uint32_t)bar->address) & mask) == 0 &&
           (bar->kind != PCI_BAR_MEMORY64 ||
            pci_read(function, offset + sizeof(uint32_t), 4) == (uint32_t)(bar->address >> 32));
}

static void configuration_restore(struct pci_function *function)
{
    struct pci_saved *saved = &function->saved;

    for (uint32_t i = 0; i < PCI_BAR_COUNT; i++)
        if (function->bars[i].kind != PCI_BAR_ABSENT && function->bars[i].address != 0 &&
            !bar_is_held(function, i))
            pci_bar_write(function, i);
    if (!saved->is_valid)
        return;
    for (uint32_t i = 0; i < saved->express_count; i++)
        pci_write(function, function->express_offset + kept_express[i], 2, saved->express[i]);
    for (uint32_t i = 0; i < ARRAY_COUNT(kept_header); i++)
        pci_write(function, kept_header[i].offset, kept_header[i].width, saved->header[i]);
    saved->is_valid = false;
}

void pci_function_wake(struct pci_function *function)
{
    uint32_t offset = function->power_offset + PCI_POWER_CONTROL;
    uint32_t control;

    if (function->power_offset != 0) {
        control = pci_read(function, offset, 2);
        if (control & PCI_POWER_STATE) {
            pci_write(function, offset, 2, control & ~(uint32_t)PCI_POWER_STATE);
            hal_stall(PCI_POWER_D0_DELAY_US);
        }
    }
    configuration_restore(function);
}

bool pci_power_has(const struct pci_function *function, DEVICE_POWER_STATE state)
{
    uint32_t capabilities;

    if (function->power_offset == 0)
        return false;
    capabilities = pci_read(function, function->power_offset + PCI_POWER_CAPABILITIES, 2);
    return (capabilities & (state == PowerDeviceD1 ? PCI_POWER_HAS_D1 : PCI_POWER_HAS_D2)) != 0;
}

/* WDK IRP_MN_POWER_SEQUENCE: each state counts what was below it, too. */
static void sleep_count(POWER_SEQUENCE *sleeps, DEVICE_POWER_STATE state)
{
    sleeps->SequenceD1++;
    if (state >= PowerDeviceD2)
        sleeps->SequenceD2++;
    if (state >= PowerDeviceD3)
        sleeps->SequenceD3++;
}

/* From here on neither interrupts nor memory are touched: PM 5.4.1. */
static void function_sleep(struct pci_function *function, DEVICE_POWER_STATE state)
{
    uint32_t offset = function->power_offset + PCI_POWER_CONTROL;
    uint32_t control;

    configuration_save(function);
    sleep_count(&function->sleeps, state);
    pci_command_change(function, PCI_COMMAND_INTX_DISABLE, PCI_COMMAND_BUS_MASTER);
    if (function->power_offset == 0)
        return;
    control = pci_read(function, offset, 2) & ~(uint32_t)PCI_POWER_STATE;
    pci_write(function, offset, 2,
              control | (uint32_t)FIELD_PREP(PCI_POWER_STATE, state - PowerDeviceD0));
}

static void function_restore(struct pci_function *function)
{
    bool has_messages = function->messages != NULL && function->messages->is_enabled;

    pci_function_wake(function);
    pci_command_change(function, pci_command_decode(function) | PCI_COMMAND_BUS_MASTER,
                       has_messages ? 0 : PCI_COMMAND_INTX_DISABLE);
    if (has_messages)
        pci_messages_restore(function->pdo);
}

/*
 * The drivers above have disconnected before D3 comes down here, and connect again after D0 has
 * gone up.
 */
NTSTATUS NTAPI pci_power(PDEVICE_OBJECT pdo, PIRP irp)
{
    struct pci_function *function = pci_function_of(pdo);
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);

    if (location->MinorFunction == IRP_MN_POWER_SEQUENCE) {
        *location->Parameters.PowerSequence.PowerSequence = function->sleeps;
        return bus_pdo_complete(irp, STATUS_SUCCESS);
    }
    if (location->MinorFunction == IRP_MN_SET_POWER &&
        location->Parameters.Power.Type == DevicePowerState && function->is_started &&
        !pci_is_bridge(function)) {
        DEVICE_POWER_STATE state = location->Parameters.Power.State.DeviceState;

        if (state == PowerDeviceD0)
            function_restore(function);
        else if (state == PowerDeviceD3 ||
                 (state > PowerDeviceD0 && state < PowerDeviceD3 && pci_power_has(function, state)))
            function_sleep(function, state);
    }
    return bus_pdo_power(pdo, irp);
}
