/*
 * irq/vector.h - which vectors of which CPU are taken. For kernel/irq only.
 *
 * A CPU's map is pcr->vector_line: it names the line of every vector, and the stray line where
 * there is none, so that dispatch never tests for NULL. Writers hold irq_vector_lock.
 */
#pragma once

#include "irq/line.h"

enum { IRQ_CLASS_LOWEST = 3, IRQ_CLASS_HIGHEST = 11, IRQ_CLASS_SIZE = 16 };

extern struct irq_line irq_stray_line;

/* All with irq_vector_lock held (irq_vectors_lock/unlock). */
uint64_t irq_vectors_lock(void);
void irq_vectors_unlock(uint64_t state);

/*
 * From now on only the first `count` vectors of each class are given out; IRQ_CLASS_SIZE: all. The
 * lock is not held.
 */
void irq_vectors_limit(uint32_t count);
/* Lines that were denied a vector while that was less than all. */
uint64_t irq_vectors_refused(void);
/* It happened; with the lock held. */
void irq_vectors_count_refusal(void);

/* Free vectors of one class on one CPU. */
uint32_t irq_vectors_free(uint32_t cpu, irql_t irql);
/* Take `count` vectors of the class, contiguous and aligned to count (a power of two). */
bool irq_vectors_take(uint32_t cpu, irql_t irql, uint32_t count, vector_t *first);
/*
 * The same on two CPUs at once, for a move: best the vectors at `old`, if they are free on `to`
 * (they are those of the line on `from`, which keeps them); else any that are free on `to` and,
 * with `both`, on `from` too.
 */
bool irq_vectors_take_move(uint32_t from, uint32_t to, vector_t old, uint32_t count, bool both,
                           vector_t *first);
void irq_vector_bind(uint32_t cpu, vector_t vector, struct irq_line *line);
void irq_vector_free(uint32_t cpu, vector_t vector);

/*
 * The allowed CPU with the most free vectors of the class, at least `count`; with policy->spread,
 * one of those with the lowest used[cpu]. (line.c)
 */
bool irq_cpu_choose(const struct irq_policy *policy, irql_t irql, uint32_t count,
                    const uint16_t *used, uint32_t *cpu_out);
bool irq_cpu_allowed(const struct irq_policy *policy, uint32_t cpu);
