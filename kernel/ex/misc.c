/*
 * ex/misc.c - routines that are nearly nothing here: one mode, one clock rate, coherent DMA.
 */
#include <hal/hal.h>
#include <lib/assert.h>
#include <lib/export.h>
#include <nt/ntddk.h>

#include "ke/ke.h"

/* DMA is coherent; drivers that do not use the header's empty macro import this. */
static VOID NTAPI flush_io_buffers(PMDL Mdl, BOOLEAN ReadOperation, BOOLEAN DmaOperation)
{
    UNREFERENCED_PARAMETER(Mdl);
    UNREFERENCED_PARAMETER(ReadOperation);
    UNREFERENCED_PARAMETER(DmaOperation);
}
LDR_EXPORT_AS("KeFlushIoBuffers", flush_io_buffers);

/* WDK surface */

/* No user mode: every caller was the kernel. */
KPROCESSOR_MODE NTAPI ExGetPreviousMode(VOID)
{
    return KernelMode;
}
LDR_EXPORT(ExGetPreviousMode);

/* Timers are not bound to a tick; what is reported is the unit that KeQueryTickCount counts in. */
ULONG NTAPI ExSetTimerResolution(ULONG DesiredTime, BOOLEAN SetResolution)
{
    UNREFERENCED_PARAMETER(DesiredTime);
    UNREFERENCED_PARAMETER(SetResolution);
    return KeQueryTimeIncrement();
}
LDR_EXPORT(ExSetTimerResolution);

VOID NTAPI ExQueryTimerResolution(PULONG MaximumTime, PULONG MinimumTime, PULONG CurrentTime)
{
    *MaximumTime = *MinimumTime = *CurrentTime = KeQueryTimeIncrement();
}
LDR_EXPORT(ExQueryTimerResolution);

BOOLEAN NTAPI ExIsProcessorFeaturePresent(ULONG ProcessorFeature)
{
    return ProcessorFeature < PROCESSOR_FEATURE_MAX &&
           SharedUserData->ProcessorFeatures[ProcessorFeature];
}
LDR_EXPORT(ExIsProcessorFeaturePresent);
