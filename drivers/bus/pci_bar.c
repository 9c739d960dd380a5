/*
 * Base address registers: what a function asks for and where it is.
 *
 * A BAR is sized by writing ones and reading back, with the function's decoding off, so that the
 * passing address answers to nobody. Interrupt controllers and host bridges are not touched: the
 * machine depends on them while this runs, and they have no driver here.
 */
#include <lib/log.h>

#include "pci.h"

enum { BAR_ALL_ONES = 0xFFFFFFFF };

static uint32_t bar_offset(uint32_t index)
{
    return PCI_BAR0 + index * sizeof(uint32_t);
}

static uint32_t bar_count(const struct pci_function *function)
{
    uint32_t class = function->class_code >> 8;

    if (class == PCI_CLASS_HOST_BRIDGE || class == PCI_CLASS_PIC)
        return 0;
    if (function->layout == PCI_HEADER_BRIDGE)
        return PCI_BRIDGE_BAR_COUNT;
    return function->layout == PCI_HEADER_DEVICE ? PCI_BAR_COUNT : 0;
}

static uint32_t bar_readback(const struct pci_function *function, uint32_t index, uint32_t original)
{
    uint32_t readback;

    pci_write(function, bar_offset(index), 4, BAR_ALL_ONES);
    readback = pci_read(function, bar_offset(index), 4);
    pci_write(function, bar_offset(index), 4, original);
    return readback;
}

void pci_bars_read(struct pci_function *function)
{
    const uint16_t decode = PCI_COMMAND_IO | PCI_COMMAND_MEMORY;
    uint16_t command = (uint16_t)pci_read(function, PCI_COMMAND, 2);
    uint32_t original[PCI_BAR_COUNT + 1] = {0};
    uint32_t readback[PCI_BAR_COUNT + 1] = {0};
    uint32_t count = bar_count(function);
    struct parse_error error;

    if (count == 0)
        return;
    if (command & decode)
        pci_write(function, PCI_COMMAND, 2, command & (uint32_t)~decode);
    for (uint32_t i = 0; i < count; i++) {
        original[i] = pci_read(function, bar_offset(i), 4);
        readback[i] = bar_readback(function, i, original[i]);
    }
    if (command & decode)
        pci_write(function, PCI_COMMAND, 2, command);
    for (uint32_t i = 0; i < count;) {
        struct pci_bar *bar = &function->bars[i];

        if (!pci_bar_decode(&original[i], &readback[i], i + 1 < count, (uint16_t)bar_offset(i), bar,
                            &error)) {
            log_warn("pci %02x:%02x.%x: BAR %u ignored: %s: %s", function->where.bus,
                     PCI_DEVFN_DEVICE(function->where.devfn),
                     PCI_DEVFN_FUNCTION(function->where.devfn), i, error.what, error.detail);
            bar->kind = PCI_BAR_ABSENT;
            i++;
            continue;
        }
        if (!pci_bar_is_below(bar, pci_physical_end())) {
            log_warn(
                "pci %02x:%02x.%x: BAR %u at 0x%llx, which the CPU does not reach: it is moved",
                function->where.bus, PCI_DEVFN_DEVICE(function->where.devfn),
                PCI_DEVFN_FUNCTION(function->where.devfn), i, (unsigned long long)bar->address);
            bar->address = 0; /* pci_assign.c finds another */
        }
        i += bar->registers;
    }
}

/* Low half last: the function never answers at a half-written address below 4 GiB. */
void pci_bar_write(struct pci_function *function, uint32_t index)
{
    const struct pci_bar *bar = &function->bars[index];

    if (bar->kind == PCI_BAR_ABSENT)
        return;
    if (bar->kind == PCI_BAR_MEMORY64)
        pci_write(function, bar_offset(index + 1), 4, (uint32_t)(bar->address >> 32));
    pci_write(function, bar_offset(index), 4, (uint32_t)bar->address);
}
