/*
 * Commands about what firmware says: prt, madt, acpi.
 */
#include <hal/hal.h>
#include <hw/acpi_tables.h>
#include <lib/format.h>
#include <lib/string.h>

#include "acpi/acpi.h"
#include "parse/madt.h"
#include "shell/command.h"
#include "shell/table.h"

enum { SIGNAL_MAX = 24 };

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

static void signal_format(const struct madt_entry *entry, char text[SIGNAL_MAX])
{
    static const char *const triggers[] = {"bus", "edge", "?", "level"};
    static const char *const polarities[] = {"bus", "high", "?", "low"};

    lib_snprintf(text, SIGNAL_MAX, "%s, active %s", triggers[entry->trigger & 3],
                 polarities[entry->polarity & 3]);
}

static void madt_entry_row(struct table *table, const struct madt_entry *entry)
{
    char how[SIGNAL_MAX];

    signal_format(entry, how);
    switch (entry->kind) {
    case MADT_LOCAL_APIC:
    case MADT_LOCAL_X2APIC:
        table_pair(table, entry->kind == MADT_LOCAL_APIC ? "local APIC" : "local x2APIC",
                   "id %u, processor %u, %s", entry->apic_id, entry->processor_uid,
                   entry->is_enabled          ? "enabled"
                   : entry->is_online_capable ? "may come later"
                                              : "absent");
        break;
    case MADT_IO_APIC:
        table_pair(table, "IOAPIC", "id %u at 0x%llx, GSI %u and up", entry->apic_id,
                   (unsigned long long)entry->address, entry->gsi);
        break;
    case MADT_SOURCE_OVERRIDE:
        table_pair(table, "override", "ISA IRQ %u is GSI %u, %s", entry->isa_irq, entry->gsi, how);
        break;
    case MADT_NMI_SOURCE:
        table_pair(table, "NMI source", "GSI %u, %s", entry->gsi, how);
        break;
    case MADT_LOCAL_APIC_NMI:
    case MADT_LOCAL_X2APIC_NMI:
        if (entry->processor_uid == MADT_ALL_PROCESSORS)
            table_pair(table, "local NMI", "LINT%u of every processor, %s", entry->local_input,
                       how);
        else
            table_pair(table, "local NMI", "LINT%u of processor %u, %s", entry->local_input,
                       entry->processor_uid, how);
        break;
    case MADT_LOCAL_APIC_ADDRESS:
        table_pair(table, "local APICs", "at 0x%llx", (unsigned long long)entry->address);
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
    table_pair(table, "local APICs", "at 0x%x%s", madt.local_apic_address,
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
    table_pair(table, "interpreter", "ACPICA %08x, Copyright (c) 2000 - 2022 Intel Corp.",
               acpi_interpreter_version());
    table_pair(table, "licence", "BSD-3-Clause: see LICENSE.ACPICA beside this kernel");
    table_pair(table, "loaded in", "%llu us",
               (unsigned long long)(acpi_load_ticks() * 1000 / (hal_tsc_frequency() / 1000)));
    table_pair(table, "_PIC", "%s", acpi_pic_result());
    while ((root = acpi_pci_root_next(root)) != NULL)
        table_pair(table, "root", "%s: segment %x, bus %02x%s", root->path, root->segment,
                   root->bus, root->is_present ? "" : ", absent");
    while ((link = acpi_link_next(link)) != NULL) {
        if (link->is_set)
            table_pair(table, "link", "%s: GSI %u, %s, active %s, %s", link->path, link->gsi,
                       link->mode.trigger == IRQ_TRIGGER_LEVEL ? "level" : "edge",
                       link->mode.polarity == IRQ_ACTIVE_LOW ? "low" : "high",
                       link->was_set ? "as firmware had it" : "set by us");
    }
    return table_end(table);
}

const struct shell_command shell_acpi_commands[] = {
    {"prt", "", "what firmware says pins are wired to", 0, 0, run_prt},
    {"madt", "", "APICs and overrides as the MADT has them", 0, 0, run_madt},
    {"acpi", "", "ACPI: interpreter, roots, links in use", 0, 0, run_acpi},
    {0},
};
