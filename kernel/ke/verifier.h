/*
 * ke/verifier.h - where the lower layers let kernel/verifier look on. NULL while verifier= is off.
 */
#pragma once

#include <hal/types.h>
#include <nt/wdm.h>

/* Legend of each: who calls it, at which IRQL. */
struct ke_verifier {
    /* ldr, PASSIVE_LEVEL: what a driver gets for a routine it imports; `address` or a stand-in. */
    const void *(*import)(const char *driver, const char *routine, const void *address);
    /* ldr, any: what a driver gets that asks for the routine by name. */
    const void *(*lookup)(const void *caller, const char *routine, const void *address);
    /*
     * irq, PASSIVE_LEVEL: what is to be called for this service routine, which is being connected
     * with that interrupt spin lock; and it has been disconnected.
     */
    PKMESSAGE_SERVICE_ROUTINE (*service)(PKMESSAGE_SERVICE_ROUTINE routine, PKSPIN_LOCK lock);
    void (*disconnected)(PKSPIN_LOCK lock);
    /* io, the caller's: in place of a dispatch, completion or cancel routine, which they call. */
    NTSTATUS (*dispatch)(PDRIVER_DISPATCH routine, PDEVICE_OBJECT device, PIRP irp);
    NTSTATUS(*completion)
    (PIO_COMPLETION_ROUTINE routine, PDEVICE_OBJECT device, PIRP irp, PVOID context);
    void (*cancel)(PDRIVER_CANCEL routine, PDEVICE_OBJECT device, PIRP irp);
    /* ke, PASSIVE_LEVEL: the current thread is about to end. */
    void (*thread_ended)(PKTHREAD thread);
    /* ldr, PASSIVE_LEVEL: DriverUnload has returned; its DPCs may still be queued. */
    void (*unloading)(const char *driver, uint64_t base, uint64_t size);
    /* ldr, PASSIVE_LEVEL: nothing of it runs any more, the image is about to go. */
    void (*unloaded)(const char *driver, uint64_t base, uint64_t size);
};

extern const struct ke_verifier *ke_verifier;
