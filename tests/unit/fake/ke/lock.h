/*
 * Stands in for kernel/ke/lock.h in host tests: one thread, no interrupts to turn off. Taking a
 * lock twice, or letting go of a free one, ends the test.
 */
#pragma once

#include <stdint.h>
#include <stdlib.h>

#include <hal/hal.h>

typedef uintptr_t ke_lock_t;

static inline uint64_t ke_lock_acquire_irqoff(volatile ke_lock_t *lock)
{
    if ((*lock)++)
        abort();
    return 0;
}

static inline void ke_lock_release_irqoff(volatile ke_lock_t *lock, uint64_t flags)
{
    (void)flags;
    if (--*lock)
        abort();
}
