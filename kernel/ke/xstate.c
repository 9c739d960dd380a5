/*
 * ke/xstate.c - saving floating point state around code that uses it.
 *
 * SSE needs no saving: the interrupt path keeps XMM0-5 and MXCSR, the thread switch XMM6-15, and
 * calls follow the x64 convention (ISR-18). The Extended routines save what FXSAVE covers, for
 * code that changes nonvolatile registers or the x87 state by hand. Features above that (AVX) are
 * not enabled here, as RtlGetEnabledExtendedFeatures says; asking for them is a bug check.
 *
 * A thread's saves that are not restored yet are linked, the latest first: an inner one must not be
 * at a lower level (WDK: KeRestoreExtendedProcessorState).
 */
#include <hal/hal.h>
#include <lib/assert.h>
#include <lib/bugcheck.h>
#include <lib/export.h>
#include <lib/string.h>
#include <nt/wdm.h>

#include "ke/thread.h"
#include "mm/pool.h"

#define XSTATE_TAG MM_TAG("KeXs")

/* KFLOATING_SAVE.Dummy: MXCSR, and the level at the save. */
#define SAVED_MXCSR 0xFFFFu
#define SAVED_LEVEL_SHIFT 16

#define MXCSR_INITIAL 0x1F80u /* SDM 1 "SSE Control and Status Register" 10.2.3 */

/* Parameter 1 of bug checks 0x131 (BC-131-1) and 0xE7 (WDK: "Bug Check 0xE7"). */
enum {
    FLOATING_OTHER_LEVEL = 1,
    XSTATE_BAD_MASK = 0,
    XSTATE_ABOVE_DISPATCH = 1,
    XSTATE_BELOW_OUTER = 2,
    XSTATE_OTHER_THREAD = 3,
    XSTATE_OTHER_LEVEL = 4,
};

static void xstate_stop_unless(bool sound, uint64_t check, uint64_t second, uint64_t third,
                               uint64_t fourth)
{
    if (!sound)
        lib_bugcheck(INVALID_EXTENDED_PROCESSOR_STATE, check, second, third, fourth, NULL);
}

static void xstate_require_irql(void)
{
    irql_t irql = hal_irql_read();

    xstate_stop_unless(irql <= DISPATCH_LEVEL, XSTATE_ABOVE_DISPATCH, irql, 0, 0);
}

/* What was not asked for stays as it is now. */
static void xstate_keep_others(XSAVE_FORMAT *area, ULONG64 mask)
{
    XSAVE_FORMAT now;

    __asm__ volatile("fxsave64 %0" : "=m"(now));
    if (!(mask & XSTATE_MASK_LEGACY_FLOATING_POINT)) {
        memcpy(area, &now, offsetof(XSAVE_FORMAT, MxCsr));
        memcpy(area->FloatRegisters, now.FloatRegisters, sizeof now.FloatRegisters);
    }
    if (!(mask & XSTATE_MASK_LEGACY_SSE)) {
        area->MxCsr = now.MxCsr;
        memcpy(area->XmmRegisters, now.XmmRegisters, sizeof now.XmmRegisters);
    }
}

static void xstate_unlink(PXSTATE_SAVE save, PKTHREAD thread)
{
    PXSTATE_SAVE *link = &thread->xstate_saves;

    while (*link && *link != save)
        link = &(*link)->Prev;
    if (*link)
        *link = save->Prev;
}

/* WDK surface */

NTSTATUS NTAPI KeSaveExtendedProcessorState(ULONG64 Mask, PXSTATE_SAVE XStateSave)
{
    PKTHREAD self = ke_thread_current();
    PXSTATE_SAVE outer = self->xstate_saves;
    irql_t irql = hal_irql_read();
    XSAVE_FORMAT *area = NULL;

    xstate_require_irql();
    /* Parameter 2, "extended state is enabled": there is no XSAVE here. */
    xstate_stop_unless(!(Mask & ~XSTATE_MASK_LEGACY), XSTATE_BAD_MASK, 0, (ULONG)Mask, Mask >> 32);
    if (outer)
        xstate_stop_unless(outer->Level <= irql, XSTATE_BELOW_OUTER, outer->Level, irql, 0);
    if (Mask) {
        area = mm_pool_alloc(sizeof *area, XSTATE_TAG);
        if (!area)
            return STATUS_INSUFFICIENT_RESOURCES;
        __asm__ volatile("fxsave64 %0" : "=m"(*area));
    }
    *XStateSave = (XSTATE_SAVE){.Prev = outer,
                                .Thread = self,
                                .Level = irql,
                                .XStateContext = {.Mask = Mask,
                                                  .Length = area ? sizeof *area : 0,
                                                  .Area = (struct _XSAVE_AREA *)area,
                                                  .Buffer = area}};
    self->xstate_saves = XStateSave;
    return STATUS_SUCCESS;
}
LDR_EXPORT(KeSaveExtendedProcessorState);

VOID NTAPI KeRestoreExtendedProcessorState(PXSTATE_SAVE XStateSave)
{
    XSAVE_FORMAT *area = XStateSave->XStateContext.Buffer;
    PKTHREAD self = ke_thread_current();
    irql_t irql = hal_irql_read();

    xstate_require_irql();
    xstate_stop_unless(XStateSave->Thread == self, XSTATE_OTHER_THREAD,
                       (uint64_t)XStateSave->Thread, (uint64_t)self, 0);
    xstate_stop_unless(XStateSave->Level == irql, XSTATE_OTHER_LEVEL, XStateSave->Level, irql, 0);
    xstate_unlink(XStateSave, self);
    if (!area)
        return;
    if (XStateSave->XStateContext.Mask != XSTATE_MASK_LEGACY)
        xstate_keep_others(area, XStateSave->XStateContext.Mask);
    __asm__ volatile("fxrstor64 %0" : : "m"(*area));
    XStateSave->XStateContext.Buffer = NULL;
    mm_pool_free(area, XSTATE_TAG);
}
LDR_EXPORT(KeRestoreExtendedProcessorState);

/* 0 where XSAVE is not enabled, x87 and SSE or not, as its page says. */
ULONG64 NTAPI RtlGetEnabledExtendedFeatures(ULONG64 FeatureMask)
{
    UNREFERENCED_PARAMETER(FeatureMask);
    return 0;
}
LDR_EXPORT(RtlGetEnabledExtendedFeatures);

/* The caller gets the initial rounding and exception masks, and back what it had. */
NTSTATUS NTAPI KeSaveFloatingPointState(PKFLOATING_SAVE FloatSave)
{
    ULONG initial = MXCSR_INITIAL, now;

    __asm__ volatile("stmxcsr %0" : "=m"(now));
    FloatSave->Dummy = (now & SAVED_MXCSR) | (ULONG)hal_irql_read() << SAVED_LEVEL_SHIFT;
    __asm__ volatile("ldmxcsr %0" : : "m"(initial));
    return STATUS_SUCCESS;
}
LDR_EXPORT(KeSaveFloatingPointState);

/* At the level of the save, else it is a bug check (WDK: KeRestoreFloatingPointState). */
NTSTATUS NTAPI KeRestoreFloatingPointState(PKFLOATING_SAVE FloatSave)
{
    ULONG saved = FloatSave->Dummy & SAVED_MXCSR, level = FloatSave->Dummy >> SAVED_LEVEL_SHIFT;

    if (level != hal_irql_read())
        lib_bugcheck(INVALID_FLOATING_POINT_STATE, FLOATING_OTHER_LEVEL, level, hal_irql_read(), 0,
                     NULL);
    __asm__ volatile("ldmxcsr %0" : : "m"(saved));
    return STATUS_SUCCESS;
}
LDR_EXPORT(KeRestoreFloatingPointState);
