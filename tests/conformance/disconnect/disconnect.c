/*
 * disconnect.c - conformance of IoDisconnectInterruptEx, in all forms.
 */
#include "suite.h"

#define LONG_US 20000
#define QUIET_MS 5
#define STORM_MS 10
#define DPC_MS 2000
#define RECOVERY_MS 15000 /* a stormy line is tried again after a growing pause */

static TEST_CONNECTION Connection, Second;
static volatile LONG Disconnected, DpcSaw, DpcRuns;
static KDPC Dpc;

/* What a masked entry has kept of messages that nobody was connected to is taken, and forgotten. */
static VOID Drain(PTEST_DEVICE Device)
{
    if (Device->Kind != TestKindRocker)
        return;
    TestPrepareMessage(&Second, Device, FALSE);
    TestConnect(&Second);
    TestPause(QUIET_MS);
    TestDisconnect(&Second);
}

/* Nobody listens any more; afterwards the device is quiet again. */
static VOID ExpectSilence(PTEST_CONNECTION C, ULONG Message, PCSTR Name)
{
    TestExpectSilence(C, Message, Name);
    Drain(C->Device);
}

/* The first descriptor's vector connects alone: nobody else has it. */
static VOID ExpectFree(PTEST_DEVICE Device, PCSTR Name)
{
    TestPrepareFull(&Second, Device, 0);
    FULL(&Second).ShareVector = FALSE;
    ExpectStatus(TestConnect(&Second), STATUS_SUCCESS, Name);
    TestDisconnect(&Second);
}

/* ---- Versions ------------------------------------------------------------------------------- */

static VOID CheckVersion(PTEST_DEVICE Device, ULONG Version, ULONG Disconnect, PCSTR Name)
{
    IO_DISCONNECT_INTERRUPT_PARAMETERS parameters, before;

    TestPrepareFull(&Connection, Device, 0);
    Connection.Parameters.Version = Version;
    if (!TestConnectOrFail(&Connection, Name))
        return;
    RtlFillMemory(&parameters, sizeof(parameters), 0xA5);
    parameters.Version = Disconnect;
    parameters.ConnectionContext.InterruptObject = Connection.Object;
    before = parameters;
    IoDisconnectInterruptEx(&parameters);
    Expect(RtlCompareMemory(&parameters, &before, sizeof(before)) == sizeof(before),
           "DIS-15, CIE-LAY-5 disconnecting changes nothing in its structure");
    ExpectSilence(&Connection, 0, Name);
    ExpectFree(Device, "CIE-LIFE-11, DIS-5 what was disconnected is free to connect alone");
}

static VOID CheckSystemForms(PTEST_DEVICE Device)
{
    BOOLEAN message = TestIsMessage(Device);

    if (!message) {
        TestPrepareLine(&Connection, Device);
        if (TestConnectOrFail(&Connection, "DIS-2 Version 2 connects")) {
            TestDisconnectAs(CONNECT_LINE_BASED, Connection.Object);
            ExpectSilence(&Connection, 0, "DIS-2, DIS-12 Version 2 disconnects Version 2");
        }
    }
    TestPrepareMessage(&Connection, Device, TRUE);
    if (TestConnectOrFail(&Connection, "DIS-2 Version 3 connects")) {
        TestDisconnectAs(Connection.Parameters.Version, Connection.Context);
        ExpectSilence(&Connection, 0,
                      message ? "DIS-2, CIE-LIFE-10 Version 3 disconnects messages, by their table"
                              : "DIS-2, CIE-LIFE-10 the returned Version 2 disconnects a fallback");
    }
    ExpectFree(Device, "DIS-11, DIS-12 what Versions 2 and 3 disconnect is free to connect alone");
}

/* One call for all messages, and all that belonged to them. */
static VOID CheckMessages(PTEST_DEVICE Device)
{
    PKINTERRUPT objects[TEST_MESSAGES];
    GROUP_AFFINITY affinity;
    ULONG i, count = TestMessageCount(Device), gone = 0;

    TestPrepareMessage(&Connection, Device, FALSE);
    if (!TestConnectOrFail(&Connection, "DIS-11 messages connect"))
        return;
    for (i = 0; i < count; i++)
        objects[i] = Connection.Table->MessageInfo[i].InterruptObject;
    TestDisconnect(&Connection);
    for (i = 0; i < count; i++) {
        ExpectSilence(&Connection, i, "DIS-11 one call disconnects every message");
        gone += IoGetAffinityInterrupt(objects[i], &affinity) == STATUS_INVALID_PARAMETER;
    }
    ExpectEqual(gone, count, "DIS-11, AFF-3, AFF-4 and their interrupt objects are gone");
}

/* ---- what happens to the interrupt ---------------------------------------------------------- */

/* An interrupt while nobody is connected waits at the masked controller, and is served then. */
static VOID CheckMasked(PTEST_DEVICE Device)
{
    if (Device->Kind == TestKindEdu && TestIsMessage(Device))
        return; /* without a mask bit of its own for the message, nothing waits there */
    TestPrepareFull(&Connection, Device, 0);
    if (!TestConnectOrFail(&Connection, "DIS-13 an interrupt connects"))
        return;
    TestDisconnect(&Connection);
    TestRaise(Device, 0);
    TestPause(QUIET_MS);
    ExpectEqual((ULONG)Connection.Calls, 0, "DIS-13 the last object gone, nothing is delivered");
    TestPrepareFull(&Connection, Device, 0);
    if (!TestConnectOrFail(&Connection, "DIS-13 and the vector, still assigned, connects again"))
        return;
    Expect(TestWaitCalls(&Connection, 1),
           "DIS-13, CIE-LIFE-3 the interrupt was masked at its source, where it has waited");
    TestDisconnect(&Connection);
}

static volatile LONG Seen; /* that the routine runs */

/* Runs on for a while after it was seen to run. */
/* Raises on a processor that is not the interrupt's, and waits for so many of *Value. */
static BOOLEAN RaiseElsewhere(PTEST_CONNECTION C, volatile LONG *Value)
{
    TestGoTo(TestOtherProcessor(TestInterruptProcessor(TestObject(C))));
    TestRaise(C->Device, 0);
    Seen = TestSpinUntil(Value, 1, DPC_MS);
    return (BOOLEAN)Seen;
}

static VOID CheckRunning(PTEST_DEVICE Device)
{
    if (TestProcessors() == 1) {
        ExpectSkip("TC-21, DIS-10 disconnecting waits for a routine that is running",
                   "one processor");
        return;
    }
    TestPrepareFull(&Connection, Device, 0);
    Connection.Body = TestSlowBody;
    Connection.BodyContext = (PVOID)(ULONG_PTR)LONG_US;
    Seen = 0;
    if (!TestConnectOrFail(&Connection, "DIS-10 an interrupt connects"))
        return;
    Expect(RaiseElsewhere(&Connection, &Connection.Inside),
           "DIS-10 its routine runs on another processor");
    TestDisconnect(&Connection);
    Expect(Connection.Inside == 0 && Connection.Calls == 1,
           "TC-21, DIS-10 disconnecting returns only after a running routine has left");
    TestAnywhere();
}

static VOID NTAPI DpcRoutine(PKDPC Self, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Self);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    DpcSaw = TestSpinUntil(&Disconnected, 1, DPC_MS);
    InterlockedIncrement(&DpcRuns);
}

static BOOLEAN DpcBody(PTEST_CONNECTION C, PKINTERRUPT Interrupt, ULONG MessageId)
{
    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(MessageId);
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    return TestAcknowledge(C->Device);
}

static VOID CheckDpc(PTEST_DEVICE Device)
{
    if (TestProcessors() == 1) {
        ExpectSkip("DIS-14 disconnecting does not wait for the routine's DPC", "one processor");
        return;
    }
    KeInitializeDpc(&Dpc, DpcRoutine, NULL);
    Disconnected = DpcSaw = DpcRuns = 0;
    TestPrepareFull(&Connection, Device, 0);
    Connection.Body = DpcBody;
    if (!TestConnectOrFail(&Connection, "DIS-14 an interrupt connects"))
        return;
    RaiseElsewhere(&Connection, &Connection.Calls);
    TestDisconnect(&Connection);
    Disconnected = 1;
    KeFlushQueuedDpcs();
    Expect(DpcRuns == 1 && DpcSaw,
           "DIS-14, CIE-KMDF-7 disconnecting does not wait for the routine's DPC; "
           "KeFlushQueuedDpcs does");
    TestAnywhere();
}

/* A device that goes on asking on a shared line after it was disconnected. */
static VOID CheckNobodysLine(PTEST_DEVICE Listener, PTEST_DEVICE Left)
{
    ULONG waited;

    if (Listener == NULL || Left == NULL)
        return;
    TestPrepareLine(&Connection, Listener);
    TestPrepareLine(&Second, Left);
    if (!TestConnectOrFail(&Connection, "DIS-8 one device on a line connects") ||
        !TestConnectOrFail(&Second, "DIS-8 and another"))
        return;
    TestDisconnect(&Second);
    TestRaise(Left, 0);
    TestPause(STORM_MS);
    Expect(Connection.Calls > 1 && Connection.Claims == 0,
           "DIS-8, SPUR-2 a disconnected device that asks calls the others on its line again and "
           "again");
    TestAcknowledge(Left);
    TestRaise(Listener, 0);
    for (waited = 0; waited < RECOVERY_MS && Connection.Claims == 0; waited++)
        TestPause(1);
    ExpectEqual((ULONG)Connection.Claims, 1, "DIS-8 when it is quiet the line serves them again");
    TestDisconnect(&Connection);
}

static VOID Run(VOID)
{
    PTEST_DEVICE device;

    for (device = TestDevices; device != NULL; device = device->Next) {
        if (!TestCanRaise(device))
            continue;
        CheckVersion(device, CONNECT_FULLY_SPECIFIED, CONNECT_FULLY_SPECIFIED,
                     "DIS-2, DIS-5 Version 1 disconnects Version 1");
        CheckVersion(device, CONNECT_FULLY_SPECIFIED_GROUP, CONNECT_FULLY_SPECIFIED_GROUP,
                     "DIS-3, DIS-5 Version 4 disconnects Version 4");
        CheckVersion(device, CONNECT_FULLY_SPECIFIED_GROUP, CONNECT_FULLY_SPECIFIED,
                     "DIS-4 Version 1 disconnects Version 4");
        CheckVersion(device, CONNECT_FULLY_SPECIFIED, CONNECT_FULLY_SPECIFIED_GROUP,
                     "DIS-4 Version 4 disconnects Version 1");
        CheckSystemForms(device);
        if (TestIsMessage(device))
            CheckMessages(device);
        CheckMasked(device);
        CheckRunning(device);
        CheckDpc(device);
    }
    if (TestFindMessage(0) == NULL)
        CheckNobodysLine(TestFind(TestKindEdu, 0), TestFind(TestKindEdu, 1));
}

/* ---- bug checks ----------------------------------------------------------------------------- */

static BOOLEAN DisconnectBody(PTEST_CONNECTION C, PKINTERRUPT Interrupt, ULONG MessageId)
{
    UNREFERENCED_PARAMETER(MessageId);
    TestDisconnectAs(C->Parameters.Version, Interrupt);
    return TestAcknowledge(C->Device);
}

static VOID StopByVersion(ULONG Version, PCSTR Name)
{
    ExpectStop(0xCA, 9, Version, TEST_ANY, TEST_ANY, Name);
    TestDisconnectAs(Version, Connection.Context);
}

/* Connects to a shared line of some device of another driver's, which will stay when this goes. */
static VOID LeaveForeignLine(PTEST_DEVICE Line)
{
    ULONG vector;

    for (vector = 0x30; vector < 0xD0; vector++) {
        if (vector == Line->Translated[0]->u.Interrupt.Vector)
            continue;
        TestPrepareFull(&Connection, Line, 0);
        FULL(&Connection).Vector = vector;
        FULL(&Connection).Irql = FULL(&Connection).SynchronizeIrql = (KIRQL)(vector >> 4);
        if (NT_SUCCESS(TestConnectLegacy(&Connection)))
            break;
    }
    ExpectStop(0x121, 4, (ULONG64)(ULONG_PTR)TestServiceRoutine, (ULONG64)Connection.Object, 0,
               "CIE-LIFE-15 unloading a driver with a connected routine is a bug check");
}

static VOID Stop(ULONG Number)
{
    PTEST_DEVICE message = TestFindMessage(0), line = TestFindLine(0);
    KIRQL irql;

    if (Number == 0)
        TestPrepareMessage(&Connection, message, FALSE);
    else if (Number < 3)
        TestPrepareLine(&Connection, line);
    else
        TestPrepareFull(&Connection, line, 0);
    TestConnect(&Connection);
    switch (Number) {
    case 0:
        StopByVersion(CONNECT_LINE_BASED, "TC-20, DIS-6 Version 2 for messages is a bug check");
        break;
    case 1:
        StopByVersion(CONNECT_MESSAGE_BASED, "DIS-6 Version 3 for a line is a bug check");
        break;
    case 2:
        StopByVersion(CONNECT_FULLY_SPECIFIED, "DIS-6 Version 1 for Version 2 is a bug check");
        break;
    case 3:
        ExpectStop(0x121, 2, DISPATCH_LEVEL, PASSIVE_LEVEL, TEST_ANY,
                   "DIS-1 disconnecting at DISPATCH_LEVEL is a bug check");
        KeRaiseIrql(DISPATCH_LEVEL, &irql);
        TestDisconnect(&Connection);
        break;
    case 4:
        ExpectStop(0x121, 2, TestLevel(line), PASSIVE_LEVEL, TEST_ANY,
                   "DIS-17 disconnecting from the routine is a bug check");
        Connection.Body = DisconnectBody;
        TestRaise(line, 0);
        TestPause(DPC_MS);
        break;
    case 6:
        ExpectStop(
            0x121, 4, (ULONG64)(ULONG_PTR)TestServiceRoutine, (ULONG64)Connection.Object,
            (ULONG64)line->Physical,
            "CIE-LIFE-14, CIE-LIFE-11, PNP-7 removing a device with a connected interrupt is "
            "a bug check");
        break; /* the run goes on to remove the driver */
    case 7:
        TestDisconnect(&Connection);
        ExpectStop(0x121, 4, (ULONG64)(ULONG_PTR)TestServiceRoutine, TEST_ANY, 0,
                   "CIE-LIFE-14, CIE-LIFE-15 so it is with one that named no device");
        TestConnectLegacy(&Connection);
        break;
    case 8:
        TestDisconnect(&Connection);
        LeaveForeignLine(line);
        break;
    default:
        TestDisconnectAs(CONNECT_FULLY_SPECIFIED, Connection.Object);
        ExpectStop(0x121, 3, (ULONG64)Connection.Object, CONNECT_FULLY_SPECIFIED, TEST_ANY,
                   "DIS-18 disconnecting once more is a bug check, not 0xCA");
        TestDisconnectAs(CONNECT_FULLY_SPECIFIED, Connection.Object);
    }
}

const TEST_GROUP TestGroup = {.Run = Run, .Stop = Stop};
