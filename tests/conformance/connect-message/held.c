/*
 * held.c - the message table against what the device sends by: its MSI capability or MSI-X table.
 * They are read only, since they are the bus driver's (CIE-LIFE-8).
 *
 * Sources: PCI Local Bus Specification 3.0, 6.8.1 "MSI Capability Structure" and 6.8.2 "MSI-X
 * Capability and Table Structure", 6.2.5.1 "Address Maps".
 */
#include "message.h"

#define CONFIG_BARS 0x10
#define CONFIG_CAPABILITIES 0x34
#define CAPABILITIES_MAX 48
#define BAR_64_BITS 0x4u
#define BAR_ADDRESS 0xFFFFFFF0u
#define MSI_CONTROL_64_BITS 0x80u
#define MSIX_TABLE 4
#define MSIX_TABLE_BAR 0x7u
#define MSIX_ENTRY_SIZE 16

typedef struct {
    ULONG64 Address;
    ULONG Data;
} HELD;

static ULONG Config(PTEST_DEVICE Device, ULONG Offset, ULONG Length)
{
    ULONG value = 0;

    TestReadConfig(Device, Offset, &value, Length);
    return value;
}

/* 0: the function has none. */
static ULONG Capability(PTEST_DEVICE Device, UCHAR Id)
{
    ULONG offset = Config(Device, CONFIG_CAPABILITIES, 1), i;

    for (i = 0; i < CAPABILITIES_MAX && offset != 0; i++) {
        if (Config(Device, offset, 1) == Id)
            return offset;
        offset = Config(Device, offset + 1, 1);
    }
    return 0;
}

/* Message Index is the data with that number in its low bits. */
static VOID ReadMsi(PTEST_DEVICE Device, ULONG Capability, ULONG Index, HELD *Held)
{
    BOOLEAN wide = (Config(Device, Capability + 2, 2) & MSI_CONTROL_64_BITS) != 0;

    Held->Address = Config(Device, Capability + 4, 4);
    if (wide)
        Held->Address |= (ULONG64)Config(Device, Capability + 8, 4) << 32;
    Held->Data = Config(Device, Capability + (wide ? 12 : 8), 2) | Index;
}

static BOOLEAN ReadMsix(PTEST_DEVICE Device, ULONG Capability, ULONG Index, HELD *Held)
{
    ULONG where = Config(Device, Capability + MSIX_TABLE, 4);
    ULONG place = CONFIG_BARS + 4 * (where & MSIX_TABLE_BAR), bar = Config(Device, place, 4);
    PHYSICAL_ADDRESS physical;
    PUCHAR entry;

    physical.QuadPart = bar & BAR_ADDRESS;
    if (bar & BAR_64_BITS)
        physical.QuadPart |= (LONG64)Config(Device, place + 4, 4) << 32;
    physical.QuadPart += (where & ~MSIX_TABLE_BAR) + Index * MSIX_ENTRY_SIZE;
    entry = MmMapIoSpace(physical, MSIX_ENTRY_SIZE, MmNonCached);
    if (entry == NULL)
        return FALSE;
    Held->Address = READ_REGISTER_ULONG((PULONG)entry) |
                    (ULONG64)READ_REGISTER_ULONG((PULONG)(entry + 4)) << 32;
    Held->Data = READ_REGISTER_ULONG((PULONG)(entry + 8));
    MmUnmapIoSpace(entry, MSIX_ENTRY_SIZE);
    return TRUE;
}

VOID HeldCheck(PTEST_CONNECTION C)
{
    ULONG msix = Capability(C->Device, PCI_CAPABILITY_ID_MSIX), i, right = 0;
    ULONG msi = Capability(C->Device, PCI_CAPABILITY_ID_MSI);
    HELD held = {0};

    for (i = 0; i < C->Table->MessageCount; i++) {
        PIO_INTERRUPT_MESSAGE_INFO_ENTRY entry = &C->Table->MessageInfo[i];

        if (msix == 0)
            ReadMsi(C->Device, msi, i, &held);
        else if (!ReadMsix(C->Device, msix, i, &held))
            continue;
        right += held.Address == (ULONG64)entry->MessageAddress.QuadPart &&
                 held.Data == entry->MessageData;
    }
    ExpectEqual(right, C->Table->MessageCount,
                "CIE-MTAB-3, CIE-MTAB-4 each message's address and data are those that the device "
                "holds");
}
