/*
 * ex/fast_mutex.c - fast mutexes and guarded mutexes.
 *
 * Both are one counter and one event. Count is 1 when free and falls by one with each thread that
 * wants the mutex; who finds it at 1 has it, the others wait for the event, which a release sets
 * for one of them: that thread then owns the mutex without touching the counter. So a mutex is
 * handed on in the order of arrival, and a free one costs one locked instruction.
 *
 * A fast mutex is held at APC_LEVEL, a guarded one in a guarded region (APC-5); the Unsafe forms
 * leave that to the caller. ExInitializeFastMutex is inline in drivers, so the layout is fixed.
 */
#include <hal/hal.h>
#include <lib/assert.h>
#include <lib/bugcheck.h>
#include <lib/export.h>
#include <nt/wdm.h>

enum { MUTEX_FREE = 1 };

/* The members that matter, at the same place in FAST_MUTEX and KGUARDED_MUTEX. */
_Static_assert(offsetof(FAST_MUTEX, Event) == offsetof(KGUARDED_MUTEX, Gate), "layout");

static void mutex_initialize(PFAST_MUTEX mutex)
{
    mutex->Count = MUTEX_FREE;
    mutex->Owner = NULL;
    mutex->Contention = 0;
    KeInitializeEvent(&mutex->Event, SynchronizationEvent, FALSE);
}

static void mutex_acquire(PFAST_MUTEX mutex, KWAIT_REASON reason)
{
    PKTHREAD self = KeGetCurrentThread();

    if (mutex->Owner == self) /* 0xBF: not recursive */
        lib_bugcheck(MUTEX_ALREADY_OWNED, (uint64_t)mutex, (uint64_t)self, 0, 0, NULL);
    if (__atomic_sub_fetch(&mutex->Count, 1, __ATOMIC_ACQUIRE) != MUTEX_FREE - 1) {
        __atomic_add_fetch(&mutex->Contention, 1, __ATOMIC_RELAXED);
        KeWaitForSingleObject(&mutex->Event, reason, KernelMode, FALSE, NULL);
    }
    mutex->Owner = self;
}

static bool mutex_try_acquire(PFAST_MUTEX mutex)
{
    LONG expected = MUTEX_FREE;

    if (!__atomic_compare_exchange_n(&mutex->Count, &expected, MUTEX_FREE - 1, false,
                                     __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return false;
    mutex->Owner = KeGetCurrentThread();
    return true;
}

static void mutex_release(PFAST_MUTEX mutex)
{
    mutex->Owner = NULL;
    if (__atomic_add_fetch(&mutex->Count, 1, __ATOMIC_RELEASE) < MUTEX_FREE)
        KeSetEvent(&mutex->Event, EVENT_INCREMENT, FALSE);
}

/* WDK surface */

static VOID NTAPI initialize_fast_mutex(PFAST_MUTEX FastMutex)
{
    mutex_initialize(FastMutex);
}
LDR_EXPORT_AS("ExInitializeFastMutex", initialize_fast_mutex);

VOID NTAPI ExAcquireFastMutex(PFAST_MUTEX FastMutex)
{
    irql_t old = hal_irql_read();

    ASSERT_IRQL(APC_LEVEL);
    hal_irql_write(APC_LEVEL);
    mutex_acquire(FastMutex, WrFastMutex);
    FastMutex->OldIrql = old;
}
LDR_EXPORT(ExAcquireFastMutex);

BOOLEAN NTAPI ExTryToAcquireFastMutex(PFAST_MUTEX FastMutex)
{
    irql_t old = hal_irql_read();

    ASSERT_IRQL(APC_LEVEL);
    hal_irql_write(APC_LEVEL);
    if (!mutex_try_acquire(FastMutex)) {
        hal_irql_write(old);
        return FALSE;
    }
    FastMutex->OldIrql = old;
    return TRUE;
}
LDR_EXPORT(ExTryToAcquireFastMutex);

VOID NTAPI ExReleaseFastMutex(PFAST_MUTEX FastMutex)
{
    irql_t old = (irql_t)FastMutex->OldIrql;

    mutex_release(FastMutex);
    hal_irql_write(old);
}
LDR_EXPORT(ExReleaseFastMutex);

VOID NTAPI ExAcquireFastMutexUnsafe(PFAST_MUTEX FastMutex)
{
    ASSERT_IRQL(APC_LEVEL);
    mutex_acquire(FastMutex, WrFastMutex);
}
LDR_EXPORT(ExAcquireFastMutexUnsafe);

VOID NTAPI ExReleaseFastMutexUnsafe(PFAST_MUTEX FastMutex)
{
    mutex_release(FastMutex);
}
LDR_EXPORT(ExReleaseFastMutexUnsafe);

VOID NTAPI KeInitializeGuardedMutex(PKGUARDED_MUTEX GuardedMutex)
{
    mutex_initialize((PFAST_MUTEX)GuardedMutex);
}
LDR_EXPORT(KeInitializeGuardedMutex);

VOID NTAPI KeAcquireGuardedMutex(PKGUARDED_MUTEX GuardedMutex)
{
    ASSERT_IRQL(APC_LEVEL);
    KeEnterGuardedRegion();
    mutex_acquire((PFAST_MUTEX)GuardedMutex, WrGuardedMutex);
}
LDR_EXPORT(KeAcquireGuardedMutex);

BOOLEAN NTAPI KeTryToAcquireGuardedMutex(PKGUARDED_MUTEX GuardedMutex)
{
    ASSERT_IRQL(APC_LEVEL);
    KeEnterGuardedRegion();
    if (mutex_try_acquire((PFAST_MUTEX)GuardedMutex))
        return TRUE;
    KeLeaveGuardedRegion();
    return FALSE;
}
LDR_EXPORT(KeTryToAcquireGuardedMutex);

VOID NTAPI KeReleaseGuardedMutex(PKGUARDED_MUTEX GuardedMutex)
{
    mutex_release((PFAST_MUTEX)GuardedMutex);
    KeLeaveGuardedRegion();
}
LDR_EXPORT(KeReleaseGuardedMutex);

VOID NTAPI KeAcquireGuardedMutexUnsafe(PKGUARDED_MUTEX GuardedMutex)
{
    ASSERT_IRQL(APC_LEVEL);
    mutex_acquire((PFAST_MUTEX)GuardedMutex, WrGuardedMutex);
}
LDR_EXPORT(KeAcquireGuardedMutexUnsafe);

VOID NTAPI KeReleaseGuardedMutexUnsafe(PKGUARDED_MUTEX GuardedMutex)
{
    mutex_release((PFAST_MUTEX)GuardedMutex);
}
LDR_EXPORT(KeReleaseGuardedMutexUnsafe);
