/*
 * The 64-bit values interrupt hardware is given, against examples worked out from the manuals:
 * I/O APIC redirection entries (82093AA 3.2.4), MSI address and data (SDM 3A 11.11), and the
 * local APIC's 256-bit registers (SDM 3A 11.8.4).
 */
#include "test.h"

#include <hal/ioapic_entry.h>
#include <hw/lapic.h>
#include <hal/msi_message.h>

static struct irq_route route_of(uint8_t vector, uint32_t destination, enum irq_trigger trigger,
                                 enum irq_polarity polarity)
{
    return (struct irq_route){{vector}, {destination}, trigger, polarity};
}

static void builds_rte(void **state)
{
    struct irq_route route = route_of(0x61, 3, IRQ_TRIGGER_LATCHED, IRQ_ACTIVE_HIGH);

    (void)state;
    assert_true(ioapic_rte_build(0, &route, true) == 0x0300000000010061);
    assert_true(ioapic_rte_build(0, &route, false) == 0x0300000000000061);
    route = route_of(0xB0, 0xFE, IRQ_TRIGGER_LEVEL, IRQ_ACTIVE_LOW);
    assert_true(ioapic_rte_build(0, &route, false) == 0xFE0000000000A0B0);
    route.polarity = IRQ_ACTIVE_HIGH;
    assert_true(ioapic_rte_build(0, &route, true) == 0xFE000000000180B0);
}

static void keeps_reserved(void **state)
{
    struct irq_route route = route_of(0x31, 0, IRQ_TRIGGER_LATCHED, IRQ_ACTIVE_HIGH);
    uint64_t found = 0x00FFFFFFFFFE0000; /* bits 55:17 are reserved */

    (void)state;
    assert_true(ioapic_rte_build(found, &route, false) == (found | 0x31));
    assert_true(ioapic_rte_idle(found | 0xA531) == (found | 0x10000));
    assert_true(ioapic_rte_build(0xF000 | 0x700, &route, false) == 0x31); /* status is not kept */
}

static void decodes_rte(void **state)
{
    struct irq_chip_state chip;

    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        struct irq_route route = route_of((uint8_t)(0x30 + i * 17), i * 36,
                                          i & 1 ? IRQ_TRIGGER_LEVEL : IRQ_TRIGGER_LATCHED,
                                          i & 2 ? IRQ_ACTIVE_LOW : IRQ_ACTIVE_HIGH);
        ioapic_rte_decode(ioapic_rte_build(0, &route, i & 4) | IOAPIC_RTE_REMOTE_IRR, &chip);
        assert_int_equal(chip.route.vector.value, route.vector.value);
        assert_int_equal(chip.route.destination.value, route.destination.value);
        assert_int_equal(chip.route.trigger, route.trigger);
        assert_int_equal(chip.route.polarity, route.polarity);
        assert_int_equal(chip.masked, (i & 4) != 0);
        assert_true(chip.in_service);
        assert_false(chip.pending);
    }
}

static void finds_pins(void **state)
{
    (void)state;
    assert_int_equal(ioapic_rte_register(0, false), 0x10);
    assert_int_equal(ioapic_rte_register(23, true), 0x3F);
    assert_int_equal(ioapic_rte_register(119, true), 0xFF);
    assert_int_equal(ioapic_pin_count(0x00170011), 24);
    assert_int_equal(ioapic_pin_count(0x00000011), 1);
    assert_int_equal(ioapic_pin_count(0xFFFFFFFF), 120);
}

static void builds_message(void **state)
{
    struct irq_route route = route_of(0x4C, 0, IRQ_TRIGGER_LATCHED, IRQ_ACTIVE_HIGH);
    struct msi_message message = msi_message_build(&route);

    (void)state;
    assert_true(message.address == 0xFEE00000);
    assert_int_equal(message.data, 0x4C);
    route = route_of(0xBF, 0xFE, IRQ_TRIGGER_LATCHED, IRQ_ACTIVE_HIGH);
    message = msi_message_build(&route);
    assert_true(message.address == 0xFEEFE000);
    assert_int_equal(message.data, 0xBF);
    assert_true(msi_message_reachable(&route));
    route.destination.value = 0xFF; /* everybody, where ids have 8 bits */
    assert_false(msi_message_reachable(&route));
    route.destination.value = 0x100;
    assert_false(msi_message_reachable(&route));
}

static void decodes_message(void **state)
{
    struct irq_route route;

    (void)state;
    assert_true(msi_message_decode(&(struct msi_message){0xFEE05000, 0x71}, &route));
    assert_int_equal(route.vector.value, 0x71);
    assert_int_equal(route.destination.value, 5);
    assert_false(msi_message_decode(&(struct msi_message){0xFED05000, 0x71}, &route));
    assert_false(msi_message_decode(&(struct msi_message){0x1FEE05000, 0x71}, &route));
}

static void finds_vector_bits(void **state)
{
    (void)state;
    assert_int_equal(lapic_vector_register(LAPIC_ISR, 0x00), 0x100);
    assert_int_equal(lapic_vector_register(LAPIC_ISR, 0x1F), 0x100);
    assert_int_equal(lapic_vector_register(LAPIC_ISR, 0x20), 0x110);
    assert_int_equal(lapic_vector_register(LAPIC_ISR, 0xFF), 0x170);
    assert_int_equal(lapic_vector_register(LAPIC_IRR, 0x61), 0x230);
    assert_true(lapic_vector_bit(0x61) == 1u << 1);
    assert_true(lapic_vector_bit(0xFF) == 1u << 31);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SENTENCE("redirection entries are the manual's numbers", builds_rte),
        SENTENCE("reserved bits of a redirection entry stay, status bits go", keeps_reserved),
        SENTENCE("a redirection entry decodes to the route it was built from", decodes_rte),
        SENTENCE("pins map to register pairs and counts are bounded", finds_pins),
        SENTENCE("message address and data are the manual's numbers", builds_message),
        SENTENCE("only writes to the local APIC range decode as messages", decodes_message),
        SENTENCE("a vector's service bit is in the register 16 bytes apart", finds_vector_bits),
    };

    return cmocka_run_group_tests_name("interrupt values", tests, NULL, NULL);
}
