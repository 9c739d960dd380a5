/*
 * verifier/irps.c - IRPs as they are sent and completed (bug check 0xC9, BC-C9-1). That one is
 * completed twice, or with its cancel routine still set, the I/O manager itself finds.
 */
#include "verifier/internal.h"

#include <nt/bugcodes.h>

#include "mm/pool.h"

enum {
    SENT_NO_IRP = 0x03,
    COMPLETED_PENDING = 0x06,
    COMPLETED_ABOVE_DISPATCH = 0x0E,
    SENT_ABOVE_DISPATCH = 0x10,
};

static _Noreturn void stop(uint32_t kind, PIRP irp, const uint64_t *frame, const char *what)
{
    const struct verifier_finding finding = {.bugcheck = DRIVER_VERIFIER_IOMANAGER_VIOLATION,
                                             .parameters = {kind, (uint64_t)irp},
                                             .rule = "I/O verification"};

    verifier_stop(&finding, frame[CALL_RETURN], "%s", what);
}

static void check_call(const char *routine, const uint64_t *frame)
{
    PIRP irp = (PIRP)frame[2];

    (void)routine;
    if (hal_irql_read() > DISPATCH_LEVEL)
        stop(SENT_ABOVE_DISPATCH, irp, frame, "sends an IRP above DISPATCH_LEVEL");
    if (irp->Type != IO_TYPE_IRP)
        stop(SENT_NO_IRP, irp, frame, "sends what is no IRP, or was freed");
}

static void check_complete(const char *routine, const uint64_t *frame)
{
    PIRP irp = (PIRP)frame[1];

    (void)routine;
    if (hal_irql_read() > DISPATCH_LEVEL)
        stop(COMPLETED_ABOVE_DISPATCH, irp, frame, "completes an IRP above DISPATCH_LEVEL");
    if (irp->Type == IO_TYPE_IRP && irp->IoStatus.Status == STATUS_PENDING)
        stop(COMPLETED_PENDING, irp, frame, "completes an IRP with STATUS_PENDING");
}

const struct verifier_special verifier_irp_specials[] = {
    {"IofCallDriver", check_call, NULL},
    {"IofCompleteRequest", check_complete, NULL},
    {0},
};
