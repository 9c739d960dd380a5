/*
 * ex/fast_mutex.c - fast mutexes and guarded mutexes.
 *
 * Both are a count that is 1 when free, and a synchronisation event on which the others wait: the
 * releaser hands the mutex to one of them by setting it. A fast mutex is held at APC_LEVEL, a
 * guarded one in a guarded region; the Unsafe forms leave that to the caller.
 */
#include <hal/types.h>
#include <lib/export.h>
#include <nt/wdm.h>

static void mutex_wait(PVOID event)
{
    KeWaitForSingleObject(event, WrFastMutex, KernelMode, FALSE, NULL);
}

/* True: taken. */
static bool count_take(LONG *count)
{
    LONG expected = 1;

    return __atomic_compare_exchange_n(count, &expected, 0, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

/* WDK surface */

VOID NTAPI ExAcquireFastMutexUnsafe(PFAST_MUTEX FastMutex)
{
    if (InterlockedDecrement(&FastMutex->Count) != 0) {
        FastMutex->Contention++;
        mutex_wait(&FastMutex->Event);
    }
    FastMutex->Owner = PsGetCurrentThread();
}
LDR_EXPORT(ExAcquireFastMutexUnsafe);

VOID NTAPI ExReleaseFastMutexUnsafe(PFAST_MUTEX FastMutex)
{
    FastMutex->Owner = NULL;
    if (InterlockedIncrement(&FastMutex->Count) <= 0)
        KeSetEvent(&FastMutex->Event, IO_NO_INCREMENT, FALSE);
}
LDR_EXPORT(ExReleaseFastMutexUnsafe);

VOID NTAPI ExAcquireFastMutex(PFAST_MUTEX FastMutex)
{
    KIRQL irql;

    KeRaiseIrql(APC_LEVEL, &irql);
    ExAcquireFastMutexUnsafe(FastMutex);
    FastMutex->OldIrql = irql;
}
LDR_EXPORT(ExAcquireFastMutex);

VOID NTAPI ExReleaseFastMutex(PFAST_MUTEX FastMutex)
{
    KIRQL irql = (KIRQL)FastMutex->OldIrql;

    ExReleaseFastMutexUnsafe(FastMutex);
    KeLowerIrql(irql);
}
LDR_EXPORT(ExReleaseFastMutex);

BOOLEAN NTAPI ExTryToAcquireFastMutex(PFAST_MUTEX FastMutex)
{
    KIRQL irql;

    KeRaiseIrql(APC_LEVEL, &irql);
    if (!count_take(&FastMutex->Count)) {
        KeLowerIrql(irql);
        return FALSE;
    }
    FastMutex->Owner = PsGetCurrentThread();
    FastMutex->OldIrql = irql;
    return TRUE;
}
LDR_EXPORT(ExTryToAcquireFastMutex);

VOID NTAPI KeInitializeGuardedMutex(PKGUARDED_MUTEX Mutex)
{
    Mutex->Count = 1;
    Mutex->Owner = NULL;
    Mutex->Contention = 0;
    Mutex->CombinedApcDisable = 0;
    KeInitializeEvent((PKEVENT)(PVOID)&Mutex->Gate, SynchronizationEvent, FALSE);
}
LDR_EXPORT(KeInitializeGuardedMutex);

VOID NTAPI KeAcquireGuardedMutexUnsafe(PKGUARDED_MUTEX Mutex)
{
    if (InterlockedDecrement(&Mutex->Count) != 0) {
        Mutex->Contention++;
        mutex_wait(&Mutex->Gate);
    }
    Mutex->Owner = KeGetCurrentThread();
}
LDR_EXPORT(KeAcquireGuardedMutexUnsafe);

VOID NTAPI KeReleaseGuardedMutexUnsafe(PKGUARDED_MUTEX Mutex)
{
    Mutex->Owner = NULL;
    if (InterlockedIncrement(&Mutex->Count) <= 0)
        KeSetEvent((PKEVENT)(PVOID)&Mutex->Gate, IO_NO_INCREMENT, FALSE);
}
LDR_EXPORT(KeReleaseGuardedMutexUnsafe);

VOID NTAPI KeAcquireGuardedMutex(PKGUARDED_MUTEX Mutex)
{
    KeEnterGuardedRegion();
    KeAcquireGuardedMutexUnsafe(Mutex);
}
LDR_EXPORT(KeAcquireGuardedMutex);

VOID NTAPI KeReleaseGuardedMutex(PKGUARDED_MUTEX Mutex)
{
    KeReleaseGuardedMutexUnsafe(Mutex);
    KeLeaveGuardedRegion();
}
LDR_EXPORT(KeReleaseGuardedMutex);

BOOLEAN NTAPI KeTryToAcquireGuardedMutex(PKGUARDED_MUTEX Mutex)
{
    KeEnterGuardedRegion();
    if (count_take(&Mutex->Count)) {
        Mutex->Owner = KeGetCurrentThread();
        return TRUE;
    }
    KeLeaveGuardedRegion();
    return FALSE;
}
LDR_EXPORT(KeTryToAcquireGuardedMutex);
