/*
 * Layouts of the ACPI tables read by kernel/parse: RSDP, table header, MADT, MCFG, HPET, FADT.
 * Sources: ACPI 6.5 chapter 5.2; PCI Firmware 3.0 4.1.2 (MCFG); IA-PC HPET 1.0a 3.2.4.
 *
 * Owns layouts and bits; the parsers own the meaning. ACPICA has its own copies, never mixed in.
 */
#ifndef HW_ACPI_TABLES_H
#define HW_ACPI_TABLES_H

#include <stdint.h>

/* ACPI 6.5 5.2.5.3 "Root System Description Pointer (RSDP) Structure" */
struct acpi_rsdp_layout {
    char signature[8]; /* "RSD PTR " */
    uint8_t checksum;  /* over the first 20 bytes */
    char oem_id[6];
    uint8_t revision;
    uint32_t rsdt_address;
    uint32_t length; /* from here on revision 2 */
    uint64_t xsdt_address;
    uint8_t extended_checksum; /* over length bytes */
    uint8_t reserved[3];
} __attribute__((packed));
_Static_assert(sizeof(struct acpi_rsdp_layout) == 36, "ACPI 6.5 5.2.5.3");

#define ACPI_RSDP_SIGNATURE "RSD PTR "
#define ACPI_RSDP_V1_SIZE 20u
#define ACPI_RSDP_ALIGNMENT 16u

/* ACPI 6.5 5.2.6 "System Description Table Header" */
struct acpi_header_layout {
    char signature[4];
    uint32_t length;
    uint8_t revision;
    uint8_t checksum;
    char oem_id[6];
    char oem_table_id[8];
    uint32_t oem_revision;
    uint32_t creator_id;
    uint32_t creator_revision;
} __attribute__((packed));
_Static_assert(sizeof(struct acpi_header_layout) == 36, "ACPI 6.5 5.2.6");

/* ACPI 6.5 5.2.3.2 "Generic Address Structure" */
struct acpi_address_layout {
    uint8_t space;
    uint8_t bit_width;
    uint8_t bit_offset;
    uint8_t access_size;
    uint64_t address;
} __attribute__((packed));
_Static_assert(sizeof(struct acpi_address_layout) == 12, "ACPI 6.5 5.2.3.2");

/* ACPI 6.5 5.2.12 "Multiple APIC Description Table (MADT)" */
struct acpi_madt_layout {
    struct acpi_header_layout header;
    uint32_t local_apic_address;
    uint32_t flags;
} __attribute__((packed));
_Static_assert(sizeof(struct acpi_madt_layout) == 44, "ACPI 6.5 5.2.12");

#define ACPI_MADT_PCAT_COMPAT 0x00000001u

struct acpi_madt_entry_layout {
    uint8_t type;
    uint8_t length;
} __attribute__((packed));

#define ACPI_MADT_APIC_ENABLED 0x00000001u
#define ACPI_MADT_APIC_ONLINE_CAPABLE 0x00000002u

/* ACPI 6.5 5.2.12.2 */
struct acpi_madt_local_apic {
    struct acpi_madt_entry_layout entry;
    uint8_t processor_uid;
    uint8_t apic_id;
    uint32_t flags;
} __attribute__((packed));
_Static_assert(sizeof(struct acpi_madt_local_apic) == 8, "ACPI 6.5 5.2.12.2");

/* ACPI 6.5 5.2.12.3 */
struct acpi_madt_io_apic {
    struct acpi_madt_entry_layout entry;
    uint8_t io_apic_id;
    uint8_t reserved;
    uint32_t address;
    uint32_t gsi_base;
} __attribute__((packed));
_Static_assert(sizeof(struct acpi_madt_io_apic) == 12, "ACPI 6.5 5.2.12.3");

/* ACPI 6.5 5.2.12.5; the flags are "MPS INTI Flags" of the same section */
struct acpi_madt_source_override {
    struct acpi_madt_entry_layout entry;
    uint8_t bus;
    uint8_t source;
    uint32_t gsi;
    uint16_t flags;
} __attribute__((packed));
_Static_assert(sizeof(struct acpi_madt_source_override) == 10, "ACPI 6.5 5.2.12.5");

#define ACPI_INTI_POLARITY 0x0003u
#define ACPI_INTI_TRIGGER 0x000Cu

/* ACPI 6.5 5.2.12.6 */
struct acpi_madt_nmi_source {
    struct acpi_madt_entry_layout entry;
    uint16_t flags;
    uint32_t gsi;
} __attribute__((packed));
_Static_assert(sizeof(struct acpi_madt_nmi_source) == 8, "ACPI 6.5 5.2.12.6");

/* ACPI 6.5 5.2.12.7 */
struct acpi_madt_local_apic_nmi {
    struct acpi_madt_entry_layout entry;
    uint8_t processor_uid; /* 0xFF: all */
    uint16_t flags;
    uint8_t lint;
} __attribute__((packed));
_Static_assert(sizeof(struct acpi_madt_local_apic_nmi) == 6, "ACPI 6.5 5.2.12.7");

#define ACPI_MADT_ALL_UIDS_8 0xFFu

/* ACPI 6.5 5.2.12.8 */
struct acpi_madt_local_apic_address {
    struct acpi_madt_entry_layout entry;
    uint16_t reserved;
    uint64_t address;
} __attribute__((packed));
_Static_assert(sizeof(struct acpi_madt_local_apic_address) == 12, "ACPI 6.5 5.2.12.8");

/* ACPI 6.5 5.2.12.12 */
struct acpi_madt_local_x2apic {
    struct acpi_madt_entry_layout entry;
    uint16_t reserved;
    uint32_t x2apic_id;
    uint32_t flags;
    uint32_t processor_uid;
} __attribute__((packed));
_Static_assert(sizeof(struct acpi_madt_local_x2apic) == 16, "ACPI 6.5 5.2.12.12");

/* ACPI 6.5 5.2.12.13 */
struct acpi_madt_local_x2apic_nmi {
    struct acpi_madt_entry_layout entry;
    uint16_t flags;
    uint32_t processor_uid; /* 0xFFFFFFFF: all */
    uint8_t lint;
    uint8_t reserved[3];
} __attribute__((packed));
_Static_assert(sizeof(struct acpi_madt_local_x2apic_nmi) == 12, "ACPI 6.5 5.2.12.13");

/* PCI Firmware 3.0 4.1.2 */
struct acpi_mcfg_layout {
    struct acpi_header_layout header;
    uint64_t reserved;
} __attribute__((packed));
_Static_assert(sizeof(struct acpi_mcfg_layout) == 44, "PCI Firmware 3.0 4.1.2");

struct acpi_mcfg_entry {
    uint64_t address;
    uint16_t segment;
    uint8_t first_bus;
    uint8_t last_bus;
    uint32_t reserved;
} __attribute__((packed));
_Static_assert(sizeof(struct acpi_mcfg_entry) == 16, "PCI Firmware 3.0 4.1.2");

/* IA-PC HPET 1.0a 3.2.4 */
struct acpi_hpet_layout {
    struct acpi_header_layout header;
    uint32_t block_id;
    struct acpi_address_layout address;
    uint8_t number;
    uint16_t least_tick;
    uint8_t page_protection;
} __attribute__((packed));
_Static_assert(sizeof(struct acpi_hpet_layout) == 56, "IA-PC HPET 1.0a 3.2.4");

#define ACPI_HPET_ID_COMPARATORS 0x00001F00u /* the highest index */
#define ACPI_HPET_ID_64BIT 0x00002000u
#define ACPI_HPET_ID_LEGACY 0x00008000u

/* ACPI 6.5 5.2.9 "Fixed ACPI Description Table (FADT)", up to the sleep registers */
struct acpi_fadt_layout {
    struct acpi_header_layout header;
    uint32_t firmware_ctrl;
    uint32_t dsdt;
    uint8_t reserved1;
    uint8_t preferred_pm_profile;
    uint16_t sci_int;
    uint32_t smi_cmd;
    uint8_t acpi_enable;
    uint8_t acpi_disable;
    uint8_t s4bios_req;
    uint8_t pstate_cnt;
    uint32_t pm1a_evt_blk;
    uint32_t pm1b_evt_blk;
    uint32_t pm1a_cnt_blk;
    uint32_t pm1b_cnt_blk;
    uint32_t pm2_cnt_blk;
    uint32_t pm_tmr_blk;
    uint32_t gpe0_blk;
    uint32_t gpe1_blk;
    uint8_t pm1_evt_len;
    uint8_t pm1_cnt_len;
    uint8_t pm2_cnt_len;
    uint8_t pm_tmr_len;
    uint8_t gpe0_blk_len;
    uint8_t gpe1_blk_len;
    uint8_t gpe1_base;
    uint8_t cst_cnt;
    uint16_t p_lvl2_lat;
    uint16_t p_lvl3_lat;
    uint16_t flush_size;
    uint16_t flush_stride;
    uint8_t duty_offset;
    uint8_t duty_width;
    uint8_t day_alrm;
    uint8_t mon_alrm;
    uint8_t century;
    uint16_t iapc_boot_arch;
    uint8_t reserved2;
    uint32_t flags;
    struct acpi_address_layout reset_reg;
    uint8_t reset_value;
    uint16_t arm_boot_arch;
    uint8_t minor_version;
    uint64_t x_firmware_ctrl;
    uint64_t x_dsdt;
    struct acpi_address_layout x_pm1a_evt_blk;
    struct acpi_address_layout x_pm1b_evt_blk;
    struct acpi_address_layout x_pm1a_cnt_blk;
    struct acpi_address_layout x_pm1b_cnt_blk;
    struct acpi_address_layout x_pm2_cnt_blk;
    struct acpi_address_layout x_pm_tmr_blk;
} __attribute__((packed));
_Static_assert(sizeof(struct acpi_fadt_layout) == 220, "ACPI 6.5 5.2.9 up to X_PM_TMR_BLK");

#define ACPI_FADT_V1_SIZE 116u /* through flags: the shortest table */

/* ACPI 6.5 table 5.10 "Fixed ACPI Description Table Fixed Feature Flags" */
#define ACPI_FADT_TMR_VAL_EXT 0x00000100u
#define ACPI_FADT_RESET_REG_SUP 0x00000400u
#define ACPI_FADT_HW_REDUCED_ACPI 0x00100000u

/* ACPI 6.5 table 5.11 "IA-PC Boot Architecture Flags" */
#define ACPI_BOOT_LEGACY_DEVICES 0x0001u
#define ACPI_BOOT_8042 0x0002u
#define ACPI_BOOT_NO_VGA 0x0004u
#define ACPI_BOOT_NO_MSI 0x0008u
#define ACPI_BOOT_NO_CMOS_RTC 0x0020u

#endif
