/*
 * legacy.c - conformance of IoConnectInterrupt and IoDisconnectInterrupt.
 */
#include "suite.h"

#define QUIET_MS 5
#define LOCK_MS 5

static TEST_CONNECTION Connection, Second;

static BOOLEAN ConnectOrFail(PTEST_CONNECTION C, PCSTR Name)
{
    NTSTATUS status = TestConnectLegacy(C);

    if (NT_SUCCESS(status) && C->Object != NULL)
        return TRUE;
    ExpectStatus(status, STATUS_SUCCESS, Name);
    return FALSE;
}

static VOID Disconnect(PTEST_CONNECTION C)
{
    if (C->Object != NULL)
        IoDisconnectInterrupt(C->Object);
    C->Object = NULL;
}

static PIO_CONNECT_INTERRUPT_FULLY_SPECIFIED_PARAMETERS Fresh(PTEST_DEVICE Device)
{
    TestPrepareFull(&Connection, Device, 0);
    return &FULL(&Connection);
}

static VOID Refuse(PCSTR Name)
{
    NTSTATUS status = TestConnectLegacy(&Connection);

    ExpectStatus(status, STATUS_INVALID_PARAMETER, Name);
    if (NT_SUCCESS(status))
        Disconnect(&Connection);
    Expect(Connection.Object == NULL, "CIE-FULL-5 a refused legacy call stores no object");
}

static VOID CheckPlain(PTEST_DEVICE Device)
{
    GROUP_AFFINITY affinity;

    Fresh(Device)->FloatingSave = TRUE;
    if (!ConnectOrFail(&Connection, "LEG-4, LEG-5 the values of the translated descriptor connect"))
        return;
    ExpectEqual((ULONG)Connection.Calls, 0,
                "CIE-LIFE-2 a silent device's routine is not called before the call returns");
    TestExpectCall(&Connection, 0, TestLevel(Device),
                   "LEG-4, LEG-5, LEG-8 the values of the translated descriptor connect");
    ExpectStatus(IoGetAffinityInterrupt(Connection.Object, &affinity), STATUS_SUCCESS,
                 "LEG-11 IoGetAffinityInterrupt knows the object");
    Expect(affinity.Group == 0 && affinity.Mask != 0 &&
               (affinity.Mask & ~FULL(&Connection).ProcessorEnableMask) == 0,
           "LEG-11, LEG-13 it stands for processors of the mask, in group 0");
    Disconnect(&Connection);
    TestResetCounts(&Connection);
    TestRaise(Device, 0);
    TestPause(QUIET_MS);
    ExpectEqual((ULONG)Connection.Calls, 0,
                "LEG-12 after IoDisconnectInterrupt the routine is not called");
    TestAcknowledge(Device);
    Fresh(Device)->ShareVector = FALSE;
    ExpectStatus(TestConnectLegacy(&Connection), STATUS_SUCCESS,
                 "LEG-12, LEG-13 and the vector is free to connect alone");
    TestPause(QUIET_MS); /* a masked entry may have kept the message: it comes now */
    Disconnect(&Connection);
    TestAcknowledge(Device);
}

static VOID CheckLevelAndLock(PTEST_DEVICE Device)
{
    static KSPIN_LOCK lock;

    KeInitializeSpinLock(&lock);
    Fresh(Device)->SynchronizeIrql = TestLevel(Device) + 1;
    FULL(&Connection).SpinLock = &lock;
    if (!ConnectOrFail(&Connection, "LEG-8 a SynchronizeIrql above Irql connects"))
        return;
    TestExpectCall(&Connection, 0, TestLevel(Device) + 1u,
                   "LEG-4, LEG-8 the routine runs at the SynchronizeIrql given");
    TestGoTo(TestOtherProcessor(Connection.Processor));
    TestResetCounts(&Connection);
    ExpectEqual((ULONG)TestCallsUnderLock(&Connection, Connection.Object, 0, LOCK_MS), 0,
                "LEG-4, LEG-7 the lock given keeps the routine out");
    TestWaitCalls(&Connection, 1);
    TestAnywhere();
    ExpectEqual(lock, 0, "LEG-7 and is free again");
    Disconnect(&Connection);
}

/* One lock for two vectors: either object keeps out the routine of the other. */
static VOID CheckSharedLock(PTEST_DEVICE One, PTEST_DEVICE Other)
{
    static KSPIN_LOCK lock;
    KIRQL highest;

    if (One == NULL || Other == NULL)
        return;
    KeInitializeSpinLock(&lock);
    highest = TestLevel(One) > TestLevel(Other) ? TestLevel(One) : TestLevel(Other);
    TestPrepareFull(&Connection, One, 0);
    TestPrepareFull(&Second, Other, 0);
    FULL(&Connection).SpinLock = FULL(&Second).SpinLock = &lock;
    FULL(&Connection).SynchronizeIrql = FULL(&Second).SynchronizeIrql = highest;
    if (ConnectOrFail(&Connection, "LEG-7 one of two vectors connects") &&
        ConnectOrFail(&Second, "LEG-7 the other joins it under its lock")) {
        TestExpectCall(&Connection, 0, highest, "LEG-7, LEG-8, CIE-SYNC-7 one is served");
        TestExpectCall(&Second, 0, highest, "LEG-7, LEG-8, CIE-SYNC-7 the other is served");
        TestGoTo(TestOtherProcessor(Second.Processor));
        TestResetCounts(&Second);
        ExpectEqual(
            (ULONG)TestCallsUnderLock(&Second, Connection.Object, 0, LOCK_MS), 0,
            "LEG-7, CIE-SYNC-2, CIE-SYNC-7, KSE-8 the lock, held by one's object, keeps out "
            "the other's routine");
        TestWaitCalls(&Second, 1);
        TestAnywhere();
    }
    Disconnect(&Second);
    Disconnect(&Connection);
}

static VOID CheckMixing(PTEST_DEVICE Device)
{
    Fresh(Device);
    if (ConnectOrFail(&Connection, "LEG-16 the legacy call connects"))
        TestDisconnectAs(CONNECT_FULLY_SPECIFIED, Connection.Object);
    TestPrepareFull(&Second, Device, 0);
    FULL(&Second).ShareVector = FALSE;
    ExpectStatus(TestConnect(&Second), STATUS_SUCCESS,
                 "LEG-16 IoDisconnectInterruptEx disconnects what the legacy call connected");
    Disconnect(&Second);
    Fresh(Device)->ShareVector = FALSE;
    ExpectStatus(TestConnectLegacy(&Connection), STATUS_SUCCESS,
                 "LEG-16 IoDisconnectInterrupt disconnects what Version 1 connected");
    Disconnect(&Connection);
}

static VOID CheckAsserted(PTEST_DEVICE Device)
{
    Fresh(Device);
    TestRaise(Device, 0);
    if (!ConnectOrFail(&Connection, "LEG-9 an asserted line connects"))
        return;
    Expect(TestWaitCalls(&Connection, 1), "LEG-9 its routine is called at once");
    Disconnect(&Connection);
}

static VOID CheckRefusals(PTEST_DEVICE Device)
{
    PIO_CONNECT_INTERRUPT_FULLY_SPECIFIED_PARAMETERS full;

    Fresh(Device)->ProcessorEnableMask = 0;
    Refuse("LEG-2, CIE-STAT-4 an empty ProcessorEnableMask gives STATUS_INVALID_PARAMETER");
    full = Fresh(Device);
    full->Irql = full->SynchronizeIrql = PASSIVE_LEVEL;
    Refuse("LEG-14 Irql 0 is refused");
    full = Fresh(Device);
    full->Irql++;
    full->SynchronizeIrql++;
    Refuse("LEG-4, CIE-FULL-27 an Irql other than the one assigned is refused");
    Fresh(Device)->SynchronizeIrql--;
    Refuse("LEG-8, CIE-FULL-28 SynchronizeIrql below Irql is refused");
    full = Fresh(Device);
    full->InterruptMode = full->InterruptMode == Latched ? LevelSensitive : Latched;
    Refuse("LEG-4, CIE-FULL-27 an InterruptMode other than the one assigned is refused");
    Fresh(Device)->Vector = 0x20;
    Refuse("LEG-15 a vector of no device gives STATUS_INVALID_PARAMETER");
    Fresh(Device)->ServiceRoutine = NULL;
    Refuse("LEG-4, CIE-FULL-7 a NULL routine is refused");
    TestPrepareFull(&Second, Device, 0);
    FULL(&Second).ShareVector = FALSE;
    if (!ConnectOrFail(&Second, "LEG-15 a vector connects unshared"))
        return;
    Fresh(Device)->ShareVector = TRUE;
    Refuse("LEG-15, CIE-FULL-29 a vector that its owner does not share is refused");
    Disconnect(&Second);
}

static VOID Run(VOID)
{
    PTEST_DEVICE device;

    for (device = TestDevices; device != NULL; device = device->Next) {
        if (!TestCanRaise(device))
            continue;
        CheckPlain(device);
        CheckLevelAndLock(device);
        CheckMixing(device);
        CheckRefusals(device);
        if (TestIsLine(device))
            CheckAsserted(device);
    }
    CheckSharedLock(TestFindLine(0), TestFindLine(1));
    CheckSharedLock(TestFindMessage(0), TestFindMessage(1));
}

static VOID Stop(ULONG Number)
{
    PTEST_DEVICE device = TestFindLine(0);
    KIRQL irql;

    Fresh(device);
    ExpectStop(0x121, 2, DISPATCH_LEVEL, PASSIVE_LEVEL, TEST_ANY,
               Number == 0 ? "LEG-1, CIE-STAT-5 IoConnectInterrupt at DISPATCH_LEVEL is a bug check"
                           : "LEG-12 IoDisconnectInterrupt at DISPATCH_LEVEL is a bug check");
    if (Number != 0)
        TestConnectLegacy(&Connection);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    if (Number == 0)
        TestConnectLegacy(&Connection);
    else
        Disconnect(&Connection);
}

const TEST_GROUP TestGroup = {.Run = Run, .Stop = Stop};
