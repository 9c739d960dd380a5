/*
 * table.c - the message table, member by member.
 */
#include "message.h"

/* SDM 3A "Message Address Register Format" 11.11.1, "Message Data Register Format" 11.11.2 */
#define MESSAGE_ADDRESS_HIGH 0xFEEu
#define MESSAGE_ADDRESS_HIGH_SHIFT 20
#define MESSAGE_DATA_VECTOR 0xFFu
#define MESSAGE_DATA_DELIVERY 0x700u /* 0: fixed */
#define MESSAGE_DATA_TRIGGER 0x8000u /* 0: edge */
/*
 * VT-d 5.1.2.2 "Interrupt Requests in Remappable Format": 0, or a number below that of messages;
 * AMD-Vi 2.2.5.1 "Interrupt Remapping Tables": the number of an entry.
 */
#define MESSAGE_DATA_ENTRY 0x7FFu

#define WRITE_MS 300 /* edu writes after 100 */

static TEST_CONNECTION Connection;
static volatile LONG Matches;

/* Where a remapping unit is between, the message names one of its entries, and no vector. */
static BOOLEAN FormIsRight(PTEST_DEVICE Device, PIO_INTERRUPT_MESSAGE_INFO_ENTRY Entry)
{
    if ((ULONG64)Entry->MessageAddress.QuadPart >> MESSAGE_ADDRESS_HIGH_SHIFT !=
        MESSAGE_ADDRESS_HIGH)
        return FALSE;
    if (Device->Remapped)
        return (Entry->MessageData & ~MESSAGE_DATA_ENTRY) == 0;
    return (Entry->MessageData & MESSAGE_DATA_VECTOR) == Entry->Vector &&
           (Entry->MessageData & (MESSAGE_DATA_DELIVERY | MESSAGE_DATA_TRIGGER)) == 0;
}

/* What the table says of message Index, and the translated descriptor, which is its own. */
static VOID CheckEntry(PTEST_CONNECTION C, ULONG Index)
{
    PIO_INTERRUPT_MESSAGE_INFO_ENTRY entry = &C->Table->MessageInfo[Index];
    PCM_PARTIAL_RESOURCE_DESCRIPTOR descriptor =
        C->Device->Translated[C->Device->InterruptCount > 1 ? Index : 0];
    ULONG offset = C->Device->InterruptCount > 1 ? 0 : Index;

    Expect(FormIsRight(C->Device, entry),
           C->Device->Remapped
               ? "CIE-MTAB-3, CIE-MTAB-4 address and data: an entry, to the remapping unit"
               : "CIE-MTAB-3, CIE-MTAB-4, CIE-MTAB-13 address and data: fixed, edge, to the local "
                 "APICs, the vector");
    ExpectEqual(entry->Vector, descriptor->u.MessageInterrupt.Translated.Vector + offset,
                "CIE-MTAB-7, CIE-MTAB-11, CIE-MTAB-20 Vector is that of the message resource of "
                "the same number");
    ExpectEqual(entry->Irql, descriptor->u.MessageInterrupt.Translated.Level,
                "CIE-MTAB-7 Irql is the level of the message resource");
    ExpectEqual(entry->Irql, entry->Vector >> 4, "CIE-MTAB-14 Irql is Vector / 16");
    Expect(entry->Vector != 0, "CIE-KMDF-3 no vector is 0");
    ExpectEqual(entry->Mode, Latched, "CIE-MTAB-8 Mode is Latched");
    ExpectEqual(entry->Polarity, InterruptActiveHigh, "CIE-MTAB-9 Polarity is InterruptActiveHigh");
    ExpectEqual(entry->TargetProcessorSet & ~descriptor->u.MessageInterrupt.Translated.Affinity, 0,
                "CIE-MTAB-5 TargetProcessorSet lies in the resource's affinity");
}

static BOOLEAN ObjectsDiffer(PIO_INTERRUPT_MESSAGE_INFO Table)
{
    ULONG i, j;

    for (i = 0; i < Table->MessageCount; i++)
        for (j = 0; j <= i; j++)
            if (Table->MessageInfo[i].InterruptObject == NULL ||
                (j < i &&
                 Table->MessageInfo[i].InterruptObject == Table->MessageInfo[j].InterruptObject))
                return FALSE;
    return TRUE;
}

static BOOLEAN NTAPI SayYes(PVOID Context)
{
    *(PKIRQL)Context = KeGetCurrentIrql();
    return TRUE;
}

VOID TableCheck(PTEST_CONNECTION C)
{
    PIO_INTERRUPT_MESSAGE_INFO table = C->Table;
    KIRQL highest = 0, irql = 0;
    ULONG i, usable = 0;

    ExpectEqual(table->MessageCount, TestMessageCount(C->Device),
                "TC-4, CIE-MTAB-2, CIE-OUT-9, CIE-LAY-7 MessageCount is the number of messages "
                "assigned");
    for (i = 0; i < table->MessageCount; i++) {
        CheckEntry(C, i);
        if (table->MessageInfo[i].Irql > highest)
            highest = table->MessageInfo[i].Irql;
        usable +=
            KeSynchronizeExecution(table->MessageInfo[i].InterruptObject, SayYes, &irql) == TRUE &&
            irql == table->UnifiedIrql;
    }
    ExpectEqual(table->UnifiedIrql, highest,
                "CIE-MTAB-1, CIE-SYNC-13, CIE-SYNC-15 UnifiedIrql is the highest Irql");
    Expect(ObjectsDiffer(table), "CIE-MTAB-6 each message has an interrupt object of its own");
    ExpectEqual(usable, table->MessageCount,
                "CIE-MTAB-6, KSE-7 each object serves KeSynchronizeExecution, at UnifiedIrql");
}

/* MSI: one address, data that count up (CIE-MTAB-12). */
VOID TableCheckBlock(PTEST_DEVICE Device)
{
    PIO_INTERRUPT_MESSAGE_INFO_ENTRY entry;
    ULONG i, right = 0;

    if (Device == NULL || Device->InterruptCount != 1)
        return;
    TestPrepareMessage(&Connection, Device, FALSE);
    if (!TestConnectOrFail(&Connection, "CIE-MTAB-12 an MSI device connects"))
        return;
    TableCheck(&Connection);
    entry = Connection.Table->MessageInfo;
    for (i = 0; i < Connection.Table->MessageCount; i++)
        right += entry[i].MessageAddress.QuadPart == entry[0].MessageAddress.QuadPart &&
                 entry[i].MessageData == entry[0].MessageData + i &&
                 entry[i].Vector == entry[0].Vector + i && entry[i].Irql == entry[0].Irql;
    ExpectEqual(
        right, Connection.Table->MessageCount,
        "CIE-MTAB-12, CIE-MTAB-20 MSI messages share one address; data and vector count up");
    Expect(right > 1, "CIE-GEN-3, CIE-MTAB-12 the device has several MSI messages");
    ExpectEqual(entry[0].MessageData % Connection.Table->MessageCount, 0,
                "CIE-MTAB-12 the low bits of the data select the message");
    TestDisconnect(&Connection);
}

static BOOLEAN TableBody(PTEST_CONNECTION C, PKINTERRUPT Interrupt, ULONG MessageId)
{
    PIO_INTERRUPT_MESSAGE_INFO table = C->Table;

    if (C->Parameters.Version == CONNECT_MESSAGE_BASED && table != NULL &&
        MessageId < table->MessageCount &&
        table->MessageInfo[MessageId].InterruptObject == Interrupt &&
        table->UnifiedIrql == KeGetCurrentIrql() &&
        FormIsRight(C->Device, &table->MessageInfo[MessageId]))
        InterlockedIncrement(&Matches);
    return TestAcknowledge(C->Device);
}

VOID TableCheckFromRoutine(PTEST_DEVICE Device)
{
    ULONG i, count = TestMessageCount(Device);

    TestPrepareMessage(&Connection, Device, FALSE);
    Connection.Body = TableBody;
    Matches = 0;
    if (!TestConnectOrFail(&Connection, "CIE-MTAB-16 messages connect"))
        return;
    for (i = 0; i < count; i++) {
        TestRaise(Device, i);
        TestWaitCalls(&Connection, (LONG)i + 1);
    }
    ExpectEqual((ULONG)Matches, count,
                "CIE-MTAB-16, CIE-MTAB-17, CIE-OUT-8, CIE-LIFE-7 a routine finds the table stored, "
                "complete, and readable at its level");
    TestDisconnect(&Connection);
}

static VOID CheckBlocked(VOID)
{
    static const CHAR name[] = "CIE-MTAB-3, CIE-MTAB-4 the same write by another device is blocked "
                               "where a remapping unit checks the sender";

    TestPause(WRITE_MS);
    if (Connection.Calls == 0)
        Expect(TRUE, name);
    else
        ExpectSkip(name, "this unit is not told who sends: QEMU's VT-d is not, of edu's DMA");
}

/* Writer: edu, whose DMA reaches the local APICs' addresses. */
VOID TableCheckByWrite(PTEST_DEVICE Device, PTEST_DEVICE Writer)
{
    PIO_INTERRUPT_MESSAGE_INFO_ENTRY entry;
    ULONG last;

    if (Device == NULL || Writer == NULL)
        return;
    TestPrepareMessage(&Connection, Device, FALSE);
    if (!TestConnectOrFail(&Connection, "CIE-MTAB-3 messages connect"))
        return;
    last = Connection.Table->MessageCount - 1;
    entry = &Connection.Table->MessageInfo[last];
    TestEduWrite(Writer, (ULONG)entry->MessageAddress.QuadPart, entry->MessageData);
    if (Device->Remapped)
        CheckBlocked();
    else
        Expect(TestWaitCalls(&Connection, 1) && Connection.MessageId == last,
               "CIE-MTAB-3, CIE-MTAB-4, CIE-MTAB-10 MessageData written to MessageAddress makes "
               "the call of that message");
    TestDisconnect(&Connection);
}

VOID AffinityCheck(PTEST_CONNECTION C)
{
    GROUP_AFFINITY affinity;
    ULONG i, right = 0;
    KIRQL irql;

    for (i = 0; i < C->Table->MessageCount; i++) {
        RtlFillMemory(&affinity, sizeof(affinity), 0xA5);
        KeRaiseIrql(HIGH_LEVEL, &irql);
        right += IoGetAffinityInterrupt(C->Table->MessageInfo[i].InterruptObject, &affinity) ==
                     STATUS_SUCCESS &&
                 affinity.Mask == C->Table->MessageInfo[i].TargetProcessorSet &&
                 affinity.Mask != 0 && affinity.Group == 0 && affinity.Reserved[0] == 0 &&
                 affinity.Reserved[1] == 0 && affinity.Reserved[2] == 0;
        KeLowerIrql(irql);
    }
    ExpectEqual(right, C->Table->MessageCount,
                "TC-38, AFF-1, AFF-2, AFF-3, AFF-4, CIE-MTAB-5, LEG-11 IoGetAffinityInterrupt, at "
                "any IRQL, gives TargetProcessorSet in group 0, Reserved zeroed");
    ExpectStatus(IoGetAffinityInterrupt(NULL, &affinity), STATUS_INVALID_PARAMETER,
                 "AFF-3, AFF-4 a NULL object gives STATUS_INVALID_PARAMETER");
    ExpectStatus(IoGetAffinityInterrupt((PKINTERRUPT)C, &affinity), STATUS_INVALID_PARAMETER,
                 "AFF-3, AFF-4 what is no interrupt object gives STATUS_INVALID_PARAMETER");
}
