/*
 * context.S - whole register states, taken and put back, and the calls of language handlers.
 *
 * All in the Windows x64 convention. hal/exception.h says what each does.
 */
#include "frame.h"

    .text

.macro function name
    .balign 16
    .globl \name
    .type \name, @function
\name:
    .cfi_startproc
.endm

.macro function_end name
    .cfi_endproc
    .size \name, . - \name
.endm

/* ---- hal_context_capture(PCONTEXT), exported as RtlCaptureContext --------------------------- */

    function hal_context_capture
    pushfq
    .cfi_adjust_cfa_offset 8
    movl $CONTEXT_CAPTURED, CONTEXT_FLAGS(%rcx)
    stmxcsr CONTEXT_MXCSR(%rcx)
    movw %cs, CONTEXT_CS + 0(%rcx)
    movw %ds, CONTEXT_CS + 2(%rcx)
    movw %es, CONTEXT_CS + 4(%rcx)
    movw %fs, CONTEXT_CS + 6(%rcx)
    movw %gs, CONTEXT_CS + 8(%rcx)
    movw %ss, CONTEXT_CS + 10(%rcx)
    movq %rax, CONTEXT_RAX + 0x00(%rcx)
    movq %rcx, CONTEXT_RAX + 0x08(%rcx)
    movq %rdx, CONTEXT_RAX + 0x10(%rcx)
    movq %rbx, CONTEXT_RAX + 0x18(%rcx)
    movq %rbp, CONTEXT_RAX + 0x28(%rcx)
    movq %rsi, CONTEXT_RAX + 0x30(%rcx)
    movq %rdi, CONTEXT_RAX + 0x38(%rcx)
    movq %r8, CONTEXT_RAX + 0x40(%rcx)
    movq %r9, CONTEXT_RAX + 0x48(%rcx)
    movq %r10, CONTEXT_RAX + 0x50(%rcx)
    movq %r11, CONTEXT_RAX + 0x58(%rcx)
    movq %r12, CONTEXT_RAX + 0x60(%rcx)
    movq %r13, CONTEXT_RAX + 0x68(%rcx)
    movq %r14, CONTEXT_RAX + 0x70(%rcx)
    movq %r15, CONTEXT_RAX + 0x78(%rcx)
    fxsave64 CONTEXT_FLOATING(%rcx)
    popq %rax
    .cfi_adjust_cfa_offset -8
    movl %eax, CONTEXT_EFLAGS(%rcx)
    movq (%rsp), %rax
    movq %rax, CONTEXT_RIP(%rcx)
    leaq 8(%rsp), %rax
    movq %rax, CONTEXT_RSP(%rcx)
    ret
    function_end hal_context_capture

/* ---- hal_context_restore(const CONTEXT *) --------------------------------------------------- */

    function hal_context_restore
    testb $CONTEXT_HAS_FLOATING, CONTEXT_FLAGS(%rcx)
    jz 1f
    fxrstor64 CONTEXT_FLOATING(%rcx)
    ldmxcsr CONTEXT_MXCSR(%rcx)
1:  movl %ss, %eax
    pushq %rax
    .cfi_adjust_cfa_offset 8
    pushq CONTEXT_RSP(%rcx)
    .cfi_adjust_cfa_offset 8
    movl CONTEXT_EFLAGS(%rcx), %eax
    pushq %rax
    .cfi_adjust_cfa_offset 8
    movl %cs, %eax
    pushq %rax
    .cfi_adjust_cfa_offset 8
    pushq CONTEXT_RIP(%rcx)
    .cfi_adjust_cfa_offset 8
    movq CONTEXT_RAX + 0x00(%rcx), %rax
    movq CONTEXT_RAX + 0x10(%rcx), %rdx
    movq CONTEXT_RAX + 0x18(%rcx), %rbx
    movq CONTEXT_RAX + 0x28(%rcx), %rbp
    movq CONTEXT_RAX + 0x30(%rcx), %rsi
    movq CONTEXT_RAX + 0x38(%rcx), %rdi
    movq CONTEXT_RAX + 0x40(%rcx), %r8
    movq CONTEXT_RAX + 0x48(%rcx), %r9
    movq CONTEXT_RAX + 0x50(%rcx), %r10
    movq CONTEXT_RAX + 0x58(%rcx), %r11
    movq CONTEXT_RAX + 0x60(%rcx), %r12
    movq CONTEXT_RAX + 0x68(%rcx), %r13
    movq CONTEXT_RAX + 0x70(%rcx), %r14
    movq CONTEXT_RAX + 0x78(%rcx), %r15
    movq CONTEXT_RAX + 0x08(%rcx), %rcx
    iretq
    function_end hal_context_restore

/* ---- hal_jump_save(buffer, frame), exported as _setjmp -------------------------------------- */

    function hal_jump_save
    movq %rdx, JUMP_FRAME(%rcx)
    movq %rbx, JUMP_RBX + 0x00(%rcx)
    leaq 8(%rsp), %rax
    movq %rax, JUMP_RBX + 0x08(%rcx)
    movq %rbp, JUMP_RBX + 0x10(%rcx)
    movq %rsi, JUMP_RBX + 0x18(%rcx)
    movq %rdi, JUMP_RBX + 0x20(%rcx)
    movq %r12, JUMP_RBX + 0x28(%rcx)
    movq %r13, JUMP_RBX + 0x30(%rcx)
    movq %r14, JUMP_RBX + 0x38(%rcx)
    movq %r15, JUMP_RBX + 0x40(%rcx)
    movq (%rsp), %rax
    movq %rax, JUMP_RIP(%rcx)
    stmxcsr JUMP_MXCSR(%rcx)
    fnstcw JUMP_X87_CONTROL(%rcx)
    movups %xmm6, JUMP_XMM + 0x00(%rcx)
    movups %xmm7, JUMP_XMM + 0x10(%rcx)
    movups %xmm8, JUMP_XMM + 0x20(%rcx)
    movups %xmm9, JUMP_XMM + 0x30(%rcx)
    movups %xmm10, JUMP_XMM + 0x40(%rcx)
    movups %xmm11, JUMP_XMM + 0x50(%rcx)
    movups %xmm12, JUMP_XMM + 0x60(%rcx)
    movups %xmm13, JUMP_XMM + 0x70(%rcx)
    movups %xmm14, JUMP_XMM + 0x80(%rcx)
    movups %xmm15, JUMP_XMM + 0x90(%rcx)
    xorl %eax, %eax
    ret
    function_end hal_jump_save

/* ---- hal_consolidate(context, callback, record) --------------------------------------------- */

    function hal_consolidate
    subq $0x28, %rsp
    .cfi_adjust_cfa_offset 0x28
    movq %rcx, CONSOLIDATE_CONTEXT(%rsp)
    movq %r8, %rcx
    call *%rdx
    .globl hal_consolidate_return
hal_consolidate_return:
    addq $0x28, %rsp
    .cfi_adjust_cfa_offset -0x28
    ret
    function_end hal_consolidate

/* ---- hal_handler_{search,unwind}(record, establisher, context, dispatcher) ------------------ */

/* The dispatcher context is kept where hal_handler_dispatcher() finds it when a later walk comes
 * past this frame: its return address marks it. */
.macro handler_call name
    function \name
    subq $0x28, %rsp
    .cfi_adjust_cfa_offset 0x28
    movq %r9, HANDLER_DISPATCHER(%rsp)
    call *DISPATCHER_HANDLER(%r9)
    .globl \name\()_return
\name\()_return:
    addq $0x28, %rsp
    .cfi_adjust_cfa_offset -0x28
    ret
    function_end \name
.endm

    handler_call hal_handler_search
    handler_call hal_handler_unwind
