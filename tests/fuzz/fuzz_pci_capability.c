/*
 * PCI configuration space: both lists, MSI and MSI-X wherever they may be, and all BARs, with the
 * bytes behind the space standing for what reads back.
 */
#include "fuzz.h"

#include "parse/pci_capability.h"

static void walk_lists(const uint8_t *data, size_t size)
{
    struct pci_capability_iterator iterator;
    struct pci_capability capability;
    struct pci_msi_capability msi;
    struct pci_msix_capability msix;
    const uint64_t bars[6] = {0x1000, 0x10000, 0, 0x4000, UINT64_MAX, 0};
    unsigned count = 0;

    if (pci_capability_begin(&iterator, data, size, NULL)) {
        while (pci_capability_next(&iterator, &capability, NULL) == PARSE_ITEM) {
            FUZZ_CHECK(capability.offset < 256 && ++count <= 48);
            if (pci_msi_decode(data, size, capability.offset, &msi, NULL))
                FUZZ_CHECK(msi.message_count <= 32 && msi.offset + msi.size <= 256);
            if (pci_msix_decode(data, size, capability.offset, &msix, NULL)) {
                FUZZ_CHECK(msix.table_count >= 1 && msix.table_count <= 2048);
                FUZZ_CHECK(msix.table_bir < 6 && msix.pending_bir < 6);
                pci_msix_fits(&msix, bars, NULL);
            }
        }
    }
    count = 0;
    pci_extended_capability_begin(&iterator, data, size);
    while (pci_extended_capability_next(&iterator, &capability, NULL) == PARSE_ITEM)
        FUZZ_CHECK(capability.offset >= 256 && ++count <= 960);
    pci_capability_find(data, size, 5);
    pci_extended_capability_find(data, size, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    walk_lists(data, size);
    for (size_t at = 0; at + 16 <= size && at < 64; at += 16) {
        uint32_t words[4];
        struct pci_bar bar;

        memcpy(words, data + at, sizeof(words));
        if (pci_bar_decode(words, words + 2, at & 16, 0x10, &bar, NULL) && bar.kind) {
            FUZZ_CHECK(bar.size && (bar.size & (bar.size - 1)) == 0);
            FUZZ_CHECK(bar.registers == 1 || bar.kind == PCI_BAR_MEMORY64 ||
                       (bar.registers == 2 && bar.kind == PCI_BAR_MEMORY32));
            FUZZ_CHECK(bar.kind != PCI_BAR_MEMORY64 || bar.registers == 2);
        }
        if (pci_rom_decode(words[0], words[1], 0x30, &bar, NULL) && bar.kind)
            FUZZ_CHECK(bar.size >= 2048);
    }
    for (size_t offset = 0; offset < 65536; offset += 257) {
        struct pci_msi_capability msi;
        struct pci_msix_capability msix;
        pci_msi_decode(data, size, (uint16_t)offset, &msi, NULL);
        pci_msix_decode(data, size, (uint16_t)offset, &msix, NULL);
    }
    return 0;
}
