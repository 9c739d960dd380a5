/*
 * meddle.c - steps that change a register of a processor's local APIC behind the system's back, for
 * whoever watches from outside what the system says of it.
 */
#include "apic.h"

#define STEP_REGISTER 0xFFFu
#define STEP_BIT_SHIFT 12 /* five bits */
#define STEP_PROCESSOR_SHIFT 20
#define STEP_BASE 0xFFFu /* as a register: IA32_APIC_BASE */

/* Inverts one bit; the same step once more puts it back. */
VOID Meddle(ULONG Number)
{
    ULONG number = Number & STEP_REGISTER, bit = 1u << (Number >> STEP_BIT_SHIFT & 31);

    if (!ApicMap())
        return;
    TestGoTo(Number >> STEP_PROCESSOR_SHIFT);
    if (number == STEP_BASE)
        __writemsr(MSR_APIC_BASE, __readmsr(MSR_APIC_BASE) ^ bit);
    else
        ApicWrite(number, ApicRead(number) ^ bit);
    TestAnywhere();
    ApicUnmap();
}
