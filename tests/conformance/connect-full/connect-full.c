/*
 * connect-full.c - conformance of the fully specified connect: calls that succeed.
 */
#include "full.h"

static TEST_CONNECTION Connection, Second;
static volatile LONG BareCalls;
static PVOID volatile BareContext;

static VOID CheckVersions(VOID)
{
    static const ULONG bad[] = {0, 6, 0x7FFFFFFF, 0xFFFFFFFF};
    IO_CONNECT_INTERRUPT_PARAMETERS parameters, before;
    ULONG i;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        RtlFillMemory(&parameters, sizeof(parameters), 0xA5);
        parameters.Version = bad[i];
        before = parameters;
        ExpectStatus(IoConnectInterruptEx(&parameters), STATUS_INVALID_PARAMETER_1,
                     "TC-8, CIE-VER-7 an unknown Version gives STATUS_INVALID_PARAMETER_1");
        Expect(RtlCompareMemory(&parameters, &before, sizeof(before)) == sizeof(before),
               "TC-8, CIE-VER-9 an unknown Version leaves the structure as it was");
    }
    RtlZeroMemory(&parameters, sizeof(parameters));
    ExpectStatus(IoConnectInterruptEx(&parameters), STATUS_INVALID_PARAMETER_1,
                 "CIE-VER-10, CIE-STAT-3 Version is judged before any other member");
    ExpectEqual(parameters.Version, 0, "CIE-OUT-6 a refused Version 0 is not rewritten");
}

/* One interrupt must make one call of the connected routine, at the level and with the values. */
static VOID CheckCall(PCSTR Call, PCSTR Level)
{
    TestRaise(Connection.Device, 0);
    Expect(TestWaitCalls(&Connection, 1), Call);
    ExpectEqual(Connection.Irql, FULL(&Connection).SynchronizeIrql, Level);
    ExpectEqual((ULONG64)Connection.Interrupt, (ULONG64)Connection.Object,
                "ISR-2, CIE-FULL-3 the routine gets the object that the call stored");
    ExpectEqual((ULONG)Connection.Claims, 1, "ISR-8 the routine finds its device asking");
}

static VOID CheckPlain(PTEST_DEVICE Device)
{
    IO_CONNECT_INTERRUPT_PARAMETERS before;

    TestPrepareFull(&Connection, Device, 0);
    before = Connection.Parameters;
    ExpectStatus(TestConnect(&Connection), STATUS_SUCCESS,
                 "CIE-FULL-1, CIE-FULL-16, CIE-FULL-17, CIE-FULL-18, CIE-FULL-19, CIE-GEN-3, "
                 "PNP-3 the values of the translated descriptor connect");
    Expect(Connection.Object != NULL, "CIE-FULL-3 success stores an interrupt object");
    Expect(RtlCompareMemory(&before, &Connection.Parameters, sizeof(before)) == sizeof(before),
           "CIE-OUT-5, CIE-OUT-7 success changes no member of the structure, nor Version");
    if (Connection.Object == NULL)
        return;
    ExpectEqual((ULONG)Connection.Calls, 0,
                "CIE-LIFE-2 a silent device's routine is not called before the call returns");
    CheckCall("CIE-GEN-10, CIE-FULL-6, ACT-4 after the call one interrupt makes one call",
              "ISR-3, CIE-SYNC-10 the routine runs at SynchronizeIrql");
    Expect((Connection.Flags & 0x200) != 0, "ISR-22 the routine runs with RFLAGS.IF set");
    Expect((Connection.Flags & 0x400) == 0, "ISR-22 the routine runs with RFLAGS.DF clear");
    ExpectEqual(KeGetCurrentIrql(), PASSIVE_LEVEL, "CIE-GEN-1 the call returns at PASSIVE_LEVEL");
    TestDisconnect(&Connection);
}

static BOOLEAN NTAPI BareRoutine(PKINTERRUPT Interrupt, PVOID Context)
{
    UNREFERENCED_PARAMETER(Interrupt);
    BareContext = Context;
    InterlockedIncrement(&BareCalls);
    return TestAcknowledge(Connection.Device);
}

static VOID CheckContext(PTEST_DEVICE Device)
{
    static const ULONG_PTR values[] = {0, 0x1234567890ABCDEF};
    ULONG i;

    for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        TestPrepareFull(&Connection, Device, 0);
        FULL(&Connection).ServiceRoutine = BareRoutine;
        FULL(&Connection).ServiceContext = (PVOID)values[i];
        BareCalls = 0;
        BareContext = (PVOID)1;
        if (!TestConnectOrFail(&Connection, "CIE-FULL-8 any ServiceContext connects"))
            continue;
        TestRaise(Device, 0);
        Expect(TestSpinUntil(&BareCalls, 1, 10000) && (ULONG_PTR)BareContext == values[i],
               "CIE-FULL-8, ISR-2 ServiceContext is handed over unchanged, NULL too");
        TestDisconnect(&Connection);
    }
}

/* The structure is gone when the interrupt comes. */
static VOID CheckStructureGone(PTEST_DEVICE Device)
{
    ULONG version;

    TestPrepareFull(&Connection, Device, 0);
    if (!TestConnectOrFail(&Connection, "CIE-LAY-11 the call connects"))
        return;
    version = Connection.Parameters.Version;
    RtlFillMemory(&Connection.Parameters, sizeof(Connection.Parameters), 0xCC);
    TestRaise(Device, 0);
    Expect(TestWaitCalls(&Connection, 1),
           "CIE-LAY-11, CIE-LIFE-9 the structure may be reused as soon as the call has returned");
    TestDisconnectAs(version, Connection.Object);
}

static VOID CheckLock(PTEST_DEVICE Device)
{
    static KSPIN_LOCK lock;
    KIRQL irql;

    KeInitializeSpinLock(&lock);
    TestPrepareFull(&Connection, Device, 0);
    FULL(&Connection).SpinLock = &lock;
    Connection.Body = TestLockBody;
    Connection.BodyContext = &lock;
    if (!TestConnectOrFail(&Connection, "CIE-FULL-9 a lock of the caller's is taken"))
        return;
    TestRaise(Device, 0);
    Expect(TestWaitCalls(&Connection, 1), "CIE-FULL-9 a routine under the caller's lock is called");
    Expect(TestLockHeld != 0, "CIE-FULL-9, ISR-4, CIE-SYNC-1 the routine runs with that lock held");
    ExpectEqual(lock, 0, "CIE-SYNC-1, CIE-SYNC-20 the lock is free again, 0, when it has returned");
    irql = KeAcquireInterruptSpinLock(Connection.Object);
    Expect(lock != 0, "CIE-SYNC-17 KeAcquireInterruptSpinLock takes the same lock");
    ExpectEqual(KeGetCurrentIrql(), FULL(&Connection).SynchronizeIrql,
                "CIE-SYNC-17 and raises to the same SynchronizeIrql");
    KeReleaseInterruptSpinLock(Connection.Object, irql);
    TestDisconnect(&Connection);
    ExpectEqual(lock, 0, "CIE-FULL-10 disconnecting leaves the caller's lock as it is");
    KeAcquireSpinLock(&lock, &irql);
    KeReleaseSpinLock(&lock, irql);
    ExpectEqual(lock, 0, "CIE-FULL-10 the caller may go on using it");
}

static VOID CheckHigherLevel(PTEST_DEVICE Device)
{
    TestPrepareFull(&Connection, Device, 0);
    FULL(&Connection).SynchronizeIrql = FULL(&Connection).Irql + 1;
    if (!TestConnectOrFail(&Connection, "CIE-FULL-11 a SynchronizeIrql above Irql connects"))
        return;
    CheckCall("CIE-FULL-11 a routine with a higher SynchronizeIrql is called",
              "CIE-FULL-11, CIE-SYNC-9, CIE-SYNC-11, ISR-3 it runs at SynchronizeIrql, not Irql");
    TestDisconnect(&Connection);
}

static VOID CheckTolerance(PTEST_DEVICE Device)
{
    TestPrepareFull(&Connection, Device, 0);
    FULL(&Connection).FloatingSave = TRUE;
    ExpectStatus(TestConnect(&Connection), STATUS_SUCCESS,
                 "CIE-FULL-13, CIE-FULL-12 FloatingSave TRUE connects on x64");
    TestDisconnect(&Connection);
    TestPrepareFull(&Connection, Device, 0);
    FULL(&Connection).Group = 7;
    ExpectStatus(TestConnect(&Connection), STATUS_SUCCESS,
                 "TC-14, CIE-VER-5 Version 1 does not look at Group");
    TestDisconnect(&Connection);
    TestPrepareFull(&Connection, Device, 0);
    FULL(&Connection).ProcessorEnableMask = ~(KAFFINITY)0;
    ExpectStatus(TestConnect(&Connection), STATUS_SUCCESS,
                 "CIE-FULL-21 superfluous bits of ProcessorEnableMask do no harm");
    TestDisconnect(&Connection);
    TestPrepareFull(&Connection, Device, 0);
    ExpectEqual(FULL(&Connection).ShareVector,
                Device->Translated[0]->ShareDisposition == CmResourceShareShared,
                "CIE-FULL-15 ShareVector comes from ShareDisposition");
    ExpectEqual(FULL(&Connection).ShareVector, TestIsLine(Device),
                "CIE-FULL-14 PCI lines are sharable, messages need not be");
    ExpectEqual(FULL(&Connection).InterruptMode, TestIsLine(Device) ? LevelSensitive : Latched,
                "CIE-FULL-18 PCI lines are level sensitive, messages are latched");
}

static VOID CheckGroupVersion(PTEST_DEVICE Device)
{
    TestPrepareFull(&Connection, Device, 0);
    Connection.Parameters.Version = CONNECT_FULLY_SPECIFIED_GROUP;
    ExpectStatus(
        TestConnect(&Connection), STATUS_SUCCESS,
        "TC-13, CIE-VER-6, CIE-VER-7, CIE-FULL-22, CIE-KMDF-1 Version 4 connects in group 0");
    ExpectEqual(Connection.Parameters.Version, CONNECT_FULLY_SPECIFIED_GROUP,
                "CIE-OUT-5 Version 4 stays 4");
    if (Connection.Object == NULL)
        return;
    CheckCall("CIE-VER-6 a routine connected by Version 4 is called",
              "CIE-VER-6 it runs at SynchronizeIrql");
    TestDisconnect(&Connection);
}

/* One driver, one vector, two routines: both get to see each interrupt of a latched line. */
static VOID CheckTwice(PTEST_DEVICE Device)
{
    TestPrepareFull(&Connection, Device, 0);
    TestPrepareFull(&Second, Device, 0);
    FULL(&Connection).ShareVector = FULL(&Second).ShareVector = TRUE;
    if (!TestConnectOrFail(&Connection, "CIE-GEN-13 a sharable vector connects"))
        return;
    ExpectStatus(TestConnect(&Second), STATUS_SUCCESS,
                 "CIE-GEN-13, CIE-GEN-12 and once more, with another context");
    Expect(Connection.Object != Second.Object, "CIE-GEN-13 each connect has an object of its own");
    TestRaise(Device, 0);
    Expect(TestWaitCalls(&Connection, 1) || TestIsMessage(Device),
           "CIE-GEN-13 the first routine is called for the interrupt");
    ExpectEqual((ULONG)(Connection.Claims + Second.Claims), 1,
                "SHR-1 one of the two claims the interrupt");
    TestDisconnect(&Second);
    TestDisconnect(&Connection);
}

/* Sixteen MSI messages: vectors in a row, of one level, and each connects by itself. */
static VOID CheckBlock(PTEST_DEVICE Device)
{
    static TEST_CONNECTION parts[TEST_MESSAGES];
    ULONG count, i, connected = 0;

    if (Device == NULL || Device->InterruptCount != 1)
        return;
    count = TestMessageCount(Device);
    ExpectEqual(Device->Translated[0]->u.MessageInterrupt.Translated.Vector % count, 0,
                "CIE-FULL-35, RES-MSI-11, HW-60 the first vector of an MSI block is aligned");
    ExpectEqual((Device->Translated[0]->u.MessageInterrupt.Translated.Vector + count - 1) >> 4,
                Device->Translated[0]->u.MessageInterrupt.Translated.Level,
                "CIE-FULL-35, RES-MSI-11 the last vector of an MSI block has the same level");
    for (i = 0; i < count; i++) {
        TestPrepareFull(&parts[i], Device, 0);
        parts[i].Parameters.Version = CONNECT_FULLY_SPECIFIED_GROUP;
        FULL(&parts[i]).Vector += i;
        connected += NT_SUCCESS(TestConnect(&parts[i]));
    }
    ExpectEqual(connected, count,
                "CIE-FULL-35, CIE-KMDF-9, RES-CM-14 each MSI message connects as vector base + i");
    for (i = 0; i < count; i++)
        TestDisconnect(&parts[i]);
}

static VOID CheckDevice(PTEST_DEVICE Device)
{
    CheckPlain(Device);
    CheckContext(Device);
    CheckStructureGone(Device);
    CheckLock(Device);
    CheckHigherLevel(Device);
    CheckTolerance(Device);
    CheckGroupVersion(Device);
    CheckTwice(Device);
    RefuseArguments(Device);
    RefuseLevels(Device);
    RefuseProcessors(Device);
    RefuseVectors(Device);
    RefuseSharing(Device);
    RefuseInOrder(Device);
    RefuseWithoutTrace(Device);
}

/* Versions 1 and 4 name a message as well as a line. */
static VOID CheckMessageRoutine(PTEST_DEVICE Device)
{
    TestPrepareFull(&Connection, Device, Device->InterruptCount - 1);
    if (!TestConnectOrFail(&Connection, "CIE-FULL-34 a message connects fully specified"))
        return;
    TestRaise(Device, Device->InterruptCount - 1);
    Expect(TestWaitCalls(&Connection, 1) && Connection.Fallbacks == 1,
           "CIE-FULL-34, MISR-12, ISR-1 its routine is an InterruptService of two arguments");
    TestDisconnect(&Connection);
}

static VOID Run(VOID)
{
    PTEST_DEVICE device;

    CheckVersions();
    for (device = TestDevices; device != NULL; device = device->Next) {
        if (!TestCanRaise(device))
            continue;
        CheckDevice(device);
        if (TestIsMessage(device))
            CheckMessageRoutine(device);
    }
    CheckBlock(TestFind(TestKindXhci, 0));
}

/* ---- bug checks ------------------------------------------------------------------------------ */

static VOID Stop(ULONG Number)
{
    PTEST_DEVICE device = TestFindMessage(0);
    KIRQL irql;

    TestPrepareFull(&Connection, device, 0);
    switch (Number) {
    case 0:
        ExpectStop(0x121, 2, DISPATCH_LEVEL, PASSIVE_LEVEL, TEST_ANY,
                   "CIE-GEN-1, CIE-STAT-5 connecting at DISPATCH_LEVEL is a bug check");
        KeRaiseIrql(DISPATCH_LEVEL, &irql);
        TestConnect(&Connection);
        break;
    case 1:
        ExpectStop(0x7E, (ULONG)STATUS_ACCESS_VIOLATION, TEST_ANY, TEST_ANY, TEST_ANY,
                   "CIE-FULL-4 a NULL structure is a bug check");
        IoConnectInterruptEx(NULL);
        break;
    case 2:
        ExpectStop(0x7E, (ULONG)STATUS_ACCESS_VIOLATION, TEST_ANY, TEST_ANY, TEST_ANY,
                   "CIE-FULL-3, CIE-FULL-4 an InterruptObject that points nowhere is a bug check");
        FULL(&Connection).InterruptObject = (PKINTERRUPT *)0x10;
        TestConnect(&Connection);
        break;
    case 3:
        ExpectStop(0xC4, 0x2000B, TEST_ANY, TEST_ANY, TEST_ANY,
                   "TC-51, CIE-STAT-5, DV-21 with the verifier on connecting at DISPATCH_LEVEL has "
                   "that one's code");
        KeRaiseIrql(DISPATCH_LEVEL, &irql);
        TestConnect(&Connection);
        break;
    default:
        ExpectStop(
            0xCA, 2, (ULONG64)device->Self, (ULONG64)TestDriver, TEST_ANY,
            "CIE-STAT-7, BC-CA-2 with the verifier on a device object that is not a PDO is a "
            "bug check");
        FULL(&Connection).PhysicalDeviceObject = device->Self;
        TestConnect(&Connection);
    }
}

const TEST_GROUP TestGroup = {.Run = Run, .Stop = Stop};
