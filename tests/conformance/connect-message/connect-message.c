/*
 * connect-message.c - conformance of the message-based connect, Version 3, and of its fallback.
 */
#include "message.h"

static TEST_CONNECTION Connection;
static volatile LONG Observed;

/* ---- messages ------------------------------------------------------------------------------- */

static VOID CheckPlain(PTEST_DEVICE Device)
{
    const SIZE_T end =
        FIELD_OFFSET(IO_CONNECT_INTERRUPT_PARAMETERS, MessageBased) + sizeof(MESSAGE(&Connection));
    IO_CONNECT_INTERRUPT_PARAMETERS before;

    TestPrepareMessage(&Connection, Device, TRUE);
    Connection.Parameters.Version = 3;
    RtlFillMemory((PUCHAR)&Connection.Parameters + end, sizeof(before) - end, 0xA5);
    before = Connection.Parameters;
    ExpectStatus(TestConnect(&Connection), STATUS_SUCCESS,
                 "TC-4, CIE-VER-1, CIE-VER-3, CIE-MSG-1, CIE-GEN-3, CIE-GEN-5, CIE-GEN-6, "
                 "CIE-GEN-8 Version 3 finds the messages of the device by itself");
    ExpectEqual(Connection.Parameters.Version, 3,
                "TC-4, CIE-OUT-1, CIE-MSG-3 Version stays 3 when messages connect");
    Expect(RtlCompareMemory(&before, &Connection.Parameters, sizeof(before)) == sizeof(before),
           "CIE-LAY-2, CIE-OUT-7 success changes nothing in the structure, nor beyond the member "
           "that Version selects");
    Expect(Connection.Table != NULL, "CIE-MSG-2 success stores the message table");
    if (Connection.Table == NULL)
        return;
    ExpectEqual((ULONG)Connection.Calls, 0,
                "CIE-LIFE-2 a silent device's routine is not called before the call returns");
    TableCheck(&Connection);
    HeldCheck(&Connection);
    AffinityCheck(&Connection);
    TestDisconnect(&Connection);
}

static VOID CheckTolerance(PTEST_DEVICE Device)
{
    TestPrepareMessage(&Connection, Device, FALSE);
    MESSAGE(&Connection).FloatingSave = TRUE;
    MESSAGE(&Connection).ServiceContext = NULL;
    ExpectStatus(TestConnect(&Connection), STATUS_SUCCESS,
                 "CIE-MSG-11, CIE-FULL-13 FloatingSave TRUE connects on x64");
    TestDisconnect(&Connection);
    TestPrepareMessage(&Connection, Device, FALSE);
    MESSAGE(&Connection).SynchronizeIrql = PASSIVE_LEVEL;
    if (TestConnectOrFail(&Connection, "CIE-VER-11 SynchronizeIrql 0 connects messages")) {
        TestExpectCall(&Connection, 0, TestLevel(Device),
                       "CIE-VER-11, CIE-VER-12 but does not make their routine a passive one");
        TestDisconnect(&Connection);
    }
}

/* ---- the fallback --------------------------------------------------------------------------- */

static BOOLEAN FallbackBody(PTEST_CONNECTION C, PKINTERRUPT Interrupt, ULONG MessageId)
{
    UNREFERENCED_PARAMETER(MessageId);
    Observed = C->Object == Interrupt && C->Parameters.Version == CONNECT_LINE_BASED &&
               (C->BodyContext == NULL || *(volatile KSPIN_LOCK *)C->BodyContext != 0);
    return TestAcknowledge(C->Device);
}

static VOID CheckFallback(PTEST_DEVICE Device)
{
    TestPrepareMessage(&Connection, Device, TRUE);
    ExpectStatus(TestConnect(&Connection), STATUS_SUCCESS,
                 "TC-5, CIE-MSG-12 a device that has only a line connects its fallback");
    ExpectEqual(Connection.Parameters.Version, CONNECT_LINE_BASED,
                "TC-5, CIE-OUT-2, CIE-VER-4, CIE-MSG-3 Version is 2 then");
    if (Connection.Object == NULL)
        return;
    TestExpectCall(
        &Connection, 0, TestLevel(Device),
        "CIE-MSG-2, CIE-MSG-6, CIE-MSG-12 the fallback is called, with the object stored "
        "and the same context");
    ExpectEqual((ULONG)Connection.Fallbacks, 1,
                "CIE-MSG-13 it is an InterruptService of two arguments");
    TestDisconnect(&Connection);
}

static VOID CheckFallbackMembers(PTEST_DEVICE Device)
{
    static KSPIN_LOCK lock;

    KeInitializeSpinLock(&lock);
    TestPrepareMessage(&Connection, Device, TRUE);
    MESSAGE(&Connection).SpinLock = &lock;
    MESSAGE(&Connection).SynchronizeIrql = TestLevel(Device) + 1;
    MESSAGE(&Connection).FloatingSave = TRUE;
    Connection.Body = FallbackBody;
    Connection.BodyContext = &lock;
    Observed = 0;
    TestRaise(Device, 0);
    if (!TestConnectOrFail(&Connection, "CIE-MSG-17 a fallback with lock and floor connects"))
        return;
    Expect(TestWaitCalls(&Connection, 1) && Observed,
           "CIE-MSG-17, CIE-OUT-8, CIE-LIFE-3 it runs under that lock; Version and object are "
           "stored before it can run");
    ExpectEqual(Connection.Irql, TestLevel(Device) + 1u,
                "CIE-MSG-17, CIE-MSG-9 it runs at the higher SynchronizeIrql");
    TestDisconnect(&Connection);
}

static VOID RefuseWithoutFallback(PTEST_DEVICE Device)
{
    TestPrepareMessage(&Connection, Device, FALSE);
    TestRefuse(&Connection, STATUS_NOT_FOUND,
               "TC-6, CIE-MSG-14 without a fallback a device that has only a line is refused");
}

/* ---- calls that must be refused ------------------------------------------------------------- */

static VOID RefuseArguments(PTEST_DEVICE Device)
{
    TestPrepareMessage(&Connection, Device, TRUE);
    MESSAGE(&Connection).PhysicalDeviceObject = NULL;
    TestRefuse(&Connection, STATUS_INVALID_PARAMETER,
               "TC-9, CIE-FULL-2, CIE-MSG-1 NULL PhysicalDeviceObject is refused, Version 3");
    if (!MmIsDriverVerifying(TestDriver)) { /* which would stop the machine */
        TestPrepareMessage(&Connection, Device, TRUE);
        MESSAGE(&Connection).PhysicalDeviceObject = Device->Self;
        TestRefuse(&Connection, STATUS_INVALID_PARAMETER,
                   "CIE-STAT-7 a device object that is not a PDO is refused, Version 3");
    }
    TestPrepareMessage(&Connection, Device, TRUE);
    MESSAGE(&Connection).ConnectionContext.Generic = NULL;
    TestRefuse(&Connection, STATUS_INVALID_PARAMETER,
               "CIE-MSG-16 NULL ConnectionContext is refused");
    TestPrepareMessage(&Connection, Device, TRUE);
    MESSAGE(&Connection).MessageServiceRoutine = NULL;
    TestRefuse(&Connection, STATUS_INVALID_PARAMETER,
               "CIE-MSG-5 NULL MessageServiceRoutine is refused, even with a fallback");
}

static VOID CheckMessages(PTEST_DEVICE Device)
{
    CheckPlain(Device);
    if (!TestCanRaise(Device))
        return;
    CheckTolerance(Device);
    DeliverEach(Device);
    DeliverAtFloor(Device);
    DeliverUnderOneLock(Device);
    TableCheckFromRoutine(Device);
    if (TestMessageCount(Device) > 1) {
        DeliverUnderOwnLocks(Device);
        DeliverBurst(Device);
    }
}

static VOID Run(VOID)
{
    PTEST_DEVICE device;

    for (device = TestDevices; device != NULL; device = device->Next) {
        RefuseArguments(device);
        if (device->InterruptCount == 0) {
            TestPrepareMessage(&Connection, device, TRUE);
            TestRefuse(&Connection, STATUS_NOT_FOUND,
                       "TC-7, CIE-MSG-15 a device without interrupts gives STATUS_NOT_FOUND");
        } else if (TestIsMessage(device)) {
            CheckMessages(device);
        } else {
            CheckFallback(device);
            CheckFallbackMembers(device);
            RefuseWithoutFallback(device);
        }
    }
    TableCheckBlock(TestFind(TestKindXhci, 0));
    TableCheckByWrite(TestFind(TestKindRocker, 0), TestFind(TestKindEdu, 0));
}

const TEST_GROUP TestGroup = {.Run = Run};
