/*
 * idt.c - 256 gates, all alike: interrupt gates into the stubs of entry.S.
 *
 * NMI, double fault and machine check may come on any stack, so they bring their own.
 */
#include "arch.h"

/* entry.S: in xAPIC and in x2APIC mode, which differ in device vectors only */
extern const uint64_t irq_entry_table[VECTOR_COUNT][2];

static unsigned idt_stack(unsigned vector)
{
    switch (vector) {
    case X86_VECTOR_NMI:
        return X86_IST_NMI;
    case X86_VECTOR_DOUBLE_FAULT:
        return X86_IST_DOUBLE_FAULT;
    case X86_VECTOR_MACHINE_CHECK:
        return X86_IST_MACHINE_CHECK;
    default:
        return 0;
    }
}

struct x86_gate idt_gate(unsigned vector)
{
    return x86_gate_make(irq_entry_table[vector][lapic_x2_mode], X86_SELECTOR_CODE,
                         idt_stack(vector));
}

void idt_fill(struct x86_gate idt[VECTOR_COUNT])
{
    for (unsigned vector = 0; vector < VECTOR_COUNT; vector++)
        idt[vector] = idt_gate(vector);
}
