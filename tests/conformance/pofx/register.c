/*
 * register.c - PoFxRegisterDevice: what it refuses, and the beginning and end of a registration.
 */
#include <initguid.h>

#include "pofx.h"

static NTSTATUS BeforeStart = STATUS_SUCCESS;

VOID FilterRegistration(PTEST_DEVICE Device, PIO_RESOURCE_REQUIREMENTS_LIST *List)
{
    POHANDLE handle;

    UNREFERENCED_PARAMETER(List);
    if (!Device->Started)
        BeforeStart = PoFxRegisterDevice(Device->Physical, (PPO_FX_DEVICE)Describe(), &handle);
}

static NTSTATUS Try(PDEVICE_OBJECT Physical, PPO_FX_DEVICE_V2 Device)
{
    POHANDLE handle = NULL;
    NTSTATUS status = PoFxRegisterDevice(Physical, (PPO_FX_DEVICE)Device, &handle);

    if (NT_SUCCESS(status))
        PoFxUnregisterDevice(handle);
    return status;
}

/* What is wrong with the device as a whole. */
static VOID CheckDevice(PTEST_DEVICE Device)
{
    PPO_FX_DEVICE_V2 description = Describe();

    ExpectStatus(BeforeStart, STATUS_DEVICE_NOT_READY,
                 "PoFxRegisterDevice refuses a device that has not been started");
    ExpectStatus(Try(NULL, description), STATUS_INVALID_PARAMETER,
                 "PoFxRegisterDevice refuses no device,");
    ExpectStatus(Try(Device->Self, description), STATUS_INVALID_PARAMETER,
                 "one that is not a physical device object,");
    description->Version = 0;
    ExpectStatus(Try(Device->Physical, description), STATUS_INVALID_PARAMETER, "a version 0,");
    description->Version = PO_FX_VERSION_V3 + 1;
    ExpectStatus(Try(Device->Physical, description), STATUS_INVALID_PARAMETER,
                 "a version behind the last,");
    description = Describe();
    description->ComponentCount = 0;
    ExpectStatus(Try(Device->Physical, description), STATUS_INVALID_PARAMETER,
                 "a device without components,");
    description = Describe();
    description->ComponentIdleStateCallback = NULL;
    ExpectStatus(Try(Device->Physical, description), STATUS_INVALID_PARAMETER,
                 "several F-states without a callback for them,");
    description = Describe();
    description->ComponentActiveConditionCallback = NULL;
    ExpectStatus(Try(Device->Physical, description), STATUS_INVALID_PARAMETER,
                 "or without one for the active condition,");
    description = Describe();
    description->ComponentIdleConditionCallback = NULL;
    ExpectStatus(Try(Device->Physical, description), STATUS_INVALID_PARAMETER,
                 "or without one for the idle condition,");
}

/* What is wrong with a component. */
static VOID CheckComponent(PTEST_DEVICE Device)
{
    PO_FX_COMPONENT_IDLE_STATE slow[] = {{5, 0, 0}}, long_one[] = {{0, 5, 0}};
    ULONG first = 0, second = 1, twice[] = {0, 0};
    PPO_FX_DEVICE_V2 description = Describe();
    PPO_FX_COMPONENT_V2 component = description->Components;

    component[1].IdleStateCount = 0;
    ExpectStatus(Try(Device->Physical, description), STATUS_INVALID_PARAMETER,
                 "a component without F-states,");
    component[1].IdleStateCount = 1;
    component[1].IdleStates = NULL;
    ExpectStatus(Try(Device->Physical, description), STATUS_INVALID_PARAMETER,
                 "one that does not describe them,");
    component[1].IdleStates = slow;
    ExpectStatus(Try(Device->Physical, description), STATUS_INVALID_PARAMETER,
                 "an F0 that takes time to come back from,");
    component[1].IdleStates = long_one;
    ExpectStatus(Try(Device->Physical, description), STATUS_INVALID_PARAMETER,
                 "an F0 with a residency,");
    Describe();
    component[1].DeepestWakeableIdleState = 1;
    ExpectStatus(Try(Device->Physical, description), STATUS_INVALID_PARAMETER,
                 "a component that wakes from an F-state which it has not,");
    Describe();
    component[0].ProviderCount = component[1].ProviderCount = 1;
    component[0].Providers = &second;
    component[1].Providers = &first;
    ExpectStatus(Try(Device->Physical, description), STATUS_INVALID_PARAMETER,
                 "components that depend on each other,");
    component[0].ProviderCount = 0;
    component[1].ProviderCount = 2;
    component[1].Providers = twice;
    description->ComponentCount = 3;
    component[2] = component[0];
    ExpectStatus(Try(Device->Physical, description), STATUS_INVALID_PARAMETER,
                 "a dependency that is named twice");
    Describe();
    ExpectStatus(Try(Device->Physical, description), STATUS_SUCCESS,
                 "PoFxRegisterDevice registers a device by version 2,");
}

/* Version 1 has components of another form; version 3 more callbacks. */
static VOID CheckVersions(PTEST_DEVICE Device)
{
    PPO_FX_DEVICE_V2 second = Describe();
    PO_FX_DEVICE_V1 first = {.Version = PO_FX_VERSION_V1};
    PO_FX_DEVICE_V3 third = {.Version = PO_FX_VERSION_V3};

    first.ComponentActiveConditionCallback = second->ComponentActiveConditionCallback;
    first.ComponentIdleConditionCallback = second->ComponentIdleConditionCallback;
    first.ComponentIdleStateCallback = second->ComponentIdleStateCallback;
    first.DeviceContext = TestDevices;
    first.ComponentCount = 1;
    first.Components[0].IdleStateCount = 3;
    first.Components[0].IdleStates = second->Components[0].IdleStates;
    Forget();
    ExpectStatus(PoFxRegisterDevice(Device->Physical, (PPO_FX_DEVICE)&first, &Handle),
                 STATUS_SUCCESS, "by version 1,");
    Start();
    Expect(Were("I0 S02"), "whose callbacks and components are found");
    Unregister();
    third.ComponentActiveConditionCallback = second->ComponentActiveConditionCallback;
    third.ComponentIdleConditionCallback = second->ComponentIdleConditionCallback;
    third.ComponentIdleStateCallback = second->ComponentIdleStateCallback;
    third.DevicePowerNotRequiredCallback = second->DevicePowerNotRequiredCallback;
    third.DeviceContext = TestDevices;
    third.ComponentCount = 1;
    third.Components[0] = second->Components[0];
    Forget();
    ExpectStatus(PoFxRegisterDevice(Device->Physical, (PPO_FX_DEVICE)&third, &Handle),
                 STATUS_SUCCESS, "and by version 3,");
    Start();
    Expect(Were("I0 S02 N"), "whose callbacks and components are found, too");
    Unregister();
}

VOID CheckRegistration(PTEST_DEVICE Device)
{
    SIZE_T returned = 99;

    CheckDevice(Device);
    CheckComponent(Device);
    CheckVersions(Device);
    Register(Describe());
    Expect(Were(""), "a registered device is called for nothing before power management starts");
    ExpectStatus(PoFxPowerControl(Handle, &GUID_ACDC_POWER_SOURCE, NULL, 0, NULL, 0, &returned),
                 STATUS_NOT_IMPLEMENTED,
                 "PoFxPowerControl knows no operation: there is no plug-in of the platform");
    ExpectEqual(returned, 0, "and returns no bytes");
    Unregister();
    PoFxNotifySurprisePowerOn(Device->Physical);
    Expect(Were(""), "a device whose registration has ended is called for nothing");
}

/* One of the allocations fails. */
VOID StepShortage(ULONG Number)
{
    PPO_FX_DEVICE_V2 description = Describe();
    NTSTATUS status;
    ULONG first = 0;

    UNREFERENCED_PARAMETER(Number);
    description->Components[1].ProviderCount = 1;
    description->Components[1].Providers = &first;
    status = Try(TestDevices->Physical, description);
    if (!NT_SUCCESS(status))
        ExpectStatus(status, STATUS_INSUFFICIENT_RESOURCES,
                     "PoFxRegisterDevice without memory: STATUS_INSUFFICIENT_RESOURCES");
}
