/*
 * cpu.c - one CPU's own tables: PCR, GDT, TSS with its interrupt stacks; features; control bits.
 *
 * A struct cpu_block is filled by whoever starts the CPU and loaded by the CPU itself. The boot
 * CPU's is static, since it is needed before there is memory to ask for. The IDT is in the block
 * too, filled by idt.c. Page-table related control bits are paging.c's (hal_paging_cpu_init).
 */
#include "arch.h"

#include <lib/string.h>

enum { MXCSR_DEFAULT = 0x1F80 }; /* SDM 1 "MXCSR" 10.2.3: all exceptions masked, round to nearest */

struct cpu_boot_stack {
    uint8_t guard[HAL_PAGE_SIZE]; /* unmapped once mm is there */
    uint8_t stack[ARCH_IST_STACK_SIZE];
};

struct cpu_features cpu_features;
struct cpu_block cpu_boot_block __attribute__((aligned(4096)));
static struct cpu_boot_stack cpu_boot_stacks[X86_IST_COUNT] __attribute__((aligned(4096)));

/* Which processors take INIT and a start-up message without a pause in between: all since Intel's
 * family 6 and AMD's family 15; others are given the 10 ms of MP Specification 1.4 B.4. */
static bool cpu_needs_init_delay(const struct x86_cpuid *vendor, uint32_t family)
{
    enum { VENDOR_INTEL_EBX = 0x756E6547, VENDOR_AMD_EBX = 0x68747541 };

    if (vendor->ebx == VENDOR_INTEL_EBX)
        return family != 6;
    if (vendor->ebx == VENDOR_AMD_EBX)
        return family < 0xF;
    return true;
}

static void cpu_features_read(void)
{
    struct x86_cpuid vendor = x86_cpuid(X86_CPUID_VENDOR, 0);
    struct x86_cpuid basic = x86_cpuid(X86_CPUID_FEATURES, 0);
    uint32_t ext_max = x86_cpuid(X86_CPUID_EXT_MAX, 0).eax;

    cpu_features = (struct cpu_features){
        .has_x2apic = basic.ecx & X86_CPUID_1_ECX_X2APIC,
        .has_tsc_deadline = basic.ecx & X86_CPUID_1_ECX_TSC_DEADLINE,
        .has_invariant_tsc = ext_max >= X86_CPUID_EXT_POWER &&
                             (x86_cpuid(X86_CPUID_EXT_POWER, 0).edx & X86_CPUID_E7_EDX_INVARIANT),
        .is_virtual = basic.ecx & X86_CPUID_1_ECX_HYPERVISOR,
        .needs_init_delay = cpu_needs_init_delay(&vendor, x86_cpuid_family(basic.eax)),
    };
}

/* SSE for drivers, native floating-point errors, machine checks as exceptions. */
void cpu_control_init(void)
{
    uint64_t cr0 = x86_cr0_read() & ~(uint64_t)(X86_CR0_EM | X86_CR0_TS | X86_CR0_CD | X86_CR0_NW);
    uint64_t cr4 = x86_cr4_read() | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT;

    if (x86_cpuid(X86_CPUID_FEATURES, 0).edx & X86_CPUID_1_EDX_MCE)
        cr4 |= X86_CR4_MCE;
    x86_cr0_write(cr0 | X86_CR0_MP | X86_CR0_NE);
    x86_cr4_write(cr4);
    __asm__ volatile("fninit; ldmxcsr %0" : : "m"((uint32_t){MXCSR_DEFAULT}));
}

void cpu_block_init(struct cpu_block *block, uint32_t number, apic_id_t apic_id,
                    void *const ist[X86_IST_COUNT])
{
    block->pcr.self = &block->pcr;
    block->pcr.mxcsr = MXCSR_DEFAULT;
    block->pcr.number = number;
    block->pcr.legacy_number = number % 64;
    block->pcr.apic_id = apic_id;
    block->pcr.arch = block;

    block->gdt[X86_SELECTOR_CODE / 8] = X86_DESCRIPTOR_CODE64;
    block->gdt[X86_SELECTOR_DATA / 8] = X86_DESCRIPTOR_DATA;
    x86_tss_descriptor_make(&block->gdt[X86_SELECTOR_TSS / 8], (uint64_t)&block->tss,
                            sizeof(block->tss) - 1);
    for (unsigned i = 0; i < X86_IST_COUNT; i++)
        block->tss.ist[i] = (uint64_t)ist[i]; /* slot i + 1 */
    block->tss.io_map_base = sizeof(block->tss);
    idt_fill(block->idt);
}

void cpu_block_load(struct cpu_block *block)
{
    struct x86_table_register gdt = {sizeof(block->gdt) - 1, (uint64_t)block->gdt};
    struct x86_table_register idt = {sizeof(block->idt) - 1, (uint64_t)block->idt};

    __asm__ volatile("lgdt %0\n\t"
                     "pushq %1\n\t"
                     "leaq 1f(%%rip), %%rax\n\t"
                     "pushq %%rax\n\t"
                     "lretq\n"
                     "1:\tmovl %2, %%eax\n\t"
                     "movl %%eax, %%ds\n\t"
                     "movl %%eax, %%es\n\t"
                     "movl %%eax, %%ss\n\t"
                     "xorl %%eax, %%eax\n\t"
                     "movl %%eax, %%fs\n\t"
                     "movl %%eax, %%gs\n\t"
                     "lidt %3\n\t"
                     "movl %4, %%eax\n\t"
                     "ltr %%ax"
                     :
                     : "m"(gdt), "i"(X86_SELECTOR_CODE), "i"(X86_SELECTOR_DATA), "m"(idt),
                       "i"(X86_SELECTOR_TSS)
                     : "rax", "memory");
    x86_msr_write(X86_MSR_GS_BASE, (uint64_t)&block->pcr); /* after GS was loaded: that clears it */
    x86_msr_write(X86_MSR_KERNEL_GS_BASE, (uint64_t)&block->pcr);
}

void cpu_boot_init(void)
{
    void *ist[X86_IST_COUNT];
    apic_id_t id = {x86_cpuid(X86_CPUID_FEATURES, 0).ebx >> X86_CPUID_1_EBX_APIC_ID_SHIFT};

    for (unsigned i = 0; i < X86_IST_COUNT; i++)
        ist[i] = cpu_boot_stacks[i].stack + ARCH_IST_STACK_SIZE;
    cpu_block_init(&cpu_boot_block, 0, id, ist);
    cpu_boot_block.stack_base = boot_stack_bottom;
    cpu_boot_block.stack_top = boot_stack_top;
    cpu_block_load(&cpu_boot_block);
    cpu_control_init();
    cpu_features_read();
}

void cpu_boot_guard_stacks(void)
{
    for (unsigned i = 0; i < X86_IST_COUNT; i++)
        hal_page_unmap((uint64_t)cpu_boot_stacks[i].guard, HAL_PAGE_SIZE);
}

bool hal_machine_check_read(uint32_t *bank, uint64_t *status)
{
    uint64_t count = 0;

    if (x86_cpuid(X86_CPUID_FEATURES, 0).edx & X86_CPUID_1_EDX_MCA)
        count = x86_msr_read(X86_MSR_MCG_CAP) & X86_MCG_CAP_COUNT;
    for (uint32_t i = 0; i < count; i++) {
        *bank = i;
        *status = x86_msr_read(X86_MC_STATUS_MSR(i));
        if (*status & X86_MC_STATUS_VALID)
            return true;
    }
    return false;
}
