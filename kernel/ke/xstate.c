/*
 * ke/xstate.c - saving floating point state around code that uses it.
 *
 * SSE needs no saving: the interrupt path keeps XMM0-5 and MXCSR, the thread switch XMM6-15, and
 * calls follow the x64 convention (ISR-18). The Extended routines save what FXSAVE covers, for
 * code that changes nonvolatile registers or the x87 state by hand. Features above that (AVX) are
 * not enabled in this kernel, as RtlGetEnabledExtendedFeatures says; asking for them saves nothing.
 */
#include <hal/hal.h>
#include <lib/assert.h>
#include <lib/bugcheck.h>
#include <lib/export.h>
#include <nt/wdm.h>

#include "mm/pool.h"

#define XSTATE_TAG MM_TAG("KeXs")

#define XSTATE_MASK_LEGACY 3ull /* x87 and SSE: what FXSAVE covers */
#define MXCSR_INITIAL 0x1F80u   /* SDM 1 "SSE Control and Status Register" 10.2.3 */

/* WDK surface */

NTSTATUS NTAPI KeSaveExtendedProcessorState(ULONG64 Mask, PXSTATE_SAVE XStateSave)
{
    XSAVE_FORMAT *area;

    ASSERT_IRQL(DISPATCH_LEVEL);
    Mask &= XSTATE_MASK_LEGACY;
    XStateSave->Prev = NULL;
    XStateSave->Thread = KeGetCurrentThread();
    XStateSave->Level = hal_irql_read();
    XStateSave->XStateContext.Mask = Mask;
    XStateSave->XStateContext.Length = 0;
    XStateSave->XStateContext.Area = NULL;
    XStateSave->XStateContext.Buffer = NULL;
    if (!Mask)
        return STATUS_SUCCESS;
    area = mm_pool_alloc(sizeof *area, XSTATE_TAG);
    if (!area)
        return STATUS_INSUFFICIENT_RESOURCES;
    __asm__ volatile("fxsave64 %0" : "=m"(*area));
    XStateSave->XStateContext.Length = sizeof *area;
    XStateSave->XStateContext.Area = (struct _XSAVE_AREA *)area;
    XStateSave->XStateContext.Buffer = area;
    return STATUS_SUCCESS;
}
LDR_EXPORT(KeSaveExtendedProcessorState);

VOID NTAPI KeRestoreExtendedProcessorState(PXSTATE_SAVE XStateSave)
{
    XSAVE_FORMAT *area = XStateSave->XStateContext.Buffer;

    if (XStateSave->Level != hal_irql_read() || XStateSave->Thread != KeGetCurrentThread())
        lib_bugcheck(INVALID_EXTENDED_PROCESSOR_STATE, XStateSave->Level, hal_irql_read(),
                     (uint64_t)XStateSave->Thread, (uint64_t)KeGetCurrentThread(), NULL);
    if (!area)
        return;
    __asm__ volatile("fxrstor64 %0" : : "m"(*area));
    XStateSave->XStateContext.Buffer = NULL;
    mm_pool_free(area, XSTATE_TAG);
}
LDR_EXPORT(KeRestoreExtendedProcessorState);

ULONG64 NTAPI RtlGetEnabledExtendedFeatures(ULONG64 FeatureMask)
{
    return FeatureMask & XSTATE_MASK_LEGACY;
}
LDR_EXPORT(RtlGetEnabledExtendedFeatures);

/* The caller gets the initial rounding and exception masks, and back what it had. */
NTSTATUS NTAPI KeSaveFloatingPointState(PKFLOATING_SAVE FloatSave)
{
    ULONG initial = MXCSR_INITIAL;

    __asm__ volatile("stmxcsr %0" : "=m"(FloatSave->Dummy));
    __asm__ volatile("ldmxcsr %0" : : "m"(initial));
    return STATUS_SUCCESS;
}
LDR_EXPORT(KeSaveFloatingPointState);

NTSTATUS NTAPI KeRestoreFloatingPointState(PKFLOATING_SAVE FloatSave)
{
    __asm__ volatile("ldmxcsr %0" : : "m"(FloatSave->Dummy));
    return STATUS_SUCCESS;
}
LDR_EXPORT(KeRestoreFloatingPointState);
