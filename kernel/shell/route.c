/*
 * Commands about the way of one function's interrupt: route, msi.
 *
 * `route B:D.F` walks from the function's pin, or its messages, to the routine that serves it, each
 * step as the hardware or the table holds it, not as it was meant to be.
 */
#include <hal/msi_message.h>
#include <lib/bugcheck.h>
#include <lib/format.h>
#include <lib/string.h>

#include "acpi/acpi.h"
#include "bus/gsi.h"
#include "bus/messages.h"
#include "irq/interrupt.h"
#include "shell/command.h"
#include "shell/pci.h"
#include "shell/table.h"

enum { SYMBOL_MAX = 64, MESSAGE_TEXT_MAX = 96 };

/* ---- route --------------------------------------------------------------------------------- */

/* SDM 3A "Message Signalled Interrupts" 11.11; what a remapping unit makes of it comes after. */
static void message_format(const struct pci_messages *messages, const struct msi_message *message,
                           char text[MESSAGE_TEXT_MAX])
{
    struct irq_route route;

    if (messages->remap.unit != NULL)
        lib_snprintf(text, MESSAGE_TEXT_MAX, "address 0x%llx, data 0x%04x",
                     (unsigned long long)message->address, message->data);
    else if (!msi_message_decode(message, &route))
        lib_snprintf(text, MESSAGE_TEXT_MAX, "address 0x%llx, data 0x%x: no interrupt message",
                     (unsigned long long)message->address, message->data);
    else
        lib_snprintf(text, MESSAGE_TEXT_MAX,
                     "address 0x%llx: APIC %u, %s; data 0x%04x: vector 0x%02x, %s",
                     (unsigned long long)message->address, route.destination.value,
                     message->address & MSI_ADDRESS_LOGICAL ? "logical" : "physical", message->data,
                     route.vector.value, message->data & MSI_DATA_TRIGGER_LEVEL ? "level" : "edge");
}

static void handlers_step(struct table *table, const struct irq_line *line)
{
    char symbol[SYMBOL_MAX];

    for (PKINTERRUPT handler = line->first; handler != NULL; handler = handler->next) {
        lib_symbol_describe((uint64_t)handler->routine, symbol, sizeof(symbol));
        table_pair(table, "handler", "%s, %llu calls, %llu claims", symbol,
                   (unsigned long long)handler->calls, (unsigned long long)handler->claims);
    }
    if (line->first == NULL)
        table_pair(table, "handler", "none is connected");
}

/* From the vector on. */
static void cpu_steps(struct table *table, const struct irq_line *line)
{
    if (line->assign_count == 0) {
        table_pair(table, "vector", "none: nobody uses the line");
        return;
    }
    table_pair(table, "vector", "0x%02x", line->route.vector.value);
    table_pair(table, "CPU", "%u, APIC %u", line->cpu, line->route.destination.value);
    table_pair(table, "IRQL", "%u", irq_line_irql(line));
    handlers_step(table, line);
}

static void remap_step(struct table *table, const struct hal_remap *remap, uint32_t index)
{
    char text[HAL_REMAP_TEXT_MAX];

    hal_remap_describe(remap, index, text);
    if (text[0] != '\0')
        table_pair(table, "remapping", "%s", text);
}

static void pin_step(struct table *table, const struct irq_line *line)
{
    struct irq_chip_state state = {0};

    line->chip->read(&line->source, &state);
    table_pair(table, line->name, "vector 0x%02x to APIC %u, %s, active %s%s%s%s",
               state.route.vector.value, state.route.destination.value,
               state.route.trigger == IRQ_TRIGGER_LEVEL ? "level" : "edge",
               state.route.polarity == IRQ_ACTIVE_LOW ? "low" : "high",
               state.masked ? ", masked" : "", state.pending ? ", pending" : "",
               state.in_service ? ", in service" : "");
    remap_step(table, state.remap, state.remap_index);
}

/* Up the bridges to the _PRT that answers, as drivers/bus/routing.c went. */
static bool prt_steps(struct table *table, const struct pci_function *function)
{
    uint32_t pin = function->interrupt_pin - 1u;
    struct acpi_route route;
    char bridge[SHELL_FUNCTION_NAME];

    while (acpi_is_up() && function != NULL) {
        uint8_t device = PCI_DEVFN_DEVICE(function->where.devfn);

        if (acpi_route(function->where.segment, function->where.bus, device, pin, &route)) {
            table_pair(table, "_PRT", "%s._PRT: %04X.%04X %c", route.prt->path, route.entry->device,
                       route.entry->function, 'A' + (int)pin);
            if (route.entry->link != NULL)
                table_pair(table, "link", "%s to GSI %u, %s", route.entry->link->path,
                           route.entry->link->gsi,
                           route.entry->link->was_set ? "as firmware had it" : "set by us");
            return true;
        }
        pin = (pin + device) % ACPI_PINS;
        function = function->parent;
        if (function != NULL) {
            shell_function_name(function, bridge);
            table_pair(table, "bridge", "%s: INT%c above it", bridge, 'A' + (int)pin);
        }
    }
    return false;
}

static struct irq_line *gsi_line_find(gsi_t gsi)
{
    struct hal_gsi_mode mode;
    struct irq_line *line;

    gsi_mode_default(gsi, &mode);
    return NT_SUCCESS(gsi_line_get(gsi, &mode, &line)) ? line : NULL;
}

static void pin_steps(struct table *table, const struct pci_function *function)
{
    struct irq_line *line;

    table_pair(table, "pin", "INT%c", 'A' + function->interrupt_pin - 1);
    if (!prt_steps(table, function))
        table_pair(table, "route", "%s", function->line.is_valid ? function->line.source : "none");
    if (!function->line.is_valid)
        return;
    table_pair(table, "GSI", "%u, %s, active %s", function->line.gsi.value,
               function->line.mode.trigger == IRQ_TRIGGER_LEVEL ? "level" : "edge",
               function->line.mode.polarity == IRQ_ACTIVE_LOW ? "low" : "high");
    line = gsi_line_find(function->line.gsi);
    if (line == NULL) {
        table_pair(table, "IOAPIC", "none has that GSI");
        return;
    }
    pin_step(table, line);
    cpu_steps(table, line);
}

/* Each message by the first entry that carries it, then the CPU side of its line. */
static void message_steps(struct table *table, struct pci_messages *messages)
{
    const char *kind = messages->chip == &msix_chip ? "entry" : "message";
    const struct pci_function *function = messages->function;
    uint32_t views = pci_messages_views(messages);

    table_pair(table, "capability", "%s at 0x%02x, %u messages, %s", messages->chip->name,
               messages->chip == &msix_chip ? function->msix.offset : function->msi.offset,
               messages->count, messages->is_enabled ? "enabled" : "off");
    for (uint32_t i = 0; i < messages->count; i++) {
        struct pci_message_view view;
        char text[MESSAGE_TEXT_MAX];

        pci_messages_view(messages, i, &view);
        message_format(messages, &view.held, text);
        table_pair(table, kind, "%u: %s%s%s", i, text, view.is_held_masked ? ", masked" : "",
                   view.is_pending ? ", pending" : "");
        remap_step(table, &messages->remap, view.message);
        cpu_steps(table, messages->lines[view.message]);
    }
    if (views > messages->count)
        table_pair(table, kind, "%u to %u: more of these messages; msi lists them", messages->count,
                   views - 1);
}

static bool run_route(const struct shell_call *call)
{
    static const struct table_column columns[] = {{"step", TABLE_TEXT}, {"what", TABLE_TEXT}};
    const struct pci_function *function = shell_function_find(call->argv[0]);
    struct table *table;

    if (function == NULL)
        return shell_fail("%s: no such function; lspci lists them", call->argv[0]);
    table = table_begin(columns, 2, call->json);
    irq_lines_lock();
    table_pair(table, "function", "%04x:%04x %s", function->vendor_id, function->device_id,
               pci_class_name(function->class_code));
    if (function->messages != NULL)
        message_steps(table, function->messages);
    else if (function->interrupt_pin != 0)
        pin_steps(table, function);
    else
        table_pair(table, "pin", "none");
    irq_lines_unlock();
    return table_end(table);
}

/* ---- msi ----------------------------------------------------------------------------------- */

static void view_row(struct table *table, const struct pci_messages *messages, uint32_t index,
                     const struct pci_message_view *view)
{
    const struct irq_line *line = messages->lines[view->message];
    char symbol[SYMBOL_MAX] = "";
    struct irq_route route;

    if (line->first != NULL)
        lib_symbol_describe((uint64_t)line->first->routine, symbol, sizeof(symbol));
    hal_msi_route(&messages->remap, view->message, &view->held, &route);
    table_number(table, index);
    table_number(table, view->message);
    table_number(table, view->held.address);
    table_number(table, view->held.data);
    table_number(table, route.vector.value);
    table_number(table, route.destination.value);
    table_number(table, view->is_held_masked);
    table_number(table, view->is_pending);
    table_text(table, "%s", symbol);
}

static bool views_print(struct pci_messages *messages, bool json)
{
    static const struct table_column columns[] = {
        {"entry", TABLE_NUMBER}, {"message", TABLE_NUMBER}, {"address", TABLE_HEX},
        {"data", TABLE_HEX},     {"vector", TABLE_HEX},     {"apic", TABLE_NUMBER},
        {"masked", TABLE_FLAG},  {"pending", TABLE_FLAG},   {"handler", TABLE_TEXT},
    };
    struct table *table = table_begin(columns, 9, json);

    for (uint32_t i = 0; i < pci_messages_views(messages); i++) {
        struct pci_message_view view;

        pci_messages_view(messages, i, &view);
        view_row(table, messages, i, &view);
    }
    return table_end(table);
}

static void capability_row(struct table *table, const struct pci_function *function,
                           const char *name, uint32_t offset, uint32_t count)
{
    const struct pci_messages *messages = function->messages;
    bool is_used = messages != NULL && strcmp(messages->chip->name, name) == 0;

    if (offset == 0)
        return;
    table_text(table, "%s", name);
    table_number(table, offset);
    table_number(table, pci_read(function, offset + PCI_MSI_CONTROL, 2));
    table_number(table, count);
    table_number(table, is_used ? messages->count : 0);
    table_number(table, is_used && messages->is_enabled);
}

static bool run_msi(const struct shell_call *call)
{
    static const struct table_column columns[] = {
        {"capability", TABLE_TEXT}, {"offset", TABLE_HEX},     {"control", TABLE_HEX},
        {"messages", TABLE_NUMBER}, {"granted", TABLE_NUMBER}, {"enabled", TABLE_FLAG},
    };
    const struct pci_function *function = shell_function_find(call->argv[0]);
    struct table *table;
    bool is_printed;

    if (function == NULL)
        return shell_fail("%s: no such function; lspci lists them", call->argv[0]);
    table = table_begin(columns, 6, call->json);
    irq_lines_lock();
    capability_row(table, function, msi_chip.name, function->msi.offset,
                   function->msi.message_count);
    capability_row(table, function, msix_chip.name, function->msix.offset,
                   function->msix.table_count);
    is_printed = table_end(table) &&
                 (function->messages == NULL || views_print(function->messages, call->json));
    irq_lines_unlock();
    return is_printed;
}

const struct shell_command shell_route_commands[] = {
    {"route", "B:D.F", "the whole way of a function's interrupt", 1, 1, run_route},
    {"msi", "B:D.F", "a function's messages as the hardware has them", 1, 1, run_msi},
    {0},
};
