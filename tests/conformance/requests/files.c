/*
 * files.c - requests by handle: to a file that was not opened for synchronous I/O they end when the
 * driver ends them, to one that was they come one at a time. What a thread leaves is canceled.
 */
#include "requests.h"

#define DEVICE_NAME L"\\Device\\requests-file"
#define ACCESS (GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE)
#define MARK 0x5A
#define LONG_WAIT_MS 60000
#define IOCTL_COPY CTL_CODE(FILE_DEVICE_UNKNOWN, 0xA10, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_DIRECT CTL_CODE(FILE_DEVICE_UNKNOWN, 0xA11, METHOD_OUT_DIRECT, FILE_ANY_ACCESS)

PDEVICE_OBJECT FileDevice;
static PDRIVER_DISPATCH Saved[IRP_MJ_MAXIMUM_FUNCTION + 1];
BOOLEAN FileAtOnce;         /* requests are completed when they come, */
static NTSTATUS AtOnceWith; /* with this */
static BOOLEAN EndCleanup;  /* and those that are held by IRP_MJ_CLEANUP */
static volatile LONG Cleanups, Closes;
static volatile LONG Canceled;

/* One request, as its sender sees it. */
typedef struct _SENT {
    HANDLE File;
    HANDLE Event; /* or NULL */
    IO_STATUS_BLOCK Block;
    UCHAR Bytes[FILE_LENGTH];
    NTSTATUS Status;
    volatile LONG Returned;
} SENT, *PSENT;

/* ---- the driver's side ----------------------------------------------------------------------- */

static VOID Finish(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = NT_SUCCESS(Status) ? FILE_LENGTH : 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

/* The oldest held one; what it reads is 1, 2, 3, ... */
static VOID EndHeld(NTSTATUS Status)
{
    PIRP irp = Held[0];
    PUCHAR bytes = irp->AssociatedIrp.SystemBuffer;
    ULONG i;

    for (i = 0; i < FILE_LENGTH && (irp->Flags & IRP_INPUT_OPERATION) != 0; i++)
        bytes[i] = (UCHAR)(i + 1);
    HeldCount--;
    for (i = 0; i < HeldCount; i++)
        Held[i] = Held[i + 1];
    Finish(irp, Status);
}

static VOID NTAPI CancelHeld(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    InterlockedIncrement(&Canceled);
    if (HeldCount != 0 && Held[0] == Irp)
        EndHeld(STATUS_CANCELLED);
}

static NTSTATUS NTAPI Dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UCHAR major = IoGetCurrentIrpStackLocation(Irp)->MajorFunction;
    NTSTATUS status = STATUS_SUCCESS;

    if (DeviceObject != FileDevice)
        return Saved[major](DeviceObject, Irp);
    if (major == IRP_MJ_CLEANUP) {
        Cleanups++;
        while (EndCleanup && HeldCount != 0)
            EndHeld(STATUS_CANCELLED);
    } else if (major == IRP_MJ_CLOSE) {
        InterlockedIncrement(&Closes);
    } else if (major == IRP_MJ_SET_INFORMATION) {
        status = FileNoteSetting(Irp);
    } else if (!FileAtOnce) {
        return Saved[IRP_MJ_READ](DeviceObject, Irp);
    } else {
        status = AtOnceWith;
    }
    Finish(Irp, status);
    return status;
}

static const UCHAR Majors[] = {IRP_MJ_READ,           IRP_MJ_WRITE,
                               IRP_MJ_DEVICE_CONTROL, IRP_MJ_SET_INFORMATION,
                               IRP_MJ_CLEANUP,        IRP_MJ_CLOSE};

static BOOLEAN Begin(VOID)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(DEVICE_NAME);
    ULONG i;

    if (!NT_SUCCESS(
            IoCreateDevice(TestDriver, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &FileDevice)))
        return FALSE;
    for (i = 0; i < sizeof(Majors); i++) {
        Saved[Majors[i]] = TestDriver->MajorFunction[Majors[i]];
        TestDriver->MajorFunction[Majors[i]] = Dispatch;
    }
    HeldCount = 0;
    FileDevice->Flags |= DO_BUFFERED_IO;
    FileDevice->Flags &= ~DO_DEVICE_INITIALIZING;
    return TRUE;
}

/* ---- the sender's side ----------------------------------------------------------------------- */

HANDLE FileOpen(ULONG Options)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(DEVICE_NAME);
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK block;
    HANDLE file = NULL;

    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE, NULL, NULL);
    if (!NT_SUCCESS(ZwOpenFile(&file, ACCESS, &attributes, &block, 0, Options)))
        return NULL;
    return file;
}

static VOID Prepare(PSENT Sent, HANDLE File, HANDLE Event)
{
    RtlFillMemory(Sent, sizeof(*Sent), MARK);
    Sent->File = File;
    Sent->Event = Event;
    Sent->Returned = 0;
}

static VOID Read(PVOID Context)
{
    PSENT sent = Context;
    LARGE_INTEGER at = {{0}};

    sent->Status = ZwReadFile(sent->File, sent->Event, NULL, NULL, &sent->Block, sent->Bytes,
                              FILE_LENGTH, &at, NULL);
    InterlockedIncrement(&sent->Returned);
}

static BOOLEAN IsUntouched(PSENT Sent)
{
    return Sent->Block.Status == (NTSTATUS)0x5A5A5A5A && Sent->Bytes[0] == MARK;
}

static BOOLEAN HasRead(PSENT Sent)
{
    return Sent->Block.Status == STATUS_SUCCESS && Sent->Block.Information == FILE_LENGTH &&
           Sent->Bytes[0] == 1 && Sent->Bytes[FILE_LENGTH - 1] == FILE_LENGTH;
}

static NTSTATUS WaitFor(HANDLE Handle)
{
    LARGE_INTEGER now = {{0}};

    return ZwWaitForSingleObject(Handle, FALSE, &now);
}

static BOOLEAN WaitUntil(volatile LONG *Value, LONG Least)
{
    ULONG i;

    for (i = 0; *Value < Least && i < LONG_WAIT_MS; i++)
        TestPause(1);
    return *Value >= Least;
}

/* ---- cases ----------------------------------------------------------------------------------- */

static VOID CheckEvent(HANDLE File)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\BaseNamedObjects\\RequestsTestEvent");
    HANDLE event = NULL;
    PKEVENT object = IoCreateNotificationEvent(&name, &event);
    SENT sent;
    KIRQL irql;

    Prepare(&sent, File, event);
    Read(&sent);
    ExpectStatus(sent.Status, STATUS_PENDING,
                 "G-ZW-4 a read that the driver keeps is pending, if the file is not synchronous");
    Expect(object != NULL && KeReadStateEvent(object) == 0 && IsUntouched(&sent),
           "G-ZW-4 nothing is told before its end");
    Expect(WaitFor(File) == STATUS_TIMEOUT && HeldCount == 1,
           "G-ZW-4 the driver has it, and the file is not signaled");
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    EndHeld(STATUS_SUCCESS);
    KeLowerIrql(irql);
    Expect(HasRead(&sent), "G-ZW-4 the end, at DISPATCH_LEVEL, too, fills in block and buffer");
    Expect(object != NULL && KeReadStateEvent(object) != 0, "G-ZW-4 and signals the event");
    ExpectStatus(WaitFor(File), STATUS_TIMEOUT, "G-ZW-4 not the file, if there is an event");
    Prepare(&sent, File, event);
    Read(&sent);
    ZwClose(event);
    EndHeld(STATUS_SUCCESS);
    Expect(HasRead(&sent), "G-ZW-4 the event's handle may be closed before the end");
}

static VOID CheckEnds(HANDLE File)
{
    LARGE_INTEGER at = {{0}};
    SENT sent;

    Prepare(&sent, File, NULL);
    Read(&sent);
    ExpectStatus(WaitFor(File), STATUS_TIMEOUT, "G-ZW-4 without an event the file is reset");
    EndHeld(STATUS_SUCCESS);
    Expect(WaitFor(File) == STATUS_SUCCESS && HasRead(&sent), "G-ZW-4 and signaled at the end");
    Prepare(&sent, File, NULL);
    Read(&sent);
    EndHeld(STATUS_DEVICE_NOT_READY);
    Expect(sent.Block.Status == STATUS_DEVICE_NOT_READY && sent.Bytes[0] == MARK &&
               WaitFor(File) == STATUS_SUCCESS,
           "G-ZW-4 an error that comes later is the block's, and copies nothing");
    Prepare(&sent, File, NULL);
    ExpectStatus(
        ZwWriteFile(File, NULL, NULL, NULL, &sent.Block, sent.Bytes, FILE_LENGTH, &at, NULL),
        STATUS_PENDING, "G-ZW-5 a write that the driver keeps is pending, too");
    Expect(((PUCHAR)Held[0]->AssociatedIrp.SystemBuffer)[FILE_LENGTH - 1] == MARK,
           "G-ZW-5 the driver has its bytes");
    EndHeld(STATUS_SUCCESS);
    Expect(sent.Block.Status == STATUS_SUCCESS && sent.Block.Information == FILE_LENGTH,
           "G-ZW-5 its end is the block's");
    FileAtOnce = TRUE;
    Prepare(&sent, File, NULL);
    Read(&sent);
    Expect(sent.Status == STATUS_SUCCESS && sent.Block.Information == FILE_LENGTH &&
               WaitFor(File) == STATUS_SUCCESS,
           "G-ZW-4 one that the driver ends at once has ended when the call returns");
    FileAtOnce = FALSE;
}

static NTSTATUS Control(PSENT Sent, ULONG Code)
{
    return ZwDeviceIoControlFile(Sent->File, Sent->Event, NULL, NULL, &Sent->Block, Code, NULL, 0,
                                 Sent->Bytes, FILE_LENGTH);
}

static VOID CheckControls(HANDLE File)
{
    SENT sent, second;

    Prepare(&sent, File, NULL);
    Prepare(&second, File, NULL);
    ExpectStatus(Control(&sent, IOCTL_COPY), STATUS_PENDING,
                 "ZwDeviceIoControlFile does not wait, if the file is not synchronous");
    ExpectStatus(Control(&second, IOCTL_DIRECT), STATUS_PENDING,
                 "ZwDeviceIoControlFile: requests may be pending side by side");
    Expect(HeldCount == 2 && Held[1]->MdlAddress != NULL &&
               (Held[1]->MdlAddress->MdlFlags & MDL_PAGES_LOCKED) != 0,
           "ZwDeviceIoControlFile: a buffer by MDL is locked as long");
    EndHeld(STATUS_SUCCESS);
    Expect(HasRead(&sent) && IsUntouched(&second),
           "ZwDeviceIoControlFile: the end copies what is buffered");
    EndHeld(STATUS_SUCCESS);
    Expect(second.Block.Status == STATUS_SUCCESS && second.Block.Information == FILE_LENGTH,
           "ZwDeviceIoControlFile: each has an end of its own");
}

static VOID CheckClose(VOID)
{
    HANDLE file = FileOpen(0);
    LONG cleanups = Cleanups, closes = Closes;
    SENT sent;

    Prepare(&sent, file, NULL);
    Read(&sent);
    EndCleanup = TRUE;
    ZwClose(file);
    EndCleanup = FALSE;
    Expect(Cleanups == cleanups + 1 && sent.Block.Status == STATUS_CANCELLED,
           "G-ZW-3 IRP_MJ_CLEANUP comes while requests are pending, and can end them");
    Expect(WaitUntil(&Closes, closes + 1), "G-ZW-3 then IRP_MJ_CLOSE comes");
    file = FileOpen(0);
    Prepare(&sent, file, NULL);
    Read(&sent);
    ZwClose(file);
    TestPause(20);
    Expect(HeldCount == 1 && Cleanups == cleanups + 2 && Closes == closes + 1,
           "G-ZW-3 a pending request keeps IRP_MJ_CLOSE away");
    EndHeld(STATUS_SUCCESS);
    Expect(HasRead(&sent) && WaitUntil(&Closes, closes + 2), "G-ZW-3 until its end");
}

/* ---- APC routines ---------------------------------------------------------------------------- */

/* A routine's calls, and what the last one got. */
static struct {
    volatile LONG Calls;
    PVOID Context;
    PIO_STATUS_BLOCK Block;
    ULONG Reserved;
    PKTHREAD Thread;
    KIRQL Irql;
} Told;

static VOID NTAPI Tell(PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, ULONG Reserved)
{
    Told.Context = ApcContext;
    Told.Block = IoStatusBlock;
    Told.Reserved = Reserved;
    Told.Thread = KeGetCurrentThread();
    Told.Irql = KeGetCurrentIrql();
    InterlockedIncrement(&Told.Calls);
}

static NTSTATUS ReadTold(PSENT Sent)
{
    LARGE_INTEGER at = {{0}};

    return ZwReadFile(Sent->File, Sent->Event, Tell, Sent, &Sent->Block, Sent->Bytes, FILE_LENGTH,
                      &at, NULL);
}

static BOOLEAN WasTold(PSENT Sent, LONG Calls)
{
    return Told.Calls == Calls && Told.Context == Sent && Told.Block == &Sent->Block &&
           Told.Reserved == 0;
}

static VOID CheckApcs(HANDLE File)
{
    HANDLE synchronous = FileOpen(FILE_SYNCHRONOUS_IO_NONALERT);
    BOOLEAN region = KeAreApcsDisabled(); /* system threads begin in one */
    LARGE_INTEGER at = {{0}};
    SENT sent;

    if (region)
        KeLeaveCriticalRegion();
    Prepare(&sent, File, NULL);
    ExpectStatus(ReadTold(&sent), STATUS_PENDING, "G-ZW-4 a read may have an APC routine");
    ExpectEqual((ULONG)Told.Calls, 0, "G-ZW-4 which is not called before the end");
    KeEnterCriticalRegion();
    EndHeld(STATUS_SUCCESS);
    Expect(Told.Calls == 0 && HasRead(&sent), "G-ZW-4 nor while APCs are disabled");
    KeLeaveCriticalRegion();
    Expect(WasTold(&sent, 1), "G-ZW-4 then it is called, once, with context and status block");
    Expect(Told.Irql == PASSIVE_LEVEL && Told.Thread == KeGetCurrentThread(),
           "G-ZW-4 at PASSIVE_LEVEL in the thread that asked");
    ReadTold(&sent);
    EndHeld(STATUS_DEVICE_NOT_READY);
    Expect(WasTold(&sent, 2) && sent.Block.Status == STATUS_DEVICE_NOT_READY,
           "G-ZW-4 an error that comes later is told, too");
    FileAtOnce = TRUE;
    Prepare(&sent, File, NULL);
    ZwWriteFile(File, NULL, Tell, &sent, &sent.Block, sent.Bytes, FILE_LENGTH, &at, NULL);
    Expect(WasTold(&sent, 3), "G-ZW-5 ZwWriteFile calls one");
    Prepare(&sent, synchronous, NULL);
    ZwDeviceIoControlFile(synchronous, NULL, Tell, &sent, &sent.Block, IOCTL_COPY, NULL, 0, NULL,
                          0);
    Expect(WasTold(&sent, 4), "ZwDeviceIoControlFile calls its APC routine");
    AtOnceWith = STATUS_IO_DEVICE_ERROR;
    Prepare(&sent, File, NULL);
    ExpectStatus(ReadTold(&sent), STATUS_IO_DEVICE_ERROR, "G-ZW-4 what fails at once");
    ExpectEqual((ULONG)Told.Calls, 4, "G-ZW-4 calls none");
    AtOnceWith = STATUS_SUCCESS;
    FileAtOnce = FALSE;
    if (region)
        KeEnterCriticalRegion();
    ZwClose(synchronous);
}

static VOID ReadToldCancelable(PVOID Context)
{
    ReadTold(Context);
    IoSetCancelRoutine(Held[0], CancelHeld);
}

/* ---- threads --------------------------------------------------------------------------------- */

static VOID ReadCancelable(PVOID Context)
{
    Read(Context);
    IoSetCancelRoutine(Held[0], CancelHeld);
}

static VOID CheckThreads(HANDLE File)
{
    TEST_THREAD thread;
    SENT sent;

    Prepare(&sent, File, NULL);
    if (!TestThreadStart(&thread, 0, ReadCancelable, &sent))
        return;
    TestThreadJoin(&thread);
    Expect(sent.Status == STATUS_PENDING && Canceled == 1 &&
               sent.Block.Status == STATUS_CANCELLED && HeldCount == 0,
           "a thread that ends cancels its pending requests by handle");
    Prepare(&sent, File, NULL);
    if (!TestThreadStart(&thread, 0, ReadToldCancelable, &sent))
        return;
    TestThreadJoin(&thread);
    Expect(sent.Block.Status == STATUS_CANCELLED && HeldCount == 0,
           "those with an APC routine, too");
    Prepare(&sent, File, NULL);
    if (!TestThreadStart(&thread, 0, Read, &sent))
        return;
    Expect(WaitUntil(&sent.Returned, 1) && TestWait(thread.Object, 50) == STATUS_TIMEOUT,
           "it waits for those that cannot be canceled");
    Expect(HeldCount == 1 && Held[0]->Cancel, "which the driver can see");
    EndHeld(STATUS_SUCCESS);
    TestThreadJoin(&thread);
    Expect(HasRead(&sent), "and ends with them");
}

static VOID CheckSynchronous(VOID)
{
    HANDLE file = FileOpen(FILE_SYNCHRONOUS_IO_NONALERT);
    TEST_THREAD threads[2];
    SENT sent[2];
    ULONG i;

    for (i = 0; i < 2; i++) {
        Prepare(&sent[i], file, NULL);
        NT_VERIFY(TestThreadStart(&threads[i], 0, Read, &sent[i]));
    }
    for (i = 0; HeldCount == 0 && i < LONG_WAIT_MS; i++)
        TestPause(1);
    TestPause(20);
    Expect(HeldCount == 1 && sent[0].Returned + sent[1].Returned == 0,
           "G-ZW-4 a synchronous file has one request at a time, which is waited for");
    EndHeld(STATUS_SUCCESS);
    for (i = 0; HeldCount == 0 && i < LONG_WAIT_MS; i++)
        TestPause(1);
    EndHeld(STATUS_SUCCESS);
    for (i = 0; i < 2; i++)
        TestThreadJoin(&threads[i]);
    Expect(sent[0].Status == STATUS_SUCCESS && HasRead(&sent[0]) && HasRead(&sent[1]),
           "G-ZW-4 then the next comes");
    ZwClose(file);
}

/* The device is deleted while a request to it is pending; it goes with the file. */
static VOID End(HANDLE File)
{
    LONG closes = Closes;
    SENT sent;
    ULONG i;

    Prepare(&sent, File, NULL);
    Read(&sent);
    IoDeleteDevice(FileDevice);
    ExpectEqual(HeldCount, 1, "a request stays pending when its device is deleted");
    EndHeld(STATUS_SUCCESS);
    Expect(HasRead(&sent) && Closes == closes, "and ends when its driver ends it");
    ZwClose(File);
    Expect(WaitUntil(&Closes, closes + 1), "then the file is closed");
    for (i = 0; i < sizeof(Majors); i++)
        TestDriver->MajorFunction[Majors[i]] = Saved[Majors[i]];
}

VOID CheckFiles(VOID)
{
    HANDLE file;

    if (!Begin()) {
        Expect(FALSE, "the device for files can be made");
        return;
    }
    file = FileOpen(0);
    CheckEvent(file);
    CheckEnds(file);
    CheckControls(file);
    CheckClose();
    CheckApcs(file);
    CheckThreads(file);
    CheckSynchronous();
    CheckFileAlerts();
    CheckSetting();
    End(file);
}
