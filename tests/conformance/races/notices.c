/*
 * notices.c - routines that are told of threads, set and removed while threads come and go: one
 * whose removal has returned is not inside, and is not called again. And handles closed by one
 * while they are used by another.
 */
#include "races.h"

#define ROUNDS 60

typedef struct _NOTICES {
    volatile LONG Set[2];    /* is the routine of that number set? */
    volatile LONG Inside[2]; /* calls under way */
    volatile LONG Calls;
    volatile LONG Wrong;
} NOTICES, *PNOTICES;

static NOTICES Notices;

static VOID Noticed(ULONG Number)
{
    InterlockedIncrement(&Notices.Inside[Number]);
    InterlockedIncrement(&Notices.Calls);
    if (!Notices.Set[Number])
        InterlockedIncrement(&Notices.Wrong);
    KeStallExecutionProcessor(5);
    InterlockedDecrement(&Notices.Inside[Number]);
}

static VOID NTAPI First(HANDLE ProcessId, HANDLE ThreadId, BOOLEAN Create)
{
    UNREFERENCED_PARAMETER(ProcessId);
    UNREFERENCED_PARAMETER(ThreadId);
    UNREFERENCED_PARAMETER(Create);
    Noticed(0);
}

static VOID NTAPI Second(HANDLE ProcessId, HANDLE ThreadId, BOOLEAN Create)
{
    UNREFERENCED_PARAMETER(ProcessId);
    UNREFERENCED_PARAMETER(ThreadId);
    UNREFERENCED_PARAMETER(Create);
    Noticed(1);
}

static VOID DoNothing(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
}

static VOID SetAndRemove(PRACER Racer)
{
    ULONG number = Racer->Index / 2;
    PCREATE_THREAD_NOTIFY_ROUTINE routine = number == 0 ? First : Second;

    Notices.Set[number] = TRUE;
    if (!NT_SUCCESS(PsSetCreateThreadNotifyRoutine(routine)))
        InterlockedIncrement(&Notices.Wrong);
    RacePause(Racer);
    TestPause(0);
    if (!NT_SUCCESS(PsRemoveCreateThreadNotifyRoutine(routine)) || Notices.Inside[number] != 0)
        InterlockedIncrement(&Notices.Wrong);
    Notices.Set[number] = FALSE;
}

/* Every other racer sets and removes; those between make threads. */
static VOID NoticeRacer(PRACER Racer)
{
    TEST_THREAD thread;
    ULONG i;

    for (i = 0; i < ROUNDS && RaceGoesOn(Racer); i++) {
        if (Racer->Index % 2 == 0) {
            SetAndRemove(Racer);
        } else if (TestThreadStart(&thread, Racer->Index, DoNothing, NULL)) {
            TestThreadJoin(&thread);
        } else {
            InterlockedIncrement(&Notices.Wrong);
        }
        RacePause(Racer);
    }
}

/* ---- handles --------------------------------------------------------------------------------- */

typedef struct _HANDLES {
    volatile HANDLE Handle; /* of a timer, or NULL */
    volatile LONG Found;
    volatile LONG Closed;
    volatile LONG Made;
    volatile LONG Wrong;
} HANDLES, *PHANDLES;

/* An object that was found by its handle stays what it is, whoever closes that meanwhile. */
static VOID UseHandle(PRACER Racer, PHANDLES Handles, HANDLE Handle)
{
    PVOID object;
    NTSTATUS status = ObReferenceObjectByHandle(Handle, 0, NULL, KernelMode, &object, NULL);

    if (status == STATUS_INVALID_HANDLE)
        return;
    if (status != STATUS_SUCCESS) {
        InterlockedIncrement(&Handles->Wrong);
        return;
    }
    RacePause(Racer);
    if (ObReferenceObject(object) < 2)
        InterlockedIncrement(&Handles->Wrong);
    ObDereferenceObject(object);
    ObDereferenceObject(object);
    InterlockedIncrement(&Handles->Found);
}

static VOID HandleRacer(PRACER Racer)
{
    PHANDLES handles = Racer->Shared;
    ULONG i;

    for (i = 0; i < 4 * ROUNDS && RaceGoesOn(Racer); i++) {
        HANDLE fresh = NULL, old;

        if (RaceRandom(Racer) & 0x100) {
            UseHandle(Racer, handles, handles->Handle);
            continue;
        }
        if (!NT_SUCCESS(ZwCreateTimer(&fresh, STANDARD_RIGHTS_ALL, NULL, NotificationTimer))) {
            InterlockedIncrement(&handles->Wrong);
            continue;
        }
        InterlockedIncrement(&handles->Made);
        old = InterlockedExchangePointer((PVOID volatile *)&handles->Handle, fresh);
        RacePause(Racer);
        if (old != NULL && ZwClose(old) != STATUS_SUCCESS)
            InterlockedIncrement(&handles->Wrong);
        InterlockedIncrement(&handles->Closed);
    }
}

VOID RaceNotices(VOID)
{
    static HANDLES handles;

    RtlZeroMemory(&Notices, sizeof(Notices));
    Race(NoticeRacer, NULL);
    Expect(Notices.Wrong == 0, "a notify routine is not called once its removal has returned");
    RtlZeroMemory(&handles, sizeof(handles));
    Race(HandleRacer, &handles);
    if (handles.Handle != NULL)
        ZwClose(handles.Handle);
    Expect(handles.Wrong == 0 && handles.Found > 0 && handles.Closed == handles.Made,
           "an object found by its handle stays, whoever closes that; each handle is closed once");
}
