/*
 * apic_state.c - reading back what lapic.c, clock.c, i8259.c and idt.c have set up.
 *
 * What a register should hold is asked of the file that writes it, so that there is one truth.
 */
#include "arch.h"

#include <hal/apic_state.h>
#include <hw/i8259.h>
#include <lib/assert.h>
#include <lib/bits.h>

static const struct {
    const char *name;
    uint32_t reg;
} apic_registers[] = {
    {"ID", LAPIC_ID},
    {"version", LAPIC_VERSION},
    {"TPR", LAPIC_TPR},
    {"PPR", LAPIC_PPR},
    {"LDR", LAPIC_LDR},
    {"DFR", LAPIC_DFR},
    {"spurious", LAPIC_SPURIOUS},
    {"LVT CMCI", LAPIC_LVT_CMCI},
    {"LVT timer", LAPIC_LVT_TIMER},
    {"LVT thermal", LAPIC_LVT_THERMAL},
    {"LVT performance", LAPIC_LVT_PERFORMANCE},
    {"LVT LINT0", LAPIC_LVT_LINT0},
    {"LVT LINT1", LAPIC_LVT_LINT1},
    {"LVT error", LAPIC_LVT_ERROR},
    {"timer divide", LAPIC_TIMER_DIVIDE},
    {"timer initial", LAPIC_TIMER_INITIAL},
    {"timer current", LAPIC_TIMER_CURRENT},
};
_Static_assert(ARRAY_COUNT(apic_registers) <= HAL_APIC_REGISTER_MAX, "struct hal_apic_state");

const char *hal_apic_register_name(uint32_t index)
{
    return index < ARRAY_COUNT(apic_registers) ? apic_registers[index].name : NULL;
}

/* A register that does not exist faults in x2APIC mode; in xAPIC mode it reads as 0. */
static bool apic_register_exists(uint32_t reg)
{
    uint32_t setting;

    if (reg == LAPIC_LVT_CMCI || reg == LAPIC_LVT_THERMAL || reg == LAPIC_LVT_PERFORMANCE)
        return lapic_setting(reg, &setting);
    return reg != LAPIC_DFR || !lapic_x2_mode;
}

static void apic_bank_read(uint32_t bank, uint32_t words[HAL_APIC_BANK])
{
    for (uint32_t i = 0; i < HAL_APIC_BANK; i++)
        words[i] = hal_apic_read(bank + i * LAPIC_VECTOR_STRIDE);
}

void hal_apic_state_read(struct hal_apic_state *state)
{
    state->base = x86_msr_read(X86_MSR_APIC_BASE);
    state->irql = hal_irql_read();
    for (uint32_t i = 0; i < ARRAY_COUNT(apic_registers); i++)
        state->registers[i] =
            apic_register_exists(apic_registers[i].reg) ? hal_apic_read(apic_registers[i].reg) : 0;
    apic_bank_read(LAPIC_ISR, state->in_service);
    apic_bank_read(LAPIC_TMR, state->level);
    apic_bank_read(LAPIC_IRR, state->requested);
    state->masks_8259[0] = hal_port_read8(I8259_MASTER_DATA);
    state->masks_8259[1] = hal_port_read8(I8259_SLAVE_DATA);
    state->is_read = true;
}

bool hal_apic_register_setting(uint32_t index, uint32_t cpu, const struct hal_apic_state *state,
                               uint32_t *setting)
{
    const uint32_t read_only = LAPIC_LVT_PENDING | LAPIC_LVT_REMOTE_IRR;
    uint32_t id = hal_pcr(cpu)->apic_id.value;

    switch (apic_registers[index].reg) {
    case LAPIC_ID:
        *setting = lapic_x2_mode ? id : id << LAPIC_ID_XAPIC_SHIFT;
        return true;
    case LAPIC_LDR:
        *setting = lapic_logical_setting(cpu);
        return true;
    case LAPIC_DFR:
        *setting = LAPIC_DFR_FLAT;
        return !lapic_x2_mode;
    case LAPIC_TPR: /* SDM 3A "Task Priority in IA-32e Mode" 11.8.6: CR8 is its upper half */
        *setting = (uint32_t)state->irql << 4;
        return true;
    case LAPIC_TIMER_DIVIDE:
        *setting = LAPIC_TIMER_DIVIDE_BY_1;
        return !cpu_features.has_tsc_deadline;
    case LAPIC_SPURIOUS:
        return lapic_setting(LAPIC_SPURIOUS, setting);
    default:
        if (!lapic_setting(apic_registers[index].reg, setting))
            return false;
        *setting |= state->registers[index] & read_only;
        return true;
    }
}

uint64_t hal_apic_base_setting(uint64_t held)
{
    return lapic_base_setting(held);
}

/* ---- the IDT ----------------------------------------------------------------------------- */

static void gate_decode(const struct x86_gate *gate, struct hal_gate *decoded)
{
    *decoded = (struct hal_gate){
        .target = x86_gate_target(gate),
        .selector = (uint16_t)(gate->low >> 16),
        .ist = gate->low >> 32 & 7,
        .type = gate->low >> 40 & 0xF,
        .is_present = gate->low & X86_GATE_PRESENT,
    };
}

void hal_gate_read(uint32_t cpu, vector_t vector, struct hal_gate *gate)
{
    gate_decode(&smp_blocks[cpu]->idt[vector.value], gate);
}

void hal_gate_setting(vector_t vector, struct hal_gate *gate)
{
    struct x86_gate made = idt_gate(vector.value);

    gate_decode(&made, gate);
}
