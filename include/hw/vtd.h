/*
 * hw/vtd.h - Intel Virtualization Technology for Directed I/O: the DMAR table, the registers and
 * structures of a remapping unit, as far as interrupts need them.
 *
 * Citations: "VT-d" is Intel Virtualization Technology for Directed I/O, Architecture
 * Specification, revision 4.1. Translation of DMA is left as it was found.
 *
 * Owns layouts. Owns not: what an entry says of a route (hal/vtd_entry.h), the table's meaning
 * (parse/dmar.h), the unit (arch/x86_64/remap_vtd.c).
 */
#pragma once

#include <lib/bits.h>

/* ---- The DMAR table, VT-d 8 ---------------------------------------------------------------- */

/* VT-d 8.1, behind the common header */
struct dmar_layout {
    uint8_t header[36];
    uint8_t host_address_width;
    uint8_t flags;
    uint8_t reserved[10];
} __attribute__((packed));
_Static_assert(sizeof(struct dmar_layout) == 48, "VT-d 8.1");

#define DMAR_FLAG_INTERRUPT_REMAPPING 0x01u
#define DMAR_FLAG_X2APIC_OPT_OUT 0x02u

/* VT-d 8.2: what each structure begins with */
struct dmar_entry_layout {
    uint16_t type;
    uint16_t length;
} __attribute__((packed));

/* VT-d 8.3 "DMA Remapping Hardware Unit Definition Structure" */
struct dmar_unit_layout {
    struct dmar_entry_layout entry;
    uint8_t flags;
    uint8_t size;
    uint16_t segment;
    uint64_t registers;
} __attribute__((packed));
_Static_assert(sizeof(struct dmar_unit_layout) == 16, "VT-d 8.3");

#define DMAR_UNIT_INCLUDES_ALL 0x01u

/* VT-d 8.3.1 "Device Scope Structure", pairs of device and function follow */
struct dmar_scope_layout {
    uint8_t type;
    uint8_t length;
    uint8_t flags;
    uint8_t reserved;
    uint8_t enumeration_id;
    uint8_t start_bus;
} __attribute__((packed));
_Static_assert(sizeof(struct dmar_scope_layout) == 6, "VT-d 8.3.1");

enum { DMAR_TYPE_UNIT = 0, DMAR_PATH_STEP = 2 };

/* ---- Registers, VT-d 11.4 ------------------------------------------------------------------ */

enum {
    VTD_VERSION = 0x00,
    VTD_CAPABILITY = 0x08,
    VTD_EXTENDED_CAPABILITY = 0x10,
    VTD_GLOBAL_COMMAND = 0x18,
    VTD_GLOBAL_STATUS = 0x1C,
    VTD_FAULT_STATUS = 0x34,
    VTD_FAULT_CONTROL = 0x38,
    VTD_FAULT_DATA = 0x3C,
    VTD_FAULT_ADDRESS = 0x40,
    VTD_FAULT_ADDRESS_HIGH = 0x44,
    VTD_QUEUE_HEAD = 0x80,
    VTD_QUEUE_TAIL = 0x88,
    VTD_QUEUE_ADDRESS = 0x90,
    VTD_TABLE_ADDRESS = 0xB8,
    VTD_MMIO_SIZE =
        0x4000, /* the fault records may lie as far as this: FRO has 10 bits, times 16 */
};

/* VT-d 11.4.2 */
#define VTD_CAP_FAULT_COUNT BITS(47, 40) /* less one */
#define VTD_CAP_FAULT_OFFSET BITS(33, 24)
#define VTD_CAP_WRITE_BUFFER BIT(4) /* RWBF */
enum { VTD_FAULT_OFFSET_UNIT = 16, VTD_FAULT_SIZE = 16 };

/* VT-d 11.4.3 */
#define VTD_ECAP_COHERENT BIT(0)
#define VTD_ECAP_QUEUE BIT(1)
#define VTD_ECAP_REMAPPING BIT(3)
#define VTD_ECAP_EXTENDED_MODE BIT(4) /* 32-bit destinations */

/* VT-d 11.4.4: the same bits in command and status */
#define VTD_GLOBAL_TABLE BIT(24)         /* SIRTP, IRTPS */
#define VTD_GLOBAL_REMAPPING BIT(25)     /* IRE, IRES */
#define VTD_GLOBAL_COMPATIBILITY BIT(23) /* CFI, CFIS: let the old format pass */
#define VTD_GLOBAL_QUEUE BIT(26)         /* QIE, QIES */
#define VTD_GLOBAL_WRITE_BUFFER BIT(27)  /* WBF, WBFS */
/* VT-d 11.4.4.1: what of the status is written back with a command; the rest are one-shot. */
#define VTD_GLOBAL_KEPT 0x96FFFFFFull

/* VT-d 11.4.9, 11.4.10 */
#define VTD_FAULT_OVERFLOW BIT(0)
#define VTD_FAULT_PENDING BIT(1)
#define VTD_FAULT_QUEUE_ERRORS BITS(6, 4)
#define VTD_FAULT_MASK BIT(31)

/* VT-d 11.4.14: a record's upper half; the index is in the lower half */
#define VTD_RECORD_FAULT BIT(63)
#define VTD_RECORD_REASON BITS(39, 32)
#define VTD_RECORD_SOURCE BITS(15, 0)
#define VTD_RECORD_INDEX BITS(63, 48)

/* VT-d 7.1.2: reasons of interrupt faults */
enum vtd_reason {
    VTD_REASON_RESERVED = 0x20,
    VTD_REASON_INDEX = 0x21,
    VTD_REASON_NOT_PRESENT = 0x22,
    VTD_REASON_TABLE = 0x23,
    VTD_REASON_ENTRY = 0x24,
    VTD_REASON_COMPATIBILITY = 0x25,
    VTD_REASON_SOURCE = 0x26,
};

/* VT-d 11.4.8.3: a 4 KiB queue, descriptors of 128 bits */
enum { VTD_QUEUE_SIZE = 4096, VTD_DESCRIPTOR_SIZE = 16 };

/* VT-d 6.5.2.7 "Interrupt Entry Cache Invalidate Descriptor" */
#define VTD_CACHE_TYPE 0x4ull
#define VTD_CACHE_BY_INDEX BIT(4)
#define VTD_CACHE_INDEX BITS(47, 32)
/* VT-d 6.5.2.8 "Invalidation Wait Descriptor" */
#define VTD_WAIT_TYPE 0x5ull
#define VTD_WAIT_WRITE BIT(5)
#define VTD_WAIT_DATA BITS(63, 32)

/* VT-d 11.4.16.6 */
#define VTD_TABLE_EXTENDED BIT(11)
#define VTD_TABLE_ORDER BITS(3, 0) /* 2^(n + 1) entries */

/* ---- Entries, VT-d 9.10 "Interrupt Remapping Table Entry (IRTE) for Remapped Interrupts" ---- */

struct vtd_irte {
    uint64_t low;
    uint64_t high;
};

#define VTD_IRTE_PRESENT BIT(0)
#define VTD_IRTE_LEVEL BIT(4)
#define VTD_IRTE_VECTOR BITS(23, 16)
#define VTD_IRTE_DESTINATION BITS(63, 32)       /* extended mode */
#define VTD_IRTE_XAPIC_DESTINATION BITS(47, 40) /* otherwise */
/* upper half */
#define VTD_IRTE_SOURCE BITS(15, 0)
#define VTD_IRTE_QUALIFIER BITS(17, 16)
#define VTD_IRTE_CHECK BITS(19, 18)

enum vtd_qualifier {
    VTD_QUALIFIER_ALL = 0,
    VTD_QUALIFIER_DEVICE = 3, /* bits 2:0, the function, are not compared */
};

enum vtd_check {
    VTD_CHECK_ID = 1,  /* the source id, by the qualifier */
    VTD_CHECK_BUS = 2, /* the source's bus lies in [id 15:8, id 7:0] */
};

/* ---- What names an entry ------------------------------------------------------------------- */

/* VT-d 5.1.2.2 "Interrupt Requests in Remappable Format": message address */
#define VTD_ADDRESS_HANDLE BITS(19, 5)
#define VTD_ADDRESS_REMAPPABLE BIT(4)
#define VTD_ADDRESS_SUBHANDLE BIT(3) /* the data's low 16 bits are added */
#define VTD_ADDRESS_HANDLE_15 BIT(2)

/* VT-d 5.1.5.1 "I/OxAPIC Programming"; the vector must be the entry's, for the EOI to match. */
#define VTD_RTE_HANDLE BITS(63, 49)
#define VTD_RTE_REMAPPABLE BIT(48)
#define VTD_RTE_HANDLE_15 BIT(11)
