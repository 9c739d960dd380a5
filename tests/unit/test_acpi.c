/*
 * RSDP, root tables, MADT, MCFG, HPET and FADT, from tables made by hand: ACPI 6.5 5.2.
 */
#include "test.h"

#include <hw/acpi_tables.h>

#include "parse/fadt.h"
#include "parse/hpet.h"
#include "parse/madt.h"
#include "parse/mcfg.h"

/* Physical memory of the walk tests: addresses are offsets in it. */
static uint8_t memory[0x1000];

static bool read_memory(void *context, uint64_t address, void *buffer, size_t length)
{
    (void)context;
    if (address > sizeof(memory) || length > sizeof(memory) - address)
        return false;
    memcpy(buffer, memory + address, length);
    return true;
}

static void make_rsdp(uint8_t *at, uint8_t revision, uint32_t rsdt, uint64_t xsdt)
{
    struct acpi_rsdp_layout rsdp = {.revision = revision, .rsdt_address = rsdt, .length = 36};

    memcpy(rsdp.signature, "RSD PTR ", 8);
    memcpy(rsdp.oem_id, "BOCHS ", 6);
    rsdp.xsdt_address = xsdt;
    test_fix_checksum(&rsdp, 20, offsetof(struct acpi_rsdp_layout, checksum));
    test_fix_checksum(&rsdp, 36, offsetof(struct acpi_rsdp_layout, extended_checksum));
    memcpy(at, &rsdp, revision >= 2 ? 36 : 20);
}

static void finds_rsdp(void **state)
{
    struct acpi_rsdp rsdp;
    struct parse_error error;
    size_t offset;

    (void)state;
    memset(memory, 0, sizeof(memory));
    make_rsdp(memory + 8, 0, 0x100, 0); /* not at a multiple of 16 */
    assert_false(acpi_rsdp_find(memory, 0x400, &offset, &rsdp));
    make_rsdp(memory + 0x40, 0, 0x100, 0);
    assert_true(acpi_rsdp_find(memory, 0x54, &offset, &rsdp));
    assert_int_equal(offset, 0x40);
    assert_int_equal(rsdp.rsdt_address, 0x100);
    assert_int_equal(rsdp.xsdt_address, 0);
    assert_string_equal(rsdp.oem_id, "BOCHS ");
    assert_false(acpi_rsdp_find(memory, 0x53, &offset, &rsdp));

    make_rsdp(memory, 2, 0x100, 0x200);
    assert_true(acpi_rsdp_parse(memory, 36, &rsdp, &error));
    assert_int_equal(rsdp.xsdt_address, 0x200);
    assert_false(acpi_rsdp_parse(memory, 35, &rsdp, &error));
    memory[35] ^= 1;
    assert_false(acpi_rsdp_parse(memory, 36, &rsdp, &error));
    assert_string_equal(error.what, "RSDP Extended Checksum");
    memory[9] ^= 1;
    assert_false(acpi_rsdp_parse(memory, 36, &rsdp, &error));
    assert_string_equal(error.what, "RSDP Checksum");
}

static void walks_root(void **state)
{
    struct acpi_rsdp rsdp;
    struct acpi_table_location location;
    struct acpi_table_iterator iterator;

    (void)state;
    memset(memory, 0, sizeof(memory));
    make_rsdp(memory, 2, 0x100, 0x200);
    assert_true(acpi_rsdp_parse(memory, 36, &rsdp, NULL));
    /* XSDT: a table, one that is out of reach, address 0, and another table. */
    test_acpi_seal(memory + 0x200, "XSDT", 36 + 4 * 8);
    test_put(memory + 0x200 + 36, 0x300, 8);
    test_put(memory + 0x200 + 44, 0x100000000, 8);
    test_put(memory + 0x200 + 60, 0x400, 8);
    test_acpi_seal(memory + 0x300, "APIC", 44);
    test_acpi_seal(memory + 0x400, "APIC", 52);
    assert_true(acpi_table_begin(&iterator, &rsdp, read_memory, NULL, NULL));
    assert_true(acpi_table_next(&iterator, &location));
    assert_int_equal(location.address, 0x300);
    assert_true(acpi_table_next(&iterator, &location));
    assert_int_equal(location.address, 0x400);
    assert_false(acpi_table_next(&iterator, &location));
    assert_true(acpi_table_find(&rsdp, read_memory, NULL, "APIC", 1, &location));
    assert_int_equal(location.header.length, 52);
    assert_false(acpi_table_find(&rsdp, read_memory, NULL, "APIC", 2, &location));

    /* Without a readable XSDT the RSDT counts. */
    rsdp.xsdt_address = 0x10000;
    assert_false(acpi_table_begin(&iterator, &rsdp, read_memory, NULL, NULL));
    test_acpi_seal(memory + 0x100, "RSDT", 40);
    test_put(memory + 0x100 + 36, 0x400, 4);
    assert_true(acpi_table_find(&rsdp, read_memory, NULL, "APIC", 0, &location));
    assert_int_equal(location.address, 0x400);
}

static size_t make_madt(uint8_t *table)
{
    /* clang-format off */
    static const uint8_t entries[] = {
        0, 8, 1, 2, 1, 0, 0, 0,                               /* local APIC 2, enabled */
        0, 8, 2, 3, 2, 0, 0, 0,                               /* local APIC 3, online capable */
        1, 12, 9, 0, 0, 0, 0xC0, 0xFE, 24, 0, 0, 0,           /* I/O APIC 9 at GSI 24 */
        2, 10, 0, 9, 9, 0, 0, 0, 0x0D, 0,                     /* IRQ 9: high, level */
        2, 10, 0, 5, 20, 0, 0, 0, 0x0F, 0,                    /* IRQ 5: low, level */
        0x7F, 4, 0, 0,                                        /* a kind of the future */
        3, 8, 0x05, 0, 7, 0, 0, 0,                            /* NMI source: high, edge */
        4, 6, 0xFF, 0x0A, 0, 1,                               /* reserved values; LINT1 of all */
        5, 12, 0, 0, 0, 0, 0xE0, 0xFE, 1, 0, 0, 0,            /* local APIC at 0x1FEE00000 */
        9, 16, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0,      /* x2APIC 0x100 */
        10, 12, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0,     /* x2APIC NMI, LINT0 of all */
    };
    /* clang-format on */
    size_t size = 44 + sizeof(entries);

    memset(table, 0, 44);
    test_put(table + 36, 0xFEE00000, 4);
    test_put(table + 40, 1, 4);
    memcpy(table + 44, entries, sizeof(entries));
    test_acpi_seal(table, "APIC", (uint32_t)size);
    return size;
}

static void reads_madt(void **state)
{
    uint8_t table[256];
    size_t size = make_madt(table);
    void *copy = test_exact(table, size);
    struct madt madt;
    struct madt_entry e[10];
    struct parse_error error;

    (void)state;
    assert_true(madt_open(&madt, copy, size, &error));
    assert_true(madt.has_8259);
    assert_int_equal(madt.local_apic_address, 0xFEE00000);
    for (unsigned i = 0; i < TEST_COUNT(e); i++)
        assert_int_equal(madt_next(&madt, &e[i], &error), PARSE_ITEM);
    assert_int_equal(madt_next(&madt, &e[0], &error), PARSE_END);
    madt_rewind(&madt);
    assert_int_equal(madt_next(&madt, &e[0], &error), PARSE_ITEM);

    assert_int_equal(e[0].apic_id, 2);
    assert_true(e[0].is_enabled);
    assert_false(e[1].is_enabled);
    assert_true(e[1].is_online_capable);
    assert_int_equal(e[2].kind, MADT_IO_APIC);
    assert_int_equal(e[2].address, 0xFEC00000);
    assert_int_equal(e[2].gsi, 24);
    assert_int_equal(e[3].polarity, MADT_POLARITY_HIGH);
    assert_int_equal(e[3].trigger, MADT_TRIGGER_LEVEL);
    assert_int_equal(e[4].isa_irq, 5);
    assert_int_equal(e[4].gsi, 20);
    assert_int_equal(e[4].polarity, MADT_POLARITY_LOW);
    assert_int_equal(e[5].kind, MADT_NMI_SOURCE);
    assert_int_equal(e[5].trigger, MADT_TRIGGER_EDGE);
    assert_true(e[6].processor_uid == MADT_ALL_PROCESSORS);
    assert_int_equal(e[6].polarity, MADT_POLARITY_CONFORMING);
    assert_int_equal(e[6].trigger, MADT_TRIGGER_CONFORMING);
    assert_int_equal(e[6].local_input, 1);
    assert_true(e[7].address == 0x1FEE00000);
    assert_int_equal(e[8].apic_id, 0x100);
    assert_int_equal(e[8].processor_uid, 7);
    assert_true(e[9].processor_uid == MADT_ALL_PROCESSORS);
    free(copy);
}

static void refuse_madt(uint8_t *table, size_t size, const char *what)
{
    struct madt madt;
    struct madt_entry entry;
    struct parse_error error = {0};
    void *copy = test_exact(table, size);
    enum parse_step step = PARSE_BAD;

    if (madt_open(&madt, copy, size, &error)) {
        do {
            step = madt_next(&madt, &entry, &error);
        } while (step == PARSE_ITEM);
    }
    assert_int_equal(step, PARSE_BAD);
    assert_string_equal(error.what, what);
    free(copy);
}

static void refuses_madt(void **state)
{
    uint8_t table[256];
    size_t size = make_madt(table);

    (void)state;
    table[50] ^= 0xFF;
    refuse_madt(table, size, "Checksum");
    refuse_madt(table, 20, "table header");
    make_madt(table);
    refuse_madt(table, size - 1, "Length");
    test_acpi_seal(table, "MCFG", (uint32_t)size);
    refuse_madt(table, size, "Signature");
    test_acpi_seal(table, "APIC", 40);
    refuse_madt(table, size, "MADT Length");
    make_madt(table);
    table[45] = 0;
    test_acpi_seal(table, "APIC", (uint32_t)size);
    refuse_madt(table, size, "MADT entry Length");
    make_madt(table);
    table[45] = 7;
    test_acpi_seal(table, "APIC", (uint32_t)size);
    refuse_madt(table, size, "MADT entry Length");
    make_madt(table);
    test_acpi_seal(table, "APIC", (uint32_t)size - 1);
    refuse_madt(table, size - 1, "MADT entry Length");
}

static void reads_mcfg(void **state)
{
    uint8_t table[44 + 3 * 16] = {0};
    struct mcfg mcfg;
    struct mcfg_window window;
    struct parse_error error;

    (void)state;
    test_put(table + 44, 0xB0000000, 8);
    table[55] = 255;
    test_put(table + 60, 0x8000000000, 8);
    table[68] = 1;
    table[70] = 16;
    table[71] = 31;
    test_put(table + 76, 0xC0000000, 8);
    table[76 + 10] = 2;
    table[76 + 11] = 1;
    test_acpi_seal(table, "MCFG", sizeof(table));
    assert_true(mcfg_open(&mcfg, table, sizeof(table), &error));
    assert_int_equal(mcfg_next(&mcfg, &window, &error), PARSE_ITEM);
    assert_int_equal(window.address, 0xB0000000);
    assert_int_equal(window.last_bus, 255);
    assert_int_equal(mcfg_next(&mcfg, &window, &error), PARSE_ITEM);
    assert_int_equal(window.segment, 1);
    assert_int_equal(window.first_bus, 16);
    assert_int_equal(mcfg_next(&mcfg, &window, &error), PARSE_BAD);
    assert_string_equal(error.what, "MCFG End Bus Number");
    test_acpi_seal(table, "MCFG", 44 + 15);
    assert_true(mcfg_open(&mcfg, table, sizeof(table), &error));
    assert_int_equal(mcfg_next(&mcfg, &window, &error), PARSE_END);
    test_acpi_seal(table, "MCFG", 40);
    assert_false(mcfg_open(&mcfg, table, sizeof(table), &error));
}

static void reads_hpet(void **state)
{
    uint8_t table[56] = {0};
    struct hpet_table hpet;
    struct parse_error error;

    (void)state;
    test_put(table + 36, 0x8086A201, 4); /* QEMU's: three comparators, 64 bits, legacy */
    test_put(table + 44, 0xFED00000, 8);
    test_put(table + 53, 0x37EE, 2);
    test_acpi_seal(table, "HPET", sizeof(table));
    assert_true(hpet_parse(table, sizeof(table), &hpet, &error));
    assert_int_equal(hpet.address, 0xFED00000);
    assert_int_equal(hpet.comparator_count, 3);
    assert_int_equal(hpet.least_tick, 0x37EE);
    assert_true(hpet.is_64bit);
    assert_true(hpet.has_legacy_routing);
    table[40] = 1;
    test_acpi_seal(table, "HPET", sizeof(table));
    assert_false(hpet_parse(table, sizeof(table), &hpet, &error));
    assert_string_equal(error.what, "HPET Base Address");
}

static void reads_fadt(void **state)
{
    struct acpi_fadt_layout table = {
        .header.revision = 1,
        .dsdt = 0x1000,
        .sci_int = 9,
        .smi_cmd = 0xB2,
        .pm1a_cnt_blk = 0x604,
        .pm1_cnt_len = 2,
        .pm_tmr_blk = 0x608,
        .pm_tmr_len = 4,
        .iapc_boot_arch = 0xFFFF,
        .flags = ACPI_FADT_TMR_VAL_EXT | ACPI_FADT_RESET_REG_SUP,
        .reset_reg = {.space = FADT_SPACE_IO, .bit_width = 8, .address = 0xCF9},
        .reset_value = 0x0F,
        .x_dsdt = 0x100002000,
        .x_pm_tmr_blk = {.space = FADT_SPACE_MEMORY, .bit_width = 32, .address = 0xFED80808},
    };
    struct fadt fadt;
    struct parse_error error;

    (void)state;
    test_acpi_seal(&table, "FACP", ACPI_FADT_V1_SIZE);
    assert_true(fadt_parse(&table, ACPI_FADT_V1_SIZE, &fadt, &error));
    assert_int_equal(fadt.dsdt_address, 0x1000);
    assert_int_equal(fadt.sci_interrupt, 9);
    assert_int_equal(fadt.pm_timer.address, 0x608);
    assert_int_equal(fadt.pm_timer.space, FADT_SPACE_IO);
    assert_int_equal(fadt.pm1a_control.bit_width, 16);
    assert_true(fadt.pm_timer_is_32bit);
    assert_true(fadt.has_8042);
    assert_false(fadt.has_no_msi);
    assert_false(fadt.has_reset);

    table.header.revision = 5;
    table.iapc_boot_arch = ACPI_BOOT_NO_MSI;
    test_acpi_seal(&table, "FACP", sizeof(table));
    assert_true(fadt_parse(&table, sizeof(table), &fadt, &error));
    assert_true(fadt.dsdt_address == 0x100002000);
    assert_true(fadt.has_reset);
    assert_int_equal(fadt.reset.address, 0xCF9);
    assert_int_equal(fadt.reset_value, 0x0F);
    assert_int_equal(fadt.pm_timer.space, FADT_SPACE_MEMORY);
    assert_true(fadt.has_no_msi);
    assert_false(fadt.has_8042);
    test_acpi_seal(&table, "FACP", 100);
    assert_false(fadt_parse(&table, sizeof(table), &fadt, &error));
    assert_string_equal(error.what, "FADT Length");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SENTENCE("the RSDP is found at 16-byte steps with sound checksums", finds_rsdp),
        SENTENCE("the root table yields readable tables, the XSDT before the RSDT", walks_root),
        SENTENCE("every kind of MADT entry is decoded and unknown ones are skipped", reads_madt),
        SENTENCE("a MADT with a wrong checksum or length is refused", refuses_madt),
        SENTENCE("MCFG windows come with segment and buses", reads_mcfg),
        SENTENCE("the HPET table gives address and comparators", reads_hpet),
        SENTENCE("the FADT is read by its length, old and new", reads_fadt),
    };

    return cmocka_run_group_tests_name("ACPI tables", tests, NULL, NULL);
}
