/*
 * hal/apic_state.h - a CPU's own interrupt hardware as it is, and as it was set up: for the console
 * and its checks. arch/x86_64/apic_state.c
 */
#pragma once

#include <hal/types.h>

enum { HAL_APIC_REGISTER_MAX = 20, HAL_APIC_BANK = 8 };

struct hal_apic_state {
    uint64_t base;                             /* IA32_APIC_BASE */
    uint32_t registers[HAL_APIC_REGISTER_MAX]; /* in the order of hal_apic_register_name() */
    uint32_t in_service[HAL_APIC_BANK];        /* ISR, 32 vectors each */
    uint32_t level[HAL_APIC_BANK];             /* TMR */
    uint32_t requested[HAL_APIC_BANK];         /* IRR */
    irql_t irql;                               /* CR8 at that moment */
    uint8_t masks_8259[2];                     /* master, slave: the same for all CPUs */
    bool is_read;
};

/* Of the CPU it runs on. Any IRQL; with interrupts off, or the vectors change meanwhile. */
void hal_apic_state_read(struct hal_apic_state *state);
/* As the SDM calls it; NULL past the last. */
const char *hal_apic_register_name(uint32_t index);
/*
 * What the register was set to hold. False: it is not ours to decide (versions, counters), or this
 * CPU has no such register. `state` is the CPU's.
 */
bool hal_apic_register_setting(uint32_t index, uint32_t cpu, const struct hal_apic_state *state,
                               uint32_t *setting);
/* The same of IA32_APIC_BASE, from what it holds: address, mode and enable bit are ours. */
uint64_t hal_apic_base_setting(uint64_t held);

/* A gate of a CPU's IDT. */
struct hal_gate {
    uint64_t target;
    uint16_t selector;
    uint8_t ist;  /* 0: the stack of the moment */
    uint8_t type; /* 14: interrupt gate */
    bool is_present;
};
void hal_gate_read(uint32_t cpu, vector_t vector, struct hal_gate *gate);
/* As it was set up. */
void hal_gate_setting(vector_t vector, struct hal_gate *gate);
