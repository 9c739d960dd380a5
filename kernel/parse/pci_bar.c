/*
 * The arithmetic of base address registers: kind and size from what reads back after all ones were
 * written. PCI 3.0 6.2.5. The read-back's writable bits must be one run up to the top, which makes
 * the size a power of two.
 */
#include "parse/pci_capability.h"

#include <hw/pci.h>
#include <lib/bits.h>

#define PCI_BAR_TYPE BITS(2, 1) /* PCI 6.2.5.1 */
#define PCI_BAR_PREFETCHABLE BIT(3)
enum { PCI_BAR_TYPE_32 = 0, PCI_BAR_TYPE_1M = 1, PCI_BAR_TYPE_64 = 2 };

#define PCI_ROM_ADDRESS BITS(31, 11) /* PCI 6.2.5.2 */
#define PCI_IO_SPACE_16 BITS(31, 16) /* PCI 6.2.5.1: devices may leave these bits 0 */

/* From the writable address bits, the top ones of a word of `width` bits, to the size. */
static bool size_from_mask(uint64_t mask, unsigned width, uint64_t *size)
{
    uint64_t all = BITS(width - 1, 0);

    *size = (~mask & all) + 1;
    return mask != 0 && bits_is_power_of_two(*size);
}

static bool decode_io(uint32_t original, uint32_t readback, uint16_t offset, struct pci_bar *bar,
                      struct parse_error *error)
{
    uint32_t mask = (uint32_t)(readback & PCI_BAR_IO_ADDRESS);

    if (!(mask & PCI_IO_SPACE_16) && mask)
        mask |= (uint32_t)PCI_IO_SPACE_16;
    bar->kind = PCI_BAR_IO;
    bar->address = original & PCI_BAR_IO_ADDRESS;
    if (!size_from_mask(mask, 32, &bar->size))
        return parse_fail_value(error, "BAR, I/O", offset, "no size in the read-back", readback);
    return true;
}

static bool decode_memory(const uint32_t original[2], const uint32_t readback[2], bool has_next,
                          uint16_t offset, struct pci_bar *bar, struct parse_error *error)
{
    uint64_t type = FIELD_GET(PCI_BAR_TYPE, readback[0]);
    uint64_t mask = readback[0] & PCI_BAR_MEMORY_ADDRESS;
    unsigned width = 32;

    bar->kind = PCI_BAR_MEMORY32;
    bar->is_prefetchable = readback[0] & PCI_BAR_PREFETCHABLE;
    bar->is_below_1m = type == PCI_BAR_TYPE_1M;
    bar->address = original[0] & PCI_BAR_MEMORY_ADDRESS;
    if (type == PCI_BAR_TYPE_64) {
        if (!has_next)
            return parse_fail(error, "BAR, memory type", offset, "64 bits in the last register");
        bar->registers = 2;
        if (original[1] || readback[1]) {
            bar->kind = PCI_BAR_MEMORY64;
            bar->address |= (uint64_t)original[1] << 32;
            mask |= (uint64_t)readback[1] << 32;
            width = 64;
        } /* else nobody can put it above 4 GiB: a 32-bit BAR that fills two registers */
    } else if (type > PCI_BAR_TYPE_64) {
        return parse_fail_value(error, "BAR, memory type", offset, "reserved", type);
    }
    if (!size_from_mask(mask, width, &bar->size))
        return parse_fail_value(error, "BAR, memory", offset, "no size in the read-back", mask);
    return true;
}

bool pci_bar_decode(const uint32_t original[2], const uint32_t readback[2], bool has_next,
                    uint16_t offset, struct pci_bar *bar, struct parse_error *error)
{
    *bar = (struct pci_bar){.kind = PCI_BAR_ABSENT, .registers = 1};
    if (readback[0] == 0)
        return true;
    if (readback[0] & PCI_BAR_IS_IO)
        return decode_io(original[0], readback[0], offset, bar, error);
    return decode_memory(original, readback, has_next, offset, bar, error);
}

bool pci_bar_is_below(const struct pci_bar *bar, uint64_t limit)
{
    if ((bar->kind != PCI_BAR_MEMORY32 && bar->kind != PCI_BAR_MEMORY64) || bar->address == 0)
        return true;
    return bar->address < limit && bar->size <= limit - bar->address;
}

bool pci_rom_decode(uint32_t original, uint32_t readback, uint16_t offset, struct pci_bar *bar,
                    struct parse_error *error)
{
    uint64_t mask = readback & PCI_ROM_ADDRESS;

    *bar = (struct pci_bar){.kind = PCI_BAR_ABSENT, .registers = 1};
    if (mask == 0)
        return true;
    bar->kind = PCI_BAR_MEMORY32;
    bar->address = original & PCI_ROM_ADDRESS;
    if (!size_from_mask(mask, 32, &bar->size))
        return parse_fail_value(error, "expansion ROM BAR", offset, "no size in the read-back",
                                readback);
    return true;
}
