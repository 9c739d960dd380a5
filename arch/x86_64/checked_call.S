/*
 * checked_call.S - entries that stand in for exported routines in a verified driver's imports.
 *
 * Entry n stores the register arguments in the home space that the caller left for them (Windows
 * x64 convention), where they lie in one row with those on the stack, asks verifier_call() which
 * routine to go on to, and jumps there with everything as it was: the routine sees the driver's own
 * call. RAX, which carries n, is no argument.
 */
#include <hal/checked_call.h>

    .text
    .balign 16
    .globl checked_call
    .type checked_call, @function
checked_call:
    movq %rcx, 0x08(%rsp)
    movq %rdx, 0x10(%rsp)
    movq %r8, 0x18(%rsp)
    movq %r9, 0x20(%rsp)
    movl %eax, %ecx
    movq %rsp, %rdx /* return address, arguments */
    pushq %rbp
    movq %rsp, %rbp
    subq $0x20, %rsp
    call verifier_call
    leave
    movq 0x08(%rsp), %rcx
    movq 0x10(%rsp), %rdx
    movq 0x18(%rsp), %r8
    movq 0x20(%rsp), %r9
    jmpq *%rax
    .size checked_call, . - checked_call

    .globl hal_checked_calls
    .balign HAL_CHECKED_CALL_SIZE
hal_checked_calls:
    .set number, 0
    .rept HAL_CHECKED_CALL_COUNT
    .balign HAL_CHECKED_CALL_SIZE
    movl $number, %eax
    jmp checked_call
    .set number, number + 1
    .endr
