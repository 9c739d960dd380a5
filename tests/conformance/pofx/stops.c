/*
 * stops.c - what a driver must not say to the framework: bug check INTERNAL_POWER_ERROR.
 */
#include "pofx.h"

#define INTERNAL_POWER_ERROR_CODE 0xA0

static VOID Stop(ULONG64 What, ULONG64 Component, ULONG64 Parameter, PCSTR Name)
{
    ExpectStop(INTERNAL_POWER_ERROR_CODE, What, (ULONG64)(ULONG_PTR)Handle, Component, Parameter,
               Name);
}

VOID StopCase(ULONG Number)
{
    POHANDLE handle;
    KIRQL irql;

    Register(Describe());
    switch (Number) {
    case 0:
        ExpectStop(INTERNAL_POWER_ERROR_CODE, 0x600, (ULONG_PTR)TestDevices->Physical, 0, 0,
                   "PoFxRegisterDevice of a device that is registered is bug check 0xA0, 0x600");
        PoFxRegisterDevice(TestDevices->Physical, (PPO_FX_DEVICE)Describe(), &handle);
        break;
    case 1:
        ExpectStop(INTERNAL_POWER_ERROR_CODE, 0x608, TEST_ANY, TEST_ANY, 0,
                   "PoFxIdleComponent of what was not activated is bug check 0xA0, 0x608");
        PoFxIdleComponent(Handle, 0, 0);
        break;
    case 2:
        Stop(0x613, 0, 0,
             "PoFxCompleteDevicePowerNotRequired that nobody waits for is bug check 0xA0, 0x613");
        PoFxCompleteDevicePowerNotRequired(Handle);
        break;
    case 3:
        Stop(0x613, 0, 1,
             "PoFxReportDevicePoweredOn that nobody waits for is bug check 0xA0, 0x613");
        PoFxReportDevicePoweredOn(Handle);
        break;
    case 4:
        Stop(0x613, 1, 2,
             "PoFxCompleteIdleCondition that nobody waits for is bug check 0xA0, 0x613");
        PoFxCompleteIdleCondition(Handle, 1);
        break;
    case 5:
        Stop(0x614, 0, 0, "PO_FX_FLAG_BLOCKING at DISPATCH_LEVEL is bug check 0xA0, 0x614");
        KeRaiseIrql(DISPATCH_LEVEL, &irql);
        PoFxActivateComponent(Handle, 0, PO_FX_FLAG_BLOCKING);
        break;
    case 6:
        Stop(0x614, 0, 1, "both flags of PoFxActivateComponent are bug check 0xA0, 0x614");
        PoFxActivateComponent(Handle, 0, PO_FX_FLAG_BLOCKING | PO_FX_FLAG_ASYNC_ONLY);
        break;
    default:
        Stop(0x614, 2, 2, "a component that there is not is bug check 0xA0, 0x614");
        PoFxIdleComponent(Handle, 2, 0);
        break;
    }
}
