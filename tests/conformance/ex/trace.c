/*
 * trace.c - providers of event tracing: without a session, and step by step with the one that the
 * console's `trace on` begins. test_conformance.py goes through the steps and looks at what `trace`
 * shows of the events, from step 10 of the driver on:
 *
 *   0  a provider registers; then it is enabled up to level 4, for keywords 3 of which 2 is needed
 *   1  what it is told, and what is wanted; events of each kind; one that is too large
 *   2  events until there is no room; then all is disabled
 *   3  what it is told
 */
#include "ex.h"

typedef struct _EVENT {
    USHORT Id;
    UCHAR Version, Channel, Level, Opcode;
    USHORT Task;
    ULONGLONG Keyword;
} EVENT, *PEVENT;

typedef struct _DATA {
    ULONGLONG Ptr;
    ULONG Size, Reserved;
} DATA, *PDATA;

typedef ULONG64 HANDLE64; /* REGHANDLE */
typedef VOID(NTAPI *PCALLBACK)(const GUID *, ULONG, UCHAR, ULONGLONG, ULONGLONG, PVOID, PVOID);

static NTSTATUS(NTAPI *Enroll)(const GUID *, PCALLBACK, PVOID, HANDLE64 *);
static NTSTATUS(NTAPI *Leave)(HANDLE64);
static BOOLEAN(NTAPI *EventEnabled)(HANDLE64, PEVENT);
static BOOLEAN(NTAPI *ProviderEnabled)(HANDLE64, UCHAR, ULONGLONG);
static NTSTATUS(NTAPI *Write)(HANDLE64, PEVENT, const GUID *, ULONG, PDATA);
static NTSTATUS(NTAPI *WriteTransfer)(HANDLE64, PEVENT, const GUID *, const GUID *, ULONG, PDATA);
static NTSTATUS(NTAPI *WriteString)(HANDLE64, UCHAR, ULONGLONG, const GUID *, PCWSTR);

static const GUID Provider = {0x7ace0001, 2, 3, {4, 5, 6, 7, 8, 9, 10, 11}};
static const GUID Activity = {0xac000001, 0, 0, {0}}, Related = {0xac000002, 0, 0, {0}};

#define PIECES_MAX 128
#define TOO_LARGE (1024 * 1024) /* more than a session's buffers hold */

/* What a callback was told last. */
typedef struct _TOLD {
    ULONG Calls, Code;
    UCHAR Level;
    ULONGLONG Any, All;
    KIRQL Irql;
} TOLD, *PTOLD;

static VOID NTAPI Tell(const GUID *SourceId, ULONG ControlCode, UCHAR Level, ULONGLONG Any,
                       ULONGLONG All, PVOID Filter, PVOID Context)
{
    PTOLD told = Context;

    UNREFERENCED_PARAMETER(SourceId);
    UNREFERENCED_PARAMETER(Filter);
    told->Calls++;
    told->Code = ControlCode;
    told->Level = Level;
    told->Any = Any;
    told->All = All;
    told->Irql = KeGetCurrentIrql();
}

static VOID LookUp(VOID)
{
    Enroll = TestRoutine(L"EtwRegister");
    Leave = TestRoutine(L"EtwUnregister");
    EventEnabled = TestRoutine(L"EtwEventEnabled");
    ProviderEnabled = TestRoutine(L"EtwProviderEnabled");
    Write = TestRoutine(L"EtwWrite");
    WriteTransfer = TestRoutine(L"EtwWriteTransfer");
    WriteString = TestRoutine(L"EtwWriteString");
}

/* ---- without a session ----------------------------------------------------------------------- */

VOID CheckTrace(VOID)
{
    static DATA pieces[PIECES_MAX + 1];
    TOLD told = {0};
    EVENT event = {0};
    HANDLE64 handle = 0;

    LookUp();
    ExpectStatus(Enroll(NULL, NULL, NULL, &handle), STATUS_INVALID_PARAMETER,
                 "EtwRegister without a provider id is an error");
    ExpectStatus(Enroll(&Provider, Tell, &told, &handle), STATUS_SUCCESS, "EtwRegister registers");
    Expect(handle != 0 && !EventEnabled(handle, &event) && !ProviderEnabled(handle, 0, 0),
           "without a session no event is enabled");
    ExpectStatus(Write(handle, &event, NULL, 0, NULL), STATUS_SUCCESS,
                 "EtwWrite succeeds all the same");
    ExpectStatus(Write(handle, &event, &Activity, PIECES_MAX, pieces), STATUS_SUCCESS,
                 "EtwWrite takes 128 pieces of data");
    ExpectStatus(Write(handle, &event, &Activity, PIECES_MAX + 1, pieces), STATUS_INVALID_PARAMETER,
                 "EtwWrite refuses more than 128");
    ExpectStatus(WriteTransfer(handle, &event, NULL, NULL, 0, NULL), STATUS_SUCCESS,
                 "and so does EtwWriteTransfer");
    ExpectStatus(WriteString(handle, 4, 0, NULL, L"text"), STATUS_SUCCESS, "and EtwWriteString");
    ExpectStatus(Leave(handle), STATUS_SUCCESS, "EtwUnregister unregisters");
    ExpectEqual(told.Calls, 0, "the callback was not called");
    ExpectStatus(Leave(handle), STATUS_INVALID_HANDLE, "a provider leaves once");
    ExpectStatus(Write(handle, &event, NULL, 0, NULL), STATUS_INVALID_HANDLE,
                 "then the handle is none any more");
}

/* ---- with one -------------------------------------------------------------------------------- */

static TOLD Told;
static HANDLE64 Handle;

static VOID StepRegister(VOID)
{
    LookUp();
    ExpectStatus(Enroll(&Provider, Tell, &Told, &Handle), STATUS_SUCCESS,
                 "a provider registers before it is wanted");
    Expect(Told.Calls == 0 && !ProviderEnabled(Handle, 0, 0), "and is not enabled by that");
}

static BOOLEAN IsEnabled(UCHAR Level, ULONGLONG Keyword)
{
    EVENT event = {.Level = Level, .Keyword = Keyword};
    BOOLEAN enabled = EventEnabled(Handle, &event);

    return enabled && ProviderEnabled(Handle, Level, Keyword);
}

static VOID CheckWanted(VOID)
{
    TOLD late = {0};
    HANDLE64 handle;

    Expect(Told.Calls == 1 && Told.Code == 1 && Told.Irql == PASSIVE_LEVEL,
           "EtwRegister's callback is called when the provider is enabled");
    Expect(Told.Level == 4 && Told.Any == 3 && Told.All == 2, "with the level and the keywords");
    Expect(ProviderEnabled(Handle, 0, 0), "EtwProviderEnabled of zeros: some event is enabled");
    Expect(IsEnabled(4, 2) && IsEnabled(1, 3) && IsEnabled(0, 0) && IsEnabled(4, 0),
           "EtwEventEnabled and EtwProviderEnabled are TRUE for what is wanted");
    Expect(!IsEnabled(5, 2) && !IsEnabled(4, 1) && !IsEnabled(4, 4) && !IsEnabled(4, 5),
           "EtwEventEnabled and EtwProviderEnabled are FALSE for other levels and keywords");
    ExpectStatus(Enroll(&Provider, Tell, &late, &handle), STATUS_SUCCESS,
                 "a provider that is wanted already registers");
    Expect(late.Calls == 1 && late.Code == 1 && late.Level == 4,
           "and is enabled when EtwRegister returns");
    ExpectStatus(Leave(handle), STATUS_SUCCESS, "EtwUnregister ends one that is enabled");
}

static VOID CheckEvents(VOID)
{
    EVENT event = {.Id = 7, .Version = 1, .Level = 4, .Opcode = 2, .Keyword = 2};
    EVENT unwanted = {.Id = 8, .Level = 5, .Keyword = 2};
    ULONG first = 0x11223344;
    USHORT second = 0x5566;
    DATA data[2] = {{(ULONG_PTR)&first, sizeof(first), 0}, {(ULONG_PTR)&second, sizeof(second), 0}};
    NTSTATUS status[3];
    KIRQL irql;

    KeRaiseIrql(HIGH_LEVEL, &irql);
    status[0] = Write(Handle, &event, NULL, 2, data);
    status[1] = WriteTransfer(Handle, &event, &Activity, &Related, 1, data);
    status[2] = WriteString(Handle, 3, 2, &Activity, L"a string");
    KeLowerIrql(irql);
    ExpectStatus(status[0], STATUS_SUCCESS, "EtwWrite writes an event that is wanted, at any IRQL");
    ExpectStatus(status[1], STATUS_SUCCESS,
                 "EtwWriteTransfer writes one that links two activities");
    ExpectStatus(status[2], STATUS_SUCCESS, "EtwWriteString writes a string");
    ExpectStatus(Write(Handle, &unwanted, NULL, 0, NULL), STATUS_SUCCESS,
                 "EtwWrite succeeds with an event that is not wanted");
}

static VOID CheckTooLarge(VOID)
{
    EVENT event = {.Level = 4, .Keyword = 2};
    PVOID block = ExAllocatePoolWithTag(NonPagedPool, TOO_LARGE, TEST_TAG);
    DATA data = {(ULONG_PTR)block, TOO_LARGE, 0};

    if (block == NULL) {
        Expect(FALSE, "there is memory for a large event");
        return;
    }
    ExpectStatus(Write(Handle, &event, NULL, 1, &data), STATUS_INVALID_HANDLE,
                 "EtwWrite gives STATUS_INVALID_HANDLE for an event that cannot be logged");
    ExpectStatus(Write(Handle, &event, &Activity, 1, &data), STATUS_NO_MEMORY,
                 "EtwWrite gives STATUS_NO_MEMORY for one with an activity");
    ExFreePoolWithTag(block, TEST_TAG);
}

static VOID StepWrite(VOID)
{
    CheckWanted();
    CheckEvents();
    CheckTooLarge();
}

static VOID StepFill(VOID)
{
    static UCHAR block[4096];
    EVENT event = {.Id = 9, .Level = 4, .Keyword = 2};
    DATA data = {(ULONG_PTR)block, sizeof(block), 0};
    ULONG written = 0;
    NTSTATUS status;

    do
        status = Write(Handle, &event, &Activity, 1, &data);
    while (NT_SUCCESS(status) && ++written < 10000);
    ExpectStatus(status, STATUS_NO_MEMORY, "EtwWrite gives STATUS_NO_MEMORY when there is no room");
    Expect(written > 0, "after many events");
}

static VOID StepLeave(VOID)
{
    EVENT event = {.Level = 4, .Keyword = 2};

    Expect(Told.Calls == 2 && Told.Code == 0, "the callback is called when that has ended");
    Expect(!EventEnabled(Handle, &event) && !ProviderEnabled(Handle, 0, 0),
           "then no event is enabled any more");
    ExpectStatus(Write(Handle, &event, NULL, 0, NULL), STATUS_SUCCESS,
                 "and EtwWrite succeeds for nobody");
    ExpectStatus(Leave(Handle), STATUS_SUCCESS, "a provider leaves that was enabled once");
}

VOID StepTrace(ULONG Number)
{
    static VOID (*const steps[])(VOID) = {StepRegister, StepWrite, StepFill, StepLeave};

    KtapBegin(&TestReport);
    if (Number < sizeof(steps) / sizeof(steps[0]))
        steps[Number]();
    KtapEnd(&TestReport);
}
