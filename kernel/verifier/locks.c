/*
 * verifier/locks.c - spin locks that verified drivers hold, by CPU.
 *
 * Acquiring what the CPU holds already would hang it; releasing what it does not hold lets two
 * owners in; a routine that returns with more than it came with leaves a hang to others (SpinLock,
 * SpinlockRelease and SpinLockDpc of DV-19, DV-20). Queued locks are known by their handle.
 *
 * A list is its CPU's own, and is touched with interrupts off: service routines take locks too. The
 * cancel spin lock is left out: a cancel routine releases what the I/O manager acquired.
 */
#include "verifier/internal.h"

#include <nt/bugcodes.h>

#include "mm/pool.h"

#define LOCKS_TAG MM_TAG("VeLo")

enum {
    HELD_MAX = 16, /* more are not followed */
    RULE_SPIN_LOCK = 0x40009,
    RULE_SPIN_LOCK_RELEASE = 0x4000A,
    RULE_QUEUED_LOCK = 0x40006,
    RULE_QUEUED_LOCK_RELEASE = 0x40007,
};

struct held_lock {
    const void *lock;
    uint64_t caller;
    uint64_t since;
};

struct cpu_locks {
    uint32_t count;
    uint32_t lost; /* acquired when the list was full */
    struct held_lock held[HELD_MAX];
};

static struct cpu_locks *locks; /* by CPU */

void verifier_locks_init(void)
{
    locks = mm_pool_alloc(hal_cpu_count() * sizeof *locks, LOCKS_TAG);
}

/* ---- the list ------------------------------------------------------------------------------- */

static struct held_lock *find(struct cpu_locks *own, const void *lock)
{
    for (uint32_t i = own->count; i-- > 0;)
        if (own->held[i].lock == lock)
            return &own->held[i];
    return NULL;
}

static void push(const void *lock, const void *caller)
{
    uint64_t flags;
    struct cpu_locks *own;

    if (!locks)
        return;
    flags = hal_interrupts_disable();
    own = &locks[cpu_current()];
    if (own->count == HELD_MAX)
        own->lost++;
    else
        own->held[own->count++] = (struct held_lock){lock, (uint64_t)caller, hal_tsc_read()};
    hal_interrupts_restore(flags);
}

/* False: this CPU does not hold it. */
static bool pop(const void *lock)
{
    struct held_lock *found, copy = {0};
    struct cpu_locks *own;
    uint64_t flags;
    bool held;

    if (!locks)
        return true;
    flags = hal_interrupts_disable();
    own = &locks[cpu_current()];
    found = find(own, lock);
    held = found != NULL || own->lost;
    if (found) {
        copy = *found;
        for (; found + 1 < own->held + own->count; found++)
            *found = found[1];
        own->count--;
    } else if (own->lost) {
        own->lost--;
    }
    hal_interrupts_restore(flags);
    if (copy.lock)
        verifier_time_add(VERIFIER_LOCK, copy.caller, copy.since);
    return held;
}

static bool holds(const void *lock)
{
    uint64_t flags;
    bool held;

    if (!locks || hal_irql_read() < DISPATCH_LEVEL)
        return false;
    flags = hal_interrupts_disable();
    held = find(&locks[cpu_current()], lock) != NULL;
    hal_interrupts_restore(flags);
    return held;
}

uint32_t verifier_locks_held(void)
{
    return locks ? locks[cpu_current()].count + locks[cpu_current()].lost : 0;
}

void verifier_locks_compare(uint32_t before, uint64_t routine, const char *kind)
{
    uint32_t after = verifier_locks_held();
    struct verifier_finding finding = {.rule = "SpinLock"};

    if (after <= before)
        return;
    finding.parameters[0] = RULE_SPIN_LOCK;
    finding.parameters[1] = (uint64_t) "a routine must release the spin locks it acquires";
    finding.parameters[2] = (uint64_t)locks[cpu_current()].held[before].lock;
    verifier_stop(&finding, routine, "(a %s) returns with a spin lock held, %p", kind,
                  locks[cpu_current()].held[before].lock);
}

/* ---- findings ------------------------------------------------------------------------------- */

static void refuse_again(const void *lock, const void *caller, uint32_t code)
{
    struct verifier_finding finding = {.rule = "SpinLock"};

    if (!holds(lock))
        return;
    finding.parameters[0] = code;
    finding.parameters[1] = (uint64_t) "a spin lock must not be acquired again before its release";
    finding.parameters[2] = (uint64_t)lock;
    verifier_stop(&finding, (uint64_t)caller, "acquires the spin lock %p, which it holds", lock);
}

static void release(const void *lock, const void *caller, uint32_t code)
{
    struct verifier_finding finding = {.rule = "SpinlockRelease"};

    if (pop(lock))
        return;
    finding.parameters[0] = code;
    finding.parameters[1] = (uint64_t) "a spin lock must be acquired before it is released";
    finding.parameters[2] = (uint64_t)lock;
    verifier_stop(&finding, (uint64_t)caller, "releases the spin lock %p, which it does not hold",
                  lock);
}

/* ---- in place of the exports ---------------------------------------------------------------- */

#define CALLER __builtin_return_address(0)

static KIRQL NTAPI acquire_raise(PKSPIN_LOCK SpinLock)
{
    KIRQL old;

    refuse_again(SpinLock, CALLER, RULE_SPIN_LOCK);
    old = KeAcquireSpinLockRaiseToDpc(SpinLock);
    push(SpinLock, CALLER);
    return old;
}

static KIRQL NTAPI acquire_synch(PKSPIN_LOCK SpinLock)
{
    KIRQL old;

    refuse_again(SpinLock, CALLER, RULE_SPIN_LOCK);
    old = KeAcquireSpinLockRaiseToSynch(SpinLock);
    push(SpinLock, CALLER);
    return old;
}

static VOID NTAPI acquire(PKSPIN_LOCK SpinLock)
{
    refuse_again(SpinLock, CALLER, RULE_SPIN_LOCK);
    KeAcquireSpinLockAtDpcLevel(SpinLock);
    push(SpinLock, CALLER);
}

static BOOLEAN NTAPI try_acquire(PKSPIN_LOCK SpinLock)
{
    BOOLEAN acquired = KeTryToAcquireSpinLockAtDpcLevel(SpinLock);

    if (acquired)
        push(SpinLock, CALLER);
    return acquired;
}

static KIRQL NTAPI acquire_for_dpc(PKSPIN_LOCK SpinLock)
{
    KIRQL old;

    refuse_again(SpinLock, CALLER, RULE_SPIN_LOCK);
    old = KeAcquireSpinLockForDpc(SpinLock);
    push(SpinLock, CALLER);
    return old;
}

static VOID NTAPI release_lower(PKSPIN_LOCK SpinLock, KIRQL NewIrql)
{
    release(SpinLock, CALLER, RULE_SPIN_LOCK_RELEASE);
    KeReleaseSpinLock(SpinLock, NewIrql);
}

static VOID NTAPI release_for_dpc(PKSPIN_LOCK SpinLock, KIRQL OldIrql)
{
    release(SpinLock, CALLER, RULE_SPIN_LOCK_RELEASE);
    KeReleaseSpinLockForDpc(SpinLock, OldIrql);
}

static VOID NTAPI release_stay(PKSPIN_LOCK SpinLock)
{
    release(SpinLock, CALLER, RULE_SPIN_LOCK_RELEASE);
    KeReleaseSpinLockFromDpcLevel(SpinLock);
}

static VOID NTAPI acquire_queued(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle)
{
    refuse_again(LockHandle, CALLER, RULE_QUEUED_LOCK);
    KeAcquireInStackQueuedSpinLock(SpinLock, LockHandle);
    push(LockHandle, CALLER);
}

static VOID NTAPI acquire_queued_synch(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle)
{
    refuse_again(LockHandle, CALLER, RULE_QUEUED_LOCK);
    KeAcquireInStackQueuedSpinLockRaiseToSynch(SpinLock, LockHandle);
    push(LockHandle, CALLER);
}

static VOID NTAPI acquire_queued_stay(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle)
{
    refuse_again(LockHandle, CALLER, RULE_QUEUED_LOCK);
    KeAcquireInStackQueuedSpinLockAtDpcLevel(SpinLock, LockHandle);
    push(LockHandle, CALLER);
}

static VOID NTAPI release_queued(PKLOCK_QUEUE_HANDLE LockHandle)
{
    release(LockHandle, CALLER, RULE_QUEUED_LOCK_RELEASE);
    KeReleaseInStackQueuedSpinLock(LockHandle);
}

static VOID NTAPI release_queued_stay(PKLOCK_QUEUE_HANDLE LockHandle)
{
    release(LockHandle, CALLER, RULE_QUEUED_LOCK_RELEASE);
    KeReleaseInStackQueuedSpinLockFromDpcLevel(LockHandle);
}

/* The forms of a DPC's queued lock that are not here stay untracked on both sides. */
const struct verifier_special verifier_lock_specials[] = {
    {"KeAcquireSpinLockRaiseToDpc", NULL, acquire_raise},
    {"KeAcquireSpinLockRaiseToSynch", NULL, acquire_synch},
    {"KeAcquireSpinLockAtDpcLevel", NULL, acquire},
    {"KeTryToAcquireSpinLockAtDpcLevel", NULL, try_acquire},
    {"KeAcquireSpinLockForDpc", NULL, acquire_for_dpc},
    {"KeReleaseSpinLock", NULL, release_lower},
    {"KeReleaseSpinLockForDpc", NULL, release_for_dpc},
    {"KeReleaseSpinLockFromDpcLevel", NULL, release_stay},
    {"KeAcquireInStackQueuedSpinLock", NULL, acquire_queued},
    {"KeAcquireInStackQueuedSpinLockRaiseToSynch", NULL, acquire_queued_synch},
    {"KeAcquireInStackQueuedSpinLockAtDpcLevel", NULL, acquire_queued_stay},
    {"KeReleaseInStackQueuedSpinLock", NULL, release_queued},
    {"KeReleaseInStackQueuedSpinLockFromDpcLevel", NULL, release_queued_stay},
    {0},
};
