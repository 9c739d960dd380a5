/*
 * idle.c - PoRegisterDeviceForIdleDetection: devices that are not used are sent to sleep, on
 * battery after another time than on mains: steps 10, on mains, and 11, on battery.
 */
#include "power.h"

#define IDLE_TIME 3u /* seconds */
#define POLICY_TIME ((ULONG)-1)

static VOID CheckIdlePolicy(PTEST_DEVICE Device)
{
    PDEVICE_OBJECT disk;
    PULONG counter;

    Expect(PoRegisterDeviceForIdleDetection(Device->Self, POLICY_TIME, IDLE_TIME, PowerDeviceD3) ==
                   NULL &&
               PoRegisterDeviceForIdleDetection(Device->Self, IDLE_TIME, POLICY_TIME,
                                                PowerDeviceD3) == NULL,
           "G-PO-5 the times of the power policy, -1, are for no device of another type");
    if (!NT_SUCCESS(IoCreateDevice(TestDriver, 0, NULL, FILE_DEVICE_DISK, 0, FALSE, &disk))) {
        Expect(FALSE, "there is memory for a device");
        return;
    }
    counter = PoRegisterDeviceForIdleDetection(disk, POLICY_TIME, POLICY_TIME, PowerDeviceD3);
    Expect(counter != NULL, "G-PO-5 but for a disk");
    Expect(PoRegisterDeviceForIdleDetection(disk, 600, 600, PowerDeviceD3) == counter,
           "G-PO-5 a device has one idle detection: registered again, it has other times");
    PoRegisterDeviceForIdleDetection(disk, 0, 0, PowerDeviceD3);
    IoDeleteDevice(disk);
}

static VOID CheckIdle(PTEST_DEVICE Device)
{
    volatile ULONG *counter;
    BOOLEAN counted = TRUE;
    ULONG uses;

    Watch(PassOn);
    Expect(PoRegisterDeviceForIdleDetection(Device->Physical, 0, 0, PowerDeviceD3) == NULL,
           "G-PO-5 times of zero turn idle detection off: there is no counter");
    counter =
        PoRegisterDeviceForIdleDetection(Device->Physical, IDLE_TIME, IDLE_TIME, PowerDeviceD3);
    Expect(counter != NULL, "G-PO-5 a device that is registered has an idle counter");
    if (counter == NULL)
        return;
    for (uses = 0; uses < IDLE_TIME; uses++) {
        counted &= TestSpinUntil((volatile LONG *)counter, 1, PATIENCE);
        PoSetDeviceBusy(counter);
    }
    Expect(counted && SeenCount == 0,
           "G-PO-5 seconds are counted; a device that is used in time stays in D0");
    Expect(TestSpinUntil((volatile LONG *)&SeenCount, 1, PATIENCE) &&
               Seen[0].Location.MinorFunction == IRP_MN_SET_POWER &&
               Seen[0].Location.Parameters.Power.Type == DevicePowerState &&
               Seen[0].Location.Parameters.Power.State.DeviceState == PowerDeviceD3,
           "G-PO-5 one that is idle for its time is sent to the state it was registered with");
    ExpectStatus(Set(Device->Self, PowerDeviceD0), STATUS_SUCCESS,
                 "G-PO-5 its driver brings it back");
    Expect(PoRegisterDeviceForIdleDetection(Device->Physical, 0, 0, PowerDeviceD3) == NULL,
           "G-PO-5 times of zero end the counting");
}

VOID CheckIdleDetection(PTEST_DEVICE Device)
{
    CheckIdle(Device);
    CheckIdlePolicy(Device);
}

/* ---- the power source ------------------------------------------------------------------------ */

static VOID StepMains(PTEST_DEVICE Device)
{
    PULONG counter;

    Watch(PassOn);
    counter = PoRegisterDeviceForIdleDetection(Device->Physical, 1, 0, PowerDeviceD3);
    Expect(counter != NULL && TestSpinUntil((volatile LONG *)counter, 2, PATIENCE) &&
               SeenCount == 0,
           "G-PO-5 on mains the time for conservation does not count");
    PoRegisterDeviceForIdleDetection(Device->Physical, 0, 0, PowerDeviceD3);
}

static VOID StepBattery(PTEST_DEVICE Device)
{
    Watch(PassOn);
    PoRegisterDeviceForIdleDetection(Device->Physical, 1, 0, PowerDeviceD3);
    Expect(TestSpinUntil((volatile LONG *)&SeenCount, 1, PATIENCE) &&
               Seen[0].Location.MinorFunction == IRP_MN_SET_POWER &&
               Seen[0].Location.Parameters.Power.State.DeviceState == PowerDeviceD3,
           "G-PO-5 on battery it does");
    PoRegisterDeviceForIdleDetection(Device->Physical, 0, 0, PowerDeviceD3);
    ExpectStatus(Set(Device->Self, PowerDeviceD0), STATUS_SUCCESS, "G-PO-5 and the device is back");
}

VOID StepIdle(ULONG Number)
{
    KtapBegin(&TestReport);
    (Number == 0 ? StepMains : StepBattery)(TestFind(TestKindEdu, 0));
    KtapEnd(&TestReport);
}
