/*
 * entry.S - where the CPU arrives: 256 stubs, and more for x2APIC mode.
 *
 * Interrupts (irq_common and its sisters) keep what the Windows x64 convention calls volatile and
 * call one ms_abi routine with the vector: RAX RCX RDX R8-R11, XMM0-5, MXCSR. The callee keeps the
 * rest itself. Interrupts stay off until the callee turns them on; CR8 is its business too.
 * Exceptions (trap_common) build a whole struct hal_trap_frame, since a bug check prints it.
 *
 * SDM 3A "Interrupt and Exception Handling in 64-bit Mode" 6.14: the CPU aligns RSP to 16 and
 * pushes SS, RSP, RFLAGS, CS, RIP and for some exceptions an error code.
 */
#include "frame.h"

    .text

/* ---- what unwinding is told ------------------------------------------------------------------ */

/* What was interrupted is found from the RIP that the CPU pushed, `above` bytes up the stack. The
 * tables hold up to the call: behind it nobody is called. */
.macro frame_begin above
    .cfi_startproc simple
    .cfi_signal_frame
    .cfi_def_cfa %rsp, \above
    .cfi_offset %rip, 0
    .cfi_offset %rsp, 24
.endm

.macro push_kept register
    pushq \register
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset \register, 0
.endm

/* ---- interrupts -------------------------------------------------------------------------- */

.macro keep_floating locals
    subq $\locals, %rsp
    .cfi_adjust_cfa_offset \locals
    movaps %xmm0, INTERRUPT_XMM + 0x00(%rsp)
    movaps %xmm1, INTERRUPT_XMM + 0x10(%rsp)
    movaps %xmm2, INTERRUPT_XMM + 0x20(%rsp)
    movaps %xmm3, INTERRUPT_XMM + 0x30(%rsp)
    movaps %xmm4, INTERRUPT_XMM + 0x40(%rsp)
    movaps %xmm5, INTERRUPT_XMM + 0x50(%rsp)
    stmxcsr INTERRUPT_MXCSR(%rsp)
    ldmxcsr %gs:PCR_MXCSR
    cld
.endm

.macro restore_floating locals
    ldmxcsr INTERRUPT_MXCSR(%rsp)
    movaps INTERRUPT_XMM + 0x00(%rsp), %xmm0
    movaps INTERRUPT_XMM + 0x10(%rsp), %xmm1
    movaps INTERRUPT_XMM + 0x20(%rsp), %xmm2
    movaps INTERRUPT_XMM + 0x30(%rsp), %xmm3
    movaps INTERRUPT_XMM + 0x40(%rsp), %xmm4
    movaps INTERRUPT_XMM + 0x50(%rsp), %xmm5
    addq $\locals, %rsp
.endm

.macro interrupt_way name, target
    .globl \name
    .type \name, @function
    .balign 16
\name:
    frame_begin 8
    push_kept %rax
    push_kept %rcx
    push_kept %rdx
    push_kept %r8
    push_kept %r9
    push_kept %r10
    push_kept %r11
    keep_floating INTERRUPT_LOCALS
    movl INTERRUPT_VECTOR(%rsp), %ecx
    call \target
    .globl \name\()_return
\name\()_return:
    restore_floating INTERRUPT_LOCALS
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rdx
    popq %rcx
    popq %rax
    addq $8, %rsp
    iretq
    .cfi_endproc
    .size \name, . - \name
.endm

    interrupt_way irq_common, irq_dispatch
    interrupt_way dpc_common, ke_dpc_interrupt
    interrupt_way apc_common, ke_apc_interrupt
    interrupt_way clock_common, ke_clock_interrupt
    interrupt_way ipi_common, ke_ipi_interrupt
    interrupt_way apic_fault_common, irq_apic_fault

/*
 * Device vectors in x2APIC mode: the stub has saved RCX and RDX and put the arguments there. So the
 * WRMSR that ends the interrupt finds its MSR in ECX, and x2APIC costs no instruction more than
 * xAPIC, whose end of interrupt is one store.
 */
    .globl x2_common
    .type x2_common, @function
    .balign 16
x2_common:
    frame_begin 16
    .cfi_rel_offset %rdx, 0
    .cfi_rel_offset %rcx, 8
    push_kept %rax
    push_kept %r8
    push_kept %r9
    push_kept %r10
    push_kept %r11
    keep_floating INTERRUPT_X2_LOCALS
    call irq_dispatch_x2
    .globl x2_common_return
x2_common_return:
    restore_floating INTERRUPT_X2_LOCALS
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rax
    popq %rdx
    popq %rcx
    iretq
    .cfi_endproc
    .size x2_common, . - x2_common

/* ---- exceptions, NMI, INT3, INT 29h, INT 2Ch ----------------------------------------------- */

    .balign 16
    .globl trap_common
    .type trap_common, @function
trap_common:
    frame_begin 16
    push_kept %r15
    push_kept %r14
    push_kept %r13
    push_kept %r12
    push_kept %r11
    push_kept %r10
    push_kept %r9
    push_kept %r8
    push_kept %rdi
    push_kept %rsi
    push_kept %rbp
    push_kept %rbx
    push_kept %rdx
    push_kept %rcx
    push_kept %rax
    subq $FRAME_RAX, %rsp
    .cfi_adjust_cfa_offset FRAME_RAX
    /* RSP is 16-byte aligned + 8 here: 7 pushes by CPU and stub, 15 above, FRAME_RAX. */
    movups %xmm0, FRAME_XMM + 0x00(%rsp)
    movups %xmm1, FRAME_XMM + 0x10(%rsp)
    movups %xmm2, FRAME_XMM + 0x20(%rsp)
    movups %xmm3, FRAME_XMM + 0x30(%rsp)
    movups %xmm4, FRAME_XMM + 0x40(%rsp)
    movups %xmm5, FRAME_XMM + 0x50(%rsp)
    stmxcsr FRAME_MXCSR(%rsp)
    cld
    movq %rsp, %rcx
    subq $0x28, %rsp /* home space, and alignment */
    .cfi_adjust_cfa_offset 0x28
    call ke_trap
    .globl trap_common_return
trap_common_return:
    addq $0x28, %rsp
    ldmxcsr FRAME_MXCSR(%rsp)
    movups FRAME_XMM + 0x00(%rsp), %xmm0
    movups FRAME_XMM + 0x10(%rsp), %xmm1
    movups FRAME_XMM + 0x20(%rsp), %xmm2
    movups FRAME_XMM + 0x30(%rsp), %xmm3
    movups FRAME_XMM + 0x40(%rsp), %xmm4
    movups FRAME_XMM + 0x50(%rsp), %xmm5
    addq $FRAME_RAX, %rsp
    popq %rax
    popq %rcx
    popq %rdx
    popq %rbx
    popq %rbp
    popq %rsi
    popq %rdi
    popq %r8
    popq %r9
    popq %r10
    popq %r11
    popq %r12
    popq %r13
    popq %r14
    popq %r15
    addq $16, %rsp /* vector, error code */
    iretq
    .cfi_endproc
    .size trap_common, . - trap_common

/* ---- the stubs ----------------------------------------------------------------------------- */

/*
 * Exceptions with an error code: SDM 3A table 6-1. A message may come at such a vector, as an
 * interrupt without one; ke_trap() tells the two apart, but needs the same frame of both. The CPU
 * aligns RSP before it pushes SS, so an odd number of pushes leaves bit 3 set.
 */
#define HAS_ERROR_CODE(v) \
    ((v) == 8 || ((v) >= 10 && (v) <= 14) || (v) == 17 || (v) == 21 || (v) == 29 || (v) == 30)

.macro x2_stub vector
    .balign 16
    .set .Lx2_stub_\vector, .
    pushq %rcx
    pushq %rdx
    movabsq $(\vector << 32 | X2_MSR_EOI), %rcx
    movq %gs:PCR_VECTOR_LINE + 8 * \vector, %rdx
    addq $1, %gs:PCR_VECTOR_COUNT + 8 * \vector
    jmp x2_common
.endm

.macro stub vector
    .balign 16
    .Lstub_\vector:
    .set .Lx2_stub_\vector, .
    .if \vector == 0x1F
    pushq $\vector
    jmp apc_common
    .elseif \vector < 32 || \vector == 0x29 || \vector == 0x2C
    .if !(HAS_ERROR_CODE(\vector))
    pushq $0
    .elseif \vector >= 16
    testb $8, %spl
    jz 1f
    pushq $0
1:
    .endif
    pushq $\vector
    jmp trap_common
    .elseif \vector == 0x2F
    pushq $\vector
    jmp dpc_common
    .elseif \vector == 0xD1
    pushq $\vector
    jmp clock_common
    .elseif \vector == 0xE1
    pushq $\vector
    jmp ipi_common
    .elseif \vector >= 0xFE
    pushq $\vector
    jmp apic_fault_common
    .else
    pushq $\vector
    jmp irq_common
    x2_stub \vector
    .endif
    .pushsection .rodata
    .quad .Lstub_\vector, .Lx2_stub_\vector
    .popsection
.endm

    .section .rodata
    .balign 8
    .globl irq_entry_table
irq_entry_table:
    .text

    .altmacro
    .set v, 0
    .rept 256
    stub %v
    .set v, v + 1
    .endr
