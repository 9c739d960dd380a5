/*
 * ke/exception.c - structured exceptions: search, unwind, or bug check.
 *
 * An exception is offered to the handlers of the frames above it, innermost first; none of them is
 * left yet (the search). A handler that takes it calls RtlUnwindEx, which offers each frame below
 * the target a chance to clean up and then goes on at the target ("Structured Exception Handling",
 * "x64 exception handling"). Frames of the kernel have no handlers and are passed.
 *
 * Handlers may themselves raise and unwind. A later walk then meets the frame that called the
 * handler, hal_handler_search or hal_handler_unwind, and takes up from there: after the former the
 * exception is a nested one; after the latter the earlier unwind is overtaken, and its frame's
 * handler is called again from the scope where it stood.
 *
 * Interrupts and DPCs are a bottom: what they interrupted did not call them, and is not asked.
 */
#include "ke/exception.h"

#include <hal/exception.h>
#include <hal/hal.h>
#include <hal/upcall.h>
#include <lib/export.h>
#include <lib/string.h>

#include "ke/ke.h"
#include "ke/unwind.h"

struct exception_walk {
    CONTEXT context; /* of the frame */
    CONTEXT caller;
    bool exact;        /* context.Rip is no return address */
    bool caller_exact; /* the same of caller */
    struct ke_frame frame;
    uint32_t scope; /* where an overtaken unwind stood in the frame */
    DISPATCHER_CONTEXT dispatcher;
};

/* Find the caller of the walk's frame. */
static bool walk_look(struct exception_walk *walk)
{
    walk->caller = walk->context;
    walk->caller_exact = walk->exact;
    return ke_unwind_step(&walk->caller, &walk->caller_exact, NULL, &walk->frame) &&
           !walk->frame.interrupted_a_stack;
}

static void walk_up(struct exception_walk *walk)
{
    walk->context = walk->caller;
    walk->exact = walk->caller_exact;
    walk->scope = 0;
}

/* The frame called a handler of an unwind: go on with the frame that it was unwinding. */
static bool walk_overtake(struct exception_walk *walk)
{
    const DISPATCHER_CONTEXT *overtaken;

    if (walk->context.Rip != (uint64_t)hal_handler_unwind_return)
        return false;
    overtaken = hal_handler_dispatcher(walk->context.Rsp);
    walk->scope = overtaken->ScopeIndex;
    walk->context = *overtaken->ContextRecord;
    walk->exact = false;
    return true;
}

static PDISPATCHER_CONTEXT walk_dispatcher(struct exception_walk *walk, PCONTEXT context,
                                           PVOID target)
{
    walk->dispatcher = (DISPATCHER_CONTEXT){
        .ControlPc = walk->context.Rip,
        .ImageBase = walk->frame.image_base,
        .FunctionEntry = walk->frame.function,
        .EstablisherFrame = walk->frame.establisher,
        .TargetIp = (ULONG64)target,
        .ContextRecord = context,
        .LanguageHandler = walk->frame.handler,
        .HandlerData = walk->frame.handler_data,
        .ScopeIndex = walk->scope,
    };
    return &walk->dispatcher;
}

/* An error in the handling of an exception is an exception itself. */
static _Noreturn void raise_about(NTSTATUS code, PEXCEPTION_RECORD about)
{
    EXCEPTION_RECORD record = {.ExceptionCode = code,
                               .ExceptionFlags = EXCEPTION_NONCONTINUABLE,
                               .ExceptionRecord = about};
    CONTEXT context;

    hal_context_capture(&context);
    record.ExceptionAddress = (PVOID)context.Rip;
    ke_exception_raise(&record, &context, false, NULL);
}

/* True: a handler has said to continue at `context`. */
static bool search(PEXCEPTION_RECORD record, PCONTEXT context, bool exact)
{
    struct exception_walk walk = {.context = *context, .exact = exact};
    uint64_t nested = 0; /* the outermost frame that an exception in progress has reached */

    for (;; walk_up(&walk)) {
        walk_overtake(&walk);
        if (walk.context.Rip == (uint64_t)hal_handler_search_return) {
            uint64_t reached = hal_handler_dispatcher(walk.context.Rsp)->EstablisherFrame;

            record->ExceptionFlags |= EXCEPTION_NESTED_CALL;
            nested = reached > nested ? reached : nested;
        }
        if (!walk_look(&walk))
            return false;
        if ((walk.frame.handler_kinds & UNW_FLAG_EHANDLER) != 0) {
            switch (hal_handler_search(record, walk.frame.establisher, context,
                                       walk_dispatcher(&walk, context, NULL))) {
            case ExceptionContinueExecution:
                if ((record->ExceptionFlags & EXCEPTION_NONCONTINUABLE) != 0)
                    raise_about(STATUS_NONCONTINUABLE_EXCEPTION, record);
                return true;
            case ExceptionContinueSearch:
                break;
            default:
                raise_about(STATUS_INVALID_DISPOSITION, record);
            }
        }
        if (nested != 0 && walk.frame.establisher >= nested) {
            record->ExceptionFlags &= ~(ULONG)EXCEPTION_NESTED_CALL;
            nested = 0;
        }
    }
}

static void registers_from(const CONTEXT *c, struct bugcheck_registers *r)
{
    *r = (struct bugcheck_registers){.rax = c->Rax,
                                     .rbx = c->Rbx,
                                     .rcx = c->Rcx,
                                     .rdx = c->Rdx,
                                     .rsi = c->Rsi,
                                     .rdi = c->Rdi,
                                     .rbp = c->Rbp,
                                     .rsp = c->Rsp,
                                     .r8 = c->R8,
                                     .r9 = c->R9,
                                     .r10 = c->R10,
                                     .r11 = c->R11,
                                     .r12 = c->R12,
                                     .r13 = c->R13,
                                     .r14 = c->R14,
                                     .r15 = c->R15,
                                     .rip = c->Rip,
                                     .rflags = c->EFlags,
                                     .cs = c->SegCs,
                                     .ss = c->SegSs,
                                     .cr2 = hal_fault_address(),
                                     .irql = hal_irql_read()};
    hal_control_registers(&r->cr0, &r->cr3, &r->cr4);
}

/*
 * Windows wraps the start of each system thread in a handler that stops with 0x7E. Interrupts and
 * DPCs are below no such frame: 0x1E. (WDK: the pages of both codes)
 */
_Noreturn void ke_exception_raise(PEXCEPTION_RECORD record, PCONTEXT context, bool exact,
                                  const struct bugcheck_registers *registers)
{
    struct bugcheck_registers own;

    if (search(record, context, exact))
        hal_context_restore(context);
    if (registers == NULL) {
        registers_from(context, &own);
        registers = &own;
    }
    if (hal_irql_read() >= DISPATCH_LEVEL)
        lib_bugcheck(KMODE_EXCEPTION_NOT_HANDLED, (uint32_t)record->ExceptionCode,
                     (uint64_t)record->ExceptionAddress, record->ExceptionInformation[0],
                     record->ExceptionInformation[1], registers);
    lib_bugcheck(SYSTEM_THREAD_EXCEPTION_NOT_HANDLED, (uint32_t)record->ExceptionCode,
                 (uint64_t)record->ExceptionAddress, (uint64_t)record, (uint64_t)context,
                 registers);
}

/* Raise on behalf of the routine `steps` frames up from the caller of this. */
static _Noreturn __attribute__((noinline)) void raise_status_from(NTSTATUS status, unsigned steps)
{
    EXCEPTION_RECORD record = {.ExceptionCode = status, .ExceptionFlags = EXCEPTION_NONCONTINUABLE};
    struct ke_frame frame;
    CONTEXT context;
    bool exact = false;

    hal_context_capture(&context);
    for (unsigned i = 0; i <= steps; i++)
        ke_unwind_step(&context, &exact, NULL, &frame);
    record.ExceptionAddress = (PVOID)context.Rip;
    ke_exception_raise(&record, &context, exact, NULL);
}

_Noreturn void ke_raise_status(int32_t status)
{
    raise_status_from(status, 1);
}

/* WDK surface */

DECLSPEC_NORETURN VOID NTAPI ExRaiseStatus(NTSTATUS Status)
{
    raise_status_from(Status, 1);
}
LDR_EXPORT(ExRaiseStatus);

VOID NTAPI RtlRaiseStatus(NTSTATUS Status)
{
    raise_status_from(Status, 1);
}
LDR_EXPORT(RtlRaiseStatus);

DECLSPEC_NORETURN VOID NTAPI ExRaiseAccessViolation(VOID)
{
    raise_status_from(STATUS_ACCESS_VIOLATION, 1);
}
LDR_EXPORT(ExRaiseAccessViolation);

DECLSPEC_NORETURN VOID NTAPI ExRaiseDatatypeMisalignment(VOID)
{
    raise_status_from(STATUS_DATATYPE_MISALIGNMENT, 1);
}
LDR_EXPORT(ExRaiseDatatypeMisalignment);

/* Returns if a handler says to continue: then the state is that of the context it was shown. */
VOID NTAPI RtlRaiseException(PEXCEPTION_RECORD ExceptionRecord)
{
    struct ke_frame frame;
    CONTEXT context;
    bool exact = false;

    hal_context_capture(&context);
    ke_unwind_step(&context, &exact, NULL, &frame);
    ExceptionRecord->ExceptionAddress = (PVOID)context.Rip;
    ke_exception_raise(ExceptionRecord, &context, exact, NULL);
}
LDR_EXPORT(RtlRaiseException);

/* Call the frame's clean-up. True: it is the target. */
static bool unwind_frame(struct exception_walk *walk, PEXCEPTION_RECORD record, PVOID target_frame,
                         PVOID target)
{
    bool is_target =
        walk->frame.establisher != 0 && walk->frame.establisher == (uint64_t)target_frame;

    if (is_target)
        record->ExceptionFlags |= EXCEPTION_TARGET_UNWIND;
    if ((walk->frame.handler_kinds & UNW_FLAG_UHANDLER) != 0 &&
        hal_handler_unwind(record, walk->frame.establisher, &walk->context,
                           walk_dispatcher(walk, &walk->context, target)) !=
            ExceptionContinueSearch)
        raise_about(STATUS_INVALID_DISPOSITION, record);
    record->ExceptionFlags &= ~(ULONG)(EXCEPTION_TARGET_UNWIND | EXCEPTION_COLLIDED_UNWIND);
    return is_target;
}

/*
 * All frames of an exit unwind have been left: there is nothing to go on with. The documents name
 * no bug check; Windows gives the record a second chance, which in the kernel is 0x1E.
 */
static _Noreturn void exit_unwind_end(const EXCEPTION_RECORD *record)
{
    lib_bugcheck(KMODE_EXCEPTION_NOT_HANDLED, (uint32_t)record->ExceptionCode,
                 (uint64_t)record->ExceptionAddress, record->ExceptionInformation[0],
                 record->ExceptionInformation[1], NULL);
}

/*
 * To TargetFrame, and on at TargetIp with ReturnValue in RAX; by a longjmp's record, or by one that
 * consolidates, as RtlRestoreContext goes on. TargetFrame NULL: an exit unwind, of all frames and
 * with EXCEPTION_EXIT_UNWIND set; its end is bug check 0x1E. Does not return. Exceptions:
 * STATUS_INVALID_UNWIND_TARGET (the target is no frame of this stack), STATUS_INVALID_DISPOSITION,
 * STATUS_BAD_STACK. The context and history of the caller are room that is not needed.
 */
VOID NTAPI RtlUnwindEx(PVOID TargetFrame, PVOID TargetIp, PEXCEPTION_RECORD ExceptionRecord,
                       PVOID ReturnValue, PCONTEXT ContextRecord,
                       PUNWIND_HISTORY_TABLE HistoryTable)
{
    EXCEPTION_RECORD own = {.ExceptionCode = STATUS_UNWIND};
    struct exception_walk walk = {.exact = false};

    UNREFERENCED_PARAMETER(ContextRecord);
    UNREFERENCED_PARAMETER(HistoryTable);
    hal_context_capture(&walk.context);
    if (ExceptionRecord == NULL) {
        own.ExceptionAddress = (PVOID)walk.context.Rip;
        ExceptionRecord = &own;
    }
    ExceptionRecord->ExceptionFlags |=
        EXCEPTION_UNWINDING | (TargetFrame == NULL ? EXCEPTION_EXIT_UNWIND : 0);
    for (;; walk_up(&walk)) {
        if (walk_overtake(&walk))
            ExceptionRecord->ExceptionFlags |= EXCEPTION_COLLIDED_UNWIND;
        if (!walk_look(&walk)) {
            if (TargetFrame == NULL)
                exit_unwind_end(ExceptionRecord);
            raise_about(STATUS_BAD_STACK, ExceptionRecord);
        }
        if (TargetFrame != NULL && walk.frame.establisher > (uint64_t)TargetFrame)
            raise_about(STATUS_INVALID_UNWIND_TARGET, ExceptionRecord);
        if (unwind_frame(&walk, ExceptionRecord, TargetFrame, TargetIp))
            break;
    }
    /* What is called from a consolidated frame must find the frame as it made its last call. */
    if (ExceptionRecord->ExceptionCode != STATUS_UNWIND_CONSOLIDATE)
        walk.context.Rip = (ULONG64)TargetIp;
    walk.context.Rax = (ULONG64)ReturnValue;
    RtlRestoreContext(&walk.context, ExceptionRecord);
}
LDR_EXPORT(RtlUnwindEx);

VOID NTAPI RtlUnwind(PVOID TargetFrame, PVOID TargetIp, PEXCEPTION_RECORD ExceptionRecord,
                     PVOID ReturnValue)
{
    RtlUnwindEx(TargetFrame, TargetIp, ExceptionRecord, ReturnValue, NULL, NULL);
}
LDR_EXPORT(RtlUnwind);
