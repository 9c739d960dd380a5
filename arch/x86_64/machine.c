/*
 * machine.c - the machine as a whole: firmware tables, and the ways to leave.
 *
 * ACPI tables are found through the RSDP the loader named, else by search of the BIOS area, and
 * read in place in the direct map, into which firmware memory is taken on demand. AML is not
 * looked at here: switching off by S5 is registered by whoever can evaluate it. Without that,
 * only emulators whose switch is known are switched off; elsewhere the machine is halted with
 * a word that it may be.
 */
#include "arch.h"

#include <hw/acpi_tables.h>
#include <lib/bits.h>
#include <lib/log.h>
#include <lib/string.h>

#include "parse/acpi_table.h"
#include "parse/fadt.h"

enum {
    MACHINE_EXIT_PORT = 0xF4,             /* QEMU isa-debug-exit, as every caller configures it */
    MACHINE_BOCHS_SHUTDOWN_PORT = 0x8900, /* Bochs: the word "Shutdown" */
    MACHINE_PM1_SLEEP_S5_QEMU = 0x2000,   /* SLP_EN with SLP_TYP 0, QEMU's and Bochs' \_S5 */
    MACHINE_8042_COMMAND = 0x64,
    MACHINE_8042_PULSE_RESET = 0xFE,
    MACHINE_RESET_CONTROL_PORT = 0xCF9, /* ICH "Reset Control Register" */
    MACHINE_RESET_CONTROL_HARD = 0x06,
    MACHINE_RESET_WAIT_US = 50000,
    MACHINE_POWER_OFF_WAIT_US = 2000000,
};

/* Where emulators keep their PM1a control register: QEMU q35 and pc; older QEMU and Bochs. */
static const uint16_t machine_pm1_ports[] = {0x604, 0xB004};

/* Where an RSDP may be: ACPI 6.5 5.2.5.1 */
#define MACHINE_EBDA_SEGMENT 0x40Eull
#define MACHINE_EBDA_SEARCH 1024u
#define MACHINE_BIOS_AREA 0xE0000ull
#define MACHINE_BIOS_AREA_END 0x100000ull

static struct acpi_rsdp machine_rsdp;
static bool machine_has_rsdp;
static struct fadt machine_fadt_copy;
static bool machine_has_fadt;
static bool machine_is_emulator; /* QEMU or Bochs by the FADT's maker, or any hypervisor */
static void (*machine_power_off)(void);

/* ---- firmware tables --------------------------------------------------------------------- */

static bool machine_read_physical(void *context, uint64_t address, void *buffer, size_t length)
{
    const void *from = hal_direct_map_reach(address, length);

    (void)context;
    if (from == NULL)
        return false;
    memcpy(buffer, from, length);
    return true;
}

static bool machine_rsdp_search(uint64_t base, uint64_t size)
{
    const void *area = hal_direct_map_reach(base, size);
    size_t offset;

    return area != NULL && acpi_rsdp_find(area, size, &offset, &machine_rsdp);
}

static bool machine_rsdp_read(void)
{
    const uint8_t *bytes;
    const uint16_t *segment;
    struct parse_error error;

    if (boot_info.rsdp != 0) {
        bytes = hal_direct_map_reach(boot_info.rsdp, sizeof(struct acpi_rsdp_layout));
        if (bytes != NULL &&
            acpi_rsdp_parse(bytes, sizeof(struct acpi_rsdp_layout), &machine_rsdp, &error))
            return true;
        log_warn("acpi: the boot loader's RSDP is unsound");
    }
    segment = hal_direct_map_reach(MACHINE_EBDA_SEGMENT, sizeof(*segment));
    if (segment != NULL && *segment >= 0x400 &&
        machine_rsdp_search((uint64_t)*segment << 4, MACHINE_EBDA_SEARCH))
        return true;
    return machine_rsdp_search(MACHINE_BIOS_AREA, MACHINE_BIOS_AREA_END - MACHINE_BIOS_AREA);
}

const void *hal_acpi_table(const char signature[4], uint32_t instance)
{
    struct acpi_table_location location;
    struct acpi_header header;
    struct parse_error error;
    const void *table;

    if (!machine_has_rsdp || !acpi_table_find(&machine_rsdp, machine_read_physical, NULL, signature,
                                              instance, &location))
        return NULL;
    table = hal_direct_map_reach(location.address, location.header.length);
    if (table == NULL)
        return NULL;
    if (!acpi_table_check(table, location.header.length, location.header.signature, &header,
                          &error)) {
        log_warn("acpi: table %s: %s at offset 0x%lx: %s", location.header.signature, error.what,
                 error.offset, error.detail);
        return NULL;
    }
    return table;
}

const struct fadt *machine_fadt(void)
{
    return machine_has_fadt ? &machine_fadt_copy : NULL;
}

void machine_firmware_init(void)
{
    static const char emulator_oem[6] = {'B', 'O', 'C', 'H', 'S', ' '};
    const struct acpi_header_layout *table;
    const struct fadt_register *reset = &machine_fadt_copy.reset;
    struct parse_error error;

    machine_is_emulator = cpu_features.is_virtual;
    machine_has_rsdp = machine_rsdp_read();
    if (!machine_has_rsdp) {
        log_warn("acpi: no RSDP");
        return;
    }
    table = hal_acpi_table("FACP", 0);
    if (table == NULL)
        return;
    machine_has_fadt = fadt_parse(table, table->length, &machine_fadt_copy, &error);
    if (memcmp(table->oem_id, emulator_oem, sizeof(emulator_oem)) == 0)
        machine_is_emulator = true;
    if (machine_has_fadt && machine_fadt_copy.has_reset && reset->space == FADT_SPACE_MEMORY &&
        !hal_page_map(ARCH_RESET_VIRTUAL, ALIGN_DOWN(reset->address, HAL_PAGE_SIZE), HAL_PAGE_SIZE,
                      HAL_PAGE_WRITE | HAL_PAGE_UNCACHED))
        machine_fadt_copy.has_reset = false;
}

/* ---- leaving ----------------------------------------------------------------------------- */

void hal_machine_halt(void)
{
    for (;;)
        __asm__ volatile("cli; hlt" : : : "memory");
}

/* ACPI 6.5 4.8.3.6 "Reset Register" */
static void machine_reset_by_acpi(void)
{
    const struct fadt_register *reset = &machine_fadt_copy.reset;

    if (!machine_has_fadt || !machine_fadt_copy.has_reset)
        return;
    log_info("machine: reset by the FADT's register, %s 0x%llx",
             reset->space == FADT_SPACE_IO ? "port" : "memory", (unsigned long long)reset->address);
    console_drain();
    if (reset->space == FADT_SPACE_IO)
        hal_port_write8((uint16_t)reset->address, machine_fadt_copy.reset_value);
    else if (reset->space == FADT_SPACE_MEMORY)
        *(volatile uint8_t *)(ARCH_RESET_VIRTUAL + reset->address % HAL_PAGE_SIZE) =
            machine_fadt_copy.reset_value;
    hal_stall(MACHINE_RESET_WAIT_US);
    log_warn("machine: the FADT's reset register has no effect");
}

void hal_machine_reboot(void)
{
    static const struct x86_table_register empty;

    hal_interrupts_off();
    console_drain();
    machine_reset_by_acpi();
    hal_port_write8(MACHINE_8042_COMMAND, MACHINE_8042_PULSE_RESET);
    hal_stall(MACHINE_RESET_WAIT_US);
    hal_port_write8(MACHINE_RESET_CONTROL_PORT, MACHINE_RESET_CONTROL_HARD);
    hal_stall(MACHINE_RESET_WAIT_US);
    __asm__ volatile("lidt %0; int3" : : "m"(empty)); /* a triple fault resets any PC */
    hal_machine_halt();
}

void hal_machine_set_power_off(void (*power_off)(void))
{
    machine_power_off = power_off;
}

static void machine_power_off_emulator(void)
{
    static const char word[] = "Shutdown";
    uint64_t port = machine_has_fadt ? machine_fadt_copy.pm1a_control.address : 0;

    if (port != 0 && machine_fadt_copy.pm1a_control.space == FADT_SPACE_IO)
        hal_port_write16((uint16_t)port, MACHINE_PM1_SLEEP_S5_QEMU);
    for (unsigned i = 0; port == 0 && i < ARRAY_COUNT(machine_pm1_ports); i++)
        hal_port_write16(machine_pm1_ports[i], MACHINE_PM1_SLEEP_S5_QEMU);
    for (unsigned i = 0; word[i] != '\0'; i++)
        hal_port_write8(MACHINE_BOCHS_SHUTDOWN_PORT, (uint8_t)word[i]);
    hal_stall(MACHINE_POWER_OFF_WAIT_US); /* it goes off a little later */
}

void hal_machine_power_off(void)
{
    console_drain();
    if (machine_power_off != NULL)
        machine_power_off();
    hal_interrupts_off();
    if (machine_is_emulator) {
        log_info("machine: not off by S5, tries the emulator's switch");
        console_drain();
        machine_power_off_emulator();
    }
    log_info("the machine may be switched off now");
    hal_machine_halt();
}

void hal_machine_exit(uint8_t code)
{
    console_drain();
    if (machine_is_emulator || cpu_features.is_virtual)
        hal_port_write8(MACHINE_EXIT_PORT, code);
    hal_machine_power_off();
}
