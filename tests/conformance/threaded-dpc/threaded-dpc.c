/*
 * threaded-dpc.c - conformance of threaded DPCs.
 */
#include "suite.h"

#define WAIT_MS 5000
#define BUSY_US 20000
#define DPC_TYPE_THREADED 0x1A
#define QUEUED 4

static KDPC Threaded[QUEUED], Ordinary;
static volatile LONG Runs, OrdinaryRuns, OrdinaryInside, CallsInside;
static volatile LONG Order[QUEUED];
static volatile ULONG Irql, Processor, Priority;
static volatile PKTHREAD Thread;
static PVOID volatile Argument;
static volatile LONG OtherThread, OtherBefore, OtherAfter, Leave;
static volatile KIRQL OldIrql, HeldIrql, OrdinaryOld;
static KSPIN_LOCK Lock;
static TEST_CONNECTION Connection;
static ULONG Enabled; /* ThreadDpcEnable: 0, or anything else, or nothing */

static VOID NTAPI Note(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument2);
    Irql = KeGetCurrentIrql();
    Processor = TestCurrentProcessor();
    Thread = (PKTHREAD)PsGetCurrentThread();
    Priority = Irql == PASSIVE_LEVEL ? (ULONG)KeQueryPriorityThread(KeGetCurrentThread()) : 0;
    Argument = Argument1;
    if (Runs < QUEUED)
        Order[Runs] = (LONG)(ULONG_PTR)Argument1;
    InterlockedIncrement(&Runs);
}

static VOID Initialize(PKDEFERRED_ROUTINE Routine)
{
    ULONG i;

    Runs = 0;
    for (i = 0; i < QUEUED; i++)
        KeInitializeThreadedDpc(&Threaded[i], Routine, NULL);
}

/* ---- the same object, the same routines ----------------------------------------------------- */

static VOID CheckPlain(VOID)
{
    KIRQL irql;

    KeRaiseIrql(HIGH_LEVEL, &irql);
    Initialize(Note);
    Expect(KeInsertQueueDpc(&Threaded[0], (PVOID)1, NULL) == TRUE,
           "TDPC-1 at HIGH_LEVEL a threaded DPC is made and queued, TRUE");
    Expect(KeInsertQueueDpc(&Threaded[0], (PVOID)2, NULL) == FALSE, "TDPC-1 not twice, FALSE");
    KeLowerIrql(irql);
    Expect(TestSpinUntil(&Runs, 1, WAIT_MS), "TDPC-1, TDPC-2 it runs");
    KeFlushQueuedDpcs();
    ExpectEqual((ULONG)Runs, 1, "TDPC-1 once");
    ExpectEqual(Threaded[0].Type, DPC_TYPE_THREADED, "TDPC-1, DPC-1 its Type is the threaded one");
    ExpectEqual((ULONG64)(ULONG_PTR)Argument, 1,
                "TDPC-1 with the arguments it was first queued with");
    if (!Enabled) {
        ExpectEqual(Irql, DISPATCH_LEVEL,
                    "TDPC-2, TDPC-3 switched off by ThreadDpcEnable it runs at DISPATCH_LEVEL");
        return;
    }
    ExpectEqual(Irql, PASSIVE_LEVEL, "TC-36, TDPC-2, TDPC-3 by default it runs at PASSIVE_LEVEL");
    Expect(Priority >= LOW_REALTIME_PRIORITY && Thread != (PKTHREAD)PsGetCurrentThread(),
           "TC-36, TDPC-2 in a real-time thread of the system's");
}

static VOID CheckRemove(VOID)
{
    KIRQL irql;

    Initialize(Note);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    KeInsertQueueDpc(&Threaded[0], NULL, NULL);
    Expect(KeRemoveQueueDpc(&Threaded[0]) == TRUE, "TDPC-1 a queued one is removed, TRUE");
    Expect(KeRemoveQueueDpc(&Threaded[0]) == FALSE, "TDPC-1 what is not queued is not, FALSE");
    KeLowerIrql(irql);
    KeFlushQueuedDpcs();
    ExpectEqual((ULONG)Runs, 0, "TDPC-1 a removed one does not run");
}

static VOID CheckTargets(VOID)
{
    ULONG i, right = 0, processors = TestProcessors();

    for (i = 0; i < processors; i++) {
        Initialize(Note);
        KeSetTargetProcessorDpc(&Threaded[0], (CCHAR)i);
        KeInsertQueueDpc(&Threaded[0], NULL, NULL);
        KeFlushQueuedDpcs();
        right += Runs == 1 && Processor == i;
        Initialize(Note);
        TestGoTo(i);
        KeInsertQueueDpc(&Threaded[0], NULL, NULL);
        KeFlushQueuedDpcs();
        right += Runs == 1 && Processor == i;
    }
    TestAnywhere();
    ExpectEqual(
        right, 2 * processors,
        "TDPC-4 each processor has a queue: it runs on its target, else where it was queued");
}

static VOID CheckOrder(VOID)
{
    KIRQL irql;
    ULONG i;

    TestGoTo(0);
    Initialize(Note);
    KeSetImportanceDpc(&Threaded[3], HighImportance);
    KeSetImportanceDpc(&Threaded[1], LowImportance);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    for (i = 0; i < QUEUED; i++)
        KeInsertQueueDpc(&Threaded[i], (PVOID)(ULONG_PTR)(i + 1), NULL);
    KeLowerIrql(irql);
    KeFlushQueuedDpcs();
    Expect(Runs == QUEUED && Order[0] == 4,
           "TDPC-5 HighImportance is queued at the head of its queue");
    Expect(Order[1] == 1 && Order[2] == 2 && Order[3] == 3,
           "TDPC-5 every other importance, Low too, at the tail; all run at once");
    TestAnywhere();
}

/* ---- what pre-empts it ---------------------------------------------------------------------- */

static VOID NTAPI OrdinaryRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    OrdinaryOld = KeAcquireSpinLockForDpc(&Lock);
    KeReleaseSpinLockForDpc(&Lock, OrdinaryOld);
    InterlockedIncrement(&OrdinaryRuns);
}

static VOID NTAPI BusyRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    OtherBefore = OtherThread;
    KeInsertQueueDpc(&Ordinary, NULL, NULL);
    OrdinaryInside = OrdinaryRuns;
    TestRaise(Connection.Device, 0);
    TestSpinUntil(&Connection.Calls, 1, WAIT_MS);
    CallsInside = Connection.Calls;
    KeStallExecutionProcessor(BUSY_US);
    OldIrql = KeAcquireSpinLockForDpc(&Lock);
    HeldIrql = KeGetCurrentIrql();
    KeReleaseSpinLockForDpc(&Lock, OldIrql);
    Irql = KeGetCurrentIrql();
    OtherAfter = OtherThread;
    Leave = 1;
}

/* On the interrupt's processor: a thread of real-time priority that counts and never waits. */
static VOID CountingThread(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeSetPriorityThread(KeGetCurrentThread(), LOW_REALTIME_PRIORITY);
    while (!Leave) {
        if (InterlockedIncrement(&OtherThread) == 1)
            KeInsertQueueDpc(&Threaded[0], NULL, NULL);
    }
}

static VOID CheckPreemption(PTEST_DEVICE Device)
{
    TEST_THREAD thread;

    Initialize(BusyRoutine);
    KeInitializeDpc(&Ordinary, OrdinaryRoutine, NULL);
    KeInitializeSpinLock(&Lock);
    OrdinaryRuns = OtherThread = Leave = CallsInside = 0;
    OrdinaryInside = OtherAfter = -1;
    TestPrepareFull(&Connection, Device, 0);
    if (!TestConnectOrFail(&Connection, "TDPC-6 an interrupt connects"))
        return;
    if (TestThreadStart(&thread, TestInterruptProcessor(Connection.Object), CountingThread, NULL))
        TestThreadJoin(&thread);
    ExpectEqual((ULONG)OrdinaryInside, 1, "TDPC-6 an ordinary DPC pre-empts a threaded one");
    ExpectEqual((ULONG)CallsInside, 1, "TDPC-6 so does an interrupt");
    Expect(OtherBefore > 0 && OtherBefore == OtherAfter,
           "TDPC-6 no other thread does, of real-time priority neither");
    ExpectEqual(OldIrql, PASSIVE_LEVEL,
                "TDPC-8, TDPC-9 in a threaded DPC KeAcquireSpinLockForDpc returns PASSIVE_LEVEL");
    ExpectEqual(HeldIrql, DISPATCH_LEVEL, "TDPC-8, TDPC-9 and raises to DISPATCH_LEVEL");
    ExpectEqual(Irql, PASSIVE_LEVEL, "TDPC-8, TDPC-9 KeReleaseSpinLockForDpc lowers again");
    ExpectEqual(OrdinaryOld, DISPATCH_LEVEL,
                "TDPC-9 in an ordinary one it returns DISPATCH_LEVEL, and has not raised");
    TestDisconnect(&Connection);
}

/* ---- the flush ------------------------------------------------------------------------------ */

static VOID NTAPI LongRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    KeStallExecutionProcessor(BUSY_US);
    InterlockedIncrement(&Runs);
}

static VOID CheckFlush(VOID)
{
    ULONG i, queued = TestProcessors() < QUEUED ? TestProcessors() : QUEUED;

    Initialize(LongRoutine);
    for (i = 0; i < queued; i++) {
        KeSetTargetProcessorDpc(&Threaded[i], (CCHAR)i);
        KeInsertQueueDpc(&Threaded[i], NULL, NULL);
    }
    KeFlushQueuedDpcs();
    ExpectEqual((ULONG)Runs, queued,
                "FLU-5, FLU-1, FLU-3 KeFlushQueuedDpcs waits for the threaded DPCs of every "
                "processor, those that are running too");
}

static VOID ReadSwitch(VOID)
{
    RTL_QUERY_REGISTRY_TABLE table[2];

    Enabled = 1;
    RtlZeroMemory(table, sizeof(table));
    table[0].Flags = RTL_QUERY_REGISTRY_DIRECT;
    table[0].Name = (PWSTR)L"ThreadDpcEnable";
    table[0].EntryContext = &Enabled;
    RtlQueryRegistryValues(RTL_REGISTRY_CONTROL, L"Session Manager\\Kernel", table, NULL, NULL);
}

static VOID Run(VOID)
{
    PTEST_DEVICE device;

    ReadSwitch();
    CheckPlain();
    CheckRemove();
    CheckTargets();
    CheckOrder();
    for (device = TestDevices; device != NULL; device = device->Next)
        if (Enabled && TestCanRaise(device))
            CheckPreemption(device);
    CheckFlush();
}

const TEST_GROUP TestGroup = {.Run = Run};
