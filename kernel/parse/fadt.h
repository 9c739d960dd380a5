/*
 * The FADT ("FACP"): what is needed before and beside ACPICA: the PM timer, the reset register, the
 * PM1 control blocks for soft off, the SCI and the flags that say what hardware is there. The
 * table grew over the revisions: fields past its end read as 0. ACPI 6.5 5.2.9.
 */
#ifndef PARSE_FADT_H
#define PARSE_FADT_H

#include "parse/acpi_table.h"

enum fadt_space {
    FADT_SPACE_MEMORY = 0,
    FADT_SPACE_IO = 1,
    FADT_SPACE_PCI_CONFIG = 2,
};

/* A generic address, ACPI 6.5 5.2.3.2; address 0: the register does not exist. */
struct fadt_register {
    uint8_t space; /* enum fadt_space, or another number */
    uint8_t bit_width;
    uint8_t access_size;
    uint64_t address;
};

struct fadt {
    uint8_t revision;
    uint64_t dsdt_address;
    uint64_t facs_address;
    uint16_t sci_interrupt;
    uint32_t smi_command_port; /* 0: ACPI mode is always on */
    uint8_t acpi_enable;       /* value to write there */
    uint16_t boot_flags;       /* IAPC_BOOT_ARCH */
    uint32_t flags;
    struct fadt_register pm_timer;
    bool pm_timer_is_32bit; /* else 24 bits */
    struct fadt_register pm1a_event;
    struct fadt_register pm1b_event;
    struct fadt_register pm1a_control;
    struct fadt_register pm1b_control;
    struct fadt_register reset;
    uint8_t reset_value;
    bool has_reset;
    bool has_legacy_devices;
    bool has_8042; /* by IAPC_BOOT_ARCH; revision 1 tables do not say and count as yes */
    bool has_no_vga;
    bool has_no_msi; /* "MSI not supported" */
    bool has_no_cmos_rtc;
    bool is_hardware_reduced;
};

bool fadt_parse(const void *table, size_t size, struct fadt *fadt, struct parse_error *error);

#endif
