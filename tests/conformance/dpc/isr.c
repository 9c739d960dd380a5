/*
 * isr.c - DPCs as interrupt service routines use them, and what may interrupt a DPC.
 */
#include "dpc.h"

#define CALLS 3

static TEST_CONNECTION Connection;
static NOTED_DPC Outer, Inner;
static volatile LONG First, Second, Runs, IrqlThen;
static PDEVICE_OBJECT volatile Object;
static PIRP volatile Request;
static PVOID volatile RequestContext;

static VOID NTAPI DpcForIsr(PKDPC Dpc, PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(Dpc);
    Object = DeviceObject;
    Request = Irp;
    RequestContext = Context;
    IrqlThen = KeGetCurrentIrql();
    InterlockedIncrement(&Runs);
}

static BOOLEAN RequestBody(PTEST_CONNECTION C, PKINTERRUPT Interrupt, ULONG MessageId)
{
    BOOLEAN claimed = TestAcknowledge(C->Device);

    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(MessageId);
    IoRequestDpc(C->Device->Self, (PIRP)(ULONG_PTR)(0x1000 + C->Calls), C);
    return claimed;
}

static BOOLEAN TwiceBody(PTEST_CONNECTION C, PKINTERRUPT Interrupt, ULONG MessageId)
{
    BOOLEAN claimed = TestAcknowledge(C->Device);

    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(MessageId);
    First = KeInsertQueueDpc(&Outer.Dpc, (PVOID)1, NULL);
    Second = KeInsertQueueDpc(&Outer.Dpc, (PVOID)2, NULL);
    return claimed;
}

static VOID CheckRequestDpc(PTEST_DEVICE Device)
{
    KIRQL irql;
    LONG i;

    Runs = 0;
    TestPrepareFull(&Connection, Device, 0);
    Connection.Body = RequestBody;
    IoInitializeDpcRequest(Device->Self, DpcForIsr);
    if (!TestConnectOrFail(&Connection, "DPC-29 an interrupt connects"))
        return;
    TestRaise(Device, 0);
    TestWaitCalls(&Connection, 1);
    KeFlushQueuedDpcs();
    Expect(Runs == 1 && Object == Device->Self && Request == (PIRP)(ULONG_PTR)0x1000 &&
               RequestContext == &Connection && IrqlThen == DISPATCH_LEVEL,
           "DPC-28, DPC-29, DPC-30, DPC-31 IoRequestDpc at DIRQL: DpcForIsr runs at DISPATCH_LEVEL "
           "with device, IRP and context");
    TestGoTo(
        TestInterruptProcessor(Connection.Object)); /* where a raised IRQL holds back its DPC */
    Runs = 0;
    TestResetCounts(&Connection);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    for (i = 1; i <= CALLS; i++) {
        TestRaise(Device, 0);
        TestSpinUntil(&Connection.Calls, i, DPC_WAIT_MS);
    }
    i = Runs;
    KeLowerIrql(irql);
    Expect(i == 0 && Runs == 1 && Connection.Calls == CALLS,
           "DPC-5, DPC-6, DPC-25 three calls of the routine before the DPC can run make one call "
           "of DpcForIsr");
    ExpectEqual((ULONG64)(ULONG_PTR)Request, 0x1000, "DPC-4, DPC-6 with the first one's arguments");
    TestAnywhere();
    TestDisconnect(&Connection);
}

VOID CheckRequests(PTEST_DEVICE Device)
{
    CheckRequestDpc(Device);
    NoteInitialize(&Outer);
    TestPrepareFull(&Connection, Device, 0);
    Connection.Body = TwiceBody;
    if (!TestConnectOrFail(&Connection, "TC-27 an interrupt connects"))
        return;
    TestRaise(Device, 0);
    TestWaitCalls(&Connection, 1);
    KeFlushQueuedDpcs();
    Expect(First == TRUE && Second == FALSE && Outer.Runs == 1 && Outer.Argument1 == (PVOID)1,
           "TC-27, DPC-4, DPC-5 a routine that queues a DPC twice gets TRUE, FALSE, and one run "
           "with the first arguments");
    TestDisconnect(&Connection);
}

/* ---- inside a DPC --------------------------------------------------------------------------- */

static volatile LONG CallsInside, InnerInside, ThreadRuns, ThreadBefore, ThreadAfter;
static volatile LONG Leave;
static KEVENT Worked;

static VOID NTAPI WorkRoutine(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    KeSetEvent(Context, IO_NO_INCREMENT, FALSE);
}

static VOID NTAPI InterruptedRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    ThreadBefore = ThreadRuns;
    KeInsertQueueDpc(&Inner.Dpc, NULL, NULL);
    TestRaise(Connection.Device, 0);
    TestSpinUntil(&Connection.Calls, 1, DPC_WAIT_MS);
    KeStallExecutionProcessor(2000);
    IoQueueWorkItem(Context, WorkRoutine, DelayedWorkQueue, &Worked);
    CallsInside = Connection.Calls;
    InnerInside = Inner.Runs;
    ThreadAfter = ThreadRuns;
    Leave = 1;
}

static VOID CountingThread(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeSetPriorityThread(KeGetCurrentThread(), LOW_REALTIME_PRIORITY);
    while (!Leave) {
        InterlockedIncrement(&ThreadRuns);
        if (ThreadRuns == 1)
            KeInsertQueueDpc(&Outer.Dpc, NULL, NULL);
    }
}

VOID CheckInsideDpc(PTEST_DEVICE Device)
{
    PIO_WORKITEM item = IoAllocateWorkItem(Device->Self);
    TEST_THREAD thread;
    LARGE_INTEGER timeout;

    timeout.QuadPart = -(LONGLONG)DPC_WAIT_MS * 10000;
    NoteInitialize(&Outer);
    NoteInitialize(&Inner);
    KeInitializeDpc(&Outer.Dpc, InterruptedRoutine, item);
    KeInitializeEvent(&Worked, NotificationEvent, FALSE);
    TestPrepareFull(&Connection, Device, 0);
    if (item == NULL || !TestConnectOrFail(&Connection, "DPC-24 an interrupt connects"))
        return;
    CallsInside = ThreadRuns = Leave = 0;
    InnerInside = -1;
    if (TestThreadStart(&thread, TestInterruptProcessor(Connection.Object), CountingThread, NULL))
        TestThreadJoin(&thread);
    ExpectEqual((ULONG)CallsInside, 1, "DPC-24 an interrupt comes in the midst of a DPC");
    ExpectEqual((ULONG)InnerInside, 0, "DPC-24 another DPC does not");
    Expect(ThreadBefore > 0 && ThreadBefore == ThreadAfter,
           "DPC-24 it pre-empts threads, of real-time priority, too, and none runs beside it");
    KeFlushQueuedDpcs();
    ExpectEqual((ULONG)Inner.Runs, 1, "DPC-24 the other DPC has run after it");
    ExpectStatus(KeWaitForSingleObject(&Worked, Executive, KernelMode, FALSE, &timeout),
                 STATUS_SUCCESS, "DPC-26 a DPC may queue a work item, which runs");
    IoFreeWorkItem(item);
    TestDisconnect(&Connection);
}
