/*
 * Which messages interrupt a set of CPUs: every CPU of the set by exactly one, nobody else by any,
 * and no more of them than each way of addressing needs. Who takes a message is decided here as the
 * SDM has the local APICs decide it.
 */
#include "test.h"

#include "../../arch/x86_64/ipi_plan.c"

static uint32_t ids[CPU_MAX];
static uint32_t cpu_count;
static enum ipi_addressing addressing;

struct pcr *hal_pcr(uint32_t cpu)
{
    static struct pcr pcr;

    pcr.apic_id = (apic_id_t){ids[cpu]};
    return &pcr;
}

static void machine(bool is_x2, uint32_t count, uint32_t first_id)
{
    cpu_count = count;
    addressing = ipi_addressing(is_x2, count);
    for (uint32_t cpu = 0; cpu < CPU_MAX; cpu++)
        ids[cpu] = first_id + cpu;
}

/* SDM 3A 11.6.2.1, 11.6.2.2 (flat), 11.12.9 and 11.12.10 */
static bool takes(uint32_t cpu, const struct ipi_message *message, uint32_t self)
{
    uint32_t destination = message->destination.value;

    switch (message->icr & LAPIC_ICR_SHORTHAND) {
    case LAPIC_ICR_SHORTHAND_SELF:
        return cpu == self;
    case LAPIC_ICR_SHORTHAND_ALL:
        return true;
    case LAPIC_ICR_SHORTHAND_OTHERS:
        return cpu != self;
    }
    if (addressing != IPI_ADDRESSING_CLUSTER && destination == 0xFF)
        return true;
    if (addressing == IPI_ADDRESSING_CLUSTER && destination == 0xFFFFFFFF)
        return true;
    if (!(message->icr & LAPIC_ICR_LOGICAL))
        return destination == ids[cpu];
    if (addressing == IPI_ADDRESSING_FLAT)
        return (1u << cpu & destination) != 0;
    return destination >> 16 == (ids[cpu] >> 4 & 0xFFFF) &&
           (destination & 1u << (ids[cpu] & 15)) != 0;
}

struct cost {
    uint32_t messages[HAL_IPI_KIND_COUNT];
    uint32_t total;
};

/* The plan's messages; checks that each CPU of the set, and no other, takes just one. */
static struct cost plan_check(const struct cpu_set *set, uint32_t self)
{
    uint32_t taken[CPU_MAX] = {0};
    struct cost cost = {0};
    struct ipi_plan plan;
    struct ipi_message message;

    ipi_plan_begin(&plan, set, addressing, cpu_count, self);
    while (ipi_plan_next(&plan, &message)) {
        uint32_t targets = 0;

        for (uint32_t cpu = 0; cpu < cpu_count; cpu++) {
            if (takes(cpu, &message, self)) {
                taken[cpu]++;
                targets++;
            }
        }
        assert_int_equal(targets, message.targets);
        cost.messages[message.kind]++;
        cost.total++;
    }
    for (uint32_t cpu = 0; cpu < cpu_count; cpu++)
        assert_int_equal(taken[cpu], cpu_set_has(set, cpu));
    return cost;
}

static struct cpu_set range(uint32_t first, uint32_t end)
{
    struct cpu_set set = {0};

    for (uint32_t cpu = first; cpu < end; cpu++)
        cpu_set_add(&set, cpu);
    return set;
}

static void assert_cost(struct cost cost, uint32_t physical, uint32_t logical, uint32_t shorthand)
{
    assert_int_equal(cost.messages[HAL_IPI_PHYSICAL], physical);
    assert_int_equal(cost.messages[HAL_IPI_LOGICAL], logical);
    assert_int_equal(cost.messages[HAL_IPI_SHORTHAND], shorthand);
}

static void addressing_by_mode_and_count(void **state)
{
    (void)state;
    assert_int_equal(ipi_addressing(false, 1), IPI_ADDRESSING_FLAT);
    assert_int_equal(ipi_addressing(false, 8), IPI_ADDRESSING_FLAT);
    assert_int_equal(ipi_addressing(false, 9), IPI_ADDRESSING_PHYSICAL);
    assert_int_equal(ipi_addressing(true, 1), IPI_ADDRESSING_CLUSTER);
    assert_int_equal(ipi_addressing(true, 300), IPI_ADDRESSING_CLUSTER);
}

/* SDM 3A 11.12.10.2: logical id = id[19:4] << 16 | 1 << id[3:0] */
static void logical_ids(void **state)
{
    const enum ipi_addressing cluster = IPI_ADDRESSING_CLUSTER;

    (void)state;
    assert_int_equal(ipi_logical_id(IPI_ADDRESSING_FLAT, 0, (apic_id_t){9}), 0x01000000);
    assert_int_equal(ipi_logical_id(IPI_ADDRESSING_FLAT, 7, (apic_id_t){9}), 0x80000000);
    assert_int_equal(ipi_logical_id(IPI_ADDRESSING_FLAT, 8, (apic_id_t){9}), 0);
    assert_int_equal(ipi_logical_id(IPI_ADDRESSING_FLAT, UINT32_MAX, (apic_id_t){9}), 0);
    assert_int_equal(ipi_logical_id(IPI_ADDRESSING_PHYSICAL, 0, (apic_id_t){0}), 0);
    assert_int_equal(ipi_logical_id(cluster, 0, (apic_id_t){0}), 0x00000001);
    assert_int_equal(ipi_logical_id(cluster, 0, (apic_id_t){15}), 0x00008000);
    assert_int_equal(ipi_logical_id(cluster, 0, (apic_id_t){16}), 0x00010001);
    assert_int_equal(ipi_logical_id(cluster, 0, (apic_id_t){299}), 0x00120800);
    assert_int_equal(ipi_logical_id(cluster, 0, (apic_id_t){0xFFFEF}), 0xFFFE8000);
    assert_int_equal(ipi_logical_id(cluster, 0, (apic_id_t){0xFFFF0}), 0);
    assert_int_equal(ipi_logical_id(cluster, 0, (apic_id_t){0x100000}), 0);
}

static void nobody_costs_nothing(void **state)
{
    struct cpu_set set = {0};

    (void)state;
    machine(false, 4, 0);
    assert_int_equal(plan_check(&set, 1).total, 0);
    machine(false, 1, 0); /* "all others" of one CPU are none */
    assert_int_equal(plan_check(&set, 0).total, 0);
}

static void shorthands(void **state)
{
    static const struct {
        bool is_x2;
        uint32_t count;
    } machines[] = {{false, 2}, {false, 8}, {false, 200}, {true, 2}, {true, 320}};

    (void)state;
    for (unsigned i = 0; i < TEST_COUNT(machines); i++) {
        struct cpu_set set;

        machine(machines[i].is_x2, machines[i].count, 0);
        set = range(0, cpu_count);
        assert_cost(plan_check(&set, 1), 0, 0, 1);
        cpu_set_remove(&set, 1);
        assert_cost(plan_check(&set, 1), 0, 0, 1);
        set = range(1, 2);
        assert_cost(plan_check(&set, 1), 0, 0, 1);
        assert_cost(plan_check(&set, 0), cpu_count == 2 ? 0 : 1, 0, cpu_count == 2 ? 1 : 0);
    }
}

/* Every set of 8 CPUs by every sender: one message, whatever the ids. */
static void flat_is_one_message(void **state)
{
    (void)state;
    machine(false, 8, 100);
    for (uint64_t bits = 1; bits < 1 << 8; bits++) {
        struct cpu_set set = {{bits}};

        for (uint32_t self = 0; self < cpu_count; self++)
            assert_int_equal(plan_check(&set, self).total, 1);
    }
}

static void more_than_8_in_xapic_mode(void **state)
{
    struct cpu_set set = range(2, 9);

    (void)state;
    machine(false, 9, 0);
    assert_cost(plan_check(&set, 0), 7, 0, 0);
    cpu_set_add(&set, 0);
    assert_cost(plan_check(&set, 0), 8, 0, 0);
}

static void one_message_a_cluster(void **state)
{
    struct cpu_set set = range(1, 319);

    (void)state;
    machine(true, 320, 0);
    assert_cost(plan_check(&set, 0), 0, 20, 0);
    set = range(15, 17); /* two clusters, one CPU of each */
    assert_cost(plan_check(&set, 0), 2, 0, 0);
    set = range(14, 17);
    assert_cost(plan_check(&set, 0), 1, 1, 0);
    machine(true, 320, 8); /* 8 to 15 are half a cluster */
    set = range(0, 16);
    assert_cost(plan_check(&set, 100), 0, 2, 0);
}

static void ids_in_any_order(void **state)
{
    struct cpu_set set = range(0, 32);

    (void)state;
    machine(true, 40, 0);
    for (uint32_t cpu = 0; cpu < 32; cpu++)
        ids[cpu] = cpu % 2 * 16 + cpu / 2; /* the clusters by turns */
    assert_cost(plan_check(&set, 35), 0, 2, 0);
}

/* All 16 of cluster 0xFFFF would be everybody, and beyond it ids have no cluster. */
static void ids_without_a_logical_one(void **state)
{
    struct cpu_set set = range(0, 16);

    (void)state;
    machine(true, 33, 0xFFFF0);
    assert_cost(plan_check(&set, 32), 16, 0, 0);
    machine(true, 33, 0xFFFE8); /* 8 with, 8 without */
    assert_cost(plan_check(&set, 32), 8, 1, 0);
    machine(true, 33, 0x100000); /* the lower 20 bits are those of ids 0 to 15 */
    assert_cost(plan_check(&set, 32), 16, 0, 0);
}

/* No plan of fewer messages: a shorthand, else as many as clusters are touched. */
static void random_sets_cost_the_least(void **state)
{
    (void)state;
    srand(1);
    for (unsigned round = 0; round < 2000; round++) {
        uint32_t count = 1 + (uint32_t)rand() % CPU_MAX;
        uint32_t self, least = 0;
        struct cpu_set set = {0};
        bool seen[2 * CPU_MAX] = {false};
        struct cost cost;

        machine(true, count, (uint32_t)rand() % CPU_MAX);
        self = (uint32_t)rand() % count;
        for (uint32_t i = (uint32_t)rand() % (count + 1); i > 0; i--) {
            uint32_t cpu = (uint32_t)rand() % count;

            least += !seen[ids[cpu] / 16];
            seen[ids[cpu] / 16] = true;
            cpu_set_add(&set, cpu);
        }
        cost = plan_check(&set, self);
        if (least > 1 && cpu_set_count(&set) + !cpu_set_has(&set, self) == count)
            least = 1; /* all, or all others */
        assert_int_equal(cost.total, least);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SENTENCE("mode and number of CPUs choose the addressing", addressing_by_mode_and_count),
        SENTENCE("logical ids are those of the manual", logical_ids),
        SENTENCE("an empty set costs nothing", nobody_costs_nothing),
        SENTENCE("all, all others and the sender alone are shorthands", shorthands),
        SENTENCE("up to 8 CPUs in xAPIC mode: one message for any set", flat_is_one_message),
        SENTENCE("more in xAPIC mode: one message a CPU", more_than_8_in_xapic_mode),
        SENTENCE("x2APIC mode: one message a cluster", one_message_a_cluster),
        SENTENCE("a cluster's CPUs need not be neighbours", ids_in_any_order),
        SENTENCE("ids without a logical one are named physically", ids_without_a_logical_one),
        SENTENCE("no random set costs more than it must", random_sets_cost_the_least),
    };

    return cmocka_run_group_tests_name("IPI plans", tests, NULL, NULL);
}
