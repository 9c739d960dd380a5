/*
 * verifier/dispatch.c - what stands before a verified driver's dispatch, completion and cancel
 * routines: IRQL, APC disable counts, the interrupt flag and spin locks must be as before (DV-16,
 * SpinLockDpc and CancelSpinLock of DV-20).
 */
#include "verifier/internal.h"

#include <nt/bugcodes.h>

#include "ke/thread.h"

/* Parameter 1 of bug checks 0xC4 and 0xC9 (BC-C4-1, BC-C9-1). */
enum {
    DISPATCH_CHANGED_IRQL = 0x05, /* of 0xC9 */
    DISPATCH_INTERRUPTS_OFF = 0xC1,
    DISPATCH_CHANGED_APCS = 0xC5,
    COMPLETION_CHANGED_IRQL = 0xFA,
    COMPLETION_CHANGED_APCS = 0xFB,
};

struct state {
    irql_t irql;
    uint32_t locks;
    int32_t apcs; /* of both counts: one of them moves */
};

static int32_t apc_count(void)
{
    return ke_thread_current()->kernel_apc_disable + ke_thread_current()->special_apc_disable;
}

static struct state state_now(void)
{
    irql_t irql = hal_irql_read();

    return (struct state){irql, irql >= DISPATCH_LEVEL ? verifier_locks_held() : 0, apc_count()};
}

static void compare(const struct state *before, const struct state *after, uint64_t routine,
                    const struct verifier_finding *irql, uint32_t apc_code, const char *kind)
{
    const struct verifier_finding apcs = {.parameters = {apc_code, routine,
                                                         (uint64_t)(int64_t)after->apcs,
                                                         (uint64_t)(int64_t)before->apcs},
                                          .rule = "APC disable count"};

    if (after->irql >= DISPATCH_LEVEL)
        verifier_locks_compare(before->locks, routine, kind);
    if (before->irql != after->irql)
        verifier_stop(irql, routine, "(a %s) came with IRQL %u, left with %u", kind, before->irql,
                      after->irql);
    if (before->apcs != after->apcs)
        verifier_stop(&apcs, routine, "(a %s) changed the APC disable count", kind);
}

NTSTATUS verifier_dispatch(PDRIVER_DISPATCH routine, PDEVICE_OBJECT device, PIRP irp)
{
    const struct verifier_finding off = {.parameters = {DISPATCH_INTERRUPTS_OFF, (uint64_t)routine},
                                         .rule = "dispatch routine"};
    struct verifier_finding irql = {.bugcheck = DRIVER_VERIFIER_IOMANAGER_VIOLATION,
                                    .parameters = {DISPATCH_CHANGED_IRQL, (uint64_t)device},
                                    .rule = "IrqlReturn"};
    struct state before, after;
    NTSTATUS status;

    if (!verifier_covers((const void *)(uintptr_t)routine))
        return routine(device, irp);
    before = state_now();
    status = routine(device, irp);
    if (!hal_interrupts_are_on())
        verifier_stop(&off, (uint64_t)routine, "(a dispatch routine) left with interrupts off");
    after = state_now();
    irql.parameters[2] = before.irql;
    irql.parameters[3] = after.irql;
    compare(&before, &after, (uint64_t)routine, &irql, DISPATCH_CHANGED_APCS, "dispatch routine");
    return status;
}

NTSTATUS verifier_completion(PIO_COMPLETION_ROUTINE routine, PDEVICE_OBJECT device, PIRP irp,
                             PVOID context)
{
    struct verifier_finding irql = {.parameters = {COMPLETION_CHANGED_IRQL, (uint64_t)routine},
                                    .rule = "IrqlReturn"};
    struct state before, after;
    NTSTATUS status;

    if (!verifier_covers((const void *)(uintptr_t)routine))
        return routine(device, irp, context);
    before = state_now();
    status = routine(device, irp, context);
    after = state_now();
    irql.parameters[2] = before.irql;
    irql.parameters[3] = after.irql;
    compare(&before, &after, (uint64_t)routine, &irql, COMPLETION_CHANGED_APCS,
            "completion routine");
    return status;
}

/* It comes with the cancel spin lock, which it releases. */
void verifier_cancel(PDRIVER_CANCEL routine, PDEVICE_OBJECT device, PIRP irp)
{
    struct verifier_lock lock = verifier_cancel_lock((uint64_t)routine);
    uint32_t before;

    if (!verifier_covers((const void *)(uintptr_t)routine)) {
        routine(device, irp);
        return;
    }
    before = verifier_locks_held();
    verifier_lock_push(&lock);
    routine(device, irp);
    if (hal_irql_read() >= DISPATCH_LEVEL)
        verifier_locks_compare(before, (uint64_t)routine, "cancel routine");
}
