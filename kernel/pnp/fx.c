/*
 * pnp/fx.c - what is due for a device of the power framework, and the calls to its driver.
 *
 * One thread at a time takes what is due and calls the driver for it, until nothing is; others that
 * change something meanwhile leave it to that thread. A thread that waits for a condition does the
 * calls itself, as the pages have it: while there is one, others wake it up instead of calling.
 * The driver is called at the IRQL of that thread; after a time-out it is a system thread's.
 */
#include "pnp/fx.h"

/* What a relative time can say: 29,000 years. */
#define TIMEOUT_MAX ((ULONGLONG)INT64_MAX)

/* What the driver is to be called for. */
struct fx_call {
    enum { CALL_ACTIVE, CALL_IDLE, CALL_STATE, CALL_REQUIRED, CALL_NOT_REQUIRED } kind;
    uint32_t component;
    uint32_t state;
};

enum fx_step { STEP_NONE, STEP_DONE, STEP_CALL };

struct fx_waiter {
    LIST_ENTRY entry;
    KEVENT event;
};

/* ---- What is due. The lock is held. --------------------------------------------------------- */

static void providers_take(struct fx_device *device, struct fx_component *component)
{
    component->holds_providers = true;
    for (uint32_t i = 0; i < component->providers.count; i++)
        device->components[component->providers.indices[i]].references++;
}

static void providers_release(struct fx_device *device, struct fx_component *component)
{
    component->holds_providers = false;
    for (uint32_t i = 0; i < component->providers.count; i++)
        device->components[component->providers.indices[i]].references--;
}

static bool providers_are_active(const struct fx_device *device,
                                 const struct fx_component *component)
{
    for (uint32_t i = 0; i < component->providers.count; i++)
        if (device->components[component->providers.indices[i]].condition != FX_ACTIVE)
            return false;
    return true;
}

/* The F-state for a component that nobody needs. */
static uint32_t state_wanted(const struct fx_device *device, const struct fx_component *component)
{
    if (component->f0_on_dx && device->due) /* the device is about to leave D0 */
        return 0;
    return fx_state_select(component->states, component->state_count, component->deepest_wakeable,
                           &component->hints);
}

/* From one F-state to another the way is by F0. */
static enum fx_step state_set(struct fx_component *component, uint32_t state, struct fx_call *call)
{
    component->state = component->state != 0 ? 0 : state;
    component->state_pending = true;
    call->kind = CALL_STATE;
    call->state = component->state;
    return STEP_CALL;
}

static enum fx_step active_step(const struct fx_device *device, struct fx_component *component,
                                struct fx_call *call)
{
    if (component->references != 0)
        return STEP_NONE;
    component->condition = FX_IDLING;
    call->kind = CALL_IDLE;
    if (device->callbacks.ComponentIdleConditionCallback != NULL)
        return STEP_CALL;
    component->condition = FX_IDLE;
    return STEP_DONE;
}

static enum fx_step activation_step(struct fx_device *device, struct fx_component *component,
                                    struct fx_call *call)
{
    if (!component->holds_providers) {
        providers_take(device, component);
        return STEP_DONE;
    }
    if (device->power != FX_ON || !providers_are_active(device, component))
        return STEP_NONE;
    if (component->state != 0)
        return state_set(component, 0, call);
    call->kind = CALL_ACTIVE;
    if (device->callbacks.ComponentActiveConditionCallback != NULL) {
        component->condition = FX_ACTIVATING;
        return STEP_CALL;
    }
    component->condition = FX_ACTIVE;
    return STEP_DONE;
}

static enum fx_step idle_step(struct fx_device *device, struct fx_component *component,
                              struct fx_call *call)
{
    if (component->references != 0)
        return activation_step(device, component, call);
    if (component->holds_providers) {
        providers_release(device, component);
        return STEP_DONE;
    }
    if ((device->power == FX_ON || device->lit) &&
        component->state != state_wanted(device, component))
        return state_set(component, state_wanted(device, component), call);
    return STEP_NONE;
}

static enum fx_step component_step(struct fx_device *device, uint32_t index, struct fx_call *call)
{
    struct fx_component *component = &device->components[index];

    call->component = index;
    if (component->state_pending)
        return STEP_NONE;
    if (component->condition == FX_ACTIVE)
        return active_step(device, component, call);
    return component->condition == FX_IDLE ? idle_step(device, component, call) : STEP_NONE;
}

/* What the components have in common. */
struct fx_summary {
    bool wanted;  /* somebody needs one */
    bool idle;    /* all are in the idle condition, and nobody needs one */
    bool pending; /* one is on its way to an F-state */
};

static struct fx_summary summary_of(const struct fx_device *device)
{
    struct fx_summary summary = {.idle = true};

    for (uint32_t i = 0; i < device->count; i++) {
        summary.wanted |= device->components[i].references != 0;
        summary.idle &= device->components[i].condition == FX_IDLE;
        summary.pending |= device->components[i].state_pending;
    }
    summary.idle &= !summary.wanted;
    return summary;
}

static enum fx_step on_step(struct fx_device *device, const struct fx_summary *summary,
                            struct fx_call *call)
{
    LARGE_INTEGER time = {.QuadPart = -(LONGLONG)(device->timeout & TIMEOUT_MAX)};

    if (!summary->idle || device->callbacks.DevicePowerNotRequiredCallback == NULL) {
        if (device->timer_set) {
            KeCancelTimer(&device->timer);
            KeRemoveQueueDpc(&device->timer_dpc);
        }
        device->timer_set = device->due = false;
        return STEP_NONE;
    }
    if (device->due) {
        if (summary->pending)
            return STEP_NONE;
        device->power = FX_LEAVING;
        call->kind = CALL_NOT_REQUIRED;
        return STEP_CALL;
    }
    if (device->timer_set)
        return STEP_NONE;
    if (device->timeout == 0) {
        device->due = true;
        return STEP_DONE; /* components first that are to be in F0 then */
    }
    device->timer_set = true;
    KeSetTimer(&device->timer, time, &device->timer_dpc);
    return STEP_NONE;
}

static enum fx_step device_step(struct fx_device *device, struct fx_call *call)
{
    struct fx_summary summary = summary_of(device);

    if (device->power == FX_ON)
        return on_step(device, &summary, call);
    if (device->power != FX_OFF || !summary.wanted)
        return STEP_NONE;
    device->power = FX_RETURNING;
    device->lit = false;
    call->kind = CALL_REQUIRED;
    if (device->callbacks.DevicePowerRequiredCallback != NULL)
        return STEP_CALL;
    device->power = FX_ON;
    return STEP_DONE;
}

/* True: the call is to be made. False: nothing is due. */
static bool call_next(struct fx_device *device, struct fx_call *call)
{
    enum fx_step step = STEP_DONE;

    while (step == STEP_DONE && device->started && !device->closing) {
        step = STEP_NONE;
        for (uint32_t i = 0; i < device->count && step == STEP_NONE; i++)
            step = component_step(device, i, call);
        if (step == STEP_NONE)
            step = device_step(device, call);
    }
    return step == STEP_CALL;
}

void fx_states_lost(struct fx_device *device)
{
    for (uint32_t i = 0; i < device->count; i++)
        if (device->components[i].references == 0 && !device->components[i].state_pending)
            device->components[i].state = 0;
}

/* ---- Calls ---------------------------------------------------------------------------------- */

static void call_make(const struct fx_device *device, const struct fx_call *call)
{
    const PO_FX_DEVICE_V3 *callbacks = &device->callbacks;

    switch (call->kind) {
    case CALL_ACTIVE:
        callbacks->ComponentActiveConditionCallback(callbacks->DeviceContext, call->component);
        break;
    case CALL_IDLE:
        callbacks->ComponentIdleConditionCallback(callbacks->DeviceContext, call->component);
        break;
    case CALL_STATE:
        callbacks->ComponentIdleStateCallback(callbacks->DeviceContext, call->component,
                                              call->state);
        break;
    case CALL_REQUIRED:
        callbacks->DevicePowerRequiredCallback(callbacks->DeviceContext);
        break;
    case CALL_NOT_REQUIRED:
        callbacks->DevicePowerNotRequiredCallback(callbacks->DeviceContext);
        break;
    }
}

/* The lock is held. */
static void waiters_wake(struct fx_device *device)
{
    for (PLIST_ENTRY entry = device->waiters.Flink; entry != &device->waiters; entry = entry->Flink)
        KeSetEvent(&CONTAINING_RECORD(entry, struct fx_waiter, entry)->event, IO_NO_INCREMENT,
                   FALSE);
}

/* The lock is held, and released during the calls; *irql is its. */
static void calls_run(struct fx_device *device, KIRQL *irql)
{
    bool called = false;
    struct fx_call call;

    if (device->running)
        return;
    device->running = true;
    while (call_next(device, &call)) {
        called = true;
        KeReleaseSpinLock(&device->lock, *irql);
        call_make(device, &call);
        KeAcquireSpinLock(&device->lock, irql);
        if (call.kind == CALL_ACTIVE)
            device->components[call.component].condition = FX_ACTIVE;
    }
    device->running = false;
    if (called)
        waiters_wake(device);
}

KIRQL fx_lock(struct fx_device *device)
{
    KIRQL irql;

    KeAcquireSpinLock(&device->lock, &irql);
    return irql;
}

void fx_changed(struct fx_device *device, bool later, KIRQL irql)
{
    if (!IsListEmpty(&device->waiters)) {
        waiters_wake(device);
    } else if (!later) {
        calls_run(device, &irql);
    } else if (!device->queued && !device->closing) {
        device->queued = true;
        ExQueueWorkItem(&device->item, DelayedWorkQueue);
    }
    KeReleaseSpinLock(&device->lock, irql);
}

/* Once more what is due, as others have left it to us. The lock is held, then released. */
static void wait_end(struct fx_device *device, struct fx_waiter *waiter, KIRQL irql)
{
    RemoveEntryList(&waiter->entry);
    if (IsListEmpty(&device->waiters))
        calls_run(device, &irql);
    else
        waiters_wake(device);
    KeReleaseSpinLock(&device->lock, irql);
}

static void wait_begin(struct fx_device *device, struct fx_waiter *waiter)
{
    KeInitializeEvent(&waiter->event, SynchronizationEvent, FALSE);
    InsertTailList(&device->waiters, &waiter->entry);
}

static void wait_sleep(struct fx_device *device, struct fx_waiter *waiter, KIRQL *irql)
{
    KeReleaseSpinLock(&device->lock, *irql);
    KeWaitForSingleObject(&waiter->event, Executive, KernelMode, FALSE, NULL);
    KeAcquireSpinLock(&device->lock, irql);
}

/* Who waits for the idle condition need not any more once somebody activates the component. */
static bool is_reached(const struct fx_component *component, bool active)
{
    if (active)
        return component->condition == FX_ACTIVE || component->references == 0;
    return component->condition == FX_IDLE || component->references != 0;
}

void fx_changed_wait(struct fx_device *device, uint32_t component, bool active, KIRQL irql)
{
    struct fx_waiter waiter;

    wait_begin(device, &waiter);
    calls_run(device, &irql);
    while (device->started && !device->closing &&
           !is_reached(&device->components[component], active)) {
        wait_sleep(device, &waiter, &irql);
        calls_run(device, &irql);
    }
    wait_end(device, &waiter, irql);
}

static VOID NTAPI later_run(PVOID parameter)
{
    struct fx_device *device = parameter;
    KIRQL irql = fx_lock(device);

    device->queued = false;
    calls_run(device, &irql);
    waiters_wake(device);
    KeReleaseSpinLock(&device->lock, irql);
}

static VOID NTAPI timer_run(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    struct fx_device *device = context;
    KIRQL irql = fx_lock(device);

    UNREFERENCED_PARAMETER(dpc);
    UNREFERENCED_PARAMETER(argument1);
    UNREFERENCED_PARAMETER(argument2);
    device->due = device->timer_set;
    device->timer_set = false;
    fx_changed(device, true, irql);
}

void fx_device_init(struct fx_device *device)
{
    InitializeListHead(&device->waiters);
    KeInitializeTimer(&device->timer);
    KeInitializeDpc(&device->timer_dpc, timer_run, device);
    ExInitializeWorkItem(&device->item, later_run, device);
}

void fx_close(struct fx_device *device)
{
    struct fx_waiter waiter;
    KIRQL irql = fx_lock(device);

    device->closing = true;
    wait_begin(device, &waiter);
    waiters_wake(device);
    while (device->running || device->queued)
        wait_sleep(device, &waiter, &irql);
    wait_end(device, &waiter, irql);
    KeCancelTimer(&device->timer);
    KeFlushQueuedDpcs();
}
