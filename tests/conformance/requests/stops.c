/*
 * stops.c - what must not be done with an IRP: each is a bug check, its first parameter the IRP.
 */
#include "requests.h"

static REQUEST Request;

static VOID NTAPI NoCancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    IoReleaseCancelSpinLock(Irp->CancelIrql);
}

static VOID CompleteTwice(VOID)
{
    Complete(Request.Irp, STATUS_SUCCESS);
    ExpectStop(0x44, (ULONG64)Request.Irp, TEST_ANY, TEST_ANY, TEST_ANY,
               "completing an IRP twice is MULTIPLE_IRP_COMPLETE_REQUESTS");
    Complete(Request.Irp, STATUS_SUCCESS);
}

static VOID CallTooDeep(VOID)
{
    IoSetNextIrpStackLocation(Request.Irp);
    ExpectStop(0x35, (ULONG64)Request.Irp, TEST_ANY, TEST_ANY, TEST_ANY,
               "sending an IRP without a stack location left is NO_MORE_IRP_STACK_LOCATIONS");
    IoCallDriver(TestDevices->Self, Request.Irp);
}

static VOID CompleteCancelable(VOID)
{
    IoSetCancelRoutine(Request.Irp, NoCancel);
    ExpectStop(0x48, (ULONG64)Request.Irp, (ULONG64)NoCancel, TEST_ANY, TEST_ANY,
               "completing an IRP with a cancel routine is CANCEL_STATE_IN_COMPLETED_IRP");
    Complete(Request.Irp, STATUS_SUCCESS);
}

static VOID CancelCompleted(VOID)
{
    Complete(Request.Irp, STATUS_SUCCESS);
    IoSetCancelRoutine(Request.Irp, NoCancel);
    ExpectStop(0x48, (ULONG64)Request.Irp, (ULONG64)NoCancel, TEST_ANY, TEST_ANY,
               "so is canceling a completed one that has a routine");
    IoCancelIrp(Request.Irp);
}

VOID Stop(ULONG Number)
{
    static VOID (*const stops[])(VOID) = {CompleteTwice, CallTooDeep, CompleteCancelable,
                                          CancelCompleted};

    if (Number < sizeof(stops) / sizeof(stops[0]) && RequestBegin(&Request, TestDevices->Self))
        stops[Number]();
}
