/*
 * ke/processor_features.c - what drivers learn of the processor from the shared user data page.
 *
 * A feature is there if CPUID says so and nothing has to be enabled for it; what this kernel does
 * not enable (XSAVE, the FSGSBASE instructions) is not.
 */
#include <hw/x86_cpu.h>
#include <lib/bits.h>
#include <lib/string.h>
#include <nt/wdm.h>

#include "ke/ke.h"

enum cpuid_register { CPUID_EBX, CPUID_ECX, CPUID_EDX };

static const struct feature {
    uint8_t index; /* PF_... */
    uint8_t where; /* enum cpuid_register */
    uint32_t leaf;
    uint32_t bit;
} features[] = {
    {PF_COMPARE_EXCHANGE_DOUBLE, CPUID_EDX, X86_CPUID_FEATURES, X86_CPUID_1_EDX_CMPXCHG8B},
    {PF_MMX_INSTRUCTIONS_AVAILABLE, CPUID_EDX, X86_CPUID_FEATURES, X86_CPUID_1_EDX_MMX},
    {PF_XMMI_INSTRUCTIONS_AVAILABLE, CPUID_EDX, X86_CPUID_FEATURES, X86_CPUID_1_EDX_SSE},
    {PF_3DNOW_INSTRUCTIONS_AVAILABLE, CPUID_EDX, X86_CPUID_EXT_FEATURES, X86_CPUID_E1_EDX_3DNOW},
    {PF_RDTSC_INSTRUCTION_AVAILABLE, CPUID_EDX, X86_CPUID_FEATURES, X86_CPUID_1_EDX_TSC},
    {PF_PAE_ENABLED, CPUID_EDX, X86_CPUID_FEATURES, X86_CPUID_1_EDX_PAE},
    {PF_XMMI64_INSTRUCTIONS_AVAILABLE, CPUID_EDX, X86_CPUID_FEATURES, X86_CPUID_1_EDX_SSE2},
    {PF_NX_ENABLED, CPUID_EDX, X86_CPUID_EXT_FEATURES, X86_CPUID_E1_EDX_NX},
    {PF_SSE3_INSTRUCTIONS_AVAILABLE, CPUID_ECX, X86_CPUID_FEATURES, X86_CPUID_1_ECX_SSE3},
    {PF_COMPARE_EXCHANGE128, CPUID_ECX, X86_CPUID_FEATURES, X86_CPUID_1_ECX_CMPXCHG16B},
    {PF_RDRAND_INSTRUCTION_AVAILABLE, CPUID_ECX, X86_CPUID_FEATURES, X86_CPUID_1_ECX_RDRAND},
    {PF_RDTSCP_INSTRUCTION_AVAILABLE, CPUID_EDX, X86_CPUID_EXT_FEATURES, X86_CPUID_E1_EDX_RDTSCP},
    {PF_SSSE3_INSTRUCTIONS_AVAILABLE, CPUID_ECX, X86_CPUID_FEATURES, X86_CPUID_1_ECX_SSSE3},
    {PF_SSE4_1_INSTRUCTIONS_AVAILABLE, CPUID_ECX, X86_CPUID_FEATURES, X86_CPUID_1_ECX_SSE4_1},
    {PF_SSE4_2_INSTRUCTIONS_AVAILABLE, CPUID_ECX, X86_CPUID_FEATURES, X86_CPUID_1_ECX_SSE4_2},
    {PF_ERMS_AVAILABLE, CPUID_EBX, X86_CPUID_STRUCTURED, X86_CPUID_7_EBX_ERMS},
};

static bool has_feature(const struct feature *feature)
{
    uint32_t extended = feature->leaf & X86_CPUID_EXT_MAX;
    struct x86_cpuid leaf;

    if (x86_cpuid(extended, 0).eax < feature->leaf)
        return false;
    leaf = x86_cpuid(feature->leaf, 0);
    return (feature->where == CPUID_EBX   ? leaf.ebx
            : feature->where == CPUID_ECX ? leaf.ecx
                                          : leaf.edx) &
           feature->bit;
}

/* SDM 1 "Checking for the DAZ Flag in the MXCSR Register" 11.6.3 */
static bool has_denormals_are_zero(void)
{
    enum { MXCSR_DAZ = 1 << 6 };
    XSAVE_FORMAT area;

    memset(&area, 0, sizeof area);
    __asm__ volatile("fxsave64 %0" : "+m"(area));
    return area.MxCsr_Mask & MXCSR_DAZ;
}

void ke_processor_features_write(volatile KUSER_SHARED_DATA *shared)
{
    for (size_t i = 0; i < ARRAY_COUNT(features); i++)
        shared->ProcessorFeatures[features[i].index] = has_feature(&features[i]);
    shared->ProcessorFeatures[PF_SSE_DAZ_MODE_AVAILABLE] = has_denormals_are_zero();
    shared->ProcessorFeatures[PF_FASTFAIL_AVAILABLE] = TRUE; /* INT 0x29: trap.c */
}
