/*
 * mutex.c - guarded mutexes, fast mutexes, mutants.
 */
#include "ke.h"

#define WAIT_MS 10000

typedef NTSTATUS(NTAPI *PWAIT)(PVOID Object, KWAIT_REASON Reason, KPROCESSOR_MODE Mode,
                               BOOLEAN Alertable, PLARGE_INTEGER Timeout);

/* Not in the headers of WDM drivers. */
NTKERNELAPI VOID NTAPI KeInitializeMutant(PRKMUTANT Mutant, BOOLEAN InitialOwner);
NTKERNELAPI LONG NTAPI KeReleaseMutant(PRKMUTANT Mutant, KPRIORITY Increment, BOOLEAN Abandoned,
                                       BOOLEAN Wait);

static KGUARDED_MUTEX Guarded;
static FAST_MUTEX Fast;
static KMUTANT Mutant;
static volatile LONG Tried, Got, Regions;

/* ---- guarded mutexes ------------------------------------------------------------------------ */

/* Whether another thread gets the mutex. Regions: how often its region was not as it should be. */
static VOID TryGuarded(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    Got = KeTryToAcquireGuardedMutex(&Guarded);
    if (Got && !KeAreAllApcsDisabled())
        Regions++;
    if (Got)
        KeReleaseGuardedMutex(&Guarded);
    if (KeAreAllApcsDisabled())
        Regions++;
    Tried = 1;
}

static VOID HoldGuarded(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeEnterGuardedRegion();
    KeAcquireGuardedMutexUnsafe(&Guarded);
    InterlockedIncrement(&Got);
    KeReleaseGuardedMutexUnsafe(&Guarded);
    KeLeaveGuardedRegion();
}

/* Runs the routine in another thread; TRUE: it got the mutex. */
static BOOLEAN Other(TEST_THREAD_ROUTINE Routine)
{
    TEST_THREAD thread;

    Got = Tried = 0;
    if (TestThreadStart(&thread, TestOtherProcessor(TestCurrentProcessor()), Routine, NULL))
        TestThreadJoin(&thread);
    return Got != 0;
}

/* While this thread holds the mutex another waits for it; TRUE: until it is released. */
static BOOLEAN Waits(TEST_THREAD_ROUTINE Routine, VOID (*Release)(VOID))
{
    TEST_THREAD thread;
    BOOLEAN waited;

    Got = 0;
    if (!TestThreadStart(&thread, TestOtherProcessor(TestCurrentProcessor()), Routine, NULL))
        return FALSE;
    waited = TestWait(thread.Object, 20) == STATUS_TIMEOUT && Got == 0;
    Release();
    waited = TestWait(thread.Object, WAIT_MS) == STATUS_SUCCESS && waited && Got == 1;
    TestThreadJoin(&thread);
    return waited;
}

static VOID ReleaseGuardedUnsafe(VOID)
{
    KeReleaseGuardedMutexUnsafe(&Guarded);
}

static VOID CheckGuarded(VOID)
{
    KIRQL irql;

    KeInitializeGuardedMutex(&Guarded);
    Regions = 0;
    Expect(
        KeTryToAcquireGuardedMutex(&Guarded) && KeAreAllApcsDisabled() &&
            KeGetCurrentIrql() == PASSIVE_LEVEL,
        "KeTryToAcquireGuardedMutex takes a free mutex, in a guarded region, at the IRQL before");
    Expect(!Other(TryGuarded) && Tried, "but not one that another thread has");
    KeReleaseGuardedMutex(&Guarded);
    Expect(!KeAreAllApcsDisabled(), "KeReleaseGuardedMutex leaves the region");
    Expect(Other(TryGuarded), "and the mutex can be had again");
    ExpectEqual((ULONG)Regions, 0,
                "KeTryToAcquireGuardedMutex is in a guarded region if it succeeds, and only then");
    KeAcquireGuardedMutex(&Guarded);
    Expect(KeAreAllApcsDisabled() && KeGetCurrentIrql() == PASSIVE_LEVEL && !Other(TryGuarded),
           "KeAcquireGuardedMutex takes it, in a guarded region, too");
    KeReleaseGuardedMutex(&Guarded);
    KeEnterGuardedRegion();
    KeAcquireGuardedMutexUnsafe(&Guarded);
    Expect(!Other(TryGuarded), "KeAcquireGuardedMutexUnsafe takes the mutex");
    Expect(Waits(HoldGuarded, ReleaseGuardedUnsafe),
           "another thread waits until KeReleaseGuardedMutexUnsafe");
    Expect(KeAreAllApcsDisabled(), "which leaves the caller's region alone");
    KeLeaveGuardedRegion();
    KeRaiseIrql(APC_LEVEL, &irql);
    KeAcquireGuardedMutexUnsafe(&Guarded);
    KeReleaseGuardedMutexUnsafe(&Guarded);
    Expect(KeGetCurrentIrql() == APC_LEVEL, "at APC_LEVEL, too, both leave the IRQL");
    KeLowerIrql(irql);
    Expect(!KeAreAllApcsDisabled() && Other(TryGuarded), "in the end the mutex is free");
}

/* The thread would wait for itself for ever: the system stops instead. */
VOID StopMutex(ULONG Number)
{
    KeInitializeGuardedMutex(&Guarded);
    ExpectStop(0xBF, (ULONG64)(ULONG_PTR)&Guarded, (ULONG64)(ULONG_PTR)KeGetCurrentThread(),
               TEST_ANY, TEST_ANY,
               Number == 40 ? "KeAcquireGuardedMutex by the holder would wait for ever"
                            : "KeAcquireGuardedMutexUnsafe by the holder would wait for ever");
    KeAcquireGuardedMutex(&Guarded);
    if (Number == 40)
        KeAcquireGuardedMutex(&Guarded);
    else
        KeAcquireGuardedMutexUnsafe(&Guarded);
}

/* ---- fast mutexes, the caller having disabled APCs ------------------------------------------ */

static VOID TryFast(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    Got = ExTryToAcquireFastMutex(&Fast);
    if (KeGetCurrentIrql() != (Got ? APC_LEVEL : PASSIVE_LEVEL))
        Regions++;
    if (Got)
        ExReleaseFastMutex(&Fast);
    Tried = 1;
}

static VOID HoldFast(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeEnterCriticalRegion();
    ExAcquireFastMutexUnsafe(&Fast);
    InterlockedIncrement(&Got);
    ExReleaseFastMutexUnsafe(&Fast);
    KeLeaveCriticalRegion();
}

static VOID ReleaseFastUnsafe(VOID)
{
    ExReleaseFastMutexUnsafe(&Fast);
}

static VOID CheckFast(VOID)
{
    BOOLEAN held;
    KIRQL irql;

    ExInitializeFastMutex(&Fast);
    ExAcquireFastMutex(&Fast);
    held = !ExTryToAcquireFastMutex(&Fast);
    irql = KeGetCurrentIrql();
    ExReleaseFastMutex(&Fast);
    Expect(
        held && irql == APC_LEVEL && KeGetCurrentIrql() == PASSIVE_LEVEL,
        "ExAcquireFastMutex takes the mutex and raises to APC_LEVEL, ExReleaseFastMutex goes back");
    KeEnterCriticalRegion();
    ExAcquireFastMutexUnsafe(&Fast);
    ExpectEqual(KeGetCurrentIrql(), PASSIVE_LEVEL,
                "ExAcquireFastMutexUnsafe leaves the IRQL of a thread in a critical region");
    Expect(!Other(TryFast) && Tried, "and has the mutex");
    Expect(Waits(HoldFast, ReleaseFastUnsafe),
           "another thread waits until ExReleaseFastMutexUnsafe");
    ExpectEqual(KeGetCurrentIrql(), PASSIVE_LEVEL, "which leaves the IRQL, too");
    KeLeaveCriticalRegion();
    KeRaiseIrql(APC_LEVEL, &irql);
    ExAcquireFastMutexUnsafe(&Fast);
    ExReleaseFastMutexUnsafe(&Fast);
    ExpectEqual(KeGetCurrentIrql(), APC_LEVEL, "at APC_LEVEL both work as well");
    KeLowerIrql(irql);
    Expect(Other(TryFast), "in the end the mutex is free");
    ExpectEqual((ULONG)Regions, 0, "ExTryToAcquireFastMutex raises if it succeeds, and only then");
}

/* ---- mutants -------------------------------------------------------------------------------- */

static VOID ReleaseMutant(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeReleaseMutant(&Mutant, IO_NO_INCREMENT, FALSE, FALSE);
}

static VOID ReleaseAsMutex(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeReleaseMutex(&Mutant, FALSE);
}

static VOID TakeMutant(PVOID Context)
{
    *(NTSTATUS *)Context = TestWait(&Mutant, 0);
}

static VOID TakeAndReleaseMutant(PVOID Context)
{
    *(NTSTATUS *)Context = TestWait(&Mutant, WAIT_MS);
    ReleaseMutant(NULL);
}

/* What the routine, run in another thread, leaves in its context. */
static NTSTATUS ByOther(TEST_THREAD_ROUTINE Routine)
{
    NTSTATUS status = STATUS_UNSUCCESSFUL;
    TEST_THREAD thread;

    if (TestThreadStart(&thread, TestOtherProcessor(TestCurrentProcessor()), Routine, &status))
        TestThreadJoin(&thread);
    return status;
}

static VOID CheckMutant(VOID)
{
    KeInitializeMutant(&Mutant, TRUE);
    Expect(KeReadStateMutex(&Mutant) == 0 && !KeAreApcsDisabled(),
           "a mutant may be born owned, and disables no APCs");
    ExpectStatus(ByOther(TakeMutant), STATUS_TIMEOUT, "another thread cannot have it");
    ExpectStatus(TestWait(&Mutant, 0), STATUS_SUCCESS, "its owner can have it again");
    ExpectEqual((ULONG)KeReleaseMutant(&Mutant, IO_NO_INCREMENT, FALSE, FALSE), (ULONG)-1,
                "KeReleaseMutant returns the state before: -1 for two levels");
    ExpectEqual((ULONG)KeReleaseMutant(&Mutant, IO_NO_INCREMENT, FALSE, FALSE), 0, "0 for one");
    ExpectStatus(TestCatch(ReleaseMutant, NULL), STATUS_MUTANT_NOT_OWNED,
                 "DISC-26 releasing what the thread does not own raises STATUS_MUTANT_NOT_OWNED");
    ExpectStatus(ByOther(TakeAndReleaseMutant), STATUS_SUCCESS, "a free mutant can be had by any");
}

static VOID CheckGivenUp(VOID)
{
    KeInitializeMutant(&Mutant, TRUE);
    TestWait(&Mutant, 0);
    ExpectEqual((ULONG)KeReleaseMutant(&Mutant, IO_NO_INCREMENT, TRUE, FALSE), (ULONG)-1,
                "with Abandoned KeReleaseMutant gives it up");
    ExpectEqual((ULONG)KeReadStateMutex(&Mutant), 1, "at all levels");
    ExpectStatus(TestCatch(ReleaseMutant, NULL), STATUS_ABANDONED,
                 "releasing it then raises STATUS_ABANDONED");
    ExpectStatus(TestCatch(ReleaseAsMutex, NULL), STATUS_ABANDONED,
                 "KeReleaseMutex of what was given up raises STATUS_ABANDONED");
    ExpectStatus(TestWait(&Mutant, 0), STATUS_ABANDONED,
                 "who waits for it next is told that it was abandoned");
    ReleaseMutant(NULL);
    ExpectStatus(TestWait(&Mutant, 0), STATUS_SUCCESS, "and only once");
    ReleaseMutant(NULL);
}

static VOID CheckAbandoned(VOID)
{
    KeInitializeMutant(&Mutant, FALSE);
    ExpectStatus(ByOther(TakeMutant), STATUS_SUCCESS, "a thread takes a mutant and ends");
    ExpectStatus(TestCatch(ReleaseMutant, NULL), STATUS_ABANDONED, "which abandons it");
    ExpectStatus(TestWait(&Mutant, 0), STATUS_ABANDONED, "as who waits for it next is told");
    ReleaseMutant(NULL);
}

/* The mutant is abandoned while somebody waits for it. */
static VOID TakeAndEndSlowly(PVOID Context)
{
    TakeMutant(Context);
    Tried = 1;
    TestPause(20);
}

static VOID CheckAbandonedWaits(VOID)
{
    PVOID objects[2];
    NTSTATUS status = STATUS_UNSUCCESSFUL;
    TEST_THREAD thread;
    KEVENT event;

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    KeInitializeMutant(&Mutant, FALSE);
    objects[0] = &event;
    objects[1] = &Mutant;
    ByOther(TakeMutant);
    ExpectStatus(
        KeWaitForMultipleObjects(2, objects, WaitAny, Executive, KernelMode, FALSE, NULL, NULL),
        STATUS_ABANDONED_WAIT_0 + 1, "a wait for any tells which was abandoned");
    ReleaseMutant(NULL);
    ByOther(TakeMutant);
    KeSetEvent(&event, IO_NO_INCREMENT, FALSE);
    ExpectStatus(
        KeWaitForMultipleObjects(2, objects, WaitAll, Executive, KernelMode, FALSE, NULL, NULL),
        STATUS_ABANDONED, "a wait for all tells that one was");
    ReleaseMutant(NULL);
    Tried = 0;
    if (!TestThreadStart(&thread, TestOtherProcessor(TestCurrentProcessor()), TakeAndEndSlowly,
                         &status))
        return;
    while (!Tried)
        TestPause(1);
    ExpectStatus(TestWait(&Mutant, WAIT_MS), STATUS_ABANDONED,
                 "who waits already when the owner ends is told, too");
    ExpectStatus(status, STATUS_SUCCESS, "the owner had it");
    TestThreadJoin(&thread);
    ReleaseMutant(NULL);
}

/* ---- KeWaitForMutexObject ------------------------------------------------------------------- */

static PWAIT WaitForMutex;
static KMUTEX Mutex;

static VOID TakeMutex(PVOID Context)
{
    LARGE_INTEGER none = {.QuadPart = 0};

    *(NTSTATUS *)Context = WaitForMutex(&Mutex, Executive, KernelMode, FALSE, &none);
    if (*(NTSTATUS *)Context == STATUS_SUCCESS)
        KeReleaseMutex(&Mutex, FALSE);
}

static VOID CheckWaitForMutex(VOID)
{
    /* A macro in the headers. */
    WaitForMutex = (PWAIT)TestRoutine(L"KeWaitForMutexObject");
    KeInitializeMutex(&Mutex, 0);
    ExpectStatus(WaitForMutex(&Mutex, Executive, KernelMode, FALSE, NULL), STATUS_SUCCESS,
                 "KeWaitForMutexObject takes a free mutex");
    ExpectStatus(WaitForMutex(&Mutex, Executive, KernelMode, FALSE, NULL), STATUS_SUCCESS,
                 "and one that the thread has");
    Expect(KeAreApcsDisabled() && KeReadStateMutex(&Mutex) == -1, "twice: APCs are disabled");
    ExpectStatus(ByOther(TakeMutex), STATUS_TIMEOUT, "for another thread its timeout passes");
    KeReleaseMutex(&Mutex, FALSE);
    KeReleaseMutex(&Mutex, FALSE);
    ExpectStatus(ByOther(TakeMutex), STATUS_SUCCESS, "until it is released as often");
    Expect(!KeAreApcsDisabled(), "then APCs are enabled");
}

VOID CheckMutexes(VOID)
{
    CheckGuarded();
    CheckFast();
    CheckMutant();
    CheckGivenUp();
    if (MmIsDriverVerifying(TestDriver)) {
        ExpectSkip("a mutant is abandoned", "the verifier stops a thread that ends with a mutex");
    } else {
        CheckAbandoned();
        CheckAbandonedWaits();
    }
    CheckWaitForMutex();
}
