/*
 * levels.c - routines at the highest IRQL that their pages allow, where they do what they do below.
 */
#include "ke.h"

#define FAR_MS 600000
#define ALL_GROUPS 0xFFFF

NTKERNELAPI KAFFINITY NTAPI KeQueryActiveProcessors(VOID);

static KEVENT Event;
static KMUTEX Mutex;
static KSEMAPHORE Semaphore;
static KTIMER Timer;
static KGUARDED_MUTEX Guarded;
static KDPC Dpc;

/* ---- APC_LEVEL: each returns whether all was as below ---------------------------------------- */

static BOOLEAN Regions(VOID)
{
    BOOLEAN inside;

    KeEnterCriticalRegion();
    KeEnterGuardedRegion();
    inside = KeAreApcsDisabled();
    KeLeaveGuardedRegion();
    KeLeaveCriticalRegion();
    return inside && !KeAreApcsDisabled();
}

static BOOLEAN GuardedMutex(VOID)
{
    BOOLEAN had = KeTryToAcquireGuardedMutex(&Guarded), again;

    KeReleaseGuardedMutex(&Guarded);
    again = KeTryToAcquireGuardedMutex(&Guarded);
    KeReleaseGuardedMutex(&Guarded);
    return had && again;
}

static BOOLEAN NTAPI NotHandled(PVOID Context, BOOLEAN Handled)
{
    UNREFERENCED_PARAMETER(Context);
    return Handled;
}

static BOOLEAN NmiCallback(VOID)
{
    PVOID handle = KeRegisterNmiCallback(NotHandled, NULL);

    return handle != NULL && KeDeregisterNmiCallback(handle) == STATUS_SUCCESS;
}

static BOOLEAN Waits(VOID)
{
    LARGE_INTEGER soon = {.QuadPart = -10000};
    PVOID objects[2] = {&Event, &Semaphore};

    KeSetEvent(&Event, IO_NO_INCREMENT, FALSE);
    return KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL) == STATUS_SUCCESS &&
           KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, &soon) == STATUS_TIMEOUT &&
           KeWaitForMultipleObjects(2, objects, WaitAny, Executive, KernelMode, FALSE, &soon,
                                    NULL) == STATUS_TIMEOUT;
}

/* ---- DISPATCH_LEVEL -------------------------------------------------------------------------- */

static BOOLEAN States(VOID)
{
    return KeReadStateMutex(&Mutex) == 1 && !KeReadStateTimer(&Timer) &&
           KeReadStateSemaphore(&Semaphore) == 0;
}

static BOOLEAN Release(VOID)
{
    LARGE_INTEGER none = {.QuadPart = 0};
    LONG before = KeReleaseSemaphore(&Semaphore, IO_NO_INCREMENT, 1, FALSE);

    return before == 0 &&
           KeWaitForSingleObject(&Semaphore, Executive, KernelMode, FALSE, &none) ==
               STATUS_SUCCESS &&
           KeReadStateSemaphore(&Semaphore) == 0;
}

static BOOLEAN Timers(VOID)
{
    LARGE_INTEGER far = {.QuadPart = -FAR_MS * 10000LL};

    return !KeSetTimer(&Timer, far, NULL) && KeSetCoalescableTimer(&Timer, far, 0, 50, NULL) &&
           KeSetTimerEx(&Timer, far, FAR_MS, NULL) && KeCancelTimer(&Timer);
}

/* ---- any ------------------------------------------------------------------------------------- */

static BOOLEAN Counts(VOID)
{
    return KeQueryActiveProcessors() != 0 && KeQueryHighestNodeNumber() == 0 &&
           KeQueryMaximumProcessorCountEx(ALL_GROUPS) >= TestProcessors() &&
           KeQueryTimeIncrement() != 0;
}

static BOOLEAN Dpcs(VOID)
{
    PROCESSOR_NUMBER first = {0, 0, 0};

    KeSetImportanceDpc(&Dpc, HighImportance);
    KeSetTargetProcessorDpc(&Dpc, 0);
    return KeSetTargetProcessorDpcEx(&Dpc, &first) == STATUS_SUCCESS &&
           KeInsertQueueDpc(&Dpc, NULL, NULL) && KeRemoveQueueDpc(&Dpc) && !KeRemoveQueueDpc(&Dpc);
}

static VOID NTAPI NeverRun(PKDPC Object, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Object);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
}

/* ---- all of them ----------------------------------------------------------------------------- */

typedef struct _AT_LEVEL {
    KIRQL Level;
    BOOLEAN (*Call)(VOID);
    PCSTR Name;
} AT_LEVEL;

VOID CheckLevels(VOID)
{
    static const AT_LEVEL calls[] = {
        {APC_LEVEL, Regions, "at APC_LEVEL critical and guarded regions are entered and left"},
        {APC_LEVEL, GuardedMutex, "at APC_LEVEL guarded mutexes are acquired and released"},
        {APC_LEVEL, NmiCallback, "at APC_LEVEL NMI callbacks are registered and deregistered"},
        {APC_LEVEL, Waits, "at APC_LEVEL threads wait"},
        {DISPATCH_LEVEL, States, "at DISPATCH_LEVEL states are read"},
        {DISPATCH_LEVEL, Release, "at DISPATCH_LEVEL a semaphore is released"},
        {DISPATCH_LEVEL, Timers, "at DISPATCH_LEVEL timers are set and cancelled"},
        {HIGH_LEVEL, Counts, "at HIGH_LEVEL processors and nodes are counted"},
        {HIGH_LEVEL, Dpcs, "at HIGH_LEVEL DPCs get importance and target, and are removed"},
    };
    KIRQL irql, after;
    BOOLEAN passed;
    ULONG i;

    KeInitializeEvent(&Event, SynchronizationEvent, FALSE);
    KeInitializeMutex(&Mutex, 0);
    KeInitializeSemaphore(&Semaphore, 0, 1);
    KeInitializeTimer(&Timer);
    KeInitializeGuardedMutex(&Guarded);
    KeInitializeDpc(&Dpc, NeverRun, NULL);
    for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        KeRaiseIrql(calls[i].Level, &irql);
        passed = calls[i].Call();
        after = KeGetCurrentIrql();
        KeLowerIrql(irql);
        Expect(passed && after == calls[i].Level, calls[i].Name);
    }
}
