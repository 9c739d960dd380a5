/*
 * Which remapping unit is responsible for whom, by a DMAR and an IVRS made by hand, over a machine
 * of a few bridges; blocks of entries; what a destination is allowed to be.
 */
#include "test.h"

#include "../../arch/x86_64/remap_amd.c"
#include "../../arch/x86_64/remap_scope.c"

#include <hal/msi_message.h>

enum { HEADER_SIZE = 48 };

struct remap_unit remap_units[REMAP_UNITS_MAX];
uint32_t remap_unit_count;

/* 00:1c.0 leads to buses 2 to 4, 02:00.0 to 3; 00:1d.0 to 5. */
uint32_t hal_pci_read(uint16_t segment, uint8_t bus, uint8_t devfn, uint32_t offset, int width)
{
    static const struct {
        uint16_t id;
        uint8_t secondary, subordinate;
    } bridges[] = {{0x00E0, 2, 4}, {0x0200, 3, 3}, {0x00E8, 5, 5}};

    (void)width;
    for (unsigned i = 0; segment == 0 && i < ARRAY_COUNT(bridges); i++) {
        if (bridges[i].id != (bus << 8 | devfn))
            continue;
        return offset == PCI_BRIDGE_SECONDARY_BUS ? bridges[i].secondary : bridges[i].subordinate;
    }
    return 0xFF;
}

/* ---- What the sources lean on, and is not reached -------------------------------------------- */

void hal_pci_write(uint16_t segment, uint8_t bus, uint8_t devfn, uint32_t offset, int width,
                   uint32_t value)
{
    fail_msg("%u %u %u %u %d %u", segment, bus, devfn, offset, width, value);
}

const void *hal_acpi_table(const char signature[4], uint32_t instance)
{
    fail_msg("%.4s %u", signature, instance);
    return NULL;
}

void *hal_upcall_pages_alloc(uint64_t size)
{
    (void)size;
    return NULL;
}

bool hal_apic_is_x2(void)
{
    return false;
}

static uint64_t registers[AMD_IOMMU_MMIO_SIZE / sizeof(uint64_t)];

bool remap_registers_map(struct remap_unit *unit, uint32_t size)
{
    unit->registers = (volatile uint8_t *)registers;
    return size <= sizeof(registers);
}

uint32_t remap_units_give_up(struct remap_unit *units, uint32_t count)
{
    (void)units;
    return count;
}

uint64_t hal_tsc_frequency(void)
{
    return 1000000;
}

void remap_queue_put(struct remap_unit *unit, uint64_t low, uint64_t high)
{
    (void)unit;
    (void)low;
    (void)high;
}

bool remap_queue_wait(struct remap_unit *unit)
{
    (void)unit;
    return false;
}

void log_warn(const char *format, ...)
{
    fail_msg("%s", format);
}

/* ---- VT-d ------------------------------------------------------------------------------------ */

/* clang-format off */
static const uint8_t dmar_body[] = {
    0, 0, 48, 0, 0, 0, 0, 0, 0, 0x00, 0xD9, 0xFE, 0, 0, 0, 0,
    1, 8, 0, 0, 0, 0, 2, 0,                 /* 00:02.0 */
    2, 8, 0, 0, 0, 0, 0x1C, 0,              /* 00:1c.0 and what is behind it */
    1, 10, 0, 0, 0, 0, 0x1D, 0, 1, 0,       /* 05:01.0 by way of 00:1d.0 */
    0, 0, 0, 0, 0, 0,
    0, 0, 32, 0, 1, 0, 0, 0, 0, 0x10, 0xD9, 0xFE, 0, 0, 0, 0,
    3, 8, 0, 0, 2, 0xF0, 0x1F, 0,           /* IOAPIC 2 is f0:1f.0 */
    4, 8, 0, 0, 0, 0xF0, 0x0F, 0,           /* HPET 0 is f0:0f.0 */
};
/* clang-format on */

static uint8_t table[HEADER_SIZE + 256];

static int dmar_units(void **state)
{
    struct parse_error error;
    struct dmar dmar;

    (void)state;
    memset(table, 0, sizeof(table));
    memset(remap_units, 0, sizeof(remap_units));
    memcpy(table + HEADER_SIZE, dmar_body, sizeof(dmar_body));
    test_acpi_seal(table, "DMAR", HEADER_SIZE + sizeof(dmar_body));
    if (!dmar_open(&dmar, table, HEADER_SIZE + sizeof(dmar_body), &error))
        return -1;
    for (remap_unit_count = 0; remap_unit_count < 2; remap_unit_count++) {
        if (dmar_next(&dmar, &remap_units[remap_unit_count].scope.dmar, &error) != PARSE_ITEM)
            return -1;
    }
    remap_scope_init(&dmar);
    return 0;
}

static struct hal_requester function_at(uint16_t id)
{
    return (struct hal_requester){.kind = HAL_REQUESTER_FUNCTION, .function = id, .id = id};
}

static void assert_vtd(struct hal_requester requester, int unit, uint16_t source)
{
    struct hal_remap remap = {0};

    assert_ptr_equal(remap_scope_unit(&requester, &remap), unit < 0 ? NULL : &remap_units[unit]);
    if (unit >= 0)
        assert_int_equal(remap.source, source);
}

static void finds_vtd_units(void **state)
{
    struct hal_requester elsewhere = function_at(0x0010);

    (void)state;
    assert_vtd(function_at(0x0010), 0, 0x0010); /* named */
    assert_vtd(function_at(0x00E0), 0, 0x00E0); /* the bridge itself */
    assert_vtd(function_at(0x0308), 0, 0x0308); /* two bridges down */
    assert_vtd(function_at(0x0508), 0, 0x0508); /* named by a path of two steps */
    assert_vtd(function_at(0x0510), 1, 0x0510); /* its neighbour is not */
    assert_vtd(function_at(0x0018), 1, 0x0018); /* the rest */
    elsewhere.segment = 1;
    assert_vtd(elsewhere, -1, 0);
}

static void finds_vtd_chips(void **state)
{
    struct hal_requester hpet = {.kind = HAL_REQUESTER_HPET};
    struct hal_remap remap = {0};

    (void)state;
    remap_scope_unit(&hpet, &remap);
    assert_int_equal(remap.check, HAL_REMAP_BY_DEVICE);
    assert_vtd((struct hal_requester){.kind = HAL_REQUESTER_IOAPIC, .number = 2}, 1, 0xF0F8);
    assert_vtd((struct hal_requester){.kind = HAL_REQUESTER_HPET, .number = 0}, 1, 0xF078);
    assert_vtd((struct hal_requester){.kind = HAL_REQUESTER_IOAPIC, .number = 0}, -1, 0);
    assert_vtd((struct hal_requester){.kind = HAL_REQUESTER_HPET, .number = 1}, -1, 0);
}

static void checks_by_bus(void **state)
{
    struct hal_requester requester = function_at(0x0308);
    struct hal_remap remap = {0};

    (void)state;
    requester.id = 0x0300; /* behind a bridge to conventional PCI */
    requester.first_bus = requester.last_bus = 3;
    remap_scope_unit(&requester, &remap);
    assert_int_equal(remap.check, HAL_REMAP_BY_BUS);
    assert_int_equal(remap.source, 0x0303);
    requester.last_bus = 0;
    remap_scope_unit(&requester, &remap);
    assert_int_equal(remap.check, HAL_REMAP_BY_ID);
    assert_int_equal(remap.source, 0x0300);
}

/* ---- AMD-Vi ---------------------------------------------------------------------------------- */

/* clang-format off */
static const uint8_t ivrs_body[] = {
    0x10, 0, 60, 0, 2, 0, 0x40, 0, 0, 0, 0xD8, 0xFE, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    3, 8, 0, 0, 4, 0xFF, 0x7F, 0,                          /* 00:01.0 to 7f:1f.7 */
    67, 0, 2, 0, 0, 0xA4, 0, 0, 4, 0xFF, 2, 0,             /* bus 2 comes as 00:14.4 */
    72, 0, 0, 0xD7, 2, 0xA0, 0, 1,                         /* IOAPIC 2 is 00:14.0 */
    72, 0, 0, 0xD7, 0, 0xA1, 0, 2,                         /* HPET 0 is 00:14.1 */
};
/* clang-format on */

static int ivrs_units(void **state)
{
    struct parse_error error;

    (void)state;
    memset(table, 0, sizeof(table));
    memset(remap_units, 0, sizeof(remap_units));
    memcpy(table + HEADER_SIZE, ivrs_body, sizeof(ivrs_body));
    test_acpi_seal(table, "IVRS", HEADER_SIZE + sizeof(ivrs_body));
    remap_unit_count = 1;
    return ivrs_open(&amd_ivrs, table, HEADER_SIZE + sizeof(ivrs_body), &error) &&
                   ivrs_next(&amd_ivrs, &remap_units[0].scope.ivrs, &error) == PARSE_ITEM
               ? 0
               : -1;
}

static void assert_amd(struct hal_requester requester, int unit, uint16_t source)
{
    struct hal_remap remap = {0};

    assert_ptr_equal(amd_unit_of(&requester, &remap), unit < 0 ? NULL : &remap_units[unit]);
    if (unit >= 0)
        assert_int_equal(remap.source, source);
}

static void finds_amd_units(void **state)
{
    (void)state;
    assert_amd(function_at(0x0008), 0, 0x0008);
    assert_amd(function_at(0x7FFF), 0, 0x7FFF);
    assert_amd(function_at(0x0210), 0, 0x00A4);
    assert_amd(function_at(0x0000), -1, 0);
    assert_amd(function_at(0x8000), -1, 0);
    assert_amd((struct hal_requester){.kind = HAL_REQUESTER_IOAPIC, .number = 2}, 0, 0x00A0);
    assert_amd((struct hal_requester){.kind = HAL_REQUESTER_IOAPIC, .number = 0}, -1, 0);
    assert_amd((struct hal_requester){.kind = HAL_REQUESTER_HPET, .number = 0}, 0, 0x00A1);
}

/* A unit that says so gives a requester 2,048 entries, and is told that they are used. */
static void takes_all_entries_amd_has(void **state)
{
    static const struct {
        uint64_t features;
        uint32_t entries;
        uint64_t mode;
    } kinds[] = {{0, 512, 0}, {0x100, 2048, 1ull << 43}, {0x200, 512, 0}};

    (void)state;
    for (unsigned i = 0; i < TEST_COUNT(kinds); i++) {
        struct remap_unit *unit = &remap_units[0];

        memset(registers, 0, sizeof(registers));
        registers[AMD_IOMMU_FEATURES_2 / 8] = kinds[i].features;
        registers[AMD_IOMMU_CONTROL / 8] = 3ull << 43; /* as nobody should have left it */
        assert_true(unit_prepare(unit, &unit->scope.ivrs));
        assert_int_equal(unit->block_max, kinds[i].entries);
        assert_false(amd_start(unit)); /* nobody answers here */
        assert_true((registers[AMD_IOMMU_CONTROL / 8] & 3ull << 43) == kinds[i].mode);
    }
}

/* ---- Blocks, destinations -------------------------------------------------------------------- */

static void deals_out_blocks(void **state)
{
    uint64_t bits[4] = {0};

    (void)state;
    assert_int_equal(remap_bits_take(bits, 256, 24), 0);
    assert_int_equal(remap_bits_take(bits, 256, 1), 24);
    assert_int_equal(remap_bits_take(bits, 256, 16), 32); /* a multiple of 16 */
    assert_int_equal(remap_bits_take(bits, 256, 2), 26);
    assert_int_equal(remap_bits_take(bits, 256, 65), 64);
    assert_int_equal(remap_bits_take(bits, 256, 128), UINT32_MAX);
    remap_bits_give(bits, 64, 65);
    assert_int_equal(remap_bits_take(bits, 256, 192), 64); /* to the very end */
    assert_int_equal(remap_bits_take(bits, 256, 16), 48);
    assert_int_equal(remap_bits_take(bits, 256, 32), UINT32_MAX);
    remap_bits_give(bits, 0, 256);
    for (unsigned i = 0; i < 4; i++)
        assert_true(bits[i] == 0);
    assert_int_equal(remap_bits_take(bits, 256, 257), UINT32_MAX);
}

static void never_truncates_destinations(void **state)
{
    struct irq_route route = {{0x61}, {0}, IRQ_TRIGGER_LATCHED, IRQ_ACTIVE_HIGH};
    static const uint32_t far_ids[] = {0xFF, 0x100, 0x12B, 0x100FE, UINT32_MAX};
    struct amd_wide_irte wide;
    struct irq_route back;

    (void)state;
    route.destination.value = 0xFE;
    assert_true(msi_message_reachable(&route));
    for (unsigned i = 0; i < ARRAY_COUNT(far_ids); i++) {
        route.destination.value = far_ids[i];
        assert_false(msi_message_reachable(&route));
        wide = amd_wide_irte_build(&route);
        amd_wide_irte_decode(&wide, &back);
        assert_int_equal(back.destination.value, far_ids[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SENTENCE_WITH("a function is behind the VT-d unit that names it, its bridge, or the rest",
                      finds_vtd_units, dmar_units),
        SENTENCE_WITH("IOAPICs and HPETs are behind the VT-d unit that names their number",
                      finds_vtd_chips, dmar_units),
        SENTENCE_WITH("what a bridge to PCI passes on is checked by its buses", checks_by_bus,
                      dmar_units),
        SENTENCE_WITH("AMD-Vi's ranges, aliases and special devices say who sends what",
                      finds_amd_units, ivrs_units),
        SENTENCE_WITH("an AMD-Vi unit's entries are used as far as it has them",
                      takes_all_entries_amd_has, ivrs_units),
        SENTENCE("blocks of entries are aligned, and all come back", deals_out_blocks),
        SENTENCE("a destination is named in full or refused, never truncated",
                 never_truncates_destinations),
    };

    return cmocka_run_group_tests_name("remapping units", tests, NULL, NULL);
}
