/*
 * ap_boot.S - a started CPU's way from real mode to smp_ap_start().
 *
 * smp_trampoline is copied to a page below 1 MiB and entered there at offset 0 with CS = page >> 4.
 * It is position independent: data is reached through DS, then EBX; far jumps go through memory
 * that smp.c has filled in. All CPUs run through it at once, so it writes nothing but registers.
 * smp_ap_entry, in the kernel proper, finds the CPU's slot by its APIC id, and with it a stack.
 *
 * SDM 3A "MP Initialization" 8.4, "Initializing IA-32e Mode" 9.8.5.
 */
#include <hw/x86_cpu.h>
#include <hw/x86_gdt.h>

#include "ap_boot.h"

    .section .rodata
    .globl smp_trampoline, smp_trampoline_end
    .balign 16
    .code16
smp_trampoline:
    cli
    cld
    movw %cs, %ax
    movw %ax, %ds
    movzwl %ax, %ebx
    shll $4, %ebx
    lgdtl TRAMPOLINE_GDT_POINTER
    movl $(X86_CR0_PE | X86_CR0_NE), %eax /* also ends "cache disabled" */
    movl %eax, %cr0
    ljmpl *TRAMPOLINE_FAR_32

    .code32
trampoline_32:
    movw $X86_SELECTOR_DATA, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl $X86_CR4_PAE, %eax
    movl %eax, %cr4
    movl TRAMPOLINE_CR3(%ebx), %eax
    movl %eax, %cr3
    movl $X86_MSR_EFER, %ecx
    rdmsr
    orl $(X86_EFER_LME | X86_EFER_NXE), %eax
    wrmsr
    movl $(X86_CR0_PG | X86_CR0_WP | X86_CR0_NE | X86_CR0_MP | X86_CR0_PE), %eax
    movl %eax, %cr0
    ljmpl *TRAMPOLINE_FAR_64(%ebx)

    .code64
trampoline_64:
    movl %ebx, %ebx
    jmp *TRAMPOLINE_ENTRY(%rbx)
smp_trampoline_end:

/* Offsets that smp.c builds the far pointers from. */
    .globl smp_trampoline_32_offset, smp_trampoline_64_offset
    .balign 4
smp_trampoline_32_offset:
    .long trampoline_32 - smp_trampoline
smp_trampoline_64_offset:
    .long trampoline_64 - smp_trampoline

    .text
    .globl smp_ap_entry
    .type smp_ap_entry, @function
smp_ap_entry:
    /* x2APIC id where there is a topology leaf, as firmware and MADT name the CPU; else 8 bits. */
    xorl %eax, %eax
    cpuid
    cmpl $X86_CPUID_TOPOLOGY, %eax
    jb 1f
    movl $X86_CPUID_TOPOLOGY, %eax
    xorl %ecx, %ecx
    cpuid
    testl %ebx, %ebx
    jz 1f
    movl %edx, %esi
    jmp 2f
1:  movl $X86_CPUID_FEATURES, %eax
    cpuid
    shrl $X86_CPUID_1_EBX_APIC_ID_SHIFT, %ebx
    movl %ebx, %esi
2:  xorl %edi, %edi
3:  cmpl smp_slot_count, %edi
    jae 4f /* nobody asked for this one */
    cmpl %esi, smp_slot_ids(, %rdi, 4)
    je 5f
    incl %edi
    jmp 3b
4:  cli
    hlt
    jmp 4b
5:  movq smp_slot_stacks(, %rdi, 8), %rsp
    xorl %ebp, %ebp
    call smp_ap_start
    ud2
    .size smp_ap_entry, . - smp_ap_entry

    .section .note.GNU-stack, "", @progbits
