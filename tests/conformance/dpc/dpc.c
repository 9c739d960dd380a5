/*
 * dpc.c - queueing, order, arguments, targets.
 */
#include "dpc.h"

#define DPC_TYPE_NORMAL 0x13
#define INSTANCES 2
#define FIRST_ENDLESS 10 /* stops from here on are those of endless.c */

volatile LONG NotedRuns;
static NOTED_DPC First, Second, Third, Fourth;

VOID NTAPI NoteRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PNOTED_DPC noted = CONTAINING_RECORD(Dpc, NOTED_DPC, Dpc);

    noted->Irql = KeGetCurrentIrql();
    noted->Processor = TestCurrentProcessor();
    noted->Context = Context;
    noted->Argument1 = Argument1;
    noted->Argument2 = Argument2;
    noted->Order = InterlockedIncrement(&NotedRuns);
    InterlockedIncrement(&noted->Runs);
}

VOID NoteInitialize(PNOTED_DPC Noted)
{
    RtlZeroMemory(Noted, sizeof(*Noted));
    KeInitializeDpc(&Noted->Dpc, NoteRoutine, Noted);
}

static VOID Holder(PVOID Context)
{
    PHELD_PROCESSOR held = Context;
    KIRQL irql;

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    held->Held = 1;
    TestSpinUntil(&held->Release, 1, DPC_WAIT_MS);
    KeLowerIrql(irql);
}

BOOLEAN HoldProcessor(PHELD_PROCESSOR Held, ULONG Processor)
{
    ULONG waited;

    Held->Held = Held->Release = 0;
    if (!TestThreadStart(&Held->Thread, Processor, Holder, Held))
        return FALSE;
    for (waited = 0; waited < DPC_WAIT_MS && !Held->Held; waited++)
        TestPause(1);
    return Held->Held != 0;
}

VOID ReleaseProcessor(PHELD_PROCESSOR Held)
{
    Held->Release = 1;
    TestThreadJoin(&Held->Thread);
}

/* ---- one DPC -------------------------------------------------------------------------------- */

static VOID CheckObject(VOID)
{
    KIRQL irql;

    KeRaiseIrql(HIGH_LEVEL, &irql);
    NoteInitialize(&First);
    KeLowerIrql(irql);
    ExpectEqual(First.Dpc.Type, DPC_TYPE_NORMAL, "DPC-1, DPC-2 KeInitializeDpc sets Type");
    ExpectEqual(First.Dpc.Importance, MediumImportance,
                "DPC-1, DPC-10 the default importance is MediumImportance, 1");
    KeSetImportanceDpc(&First.Dpc, MediumHighImportance);
    ExpectEqual(First.Dpc.Importance, 3, "DPC-1, DPC-10 MediumHighImportance is 3");
    KeSetImportanceDpc(&First.Dpc, MediumImportance);

    KeRaiseIrql(HIGH_LEVEL, &irql);
    Expect(KeInsertQueueDpc(&First.Dpc, (PVOID)0x1111, (PVOID)0x2222) == TRUE,
           "DPC-2, DPC-4 at HIGH_LEVEL a DPC can be queued");
    Expect(KeInsertQueueDpc(&First.Dpc, (PVOID)0x3333, (PVOID)0x4444) == FALSE,
           "DPC-4, DPC-5 not twice");
    KeLowerIrql(irql);
    TestSpinUntil(&First.Runs, 1, DPC_WAIT_MS);
    ExpectEqual((ULONG)First.Runs, 1, "DPC-4, DPC-5 it runs once");
    Expect(First.Context == &First && First.Argument1 == (PVOID)0x1111 &&
               First.Argument2 == (PVOID)0x2222,
           "DPC-3, DPC-4 with its context and the arguments it was first queued with");
    ExpectEqual(First.Irql, DISPATCH_LEVEL, "DPC-3 at DISPATCH_LEVEL");
}

static VOID CheckAtOnce(VOID)
{
    static const KDPC_IMPORTANCE importances[] = {MediumImportance, MediumHighImportance,
                                                  HighImportance};
    KIRQL irql;
    ULONG i;

    for (i = 0; i < sizeof(importances) / sizeof(importances[0]); i++) {
        LONG before, at;

        NoteInitialize(&First);
        KeSetImportanceDpc(&First.Dpc, importances[i]);
        KeRaiseIrql(DISPATCH_LEVEL, &irql);
        KeInsertQueueDpc(&First.Dpc, NULL, NULL);
        before = First.Runs;
        KeLowerIrql(irql);
        at = First.Runs;
        Expect(before == 0 && at == 1, "TC-37, CR8-2, DPC-18, DPC-21, DPC-25 on its own processor, "
                                       "importance not Low: it has run "
                                       "as soon as the IRQL has dropped below DISPATCH_LEVEL");
    }
    NoteInitialize(&First);
    KeInsertQueueDpc(&First.Dpc, NULL, NULL);
    ExpectEqual((ULONG)First.Runs, 1, "DPC-18 queued at PASSIVE_LEVEL it has run on return");
}

static VOID CheckRemove(VOID)
{
    KIRQL irql;

    NoteInitialize(&First);
    KeRaiseIrql(HIGH_LEVEL, &irql);
    KeInsertQueueDpc(&First.Dpc, NULL, NULL);
    Expect(KeRemoveQueueDpc(&First.Dpc) == TRUE, "TC-33, DPC-9 a queued DPC is removed, TRUE");
    Expect(KeRemoveQueueDpc(&First.Dpc) == FALSE, "DPC-9 what is not queued is not, FALSE");
    KeLowerIrql(irql);
    KeFlushQueuedDpcs();
    ExpectEqual((ULONG)First.Runs, 0, "TC-33, DPC-9 a removed DPC does not run");
    KeInsertQueueDpc(&First.Dpc, NULL, NULL);
    KeFlushQueuedDpcs();
    ExpectEqual((ULONG)First.Runs, 1, "DPC-9 but when it is queued again");
}

/* ---- order ---------------------------------------------------------------------------------- */

static VOID CheckOrder(VOID)
{
    KIRQL irql;

    NoteInitialize(&First);
    NoteInitialize(&Second);
    NoteInitialize(&Third);
    NoteInitialize(&Fourth);
    KeSetImportanceDpc(&Fourth.Dpc, HighImportance);
    KeSetImportanceDpc(&Second.Dpc, MediumHighImportance);
    NotedRuns = 0;
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    KeInsertQueueDpc(&First.Dpc, NULL, NULL);
    KeInsertQueueDpc(&Second.Dpc, NULL, NULL);
    KeInsertQueueDpc(&Third.Dpc, NULL, NULL);
    KeInsertQueueDpc(&Fourth.Dpc, NULL, NULL);
    KeSetImportanceDpc(&Third.Dpc, HighImportance);
    KeLowerIrql(irql);
    ExpectEqual((ULONG)Fourth.Order, 1, "TC-32, DPC-17 HighImportance is queued at the head");
    Expect(First.Order == 2 && Second.Order == 3, "DPC-17 every other importance at the tail");
    ExpectEqual((ULONG)Third.Order, 4,
                "DPC-10 an importance set after queueing does not move a queued object");
}

/* ---- while it runs -------------------------------------------------------------------------- */

static volatile LONG AgainRuns;
static PVOID volatile AgainArguments[3];

static VOID NTAPI AgainRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    LONG run = InterlockedIncrement(&AgainRuns);

    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument2);
    if (run == 1)
        KeInsertQueueDpc(Dpc, (PVOID)0xBBBB, NULL);
    if (run <= 2)
        AgainArguments[run] = Argument1;
}

static volatile LONG Inside, MostInside;

static VOID NTAPI MeetRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    LONG inside = InterlockedIncrement(&Inside);

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    if (inside > MostInside)
        MostInside = inside;
    TestSpinUntil(&MostInside, INSTANCES, DPC_WAIT_MS);
    InterlockedDecrement(&Inside);
}

static VOID CheckAgain(VOID)
{
    static KDPC dpc;
    ULONG other = TestOtherProcessor(TestCurrentProcessor());

    AgainRuns = 0;
    KeInitializeDpc(&dpc, AgainRoutine, NULL);
    KeInsertQueueDpc(&dpc, (PVOID)0xAAAA, NULL);
    TestSpinUntil(&AgainRuns, 2, DPC_WAIT_MS);
    ExpectEqual((ULONG)AgainRuns, 2, "TC-28, DPC-7 a DPC that queues itself again runs again");
    Expect(AgainArguments[1] == (PVOID)0xAAAA && AgainArguments[2] == (PVOID)0xBBBB,
           "DPC-8 and each run has the arguments of its own insertion");
    if (TestProcessors() == 1)
        return;
    Inside = MostInside = 0;
    KeInitializeDpc(&dpc, MeetRoutine, NULL);
    KeSetImportanceDpc(&dpc, HighImportance);
    KeSetTargetProcessorDpc(&dpc, (CCHAR)other);
    KeInsertQueueDpc(&dpc, NULL, NULL);
    TestSpinUntil(&Inside, 1, DPC_WAIT_MS);
    Expect(KeRemoveQueueDpc(&dpc) == FALSE, "DPC-9 a DPC that is running is not removed, FALSE");
    KeSetTargetProcessorDpc(&dpc, (CCHAR)TestOtherProcessor(other));
    KeInsertQueueDpc(&dpc, NULL, NULL);
    TestSpinUntil(&MostInside, INSTANCES, DPC_WAIT_MS);
    KeFlushQueuedDpcs();
    ExpectEqual((ULONG)MostInside, INSTANCES,
                "DPC-7 while it runs it may be queued, and runs on another processor as well");
}

/* ---- targets -------------------------------------------------------------------------------- */

static VOID CheckDefaultTarget(VOID)
{
    ULONG i, right = 0, processors = TestProcessors();

    for (i = 0; i < processors; i++) {
        NoteInitialize(&First);
        TestGoTo(i);
        KeInsertQueueDpc(&First.Dpc, NULL, NULL);
        KeFlushQueuedDpcs();
        right += First.Runs == 1 && First.Processor == i;
    }
    TestAnywhere();
    ExpectEqual(right, processors,
                "DPC-15, DPC-16 without a target it runs on the processor that queued it");
}

static VOID CheckTargets(VOID)
{
    ULONG i, right = 0, rightEx = 0, processors = TestProcessors();
    PROCESSOR_NUMBER bad[] = {{9, 0, 0}, {0, 63, 0}, {0, 0, 1}}, number = {0, 0, 0};

    for (i = 0; i < processors; i++) {
        NoteInitialize(&First);
        KeSetTargetProcessorDpc(&First.Dpc, (CCHAR)i);
        KeSetTargetProcessorDpc(&First.Dpc, (CCHAR)processors);
        KeSetTargetProcessorDpc(&First.Dpc, (CCHAR)-1);
        KeInsertQueueDpc(&First.Dpc, NULL, NULL);
        KeFlushQueuedDpcs();
        right += First.Runs == 1 && First.Processor == i;
        NoteInitialize(&First);
        number.Number = (UCHAR)i;
        rightEx += NT_SUCCESS(KeSetTargetProcessorDpcEx(&First.Dpc, &number));
        KeInsertQueueDpc(&First.Dpc, NULL, NULL);
        KeFlushQueuedDpcs();
        rightEx += First.Runs == 1 && First.Processor == i;
    }
    ExpectEqual(right, processors,
                "DPC-11, DPC-12, DPC-16 it runs on the target processor; numbers that are none "
                "change nothing");
    ExpectEqual(rightEx, 2 * processors, "DPC-13, DPC-16 so with KeSetTargetProcessorDpcEx");
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ExpectStatus(KeSetTargetProcessorDpcEx(&First.Dpc, &bad[i]), STATUS_INVALID_PARAMETER,
                     "TC-35, DPC-13 a processor number that is none gives "
                     "STATUS_INVALID_PARAMETER");
}

static VOID CheckTargetOfQueued(VOID)
{
    PROCESSOR_NUMBER here = {0, 0, 0};
    HELD_PROCESSOR held;
    ULONG other;

    if (TestProcessors() == 1) {
        ExpectSkip("DPC-14 a target set after queueing does not move the object", "one processor");
        return;
    }
    TestGoTo(0);
    other = TestOtherProcessor(0);
    NoteInitialize(&First);
    Expect(HoldProcessor(&held, other), "DPC-14 a processor is held at DISPATCH_LEVEL");
    KeSetTargetProcessorDpc(&First.Dpc, (CCHAR)other);
    KeInsertQueueDpc(&First.Dpc, NULL, NULL);
    KeSetTargetProcessorDpc(&First.Dpc, 0);
    KeSetTargetProcessorDpcEx(&First.Dpc, &here);
    TestPause(2);
    ExpectEqual((ULONG)First.Runs, 0, "DPC-16 it waits in the queue of that processor");
    ReleaseProcessor(&held);
    KeFlushQueuedDpcs();
    Expect(First.Runs == 1 && First.Processor == other,
           "DPC-14, DPC-16 a target set after queueing does not move the object");
    TestAnywhere();
}

static VOID Run(VOID)
{
    PTEST_DEVICE device;

    TestGoTo(0);
    CheckObject();
    CheckAtOnce();
    CheckRemove();
    CheckOrder();
    CheckAgain();
    TestAnywhere();
    CheckDefaultTarget();
    CheckTargets();
    CheckTargetOfQueued();
    for (device = TestDevices; device != NULL; device = device->Next) {
        if (!TestCanRaise(device))
            continue;
        CheckRequests(device);
        CheckInsideDpc(device);
    }
    CheckLowImportance();
    CheckOtherProcessor();
    CheckFlush();
    CheckTimers();
    CheckWatchdog();
}

/* ---- bug checks ----------------------------------------------------------------------------- */

static VOID NTAPI WaitingRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    static KEVENT event;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
}

static VOID NTAPI LoweringRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    KeLowerIrql(APC_LEVEL);
}

static KDPC LateDpc; /* that DriverUnload leaves queued */
static BOOLEAN QueueLate, HoldLate;

static VOID Stop(ULONG Number)
{
    static KDPC dpc;

    if (Number == 0) {
        ExpectStop(0xB8, TEST_ANY, TEST_ANY, TEST_ANY, TEST_ANY,
                   "DPC-26 waiting in a DPC is a bug check");
        KeInitializeDpc(&dpc, WaitingRoutine, NULL);
    } else if (Number == 3) {
        ExpectStop(0xC4, 0x121, TEST_ANY, TEST_ANY, 0,
                   "TC-48, BC-C4-1 waiting in a DPC of a driver that is verified");
        KeInitializeDpc(&dpc, WaitingRoutine, NULL);
    } else if (Number == 2) {
        ExpectStop(0xC7, 1, (ULONG64)(ULONG_PTR)&LateDpc, TEST_ANY, TEST_ANY,
                   "TC-49, DV-5, BC-C7-1, BC-C7-2 a driver that is verified must not leave a DPC "
                   "queued when it is unloaded");
        QueueLate = HoldLate = TRUE;
        return;
    } else if (Number >= FIRST_ENDLESS) {
        StopEndless(Number - FIRST_ENDLESS);
        return;
    } else {
        ExpectStop(0xC8, TEST_ANY, (ULONG64)(ULONG_PTR)LoweringRoutine, TEST_ANY, TEST_ANY,
                   "DPC-3 a DPC that returns at another IRQL is a bug check");
        KeInitializeDpc(&dpc, LoweringRoutine, NULL);
    }
    KeInsertQueueDpc(&dpc, NULL, NULL);
}

/* ---- unloading ------------------------------------------------------------------------------ */

#define LATE_US 20000

static VOID NTAPI LateRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    KeStallExecutionProcessor(LATE_US);
    Expect(TRUE, "FLU-4 a DPC that DriverUnload leaves queued runs to its end before the driver's "
                 "code goes");
    KtapEnd(&TestReport);
}

/*
 * Any number: from now on DriverUnload leaves a DPC queued, on another processor if there is one.
 */
static VOID Step(ULONG Number)
{
    UNREFERENCED_PARAMETER(Number);
    QueueLate = TRUE;
}

static VOID Unloading(VOID)
{
    static HELD_PROCESSOR held;

    if (!QueueLate)
        return;
    if (!HoldLate)
        KtapBegin(&TestReport);
    else if (!HoldProcessor(&held, TestOtherProcessor(TestCurrentProcessor())))
        return;
    KeInitializeDpc(&LateDpc, LateRoutine, NULL);
    KeSetImportanceDpc(&LateDpc, LowImportance);
    KeSetTargetProcessorDpc(&LateDpc, (CCHAR)TestOtherProcessor(TestCurrentProcessor()));
    KeInsertQueueDpc(&LateDpc, NULL, NULL);
}

const TEST_GROUP TestGroup = {.Run = Run, .Stop = Stop, .Step = Step, .Unloading = Unloading};
