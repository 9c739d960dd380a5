/*
 * The FADT. The table's length, not its revision, says which fields exist: the copy starts from
 * zeros, so that a field past the end reads as 0. ACPI 6.5 5.2.9.
 */
#include "parse/fadt.h"

#include <hw/acpi_tables.h>

/* The 64-bit form of a register where it is given, else the I/O port of the first revision. */
static struct fadt_register choose_register(const struct acpi_address_layout *extended,
                                            uint32_t port, uint8_t length)
{
    struct fadt_register chosen = {.space = FADT_SPACE_IO};

    if (extended->address) {
        chosen.space = extended->space;
        chosen.bit_width = extended->bit_width;
        chosen.access_size = extended->access_size;
        chosen.address = extended->address;
    } else if (port) {
        chosen.bit_width = (uint8_t)(length * 8);
        chosen.address = port;
    }
    return chosen;
}

static void decode_flags(const struct acpi_fadt_layout *layout, struct fadt *fadt)
{
    uint16_t boot = layout->iapc_boot_arch;
    uint32_t flags = layout->flags;
    bool says = layout->header.revision >= 2; /* IAPC_BOOT_ARCH was reserved before */

    fadt->boot_flags = boot;
    fadt->flags = flags;
    fadt->has_legacy_devices = !says || (boot & ACPI_BOOT_LEGACY_DEVICES);
    fadt->has_8042 = !says || (boot & ACPI_BOOT_8042);
    fadt->has_no_vga = says && (boot & ACPI_BOOT_NO_VGA);
    fadt->has_no_msi = says && (boot & ACPI_BOOT_NO_MSI);
    fadt->has_no_cmos_rtc = says && (boot & ACPI_BOOT_NO_CMOS_RTC);
    fadt->pm_timer_is_32bit = flags & ACPI_FADT_TMR_VAL_EXT;
    fadt->is_hardware_reduced = flags & ACPI_FADT_HW_REDUCED_ACPI;
}

static void decode_reset(const struct acpi_fadt_layout *layout, struct fadt *fadt)
{
    fadt->reset = choose_register(&layout->reset_reg, 0, 0);
    fadt->reset_value = layout->reset_value;
    fadt->has_reset = (layout->flags & ACPI_FADT_RESET_REG_SUP) && fadt->reset.address &&
                      fadt->reset.space <= FADT_SPACE_PCI_CONFIG;
}

bool fadt_parse(const void *table, size_t size, struct fadt *fadt, struct parse_error *error)
{
    struct acpi_header header;
    struct acpi_fadt_layout layout;

    if (!acpi_table_check(table, size, "FACP", &header, error))
        return false;
    if (header.length < ACPI_FADT_V1_SIZE)
        return parse_fail_value(error, "FADT Length", offsetof(struct acpi_header_layout, length),
                                "too short", header.length);
    __builtin_memset(&layout, 0, sizeof(layout));
    __builtin_memcpy(&layout, table,
                     header.length < sizeof(layout) ? header.length : sizeof(layout));

    *fadt = (struct fadt){.revision = header.revision};
    fadt->dsdt_address = layout.x_dsdt ? layout.x_dsdt : layout.dsdt;
    fadt->facs_address = layout.x_firmware_ctrl ? layout.x_firmware_ctrl : layout.firmware_ctrl;
    fadt->sci_interrupt = layout.sci_int;
    fadt->smi_command_port = layout.smi_cmd;
    fadt->acpi_enable = layout.acpi_enable;
    fadt->pm_timer = choose_register(&layout.x_pm_tmr_blk, layout.pm_tmr_blk, layout.pm_tmr_len);
    fadt->pm1a_event =
        choose_register(&layout.x_pm1a_evt_blk, layout.pm1a_evt_blk, layout.pm1_evt_len);
    fadt->pm1b_event =
        choose_register(&layout.x_pm1b_evt_blk, layout.pm1b_evt_blk, layout.pm1_evt_len);
    fadt->pm1a_control =
        choose_register(&layout.x_pm1a_cnt_blk, layout.pm1a_cnt_blk, layout.pm1_cnt_len);
    fadt->pm1b_control =
        choose_register(&layout.x_pm1b_cnt_blk, layout.pm1b_cnt_blk, layout.pm1_cnt_len);
    decode_flags(&layout, fadt);
    decode_reset(&layout, fadt);
    return true;
}
