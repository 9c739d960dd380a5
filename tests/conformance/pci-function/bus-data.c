/*
 * bus-data.c - configuration space by bus and slot number, as drivers older than PnP reach it.
 *
 * The routines' pages are those of Windows NT 4: 0 bytes say that there is no such bus, 2 that
 * nobody is in the slot.
 */
#include "pci-function.h"

#define FIRST_END FIELD_OFFSET(PCI_COMMON_CONFIG, LatencyTimer) /* behind CacheLineSize */

static VOID CheckReads(ULONG Bus, ULONG Slot)
{
    PCI_COMMON_CONFIG config, same;
    ULONG read;

    RtlZeroMemory(&config, sizeof(config));
    read = HalGetBusData(PCIConfiguration, Bus, Slot, &config, PCI_COMMON_HDR_LENGTH);
    Expect(read == PCI_COMMON_HDR_LENGTH && config.VendorID == EDU_VENDOR &&
               config.DeviceID == EDU_DEVICE,
           "HalGetBusData reads a function's configuration from its beginning");
    Expect(config.DeviceSpecific[0] == 0, "no more than was asked for");
    HalGetBusDataByOffset(PCIConfiguration, Bus, Slot, &same, 0, PCI_COMMON_HDR_LENGTH);
    Expect(RtlCompareMemory(&config, &same, PCI_COMMON_HDR_LENGTH) == PCI_COMMON_HDR_LENGTH,
           "as HalGetBusDataByOffset does from offset 0");
    ExpectEqual(HalGetBusDataByOffset(PCIConfiguration, Bus, Slot, &same, PAGE_SIZE, 4), 0,
                "nothing is read from behind the configuration space");
    ExpectEqual(HalGetBusDataByOffset(PCIConfiguration, Bus, Slot, &same, PAGE_SIZE - 4, 16), 4,
                "and no more than to its end");
    ExpectEqual(HalGetBusData(EisaConfiguration, Bus, Slot, &same, 4), 0,
                "a kind of bus that there is not gives 0 bytes");
    ExpectEqual(HalGetBusData(PCIConfiguration, 0xF7, Slot, &same, 4), 0,
                "so does a PCI bus that there is not");
    ExpectEqual(HalGetBusData(PCIConfiguration, 0x1000, Slot, &same, 4), 0,
                "or that there can not be");
    ExpectEqual(HalGetBusData(PCIConfiguration, 1 << 8 | Bus, Slot, &same, 4), 0,
                "or of a segment that there is not");
    same.VendorID = 0;
    ExpectEqual(HalGetBusData(PCIConfiguration, Bus, 0x1C | 7 << 5, &same, sizeof(same)), 2,
                "a slot that nobody is in gives 2 bytes");
    ExpectEqual(same.VendorID, PCI_INVALID_VENDORID, "which are PCI_INVALID_VENDORID");
}

static VOID CheckWrites(ULONG Bus, ULONG Slot)
{
    PCI_COMMON_CONFIG config, now;
    UCHAR line, changed;

    HalGetBusData(PCIConfiguration, Bus, Slot, &config, sizeof(config));
    line = config.u.type0.InterruptLine;
    changed = line ^ 0x55;
    ExpectEqual(
        HalSetBusDataByOffset(PCIConfiguration, Bus, Slot, &changed, CONFIG_INTERRUPT_LINE, 1), 1,
        "HalSetBusDataByOffset writes a byte");
    HalGetBusData(PCIConfiguration, Bus, Slot, &now, sizeof(now));
    ExpectEqual(now.u.type0.InterruptLine, changed, "which can be read back");
    Expect(now.u.type0.InterruptPin == config.u.type0.InterruptPin && now.Command == config.Command,
           "and leaves its neighbours alone");
    HalSetBusDataByOffset(PCIConfiguration, Bus, Slot, &line, CONFIG_INTERRUPT_LINE, 1);
    now = config;
    now.CacheLineSize = config.CacheLineSize ^ 0x10;
    ExpectEqual(HalSetBusData(PCIConfiguration, Bus, Slot, &now, FIRST_END), FIRST_END,
                "HalSetBusData writes from the beginning");
    HalGetBusData(PCIConfiguration, Bus, Slot, &now, sizeof(now));
    Expect(now.CacheLineSize == (config.CacheLineSize ^ 0x10) && now.Command == config.Command &&
               now.u.type0.BaseAddresses[0] == config.u.type0.BaseAddresses[0],
           "so much and no more");
    HalSetBusData(PCIConfiguration, Bus, Slot, &config, FIRST_END);
    ExpectEqual(HalSetBusData(PCIConfiguration, Bus, 0x1C | 7 << 5, &config, 4), 0,
                "nothing is written where nobody is");
    ExpectEqual(HalSetBusData(PCIConfiguration, 0xF7, Slot, &config, 4), 0,
                "nor on a bus that there is not");
    ExpectEqual(HalSetBusDataByOffset(Cmos, 0, 0, &config, 0, 4), 0,
                "nor to a kind of bus that there is not");
}

/* The first bridge on the bus, as a slot number. */
static BOOLEAN FindBridge(ULONG Bus, PULONG Slot)
{
    UCHAR header;

    for (*Slot = 0; *Slot < 32 * 8; ++*Slot) {
        header = 0;
        HalGetBusDataByOffset(PCIConfiguration, Bus, *Slot, &header,
                              FIELD_OFFSET(PCI_COMMON_CONFIG, HeaderType), sizeof(header));
        if ((header & ~PCI_MULTIFUNCTION) == PCI_BRIDGE_TYPE)
            return TRUE;
    }
    return FALSE;
}

static VOID CheckBridge(ULONG Bus)
{
    PCI_COMMON_CONFIG before, after;
    UCHAR changed;
    ULONG slot, written[2];

    if (!FindBridge(Bus, &slot)) {
        Expect(FALSE, "there is a bridge");
        return;
    }
    HalGetBusData(PCIConfiguration, Bus, slot, &before, sizeof(before));
    changed = before.u.type1.InterruptLine ^ 0x55;
    written[0] =
        HalSetBusDataByOffset(PCIConfiguration, Bus, slot, &changed, CONFIG_INTERRUPT_LINE, 1);
    changed = before.CacheLineSize ^ 0x10;
    written[1] = HalSetBusDataByOffset(PCIConfiguration, Bus, slot, &changed,
                                       FIELD_OFFSET(PCI_COMMON_CONFIG, CacheLineSize), 1);
    HalGetBusData(PCIConfiguration, Bus, slot, &after, sizeof(after));
    Expect(written[0] == 0 && written[1] == 0 &&
               RtlCompareMemory(&before, &after, sizeof(after)) == sizeof(after),
           "HalSetBusDataByOffset writes nothing to the first 256 bytes of a bridge");
    ExpectEqual(HalSetBusData(PCIConfiguration, Bus, slot, &before, sizeof(before)), 0,
                "nor does HalSetBusData");
}

static VOID CheckTranslation(ULONG Bus)
{
    PHYSICAL_ADDRESS address = {{0xFEB01000, 0}}, translated = {{0, 0}};
    ULONG space = 0;

    Expect(HalTranslateBusAddress(PCIBus, Bus, address, &space, &translated),
           "G-HAL-2 HalTranslateBusAddress translates an address on a PCI bus");
    Expect(translated.QuadPart == address.QuadPart && space == 0,
           "G-HAL-2 memory stays memory, at the same address");
    address.QuadPart = 0x3F8;
    space = 1;
    Expect(HalTranslateBusAddress(Isa, 0, address, &space, &translated) &&
               translated.QuadPart == 0x3F8 && space == 1,
           "G-HAL-2 a port stays a port");
    translated.QuadPart = 0;
    Expect(!HalTranslateBusAddress(PCIBus, 0xF7, address, &space, &translated) &&
               translated.QuadPart == 0,
           "G-HAL-2 on a bus that there is not nothing is translated");
    Expect(!HalTranslateBusAddress(VMEBus, 0, address, &space, &translated),
           "G-HAL-2 nor on one of a kind that there is not");
}

VOID CheckBusData(PTEST_DEVICE Device)
{
    ULONG bus, slot;
    KIRQL irql;

    FindPlace(Device, &bus, &slot);
    KeRaiseIrql(DISPATCH_LEVEL, &irql); /* PCIConfiguration: IRQL <= DISPATCH_LEVEL */
    CheckReads(bus, slot);
    CheckWrites(bus, slot);
    CheckBridge(bus);
    KeLowerIrql(irql);
    CheckTranslation(bus);
}
