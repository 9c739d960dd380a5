/*
 * hw/x86_cpu.h - control registers, model-specific registers and CPUID bits of x86-64.
 *
 * Owns the bits that more than one file needs, and inline access to them. Page-table entries are
 * x86_paging.h's, segments x86_gdt.h's, the local APIC lapic.h's. The first part is plain numbers,
 * since boot.S and ap_boot.S include it.
 *
 * Intel SDM 3A "Control Registers" 2.5, SDM 4 "Model-Specific Registers", SDM 2A "CPUID".
 */
#ifndef HW_X86_CPU_H
#define HW_X86_CPU_H

/* SDM 3A "Control Registers" 2.5 */
#define X86_CR0_PE (1 << 0)
#define X86_CR0_MP (1 << 1)
#define X86_CR0_EM (1 << 2)
#define X86_CR0_TS (1 << 3)
#define X86_CR0_NE (1 << 5)
#define X86_CR0_WP (1 << 16)
#define X86_CR0_NW (1 << 29)
#define X86_CR0_CD (1 << 30)
#define X86_CR0_PG 0x80000000

#define X86_CR4_TSD (1 << 2)
#define X86_CR4_PAE (1 << 5)
#define X86_CR4_MCE (1 << 6)
#define X86_CR4_PGE (1 << 7)
#define X86_CR4_OSFXSR (1 << 9)
#define X86_CR4_OSXMMEXCPT (1 << 10)
#define X86_CR4_UMIP (1 << 11)
#define X86_CR4_LA57 (1 << 12)
#define X86_CR4_FSGSBASE (1 << 16)
#define X86_CR4_SMEP (1 << 20)
#define X86_CR4_SMAP (1 << 21)
#define X86_CR4_CET (1 << 23)

/* SDM 4 "Architectural MSRs" 2.1 */
#define X86_MSR_APIC_BASE 0x0000001B
#define X86_MSR_MCG_CAP 0x00000179
#define X86_MSR_PAT 0x00000277
#define X86_MSR_MC0_STATUS 0x00000401
#define X86_MSR_TSC_DEADLINE 0x000006E0
#define X86_MSR_EFER 0xC0000080
#define X86_MSR_FS_BASE 0xC0000100
#define X86_MSR_GS_BASE 0xC0000101
#define X86_MSR_KERNEL_GS_BASE 0xC0000102

/* SDM 3B "Machine-Check Architecture" 15.3: banks of four registers each. */
#define X86_MCG_CAP_COUNT 0xFFu
#define X86_MC_STATUS_MSR(bank) (X86_MSR_MC0_STATUS + 4 * (bank))
#define X86_MC_STATUS_VALID (1ull << 63)

/* SDM 3A "Extended Feature Enable Register" 2.2.1 */
#define X86_EFER_SCE (1 << 0)
#define X86_EFER_LME (1 << 8)
#define X86_EFER_LMA (1 << 10)
#define X86_EFER_NXE (1 << 11)

/* CPUID leaves, SDM 2A table 3-8; 0x4000xxxx: the hypervisor range */
#define X86_CPUID_VENDOR 0x00000000
#define X86_CPUID_FEATURES 0x00000001
#define X86_CPUID_STRUCTURED 0x00000007
#define X86_CPUID_TOPOLOGY 0x0000000B
#define X86_CPUID_TSC 0x00000015
#define X86_CPUID_HYPERVISOR 0x40000000
#define X86_CPUID_HV_TIMING 0x40000010
#define X86_CPUID_EXT_MAX 0x80000000
#define X86_CPUID_EXT_FEATURES 0x80000001
#define X86_CPUID_EXT_POWER 0x80000007
#define X86_CPUID_EXT_ADDRESSES 0x80000008

#define X86_CPUID_1_EBX_APIC_ID_SHIFT 24
#define X86_CPUID_1_ECX_SSE3 (1 << 0)
#define X86_CPUID_1_ECX_SSSE3 (1 << 9)
#define X86_CPUID_1_ECX_CMPXCHG16B (1 << 13)
#define X86_CPUID_1_ECX_SSE4_1 (1 << 19)
#define X86_CPUID_1_ECX_SSE4_2 (1 << 20)
#define X86_CPUID_1_ECX_X2APIC (1 << 21)
#define X86_CPUID_1_ECX_TSC_DEADLINE (1 << 24)
#define X86_CPUID_1_ECX_RDRAND (1 << 30)
#define X86_CPUID_1_ECX_HYPERVISOR 0x80000000
#define X86_CPUID_1_EDX_TSC (1 << 4)
#define X86_CPUID_1_EDX_PAE (1 << 6)
#define X86_CPUID_1_EDX_MCE (1 << 7)
#define X86_CPUID_1_EDX_MCA (1 << 14)
#define X86_CPUID_1_EDX_CMPXCHG8B (1 << 8)
#define X86_CPUID_1_EDX_APIC (1 << 9)
#define X86_CPUID_1_EDX_PGE (1 << 13)
#define X86_CPUID_1_EDX_PAT (1 << 16)
#define X86_CPUID_1_EDX_MMX (1 << 23)
#define X86_CPUID_1_EDX_SSE (1 << 25)
#define X86_CPUID_1_EDX_SSE2 (1 << 26)
#define X86_CPUID_7_EBX_FSGSBASE (1 << 0)
#define X86_CPUID_7_EBX_SMEP (1 << 7)
#define X86_CPUID_7_EBX_ERMS (1 << 9)
#define X86_CPUID_7_EBX_SMAP (1 << 20)
#define X86_CPUID_7_ECX_UMIP (1 << 2)
#define X86_CPUID_E1_EDX_NX (1 << 20)
#define X86_CPUID_E1_EDX_PAGE_1G (1 << 26)
#define X86_CPUID_E1_EDX_RDTSCP (1 << 27)
#define X86_CPUID_E1_EDX_LONG_MODE (1 << 29)
#define X86_CPUID_E1_EDX_3DNOW (1u << 31)
#define X86_CPUID_E7_EDX_INVARIANT (1 << 8)
#define X86_CPUID_E8_EAX_PHYSICAL 0xFFu /* address bits */

#ifndef __ASSEMBLER__

#include <stdint.h>

/* CPUID leaf 1 EAX: SDM 2A figure 3-6 */
static inline uint32_t x86_cpuid_family(uint32_t eax)
{
    uint32_t family = eax >> 8 & 0xF;

    return family == 0xF ? family + (eax >> 20 & 0xFF) : family;
}

struct x86_cpuid {
    uint32_t eax, ebx, ecx, edx;
};

static inline struct x86_cpuid x86_cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct x86_cpuid r;

    __asm__ volatile("cpuid"
                     : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                     : "a"(leaf), "c"(subleaf));
    return r;
}

static inline uint64_t x86_msr_read(uint32_t msr)
{
    uint32_t low, high;

    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}

static inline void x86_msr_write(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr"
                     :
                     : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
                     : "memory");
}

static inline uint64_t x86_cr0_read(void)
{
    uint64_t value;

    __asm__ volatile("mov %%cr0, %0" : "=r"(value));
    return value;
}

static inline void x86_cr0_write(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr0" : : "r"(value) : "memory");
}

static inline uint64_t x86_cr2_read(void)
{
    uint64_t value;

    __asm__ volatile("mov %%cr2, %0" : "=r"(value));
    return value;
}

static inline uint64_t x86_cr3_read(void)
{
    uint64_t value;

    __asm__ volatile("mov %%cr3, %0" : "=r"(value) : : "memory");
    return value;
}

static inline void x86_cr3_write(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr3" : : "r"(value) : "memory");
}

static inline uint64_t x86_cr4_read(void)
{
    uint64_t value;

    __asm__ volatile("mov %%cr4, %0" : "=r"(value));
    return value;
}

static inline void x86_cr4_write(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr4" : : "r"(value) : "memory");
}

#endif

#endif
