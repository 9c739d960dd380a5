/*
 * connection.c - a connect call, its ISR, and what that saw.
 */
#include "suite.h"

#define PENDING_MS 10000
#define SETTLE_MS 4
#define QUIET_MS 5
#define STALE ((PVOID)(ULONG_PTR)0xDEAD)

volatile LONG TestLockHeld;

static VOID Note(PTEST_CONNECTION Connection, PKINTERRUPT Interrupt, ULONG MessageId)
{
    LONG inside = InterlockedIncrement(&Connection->Inside);

    if (inside > Connection->MostInside)
        Connection->MostInside = inside;
    Connection->Interrupt = Interrupt;
    Connection->MessageId = MessageId;
    Connection->Irql = KeGetCurrentIrql();
    Connection->Processor = TestCurrentProcessor();
    Connection->Flags = __readeflags();
    Connection->Stack = (ULONG_PTR)__builtin_frame_address(0);
    Connection->Thread = (PKTHREAD)PsGetCurrentThread();
    if (MessageId < TEST_MESSAGES)
        InterlockedIncrement(&Connection->MessageCalls[MessageId]);
}

BOOLEAN TestClaim(PTEST_CONNECTION Connection, PKINTERRUPT Interrupt, ULONG MessageId)
{
    UNREFERENCED_PARAMETER(Connection);
    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(MessageId);
    return TRUE;
}

static BOOLEAN Serve(PTEST_CONNECTION Connection, PKINTERRUPT Interrupt, ULONG MessageId)
{
    BOOLEAN claimed;

    Note(Connection, Interrupt, MessageId);
    if (Connection->Body != NULL)
        claimed = Connection->Body(Connection, Interrupt, MessageId);
    else
        claimed = TestAcknowledge(Connection->Device);
    if (claimed)
        InterlockedIncrement(&Connection->Claims);
    InterlockedDecrement(&Connection->Inside);
    InterlockedIncrement(&Connection->Calls);
    return claimed;
}

BOOLEAN NTAPI TestServiceRoutine(PKINTERRUPT Interrupt, PVOID Context)
{
    PTEST_CONNECTION connection = Context;

    InterlockedIncrement(&connection->Fallbacks);
    return Serve(connection, Interrupt, 0);
}

BOOLEAN NTAPI TestMessageRoutine(PKINTERRUPT Interrupt, PVOID Context, ULONG MessageId)
{
    return Serve(Context, Interrupt, MessageId);
}

static VOID Clear(PTEST_CONNECTION Connection, PTEST_DEVICE Device)
{
    RtlZeroMemory(Connection, sizeof(*Connection));
    Connection->Device = Device;
}

VOID TestPrepareFull(PTEST_CONNECTION Connection, PTEST_DEVICE Device, ULONG Index)
{
    PIO_CONNECT_INTERRUPT_PARAMETERS parameters = &Connection->Parameters;
    PCM_PARTIAL_RESOURCE_DESCRIPTOR descriptor = Device->Translated[Index];

    Clear(Connection, Device);
    parameters->Version = CONNECT_FULLY_SPECIFIED;
    parameters->FullySpecified.PhysicalDeviceObject = Device->Physical;
    parameters->FullySpecified.InterruptObject = &Connection->Object;
    parameters->FullySpecified.ServiceRoutine = TestServiceRoutine;
    parameters->FullySpecified.ServiceContext = Connection;
    parameters->FullySpecified.ShareVector = descriptor->ShareDisposition == CmResourceShareShared;
    parameters->FullySpecified.InterruptMode =
        descriptor->Flags & CM_RESOURCE_INTERRUPT_LATCHED ? Latched : LevelSensitive;
    if (descriptor->Flags & CM_RESOURCE_INTERRUPT_MESSAGE) {
        parameters->FullySpecified.Vector = descriptor->u.MessageInterrupt.Translated.Vector;
        parameters->FullySpecified.Irql = (KIRQL)descriptor->u.MessageInterrupt.Translated.Level;
        parameters->FullySpecified.Group = descriptor->u.MessageInterrupt.Translated.Group;
        parameters->FullySpecified.ProcessorEnableMask =
            descriptor->u.MessageInterrupt.Translated.Affinity;
    } else {
        parameters->FullySpecified.Vector = descriptor->u.Interrupt.Vector;
        parameters->FullySpecified.Irql = (KIRQL)descriptor->u.Interrupt.Level;
        parameters->FullySpecified.Group = descriptor->u.Interrupt.Group;
        parameters->FullySpecified.ProcessorEnableMask = descriptor->u.Interrupt.Affinity;
    }
    parameters->FullySpecified.SynchronizeIrql = parameters->FullySpecified.Irql;
}

VOID TestPrepareLine(PTEST_CONNECTION Connection, PTEST_DEVICE Device)
{
    PIO_CONNECT_INTERRUPT_PARAMETERS parameters = &Connection->Parameters;

    Clear(Connection, Device);
    parameters->Version = CONNECT_LINE_BASED;
    parameters->LineBased.PhysicalDeviceObject = Device->Physical;
    parameters->LineBased.InterruptObject = &Connection->Object;
    parameters->LineBased.ServiceRoutine = TestServiceRoutine;
    parameters->LineBased.ServiceContext = Connection;
}

VOID TestPrepareMessage(PTEST_CONNECTION Connection, PTEST_DEVICE Device, BOOLEAN Fallback)
{
    PIO_CONNECT_INTERRUPT_PARAMETERS parameters = &Connection->Parameters;

    Clear(Connection, Device);
    parameters->Version = CONNECT_MESSAGE_BASED;
    parameters->MessageBased.PhysicalDeviceObject = Device->Physical;
    parameters->MessageBased.ConnectionContext.Generic = &Connection->Context;
    parameters->MessageBased.MessageServiceRoutine = TestMessageRoutine;
    parameters->MessageBased.ServiceContext = Connection;
    parameters->MessageBased.FallBackServiceRoutine = Fallback ? TestServiceRoutine : NULL;
}

NTSTATUS TestConnect(PTEST_CONNECTION Connection)
{
    return IoConnectInterruptEx(&Connection->Parameters);
}

NTSTATUS TestConnectLegacy(PTEST_CONNECTION Connection)
{
    PIO_CONNECT_INTERRUPT_FULLY_SPECIFIED_PARAMETERS full = &FULL(Connection);

    return IoConnectInterrupt(full->InterruptObject, full->ServiceRoutine, full->ServiceContext,
                              full->SpinLock, full->Vector, full->Irql, full->SynchronizeIrql,
                              full->InterruptMode, full->ShareVector, full->ProcessorEnableMask,
                              full->FloatingSave);
}

BOOLEAN TestConnectOrFail(PTEST_CONNECTION Connection, PCSTR Name)
{
    NTSTATUS status = TestConnect(Connection);

    if (NT_SUCCESS(status) && Connection->Context != NULL)
        return TRUE;
    ExpectStatus(status, STATUS_SUCCESS, Name);
    return FALSE;
}

VOID TestRefuse(PTEST_CONNECTION Connection, NTSTATUS Wanted, PCSTR Name)
{
    IO_CONNECT_INTERRUPT_PARAMETERS before = Connection->Parameters;
    NTSTATUS status;

    Connection->Context = STALE;
    status = TestConnect(Connection);
    ExpectStatus(status, Wanted, Name);
    if (NT_SUCCESS(status)) {
        TestDisconnect(Connection);
        return;
    }
    Expect(Connection->Context == NULL || Connection->Context == STALE,
           "CIE-FULL-5 a refused call stores no object");
    Expect(RtlCompareMemory(&before, &Connection->Parameters, sizeof(before)) == sizeof(before),
           "CIE-OUT-4, CIE-OUT-6 a refused call leaves Version and every other member");
    Connection->Context = NULL;
}

VOID TestDisconnectAs(ULONG Version, PVOID Context)
{
    IO_DISCONNECT_INTERRUPT_PARAMETERS parameters;

    RtlZeroMemory(&parameters, sizeof(parameters));
    parameters.Version = Version;
    parameters.ConnectionContext.Generic = Context;
    IoDisconnectInterruptEx(&parameters);
}

VOID TestDisconnect(PTEST_CONNECTION Connection)
{
    if (Connection->Context == NULL)
        return;
    TestDisconnectAs(Connection->Parameters.Version, Connection->Context);
    Connection->Context = NULL;
}

VOID TestSetActive(PTEST_CONNECTION Connection, BOOLEAN Active)
{
    PLAG_REPORT_ACTIVE_STATE report =
        TestRoutine(Active ? L"IoReportInterruptActive" : L"IoReportInterruptInactive");
    LAG_ACTIVE_STATE_PARAMETERS parameters;

    RtlZeroMemory(&parameters, sizeof(parameters));
    parameters.Version = Connection->Parameters.Version;
    parameters.ConnectionContext.Generic = Connection->Context;
    report(&parameters);
}

VOID TestResetCounts(PTEST_CONNECTION Connection)
{
    Connection->Calls = Connection->Claims = Connection->Fallbacks = 0;
    Connection->MostInside = 0;
    RtlZeroMemory((PVOID)Connection->MessageCalls, sizeof(Connection->MessageCalls));
}

BOOLEAN TestWaitCalls(PTEST_CONNECTION Connection, LONG Calls)
{
    ULONG waited;

    for (waited = 0; waited < PENDING_MS && Connection->Calls < Calls; waited++)
        TestPause(1);
    TestPause(SETTLE_MS);
    return Connection->Calls == Calls;
}

PKINTERRUPT TestObject(PTEST_CONNECTION Connection)
{
    ULONG version = Connection->Parameters.Version;

    if (version == CONNECT_MESSAGE_BASED || version == CONNECT_MESSAGE_BASED_PASSIVE)
        return Connection->Table->MessageInfo[0].InterruptObject;
    return Connection->Object;
}

LONG TestCallsUnderLock(PTEST_CONNECTION Connection, PKINTERRUPT Object, ULONG Message,
                        ULONG Milliseconds)
{
    KIRQL irql = KeAcquireInterruptSpinLock(Object);
    LONG calls;

    TestRaise(Connection->Device, Message);
    TestSpinUntil(&Connection->Calls, 1, Milliseconds);
    calls = Connection->Calls;
    KeReleaseInterruptSpinLock(Object, irql);
    return calls;
}

VOID TestExpectCall(PTEST_CONNECTION Connection, ULONG Message, ULONG Irql, PCSTR Name)
{
    ULONG version = Connection->Parameters.Version;
    BOOLEAN table = version == CONNECT_MESSAGE_BASED || version == CONNECT_MESSAGE_BASED_PASSIVE;
    PKINTERRUPT wanted =
        table ? Connection->Table->MessageInfo[Message].InterruptObject : Connection->Object;

    TestResetCounts(Connection);
    TestRaise(Connection->Device, Message);
    Expect(TestWaitCalls(Connection, 1), Name);
    ExpectEqual(Connection->Irql, Irql, "ISR-3, CIE-SYNC-10 it runs at SynchronizeIrql");
    ExpectEqual((ULONG64)Connection->Interrupt, (ULONG64)wanted,
                "ISR-2 it gets the object that the call stored");
    ExpectEqual(Connection->MessageId, table ? Message : 0, "MISR-2 it gets its message's number");
    ExpectEqual((ULONG)Connection->Claims, 1, "ISR-8 it finds its device asking");
}

VOID TestExpectSilence(PTEST_CONNECTION Connection, ULONG Message, PCSTR Name)
{
    TestResetCounts(Connection);
    TestRaise(Connection->Device, Message);
    TestPause(QUIET_MS);
    ExpectEqual((ULONG)Connection->Calls, 0, Name);
    TestAcknowledge(Connection->Device);
}

BOOLEAN TestSlowBody(PTEST_CONNECTION Connection, PKINTERRUPT Interrupt, ULONG MessageId)
{
    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(MessageId);
    KeStallExecutionProcessor((ULONG)(ULONG_PTR)Connection->BodyContext);
    return TestAcknowledge(Connection->Device);
}

BOOLEAN TestLockBody(PTEST_CONNECTION Connection, PKINTERRUPT Interrupt, ULONG MessageId)
{
    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(MessageId);
    TestLockHeld = *(volatile KSPIN_LOCK *)Connection->BodyContext != 0;
    return TestAcknowledge(Connection->Device);
}

ULONG TestInterruptProcessor(PKINTERRUPT Object)
{
    GROUP_AFFINITY affinity = {0};

    IoGetAffinityInterrupt(Object, &affinity);
    return TestLowestProcessor(affinity.Mask);
}

KIRQL TestLevel(PTEST_DEVICE Device)
{
    return (KIRQL)Device->Translated[0]->u.Interrupt.Level; /* also a message's: CIE-KMDF-11 */
}
