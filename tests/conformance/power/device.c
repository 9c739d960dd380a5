/*
 * device.c - what the bus driver below makes of power requests; requests of the driver's own.
 */
#include "power.h"

/* Sends the drivers below a power request that Location says, and waits for nothing: it is known
 * that the bus driver completes these at once. */
static NTSTATUS SendBelow(PTEST_DEVICE Device, const IO_STACK_LOCATION *Location)
{
    PIRP irp = IoAllocateIrp(Device->Lower->StackSize, FALSE);
    PIO_STACK_LOCATION next;
    NTSTATUS status;

    if (irp == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    next = IoGetNextIrpStackLocation(irp);
    *next = *Location;
    next->MajorFunction = IRP_MJ_POWER;
    status = PoCallDriver(Device->Lower, irp);
    IoFreeIrp(irp);
    return status;
}

static VOID CheckSequence(PTEST_DEVICE Device)
{
    IO_STACK_LOCATION location = {.MinorFunction = IRP_MN_POWER_SEQUENCE};
    POWER_SEQUENCE before = {0}, after = {0};

    location.Parameters.PowerSequence.PowerSequence = &before;
    ExpectStatus(SendBelow(Device, &location), STATUS_SUCCESS,
                 "G-PO-3 PoCallDriver sends a driver's own POWER_SEQUENCE, which is answered");
    location.Parameters.PowerSequence.PowerSequence = &after;
    SendBelow(Device, &location);
    ExpectEqual(after.SequenceD3, before.SequenceD3,
                "G-PO-3 the count of D3 stays while the device is in D0");
    Set(Device->Self, PowerDeviceD3);
    Set(Device->Self, PowerDeviceD0);
    SendBelow(Device, &location);
    Expect(after.SequenceD3 == before.SequenceD3 + 1 && after.SequenceD2 == before.SequenceD2 + 1 &&
               after.SequenceD1 == before.SequenceD1 + 1,
           "G-PO-3 D3 counts as D3, and as a state below D1 and D2");
}

static NTSTATUS NTAPI Keep(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    InterlockedIncrement(Context);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* From the top of the stack, where it is held, to the bottom. */
static VOID CheckPending(PTEST_DEVICE Device)
{
    PIRP irp = IoAllocateIrp(Device->Self->StackSize, FALSE);
    volatile LONG completions = 0;
    PIO_STACK_LOCATION next;
    KIRQL irql;
    NTSTATUS status;

    if (irp == NULL) {
        Expect(FALSE, "there is memory for an IRP");
        return;
    }
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    next = IoGetNextIrpStackLocation(irp);
    next->MajorFunction = IRP_MJ_POWER;
    next->MinorFunction = IRP_MN_QUERY_POWER;
    next->Parameters.Power.Type = DevicePowerState;
    next->Parameters.Power.State.DeviceState = PowerDeviceD0;
    IoSetCompletionRoutine(irp, Keep, (PVOID)&completions, TRUE, TRUE, TRUE);
    Watch(Hold);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    status = PoCallDriver(Device->Self, irp);
    KeLowerIrql(irql);
    ExpectStatus(status, STATUS_PENDING,
                 "G-PO-3 PoCallDriver gives STATUS_PENDING for what is not completed yet");
    Expect(completions == 0 && SeenCount == 1 && Seen[0].Irp == irp,
           "G-PO-3 and has called the driver, at DISPATCH_LEVEL, too");
    Watch(PassOn);
    Release(0);
    Expect(TestSpinUntil(&completions, 1, PATIENCE) && NT_SUCCESS(irp->IoStatus.Status),
           "G-PO-3 whose completion is told");
    IoFreeIrp(irp);
}

static VOID CheckUnknown(PTEST_DEVICE Device)
{
    IO_STACK_LOCATION location = {.MinorFunction = 0x44};

    ExpectStatus(SendBelow(Device, &location), STATUS_NOT_SUPPORTED,
                 "G-PO-3 a minor code that nobody knows is completed as it came");
    location.MinorFunction = IRP_MN_SET_POWER;
    location.Parameters.Power.Type = SystemPowerState;
    location.Parameters.Power.State.SystemState = PowerSystemWorking;
    ExpectStatus(SendBelow(Device, &location), STATUS_SUCCESS,
                 "G-PO-3 the bus driver agrees to a state of the system");
}

/* The driver stays connected: what the device forgets in D3 is the bus driver's to give back. */
static VOID CheckInterrupt(PTEST_DEVICE Device)
{
    TEST_CONNECTION connection;

    TestDevicePrepare(Device);
    if (TestIsMessage(Device))
        TestPrepareMessage(&connection, Device, FALSE);
    else
        TestPrepareLine(&connection, Device);
    if (!TestConnectOrFail(&connection, "G-PO-2 an interrupt of a device that sleeps connects"))
        return;
    TestExpectCall(&connection, 0, TestLevel(Device), "G-PO-2 the device interrupts in D0");
    Set(Device->Self, PowerDeviceD3);
    Set(Device->Self, PowerDeviceD0);
    TestDevicePrepare(Device);
    TestExpectCall(&connection, 0, TestLevel(Device),
                   "G-PO-2 back in D0 it interrupts without being connected again");
    TestDisconnect(&connection);
}

VOID CheckDevice(PTEST_DEVICE Device)
{
    Watch(PassOn);
    CheckSequence(Device);
    CheckUnknown(Device);
    CheckPending(Device);
    CheckInterrupt(Device);
}
