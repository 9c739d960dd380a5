/*
 * Commands about interrupt controllers: apic, ioapic, idt.
 *
 * What they print is read from the hardware. Local APICs are read by every CPU for itself, all at
 * once, by a call that interrupts them; the vector of that call is therefore in service and left
 * out.
 */
#include <hal/hal.h>
#include <hal/ioapic.h>
#include <hal/ioapic_entry.h>
#include <hal/ipi.h>
#include <lib/bugcheck.h>
#include <lib/string.h>

#include "irq/interrupt.h"
#include "irq/vector.h"
#include "mm/pool.h"
#include "parse/cmdline.h"
#include "shell/apic.h"
#include "shell/command.h"
#include "shell/table.h"
#include "shell/text.h"

#define APIC_TAG MM_TAG("ShAp")

enum { SYMBOL_MAX = 64 };

/* ---- apic ---------------------------------------------------------------------------------- */

static ULONG_PTR NTAPI state_read(ULONG_PTR states)
{
    hal_apic_state_read((struct hal_apic_state *)states + cpu_current());
    return 0;
}

struct hal_apic_state *shell_apics_read(void)
{
    struct hal_apic_state *states =
        mm_pool_alloc(hal_cpu_count() * sizeof(struct hal_apic_state), APIC_TAG);

    if (states != NULL)
        KeIpiGenericCall(state_read, (ULONG_PTR)states);
    return states;
}

void shell_apics_free(struct hal_apic_state *states)
{
    mm_pool_free(states, APIC_TAG);
}

static void vectors_cell(struct table *table, const uint32_t bank[HAL_APIC_BANK])
{
    struct text text = {0};

    for (uint32_t vector = 0; vector < VECTOR_COUNT; vector++) {
        if (shell_apic_bit(bank, vector) && vector != VECTOR_IPI)
            text_print(&text, "%s0x%02x", text.used > 0 ? ", " : "", vector);
    }
    table_text(table, "%s", text.bytes != NULL ? text.bytes : "");
    text_free(&text);
}

/* Messages by the way they name their targets, and those together. */
static void sent_cells(struct table *table, uint32_t cpu)
{
    struct hal_ipi_counts counts;

    hal_ipi_counts_read(cpu, &counts);
    for (uint32_t kind = 0; kind < HAL_IPI_KIND_COUNT; kind++)
        table_number(table, counts.messages[kind]);
    table_number(table, counts.targets);
}

static bool all_print(const struct hal_apic_state *states, bool json)
{
    static const struct table_column columns[] = {
        {"cpu", TABLE_NUMBER},       {"apic", TABLE_NUMBER},     {"mode", TABLE_TEXT},
        {"base", TABLE_HEX},         {"irql", TABLE_NUMBER},     {"in service", TABLE_WORDS},
        {"requested", TABLE_WORDS},  {"physical", TABLE_NUMBER}, {"logical", TABLE_NUMBER},
        {"shorthand", TABLE_NUMBER}, {"targets", TABLE_NUMBER},
    };
    struct table *table = table_begin(columns, 11, json);

    for (uint32_t cpu = 0; cpu < hal_cpu_count(); cpu++) {
        table_number(table, cpu);
        table_number(table, hal_pcr(cpu)->apic_id.value);
        table_text(table, "%s", states[cpu].base & LAPIC_BASE_X2 ? "x2APIC" : "xAPIC");
        table_number(table, states[cpu].base);
        table_number(table, states[cpu].irql);
        vectors_cell(table, states[cpu].in_service);
        vectors_cell(table, states[cpu].requested);
        sent_cells(table, cpu);
    }
    return table_end(table);
}

static bool one_print(const struct hal_apic_state *states, uint32_t cpu, bool json)
{
    static const struct table_column columns[] = {
        {"register", TABLE_TEXT}, {"held", TABLE_HEX}, {"set", TABLE_TEXT}};
    struct table *table = table_begin(columns, 3, json);
    const char *name;

    for (uint32_t i = 0; (name = hal_apic_register_name(i)) != NULL; i++) {
        uint32_t setting;

        table_text(table, "%s", name);
        table_number(table, states[cpu].registers[i]);
        if (hal_apic_register_setting(i, cpu, &states[cpu], &setting))
            table_text(table, "0x%x", setting);
        else
            table_text(table, "%s", "");
    }
    return table_end(table);
}

static bool cpu_take(const struct shell_call *call, uint64_t *cpu)
{
    *cpu = 0;
    return call->argc == 0 || cmdline_number(call->argv[0], 0, hal_cpu_count() - 1, cpu) ||
           shell_fail("%s is no CPU", call->argv[0]);
}

static bool run_apic(const struct shell_call *call)
{
    struct hal_apic_state *states;
    uint64_t cpu;
    bool is_printed;

    if (!cpu_take(call, &cpu))
        return false;
    states = shell_apics_read();
    if (states == NULL)
        return shell_fail("apic: not enough memory");
    is_printed = call->argc == 0 ? all_print(states, call->json)
                                 : one_print(states, (uint32_t)cpu, call->json);
    shell_apics_free(states);
    return is_printed;
}

/* ---- ioapic -------------------------------------------------------------------------------- */

static void pin_row(struct table *table, uint32_t ioapic, const struct hal_ioapic_info *info,
                    uint32_t pin)
{
    struct irq_chip_state state = {0};
    uint64_t written, held;

    hal_ioapic_entry(ioapic, pin, &written, &held);
    ioapic_rte_decode(held, &state);
    table_number(table, ioapic);
    table_number(table, pin);
    table_number(table, info->gsi_base + pin);
    table_number(table, held);
    table_number(table, state.route.vector.value);
    table_number(table, state.route.destination.value);
    table_text(table, "%s", state.route.trigger == IRQ_TRIGGER_LEVEL ? "level" : "edge");
    table_text(table, "%s", state.route.polarity == IRQ_ACTIVE_LOW ? "low" : "high");
    table_number(table, state.masked);
    table_number(table, state.pending);
    table_number(table, state.in_service);
}

static bool run_ioapic(const struct shell_call *call)
{
    static const struct table_column columns[] = {
        {"ioapic", TABLE_NUMBER}, {"pin", TABLE_NUMBER},      {"gsi", TABLE_NUMBER},
        {"entry", TABLE_HEX},     {"vector", TABLE_HEX},      {"apic", TABLE_NUMBER},
        {"trigger", TABLE_TEXT},  {"active", TABLE_TEXT},     {"masked", TABLE_FLAG},
        {"pending", TABLE_FLAG},  {"in service", TABLE_FLAG},
    };
    struct table *table = table_begin(columns, 11, call->json);

    for (uint32_t i = 0; i < hal_ioapic_count(); i++) {
        struct hal_ioapic_info info;

        hal_ioapic_info(i, &info);
        if (!call->json)
            shell_print("ioapic%u: id %u at 0x%llx, version 0x%02x, GSI %u to %u\n", i, info.id,
                        (unsigned long long)info.address, info.version, info.gsi_base,
                        info.gsi_base + info.pin_count - 1);
        for (uint32_t pin = 0; pin < info.pin_count; pin++)
            pin_row(table, i, &info, pin);
    }
    return table_end(table);
}

/* ---- idt ----------------------------------------------------------------------------------- */

static const char *vector_user(uint32_t cpu, uint32_t vector)
{
    static const struct {
        uint8_t vector;
        const char *user;
    } kernel_vectors[] = {
        {VECTOR_APC, "APC"},
        {VECTOR_DPC, "DPC"},
        {VECTOR_CLOCK, "clock"},
        {VECTOR_IPI, "IPI"},
        {VECTOR_APIC_ERROR, "APIC error"},
        {VECTOR_SPURIOUS, "spurious"},
    };
    const struct irq_line *line = hal_pcr(cpu)->vector_line[vector];

    if (line != &irq_stray_line)
        return line->name;
    for (uint32_t i = 0; i < sizeof(kernel_vectors) / sizeof(kernel_vectors[0]); i++) {
        if (kernel_vectors[i].vector == vector)
            return kernel_vectors[i].user;
    }
    return vector < 32 ? "exception" : "";
}

static bool run_idt(const struct shell_call *call)
{
    static const struct table_column columns[] = {
        {"vector", TABLE_HEX},   {"irql", TABLE_NUMBER},  {"gate", TABLE_HEX},
        {"ist", TABLE_NUMBER},   {"count", TABLE_NUMBER}, {"user", TABLE_TEXT},
        {"handler", TABLE_TEXT},
    };
    struct table *table;
    uint64_t cpu;

    if (!cpu_take(call, &cpu))
        return false;
    table = table_begin(columns, 7, call->json);
    irq_lines_lock();
    for (uint32_t vector = 0; vector < VECTOR_COUNT; vector++) {
        const char *user = vector_user((uint32_t)cpu, vector);
        uint64_t count = hal_pcr((uint32_t)cpu)->vector_count[vector];
        const struct irq_line *line = hal_pcr((uint32_t)cpu)->vector_line[vector];
        char symbol[SYMBOL_MAX] = "";
        struct hal_gate gate;

        if (*user == '\0' && count == 0)
            continue;
        hal_gate_read((uint32_t)cpu, (vector_t){(uint8_t)vector}, &gate);
        if (line->first != NULL)
            lib_symbol_describe((uint64_t)line->first->routine, symbol, sizeof(symbol));
        table_number(table, vector);
        table_number(table, vector_irql((vector_t){(uint8_t)vector}));
        table_number(table, gate.is_present ? gate.target : 0);
        table_number(table, gate.ist);
        table_number(table, count);
        table_text(table, "%s", user);
        table_text(table, "%s", symbol);
    }
    irq_lines_unlock();
    return table_end(table);
}

const struct shell_command shell_apic_commands[] = {
    {"apic", "[CPU]", "local APICs: vectors in service, IPIs sent; one's registers", 0, 1,
     run_apic},
    {"ioapic", "", "IOAPICs and their redirection entries", 0, 0, run_ioapic},
    {"idt", "[CPU]", "a CPU's vectors in use: gate, count, line", 0, 1, run_idt},
    {0},
};
