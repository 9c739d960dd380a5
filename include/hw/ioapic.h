/*
 * hw/ioapic.h - the I/O APIC: indirect registers and the redirection table entry.
 *
 * Citations: "IOAPIC" is Intel 82093AA I/O Advanced Programmable Interrupt Controller, "ICH9" the
 * I/O controller hub family 9 data sheet. Later chips differ in the number of pins only.
 *
 * An entry is one 64-bit number here; hardware takes it as two 32-bit registers. Bits that no data
 * sheet defines are kept as they were found. What an entry says of a route is hal/ioapic_entry.h.
 */
#pragma once

#include <lib/bits.h>

/* IOAPIC 3.1: memory-mapped window, from the chip's base address. */
enum {
    IOAPIC_SELECT = 0x00, /* 8 bits: which register */
    IOAPIC_WINDOW = 0x10, /* 32 bits: its value */
    IOAPIC_EOI = 0x40,    /* ICH9 13.5.3: entries with this vector end, version 20h and later */
    IOAPIC_MMIO_SIZE = 0x44,
};

/* IOAPIC 3.2: registers behind the window. */
enum {
    IOAPIC_REG_ID = 0x00,
    IOAPIC_REG_VERSION = 0x01,
    IOAPIC_REG_TABLE = 0x10, /* two a pin, low half first */
    IOAPIC_PINS_MAX = 120,   /* (0x100 - 0x10) / 2: what an 8-bit select can reach */
};

#define IOAPIC_ID_FIELD BITS(27, 24)    /* IOAPIC 3.2.1 */
#define IOAPIC_VERSION_FIELD BITS(7, 0) /* IOAPIC 3.2.2 */
#define IOAPIC_VERSION_LAST_PIN BITS(23, 16)

/* IOAPIC 3.2.4, redirection table entry. */
#define IOAPIC_RTE_VECTOR BITS(7, 0)
#define IOAPIC_RTE_DELIVERY_MODE BITS(10, 8)
#define IOAPIC_RTE_LOGICAL BIT(11)
#define IOAPIC_RTE_PENDING BIT(12) /* read only */
#define IOAPIC_RTE_ACTIVE_LOW BIT(13)
#define IOAPIC_RTE_REMOTE_IRR BIT(14) /* read only */
#define IOAPIC_RTE_LEVEL BIT(15)
#define IOAPIC_RTE_MASK BIT(16)
#define IOAPIC_RTE_DESTINATION BITS(63, 56)

enum { IOAPIC_DELIVERY_FIXED = 0, IOAPIC_VERSION_WITH_EOI = 0x20 };

/* What program() decides; all other bits are reserved or read only. */
#define IOAPIC_RTE_WRITABLE                                                                        \
    (IOAPIC_RTE_VECTOR | IOAPIC_RTE_DELIVERY_MODE | IOAPIC_RTE_LOGICAL | IOAPIC_RTE_ACTIVE_LOW |   \
     IOAPIC_RTE_LEVEL | IOAPIC_RTE_MASK | IOAPIC_RTE_DESTINATION)
#define IOAPIC_RTE_RESERVED (~(IOAPIC_RTE_WRITABLE | IOAPIC_RTE_PENDING | IOAPIC_RTE_REMOTE_IRR))

/* Number of pins from the version register, never more than can be addressed. */
static inline uint32_t ioapic_pin_count(uint32_t version)
{
    uint32_t count = (uint32_t)FIELD_GET(IOAPIC_VERSION_LAST_PIN, version) + 1;

    return count < IOAPIC_PINS_MAX ? count : (uint32_t)IOAPIC_PINS_MAX;
}

static inline uint32_t ioapic_rte_register(uint32_t pin, bool high)
{
    return IOAPIC_REG_TABLE + 2 * pin + (high ? 1 : 0);
}

/* A masked entry without a vector. Edge, since that clears a Remote IRR firmware left behind. */
static inline uint64_t ioapic_rte_idle(uint64_t found)
{
    return (found & IOAPIC_RTE_RESERVED) | IOAPIC_RTE_MASK;
}
