/*
 * `verify irq`: what the kernel believes of interrupts, against what the hardware holds.
 *
 * Compared are: every line's route and mask with its IOAPIC pin, every redirection entry with what
 * was written there, the remapping units' registers, the messages of every PCI function with its
 * capability or table, enable bits, INTx disable bits, each CPU's vector map with the lines, its
 * local APIC and its IDT with their set-up, and the 8259s. Values are read together with what is
 * believed of them, under the lock that orders their changes, so that interrupts may go on
 * meanwhile.
 *
 * A device that is being started or removed at the same time (`job`) may be caught half way.
 */
#include <hal/hal.h>
#include <hal/ioapic.h>
#include <hal/remap.h>
#include <hw/ioapic.h>
#include <lib/format.h>
#include <lib/string.h>

#include "bus/messages.h"
#include "irq/vector.h"
#include "ke/lock.h"
#include "shell/apic.h"
#include "shell/command.h"
#include "shell/pci.h"
#include "shell/table.h"

enum { WHERE_MAX = 64, MASK_8259 = 0xFF };

struct verify {
    bool json;
    struct table *table; /* NULL until the first difference */
    uint64_t checked;
    uint64_t differences;
};

static void difference(struct verify *verify, const char *where, const char *what, uint64_t set,
                       uint64_t held)
{
    static const struct table_column columns[] = {
        {"where", TABLE_TEXT}, {"what", TABLE_TEXT}, {"set", TABLE_HEX}, {"held", TABLE_HEX}};

    if (verify->differences++ == 0)
        verify->table = table_begin(columns, 4, verify->json);
    table_text(verify->table, "%s", where);
    table_text(verify->table, "%s", what);
    table_number(verify->table, set);
    table_number(verify->table, held);
}

static void compare(struct verify *verify, const char *where, const char *what, uint64_t set,
                    uint64_t held)
{
    verify->checked++;
    if (set != held)
        difference(verify, where, what, set, held);
}

/* ---- lines and vectors --------------------------------------------------------------------- */

/* Messages are compared entry by entry below: a driver may have masked some of a line's. */
static void line_verify(struct verify *verify, struct irq_line *line)
{
    struct irq_chip_state state = {0};
    struct irq_route route;
    bool masked, is_assigned;
    uint64_t flags = ke_lock_acquire_irqoff(&line->lock);

    line->chip->read(&line->source, &state);
    route = line->route;
    masked = line->masked;
    is_assigned = line->assign_count > 0;
    ke_lock_release_irqoff(&line->lock, flags);
    if (!state.is_message)
        compare(verify, line->name, "masked", masked || !is_assigned, state.masked);
    if (!is_assigned)
        return;
    compare(verify, line->name, "vector", route.vector.value, state.route.vector.value);
    compare(verify, line->name, "APIC", route.destination.value, state.route.destination.value);
    compare(verify, line->name, "trigger", route.trigger, state.route.trigger);
    if (!state.is_message)
        compare(verify, line->name, "polarity", route.polarity, state.route.polarity);
    compare(verify, line->name, "bound in the vector map", (uint64_t)line,
            (uint64_t)hal_pcr(line->cpu)->vector_line[route.vector.value]);
    compare(verify, line->name, "APIC of its CPU", hal_pcr(line->cpu)->apic_id.value,
            route.destination.value);
}

static void vector_map_verify(struct verify *verify, uint32_t cpu)
{
    char where[WHERE_MAX];

    lib_snprintf(where, sizeof(where), "CPU %u", cpu);
    for (uint32_t vector = VECTOR_DEVICE_FIRST; vector <= VECTOR_DEVICE_LAST; vector++) {
        const struct irq_line *line = hal_pcr(cpu)->vector_line[vector];

        if (line == &irq_stray_line)
            continue;
        compare(verify, where, "vector of the bound line", vector, line->route.vector.value);
        compare(verify, where, "CPU of the bound line", cpu, line->cpu);
        compare(verify, where, "bound line is in use", true, line->assign_count > 0);
    }
}

/* ---- IOAPICs ------------------------------------------------------------------------------- */

static bool pin_is_used(uint32_t ioapic, uint32_t pin)
{
    for (struct irq_line *line = irq_line_next(NULL); line != NULL; line = irq_line_next(line)) {
        uint32_t line_ioapic, line_pin;

        if (line->chip != hal_ioapic_chip(&line->source) || line->assign_count == 0)
            continue;
        hal_ioapic_where(&line->source, &line_ioapic, &line_pin);
        if (line_ioapic == ioapic && line_pin == pin)
            return true;
    }
    return false;
}

static void ioapic_verify(struct verify *verify, uint32_t ioapic)
{
    const uint64_t read_only = IOAPIC_RTE_PENDING | IOAPIC_RTE_REMOTE_IRR;
    struct hal_ioapic_info info;

    hal_ioapic_info(ioapic, &info);
    for (uint32_t pin = 0; pin < info.pin_count; pin++) {
        uint64_t written, held;
        char where[WHERE_MAX];

        lib_snprintf(where, sizeof(where), "ioapic%u pin %u", ioapic, pin);
        hal_ioapic_entry(ioapic, pin, &written, &held);
        compare(verify, where, "redirection entry", written & ~read_only, held & ~read_only);
        if (!pin_is_used(ioapic, pin))
            compare(verify, where, "masked, since nobody uses it", true,
                    (held & IOAPIC_RTE_MASK) != 0);
    }
}

/* ---- remapping units ----------------------------------------------------------------------- */

static void remap_verify(struct verify *verify, uint32_t unit, const char *name)
{
    struct hal_remap_register found;

    for (uint32_t i = 0; hal_remap_register_at(unit, i, &found); i++)
        compare(verify, name, found.name, found.set, found.held);
}

/* ---- PCI functions ------------------------------------------------------------------------- */

static void views_verify(struct verify *verify, struct pci_messages *messages, const char *name)
{
    const char *kind = messages->chip == &msix_chip ? "entry" : "message";

    for (uint32_t i = 0; i < pci_messages_views(messages); i++) {
        struct pci_message_view view;
        char where[WHERE_MAX];

        lib_snprintf(where, sizeof(where), "%s %s %s %u", messages->chip->name, name, kind, i);
        pci_messages_view(messages, i, &view);
        compare(verify, where, "masked", view.is_set_masked, view.is_held_masked);
        if (messages->lines[view.message]->assign_count == 0)
            continue;
        compare(verify, where, "address", view.set.address, view.held.address);
        compare(verify, where, "data", view.set.data, view.held.data);
    }
}

static void capabilities_verify(struct verify *verify, const struct pci_function *function,
                                const char *name)
{
    const struct pci_messages *messages = function->messages;
    const struct irq_chip *chip = messages != NULL ? messages->chip : NULL;

    if (messages != NULL && !messages->is_enabled)
        return; /* on the way */
    if (function->msi.offset != 0)
        compare(verify, name, "MSI enable", chip != NULL && chip != &msix_chip,
                (pci_read(function, function->msi.offset + PCI_MSI_CONTROL, 2) &
                 PCI_MSI_CONTROL_ENABLE) != 0);
    if (function->msix.offset != 0) {
        uint32_t control = pci_read(function, function->msix.offset + PCI_MSIX_CONTROL, 2);

        compare(verify, name, "MSI-X enable", chip == &msix_chip,
                (control & PCI_MSIX_CONTROL_ENABLE) != 0);
        compare(verify, name, "MSI-X function mask", false,
                (control & PCI_MSIX_CONTROL_FUNCTION_MASK) != 0);
    }
}

/* A table in memory space cannot be read of a function that sleeps or does not decode. */
static bool function_is_awake(const struct pci_function *function)
{
    uint32_t power = function->power_offset + PCI_POWER_CONTROL;

    if (function->power_offset != 0 && (pci_read(function, power, 2) & PCI_POWER_STATE) != 0)
        return false;
    return (pci_read(function, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY) != 0;
}

static void function_verify(struct verify *verify, const struct pci_function *function)
{
    struct pci_messages *messages = function->messages;
    bool is_line = function->is_started && messages == NULL && function->line.is_valid &&
                   !pci_is_bridge(function); /* which a sleeping function does not drive */
    char name[SHELL_FUNCTION_NAME];

    if (pci_read(function, PCI_VENDOR_ID, 2) == UINT16_MAX)
        return; /* pulled out */
    if (function->class_code >> 8 == PCI_CLASS_IOMMU)
        return; /* its message is the unit's own business, and its line is compared above */
    shell_function_name(function, name);
    capabilities_verify(verify, function, name);
    if (is_line ||
        (messages != NULL && messages->is_enabled && pci_messages_disable_intx(function)))
        compare(verify, name, "INTx disable", !is_line || function->saved.is_valid,
                (pci_read(function, PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE) != 0);
    if (messages != NULL && messages->is_enabled &&
        (messages->chip != &msix_chip || function_is_awake(function)))
        views_verify(verify, messages, name);
}

/* ---- processors ---------------------------------------------------------------------------- */

static void apic_verify(struct verify *verify, uint32_t cpu, const struct hal_apic_state *state)
{
    char where[WHERE_MAX];
    const char *name;

    lib_snprintf(where, sizeof(where), "CPU %u local APIC", cpu);
    compare(verify, where, "read", true, state->is_read);
    compare(verify, where, "IA32_APIC_BASE", hal_apic_base_setting(state->base), state->base);
    for (uint32_t i = 0; (name = hal_apic_register_name(i)) != NULL; i++) {
        uint32_t setting;

        if (hal_apic_register_setting(i, cpu, state, &setting))
            compare(verify, where, name, setting, state->registers[i]);
    }
    for (uint32_t vector = VECTOR_DEVICE_FIRST; vector <= VECTOR_DEVICE_LAST; vector++) {
        if (hal_pcr(cpu)->vector_line[vector] == &irq_stray_line)
            compare(verify, where, "in service, though nobody has that vector", 0,
                    shell_apic_bit(state->in_service, vector) ? vector : 0);
    }
}

static void gates_verify(struct verify *verify, uint32_t cpu)
{
    char where[WHERE_MAX];

    lib_snprintf(where, sizeof(where), "CPU %u IDT", cpu);
    for (uint32_t i = 0; i < VECTOR_COUNT; i++) {
        struct hal_gate held, set;
        vector_t vector = {(uint8_t)i};

        hal_gate_read(cpu, vector, &held);
        hal_gate_setting(vector, &set);
        compare(verify, where, "target of a gate", set.target, held.target);
        compare(verify, where, "selector of a gate", set.selector, held.selector);
        compare(verify, where, "stack of a gate", set.ist, held.ist);
        compare(verify, where, "type of a gate", set.type, held.type);
        compare(verify, where, "gate is present", set.is_present, held.is_present);
    }
}

static bool cpus_verify(struct verify *verify)
{
    struct hal_apic_state *states = shell_apics_read();

    if (states == NULL)
        return shell_fail("verify irq: not enough memory");
    for (uint32_t cpu = 0; cpu < hal_cpu_count(); cpu++) {
        vector_map_verify(verify, cpu);
        apic_verify(verify, cpu, &states[cpu]);
        gates_verify(verify, cpu);
    }
    compare(verify, "8259 master", "mask", MASK_8259, states[0].masks_8259[0]);
    compare(verify, "8259 slave", "mask", MASK_8259, states[0].masks_8259[1]);
    shell_apics_free(states);
    return true;
}

/* ---- the command --------------------------------------------------------------------------- */

static bool summary(const struct verify *verify)
{
    static const struct table_column columns[] = {{"checked", TABLE_NUMBER},
                                                  {"differences", TABLE_NUMBER}};
    struct table *table;

    if (!verify->json) {
        shell_print("verify irq: %llu values compared, %llu differ\n",
                    (unsigned long long)verify->checked, (unsigned long long)verify->differences);
        return true;
    }
    table = table_begin(columns, 2, true);
    table_number(table, verify->checked);
    table_number(table, verify->differences);
    return table_end(table);
}

static bool run_verify(const struct shell_call *call)
{
    struct verify verify = {.json = call->json};
    struct hal_remap_unit_info unit;
    const struct pci_function *function = NULL;
    bool is_complete;

    if (strcmp(call->argv[0], "irq") != 0)
        return shell_fail("usage: verify irq");
    irq_lines_lock();
    for (struct irq_line *line = irq_line_next(NULL); line != NULL; line = irq_line_next(line))
        line_verify(&verify, line);
    for (uint32_t i = 0; i < hal_ioapic_count(); i++)
        ioapic_verify(&verify, i);
    for (uint32_t i = 0; hal_remap_unit_at(i, &unit); i++)
        remap_verify(&verify, i, unit.name);
    while ((function = pci_function_after(function)) != NULL)
        function_verify(&verify, function);
    is_complete = cpus_verify(&verify);
    irq_lines_unlock();
    if (verify.table != NULL)
        is_complete &= table_end(verify.table);
    if (!is_complete || !summary(&verify))
        return false;
    return verify.differences == 0 ||
           shell_fail("verify irq: %llu differences", (unsigned long long)verify.differences);
}

const struct shell_command shell_verify_commands[] = {
    {"verify", "irq", "what we believe of interrupts against what the hardware holds", 1, 1,
     run_verify},
    {0},
};
