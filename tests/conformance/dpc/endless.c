/*
 * endless.c - the watchdog: its figures, and what happens to DPCs and ISRs that take too long.
 */
#include "dpc.h"

#define LONG_ROUTINE_US 1000

static KDPC Endless;
static TEST_CONNECTION Connection;

static NTSTATUS InDpc;

static VOID NTAPI WatchdogRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    InDpc = KeQueryDpcWatchdogInformation(Context);
}

VOID CheckWatchdog(VOID)
{
    static ULONG values[sizeof(KDPC_WATCHDOG_INFORMATION) / sizeof(ULONG) + 1];
    PKDPC_WATCHDOG_INFORMATION information = (PKDPC_WATCHDOG_INFORMATION)values;
    static KDPC dpc;
    NTSTATUS atDispatch, above;
    KIRQL irql;

    if (MmIsDriverVerifying(TestDriver))
        ExpectSkip("DPC-38 below DISPATCH_LEVEL there is no DPC to tell of",
                   "the verifier allows the call at DISPATCH_LEVEL only");
    else
        ExpectStatus(KeQueryDpcWatchdogInformation(information), STATUS_UNSUCCESSFUL,
                     "DPC-38 below DISPATCH_LEVEL there is no DPC to tell of");
    RtlFillMemory(values, sizeof(values), 0xA5);
    InDpc = STATUS_UNSUCCESSFUL;
    KeInitializeDpc(&dpc, WatchdogRoutine, information);
    KeInsertQueueDpc(&dpc, NULL, NULL);
    KeFlushQueuedDpcs();
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    atDispatch = KeQueryDpcWatchdogInformation(information);
    KeLowerIrql(irql);
    KeRaiseIrql(HIGH_LEVEL, &irql);
    above = KeQueryDpcWatchdogInformation(information);
    KeLowerIrql(irql);
    Expect(
        atDispatch == STATUS_SUCCESS && above == STATUS_SUCCESS,
        "DPC-38 at DISPATCH_LEVEL and above KeQueryDpcWatchdogInformation succeeds without a DPC");
    ExpectStatus(InDpc, STATUS_SUCCESS, "DPC-38 in a DPC KeQueryDpcWatchdogInformation succeeds");
    Expect(information->DpcTimeLimit != 0 && information->DpcWatchdogLimit != 0,
           "DPC-38, DPC-40 there are limits for one DPC and for all");
    Expect(information->DpcTimeCount <= information->DpcTimeLimit &&
               information->DpcWatchdogCount <= information->DpcWatchdogLimit,
           "DPC-38, DPC-39 what is left is not more than the limit");
    ExpectEqual(values[sizeof(KDPC_WATCHDOG_INFORMATION) / sizeof(ULONG)], 0xA5A5A5A5,
                "DPC-39 nothing is written beyond the structure");
}

/* ---- bug checks ------------------------------------------------------------------------------ */

static VOID NTAPI EndlessRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    for (;;)
        KeStallExecutionProcessor(LONG_ROUTINE_US);
}

/* Short by itself; queues itself for ever, and raises an interrupt whose routine takes long. */
static VOID NTAPI RepeatedRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    if (Context != NULL)
        TestRaise(Context, 0);
    KeInsertQueueDpc(Dpc, NULL, NULL);
}

static BOOLEAN EndlessBody(PTEST_CONNECTION C, PKINTERRUPT Interrupt, ULONG MessageId)
{
    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(MessageId);
    while (C->Inside != 0)
        KeStallExecutionProcessor(LONG_ROUTINE_US);
    return FALSE;
}

static VOID ConnectWith(TEST_BODY Body)
{
    TestPrepareFull(&Connection, TestFindMessage(0), 0);
    Connection.Body = Body;
    Connection.BodyContext = (PVOID)(ULONG_PTR)LONG_ROUTINE_US;
    TestConnect(&Connection);
}

VOID StopEndless(ULONG Number)
{
    TestGoTo(0);
    switch (Number) {
    case 0:
        ExpectStop(0x133, 0, TEST_ANY, TEST_ANY, TEST_ANY,
                   "TC-50, DPC-40, BUD-1, BC-133-1 a DPC that never ends is a bug check");
        KeInitializeDpc(&Endless, EndlessRoutine, NULL);
        break;
    case 1:
        ExpectStop(0x133, 0, TEST_ANY, TEST_ANY, TEST_ANY,
                   "DPC-40, BC-133-1 so is one on another processor, which was idle");
        KeInitializeDpc(&Endless, EndlessRoutine, NULL);
        KeSetTargetProcessorDpc(&Endless, (CCHAR)TestOtherProcessor(0));
        break;
    case 2:
        ExpectStop(0x133, 0, TEST_ANY, TEST_ANY, TEST_ANY,
                   "BC-133-1, BUD-1 so is an interrupt service routine that never ends");
        ConnectWith(EndlessBody);
        TestRaise(Connection.Device, 0);
        TestPause(DPC_WAIT_MS);
        return;
    case 3:
        ExpectStop(0x133, 1, TEST_ANY, TEST_ANY, TEST_ANY,
                   "DPC-40, BC-133-1 DPCs back to back without end are a bug check");
        KeInitializeDpc(&Endless, RepeatedRoutine, NULL);
        break;
    default:
        ExpectStop(0x133, 1, TEST_ANY, TEST_ANY, TEST_ANY,
                   "BUD-3, DPC-40 so are DPCs and long interrupt service routines by turns");
        ConnectWith(TestSlowBody);
        KeInitializeDpc(&Endless, RepeatedRoutine, Connection.Device);
    }
    KeInsertQueueDpc(&Endless, NULL, NULL);
    TestPause(DPC_WAIT_MS);
}
