/*
 * verifier/live.c - what verified drivers have made and not yet undone, and nobody else has a list
 * of: one table of objects, each with its kind and who made it.
 */
#include "verifier/internal.h"

#include "ke/lock.h"

enum { LIVE_MAX = 1024 };

static struct verifier_live live[LIVE_MAX]; /* object 0: a free row */
static uint32_t live_end;                   /* rows in use lie before it */
static bool live_lost;                      /* some are not known */
static ke_lock_t live_lock;

/* Lock held. */
static struct verifier_live *row_of(const struct verifier_live_kind *kind, uint64_t object)
{
    for (uint32_t i = 0; i < live_end; i++)
        if (live[i].object == object && (live[i].kind == kind || !object))
            return &live[i];
    return NULL;
}

_Noreturn static void stop(uint32_t code, const struct verifier_live_kind *kind, uint64_t object,
                           uint64_t caller, const char *what)
{
    const struct verifier_finding finding = {.parameters = {code, object}, .rule = kind->rule};

    verifier_stop(&finding, caller, "%s the %s %p", what, kind->name, (void *)object);
}

void verifier_live_add(const struct verifier_live_kind *kind, uint64_t object, uint64_t caller,
                       uint64_t routine)
{
    uint64_t flags = ke_lock_acquire_irqoff(&live_lock);
    struct verifier_live *row = row_of(kind, object);
    bool again = row != NULL;

    if (!row)
        row = row_of(NULL, 0);
    if (!row && live_end < LIVE_MAX)
        row = &live[live_end++];
    if (row)
        *row = (struct verifier_live){object, kind, caller, routine};
    live_lost |= !row;
    ke_lock_release_irqoff(&live_lock, flags);
    if (again && kind->again)
        stop(kind->again, kind, object, caller, "initializes again, undeleted,");
}

void verifier_live_remove(const struct verifier_live_kind *kind, uint64_t object, uint64_t caller)
{
    uint64_t flags = ke_lock_acquire_irqoff(&live_lock);
    struct verifier_live *row = row_of(kind, object);
    bool known = row || live_lost;

    if (row)
        row->object = 0;
    ke_lock_release_irqoff(&live_lock, flags);
    if (!known && kind->unknown)
        stop(kind->unknown, kind, object, caller, "deletes, uninitialized,");
}

static bool find(bool (*match)(const struct verifier_live *row, uint64_t base, uint64_t size),
                 uint64_t base, uint64_t size, struct verifier_live *found)
{
    uint64_t flags = ke_lock_acquire_irqoff(&live_lock);
    uint32_t i = 0;

    while (i < live_end && (!live[i].object || !match(&live[i], base, size)))
        i++;
    if (i < live_end)
        *found = live[i];
    ke_lock_release_irqoff(&live_lock, flags);
    return i < live_end;
}

static bool is_in_memory(const struct verifier_live *row, uint64_t base, uint64_t size)
{
    return row->kind->freed && row->object - base < size;
}

static bool is_of_driver(const struct verifier_live *row, uint64_t base, uint64_t size)
{
    return row->kind->left && row->caller - base < size;
}

bool verifier_live_in_memory(uint64_t base, uint64_t size, struct verifier_live *found)
{
    return find(is_in_memory, base, size, found);
}

bool verifier_live_of_driver(uint64_t base, uint64_t size, struct verifier_live *found)
{
    return find(is_of_driver, base, size, found);
}

bool verifier_live_is_known(const struct verifier_live_kind *kind, uint64_t object)
{
    uint64_t flags = ke_lock_acquire_irqoff(&live_lock);
    bool known = row_of(kind, object) != NULL;

    ke_lock_release_irqoff(&live_lock, flags);
    return known;
}

/* Whoever frees it: the kernel frees a deleted device long after its driver has been asked. */
void verifier_memory_forget(const void *base, size_t size)
{
    uint64_t flags = ke_lock_acquire_irqoff(&live_lock);

    for (uint32_t i = 0; i < live_end; i++)
        if (live[i].object - (uint64_t)base < size)
            live[i].object = 0;
    ke_lock_release_irqoff(&live_lock, flags);
    verifier_order_forget(base, size);
    verifier_remove_locks_forget((uint64_t)base, size);
}
