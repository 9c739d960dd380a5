/*
 * capabilities.c - IRP_MN_QUERY_CAPABILITIES of a PCI function, and the states D1 and D2 that its
 * power management capability tells of. The i82559c has both, the edu neither.
 */
#include "pci-function.h"

enum { CAPABILITY_POWER = 0x01, POWER_CAPABILITIES = 2 };
enum { POWER_HAS_D1 = 0x0200, POWER_HAS_D2 = 0x0400 };

static UCHAR ReadByte(PTEST_DEVICE Device, ULONG Offset)
{
    UCHAR byte = 0;

    TestReadConfig(Device, Offset, &byte, sizeof(byte));
    return byte;
}

/* Offset of the capability, or 0. */
static ULONG FindPower(PTEST_DEVICE Device)
{
    ULONG offset = ReadByte(Device, FIELD_OFFSET(PCI_COMMON_CONFIG, u.type0.CapabilitiesPtr));

    while (offset != 0 && ReadByte(Device, offset) != CAPABILITY_POWER)
        offset = ReadByte(Device, offset + 1);
    return offset;
}

static VOID SetState(PTEST_DEVICE Device, DEVICE_POWER_STATE State)
{
    PIRP irp = IoAllocateIrp(Device->Lower->StackSize, FALSE);
    PIO_STACK_LOCATION next;

    if (irp == NULL)
        return;
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    next = IoGetNextIrpStackLocation(irp);
    next->MajorFunction = IRP_MJ_POWER;
    next->MinorFunction = IRP_MN_SET_POWER;
    next->Parameters.Power.Type = DevicePowerState;
    next->Parameters.Power.State.DeviceState = State;
    PoCallDriver(Device->Lower, irp); /* the bus driver completes it at once */
    IoFreeIrp(irp);
}

static POWER_SEQUENCE ReadSequence(PTEST_DEVICE Device)
{
    PIRP irp = IoAllocateIrp(Device->Lower->StackSize, FALSE);
    POWER_SEQUENCE sequence = {0};
    PIO_STACK_LOCATION next;

    if (irp == NULL)
        return sequence;
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    next = IoGetNextIrpStackLocation(irp);
    next->MajorFunction = IRP_MJ_POWER;
    next->MinorFunction = IRP_MN_POWER_SEQUENCE;
    next->Parameters.PowerSequence.PowerSequence = &sequence;
    PoCallDriver(Device->Lower, irp);
    IoFreeIrp(irp);
    return sequence;
}

/* That the function goes there cannot be seen: QEMU's has both states, and stays in D0. */
static VOID CheckIntermediate(PTEST_DEVICE Device)
{
    POWER_SEQUENCE before = ReadSequence(Device), after;

    SetState(Device, PowerDeviceD1);
    SetState(Device, PowerDeviceD2);
    SetState(Device, PowerDeviceD0);
    after = ReadSequence(Device);
    Expect(after.SequenceD1 == before.SequenceD1 + 2 && after.SequenceD2 == before.SequenceD2 + 1 &&
               after.SequenceD3 == before.SequenceD3,
           "POWER_SEQUENCE counts D2 as a state below D1, and neither as D3");
}

static VOID CheckNone(PTEST_DEVICE Device)
{
    POWER_SEQUENCE before = ReadSequence(Device), after;

    SetState(Device, PowerDeviceD1);
    SetState(Device, PowerDeviceD2);
    SetState(Device, PowerDeviceD0);
    after = ReadSequence(Device);
    Expect(RtlCompareMemory(&after, &before, sizeof(before)) == sizeof(before),
           "a function without D1 and D2 has not been in them after requests for them");
}

static NTSTATUS Query(PTEST_DEVICE Device, PDEVICE_CAPABILITIES Capabilities)
{
    IO_STACK_LOCATION location = {.MinorFunction = IRP_MN_QUERY_CAPABILITIES};
    ULONG_PTR information = 0;

    location.Parameters.DeviceCapabilities.Capabilities = Capabilities;
    return TestSendPnp(Device, &location, &information);
}

VOID CheckCapabilities(PTEST_DEVICE Device)
{
    DEVICE_CAPABILITIES capabilities = {.Size = sizeof(capabilities), .Version = 2};
    ULONG power = FindPower(Device), told = 0;
    ULONG bus, slot;

    FindPlace(Device, &bus, &slot);
    if (power != 0)
        TestReadConfig(Device, power + POWER_CAPABILITIES, &told, sizeof(USHORT));
    Expect(!NT_SUCCESS(Query(Device, &capabilities)),
           "a Version of DEVICE_CAPABILITIES that there is not is refused");
    capabilities.Version = 1;
    ExpectStatus(Query(Device, &capabilities), STATUS_SUCCESS,
                 "a PCI function tells its capabilities");
    Expect(capabilities.DeviceD1 == ((told & POWER_HAS_D1) != 0) &&
               capabilities.DeviceD2 == ((told & POWER_HAS_D2) != 0),
           "DeviceD1 and DeviceD2 are what the power management capability says");
    Expect(capabilities.DeviceState[PowerSystemWorking] == PowerDeviceD0 &&
               capabilities.DeviceState[PowerSystemShutdown] == PowerDeviceD3,
           "a function is in D0 while the system works, and in D3 when it is off");
    ExpectEqual(capabilities.Address, (slot & 0x1F) << 16 | slot >> 5,
                "Address is device and function number");
    if (told & POWER_HAS_D1)
        CheckIntermediate(Device);
    else
        CheckNone(Device);
}
