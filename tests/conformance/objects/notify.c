/*
 * notify.c - the process and its threads, and who is told when they come and go.
 */
#include "objects.h"

#define SLOTS 64 /* as many routines of a kind there can be, the system's among them */
#define NAME_UNITS 128

static struct {
    volatile LONG Creations;
    volatile LONG Ends;
    PKTHREAD Maker; /* whose threads count: the system makes some too */
    HANDLE Process; /* of the creation */
    HANDLE Created;
    HANDLE EndedIn; /* the id of the thread that was current */
    KIRQL Irql;
} Threads;

static VOID NTAPI NoteThread(HANDLE ProcessId, HANDLE ThreadId, BOOLEAN Create)
{
    if (Create && KeGetCurrentThread() == Threads.Maker) {
        Threads.Irql = KeGetCurrentIrql();
        Threads.Process = ProcessId;
        Threads.Created = ThreadId;
        InterlockedIncrement(&Threads.Creations);
    } else if (!Create && ThreadId == Threads.Created) {
        Threads.EndedIn = PsGetCurrentThreadId();
        InterlockedIncrement(&Threads.Ends);
    }
}

static VOID NTAPI NoteProcess(HANDLE ParentId, HANDLE ProcessId, BOOLEAN Create)
{
    UNREFERENCED_PARAMETER(ParentId);
    UNREFERENCED_PARAMETER(ProcessId);
    UNREFERENCED_PARAMETER(Create);
}

/* ---- the process ----------------------------------------------------------------------------- */

VOID CheckProcesses(VOID)
{
    PEPROCESS process = PsGetCurrentProcess();
    RTL_OSVERSIONINFOW version = {.dwOSVersionInfoSize = sizeof(version)};
    ULONG major, minor, build;

    Expect(process != NULL && process == EXPORTED(PsInitialSystemProcess),
           "PsGetCurrentProcess is PsInitialSystemProcess in a thread of the system");
    ExpectStatus(ObReferenceObjectByPointer(process, 0, TYPE(PsProcessType), KernelMode),
                 STATUS_SUCCESS, "it is an object of *PsProcessType");
    ObDereferenceObject(process);
    ExpectStatus(
        ObReferenceObjectByPointer(KeGetCurrentThread(), 0, TYPE(PsThreadType), KernelMode),
        STATUS_SUCCESS, "a thread is one of *PsThreadType");
    ObDereferenceObject(KeGetCurrentThread());
    ExpectStatus(ObReferenceObjectByPointer(process, 0, TYPE(PsThreadType), KernelMode),
                 STATUS_OBJECT_TYPE_MISMATCH, "which a process is not");
    RtlGetVersion(&version);
    Expect(!PsGetVersion(&major, &minor, &build, NULL) && major == version.dwMajorVersion &&
               minor == version.dwMinorVersion && build == version.dwBuildNumber,
           "PsGetVersion tells what RtlGetVersion tells, and that the build is no checked one");
    ExpectEqual(*(PULONG)TestRoutine(L"NtBuildNumber"), 0xF0000000u | version.dwBuildNumber,
                "NtBuildNumber is the build, of a free system");
    ExpectEqual(*(PULONG)TestRoutine(L"NtGlobalFlag"), 0, "NtGlobalFlag has no flag set");
    ExpectEqual(*(PULONG)TestRoutine(L"InitSafeBootMode"), 0,
                "InitSafeBootMode is 0 where the boot was no safe one");
}

/* ---- making threads -------------------------------------------------------------------------- */

#define MANY 40

typedef struct _SELF {
    volatile HANDLE Handle;
    CLIENT_ID Id;
    volatile BOOLEAN KnewItself;
    volatile KIRQL Irql;
    volatile BOOLEAN Returned;
} SELF;

static VOID NTAPI LookAtSelf(PVOID Context)
{
    SELF *self = Context;
    PVOID object = NULL;

    self->Irql = KeGetCurrentIrql();
    if (self->Handle != NULL && self->Id.UniqueThread == PsGetCurrentThreadId() &&
        NT_SUCCESS(ObReferenceObjectByHandle(self->Handle, 0, TYPE(PsThreadType), KernelMode,
                                             &object, NULL))) {
        self->KnewItself = object == KeGetCurrentThread();
        ObDereferenceObject(object);
    }
    PsTerminateSystemThread(STATUS_SUCCESS);
    self->Returned = TRUE;
}

static VOID CheckMaking(VOID)
{
    HANDLE thread = NULL, key = OpenKey();
    ULONG i, knew = 0, ended = 0, passive = 0;

    for (i = 0; i < MANY; i++) {
        SELF self = {.Irql = HIGH_LEVEL};

        if (!NT_SUCCESS(PsCreateSystemThread((PHANDLE)&self.Handle, THREAD_ALL_ACCESS, NULL, NULL,
                                             &self.Id, LookAtSelf, &self)))
            continue;
        ZwWaitForSingleObject(self.Handle, FALSE, NULL);
        ZwClose(self.Handle);
        knew += self.KnewItself;
        ended += !self.Returned;
        passive += self.Irql == PASSIVE_LEVEL;
    }
    ExpectEqual(passive, MANY, "G-PS-1 a system thread begins at PASSIVE_LEVEL");
    ExpectEqual(ended, MANY, "G-PS-2 PsTerminateSystemThread does not return");
    ExpectEqual(knew, MANY, "G-PS-1 the handle and id of a thread are there before it runs");
    ExpectStatus(
        PsCreateSystemThread(&thread, THREAD_ALL_ACCESS, NULL, NO_HANDLE, NULL, LookAtSelf, NULL),
        STATUS_INVALID_HANDLE, "G-PS-1 PsCreateSystemThread refuses a process that there is not");
    ExpectStatus(
        PsCreateSystemThread(&thread, THREAD_ALL_ACCESS, NULL, key, NULL, LookAtSelf, NULL),
        STATUS_OBJECT_TYPE_MISMATCH, "G-PS-1 and one that is none");
    ZwClose(key);
}

/* ---- being told of threads ------------------------------------------------------------------- */

static VOID NTAPI EndAtOnce(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

/* A thread that comes and goes; its id. */
static HANDLE OneThread(VOID)
{
    CLIENT_ID id = {NULL, NULL};
    HANDLE thread;

    if (!NT_SUCCESS(
            PsCreateSystemThread(&thread, THREAD_ALL_ACCESS, NULL, NULL, &id, EndAtOnce, NULL)))
        return NULL;
    ZwWaitForSingleObject(thread, FALSE, NULL);
    ZwClose(thread);
    return id.UniqueThread;
}

static VOID CheckThreads(VOID)
{
    HANDLE id;
    LONG creations, ends;

    Threads.Maker = KeGetCurrentThread();
    ExpectStatus(PsRemoveCreateThreadNotifyRoutine(NoteThread), STATUS_PROCEDURE_NOT_FOUND,
                 "PsRemoveCreateThreadNotifyRoutine does not find what was not set");
    ExpectStatus(PsSetCreateThreadNotifyRoutine(NoteThread), STATUS_SUCCESS,
                 "PsSetCreateThreadNotifyRoutine sets a routine");
    id = OneThread();
    WaitUntilAtLeast(&Threads.Ends, 1, 10000);
    Expect(Threads.Creations == 1 && Threads.Ends == 1, "called when a thread comes and goes");
    Expect(Threads.Created == id && Threads.Process == PsGetCurrentProcessId(), "with its ids");
    Expect(Threads.EndedIn == id, "in the thread that makes it, and in itself when it ends");
    ExpectEqual(Threads.Irql, PASSIVE_LEVEL, "at PASSIVE_LEVEL");
    ExpectStatus(PsRemoveCreateThreadNotifyRoutine(NoteThread), STATUS_SUCCESS,
                 "PsRemoveCreateThreadNotifyRoutine takes it away");
    creations = Threads.Creations;
    ends = Threads.Ends;
    OneThread();
    Expect(Threads.Creations == creations && Threads.Ends == ends, "and it is not called again");
    ExpectStatus(PsRemoveCreateThreadNotifyRoutine(NoteThread), STATUS_PROCEDURE_NOT_FOUND,
                 "nor found again");
}

static VOID CheckLimit(VOID)
{
    NTSTATUS status = STATUS_SUCCESS;
    ULONG count = 0, removed = 0;

    while (count <= SLOTS && status == STATUS_SUCCESS) {
        status = PsSetCreateThreadNotifyRoutine(NoteThread);
        count += status == STATUS_SUCCESS;
    }
    ExpectStatus(status, STATUS_INSUFFICIENT_RESOURCES, "there is room for so many routines only");
    while (PsRemoveCreateThreadNotifyRoutine(NoteThread) == STATUS_SUCCESS)
        removed++;
    Expect(count <= SLOTS && count >= SLOTS / 2 && removed == count, "each of which is removed");
}

/* ---- processes and images -------------------------------------------------------------------- */

static VOID CheckProcessRoutines(VOID)
{
    ExpectStatus(PsSetCreateProcessNotifyRoutine(NoteProcess, FALSE), STATUS_SUCCESS,
                 "PsSetCreateProcessNotifyRoutine sets a routine");
    ExpectStatus(PsSetCreateProcessNotifyRoutine(NoteProcess, FALSE), STATUS_INVALID_PARAMETER,
                 "PsSetCreateProcessNotifyRoutine sets a routine once");
    ExpectStatus(PsSetCreateProcessNotifyRoutine(NoteProcess, TRUE), STATUS_SUCCESS,
                 "and takes it away");
    ExpectStatus(PsSetCreateProcessNotifyRoutine(NoteProcess, TRUE), STATUS_PROCEDURE_NOT_FOUND,
                 "if it is there");
}

static struct {
    volatile LONG Calls;
    WCHAR Name[NAME_UNITS];
    ULONG NameLength;
    HANDLE Process;
    IMAGE_INFO Info;
    BOOLEAN IsImage; /* it began with MZ */
} Image;

static VOID NTAPI NoteImage(PUNICODE_STRING FullImageName, HANDLE ProcessId, PIMAGE_INFO ImageInfo)
{
    Image.NameLength = FullImageName->Length / sizeof(WCHAR);
    if (Image.NameLength > NAME_UNITS)
        Image.NameLength = NAME_UNITS;
    RtlCopyMemory(Image.Name, FullImageName->Buffer, Image.NameLength * sizeof(WCHAR));
    Image.Process = ProcessId;
    Image.Info = *ImageInfo;
    Image.IsImage = *(const USHORT *)ImageInfo->ImageBase == 0x5A4D;
    InterlockedIncrement(&Image.Calls);
}

/* There is no process to come or go: each of these addresses is a routine for itself. */
static PCREATE_PROCESS_NOTIFY_ROUTINE ProcessRoutine(ULONG Number)
{
    return (PCREATE_PROCESS_NOTIFY_ROUTINE)((ULONG_PTR)NoteProcess + Number);
}

static VOID CheckMoreLimits(VOID)
{
    NTSTATUS status = STATUS_SUCCESS;
    ULONG count, removed = 0;
    KIRQL irql;

    for (count = 0; PsSetCreateProcessNotifyRoutine(ProcessRoutine(count), FALSE) == 0; count++)
        ;
    ExpectEqual(count, SLOTS, "PsSetCreateProcessNotifyRoutine takes 64 routines");
    ExpectStatus(PsSetCreateProcessNotifyRoutine(ProcessRoutine(count), FALSE),
                 STATUS_INVALID_PARAMETER,
                 "PsSetCreateProcessNotifyRoutine refuses one routine more");
    while (count != 0 && PsSetCreateProcessNotifyRoutine(ProcessRoutine(count - 1), TRUE) == 0)
        count--;
    ExpectEqual(count, 0, "PsSetCreateProcessNotifyRoutine takes each away again");
    for (count = 0; (status = PsSetLoadImageNotifyRoutine(NoteImage)) == STATUS_SUCCESS; count++)
        ;
    ExpectEqual(count, SLOTS, "PsSetLoadImageNotifyRoutine takes 64 routines");
    ExpectStatus(status, STATUS_INSUFFICIENT_RESOURCES,
                 "PsSetLoadImageNotifyRoutine refuses one routine more");
    KeRaiseIrql(APC_LEVEL, &irql);
    while (PsRemoveLoadImageNotifyRoutine(NoteImage) == STATUS_SUCCESS)
        removed++;
    KeLowerIrql(irql);
    ExpectEqual(removed, count, "PsRemoveLoadImageNotifyRoutine takes each away, up to APC_LEVEL");
}

VOID CheckNotifications(VOID)
{
    CheckMaking();
    CheckThreads();
    CheckLimit();
    CheckProcessRoutines();
    ExpectStatus(PsRemoveLoadImageNotifyRoutine(NoteImage), STATUS_PROCEDURE_NOT_FOUND,
                 "PsRemoveLoadImageNotifyRoutine does not find what was not set");
    CheckMoreLimits();
}

static BOOLEAN NameEnds(PCWSTR End)
{
    UNICODE_STRING end, got;

    RtlInitUnicodeString(&end, End);
    if (Image.NameLength * sizeof(WCHAR) < end.Length)
        return FALSE;
    got.Length = got.MaximumLength = end.Length;
    got.Buffer = Image.Name + Image.NameLength - end.Length / sizeof(WCHAR);
    return RtlEqualUnicodeString(&got, &end, TRUE);
}

/* 0: set; the console loads pci-serial.sys; 1: look, and remove; it loads it again; 2: look. */
VOID StepImages(ULONG Number)
{
    switch (Number) {
    case 0:
        ExpectStatus(PsSetLoadImageNotifyRoutine(NoteImage), STATUS_SUCCESS,
                     "PsSetLoadImageNotifyRoutine sets a routine");
        break;
    case 1:
        ExpectEqual((ULONG)Image.Calls, 1, "called when a driver's image is loaded");
        Expect(NameEnds(L"\\pci-serial.sys"), "with its name");
        Expect(Image.Process == NULL, "no process");
        Expect(Image.Info.SystemModeImage && Image.Info.ImageBase != NULL && Image.IsImage &&
                   Image.Info.ImageSize >= PAGE_SIZE,
               "and where it lies, already mapped");
        ExpectStatus(PsRemoveLoadImageNotifyRoutine(NoteImage), STATUS_SUCCESS,
                     "PsRemoveLoadImageNotifyRoutine takes it away");
        break;
    case 2:
        ExpectEqual((ULONG)Image.Calls, 1, "and it is not called again");
        break;
    }
}
