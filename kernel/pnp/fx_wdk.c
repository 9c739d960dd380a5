/*
 * pnp/fx_wdk.c - what a driver says of its components to the power framework.
 *
 * What it must not say is bug check INTERNAL_POWER_ERROR: 0x608, an activation given back that was
 * not taken; 0x613, the end of what was not asked for; 0x614, an illegal parameter.
 */
#include <lib/export.h>
#include <nt/bugcodes.h>

#include "pnp/fx.h"

enum { IDLE_WITHOUT_ACTIVE = 0x608, NOT_PENDING = 0x613, ILLEGAL_PARAMETER = 0x614 };

/* Parameter 4 of 0x613; the last is not documented. */
enum { POWER_NOT_REQUIRED, POWERED_ON, IDLE_CONDITION, IDLE_STATE };
/* Of 0x614. */
enum { BLOCKING_AT_DISPATCH, BLOCKING_AND_ASYNC, NO_COMPONENT };

struct fx_device *fx_device_of(POHANDLE handle)
{
    return (struct fx_device *)(void *)handle;
}

static _Noreturn void stop(ULONG_PTR what, const void *which, ULONG_PTR parameter3,
                           ULONG_PTR parameter4)
{
    KeBugCheckEx(INTERNAL_POWER_ERROR, what, (ULONG_PTR)which, parameter3, parameter4);
}

/* The component, with the device locked. */
static struct fx_component *component_lock(struct fx_device *device, ULONG index, KIRQL *irql)
{
    if (index >= device->count)
        stop(ILLEGAL_PARAMETER, device, index, NO_COMPONENT);
    *irql = fx_lock(device);
    return &device->components[index];
}

static void flags_check(const struct fx_device *device, ULONG component, ULONG flags)
{
    if ((flags & PO_FX_FLAG_BLOCKING) == 0)
        return;
    if ((flags & PO_FX_FLAG_ASYNC_ONLY) != 0)
        stop(ILLEGAL_PARAMETER, device, component, BLOCKING_AND_ASYNC);
    if (KeGetCurrentIrql() >= DISPATCH_LEVEL)
        stop(ILLEGAL_PARAMETER, device, component, BLOCKING_AT_DISPATCH);
}

static void condition_change(POHANDLE handle, ULONG index, ULONG flags, bool active)
{
    struct fx_device *device = fx_device_of(handle);
    struct fx_component *component;
    KIRQL irql;

    flags_check(device, index, flags);
    component = component_lock(device, index, &irql);
    if (!active && component->driver_references == 0)
        stop(IDLE_WITHOUT_ACTIVE, component, component->condition, 0);
    component->driver_references += active ? 1 : -1u;
    component->references += active ? 1 : -1u;
    if ((flags & PO_FX_FLAG_BLOCKING) != 0)
        fx_changed_wait(device, index, active, irql);
    else
        fx_changed(device, (flags & PO_FX_FLAG_ASYNC_ONLY) != 0, irql);
}

/* WDK surface */

/*
 * IRQL <= DISPATCH_LEVEL, with PO_FX_FLAG_BLOCKING below. Without a flag the calls are made here
 * where they can be. WDK "PoFxActivateComponent", "PoFxIdleComponent".
 */
VOID NTAPI PoFxActivateComponent(POHANDLE Handle, ULONG Component, ULONG Flags)
{
    condition_change(Handle, Component, Flags, true);
}
LDR_EXPORT(PoFxActivateComponent);

VOID NTAPI PoFxIdleComponent(POHANDLE Handle, ULONG Component, ULONG Flags)
{
    condition_change(Handle, Component, Flags, false);
}
LDR_EXPORT(PoFxIdleComponent);

/* IRQL <= DISPATCH_LEVEL. WDK "PoFxCompleteIdleCondition". */
VOID NTAPI PoFxCompleteIdleCondition(POHANDLE Handle, ULONG Component)
{
    struct fx_device *device = fx_device_of(Handle);
    KIRQL irql;
    struct fx_component *component = component_lock(device, Component, &irql);

    if (component->condition != FX_IDLING)
        stop(NOT_PENDING, device, Component, IDLE_CONDITION);
    component->condition = FX_IDLE;
    fx_changed(device, false, irql);
}
LDR_EXPORT(PoFxCompleteIdleCondition);

/* IRQL <= DISPATCH_LEVEL. WDK "PoFxCompleteIdleState". */
VOID NTAPI PoFxCompleteIdleState(POHANDLE Handle, ULONG Component)
{
    struct fx_device *device = fx_device_of(Handle);
    KIRQL irql;
    struct fx_component *component = component_lock(device, Component, &irql);

    if (!component->state_pending)
        stop(NOT_PENDING, device, Component, IDLE_STATE);
    component->state_pending = false;
    fx_changed(device, false, irql);
}
LDR_EXPORT(PoFxCompleteIdleState);

/* IRQL <= DISPATCH_LEVEL. WDK "PoFxCompleteDevicePowerNotRequired". */
VOID NTAPI PoFxCompleteDevicePowerNotRequired(POHANDLE Handle)
{
    struct fx_device *device = fx_device_of(Handle);
    KIRQL irql = fx_lock(device);

    if (device->power != FX_LEAVING)
        stop(NOT_PENDING, device, 0, POWER_NOT_REQUIRED);
    device->power = FX_OFF;
    fx_changed(device, false, irql);
}
LDR_EXPORT(PoFxCompleteDevicePowerNotRequired);

/*
 * IRQL <= DISPATCH_LEVEL. Components that nobody needs go to their F-states anew: all were turned
 * on with the device. WDK "PoFxReportDevicePoweredOn".
 */
VOID NTAPI PoFxReportDevicePoweredOn(POHANDLE Handle)
{
    struct fx_device *device = fx_device_of(Handle);
    KIRQL irql = fx_lock(device);

    if (device->power != FX_RETURNING)
        stop(NOT_PENDING, device, 0, POWERED_ON);
    device->power = FX_ON;
    device->due = false;
    fx_states_lost(device);
    fx_changed(device, false, irql);
}
LDR_EXPORT(PoFxReportDevicePoweredOn);

/* IRQL <= DISPATCH_LEVEL. In 100 ns, from the next time on. WDK "PoFxSetDeviceIdleTimeout". */
VOID NTAPI PoFxSetDeviceIdleTimeout(POHANDLE Handle, ULONGLONG IdleTimeout)
{
    struct fx_device *device = fx_device_of(Handle);
    KIRQL irql = fx_lock(device);

    device->timeout = IdleTimeout;
    fx_changed(device, false, irql);
}
LDR_EXPORT(PoFxSetDeviceIdleTimeout);

/* IRQL <= DISPATCH_LEVEL. WDK "PoFxSetComponentLatency". */
VOID NTAPI PoFxSetComponentLatency(POHANDLE Handle, ULONG Component, ULONGLONG Latency)
{
    struct fx_device *device = fx_device_of(Handle);
    KIRQL irql;

    component_lock(device, Component, &irql)->hints.latency = Latency;
    fx_changed(device, false, irql);
}
LDR_EXPORT(PoFxSetComponentLatency);

/* IRQL <= DISPATCH_LEVEL. WDK "PoFxSetComponentResidency". */
VOID NTAPI PoFxSetComponentResidency(POHANDLE Handle, ULONG Component, ULONGLONG Residency)
{
    struct fx_device *device = fx_device_of(Handle);
    KIRQL irql;

    component_lock(device, Component, &irql)->hints.residency = Residency;
    fx_changed(device, false, irql);
}
LDR_EXPORT(PoFxSetComponentResidency);

/* IRQL <= DISPATCH_LEVEL. WDK "PoFxSetComponentWake". */
VOID NTAPI PoFxSetComponentWake(POHANDLE Handle, ULONG Component, BOOLEAN WakeHint)
{
    struct fx_device *device = fx_device_of(Handle);
    KIRQL irql;

    component_lock(device, Component, &irql)->hints.wake = WakeHint;
    fx_changed(device, false, irql);
}
LDR_EXPORT(PoFxSetComponentWake);

/*
 * IRQL <= DISPATCH_LEVEL. STATUS_NOT_IMPLEMENTED: the operations are those of a platform's plug-in,
 * and there is none. WDK "PoFxPowerControl".
 */
NTSTATUS NTAPI PoFxPowerControl(POHANDLE Handle, LPCGUID PowerControlCode, PVOID InBuffer,
                                SIZE_T InBufferSize, PVOID OutBuffer, SIZE_T OutBufferSize,
                                PSIZE_T BytesReturned)
{
    UNREFERENCED_PARAMETER(Handle);
    UNREFERENCED_PARAMETER(PowerControlCode);
    UNREFERENCED_PARAMETER(InBuffer);
    UNREFERENCED_PARAMETER(InBufferSize);
    UNREFERENCED_PARAMETER(OutBuffer);
    UNREFERENCED_PARAMETER(OutBufferSize);
    if (BytesReturned != NULL)
        *BytesReturned = 0;
    return STATUS_NOT_IMPLEMENTED;
}
LDR_EXPORT(PoFxPowerControl);
