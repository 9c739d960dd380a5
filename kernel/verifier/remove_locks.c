/*
 * verifier/remove_locks.c - remove locks: each is initialized once in its life, even after its
 * removal has waited, and is released by the tags that it was acquired by (BC-C4-1; WDK
 * "IoInitializeRemoveLock", "IoReleaseRemoveLock").
 *
 * A lock is known from its initialization until its memory is free; one that a driver acquires
 * before is not looked at. What the limits of IoInitializeRemoveLock, minutes and holders, lead to
 * is not documented: they are not followed.
 */
#include "verifier/internal.h"

#include "ke/lock.h"

enum { HELD_MAX = 512, TAG_OF_RELEASE = 0xD5, TAG_OF_WAIT = 0xD6, INITIALIZED_AGAIN = 0xD7 };

struct held {
    uint64_t lock; /* 0: a free row */
    uint64_t tag;
};

static const struct verifier_live_kind lock_kind = {
    .name = "remove lock", .rule = "remove locks", .again = INITIALIZED_AGAIN};

static struct held held[HELD_MAX];
static uint32_t held_end; /* rows in use lie before it */
static bool held_lost;    /* some are not known */
static ke_lock_t held_lock;

/* Lock held. */
static struct held *row_of(uint64_t lock, uint64_t tag)
{
    for (uint32_t i = 0; i < held_end; i++)
        if (held[i].lock == lock && (held[i].tag == tag || !lock))
            return &held[i];
    return NULL;
}

static void held_add(uint64_t lock, uint64_t tag)
{
    uint64_t flags = ke_lock_acquire_irqoff(&held_lock);
    struct held *row = row_of(0, 0);

    if (!row && held_end < HELD_MAX)
        row = &held[held_end++];
    if (row)
        *row = (struct held){lock, tag};
    held_lost |= !row;
    ke_lock_release_irqoff(&held_lock, flags);
}

/* False: it is not held by that tag. */
static bool held_remove(uint64_t lock, uint64_t tag)
{
    uint64_t flags = ke_lock_acquire_irqoff(&held_lock);
    struct held *row = row_of(lock, tag);
    bool known = row || held_lost;

    if (row)
        row->lock = 0;
    ke_lock_release_irqoff(&held_lock, flags);
    return known;
}

void verifier_remove_locks_forget(uint64_t base, uint64_t size)
{
    uint64_t flags = ke_lock_acquire_irqoff(&held_lock);

    for (uint32_t i = 0; i < held_end; i++)
        if (held[i].lock - base < size)
            held[i].lock = 0;
    ke_lock_release_irqoff(&held_lock, flags);
}

static void check_initialize(const char *routine, const uint64_t *frame)
{
    (void)routine;
    verifier_live_add(&lock_kind, frame[1], frame[CALL_RETURN], 0);
}

static NTSTATUS NTAPI acquire(PIO_REMOVE_LOCK RemoveLock, PVOID Tag, PCSTR File, ULONG Line,
                              ULONG RemlockSize)
{
    NTSTATUS status = IoAcquireRemoveLockEx(RemoveLock, Tag, File, Line, RemlockSize);

    if (NT_SUCCESS(status) && verifier_live_is_known(&lock_kind, (uint64_t)RemoveLock))
        held_add((uint64_t)RemoveLock, (uint64_t)Tag);
    return status;
}

static void check_tag(const char *routine, const uint64_t *frame, uint32_t code)
{
    const struct verifier_finding finding = {.parameters = {code, frame[1], frame[2]},
                                             .rule = "remove locks"};

    if (verifier_live_is_known(&lock_kind, frame[1]) && !held_remove(frame[1], frame[2]))
        verifier_stop(&finding, frame[CALL_RETURN],
                      "calls %s with the tag %p, by which it did not acquire the lock", routine,
                      (void *)frame[2]);
}

static void check_release(const char *routine, const uint64_t *frame)
{
    check_tag(routine, frame, TAG_OF_RELEASE);
}

static void check_release_and_wait(const char *routine, const uint64_t *frame)
{
    check_tag(routine, frame, TAG_OF_WAIT);
}

const struct verifier_special verifier_remove_lock_specials[] = {
    {"IoInitializeRemoveLockEx", check_initialize, NULL},
    {"IoAcquireRemoveLockEx", NULL, acquire},
    {"IoReleaseRemoveLockEx", check_release, NULL},
    {"IoReleaseRemoveLockAndWaitEx", check_release_and_wait, NULL},
    {0},
};
