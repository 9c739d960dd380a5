/*
 * Commands about interrupt routing: route, prt, madt, acpi.
 *
 * `route B:D.F` walks a function's whole way from its pin, or its messages, to the routine that
 * serves it, each step as the hardware or the table holds it, not as it was meant to be.
 */
#include <hal/hal.h>
#include <hal/ioapic.h>
#include <hw/acpi_tables.h>
#include <lib/bugcheck.h>
#include <lib/format.h>
#include <lib/string.h>

#include "acpi/acpi.h"
#include "bus/gsi.h"
#include "bus/messages.h"
#include "bus/pci.h"
#include "irq/interrupt.h"
#include "parse/madt.h"
#include "shell/command.h"
#include "shell/table.h"

enum { SYMBOL_MAX = 64, STEP_MAX = 24 };

/* ---- route --------------------------------------------------------------------------------- */

static bool hex_part(const char **text, char end, uint32_t most, uint32_t *value)
{
    const char *at = *text;

    *value = 0;
    for (; *at != end; at++) {
        char c = lib_downcase(*at);
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                                                : 16;

        if (digit == 16 || (*value = *value * 16 + digit) > most)
            return false;
    }
    if (at == *text)
        return false;
    *text = end != '\0' ? at + 1 : at;
    return true;
}

/* "3:0.1", or "1:3:0.1" with a segment; all in hexadecimal, as lspci has it. */
static struct pci_function *function_named(const char *text)
{
    uint32_t segment = 0, bus, device, function;
    const char *colon = strchr(text, ':');

    if (colon != NULL && strchr(colon + 1, ':') != NULL &&
        !hex_part(&text, ':', UINT16_MAX, &segment))
        return NULL;
    if (!hex_part(&text, ':', UINT8_MAX, &bus) || !hex_part(&text, '.', 31, &device) ||
        !hex_part(&text, '\0', 7, &function))
        return NULL;
    return pci_function_find((uint16_t)segment, (uint8_t)bus, (uint8_t)(device << 3 | function));
}

static void step(struct table *table, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void step(struct table *table, const char *name, const char *format, ...)
{
    char text[256];
    va_list arguments;

    va_start(arguments, format);
    lib_vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    table_text(table, "%s", name);
    table_text(table, "%s", text);
}

static void place_format(const struct pci_function *function, char text[STEP_MAX])
{
    lib_snprintf(text, STEP_MAX, "%02x:%02x.%x", function->where.bus,
                 PCI_DEVFN_DEVICE(function->where.devfn),
                 PCI_DEVFN_FUNCTION(function->where.devfn));
}

static void handlers_step(struct table *table, const struct irq_line *line)
{
    char symbol[SYMBOL_MAX];

    for (PKINTERRUPT handler = line->first; handler != NULL; handler = handler->next) {
        lib_symbol_describe((uint64_t)handler->routine, symbol, sizeof(symbol));
        step(table, "handler", "%s, %llu calls, %llu claims", symbol,
             (unsigned long long)handler->calls, (unsigned long long)handler->claims);
    }
    if (line->first == NULL)
        step(table, "handler", "none is connected");
}

/* What the chip holds, and the CPU side of it. */
static void line_steps(struct table *table, const struct irq_line *line)
{
    struct irq_chip_state state = {0};

    line->chip->read(&line->source, &state);
    if (state.is_message)
        step(table, line->name, "address 0x%llx data 0x%x%s%s",
             (unsigned long long)state.message_address, state.message_data,
             state.masked ? ", masked" : "", state.pending ? ", pending" : "");
    else
        step(table, line->name, "vector 0x%02x to APIC %u, %s, active %s%s%s%s",
             state.route.vector.value, state.route.destination.value,
             state.route.trigger == IRQ_TRIGGER_LEVEL ? "level" : "edge",
             state.route.polarity == IRQ_ACTIVE_LOW ? "low" : "high",
             state.masked ? ", masked" : "", state.pending ? ", pending" : "",
             state.in_service ? ", in service" : "");
    if (line->assign_count == 0) {
        step(table, "vector", "none: nobody uses the line");
        return;
    }
    step(table, "vector", "0x%02x on CPU %u, DIRQL %u", line->route.vector.value, line->cpu,
         irq_line_irql(line));
    handlers_step(table, line);
}

/* Up the bridges to the _PRT that answers, as drivers/bus/routing.c went. */
static bool prt_steps(struct table *table, const struct pci_function *function)
{
    uint32_t pin = function->interrupt_pin - 1u;
    struct acpi_route route;
    char place[STEP_MAX];

    while (acpi_is_up() && function != NULL) {
        uint8_t device = PCI_DEVFN_DEVICE(function->where.devfn);

        if (acpi_route(function->where.segment, function->where.bus, device, pin, &route)) {
            step(table, "_PRT", "%s._PRT: %04X.%04X %c", route.prt->path, route.entry->device,
                 route.entry->function, 'A' + (int)pin);
            if (route.entry->link != NULL)
                step(table, "link", "%s to GSI %u, %s", route.entry->link->path,
                     route.entry->link->gsi,
                     route.entry->link->was_set ? "as firmware had it" : "set by us");
            return true;
        }
        pin = (pin + device) % ACPI_PINS;
        function = function->parent;
        if (function != NULL) {
            place_format(function, place);
            step(table, "bridge", "%s: INT%c above it", place, 'A' + (int)pin);
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

    step(table, "pin", "INT%c", 'A' + function->interrupt_pin - 1);
    if (!prt_steps(table, function))
        step(table, "route", "%s", function->line.is_valid ? function->line.source : "none");
    if (!function->line.is_valid)
        return;
    step(table, "GSI", "%u, %s, active %s", function->line.gsi.value,
         function->line.mode.trigger == IRQ_TRIGGER_LEVEL ? "level" : "edge",
         function->line.mode.polarity == IRQ_ACTIVE_LOW ? "low" : "high");
    line = gsi_line_find(function->line.gsi);
    if (line != NULL)
        line_steps(table, line);
    else
        step(table, "IOAPIC", "none has that GSI");
}

static bool run_route(const struct shell_call *call)
{
    static const struct table_column columns[] = {{"step", TABLE_TEXT}, {"what", TABLE_TEXT}};
    const struct pci_function *function = function_named(call->argv[0]);
    const struct pci_messages *messages;
    struct table *table;

    if (function == NULL)
        return shell_fail("%s: no such function; lspci lists them", call->argv[0]);
    table = table_begin(columns, 2, call->json);
    step(table, "function", "%04x:%04x %s", function->vendor_id, function->device_id,
         pci_class_name(function->class_code));
    messages = function->messages;
    if (messages != NULL) {
        step(table, "capability", "%s, %u messages, %s", messages->chip->name, messages->count,
             messages->is_enabled ? "enabled" : "off");
        for (uint32_t i = 0; i < messages->count; i++)
            line_steps(table, messages->lines[i]);
    } else if (function->interrupt_pin != 0) {
        pin_steps(table, function);
    } else {
        step(table, "pin", "none");
    }
    return table_end(table);
}

/* ---- prt ----------------------------------------------------------------------------------- */

static void prt_row(struct table *table, const struct acpi_prt *prt,
                    const struct acpi_prt_entry *entry)
{
    table_text(table, "%s", prt->path);
    if (prt->bus >= 0)
        table_text(table, "%02x", (unsigned int)prt->bus);
    else
        table_text(table, "%s", "absent");
    if (entry == NULL) {
        table_text(table, "%s", prt->error);
        table_fill(table);
        return;
    }
    if (entry->is_malformed || entry->pin >= ACPI_PINS) {
        table_text(table, "%s", "malformed");
        table_fill(table);
        return;
    }
    table_text(table, "%02x.%c", entry->device, 'A' + (int)entry->pin);
    if (entry->link == NULL)
        table_text(table, "%u", entry->number);
    else if (entry->link->is_set)
        table_text(table, "%u", entry->link->gsi);
    else
        table_text(table, "%s", entry->link->is_tried ? "fails" : "unused");
    table_text(table, "%s", entry->link != NULL ? entry->link->path : "");
}

static bool run_prt(const struct shell_call *call)
{
    static const struct table_column columns[] = {
        {"bridge", TABLE_TEXT}, {"bus", TABLE_TEXT},  {"pin", TABLE_TEXT},
        {"gsi", TABLE_TEXT},    {"link", TABLE_TEXT},
    };
    const struct acpi_prt *prt = NULL;
    struct table *table;

    if (!acpi_is_up())
        return shell_fail("there is no ACPI here");
    table = table_begin(columns, 5, call->json);
    while ((prt = acpi_prt_next(prt)) != NULL) {
        if (prt->error != NULL)
            prt_row(table, prt, NULL);
        for (uint32_t i = 0; i < prt->entry_count; i++)
            prt_row(table, prt, &prt->entries[i]);
    }
    return table_end(table);
}

/* ---- madt ---------------------------------------------------------------------------------- */

static void signal_format(const struct madt_entry *entry, char text[STEP_MAX])
{
    static const char *const triggers[] = {"bus", "edge", "?", "level"};
    static const char *const polarities[] = {"bus", "high", "?", "low"};

    lib_snprintf(text, STEP_MAX, "%s, active %s", triggers[entry->trigger & 3],
                 polarities[entry->polarity & 3]);
}

static void madt_entry_row(struct table *table, const struct madt_entry *entry)
{
    char how[STEP_MAX];

    signal_format(entry, how);
    switch (entry->kind) {
    case MADT_LOCAL_APIC:
    case MADT_LOCAL_X2APIC:
        step(table, entry->kind == MADT_LOCAL_APIC ? "local APIC" : "local x2APIC",
             "id %u, processor %u, %s", entry->apic_id, entry->processor_uid,
             entry->is_enabled          ? "enabled"
             : entry->is_online_capable ? "may come later"
                                        : "absent");
        break;
    case MADT_IO_APIC:
        step(table, "IOAPIC", "id %u at 0x%llx, GSI %u and up", entry->apic_id,
             (unsigned long long)entry->address, entry->gsi);
        break;
    case MADT_SOURCE_OVERRIDE:
        step(table, "override", "ISA IRQ %u is GSI %u, %s", entry->isa_irq, entry->gsi, how);
        break;
    case MADT_NMI_SOURCE:
        step(table, "NMI source", "GSI %u, %s", entry->gsi, how);
        break;
    case MADT_LOCAL_APIC_NMI:
    case MADT_LOCAL_X2APIC_NMI:
        if (entry->processor_uid == MADT_ALL_PROCESSORS)
            step(table, "local NMI", "LINT%u of every processor, %s", entry->local_input, how);
        else
            step(table, "local NMI", "LINT%u of processor %u, %s", entry->local_input,
                 entry->processor_uid, how);
        break;
    case MADT_LOCAL_APIC_ADDRESS:
        step(table, "local APICs", "at 0x%llx", (unsigned long long)entry->address);
        break;
    }
}

static bool run_madt(const struct shell_call *call)
{
    static const struct table_column columns[] = {{"entry", TABLE_TEXT}, {"what", TABLE_TEXT}};
    const struct acpi_header_layout *header = hal_acpi_table("APIC", 0);
    struct parse_error error;
    struct madt_entry entry;
    enum parse_step found;
    struct table *table;
    struct madt madt;

    if (header == NULL || !madt_open(&madt, header, header->length, &error))
        return shell_fail("there is no MADT here");
    table = table_begin(columns, 2, call->json);
    step(table, "local APICs", "at 0x%x%s", madt.local_apic_address,
         madt.has_8259 ? ", 8259s beside them" : "");
    while ((found = madt_next(&madt, &entry, &error)) == PARSE_ITEM)
        madt_entry_row(table, &entry);
    if (!table_end(table))
        return false;
    return found == PARSE_END || shell_fail("MADT: %s at offset 0x%llx: %s", error.what,
                                            (unsigned long long)error.offset, error.detail);
}

/* ---- acpi ---------------------------------------------------------------------------------- */

static bool run_acpi(const struct shell_call *call)
{
    static const struct table_column columns[] = {{"what", TABLE_TEXT}, {"value", TABLE_TEXT}};
    const struct acpi_pci_root *root = NULL;
    const struct acpi_link *link = NULL;
    struct table *table;

    if (!acpi_is_up())
        return shell_fail("there is no ACPI here");
    table = table_begin(columns, 2, call->json);
    step(table, "interpreter", "ACPICA %08x, Copyright (c) 2000 - 2022 Intel Corp.",
         acpi_interpreter_version());
    step(table, "licence", "BSD-3-Clause: see LICENSE.ACPICA beside this kernel");
    step(table, "loaded in", "%llu us",
         (unsigned long long)(acpi_load_ticks() * 1000 / (hal_tsc_frequency() / 1000)));
    step(table, "_PIC", "%s", acpi_pic_result());
    while ((root = acpi_pci_root_next(root)) != NULL)
        step(table, "root", "%s: segment %x, bus %02x%s", root->path, root->segment, root->bus,
             root->is_present ? "" : ", absent");
    while ((link = acpi_link_next(link)) != NULL) {
        if (link->is_set)
            step(table, "link", "%s: GSI %u, %s, active %s, %s", link->path, link->gsi,
                 link->mode.trigger == IRQ_TRIGGER_LEVEL ? "level" : "edge",
                 link->mode.polarity == IRQ_ACTIVE_LOW ? "low" : "high",
                 link->was_set ? "as firmware had it" : "set by us");
    }
    return table_end(table);
}

const struct shell_command shell_acpi_commands[] = {
    {"route", "B:D.F", "the whole way of a function's interrupt", 1, 1, run_route},
    {"prt", "", "what firmware says pins are wired to", 0, 0, run_prt},
    {"madt", "", "APICs and overrides as the MADT has them", 0, 0, run_madt},
    {"acpi", "", "ACPI: interpreter, roots, links in use", 0, 0, run_acpi},
    {0},
};
