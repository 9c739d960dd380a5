/*
 * raw.c - the structures of the interrupt API byte by byte, as a driver's binary holds them.
 *
 * Nothing here uses a member's name: offsets, sizes and values are those that the headers of every
 * WDK since Vista compile to. What connects, is served and is read back that way has this layout.
 */
#include "suite.h"

#define PARAMETERS_SIZE 0x50
#define CONTEXT_PARAMETERS_SIZE 0x10
#define TABLE_HEADER_SIZE 0x08
#define TABLE_ENTRY_SIZE 0x30
#define GUARD 16
#define GUARD_BYTE 0xA5

enum {
    OFFSET_VERSION = 0x00,
    OFFSET_DEVICE = 0x08,
    OFFSET_OUTPUT = 0x10, /* InterruptObject, ConnectionContext */
    OFFSET_ROUTINE = 0x18,
    OFFSET_CONTEXT = 0x20,
    OFFSET_LOCK = 0x28,
    OFFSET_SYNCHRONIZE_IRQL = 0x30,
    OFFSET_FLOATING_SAVE = 0x31,
    OFFSET_SHARE = 0x32,
    OFFSET_VECTOR = 0x34,
    OFFSET_IRQL = 0x38,
    OFFSET_FALLBACK = 0x38,
    OFFSET_MODE = 0x3C,
    OFFSET_MASK = 0x40,
    OFFSET_GROUP = 0x48,
};

static UCHAR Bytes[PARAMETERS_SIZE + GUARD];
static TEST_CONNECTION Connection; /* what the routine counts in; its Context receives the output */
static KSPIN_LOCK Lock;

static VOID Put(ULONG Offset, ULONG Size, ULONG64 Value)
{
    RtlCopyMemory(&Bytes[Offset], &Value, Size);
}

static ULONG64 Get(const VOID *Structure, ULONG Offset, ULONG Size)
{
    ULONG64 value = 0;

    RtlCopyMemory(&value, (const UCHAR *)Structure + Offset, Size);
    return value;
}

static BOOLEAN GuardHolds(PUCHAR From)
{
    ULONG i;

    for (i = 0; i < GUARD; i++)
        if (From[i] != GUARD_BYTE)
            return FALSE;
    return TRUE;
}

/* What stands at the same place in every version. */
static VOID PutCommon(PTEST_DEVICE Device, ULONG Version, PVOID Routine)
{
    RtlZeroMemory(Bytes, PARAMETERS_SIZE);
    RtlFillMemory(&Bytes[PARAMETERS_SIZE], GUARD, GUARD_BYTE);
    RtlZeroMemory(&Connection, sizeof(Connection));
    KeInitializeSpinLock(&Lock);
    Connection.Device = Device;
    Put(OFFSET_VERSION, 4, Version);
    Put(OFFSET_DEVICE, 8, (ULONG64)(ULONG_PTR)Device->Physical);
    Put(OFFSET_OUTPUT, 8, (ULONG64)(ULONG_PTR)&Connection.Context);
    Put(OFFSET_ROUTINE, 8, (ULONG64)(ULONG_PTR)Routine);
    Put(OFFSET_CONTEXT, 8, (ULONG64)(ULONG_PTR)&Connection);
    Put(OFFSET_LOCK, 8, (ULONG64)(ULONG_PTR)&Lock);
}

/* The tail of FullySpecified, from a translated descriptor: Type +0, ShareDisposition +1, Flags +2,
 * Level +4, Group +6, Vector +8, Affinity +0xC, packed to 4. */
static VOID PutFullTail(PTEST_DEVICE Device)
{
    const VOID *descriptor = Device->Translated[0];
    ULONG64 level = Get(descriptor, 4, 2);

    RtlZeroMemory(&Bytes[OFFSET_SYNCHRONIZE_IRQL], PARAMETERS_SIZE - OFFSET_SYNCHRONIZE_IRQL);
    Put(OFFSET_SYNCHRONIZE_IRQL, 1, level);
    Put(OFFSET_FLOATING_SAVE, 1, 0);
    Put(OFFSET_SHARE, 1, Get(descriptor, 1, 1) == 3); /* CmResourceShareShared */
    Put(OFFSET_VECTOR, 4, Get(descriptor, 8, 4));
    Put(OFFSET_IRQL, 1, level);
    Put(OFFSET_MODE, 4, Get(descriptor, 2, 2) & 1); /* Latched 1, LevelSensitive 0 */
    Put(OFFSET_MASK, 8, Get(descriptor, 0xC, 8));
    Put(OFFSET_GROUP, 2, Get(descriptor, 6, 2));
}

static NTSTATUS Connect(VOID)
{
    return IoConnectInterruptEx((PIO_CONNECT_INTERRUPT_PARAMETERS)Bytes);
}

static VOID Disconnect(VOID)
{
    UCHAR parameters[CONTEXT_PARAMETERS_SIZE + GUARD];
    ULONG64 version = Get(Bytes, OFFSET_VERSION, 4);

    RtlFillMemory(parameters, sizeof(parameters), GUARD_BYTE);
    RtlCopyMemory(&parameters[0], &version, 4);
    RtlCopyMemory(&parameters[8], &Connection.Context, 8);
    IoDisconnectInterruptEx((PIO_DISCONNECT_INTERRUPT_PARAMETERS)parameters);
    Expect(GuardHolds(&parameters[CONTEXT_PARAMETERS_SIZE]),
           "CIE-LAY-5, DIS-15 IoDisconnectInterruptEx takes Version at +0, the context at +8, and "
           "nothing beyond +0x10");
}

/* IO_REPORT_INTERRUPT_ACTIVE_STATE_PARAMETERS has the shape of the disconnect structure. */
static VOID CheckActiveState(VOID)
{
    VOID(NTAPI * inactive)(PVOID) = (VOID(NTAPI *)(PVOID))TestRoutine(L"IoReportInterruptInactive");
    VOID(NTAPI * active)(PVOID) = (VOID(NTAPI *)(PVOID))TestRoutine(L"IoReportInterruptActive");
    UCHAR parameters[CONTEXT_PARAMETERS_SIZE];
    ULONG64 version = Get(Bytes, OFFSET_VERSION, 4);

    if (inactive == NULL || active == NULL)
        return;
    RtlFillMemory(parameters, sizeof(parameters), GUARD_BYTE);
    RtlCopyMemory(&parameters[0], &version, 4);
    RtlCopyMemory(&parameters[8], &Connection.Context, 8);
    TestResetCounts(&Connection);
    inactive(parameters);
    TestRaise(Connection.Device, 0);
    TestPause(2);
    TestAcknowledge(Connection.Device);
    active(parameters);
    ExpectEqual((ULONG)Connection.Calls, 0,
                "CIE-LAY-6 IoReportInterruptInactive takes Version at +0, the context at +8");
    TestRaise(Connection.Device, 0);
    Expect(TestWaitCalls(&Connection, 1), "CIE-LAY-6 so does IoReportInterruptActive");
}

static VOID CheckServed(PCSTR Name)
{
    GROUP_AFFINITY affinity[2];
    PVOID object = Connection.Context;

    TestResetCounts(&Connection);
    TestRaise(Connection.Device, 0);
    Expect(TestWaitCalls(&Connection, 1) && Connection.Claims == 1, Name);
    if (Get(Bytes, OFFSET_VERSION, 4) == 3)
        return;
    RtlFillMemory(affinity, sizeof(affinity), GUARD_BYTE);
    IoGetAffinityInterrupt(object, affinity);
    Expect((Get(affinity, 0, 8) >> Connection.Processor & 1) != 0 && Get(affinity, 8, 8) == 0 &&
               GuardHolds((PUCHAR)affinity + 0x10),
           "AFF-5, AFF-2 GROUP_AFFINITY: Mask at +0, Group at +8, six bytes reserved, 0x10 in all");
}

/* ---- the versions --------------------------------------------------------------------------- */

static VOID CheckFull(PTEST_DEVICE Device, ULONG Version)
{
    PutCommon(Device, Version, (PVOID)(ULONG_PTR)TestServiceRoutine);
    PutFullTail(Device);
    ExpectStatus(Connect(), STATUS_SUCCESS,
                 "CIE-LAY-1, CIE-LAY-9, CIE-VER-1 FullySpecified connects by its offsets");
    Expect(GuardHolds(&Bytes[PARAMETERS_SIZE]), "CIE-LAY-1 the structure ends at +0x50");
    if (Connection.Context == NULL)
        return;
    CheckServed("CIE-LAY-1, CIE-LAY-3 and is served, with the context at +0x20");
    CheckActiveState();
    Disconnect();
}

static VOID CheckTable(PTEST_DEVICE Device)
{
    const UCHAR *table = Connection.Context, *entry;
    ULONG i, right = 0, count = (ULONG)Get(table, 4, 4);

    ExpectEqual(count, TestMessageCount(Device), "CIE-LAY-7 MessageCount stands at +4");
    for (i = 0; i < count; i++) {
        entry = table + TABLE_HEADER_SIZE + i * TABLE_ENTRY_SIZE;
        right += Get(entry, 0x00, 8) >> 20 == 0xFEE && Get(entry, 0x08, 8) != 0 &&
                 (Device->Remapped || (Get(entry, 0x18, 4) & 0xFF) == Get(entry, 0x1C, 4)) &&
                 Get(entry, 0x20, 1) == Get(entry, 0x1C, 4) >> 4 &&
                 Get(entry, 0x20, 1) <= Get(table, 0, 1) && Get(entry, 0x24, 4) == 1 &&
                 Get(entry, 0x28, 4) == 1;
    }
    ExpectEqual(
        right, count,
        "CIE-LAY-7, CIE-LAY-8, CIE-LAY-9 each entry, 0x30 bytes from +8 on, has address, "
        "processors, data, vector, IRQL, Latched 1 and InterruptActiveHigh 1 at its offsets");
    TestResetCounts(&Connection);
    TestRaise(Device, count - 1);
    entry = table + TABLE_HEADER_SIZE + (count - 1) * TABLE_ENTRY_SIZE;
    Expect(TestWaitCalls(&Connection, 1) &&
               (ULONG64)(ULONG_PTR)Connection.Interrupt == Get(entry, 0x10, 8),
           "CIE-LAY-8 the interrupt object stands at +0x10 of the entry");
}

static VOID CheckMessage(PTEST_DEVICE Device)
{
    PutCommon(Device, 3, (PVOID)(ULONG_PTR)TestMessageRoutine);
    Put(OFFSET_FALLBACK, 8, (ULONG64)(ULONG_PTR)TestServiceRoutine);
    RtlFillMemory(&Bytes[0x40], 0x10, GUARD_BYTE);
    ExpectStatus(Connect(), STATUS_SUCCESS,
                 "CIE-LAY-1, CIE-LAY-4 MessageBased connects by its offsets");
    Expect(GuardHolds(&Bytes[0x40]), "CIE-LAY-2 nothing is written past +0x40");
    if (Connection.Context == NULL)
        return;
    if (TestIsMessage(Device))
        CheckTable(Device);
    else
        CheckServed("CIE-LAY-4 the fallback at +0x38 is served, its object stored through +0x10");
    Disconnect();
}

static VOID CheckLine(PTEST_DEVICE Device)
{
    PutCommon(Device, 2, (PVOID)(ULONG_PTR)TestServiceRoutine);
    RtlFillMemory(&Bytes[0x38], 0x10, GUARD_BYTE);
    ExpectStatus(Connect(), STATUS_SUCCESS, "CIE-LAY-1 LineBased connects by its offsets");
    Expect(GuardHolds(&Bytes[0x38]), "CIE-LAY-2 nothing is written past +0x38");
    if (Connection.Context == NULL)
        return;
    CheckServed("CIE-LAY-1 and is served");
    Disconnect();
}

/* The usual retry: what was filled in for messages is refused, and becomes FullySpecified. */
static VOID CheckRetry(PTEST_DEVICE Device)
{
    PutCommon(Device, 3, (PVOID)(ULONG_PTR)TestMessageRoutine);
    ExpectStatus(Connect(), STATUS_NOT_FOUND, "CIE-LAY-3, CIE-MSG-14 Version 3 finds no message");
    Put(OFFSET_VERSION, 4, 1);
    Put(OFFSET_ROUTINE, 8, (ULONG64)(ULONG_PTR)TestServiceRoutine);
    PutFullTail(Device);
    ExpectStatus(Connect(), STATUS_SUCCESS,
                 "CIE-LAY-3 with the tail from +0x30 rewritten the same structure connects as "
                 "Version 1");
    if (Connection.Context == NULL)
        return;
    CheckServed("CIE-LAY-3 what stood before +0x30 still holds");
    Disconnect();
}

static VOID Run(VOID)
{
    PTEST_DEVICE device;

    for (device = TestDevices; device != NULL; device = device->Next) {
        if (!TestCanRaise(device))
            continue;
        CheckFull(device, 1);
        CheckFull(device, 4);
        CheckMessage(device);
        if (TestIsMessage(device))
            continue;
        CheckLine(device);
        CheckRetry(device);
    }
}

const TEST_GROUP TestGroup = {.Run = Run};
