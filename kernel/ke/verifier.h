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
    /* irq, <= DISPATCH_LEVEL: what is to be called for this service routine. */
    PKMESSAGE_SERVICE_ROUTINE (*service)(PKMESSAGE_SERVICE_ROUTINE routine);
    /* ldr, PASSIVE_LEVEL: DriverUnload has returned, the image is about to go. */
    void (*unloaded)(const char *driver, uint64_t base, uint64_t size);
};

extern const struct ke_verifier *ke_verifier;
