/*
 * pnp/fx_register.c - devices of the power framework: registered, started, gone; and listed.
 *
 * Of a device's three versions the newest is kept, filled from what the others have. A component
 * starts out active and in F0, and is kept there by a reference until power management starts.
 *
 * Directed transitions (version 3) are the business of a system that goes to standby, which this
 * one does not: their callbacks are never called.
 */
#include <lib/export.h>
#include <lib/string.h>
#include <nt/bugcodes.h>

#include "io/alloc.h"
#include "ke/ob.h"
#include "pnp/devnode.h"
#include "pnp/fx.h"

enum { DUPLICATE_REGISTRATION = 0x600 };

static KSPIN_LOCK list_lock;
static LIST_ENTRY list = {&list, &list}; /* (g) */

/* The lock of the list is held. */
static struct fx_device *device_find(PDEVICE_OBJECT pdo)
{
    for (PLIST_ENTRY entry = list.Flink; entry != &list; entry = entry->Flink)
        if (CONTAINING_RECORD(entry, struct fx_device, entry)->pdo == pdo)
            return CONTAINING_RECORD(entry, struct fx_device, entry);
    return NULL;
}

/* ---- What the driver hands over ------------------------------------------------------------- */

/* The structure's beginning is the same in 2 and 3; 1 has no Flags. False: no such version. */
static bool callbacks_read(const void *given, PO_FX_DEVICE_V3 *all, const void **components)
{
    const PO_FX_DEVICE_V1 *v1 = given;
    const PO_FX_DEVICE_V2 *v2 = given;
    const PO_FX_DEVICE_V3 *v3 = given;

    memset(all, 0, sizeof(*all));
    all->Version = v1->Version;
    switch (all->Version) {
    case PO_FX_VERSION_V1:
        memcpy(&all->ComponentActiveConditionCallback, &v1->ComponentActiveConditionCallback,
               FIELD_OFFSET(PO_FX_DEVICE_V1, DeviceContext) -
                   FIELD_OFFSET(PO_FX_DEVICE_V1, ComponentActiveConditionCallback));
        all->DeviceContext = v1->DeviceContext;
        all->ComponentCount = v1->ComponentCount;
        *components = v1->Components;
        return true;
    case PO_FX_VERSION_V2:
        memcpy(all, v2, FIELD_OFFSET(PO_FX_DEVICE_V2, DeviceContext));
        all->DeviceContext = v2->DeviceContext;
        all->ComponentCount = v2->ComponentCount;
        *components = v2->Components;
        return true;
    case PO_FX_VERSION_V3:
        memcpy(all, v3, FIELD_OFFSET(PO_FX_DEVICE_V3, Components));
        *components = v3->Components;
        return true;
    default:
        return false;
    }
}

/* The component of that index as the newest version has it. */
static PO_FX_COMPONENT_V2 component_read(ULONG version, const void *components, ULONG index)
{
    const PO_FX_COMPONENT_V1 *v1 = (const PO_FX_COMPONENT_V1 *)components + index;

    if (version != PO_FX_VERSION_V1)
        return ((const PO_FX_COMPONENT_V2 *)components)[index];
    return (PO_FX_COMPONENT_V2){.Id = v1->Id,
                                .DeepestWakeableIdleState = v1->DeepestWakeableIdleState,
                                .IdleStateCount = v1->IdleStateCount,
                                .IdleStates = v1->IdleStates};
}

/* WDK: "_PO_FX_COMPONENT_IDLE_STATE", "_PO_FX_DEVICE_V2": what must be there. */
static bool component_is_valid(const PO_FX_DEVICE_V3 *device, const PO_FX_COMPONENT_V2 *component)
{
    if (component->IdleStateCount == 0 || component->IdleStates == NULL ||
        component->DeepestWakeableIdleState >= component->IdleStateCount ||
        (component->ProviderCount != 0 && component->Providers == NULL) ||
        component->IdleStates[0].TransitionLatency != 0 ||
        component->IdleStates[0].ResidencyRequirement != 0)
        return false;
    return component->IdleStateCount == 1 || (device->ComponentIdleStateCallback != NULL &&
                                              device->ComponentActiveConditionCallback != NULL &&
                                              device->ComponentIdleConditionCallback != NULL);
}

static NTSTATUS component_fill(struct fx_component *component, const PO_FX_COMPONENT_V2 *given)
{
    uint32_t *providers = NULL;

    component->states = io_allocate(given->IdleStateCount * sizeof(*component->states), IO_TAG_PNP);
    if (given->ProviderCount != 0)
        providers = io_allocate(given->ProviderCount * sizeof(*providers), IO_TAG_PNP);
    component->providers = (struct fx_providers){given->ProviderCount, providers};
    if (component->states == NULL || (given->ProviderCount != 0 && providers == NULL))
        return STATUS_INSUFFICIENT_RESOURCES;
    for (ULONG i = 0; i < given->IdleStateCount; i++)
        component->states[i] = (struct fx_state){given->IdleStates[i].TransitionLatency,
                                                 given->IdleStates[i].ResidencyRequirement};
    for (ULONG i = 0; i < given->ProviderCount; i++)
        providers[i] = given->Providers[i];
    component->state_count = given->IdleStateCount;
    component->deepest_wakeable = given->DeepestWakeableIdleState;
    component->f0_on_dx = (given->Flags & PO_FX_COMPONENT_FLAG_F0_ON_DX) != 0;
    component->hints = (struct fx_hints){.latency = UINT64_MAX, .residency = UINT64_MAX};
    component->references = 1; /* until the start */
    return STATUS_SUCCESS;
}

/* Dependencies, and the references that they make. STATUS_INSUFFICIENT_RESOURCES. */
static NTSTATUS providers_check(struct fx_device *device)
{
    struct fx_providers *all = io_allocate(device->count * sizeof(*all), IO_TAG_PNP);
    bool valid;

    if (all == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    for (uint32_t i = 0; i < device->count; i++)
        all[i] = device->components[i].providers;
    valid = fx_providers_are_valid(all, device->count);
    for (uint32_t i = 0; i < device->count && valid; i++) {
        device->components[i].holds_providers = true;
        for (uint32_t j = 0; j < all[i].count; j++)
            device->components[all[i].indices[j]].references++;
    }
    io_free(all);
    return valid ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

static void device_free(struct fx_device *device)
{
    for (uint32_t i = 0; i < device->count; i++) {
        io_free(device->components[i].states);
        io_free((void *)(uintptr_t)device->components[i].providers.indices);
    }
    ob_dereference(device->pdo);
    io_free(device);
}

static NTSTATUS device_create(PDEVICE_OBJECT pdo, const void *given, struct fx_device **result)
{
    PO_FX_DEVICE_V3 callbacks;
    const void *components;
    struct fx_device *device;
    NTSTATUS status = STATUS_SUCCESS;

    if (!callbacks_read(given, &callbacks, &components) || callbacks.ComponentCount == 0 ||
        callbacks.ComponentCount > UINT16_MAX)
        return STATUS_INVALID_PARAMETER;
    device = io_allocate(sizeof(*device) + callbacks.ComponentCount * sizeof(struct fx_component),
                         IO_TAG_PNP);
    if (device == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    device->pdo = pdo;
    ob_reference(pdo);
    device->callbacks = callbacks;
    device->count = callbacks.ComponentCount;
    for (ULONG i = 0; i < device->count && NT_SUCCESS(status); i++) {
        PO_FX_COMPONENT_V2 component = component_read(callbacks.Version, components, i);

        status = component_is_valid(&callbacks, &component)
                     ? component_fill(&device->components[i], &component)
                     : STATUS_INVALID_PARAMETER;
    }
    if (NT_SUCCESS(status))
        status = providers_check(device);
    if (NT_SUCCESS(status))
        *result = device;
    else
        device_free(device);
    return status;
}

/* ---- The console, and removal --------------------------------------------------------------- */

bool pnp_fx_removed(PDEVICE_OBJECT pdo)
{
    struct fx_device *device;
    KIRQL irql;

    KeAcquireSpinLock(&list_lock, &irql);
    device = device_find(pdo);
    if (device != NULL) {
        KeAcquireSpinLockAtDpcLevel(&device->lock);
        device->closing = true;
        KeReleaseSpinLockFromDpcLevel(&device->lock);
    }
    KeReleaseSpinLock(&list_lock, irql);
    return device != NULL;
}

static void info_fill(struct fx_device *device, uint32_t index, struct pnp_fx_info *info)
{
    static const char *const powers[] = {"on", "leaving", "off", "returning"};
    static const char *const conditions[] = {"active", "idling", "idle", "activating"};
    const struct fx_component *component = &device->components[index];
    const struct pnp_devnode *node = pnp_devnode_of(device->pdo);

    KeAcquireSpinLockAtDpcLevel(&device->lock);
    *info = (struct pnp_fx_info){.pdo = device->pdo,
                                 .power = device->started ? powers[device->power] : "not started",
                                 .component = index,
                                 .condition = conditions[component->condition],
                                 .state = component->state,
                                 .references = component->driver_references};
    KeReleaseSpinLockFromDpcLevel(&device->lock);
    if (node != NULL) /* else it is gone, and its driver has not said so */
        lib_strlcpy(info->instance, node->instance, sizeof(info->instance));
}

bool pnp_fx_at(uint32_t index, struct pnp_fx_info *info)
{
    bool found = false;
    KIRQL irql;

    KeAcquireSpinLock(&list_lock, &irql);
    for (PLIST_ENTRY entry = list.Flink; entry != &list && !found; entry = entry->Flink) {
        struct fx_device *device = CONTAINING_RECORD(entry, struct fx_device, entry);

        found = index < device->count;
        if (found)
            info_fill(device, index, info);
        index -= device->count;
    }
    KeReleaseSpinLock(&list_lock, irql);
    return found;
}

/* WDK surface */

/*
 * PASSIVE_LEVEL. STATUS_INVALID_PARAMETER: no PDO; no such version; no component, or one without
 * F-states, whose F0 takes time, that wakes from a state it has not, or whose providers make a
 * circle; more than F0, and not the three callbacks. STATUS_DEVICE_NOT_READY: the device has not
 * been started. STATUS_INSUFFICIENT_RESOURCES. A device that is registered already is bug check
 * INTERNAL_POWER_ERROR (0x600, PDO). WDK "PoFxRegisterDevice".
 */
NTSTATUS NTAPI PoFxRegisterDevice(PDEVICE_OBJECT Pdo, PPO_FX_DEVICE Device, POHANDLE *Handle)
{
    const struct pnp_devnode *node;
    struct fx_device *device;
    NTSTATUS status;
    KIRQL irql;

    if (Pdo == NULL || !io_device_is_pdo(Pdo))
        return STATUS_INVALID_PARAMETER;
    node = pnp_devnode_of(Pdo);
    if (!io_device_of(Pdo)->starting && node->state != PNP_STARTED)
        return STATUS_DEVICE_NOT_READY;
    status = device_create(Pdo, Device, &device);
    if (!NT_SUCCESS(status))
        return status;
    fx_device_init(device);
    KeAcquireSpinLock(&list_lock, &irql);
    if (device_find(Pdo) != NULL)
        KeBugCheckEx(INTERNAL_POWER_ERROR, DUPLICATE_REGISTRATION, (ULONG_PTR)Pdo, 0, 0);
    InsertTailList(&list, &device->entry);
    KeReleaseSpinLock(&list_lock, irql);
    *Handle = (POHANDLE)device;
    return STATUS_SUCCESS;
}
LDR_EXPORT(PoFxRegisterDevice);

/* PASSIVE_LEVEL. Called again it does nothing. WDK "PoFxStartDevicePowerManagement". */
VOID NTAPI PoFxStartDevicePowerManagement(POHANDLE Handle)
{
    struct fx_device *device = fx_device_of(Handle);
    KIRQL irql = fx_lock(device);

    for (uint32_t i = 0; i < device->count && !device->started; i++)
        device->components[i].references--;
    device->started = true;
    fx_changed(device, false, irql);
}
LDR_EXPORT(PoFxStartDevicePowerManagement);

/* PASSIVE_LEVEL. The driver is not called any more on return. WDK "PoFxUnregisterDevice". */
VOID NTAPI PoFxUnregisterDevice(POHANDLE Handle)
{
    struct fx_device *device = fx_device_of(Handle);
    KIRQL irql;

    KeAcquireSpinLock(&list_lock, &irql);
    RemoveEntryList(&device->entry);
    KeReleaseSpinLock(&list_lock, irql);
    fx_close(device);
    device_free(device);
}
LDR_EXPORT(PoFxUnregisterDevice);

/*
 * IRQL <= DISPATCH_LEVEL. Of a device whose power is not required, and is on as a side effect:
 * its components go to their F-states again. WDK "PoFxNotifySurprisePowerOn".
 */
VOID NTAPI PoFxNotifySurprisePowerOn(PDEVICE_OBJECT Pdo)
{
    struct fx_device *device;
    KIRQL irql;

    KeAcquireSpinLock(&list_lock, &irql);
    device = device_find(Pdo);
    if (device != NULL)
        KeAcquireSpinLockAtDpcLevel(&device->lock);
    KeReleaseSpinLockFromDpcLevel(&list_lock);
    if (device == NULL) {
        KeLowerIrql(irql);
        return;
    }
    if (device->power == FX_OFF) {
        device->lit = true;
        fx_states_lost(device);
    }
    fx_changed(device, true, irql);
}
LDR_EXPORT(PoFxNotifySurprisePowerOn);
