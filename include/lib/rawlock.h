/*
 * Raw spin lock: interrupts off, nothing else.
 *
 * For the few places below the IRQL machinery: the log, page frames, page tables, pool. It may be
 * taken at any IRQL and before the per-CPU block exists. Rules for the holder: a short, bounded
 * section; no fault, no wait, no second CPU asked for anything (a TLB shootdown under a raw lock
 * would wait for a CPU that spins here with interrupts off). Everybody else uses KSPIN_LOCK.
 *
 * Hosted builds (unit tests) are single-threaded: the lock is only counted.
 */
#ifndef LIB_RAWLOCK_H
#define LIB_RAWLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct raw_lock {
    volatile uint32_t held;
};

typedef uint64_t raw_lock_state_t;

static inline raw_lock_state_t raw_interrupts_save(void)
{
    raw_lock_state_t state = 0;

#if !__STDC_HOSTED__
    __asm__ volatile("pushfq\n\tpopq %0\n\tcli" : "=r"(state) : : "memory");
#endif
    return state;
}

static inline void raw_interrupts_restore(raw_lock_state_t state)
{
#if !__STDC_HOSTED__
    enum { RFLAGS_IF = 1 << 9 }; /* SDM 1 "EFLAGS Register" 3.4.3 */

    if (state & RFLAGS_IF) {
        __asm__ volatile("sti" : : : "memory");
    }
#else
    (void)state;
#endif
}

static inline bool raw_lock_try(struct raw_lock *lock)
{
    return __atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE) == 0;
}

static inline raw_lock_state_t raw_lock_acquire(struct raw_lock *lock)
{
    raw_lock_state_t state = raw_interrupts_save();

    while (!raw_lock_try(lock)) {
        while (lock->held != 0) {
            __builtin_ia32_pause();
        }
    }
    return state;
}

static inline void raw_lock_release(struct raw_lock *lock, raw_lock_state_t state)
{
    __atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
    raw_interrupts_restore(state);
}

#endif
