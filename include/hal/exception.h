/*
 * hal/exception.h - register states and the calls of language handlers. arch/x86_64/context.S
 */
#pragma once

#include <hal/types.h>
#include <nt/wdm.h>

/* The caller's state as it will be when this returns. Any IRQL. */
void NTAPI hal_context_capture(PCONTEXT context);
/* Go on there, on that stack; IRQL, segments and control registers stay. Any IRQL. */
DECLSPEC_NORETURN void NTAPI hal_context_restore(const CONTEXT *context);

/* What _setjmp keeps: _JUMP_BUFFER of Microsoft's setjmp.h for x64. Drivers own the memory. */
struct hal_jump_buffer {
    uint64_t frame; /* the establisher frame of the function that it was called in; 0: not told */
    uint64_t rbx, rsp, rbp, rsi, rdi, r12, r13, r14, r15, rip;
    uint32_t mxcsr;
    uint16_t x87_control;
    uint16_t spare;
    M128A xmm[10]; /* XMM6 to XMM15 */
};

/* Keep the caller's state as it will be when this returns; returns 0. Any IRQL. */
int NTAPI hal_jump_save(struct hal_jump_buffer *buffer, uint64_t frame);

/*
 * Call `callback` with `record`; what it returns. A walk up the stack that comes to the frame of
 * this goes on at `context`, so that all frames between are hidden. Any IRQL.
 */
uint64_t NTAPI hal_consolidate(const CONTEXT *context, uint64_t(NTAPI *callback)(PEXCEPTION_RECORD),
                               PEXCEPTION_RECORD record);
extern const char hal_consolidate_return[]; /* its return address */
/* Where such a frame, known by its stack pointer, keeps the address of its context. */
uint64_t hal_consolidate_context_at(uint64_t rsp);

/*
 * Call dispatcher->LanguageHandler, in the search for a handler or while unwinding. Two routines,
 * so that a walk up the stack that meets one of their frames knows what was going on there.
 */
EXCEPTION_DISPOSITION NTAPI hal_handler_search(PEXCEPTION_RECORD record, uint64_t establisher,
                                               PCONTEXT context, PDISPATCHER_CONTEXT dispatcher);
EXCEPTION_DISPOSITION NTAPI hal_handler_unwind(PEXCEPTION_RECORD record, uint64_t establisher,
                                               PCONTEXT context, PDISPATCHER_CONTEXT dispatcher);
/* Their return addresses, and that of exceptions, as frames show them. */
extern const char hal_handler_search_return[];
extern const char hal_handler_unwind_return[];
extern const char trap_common_return[];

/* The dispatcher context of a frame of theirs, by its stack pointer. */
PDISPATCHER_CONTEXT hal_handler_dispatcher(uint64_t rsp);
