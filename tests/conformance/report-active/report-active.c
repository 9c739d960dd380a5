/*
 * report-active.c - conformance of IoReportInterruptActive and IoReportInterruptInactive.
 *
 * Both are looked up by name, as KMDF does: systems before Windows 8 do not have them.
 */
#include "suite.h"

#define QUIET_MS 5
#define LONG_US 20000
#define WAIT_MS 2000

static PLAG_REPORT_ACTIVE_STATE ReportActive, ReportInactive;
static TEST_CONNECTION Connection, Second;

static VOID Report(PTEST_CONNECTION C, BOOLEAN Active)
{
    LAG_ACTIVE_STATE_PARAMETERS parameters;

    RtlZeroMemory(&parameters, sizeof(parameters));
    parameters.Version = C->Parameters.Version;
    parameters.ConnectionContext.Generic = C->Context;
    if (Active)
        ReportActive(&parameters);
    else
        ReportInactive(&parameters);
}

static VOID ExpectCall(PTEST_CONNECTION C, ULONG Message, PCSTR Name)
{
    TestResetCounts(C);
    TestRaise(C->Device, Message);
    Expect(TestWaitCalls(C, 1) && C->Claims == 1, Name);
}

/* ---- one connection, by whatever Version ---------------------------------------------------- */

static VOID CheckStates(ULONG Messages)
{
    ULONG i, round;
    KIRQL irql;

    ExpectCall(&Connection, 0, "ACT-4, ACT-7 without any report the routine is active");
    for (round = 1; round <= 2; round++) {
        for (i = 0; i < round; i++)
            Report(&Connection, FALSE);
        for (i = 0; i < Messages; i++)
            TestExpectSilence(
                &Connection, i,
                "ACT-2, ACT-3, ACT-5, ACT-6 reported inactive, once or twice, the routine "
                "is not called");
        TestResetCounts(&Connection);
        for (i = 0; i < round; i++)
            Report(&Connection, TRUE);
        TestPause(QUIET_MS);
        ExpectEqual((ULONG)Connection.Calls, 0,
                    "TC-23, ACT-12 nor, active again, for what came in between");
        for (i = 0; i < Messages; i++)
            ExpectCall(&Connection, i,
                       "TC-22, ACT-5, ACT-6 reported active, once or twice, it is called again");
    }
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    Report(&Connection, FALSE);
    KeLowerIrql(irql);
    TestExpectSilence(&Connection, 0, "ACT-1, ACT-10 inactive may be reported at DISPATCH_LEVEL");
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    Report(&Connection, TRUE);
    KeLowerIrql(irql);
    ExpectCall(&Connection, 0, "ACT-1, ACT-10 so may active");
}

static BOOLEAN NTAPI LevelNow(PVOID Context)
{
    *(PULONG)Context = KeGetCurrentIrql();
    return TRUE;
}

static VOID CheckInactiveObject(VOID)
{
    PKINTERRUPT object = TestObject(&Connection);
    ULONG level = 0;
    KIRQL irql;

    Report(&Connection, FALSE);
    Expect(KeSynchronizeExecution(object, LevelNow, &level) == TRUE && level == Connection.Irql,
           "ACT-13 KeSynchronizeExecution works with an inactive object");
    irql = KeAcquireInterruptSpinLock(object);
    ExpectEqual(KeGetCurrentIrql(), Connection.Irql,
                "ACT-13 KeAcquireInterruptSpinLock works with an inactive object");
    KeReleaseInterruptSpinLock(object, irql);
}

/* Leaves it inactive, disconnects, connects as `Prepare` says, and finds it active. */
static VOID CheckForm(PTEST_DEVICE Device, VOID (*Prepare)(PTEST_CONNECTION, PTEST_DEVICE))
{
    ULONG messages = 1;

    Prepare(&Connection, Device);
    if (!TestConnectOrFail(&Connection, "ACT-4 an interrupt connects"))
        return;
    if (Connection.Parameters.Version == CONNECT_MESSAGE_BASED)
        messages = Connection.Table->MessageCount;
    CheckStates(messages);
    CheckInactiveObject();
    TestDisconnect(&Connection);
    Prepare(&Connection, Device);
    if (!TestConnectOrFail(&Connection, "ACT-9, DIS-9 what is inactive can be disconnected"))
        return;
    ExpectCall(&Connection, 0, "ACT-4, ACT-9, DIS-9 and is active when connected anew");
    TestDisconnect(&Connection);
}

static VOID PrepareFull(PTEST_CONNECTION C, PTEST_DEVICE Device)
{
    TestPrepareFull(C, Device, 0);
}

static VOID PrepareGroup(PTEST_CONNECTION C, PTEST_DEVICE Device)
{
    TestPrepareFull(C, Device, 0);
    C->Parameters.Version = CONNECT_FULLY_SPECIFIED_GROUP;
}

static VOID PrepareMessage(PTEST_CONNECTION C, PTEST_DEVICE Device)
{
    TestPrepareMessage(C, Device, TRUE);
}

/* ---- what else is going on ------------------------------------------------------------------ */

static VOID CheckRunning(PTEST_DEVICE Device)
{
    if (TestProcessors() == 1) {
        ExpectSkip("ACT-11 reporting inactive waits for a routine that is running",
                   "one processor");
        return;
    }
    TestPrepareFull(&Connection, Device, 0);
    Connection.Body = TestSlowBody;
    Connection.BodyContext = (PVOID)(ULONG_PTR)LONG_US;
    if (!TestConnectOrFail(&Connection, "ACT-11 an interrupt connects"))
        return;
    TestGoTo(TestOtherProcessor(TestInterruptProcessor(Connection.Object)));
    TestRaise(Device, 0);
    TestSpinUntil(&Connection.Inside, 1, WAIT_MS);
    Report(&Connection, FALSE);
    Expect(Connection.Inside == 0 && Connection.Calls == 1,
           "ACT-11 reporting inactive returns only after a running routine has left");
    TestAnywhere();
    TestDisconnect(&Connection);
}

/* Two routines on one line: while one is inactive the other is served as before. */
static VOID CheckShared(PTEST_DEVICE Device)
{
    TestPrepareFull(&Connection, Device, 0);
    TestPrepareFull(&Second, Device, 0);
    FULL(&Connection).ShareVector = FULL(&Second).ShareVector = TRUE;
    if (TestConnectOrFail(&Connection, "ACT-12 a vector connects") &&
        TestConnectOrFail(&Second, "ACT-12 and once more")) {
        Report(&Connection, FALSE);
        TestRaise(Device, 0);
        Expect(TestSpinUntil(&Second.Claims, 1, WAIT_MS) && Connection.Calls == 0,
               "ACT-5, ACT-12, SHR-6 an inactive object is skipped, the other is served");
        Report(&Second, FALSE);
        TestExpectSilence(&Second, 0, "ACT-12 both inactive, nobody is called");
        Report(&Second, TRUE);
        TestRaise(Device, 0);
        Expect(TestSpinUntil(&Second.Claims, 1, WAIT_MS) && Connection.Calls == 0,
               "ACT-12 the first that becomes active is served");
    }
    TestDisconnect(&Second);
    TestDisconnect(&Connection);
}

/* A line that asks on while it is inactive does no harm, masked, and is served afterwards. */
static VOID CheckAsserted(PTEST_DEVICE Device)
{
    TestPrepareFull(&Connection, Device, 0);
    if (!TestConnectOrFail(&Connection, "ACT-12 a line connects"))
        return;
    Report(&Connection, FALSE);
    TestRaise(Device, 0);
    TestPause(QUIET_MS);
    ExpectEqual((ULONG)Connection.Calls, 0, "ACT-12 inactive, an asserted line is masked");
    Report(&Connection, TRUE);
    Expect(TestWaitCalls(&Connection, 1),
           "ACT-8, ACT-12 active, it is unmasked, and still asserted");
    TestDisconnect(&Connection);
}

static VOID CheckPassive(PTEST_DEVICE Device)
{
    KIRQL irql;

    TestPrepareFull(&Connection, Device, 0);
    FULL(&Connection).Irql = FULL(&Connection).SynchronizeIrql = PASSIVE_LEVEL;
    if (!TestConnectOrFail(&Connection, "ACT-11 a passive routine connects"))
        return;
    ExpectCall(&Connection, 0, "ACT-4 a passive routine is active");
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    Report(&Connection, FALSE);
    KeLowerIrql(irql);
    TestExpectSilence(&Connection, 0,
                      "ACT-11 reported inactive at DISPATCH_LEVEL it is not called");
    Report(&Connection, TRUE);
    ExpectCall(&Connection, 0, "ACT-11 reported active it is called again");
    TestDisconnect(&Connection);
}

static VOID LookUp(VOID)
{
    ReportActive = (PLAG_REPORT_ACTIVE_STATE)TestRoutine(L"IoReportInterruptActive");
    ReportInactive = (PLAG_REPORT_ACTIVE_STATE)TestRoutine(L"IoReportInterruptInactive");
}

static VOID Run(VOID)
{
    PTEST_DEVICE device;

    LookUp();
    Expect(ReportActive != NULL && ReportInactive != NULL,
           "IOX-7, CIE-KMDF-6, CIE-KMDF-10 both routines are found by name");
    if (ReportActive == NULL || ReportInactive == NULL)
        return;
    for (device = TestDevices; device != NULL; device = device->Next) {
        if (!TestCanRaise(device))
            continue;
        CheckForm(device, PrepareFull);
        CheckForm(device, PrepareGroup);
        CheckForm(device, PrepareMessage);
        if (TestIsLine(device)) {
            CheckForm(device, TestPrepareLine);
            CheckAsserted(device);
            CheckPassive(device);
        }
        CheckShared(device);
        CheckRunning(device);
    }
}

static VOID Stop(ULONG Number)
{
    PTEST_DEVICE device = TestFindLine(0);
    PVOID stale;
    KIRQL irql;

    LookUp();
    TestPrepareLine(&Connection, device);
    TestConnect(&Connection);
    switch (Number) {
    case 0:
        ExpectStop(0xCA, 9, CONNECT_MESSAGE_BASED, TEST_ANY, TEST_ANY,
                   "ACT-2, ACT-14 another Version than the one obtained is a bug check");
        Connection.Parameters.Version = CONNECT_MESSAGE_BASED;
        Report(&Connection, FALSE);
        break;
    case 2:
    case 3:
        ExpectStop(0x121, 3, (ULONG64)Connection.Context, CONNECT_LINE_BASED, TEST_ANY,
                   Number == 2 ? "reporting inactive what is not connected is a bug check"
                               : "so is reporting it active");
        stale = Connection.Context;
        TestDisconnect(&Connection);
        Connection.Context = stale;
        Report(&Connection, Number == 3);
        break;
    default:
        ExpectStop(0x121, 2, TestLevel(device), DISPATCH_LEVEL, TEST_ANY,
                   "ACT-1 above DISPATCH_LEVEL it is a bug check");
        KeRaiseIrql(TestLevel(device), &irql);
        Report(&Connection, FALSE);
    }
}

const TEST_GROUP TestGroup = {.Run = Run, .Stop = Stop};
