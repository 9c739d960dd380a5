/*
 * trap.c - the promises between assembly and C, kept by the compiler.
 *
 * frame.h numbers the fields that entry.S touches; a struct that moves one of them does not
 * compile. What an exception means is decided in kernel/ke.
 */
#include <hal/exception.h>

#include "arch.h"
#include "frame.h"

_Static_assert(offsetof(struct pcr, self) == PCR_SELF, "frame.h");
_Static_assert(offsetof(struct pcr, mxcsr) == PCR_MXCSR, "frame.h");
_Static_assert(offsetof(struct hal_trap_frame, xmm) == FRAME_XMM, "frame.h");
_Static_assert(offsetof(struct hal_trap_frame, mxcsr) == FRAME_MXCSR, "frame.h");
_Static_assert(offsetof(struct hal_trap_frame, rax) == FRAME_RAX, "frame.h");
_Static_assert(offsetof(struct hal_trap_frame, vector) == FRAME_VECTOR, "frame.h");
_Static_assert(offsetof(struct hal_trap_frame, error_code) == FRAME_ERROR_CODE, "frame.h");
_Static_assert(offsetof(struct hal_trap_frame, rip) == FRAME_RIP, "frame.h");
_Static_assert(sizeof(struct hal_trap_frame) == FRAME_SIZE, "frame.h");

_Static_assert(offsetof(CONTEXT, ContextFlags) == CONTEXT_FLAGS, "frame.h");
_Static_assert(offsetof(CONTEXT, MxCsr) == CONTEXT_MXCSR, "frame.h");
_Static_assert(offsetof(CONTEXT, SegCs) == CONTEXT_CS, "frame.h");
_Static_assert(offsetof(CONTEXT, EFlags) == CONTEXT_EFLAGS, "frame.h");
_Static_assert(offsetof(CONTEXT, Rax) == CONTEXT_RAX, "frame.h");
_Static_assert(offsetof(CONTEXT, Rsp) == CONTEXT_RSP, "frame.h");
_Static_assert(offsetof(CONTEXT, Rip) == CONTEXT_RIP, "frame.h");
_Static_assert(offsetof(CONTEXT, FltSave) == CONTEXT_FLOATING, "frame.h");
_Static_assert(CONTEXT_CAPTURED - (CONTEXT_SEGMENTS ^ CONTEXT_AMD64) == CONTEXT_FULL, "frame.h");
_Static_assert((CONTEXT_FLOATING_POINT & 0xFF) == CONTEXT_HAS_FLOATING, "frame.h");
_Static_assert(offsetof(DISPATCHER_CONTEXT, LanguageHandler) == DISPATCHER_HANDLER, "frame.h");

_Static_assert(offsetof(struct hal_jump_buffer, frame) == JUMP_FRAME, "frame.h");
_Static_assert(offsetof(struct hal_jump_buffer, rbx) == JUMP_RBX, "frame.h");
_Static_assert(offsetof(struct hal_jump_buffer, rip) == JUMP_RIP, "frame.h");
_Static_assert(offsetof(struct hal_jump_buffer, mxcsr) == JUMP_MXCSR, "frame.h");
_Static_assert(offsetof(struct hal_jump_buffer, x87_control) == JUMP_X87_CONTROL, "frame.h");
_Static_assert(offsetof(struct hal_jump_buffer, xmm) == JUMP_XMM, "frame.h");
_Static_assert(sizeof(struct hal_jump_buffer) == 0x100, "setjmp.h: jmp_buf");

uint64_t hal_consolidate_context_at(uint64_t rsp)
{
    return rsp + CONSOLIDATE_CONTEXT;
}

PDISPATCHER_CONTEXT hal_handler_dispatcher(uint64_t rsp)
{
    return *(PDISPATCHER_CONTEXT *)(rsp + HANDLER_DISPATCHER);
}
