/*
 * deliver.c - which call comes for which message, and which calls exclude each other. The driver
 * never touches the MSI or MSI-X capability: that is the bus driver's (CIE-LIFE-8).
 */
#include "message.h"

#define LOCK_MS 5
#define OVERLAP_MS 2000
#define LONG_ROUTINE_US 3000
#define BURST 8

static TEST_CONNECTION Connection;
static KSPIN_LOCK Lock;

VOID DeliverEach(PTEST_DEVICE Device)
{
    ULONG i;

    TestPrepareMessage(&Connection, Device, FALSE);
    if (!TestConnectOrFail(&Connection, "CIE-MSG-4 messages connect"))
        return;
    for (i = 0; i < Connection.Table->MessageCount; i++)
        TestExpectCall(
            &Connection, i, Connection.Table->UnifiedIrql,
            "CIE-MSG-4, CIE-LIFE-8, CIE-MTAB-1, CIE-MTAB-10, CIE-SYNC-14, CIE-SYNC-15, MISR-1, "
            "MISR-7, ISR-3 each message makes one call of the one routine, at "
            "UnifiedIrql, with its number and object");
    ExpectEqual((ULONG)Connection.Fallbacks, 0, "MISR-1 the routine is an InterruptMessageService");
    TestDisconnect(&Connection);
}

VOID DeliverAtFloor(PTEST_DEVICE Device)
{
    KIRQL level = TestLevel(Device), floors[2];
    ULONG i, j;

    floors[0] = level + 1;
    floors[1] = level - 1;
    for (i = 0; i < 2; i++) {
        TestPrepareMessage(&Connection, Device, FALSE);
        MESSAGE(&Connection).SynchronizeIrql = floors[i];
        if (!TestConnectOrFail(&Connection, "CIE-MSG-9 any device level connects as a floor"))
            continue;
        if (floors[i] > Connection.Table->MessageInfo[0].Irql)
            ExpectEqual(Connection.Table->UnifiedIrql, floors[i],
                        "CIE-MSG-9, CIE-MSG-10, CIE-SYNC-5, CIE-SYNC-8 a higher SynchronizeIrql "
                        "becomes that of all messages");
        else
            ExpectEqual(Connection.Table->UnifiedIrql, level,
                        "CIE-MSG-9, CIE-SYNC-8 a lower SynchronizeIrql is raised to the messages'");
        for (j = 0; j < Connection.Table->MessageCount; j++)
            TestExpectCall(&Connection, j, Connection.Table->UnifiedIrql,
                           "CIE-MSG-9, CIE-MSG-10 each message is called at that level");
        TestDisconnect(&Connection);
    }
}

/* Waits inside the routine of message 0 until that of message 1 is inside, too. */
static BOOLEAN MeetBody(PTEST_CONNECTION C, PKINTERRUPT Interrupt, ULONG MessageId)
{
    UNREFERENCED_PARAMETER(Interrupt);
    if (MessageId == 0)
        TestSpinUntil(&C->MessageCalls[1], 1, OVERLAP_MS);
    return TestAcknowledge(C->Device);
}

static BOOLEAN OnOneProcessor(PIO_INTERRUPT_MESSAGE_INFO Table)
{
    return Table->MessageCount < 2 ||
           Table->MessageInfo[0].TargetProcessorSet == Table->MessageInfo[1].TargetProcessorSet;
}

VOID DeliverUnderOwnLocks(PTEST_DEVICE Device)
{
    TestPrepareMessage(&Connection, Device, FALSE);
    Connection.Body = MeetBody;
    if (!TestConnectOrFail(&Connection, "CIE-MSG-7 SpinLock NULL connects"))
        return;
    if (OnOneProcessor(Connection.Table)) {
        ExpectSkip("TC-17, CIE-MSG-7, CIE-SYNC-5, MISR-9 messages do not exclude each other",
                   "the first two messages go to one processor");
    } else {
        TestGoTo(TestOtherProcessor(
            TestLowestProcessor(Connection.Table->MessageInfo[0].TargetProcessorSet)));
        TestRaise(Device, 0);
        TestSpinUntil(&Connection.MessageCalls[0], 1, OVERLAP_MS);
        TestRaise(Device, 1);
        Expect(TestWaitCalls(&Connection, 2) && Connection.MostInside == 2,
               "TC-17, CIE-MSG-7, CIE-SYNC-5, MISR-9 SpinLock NULL: the routine runs for two "
               "messages at the same time on two processors");
        TestResetCounts(&Connection);
        TestGoTo(TestLowestProcessor(Connection.Table->MessageInfo[0].TargetProcessorSet));
        ExpectEqual((ULONG)TestCallsUnderLock(&Connection,
                                              Connection.Table->MessageInfo[0].InterruptObject, 1,
                                              OVERLAP_MS),
                    1, "CIE-MSG-7 a message's lock, held, does not keep out another message");
        TestResetCounts(&Connection);
        ExpectEqual((ULONG)TestCallsUnderLock(
                        &Connection, Connection.Table->MessageInfo[1].InterruptObject, 1, LOCK_MS),
                    0, "CIE-MSG-7, CIE-SYNC-17 but the message itself");
        TestWaitCalls(&Connection, 1);
        TestAnywhere();
    }
    TestDisconnect(&Connection);
}

VOID DeliverUnderOneLock(PTEST_DEVICE Device)
{
    ULONG i, count = TestMessageCount(Device);

    KeInitializeSpinLock(&Lock);
    TestPrepareMessage(&Connection, Device, FALSE);
    MESSAGE(&Connection).SpinLock = &Lock;
    Connection.Body = TestSlowBody;
    Connection.BodyContext = (PVOID)(ULONG_PTR)LONG_ROUTINE_US;
    if (!TestConnectOrFail(&Connection, "CIE-MSG-8 a lock of the caller's is taken"))
        return;
    for (i = 0; i < count; i++)
        TestRaise(Device, i);
    Expect(TestWaitCalls(&Connection, (LONG)count) && Connection.MostInside == 1,
           "TC-18, CIE-MSG-8, CIE-SYNC-2, CIE-SYNC-12 one lock: the routine never runs for two "
           "messages at the same time");
    ExpectEqual(Lock, 0, "CIE-MSG-8, CIE-SYNC-20 the lock is free again");
    ExpectEqual(Connection.Irql, Connection.Table->UnifiedIrql,
                "CIE-MTAB-1, CIE-SYNC-12 the lock is taken at UnifiedIrql");
    for (i = 0; i < count; i++) {
        TestGoTo(TestOtherProcessor(
            TestLowestProcessor(Connection.Table->MessageInfo[i].TargetProcessorSet)));
        TestResetCounts(&Connection);
        ExpectEqual((ULONG)TestCallsUnderLock(
                        &Connection, Connection.Table->MessageInfo[0].InterruptObject, i, LOCK_MS),
                    0,
                    "CIE-MSG-8, KSE-8 the lock, held through one message's object, keeps out all");
        TestWaitCalls(&Connection, 1);
    }
    TestAnywhere();
    TestDisconnect(&Connection);
}

/* Messages raised while their routine runs: merged or not, the last one is served. */
VOID DeliverBurst(PTEST_DEVICE Device)
{
    LONG claims;
    ULONG i;

    TestPrepareMessage(&Connection, Device, FALSE);
    if (!TestConnectOrFail(&Connection, "MISR-11 messages connect"))
        return;
    for (i = 0; i < BURST; i++)
        TestRaise(Device, 0);
    for (i = 0; i < OVERLAP_MS && !(Connection.Claims > 0 && Device->Raised == 0); i++)
        TestPause(1);
    claims = Connection.Claims;
    Expect(claims >= 1 && claims <= BURST && Connection.Calls <= BURST,
           "MISR-6, MISR-8, MISR-11 of messages in a burst several may make one call, and the last "
           "is served");
    TestDisconnect(&Connection);
}
