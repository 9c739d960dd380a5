/*
 * pins.c - the IOAPIC: what connecting writes, edges, levels, masks, destinations.
 */
#include "apic.h"

#define PINS_ID_MASK 0x0F000000u
#define QUIET_MS 20

static TEST_CONNECTION Connection, Other;
static volatile LONG Sequence;

static struct {
    ULONG Rounds; /* calls that leave the line as it is */
    ULONG Pin;
    ULONG Entry; /* in the first call */
    ULONG Destination;
} Plan;

/* ---- registers ------------------------------------------------------------------------------ */

static VOID CheckRegisters(VOID)
{
    ULONG version = IoapicRead(IOAPIC_VERSION), id = IoapicRead(IOAPIC_ID), all, other;

    IoapicWrite(IOAPIC_VERSION, ~version);
    ExpectEqual(IoapicRead(IOAPIC_VERSION), version, "HW-31 the version register is read-only");
    Expect((version >> 16 & 0xFF) + 1 <= 240, "HW-31 it tells of no more than 240 pins");
    IoapicWrite(IOAPIC_ID, ~0u);
    all = IoapicRead(IOAPIC_ID);
    IoapicWrite(IOAPIC_ID, 0x05000000);
    other = IoapicRead(IOAPIC_ARBITRATION);
    IoapicWrite(IOAPIC_ARBITRATION, 0);
    ExpectEqual(all, PINS_ID_MASK, "HW-32 of the id register bits 24 to 27 can be written");
    ExpectEqual(other, 0x05000000, "HW-32 the arbitration id mirrors it");
    ExpectEqual(IoapicRead(IOAPIC_ARBITRATION), other, "HW-32 and is read-only");
    IoapicWrite(IOAPIC_ID, id);
}

static VOID CheckEntries(PTEST_DEVICE Line, PTEST_DEVICE Edge)
{
    ULONG pins = (IoapicRead(IOAPIC_VERSION) >> 16 & 0xFF) + 1, pin, open = 0, bad = 0;

    for (pin = 0; pin < pins; pin++) {
        open += (PinRead(pin, FALSE) & PIN_MASKED) == 0;
        bad += (PinRead(pin, FALSE) & 0xFFFE0000) != 0 || (PinRead(pin, TRUE) & 0xFFFF) != 0;
    }
    Expect(open <= 1, "HW-33 entries that nobody connected are masked; the system has one, ACPI's");
    ExpectEqual(bad, 0, "HW-33 reserved bits of the entries are as they were, 0");
    Expect((PinRead(PinOf(Line), FALSE) & PinRead(PinOf(Edge), FALSE) & PIN_MASKED) != 0,
           "HW-33, RES-MSI-13 before it is connected a line's entry is masked");
}

static VOID CheckConnected(PTEST_DEVICE Device, BOOLEAN Level, PCSTR Name)
{
    ULONG low, high, wanted;

    TestPrepareFull(&Connection, Device, 0);
    if (!TestConnectOrFail(&Connection, Name))
        return;
    low = PinRead(PinOf(Device), FALSE);
    high = PinRead(PinOf(Device), TRUE);
    wanted = Level ? PIN_LEVEL : 0;
    if (Device->Remapped) { /* the rest names an entry of the unit */
        ExpectEqual(low & (PIN_LEVEL | PIN_MASKED), wanted, Name);
    } else {
        ExpectEqual(low & ~PIN_LOW, wanted | FULL(&Connection).Vector, Name);
        ExpectEqual(high >> 24, TestLowestProcessor(FULL(&Connection).ProcessorEnableMask),
                    "HW-46, CIE-FULL-19 its destination is the processor of the descriptor");
    }
    TestDisconnect(&Connection);
    Expect((PinRead(PinOf(Device), FALSE) & PIN_MASKED) != 0,
           "HW-33 when nobody is connected any more the entry is masked");
}

VOID CheckIoapic(PTEST_DEVICE Line, PTEST_DEVICE Edge)
{
    CheckRegisters();
    CheckEntries(Line, Edge);
    CheckConnected(Line, TRUE, "HW-46 connecting a level line writes its vector, level, unmasked");
    CheckConnected(Edge, FALSE, "HW-46 connecting an edge line writes its vector, edge, unmasked");
}

/* ---- level ---------------------------------------------------------------------------------- */

static BOOLEAN KeepBody(PTEST_CONNECTION C, PKINTERRUPT Interrupt, ULONG MessageId)
{
    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(MessageId);
    if (C->Calls == 0)
        Plan.Entry = PinRead(Plan.Pin, FALSE);
    if (C->Calls < (LONG)Plan.Rounds)
        return TRUE;
    return TestAcknowledge(C->Device);
}

/* Down, up and down again before it returns. */
static BOOLEAN ToggleBody(PTEST_CONNECTION C, PKINTERRUPT Interrupt, ULONG MessageId)
{
    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(MessageId);
    TestAcknowledge(C->Device);
    TestRaise(C->Device, 0);
    return TestAcknowledge(C->Device);
}

/* Down and up; the second call, down. */
static BOOLEAN SequentialBody(PTEST_CONNECTION C, PKINTERRUPT Interrupt, ULONG MessageId)
{
    BOOLEAN asking = TestAcknowledge(C->Device);

    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(MessageId);
    if (C->Calls == 0)
        TestRaise(C->Device, 0);
    return asking;
}

static BOOLEAN MaskBody(PTEST_CONNECTION C, PKINTERRUPT Interrupt, ULONG MessageId)
{
    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(MessageId);
    if (C->Calls > 0)
        return TestAcknowledge(C->Device);
    PinMask(Plan.Pin, TRUE);
    return TRUE;
}

/* The device is quiet; the entry is given another destination while it is in service. */
static BOOLEAN MoveBody(PTEST_CONNECTION C, PKINTERRUPT Interrupt, ULONG MessageId)
{
    ULONG low = PinRead(Plan.Pin, FALSE);

    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(MessageId);
    Plan.Entry = low;
    PinWrite(Plan.Pin, Plan.Destination << 24, low);
    return TestAcknowledge(C->Device);
}

static BOOLEAN RaiseWith(TEST_BODY Body, ULONG Rounds, LONG Calls)
{
    TestResetCounts(&Connection);
    Plan.Rounds = Rounds;
    Connection.Body = Body;
    TestRaise(Connection.Device, 0);
    return TestWaitCalls(&Connection, Calls);
}

static VOID CheckMasks(VOID)
{
    TestResetCounts(&Connection);
    Connection.Body = NULL;
    TestSetActive(&Connection, FALSE);
    TestRaise(Connection.Device, 0);
    TestPause(QUIET_MS);
    ExpectEqual((ULONG)Connection.Calls, 0, "HW-40 a level line that is masked makes no call");
    TestSetActive(&Connection, TRUE);
    Expect(TestWaitCalls(&Connection, 1), "HW-40 still asserted when unmasked it makes one");
    Expect((PinRead(Plan.Pin, FALSE) & PIN_REMOTE_IRR) == 0,
           "HW-43 Remote IRR is clear after masking and unmasking");
    Expect(RaiseWith(MaskBody, 0, 1), "HW-41 masked in the routine, still high: no second call");
    PinMask(Plan.Pin, FALSE);
    Expect(TestWaitCalls(&Connection, 2), "HW-41 unmasked later: exactly two");
}

static VOID CheckServiceMove(VOID)
{
    ULONG high = PinRead(Plan.Pin, TRUE);

    if (TestProcessors() < 2 || Connection.Device->Remapped) {
        ExpectSkip("HW-44 an entry that moves while in service is ended",
                   TestProcessors() < 2 ? "one processor only"
                                        : "a pin names an entry of the remapping unit");
        return;
    }
    Plan.Destination = TestOtherProcessor(high >> 24);
    RaiseWith(MoveBody, 0, 1);
    Expect((Plan.Entry & PIN_REMOTE_IRR) != 0 && (PinRead(Plan.Pin, FALSE) & PIN_REMOTE_IRR) == 0,
           "HW-44 an entry that moves while in service is ended by the old processor");
    PinWrite(Plan.Pin, high, PinRead(Plan.Pin, FALSE));
    Expect(RaiseWith(NULL, 0, 1), "HW-44 and the line goes on");
}

VOID CheckLevel(PTEST_DEVICE Line)
{
    TestPrepareFull(&Connection, Line, 0);
    Plan.Pin = PinOf(Line);
    if (!TestConnectOrFail(&Connection, "a level line connects"))
        return;
    Expect(RaiseWith(KeepBody, 0, 1), "HW-35 quieted in its routine a level line makes one call");
    Expect((Plan.Entry & PIN_REMOTE_IRR) != 0, "HW-43 Remote IRR is set in the routine");
    Expect((PinRead(Plan.Pin, FALSE) & PIN_REMOTE_IRR) == 0, "HW-43 and clear after it");
    Expect(RaiseWith(KeepBody, 3, 4), "HW-36, SHR-3 kept asserted it fires again after each end");
    Expect(RaiseWith(ToggleBody, 0, 1), "HW-37 toggled in the routine and quiet: still one call");
    Expect(RaiseWith(SequentialBody, 0, 2), "HW-38 asserted again in the routine: a second call");
    CheckMasks();
    CheckServiceMove();
    TestDisconnect(&Connection);
}

/* ---- edge ----------------------------------------------------------------------------------- */

VOID CheckEdge(PTEST_DEVICE Edge)
{
    TestPrepareFull(&Connection, Edge, 0);
    Plan.Pin = PinOf(Edge);
    if (!TestConnectOrFail(&Connection, "an edge line connects"))
        return;
    Expect(RaiseWith(NULL, 0, 1), "HW-34 one edge makes one call");
    Expect(RaiseWith(KeepBody, 1, 1), "HW-34 a line that stays high makes no second one");
    TestAcknowledge(Edge);
    TestResetCounts(&Connection);
    Connection.Body = NULL;
    PinMask(Plan.Pin, TRUE);
    TestRaise(Edge, 0);
    PinMask(Plan.Pin, FALSE);
    TestPause(QUIET_MS);
    ExpectEqual((ULONG)Connection.Calls, 0, "HW-39 an edge that comes while masked is lost");
    TestAcknowledge(Edge);
    TestSetActive(&Connection, FALSE);
    TestRaise(Edge, 0);
    TestPause(QUIET_MS);
    TestAcknowledge(Edge);
    TestSetActive(&Connection, TRUE);
    TestPause(QUIET_MS);
    ExpectEqual((ULONG)Connection.Calls, 0, "ACT-12 so is one that comes while it is inactive");
    Expect(RaiseWith(NULL, 0, 1), "HW-39 the next edge after it is not");
    TestDisconnect(&Connection);
}

/* ---- two lines, and routes of our own making ------------------------------------------------ */

static BOOLEAN OrderBody(PTEST_CONNECTION C, PKINTERRUPT Interrupt, ULONG MessageId)
{
    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(MessageId);
    *(volatile LONG *)C->BodyContext = InterlockedIncrement(&Sequence);
    return TestAcknowledge(C->Device);
}

static VOID CheckTogether(PTEST_DEVICE Line, PTEST_DEVICE Edge)
{
    static volatile LONG place[2];
    ULONG_PTR flags;
    BOOLEAN first;

    TestPrepareFull(&Connection, Line, 0);
    TestPrepareFull(&Other, Edge, 0);
    if (FULL(&Connection).ProcessorEnableMask != FULL(&Other).ProcessorEnableMask) {
        ExpectSkip("HW-42 of two lines that ask together the higher vector comes first",
                   "the lines are on different processors");
        return;
    }
    TestGoTo(TestLowestProcessor(FULL(&Other).ProcessorEnableMask));
    Connection.Body = Other.Body = OrderBody;
    Connection.BodyContext = (PVOID)&place[0];
    Other.BodyContext = (PVOID)&place[1];
    Sequence = 0;
    if (TestConnectOrFail(&Connection, "a level line connects") &&
        TestConnectOrFail(&Other, "an edge line connects")) {
        flags = InterruptsOff();
        TestRaise(Line, 0);
        TestRaise(Edge, 0);
        InterruptsRestore(flags);
        TestWaitCalls(&Connection, 1);
        TestWaitCalls(&Other, 1);
        first = FULL(&Connection).Vector > FULL(&Other).Vector;
        Expect(place[0] == (first ? 1 : 2) && place[1] == (first ? 2 : 1),
               "HW-42 of two lines that ask together the higher vector comes first");
    }
    TestDisconnect(&Connection);
    TestDisconnect(&Other);
    TestAnywhere();
}

/* One edge, sent where the entry says; the messages' routines take it. */
static ULONG EdgeReaches(PTEST_DEVICE Edge, ULONG Destination, ULONG Flags)
{
    ULONG pin = PinOf(Edge), reached = 0, i;

    MessagesReset();
    PinWrite(pin, Destination << 24, Flags | MessageVector(0));
    TestRaise(Edge, 0);
    TestPause(QUIET_MS);
    TestAcknowledge(Edge);
    for (i = 0; i < MESSAGES; i++)
        reached |= (ULONG)(Messages[i].Calls == 1) << i;
    return reached;
}

static VOID CheckDestinations(PTEST_DEVICE Edge)
{
    ULONG pin = PinOf(Edge), high = PinRead(pin, TRUE), low = PinRead(pin, FALSE), i;
    LOGICAL_MODE before[MESSAGES], modes[MESSAGES];

    if (!MessagesAreSpread() || Edge->Remapped) {
        ExpectSkip("HW-45 a pin reaches the processors its destination names",
                   Edge->Remapped ? "a pin names an entry of the remapping unit"
                                  : "not four processors with a message each");
        return;
    }
    ExpectEqual(EdgeReaches(Edge, 1, 0), 2, "HW-45 a physical destination: processor 1");
    KeIpiGenericCall(LogicalRead, (ULONG_PTR)before);
    for (i = 0; i < MESSAGES; i++)
        modes[i] = (LOGICAL_MODE){APIC_DFR_FLAT, 1u << (24 + i)};
    KeIpiGenericCall(LogicalWrite, (ULONG_PTR)modes);
    ExpectEqual(EdgeReaches(Edge, 0xD, PIN_LOGICAL), 0xD,
                "HW-45 the logical destination D hex: exactly its three processors");
    KeIpiGenericCall(LogicalWrite, (ULONG_PTR)before);
    PinWrite(pin, high, low);
}

VOID CheckRoutes(PTEST_DEVICE Line, PTEST_DEVICE Edge)
{
    CheckTogether(Line, Edge);
    CheckDestinations(Edge);
}
