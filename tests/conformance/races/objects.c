/*
 * objects.c - DPCs, timers, events, semaphores, lists, work items: nothing lost, nothing twice.
 */
#include "races.h"

#define ROUNDS 500
#define TIMER_ROUNDS 60
#define LIST_ENTRIES 16

/* ---- a DPC, queued and removed by all -------------------------------------------------------- */

typedef struct _DPC_RACE {
    KDPC Dpc;
    volatile LONG Queued, Removed, Runs;
} DPC_RACE, *PDPC_RACE;

static VOID NTAPI CountRun(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    InterlockedIncrement(Context);
}

static VOID DpcRacer(PRACER Racer)
{
    PDPC_RACE race = Racer->Shared;
    ULONG i;
    KIRQL old;

    for (i = 0; i < ROUNDS; i++) {
        KeRaiseIrql(RaceRandom(Racer) & 0x100 ? DISPATCH_LEVEL : PASSIVE_LEVEL, &old);
        if (KeInsertQueueDpc(&race->Dpc, NULL, NULL))
            InterlockedIncrement(&race->Queued);
        RacePause(Racer);
        if (RaceRandom(Racer) & 0x100 && KeRemoveQueueDpc(&race->Dpc))
            InterlockedIncrement(&race->Removed);
        KeLowerIrql(old);
    }
}

static VOID RaceDpcs(VOID)
{
    static DPC_RACE race;

    race.Queued = race.Removed = race.Runs = 0;
    KeInitializeDpc(&race.Dpc, CountRun, (PVOID)&race.Runs);
    Race(DpcRacer, &race);
    KeFlushQueuedDpcs();
    ExpectEqual((ULONG)race.Queued, (ULONG)(race.Removed + race.Runs),
                "DPC-4, DPC-9 a queued DPC runs once or is removed, whoever comes first");
    KeInitializeThreadedDpc(&race.Dpc, CountRun, (PVOID)&race.Runs);
    race.Queued = race.Removed = race.Runs = 0;
    Race(DpcRacer, &race);
    KeFlushQueuedDpcs();
    ExpectEqual((ULONG)race.Queued, (ULONG)(race.Removed + race.Runs),
                "a queued threaded DPC runs once or is removed, whoever comes first");
}

/* ---- timers against their cancelling --------------------------------------------------------- */

typedef struct _TIMER_RACE {
    volatile LONG Wrong;
} TIMER_RACE, *PTIMER_RACE;

static VOID TimerRacer(PRACER Racer)
{
    PTIMER_RACE race = Racer->Shared;
    volatile LONG runs = 0;
    LONG expired = 0;
    LARGE_INTEGER due;
    KTIMER timer;
    KDPC dpc;
    ULONG i;

    KeInitializeTimer(&timer);
    KeInitializeDpc(&dpc, CountRun, (PVOID)&runs);
    for (i = 0; i < TIMER_ROUNDS; i++) {
        due.QuadPart = -(LONGLONG)(RaceRandom(Racer) >> 8 & 1023); /* to 0.1 ms */
        KeSetTimer(&timer, due, &dpc);
        KeStallExecutionProcessor(RaceRandom(Racer) >> 8 & 127);
        if (!KeCancelTimer(&timer))
            expired++;
        KeFlushQueuedDpcs();
        if (runs != expired)
            InterlockedIncrement(&race->Wrong);
    }
}

static VOID RaceTimers(VOID)
{
    static TIMER_RACE race;

    race.Wrong = 0;
    Race(TimerRacer, &race);
    ExpectEqual((ULONG)race.Wrong, 0, "DPC-36 a timer is cancelled or runs its DPC, never both");
}

/* ---- waits against signals ------------------------------------------------------------------- */

typedef struct _WAIT_RACE {
    KEVENT First, Second;
    KSEMAPHORE Semaphore;
    volatile LONG SetFirst, SetSecond, Released;
    volatile LONG GotFirst, GotSecond, GotSemaphore;
    volatile LONG Setting; /* racers that still signal */
} WAIT_RACE, *PWAIT_RACE;

static VOID Signal(PRACER Racer, PWAIT_RACE Race)
{
    switch (RaceRandom(Racer) >> 8 & 3) {
    case 0:
        if (KeSetEvent(&Race->First, IO_NO_INCREMENT, FALSE) == 0)
            InterlockedIncrement(&Race->SetFirst);
        break;
    case 1:
        if (KeSetEvent(&Race->Second, IO_NO_INCREMENT, FALSE) == 0)
            InterlockedIncrement(&Race->SetSecond);
        break;
    default:
        InterlockedIncrement(&Race->Released);
        KeReleaseSemaphore(&Race->Semaphore, IO_NO_INCREMENT, 1, FALSE);
    }
}

/* Any of the three, or both events at once; FALSE: timed out. */
static BOOLEAN TakeSome(PRACER Racer, PWAIT_RACE Race)
{
    PVOID objects[] = {&Race->First, &Race->Second, &Race->Semaphore};
    BOOLEAN both = (RaceRandom(Racer) & 0x100) != 0;
    LARGE_INTEGER timeout;
    NTSTATUS status;

    timeout.QuadPart = -(LONGLONG)(RaceRandom(Racer) >> 8 & 4095);
    status = KeWaitForMultipleObjects(both ? 2 : 3, objects, both ? WaitAll : WaitAny, Executive,
                                      KernelMode, FALSE, &timeout, NULL);
    if (status == STATUS_TIMEOUT)
        return FALSE;
    if (both || status == STATUS_WAIT_0)
        InterlockedIncrement(&Race->GotFirst);
    if (both || status == STATUS_WAIT_1)
        InterlockedIncrement(&Race->GotSecond);
    if (!both && status == STATUS_WAIT_2)
        InterlockedIncrement(&Race->GotSemaphore);
    return TRUE;
}

static VOID WaitRacer(PRACER Racer)
{
    PWAIT_RACE race = Racer->Shared;
    ULONG i;

    if (Racer->Index % 2 == 0) {
        for (i = 0; i < ROUNDS; i++) {
            Signal(Racer, race);
            RacePause(Racer);
        }
        InterlockedDecrement(&race->Setting);
        return;
    }
    while (TakeSome(Racer, race) || race->Setting > 0)
        continue;
}

static VOID RaceWaits(VOID)
{
    static WAIT_RACE race;

    RtlZeroMemory(&race, sizeof(race));
    KeInitializeEvent(&race.First, SynchronizationEvent, FALSE);
    KeInitializeEvent(&race.Second, SynchronizationEvent, FALSE);
    KeInitializeSemaphore(&race.Semaphore, 0, MAXLONG);
    race.Setting = RACERS / 2;
    Race(WaitRacer, &race);
    Expect(race.SetFirst == race.GotFirst + KeReadStateEvent(&race.First) &&
               race.SetSecond == race.GotSecond + KeReadStateEvent(&race.Second),
           "each signal of a synchronization event satisfies one wait, for any or for all");
    ExpectEqual((ULONG)race.Released,
                (ULONG)(race.GotSemaphore + KeReadStateSemaphore(&race.Semaphore)),
                "each count of a semaphore satisfies one wait");
}

/* ---- entries of a list that all push and pop ------------------------------------------------- */

typedef struct _ENTRY {
    SLIST_ENTRY Link;
    volatile LONG Holders;
} ENTRY, *PENTRY;

typedef struct _LIST_RACE {
    SLIST_HEADER List;
    ENTRY Entries[LIST_ENTRIES];
    volatile LONG Wrong;
} LIST_RACE, *PLIST_RACE;

/* Takes all that are there and pushes each back. */
static VOID FlushAndPush(PRACER Racer, PLIST_RACE Race)
{
    PSLIST_ENTRY link = InterlockedFlushSList(&Race->List), next;
    PENTRY entry;

    for (; link != NULL; link = next) {
        next = link->Next;
        entry = CONTAINING_RECORD(link, ENTRY, Link);
        if (InterlockedIncrement(&entry->Holders) != 1)
            InterlockedIncrement(&Race->Wrong);
        RacePause(Racer);
        InterlockedDecrement(&entry->Holders);
        InterlockedPushEntrySList(&Race->List, link);
    }
}

static VOID ListRacer(PRACER Racer)
{
    PLIST_RACE race = Racer->Shared;
    PSLIST_ENTRY link;
    PENTRY entry;
    ULONG i;

    for (i = 0; i < ROUNDS; i++) {
        if ((RaceRandom(Racer) & 0x1F00) == 0)
            FlushAndPush(Racer, race);
        link = InterlockedPopEntrySList(&race->List);
        if (link == NULL)
            continue;
        entry = CONTAINING_RECORD(link, ENTRY, Link);
        if (InterlockedIncrement(&entry->Holders) != 1)
            InterlockedIncrement(&race->Wrong);
        RacePause(Racer);
        InterlockedDecrement(&entry->Holders);
        InterlockedPushEntrySList(&race->List, link);
    }
}

static VOID RaceLists(VOID)
{
    static LIST_RACE race;
    ULONG i;

    race.Wrong = 0;
    InitializeSListHead(&race.List);
    for (i = 0; i < LIST_ENTRIES; i++)
        InterlockedPushEntrySList(&race.List, &race.Entries[i].Link);
    Race(ListRacer, &race);
    Expect(race.Wrong == 0 && ExQueryDepthSList(&race.List) == LIST_ENTRIES,
           "an entry popped or flushed from a sequenced list belongs to one, and none is lost");
}

/* ---- work items ------------------------------------------------------------------------------ */

typedef struct _WORK_RACE {
    volatile LONG Queued, Runs;
} WORK_RACE, *PWORK_RACE;

static VOID NTAPI CountWork(PVOID IoObject, PVOID Context, PIO_WORKITEM Item)
{
    UNREFERENCED_PARAMETER(IoObject);
    InterlockedIncrement(&((PWORK_RACE)Context)->Runs);
    IoFreeWorkItem(Item);
}

static VOID WorkRacer(PRACER Racer)
{
    PWORK_RACE race = Racer->Shared;
    PIO_WORKITEM item;
    ULONG i;

    for (i = 0; i < ROUNDS / 5; i++) {
        item = IoAllocateWorkItem(TestDevices->Self);
        if (item == NULL)
            continue;
        InterlockedIncrement(&race->Queued);
        IoQueueWorkItemEx(item, CountWork,
                          RaceRandom(Racer) & 0x100 ? DelayedWorkQueue : CriticalWorkQueue, race);
        RacePause(Racer);
    }
}

static VOID RaceWork(VOID)
{
    static WORK_RACE race;
    ULONG i;

    race.Queued = race.Runs = 0;
    Race(WorkRacer, &race);
    for (i = 0; i < 1000 && race.Runs < race.Queued; i++)
        TestPause(10);
    Expect(race.Queued > 0, "work items can be allocated while others run");
    ExpectEqual((ULONG)race.Runs, (ULONG)race.Queued, "each queued work item runs once");
}

VOID RaceObjects(VOID)
{
    RaceDpcs();
    RaceTimers();
    RaceWaits();
    RaceLists();
    RaceWork();
}
