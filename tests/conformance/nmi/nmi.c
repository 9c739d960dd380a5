/*
 * nmi.c - conformance of KeRegisterNmiCallback. Steps 1 and 2 stand before and behind an NMI that
 * comes from outside, step 3 before one that stops the system: tests/qemu/test_conformance.py.
 */
#include "suite.h"

#define PAUSE_MS 10
#define WAIT_MS 20000 /* a processor of an emulator may be late */

typedef struct _ASKED {
    volatile LONG Calls;
    volatile LONG Order; /* of the latest call */
    volatile BOOLEAN Handled;
    volatile KIRQL Irql;
    BOOLEAN Answer;
    PVOID Handle;
} ASKED;

static ASKED First = {.Answer = TRUE}, Second, Third = {.Answer = TRUE};
static volatile LONG Calls;

static BOOLEAN NTAPI Note(PVOID Context, BOOLEAN Handled)
{
    ASKED *asked = Context;

    asked->Order = InterlockedIncrement(&Calls);
    asked->Handled = Handled;
    asked->Irql = KeGetCurrentIrql();
    InterlockedIncrement(&asked->Calls);
    return asked->Answer;
}

static VOID Run(VOID)
{
    PVOID handle = KeRegisterNmiCallback(Note, &First);

    Expect(handle != NULL, "KeRegisterNmiCallback gives a handle");
    ExpectStatus(KeDeregisterNmiCallback(&First), STATUS_INVALID_HANDLE,
                 "KeDeregisterNmiCallback refuses what is no handle");
    ExpectStatus(KeDeregisterNmiCallback(handle), STATUS_SUCCESS,
                 "KeDeregisterNmiCallback takes the handle");
    ExpectStatus(KeDeregisterNmiCallback(handle), STATUS_INVALID_HANDLE,
                 "KeDeregisterNmiCallback takes it once");
}

static VOID Register(VOID)
{
    First.Handle = KeRegisterNmiCallback(Note, &First);
    Second.Handle = KeRegisterNmiCallback(Note, &Second);
    Third.Handle = KeRegisterNmiCallback(Note, &Third);
    Expect(First.Handle != NULL && Second.Handle != NULL && Third.Handle != NULL,
           "KeRegisterNmiCallback takes several");
    ExpectStatus(KeDeregisterNmiCallback(Second.Handle), STATUS_SUCCESS,
                 "KeDeregisterNmiCallback takes one out from between the others");
}

/* Both others say that they have handled it, so that each processor goes on. It reaches all. */
static VOID CheckAsked(VOID)
{
    ULONG processors = KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS);
    LARGE_INTEGER pause = {.QuadPart = -10000 * PAUSE_MS};

    for (ULONG i = 0; i < WAIT_MS / PAUSE_MS && (ULONG)First.Calls < processors; i++)
        KeDelayExecutionThread(KernelMode, FALSE, &pause);
    ExpectEqual((ULONG64)First.Calls, processors,
                "KeRegisterNmiCallback: an NMI calls the routine, and the machine goes on");
    ExpectEqual((ULONG64)Third.Calls, (ULONG64)First.Calls,
                "KeRegisterNmiCallback: every routine is called");
    ExpectEqual((ULONG64)Second.Calls, 0, "KeDeregisterNmiCallback: it is not called any more");
    Expect(First.Irql == HIGH_LEVEL && Third.Irql == HIGH_LEVEL,
           "KeRegisterNmiCallback: at HIGH_LEVEL");
    Expect(!Third.Handled && First.Handled,
           "KeRegisterNmiCallback: the latest first; the next is told that it is handled");
    KeDeregisterNmiCallback(First.Handle);
    KeDeregisterNmiCallback(Third.Handle);
}

static VOID RegisterUnhandling(VOID)
{
    ExpectStop(0x80, 0x4F4454, TEST_ANY, TEST_ANY, TEST_ANY,
               "KeRegisterNmiCallback: an NMI that no routine handles stops the system");
    Second.Handle = KeRegisterNmiCallback(Note, &Second);
}

static VOID Step(ULONG Number)
{
    KtapBegin(&TestReport);
    if (Number == 1)
        Register();
    else if (Number == 2)
        CheckAsked();
    else
        RegisterUnhandling();
    KtapEnd(&TestReport);
}

const TEST_GROUP TestGroup = {.Run = Run, .Step = Step};
