/*
 * table.c - GUID_MSIX_TABLE_CONFIG_INTERFACE: how it is had, and what it does to the table.
 */
#include "messages.h"

#define QUIET_MS 20
#define FILL 0xA5

static const GUID TableInterface = LAG_GUID_MSIX_TABLE_CONFIG_INTERFACE;
static const GUID NoInterface = {
    0x6F1D8A3E, 0x0C55, 0x4C4E, {0x91, 0x0B, 0x3B, 0x5C, 0x2A, 0x77, 0x10, 0xEE}};

static TEST_CONNECTION Connection;
static PCI_MSIX_TABLE_CONFIG_INTERFACE Interface;
static volatile NTSTATUS InRoutine;

/* ---- having it ------------------------------------------------------------------------------ */

static BOOLEAN Untouched(PVOID Buffer, ULONG From, ULONG To)
{
    ULONG i;

    for (i = From; i < To; i++)
        if (((PUCHAR)Buffer)[i] != FILL)
            return FALSE;
    return TRUE;
}

static NTSTATUS Ask(PTEST_DEVICE Device, const GUID *Type, USHORT Size, USHORT Version)
{
    RtlFillMemory(&Interface, sizeof(Interface), FILL);
    return TestQueryInterface(Device, Type, &Interface, Size, Version);
}

static VOID CheckSizes(PTEST_DEVICE Device)
{
    ULONG minimum = PCI_MSIX_TABLE_CONFIG_MINIMUM_SIZE;

    Expect(sizeof(Interface) == 0x48 && minimum == 0x38 &&
               FIELD_OFFSET(PCI_MSIX_TABLE_CONFIG_INTERFACE, SetTableEntry) == 0x20,
           "RES-MSIX-1 the interface has 48h bytes, its minimum 38h");
    Expect(FIELD_OFFSET(IO_STACK_LOCATION, Parameters.QueryInterface.InterfaceType) == 8 &&
               FIELD_OFFSET(IO_STACK_LOCATION, Parameters.QueryInterface.Size) == 0x10 &&
               FIELD_OFFSET(IO_STACK_LOCATION, Parameters.QueryInterface.Version) == 0x12 &&
               FIELD_OFFSET(IO_STACK_LOCATION, Parameters.QueryInterface.Interface) == 0x18,
           "RES-MSIX-17 the request's members are at 8, 10h, 12h and 18h");
    ExpectStatus(Ask(Device, &TableInterface, (USHORT)(minimum - 1), 1), STATUS_NOT_SUPPORTED,
                 "TC-53, RES-MSIX-18 asked with less than 38h bytes the bus leaves the status");
    Expect(Untouched(&Interface, 0, sizeof(Interface)), "RES-MSIX-18 and the buffer");
    ExpectStatus(Ask(Device, &TableInterface, 0x40, 1), STATUS_SUCCESS,
                 "RES-MSIX-18 with 38h to 47h it fills 38h");
    Expect(Interface.Size == 0x38 && Untouched(&Interface, 0x38, sizeof(Interface)),
           "RES-MSIX-18, RES-MSIX-15 says so in Size, and writes no more");
    if (Interface.Size == 0x38)
        Interface.InterfaceDereference(Interface.Context);
}

VOID CheckInterface(PTEST_DEVICE Device, PTEST_DEVICE Without)
{
    CheckSizes(Device);
    ExpectStatus(Ask(Device, &NoInterface, sizeof(Interface), 1), STATUS_NOT_SUPPORTED,
                 "RES-MSIX-16 asked for what it does not know the bus leaves the status");
    ExpectStatus(Ask(Without, &TableInterface, sizeof(Interface), 1), STATUS_NOT_SUPPORTED,
                 "RES-MSIX-3, RES-MSIX-16 a device without MSI-X has no such interface");
    ExpectStatus(Ask(Device, &TableInterface, sizeof(Interface), 2), STATUS_SUCCESS,
                 "RES-MSIX-15 asked for version 2 the bus answers");
    if (Interface.Version == PCI_MSIX_TABLE_CONFIG_INTERFACE_VERSION)
        Interface.InterfaceDereference(Interface.Context);
    ExpectEqual(Interface.Version, 1, "RES-MSIX-15, RES-MSIX-1 with the nearest it has, 1");
    ExpectStatus(Ask(Device, &TableInterface, sizeof(Interface), 1), STATUS_SUCCESS,
                 "RES-MSIX-2, RES-MSIX-3 GUID_MSIX_TABLE_CONFIG_INTERFACE is answered");
    Expect(Interface.Size == sizeof(Interface) && Interface.SetTableEntry != NULL &&
               Interface.MaskTableEntry != NULL && Interface.UnmaskTableEntry != NULL,
           "TC-52, RES-MSIX-3, RES-MSIX-15 with three routines, of the size that was asked for");
}

/* ---- using it ------------------------------------------------------------------------------- */

static BOOLEAN Silent(PTEST_DEVICE Device, ULONG Entry)
{
    TestResetCounts(&Connection);
    TestRaise(Device, Entry);
    TestPause(QUIET_MS);
    return Connection.Calls == 0;
}

static BOOLEAN Delivers(PTEST_DEVICE Device, ULONG Entry, ULONG Message)
{
    TestResetCounts(&Connection);
    TestRaise(Device, Entry);
    return TestWaitCalls(&Connection, 1) && Connection.MessageCalls[Message] == 1;
}

static VOID CheckBounds(VOID)
{
    PVOID context = Interface.Context;
    ULONG bad = 0;

    bad += Interface.SetTableEntry(context, 4, 0) == STATUS_INVALID_PARAMETER;
    bad += Interface.SetTableEntry(context, 0, 4) == STATUS_INVALID_PARAMETER;
    bad += Interface.SetTableEntry(context, ~0u, ~0u) == STATUS_INVALID_PARAMETER;
    ExpectEqual(
        bad, 3,
        "TC-44, RES-MSIX-6, HW-69 SetTableEntry refuses entries and messages there are not");
    bad = Interface.MaskTableEntry(context, 4) == STATUS_INVALID_PARAMETER;
    bad += Interface.UnmaskTableEntry(context, 0x10000) == STATUS_INVALID_PARAMETER;
    ExpectEqual(bad, 2,
                "RES-MSIX-7, HW-69 MaskTableEntry and UnmaskTableEntry entries there are not");
}

static VOID CheckMasking(PTEST_DEVICE Device, PMSIX_TABLE Table)
{
    PVOID context = Interface.Context;

    ExpectStatus(Interface.MaskTableEntry(context, 1), STATUS_SUCCESS,
                 "RES-MSIX-7 MaskTableEntry masks an entry");
    Expect(Silent(Device, 1) && TablePending(Table, 1),
           "RES-MSIX-8, HW-68 which makes no interrupt: its pending bit is set");
    Expect(Delivers(Device, 0, 0), "RES-MSIX-9 the others go on");
    TestResetCounts(&Connection);
    ExpectStatus(Interface.UnmaskTableEntry(context, 1), STATUS_SUCCESS,
                 "RES-MSIX-7 UnmaskTableEntry unmasks it");
    Expect(TestWaitCalls(&Connection, 1) && Connection.MessageCalls[1] == 1 &&
               !TablePending(Table, 1),
           "TC-45, HW-68 what waited is delivered once, its pending bit is clear");
}

static VOID CheckKept(PTEST_DEVICE Device)
{
    Interface.MaskTableEntry(Interface.Context, 2);
    TestDisconnect(&Connection);
    TestPrepareMessage(&Connection, Device, FALSE);
    if (!TestConnectOrFail(&Connection, "RES-MSIX-11 messages connect again"))
        return;
    Expect(Silent(Device, 2),
           "RES-MSIX-11 an entry that the driver masked stays so when it connects");
    Interface.UnmaskTableEntry(Interface.Context, 2);
    Expect(TestWaitCalls(&Connection, 1) && Connection.MessageCalls[2] == 1,
           "RES-MSIX-11 until the driver unmasks it");
}

static VOID CheckMap(PTEST_DEVICE Device, PMSIX_TABLE Table)
{
    PVOID context = Interface.Context;
    ULONG i;

    ExpectStatus(Interface.SetTableEntry(context, 3, 1), STATUS_SUCCESS,
                 "TC-43, RES-MSIX-5, HW-69 SetTableEntry gives entry 3 message 1");
    Expect(Delivers(Device, 3, 1) && Delivers(Device, 1, 1),
           "RES-MSIX-5, RES-MSIX-9 one message stands in two entries and comes from both");
    ExpectEqual(TableRead(Table, 3, 2), Connection.Table->MessageInfo[1].MessageData,
                "RES-MSIX-5 the entry has the message's data");
    Interface.MaskTableEntry(context, 1);
    Expect(Silent(Device, 1) && Delivers(Device, 3, 1),
           "RES-MSIX-9 each of the two is masked on its own");
    TestResetCounts(&Connection);
    Interface.UnmaskTableEntry(context, 1);
    TestWaitCalls(&Connection, 1);
    Interface.MaskTableEntry(context, 0);
    Silent(Device, 0);
    Interface.SetTableEntry(context, 0, 2);
    Expect(TableRead(Table, 0, 3) == ENTRY_MASKED, "RES-MSIX-12 changing an entry keeps its mask");
    TestResetCounts(&Connection);
    Interface.UnmaskTableEntry(context, 0);
    Expect(TestWaitCalls(&Connection, 1) && Connection.MessageCalls[2] == 1,
           "RES-MSIX-12 what waited while it was changed comes as the new message");
    for (i = 0; i < 4; i++) {
        Interface.SetTableEntry(context, 0, i);
        Expect(Delivers(Device, 0, i) &&
                   Connection.Processor ==
                       TestLowestProcessor(Connection.Table->MessageInfo[i].TargetProcessorSet),
               "RES-MSIX-13 an entry is pointed to the message of the processor that is wanted");
    }
    Interface.SetTableEntry(context, 0, 0);
    Interface.SetTableEntry(context, 3, 3);
}

static BOOLEAN TableBody(PTEST_CONNECTION C, PKINTERRUPT KernelInterrupt, ULONG MessageId)
{
    UNREFERENCED_PARAMETER(C);
    UNREFERENCED_PARAMETER(KernelInterrupt);
    InRoutine = Interface.MaskTableEntry(Interface.Context, MessageId);
    InRoutine |= Interface.SetTableEntry(Interface.Context, 3, MessageId);
    InRoutine |= Interface.UnmaskTableEntry(Interface.Context, MessageId);
    return TRUE;
}

static VOID CheckLevels(PTEST_DEVICE Device)
{
    NTSTATUS status;
    KIRQL irql;

    Connection.Body = TableBody;
    InRoutine = STATUS_UNSUCCESSFUL;
    Expect(Delivers(Device, 1, 1) && InRoutine == STATUS_SUCCESS,
           "RES-MSIX-5, RES-MSIX-7, RES-MSIX-12 all three can be called by a service routine");
    Connection.Body = NULL;
    Expect(Delivers(Device, 3, 1), "RES-MSIX-5 and do there what they do");
    Interface.SetTableEntry(Interface.Context, 3, 3);
    KeRaiseIrql(HIGH_LEVEL, &irql);
    status = Interface.MaskTableEntry(Interface.Context, 0);
    status |= Interface.UnmaskTableEntry(Interface.Context, 0);
    KeLowerIrql(irql);
    Expect(status == STATUS_SUCCESS && Delivers(Device, 0, 0),
           "RES-MSIX-10 entries can be masked and unmasked at any IRQL");
}

VOID CheckEntries(PTEST_DEVICE Device)
{
    MSIX_TABLE table;

    if (Interface.SetTableEntry == NULL || !ConfigOf(Device) || !TableMap(&table))
        return;
    TestPrepareMessage(&Connection, Device, FALSE);
    if (TestConnectOrFail(&Connection, "RES-MSIX-5 messages connect")) {
        CheckBounds();
        CheckMasking(Device, &table);
        CheckKept(Device);
        CheckMap(Device, &table);
        CheckLevels(Device);
        TestDisconnect(&Connection);
    }
    TableUnmap(&table);
    Interface.InterfaceDereference(Interface.Context);
}

/* The device has MSI-X and was given its line. */
VOID CheckUnused(PTEST_DEVICE Device)
{
    ULONG refused = 0;

    Expect(TestIsLine(Device), "RES-MSIX-6 a device with MSI-X was given its line");
    ExpectStatus(Ask(Device, &TableInterface, sizeof(Interface), 1), STATUS_SUCCESS,
                 "RES-MSIX-3 the interface is there");
    if (Interface.Size != sizeof(Interface))
        return;
    refused += Interface.SetTableEntry(Interface.Context, 0, 0) == STATUS_INVALID_PARAMETER;
    refused += Interface.MaskTableEntry(Interface.Context, 0) == STATUS_INVALID_PARAMETER;
    refused += Interface.UnmaskTableEntry(Interface.Context, 0) == STATUS_INVALID_PARAMETER;
    ExpectEqual(refused, 3, "RES-MSIX-6, RES-MSIX-7 its routines refuse: MSI-X is not in use");
    Interface.InterfaceDereference(Interface.Context);
}
