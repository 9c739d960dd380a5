/*
 * seh.c - structured exceptions as a driver that clang or MSVC built uses them.
 *
 * Each case is a routine that may raise and a place that must, or must not, be reached. Order is
 * checked by a trail: each step appends its number.
 */
#include "seh.h"

#define OTHER_STATUS ((NTSTATUS)0xE0000002)
#define DEPTH 40

ULONG64 Trail;

VOID Step(ULONG Number)
{
    Trail = Trail * 16 + Number;
}

NOINLINE VOID Raise(NTSTATUS Status)
{
    ExRaiseStatus(Status);
}

NOINLINE NTSTATUS StatusOf(VOID (*Routine)(PVOID Context), PVOID Context)
{
    __try {
        Routine(Context);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return (NTSTATUS)GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

/* ---- filters --------------------------------------------------------------------------------- */

LONG Remember(PEXCEPTION_POINTERS Pointers, PEXCEPTION_RECORD Record, PCONTEXT Context, LONG Answer)
{
    *Record = *Pointers->ExceptionRecord;
    *Context = *Pointers->ContextRecord;
    return Answer;
}

static LONG Note(ULONG Number, LONG Answer)
{
    Step(Number);
    return Answer;
}

static LONG PointElsewhere(PEXCEPTION_POINTERS Pointers, ULONG *Elsewhere)
{
    Pointers->ContextRecord->Rcx = (ULONG64)Elsewhere;
    return EXCEPTION_CONTINUE_EXECUTION;
}

static VOID CheckSearch(VOID)
{
    Trail = 0;
    __try {
        __try {
            Raise(OWN_STATUS);
        } __except (Note(1, EXCEPTION_CONTINUE_SEARCH)) {
            Step(9);
        }
    } __except (Note(2, GetExceptionCode() == (ULONG)OWN_STATUS)) {
        Step(3);
    }
    ExpectEqual(Trail, 0x123,
                "a filter that answers CONTINUE_SEARCH leaves it to the next one out");
    Trail = 0;
    __try {
        Step(1);
    } __except (Note(9, EXCEPTION_EXECUTE_HANDLER)) {
        Step(9);
    }
    ExpectEqual(Trail, 1, "without an exception no filter is asked");
}

static VOID CheckContinue(VOID)
{
    ULONG value = 0x5EE0, got = 0;
    BOOLEAN handled = FALSE;

    __try {
        got = ReadLong(NULL);
    } __except (PointElsewhere(GetExceptionInformation(), &value)) {
        handled = TRUE;
    }
    Expect(!handled && got == 0x5EE0,
           "CONTINUE_EXECUTION goes on at the instruction, with the registers that the filter set");
    __try {
        __try {
            Raise(OWN_STATUS);
        } __except (GetExceptionCode() == (ULONG)OWN_STATUS ? EXCEPTION_CONTINUE_EXECUTION
                                                            : EXCEPTION_CONTINUE_SEARCH) {
            handled = TRUE;
        }
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        got = GetExceptionCode();
    }
    Expect(!handled, "the handler of a filter that answers CONTINUE_EXECUTION does not run");
    ExpectStatus((NTSTATUS)got, STATUS_NONCONTINUABLE_EXCEPTION,
                 "G-EX-41 what ExRaiseStatus raised cannot be continued");
}

VOID CheckFilters(VOID)
{
    EXCEPTION_RECORD record = {0};
    CONTEXT context = {0};

    __try {
        Raise(OWN_STATUS);
    } __except (Remember(GetExceptionInformation(), &record, &context, EXCEPTION_EXECUTE_HANDLER)) {
        ExpectStatus((NTSTATUS)GetExceptionCode(), OWN_STATUS,
                     "G-EX-41 the status of ExRaiseStatus is the exception's code");
    }
    ExpectStatus(record.ExceptionCode, OWN_STATUS, "the record that a filter sees has the code");
    ExpectEqual(record.ExceptionFlags, EXCEPTION_NONCONTINUABLE, "and says noncontinuable");
    ExpectEqual(record.NumberParameters, 0, "and has no parameters");
    Expect((ULONG64)record.ExceptionAddress == context.Rip, "and the address of the context");
    CheckSearch();
    CheckContinue();
}

/* ---- __finally ------------------------------------------------------------------------------- */

static NOINLINE VOID Inner(VOID)
{
    __try {
        Step(1);
        Raise(OWN_STATUS);
        Step(9);
    } __finally {
        Step(AbnormalTermination() ? 3 : 9);
    }
}

/* clang lets the scope of a call reach to the next instruction: that must not be a call in a scope
 * further out, or it takes one for the other, there as on Windows. Hence the steps behind calls. */
static NOINLINE VOID Middle(VOID)
{
    __try {
        __try {
            Inner();
            Step(9);
        } __finally {
            Step(4);
        }
    } __finally {
        Step(5);
    }
}

static NOINLINE ULONG ReturnEarly(VOID)
{
    __try {
        Step(1);
        return 7;
    } __finally {
        Step(2);
    }
    return 8;
}

static NOINLINE VOID Descend(ULONG Depth, ULONG *Left)
{
    __try {
        if (Depth == 0)
            Raise(OWN_STATUS);
        else
            Descend(Depth - 1, Left);
    } __finally {
        *Left += 1;
    }
}

static VOID CheckSameFunction(VOID)
{
    Trail = 0;
    __try {
        __try {
            __try {
                Raise(OWN_STATUS);
            } __except (Note(1, EXCEPTION_EXECUTE_HANDLER)) {
                Step(2);
            }
        } __finally {
            Step(AbnormalTermination() ? 9 : 3);
        }
        Step(4);
    } __finally {
        Step(5);
    }
    ExpectEqual(Trail, 0x12345,
                "a __finally outside of the handler that ran is left the normal way");
}

VOID CheckFinally(VOID)
{
    ULONG left = 0;

    Trail = 0;
    __try {
        Middle();
        Step(9);
    } __except (Note(2, EXCEPTION_EXECUTE_HANDLER)) {
        Step(6);
    }
    ExpectEqual(Trail, 0x123456,
                "first the filter, then each __finally from the inside out, then the handler");
    Trail = 0;
    __try {
        Step(1);
    } __finally {
        Step(AbnormalTermination() ? 9 : 2);
    }
    ExpectEqual(Trail, 0x12, "a __finally runs without an exception too, and can tell");
    Trail = 0;
    Expect(ReturnEarly() == 7 && Trail == 0x12, "a return out of a __try runs its __finally");
    CheckSameFunction();
    __try {
        Descend(DEPTH, &left);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
    }
    ExpectEqual(left, DEPTH + 1, "each frame of a deep recursion is cleaned up once");
}

/* ---- exceptions while one is being handled --------------------------------------------------- */

static NOINLINE LONG FilterThatCatches(VOID)
{
    Step(1);
    __try {
        Raise(OTHER_STATUS);
    } __except (Note(2, EXCEPTION_EXECUTE_HANDLER)) {
        Step(3);
    }
    return EXCEPTION_EXECUTE_HANDLER;
}

/* Raises about the first exception; asked about what it raised, it passes that on. */
static NOINLINE LONG FilterThatRaises(PULONG Flags, PEXCEPTION_POINTERS Pointers)
{
    *Flags = Pointers->ExceptionRecord->ExceptionFlags;
    if (Pointers->ExceptionRecord->ExceptionCode == OTHER_STATUS)
        return Note(2, EXCEPTION_CONTINUE_SEARCH);
    Step(1);
    Raise(OTHER_STATUS);
    return EXCEPTION_EXECUTE_HANDLER;
}

static LONG NoteFlags(PULONG Flags, PEXCEPTION_POINTERS Pointers)
{
    *Flags = Pointers->ExceptionRecord->ExceptionFlags;
    return EXCEPTION_EXECUTE_HANDLER;
}

static NOINLINE VOID RaiseInFilter(PULONG Flags)
{
    __try {
        Raise(OWN_STATUS);
    } __except (FilterThatRaises(Flags, GetExceptionInformation())) {
        Step(9);
    }
}

static NOINLINE VOID RaiseInFinally(VOID)
{
    __try {
        __try {
            Raise(OWN_STATUS);
            Step(9);
        } __finally {
            Step(1);
            Raise(OTHER_STATUS);
        }
        Step(9);
    } __finally {
        Step(2);
    }
}

static NOINLINE VOID RaiseInFinallyAndCatch(VOID)
{
    __try {
        Raise(OWN_STATUS);
        Step(9);
    } __finally {
        __try {
            Raise(OTHER_STATUS);
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            Step(1);
        }
        Step(2);
    }
}

static VOID CheckCollided(VOID)
{
    ULONG code = 0;

    Trail = 0;
    __try {
        RaiseInFinally();
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        code = GetExceptionCode();
        Step(3);
    }
    ExpectStatus((NTSTATUS)code, OTHER_STATUS, "an exception in a __finally replaces the first");
    ExpectEqual(Trail, 0x123, "and that __finally does not run again, the next one out does");
    Trail = 0;
    __try {
        RaiseInFinallyAndCatch();
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        code = GetExceptionCode();
        Step(3);
    }
    ExpectStatus((NTSTATUS)code, OWN_STATUS,
                 "one caught inside a __finally leaves the first alone");
    ExpectEqual(Trail, 0x123, "and the __finally goes on");
    Trail = 0;
    __try {
        __try {
            RaiseInFinally();
        } __except (GetExceptionCode() == (ULONG)OWN_STATUS) {
            Step(9);
        }
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        code = GetExceptionCode();
        Step(4);
    }
    ExpectStatus((NTSTATUS)code, OTHER_STATUS,
                 "an unwind to a handler further in is overtaken by one further out");
    ExpectEqual(Trail, 0x124, "which runs what was left to run once");
}

VOID CheckNested(VOID)
{
    ULONG code = 0, first = 0, second = ~0u;

    Trail = 0;
    __try {
        Raise(OWN_STATUS);
    } __except (FilterThatCatches()) {
        code = GetExceptionCode();
        Step(4);
    }
    ExpectEqual(Trail, 0x1234, "a filter may raise and catch an exception of its own");
    ExpectStatus((NTSTATUS)code, OWN_STATUS, "and the first is handled as if nothing had been");
    Trail = 0;
    __try {
        RaiseInFilter(&first);
    } __except (NoteFlags(&second, GetExceptionInformation())) {
        code = GetExceptionCode();
    }
    ExpectStatus((NTSTATUS)code, OTHER_STATUS, "what a filter raises goes on to handlers outside");
    ExpectEqual(Trail, 0x12, "after the filter itself was asked; its handler does not run");
    Expect((first & EXCEPTION_NESTED_CALL) != 0, "there it is a nested exception");
    Expect((second & EXCEPTION_NESTED_CALL) == 0, "and further out it is none");
    CheckCollided();
}

/* ---- the driver ------------------------------------------------------------------------------ */

static VOID Run(VOID)
{
    CheckFilters();
    CheckFinally();
    CheckNested();
    CheckFaults();
    CheckRegisters();
    CheckCallbacks();
    CheckRaising();
    CheckWalks();
    CheckLeaving();
    CheckLookups();
}

static VOID NTAPI DivideUncaught(PKDPC Dpc, PVOID Context, PVOID First, PVOID Second)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(First);
    UNREFERENCED_PARAMETER(Second);
    DivideByZero();
}

static VOID InterruptedByDpc(PVOID Context)
{
    KeInsertQueueDpc(Context, NULL, NULL);
    KeFlushQueuedDpcs();
}

static VOID ExitInThread(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    ExitUnwindToTheEnd();
}

static VOID Stop(ULONG Number)
{
    TEST_THREAD thread;
    static KDPC dpc;

    KeInitializeDpc(&dpc, DivideUncaught, NULL);
    switch (Number) {
    case 1:
        ExpectStop(SYSTEM_THREAD_EXCEPTION_NOT_HANDLED, (ULONG)OWN_STATUS, TEST_ANY, TEST_ANY,
                   TEST_ANY, "a status that nobody catches stops with 0x7E");
        Raise(OWN_STATUS);
        break;
    case 2:
        ExpectStop(KMODE_EXCEPTION_NOT_HANDLED, (ULONG)STATUS_INTEGER_DIVIDE_BY_ZERO, TEST_ANY, 0,
                   0, "the code that a DPC interrupts does not catch what the DPC raises");
        StatusOf(InterruptedByDpc, &dpc);
        break;
    case 3:
        ExpectStop(PAGE_FAULT_IN_NONPAGED_AREA, 0xFFFFFD0000000000, 0, TEST_ANY, TEST_ANY,
                   "a bad address of the system is no exception");
        StatusOf(Read, (PVOID)(ULONG_PTR)0xFFFFFD0000000000);
        break;
    case 4:
        ExpectStop(SYSTEM_THREAD_EXCEPTION_NOT_HANDLED, (ULONG)STATUS_INVALID_UNWIND_TARGET,
                   TEST_ANY, TEST_ANY, TEST_ANY, "an unwind to a frame that there is not");
        RtlUnwind((PVOID)((ULONG_PTR)__builtin_frame_address(0) + 1), (PVOID)(ULONG_PTR)Stop, NULL,
                  NULL);
        break;
    case 5:
        ExpectStop(KMODE_EXCEPTION_NOT_HANDLED, (ULONG)STATUS_UNWIND, TEST_ANY, 0, 0,
                   "an exit unwind that has left all frames");
        ExitUnwindToTheEnd();
        break;
    case 6:
        ExpectStop(KMODE_EXCEPTION_NOT_HANDLED, (ULONG)STATUS_UNWIND, TEST_ANY, 0, 0,
                   "in a thread of one's own too");
        TestThreadStart(&thread, 0, ExitInThread, NULL);
        TestThreadJoin(&thread);
        break;
    }
}

const TEST_GROUP TestGroup = {.Run = Run, .Stop = Stop};
