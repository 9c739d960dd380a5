/*
 * verifier/held.c - spin locks that verified drivers hold, by CPU.
 *
 * Acquiring what the CPU holds already would hang it; releasing what it does not hold lets two
 * owners in; a routine that returns with more than it came with leaves a hang to others (SpinLock,
 * SpinlockRelease and SpinLockDpc of DV-19, DV-20).
 *
 * A list is its CPU's own, and is touched with interrupts off: service routines take locks too.
 */
#include "verifier/internal.h"

#include <nt/bugcodes.h>

#include "mm/pool.h"

#define LOCKS_TAG MM_TAG("VeLo")

/* Parameter 1 of bug check 0xC4 (DV-19, BC-C4-1). */
enum {
    RULE_QUEUED_LOCK = 0x40006,
    RULE_QUEUED_LOCK_RELEASE = 0x40007,
    RULE_SPIN_LOCK = 0x40009,
    RULE_SPIN_LOCK_RELEASE = 0x4000A,
    SELF_DEADLOCK = 0x1000,
    NOT_INITIALIZED = 0x1002,
    ACQUIRED_AS_OTHER_KIND = 0x1008,
    RELEASED_AS_OTHER_KIND = 0x1009,
};

#define HANDLES_FROM 0xFFFF800000000000ull /* the kernel's half of all addresses */

enum { HELD_MAX = 16 }; /* more are not followed */

struct cpu_locks {
    uint32_t count;
    uint32_t lost; /* acquired when the list was full */
    struct verifier_lock held[HELD_MAX];
};

static struct cpu_locks *locks; /* by CPU */

static const struct {
    enum verifier_lock_kind
        family; /* the first kind of those that take the same word in the same way */
    uint32_t again, release;
    const char *name;
} kinds[] = {
    [LOCK_PLAIN] = {LOCK_PLAIN, RULE_SPIN_LOCK, RULE_SPIN_LOCK_RELEASE, "SpinLock"},
    [LOCK_QUEUED] = {LOCK_QUEUED, RULE_QUEUED_LOCK, RULE_QUEUED_LOCK_RELEASE, "QueuedSpinLock"},
    [LOCK_INTERRUPT] = {LOCK_PLAIN, RULE_SPIN_LOCK, RULE_SPIN_LOCK_RELEASE, "SpinLock"},
    [LOCK_CANCEL] = {LOCK_CANCEL, RULE_SPIN_LOCK, RULE_SPIN_LOCK_RELEASE, "CancelSpinLock"},
    [LOCK_SHARED] = {LOCK_SHARED, RULE_SPIN_LOCK, RULE_SPIN_LOCK_RELEASE, "SpinLock"},
    [LOCK_EXCLUSIVE] = {LOCK_SHARED, RULE_SPIN_LOCK, RULE_SPIN_LOCK_RELEASE, "SpinLock"},
};

void verifier_held_init(void)
{
    locks = mm_pool_alloc(hal_cpu_count() * sizeof *locks, LOCKS_TAG);
}

static struct verifier_order order_of(const struct verifier_lock *lock)
{
    return (struct verifier_order){lock->lock, lock->kind == LOCK_CANCEL, lock->irql, lock->caller};
}

/* ---- the list: interrupts off --------------------------------------------------------------- */

static struct verifier_lock *find(struct cpu_locks *own, const void *handle)
{
    for (uint32_t i = own->count; i-- > 0;)
        if (own->held[i].handle == handle)
            return &own->held[i];
    return NULL;
}

static const struct verifier_lock *find_lock(const struct cpu_locks *own, const void *lock)
{
    for (uint32_t i = own->count; i-- > 0;)
        if (own->held[i].lock == lock)
            return &own->held[i];
    return NULL;
}

/* False: this CPU does not hold it, and would be known to. */
static bool take_off(const void *handle, struct verifier_lock *copy)
{
    uint64_t flags = hal_interrupts_disable();
    struct cpu_locks *own = &locks[cpu_current()];
    struct verifier_lock *found = find(own, handle);
    bool held = found != NULL || own->lost;

    if (found) {
        *copy = *found;
        for (; found + 1 < own->held + own->count; found++)
            *found = found[1];
        own->count--;
    } else if (own->lost) {
        own->lost--;
    }
    hal_interrupts_restore(flags);
    return held;
}

/* ---- findings ------------------------------------------------------------------------------- */

_Noreturn static void stop_again(const struct verifier_lock *lock, enum verifier_lock_kind held)
{
    bool upgrade = held == LOCK_SHARED && lock->kind == LOCK_EXCLUSIVE;
    struct verifier_finding finding = {.rule = upgrade ? "lock order" : kinds[lock->kind].name};

    finding.parameters[0] = upgrade ? SELF_DEADLOCK : kinds[lock->kind].again;
    finding.parameters[1] = (uint64_t)lock->lock;
    if (upgrade)
        verifier_stop(&finding, lock->caller,
                      "acquires the lock %p exclusive, which it holds shared", lock->lock);
    finding.parameters[1] = (uint64_t) "a spin lock must not be acquired again before its release";
    finding.parameters[2] = (uint64_t)lock->handle;
    verifier_stop(&finding, lock->caller, "acquires the spin lock %p, which it holds", lock->lock);
}

/*
 * What the word says: 0, 1 for a plain lock that is held, the address of a handle for a queued one.
 */
static void look_at_word(const struct verifier_lock *lock)
{
    struct verifier_finding finding = {.parameters = {0, (uint64_t)lock->lock},
                                       .rule = "lock order"};
    bool queued = kinds[lock->kind].family == LOCK_QUEUED;
    KSPIN_LOCK word;

    if (kinds[lock->kind].family != LOCK_PLAIN && !queued)
        return;
    word = __atomic_load_n((const KSPIN_LOCK *)lock->lock, __ATOMIC_RELAXED);
    if (word == 0 || (queued ? word >= HANDLES_FROM && word % sizeof(void *) == 0 : word == 1))
        return;
    if (word == 1 || (!queued && word >= HANDLES_FROM && word % sizeof(void *) == 0)) {
        finding.parameters[0] = ACQUIRED_AS_OTHER_KIND;
        verifier_stop(&finding, lock->caller,
                      "acquires the lock %p, which is held by a routine for another kind",
                      lock->lock);
    }
    finding.parameters[0] = NOT_INITIALIZED;
    verifier_stop(&finding, lock->caller, "acquires the lock %p, which is not initialized",
                  lock->lock);
}

_Noreturn static void stop_release(const void *handle, enum verifier_lock_kind kind,
                                   uint64_t caller)
{
    struct verifier_finding finding = {.rule = kind == LOCK_CANCEL ? "CancelSpinLock"
                                                                   : "SpinlockRelease"};

    finding.parameters[0] = kinds[kind].release;
    finding.parameters[1] = (uint64_t) "a spin lock must be acquired before it is released";
    finding.parameters[2] = (uint64_t)handle;
    verifier_stop(&finding, caller, "releases the spin lock %p, which it does not hold", handle);
}

/* ---- internal.h ----------------------------------------------------------------------------- */

uint32_t verifier_locks_held(void)
{
    return locks ? locks[cpu_current()].count + locks[cpu_current()].lost : 0;
}

void verifier_locks_compare(uint32_t before, uint64_t routine, const char *kind)
{
    uint32_t after = verifier_locks_held();
    const struct verifier_lock *kept;
    struct verifier_finding finding = {0};

    if (after <= before || before >= locks[cpu_current()].count)
        return;
    kept = &locks[cpu_current()].held[before];
    finding.rule = kinds[kept->kind].name;
    finding.parameters[0] = RULE_SPIN_LOCK;
    finding.parameters[1] = (uint64_t) "a routine must release the spin locks it acquires";
    finding.parameters[2] = (uint64_t)kept->lock;
    verifier_stop(&finding, routine, "(a %s) returns with a spin lock held, %p", kind, kept->lock);
}

bool verifier_lock_is_held(const void *lock, enum verifier_lock_kind *kind)
{
    const struct verifier_lock *found;
    uint64_t flags;

    if (!locks || hal_irql_read() < DISPATCH_LEVEL)
        return false;
    flags = hal_interrupts_disable();
    found = find_lock(&locks[cpu_current()], lock);
    if (found)
        *kind = found->kind;
    hal_interrupts_restore(flags);
    return found != NULL;
}

const struct verifier_lock *verifier_lock_held_in(uint64_t base, uint64_t size)
{
    const struct cpu_locks *own;

    if (!locks || hal_irql_read() < DISPATCH_LEVEL)
        return NULL;
    own = &locks[cpu_current()];
    for (uint32_t i = 0; i < own->count; i++)
        if ((uint64_t)own->held[i].lock - base < size)
            return &own->held[i];
    return NULL;
}

void verifier_lock_wait(const struct verifier_lock *lock)
{
    struct verifier_order wanted = order_of(lock), held[HELD_MAX];
    enum verifier_lock_kind kind;
    uint32_t count = 0;
    uint64_t flags;

    if (!locks)
        return;
    if (verifier_lock_is_held(lock->lock, &kind))
        stop_again(lock, kind);
    look_at_word(lock);
    if (hal_irql_read() >= DISPATCH_LEVEL) {
        flags = hal_interrupts_disable();
        for (; count < locks[cpu_current()].count; count++)
            held[count] = order_of(&locks[cpu_current()].held[count]);
        hal_interrupts_restore(flags);
    }
    verifier_order_wait(&wanted, held, count);
}

void verifier_lock_note(const struct verifier_lock *lock)
{
    struct verifier_order taken = order_of(lock);

    verifier_order_note(&taken);
}

void verifier_lock_push(const struct verifier_lock *lock)
{
    struct cpu_locks *own;
    uint64_t flags;

    if (!locks)
        return;
    flags = hal_interrupts_disable();
    own = &locks[cpu_current()];
    if (own->count == HELD_MAX)
        own->lost++;
    else
        own->held[own->count++] = *lock;
    hal_interrupts_restore(flags);
}

void verifier_lock_acquired(struct verifier_lock *lock)
{
    lock->since = hal_tsc_read();
    verifier_lock_push(lock);
}

void verifier_lock_release(const void *handle, enum verifier_lock_kind kind, uint64_t caller)
{
    struct verifier_lock copy = {0};
    struct verifier_finding finding = {.parameters = {RELEASED_AS_OTHER_KIND, (uint64_t)handle},
                                       .rule = "lock order"};
    enum verifier_lock_kind held;

    if (!locks)
        return;
    if (verifier_lock_is_held(handle, &held) && held != kind &&
        (kinds[held].family != kinds[kind].family || kinds[kind].family == LOCK_SHARED))
        verifier_stop(&finding, caller, "releases the lock %p by a routine for another kind",
                      handle);
    if (!take_off(handle, &copy))
        stop_release(handle, kind, caller);
    if (copy.since)
        verifier_time_add(VERIFIER_LOCK, copy.caller, copy.since);
}

struct verifier_lock verifier_cancel_lock(uint64_t caller)
{
    static const char cancel_lock; /* the lock itself is the I/O manager's: this stands for it */

    return (struct verifier_lock){&cancel_lock,   &cancel_lock, LOCK_CANCEL,
                                  DISPATCH_LEVEL, caller,       hal_tsc_read()};
}
