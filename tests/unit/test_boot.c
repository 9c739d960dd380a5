/*
 * What the boot protocols and old firmware hand over: Multiboot2, PVH, MP tables.
 */
#include "test.h"

#include "parse/mp_table.h"
#include "parse/multiboot2.h"
#include "parse/pvh.h"

/* Append a tag at `at`; returns where the next one begins. */
static size_t put_tag(uint8_t *information, size_t at, uint32_t type, const void *body,
                      uint32_t size)
{
    test_put(information + at, type, 4);
    test_put(information + at + 4, size + 8, 4);
    memcpy(information + at + 8, body, size);
    return (at + 8 + size + 7) / 8 * 8;
}

static size_t make_multiboot2(uint8_t *information)
{
    /* clang-format off */
    static const uint8_t map[] = {
        24, 0, 0, 0, 0, 0, 0, 0,                            /* entry size, version */
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFC, 9, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
    };
    /* clang-format on */
    size_t at = put_tag(information, 8, MULTIBOOT2_COMMAND_LINE, "a=b", 4);

    at = put_tag(information, at, MULTIBOOT2_MODULE, "\0\0\x10\0\0\0\x20\0drivers", 16);
    at = put_tag(information, at, MULTIBOOT2_MEMORY_MAP, map, sizeof(map));
    at = put_tag(information, at, MULTIBOOT2_END, "", 0);
    test_put(information, at, 4);
    return at;
}

static void reads_multiboot2(void **state)
{
    uint8_t information[512] = {0};
    size_t size = make_multiboot2(information);
    struct multiboot2 multiboot;
    struct multiboot2_tag tag;
    struct multiboot2_module module;
    struct multiboot2_memory_map map;
    struct multiboot2_region region;
    struct parse_error error;

    (void)state;
    assert_true(multiboot2_open(&multiboot, information, size, &error));
    assert_int_equal(multiboot2_next(&multiboot, &tag, &error), PARSE_ITEM);
    assert_string_equal(multiboot2_string(&tag), "a=b");
    assert_int_equal(multiboot2_next(&multiboot, &tag, &error), PARSE_ITEM);
    assert_true(multiboot2_module_decode(&tag, &module, &error));
    assert_int_equal(module.start, 0x100000);
    assert_int_equal(module.end, 0x200000);
    assert_string_equal(module.command_line, "drivers");
    assert_int_equal(multiboot2_next(&multiboot, &tag, &error), PARSE_ITEM);
    assert_true(multiboot2_memory_map_open(&tag, &map, &error));
    assert_true(multiboot2_memory_map_next(&map, &region));
    assert_int_equal(region.size, 0x9FC00);
    assert_true(multiboot2_memory_map_next(&map, &region));
    assert_true(region.address == 0x100000000);
    assert_true(region.size == 0x400000000);
    assert_false(multiboot2_memory_map_next(&map, &region));
    assert_int_equal(multiboot2_next(&multiboot, &tag, &error), PARSE_END);
}

static void refuses_multiboot2(void **state)
{
    uint8_t information[512] = {0};
    size_t size = make_multiboot2(information);
    struct multiboot2 multiboot;
    struct multiboot2_tag tag;
    struct multiboot2_module module;
    struct parse_error error;

    (void)state;
    assert_false(multiboot2_open(&multiboot, information, size - 1, &error));
    assert_false(multiboot2_open(&multiboot, information, 4, &error));
    test_put(information + 12, 4, 4);
    assert_true(multiboot2_open(&multiboot, information, size, &error));
    assert_int_equal(multiboot2_next(&multiboot, &tag, &error), PARSE_BAD);
    test_put(information + 12, 0xFFFFFFF0, 4);
    assert_true(multiboot2_open(&multiboot, information, size, &error));
    assert_int_equal(multiboot2_next(&multiboot, &tag, &error), PARSE_BAD);
    tag =
        (struct multiboot2_tag){.type = MULTIBOOT2_MODULE, .body = "\0\0\2\0\0\0\1\0x", .size = 10};
    assert_false(multiboot2_module_decode(&tag, &module, &error));
    tag =
        (struct multiboot2_tag){.type = MULTIBOOT2_MODULE, .body = "\0\0\1\0\0\0\2\0x", .size = 9};
    assert_false(multiboot2_module_decode(&tag, &module, &error));
    assert_string_equal(error.what, "module string");
}

static void reads_pvh(void **state)
{
    uint8_t bytes[PVH_START_SIZE] = {0};
    uint8_t arrays[PVH_MODULE_SIZE] = {0};
    struct pvh_start start;
    struct pvh_module module;
    struct pvh_region region;
    struct parse_error error;

    (void)state;
    test_put(bytes, PVH_START_MAGIC, 4);
    test_put(bytes + 4, 1, 4);
    test_put(bytes + 12, 1, 4);
    test_put(bytes + 16, 0x5000, 8);
    test_put(bytes + 24, 0x6000, 8);
    test_put(bytes + 32, 0xE0000, 8);
    test_put(bytes + 40, 0x7000, 8);
    test_put(bytes + 48, 3, 4);
    assert_true(pvh_start_parse(bytes, sizeof(bytes), &start, &error));
    assert_int_equal(start.module_count, 1);
    assert_int_equal(start.rsdp, 0xE0000);
    assert_int_equal(start.region_count, 3);
    assert_false(pvh_start_parse(bytes, 55, &start, &error));
    test_put(bytes + 4, 0, 4); /* version 0 has no memory map */
    assert_true(pvh_start_parse(bytes, 40, &start, &error));
    assert_int_equal(start.region_count, 0);
    test_put(bytes + 12, 0x10000, 4);
    assert_false(pvh_start_parse(bytes, 40, &start, &error));
    test_put(bytes, 0, 4);
    assert_false(pvh_start_parse(bytes, 40, &start, &error));

    test_put(arrays, 0x100000, 8);
    test_put(arrays + 8, 0x2000, 8);
    test_put(arrays + 16, 0x6000, 8);
    assert_true(pvh_module_at(arrays, sizeof(arrays), 0, &module));
    assert_int_equal(module.command_line, 0x6000);
    assert_false(pvh_module_at(arrays, sizeof(arrays), 1, &module));
    assert_false(pvh_module_at(arrays, sizeof(arrays), UINT32_MAX, &module));
    assert_true(pvh_region_at(arrays, sizeof(arrays), 0, &region));
    assert_int_equal(region.type, 0x6000);
    assert_false(pvh_region_at(arrays, sizeof(arrays), 1, &region));
}

static size_t make_mp_table(uint8_t *table)
{
    /* clang-format off */
    static const uint8_t entries[] = {
        0, 0, 0x14, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* boot processor */
        1, 0, 'P', 'C', 'I', ' ', ' ', ' ',
        1, 1, 'I', 'S', 'A', ' ', ' ', ' ',
        2, 5, 0x11, 1, 0, 0, 0xC0, 0xFE,
        3, 0, 0x0F, 0, 0, 31 << 2 | 3, 5, 16, /* PCI 31, INTD to pin 16: low, level */
        3, 3, 0, 0, 1, 0, 5, 0,               /* ExtINT */
        3, 0, 0x0A, 0, 1, 4, 5, 4,            /* reserved flag values */
        4, 1, 5, 0, 1, 0, 0xFF, 1,            /* NMI at LINT1 of all */
    };
    /* clang-format on */
    size_t size = 44 + sizeof(entries);

    memset(table, 0, 44);
    memcpy(table, "PCMP", 4);
    test_put(table + 4, size, 2);
    table[6] = 4;
    test_put(table + 34, 8, 2);
    test_put(table + 36, 0xFEE00000, 4);
    memcpy(table + 44, entries, sizeof(entries));
    test_fix_checksum(table, size, 7);
    return size;
}

static void reads_mp_table(void **state)
{
    uint8_t table[256];
    size_t size = make_mp_table(table);
    void *copy = test_exact(table, size);
    struct mp_config config;
    struct mp_entry e[8];
    struct parse_error error;

    (void)state;
    assert_int_equal(mp_config_length(copy, 8), size);
    assert_true(mp_config_open(&config, copy, size, &error));
    for (unsigned i = 0; i < TEST_COUNT(e); i++)
        assert_int_equal(mp_config_next(&config, &e[i], &error), PARSE_ITEM);
    assert_int_equal(mp_config_next(&config, &e[0], &error), PARSE_END);
    assert_true(e[0].is_boot && e[0].is_enabled);
    assert_string_equal(e[1].bus_type, "PCI");
    assert_string_equal(e[2].bus_type, "ISA");
    assert_int_equal(e[3].address, 0xFEC00000);
    assert_int_equal(mp_interrupt_pci_device(&e[4].interrupt), 31);
    assert_int_equal(mp_interrupt_pci_pin(&e[4].interrupt), 3);
    assert_int_equal(e[4].interrupt.polarity, MP_POLARITY_LOW);
    assert_int_equal(e[4].interrupt.trigger, MP_TRIGGER_LEVEL);
    assert_int_equal(e[4].interrupt.target_input, 16);
    assert_int_equal(e[5].interrupt.type, MP_EXTINT);
    assert_int_equal(e[6].interrupt.polarity, MP_POLARITY_CONFORMING);
    assert_int_equal(e[7].kind, MP_LOCAL_INTERRUPT);
    assert_int_equal(e[7].interrupt.target_apic, MP_ALL_IO_APICS);
    free(copy);
}

static void refuse_mp_table(const uint8_t *table, size_t size, const char *what)
{
    struct mp_config config;
    struct mp_entry entry;
    struct parse_error error = {0};
    enum parse_step step = PARSE_BAD;

    if (mp_config_open(&config, table, size, &error)) {
        do {
            step = mp_config_next(&config, &entry, &error);
        } while (step == PARSE_ITEM);
    }
    assert_int_equal(step, PARSE_BAD);
    assert_string_equal(error.what, what);
}

static void refuses_mp_table(void **state)
{
    uint8_t table[256];
    size_t size = make_mp_table(table);

    (void)state;
    refuse_mp_table(table, 43, "MP table");
    refuse_mp_table(table, size - 1, "MP table Base Table Length");
    table[60] ^= 1;
    refuse_mp_table(table, size, "MP table Checksum");
    make_mp_table(table);
    test_put(table + 34, 9, 2);
    test_fix_checksum(table, size, 7);
    refuse_mp_table(table, size, "MP table Entry Count");
    make_mp_table(table);
    table[44] = 5;
    test_fix_checksum(table, size, 7);
    refuse_mp_table(table, size, "MP table entry type");
    make_mp_table(table);
    test_put(table + 4, size - 1, 2);
    test_fix_checksum(table, size - 1, 7);
    refuse_mp_table(table, size, "MP table entry");
    make_mp_table(table);
    table[44 + 20 + 24 + 1] = 4;
    test_fix_checksum(table, size, 7);
    refuse_mp_table(table, size, "MP table interrupt type");
}

static void finds_mp_floating(void **state)
{
    uint8_t memory[1024] = {0};
    struct mp_floating floating;
    size_t offset;

    (void)state;
    memcpy(memory + 0x3F0, "_MP_", 4);
    test_put(memory + 0x3F4, 0xF5A00, 4);
    memory[0x3F8] = 1;
    memory[0x3F9] = 4;
    memory[0x3FC] = 0x80;
    assert_false(mp_floating_find(memory, sizeof(memory), &offset, &floating));
    test_fix_checksum(memory + 0x3F0, 16, 10);
    assert_true(mp_floating_find(memory, sizeof(memory), &offset, &floating));
    assert_int_equal(offset, 0x3F0);
    assert_int_equal(floating.config_address, 0xF5A00);
    assert_true(floating.has_imcr);
    assert_false(mp_floating_find(memory, sizeof(memory) - 1, &offset, &floating));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SENTENCE("Multiboot2 tags give command line, module and memory map", reads_multiboot2),
        SENTENCE("Multiboot2 tags that leave the information are refused", refuses_multiboot2),
        SENTENCE("PVH start information is read in both versions", reads_pvh),
        SENTENCE("every kind of MP table entry is decoded", reads_mp_table),
        SENTENCE("a malformed MP table is refused by the field's name", refuses_mp_table),
        SENTENCE("the MP floating pointer is found by checksum", finds_mp_floating),
    };

    return cmocka_run_group_tests_name("boot information", tests, NULL, NULL);
}
