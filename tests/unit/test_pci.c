/*
 * Capability lists, MSI, MSI-X and base address registers, over configuration spaces made by hand.
 * PCI 3.0 6.2.5, 6.7 and 6.8; PCIe 5.0 7.6.
 */
#include "test.h"

#include <hw/pci.h>

#include "parse/pci_capability.h"

static uint8_t config[PCI_EXPRESS_CONFIG_SIZE];

static void clear(uint8_t first)
{
    memset(config, 0, sizeof(config));
    config[PCI_STATUS] = PCI_STATUS_CAPABILITIES;
    config[PCI_CAPABILITY_POINTER] = first;
}

static void put_capability(uint8_t at, uint8_t id, uint8_t next)
{
    config[at] = id;
    config[at + 1] = next;
}

/* Walk the first list; returns the number of capabilities and how it ended. */
static unsigned walk(size_t size, enum parse_step *end)
{
    struct pci_capability_iterator iterator;
    struct pci_capability capability;
    struct parse_error error;
    unsigned count = 0;

    assert_true(pci_capability_begin(&iterator, config, size, &error));
    while ((*end = pci_capability_next(&iterator, &capability, &error)) == PARSE_ITEM)
        count++;
    return count;
}

static void walks_list(void **state)
{
    enum parse_step end;

    (void)state;
    clear(0x53); /* the low two bits are reserved */
    put_capability(0x50, PCI_CAPABILITY_POWER, 0x40);
    put_capability(0x40, PCI_CAPABILITY_MSI, 0xFC);
    put_capability(0xFC, 0x09, 0);
    assert_int_equal(walk(256, &end), 3);
    assert_int_equal(end, PARSE_END);
    assert_int_equal(pci_capability_find(config, 256, PCI_CAPABILITY_MSI), 0x40);
    assert_int_equal(pci_capability_find(config, 256, PCI_CAPABILITY_MSIX), 0);
    config[PCI_STATUS] = 0;
    assert_int_equal(walk(256, &end), 0);
    config[PCI_STATUS] = PCI_STATUS_CAPABILITIES;
    config[PCI_HEADER_TYPE] = PCI_HEADER_CARDBUS;
    config[0x14] = 0xFC;
    assert_int_equal(walk(256, &end), 1);
}

static void stops_at_loops(void **state)
{
    enum parse_step end;

    (void)state;
    clear(0x40);
    put_capability(0x40, 1, 0x40);
    assert_int_equal(walk(256, &end), 1);
    assert_int_equal(end, PARSE_BAD);
    put_capability(0x40, 1, 0x48);
    put_capability(0x48, 5, 0x44);
    put_capability(0x44, 9, 0x48);
    assert_int_equal(walk(256, &end), 3);
    assert_int_equal(end, PARSE_BAD);
    put_capability(0x40, 1, 0x3C);
    assert_int_equal(walk(256, &end), 1);
    assert_int_equal(end, PARSE_BAD);
    put_capability(0x40, 1, 0xFC);
    assert_int_equal(walk(0xFD, &end), 1);
    assert_int_equal(end, PARSE_BAD);
    memset(config, 0xFF, sizeof(config));
    assert_int_equal(walk(256, &end), 0);
    assert_int_equal(end, PARSE_BAD);
    assert_int_equal(pci_capability_find(config, 256, 0xFF), 0);
}

static void walks_extended(void **state)
{
    struct pci_capability_iterator iterator;
    struct pci_capability capability;
    struct parse_error error;

    (void)state;
    memset(config, 0, sizeof(config));
    assert_int_equal(pci_extended_capability_find(config, sizeof(config), 1), 0);
    test_put(config + 0x100, 0x14820001, 4); /* AER, version 2, next 0x148 */
    test_put(config + 0x148, 0xFFC10003, 4); /* serial number, next 0xFFC */
    test_put(config + 0xFFC, 0x0001000B, 4);
    pci_extended_capability_begin(&iterator, config, sizeof(config));
    assert_int_equal(pci_extended_capability_next(&iterator, &capability, &error), PARSE_ITEM);
    assert_int_equal(capability.id, 1);
    assert_int_equal(capability.version, 2);
    assert_int_equal(pci_extended_capability_find(config, sizeof(config), 3), 0x148);
    assert_int_equal(pci_extended_capability_find(config, sizeof(config), 0xB), 0xFFC);
    assert_int_equal(pci_extended_capability_find(config, 256, 1), 0);
    test_put(config + 0xFFC, 0x1001000B, 4); /* back to 0x100 */
    assert_int_equal(pci_extended_capability_find(config, sizeof(config), 7), 0);
    test_put(config + 0x148, 0x08010003, 4); /* below 0x100 */
    pci_extended_capability_begin(&iterator, config, sizeof(config));
    assert_int_equal(pci_extended_capability_next(&iterator, &capability, &error), PARSE_ITEM);
    assert_int_equal(pci_extended_capability_next(&iterator, &capability, &error), PARSE_ITEM);
    assert_int_equal(pci_extended_capability_next(&iterator, &capability, &error), PARSE_BAD);
}

static void decodes_msi(void **state)
{
    /* control, then data, mask, pending offsets from the capability, and its size */
    static const uint16_t layouts[4][5] = {
        {0x0000, 8, 0, 0, 10},
        {0x0080, 12, 0, 0, 14},
        {0x0100, 8, 12, 16, 20},
        {0x0180, 12, 16, 20, 24},
    };
    struct pci_msi_capability msi;
    struct parse_error error;

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        const uint16_t *expected = layouts[i];
        uint16_t at = (uint16_t)(256 - expected[4]) & 0xFC;
        clear((uint8_t)at);
        put_capability((uint8_t)at, PCI_CAPABILITY_MSI, 0);
        test_put(config + at + 2, expected[0] | 4u << 1, 2);
        assert_true(pci_msi_decode(config, 256, at, &msi, &error));
        assert_int_equal(msi.message_count, 16);
        assert_int_equal(msi.address_offset, at + 4);
        assert_int_equal(msi.upper_address_offset, expected[0] & 0x80 ? at + 8 : 0);
        assert_int_equal(msi.data_offset, at + expected[1]);
        assert_int_equal(msi.mask_offset, expected[2] ? at + expected[2] : 0);
        assert_int_equal(msi.pending_offset, expected[3] ? at + expected[3] : 0);
        assert_int_equal(msi.size, expected[4]);
    }
    put_capability(0xEC, PCI_CAPABILITY_MSI, 0);
    test_put(config + 0xEE, 0x0180, 2);
    assert_false(pci_msi_decode(config, 256, 0xEC, &msi, &error));
    test_put(config + 0xEE, 6 << 1, 2);
    assert_false(pci_msi_decode(config, 256, 0xEC, &msi, &error));
    assert_string_equal(error.what, "MSI Multiple Message Capable");
    assert_false(pci_msi_decode(config, 256, 0x40, &msi, &error));
    assert_false(pci_msi_decode(config, 256, 0xFFFF, &msi, &error));
}

static void decodes_msix(void **state)
{
    struct pci_msix_capability msix;
    struct parse_error error;
    uint64_t bars[6] = {0, 0, 0, 0, 0x10000, 0};

    (void)state;
    clear(0x40);
    put_capability(0x40, PCI_CAPABILITY_MSIX, 0);
    test_put(config + 0x42, 0xC7FF, 2); /* enabled, masked, 2,048 entries */
    test_put(config + 0x44, 0x2000 | 4, 4);
    test_put(config + 0x48, 0xA000 | 4, 4);
    assert_true(pci_msix_decode(config, 256, 0x40, &msix, &error));
    assert_int_equal(msix.table_count, 2048);
    assert_int_equal(msix.table_bir, 4);
    assert_int_equal(msix.table_offset, 0x2000);
    assert_int_equal(msix.table_size, 0x8000);
    assert_int_equal(msix.pending_offset, 0xA000);
    assert_int_equal(msix.pending_size, 256);
    assert_true(pci_msix_fits(&msix, bars, &error));
    bars[4] = 0xA0FF;
    assert_false(pci_msix_fits(&msix, bars, &error));
    assert_string_equal(error.what, "MSI-X PBA Offset");
    bars[4] = 0x9FFF;
    assert_false(pci_msix_fits(&msix, bars, &error));
    assert_string_equal(error.what, "MSI-X Table Offset");
    bars[4] = 0x10000;
    msix.pending_offset = 0x9FF8;
    assert_false(pci_msix_fits(&msix, bars, &error));
    assert_string_equal(error.detail, "overlaps the table: 0x9ff8");

    test_put(config + 0x42, 64, 2);
    assert_true(pci_msix_decode(config, 256, 0x40, &msix, &error));
    assert_int_equal(msix.table_count, 65);
    assert_int_equal(msix.pending_size, 16);
    test_put(config + 0x44, 0x2000 | 6, 4);
    assert_false(pci_msix_decode(config, 256, 0x40, &msix, &error));
    assert_string_equal(error.what, "MSI-X Table BIR");
    put_capability(0xF8, PCI_CAPABILITY_MSIX, 0);
    assert_false(pci_msix_decode(config, 256, 0xF8, &msix, &error));
}

static bool decode_bar(uint64_t original, uint64_t readback, bool has_next, struct pci_bar *bar)
{
    const uint32_t before[2] = {(uint32_t)original, (uint32_t)(original >> 32)};
    const uint32_t after[2] = {(uint32_t)readback, (uint32_t)(readback >> 32)};

    return pci_bar_decode(before, after, has_next, PCI_BAR0, bar, NULL);
}

static void decodes_bars(void **state)
{
    struct pci_bar bar;

    (void)state;
    assert_true(decode_bar(0, 0, true, &bar));
    assert_int_equal(bar.kind, PCI_BAR_ABSENT);
    assert_true(decode_bar(0xC041, 0xFFFFFFC1, true, &bar));
    assert_int_equal(bar.kind, PCI_BAR_IO);
    assert_int_equal(bar.address, 0xC040);
    assert_int_equal(bar.size, 64);
    assert_true(decode_bar(0xC001, 0x0000FF01, true, &bar)); /* 16 bits decoded */
    assert_int_equal(bar.size, 256);
    assert_true(decode_bar(0xFEB00000, 0xFFF00000, false, &bar));
    assert_int_equal(bar.kind, PCI_BAR_MEMORY32);
    assert_int_equal(bar.size, 0x100000);
    assert_int_equal(bar.registers, 1);
    assert_true(decode_bar(0x380000000000000C, 0xFFFFFFFC0000000C, true, &bar));
    assert_int_equal(bar.kind, PCI_BAR_MEMORY64);
    assert_true(bar.is_prefetchable);
    assert_int_equal(bar.registers, 2);
    assert_true(bar.address == 0x3800000000000000);
    assert_true(bar.size == 0x400000000);
    assert_true(decode_bar(0xFEB00004, 0xFFFFFFFFFFFFC004, true, &bar));
    assert_int_equal(bar.address, 0xFEB00000);
    assert_int_equal(bar.size, 0x4000);
    assert_true(decode_bar(0xC0000004, 0xFFFFE004, true, &bar)); /* upper half: no bit */
    assert_int_equal(bar.kind, PCI_BAR_MEMORY32);
    assert_int_equal(bar.registers, 2);
    assert_int_equal(bar.address, 0xC0000000);
    assert_int_equal(bar.size, 0x2000);
    assert_true(decode_bar(0xA0002, 0xFFFF0002, true, &bar));
    assert_true(bar.is_below_1m);

    assert_false(decode_bar(0, 0xFFFFFFFFFFFFC004, false, &bar));  /* 64 bits in the last one */
    assert_false(decode_bar(0x1C0000004, 0xFFFFE004, true, &bar)); /* above, and not */
    assert_false(decode_bar(0, 0xFFFFC006, true, &bar));           /* reserved type */
    assert_false(decode_bar(0, 0xFF0FC000, true, &bar));           /* a hole */
    assert_false(decode_bar(0, 0x00000008, true, &bar));           /* no address bit */
    assert_false(decode_bar(0, 0x00000001, true, &bar));

    assert_true(pci_rom_decode(0xFEA00001, 0xFFFC0001, PCI_ROM_BAR, &bar, NULL));
    assert_int_equal(bar.address, 0xFEA00000);
    assert_int_equal(bar.size, 0x40000);
    assert_true(pci_rom_decode(0, 0x00000001, PCI_ROM_BAR, &bar, NULL));
    assert_int_equal(bar.kind, PCI_BAR_ABSENT);
    assert_false(pci_rom_decode(0, 0xF0F00000, PCI_ROM_BAR, &bar, NULL));
}

/* Dumps of QEMU 7.2's devices, kept as fuzz seeds; what they hold is in emulators.md. */
static size_t load_dump(const char *name)
{
    char path[96];
    size_t size;

    snprintf(path, sizeof(path), "tests/fuzz/seeds/pci_capability/qemu-%s.bin", name);
    void *bytes = test_read_file(path, &size);
    if (!bytes)
        fail_msg("%s is missing", path);
    memset(config, 0, sizeof(config));
    memcpy(config, bytes, size);
    free(bytes);
    return size;
}

static void reads_dumps(void **state)
{
    struct pci_msix_capability msix;
    struct pci_msi_capability msi;
    size_t size = load_dump("nvme");

    (void)state;
    assert_true(
        pci_msix_decode(config, size, pci_capability_find(config, size, 0x11), &msix, NULL));
    assert_int_equal(msix.table_count, 65);
    assert_int_equal(msix.table_bir, 0);
    assert_int_equal(msix.table_offset, 0x2000);
    size = load_dump("e1000e");
    assert_true(
        pci_msix_decode(config, size, pci_capability_find(config, size, 0x11), &msix, NULL));
    assert_int_equal(msix.table_count, 5);
    assert_int_equal(msix.table_bir, 3);
    assert_int_not_equal(pci_extended_capability_find(config, size, 1), 0);
    size = load_dump("xhci");
    assert_true(pci_msi_decode(config, size, pci_capability_find(config, size, 5), &msi, NULL));
    assert_int_equal(msi.message_count, 16);
    assert_true(msi.is_64bit);
    size = load_dump("root-port");
    assert_true(pci_msi_decode(config, size, pci_capability_find(config, size, 5), &msi, NULL));
    assert_int_equal(msi.message_count, 2);
    assert_true(msi.is_maskable && !msi.is_64bit);
    size = load_dump("bridge");
    assert_true(pci_msi_decode(config, size, pci_capability_find(config, size, 5), &msi, NULL));
    assert_true(msi.is_maskable && msi.is_64bit);
}

static void finds_bars_out_of_reach(void **state)
{
    const uint64_t limit = 1ull << 36;
    struct pci_bar bar = {.kind = PCI_BAR_MEMORY64, .size = 0x1000, .address = limit - 0x1000};

    (void)state;
    assert_true(pci_bar_is_below(&bar, limit));
    bar.size = 0x2000;
    assert_false(pci_bar_is_below(&bar, limit));
    bar.address = limit;
    assert_false(pci_bar_is_below(&bar, limit));
    bar.address = UINT64_MAX - 0xFFF;
    assert_false(pci_bar_is_below(&bar, limit));
    bar.address = 0;
    assert_true(pci_bar_is_below(&bar, limit));
    bar = (struct pci_bar){.kind = PCI_BAR_IO, .size = 0x20, .address = 0xC000};
    assert_true(pci_bar_is_below(&bar, 0x1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SENTENCE("the capability list is walked from whatever pointer the header has", walks_list),
        SENTENCE("lists that loop, leave their region or read as ones end", stops_at_loops),
        SENTENCE("the extended list is walked within 4,096 bytes", walks_extended),
        SENTENCE("all four MSI layouts are decoded up to the last byte", decodes_msi),
        SENTENCE("MSI-X tables of 1 to 2,048 entries are decoded and fitted", decodes_msix),
        SENTENCE("dumps of QEMU's devices give their known messages", reads_dumps),
        SENTENCE("base address registers of every kind give address and size", decodes_bars),
        SENTENCE("base addresses above what the CPU reaches are found", finds_bars_out_of_reach),
    };

    return cmocka_run_group_tests_name("PCI configuration space", tests, NULL, NULL);
}
