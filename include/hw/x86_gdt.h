/*
 * hw/x86_gdt.h - segments, task state segment and interrupt gates of 64-bit mode.
 *
 * The selectors are those of Windows x64, since drivers may look at CS and SS. Builders are pure,
 * so that a host test can compare them with the manual. Assembly uses the numbers only.
 *
 * Intel SDM 3A "Segment Descriptors" 3.4.5, "64-Bit Mode IDT" 6.14.1, "Task Management in 64-bit
 * Mode" 7.7.
 */
#ifndef HW_X86_GDT_H
#define HW_X86_GDT_H

#define X86_SELECTOR_CODE 0x10
#define X86_SELECTOR_DATA 0x18
#define X86_SELECTOR_TSS 0x40 /* 16 bytes */
#define X86_GDT_BYTES 0x50

/* Interrupt stack table slots, 1 to 7: SDM 3A "Interrupt Stack Table" 6.14.5 */
#define X86_IST_NMI 1
#define X86_IST_DOUBLE_FAULT 2
#define X86_IST_MACHINE_CHECK 3
#define X86_IST_COUNT 3

#define X86_VECTOR_NMI 2
#define X86_VECTOR_DOUBLE_FAULT 8
#define X86_VECTOR_MACHINE_CHECK 18

/* Base and limit mean nothing in 64-bit mode; G, D/B or L, present, type with accessed set. */
#define X86_DESCRIPTOR_CODE64 0x00209B0000000000
#define X86_DESCRIPTOR_CODE32 0x00CF9B000000FFFF
#define X86_DESCRIPTOR_DATA 0x00CF93000000FFFF

#ifndef __ASSEMBLER__

#include <stdint.h>

/* SDM 3A figure 7-11 "64-Bit TSS Format" */
struct x86_tss {
    uint32_t reserved_00;
    uint64_t rsp[3];
    uint64_t reserved_1c;
    uint64_t ist[7];
    uint64_t reserved_5c;
    uint16_t reserved_64;
    uint16_t io_map_base;
} __attribute__((packed));
_Static_assert(sizeof(struct x86_tss) == 104, "SDM 3A figure 7-11");

/* SDM 3A figure 6-8 "64-Bit IDT Gate Descriptors" */
struct x86_gate {
    uint64_t low, high;
};

#define X86_GATE_TYPE_INTERRUPT (0xEull << 40)
#define X86_GATE_PRESENT (1ull << 47)

static inline struct x86_gate x86_gate_make(uint64_t target, uint16_t selector, unsigned ist)
{
    return (struct x86_gate){
        .low = (target & 0xFFFF) | (uint64_t)selector << 16 | (uint64_t)(ist & 7) << 32 |
               X86_GATE_TYPE_INTERRUPT | X86_GATE_PRESENT | (target >> 16 & 0xFFFF) << 48,
        .high = target >> 32,
    };
}

static inline uint64_t x86_gate_target(const struct x86_gate *gate)
{
    return (gate->low & 0xFFFF) | (gate->low >> 48 & 0xFFFF) << 16 | gate->high << 32;
}

/* SDM 3A figure 7-4 "Format of TSS and LDT Descriptors in 64-bit Mode"; type 9: available TSS */
#define X86_SYSTEM_PRESENT_TSS (0x89ull << 40)

static inline void x86_tss_descriptor_make(uint64_t descriptor[2], uint64_t base, uint32_t limit)
{
    descriptor[0] = (limit & 0xFFFF) | (base & 0xFFFFFF) << 16 | X86_SYSTEM_PRESENT_TSS |
                    (uint64_t)(limit >> 16 & 0xF) << 48 | (base >> 24 & 0xFF) << 56;
    descriptor[1] = base >> 32;
}

/* The operand of LGDT and LIDT */
struct x86_table_register {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

#endif

#endif
