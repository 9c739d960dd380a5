/*
 * components.c - conditions and F-states of components, and components that depend on others.
 */
#include "pofx.h"

static VOID CheckStart(VOID)
{
    Register(Describe());
    PoFxActivateComponent(Handle, 1, 0);
    Expect(Were(""), "a component that is activated before the start is active already");
    Start();
    Expect(Were("I0 S02"), "PoFxStartDevicePowerManagement makes a component idle, and sends it to "
                           "its deepest F-state");
    Expect(Calls[0].Irql <= DISPATCH_LEVEL, "at DISPATCH_LEVEL or below");
    Forget();
    PoFxActivateComponent(Handle, 1, 0);
    PoFxIdleComponent(Handle, 1, PO_FX_FLAG_BLOCKING);
    Expect(Were(""), "activations count: one that is not the last is given back without a call");
}

static VOID CheckConditions(VOID)
{
    PoFxActivateComponent(Handle, 0, PO_FX_FLAG_BLOCKING);
    Expect(Were("S00 A0"),
           "PoFxActivateComponent brings the component to F0, then tells that it is active");
    Expect(Calls[0].Thread == KeGetCurrentThread() && Calls[1].Thread == KeGetCurrentThread(),
           "PO_FX_FLAG_BLOCKING: in the calling thread, before PoFxActivateComponent returns");
    Forget();
    PoFxActivateComponent(Handle, 0, PO_FX_FLAG_BLOCKING);
    Expect(Were(""), "an active component is activated without a call");
    PoFxIdleComponent(Handle, 0, 0);
    Expect(Were(""), "and stays active as long as one activation is left");
    PoFxIdleComponent(Handle, 0, PO_FX_FLAG_BLOCKING);
    Expect(Were("I0 S02") && Calls[0].Thread == KeGetCurrentThread(),
           "PoFxIdleComponent of the last makes it idle, in the calling thread where it blocks");
    Forget();
    PoFxActivateComponent(Handle, 0, PO_FX_FLAG_ASYNC_ONLY);
    Expect(Came(2) && Were("S00 A0") && Calls[0].Thread != KeGetCurrentThread() &&
               Calls[1].Thread != KeGetCurrentThread(),
           "PO_FX_FLAG_ASYNC_ONLY: PoFxActivateComponent leaves the calls to another thread");
    Forget();
    PoFxIdleComponent(Handle, 0, PO_FX_FLAG_ASYNC_ONLY);
    Expect(Came(2) && Were("I0 S02") && Calls[0].Thread != KeGetCurrentThread(),
           "so does PoFxIdleComponent");
}

static VOID CheckDispatchLevel(VOID)
{
    KIRQL irql;

    Forget();
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    PoFxActivateComponent(Handle, 0, 0);
    PoFxIdleComponent(Handle, 0, 0);
    KeLowerIrql(irql);
    Expect(Came(4) && Were("S00 A0 I0 S02"),
           "both can be called at DISPATCH_LEVEL, without PO_FX_FLAG_BLOCKING");
}

/* The driver takes its time. */
static VOID CheckLater(VOID)
{
    Forget();
    PoFxActivateComponent(Handle, 0, PO_FX_FLAG_BLOCKING);
    LaterIdle = TRUE;
    Forget();
    PoFxIdleComponent(Handle, 0, 0);
    Expect(Were("I0"), "a component is not idle before PoFxCompleteIdleCondition,");
    PoFxActivateComponent(Handle, 0, 0);
    Expect(Were("I0"), "nor made active again");
    PoFxCompleteIdleCondition(Handle, 0);
    Expect(Came(2) && Were("I0 A0"), "PoFxCompleteIdleCondition: then it is, without leaving F0");
    LaterIdle = FALSE;
    LaterState = TRUE;
    Forget();
    PoFxIdleComponent(Handle, 0, 0);
    PoFxActivateComponent(Handle, 0, 0);
    Expect(Were("I0 S02"), "an F-state is not left before PoFxCompleteIdleState");
    PoFxCompleteIdleState(Handle, 0);
    Expect(Came(3) && Were("I0 S02 S00"), "which brings the next change of state,");
    PoFxCompleteIdleState(Handle, 0);
    Expect(Came(4) && Were("I0 S02 S00 A0"), "and the active condition once F0 is complete");
    LaterState = FALSE;
    PoFxIdleComponent(Handle, 0, 0);
}

static VOID CheckHints(VOID)
{
    Forget();
    PoFxSetComponentLatency(Handle, 0, 1000);
    Expect(
        Were("S00 S01"),
        "PoFxSetComponentLatency: an idle component goes to an F-state that is left fast enough, "
        "by way of F0");
    Forget();
    PoFxSetComponentLatency(Handle, 0, 999);
    Expect(Were("S00"), "to F0 where no other is");
    Forget();
    PoFxSetComponentLatency(Handle, 0, 50000);
    Expect(Were("S02"), "and back to the deepest");
    Forget();
    PoFxSetComponentResidency(Handle, 0, 89999);
    Expect(
        Were("S00 S01"),
        "PoFxSetComponentResidency: an F-state is not worth while for a shorter time than its own");
    Forget();
    PoFxSetComponentResidency(Handle, 0, PO_FX_UNKNOWN_TIME);
    Expect(Were("S00 S02"), "and is for a longer one");
    Forget();
    PoFxSetComponentWake(Handle, 0, TRUE);
    Expect(Were("S00 S01"),
           "PoFxSetComponentWake: no F-state deeper than the component wakes from");
    Forget();
    PoFxSetComponentWake(Handle, 0, FALSE);
    Expect(Were("S00 S02"), "but where it need not wake");
}

/* Component 0 depends on 1, and 1 on 2. */
static VOID CheckProviders(VOID)
{
    PPO_FX_DEVICE_V2 description = Describe();
    PPO_FX_COMPONENT_V2 component = description->Components;
    ULONG one = 1, two = 2;

    description->ComponentCount = 3;
    component[2] = component[1];
    component[0].ProviderCount = component[1].ProviderCount = 1;
    component[0].Providers = &one;
    component[1].Providers = &two;
    description->DevicePowerNotRequiredCallback = NULL;
    Register(description);
    Start();
    Expect(Were("I0 S02 I1 I2") || Were("I0 I1 S02 I2") || Were("I0 I1 I2 S02"),
           "a component that others depend on is idle after those");
    Forget();
    PoFxActivateComponent(Handle, 0, PO_FX_FLAG_BLOCKING);
    Expect(Were("A2 A1 S00 A0"), "and active before them");
    Forget();
    PoFxActivateComponent(Handle, 1, 0);
    PoFxIdleComponent(Handle, 1, 0);
    Expect(Were(""), "it stays active while one of them is");
    PoFxIdleComponent(Handle, 0, PO_FX_FLAG_BLOCKING);
    Came(4);
    Expect(Were("I0 S02 I1 I2") || Were("I0 I1 S02 I2") || Were("I0 I1 I2 S02"),
           "and is idle when none is any more");
    Unregister();
}

VOID CheckComponents(VOID)
{
    CheckStart();
    CheckConditions();
    CheckDispatchLevel();
    CheckLater();
    CheckHints();
    PoFxIdleComponent(Handle, 1, 0);
    Unregister();
    CheckProviders();
}
