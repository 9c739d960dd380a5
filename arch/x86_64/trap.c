/*
 * trap.c - the promises between assembly and C, kept by the compiler.
 *
 * frame.h numbers the fields that entry.S touches; a struct that moves one of them does not
 * compile. What an exception means is decided in kernel/ke.
 */
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
