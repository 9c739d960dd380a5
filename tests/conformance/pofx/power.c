/*
 * power.c - power that the device does not require any more, and requires again.
 */
#include "pofx.h"

static VOID CheckNotRequired(VOID)
{
    Register(Describe());
    PoFxActivateComponent(Handle, 1, 0);
    Start();
    Forget();
    LaterPower = TRUE;
    PoFxIdleComponent(Handle, 1, 0);
    Expect(Were("I1 N"),
           "DevicePowerNotRequired is called when the last component has come to rest");
    PoFxActivateComponent(Handle, 0, 0);
    Expect(Were("I1 N"), "nothing else is before PoFxCompleteDevicePowerNotRequired,");
    PoFxCompleteDevicePowerNotRequired(Handle);
    Expect(Came(3) && Were("I1 N R"),
           "PoFxCompleteDevicePowerNotRequired: then power is required for a component");
    PoFxReportDevicePoweredOn(Handle);
    Expect(Came(5) && Were("I1 N R S00 A0"),
           "PoFxReportDevicePoweredOn: then the component is brought to F0 and is active");
    Forget();
    LaterPower = FALSE;
    PoFxIdleComponent(Handle, 0, 0);
    Expect(Were("I0 S02 N"), "when it is idle, power is not required again");
    Forget();
    PoFxActivateComponent(Handle, 1, PO_FX_FLAG_BLOCKING);
    Expect(
        Were("R S02 A1") || Were("R A1 S02"),
        "components that nobody needs go to their F-states anew after the device was powered on");
    PoFxIdleComponent(Handle, 1, 0);
}

static VOID CheckSurprise(PTEST_DEVICE Device)
{
    Forget();
    PoFxNotifySurprisePowerOn(Device->Physical);
    Expect(
        Came(1) && Were("S02"),
        "PoFxNotifySurprisePowerOn: they do when it was turned on as a side effect, and no more");
    Unregister();
}

static VOID CheckTimeout(VOID)
{
    ULONGLONG before;

    Register(Describe());
    PoFxSetDeviceIdleTimeout(Handle, 100 * 10000);
    before = KeQueryInterruptTime();
    Start();
    TestPause(SILENCE);
    Expect(CallCount == 3 || KeQueryInterruptTime() - before >= 100 * 10000,
           "PoFxSetDeviceIdleTimeout: power is required for as long as was asked for");
    Expect(Came(4) && Were("I0 S02 I1 N") && KeQueryInterruptTime() - before >= 99 * 10000,
           "and not any more after that");
    PoFxActivateComponent(Handle, 1, PO_FX_FLAG_BLOCKING);
    PoFxSetDeviceIdleTimeout(Handle, 60ull * 10000000);
    Forget();
    PoFxIdleComponent(Handle, 1, 0);
    PoFxActivateComponent(Handle, 1, 0);
    PoFxSetDeviceIdleTimeout(Handle, 0);
    TestPause(SILENCE);
    Expect(Were("I1 A1"), "a component that is activated before its end cancels the time-out");
    PoFxIdleComponent(Handle, 1, 0);
    Expect(Were("I1 A1 I1 N"), "without a time-out power is not required at once");
    Unregister();
}

/* Some hardware must be in F0 when its device leaves D0. */
static VOID CheckF0OnDx(VOID)
{
    PPO_FX_DEVICE_V2 description = Describe();

    description->Components[0].Flags = PO_FX_COMPONENT_FLAG_F0_ON_DX;
    Register(description);
    Start();
    Expect(Were("I0 S02 I1 S00 N"),
           "PO_FX_COMPONENT_FLAG_F0_ON_DX: the component is in F0 when power is not required");
    Forget();
    PoFxActivateComponent(Handle, 1, PO_FX_FLAG_BLOCKING);
    Expect(Were("R S02 A1") || Were("R A1 S02"), "and goes to its F-state when it is again");
    PoFxIdleComponent(Handle, 1, 0);
    Unregister();
}

static VOID CheckRequests(VOID)
{
    Register(Describe());
    ByRequests = TRUE;
    Requests = 0;
    Start();
    Expect(Came(4) && TestSpinUntil(&Requests, 1, 10000),
           "a driver sends its device to D3 when power is not required");
    PoFxActivateComponent(Handle, 0, PO_FX_FLAG_BLOCKING);
    Expect(Requests == 2 && Were("I0 S02 I1 N R S00 A0"),
           "and to D0 when it is; PoFxActivateComponent waits for that");
    ByRequests = FALSE;
    Unregister();
}

VOID CheckPower(PTEST_DEVICE Device)
{
    CheckNotRequired();
    CheckSurprise(Device);
    CheckTimeout();
    CheckF0OnDx();
    CheckRequests();
}
