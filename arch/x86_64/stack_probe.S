/*
 * stack_probe.S - what compilers call before a frame of a page or more, exported as __chkstk.
 *
 * RAX: bytes that the caller is about to take. Touches each page down to there, so that a stack
 * that is too small ends at its guard page and not behind it. Keeps all registers but R10 and R11.
 * ("x64 prolog and epilog": fixed stack allocation larger than one page)
 */
    .text
    .balign 16
    .globl hal_stack_probe
    .type hal_stack_probe, @function
hal_stack_probe:
    .cfi_startproc
    leaq 8(%rsp), %r10 /* the caller's RSP */
    movq %r10, %r11
    subq %rax, %r10
    jnc 1f
    xorl %r10d, %r10d
1:  andq $-0x1000, %r10
    andq $-0x1000, %r11
2:  cmpq %r10, %r11
    jbe 3f
    subq $0x1000, %r11
    testb $0, (%r11)
    jmp 2b
3:  ret
    .cfi_endproc
    .size hal_stack_probe, . - hal_stack_probe
