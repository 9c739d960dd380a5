/*
 * boot.S - from the boot loader's 32-bit mode to arch_start() in the higher half.
 *
 * Two doors: Multiboot2 (GRUB on BIOS and UEFI; EAX = magic, EBX = information) and PVH (`qemu
 * -kernel`, Xen; EBX = start information). Both arrive in flat 32-bit protected mode with paging
 * off and nothing else promised, so no stack, no GDT and no memory but this image is used.
 *
 * The first page tables map the low 4 GiB with 2 MiB pages three times: identity, for these few
 * instructions and for starting CPUs; the direct map, so that C reaches what the loader left; and
 * the first 1 GiB at the kernel's link address. paging.c replaces them.
 *
 * Multiboot2 Specification 2.0 3.1, 3.3; Xen "x86/HVM direct boot ABI".
 */
#include <hw/x86_cpu.h>
#include <hw/x86_gdt.h>

#define KERNEL_BASE 0xFFFFFFFF80000000 /* hal/hal.h HAL_KERNEL_BASE */
#define DIRECT_MAP_SLOT 272 /* HAL_DIRECT_MAP_BASE, 0xFFFF880000000000, bits 47 to 39 */
#define KERNEL_SLOT 511     /* KERNEL_BASE, bits 47 to 39 */
#define KERNEL_SLOT_1G 510  /* KERNEL_BASE, bits 38 to 30 */
#define PHYSICAL(symbol) ((symbol) - KERNEL_BASE)

#define BOOT_STACK_SIZE 0x8000
#define PVH_MAGIC 0x336EC578 /* what arch_start() knows PVH by; PVH itself sets no register */

/* SDM 3A "4-Level Paging" 4.5 */
#define PAGE_TABLE 0x003 /* present, writable */
#define PAGE_2M 0x083    /* present, writable, page size */
#define MAPPED_2M_PAGES 2048

/* ---- headers ----------------------------------------------------------------------------- */

#define MB2_MAGIC 0xE85250D6
#define MB2_LENGTH (mb2_header_end - mb2_header)

    .section .boot.header, "a"
    .balign 8
mb2_header:
    .long MB2_MAGIC
    .long 0 /* architecture: i386 protected mode */
    .long MB2_LENGTH
    .long -(MB2_MAGIC + MB2_LENGTH)

    .balign 8
    .short 3, 0 /* entry address: by number, since the ELF entry point may be taken as virtual */
    .long 12
    .long boot_multiboot2

    .balign 8
    .short 4, 0 /* console flags: none is needed, EGA text would be understood */
    .long 12
    .long 2

    .balign 8
    .short 6, 0 /* modules on page boundaries */
    .long 8

    .balign 8
    .short 0, 0 /* end */
    .long 8
mb2_header_end:

    .section .note.pvh, "a", @note
    .balign 4
    .long 4, 8, 18 /* sizes of name and value, XEN_ELFNOTE_PHYS32_ENTRY */
    .asciz "Xen"
    .quad boot_pvh

/* ---- 32 bits ----------------------------------------------------------------------------- */

    .section .boot.text, "ax"
    .code32
    .globl boot_pvh, boot_multiboot2
boot_pvh:
    movl $PVH_MAGIC, %eax
boot_multiboot2:
    cli
    cld
    movl $PHYSICAL(boot_stack_top), %esp
    movl %eax, %edi
    movl %ebx, %esi

    /* Long mode and NX, or nothing: W^X is not optional. */
    movl $X86_CPUID_EXT_MAX, %eax
    cpuid
    cmpl $X86_CPUID_EXT_FEATURES, %eax
    jb boot_stop
    movl $X86_CPUID_EXT_FEATURES, %eax
    cpuid
    andl $(X86_CPUID_E1_EDX_LONG_MODE | X86_CPUID_E1_EDX_NX), %edx
    cmpl $(X86_CPUID_E1_EDX_LONG_MODE | X86_CPUID_E1_EDX_NX), %edx
    jne boot_stop

    /* The page directories: MAPPED_2M_PAGES entries in a row, over four pages. */
    movl $PAGE_2M, %eax
    movl $PHYSICAL(boot_directories), %ebx
1:  movl %eax, (%ebx)
    addl $8, %ebx
    addl $0x200000, %eax
    cmpl $(PHYSICAL(boot_directories) + MAPPED_2M_PAGES * 8), %ebx
    jne 1b

    movl $(PHYSICAL(boot_directories) + PAGE_TABLE), %eax
    movl %eax, PHYSICAL(boot_pdpt_kernel) + KERNEL_SLOT_1G * 8
    movl $PHYSICAL(boot_pdpt_low), %ebx
    movl $4, %ecx
2:  movl %eax, (%ebx)
    addl $8, %ebx
    addl $4096, %eax
    decl %ecx
    jnz 2b
    movl $(PHYSICAL(boot_pdpt_low) + PAGE_TABLE), PHYSICAL(boot_pml4)
    movl $(PHYSICAL(boot_pdpt_low) + PAGE_TABLE), PHYSICAL(boot_pml4) + DIRECT_MAP_SLOT * 8
    movl $(PHYSICAL(boot_pdpt_kernel) + PAGE_TABLE), PHYSICAL(boot_pml4) + KERNEL_SLOT * 8

    /* SDM 3A "Initializing IA-32e Mode" 9.8.5 */
    movl $X86_CR4_PAE, %eax
    movl %eax, %cr4
    movl $PHYSICAL(boot_pml4), %eax
    movl %eax, %cr3
    movl $X86_MSR_EFER, %ecx
    rdmsr
    orl $(X86_EFER_LME | X86_EFER_NXE), %eax
    wrmsr
    movl $(X86_CR0_PG | X86_CR0_WP | X86_CR0_NE | X86_CR0_MP | X86_CR0_PE), %eax
    movl %eax, %cr0
    lgdt boot_gdt_register
    ljmp $X86_SELECTOR_CODE, $boot_long

boot_stop:
    hlt
    jmp boot_stop

    .code64
boot_long:
    movl $X86_SELECTOR_DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    movq $boot_high, %rax
    jmp *%rax

    .section .boot.data, "a"
    .balign 8
boot_gdt:
    .quad 0, 0
    .quad X86_DESCRIPTOR_CODE64
    .quad X86_DESCRIPTOR_DATA
boot_gdt_register:
    .short boot_gdt_register - boot_gdt - 1
    .long boot_gdt

/* ---- higher half ------------------------------------------------------------------------- */

    .text
boot_high:
    movq $boot_stack_top, %rsp
    xorl %ebp, %ebp
    movl %edi, %edi /* arch_start(uint32_t magic, uint32_t info_physical) */
    movl %esi, %esi
    call arch_start
    ud2

    .bss
    .balign 4096
    .globl boot_stack_guard, boot_stack_bottom, boot_stack_top
boot_stack_guard: /* unmapped by hal_machine_init() */
    .skip 4096
boot_stack_bottom:
    .skip BOOT_STACK_SIZE
boot_stack_top:
    .globl boot_pml4
boot_pml4:
    .skip 4096
boot_pdpt_low:
    .skip 4096
boot_pdpt_kernel:
    .skip 4096
boot_directories:
    .skip MAPPED_2M_PAGES * 8

    .section .note.GNU-stack, "", @progbits
