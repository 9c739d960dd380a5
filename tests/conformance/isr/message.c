/*
 * message.c - message service routines.
 */
#include "isr.h"

#define TOGETHER_MS 5000

static TEST_CONNECTION Table, Single[2];
static volatile LONG Inside, MostInside;

static BOOLEAN RefuseBody(PTEST_CONNECTION C, PKINTERRUPT Interrupt, ULONG MessageId)
{
    UNREFERENCED_PARAMETER(C);
    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(MessageId);
    return FALSE;
}

/* Waits for another routine to be inside too. */
static BOOLEAN MeetBody(PTEST_CONNECTION C, PKINTERRUPT Interrupt, ULONG MessageId)
{
    LONG inside = InterlockedIncrement(&Inside);

    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(MessageId);
    if (inside > MostInside)
        MostInside = inside;
    TestSpinUntil(&Inside, 2, *(PULONG)C->BodyContext);
    if (Inside > MostInside)
        MostInside = Inside;
    KeStallExecutionProcessor(1000);
    InterlockedDecrement(&Inside);
    return TRUE;
}

static VOID CheckTable(PTEST_DEVICE Device)
{
    ULONG i, wrong = 0, low = 0, edge = 0;

    TestPrepareMessage(&Table, Device, FALSE);
    if (!TestConnectOrFail(&Table, "MISR-1 a message routine connects"))
        return;
    for (i = 0; i < Table.Table->MessageCount; i++) {
        TestResetCounts(&Table);
        TestRaise(Device, i);
        wrong += !TestWaitCalls(&Table, 1) || Table.MessageId != i || Table.MessageCalls[i] != 1 ||
                 Table.Interrupt != Table.Table->MessageInfo[i].InterruptObject;
        low +=
            Table.Irql < Table.Table->MessageInfo[i].Irql || Table.Irql != Table.Table->UnifiedIrql;
        edge += Table.Table->MessageInfo[i].Mode == Latched;
    }
    ExpectEqual(wrong, 0, "MISR-1, MISR-2, MISR-12 each message calls it with its own number");
    ExpectEqual(low, 0, "MISR-7 at a level not below that of any message");
    ExpectEqual(edge, Table.Table->MessageCount, "MISR-8 messages are Latched");
    TestResetCounts(&Table);
    Table.Body = RefuseBody;
    TestRaise(Device, 0);
    Expect(TestWaitCalls(&Table, 1),
           "MISR-3, SPUR-4, MISR-8 a message that is not claimed makes one call and no more");
    Table.Body = NULL;
    TestRaise(Device, 0);
    Expect(TestWaitCalls(&Table, 2), "SPUR-4 the next one is delivered as ever");
    TestDisconnect(&Table);
}

/* Two messages on two processors, with a lock each or one for both. */
static VOID CheckPair(PTEST_DEVICE Device, PKSPIN_LOCK Lock, ULONG Wait, LONG Most, PCSTR Name)
{
    ULONG i;

    Inside = MostInside = 0;
    for (i = 0; i < 2; i++) {
        TestPrepareFull(&Single[i], Device, i);
        FULL(&Single[i]).SpinLock = Lock;
        Single[i].Body = MeetBody;
        Single[i].BodyContext = &Wait;
        if (!TestConnectOrFail(&Single[i], Name))
            return;
    }
    TestGoTo(TestOtherProcessor(TestInterruptProcessor(Single[0].Object)));
    TestRaise(Device, 0);
    TestRaise(Device, 1);
    TestWaitCalls(&Single[0], 1);
    TestWaitCalls(&Single[1], 1);
    TestAnywhere();
    ExpectEqual((ULONG)MostInside, (ULONG)Most, Name);
    for (i = 0; i < 2; i++)
        TestDisconnect(&Single[i]);
}

VOID CheckMessages(PTEST_DEVICE Device)
{
    static KSPIN_LOCK lock;

    CheckTable(Device);
    if (TestProcessors() < 2) {
        ExpectSkip("MISR-9 messages on two processors run together", "one processor only");
        return;
    }
    CheckPair(Device, NULL, TOGETHER_MS, 2,
              "MISR-9 without a common lock two messages' routines run at the same time");
    KeInitializeSpinLock(&lock);
    CheckPair(Device, &lock, 20, 1,
              "ISR-4, MISR-9 with a common lock no two of them run at the same time");
}
