/*
 * verifier/mutexes.c - fast, guarded and kernel mutexes that threads hold by verified drivers'
 * calls (deadlock detection, DV-11, BC-C4-1). Executive resources are left out, as they are there.
 *
 * One table for all threads: mutexes are few, and held by few. Recursive acquires of a kernel mutex
 * count; the other kinds wait for themselves. Out of order releases are no finding: hand over hand
 * is a way to go through a list.
 */
#include "verifier/internal.h"

#include "ke/lock.h"
#include "ke/object.h"
#include "ke/thread.h"

/* Parameter 1 of bug check 0xC4. */
enum {
    SELF_DEADLOCK = 0x1000,
    RELEASED_BY_OTHER = 0x1004,
    INITIALIZED_AGAIN = 0x1005,
    RELEASED_UNOWNED = 0x1007,
    THREAD_ENDED = 0x100A,
};

enum { HELD_MAX = 256, HELD_BY_ONE_MAX = 16 };

enum mutex_kind { MUTEX_FAST /* or guarded */, MUTEX_KERNEL };

struct held_mutex {
    const void *mutex; /* NULL: a free row */
    enum mutex_kind kind;
    PKTHREAD owner;
    uint32_t depth;
    uint64_t caller;
};

static struct held_mutex held[HELD_MAX];
static uint32_t held_end; /* rows in use lie before it */
static uint32_t lost;     /* acquired when the table was full */
static ke_lock_t held_lock;

/* ---- the table: its lock held ---------------------------------------------------------------- */

static struct held_mutex *row_of(const void *mutex)
{
    for (uint32_t i = 0; i < held_end; i++)
        if (held[i].mutex == mutex)
            return &held[i];
    return NULL;
}

/* ---- before and after ------------------------------------------------------------------------ */

static void refuse(uint32_t code, const void *mutex, PKTHREAD owner, uint64_t caller,
                   const char *what)
{
    const struct verifier_finding finding = {
        .parameters = {code, (uint64_t)mutex, (uint64_t)owner,
                       owner ? (uint64_t)ke_thread_current() : 0},
        .rule = "mutexes"};

    verifier_stop(&finding, caller, "%s the mutex %p", what, mutex);
}

static void will_wait(const void *mutex, enum mutex_kind kind, uint64_t caller)
{
    const struct verifier_order wanted = {mutex, false, PASSIVE_LEVEL, caller};
    struct verifier_order others[HELD_BY_ONE_MAX];
    PKTHREAD self = ke_thread_current();
    bool recursive = false;
    uint32_t count = 0;
    uint64_t flags = ke_lock_acquire_irqoff(&held_lock);

    for (uint32_t i = 0; i < held_end && count < HELD_BY_ONE_MAX; i++) {
        if (!held[i].mutex || held[i].owner != self)
            continue;
        recursive |= held[i].mutex == mutex;
        others[count++] =
            (struct verifier_order){held[i].mutex, false, PASSIVE_LEVEL, held[i].caller};
    }
    ke_lock_release_irqoff(&held_lock, flags);
    if (recursive && kind != MUTEX_KERNEL)
        refuse(SELF_DEADLOCK, mutex, NULL, caller, "holds already, and acquires again,");
    if (!recursive)
        verifier_order_wait(&wanted, others, count);
}

static void has_acquired(const void *mutex, enum mutex_kind kind, uint64_t caller)
{
    uint64_t flags = ke_lock_acquire_irqoff(&held_lock);
    struct held_mutex *row = row_of(mutex);

    if (row && row->owner == ke_thread_current()) {
        row->depth++;
    } else {
        row = row_of(NULL);
        if (!row && held_end < HELD_MAX)
            row = &held[held_end++];
        if (row)
            *row = (struct held_mutex){mutex, kind, ke_thread_current(), 1, caller};
        else
            lost++;
    }
    ke_lock_release_irqoff(&held_lock, flags);
}

/* A kernel mutex that is not owned is refused by its routine, which raises a status. */
static void will_release(const void *mutex, enum mutex_kind kind, bool at_all_levels,
                         uint64_t caller)
{
    PKTHREAD owner = NULL;
    bool unknown = false;
    uint64_t flags = ke_lock_acquire_irqoff(&held_lock);
    struct held_mutex *row = row_of(mutex);

    if (!row) {
        unknown = !lost;
        lost -= lost != 0;
    } else if (row->owner != ke_thread_current()) {
        owner = row->owner;
    } else if (--row->depth == 0 || at_all_levels) {
        row->mutex = NULL;
    }
    ke_lock_release_irqoff(&held_lock, flags);
    if (kind == MUTEX_KERNEL)
        return;
    if (owner)
        refuse(RELEASED_BY_OTHER, mutex, owner, caller,
               "is not the thread that acquired, releases");
    if (unknown)
        refuse(RELEASED_UNOWNED, mutex, NULL, caller, "has not acquired, and releases,");
}

static void will_initialize(const char *routine, const uint64_t *frame)
{
    const void *mutex = (const void *)frame[1];
    uint64_t flags = ke_lock_acquire_irqoff(&held_lock);
    bool is_held = row_of(mutex) != NULL;

    (void)routine;
    ke_lock_release_irqoff(&held_lock, flags);
    if (is_held)
        refuse(INITIALIZED_AGAIN, mutex, NULL, frame[CALL_RETURN],
               "initializes, while it is held,");
    verifier_order_forget(mutex, 1);
}

/* ---- fast and guarded mutexes ---------------------------------------------------------------- */

#define CALLER ((uint64_t)__builtin_return_address(0))

#define MUTEX_ACQUIRE(name, type, routine)                                                         \
    static VOID NTAPI name(type Mutex)                                                             \
    {                                                                                              \
        will_wait(Mutex, MUTEX_FAST, CALLER);                                                      \
        routine(Mutex);                                                                            \
        has_acquired(Mutex, MUTEX_FAST, CALLER);                                                   \
    }

#define MUTEX_TRY(name, type, routine)                                                             \
    static BOOLEAN NTAPI name(type Mutex)                                                          \
    {                                                                                              \
        BOOLEAN acquired = routine(Mutex);                                                         \
                                                                                                   \
        if (acquired)                                                                              \
            has_acquired(Mutex, MUTEX_FAST, CALLER);                                               \
        return acquired;                                                                           \
    }

#define MUTEX_RELEASE(name, type, routine)                                                         \
    static VOID NTAPI name(type Mutex)                                                             \
    {                                                                                              \
        will_release(Mutex, MUTEX_FAST, false, CALLER);                                            \
        routine(Mutex);                                                                            \
    }

MUTEX_ACQUIRE(acquire_fast, PFAST_MUTEX, ExAcquireFastMutex)
MUTEX_ACQUIRE(acquire_fast_unsafe, PFAST_MUTEX, ExAcquireFastMutexUnsafe)
MUTEX_TRY(try_fast, PFAST_MUTEX, ExTryToAcquireFastMutex)
MUTEX_RELEASE(release_fast, PFAST_MUTEX, ExReleaseFastMutex)
MUTEX_RELEASE(release_fast_unsafe, PFAST_MUTEX, ExReleaseFastMutexUnsafe)
MUTEX_ACQUIRE(acquire_guarded, PKGUARDED_MUTEX, KeAcquireGuardedMutex)
MUTEX_ACQUIRE(acquire_guarded_unsafe, PKGUARDED_MUTEX, KeAcquireGuardedMutexUnsafe)
MUTEX_TRY(try_guarded, PKGUARDED_MUTEX, KeTryToAcquireGuardedMutex)
MUTEX_RELEASE(release_guarded, PKGUARDED_MUTEX, KeReleaseGuardedMutex)
MUTEX_RELEASE(release_guarded_unsafe, PKGUARDED_MUTEX, KeReleaseGuardedMutexUnsafe)

/* ---- kernel mutexes: by the waits ------------------------------------------------------------ */

static bool is_mutex(const void *object)
{
    return ((const DISPATCHER_HEADER *)object)->Type == KE_OBJECT_MUTANT;
}

static bool may_wait(const LARGE_INTEGER *timeout)
{
    return !timeout || timeout->QuadPart != 0;
}

static NTSTATUS NTAPI wait_single(PVOID Object, KWAIT_REASON WaitReason, KPROCESSOR_MODE WaitMode,
                                  BOOLEAN Alertable, PLARGE_INTEGER Timeout)
{
    bool mutex = is_mutex(Object);
    NTSTATUS status;

    if (mutex && may_wait(Timeout))
        will_wait(Object, MUTEX_KERNEL, CALLER);
    status = KeWaitForSingleObject(Object, WaitReason, WaitMode, Alertable, Timeout);
    if (mutex && (status == STATUS_WAIT_0 || status == STATUS_ABANDONED_WAIT_0))
        has_acquired(Object, MUTEX_KERNEL, CALLER);
    return status;
}

/* Which of them a wait for any will get is not known before: it says nothing of their order. */
static NTSTATUS NTAPI wait_multiple(ULONG Count, PVOID Object[], WAIT_TYPE WaitType,
                                    KWAIT_REASON WaitReason, KPROCESSOR_MODE WaitMode,
                                    BOOLEAN Alertable, PLARGE_INTEGER Timeout,
                                    PKWAIT_BLOCK WaitBlockArray)
{
    bool all = WaitType == WaitAll, satisfied;
    NTSTATUS status;
    ULONG index;

    for (ULONG i = 0; all && i < Count && may_wait(Timeout); i++)
        if (is_mutex(Object[i]))
            will_wait(Object[i], MUTEX_KERNEL, CALLER);
    status = KeWaitForMultipleObjects(Count, Object, WaitType, WaitReason, WaitMode, Alertable,
                                      Timeout, WaitBlockArray);
    index = (ULONG)status % STATUS_ABANDONED_WAIT_0;
    satisfied = status >= 0 && (ULONG)status < STATUS_ABANDONED_WAIT_0 + MAXIMUM_WAIT_OBJECTS &&
                index < Count;
    for (ULONG i = 0; satisfied && i < Count; i++)
        if ((all || i == index) && is_mutex(Object[i]))
            has_acquired(Object[i], MUTEX_KERNEL, CALLER);
    return status;
}

static LONG NTAPI release_mutant(PRKMUTANT Mutant, KPRIORITY Increment, BOOLEAN Abandoned,
                                 BOOLEAN Wait)
{
    will_release(Mutant, MUTEX_KERNEL, Abandoned, CALLER);
    return KeReleaseMutant(Mutant, Increment, Abandoned, Wait);
}

static LONG NTAPI release_mutex(PRKMUTEX Mutex, BOOLEAN Wait)
{
    will_release(Mutex, MUTEX_KERNEL, false, CALLER);
    return KeReleaseMutex(Mutex, Wait);
}

/* ---- internal.h ------------------------------------------------------------------------------ */

/* A mutant, which is not a driver's kind of mutex: whoever waits for it next is told. */
static bool may_be_abandoned(const struct held_mutex *row)
{
    return row->kind == MUTEX_KERNEL && !((const KMUTANT *)row->mutex)->ApcDisable;
}

void verifier_mutexes_ended(PKTHREAD thread)
{
    struct verifier_finding finding = {.parameters = {THREAD_ENDED, (uint64_t)thread},
                                       .rule = "mutexes"};
    struct held_mutex kept = {0};
    uint64_t flags = ke_lock_acquire_irqoff(&held_lock);

    for (uint32_t i = 0; i < held_end; i++) {
        if (!held[i].mutex || held[i].owner != thread)
            continue;
        if (may_be_abandoned(&held[i]))
            held[i].mutex = NULL;
        else
            kept = held[i];
    }
    ke_lock_release_irqoff(&held_lock, flags);
    if (kept.mutex)
        verifier_stop(&finding, kept.caller, "acquired the mutex %p, and its thread ended with it",
                      kept.mutex);
}

const void *verifier_mutex_held_in(uint64_t base, uint64_t size, PKTHREAD *owner)
{
    const void *found = NULL;
    uint64_t flags = ke_lock_acquire_irqoff(&held_lock);

    for (uint32_t i = 0; i < held_end && !found; i++) {
        if (held[i].mutex && (uint64_t)held[i].mutex - base < size) {
            found = held[i].mutex;
            *owner = held[i].owner;
        }
    }
    ke_lock_release_irqoff(&held_lock, flags);
    return found;
}

const struct verifier_special verifier_mutex_specials[] = {
    {"ExAcquireFastMutex", NULL, acquire_fast},
    {"ExAcquireFastMutexUnsafe", NULL, acquire_fast_unsafe},
    {"ExTryToAcquireFastMutex", NULL, try_fast},
    {"ExReleaseFastMutex", NULL, release_fast},
    {"ExReleaseFastMutexUnsafe", NULL, release_fast_unsafe},
    {"KeAcquireGuardedMutex", NULL, acquire_guarded},
    {"KeAcquireGuardedMutexUnsafe", NULL, acquire_guarded_unsafe},
    {"KeTryToAcquireGuardedMutex", NULL, try_guarded},
    {"KeReleaseGuardedMutex", NULL, release_guarded},
    {"KeReleaseGuardedMutexUnsafe", NULL, release_guarded_unsafe},
    {"KeWaitForSingleObject", NULL, wait_single},
    {"KeWaitForMutexObject", NULL, wait_single},
    {"KeWaitForMultipleObjects", NULL, wait_multiple},
    {"KeReleaseMutant", NULL, release_mutant},
    {"KeReleaseMutex", NULL, release_mutex},
    {"ExInitializeFastMutex", will_initialize, NULL},
    {"KeInitializeGuardedMutex", will_initialize, NULL},
    {"KeInitializeMutant", will_initialize, NULL},
    {"KeInitializeMutex", will_initialize, NULL},
    {0},
};
