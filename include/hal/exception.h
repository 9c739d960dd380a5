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
