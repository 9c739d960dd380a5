/*
 * ke/context.c - going on at another place of the stack: RtlRestoreContext, and the longjmp and
 * setjmp of the C library.
 *
 * A record of STATUS_LONGJUMP or STATUS_UNWIND_CONSOLIDATE says how ("RtlRestoreContext"): its
 * first parameter is a jump buffer, or a routine that is called before, on top of the stack as it
 * is, and says where to go on. C++ catch handlers are called that way.
 */
#include <hal/exception.h>
#include <lib/export.h>
#include <lib/string.h>

typedef uint64_t(NTAPI consolidate_fn)(PEXCEPTION_RECORD record);

static void context_from_jump(PCONTEXT context, const struct hal_jump_buffer *jump)
{
    context->Rbx = jump->rbx;
    context->Rsp = jump->rsp;
    context->Rbp = jump->rbp;
    context->Rsi = jump->rsi;
    context->Rdi = jump->rdi;
    context->R12 = jump->r12;
    context->R13 = jump->r13;
    context->R14 = jump->r14;
    context->R15 = jump->r15;
    context->Rip = jump->rip;
    context->MxCsr = jump->mxcsr;
    context->FltSave.ControlWord = jump->x87_control;
    memcpy(&context->Xmm6, jump->xmm, sizeof(jump->xmm));
}

/*
 * Does not return. ReturnValue 0 is taken as 1. A buffer that knows its frame is reached by
 * unwinding: what lies between is cleaned up. IRQL <= DISPATCH_LEVEL, that of the _setjmp.
 */
static _Noreturn NTAPI void jump_restore(const struct hal_jump_buffer *buffer, int value)
{
    EXCEPTION_RECORD record = {.ExceptionCode = STATUS_LONGJUMP,
                               .NumberParameters = 1,
                               .ExceptionInformation = {(ULONG_PTR)buffer}};
    PVOID result = (PVOID)(ULONG_PTR)(ULONG)(value == 0 ? 1 : value);
    CONTEXT context;

    if (buffer->frame != 0)
        RtlUnwind((PVOID)buffer->frame, (PVOID)buffer->rip, &record, result);
    hal_context_capture(&context);
    context_from_jump(&context, buffer);
    context.Rax = (ULONG64)result;
    hal_context_restore(&context);
}
LDR_EXPORT_AS("longjmp", jump_restore);
LDR_EXPORT_AS("_setjmp", hal_jump_save);
LDR_EXPORT_AS("_setjmpex", hal_jump_save);

/* WDK surface */

/* Does not return. Any IRQL. */
VOID NTAPI RtlRestoreContext(PCONTEXT ContextRecord, PEXCEPTION_RECORD ExceptionRecord)
{
    if (ExceptionRecord != NULL && ExceptionRecord->NumberParameters >= 1) {
        ULONG_PTR parameter = ExceptionRecord->ExceptionInformation[0];

        if (ExceptionRecord->ExceptionCode == STATUS_LONGJUMP)
            context_from_jump(ContextRecord, (const struct hal_jump_buffer *)parameter);
        else if (ExceptionRecord->ExceptionCode == STATUS_UNWIND_CONSOLIDATE)
            ContextRecord->Rip =
                hal_consolidate(ContextRecord, (consolidate_fn *)parameter, ExceptionRecord);
    }
    hal_context_restore(ContextRecord);
}
LDR_EXPORT(RtlRestoreContext);
