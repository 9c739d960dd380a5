/*
 * jump.c - leaving several frames at once: RtlUnwindEx, RtlRestoreContext, _local_unwind, and what
 * the C library's longjmp and C++ catch handlers are made of.
 */
#include "seh.h"

#define UNTOUCHED 0x5EE05EE0u

/* _JUMP_BUFFER of setjmp.h. */
typedef struct DECLSPEC_ALIGN(16) _JUMP {
    ULONG64 Frame;
    ULONG64 Rbx, Rsp, Rbp, Rsi, Rdi, R12, R13, R14, R15, Rip;
    ULONG MxCsr;
    USHORT FpCsr;
    USHORT Spare;
    M128A Xmm6To15[10];
} JUMP;

/* Under names of their own: clang has its own idea of _setjmp. */
INT NTAPI SetJump(JUMP *Buffer, PVOID Frame) __asm__("_setjmp") __attribute__((returns_twice));
INT NTAPI SetJumpEx(JUMP *Buffer, PVOID Frame) __asm__("_setjmpex") __attribute__((returns_twice));
VOID NTAPI Jump(JUMP *Buffer, INT Value) __asm__("longjmp") __attribute__((noreturn));

#define OWN_FRAME __builtin_frame_address(0) /* what MSVC and clang hand to _setjmp */

static JUMP Buffer;

/* ---- longjmp --------------------------------------------------------------------------------- */

static NOINLINE VOID JumpFromBelow(INT Value)
{
    Step(1);
    Jump(&Buffer, Value);
}

static NOINLINE VOID JumpThroughFinally(INT Value)
{
    __try {
        JumpFromBelow(Value);
        Step(9);
    } __finally {
        Step(AbnormalTermination() ? 2 : 9);
    }
}

/* Bare: to a buffer without a frame, in which registers are all there is to go by. */
static NOINLINE INT SetAndJump(INT Value, BOOLEAN Bare)
{
    INT got;

    Trail = 0;
    got = Bare ? SetJumpEx(&Buffer, NULL) : SetJump(&Buffer, OWN_FRAME);
    if (got == 0)
        JumpThroughFinally(Value);
    Step(3);
    return got;
}

static NOINLINE INT JumpInsideTry(VOID)
{
    volatile INT got = 0;

    Trail = 0;
    __try {
        got = SetJump(&Buffer, OWN_FRAME);
        if (got == 0)
            JumpThroughFinally(5);
        Step(3);
    } __finally {
        Step(AbnormalTermination() ? 9 : 4);
    }
    return got;
}

static NOINLINE LONG JumpFromFilter(VOID)
{
    Jump(&Buffer, 1);
}

static NOINLINE VOID ClobberAndJump(VOID)
{
    __try {
        ClobberAndRead(NULL);
    } __except (JumpFromFilter()) {
        Step(9);
    }
}

static VOID SetAndClobber(VOID)
{
    if (SetJump(&Buffer, OWN_FRAME) == 0)
        ClobberAndJump();
}

static VOID SetAndClobberBare(VOID)
{
    if (SetJump(&Buffer, NULL) == 0)
        ClobberAndJump();
}

static NOINLINE VOID JumpInFinally(VOID)
{
    __try {
        __try {
            Raise(OWN_STATUS);
            Step(9);
        } __finally {
            Step(1);
            Jump(&Buffer, 6);
        }
        Step(9);
    } __finally {
        Step(2);
    }
}

static NOINLINE INT SetAndJumpInFinally(VOID)
{
    INT got = SetJump(&Buffer, OWN_FRAME);

    if (got == 0) {
        __try {
            JumpInFinally();
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            Step(9);
        }
    }
    return got;
}

static VOID CheckJumps(VOID)
{
    ExpectEqual((ULONG)SetAndJump(7, FALSE), 7, "longjmp makes _setjmp return its value");
    ExpectEqual(Trail, 0x123, "after each __finally on the way");
    ExpectEqual((ULONG)SetAndJump(0, FALSE), 1, "longjmp makes it return 1 in place of 0");
    ExpectEqual((ULONG)SetAndJump(-1, FALSE), (ULONG)-1, "or a negative value");
    ExpectEqual((ULONG)SetAndJump(8, TRUE), 8, "longjmp to a buffer without a frame goes there");
    ExpectEqual(Trail, 0x13, "and unwinds nothing");
    ExpectEqual((ULONG)JumpInsideTry(), 5, "longjmp into the guarded code of a __finally");
    ExpectEqual(Trail, 0x1234, "does not leave it");
    ExpectEqual(ChangedRegisters(SetAndClobber), 0,
                "longjmp out of a filter gives back RBX RBP RSI RDI R12-R15 and XMM6-15");
    ExpectEqual(ChangedRegisters(SetAndClobberBare), 0, "and without a frame too");
    Trail = 0;
    ExpectEqual((ULONG)SetAndJumpInFinally(), 6, "longjmp out of a __finally overtakes the unwind");
    ExpectEqual(Trail, 0x12, "and what was left of it runs once");
}

/* ---- RtlUnwindEx ----------------------------------------------------------------------------- */

static UNWIND_NOTE Note;

/* The language handler of CallNoted. */
EXCEPTION_DISPOSITION NTAPI NoteUnwind(PEXCEPTION_RECORD Record, PVOID Frame, PCONTEXT Context,
                                       PDISPATCHER_CONTEXT Dispatcher)
{
    UNREFERENCED_PARAMETER(Context);
    if ((Record->ExceptionFlags & EXCEPTION_UNWIND) == 0)
        return ExceptionContinueSearch;
    Note.Calls++;
    Note.Code = Record->ExceptionCode;
    Note.Flags = Record->ExceptionFlags;
    Note.Frame = Frame;
    Note.TargetIp = Dispatcher->TargetIp;
    if (Note.BadAnswers == 0)
        return ExceptionContinueSearch;
    Note.BadAnswers--;
    return ExceptionContinueExecution;
}

static VOID ResetNote(ULONG BadAnswers)
{
    RtlZeroMemory(&Note, sizeof(Note));
    Note.BadAnswers = BadAnswers;
}

static PVOID Target;

static NOINLINE VOID UnwindToTarget(VOID)
{
    CONTEXT context;

    RtlUnwindEx(Target, (PVOID)(ULONG_PTR)ResumeWithValue, NULL, (PVOID)(ULONG_PTR)0x1234, &context,
                NULL);
}

static VOID UnwindThroughNoted(PVOID Frame)
{
    Target = Frame;
    CallNoted(UnwindToTarget);
}

static VOID LocalUnwind(PVOID Frame)
{
    __try {
        Step(1);
        _local_unwind(Frame, (PVOID)(ULONG_PTR)ResumeWithSeven);
    } __finally {
        Step(AbnormalTermination() ? 2 : 9);
    }
}

static NOINLINE VOID UnwindBelow(VOID)
{
    CONTEXT context;

    RtlUnwindEx(&context, (PVOID)(ULONG_PTR)ResumeWithValue, NULL, NULL, &context, NULL);
}

static VOID UnwindPastTarget(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    UnwindBelow();
}

static VOID UnwindWithBadAnswer(PVOID Frame)
{
    Target = Frame;
    CallNoted(UnwindToTarget);
}

static VOID CallBadAnswer(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    CallResumable(UnwindWithBadAnswer);
}

static VOID CheckTargets(VOID)
{
    ResetNote(0);
    ExpectEqual(CallResumable(UnwindThroughNoted), 0x1234,
                "RtlUnwindEx goes on at TargetIp in the target frame, with ReturnValue in RAX");
    ExpectEqual(Note.Calls, 1, "each frame's termination handler is called once");
    ExpectStatus(Note.Code, STATUS_UNWIND, "without a record, with STATUS_UNWIND");
    ExpectEqual(Note.Flags, EXCEPTION_UNWINDING, "EXCEPTION_UNWINDING and nothing else is set");
    ExpectEqual(Note.TargetIp, (ULONG64)ResumeWithValue, "and TargetIp is told");
    Trail = 0;
    ExpectEqual(CallResumable(LocalUnwind), 7, "_local_unwind goes on at TargetIp");
    ExpectEqual(Trail, 0x12, "when each __finally on the way has run");
    ExpectStatus(StatusOf(UnwindPastTarget, NULL), STATUS_INVALID_UNWIND_TARGET,
                 "RtlUnwindEx raises about a target below the frames that there are");
    ResetNote(1);
    ExpectStatus(StatusOf(CallBadAnswer, NULL), STATUS_INVALID_DISPOSITION,
                 "and about a termination handler that wants to continue");
}

/* ---- exit unwinds ---------------------------------------------------------------------------- */

static NOINLINE VOID ExitUnwind(VOID)
{
    CONTEXT context;

    RtlUnwindEx(NULL, NULL, NULL, NULL, &context, NULL);
}

static NOINLINE VOID ExitThroughFinally(VOID)
{
    __try {
        CallNoted(ExitUnwind);
        Step(9);
    } __finally {
        Step(AbnormalTermination() ? 1 : 9);
    }
}

static NOINLINE VOID ExitAndJump(VOID)
{
    __try {
        __try {
            ExitThroughFinally();
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            Step(9);
        }
        Step(9);
    } __finally {
        Step(2);
        Jump(&Buffer, 3);
    }
}

static NOINLINE INT SetAndExit(VOID)
{
    INT got;

    Trail = 0;
    got = SetJump(&Buffer, OWN_FRAME);
    if (got == 0)
        ExitAndJump();
    return got;
}

static VOID CheckExit(VOID)
{
    ResetNote(0);
    ExpectEqual((ULONG)SetAndExit(), 3, "an exit unwind can be overtaken by one with a target");
    ExpectEqual(Trail, 0x12, "it runs each __finally from the inside out, and no __except");
    ExpectStatus(Note.Code, STATUS_UNWIND, "it has the code STATUS_UNWIND");
    ExpectEqual(Note.Flags, EXCEPTION_UNWINDING | EXCEPTION_EXIT_UNWIND,
                "and EXCEPTION_EXIT_UNWIND is set beside EXCEPTION_UNWINDING");
}

VOID ExitUnwindToTheEnd(VOID)
{
    ExitThroughFinally();
}

/* ---- consolidation --------------------------------------------------------------------------- */

typedef struct _CONSOLIDATION {
    PEXCEPTION_RECORD Record; /* the callback's argument */
    ULONG Local;              /* of a frame that has been left */
    NTSTATUS Caught;          /* of an exception in the callback */
    BOOLEAN CallerIsTarget;
} CONSOLIDATION;

static CONSOLIDATION Found;

static BOOLEAN IsInside(PVOID Address, VOID *Start, VOID *End)
{
    return (PUCHAR)Address >= (PUCHAR)Start && (PUCHAR)Address < (PUCHAR)End;
}

/* What a catch handler is: called while the frames that were left are still on the stack. */
static ULONG64 NTAPI Consolidated(PEXCEPTION_RECORD Record)
{
    /* This routine, the one that called it, and what that stands for. */
    PVOID callers[3];
    USHORT count = RtlCaptureStackBackTrace(0, 3, callers, NULL);

    Step(3);
    Found.Record = Record;
    Found.Local = *(PULONG)Record->ExceptionInformation[1];
    Found.CallerIsTarget = count == 3 && IsInside(callers[2], (PVOID)(ULONG_PTR)CallResumable,
                                                  (PVOID)(ULONG_PTR)EndOfResumable);
    return (ULONG64)ResumeWithSeven;
}

static ULONG64 NTAPI ConsolidatedThatRaises(PEXCEPTION_RECORD Record)
{
    UNREFERENCED_PARAMETER(Record);
    Step(3);
    Raise(OWN_STATUS);
    return (ULONG64)ResumeWithSeven;
}

static NOINLINE VOID UnwindConsolidated(PVOID Frame, ULONG64(NTAPI *Callback)(PEXCEPTION_RECORD))
{
    volatile ULONG local = UNTOUCHED;
    EXCEPTION_RECORD record = {
        .ExceptionCode = STATUS_UNWIND_CONSOLIDATE,
        .NumberParameters = 2,
        .ExceptionInformation = {(ULONG_PTR)Callback, (ULONG_PTR)&local},
    };
    CONTEXT context;

    __try {
        Step(1);
        RtlUnwindEx(Frame, (PVOID)(ULONG_PTR)ResumeWithValue, &record, NULL, &context, NULL);
    } __finally {
        Step(2);
    }
}

static VOID Consolidate(PVOID Frame)
{
    UnwindConsolidated(Frame, Consolidated);
}

/* Its own __except has been left when the callback raises. */
static VOID ConsolidateAndRaise(PVOID Frame)
{
    __try {
        UnwindConsolidated(Frame, ConsolidatedThatRaises);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Step(9);
    }
}

static VOID CallThatRaises(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    CallResumable(ConsolidateAndRaise);
}

static VOID CheckConsolidation(VOID)
{
    Trail = 0;
    RtlZeroMemory(&Found, sizeof(Found));
    ExpectEqual(CallResumable(Consolidate), 7,
                "STATUS_UNWIND_CONSOLIDATE goes on where its callback says");
    ExpectEqual(Trail, 0x123, "the callback runs when the frames on the way are cleaned up");
    Expect(Found.Record != NULL && Found.Record->ExceptionCode == STATUS_UNWIND_CONSOLIDATE,
           "it gets the record");
    ExpectEqual(Found.Local, UNTOUCHED, "the variables of the frames that were left are intact");
    Expect(Found.CallerIsTarget, "a walk from the callback comes to the target frame at once");
    Trail = 0;
    ExpectStatus(StatusOf(CallThatRaises, NULL), OWN_STATUS,
                 "what the callback raises goes to the target frame's callers");
    ExpectEqual(Trail, 0x123, "not to an __except that was left");
}

/* ---- RtlRestoreContext ----------------------------------------------------------------------- */

static NOINLINE VOID Restore(PEXCEPTION_RECORD Record)
{
    volatile BOOLEAN again = FALSE;
    CONTEXT context;

    RtlCaptureContext(&context);
    if (again) {
        Step(2);
        return;
    }
    again = TRUE;
    Step(1);
    context.Rax = 5; /* what _setjmp returns there */
    RtlRestoreContext(&context, Record);
}

static NOINLINE INT SetAndRestore(VOID)
{
    EXCEPTION_RECORD record = {.ExceptionCode = STATUS_LONGJUMP,
                               .NumberParameters = 1,
                               .ExceptionInformation = {(ULONG_PTR)&Buffer}};
    INT got = SetJump(&Buffer, OWN_FRAME);

    if (got == 0)
        Restore(&record);
    Step(4);
    return got;
}

static VOID RestoreConsolidated(PVOID Frame)
{
    CONTEXT context;
    ULONG64 image, frame;
    PVOID data;
    PRUNTIME_FUNCTION function;
    volatile ULONG local = UNTOUCHED;
    EXCEPTION_RECORD record = {
        .ExceptionCode = STATUS_UNWIND_CONSOLIDATE,
        .NumberParameters = 2,
        .ExceptionInformation = {(ULONG_PTR)Consolidated, (ULONG_PTR)&local},
    };

    UNREFERENCED_PARAMETER(Frame);
    RtlCaptureContext(&context);
    function = RtlLookupFunctionEntry(context.Rip, &image, NULL);
    RtlVirtualUnwind(UNW_FLAG_NHANDLER, image, context.Rip, function, &context, &data, &frame,
                     NULL);
    RtlRestoreContext(&context, &record);
}

static VOID CheckRestore(VOID)
{
    EXCEPTION_RECORD other = {.ExceptionCode = OWN_STATUS};

    Trail = 0;
    Restore(NULL);
    ExpectEqual(Trail, 0x12, "RtlRestoreContext goes on where RtlCaptureContext was called");
    Trail = 0;
    Restore(&other);
    ExpectEqual(Trail, 0x12, "whatever the record says that is of no code it knows");
    Trail = 0;
    ExpectEqual((ULONG)SetAndRestore(), 5,
                "with STATUS_LONGJUMP where the jump buffer says, with RAX of the context");
    ExpectEqual(Trail, 0x14, "which is not where the context was captured");
    Trail = 0;
    RtlZeroMemory(&Found, sizeof(Found));
    ExpectEqual(CallResumable(RestoreConsolidated), 7,
                "with STATUS_UNWIND_CONSOLIDATE where the callback says");
    Expect(Trail == 3 && Found.Local == UNTOUCHED && Found.CallerIsTarget,
           "which is called with the frames between hidden");
}

VOID CheckLeaving(VOID)
{
    CheckJumps();
    CheckTargets();
    CheckExit();
    CheckConsolidation();
    CheckRestore();
}
