/*
 * hw/pci.h - PCI configuration space: registers, fields, capabilities.
 *
 * Citations: "PCI" is PCI Local Bus 3.0, "PCIe" PCI Express Base 5.0, "P2P" PCI-to-PCI Bridge 1.2,
 * "PM" PCI Bus Power Management Interface 1.2. Offsets count bytes in a function's configuration
 * space or, where the comment says so, from the start of the capability.
 *
 * Owns: numbers only. How capability lists are walked and BARs decoded is parse/pci_capability.h;
 * how configuration space is reached is hal/pci_config.h.
 */
#pragma once

#include <lib/bits.h>

/* PCI 6.1, header common to all types, and type 0. */
enum {
    PCI_VENDOR_ID = 0x00,           /* 16 */
    PCI_DEVICE_ID = 0x02,           /* 16 */
    PCI_COMMAND = 0x04,             /* 16 */
    PCI_STATUS = 0x06,              /* 16 */
    PCI_REVISION_ID = 0x08,         /* 8 */
    PCI_CLASS_CODE = 0x08,          /* 32: class code in bits 31:8 */
    PCI_CACHE_LINE_SIZE = 0x0C,     /* 8 */
    PCI_LATENCY_TIMER = 0x0D,       /* 8 */
    PCI_HEADER_TYPE = 0x0E,         /* 8 */
    PCI_BAR0 = 0x10,                /* 32, six of them */
    PCI_SUBSYSTEM_VENDOR_ID = 0x2C, /* 16 */
    PCI_SUBSYSTEM_ID = 0x2E,        /* 16 */
    PCI_ROM_BAR = 0x30,             /* 32 */
    PCI_CAPABILITY_POINTER = 0x34,  /* 8 */
    PCI_INTERRUPT_LINE = 0x3C,      /* 8 */
    PCI_INTERRUPT_PIN = 0x3D,       /* 8: 0 none, 1..4 INTA..INTD */
};

/* P2P 3.2, type 1. */
enum {
    PCI_BRIDGE_PRIMARY_BUS = 0x18,         /* 8 */
    PCI_BRIDGE_SECONDARY_BUS = 0x19,       /* 8 */
    PCI_BRIDGE_SUBORDINATE_BUS = 0x1A,     /* 8 */
    PCI_BRIDGE_IO_BASE = 0x1C,             /* 8: address bits 15:12 in 7:4, type in 3:0 */
    PCI_BRIDGE_IO_LIMIT = 0x1D,            /* 8 */
    PCI_BRIDGE_MEMORY_BASE = 0x20,         /* 16: address bits 31:20 in 15:4 */
    PCI_BRIDGE_MEMORY_LIMIT = 0x22,        /* 16 */
    PCI_BRIDGE_PREFETCH_BASE = 0x24,       /* 16: the same, type in 3:0 */
    PCI_BRIDGE_PREFETCH_LIMIT = 0x26,      /* 16 */
    PCI_BRIDGE_PREFETCH_BASE_HIGH = 0x28,  /* 32 */
    PCI_BRIDGE_PREFETCH_LIMIT_HIGH = 0x2C, /* 32 */
    PCI_BRIDGE_IO_BASE_HIGH = 0x30,        /* 16 */
    PCI_BRIDGE_IO_LIMIT_HIGH = 0x32,       /* 16 */
    PCI_BRIDGE_ROM_BAR = 0x38,             /* 32 */
};

enum {
    PCI_BAR_COUNT = 6,
    PCI_BRIDGE_BAR_COUNT = 2,
    PCI_CONFIG_SIZE = 256,
    PCI_EXPRESS_CONFIG_SIZE = 4096,
    PCI_DEVICES_PER_BUS = 32,
    PCI_FUNCTIONS_PER_DEVICE = 8,
    PCI_VENDOR_NONE = 0xFFFF,
    PCI_INTERRUPT_LINE_NONE = 0xFF, /* PCI 6.2.4: unknown or no connection */
};

/* PCI 6.2.2, command. */
#define PCI_COMMAND_IO BIT(0)
#define PCI_COMMAND_MEMORY BIT(1)
#define PCI_COMMAND_BUS_MASTER BIT(2)
#define PCI_COMMAND_INTX_DISABLE BIT(10)

/* PCI 6.2.3, status. */
#define PCI_STATUS_INTERRUPT BIT(3)
#define PCI_STATUS_CAPABILITIES BIT(4)

/* PCI 6.2.1, header type. */
#define PCI_HEADER_LAYOUT BITS(6, 0)
#define PCI_HEADER_MULTIFUNCTION BIT(7)
enum { PCI_HEADER_DEVICE = 0, PCI_HEADER_BRIDGE = 1, PCI_HEADER_CARDBUS = 2 };

/* PCI 6.2.1, the 32-bit register at 0x08. */
#define PCI_REVISION_FIELD BITS(7, 0)
#define PCI_CLASS_FIELD BITS(31, 8)

/* Fields of the 24-bit class code. */
#define PCI_CLASS_BASE BITS(23, 16)
#define PCI_CLASS_SUB BITS(15, 8)
#define PCI_CLASS_INTERFACE BITS(7, 0)

/* PCI 6.2.5, base address registers. */
#define PCI_BAR_IS_IO BIT(0)
#define PCI_BAR_IO_ADDRESS BITS(31, 2)
#define PCI_BAR_MEMORY_ADDRESS BITS(31, 4)
#define PCI_ROM_ENABLE BIT(0)

/* P2P 3.2.5.6 to 3.2.5.9, bridge windows. */
#define PCI_BRIDGE_IO_TYPE BITS(3, 0)
#define PCI_BRIDGE_IO_ADDRESS BITS(7, 4)
#define PCI_BRIDGE_MEMORY_ADDRESS BITS(15, 4)
#define PCI_BRIDGE_PREFETCH_TYPE BITS(3, 0)
enum { PCI_BRIDGE_WINDOW_IO_32 = 1, PCI_BRIDGE_WINDOW_PREFETCH_64 = 1 };
#define PCI_BRIDGE_IO_GRANULE 0x1000ull
#define PCI_BRIDGE_MEMORY_GRANULE 0x100000ull

/* PCI appendix H, capability ids. */
enum {
    PCI_CAPABILITY_POWER = 0x01,
    PCI_CAPABILITY_MSI = 0x05,
    PCI_CAPABILITY_EXPRESS = 0x10,
    PCI_CAPABILITY_MSIX = 0x11,
};

/* PCI 6.8.1, message control of MSI (capability + 2); the other offsets depend on it. */
enum { PCI_MSI_CONTROL = 0x02 };
#define PCI_MSI_CONTROL_ENABLE BIT(0)
#define PCI_MSI_CONTROL_CAPABLE BITS(3, 1) /* log2 of the messages it wants */
#define PCI_MSI_CONTROL_ENABLED BITS(6, 4) /* log2 of the messages it may send */
#define PCI_MSI_CONTROL_64BIT BIT(7)
#define PCI_MSI_CONTROL_MASKABLE BIT(8)

/* PCI 6.8.2, message control of MSI-X (capability + 2), table and PBA. */
enum { PCI_MSIX_CONTROL = 0x02, PCI_MSIX_TABLE = 0x04, PCI_MSIX_PENDING = 0x08 };
#define PCI_MSIX_CONTROL_TABLE_SIZE BITS(10, 0) /* entries - 1 */
#define PCI_MSIX_CONTROL_FUNCTION_MASK BIT(14)
#define PCI_MSIX_CONTROL_ENABLE BIT(15)
#define PCI_MSIX_BIR BITS(2, 0)
#define PCI_MSIX_OFFSET BITS(31, 3)

/* PCI 6.8.2.6 to 6.8.2.9, one table entry. */
enum {
    PCI_MSIX_ENTRY_SIZE = 16,
    PCI_MSIX_ENTRY_ADDRESS = 0x0,
    PCI_MSIX_ENTRY_ADDRESS_HIGH = 0x4,
    PCI_MSIX_ENTRY_DATA = 0x8,
    PCI_MSIX_ENTRY_CONTROL = 0xC,
    PCI_MSIX_ENTRIES_MAX = 2048,
};
#define PCI_MSIX_ENTRY_MASK BIT(0)

/* PM 3.2.3, power management capabilities (capability + 2). */
enum { PCI_POWER_CAPABILITIES = 0x02 };
#define PCI_POWER_HAS_D1 BIT(9)
#define PCI_POWER_HAS_D2 BIT(10)

/* PM 3.2.4, power management control and status (capability + 4). */
enum { PCI_POWER_CONTROL = 0x04, PCI_POWER_D0_DELAY_US = 10000 };
#define PCI_POWER_STATE BITS(1, 0)
#define PCI_POWER_NO_SOFT_RESET BIT(3)

/* PCIe 7.5.3, PCI Express capability: offsets from its start; the last two since version 2. */
enum {
    PCI_EXPRESS_CAPABILITIES = 0x02,      /* 16 */
    PCI_EXPRESS_DEVICE_CONTROL = 0x08,    /* 16 */
    PCI_EXPRESS_LINK_CAPABILITIES = 0x0C, /* 32 */
    PCI_EXPRESS_LINK_CONTROL = 0x10,      /* 16 */
    PCI_EXPRESS_LINK_STATUS = 0x12,       /* 16 */
    PCI_EXPRESS_SLOT_CAPABILITIES = 0x14, /* 32 */
    PCI_EXPRESS_SLOT_CONTROL = 0x18,      /* 16 */
    PCI_EXPRESS_SLOT_STATUS = 0x1A,       /* 16 */
    PCI_EXPRESS_DEVICE_CONTROL_2 = 0x28,  /* 16 */
    PCI_EXPRESS_LINK_CONTROL_2 = 0x30,    /* 16 */
};

/* PCIe 7.5.3.2, capabilities register of PCI Express. */
#define PCI_EXPRESS_VERSION BITS(3, 0)
#define PCI_EXPRESS_PORT_TYPE BITS(7, 4)
#define PCI_EXPRESS_SLOT_IMPLEMENTED BIT(8)
enum {
    PCI_EXPRESS_ROOT_PORT = 4,
    PCI_EXPRESS_DOWNSTREAM_PORT = 6,
    PCI_EXPRESS_TO_PCI_BRIDGE = 7,
    PCI_EXPRESS_FROM_PCI_BRIDGE = 8,
};

/* PCIe 7.5.3.6 and 7.5.3.8, link. */
#define PCI_EXPRESS_LINK_REPORTS_ACTIVE BIT(20)
#define PCI_EXPRESS_LINK_IS_ACTIVE BIT(13)

/* PCIe 7.5.3.9, slot capabilities. */
#define PCI_EXPRESS_SLOT_HAS_BUTTON BIT(0)
#define PCI_EXPRESS_SLOT_HAS_POWER BIT(1)     /* a power controller */
#define PCI_EXPRESS_SLOT_HAS_INDICATOR BIT(4) /* for power */
#define PCI_EXPRESS_SLOT_HOT_PLUG BIT(6)
#define PCI_EXPRESS_SLOT_NO_COMPLETION BIT(18) /* commands take effect at once, unsaid */
#define PCI_EXPRESS_SLOT_NUMBER BITS(31, 19)

/* PCIe 7.5.3.10, slot control. */
#define PCI_EXPRESS_SLOT_BUTTON_ENABLE BIT(0)
#define PCI_EXPRESS_SLOT_PRESENCE_ENABLE BIT(3)
#define PCI_EXPRESS_SLOT_INTERRUPT_ENABLE BIT(5)
#define PCI_EXPRESS_SLOT_INDICATOR BITS(9, 8)
enum {
    PCI_EXPRESS_INDICATOR_ON = 1,
    PCI_EXPRESS_INDICATOR_BLINK = 2,
    PCI_EXPRESS_INDICATOR_OFF = 3
};
#define PCI_EXPRESS_SLOT_POWER_OFF BIT(10)
#define PCI_EXPRESS_SLOT_LINK_ENABLE BIT(12)

/* PCIe 7.5.3.11, slot status; events are cleared by writing 1. */
#define PCI_EXPRESS_SLOT_BUTTON BIT(0)
#define PCI_EXPRESS_SLOT_PRESENCE_CHANGED BIT(3)
#define PCI_EXPRESS_SLOT_COMPLETED BIT(4)
#define PCI_EXPRESS_SLOT_IS_OCCUPIED BIT(6)
#define PCI_EXPRESS_SLOT_LINK_CHANGED BIT(8)

/* PCI 3.2.2.3.2, configuration mechanism #1. */
enum { PCI_CONFIG_ADDRESS_PORT = 0xCF8, PCI_CONFIG_DATA_PORT = 0xCFC };
#define PCI_CONFIG_ADDRESS_ENABLE BIT(31)
#define PCI_CONFIG_ADDRESS_BUS BITS(23, 16)
#define PCI_CONFIG_ADDRESS_DEVFN BITS(15, 8)
#define PCI_CONFIG_ADDRESS_REGISTER BITS(7, 2)

/* PCIe 7.2.2, enhanced configuration access: offset in a segment's window. */
#define PCI_ECAM_BUS BITS(27, 20)
#define PCI_ECAM_DEVFN BITS(19, 12)
#define PCI_ECAM_REGISTER BITS(11, 0)
#define PCI_ECAM_BUS_SIZE 0x100000ull

#define PCI_DEVFN(device, function) ((uint8_t)((device) << 3 | (function)))
#define PCI_DEVFN_DEVICE(devfn) ((uint8_t)((devfn) >> 3))
#define PCI_DEVFN_FUNCTION(devfn) ((uint8_t)((devfn)&7))

/* PCI code and id assignment 1.11, those the kernel acts upon: base class and subclass. */
enum {
    PCI_CLASS_HOST_BRIDGE = 0x0600,
    PCI_CLASS_PCI_BRIDGE = 0x0604,
    PCI_CLASS_PIC = 0x0800,
    PCI_CLASS_IOMMU = 0x0806,
};
