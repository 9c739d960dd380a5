/*
 * verifier/irps.c - IRPs as they are sent and completed (bug check 0xC9, BC-C9-1). That one is
 * completed twice, or with its cancel routine still set, the I/O manager itself finds.
 */
#include "verifier/internal.h"

#include <nt/bugcodes.h>

#include "io/device.h"
#include "io/irp.h"

enum {
    FREED_NO_IRP = 0x01,
    FREED_THREADED_IRP = 0x02,
    SENT_NO_IRP = 0x03,
    SENT_TO_NO_DEVICE = 0x04,
    COMPLETED_PENDING = 0x06,
    COMPLETED_ABOVE_DISPATCH = 0x0E,
    SENT_ABOVE_DISPATCH = 0x10,
};

enum { FREED_AS_POOL = 0x105 }; /* of bug check 0xC4 */

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
    if (!io_device_is_device((PDEVICE_OBJECT)frame[1]))
        stop(SENT_TO_NO_DEVICE, (PIRP)frame[1], frame, "sends an IRP to what is no device object");
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

/* One of IoBuildDeviceIoControlRequest and the like is the I/O manager's to free. */
static void check_free(const char *routine, const uint64_t *frame)
{
    PIRP irp = (PIRP)frame[1];

    (void)routine;
    if (irp->Type != IO_TYPE_IRP)
        stop(FREED_NO_IRP, irp, frame, "frees what is no IRP, or was freed");
    if (irp->AllocationFlags & IO_IRP_THREADED)
        stop(FREED_THREADED_IRP, irp, frame, "frees an IRP that the I/O manager frees");
}

struct irp_search {
    PIRP irp;
    bool found;
};

static void see_irp(PIRP irp, void *context)
{
    struct irp_search *search = context;

    search->found |= irp == search->irp;
}

void verifier_irp_freed_as_pool(const void *block, uint64_t where)
{
    const struct verifier_finding finding = {.parameters = {FREED_AS_POOL, (uint64_t)block},
                                             .rule = "I/O verification"};
    struct irp_search search = {(PIRP)block, false};

    io_irp_for_each(see_irp, &search);
    if (search.found)
        verifier_stop(&finding, where, "frees the IRP %p by a routine for pool", block);
}

const struct verifier_special verifier_irp_specials[] = {
    {"IoFreeIrp", check_free, NULL},
    {"IofCallDriver", check_call, NULL},
    {"IofCompleteRequest", check_complete, NULL},
    {0},
};
