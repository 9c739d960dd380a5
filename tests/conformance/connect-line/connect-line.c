/*
 * connect-line.c - conformance of the line-based connect, Version 2.
 *
 * Two devices of its run share a line, one has no interrupt. With messages assigned, by the INF
 * variant `message`, nothing of this may connect.
 */
#include "suite.h"

#define NOT_TRIED ((NTSTATUS)0xFFFFFFFF)
#define LOCK_MS 5

static TEST_CONNECTION Connection, Second;
static NTSTATUS EarlyLine = NOT_TRIED, EarlyMessage = NOT_TRIED;
static TEST_CONNECTION InStart;
static NTSTATUS InStartStatus = NOT_TRIED;
static KIRQL InStartIrql;
static volatile LONG Observed;

/* ---- outside of the cases: while PnP starts the devices ------------------------------------- */

/* FILTER_RESOURCE_REQUIREMENTS comes before anything has been assigned. */
static VOID BeforeResources(PTEST_DEVICE Device, PIO_RESOURCE_REQUIREMENTS_LIST *List)
{
    UNREFERENCED_PARAMETER(List);
    if (EarlyLine != NOT_TRIED)
        return;
    TestPrepareLine(&Connection, Device);
    EarlyLine = TestConnect(&Connection);
    TestPrepareMessage(&Connection, Device, TRUE);
    EarlyMessage = TestConnect(&Connection);
}

static VOID Started(PTEST_DEVICE Device)
{
    if (InStartStatus != NOT_TRIED || !TestIsLine(Device))
        return;
    TestPrepareLine(&InStart, Device);
    InStartIrql = KeGetCurrentIrql();
    InStartStatus = TestConnect(&InStart);
}

static VOID CheckStart(VOID)
{
    ExpectStatus(EarlyLine, STATUS_NOT_FOUND,
                 "CIE-GEN-7 before resources are assigned Version 2 gives STATUS_NOT_FOUND");
    ExpectStatus(EarlyMessage, STATUS_NOT_FOUND,
                 "CIE-GEN-7 before resources are assigned Version 3 gives STATUS_NOT_FOUND");
    if (InStartStatus == NOT_TRIED)
        return;
    ExpectStatus(InStartStatus, STATUS_SUCCESS,
                 "CIE-GEN-4, CIE-GEN-5, LEG-10 a line connects while START_DEVICE is handled");
    ExpectEqual(InStartIrql, PASSIVE_LEVEL, "CIE-GEN-1 START_DEVICE comes at PASSIVE_LEVEL");
    if (InStart.Object == NULL)
        return;
    TestExpectCall(&InStart, 0, TestLevel(InStart.Device),
                   "CIE-GEN-4, CIE-GEN-10 and is served after the device has started");
    TestDisconnect(&InStart);
}

/* ---- calls that succeed --------------------------------------------------------------------- */

static VOID CheckPlain(PTEST_DEVICE Device)
{
    const SIZE_T end =
        FIELD_OFFSET(IO_CONNECT_INTERRUPT_PARAMETERS, LineBased) + sizeof(LINE(&Connection));
    IO_CONNECT_INTERRUPT_PARAMETERS before;

    ExpectEqual(Device->InterruptCount, 1, "CIE-GEN-9 the device has one line");
    TestPrepareLine(&Connection, Device);
    Connection.Parameters.Version = 2;
    RtlFillMemory((PUCHAR)&Connection.Parameters + end, sizeof(before) - end, 0xA5);
    before = Connection.Parameters;
    ExpectStatus(TestConnect(&Connection), STATUS_SUCCESS,
                 "TC-1, CIE-VER-1, CIE-VER-3, CIE-LINE-1, CIE-LINE-6, CIE-LINE-10, CIE-GEN-5, "
                 "CIE-GEN-6, CIE-GEN-8 Version 2 finds the line of the device by itself");
    Expect(Connection.Object != NULL, "CIE-LINE-2 success stores an interrupt object");
    Expect(RtlCompareMemory(&before, &Connection.Parameters, sizeof(before)) == sizeof(before),
           "CIE-LAY-2, CIE-OUT-5, CIE-OUT-7 success changes nothing in the structure, nor beyond "
           "the member that Version selects");
    if (Connection.Object == NULL)
        return;
    ExpectEqual((ULONG)Connection.Calls, 0,
                "CIE-LIFE-2 a silent device's routine is not called before the call returns");
    TestExpectCall(
        &Connection, 0, TestLevel(Device),
        "TC-1, CIE-LINE-3, CIE-LINE-6 SynchronizeIrql 0: called at the line's own level");
    ExpectEqual((ULONG)Connection.Fallbacks, 1, "ISR-1 the routine is an InterruptService");
    TestDisconnect(&Connection);
}

static VOID CheckFloor(PTEST_DEVICE Device)
{
    KIRQL level = TestLevel(Device);

    TestPrepareLine(&Connection, Device);
    LINE(&Connection).SynchronizeIrql = level + 1;
    if (TestConnectOrFail(&Connection, "CIE-LINE-5 a SynchronizeIrql above the line's connects")) {
        TestExpectCall(&Connection, 0, level + 1u,
                       "TC-2, CIE-LINE-5, CIE-SYNC-4, CIE-SYNC-8 a higher SynchronizeIrql is used");
        TestDisconnect(&Connection);
    }
    TestPrepareLine(&Connection, Device);
    LINE(&Connection).SynchronizeIrql = level - 1;
    if (TestConnectOrFail(&Connection, "CIE-LINE-5 a SynchronizeIrql below the line's connects")) {
        TestExpectCall(&Connection, 0, level,
                       "CIE-LINE-5, CIE-SYNC-8 a lower SynchronizeIrql is raised to the line's");
        TestDisconnect(&Connection);
    }
}

static VOID CheckLocks(PTEST_DEVICE Device)
{
    static KSPIN_LOCK lock;

    KeInitializeSpinLock(&lock);
    TestPrepareLine(&Connection, Device);
    LINE(&Connection).SpinLock = &lock;
    Connection.Body = TestLockBody;
    Connection.BodyContext = &lock;
    if (TestConnectOrFail(&Connection, "CIE-LINE-4 a lock of the caller's is taken")) {
        TestLockHeld = 0;
        TestExpectCall(&Connection, 0, TestLevel(Device),
                       "CIE-LINE-4 a routine under the caller's lock is called");
        Expect(TestLockHeld != 0, "CIE-LINE-4, CIE-SYNC-1 the routine runs with that lock held");
        ExpectEqual(lock, 0, "CIE-SYNC-20 which is free again afterwards");
        TestDisconnect(&Connection);
    }
    TestPrepareLine(&Connection, Device);
    if (!TestConnectOrFail(&Connection, "CIE-LINE-4 SpinLock NULL connects"))
        return;
    TestExpectCall(&Connection, 0, TestLevel(Device), "CIE-LINE-4 and is served");
    TestGoTo(TestOtherProcessor(Connection.Processor));
    TestResetCounts(&Connection);
    ExpectEqual((ULONG)TestCallsUnderLock(&Connection, Connection.Object, 0, LOCK_MS), 0,
                "CIE-LINE-4, CIE-SYNC-1, CIE-SYNC-4, CIE-SYNC-17 SpinLock NULL: the system's own "
                "lock, held, keeps the routine out");
    Expect(TestWaitCalls(&Connection, 1), "CIE-SYNC-1 released, it lets the routine in");
    TestAnywhere();
    TestDisconnect(&Connection);
}

static VOID CheckTolerance(PTEST_DEVICE Device)
{
    TestPrepareLine(&Connection, Device);
    LINE(&Connection).FloatingSave = TRUE;
    LINE(&Connection).ServiceContext = NULL;
    ExpectStatus(TestConnect(&Connection), STATUS_SUCCESS,
                 "CIE-LINE-9, CIE-FULL-13 FloatingSave TRUE connects on x64");
    TestDisconnect(&Connection);
}

static BOOLEAN ObjectBody(PTEST_CONNECTION C, PKINTERRUPT Interrupt, ULONG MessageId)
{
    UNREFERENCED_PARAMETER(MessageId);
    Observed = C->Object == Interrupt && C->Parameters.Version == CONNECT_LINE_BASED;
    return TestAcknowledge(C->Device);
}

/* The device asks before anybody is there to listen. */
static VOID CheckAsserted(PTEST_DEVICE Device)
{
    TestPrepareLine(&Connection, Device);
    Connection.Body = ObjectBody;
    Observed = 0;
    TestRaise(Device, 0);
    if (!TestConnectOrFail(&Connection, "TC-19, CIE-LIFE-3 an asserted line connects"))
        return;
    Expect(TestWaitCalls(&Connection, 1),
           "TC-19, CIE-LIFE-3, CIE-LIFE-5 its routine is called, perhaps before the call returns");
    Expect(Observed != 0,
           "TC-19, CIE-LIFE-6, CIE-LIFE-7, CIE-OUT-8 the object is stored before the "
           "routine can be called");
    TestDisconnect(&Connection);
}

/* ---- sharing -------------------------------------------------------------------------------- */

static VOID CheckTwice(PTEST_DEVICE Device)
{
    TestPrepareLine(&Connection, Device);
    TestPrepareLine(&Second, Device);
    if (!TestConnectOrFail(&Connection, "CIE-LINE-16 a line connects"))
        return;
    ExpectStatus(TestConnect(&Second), STATUS_SUCCESS,
                 "CIE-LINE-16, CIE-GEN-13 a line whose resource is shared connects once more");
    Expect(Second.Object != Connection.Object, "CIE-GEN-13 with an object of its own");
    TestDisconnect(&Second);
    TestDisconnect(&Connection);
}

/* Two devices on one line: the other's interrupt reaches a routine whose device is silent. */
static VOID CheckSharedLine(PTEST_DEVICE One, PTEST_DEVICE Other)
{
    if (One == NULL || Other == NULL ||
        One->Translated[0]->u.Interrupt.Vector != Other->Translated[0]->u.Interrupt.Vector)
        return;
    TestPrepareLine(&Connection, One);
    TestPrepareLine(&Second, Other);
    if (TestConnectOrFail(&Connection, "CIE-LINE-16 one of two devices on a line connects") &&
        TestConnectOrFail(&Second, "CIE-LINE-16, SHR-1 the other device on the line connects")) {
        TestRaise(Other, 0);
        Expect(TestWaitCalls(&Second, 1) && Second.Claims == 1,
               "TC-15, SHR-1 its interrupt reaches its routine");
        Expect(Connection.Calls > 0 && Connection.Claims == 0,
               "TC-15, CIE-LIFE-4, SHR-1 after the routine of a silent device on the line, which "
               "claims nothing");
    }
    TestDisconnect(&Second);
    TestDisconnect(&Connection);
}

/* ---- calls that must be refused ------------------------------------------------------------- */

static VOID RefuseArguments(PTEST_DEVICE Device)
{
    TestPrepareLine(&Connection, Device);
    LINE(&Connection).PhysicalDeviceObject = NULL;
    TestRefuse(&Connection, STATUS_INVALID_PARAMETER,
               "TC-9, CIE-FULL-2, CIE-LINE-1 NULL PhysicalDeviceObject is refused, Version 2");
    if (!MmIsDriverVerifying(TestDriver)) { /* which would stop the machine */
        TestPrepareLine(&Connection, Device);
        LINE(&Connection).PhysicalDeviceObject = Device->Self;
        TestRefuse(&Connection, STATUS_INVALID_PARAMETER,
                   "CIE-STAT-7 a device object that is not a PDO is refused, Version 2");
    }
    TestPrepareLine(&Connection, Device);
    LINE(&Connection).InterruptObject = NULL;
    TestRefuse(&Connection, STATUS_INVALID_PARAMETER,
               "CIE-FULL-4 NULL InterruptObject is refused, Version 2");
    TestPrepareLine(&Connection, Device);
    LINE(&Connection).ServiceRoutine = NULL;
    TestRefuse(&Connection, STATUS_INVALID_PARAMETER,
               "CIE-FULL-7 NULL ServiceRoutine is refused, Version 2");
}

static VOID RefuseMessages(PTEST_DEVICE Device)
{
    TestPrepareLine(&Connection, Device);
    TestRefuse(&Connection, STATUS_INVALID_DEVICE_REQUEST,
               TestMessageCount(Device) > 1
                   ? "TC-3, CIE-LINE-12 a device with several messages has no line to connect"
                   : "CIE-LINE-13 a device with one message has no line to connect");
}

static VOID Run(VOID)
{
    PTEST_DEVICE device;

    CheckStart();
    for (device = TestDevices; device != NULL; device = device->Next) {
        if (device->InterruptCount == 0) {
            TestPrepareLine(&Connection, device);
            TestRefuse(&Connection, STATUS_NOT_FOUND,
                       "TC-7, CIE-LINE-14 a device without interrupts gives STATUS_NOT_FOUND");
            continue;
        }
        RefuseArguments(device);
        if (TestIsMessage(device)) {
            RefuseMessages(device);
            continue;
        }
        CheckPlain(device);
        CheckFloor(device);
        CheckLocks(device);
        CheckTolerance(device);
        CheckAsserted(device);
        CheckTwice(device);
    }
    CheckSharedLine(TestFind(TestKindEdu, 0), TestFind(TestKindEdu, 1));
    CheckSharedLine(TestFind(TestKindEdu, 1), TestFind(TestKindEdu, 0));
}

const TEST_GROUP TestGroup = {.Run = Run, .Started = Started, .Filter = BeforeResources};
