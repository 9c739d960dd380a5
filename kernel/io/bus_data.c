/*
 * io/bus_data.c - bus access by number, as old drivers do it: HalGetBusData and its kin.
 *
 * Only PCI configuration space of segment 0 is served; other bus data types answer 0 bytes. Bus
 * addresses are system addresses, and an interrupt's vector cannot be told before PnP assigned it:
 * HalGetInterruptVector is not exported.
 */
#include <hal/hal.h>
#include <lib/export.h>
#include <lib/string.h>
#include <nt/wdm.h>

enum {
    SLOT_DEVICE_MASK = 0x1F, /* PCI_SLOT_NUMBER: device 4:0, function 7:5 */
    SLOT_FUNCTION_SHIFT = 5,
    CONFIGURATION_SIZE = 4096,
    NO_VENDOR = 0xFFFF,
};

static uint8_t slot_devfn(ULONG slot)
{
    return (uint8_t)((slot & SLOT_DEVICE_MASK) << 3 | (slot >> SLOT_FUNCTION_SHIFT & 7));
}

/* Accesses as wide as alignment and length allow: some registers have side effects. */
static int access_width(ULONG offset, ULONG left)
{
    if (offset % 4 == 0 && left >= 4)
        return 4;
    return offset % 2 == 0 && left >= 2 ? 2 : 1;
}

static ULONG configuration_access(ULONG bus, ULONG slot, PVOID buffer, ULONG offset, ULONG length,
                                  bool write)
{
    uint8_t devfn = slot_devfn(slot);
    PUCHAR at = buffer;
    ULONG done = 0;

    if (bus > UINT8_MAX || offset >= CONFIGURATION_SIZE ||
        hal_pci_read(0, (uint8_t)bus, devfn, 0, 2) == NO_VENDOR)
        return 0;
    if (length > CONFIGURATION_SIZE - offset)
        length = CONFIGURATION_SIZE - offset;
    while (done < length) {
        int width = access_width(offset + done, length - done);
        uint32_t value = 0;

        if (write) {
            memcpy(&value, at + done, (size_t)width);
            hal_pci_write(0, (uint8_t)bus, devfn, offset + done, width, value);
        } else {
            value = hal_pci_read(0, (uint8_t)bus, devfn, offset + done, width);
            memcpy(at + done, &value, (size_t)width);
        }
        done += (ULONG)width;
    }
    return done;
}

/* WDK surface */

ULONG NTAPI HalGetBusDataByOffset(BUS_DATA_TYPE BusDataType, ULONG BusNumber, ULONG SlotNumber,
                                  PVOID Buffer, ULONG Offset, ULONG Length)
{
    if (BusDataType != PCIConfiguration)
        return 0;
    return configuration_access(BusNumber, SlotNumber, Buffer, Offset, Length, false);
}
LDR_EXPORT(HalGetBusDataByOffset);

ULONG NTAPI HalGetBusData(BUS_DATA_TYPE BusDataType, ULONG BusNumber, ULONG SlotNumber,
                          PVOID Buffer, ULONG Length)
{
    return HalGetBusDataByOffset(BusDataType, BusNumber, SlotNumber, Buffer, 0, Length);
}
LDR_EXPORT(HalGetBusData);

ULONG NTAPI HalSetBusDataByOffset(BUS_DATA_TYPE BusDataType, ULONG BusNumber, ULONG SlotNumber,
                                  PVOID Buffer, ULONG Offset, ULONG Length)
{
    if (BusDataType != PCIConfiguration)
        return 0;
    return configuration_access(BusNumber, SlotNumber, Buffer, Offset, Length, true);
}
LDR_EXPORT(HalSetBusDataByOffset);

ULONG NTAPI HalSetBusData(BUS_DATA_TYPE BusDataType, ULONG BusNumber, ULONG SlotNumber,
                          PVOID Buffer, ULONG Length)
{
    return HalSetBusDataByOffset(BusDataType, BusNumber, SlotNumber, Buffer, 0, Length);
}
LDR_EXPORT(HalSetBusData);

BOOLEAN NTAPI HalTranslateBusAddress(INTERFACE_TYPE InterfaceType, ULONG BusNumber,
                                     PHYSICAL_ADDRESS BusAddress, PULONG AddressSpace,
                                     PPHYSICAL_ADDRESS TranslatedAddress)
{
    UNREFERENCED_PARAMETER(InterfaceType);
    UNREFERENCED_PARAMETER(BusNumber);
    UNREFERENCED_PARAMETER(AddressSpace); /* memory stays memory, ports stay ports */
    *TranslatedAddress = BusAddress;
    return TRUE;
}
LDR_EXPORT(HalTranslateBusAddress);
