/*
 * hw/lapic.h - the local APIC: registers of both modes and their fields.
 *
 * Register offsets are xAPIC's; in x2APIC mode register r is MSR LAPIC_X2_MSR(r), except that the
 * ICR is one 64-bit MSR and the ids are 32 bits. Bit vectors (ISR, TMR, IRR) are eight 32-bit
 * registers, LAPIC_VECTOR_STRIDE bytes apart.
 *
 * Intel SDM 3A chapter 11 "Advanced Programmable Interrupt Controller": table 11-1 (xAPIC), table
 * 11-6 (x2APIC).
 */
#ifndef HW_LAPIC_H
#define HW_LAPIC_H

#include <stdbool.h>
#include <stdint.h>

enum lapic_register {
    LAPIC_ID = 0x020,
    LAPIC_VERSION = 0x030,
    LAPIC_TPR = 0x080,
    LAPIC_PPR = 0x0A0,
    LAPIC_EOI = 0x0B0,
    LAPIC_LDR = 0x0D0,
    LAPIC_DFR = 0x0E0, /* not in x2APIC mode */
    LAPIC_SPURIOUS = 0x0F0,
    LAPIC_ISR = 0x100,
    LAPIC_TMR = 0x180,
    LAPIC_IRR = 0x200,
    LAPIC_ESR = 0x280,
    LAPIC_LVT_CMCI = 0x2F0,
    LAPIC_ICR_LOW = 0x300,  /* x2APIC: all 64 bits */
    LAPIC_ICR_HIGH = 0x310, /* not in x2APIC mode */
    LAPIC_LVT_TIMER = 0x320,
    LAPIC_LVT_THERMAL = 0x330,
    LAPIC_LVT_PERFORMANCE = 0x340,
    LAPIC_LVT_LINT0 = 0x350,
    LAPIC_LVT_LINT1 = 0x360,
    LAPIC_LVT_ERROR = 0x370,
    LAPIC_TIMER_INITIAL = 0x380,
    LAPIC_TIMER_CURRENT = 0x390,
    LAPIC_TIMER_DIVIDE = 0x3E0,
    LAPIC_X2_SELF_IPI = 0x3F0, /* only in x2APIC mode */
};

/* SDM 3A "x2APIC Register Address Space" 11.12.1.2 */
#define LAPIC_X2_MSR(register) (0x800u + ((uint32_t)(register) >> 4))

/* SDM 3A "Interrupt Acceptance for Fixed Interrupts" 11.8.4: 32 vectors each 16 bytes */
#define LAPIC_VECTOR_STRIDE 0x10u
#define LAPIC_VECTORS_PER_REGISTER 32u

/* IA32_APIC_BASE, SDM 3A "Local APIC Status and Location" 11.4.4 and 11.12.1 */
#define LAPIC_BASE_BSP (1ull << 8)
#define LAPIC_BASE_X2 (1ull << 10)
#define LAPIC_BASE_ENABLE (1ull << 11)
#define LAPIC_BASE_ADDRESS 0x000FFFFFFFFFF000ull

/* SDM 3A "Local APIC ID" 11.4.6: the id of an xAPIC */
#define LAPIC_ID_XAPIC_SHIFT 24

/*
 * Logical ids. SDM 3A "Logical Destination Mode" 11.6.2.2: in the flat model each of 8 local APICs
 * has a bit. "Logical Destination Mode in x2APIC Mode" 11.12.10.2: the LDR is read only, and a
 * cluster of 16 local APICs has a bit each below the cluster's number.
 */
#define LAPIC_DFR_FLAT 0xFFFFFFFFu
#define LAPIC_LDR_XAPIC_SHIFT 24 /* in the LDR; in ICR_HIGH it is LAPIC_ICR_XAPIC_DEST_SHIFT */
#define LAPIC_LDR_FLAT_MAX 8u
#define LAPIC_LDR_X2_CLUSTER 0xFFFF0000u
#define LAPIC_LDR_X2_CLUSTER_SHIFT 16
#define LAPIC_X2_CLUSTER_SIZE 16u
#define LAPIC_X2_CLUSTER_LAST 0xFFFEu /* all 16 of the next would read as everybody */

/* SDM 3A "Local APIC Version Register" 11.4.8 */
#define LAPIC_VERSION_MAX_LVT 0x00FF0000u

/* SDM 3A "Spurious Interrupt" 11.9 */
#define LAPIC_SPURIOUS_VECTOR 0x000000FFu
#define LAPIC_SPURIOUS_ENABLE 0x00000100u

/* SDM 3A "Local Vector Table" 11.5.1 */
#define LAPIC_LVT_VECTOR 0x000000FFu
#define LAPIC_LVT_DELIVERY 0x00000700u
#define LAPIC_LVT_PENDING 0x00001000u /* read only, as is the next */
#define LAPIC_LVT_REMOTE_IRR 0x00004000u
#define LAPIC_LVT_ACTIVE_LOW 0x00002000u
#define LAPIC_LVT_LEVEL 0x00008000u
#define LAPIC_LVT_MASKED 0x00010000u
#define LAPIC_LVT_TIMER_ONE_SHOT 0x00000000u
#define LAPIC_LVT_TIMER_DEADLINE 0x00040000u

/* SDM 3A "Divide Configuration Register" 11.5.4 */
#define LAPIC_TIMER_DIVIDE_BY_1 0x0000000Bu

/* SDM 3A "Error Handling" 11.5.3 */
#define LAPIC_ESR_ILLEGAL_VECTOR_SENT 0x00000020u
#define LAPIC_ESR_ILLEGAL_VECTOR_RECEIVED 0x00000040u
#define LAPIC_ESR_ILLEGAL_REGISTER 0x00000080u

/* SDM 3A "Interrupt Command Register (ICR)" 11.6.1 */
#define LAPIC_ICR_VECTOR 0x000000FFu
#define LAPIC_ICR_DELIVERY 0x00000700u
#define LAPIC_ICR_LOGICAL 0x00000800u
#define LAPIC_ICR_BUSY 0x00001000u /* xAPIC only */
#define LAPIC_ICR_ASSERT 0x00004000u
#define LAPIC_ICR_SHORTHAND 0x000C0000u
#define LAPIC_ICR_SHORTHAND_SELF 0x00040000u
#define LAPIC_ICR_SHORTHAND_ALL 0x00080000u
#define LAPIC_ICR_SHORTHAND_OTHERS 0x000C0000u
#define LAPIC_ICR_XAPIC_DEST_SHIFT 24 /* within ICR_HIGH */
#define LAPIC_ICR_X2_DEST_SHIFT 32

/* Delivery modes of LVT entries and of the ICR, same place in both */
#define LAPIC_DELIVERY_FIXED 0x00000000u
#define LAPIC_DELIVERY_NMI 0x00000400u
#define LAPIC_DELIVERY_INIT 0x00000500u
#define LAPIC_DELIVERY_STARTUP 0x00000600u
#define LAPIC_DELIVERY_EXTINT 0x00000700u

/* Offset of the 32-bit register of a bit vector that holds the bit of `vector`. */
static inline uint32_t lapic_vector_register(uint32_t bank, uint8_t vector)
{
    return bank + vector / LAPIC_VECTORS_PER_REGISTER * LAPIC_VECTOR_STRIDE;
}

/* What the LDR of the x2APIC with this id reads as; 0: no logical destination can name it. */
static inline uint32_t lapic_x2_logical_id(uint32_t id)
{
    uint32_t cluster = id / LAPIC_X2_CLUSTER_SIZE;

    return cluster > LAPIC_X2_CLUSTER_LAST
               ? 0
               : cluster << LAPIC_LDR_X2_CLUSTER_SHIFT | 1u << id % LAPIC_X2_CLUSTER_SIZE;
}

static inline uint32_t lapic_vector_bit(uint8_t vector)
{
    return 1u << vector % LAPIC_VECTORS_PER_REGISTER;
}

#endif
