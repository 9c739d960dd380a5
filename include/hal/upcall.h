/*
 * hal/upcall.h - the only calls that go upward from arch/x86_64.
 *
 * Interrupt upcalls run with interrupts off, as the CPU delivered them; CR8 still holds the level
 * of the interrupted code. They are NTAPI-shaped (ms_abi) so that the entry code saves only what
 * that convention calls volatile.
 */
#pragma once

#include <hal/boot_info.h>
#include <hal/types.h>

#define HAL_UPCALL __attribute__((ms_abi))

/* The state an exception or NMI interrupted; pushed by entry.S, see arch/x86_64/frame.h. */
struct hal_trap_frame {
    uint64_t xmm[12]; /* XMM0-5 */
    uint32_t mxcsr;
    uint32_t reserved;
    uint64_t rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t vector;
    uint64_t error_code;
    uint64_t rip, cs, rflags, rsp, ss;
};

/*
 * What entry.S leaves on the stack for an interrupt, from its stack pointer at the upcall upward.
 * The upcall finds it at its own canonical frame address; nothing is passed for it.
 */
struct hal_interrupt_frame {
    uint64_t home[4];
    uint64_t xmm[12]; /* XMM0-5 */
    uint32_t mxcsr;
    uint32_t reserved;
    uint64_t kept[8]; /* RAX RCX RDX R8-R11 in the order that the way in has saved them */
    uint64_t rip, cs, rflags, rsp, ss;
};

#define HAL_INTERRUPT_FRAME ((const struct hal_interrupt_frame *)__builtin_dwarf_cfa())

struct irq_line;

/* A device vector, in xAPIC mode. kernel/irq/dispatch.c */
HAL_UPCALL void irq_dispatch(uint64_t vector);
/*
 * A device vector, in x2APIC mode: counted, and its line looked up. The vector is the high half of
 * `arrival`; the low half is what hal_apic_eoi_x2() needs. kernel/irq/dispatch.c
 */
HAL_UPCALL void irq_dispatch_x2(uint64_t arrival, struct irq_line *line);
/* VECTOR_DPC, VECTOR_APC, VECTOR_CLOCK, VECTOR_IPI. kernel/ke */
HAL_UPCALL void ke_dpc_interrupt(uint64_t vector);
HAL_UPCALL void ke_apc_interrupt(uint64_t vector);
HAL_UPCALL void ke_clock_interrupt(uint64_t vector);
HAL_UPCALL void ke_ipi_interrupt(uint64_t vector);
/* VECTOR_SPURIOUS and VECTOR_APIC_ERROR. kernel/irq/stats.c */
HAL_UPCALL void irq_apic_fault(uint64_t vector);
/* An intercepted context runs again: where it goes on (hal.h). kernel/ke/apc.c */
HAL_UPCALL uint64_t ke_context_resumed(void);
/* Exceptions and NMI. Returns to continue at the frame. kernel/ke/trap.c */
HAL_UPCALL void ke_trap(struct hal_trap_frame *frame);

/*
 * A verified driver's call of an export: `frame` holds its return address and arguments. Returns
 * the routine to go on to. At the caller's IRQL. kernel/verifier/calls.c
 */
HAL_UPCALL const void *verifier_call(uint64_t number, uint64_t *frame);

/*
 * Memory for CPUs that are about to start, for good. A stack has an unmapped page below it; the
 * address returned is its top. Pages are zeroed, page aligned, writable. NULL: none left. kernel/mm
 */
void *hal_upcall_stack_alloc(uint64_t size);
void *hal_upcall_pages_alloc(uint64_t size);

/* Fill the vector map of a CPU that is about to start. kernel/irq/vector.c */
struct pcr;
void irq_cpu_init(struct pcr *pcr);

/* For exported routines of kernel/mm that fail by an exception. kernel/ke/trap.c */
_Noreturn void ke_raise_status(int32_t status);

/* First C code of the boot CPU above arch, and of every other CPU. */
_Noreturn void kernel_main(const struct boot_info *boot);
_Noreturn void ke_cpu_main(uint32_t cpu);
