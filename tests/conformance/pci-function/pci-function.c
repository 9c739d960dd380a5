/*
 * pci-function.c - conformance of the PDO of a PCI function: its ids, and BUS_INTERFACE_STANDARD.
 *
 * The edu is taken: vendor 1234, device 11E8, revision 10, class 00FF00, subsystem 1AF4:1100.
 */
#include "pci-function.h"

#define CONFIG_END 0x100
#define BAR_SIZE 0x100000

/* Microsoft: "Identifiers for PCI Devices"; each list in the order in which INFs are tried. */
static const WCHAR HardwareIds[] = L"PCI\\VEN_1234&DEV_11E8&SUBSYS_11001AF4&REV_10\0"
                                   L"PCI\\VEN_1234&DEV_11E8&SUBSYS_11001AF4\0"
                                   L"PCI\\VEN_1234&DEV_11E8&REV_10\0"
                                   L"PCI\\VEN_1234&DEV_11E8\0"
                                   L"PCI\\VEN_1234&DEV_11E8&CC_00FF00\0"
                                   L"PCI\\VEN_1234&DEV_11E8&CC_00FF\0";
static const WCHAR CompatibleIds[] = L"PCI\\VEN_1234&DEV_11E8&REV_10\0"
                                     L"PCI\\VEN_1234&DEV_11E8\0"
                                     L"PCI\\VEN_1234&CC_00FF00\0"
                                     L"PCI\\VEN_1234&CC_00FF\0"
                                     L"PCI\\VEN_1234\0"
                                     L"PCI\\CC_00FF00\0"
                                     L"PCI\\CC_00FF\0";

static const GUID BusInterfaceStandard = {
    0x496B8280, 0x6F25, 0x11D0, {0xBE, 0xAF, 0x08, 0x00, 0x2B, 0xE2, 0x09, 0x2F}};

static BUS_INTERFACE_STANDARD Bus;

/* ---- ids ----------------------------------------------------------------------------------- */

static VOID CheckIds(PTEST_DEVICE Device, DEVICE_REGISTRY_PROPERTY Property, const WCHAR *Wanted,
                     ULONG Size, PCSTR Name)
{
    static WCHAR ids[512];
    ULONG length = 0;
    NTSTATUS status = IoGetDeviceProperty(Device->Physical, Property, sizeof(ids), ids, &length);

    Expect(NT_SUCCESS(status) && length == Size && RtlCompareMemory(ids, Wanted, Size) == Size,
           Name);
}

VOID FindPlace(PTEST_DEVICE Device, PULONG Bus, PULONG Slot)
{
    ULONG address = ~0u, length;

    *Bus = ~0u;
    ExpectStatus(
        IoGetDeviceProperty(Device->Physical, DevicePropertyBusNumber, sizeof(*Bus), Bus, &length),
        STATUS_SUCCESS, "a function's bus number is a property");
    ExpectStatus(IoGetDeviceProperty(Device->Physical, DevicePropertyAddress, sizeof(address),
                                     &address, &length),
                 STATUS_SUCCESS, "a function's address is a property");
    *Slot = (address >> 16 & 0x1F) | (address & 7) << 5; /* PCI_SLOT_NUMBER */
}

/* ---- the interface ------------------------------------------------------------------------- */

static NTSTATUS QueryInterface(PTEST_DEVICE Device, USHORT Size, USHORT Version)
{
    return TestQueryInterface(Device, &BusInterfaceStandard, &Bus, Size, Version);
}

static VOID CheckRefusals(PTEST_DEVICE Device)
{
    RtlZeroMemory(&Bus, sizeof(Bus));
    Expect(!NT_SUCCESS(QueryInterface(Device, sizeof(Bus) - 1, 1)) && Bus.Context == NULL,
           "a structure that is too small for the interface gets none");
    Expect(!NT_SUCCESS(QueryInterface(Device, sizeof(Bus), 0)) && Bus.Context == NULL,
           "Version 0 of the interface does not exist");
}

static VOID CheckConfigSpace(VOID)
{
    PCI_COMMON_CONFIG config;
    UCHAR line = 0, changed, again = 0;

    RtlZeroMemory(&config, sizeof(config));
    ExpectEqual(Bus.GetBusData(Bus.Context, PCI_WHICHSPACE_CONFIG, &config, 0, CONFIG_END),
                CONFIG_END, "GetBusData reads the whole of a function's configuration space");
    Expect(config.VendorID == EDU_VENDOR && config.DeviceID == EDU_DEVICE &&
               config.RevisionID == 0x10 && config.BaseClass == 0x00 && config.SubClass == 0xFF,
           "GetBusData reads the function's own registers");
    Bus.GetBusData(Bus.Context, PCI_WHICHSPACE_CONFIG, &line, CONFIG_INTERRUPT_LINE, 1);
    Expect(line == config.u.type0.InterruptLine, "GetBusData reads single bytes at an offset");
    changed = (UCHAR)~line;
    ExpectEqual(
        Bus.SetBusData(Bus.Context, PCI_WHICHSPACE_CONFIG, &changed, CONFIG_INTERRUPT_LINE, 1), 1,
        "SetBusData says how many bytes it wrote");
    Bus.GetBusData(Bus.Context, PCI_WHICHSPACE_CONFIG, &again, CONFIG_INTERRUPT_LINE, 1);
    ExpectEqual(again, changed, "SetBusData writes the function's own registers");
    Bus.SetBusData(Bus.Context, PCI_WHICHSPACE_CONFIG, &line, CONFIG_INTERRUPT_LINE, 1);
}

static VOID CheckTranslation(PTEST_DEVICE Device)
{
    PHYSICAL_ADDRESS bus, translated;
    PCI_COMMON_CONFIG config;
    ULONG space = 0, first;

    Bus.GetBusData(Bus.Context, PCI_WHICHSPACE_CONFIG, &config, 0, CONFIG_END);
    bus.QuadPart = config.u.type0.BaseAddresses[0] & ~0xFull;
    translated.QuadPart = 0;
    Expect(Bus.TranslateBusAddress(Bus.Context, bus, BAR_SIZE, &space, &translated) && space == 0,
           "TranslateBusAddress finds the address of a BAR in memory space");
    first = *(volatile ULONG *)Device->Registers;
    ExpectEqual((ULONG64)translated.QuadPart,
                (ULONG64)MmGetPhysicalAddress(Device->Registers).QuadPart,
                "the translated address is that of the started device's memory");
    ExpectEqual(first, 0x010000ED, "the registers at that address are the edu's");
}

static VOID CheckInterface(PTEST_DEVICE Device)
{
    CheckRefusals(Device);
    ExpectStatus(QueryInterface(Device, sizeof(Bus), 1), STATUS_SUCCESS,
                 "a PCI function has the interface BUS_INTERFACE_STANDARD");
    ExpectEqual(Bus.Size, sizeof(Bus), "the interface says its size");
    ExpectEqual(Bus.Version, 1, "the interface says its Version");
    Expect(Bus.InterfaceReference != NULL && Bus.InterfaceDereference != NULL &&
               Bus.TranslateBusAddress != NULL && Bus.GetDmaAdapter != NULL &&
               Bus.SetBusData != NULL && Bus.GetBusData != NULL,
           "every routine of the interface is there");
    if (Bus.GetBusData == NULL)
        return;
    CheckConfigSpace();
    CheckTranslation(Device);
    Bus.InterfaceReference(Bus.Context);
    Bus.InterfaceDereference(Bus.Context);
    Bus.InterfaceDereference(Bus.Context); /* the query's */
}

static VOID Run(VOID)
{
    PTEST_DEVICE device = TestFind(TestKindEdu, 0);

    CheckIds(device, DevicePropertyHardwareID, HardwareIds, sizeof(HardwareIds),
             "the hardware ids are those of Windows, in its order");
    CheckIds(device, DevicePropertyCompatibleIDs, CompatibleIds, sizeof(CompatibleIds),
             "the compatible ids are those of Windows, in its order");
    CheckBusData(device);
    CheckInterface(device);
    for (device = TestDevices; device != NULL; device = device->Next)
        CheckCapabilities(device);
}

const TEST_GROUP TestGroup = {.Run = Run};
