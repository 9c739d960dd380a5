/*
 * ACPICA's OS layer: spin locks, semaphores, object caches, the global lock.
 *
 * ACPICA takes its spin locks in the SCI's handler too, so they are held with interrupts off, for a
 * few accesses each. Its semaphores are waited for by AML alone, at PASSIVE_LEVEL.
 *
 * The interpreter takes and gives back small objects of a few sizes all the time: each cache keeps
 * what came back and hands it out again, cleared. Nothing goes back to the pool before the cache is
 * deleted; the machine's namespace is the larger part of it anyway.
 */
#include <lib/rawlock.h>
#include <lib/string.h>
#include <nt/wdm.h>

#include "acpi/os.h"

enum { UNITS_PER_MS = 10000 };

struct acpi_os_lock {
    struct raw_lock raw;
};

struct acpi_os_semaphore {
    KSEMAPHORE semaphore;
};

struct acpi_os_cache_entry {
    struct acpi_os_cache_entry *next;
};

struct acpi_os_cache {
    struct raw_lock lock;
    size_t size;
    struct acpi_os_cache_entry *free;
};

/* ---- Spin locks ---------------------------------------------------------------------------- */

acpi_status acpi_os_create_lock(acpi_spinlock *lock)
{
    *lock = mm_pool_alloc(sizeof(**lock), ACPI_POOL_TAG);
    return *lock != NULL ? AE_OK : AE_NO_MEMORY;
}

void acpi_os_delete_lock(acpi_spinlock lock)
{
    mm_pool_free(lock, ACPI_POOL_TAG);
}

acpi_cpu_flags acpi_os_acquire_lock(acpi_spinlock lock)
{
    return raw_lock_acquire(&lock->raw);
}

void acpi_os_release_lock(acpi_spinlock lock, acpi_cpu_flags flags)
{
    raw_lock_release(&lock->raw, flags);
}

/* ---- Semaphores ---------------------------------------------------------------------------- */

acpi_status acpi_os_create_semaphore(u32 most, u32 initial, acpi_semaphore *semaphore)
{
    LONG limit = most > (u32)MAXLONG ? MAXLONG : (LONG)most;

    if (most == 0 || initial > (u32)limit)
        return AE_BAD_PARAMETER;
    *semaphore = mm_pool_alloc(sizeof(**semaphore), ACPI_POOL_TAG);
    if (*semaphore == NULL)
        return AE_NO_MEMORY;
    KeInitializeSemaphore(&(*semaphore)->semaphore, (LONG)initial, limit);
    return AE_OK;
}

acpi_status acpi_os_delete_semaphore(acpi_semaphore semaphore)
{
    mm_pool_free(semaphore, ACPI_POOL_TAG);
    return AE_OK;
}

/* ACPICA never asks for more than one unit. */
acpi_status acpi_os_wait_semaphore(acpi_semaphore semaphore, u32 units, u16 milliseconds)
{
    LARGE_INTEGER timeout = {.QuadPart = -(LONGLONG)milliseconds * UNITS_PER_MS};
    NTSTATUS status;

    if (semaphore == NULL || units != 1)
        return AE_BAD_PARAMETER;
    status = KeWaitForSingleObject(&semaphore->semaphore, Executive, KernelMode, FALSE,
                                   milliseconds == ACPI_WAIT_FOREVER ? NULL : &timeout);
    return status == STATUS_SUCCESS ? AE_OK : AE_TIME;
}

acpi_status acpi_os_signal_semaphore(acpi_semaphore semaphore, u32 units)
{
    if (semaphore == NULL || units != 1)
        return AE_BAD_PARAMETER;
    KeReleaseSemaphore(&semaphore->semaphore, IO_NO_INCREMENT, 1, FALSE);
    return AE_OK;
}

/* ---- Caches -------------------------------------------------------------------------------- */

acpi_status acpi_os_create_cache(char *name, u16 size, u16 depth, acpi_cache_t **cache)
{
    (void)name;
    (void)depth;
    *cache = mm_pool_alloc(sizeof(**cache), ACPI_POOL_TAG);
    if (*cache == NULL)
        return AE_NO_MEMORY;
    (*cache)->size =
        size > sizeof(struct acpi_os_cache_entry) ? size : sizeof(struct acpi_os_cache_entry);
    return AE_OK;
}

static struct acpi_os_cache_entry *cache_take(acpi_cache_t *cache)
{
    raw_lock_state_t state = raw_lock_acquire(&cache->lock);
    struct acpi_os_cache_entry *entry = cache->free;

    if (entry != NULL)
        cache->free = entry->next;
    raw_lock_release(&cache->lock, state);
    return entry;
}

acpi_status acpi_os_purge_cache(acpi_cache_t *cache)
{
    struct acpi_os_cache_entry *entry;

    while ((entry = cache_take(cache)) != NULL)
        mm_pool_free(entry, ACPI_POOL_TAG);
    return AE_OK;
}

acpi_status acpi_os_delete_cache(acpi_cache_t *cache)
{
    acpi_os_purge_cache(cache);
    mm_pool_free(cache, ACPI_POOL_TAG);
    return AE_OK;
}

void *acpi_os_acquire_object(acpi_cache_t *cache)
{
    struct acpi_os_cache_entry *entry = cache_take(cache);

    if (entry == NULL)
        return mm_pool_alloc(cache->size, ACPI_POOL_TAG);
    return memset(entry, 0, cache->size);
}

acpi_status acpi_os_release_object(acpi_cache_t *cache, void *object)
{
    struct acpi_os_cache_entry *entry = object;
    raw_lock_state_t state;

    if (object == NULL)
        return AE_BAD_PARAMETER;
    state = raw_lock_acquire(&cache->lock);
    entry->next = cache->free;
    cache->free = entry;
    raw_lock_release(&cache->lock, state);
    return AE_OK;
}

/* ---- The lock shared with firmware: ACPI 6.5 5.2.10.1 "Global Lock" ------------------------- */

enum { GLOBAL_LOCK_PENDING = 1 << 0, GLOBAL_LOCK_OWNED = 1 << 1 };

/* True: it is ours. Else pending was set, and firmware will tell when it lets go. */
int acpi_os_global_lock_acquire(uint32_t *lock)
{
    uint32_t old = __atomic_load_n(lock, __ATOMIC_RELAXED), new;

    do {
        new = (old & ~(uint32_t)GLOBAL_LOCK_PENDING) | GLOBAL_LOCK_OWNED;
        if (old & GLOBAL_LOCK_OWNED)
            new |= GLOBAL_LOCK_PENDING;
    } while (
        !__atomic_compare_exchange_n(lock, &old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
    return !(new &GLOBAL_LOCK_PENDING);
}

/* True: firmware waits for it and must be told. */
int acpi_os_global_lock_release(uint32_t *lock)
{
    uint32_t both = GLOBAL_LOCK_PENDING | GLOBAL_LOCK_OWNED;

    return (__atomic_fetch_and(lock, ~both, __ATOMIC_SEQ_CST) & GLOBAL_LOCK_PENDING) != 0;
}
