/*
 * passive.c - passive routines of lines, by Versions 1 and 4.
 */
#include "passive.h"

#define BLOCK_MS 20
#define LONG_MS 5000

static TEST_CONNECTION Connection, Second;
static volatile LONG Priority;
static volatile LONG SynchronizeCalls, InsideThen, CallsThen;
static volatile ULONG SynchronizeIrql;
static volatile PKTHREAD SynchronizeThread;
static TEST_CONNECTION *Synchronized;
static ULONG SynchronizedMessage;

VOID PreparePassive(PTEST_CONNECTION C, PTEST_DEVICE Device)
{
    TestPrepareFull(C, Device, 0);
    FULL(C).Irql = FULL(C).SynchronizeIrql = PASSIVE_LEVEL;
    FULL(C).SpinLock = NULL;
}

VOID ExpectPassiveCall(PTEST_CONNECTION C, ULONG Message, PCSTR Name)
{
    TestResetCounts(C);
    TestRaise(C->Device, Message);
    Expect(TestWaitCalls(C, 1), Name);
    ExpectEqual(C->Irql, PASSIVE_LEVEL, "CIE-PASS-6, CIE-FULL-30 it runs at PASSIVE_LEVEL");
    Expect(C->Thread != (PKTHREAD)PsGetCurrentThread(),
           "CIE-PASS-6 in a thread of the system's, not in what was interrupted");
    ExpectEqual((ULONG)C->Claims, 1, "CIE-PASS-7 the device is still asking when it runs");
}

/* ---- the routine ---------------------------------------------------------------------------- */

/* Blocks while its device goes on asking. */
static BOOLEAN BlockingBody(PTEST_CONNECTION C, PKINTERRUPT Interrupt, ULONG MessageId)
{
    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(MessageId);
    Priority = KeQueryPriorityThread(KeGetCurrentThread());
    TestPause(BLOCK_MS);
    return TestAcknowledge(C->Device);
}

static VOID CheckBlocking(PTEST_DEVICE Device)
{
    PreparePassive(&Connection, Device);
    Connection.Body = BlockingBody;
    if (!TestConnectOrFail(&Connection, "CIE-PASS-9 a passive routine connects"))
        return;
    ExpectPassiveCall(
        &Connection, 0,
        "TC-56, CIE-PASS-7, CIE-PASS-9 it may block while its level line is asserted, "
        "which is masked meanwhile");
    Expect(Priority >= LOW_REALTIME_PRIORITY, "CIE-PASS-10 it runs at a real-time priority");
    ExpectPassiveCall(&Connection, 0,
                      "CIE-PASS-8 when it has returned the line is unmasked: the next is served");
    TestDisconnect(&Connection);
}

/* The first call leaves the device asking. */
static BOOLEAN DenyingBody(PTEST_CONNECTION C, PKINTERRUPT Interrupt, ULONG MessageId)
{
    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(MessageId);
    return C->Calls == 0 ? FALSE : TestAcknowledge(C->Device);
}

static VOID CheckUnmask(PTEST_DEVICE Device)
{
    PreparePassive(&Connection, Device);
    Connection.Body = DenyingBody;
    if (!TestConnectOrFail(&Connection, "CIE-PASS-8 a passive routine connects"))
        return;
    TestRaise(Device, 0);
    Expect(TestWaitCalls(&Connection, 2) && Connection.Claims == 1,
           "CIE-PASS-8 a line still asserted when the routine returns, unmasked, calls it again");
    TestDisconnect(&Connection);
}

/* Quiets the device, and makes it ask anew while the first call is still running. */
static BOOLEAN RaisingBody(PTEST_CONNECTION C, PKINTERRUPT Interrupt, ULONG MessageId)
{
    BOOLEAN claimed = TestAcknowledge(C->Device);

    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(MessageId);
    if (C->Calls == 0) {
        TestRaise(C->Device, 0);
        TestPause(BLOCK_MS);
    }
    return claimed;
}

static VOID CheckSerial(PTEST_DEVICE Device)
{
    PreparePassive(&Connection, Device);
    Connection.Body = RaisingBody;
    if (!TestConnectOrFail(&Connection, "CIE-PASS-12 a passive routine connects"))
        return;
    TestRaise(Device, 0);
    Expect(TestWaitCalls(&Connection, 2) && Connection.MostInside == 1,
           "CIE-PASS-12 an interrupt while it runs makes one more call, never two at once");
    TestDisconnect(&Connection);
}

/* ---- KeSynchronizeExecution ----------------------------------------------------------------- */

static BOOLEAN NTAPI Synchronizing(PVOID Context)
{
    InsideThen = Synchronized->Inside;
    SynchronizeIrql = KeGetCurrentIrql();
    SynchronizeThread = (PKTHREAD)PsGetCurrentThread();
    if (Context != NULL) {
        TestRaise(Synchronized->Device, SynchronizedMessage);
        TestPause(BLOCK_MS);
        CallsThen = Synchronized->Calls + Synchronized->Inside;
    }
    SynchronizeCalls++;
    return Context != NULL;
}

VOID CheckSynchronize(PTEST_CONNECTION C, PKINTERRUPT Object, ULONG Message)
{
    TestResetCounts(C);
    Synchronized = C;
    SynchronizedMessage = Message;
    SynchronizeCalls = 0;
    ExpectEqual(KeSynchronizeExecution(Object, Synchronizing, C), TRUE,
                "KSE-4 it returns what the routine returns, TRUE");
    ExpectEqual((ULONG)SynchronizeCalls, 1, "KSE-3 the routine has run");
    ExpectEqual(SynchronizeIrql, PASSIVE_LEVEL, "KSE-3, CIE-PASS-4 at PASSIVE_LEVEL");
    Expect(SynchronizeThread == (PKTHREAD)PsGetCurrentThread(), "KSE-11 in the caller's thread");
    ExpectEqual((ULONG)CallsThen, 0,
                "KSE-3, CIE-PASS-4, CIE-PASS-17 while it holds the event, though it blocks, the "
                "interrupt's routine is not called");
    Expect(TestWaitCalls(C, 1), "CIE-PASS-4 but afterwards");
    ExpectEqual(KeSynchronizeExecution(Object, Synchronizing, NULL), FALSE,
                "KSE-4 it returns what the routine returns, FALSE");
}

/* Called while the interrupt's routine blocks, it waits for that to end. */
static VOID CheckExclusion(PTEST_DEVICE Device)
{
    ULONG waited;

    PreparePassive(&Connection, Device);
    Connection.Body = BlockingBody;
    if (!TestConnectOrFail(&Connection, "KSE-3 a passive routine connects"))
        return;
    TestRaise(Device, 0);
    for (waited = 0; waited < LONG_MS && Connection.Inside + Connection.Calls == 0; waited++)
        TestPause(1);
    Synchronized = &Connection;
    InsideThen = -1;
    KeSynchronizeExecution(Connection.Object, Synchronizing, NULL);
    ExpectEqual(
        (ULONG)InsideThen, 0,
        "KSE-3, CIE-PASS-17 the system takes the event before it calls the passive routine");
    ExpectEqual((ULONG)Connection.Calls, 1, "KSE-3 which has returned then");
    TestDisconnect(&Connection);
}

/* ---- a device ------------------------------------------------------------------------------- */

static VOID CheckPlain(PTEST_DEVICE Device, ULONG Version)
{
    PreparePassive(&Connection, Device);
    Connection.Parameters.Version = Version;
    ExpectStatus(TestConnect(&Connection), STATUS_SUCCESS,
                 "TC-56, CIE-FULL-27, CIE-FULL-30, CIE-PASS-2, CIE-PASS-13, CIE-PASS-15, "
                 "CIE-VER-11 a line with a DIRQL of its own connects a passive routine");
    if (Connection.Object == NULL)
        return;
    ExpectPassiveCall(&Connection, 0,
                      "TC-56, CIE-FULL-30, CIE-PASS-6, CIE-PASS-15 the passive routine is called");
    CheckSynchronize(&Connection, Connection.Object, 0);
    TestDisconnect(&Connection);
}

/* PnP assigned PASSIVE_LEVEL to the line: Version 2 makes a passive routine of it. */
static VOID CheckAssigned(PTEST_DEVICE Device)
{
    static KSPIN_LOCK lock;

    TestPrepareLine(&Connection, Device);
    LINE(&Connection).SpinLock = &lock;
    TestRefuse(&Connection, STATUS_INVALID_PARAMETER,
               "CIE-LINE-8, CIE-PASS-2, CIE-PASS-3 a lock for a line at PASSIVE_LEVEL is refused");
    TestPrepareLine(&Connection, Device);
    ExpectStatus(
        TestConnect(&Connection), STATUS_SUCCESS,
        "CIE-LINE-7, CIE-PASS-2, CIE-VER-11 a line at PASSIVE_LEVEL connects by Version 2");
    if (Connection.Object == NULL)
        return;
    ExpectPassiveCall(&Connection, 0,
                      "CIE-LINE-7, CIE-PASS-2 SynchronizeIrql 0 makes its routine a passive one");
    CheckSynchronize(&Connection, Connection.Object, 0);
    TestDisconnect(&Connection);
}

/* One line, two devices, one of them served by a passive routine. */
static VOID CheckMixed(PTEST_DEVICE Passive, PTEST_DEVICE Direct)
{
    if (Passive == NULL || Direct == NULL)
        return;
    PreparePassive(&Connection, Passive);
    TestPrepareFull(&Second, Direct, 0);
    if (TestConnectOrFail(&Connection, "CIE-PASS-14 a passive routine connects") &&
        TestConnectOrFail(&Second, "CIE-PASS-14 one with a DIRQL joins it on the line")) {
        TestRaise(Direct, 0);
        Expect(TestWaitCalls(&Second, 1) && Second.Claims == 1 && Connection.Calls == 0,
               "CIE-PASS-14, SHR-6 an interrupt that the routine with a DIRQL claims does not "
               "schedule the passive one");
        TestRaise(Passive, 0);
        Expect(TestWaitCalls(&Connection, 1) && Connection.Claims == 1,
               "CIE-PASS-14, SHR-6 one that it does not claim schedules the passive one");
        ExpectEqual(Second.Irql, TestLevel(Direct), "CIE-PASS-14 each at its own level");
        ExpectEqual(Connection.Irql, PASSIVE_LEVEL, "CIE-PASS-14 each at its own level");
    }
    TestDisconnect(&Second);
    TestDisconnect(&Connection);
}

static VOID Run(VOID)
{
    PTEST_DEVICE device;

    for (device = TestDevices; device != NULL; device = device->Next) {
        CheckVersion5(device);
        if (!TestCanRaise(device) || !TestIsLine(device))
            continue;
        if (TestLevel(device) == PASSIVE_LEVEL)
            CheckAssigned(device);
        CheckPlain(device, CONNECT_FULLY_SPECIFIED);
        CheckPlain(device, CONNECT_FULLY_SPECIFIED_GROUP);
        CheckBlocking(device);
        CheckUnmask(device);
        CheckSerial(device);
        CheckExclusion(device);
    }
    if (TestFindLine(0) != NULL)
        CheckMixed(TestFind(TestKindEdu, 0), TestFind(TestKindEdu, 1));
}

static VOID Stop(ULONG Number)
{
    PreparePassive(&Connection, TestFindLine(0));
    TestConnect(&Connection);
    ExpectStop(0x13B, 1, (ULONG64)Connection.Object, TEST_ANY, TEST_ANY,
               Number == 0
                   ? "TC-26, ISL-4, CIE-PASS-5 KeAcquireInterruptSpinLock of a passive "
                     "object is a bug check"
                   : "ISL-4, CIE-PASS-5 KeReleaseInterruptSpinLock of a passive object is a "
                     "bug check");
    if (Number == 0)
        KeAcquireInterruptSpinLock(Connection.Object);
    else
        KeReleaseInterruptSpinLock(Connection.Object, PASSIVE_LEVEL);
}

const TEST_GROUP TestGroup = {.Run = Run, .Stop = Stop};
