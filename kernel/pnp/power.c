/*
 * pnp/power.c - power requests.
 *
 * Devices are in D0 from START_DEVICE on and go to D3 at shutdown. Since Vista power IRPs are not
 * serialised by the drivers: PoStartNextPowerIrp does nothing and PoCallDriver is IoCallDriver
 * (G-PO-3, -4). An IRP of PoRequestPowerIrp is sent from a system thread, as the caller may be at
 * DISPATCH_LEVEL while power dispatch routines may wait.
 *
 * Owns: the Po surface. Owns not: system sleep states: there are none here but working and off.
 */
#include <lib/export.h>

#include "io/alloc.h"
#include "io/irp.h"
#include "ke/ob.h"
#include "pnp/devnode.h"

NTSTATUS pnp_power_set(struct pnp_devnode *node, DEVICE_POWER_STATE state)
{
    IO_STACK_LOCATION location = {.MajorFunction = IRP_MJ_POWER, .MinorFunction = IRP_MN_SET_POWER};

    location.Parameters.Power.Type = DevicePowerState;
    location.Parameters.Power.State.DeviceState = state;
    location.Parameters.Power.ShutdownType = PowerActionNone;
    return io_request_send(node->pdo, &location, STATUS_NOT_SUPPORTED, NULL);
}

/* To off: what is left of each stack, deepest first, goes to D3. */
static void power_tree_off(struct pnp_devnode *node)
{
    struct pnp_devnode *child;

    for (child = node->first_child; child != NULL; child = child->next)
        power_tree_off(child);
    if (node->pdo != NULL && node->device_id != NULL)
        pnp_power_set(node, PowerDeviceD3);
}

void pnp_power_system(SYSTEM_POWER_STATE state)
{
    if (state == PowerSystemShutdown)
        power_tree_off(&pnp_root);
}

/* ---- PoRequestPowerIrp ---------------------------------------------------------------------- */

struct power_request {
    WORK_QUEUE_ITEM item;
    PDEVICE_OBJECT device; /* the caller's, for its completion function */
    PDEVICE_OBJECT top;
    PIRP irp;
    UCHAR minor;
    POWER_STATE state;
    PREQUEST_POWER_COMPLETE completion;
    PVOID context;
};

static NTSTATUS NTAPI power_request_done(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    struct power_request *request = context;

    UNREFERENCED_PARAMETER(device);
    if (request->completion != NULL)
        request->completion(request->device, request->minor, request->state, request->context,
                            &irp->IoStatus);
    ob_dereference(request->top);
    ob_dereference(request->device);
    IoFreeIrp(irp);
    io_free(request);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static VOID NTAPI power_request_send(PVOID context)
{
    struct power_request *request = context;

    IofCallDriver(request->top, request->irp);
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
    struct power_request *request;
    PIO_STACK_LOCATION next;

    if (MinorFunction != IRP_MN_SET_POWER && MinorFunction != IRP_MN_QUERY_POWER &&
        MinorFunction != IRP_MN_WAIT_WAKE)
        return STATUS_INVALID_PARAMETER_2;
    request = io_allocate(sizeof(*request), IO_TAG_PNP);
    if (request == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    request->top = io_device_top_reference(DeviceObject);
    request->irp = IoAllocateIrp(request->top->StackSize, FALSE);
    if (request->irp == NULL) {
        ob_dereference(request->top);
        io_free(request);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    ob_reference(DeviceObject);
    request->device = DeviceObject;
    request->minor = MinorFunction;
    request->state = PowerState;
    request->completion = CompletionFunction;
    request->context = Context;
    next = IoGetNextIrpStackLocation(request->irp);
    next->MajorFunction = IRP_MJ_POWER;
    next->MinorFunction = MinorFunction;
    if (MinorFunction == IRP_MN_WAIT_WAKE) {
        next->Parameters.WaitWake.PowerState = PowerState.SystemState;
    } else {
        next->Parameters.Power.Type = DevicePowerState;
        next->Parameters.Power.State = PowerState;
    }
    request->irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    IoSetCompletionRoutine(request->irp, power_request_done, request, TRUE, TRUE, TRUE);
    if (Irp != NULL)
        *Irp = request->irp;
    ExInitializeWorkItem(&request->item, power_request_send, request);
    ExQueueWorkItem(&request->item, DelayedWorkQueue);
    return STATUS_PENDING;
}
LDR_EXPORT(PoRequestPowerIrp);

/* There is no idle detection: NULL, as for a device that has it turned off. */
PULONG NTAPI PoRegisterDeviceForIdleDetection(PDEVICE_OBJECT DeviceObject,
                                              ULONG ConservationIdleTime, ULONG PerformanceIdleTime,
                                              DEVICE_POWER_STATE State)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(ConservationIdleTime);
    UNREFERENCED_PARAMETER(PerformanceIdleTime);
    UNREFERENCED_PARAMETER(State);
    return NULL;
}
LDR_EXPORT(PoRegisterDeviceForIdleDetection);
