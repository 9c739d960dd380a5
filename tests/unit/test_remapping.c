/*
 * Interrupt remapping: the DMAR (VT-d 8) and the IVRS (AMD-Vi 5) from tables made by hand, and the
 * entries, messages and redirection entries against values worked out from both manuals.
 */
#include "test.h"

#include <hal/amd_iommu_entry.h>
#include <hal/vtd_entry.h>

#include "parse/dmar.h"
#include "parse/ivrs.h"

enum { HEADER_SIZE = 48 };

static const struct irq_route edge_route = {{0x61}, {3}, IRQ_TRIGGER_LATCHED, IRQ_ACTIVE_HIGH};
static const struct irq_route far_route = {{0xB0}, {0x01000102}, IRQ_TRIGGER_LEVEL, IRQ_ACTIVE_LOW};

static void reads_dmar(void **state)
{
    /* clang-format off */
    static const uint8_t body[] = {
        1, 0, 8, 0, 0, 0, 0, 0,                                    /* an RMRR: skipped */
        0, 0, 24, 0, 0, 0, 1, 0, 0, 0, 0xD9, 0xFE, 0, 0, 0, 0,     /* a unit of segment 1 */
        1, 8, 0, 0, 0, 2, 0x1C, 3,                                 /* endpoint 02:1c.3 */
        0, 0, 26, 0, 1, 0, 0, 0, 0, 0x10, 0xD9, 0xFE, 0, 0, 0, 0,  /* a unit for the rest */
        3, 10, 0, 0, 9, 0xF0, 0x1F, 7, 0, 1,                       /* IOAPIC 9 behind f0:1f.7 */
    };
    /* clang-format on */
    uint8_t table[HEADER_SIZE + sizeof(body)] = {0};
    struct parse_error error;
    struct dmar_scope scope;
    struct dmar_unit unit;
    struct dmar dmar;

    (void)state;
    memcpy(table + HEADER_SIZE, body, sizeof(body));
    table[37] = 3;
    test_acpi_seal(table, "DMAR", sizeof(table));
    assert_true(dmar_open(&dmar, table, sizeof(table), &error));
    assert_true(dmar.has_remapping && dmar.x2apic_opt_out);
    assert_int_equal(dmar_next(&dmar, &unit, &error), PARSE_ITEM);
    assert_true(unit.registers == 0xFED90000 && unit.segment == 1 && !unit.includes_all);
    assert_int_equal(dmar_scope_next(&dmar, &unit, &scope, &error), PARSE_ITEM);
    assert_int_equal(scope.kind, DMAR_SCOPE_ENDPOINT);
    assert_int_equal(scope.start_bus, 2);
    assert_int_equal(scope.path[0], 0x1C << 3 | 3);
    assert_int_equal(dmar_scope_next(&dmar, &unit, &scope, &error), PARSE_END);
    assert_int_equal(dmar_next(&dmar, &unit, &error), PARSE_ITEM);
    assert_true(unit.includes_all);
    assert_int_equal(dmar_scope_next(&dmar, &unit, &scope, &error), PARSE_ITEM);
    assert_int_equal(scope.kind, DMAR_SCOPE_IOAPIC);
    assert_int_equal(scope.enumeration_id, 9);
    assert_int_equal(scope.path_length, 2);
    assert_int_equal(scope.path[1], 1);
    assert_int_equal(dmar_next(&dmar, &unit, &error), PARSE_END);

    table[HEADER_SIZE + 2] = 200; /* a structure that leaves the table */
    test_acpi_seal(table, "DMAR", sizeof(table));
    assert_true(dmar_open(&dmar, table, sizeof(table), &error));
    assert_int_equal(dmar_next(&dmar, &unit, &error), PARSE_BAD);
    assert_int_equal(error.offset, HEADER_SIZE);
}

static void reads_ivrs(void **state)
{
    /* clang-format off */
    static const uint8_t body[] = {
        0x10, 0, 28, 0, 2, 0, 0x40, 0, 0, 0, 0xD8, 0xFE, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        2, 8, 0, 0,                                            /* not looked at: there is an 11h */
        0x11, 0, 72, 0, 2, 0, 0x40, 0, 0, 0, 0xB8, 0xFE, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0,                                            /* padding */
        3, 8, 0, 0, 4, 0xFE, 0xFF, 0,                          /* 00:01.0 to ff:1f.6 */
        67, 0, 2, 0, 0, 0xA4, 0, 0, 4, 0xFF, 2, 0,             /* bus 2 comes as 00:14.4 */
        72, 0, 0, 0xD7, 2, 0xA0, 0, 1,                         /* IOAPIC 2 is 00:14.0 */
    };
    /* clang-format on */
    uint8_t table[HEADER_SIZE + sizeof(body)] = {0};
    struct parse_error error;
    struct ivrs_entry entry;
    struct ivrs_unit unit;
    struct ivrs ivrs;

    (void)state;
    memcpy(table + HEADER_SIZE, body, sizeof(body));
    test_acpi_seal(table, "IVRS", sizeof(table));
    assert_true(ivrs_open(&ivrs, table, sizeof(table), &error));
    assert_int_equal(ivrs.type, 0x11);
    assert_int_equal(ivrs_next(&ivrs, &unit, &error), PARSE_ITEM);
    assert_true(unit.registers == 0xFEB80000);
    assert_int_equal(unit.device_id, 2);
    assert_int_equal(ivrs_entry_next(&ivrs, &unit, &entry, &error), PARSE_ITEM);
    assert_true(entry.kind == IVRS_DEVICES && entry.first == 8 && entry.last == 0xFFFE);
    assert_int_equal(ivrs_entry_next(&ivrs, &unit, &entry, &error), PARSE_ITEM);
    assert_true(entry.kind == IVRS_ALIASES && entry.first == 0x200 && entry.last == 0x2FF);
    assert_int_equal(entry.source, 0xA4);
    assert_int_equal(ivrs_entry_next(&ivrs, &unit, &entry, &error), PARSE_ITEM);
    assert_true(entry.kind == IVRS_IOAPIC && entry.handle == 2 && entry.source == 0xA0);
    assert_int_equal(ivrs_entry_next(&ivrs, &unit, &entry, &error), PARSE_END);
    assert_int_equal(ivrs_next(&ivrs, &unit, &error), PARSE_END);

    table[sizeof(table) - 8] = 0xFE; /* of a length nobody knows */
    test_acpi_seal(table, "IVRS", sizeof(table));
    assert_true(ivrs_open(&ivrs, table, sizeof(table), &error));
    assert_int_equal(ivrs_next(&ivrs, &unit, &error), PARSE_ITEM);
    assert_int_equal(ivrs_entry_next(&ivrs, &unit, &entry, &error), PARSE_ITEM);
    assert_int_equal(ivrs_entry_next(&ivrs, &unit, &entry, &error), PARSE_ITEM);
    assert_int_equal(ivrs_entry_next(&ivrs, &unit, &entry, &error), PARSE_BAD);
}

static void builds_vtd_entries(void **state)
{
    struct irq_route route = {.polarity = IRQ_ACTIVE_HIGH};

    (void)state;
    assert_true(vtd_irte_low(&edge_route, false) == 0x0000030000610001);
    assert_true(vtd_irte_low(&far_route, true) == 0x0100010200B00011);
    assert_true(vtd_irte_high(0x0118, HAL_REMAP_BY_ID) == 0x40118);
    assert_true(vtd_irte_high(0x0205, HAL_REMAP_BY_BUS) == 0x80205);
    assert_true(vtd_irte_high(0xF078, HAL_REMAP_BY_DEVICE) == 0x7F078);
    vtd_irte_decode(vtd_irte_low(&far_route, true), true, &route);
    assert_int_equal(route.destination.value, 0x01000102);
    assert_int_equal(route.vector.value, 0xB0);
    assert_int_equal(route.trigger, IRQ_TRIGGER_LEVEL);
}

static void names_vtd_entries(void **state)
{
    (void)state;
    assert_true(vtd_message_build(0, 0).address == 0xFEE00018);
    assert_true(vtd_message_build(5, 0).address == 0xFEE000B8);
    assert_true(vtd_message_build(0x8001, 0).address == 0xFEE0003C);
    assert_int_equal(vtd_message_build(5, 0).data, 0);
    assert_true(vtd_message_build(5, 3).address == 0xFEE000B8);
    assert_int_equal(vtd_message_build(5, 3).data, 3);
    assert_true(vtd_rte_build(5, &edge_route) == 0x000B000000000061);
    assert_true(vtd_rte_build(0x8000, &edge_route) == 0x0001000000000861);
}

static void builds_amd_entries(void **state)
{
    struct amd_wide_irte wide = amd_wide_irte_build(&far_route);
    struct amd_device_entry entry = amd_device_entry_build(0x12345000, 512);
    struct irq_route route = {.polarity = IRQ_ACTIVE_HIGH};

    (void)state;
    assert_int_equal(amd_irte_build(&edge_route), 0x610301);
    assert_true(wide.low == 0x00010201 && wide.high == 0x01000000000000B0);
    amd_wide_irte_decode(&wide, &route);
    assert_int_equal(route.destination.value, 0x01000102);
    assert_int_equal(route.vector.value, 0xB0);
    amd_irte_decode(amd_irte_build(&edge_route), &route);
    assert_int_equal(route.destination.value, 3);
    assert_true(entry.word[0] == 0x6000000000000003);
    assert_true(entry.word[2] == 0x2000000012345013);
    assert_true(entry.word[1] == 0 && entry.word[3] == 0);
    assert_true(amd_device_entry_build(0x12345000, 2048).word[2] == 0x2000000012345017);
}

static void names_amd_entries(void **state)
{
    (void)state;
    assert_true(amd_message_build(0x1FF, 512).address == 0xFEE00000);
    assert_int_equal(amd_message_build(0x1FF, 512).data, 0x1FF);
    assert_true(amd_message_build(0x7FF, 2048).address == 0xFEE00004);
    assert_int_equal(amd_message_build(0x7FF, 2048).data, 0x7FF);
    assert_true(amd_rte_build(0x117) == 0x117);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SENTENCE("a DMAR gives its units, their scopes, and where it is broken", reads_dmar),
        SENTENCE("an IVRS gives the newest description of its units only", reads_ivrs),
        SENTENCE("VT-d entries are the manual's numbers", builds_vtd_entries),
        SENTENCE("VT-d messages and redirection entries name all 65,536 entries",
                 names_vtd_entries),
        SENTENCE("AMD-Vi entries are the manual's numbers, in both widths", builds_amd_entries),
        SENTENCE("AMD-Vi messages and redirection entries carry the index", names_amd_entries),
    };

    return cmocka_run_group_tests_name("interrupt remapping", tests, NULL, NULL);
}
