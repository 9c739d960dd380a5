/*
 * packets.c - StartIo against cancel, removal by context against cancel, the parts of a master IRP
 * against one another.
 */
#include "races.h"

#define ROUNDS 30
#define IRPS 32
#define PARTS 16 /* a multiple of RACERS */

typedef struct _QUEUE_RACE {
    PDEVICE_OBJECT Device; /* of the StartIo race */
    BOOLEAN NonCancelable; /* in this round */
    PIRP volatile Serving; /* started, and not taken by a server yet */
    RACE_CSQ Csq;
    IO_CSQ_IRP_CONTEXT Contexts[IRPS];
    PIRP Irps[IRPS];
    volatile LONG Completions[IRPS]; /* of this round */
    volatile LONG Ended;             /* their sum */
    volatile LONG Meeting;
    LONG Wrong;
    LONG Canceled, Served; /* how the races ended */
} QUEUE_RACE, *PQUEUE_RACE;

static QUEUE_RACE Shared;

static NTSTATUS NTAPI NoteCompletion(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    InterlockedIncrement(Context);
    InterlockedIncrement(&Shared.Ended);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* The round's IRPs, each as if it had just been sent to the device. */
static VOID PrepareAll(PQUEUE_RACE Race)
{
    ULONG i;

    Race->Ended = 0;
    for (i = 0; i < IRPS; i++) {
        Race->Completions[i] = 0;
        IoReuseIrp(Race->Irps[i], STATUS_SUCCESS);
        IoSetCompletionRoutine(Race->Irps[i], NoteCompletion, (PVOID)&Race->Completions[i], TRUE,
                               TRUE, TRUE);
        IoSetNextIrpStackLocation(Race->Irps[i]);
        IoGetCurrentIrpStackLocation(Race->Irps[i])->DeviceObject = Race->Device;
    }
}

static VOID JudgeAll(PQUEUE_RACE Race)
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

static BOOLEAN Begin(PQUEUE_RACE Race, PDEVICE_OBJECT Device)
{
    BOOLEAN complete = TRUE;
    ULONG i;

    RtlZeroMemory(Race, sizeof(*Race));
    Race->Device = Device;
    for (i = 0; i < IRPS; i++) {
        Race->Irps[i] = IoAllocateIrp(2, FALSE);
        complete = complete && Race->Irps[i] != NULL;
    }
    return complete;
}

static VOID End(PQUEUE_RACE Race, BOOLEAN Complete, PCSTR Name)
{
    ULONG i;

    for (i = 0; i < IRPS; i++)
        if (Race->Irps[i] != NULL)
            IoFreeIrp(Race->Irps[i]);
    DbgPrint("# %u canceled, %u served\n", (ULONG)Race->Canceled, (ULONG)Race->Served);
    Expect(Complete && Race->Wrong == 0 && Race->Canceled + Race->Served == ROUNDS * IRPS, Name);
}

/* ---- StartIo --------------------------------------------------------------------------------- */

static VOID Next(PDEVICE_OBJECT Device)
{
    KIRQL irql;

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    IoStartNextPacket(Device, TRUE);
    KeLowerIrql(irql);
}

static VOID NTAPI CancelPacket(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (Irp == DeviceObject->CurrentIrp) {
        IoReleaseCancelSpinLock(Irp->CancelIrql);
        Next(DeviceObject);
    } else {
        KeRemoveEntryDeviceQueue(&DeviceObject->DeviceQueue, &Irp->Tail.Overlay.DeviceQueueEntry);
        IoReleaseCancelSpinLock(Irp->CancelIrql);
    }
    RaceComplete(Irp, STATUS_CANCELLED);
}

/* Whoever takes the cancel routine away completes the IRP and starts the next. */
static VOID NTAPI StartIo(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    BOOLEAN mine = Shared.NonCancelable;
    KIRQL irql;

    if (!mine) {
        IoAcquireCancelSpinLock(&irql);
        mine = Irp == DeviceObject->CurrentIrp && IoSetCancelRoutine(Irp, NULL) != NULL;
        IoReleaseCancelSpinLock(irql);
    }
    if (!mine)
        return;
    if (Irp->Cancel) {
        RaceComplete(Irp, STATUS_CANCELLED);
        IoStartNextPacket(DeviceObject, TRUE);
    } else if (InterlockedExchangePointer((PVOID *)&Shared.Serving, Irp) != NULL) {
        Shared.Wrong++; /* two were started at a time */
    }
}

/* The interrupt's part: the packet in service is done. */
static VOID Serve(PQUEUE_RACE Race)
{
    PIRP irp = InterlockedExchangePointer((PVOID *)&Race->Serving, NULL);

    if (irp == NULL)
        return;
    RaceComplete(irp, STATUS_SUCCESS);
    Next(Race->Device);
}

/* Racer 0 starts packets, by key or not, 1 and 2 cancel from either end, all serve. */
static VOID PacketRacer(PRACER Racer)
{
    PQUEUE_RACE race = Racer->Shared;
    ULONG round, i;

    for (round = 0; round < ROUNDS; round++) {
        if (Racer->Index == 0) {
            PrepareAll(race);
            race->NonCancelable = round % 3 == 2;
            IoSetStartIoAttributes(race->Device, round % 2 == 1, race->NonCancelable);
        }
        RaceMeet(&race->Meeting);
        for (i = 0; i < IRPS; i++) {
            ULONG key = RaceRandom(Racer) >> 8 & 3;

            RacePause(Racer);
            if (Racer->Index == 0)
                IoStartPacket(race->Device, race->Irps[i], key == 0 ? NULL : &key, CancelPacket);
            else if (Racer->Index == 1)
                IoCancelIrp(race->Irps[i]);
            else if (Racer->Index == 2)
                IoCancelIrp(race->Irps[IRPS - 1 - i]);
            Serve(race);
        }
        while (race->Ended < IRPS) {
            Serve(race);
            TestPause(0);
        }
        RaceMeet(&race->Meeting);
        if (Racer->Index == 0) {
            JudgeAll(race);
            race->Wrong += race->Device->CurrentIrp != NULL || race->Device->DeviceQueue.Busy;
        }
    }
}

static VOID RaceStartIo(VOID)
{
    PDEVICE_OBJECT device;
    BOOLEAN complete;

    if (!NT_SUCCESS(IoCreateDevice(TestDriver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device))) {
        Expect(FALSE, "a device can be created");
        return;
    }
    TestDriver->DriverStartIo = StartIo;
    complete = Begin(&Shared, device);
    if (complete)
        Race(PacketRacer, &Shared);
    End(&Shared, complete, "a packet is started one at a time, and canceled or served, once");
    IoDeleteDevice(device);
}

/* ---- cancel-safe queues with contexts -------------------------------------------------------- */

static NTSTATUS NTAPI InsertIrp(PIO_CSQ Csq, PIRP Irp, PVOID Context)
{
    PRACE_CSQ race = CONTAINING_RECORD(Csq, RACE_CSQ, Queue);

    if (Context != NULL)
        InsertHeadList(&race->Head, &Irp->Tail.Overlay.ListEntry);
    else
        InsertTailList(&race->Head, &Irp->Tail.Overlay.ListEntry);
    return STATUS_SUCCESS;
}

/* Racer 0 queues before the race; then 0 removes the next, 1 and 2 cancel, 3 removes by context. */
static VOID ContextRacer(PRACER Racer)
{
    PQUEUE_RACE race = Racer->Shared;
    ULONG round, i;

    for (round = 0; round < ROUNDS; round++) {
        if (Racer->Index == 0) {
            PrepareAll(race);
            for (i = 0; i < IRPS; i++)
                IoCsqInsertIrpEx(&race->Csq.Queue, race->Irps[i], &race->Contexts[i],
                                 i % 2 == 0 ? NULL : race);
        }
        RaceMeet(&race->Meeting);
        for (i = 0; i < IRPS; i++) {
            PIRP irp = NULL;

            RacePause(Racer);
            if (Racer->Index == 0)
                irp = IoCsqRemoveNextIrp(&race->Csq.Queue, NULL);
            else if (Racer->Index == 3)
                irp = IoCsqRemoveIrp(&race->Csq.Queue, &race->Contexts[i * 7 % IRPS]);
            else
                IoCancelIrp(race->Irps[Racer->Index == 1 ? i : IRPS - 1 - i]);
            if (irp != NULL)
                RaceComplete(irp, STATUS_SUCCESS);
        }
        RaceMeet(&race->Meeting);
        if (Racer->Index == 0) {
            JudgeAll(race);
            for (i = 0; i < IRPS; i++)
                race->Wrong += race->Contexts[i].Irp != NULL;
            race->Wrong += !IsListEmpty(&race->Csq.Head);
        }
    }
}

static VOID RaceContexts(VOID)
{
    BOOLEAN complete = Begin(&Shared, TestDevices->Self);

    KeInitializeSpinLock(&Shared.Csq.Lock);
    InitializeListHead(&Shared.Csq.Head);
    IoCsqInitializeEx(&Shared.Csq.Queue, InsertIrp, RaceCsqRemove, RaceCsqNext, RaceCsqLock,
                      RaceCsqUnlock, RaceCsqCompleteCanceled);
    if (complete)
        Race(ContextRacer, &Shared);
    End(&Shared, complete,
        "an IRP with a context is canceled, or removed by it or as the next, once");
}

/* ---- associated IRPs ------------------------------------------------------------------------- */

/* The master is the first of the race's IRPs; its parts are completed by all racers at once. */
static PIRP Parts[PARTS];

static VOID PartRacer(PRACER Racer)
{
    PQUEUE_RACE race = Racer->Shared;
    PIRP master = race->Irps[0];
    ULONG round, i;

    for (round = 0; round < ROUNDS; round++) {
        if (Racer->Index == 0) {
            PrepareAll(race);
            master->AssociatedIrp.IrpCount = PARTS;
            master->IoStatus.Status = STATUS_SUCCESS;
            for (i = 0; i < PARTS; i++) {
                Parts[i] = IoMakeAssociatedIrp(master, 1);
                if (Parts[i] != NULL)
                    IoSetNextIrpStackLocation(Parts[i]);
                else
                    race->Wrong++;
            }
        }
        RaceMeet(&race->Meeting);
        for (i = Racer->Index; i < PARTS; i += RACERS) {
            RacePause(Racer);
            if (race->Completions[0] != 0)
                InterlockedIncrement(&race->Wrong); /* before this part */
            if (Parts[i] != NULL)
                RaceComplete(Parts[i], STATUS_SUCCESS);
        }
        RaceMeet(&race->Meeting);
        if (Racer->Index == 0)
            race->Wrong += race->Completions[0] != 1;
    }
}

static VOID RaceParts(VOID)
{
    BOOLEAN complete = Begin(&Shared, TestDevices->Self);
    ULONG i;

    if (complete)
        Race(PartRacer, &Shared);
    for (i = 0; i < IRPS; i++)
        if (Shared.Irps[i] != NULL)
            IoFreeIrp(Shared.Irps[i]);
    Expect(complete && Shared.Wrong == 0,
           "the last of a master's parts completes it, once, whichever that is");
}

VOID RacePackets(VOID)
{
    RaceStartIo();
    RaceContexts();
    RaceParts();
}
