/*
 * pnp/power_request.c - power IRPs: made, kept in order, sent.
 *
 * A request is sent from a system thread, as the requester may be at DISPATCH_LEVEL while power
 * dispatch routines may wait. Of set-power requests, and queries for the system's state, one at a
 * time is active for each PDO and kind of state; of those that power up a device with
 * DO_POWER_INRUSH one in the whole machine (WDK: "Calling IoCallDriver versus Calling
 * PoCallDriver"). The others wait in the order of their coming. Since Vista this is all done here:
 * PoStartNextPowerIrp does nothing and PoCallDriver is IoCallDriver (G-PO-3, -4).
 *
 * Owns: the Po surface but idle detection (pnp/idle.c). Owns not: what the kernel itself asks for
 * (pnp/power.c).
 */
#include <lib/export.h>
#include <lib/log.h>

#include "io/alloc.h"
#include "io/driver.h"
#include "ke/ob.h"
#include "pnp/power.h"

struct power_request {
    WORK_QUEUE_ITEM item;
    LIST_ENTRY entry;      /* (l) of the list below, if limited */
    PDEVICE_OBJECT device; /* the requester's; this and the next two are referenced */
    PDEVICE_OBJECT top;
    PDEVICE_OBJECT pdo;
    PIRP irp;
    UCHAR minor;
    POWER_STATE_TYPE type;
    POWER_STATE state;
    bool is_limited;
    bool is_inrush;
    bool is_active; /* (l) on its way, no longer waiting */
    PREQUEST_POWER_COMPLETE completion;
    PVOID context;
};

static KSPIN_LOCK list_lock; /* (l) */
static LIST_ENTRY list = {&list, &list};

/* ---- Order ---------------------------------------------------------------------------------- */

static struct power_request *request_of(PLIST_ENTRY entry)
{
    return CONTAINING_RECORD(entry, struct power_request, entry);
}

static bool conflict(const struct power_request *one, const struct power_request *other)
{
    return (one->pdo == other->pdo && one->type == other->type) ||
           (one->is_inrush && other->is_inrush);
}

/* Nothing that came before stands in its way. Lock held. */
static bool may_start(struct power_request *request)
{
    for (PLIST_ENTRY entry = list.Flink; entry != &request->entry; entry = entry->Flink)
        if (conflict(request_of(entry), request))
            return false;
    return true;
}

/* Lock held. */
static void start(struct power_request *request)
{
    request->is_active = true;
    ExQueueWorkItem(&request->item, CriticalWorkQueue);
}

static void request_enter(struct power_request *request)
{
    KIRQL irql;

    if (!request->is_limited) {
        start(request);
        return;
    }
    KeAcquireSpinLock(&list_lock, &irql);
    InsertTailList(&list, &request->entry);
    if (may_start(request))
        start(request);
    KeReleaseSpinLock(&list_lock, irql);
}

static void request_leave(struct power_request *request)
{
    KIRQL irql;

    if (!request->is_limited)
        return;
    KeAcquireSpinLock(&list_lock, &irql);
    RemoveEntryList(&request->entry);
    for (PLIST_ENTRY entry = list.Flink; entry != &list; entry = entry->Flink)
        if (!request_of(entry)->is_active && may_start(request_of(entry)))
            start(request_of(entry));
    KeReleaseSpinLock(&list_lock, irql);
}

bool pnp_power_is_busy(PDEVICE_OBJECT pdo)
{
    bool busy = false;
    KIRQL irql;

    KeAcquireSpinLock(&list_lock, &irql);
    for (PLIST_ENTRY entry = list.Flink; entry != &list; entry = entry->Flink)
        busy |= request_of(entry)->pdo == pdo;
    KeReleaseSpinLock(&list_lock, irql);
    return busy;
}

/* The driver whose location the IRP has reached; NULL: none yet, or none any more. */
static PDRIVER_OBJECT holder_of(PIRP irp)
{
    PIO_STACK_LOCATION bottom = (PIO_STACK_LOCATION)(irp + 1);
    CHAR location = irp->CurrentLocation; /* once: it moves */
    PDEVICE_OBJECT device;

    if (location < 1 || location > irp->StackCount)
        return NULL;
    device = bottom[location - 1].DeviceObject;
    return device == NULL ? NULL : device->DriverObject;
}

void pnp_power_log_holders(const struct pnp_devnode *node)
{
    KIRQL irql;

    KeAcquireSpinLock(&list_lock, &irql);
    for (PLIST_ENTRY entry = list.Flink; entry != &list; entry = entry->Flink) {
        const struct power_request *request = request_of(entry);
        PDRIVER_OBJECT holder = request->is_active ? holder_of(request->irp) : NULL;

        if (request->pdo == node->pdo && holder != NULL)
            log_error("pnp: %s: %s keeps a power request to state %u of the %s", node->instance,
                      io_driver_of(holder)->name, (unsigned)request->state.DeviceState,
                      request->type == DevicePowerState ? "device" : "system");
    }
    KeReleaseSpinLock(&list_lock, irql);
}

/* ---- One request ---------------------------------------------------------------------------- */

/* The bottom of the stack remembers what state the device was brought to. */
static void state_note(const struct power_request *request)
{
    if (request->minor == IRP_MN_SET_POWER && request->type == DevicePowerState &&
        NT_SUCCESS(request->irp->IoStatus.Status))
        io_device_of(request->pdo)->device_power = request->state.DeviceState;
}

static NTSTATUS NTAPI request_done(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    struct power_request *request = context;

    UNREFERENCED_PARAMETER(device);
    state_note(request);
    request_leave(request);
    if (request->completion != NULL)
        request->completion(request->device, request->minor, request->state, request->context,
                            &irp->IoStatus);
    ob_dereference(request->top);
    ob_dereference(request->pdo);
    ob_dereference(request->device);
    IoFreeIrp(irp);
    io_free(request);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static VOID NTAPI request_send(PVOID context)
{
    struct power_request *request = context;

    IofCallDriver(request->top, request->irp);
}

static void request_fill(struct power_request *request, const IO_STACK_LOCATION *location)
{
    bool is_set = location->MinorFunction == IRP_MN_SET_POWER;
    PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(request->irp);

    request->minor = location->MinorFunction;
    if (request->minor == IRP_MN_WAIT_WAKE) {
        request->state.SystemState = location->Parameters.WaitWake.PowerState;
    } else {
        request->type = location->Parameters.Power.Type;
        request->state = location->Parameters.Power.State;
        request->is_limited = is_set || request->type == SystemPowerState;
        request->is_inrush = is_set && request->type == DevicePowerState &&
                             request->state.DeviceState == PowerDeviceD0 &&
                             ((request->top->Flags | request->pdo->Flags) & DO_POWER_INRUSH) != 0;
    }
    *next = *location;
    next->MajorFunction = IRP_MJ_POWER;
    request->irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    IoSetCompletionRoutine(request->irp, request_done, request, TRUE, TRUE, TRUE);
    ExInitializeWorkItem(&request->item, request_send, request);
}

NTSTATUS pnp_power_request(PDEVICE_OBJECT device, const IO_STACK_LOCATION *location,
                           PREQUEST_POWER_COMPLETE completion, PVOID context, PIRP *irp)
{
    struct power_request *request = io_allocate(sizeof(*request), IO_TAG_PNP);

    if (request == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    request->top = io_device_top_reference(device);
    request->irp = IoAllocateIrp(request->top->StackSize, FALSE);
    if (request->irp == NULL) {
        ob_dereference(request->top);
        io_free(request);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    request->pdo = io_device_bottom(device);
    ob_reference(request->pdo);
    ob_reference(device);
    request->device = device;
    request->completion = completion;
    request->context = context;
    request_fill(request, location);
    if (irp != NULL)
        *irp = request->irp;
    request_enter(request);
    return STATUS_PENDING;
}

/* WDK surface */

NTSTATUS NTAPI PoCallDriver(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return IofCallDriver(DeviceObject, Irp);
}
LDR_EXPORT(PoCallDriver);

VOID NTAPI PoStartNextPowerIrp(PIRP Irp)
{
    UNREFERENCED_PARAMETER(Irp);
}
LDR_EXPORT(PoStartNextPowerIrp);

POWER_STATE NTAPI PoSetPowerState(PDEVICE_OBJECT DeviceObject, POWER_STATE_TYPE Type,
                                  POWER_STATE State)
{
    struct io_device *io = io_device_of(DeviceObject);
    POWER_STATE old = io->power_state;

    if (Type == DevicePowerState)
        io->power_state = State;
    return old;
}
LDR_EXPORT(PoSetPowerState);

NTSTATUS NTAPI PoRequestPowerIrp(PDEVICE_OBJECT DeviceObject, UCHAR MinorFunction,
                                 POWER_STATE PowerState, PREQUEST_POWER_COMPLETE CompletionFunction,
                                 PVOID Context, PIRP *Irp)
{
    IO_STACK_LOCATION location = {.MinorFunction = MinorFunction};

    if (MinorFunction == IRP_MN_WAIT_WAKE) {
        location.Parameters.WaitWake.PowerState = PowerState.SystemState;
    } else if (MinorFunction == IRP_MN_SET_POWER || MinorFunction == IRP_MN_QUERY_POWER) {
        location.Parameters.Power.Type = DevicePowerState;
        location.Parameters.Power.State = PowerState;
    } else {
        return STATUS_INVALID_PARAMETER_2;
    }
    return pnp_power_request(DeviceObject, &location, CompletionFunction, Context, Irp);
}
LDR_EXPORT(PoRequestPowerIrp);
