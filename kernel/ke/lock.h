/*
 * ke/lock.h - KSPIN_LOCK as the kernel itself takes it: a word, 0 when free.
 *
 * A KSPIN_LOCK may live in driver memory and be taken by inlined driver code too, so its form is
 * fixed (LOCK-1, CIE-SYNC-20). These are the bare operations; IRQL is the caller's business. The
 * exported routines, which raise IRQL first, are in ke/spinlock.c.
 */
#pragma once

#include <hal/hal.h>

typedef uintptr_t ke_lock_t; /* = KSPIN_LOCK */

static inline bool ke_lock_try(volatile ke_lock_t *lock)
{
    bool was_held;

    __asm__ volatile("lock btsq $0, %1" : "=@ccc"(was_held), "+m"(*lock) : : "memory");
    return !was_held;
}

/* The wait is out of line but not a call, so that the fast path need not save registers for it. */
static inline void ke_lock_acquire(volatile ke_lock_t *lock)
{
    __asm__ volatile("1: lock btsq $0, %0\n"
                     "   jc 2f\n"
                     "   .subsection 1\n"
                     "2: pause\n"
                     "   testb $1, %0\n"
                     "   jnz 2b\n"
                     "   jmp 1b\n"
                     "   .previous\n"
                     : "+m"(*lock)
                     :
                     : "memory", "cc");
}

static inline void ke_lock_release(volatile ke_lock_t *lock)
{
    __atomic_store_n(lock, 0, __ATOMIC_RELEASE);
}

/* With interrupts off as well: for state that ISRs share. Returns what release needs. */
static inline uint64_t ke_lock_acquire_irqoff(volatile ke_lock_t *lock)
{
    uint64_t flags = hal_interrupts_disable();
    ke_lock_acquire(lock);
    return flags;
}

static inline void ke_lock_release_irqoff(volatile ke_lock_t *lock, uint64_t flags)
{
    ke_lock_release(lock);
    hal_interrupts_restore(flags);
}
