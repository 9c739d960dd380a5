/*
 * frame.h - offsets that assembly and C share. C asserts them (trap.c includes this file beside
 * hal/upcall.h and hal/pcr.h); assembly cannot see the structs.
 */
#pragma once

/* struct pcr, by way of GS */
#define PCR_SELF 0x18
#define PCR_MXCSR 0x180

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
