/*
 * frame.h - offsets that assembly and C share. C asserts them (trap.c includes this file beside
 * hal/upcall.h and hal/pcr.h); assembly cannot see the structs.
 */
#pragma once

/* struct pcr, by way of GS */
#define PCR_SELF 0x18
#define PCR_MXCSR 0x180
#define PCR_VECTOR_LINE 0x300
#define PCR_VECTOR_COUNT 0xB00

/* struct hal_trap_frame */
#define FRAME_XMM 0x000
#define FRAME_MXCSR 0x060
#define FRAME_RAX 0x068
#define FRAME_VECTOR 0x0E0
#define FRAME_ERROR_CODE 0x0E8
#define FRAME_RIP 0x0F0
#define FRAME_SIZE 0x118

/* What irq_common keeps of the interrupted code, above its own stack pointer during the call. */
#define INTERRUPT_HOME 0x00 /* home space of the Windows x64 convention */
#define INTERRUPT_XMM 0x20  /* XMM0-5 */
#define INTERRUPT_MXCSR 0x80
#define INTERRUPT_LOCALS 0x88 /* size of the above: keeps RSP 16-byte aligned at the call */
#define INTERRUPT_VECTOR (INTERRUPT_LOCALS + 7 * 8)
#define INTERRUPT_RIP (INTERRUPT_VECTOR + 8)
#define INTERRUPT_X2_LOCALS (INTERRUPT_LOCALS + 8) /* x2_common has no vector on the stack */

#define X2_MSR_EOI 0x80B /* LAPIC_X2_MSR(LAPIC_EOI) */

/* CONTEXT */
#define CONTEXT_FLAGS 0x30
#define CONTEXT_MXCSR 0x34
#define CONTEXT_CS 0x38 /* CS DS ES FS GS SS, 2 bytes each */
#define CONTEXT_EFLAGS 0x44
#define CONTEXT_RAX 0x78 /* RAX RCX RDX RBX RSP RBP RSI RDI R8-R15, 8 bytes each */
#define CONTEXT_RSP 0x98
#define CONTEXT_RIP 0xF8
#define CONTEXT_FLOATING 0x100    /* FXSAVE area */
#define CONTEXT_CAPTURED 0x10000F /* control, integer, segments, floating point */
#define CONTEXT_HAS_FLOATING 0x08 /* in the low byte of the flags */

/* struct hal_jump_buffer */
#define JUMP_FRAME 0x00
#define JUMP_RBX 0x08 /* RBX RSP RBP RSI RDI R12-R15, 8 bytes each */
#define JUMP_RIP 0x50
#define JUMP_MXCSR 0x58
#define JUMP_X87_CONTROL 0x5C
#define JUMP_XMM 0x60 /* XMM6-15 */

/* Where hal_consolidate keeps a pointer to its context */
#define CONSOLIDATE_CONTEXT 0x20

/* DISPATCHER_CONTEXT, and where a handler's caller keeps a pointer to it */
#define DISPATCHER_HANDLER 0x30
#define HANDLER_DISPATCHER 0x20
