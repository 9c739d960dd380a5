/*
 * traces.c - event tracing: providers that come and go while others write, at any IRQL. One of the
 * runs has trace= enable the provider that comes and goes, so that a session is written to as well.
 */
#include "races.h"

#define ROUNDS 400

typedef ULONG64 HANDLE64; /* REGHANDLE */
typedef VOID(NTAPI *PCALLBACK)(const GUID *, ULONG, UCHAR, ULONGLONG, ULONGLONG, PVOID, PVOID);

static NTSTATUS(NTAPI *Enroll)(const GUID *, PCALLBACK, PVOID, HANDLE64 *);
static NTSTATUS(NTAPI *Leave)(HANDLE64);
static NTSTATUS(NTAPI *WriteString)(HANDLE64, UCHAR, ULONGLONG, const GUID *, PCWSTR);

static const GUID Coming = {0x7ace0010, 0, 0, {0}}, Staying = {0x7ace0011, 0, 0, {0}};

typedef struct _TRACES {
    volatile HANDLE64 Coming; /* of the provider that comes and goes, or that has gone */
    volatile LONG Told;       /* calls of its callback */
    volatile LONG Inside;
    volatile LONG Written, Wrong;
} TRACES, *PTRACES;

static VOID NTAPI Tell(const GUID *SourceId, ULONG ControlCode, UCHAR Level, ULONGLONG Any,
                       ULONGLONG All, PVOID Filter, PVOID Context)
{
    PTRACES traces = Context;

    UNREFERENCED_PARAMETER(SourceId);
    UNREFERENCED_PARAMETER(Level);
    UNREFERENCED_PARAMETER(Any);
    UNREFERENCED_PARAMETER(All);
    UNREFERENCED_PARAMETER(Filter);
    InterlockedIncrement(&traces->Inside);
    if (ControlCode != 1 || KeGetCurrentIrql() != PASSIVE_LEVEL)
        InterlockedIncrement(&traces->Wrong);
    InterlockedIncrement(&traces->Told);
    InterlockedDecrement(&traces->Inside);
}

static VOID ComeAndGo(PRACER Racer, PTRACES Traces)
{
    HANDLE64 handle;

    if (!NT_SUCCESS(Enroll(&Coming, Tell, Traces, &handle))) {
        InterlockedIncrement(&Traces->Wrong);
        return;
    }
    Traces->Coming = handle;
    RacePause(Racer);
    if (Leave(handle) != STATUS_SUCCESS || Traces->Inside != 0)
        InterlockedIncrement(&Traces->Wrong);
}

static NTSTATUS WriteSomehow(PRACER Racer, HANDLE64 Handle)
{
    static const KIRQL levels[] = {PASSIVE_LEVEL, APC_LEVEL, DISPATCH_LEVEL, HIGH_LEVEL};
    NTSTATUS status;
    KIRQL irql;

    KeRaiseIrql(levels[RaceRandom(Racer) >> 8 & 3], &irql);
    status = WriteString(Handle, 4, 0, NULL, L"racing");
    KeLowerIrql(irql);
    return status;
}

static VOID TraceRacer(PRACER Racer)
{
    PTRACES traces = Racer->Shared;
    HANDLE64 own = 0;
    ULONG i;

    if (Racer->Index != 0 && !NT_SUCCESS(Enroll(&Staying, NULL, NULL, &own)))
        InterlockedIncrement(&traces->Wrong);
    for (i = 0; i < ROUNDS && RaceGoesOn(Racer); i++) {
        NTSTATUS status;

        if (Racer->Index == 0) {
            ComeAndGo(Racer, traces);
            continue;
        }
        status = WriteSomehow(Racer, traces->Coming);
        if (status != STATUS_SUCCESS && status != STATUS_INVALID_HANDLE) /* gone, or no room */
            InterlockedIncrement(&traces->Wrong);
        if (WriteSomehow(Racer, own) != STATUS_SUCCESS)
            InterlockedIncrement(&traces->Wrong);
        InterlockedIncrement(&traces->Written);
        RacePause(Racer);
    }
    if (own != 0 && Leave(own) != STATUS_SUCCESS)
        InterlockedIncrement(&traces->Wrong);
}

VOID RaceTraces(VOID)
{
    static TRACES traces;

    Enroll = TestRoutine(L"EtwRegister");
    Leave = TestRoutine(L"EtwUnregister");
    WriteString = TestRoutine(L"EtwWriteString");
    RtlZeroMemory(&traces, sizeof(traces));
    Race(TraceRacer, &traces);
    DbgPrint("# %u strings written, %u times told\n", (ULONG)traces.Written, (ULONG)traces.Told);
    Expect(traces.Wrong == 0 && traces.Written > 0,
           "events are written at any IRQL while providers come and go");
}
