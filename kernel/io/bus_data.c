/*
 * io/bus_data.c - bus access by number, as old drivers do it: HalGetBusData and its kin.
 *
 * Only PCI configuration space is served; other bus data types answer 0 bytes. Which buses there
 * are the PCI bus driver says; a bus number carries the segment, too. Bus addresses are system
 * addresses, and an interrupt's vector cannot be told before PnP assigned it:
 * HalGetInterruptVector is not exported.
 */
#include "io/bus_data.h"

#include <hal/hal.h>
#include <lib/export.h>
#include <lib/string.h>

#include "mm/pool.h"

#define BUSES_TAG MM_TAG("IoBu")

enum {
    SLOT_DEVICE_MASK = 0x1F, /* PCI_SLOT_NUMBER: device 4:0, function 7:5 */
    SLOT_FUNCTION_SHIFT = 5,
    CONFIGURATION_SIZE = 4096,
    NO_VENDOR = 0xFFFF, /* WDK: PCI_INVALID_VENDORID */
    HEADER_TYPE = 0x0E, /* PCI 3.0 6.2.1 */
    HEADER_LAYOUT = 0x7F,
    HEADER_BRIDGE = 1,
    COMMON_SIZE = 256, /* what HalSetBusDataByOffset does not write in a bridge */
    BUSES = UINT8_MAX + 1,
};

/* The buses of a segment; never freed. */
struct segment_buses {
    struct segment_buses *next;
    uint16_t segment;
    bool known[BUSES];
};

static struct segment_buses segments = {.segment = 0}; /* the first; others follow it */

static struct segment_buses *segment_find(ULONG segment)
{
    struct segment_buses *at = &segments;

    while (at && at->segment != segment)
        at = __atomic_load_n(&at->next, __ATOMIC_ACQUIRE);
    return at;
}

/* Bus drivers find buses one at a time. */
void io_bus_data_add(uint16_t segment, uint8_t bus)
{
    struct segment_buses *buses = segment_find(segment);

    if (!buses) {
        buses = mm_pool_alloc(sizeof *buses, BUSES_TAG);
        if (!buses)
            return;
        *buses = (struct segment_buses){.next = segments.next, .segment = segment};
        __atomic_store_n(&segments.next, buses, __ATOMIC_RELEASE);
    }
    __atomic_store_n(&buses->known[bus], true, __ATOMIC_RELAXED);
}

/* WDK: HalGetBusDataByOffset: (Segment << 8) | BusNumber */
struct bus_place {
    uint16_t segment;
    uint8_t bus;
};

static struct bus_place bus_place(ULONG number)
{
    return (struct bus_place){.segment = (uint16_t)(number >> 8), .bus = (uint8_t)number};
}

static bool bus_exists(ULONG number)
{
    const struct segment_buses *buses = segment_find(number >> 8);

    return buses && __atomic_load_n(&buses->known[(uint8_t)number], __ATOMIC_RELAXED);
}

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

static ULONG configuration_access(struct bus_place place, uint8_t devfn, PVOID buffer, ULONG offset,
                                  ULONG length, bool write)
{
    PUCHAR at = buffer;
    ULONG done = 0;

    if (offset >= CONFIGURATION_SIZE)
        return 0;
    if (length > CONFIGURATION_SIZE - offset)
        length = CONFIGURATION_SIZE - offset;
    while (done < length) {
        int width = access_width(offset + done, length - done);
        uint32_t value = 0;

        if (write) {
            memcpy(&value, at + done, (size_t)width);
            hal_pci_write(place.segment, place.bus, devfn, offset + done, width, value);
        } else {
            value = hal_pci_read(place.segment, place.bus, devfn, offset + done, width);
            memcpy(at + done, &value, (size_t)width);
        }
        done += (ULONG)width;
    }
    return done;
}

static bool slot_is_empty(struct bus_place place, uint8_t devfn)
{
    return hal_pci_read(place.segment, place.bus, devfn, 0, 2) == NO_VENDOR;
}

static bool is_bridge(struct bus_place place, uint8_t devfn)
{
    return (hal_pci_read(place.segment, place.bus, devfn, HEADER_TYPE, 1) & HEADER_LAYOUT) ==
           HEADER_BRIDGE;
}

/* WDK surface */

/* Bytes read; 0: no such bus, 2: nobody in the slot. WDK of Windows NT 4: HalGetBusData. */
ULONG NTAPI HalGetBusDataByOffset(BUS_DATA_TYPE BusDataType, ULONG BusNumber, ULONG SlotNumber,
                                  PVOID Buffer, ULONG Offset, ULONG Length)
{
    static const USHORT none = NO_VENDOR;
    struct bus_place place = bus_place(BusNumber);
    uint8_t devfn = slot_devfn(SlotNumber);

    if (BusDataType != PCIConfiguration || !bus_exists(BusNumber))
        return 0;
    if (slot_is_empty(place, devfn)) {
        if (Offset == 0) /* PCI_COMMON_CONFIG begins with it */
            memcpy(Buffer, &none, Length < sizeof(none) ? Length : sizeof(none));
        return sizeof(none);
    }
    return configuration_access(place, devfn, Buffer, Offset, Length, false);
}
LDR_EXPORT(HalGetBusDataByOffset);

ULONG NTAPI HalGetBusData(BUS_DATA_TYPE BusDataType, ULONG BusNumber, ULONG SlotNumber,
                          PVOID Buffer, ULONG Length)
{
    return HalGetBusDataByOffset(BusDataType, BusNumber, SlotNumber, Buffer, 0, Length);
}
LDR_EXPORT(HalGetBusData);

/*
 * Bytes written; 0: nobody is there. In a bridge nothing is written that begins in the first 256
 * bytes, which are the bus driver's. WDK: HalSetBusDataByOffset.
 */
ULONG NTAPI HalSetBusDataByOffset(BUS_DATA_TYPE BusDataType, ULONG BusNumber, ULONG SlotNumber,
                                  PVOID Buffer, ULONG Offset, ULONG Length)
{
    struct bus_place place = bus_place(BusNumber);
    uint8_t devfn = slot_devfn(SlotNumber);

    if (BusDataType != PCIConfiguration || !bus_exists(BusNumber) || slot_is_empty(place, devfn) ||
        (Offset < COMMON_SIZE && is_bridge(place, devfn)))
        return 0;
    return configuration_access(place, devfn, Buffer, Offset, Length, true);
}
LDR_EXPORT(HalSetBusDataByOffset);

ULONG NTAPI HalSetBusData(BUS_DATA_TYPE BusDataType, ULONG BusNumber, ULONG SlotNumber,
                          PVOID Buffer, ULONG Length)
{
    return HalSetBusDataByOffset(BusDataType, BusNumber, SlotNumber, Buffer, 0, Length);
}
LDR_EXPORT(HalSetBusData);

/* FALSE, nothing translated: there is no such bus. WDK of Windows NT 4: HalTranslateBusAddress. */
BOOLEAN NTAPI HalTranslateBusAddress(INTERFACE_TYPE InterfaceType, ULONG BusNumber,
                                     PHYSICAL_ADDRESS BusAddress, PULONG AddressSpace,
                                     PPHYSICAL_ADDRESS TranslatedAddress)
{
    bool known = InterfaceType == Internal || InterfaceType == Isa || InterfaceType == Eisa ||
                 (InterfaceType == PCIBus && bus_exists(BusNumber));

    UNREFERENCED_PARAMETER(AddressSpace); /* memory stays memory, ports stay ports */
    if (known)
        *TranslatedAddress = BusAddress;
    return known;
}
LDR_EXPORT(HalTranslateBusAddress);
