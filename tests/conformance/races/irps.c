/*
 * irps.c - cancel against completion, remove against I/O.
 *
 * The IRPs are the driver's own (IoAllocateIrp): it plays the device below them, too, by making
 * their next stack location the current one, as IoCallDriver would.
 */
#include "races.h"

#define ROUNDS 30
#define IRPS 32
#define REMOVALS 20

typedef struct _IRP_RACE {
    RACE_CSQ Csq;
    PIRP Irps[IRPS];
    volatile LONG Completions[IRPS]; /* of this round */
    volatile LONG Meeting;
    LONG Wrong;
    LONG Canceled, Served; /* how the races ended */
} IRP_RACE, *PIRP_RACE;

static VOID NTAPI InsertIrp(PIO_CSQ Csq, PIRP Irp)
{
    PRACE_CSQ race = CONTAINING_RECORD(Csq, RACE_CSQ, Queue);

    InsertTailList(&race->Head, &Irp->Tail.Overlay.ListEntry);
}

VOID NTAPI RaceCsqRemove(PIO_CSQ Csq, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Csq);
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
}

PIRP NTAPI RaceCsqNext(PIO_CSQ Csq, PIRP Irp, PVOID Context)
{
    PRACE_CSQ race = CONTAINING_RECORD(Csq, RACE_CSQ, Queue);
    PLIST_ENTRY next = Irp != NULL ? Irp->Tail.Overlay.ListEntry.Flink : race->Head.Flink;

    UNREFERENCED_PARAMETER(Context);
    return next != &race->Head ? CONTAINING_RECORD(next, IRP, Tail.Overlay.ListEntry) : NULL;
}

VOID NTAPI RaceCsqLock(PIO_CSQ Csq, PKIRQL Irql)
{
    KeAcquireSpinLock(&CONTAINING_RECORD(Csq, RACE_CSQ, Queue)->Lock, Irql);
}

VOID NTAPI RaceCsqUnlock(PIO_CSQ Csq, KIRQL Irql)
{
    KeReleaseSpinLock(&CONTAINING_RECORD(Csq, RACE_CSQ, Queue)->Lock, Irql);
}

VOID RaceComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

VOID NTAPI RaceCsqCompleteCanceled(PIO_CSQ Csq, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Csq);
    RaceComplete(Irp, STATUS_CANCELLED);
}

static NTSTATUS NTAPI NoteCompletion(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    InterlockedIncrement(Context);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static VOID QueueAll(PIRP_RACE Race)
{
    ULONG i;

    for (i = 0; i < IRPS; i++) {
        PIRP irp = Race->Irps[i];

        Race->Completions[i] = 0;
        IoReuseIrp(irp, STATUS_SUCCESS);
        IoSetCompletionRoutine(irp, NoteCompletion, (PVOID)&Race->Completions[i], TRUE, TRUE, TRUE);
        IoSetNextIrpStackLocation(irp);
        IoCsqInsertIrp(&Race->Csq.Queue, irp, NULL);
    }
}

static VOID JudgeAll(PIRP_RACE Race)
{
    ULONG i;

    for (i = 0; i < IRPS; i++) {
        if (Race->Completions[i] != 1)
            Race->Wrong++;
        else if (Race->Irps[i]->IoStatus.Status == STATUS_CANCELLED)
            Race->Canceled++;
        else
            Race->Served++;
    }
}

/* Racer 0 queues and serves, 1 and 2 cancel from either end, 3 serves. */
static VOID IrpRacer(PRACER Racer)
{
    PIRP_RACE race = Racer->Shared;
    ULONG round, i;
    PIRP irp;

    for (round = 0; round < ROUNDS; round++) {
        if (Racer->Index == 0)
            QueueAll(race);
        RaceMeet(&race->Meeting);
        for (i = 0; i < IRPS; i++) {
            RacePause(Racer);
            if (Racer->Index == 1)
                IoCancelIrp(race->Irps[i]);
            else if (Racer->Index == 2)
                IoCancelIrp(race->Irps[IRPS - 1 - i]);
            else if ((irp = IoCsqRemoveNextIrp(&race->Csq.Queue, NULL)) != NULL)
                RaceComplete(irp, STATUS_SUCCESS);
        }
        RaceMeet(&race->Meeting);
        if (Racer->Index == 0)
            JudgeAll(race);
    }
}

static VOID RaceCancel(VOID)
{
    static IRP_RACE race;
    BOOLEAN complete = TRUE;
    ULONG i;

    RtlZeroMemory(&race, sizeof(race));
    KeInitializeSpinLock(&race.Csq.Lock);
    InitializeListHead(&race.Csq.Head);
    IoCsqInitialize(&race.Csq.Queue, InsertIrp, RaceCsqRemove, RaceCsqNext, RaceCsqLock,
                    RaceCsqUnlock, RaceCsqCompleteCanceled);
    for (i = 0; i < IRPS; i++) {
        race.Irps[i] = IoAllocateIrp(2, FALSE);
        complete = complete && race.Irps[i] != NULL;
    }
    if (complete)
        Race(IrpRacer, &race);
    for (i = 0; i < IRPS; i++)
        if (race.Irps[i] != NULL)
            IoFreeIrp(race.Irps[i]);
    DbgPrint("# %u canceled, %u served\n", (ULONG)race.Canceled, (ULONG)race.Served);
    Expect(complete && race.Wrong == 0 && race.Canceled + race.Served == ROUNDS * IRPS,
           "an IRP is canceled or completed, once, whoever comes first");
    Expect(IsListEmpty(&race.Csq.Head), "a queue is empty when its IRPs have been completed");
}

/* ---- remove locks and rundown protection ----------------------------------------------------- */

typedef struct _REMOVAL {
    IO_REMOVE_LOCK Lock;
    EX_RUNDOWN_REF Rundown;
    BOOLEAN UseRundown;
    volatile LONG Gone;  /* the waiter has returned */
    volatile LONG Wrong; /* somebody was inside after that */
    volatile LONG Entries;
} REMOVAL, *PREMOVAL;

static BOOLEAN Enter(PREMOVAL Removal, PRACER Racer)
{
    if (Removal->UseRundown)
        return ExAcquireRundownProtection(&Removal->Rundown);
    return NT_SUCCESS(IoAcquireRemoveLock(&Removal->Lock, Racer));
}

static VOID Leave(PREMOVAL Removal, PRACER Racer)
{
    if (Removal->UseRundown)
        ExReleaseRundownProtection(&Removal->Rundown);
    else
        IoReleaseRemoveLock(&Removal->Lock, Racer);
}

static VOID RemovalRacer(PRACER Racer)
{
    PREMOVAL removal = Racer->Shared;

    if (Racer->Index == 0) {
        KeStallExecutionProcessor(RaceRandom(Racer) >> 8 & 63);
        if (removal->UseRundown)
            ExWaitForRundownProtectionRelease(&removal->Rundown);
        else if (NT_SUCCESS(IoAcquireRemoveLock(&removal->Lock, removal)))
            IoReleaseRemoveLockAndWait(&removal->Lock, removal);
        InterlockedExchange(&removal->Gone, 1);
        return;
    }
    while (Enter(removal, Racer)) {
        InterlockedIncrement(&removal->Entries);
        RacePause(Racer);
        if (removal->Gone)
            InterlockedIncrement(&removal->Wrong);
        Leave(removal, Racer);
    }
}

static VOID RaceRemoval(BOOLEAN UseRundown, PCSTR Name)
{
    LONG entries = 0, wrong = 0;
    ULONG i;

    for (i = 0; i < REMOVALS; i++) {
        PREMOVAL removal = ExAllocatePoolWithTag(NonPagedPool, sizeof(*removal), TEST_TAG);

        if (removal == NULL) {
            wrong++;
            continue;
        }
        RtlZeroMemory(removal, sizeof(*removal));
        removal->UseRundown = UseRundown;
        IoInitializeRemoveLock(&removal->Lock, TEST_TAG, 0, 0);
        ExInitializeRundownProtection(&removal->Rundown);
        Race(RemovalRacer, removal);
        entries += removal->Entries;
        wrong += removal->Wrong + !removal->Gone;
        ExFreePoolWithTag(removal, TEST_TAG);
    }
    DbgPrint("# %u entries in %u removals\n", (ULONG)entries, (ULONG)REMOVALS);
    Expect(wrong == 0 && entries > 0, Name);
}

VOID RaceIrps(VOID)
{
    RaceCancel();
    RaceRemoval(FALSE, "nobody holds a remove lock once its removal has waited");
    RaceRemoval(TRUE, "nobody holds rundown protection once its rundown has waited");
}
