/*
 * transport.c - virtio over PCI: from a function's capabilities to a working virtqueue.
 *
 * The order is the specification's (3.1.1): reset, acknowledge, features, queue, DRIVER_OK. The
 * registers lie wherever vendor-specific capabilities say, in any BAR; transitional devices have
 * them beside the old ones.
 */
#include "virtio-rng.h"

#define RESET_MILLISECONDS 1000

static UCHAR CommonRead8(PDEVICE Device, ULONG Register)
{
    return READ_REGISTER_UCHAR(Device->Structures[VIRTIO_COMMON].Registers + Register);
}

static VOID CommonWrite8(PDEVICE Device, ULONG Register, UCHAR Value)
{
    WRITE_REGISTER_UCHAR(Device->Structures[VIRTIO_COMMON].Registers + Register, Value);
}

static USHORT CommonRead16(PDEVICE Device, ULONG Register)
{
    return READ_REGISTER_USHORT((PUSHORT)(Device->Structures[VIRTIO_COMMON].Registers + Register));
}

static VOID CommonWrite16(PDEVICE Device, ULONG Register, USHORT Value)
{
    WRITE_REGISTER_USHORT((PUSHORT)(Device->Structures[VIRTIO_COMMON].Registers + Register), Value);
}

static ULONG CommonRead32(PDEVICE Device, ULONG Register)
{
    return READ_REGISTER_ULONG((PULONG)(Device->Structures[VIRTIO_COMMON].Registers + Register));
}

static VOID CommonWrite32(PDEVICE Device, ULONG Register, ULONG Value)
{
    WRITE_REGISTER_ULONG((PULONG)(Device->Structures[VIRTIO_COMMON].Registers + Register), Value);
}

/* 4.1.3.1: as two halves. */
static VOID CommonWrite64(PDEVICE Device, ULONG Register, ULONGLONG Value)
{
    CommonWrite32(Device, Register, (ULONG)Value);
    CommonWrite32(Device, Register + sizeof(ULONG), (ULONG)(Value >> 32));
}

/* ---- Finding the registers ---------------------------------------------------------------- */

static ULONG ConfigRead(PBUS_INTERFACE_STANDARD Bus, ULONG Offset, ULONG Length)
{
    ULONG value = 0;

    Bus->GetBusData(Bus->Context, PCI_WHICHSPACE_CONFIG, &value, Offset, Length);
    return value;
}

/* Map a BAR, once: its address tells which of the resources it is. */
static NTSTATUS MapBar(PDEVICE Device, PBUS_INTERFACE_STANDARD Bus, ULONG Bar)
{
    ULONG offset = FIELD_OFFSET(PCI_COMMON_CONFIG, u.type0.BaseAddresses) + Bar * sizeof(ULONG);
    ULONG low = ConfigRead(Bus, offset, sizeof(ULONG));
    ULONGLONG address = low & PCI_ADDRESS_MEMORY_ADDRESS_MASK;

    if (Device->Bars[Bar] != NULL)
        return STATUS_SUCCESS;
    if (low & PCI_ADDRESS_IO_SPACE)
        return STATUS_NOT_SUPPORTED;
    if ((low & PCI_ADDRESS_MEMORY_TYPE_MASK) == PCI_TYPE_64BIT && Bar + 1 < PCI_TYPE0_ADDRESSES)
        address |= (ULONGLONG)ConfigRead(Bus, offset + sizeof(ULONG), sizeof(ULONG)) << 32;
    if (address == 0)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    Device->Bars[Bar] = FunctionMap(&Device->Function, address, &Device->BarLengths[Bar]);
    return Device->Bars[Bar] != NULL ? STATUS_SUCCESS : STATUS_DEVICE_CONFIGURATION_ERROR;
}

/*
 * The first capability of a type is the one the device prefers (4.1.4.1); others are passed over.
 */
static NTSTATUS TakeCapability(PDEVICE Device, PBUS_INTERFACE_STANDARD Bus, ULONG Offset)
{
    ULONG type = ConfigRead(Bus, Offset + VIRTIO_CAPABILITY_TYPE, 1);
    ULONG bar = ConfigRead(Bus, Offset + VIRTIO_CAPABILITY_BAR, 1);
    ULONG start = ConfigRead(Bus, Offset + VIRTIO_CAPABILITY_OFFSET, sizeof(ULONG));
    ULONG length = ConfigRead(Bus, Offset + VIRTIO_CAPABILITY_LENGTH, sizeof(ULONG));
    NTSTATUS status;

    if (type < VIRTIO_COMMON || type >= VIRTIO_STRUCTURES || bar >= PCI_TYPE0_ADDRESSES ||
        Device->Structures[type].Registers != NULL)
        return STATUS_SUCCESS;
    status = MapBar(Device, Bus, bar);
    if (!NT_SUCCESS(status))
        return status;
    if (start > Device->BarLengths[bar] || length > Device->BarLengths[bar] - start)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    Device->Structures[type].Registers = Device->Bars[bar] + start;
    Device->Structures[type].Length = length;
    if (type == VIRTIO_NOTIFY)
        Device->NotifyMultiplier =
            ConfigRead(Bus, Offset + VIRTIO_CAPABILITY_MULTIPLIER, sizeof(ULONG));
    return STATUS_SUCCESS;
}

static NTSTATUS FindRegisters(PDEVICE Device)
{
    BUS_INTERFACE_STANDARD bus;
    NTSTATUS status = FunctionBusInterface(&Device->Function, &bus);
    ULONG offset, left = PCI_EXTENDED_CONFIG_LENGTH; /* a list that ends in itself ends, too */

    if (!NT_SUCCESS(status))
        return status;
    offset = ConfigRead(&bus, FIELD_OFFSET(PCI_COMMON_CONFIG, u.type0.CapabilitiesPtr), 1);
    for (; NT_SUCCESS(status) && offset != 0 && left != 0; left--) {
        if (ConfigRead(&bus, offset, 1) == VIRTIO_CAPABILITY)
            status = TakeCapability(Device, &bus, offset);
        offset = ConfigRead(&bus, offset + 1, 1);
    }
    bus.InterfaceDereference(bus.Context);
    if (NT_SUCCESS(status) && (Device->Structures[VIRTIO_COMMON].Length < VIRTIO_COMMON_SIZE ||
                               Device->Structures[VIRTIO_NOTIFY].Length < sizeof(USHORT) ||
                               Device->Structures[VIRTIO_ISR].Length < sizeof(UCHAR)))
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    return status;
}

static VOID UnmapRegisters(PDEVICE Device)
{
    ULONG i;

    for (i = 0; i < PCI_TYPE0_ADDRESSES; i++) {
        if (Device->Bars[i] != NULL)
            MmUnmapIoSpace(Device->Bars[i], Device->BarLengths[i]);
        Device->Bars[i] = NULL;
    }
    RtlZeroMemory(Device->Structures, sizeof(Device->Structures));
}

/* ---- Negotiation and the queue ------------------------------------------------------------ */

/* 4.1.4.3.2: the reset is over when the status reads 0. */
static NTSTATUS Reset(PDEVICE Device)
{
    ULONG waited;

    CommonWrite8(Device, VIRTIO_STATUS, 0);
    for (waited = 0; CommonRead8(Device, VIRTIO_STATUS) != 0; waited++) {
        if (waited == RESET_MILLISECONDS || CommonRead8(Device, VIRTIO_STATUS) == 0xFF)
            return STATUS_IO_TIMEOUT;
        FunctionPause(1);
    }
    return STATUS_SUCCESS;
}

static VOID StatusAdd(PDEVICE Device, ULONG Bits)
{
    CommonWrite8(Device, VIRTIO_STATUS, (UCHAR)(CommonRead8(Device, VIRTIO_STATUS) | Bits));
}

/* Of all features we need but one: that the device follows version 1. */
static NTSTATUS Negotiate(PDEVICE Device)
{
    StatusAdd(Device, VIRTIO_STATUS_ACKNOWLEDGE);
    StatusAdd(Device, VIRTIO_STATUS_DRIVER);
    CommonWrite32(Device, VIRTIO_DEVICE_FEATURES_SELECT, 1);
    if (!(CommonRead32(Device, VIRTIO_DEVICE_FEATURES) & VIRTIO_FEATURE_VERSION_1))
        return STATUS_NOT_SUPPORTED;
    CommonWrite32(Device, VIRTIO_DRIVER_FEATURES_SELECT, 0);
    CommonWrite32(Device, VIRTIO_DRIVER_FEATURES, 0);
    CommonWrite32(Device, VIRTIO_DRIVER_FEATURES_SELECT, 1);
    CommonWrite32(Device, VIRTIO_DRIVER_FEATURES, VIRTIO_FEATURE_VERSION_1);
    StatusAdd(Device, VIRTIO_STATUS_FEATURES_OK);
    if (!(CommonRead8(Device, VIRTIO_STATUS) & VIRTIO_STATUS_FEATURES_OK))
        return STATUS_NOT_SUPPORTED;
    return STATUS_SUCCESS;
}

/* 4.1.5.1.3. A vector the device has no room for reads back as VIRTIO_NO_VECTOR. */
static NTSTATUS CreateQueue(PDEVICE Device)
{
    ULONGLONG address = (ULONGLONG)Device->Function.MemoryAddress.QuadPart;
    USHORT vector = Device->Function.MessageCount != 0 ? 0 : VIRTIO_NO_VECTOR;
    ULONG offset;

    Device->LastUsed = 0;
    CommonWrite16(Device, VIRTIO_CONFIG_VECTOR, VIRTIO_NO_VECTOR);
    CommonWrite16(Device, VIRTIO_QUEUE_SELECT, 0);
    if (CommonRead16(Device, VIRTIO_QUEUE_SIZE) < QUEUE_ENTRIES)
        return STATUS_NOT_SUPPORTED;
    CommonWrite16(Device, VIRTIO_QUEUE_SIZE, QUEUE_ENTRIES);
    CommonWrite16(Device, VIRTIO_QUEUE_VECTOR, vector);
    if (CommonRead16(Device, VIRTIO_QUEUE_VECTOR) != vector)
        return STATUS_INSUFFICIENT_RESOURCES;
    offset = CommonRead16(Device, VIRTIO_QUEUE_NOTIFY) * Device->NotifyMultiplier;
    if (offset > Device->Structures[VIRTIO_NOTIFY].Length - sizeof(USHORT))
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    Device->Doorbell = Device->Structures[VIRTIO_NOTIFY].Registers + offset;
    CommonWrite64(Device, VIRTIO_QUEUE_TABLE, address + FIELD_OFFSET(RINGS, Table));
    CommonWrite64(Device, VIRTIO_QUEUE_AVAILABLE, address + FIELD_OFFSET(RINGS, Available));
    CommonWrite64(Device, VIRTIO_QUEUE_USED, address + FIELD_OFFSET(RINGS, Used));
    CommonWrite16(Device, VIRTIO_QUEUE_ENABLE, 1);
    return STATUS_SUCCESS;
}

/* Ask for random bytes. One request at a time, so entry 0 of the table is always free. */
VOID TransportSubmit(PDEVICE Device, ULONG Length)
{
    RINGS *rings = (RINGS *)Device->Function.Memory;
    USHORT index = rings->Available.Index;

    rings->Table[0].Address = (ULONGLONG)Device->Function.MemoryAddress.QuadPart + PAGE_SIZE;
    rings->Table[0].Length = Length;
    rings->Table[0].Flags = VIRTIO_DESCRIPTOR_WRITE;
    rings->Available.Ring[index % QUEUE_ENTRIES] = 0;
    KeepOrder(); /* the entry before the index, */
    *(volatile USHORT *)&rings->Available.Index = index + 1;
    KeepOrder(); /* the index before the doorbell */
    WRITE_REGISTER_USHORT((PUSHORT)Device->Doorbell, 0);
}

/* TRUE: the device has written *Length bytes. */
BOOLEAN TransportCollect(PDEVICE Device, PULONG Length)
{
    RINGS *rings = (RINGS *)Device->Function.Memory;

    if (*(volatile USHORT *)&rings->Used.Index == Device->LastUsed)
        return FALSE;
    KeepOrder(); /* the index before the entry */
    *Length = rings->Used.Ring[Device->LastUsed % QUEUE_ENTRIES].Length;
    Device->LastUsed++;
    return TRUE;
}

/* ---- The interrupt ------------------------------------------------------------------------ */

/* By message nothing needs to be asked or answered: the message says it all. */
static BOOLEAN NTAPI MessageRoutine(PKINTERRUPT Interrupt, PVOID Context, ULONG MessageId)
{
    PDEVICE device = Context;

    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(MessageId);
    KeInsertQueueDpc(&device->Dpc, NULL, NULL);
    return TRUE;
}

/* On the line: reading the ISR status tells whether it was us, and lowers the line (4.1.5.3). */
static BOOLEAN NTAPI LineRoutine(PKINTERRUPT Interrupt, PVOID Context)
{
    PDEVICE device = Context;
    UCHAR status = READ_REGISTER_UCHAR(device->Structures[VIRTIO_ISR].Registers);

    UNREFERENCED_PARAMETER(Interrupt);
    if (status == 0 || status == 0xFF)
        return FALSE; /* not ours, or the device is gone */
    if (status & VIRTIO_ISR_QUEUE)
        KeInsertQueueDpc(&device->Dpc, NULL, NULL);
    return TRUE;
}

NTSTATUS TransportStart(PDEVICE Device)
{
    NTSTATUS status = FindRegisters(Device);

    if (NT_SUCCESS(status))
        status = Reset(Device);
    if (NT_SUCCESS(status))
        status = Negotiate(Device);
    if (NT_SUCCESS(status))
        status = FunctionAllocate(&Device->Function, MEMORY_SIZE, MEMORY_SIZE, TRUE);
    if (NT_SUCCESS(status))
        status = FunctionConnect(&Device->Function, MessageRoutine, LineRoutine, Device);
    if (NT_SUCCESS(status))
        status = CreateQueue(Device);
    if (NT_SUCCESS(status))
        StatusAdd(Device, VIRTIO_STATUS_DRIVER_OK);
    return status;
}

/* After a reset the device neither interrupts nor touches memory. */
VOID TransportStop(PDEVICE Device)
{
    if (Device->Structures[VIRTIO_COMMON].Registers != NULL)
        Reset(Device);
    FunctionDisconnect(&Device->Function);
    FunctionFree(&Device->Function);
    UnmapRegisters(Device);
}
