/*
 * stops.c - what must not be done with an IRP, whose address the bug check tells, and with an MDL.
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

/* Two pages for a part of one byte more than a page. */
static VOID DescribeTooMuch(VOID)
{
    static UCHAR bytes[3 * PAGE_SIZE];
    PUCHAR page = (PUCHAR)ROUND_TO_PAGES(bytes);
    PMDL source = IoAllocateMdl(page, 2 * PAGE_SIZE, FALSE, FALSE, NULL);
    PMDL target = IoAllocateMdl(page, PAGE_SIZE, FALSE, FALSE, NULL);

    if (source == NULL || target == NULL)
        return;
    MmBuildMdlForNonPagedPool(source);
    ExpectStop(0x40, TEST_ANY, TEST_ANY, TEST_ANY, TEST_ANY,
               "a part of more pages than the partial MDL has room for is TARGET_MDL_TOO_SMALL");
    IoBuildPartialMdl(source, target, page, PAGE_SIZE + 1);
}

VOID Stop(ULONG Number)
{
    static VOID (*const stops[])(VOID) = {CompleteTwice, CallTooDeep, CompleteCancelable,
                                          CancelCompleted, DescribeTooMuch};

    if (Number < sizeof(stops) / sizeof(stops[0]) && RequestBegin(&Request, TestDevices->Self))
        stops[Number]();
}
