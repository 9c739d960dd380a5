/*
 * Commands about buses: lspci. How other commands name a function.
 */
#include <lib/format.h>
#include <lib/string.h>

#include "bus/pci.h"
#include "bus/pci_hotplug.h"
#include "parse/hex.h"
#include "parse/pci_location.h"
#include "pnp/pnp.h"
#include "shell/command.h"
#include "shell/pci.h"
#include "shell/table.h"
#include "shell/text.h"

/* The segment in front of a second colon; 0 where there is none. *text moves behind it. */
static bool take_segment(const char **text, uint32_t *segment)
{
    const char *colon = strchr(*text, ':');

    *segment = 0;
    if (colon == NULL || strchr(colon + 1, ':') == NULL)
        return true;
    for (const char *at = *text; at != colon; at++) {
        if (hex_digit(*at) < 0 || *segment > UINT16_MAX >> 4)
            return false;
        *segment = *segment << 4 | (uint32_t)hex_digit(*at);
    }
    *text = colon + 1;
    return true;
}

struct pci_function *shell_function_find(const char *text)
{
    uint32_t segment, location;

    if (!take_segment(&text, &segment) || !pci_location_parse(text, &location))
        return NULL;
    return pci_function_find((uint16_t)segment, (uint8_t)(location >> 8), (uint8_t)location);
}

void shell_function_name(const struct pci_function *function, char text[SHELL_FUNCTION_NAME])
{
    const struct pci_location *where = &function->where;

    if (where->segment != 0)
        lib_snprintf(text, SHELL_FUNCTION_NAME, "%04x:%02x:%02x.%x", where->segment, where->bus,
                     PCI_DEVFN_DEVICE(where->devfn), PCI_DEVFN_FUNCTION(where->devfn));
    else
        lib_snprintf(text, SHELL_FUNCTION_NAME, "%02x:%02x.%x", where->bus,
                     PCI_DEVFN_DEVICE(where->devfn), PCI_DEVFN_FUNCTION(where->devfn));
}

/* The service name of the driver on top of a PDO; empty: none. */
static void find_driver(PDEVICE_OBJECT pdo, struct pnp_device_info *info)
{
    for (uint32_t i = 0; pnp_device_at(i, info); i++) {
        if (info->pdo == pdo)
            return;
    }
    info->driver[0] = '\0';
}

static void add_bars(struct table *table, const struct pci_function *function)
{
    struct text bars = {0};

    for (uint32_t i = 0; i < PCI_BAR_COUNT; i++) {
        const struct pci_bar *bar = &function->bars[i];

        if (bar->kind == PCI_BAR_ABSENT)
            continue;
        text_print(&bars, "%s%u %s 0x%llx+0x%llx%s", bars.used > 0 ? ", " : "", i,
                   bar->kind == PCI_BAR_IO         ? "io"
                   : bar->kind == PCI_BAR_MEMORY64 ? "mem64"
                                                   : "mem",
                   (unsigned long long)bar->address, (unsigned long long)bar->size,
                   bar->is_prefetchable ? " prefetch" : "");
    }
    table_text(table, "%s", bars.bytes != NULL ? bars.bytes : "");
    text_free(&bars);
}

static void add_route(struct table *table, const struct pci_function *function)
{
    if (function->interrupt_pin == 0)
        table_text(table, "%s", "");
    else if (!function->line.is_valid)
        table_text(table, "INT%c no route", 'A' + function->interrupt_pin - 1);
    else
        table_text(table, "INT%c GSI %u (%s)", 'A' + function->interrupt_pin - 1,
                   function->line.gsi.value, function->line.source);
}

static bool run_rescan(const struct shell_call *call)
{
    (void)call;
    pci_rescan();
    return true;
}

static bool run_lspci(const struct shell_call *call)
{
    static const struct table_column columns[] = {
        {"location", TABLE_TEXT}, {"vendor", TABLE_TEXT}, {"device", TABLE_TEXT},
        {"class", TABLE_TEXT},    {"pin", TABLE_TEXT},    {"msi", TABLE_NUMBER},
        {"msix", TABLE_NUMBER},   {"driver", TABLE_TEXT}, {"bars", TABLE_WORDS},
    };
    struct table *table = table_begin(columns, 9, call->json);
    const struct pci_function *function = NULL;
    struct pnp_device_info info;
    char name[SHELL_FUNCTION_NAME];

    while ((function = pci_function_next(function)) != NULL) {
        find_driver(function->pdo, &info);
        shell_function_name(function, name);
        table_text(table, "%s", name);
        table_text(table, "%04x", function->vendor_id);
        table_text(table, "%04x", function->device_id);
        table_text(table, "%s", pci_class_name(function->class_code));
        add_route(table, function);
        table_number(table, function->msi.offset != 0 ? function->msi.message_count : 0);
        table_number(table, function->msix.offset != 0 ? function->msix.table_count : 0);
        table_text(table, "%s", info.driver);
        add_bars(table, function);
    }
    return table_end(table);
}

const struct shell_command shell_pci_commands[] = {
    {"rescan", "", "look for PCI functions that came or went", 0, 0, run_rescan},
    {"lspci", "", "PCI functions: interrupts they can raise, BARs", 0, 0, run_lspci},
    {0},
};
