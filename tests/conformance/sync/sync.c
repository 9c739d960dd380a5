/*
 * sync.c - conformance of the interrupt's critical section: KeSynchronizeExecution,
 * KeAcquireInterruptSpinLock and the IRQL at which both work.
 */
#include "suite.h"

#define LOCK_MS 5
#define NESTED_MS 2000
#define CONTENDED_ROUNDS 30

typedef struct _SECTION {
    PTEST_CONNECTION Connection;
    volatile LONG Runs;
    volatile ULONG Irql;
    volatile ULONG Processor;
    volatile PKTHREAD Thread;
    volatile LONG CallsInside;
    volatile LONG Held;
    BOOLEAN Result;
    BOOLEAN Raise;
} SECTION, *PSECTION;

static TEST_CONNECTION Connection, Second;
static KSPIN_LOCK Lock;
static volatile LONG Shared, Overlaps, Stopping;

static BOOLEAN NTAPI InSection(PVOID Context)
{
    PSECTION section = Context;

    section->Runs++;
    section->Irql = KeGetCurrentIrql();
    section->Processor = TestCurrentProcessor();
    section->Thread = (PKTHREAD)PsGetCurrentThread();
    section->Held = Lock != 0;
    if (section->Raise) {
        TestRaise(section->Connection->Device, 0);
        TestSpinUntil(&section->Connection->Calls, 1, LOCK_MS);
        section->CallsInside = section->Connection->Calls;
    }
    return section->Result;
}

/* ---- KeSynchronizeExecution ----------------------------------------------------------------- */

static VOID CheckFrom(KIRQL Level, KIRQL Wanted, BOOLEAN Result, PCSTR Name)
{
    SECTION section = {.Connection = &Connection, .Result = Result};
    KIRQL irql, after;
    BOOLEAN got;

    KeRaiseIrql(Level, &irql);
    got = KeSynchronizeExecution(TestObject(&Connection), InSection, &section);
    after = KeGetCurrentIrql();
    KeLowerIrql(irql);
    Expect(section.Runs == 1 && section.Irql == Wanted, Name);
    ExpectEqual(got, Result, "TC-24, KSE-4 it returns what the routine returns");
    ExpectEqual(after, Level, "TC-24, KSE-2 the IRQL before is restored");
}

static VOID CheckLevels(KIRQL Level)
{
    CheckFrom(PASSIVE_LEVEL, Level, TRUE,
              "TC-24, KSE-1, KSE-2, KSE-5 from PASSIVE_LEVEL the routine runs at SynchronizeIrql");
    CheckFrom(APC_LEVEL, Level, FALSE, "KSE-1, KSE-2 from APC_LEVEL");
    CheckFrom(DISPATCH_LEVEL, Level, TRUE, "KSE-1, KSE-2 from DISPATCH_LEVEL");
    CheckFrom(Level, Level, FALSE, "KSE-1, KSE-2 from SynchronizeIrql itself");
}

static VOID CheckExecution(PTEST_DEVICE Device)
{
    SECTION section = {.Connection = &Connection, .Result = TRUE, .Raise = TRUE};
    ULONG processor;

    KeInitializeSpinLock(&Lock);
    TestPrepareFull(&Connection, Device, 0);
    FULL(&Connection).SpinLock = &Lock;
    if (!TestConnectOrFail(&Connection, "KSE-7 an interrupt connects"))
        return;
    CheckLevels(TestLevel(Device));
    for (processor = 0; processor < TestProcessors(); processor++) {
        TestGoTo(processor);
        TestResetCounts(&Connection);
        KeSynchronizeExecution(Connection.Object, InSection, &section);
        Expect(section.Processor == processor && section.Thread == (PKTHREAD)PsGetCurrentThread(),
               "KSE-11 the routine runs on the calling processor, in the calling thread");
        Expect(section.Held != 0, "KSE-2, CIE-SYNC-17 with the interrupt's lock held");
        ExpectEqual((ULONG)section.CallsInside, 0,
                    "TC-25, KSE-2, CIE-SYNC-1, CIE-SYNC-17 on every processor it keeps out the "
                    "interrupt's routine");
        Expect(TestWaitCalls(&Connection, 1), "KSE-2 which is called afterwards");
    }
    TestAnywhere();
    ExpectEqual(Lock, 0, "KSE-2 the lock is released");
    TestDisconnect(&Connection);
}

/* ---- the pair of routines ------------------------------------------------------------------- */

static VOID CheckPair(PTEST_DEVICE Device)
{
    static const KIRQL from[] = {PASSIVE_LEVEL, APC_LEVEL, DISPATCH_LEVEL};
    KIRQL level = TestLevel(Device) + 1, irql, old, inside;
    ULONG i;

    KeInitializeSpinLock(&Lock);
    TestPrepareFull(&Connection, Device, 0);
    FULL(&Connection).SpinLock = &Lock;
    FULL(&Connection).SynchronizeIrql = level;
    if (!TestConnectOrFail(&Connection, "ISL-1 an interrupt connects"))
        return;
    for (i = 0; i < sizeof(from); i++) {
        KeRaiseIrql(from[i], &irql);
        old = KeAcquireInterruptSpinLock(Connection.Object);
        inside = KeGetCurrentIrql();
        Expect(Lock != 0, "ISL-1, CIE-SYNC-17 KeAcquireInterruptSpinLock takes the lock");
        KeReleaseInterruptSpinLock(Connection.Object, old);
        Expect(Lock == 0 && KeGetCurrentIrql() == from[i],
               "ISL-2 KeReleaseInterruptSpinLock releases it and lowers to the IRQL given");
        KeLowerIrql(irql);
        ExpectEqual(old, from[i], "ISL-1 it returns the IRQL before");
        ExpectEqual(inside, level, "ISL-1, CIE-SYNC-17 it raises to SynchronizeIrql");
    }
    TestDisconnect(&Connection);
}

/* ---- two processors that want the same ------------------------------------------------------ */

static BOOLEAN NTAPI Contended(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    if (InterlockedIncrement(&Shared) != 1)
        InterlockedIncrement(&Overlaps);
    KeStallExecutionProcessor(10);
    InterlockedDecrement(&Shared);
    return TRUE;
}

static BOOLEAN ContendedBody(PTEST_CONNECTION C, PKINTERRUPT Interrupt, ULONG MessageId)
{
    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(MessageId);
    Contended(NULL);
    return TestAcknowledge(C->Device);
}

static VOID Contender(PVOID Context)
{
    while (!Stopping)
        KeSynchronizeExecution(Context, Contended, NULL);
}

static VOID CheckContention(PTEST_DEVICE Device)
{
    TEST_THREAD thread;
    ULONG i;

    if (TestProcessors() == 1) {
        ExpectSkip("TC-25, KSE-2 routine and section never run at the same time", "one processor");
        return;
    }
    Shared = Overlaps = Stopping = 0;
    TestPrepareFull(&Connection, Device, 0);
    Connection.Body = ContendedBody;
    if (!TestConnectOrFail(&Connection, "KSE-2 an interrupt connects"))
        return;
    TestExpectCall(&Connection, 0, TestLevel(Device), "KSE-2 it is served");
    TestThreadStart(&thread, TestOtherProcessor(Connection.Processor), Contender,
                    Connection.Object);
    TestResetCounts(&Connection);
    for (i = 0; i < CONTENDED_ROUNDS; i++) {
        LONG calls = Connection.Calls;

        TestRaise(Device, 0);
        TestSpinUntil(&Connection.Calls, calls + 1, NESTED_MS);
        KeSynchronizeExecution(Connection.Object, Contended, NULL);
    }
    Stopping = 1;
    TestThreadJoin(&thread);
    Expect(Overlaps == 0 && Connection.Claims == CONTENDED_ROUNDS,
           "TC-25, KSE-2, CIE-SYNC-1, ISR-4 with sections on two processors and interrupts between "
           "them no two ever run at the same time");
    TestDisconnect(&Connection);
}

/* ---- two levels ----------------------------------------------------------------------------- */

/* A device whose level is not that of the first; NULL: all have one level. */
static PTEST_DEVICE AtAnotherLevel(VOID)
{
    PTEST_DEVICE first = TestFindLine(0) ? TestFindLine(0) : TestFindMessage(0), device;

    for (device = TestDevices; first != NULL && device != NULL; device = device->Next)
        if (TestCanRaise(device) && TestLevel(device) != TestLevel(first))
            return device;
    return NULL;
}

/* BodyContext: the connection to raise meanwhile, if any; afterwards, how often it was called. */
static BOOLEAN NestBody(PTEST_CONNECTION C, PKINTERRUPT Interrupt, ULONG MessageId)
{
    PTEST_CONNECTION inner = C->BodyContext;
    BOOLEAN claimed = TestAcknowledge(C->Device);

    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(MessageId);
    if (inner != NULL) {
        TestRaise(inner->Device, 0);
        TestSpinUntil(&inner->Calls, 1, LOCK_MS);
        C->BodyContext = (PVOID)(ULONG_PTR)inner->Calls;
    }
    return claimed;
}

/* Outer's routine raises Inner on the same processor: how many calls came before it returned. */
static LONG Nest(PTEST_CONNECTION Outer, PTEST_CONNECTION Inner)
{
    LONG nested;

    TestResetCounts(Outer);
    TestResetCounts(Inner);
    Outer->BodyContext = Inner;
    Inner->BodyContext = NULL;
    TestRaise(Outer->Device, 0);
    TestWaitCalls(Outer, 1);
    TestWaitCalls(Inner, 1);
    nested = (LONG)(ULONG_PTR)Outer->BodyContext;
    Outer->BodyContext = NULL;
    return nested;
}

static VOID CheckNesting(PTEST_DEVICE One, PTEST_DEVICE Other)
{
    PTEST_DEVICE low = One, high = Other;
    PKINTERRUPT lowObject, highObject;

    if (TestProcessors() > 1 || One == NULL || Other == NULL)
        return;
    if (TestLevel(low) > TestLevel(high)) {
        low = Other;
        high = One;
    }
    TestPrepareFull(&Connection, low, 0);
    TestPrepareFull(&Second, high, 0);
    Connection.Body = Second.Body = NestBody;
    if (TestConnectOrFail(&Connection, "CIE-SYNC-3 a device of a lower level connects") &&
        TestConnectOrFail(&Second, "CIE-SYNC-3 a device of a higher level connects")) {
        lowObject = Connection.Object;
        highObject = Second.Object;
        ExpectEqual((ULONG)TestCallsUnderLock(&Second, lowObject, 0, NESTED_MS), 1,
                    "CIE-SYNC-3, KSE-5, CIE-SYNC-10 a section of the lower level is interrupted by "
                    "the higher one");
        TestResetCounts(&Connection);
        ExpectEqual((ULONG)TestCallsUnderLock(&Connection, highObject, 0, LOCK_MS), 0,
                    "CIE-SYNC-3, ISR-6 a section of the higher level keeps out the lower one");
        Expect(TestWaitCalls(&Connection, 1), "CIE-SYNC-3 until it ends");
        ExpectEqual((ULONG)Nest(&Connection, &Second), 1,
                    "ISR-5, CIE-SYNC-10 a routine is interrupted by that of a higher level");
        ExpectEqual((ULONG)Nest(&Second, &Connection), 0,
                    "ISR-6, CIE-SYNC-10 and not by that of a lower level");
    }
    TestDisconnect(&Second);
    TestDisconnect(&Connection);
    /* SynchronizeIrql, not Irql, is what counts. */
    TestPrepareFull(&Connection, low, 0);
    TestPrepareFull(&Second, high, 0);
    FULL(&Connection).SynchronizeIrql = TestLevel(high);
    Connection.Body = Second.Body = NestBody;
    if (TestConnectOrFail(&Connection, "CIE-SYNC-11 a higher SynchronizeIrql connects") &&
        TestConnectOrFail(&Second, "CIE-SYNC-11 beside a device of that level"))
        ExpectEqual((ULONG)Nest(&Connection, &Second), 0,
                    "CIE-SYNC-9, CIE-SYNC-11 a routine at a higher SynchronizeIrql is not "
                    "interrupted by that level");
    TestDisconnect(&Second);
    TestDisconnect(&Connection);
}

/* A driver's bug that the system does not refuse. */
static VOID CheckUnequal(PTEST_DEVICE One, PTEST_DEVICE Other)
{
    if (One == NULL || Other == NULL)
        return;
    KeInitializeSpinLock(&Lock);
    TestPrepareFull(&Connection, One, 0);
    TestPrepareFull(&Second, Other, 0);
    FULL(&Connection).SpinLock = FULL(&Second).SpinLock = &Lock;
    FULL(&Second).SynchronizeIrql++;
    if (TestConnectOrFail(&Connection, "CIE-SYNC-16 an interrupt connects under a lock"))
        ExpectStatus(TestConnect(&Second), STATUS_SUCCESS,
                     "CIE-SYNC-16 so does one with the same lock and another SynchronizeIrql");
    TestDisconnect(&Second);
    TestDisconnect(&Connection);
}

static VOID Run(VOID)
{
    PTEST_DEVICE device, first = NULL, second = NULL;

    for (device = TestDevices; device != NULL; device = device->Next) {
        if (!TestCanRaise(device))
            continue;
        CheckExecution(device);
        CheckPair(device);
        CheckContention(device);
        second = first == NULL || second != NULL ? second : device;
        first = first == NULL ? device : first;
    }
    CheckUnequal(first, second);
    CheckNesting(first, AtAnotherLevel());
}

/* ---- bug checks ----------------------------------------------------------------------------- */

static BOOLEAN NTAPI LoweringRoutine(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeLowerIrql(DISPATCH_LEVEL);
    return TRUE;
}

static VOID Stop(ULONG Number)
{
    PTEST_DEVICE device = TestFindMessage(0);
    KIRQL level = TestLevel(device), irql;
    SECTION section = {.Connection = &Connection};

    TestPrepareFull(&Connection, device, 0);
    TestConnect(&Connection);
    switch (Number) {
    case 0:
        ExpectStop(0x9, TEST_ANY, level + 1u, TEST_ANY, TEST_ANY,
                   "KSE-1, KSE-9 KeSynchronizeExecution above SynchronizeIrql is a bug check");
        KeRaiseIrql(level + 1, &irql);
        KeSynchronizeExecution(Connection.Object, InSection, &section);
        break;
    case 1:
        ExpectStop(0x9, TEST_ANY, level + 1u, TEST_ANY, TEST_ANY,
                   "ISL-1 KeAcquireInterruptSpinLock above SynchronizeIrql is a bug check");
        KeRaiseIrql(level + 1, &irql);
        KeAcquireInterruptSpinLock(Connection.Object);
        break;
    default:
        ExpectStop(0xC8, DISPATCH_LEVEL << 16 | level << 8 | 3, (ULONG64)(ULONG_PTR)LoweringRoutine,
                   (ULONG64)Connection.Object, TEST_ANY,
                   "KSE-13 a section that returns at another IRQL is a bug check");
        KeSynchronizeExecution(Connection.Object, LoweringRoutine, NULL);
    }
}

const TEST_GROUP TestGroup = {.Run = Run, .Stop = Stop};
