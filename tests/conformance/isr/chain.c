/*
 * chain.c - several routines on one line: who is called, in what order, under what.
 */
#include "isr.h"

#define HANDLERS 3
#define STARVED 50

static volatile LONG Sequence;
static LONG Place[LINE_DEVICES];
static LONG LockSeen[2];
static KSPIN_LOCK Locks[2];

static BOOLEAN PlaceBody(PTEST_CONNECTION C, PKINTERRUPT Interrupt, ULONG MessageId)
{
    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(MessageId);
    *(PLONG)C->BodyContext = InterlockedIncrement(&Sequence);
    return TestAcknowledge(C->Device);
}

static VOID Reset(ULONG Devices)
{
    ULONG i;

    Sequence = 0;
    for (i = 0; i < Devices; i++) {
        TestResetCounts(&Shared[i]);
        Shared[i].Body = PlaceBody;
        Shared[i].BodyContext = &Place[i];
    }
}

/* One asks: those before it are called in order and find nothing, it claims, nobody after it. */
static VOID CheckEach(ULONG Devices)
{
    ULONG asking, i, claims = 0, early = 0, late = 0, order = 0;

    for (asking = 0; asking < Devices; asking++) {
        Reset(Devices);
        TestRaise(Shared[asking].Device, 0);
        TestWaitCalls(&Shared[asking], 1);
        for (i = 0; i < Devices; i++) {
            claims += (ULONG)Shared[i].Claims;
            early += i < asking && Shared[i].Calls == 1;
            late += i > asking && Shared[i].Calls != 0;
            order += i <= asking && Place[i] == (LONG)i + 1;
        }
        claims += Shared[asking].Claims != 1 ? 100 : 0;
    }
    ExpectEqual(claims, Devices, "HW-51, SHR-1 each that asks is claimed by its own routine alone");
    ExpectEqual(early, Devices * (Devices - 1) / 2,
                "HW-51, ISR-7, SPUR-1 the routines before it find nothing and return FALSE");
    ExpectEqual(late, 0, "HW-52, SHR-3 on a level line nobody is called after the first TRUE");
    ExpectEqual(order, Devices * (Devices + 1) / 2,
                "SHR-2 routines are called in the order in which they were connected");
}

static VOID CheckTogether(ULONG Devices)
{
    ULONG i, claims = 0;
    KIRQL irql;

    Reset(Devices);
    KeRaiseIrql(HIGH_LEVEL, &irql);
    for (i = 0; i < Devices; i++)
        TestRaise(Shared[i].Device, 0);
    KeLowerIrql(irql);
    for (i = 0; i < Devices; i++) {
        TestSpinUntil(&Shared[i].Claims, 1, 5000);
        claims += Shared[i].Claims == 1;
    }
    ExpectEqual(claims, Devices,
                "HW-52, SHR-3, ISR-7 when all ask together the line recurs until all are served");
}

static VOID CheckInactive(VOID)
{
    Reset(2);
    TestSetActive(&Shared[0], FALSE);
    TestRaise(Shared[1].Device, 0);
    Expect(TestWaitCalls(&Shared[1], 1) && Shared[0].Calls == 0,
           "SHR-6 an inactive object in the chain is skipped");
    TestSetActive(&Shared[0], TRUE);
    TestRaise(Shared[1].Device, 0);
    Expect(TestWaitCalls(&Shared[1], 2) && Shared[0].Calls == 1, "SHR-6 active again it is called");
}

/* The first claims what is not its own, so many times. */
static BOOLEAN GreedyBody(PTEST_CONNECTION C, PKINTERRUPT Interrupt, ULONG MessageId)
{
    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(MessageId);
    if (C->Calls < STARVED)
        return TRUE;
    if (C->Calls == STARVED)
        *(PLONG)C->BodyContext = Shared[1].Calls;
    return TestAcknowledge(C->Device);
}

static VOID CheckStarved(VOID)
{
    static LONG callsOfSecond = -1;

    Reset(2);
    Shared[0].Body = GreedyBody;
    Shared[0].BodyContext = &callsOfSecond;
    TestRaise(Shared[1].Device, 0);
    TestSpinUntil(&Shared[1].Claims, 1, 5000);
    ExpectEqual((ULONG)callsOfSecond, 0,
                "SPUR-7 who claims what is not his own keeps the other from being called");
    ExpectEqual((ULONG)Shared[1].Claims, 1, "SPUR-7 until he stops");
}

static VOID Disconnect(ULONG Devices)
{
    ULONG i;

    for (i = 0; i < Devices; i++)
        TestDisconnect(&Shared[i]);
}

/* ---- each under its own lock ---------------------------------------------------------------- */

static BOOLEAN LockBody(PTEST_CONNECTION C, PKINTERRUPT Interrupt, ULONG MessageId)
{
    ULONG self = C == &Shared[1];

    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(MessageId);
    LockSeen[self] = (Locks[self] != 0) | (Locks[1 - self] != 0) << 1;
    return TestAcknowledge(C->Device);
}

static VOID CheckLocks(VOID)
{
    ULONG i;

    for (i = 0; i < 2; i++) {
        TestPrepareFull(&Shared[i], TestFind(TestKindEdu, i), 0);
        KeInitializeSpinLock(&Locks[i]);
        FULL(&Shared[i]).SpinLock = &Locks[i];
        FULL(&Shared[i]).SynchronizeIrql = (KIRQL)(FULL(&Shared[i]).Irql + 1 + i);
        Shared[i].Body = LockBody;
        if (!TestConnectOrFail(&Shared[i], "SHR-5 objects of a chain with levels of their own"))
            return;
    }
    TestRaise(Shared[1].Device, 0);
    TestWaitCalls(&Shared[1], 1);
    Expect(Shared[0].Irql == FULL(&Shared[0]).SynchronizeIrql &&
               Shared[1].Irql == FULL(&Shared[1]).SynchronizeIrql,
           "SHR-5 each routine of a chain runs at its own SynchronizeIrql");
    Expect(LockSeen[0] == 1 && LockSeen[1] == 1, "SHR-5 with its own lock held and no other");
    Disconnect(2);
}

/* ---- who may join --------------------------------------------------------------------------- */

static VOID CheckRefused(VOID)
{
    TestPrepareFull(&Shared[0], TestFind(TestKindEdu, 0), 0);
    TestPrepareFull(&Shared[1], TestFind(TestKindEdu, 1), 0);
    if (!TestConnectOrFail(&Shared[0], "a device that shares connects"))
        return;
    FULL(&Shared[1]).ShareVector = FALSE;
    TestRefuse(&Shared[1], STATUS_INVALID_PARAMETER,
               "HW-54, SHR-1 who does not share is refused on an occupied line");
    FULL(&Shared[1]).ShareVector = TRUE;
    FULL(&Shared[1]).InterruptMode = Latched;
    TestRefuse(&Shared[1], STATUS_INVALID_PARAMETER,
               "HW-54 who asks for another mode is refused on an occupied line");
    TestExpectCall(&Shared[0], 0, FULL(&Shared[0]).SynchronizeIrql,
                   "HW-54 nothing has changed for who was there");
    TestDisconnect(&Shared[0]);
    FULL(&Shared[0]).ShareVector = FALSE;
    FULL(&Shared[1]).InterruptMode = LevelSensitive;
    if (!TestConnectOrFail(&Shared[0], "alone, a device need not share"))
        return;
    TestRefuse(&Shared[1], STATUS_INVALID_PARAMETER,
               "HW-54, SHR-1 nobody joins who does not share");
    TestDisconnect(&Shared[0]);
}

VOID CheckChain(ULONG Devices)
{
    ULONG i;

    for (i = 0; i < Devices; i++) {
        TestPrepareLine(&Shared[i], TestFind(TestKindEdu, i));
        if (!TestConnectOrFail(&Shared[i], "HW-51, SHR-1 devices of one line connect"))
            return;
        Expect(Shared[i].Device->Raw[0]->u.Interrupt.Vector ==
                       Shared[0].Device->Raw[0]->u.Interrupt.Vector &&
                   Shared[i].Device->Translated[0]->u.Interrupt.Vector ==
                       Shared[0].Device->Translated[0]->u.Interrupt.Vector,
               "HW-51 they have one line and one vector");
    }
    CheckEach(Devices);
    CheckTogether(Devices);
    CheckInactive();
    CheckStarved();
    Disconnect(Devices);
    CheckLocks();
    CheckRefused();
}

/* ---- an edge -------------------------------------------------------------------------------- */

/* The second device's edge comes while its routine has already been called. */
static BOOLEAN LateBody(PTEST_CONNECTION C, PKINTERRUPT Interrupt, ULONG MessageId)
{
    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(MessageId);
    return C->Calls == 0 && C == &Shared[2] ? TestAcknowledge(C->Device) : FALSE;
}

VOID CheckEdgeChain(PTEST_DEVICE Edge)
{
    ULONG i, calls = 0;

    for (i = 0; i < HANDLERS; i++) {
        TestPrepareFull(&Shared[i], Edge, 0);
        FULL(&Shared[i]).ShareVector = TRUE;
        Shared[i].Body = LateBody;
        if (!TestConnectOrFail(&Shared[i], "SHR-4 several routines connect to an edge line"))
            return;
    }
    TestRaise(Edge, 0);
    TestWaitCalls(&Shared[2], 2);
    for (i = 0; i < HANDLERS; i++)
        calls += Shared[i].Calls == 2;
    ExpectEqual(calls, HANDLERS,
                "SHR-4, HW-52 an edge's chain is walked whole until a pass of FALSE only");
    ExpectEqual((ULONG)(Shared[0].Claims + Shared[1].Claims + Shared[2].Claims), 1,
                "SHR-4 one claims in the first pass, nobody in the second");
    Disconnect(HANDLERS);
}
