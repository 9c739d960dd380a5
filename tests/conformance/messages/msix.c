/*
 * msix.c - the MSI-X table and its pending bits, from the start to disconnecting.
 */
#include "messages.h"

#define QUIET_MS 20

static TEST_CONNECTION Connection, Second;

static ULONG CountMasked(PMSIX_TABLE Table)
{
    ULONG i, masked = 0;

    for (i = 0; i < Table->Size; i++)
        masked += TableRead(Table, i, 3) == ENTRY_MASKED;
    return masked;
}

static ULONG CountOpen(PMSIX_TABLE Table)
{
    ULONG i, open = 0;

    for (i = 0; i < Table->Size; i++)
        open += TableRead(Table, i, 3) == 0;
    return open;
}

static BOOLEAN EntryCarries(PMSIX_TABLE Table, ULONG Entry, ULONG Message)
{
    PIO_INTERRUPT_MESSAGE_INFO_ENTRY info = &Connection.Table->MessageInfo[Message];

    return TableRead(Table, Entry, 0) == info->MessageAddress.LowPart &&
           TableRead(Table, Entry, 1) == 0 && TableRead(Table, Entry, 2) == info->MessageData;
}

static VOID CheckTable(PMSIX_TABLE Table)
{
    ULONG i, carries = 0, plain = 0;

    for (i = 0; i < Table->Size; i++) {
        ULONG address = TableRead(Table, i, 0);

        carries += EntryCarries(Table, i, i);
        plain += address >> 20 == 0xFEE && (address & 0xFFF) == 0 &&
                 TableRead(Table, i, 2) == Connection.Table->MessageInfo[i].Vector;
    }
    ExpectEqual(carries, Table->Size,
                "HW-67, HW-69, RES-MSIX-4, CIE-MTAB-9 entry i carries message i: address, data");
    ExpectEqual(plain, Table->Size, "HW-58, HW-67, RES-MSI-4 the data is the message's own vector");
}

/* All of the function by its own bit, which is the bus driver's: put back as it was. */
static VOID CheckFunctionMask(PTEST_DEVICE Device, PMSIX_TABLE Table, ULONG Capability)
{
    ULONG control = ConfigRead(Capability + 2, 2);

    TestResetCounts(&Connection);
    ConfigWrite(Capability + 2, 2, control | MSIX_FUNCTION_MASK);
    TestRaise(Device, 1);
    TestPause(QUIET_MS);
    Expect(Connection.Calls == 0 && TablePending(Table, 1),
           "HW-68 under the function mask a message waits, its pending bit set");
    ConfigWrite(Capability + 2, 2, control);
    Expect(TestWaitCalls(&Connection, 1) && Connection.MessageCalls[1] == 1 &&
               !TablePending(Table, 1),
           "HW-68 when that is cleared it is delivered once, and the bit is clear");
}

VOID CheckMsix(PTEST_DEVICE Device)
{
    ULONG capability, control;
    MSIX_TABLE table;

    if (!ConfigOf(Device) || !TableMap(&table)) {
        Expect(FALSE, "HW-66 a device has an MSI-X table");
        return;
    }
    capability = ConfigCapability(CAPABILITY_MSIX);
    control = ConfigRead(capability + 2, 2);
    ExpectEqual(table.Size, Device->InterruptCount, "HW-65 the table's size is its field plus 1");
    ExpectEqual(control & (MSIX_ENABLE | MSIX_FUNCTION_MASK), MSIX_ENABLE,
                "HW-66, RES-MSI-13 after the start MSI-X is enabled, the function mask clear");
    ExpectEqual(CountMasked(&table), table.Size,
                "HW-66, RES-MSI-13 and every entry masked, with no other bit in its control");
    Expect((ConfigRead(CONFIG_COMMAND, 2) & (COMMAND_INTX_OFF | COMMAND_BUS_MASTER)) ==
               (COMMAND_INTX_OFF | COMMAND_BUS_MASTER),
           "HW-59, RES-MSI-12 INTx is disabled, bus mastering on");
    TestPrepareMessage(&Connection, Device, FALSE);
    if (TestConnectOrFail(&Connection, "HW-66 messages connect")) {
        ExpectEqual(CountOpen(&table), table.Size,
                    "HW-67, RES-MSI-13, RES-MSIX-11 connecting unmasks the entries");
        CheckTable(&table);
        TestPrepareFull(&Second, Device, 0);
        Expect(!NT_SUCCESS(TestConnect(&Second)) && Second.Context == NULL,
               "HW-71 a message that is connected is not bound once more");
        CheckFunctionMask(Device, &table, capability);
        TestDisconnect(&Connection);
    }
    ExpectEqual(CountMasked(&table), table.Size, "RES-MSI-13 disconnecting masks them again");
    TestRaise(Device, 2);
    TestPause(QUIET_MS);
    TestPrepareMessage(&Connection, Device, FALSE);
    if (TestConnectOrFail(&Connection, "HW-68 messages connect again"))
        Expect(TestWaitCalls(&Connection, 1) && Connection.MessageCalls[2] == 1,
               "HW-68 what the device sent meanwhile has waited and is delivered once");
    TestDisconnect(&Connection);
    TableUnmap(&table);
}

/* A table in another BAR than the first. */
VOID CheckMsixPlace(PTEST_DEVICE Device)
{
    MSIX_TABLE table;

    if (!ConfigOf(Device) || !TableMap(&table)) {
        Expect(FALSE, "HW-65 a device has an MSI-X table in BAR 3");
        return;
    }
    ExpectEqual(ConfigRead(ConfigCapability(CAPABILITY_MSIX) + 4, 4) & MSIX_BIR, 3,
                "HW-65 a device has an MSI-X table in BAR 3");
    ExpectEqual(table.Size, 5, "HW-65 of five entries");
    TestPrepareMessage(&Connection, Device, FALSE);
    if (TestConnectOrFail(&Connection, "HW-65 its messages connect")) {
        CheckTable(&table);
        TestDisconnect(&Connection);
    }
    TableUnmap(&table);
}

/* Four entries, two messages. */
VOID CheckTwoMessages(PTEST_DEVICE Device)
{
    MSIX_TABLE table;
    ULONG i, carries = 0;

    if (!ConfigOf(Device) || !TableMap(&table)) {
        Expect(FALSE, "RES-MSIX-4 a device has an MSI-X table");
        return;
    }
    ExpectEqual(table.Size, 4, "RES-MSIX-4 four entries, two messages");
    TestPrepareMessage(&Connection, Device, FALSE);
    if (TestConnectOrFail(&Connection, "RES-MSIX-4 two messages connect")) {
        ExpectEqual(Connection.Table->MessageCount, 2, "RES-MSI-9 the table has two");
        for (i = 0; i < table.Size; i++)
            carries += EntryCarries(&table, i, i < 2 ? i : 0);
        ExpectEqual(carries, 4,
                    "TC-40, RES-MSIX-4, HW-69 the entries beyond the second carry message 0");
        ExpectEqual(CountOpen(&table), 4, "RES-MSIX-14 and are not masked");
        for (i = 0; i < table.Size; i++)
            TestExpectCall(&Connection, i < 2 ? i : 0, Connection.Table->UnifiedIrql,
                           "RES-MSIX-4 each message is delivered");
        TestResetCounts(&Connection);
        TestRaise(Device, 3);
        Expect(TestWaitCalls(&Connection, 1) && Connection.MessageCalls[0] == 1,
               "RES-MSIX-14, HW-69 what entry 3 sends is message 0");
        TestDisconnect(&Connection);
    }
    TableUnmap(&table);
}
