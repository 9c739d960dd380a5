/*
 * storm.c - lines that nobody quiets, and devices whose driver has gone.
 *
 * The stops are run with a system that stops at a storm, as Windows does: storm=bugcheck.
 */
#include "isr.h"

#define PENDING_MS 20000
#define HOLD_US 30000
#define STORM_CALLS 1000 /* more than any device asks in a row */

static TEST_CONNECTION Connection, Other;
static volatile LONG Quiet, Held, Gone, GoneInside;

/* ---- storms --------------------------------------------------------------------------------- */

static BOOLEAN DeafBody(PTEST_CONNECTION C, PKINTERRUPT Interrupt, ULONG MessageId)
{
    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(MessageId);
    return Quiet ? TestAcknowledge(C->Device) : FALSE;
}

/* Nobody claims; that this thread goes on is the first thing to see. */
VOID CheckStorm(PTEST_DEVICE Device, PTEST_DEVICE Neighbour)
{
    ULONG waited;

    TestPrepareLine(&Connection, Device);
    TestPrepareLine(&Other, Neighbour);
    Connection.Body = DeafBody;
    Quiet = 0;
    if (!TestConnectOrFail(&Connection, "a line connects") ||
        !TestConnectOrFail(&Other, "another line connects"))
        return;
    TestRaise(Device, 0);
    for (waited = 0; waited < PENDING_MS && Connection.Calls < STORM_CALLS; waited++)
        TestPause(1);
    Expect(Connection.Calls >= STORM_CALLS && Connection.Claims == 0,
           "SPUR-2, SPUR-3, HW-53 a level line that nobody claims recurs, and threads still run");
    TestRaise(Neighbour, 0);
    Expect(TestWaitCalls(&Other, 1), "HW-53 other lines live on meanwhile");
    Quiet = 1;
    for (waited = 0; waited < PENDING_MS && Connection.Claims == 0; waited++)
        TestPause(1);
    ExpectEqual((ULONG)Connection.Claims, 1, "HW-53 the line is tried again, and now claimed");
    TestPause(5);
    TestRaise(Device, 0);
    for (waited = 0; waited < PENDING_MS && Connection.Claims < 2; waited++)
        TestPause(1);
    ExpectEqual((ULONG)Connection.Claims, 2, "HW-53 then it works as before");
    TestDisconnect(&Connection);
    TestDisconnect(&Other);
}

/* ---- after the driver ----------------------------------------------------------------------- */

/* Stays for a while; was the connection said to be gone at the end of it? */
static BOOLEAN HoldBody(PTEST_CONNECTION C, PKINTERRUPT Interrupt, ULONG MessageId)
{
    BOOLEAN asking = TestAcknowledge(C->Device);

    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(MessageId);
    Held = 1;
    KeStallExecutionProcessor(HOLD_US);
    GoneInside = Gone;
    return asking;
}

static VOID CheckWaits(PTEST_DEVICE Device)
{
    if (TestProcessors() < 2) {
        ExpectSkip("HW-55 disconnecting waits for a routine that runs", "one processor only");
        return;
    }
    TestPrepareFull(&Connection, Device, 0);
    Connection.Body = HoldBody;
    Held = Gone = 0;
    GoneInside = 1;
    if (!TestConnectOrFail(&Connection, "a line connects"))
        return;
    TestGoTo(TestOtherProcessor(TestLowestProcessor(FULL(&Connection).ProcessorEnableMask)));
    TestRaise(Device, 0);
    TestSpinUntil(&Held, 1, PENDING_MS);
    TestDisconnect(&Connection);
    Gone = 1;
    Expect(Held && GoneInside == 0 && Connection.Calls == 1,
           "HW-55, DIS-10 disconnecting waits for a routine that runs elsewhere");
    TestAnywhere();
}

/* The device goes on asking when nobody listens any more, alone on its line and not. */
static VOID CheckAsking(PTEST_DEVICE Device)
{
    PTEST_DEVICE neighbour = TestFind(TestKindEdu, 1);
    ULONG waited;

    TestPrepareLine(&Connection, Device);
    if (!TestConnectOrFail(&Connection, "a line connects"))
        return;
    TestDisconnect(&Connection);
    TestRaise(Device, 0);
    TestPause(20);
    ExpectEqual((ULONG)Connection.Calls, 0, "HW-55 after disconnecting there is no call");
    TestPrepareLine(&Other, neighbour);
    if (!TestConnectOrFail(&Other, "HW-56 its neighbour connects to the asserted line"))
        return;
    TestPause(20);
    TestAcknowledge(Device);
    TestResetCounts(&Other);
    TestRaise(neighbour, 0);
    for (waited = 0; waited < PENDING_MS && Other.Claims == 0; waited++)
        TestPause(1);
    ExpectEqual((ULONG)Other.Claims, 1,
                "HW-56 a device that asks after its driver has gone does not take the line along");
    TestDisconnect(&Other);
}

VOID CheckGone(PTEST_DEVICE Device)
{
    CheckWaits(Device);
    CheckAsking(Device);
}

/* ---- stops ---------------------------------------------------------------------------------- */

static BOOLEAN RaiseBody(PTEST_CONNECTION C, PKINTERRUPT Interrupt, ULONG MessageId)
{
    KIRQL irql;

    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(MessageId);
    KeRaiseIrql(HIGH_LEVEL, &irql);
    return TestAcknowledge(C->Device);
}

static BOOLEAN LowerBody(PTEST_CONNECTION C, PKINTERRUPT Interrupt, ULONG MessageId)
{
    BOOLEAN claimed = TestAcknowledge(C->Device);

    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(MessageId);
    KeLowerIrql(DISPATCH_LEVEL);
    return claimed;
}

static VOID StopWith(TEST_BODY Body, PCSTR Name)
{
    Connection.Body = Body;
    ExpectStop(0xF2, (ULONG_PTR)TestServiceRoutine, (ULONG_PTR)&Connection,
               (ULONG_PTR)Connection.Object, Other.Object != NULL ? 2 : 1, Name);
    TestRaise(Connection.Device, 0);
    TestPause(PENDING_MS);
}

VOID Stop(ULONG Number)
{
    Quiet = 0;
    TestPrepareLine(&Connection, TestFind(TestKindEdu, 0));
    if (!NT_SUCCESS(TestConnect(&Connection)))
        return;
    if (Number == 0) {
        StopWith(DeafBody, "TC-46, SPUR-2, HW-53 a line that its only routine does not claim");
    } else if (Number == 1) {
        TestPrepareLine(&Other, TestFind(TestKindEdu, 1));
        if (NT_SUCCESS(TestConnect(&Other)))
            StopWith(DeafBody, "SPUR-2, HW-53 a line that none of two routines claims");
    } else if (Number == 2) {
        StopWith(TestClaim, "SPUR-2, SPUR-3 a line that is claimed and not quieted");
    } else if (Number == 4) {
        Connection.Body = LowerBody;
        ExpectStop(0xC4, 0x111, (ULONG_PTR)TestServiceRoutine, TestLevel(Connection.Device),
                   DISPATCH_LEVEL,
                   "TC-47, DV-15 a routine of a driver that is verified returns at a lower level");
        TestRaise(Connection.Device, 0);
        TestPause(PENDING_MS);
    } else {
        Connection.Body = RaiseBody;
        ExpectStop(0xC8, TEST_ANY, (ULONG_PTR)TestServiceRoutine, (ULONG_PTR)Connection.Object,
                   TEST_ANY,
                   "ISR-20 a routine that returns at another level than it was called at");
        TestRaise(Connection.Device, 0);
        TestPause(PENDING_MS);
    }
}
