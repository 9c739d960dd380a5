/*
 * ex/misc.c - previous mode, clock resolution, processor features; coherent DMA.
 */
#include <hal/hal.h>
#include <lib/assert.h>
#include <lib/export.h>
#include <nt/ntddk.h>

#include "ke/ke.h"
#include "ke/lock.h"

enum { RESOLUTION_FINEST = 10000 }; /* 100 ns units: 1 ms (WDK: ExSetTimerResolution) */

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

/*
 * The finest resolution that was asked for stays until all who asked have called with FALSE. It is
 * that of the times in the shared user data page; timers are not bound to a tick.
 */
ULONG NTAPI ExSetTimerResolution(ULONG DesiredTime, BOOLEAN SetResolution)
{
    static ke_lock_t lock;
    static ULONG requests;
    ULONG wanted = DesiredTime < RESOLUTION_FINEST ? RESOLUTION_FINEST : DesiredTime;
    irql_t old;

    ASSERT_IRQL(APC_LEVEL);
    old = hal_irql_raise(DISPATCH_LEVEL);
    ke_lock_acquire(&lock);
    if (SetResolution) {
        requests++;
        if (wanted < ke_clock_resolution())
            ke_clock_resolution_set(wanted);
    } else if (requests && --requests == 0) {
        ke_clock_resolution_set(KE_CLOCK_PERIOD);
    }
    wanted = ke_clock_resolution();
    ke_lock_release(&lock);
    hal_irql_write(old);
    return wanted;
}
LDR_EXPORT(ExSetTimerResolution);

VOID NTAPI ExQueryTimerResolution(PULONG MaximumTime, PULONG MinimumTime, PULONG CurrentTime)
{
    *MaximumTime = KE_CLOCK_PERIOD;
    *MinimumTime = RESOLUTION_FINEST;
    *CurrentTime = ke_clock_resolution();
}
LDR_EXPORT(ExQueryTimerResolution);

BOOLEAN NTAPI ExIsProcessorFeaturePresent(ULONG ProcessorFeature)
{
    return ProcessorFeature < PROCESSOR_FEATURE_MAX &&
           SharedUserData->ProcessorFeatures[ProcessorFeature];
}
LDR_EXPORT(ExIsProcessorFeaturePresent);
