/*
 * The per-CPU vector maps of kernel/irq/vector.c, with two CPUs that are only memory: classes,
 * blocks for MSI, exhaustion. The lock is tests/unit/fake/ke/lock.h.
 */
#include "test.h"

#include "irq/vector.c"

static struct pcr cpus[2];

struct irq_line irq_stray_line;

struct pcr *hal_pcr(uint32_t cpu)
{
    return &cpus[cpu];
}

void lib_assert_failed(const char *expression, const char *file, int line)
{
    fail_msg("%s:%d: %s", file, line, expression);
    abort();
}

static int reset(void **state)
{
    (void)state;
    irq_cpu_init(&cpus[0]);
    irq_cpu_init(&cpus[1]);
    return 0;
}

static void counts_free(void **state)
{
    vector_t vector;

    (void)state;
    for (irql_t irql = IRQ_CLASS_LOWEST; irql <= IRQ_CLASS_HIGHEST; irql++)
        assert_int_equal(irq_vectors_free(0, irql), 16);
    assert_true(irq_vectors_take(0, 5, 1, &vector));
    assert_int_equal(vector_irql(vector), 5);
    assert_int_equal(irq_vectors_free(0, 5), 15);
    assert_int_equal(irq_vectors_free(1, 5), 16);
    irq_vector_free(0, vector);
    assert_int_equal(irq_vectors_free(0, 5), 16);
}

static void aligns_blocks(void **state)
{
    vector_t single, block;

    (void)state;
    assert_true(irq_vectors_take(0, 7, 1, &single));
    for (uint32_t count = 2; count <= 8; count *= 2) {
        assert_true(irq_vectors_take(0, 7, count, &block));
        assert_int_equal(block.value % count, 0);
        assert_int_equal(vector_irql(block), 7);
        for (uint32_t i = 0; i < count; i++) {
            assert_int_not_equal(block.value + i, single.value);
            irq_vector_free(0, (vector_t){(uint8_t)(block.value + i)});
        }
    }
    assert_false(irq_vectors_take(0, 7, 16, &block)); /* one of the class is taken */
    irq_vector_free(0, single);
    assert_true(irq_vectors_take(0, 7, 16, &block));
    assert_int_equal(block.value, 0x70);
}

static void never_gives_twice(void **state)
{
    bool seen[VECTOR_COUNT] = {false};
    vector_t vector;

    (void)state;
    for (irql_t irql = IRQ_CLASS_LOWEST; irql <= IRQ_CLASS_HIGHEST; irql++) {
        for (unsigned i = 0; i < 16; i++) {
            assert_true(irq_vectors_take(1, irql, 1, &vector));
            assert_false(seen[vector.value]);
            seen[vector.value] = true;
        }
        assert_false(irq_vectors_take(1, irql, 1, &vector));
        assert_int_equal(irq_vectors_free(1, irql), 0);
    }
    for (unsigned v = 0; v < VECTOR_COUNT; v++)
        assert_int_equal(seen[v], v >= VECTOR_DEVICE_FIRST && v <= VECTOR_DEVICE_LAST);
}

static void binds_lines(void **state)
{
    static struct irq_line line;
    vector_t vector;

    (void)state;
    assert_true(irq_vectors_take(0, 9, 1, &vector));
    cpus[0].vector_count[vector.value] = 5;
    irq_vector_bind(0, vector, &line);
    assert_ptr_equal(cpus[0].vector_line[vector.value], &line);
    assert_int_equal(cpus[0].vector_count[vector.value], 0);
    irq_vector_free(0, vector);
    assert_ptr_equal(cpus[0].vector_line[vector.value], &irq_stray_line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SENTENCE_WITH("a vector's class is its IRQL and each CPU has its own", counts_free, reset),
        SENTENCE_WITH("blocks for MSI are contiguous and aligned to their size", aligns_blocks,
                      reset),
        SENTENCE_WITH("every device vector is given once, and no other", never_gives_twice, reset),
        SENTENCE_WITH("a bound vector names its line, a freed one the stray line", binds_lines,
                      reset),
    };

    return cmocka_run_group_tests_name("vector maps", tests, NULL, NULL);
}
