/*
 * hw/amd_iommu.h - AMD I/O virtualization: the IVRS table, the registers and structures of a
 * remapping unit, as far as interrupts need them.
 *
 * Citations: "AMD-Vi" is AMD I/O Virtualization Technology (IOMMU) Specification, 48882, revision
 * 3.08. DMA passes untranslated.
 *
 * Owns layouts. Owns not: what an entry says of a route (hal/amd_iommu_entry.h), the table's
 * meaning (parse/ivrs.h), the unit (arch/x86_64/remap_amd.c).
 */
#pragma once

#include <lib/bits.h>

/* ---- The IVRS table, AMD-Vi 5 -------------------------------------------------------------- */

/* AMD-Vi 5.2.1, behind the common header */
struct ivrs_layout {
    uint8_t header[36];
    uint32_t information;
    uint64_t reserved;
} __attribute__((packed));
_Static_assert(sizeof(struct ivrs_layout) == 48, "AMD-Vi 5.2.1");

/* AMD-Vi 5.2.2 "I/O Virtualization Hardware Definition (IVHD) Block", type 10h */
struct ivrs_unit_layout {
    uint8_t type;
    uint8_t flags;
    uint16_t length;
    uint16_t device_id;
    uint16_t capability;
    uint64_t registers;
    uint16_t segment;
    uint16_t information;
    uint32_t features;
} __attribute__((packed));
_Static_assert(sizeof(struct ivrs_unit_layout) == 24, "AMD-Vi 5.2.2.1");

enum {
    IVRS_TYPE_UNIT = 0x10,
    IVRS_TYPE_UNIT_EXTENDED = 0x11,
    IVRS_TYPE_UNIT_NAMED = 0x40,
    IVRS_UNIT_SIZE = 24,          /* where device entries begin, type 10h */
    IVRS_UNIT_EXTENDED_SIZE = 40, /* types 11h and 40h */
};

/* AMD-Vi 5.2.2.2 to 5.2.2.6: device entries; the two upper bits of the type give the length. */
enum {
    IVRS_ENTRY_PADDING = 0,
    IVRS_ENTRY_ALL = 1,
    IVRS_ENTRY_SELECT = 2,
    IVRS_ENTRY_RANGE_START = 3,
    IVRS_ENTRY_RANGE_END = 4,
    IVRS_ENTRY_ALIAS = 66,
    IVRS_ENTRY_ALIAS_START = 67,
    IVRS_ENTRY_EXTENDED = 70,
    IVRS_ENTRY_EXTENDED_START = 71,
    IVRS_ENTRY_SPECIAL = 72,
    IVRS_ENTRY_NAMED = 240,

    IVRS_ENTRY_LENGTH_SHIFT = 6,
    IVRS_ENTRY_LEAST = 4,
    IVRS_ENTRY_VARIABLE_FIRST = 0xC0, /* of these only type 240 is known */
    IVRS_NAMED_SIZE = 22,             /* before the unique id */
    IVRS_NAMED_UID_LENGTH = 21,       /* offset of its length */
};

struct ivrs_entry_layout { /* 8 bytes; the short ones are the first 4 */
    uint8_t type;
    uint16_t device_id;
    uint8_t flags;
    uint8_t handle; /* special: IOAPIC id or HPET number */
    uint16_t source_id;
    uint8_t variety; /* special */
} __attribute__((packed));
_Static_assert(sizeof(struct ivrs_entry_layout) == 8, "AMD-Vi 5.2.2.6");

enum { IVRS_SPECIAL_IOAPIC = 1, IVRS_SPECIAL_HPET = 2 };

/* ---- Registers, AMD-Vi 3.4 ----------------------------------------------------------------- */

enum {
    AMD_IOMMU_DEVICE_TABLE = 0x0000,
    AMD_IOMMU_COMMAND_BASE = 0x0008,
    AMD_IOMMU_EVENT_BASE = 0x0010,
    AMD_IOMMU_CONTROL = 0x0018,
    AMD_IOMMU_FEATURES = 0x0030,
    AMD_IOMMU_FEATURES_2 = 0x01A0,
    AMD_IOMMU_COMMAND_HEAD = 0x2000,
    AMD_IOMMU_COMMAND_TAIL = 0x2008,
    AMD_IOMMU_EVENT_HEAD = 0x2010,
    AMD_IOMMU_EVENT_TAIL = 0x2018,
    AMD_IOMMU_STATUS = 0x2020,
    AMD_IOMMU_MMIO_SIZE = 0x4000,
};

#define AMD_IOMMU_BASE_ADDRESS BITS(51, 12)
#define AMD_IOMMU_TABLE_PAGES BITS(8, 0)   /* AMD-Vi 3.4.1: less one */
#define AMD_IOMMU_RING_ORDER BITS(59, 56)  /* AMD-Vi 3.4.2, 3.4.3: log2 of the entries */
#define AMD_IOMMU_RING_POINTER BITS(18, 4) /* AMD-Vi 3.4.13: byte offset */

/* AMD-Vi 3.4.4 */
#define AMD_IOMMU_CONTROL_ON BIT(0)
#define AMD_IOMMU_CONTROL_EVENT_LOG BIT(2)
#define AMD_IOMMU_CONTROL_EVENT_INTERRUPT BIT(3)
#define AMD_IOMMU_CONTROL_COHERENT BIT(10)
#define AMD_IOMMU_CONTROL_COMMANDS BIT(12)
#define AMD_IOMMU_CONTROL_WIDE_ENTRIES BIT(17)      /* GAEn: 128-bit entries */
#define AMD_IOMMU_CONTROL_ENTRIES BITS(44, 43)      /* NumIntRemapMode */
#define AMD_IOMMU_CONTROL_WIDE_DESTINATIONS BIT(50) /* XTEn */

/* AMD-Vi 3.4.7 */
#define AMD_IOMMU_FEATURE_WIDE_DESTINATIONS BIT(2) /* XTSup */
#define AMD_IOMMU_FEATURE_WIDE_ENTRIES BIT(7)      /* GASup */
/* In the second register of features; this field and that of the control register: */
#define AMD_IOMMU_FEATURE_2_ENTRIES BITS(9, 8) /* NumIntRemapSup */
enum { AMD_ENTRIES_512 = 0, AMD_ENTRIES_2048 = 1 };

/* AMD-Vi 3.4.16; overflow and interrupt are cleared by writing 1 */
#define AMD_IOMMU_STATUS_OVERFLOW BIT(0)
#define AMD_IOMMU_STATUS_EVENT BIT(1)
#define AMD_IOMMU_STATUS_LOGS BIT(3)     /* EventLogRun */
#define AMD_IOMMU_STATUS_COMMANDS BIT(4) /* CmdBufRun */

/* ---- Device table, AMD-Vi 2.2.2.1 ---------------------------------------------------------- */

struct amd_device_entry {
    uint64_t word[4]; /* word 0 valid and translation, word 2 interrupts */
};

/* word 0 */
#define AMD_DTE_VALID BIT(0)
#define AMD_DTE_TRANSLATION BIT(1) /* TV: the two below count; mode 0: addresses pass as they are */
#define AMD_DTE_READ BIT(61)
#define AMD_DTE_WRITE BIT(62)

/* word 2 */
#define AMD_DTE_INTERRUPTS BIT(0) /* IV */
#define AMD_DTE_TABLE_ORDER BITS(4, 1)
#define AMD_DTE_TABLE_ROOT BITS(51, 6)
#define AMD_DTE_CONTROL BITS(61, 60)

enum { AMD_DTE_ABORT = 0, AMD_DTE_PASS = 1, AMD_DTE_REMAP = 2 };

/* Entries of a requester: as every unit has them, and as one can that says so (NumIntRemapSup). */
enum { AMD_TABLE_ENTRIES = 512, AMD_TABLE_ENTRIES_MAX = 2048 };

/* ---- Entries, AMD-Vi 2.2.5.2 "Interrupt Remapping Tables" ----------------------------------- */

/* 32 bits */
#define AMD_IRTE_ON BIT(0)
#define AMD_IRTE_TYPE BITS(4, 2) /* 0: fixed */
#define AMD_IRTE_DESTINATION BITS(15, 8)
#define AMD_IRTE_VECTOR BITS(23, 16)

/* 128 bits: AMD-Vi 2.2.8.2, GuestMode 0 */
struct amd_wide_irte {
    uint64_t low;
    uint64_t high;
} __attribute__((aligned(16)));

#define AMD_WIDE_IRTE_DESTINATION BITS(31, 8)
#define AMD_WIDE_IRTE_VECTOR BITS(7, 0)             /* upper half */
#define AMD_WIDE_IRTE_DESTINATION_HIGH BITS(63, 56) /* upper half: bits 31:24 */

/* ---- Commands, AMD-Vi 2.4 ------------------------------------------------------------------ */

#define AMD_COMMAND_CODE BITS(63, 60)
#define AMD_COMMAND_DEVICE BITS(15, 0)
#define AMD_COMMAND_STORE BIT(0) /* completion wait: write the second word to the address */
#define AMD_COMMAND_ADDRESS BITS(51, 3)

enum {
    AMD_COMMAND_WAIT = 1,
    AMD_COMMAND_DEVICE_ENTRY = 2,
    AMD_COMMAND_INTERRUPT_TABLE = 5,
    AMD_COMMAND_SIZE = 16,
};

/* ---- Events, AMD-Vi 2.5 -------------------------------------------------------------------- */

#define AMD_EVENT_CODE BITS(63, 60)
#define AMD_EVENT_INTERRUPT BIT(51) /* of IO_PAGE_FAULT: it was an interrupt */
#define AMD_EVENT_DEVICE BITS(15, 0)

enum amd_event {
    AMD_EVENT_DEVICE_ENTRY = 1,
    AMD_EVENT_PAGE_FAULT = 2,
    AMD_EVENT_DEVICE_TABLE = 3,
    AMD_EVENT_PAGE_TABLE = 4,
    AMD_EVENT_COMMAND = 5,
    AMD_EVENT_COMMAND_BUFFER = 6,
    AMD_EVENT_TIMEOUT = 7,
    AMD_EVENT_REQUEST = 8,
    AMD_EVENT_SIZE = 16,
};
