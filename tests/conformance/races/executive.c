/*
 * executive.c - readers that become writers, pulses against waits, EX_TIMERs against their
 * cancelling, device queues that all insert into and serve.
 */
#include "races.h"

#define ROUNDS 400
#define TIMER_ROUNDS 40
#define PULSE_ROUNDS 60

/* What mingw-w64 does not declare, or not import. */
typedef VOID(NTAPI *PCHANGE_LOCK)(PLONG Lock);
typedef ULONG(NTAPI *PTRY_LOCK)(PLONG Lock);
typedef struct _EX_TIMER *PTIMER;
typedef PTIMER(NTAPI *PALLOCATE_TIMER)(VOID(NTAPI *Callback)(PTIMER, PVOID), PVOID Context,
                                       ULONG Attributes);
typedef BOOLEAN(NTAPI *PSET_TIMER)(PTIMER Timer, LONGLONG DueTime, LONGLONG Period,
                                   PVOID Parameters);
typedef BOOLEAN(NTAPI *PCANCEL_TIMER)(PTIMER Timer, PVOID Parameters);
typedef BOOLEAN(NTAPI *PDELETE_TIMER)(PTIMER Timer, BOOLEAN Cancel, BOOLEAN Wait, PVOID Parameters);

/* ---- a reader becomes the writer ------------------------------------------------------------- */

static PCHANGE_LOCK AcquireShared, AcquireExclusive, ReleaseShared, ReleaseExclusive;
static PTRY_LOCK TryShared, TryExclusive, TryConvert;

typedef struct _CONVERT_RACE {
    LONG Lock;                   /* an EX_SPIN_LOCK */
    volatile LONG First, Second; /* equal whenever no writer has the lock */
    volatile LONG Writes, Torn;
} CONVERT_RACE, *PCONVERT_RACE;

static VOID WriteBoth(PRACER Racer, PCONVERT_RACE Race)
{
    if (Race->First != Race->Second)
        InterlockedIncrement(&Race->Torn);
    Race->First++;
    RacePause(Racer);
    Race->Second++;
    InterlockedIncrement(&Race->Writes);
    ReleaseExclusive(&Race->Lock);
}

static VOID ReadThenConvert(PRACER Racer, PCONVERT_RACE Race)
{
    if (Race->First != Race->Second)
        InterlockedIncrement(&Race->Torn);
    RacePause(Racer);
    if (TryConvert(&Race->Lock))
        WriteBoth(Racer, Race);
    else
        ReleaseShared(&Race->Lock);
}

static VOID ConvertRacer(PRACER Racer)
{
    PCONVERT_RACE race = Racer->Shared;
    KIRQL irql;
    ULONG i;

    for (i = 0; i < ROUNDS; i++) {
        KeRaiseIrql(DISPATCH_LEVEL, &irql);
        switch (RaceRandom(Racer) >> 8 & 7) {
        case 0:
            AcquireExclusive(&race->Lock);
            WriteBoth(Racer, race);
            break;
        case 1:
            if (TryExclusive(&race->Lock))
                WriteBoth(Racer, race);
            break;
        case 2:
            if (TryShared(&race->Lock))
                ReadThenConvert(Racer, race);
            break;
        default:
            AcquireShared(&race->Lock);
            ReadThenConvert(Racer, race);
        }
        KeLowerIrql(irql);
    }
}

static VOID RaceConverts(VOID)
{
    static CONVERT_RACE race;

    AcquireShared = (PCHANGE_LOCK)TestRoutine(L"ExAcquireSpinLockSharedAtDpcLevel");
    AcquireExclusive = (PCHANGE_LOCK)TestRoutine(L"ExAcquireSpinLockExclusiveAtDpcLevel");
    ReleaseShared = (PCHANGE_LOCK)TestRoutine(L"ExReleaseSpinLockSharedFromDpcLevel");
    ReleaseExclusive = (PCHANGE_LOCK)TestRoutine(L"ExReleaseSpinLockExclusiveFromDpcLevel");
    TryShared = (PTRY_LOCK)TestRoutine(L"ExTryAcquireSpinLockSharedAtDpcLevel");
    TryExclusive = (PTRY_LOCK)TestRoutine(L"ExTryAcquireSpinLockExclusiveAtDpcLevel");
    TryConvert = (PTRY_LOCK)TestRoutine(L"ExTryConvertSharedSpinLockExclusive");
    RtlZeroMemory(&race, sizeof(race));
    Race(ConvertRacer, &race);
    Expect(race.Torn == 0 && race.First == race.Writes && race.Second == race.Writes,
           "a reader that ExTryConvertSharedSpinLockExclusive makes the writer is alone");
    ExpectEqual((ULONG)race.Lock, 0, "in the end the reader-writer spin lock is free");
}

/* ---- pulses ---------------------------------------------------------------------------------- */

typedef struct _PULSE_RACE {
    KEVENT Event;
    volatile LONG Pulses, Got, Waiters;
} PULSE_RACE, *PPULSE_RACE;

static VOID PulseRacer(PRACER Racer)
{
    PPULSE_RACE race = Racer->Shared;
    LARGE_INTEGER timeout;
    ULONG got = 0;

    if (Racer->Index % 2 == 0) {
        while (race->Waiters != 0) {
            InterlockedIncrement(&race->Pulses);
            KePulseEvent(&race->Event, IO_NO_INCREMENT, FALSE);
            RacePause(Racer);
            if ((RaceRandom(Racer) & 0x700) == 0)
                TestPause(0); /* where one processor is shared, waiters come to wait again */
        }
        return;
    }
    while (got < PULSE_ROUNDS) {
        timeout.QuadPart = -(LONGLONG)(RaceRandom(Racer) >> 8 & 0x3FFF);
        if (KeWaitForSingleObject(&race->Event, Executive, KernelMode, FALSE, &timeout) ==
            STATUS_SUCCESS) {
            InterlockedIncrement(&race->Got);
            got++;
        }
    }
    InterlockedDecrement(&race->Waiters);
}

static VOID RacePulses(VOID)
{
    static PULSE_RACE race;

    RtlZeroMemory(&race, sizeof(race));
    KeInitializeEvent(&race.Event, SynchronizationEvent, FALSE);
    race.Waiters = RACERS / 2;
    Race(PulseRacer, &race);
    Expect(race.Got == RACERS / 2 * PULSE_ROUNDS && race.Got <= race.Pulses &&
               KeReadStateEvent(&race.Event) == 0,
           "a pulse of a synchronization event satisfies one wait at most, and none later");
}

/* ---- timers ---------------------------------------------------------------------------------- */

static PALLOCATE_TIMER AllocateTimer;
static PSET_TIMER SetTimer;
static PCANCEL_TIMER CancelTimer;
static PDELETE_TIMER DeleteTimer;

static VOID NTAPI CountExpiry(PTIMER Timer, PVOID Context)
{
    UNREFERENCED_PARAMETER(Timer);
    InterlockedIncrement(Context);
}

static LONGLONG Soon(PRACER Racer)
{
    return -(LONGLONG)(RaceRandom(Racer) >> 8 & 1023) - 1; /* to 0.1 ms */
}

static VOID ExTimerRacer(PRACER Racer)
{
    volatile LONG *wrong = Racer->Shared;
    volatile LONG runs = 0, last;
    LONG expired = 0;
    PTIMER timer = AllocateTimer(CountExpiry, (PVOID)&runs, 0);
    ULONG i;

    for (i = 0; i < TIMER_ROUNDS && timer != NULL; i++) {
        SetTimer(timer, Soon(Racer), 0, NULL);
        KeStallExecutionProcessor(RaceRandom(Racer) >> 8 & 127);
        if (!CancelTimer(timer, NULL))
            expired++;
        KeFlushQueuedDpcs();
        if (runs != expired)
            InterlockedIncrement(wrong);
    }
    for (i = 0; i < TIMER_ROUNDS && timer != NULL; i++) {
        SetTimer(timer, Soon(Racer), 1 + (RaceRandom(Racer) >> 8 & 1023), NULL);
        KeStallExecutionProcessor(RaceRandom(Racer) >> 8 & 127);
        if (!CancelTimer(timer, NULL)) /* a periodic timer stays set */
            InterlockedIncrement(wrong);
    }
    if (timer != NULL)
        DeleteTimer(timer, TRUE, TRUE, NULL);
    for (i = 0; i < TIMER_ROUNDS; i++) {
        last = 0;
        timer = AllocateTimer(CountExpiry, (PVOID)&last, 0);
        if (timer == NULL)
            break;
        SetTimer(timer, Soon(Racer), 0, NULL);
        KeStallExecutionProcessor(RaceRandom(Racer) >> 8 & 127);
        expired = DeleteTimer(timer, TRUE, TRUE, NULL) ? 0 : 1;
        if (last != expired)
            InterlockedIncrement(wrong);
    }
}

static VOID RaceExTimers(VOID)
{
    static volatile LONG wrong;

    AllocateTimer = (PALLOCATE_TIMER)TestRoutine(L"ExAllocateTimer");
    SetTimer = (PSET_TIMER)TestRoutine(L"ExSetTimer");
    CancelTimer = (PCANCEL_TIMER)TestRoutine(L"ExCancelTimer");
    DeleteTimer = (PDELETE_TIMER)TestRoutine(L"ExDeleteTimer");
    wrong = 0;
    Race(ExTimerRacer, (PVOID)&wrong);
    ExpectEqual((ULONG)wrong, 0,
                "ExCancelTimer and ExDeleteTimer cancel a timer or it calls back, never both, and "
                "not after ExDeleteTimer has waited");
}

/* ---- device queues --------------------------------------------------------------------------- */

#define OWN_ENTRIES 8

typedef struct _QUEUE_ENTRY {
    KDEVICE_QUEUE_ENTRY Entry;
    volatile LONG InFlight;
} QUEUE_ENTRY, *PQUEUE_ENTRY;

typedef struct _QUEUE_RACE {
    KDEVICE_QUEUE Queue;
    QUEUE_ENTRY Entries[RACERS][OWN_ENTRIES];
    volatile LONG Inserted, Served, Wrong;
} QUEUE_RACE, *PQUEUE_RACE;

static VOID Serve(PQUEUE_RACE Race, PKDEVICE_QUEUE_ENTRY Entry)
{
    if (InterlockedExchange(&CONTAINING_RECORD(Entry, QUEUE_ENTRY, Entry)->InFlight, 0) != 1)
        InterlockedIncrement(&Race->Wrong);
    InterlockedIncrement(&Race->Served);
}

static VOID ServeAll(PRACER Racer, PQUEUE_RACE Race)
{
    PKDEVICE_QUEUE_ENTRY entry;

    while ((entry = KeRemoveByKeyDeviceQueueIfBusy(&Race->Queue, RaceRandom(Racer) >> 8 & 15)) !=
           NULL) {
        RacePause(Racer);
        Serve(Race, entry);
    }
}

static VOID QueueRacer(PRACER Racer)
{
    PQUEUE_RACE race = Racer->Shared;
    PQUEUE_ENTRY entry;
    KIRQL irql;
    ULONG i;

    for (i = 0; i < ROUNDS; i++) {
        entry = &race->Entries[Racer->Index][i % OWN_ENTRIES];
        KeRaiseIrql(DISPATCH_LEVEL, &irql);
        if (InterlockedCompareExchange(&entry->InFlight, 1, 0) == 0) {
            InterlockedIncrement(&race->Inserted);
            /* Not queued: the queue was idle and this one serves it. */
            if (!KeInsertByKeyDeviceQueue(&race->Queue, &entry->Entry,
                                          RaceRandom(Racer) >> 8 & 15)) {
                RacePause(Racer);
                Serve(race, &entry->Entry);
                ServeAll(Racer, race);
            }
        }
        if ((RaceRandom(Racer) & 0x300) == 0)
            ServeAll(Racer, race);
        KeLowerIrql(irql);
    }
}

static VOID RaceQueues(VOID)
{
    static QUEUE_RACE race;

    RtlZeroMemory(&race, sizeof(race));
    KeInitializeDeviceQueue(&race.Queue);
    Race(QueueRacer, &race);
    Expect(race.Inserted > 0 && race.Served == race.Inserted && race.Wrong == 0 && !race.Queue.Busy,
           "who serves a device queue by KeRemoveByKeyDeviceQueueIfBusy gets each entry once");
}

VOID RaceExecutive(VOID)
{
    RaceConverts();
    RacePulses();
    RaceExTimers();
    RaceQueues();
}
