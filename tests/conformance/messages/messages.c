/*
 * messages.c - conformance of message interrupts: what stands in a device's MSI and MSI-X
 * registers, what masks do, and GUID_MSIX_TABLE_CONFIG_INTERFACE.
 */
#include "messages.h"

#define CAPABILITIES_MAX 48
#define PENDING_BYTES 8

static const GUID BusInterface = {
    0x496B8280, 0x6F25, 0x11D0, {0xBE, 0xAF, 0x08, 0x00, 0x2B, 0xE2, 0x09, 0x2F}};

static BUS_INTERFACE_STANDARD Bus;

/* ---- configuration space -------------------------------------------------------------------- */

BOOLEAN ConfigOf(PTEST_DEVICE Device)
{
    NTSTATUS status = TestQueryInterface(Device, &BusInterface, &Bus, sizeof(Bus), 1);

    if (!NT_SUCCESS(status)) {
        ExpectStatus(status, STATUS_SUCCESS, "a device's configuration space can be read");
        return FALSE;
    }
    Bus.InterfaceDereference(Bus.Context);
    return TRUE;
}

ULONG ConfigRead(ULONG Offset, ULONG Size)
{
    ULONG value = 0;

    Bus.GetBusData(Bus.Context, PCI_WHICHSPACE_CONFIG, &value, Offset, Size);
    return value;
}

VOID ConfigWrite(ULONG Offset, ULONG Size, ULONG Value)
{
    Bus.SetBusData(Bus.Context, PCI_WHICHSPACE_CONFIG, &Value, Offset, Size);
}

ULONG ConfigCapability(ULONG Id)
{
    ULONG offset = ConfigRead(CONFIG_CAPABILITIES, 1), i;

    for (i = 0; i < CAPABILITIES_MAX && offset != 0; i++) {
        if (ConfigRead(offset, 1) == Id)
            return offset;
        offset = ConfigRead(offset + 1, 1);
    }
    return 0;
}

static PUCHAR Map(ULONG OffsetAndBar, ULONG Size)
{
    PHYSICAL_ADDRESS address;

    address.QuadPart = ConfigRead(CONFIG_BARS + 4 * (OffsetAndBar & MSIX_BIR), 4) & ~0xFu;
    address.QuadPart += OffsetAndBar & ~MSIX_BIR;
    return MmMapIoSpace(address, Size, MmNonCached);
}

BOOLEAN TableMap(PMSIX_TABLE Table)
{
    ULONG capability = ConfigCapability(CAPABILITY_MSIX);

    if (capability == 0)
        return FALSE;
    Table->Size = (ConfigRead(capability + 2, 2) & MSIX_SIZE) + 1;
    Table->Entries = Map(ConfigRead(capability + 4, 4), Table->Size * 16);
    Table->Pending = Map(ConfigRead(capability + 8, 4), PENDING_BYTES);
    return Table->Entries != NULL && Table->Pending != NULL;
}

VOID TableUnmap(PMSIX_TABLE Table)
{
    MmUnmapIoSpace(Table->Entries, Table->Size * 16);
    MmUnmapIoSpace(Table->Pending, PENDING_BYTES);
}

ULONG TableRead(PMSIX_TABLE Table, ULONG Entry, ULONG Word)
{
    return READ_REGISTER_ULONG((PULONG)(Table->Entries + Entry * 16 + Word * 4));
}

BOOLEAN TablePending(PMSIX_TABLE Table, ULONG Entry)
{
    return (READ_REGISTER_ULONG((PULONG)Table->Pending) >> Entry & 1) != 0;
}

static VOID Run(VOID)
{
    PTEST_DEVICE rocker = TestFind(TestKindRocker, 0), e1000e = TestFind(TestKindE1000e, 0);

    if (rocker == NULL) {
        CheckUnused(e1000e);
    } else if (rocker->InterruptCount == 2) {
        CheckTwoMessages(rocker);
    } else {
        CheckMsi();
        CheckMsix(rocker);
        CheckMsixPlace(e1000e);
        CheckInterface(rocker, TestFind(TestKindEdu, 0));
        CheckEntries(rocker);
    }
}

const TEST_GROUP TestGroup = {.Run = Run};
