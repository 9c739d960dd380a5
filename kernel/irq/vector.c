/*
 * irq/vector.c - the per-CPU vector maps.
 *
 * 144 device vectors a CPU: classes 3 to 11, 16 each. The class is the IRQL (CR8-4). Vectors are
 * taken when PnP translates resources and stay with the line until the last device lets go.
 */
#include <lib/assert.h>

#include "irq/vector.h"
#include "ke/lock.h"

static ke_lock_t vector_lock;

uint64_t irq_vectors_lock(void)
{
    return ke_lock_acquire_irqoff(&vector_lock);
}

void irq_vectors_unlock(uint64_t state)
{
    ke_lock_release_irqoff(&vector_lock, state);
}

static uint32_t class_limit = IRQ_CLASS_SIZE; /* vectors of a class that may be taken */

void irq_vectors_limit(uint32_t count)
{
    uint64_t state = irq_vectors_lock();

    class_limit = count;
    irq_vectors_unlock(state);
}

static uint64_t refused; /* (vector lock) */

uint64_t irq_vectors_refused(void)
{
    return refused;
}

void irq_vectors_count_refusal(void)
{
    refused += class_limit < IRQ_CLASS_SIZE;
}

static bool vector_is_free(const struct pcr *pcr, uint32_t vector)
{
    return pcr->vector_line[vector] == &irq_stray_line && vector % IRQ_CLASS_SIZE < class_limit;
}

uint32_t irq_vectors_free(uint32_t cpu, irql_t irql)
{
    const struct pcr *pcr = hal_pcr(cpu);
    uint32_t count = 0;

    for (uint32_t i = 0; i < IRQ_CLASS_SIZE; i++)
        count += vector_is_free(pcr, irql * IRQ_CLASS_SIZE + i);
    return count;
}

/* A placeholder between taking and binding, so that a vector cannot be taken twice. */
static struct irq_line taken_line;

static bool vectors_are_free(const struct pcr *pcr, uint32_t first, uint32_t count)
{
    uint32_t n = 0;

    while (n < count && vector_is_free(pcr, first + n))
        n++;
    return n == count;
}

static void vectors_mark(struct pcr *pcr, uint32_t first, uint32_t count)
{
    for (uint32_t n = 0; n < count; n++)
        pcr->vector_line[first + n] = &taken_line;
}

bool irq_vectors_take(uint32_t cpu, irql_t irql, uint32_t count, vector_t *first)
{
    struct pcr *pcr = hal_pcr(cpu);

    ASSERT(count && !(count & (count - 1)) && count <= IRQ_CLASS_SIZE);
    for (uint32_t base = 0; base < IRQ_CLASS_SIZE; base += count) {
        uint32_t vector = irql * IRQ_CLASS_SIZE + base;
        if (!vectors_are_free(pcr, vector, count))
            continue;
        vectors_mark(pcr, vector, count);
        *first = (vector_t){(uint8_t)vector};
        return true;
    }
    return false;
}

bool irq_vectors_take_move(uint32_t from, uint32_t to, vector_t old, uint32_t count, bool both,
                           vector_t *first)
{
    uint32_t class_base = vector_irql(old) * IRQ_CLASS_SIZE;

    if (vectors_are_free(hal_pcr(to), old.value, count)) {
        vectors_mark(hal_pcr(to), old.value, count);
        *first = old;
        return true;
    }
    for (uint32_t base = 0; base < IRQ_CLASS_SIZE; base += count) {
        uint32_t vector = class_base + base;
        if (!vectors_are_free(hal_pcr(to), vector, count) ||
            (both && !vectors_are_free(hal_pcr(from), vector, count)))
            continue;
        vectors_mark(hal_pcr(to), vector, count);
        if (both)
            vectors_mark(hal_pcr(from), vector, count);
        *first = (vector_t){(uint8_t)vector};
        return true;
    }
    return false;
}

void irq_vector_bind(uint32_t cpu, vector_t vector, struct irq_line *line)
{
    struct pcr *pcr = hal_pcr(cpu);

    pcr->vector_count[vector.value] = 0;
    __atomic_store_n(&pcr->vector_line[vector.value], line, __ATOMIC_RELEASE);
}

void irq_vector_free(uint32_t cpu, vector_t vector)
{
    __atomic_store_n(&hal_pcr(cpu)->vector_line[vector.value], &irq_stray_line, __ATOMIC_RELEASE);
}

void irq_cpu_init(struct pcr *pcr)
{
    for (uint32_t v = 0; v < VECTOR_COUNT; v++)
        pcr->vector_line[v] = &irq_stray_line;
}
