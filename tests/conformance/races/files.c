/*
 * files.c - requests by handle: their end against the close of the file and the end of the thread.
 */
#include "races.h"

#define DEVICE_NAME L"\\Device\\races-file"
#define ROUNDS 40
#define REQUESTS 4
#define MARK 0x5A
#define END_MS 60000

/* What one request's sender sees. */
typedef struct _SENT {
    IO_STATUS_BLOCK Block;
    UCHAR Bytes[8];
    volatile LONG Told; /* calls of its APC routine, which every other request has */
} SENT, *PSENT;

#define TELLS(Index) ((Index) % 2 != 0)

typedef struct _FILE_RACE {
    RACE_CSQ Csq;
    PDEVICE_OBJECT Device;
    PDRIVER_DISPATCH Saved[IRP_MJ_MAXIMUM_FUNCTION + 1];
    volatile LONG Opens, Closes;
    volatile LONG Sent, Ended; /* by the driver */
    volatile LONG Served, Canceled, Wrong;
    volatile LONG Senders;
} FILE_RACE, *PFILE_RACE;

static FILE_RACE FileRace;

/* ---- the driver's side ----------------------------------------------------------------------- */

static VOID End(PIRP Irp, NTSTATUS Status)
{
    if (NT_SUCCESS(Status))
        RtlFillMemory(Irp->AssociatedIrp.SystemBuffer, 8, 8);
    InterlockedIncrement(&FileRace.Ended);
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = NT_SUCCESS(Status) ? 8 : 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

static VOID NTAPI Insert(PIO_CSQ Csq, PIRP Irp)
{
    InsertTailList(&CONTAINING_RECORD(Csq, RACE_CSQ, Queue)->Head, &Irp->Tail.Overlay.ListEntry);
}

/* Context: of that file, or any. */
static PIRP NTAPI Next(PIO_CSQ Csq, PIRP Irp, PVOID Context)
{
    do
        Irp = RaceCsqNext(Csq, Irp, NULL);
    while (Irp != NULL && Context != NULL &&
           IoGetCurrentIrpStackLocation(Irp)->FileObject != Context);
    return Irp;
}

static VOID NTAPI CompleteCanceled(PIO_CSQ Csq, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Csq);
    End(Irp, STATUS_CANCELLED);
}

static NTSTATUS NTAPI Dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    PIRP left;

    if (DeviceObject != FileRace.Device)
        return FileRace.Saved[stack->MajorFunction](DeviceObject, Irp);
    switch (stack->MajorFunction) {
    case IRP_MJ_READ:
        IoCsqInsertIrp(&FileRace.Csq.Queue, Irp, NULL);
        return STATUS_PENDING;
    case IRP_MJ_CLEANUP:
        while ((left = IoCsqRemoveNextIrp(&FileRace.Csq.Queue, stack->FileObject)) != NULL)
            End(left, STATUS_CANCELLED);
        break;
    case IRP_MJ_CLOSE:
        InterlockedIncrement(&FileRace.Closes);
        break;
    }
    RaceComplete(Irp, STATUS_SUCCESS);
    return STATUS_SUCCESS;
}

static const UCHAR Majors[] = {IRP_MJ_READ, IRP_MJ_CLEANUP, IRP_MJ_CLOSE};

static BOOLEAN Begin(VOID)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(DEVICE_NAME);
    ULONG i;

    RtlZeroMemory(&FileRace, sizeof(FileRace));
    KeInitializeSpinLock(&FileRace.Csq.Lock);
    InitializeListHead(&FileRace.Csq.Head);
    IoCsqInitialize(&FileRace.Csq.Queue, Insert, RaceCsqRemove, Next, RaceCsqLock, RaceCsqUnlock,
                    CompleteCanceled);
    if (!NT_SUCCESS(
            IoCreateDevice(TestDriver, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &FileRace.Device)))
        return FALSE;
    for (i = 0; i < sizeof(Majors); i++) {
        FileRace.Saved[Majors[i]] = TestDriver->MajorFunction[Majors[i]];
        TestDriver->MajorFunction[Majors[i]] = Dispatch;
    }
    FileRace.Device->Flags |= DO_BUFFERED_IO;
    FileRace.Device->Flags &= ~DO_DEVICE_INITIALIZING;
    return TRUE;
}

static VOID Finish(VOID)
{
    ULONG i;

    for (i = 0; i < sizeof(Majors); i++)
        TestDriver->MajorFunction[Majors[i]] = FileRace.Saved[Majors[i]];
    IoDeleteDevice(FileRace.Device);
}

/* ---- the racers' side ------------------------------------------------------------------------ */

static HANDLE Open(VOID)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(DEVICE_NAME);
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK block;
    HANDLE file = NULL;

    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE, NULL, NULL);
    if (NT_SUCCESS(ZwOpenFile(&file, GENERIC_READ | SYNCHRONIZE, &attributes, &block, 0, 0)))
        InterlockedIncrement(&FileRace.Opens);
    return file;
}

static VOID NTAPI Tell(PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, ULONG Reserved)
{
    PSENT sent = ApcContext;

    UNREFERENCED_PARAMETER(Reserved);
    if (IoStatusBlock != &sent->Block || IoStatusBlock->Status == (NTSTATUS)0x5A5A5A5A)
        InterlockedIncrement(&FileRace.Wrong);
    InterlockedIncrement(&sent->Told);
}

static VOID Send(PRACER Racer, HANDLE File, PSENT Sent)
{
    LARGE_INTEGER at = {{0}};
    ULONG i;

    for (i = 0; i < REQUESTS; i++) {
        RtlFillMemory(&Sent[i], sizeof(Sent[i]), MARK);
        Sent[i].Told = 0;
        InterlockedIncrement(&FileRace.Sent);
        if (ZwReadFile(File, NULL, TELLS(i) ? Tell : NULL, &Sent[i], &Sent[i].Block, Sent[i].Bytes,
                       8, &at, NULL) != STATUS_PENDING)
            InterlockedIncrement(&FileRace.Wrong);
        RacePause(Racer);
    }
}

/* A block is filled in once the driver has ended the request, whoever did, on any processor. */
static VOID Judge(PSENT Sent)
{
    volatile NTSTATUS *status;
    ULONG i, waited;

    for (i = 0; i < REQUESTS; i++) {
        status = &Sent[i].Block.Status;
        for (waited = 0;
             waited < END_MS && (*status == (NTSTATUS)0x5A5A5A5A || Sent[i].Told < TELLS(i));
             waited++)
            TestPause(1);
        if (Sent[i].Told != TELLS(i))
            InterlockedIncrement(&FileRace.Wrong);
        if (*status == STATUS_SUCCESS && Sent[i].Block.Information == 8 && Sent[i].Bytes[7] == 8)
            InterlockedIncrement(&FileRace.Served);
        else if (*status == STATUS_CANCELLED && Sent[i].Bytes[7] == MARK)
            InterlockedIncrement(&FileRace.Canceled);
        else
            InterlockedIncrement(&FileRace.Wrong);
    }
}

/* Ends with requests, while their blocks are still on its stack. */
static VOID SendAndEnd(PVOID Context)
{
    SENT sent[REQUESTS];

    Send(Context, ((PRACER)Context)->Shared, sent);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID SendInThread(PRACER Racer, HANDLE File)
{
    RACER sender = *Racer;
    TEST_THREAD thread;

    sender.Shared = File;
    if (TestThreadStart(&thread, Racer->Index % TestProcessors(), SendAndEnd, &sender))
        TestThreadJoin(&thread);
}

/* Racer 0 serves, the others send and close. */
static VOID FileRacer(PRACER Racer)
{
    SENT sent[REQUESTS];
    ULONG round;
    HANDLE file;
    PIRP irp;

    if (KeAreApcsDisabled())
        KeLeaveCriticalRegion(); /* that a system thread begins in */
    if (Racer->Index == 0) {
        while (FileRace.Senders < RACERS - 1) {
            RacePause(Racer);
            irp = IoCsqRemoveNextIrp(&FileRace.Csq.Queue, NULL);
            if (irp != NULL)
                End(irp, STATUS_SUCCESS);
            else
                TestPause(0);
        }
        return;
    }
    for (round = 0; round < ROUNDS && RaceGoesOn(Racer); round++) {
        file = Open();
        if (file == NULL) {
            InterlockedIncrement(&FileRace.Wrong);
            break;
        }
        Send(Racer, file, sent);
        if (round % 4 == 0)
            SendInThread(Racer, file);
        ZwClose(file);
        Judge(sent);
    }
    InterlockedIncrement(&FileRace.Senders);
}

VOID RaceFiles(VOID)
{
    ULONG waited;

    if (!Begin()) {
        Expect(FALSE, "the device for files can be made");
        return;
    }
    Race(FileRacer, &FileRace);
    for (waited = 0; FileRace.Closes < FileRace.Opens && waited < END_MS; waited++)
        TestPause(1);
    DbgPrint("# %u files, %u requests: %u served, %u canceled\n", (ULONG)FileRace.Opens,
             (ULONG)FileRace.Sent, (ULONG)FileRace.Served, (ULONG)FileRace.Canceled);
    Expect(FileRace.Wrong == 0 && FileRace.Ended == FileRace.Sent && FileRace.Served > 0,
           "a request by handle ends and tells once, by the driver, a close or its thread's end");
    Expect(IsListEmpty(&FileRace.Csq.Head) && FileRace.Closes == FileRace.Opens,
           "and each file is closed once they have ended");
    Finish();
}
