/*
 * switch.S - from one thread's stack to another's.
 *
 * void hal_context_switch(struct hal_context *from, const struct hal_context *to)
 *
 * Keeps what a callee must keep in both conventions that meet in this kernel: RBX RBP R12-R15
 * (System V), and XMM6-15 and MXCSR, which driver code counts on (Windows x64) and kernel code
 * never touches. RSI and RDI are kept by the ms_abi routine that called into System V code.
 */
    .text
    .balign 16
    .globl hal_context_switch
    .type hal_context_switch, @function
hal_context_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    subq $0xA8, %rsp
    movaps %xmm6, 0x00(%rsp)
    movaps %xmm7, 0x10(%rsp)
    movaps %xmm8, 0x20(%rsp)
    movaps %xmm9, 0x30(%rsp)
    movaps %xmm10, 0x40(%rsp)
    movaps %xmm11, 0x50(%rsp)
    movaps %xmm12, 0x60(%rsp)
    movaps %xmm13, 0x70(%rsp)
    movaps %xmm14, 0x80(%rsp)
    movaps %xmm15, 0x90(%rsp)
    stmxcsr 0xA0(%rsp)
    movq %rsp, (%rdi)
    movq (%rsi), %rsp
    movaps 0x00(%rsp), %xmm6
    movaps 0x10(%rsp), %xmm7
    movaps 0x20(%rsp), %xmm8
    movaps 0x30(%rsp), %xmm9
    movaps 0x40(%rsp), %xmm10
    movaps 0x50(%rsp), %xmm11
    movaps 0x60(%rsp), %xmm12
    movaps 0x70(%rsp), %xmm13
    movaps 0x80(%rsp), %xmm14
    movaps 0x90(%rsp), %xmm15
    ldmxcsr 0xA0(%rsp)
    addq $0xA8, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size hal_context_switch, . - hal_context_switch

/* First code of a new context: hal_context_init put the entry in RBX and its argument in R12. */
    .globl hal_context_start
    .type hal_context_start, @function
hal_context_start:
    .cfi_startproc
    .cfi_undefined %rip
    movq %r12, %rdi
    xorl %ebp, %ebp
    call *%rbx
    ud2
    .cfi_endproc
    .size hal_context_start, . - hal_context_start

/* Where an intercepted context arrives, by the return of its switch: the stack is aligned to 16. */
    .globl hal_context_intercepted
    .type hal_context_intercepted, @function
hal_context_intercepted:
    .cfi_startproc
    .cfi_undefined %rip
    subq $0x20, %rsp /* home space */
    call ke_context_resumed
    addq $0x20, %rsp
    jmp *%rax
    .cfi_endproc
    .size hal_context_intercepted, . - hal_context_intercepted
