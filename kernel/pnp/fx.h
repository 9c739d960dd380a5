/*
 * pnp/fx.h - the power management framework (PoFx) inside.
 *
 * A registered device has components, each in a condition and an F-state. What is due next is found
 * by looking at the device as it is, under its lock; what the driver has to be called for is called
 * without the lock, by one thread at a time. Whoever changes something therefore says so by
 * fx_changed() and is done.
 *
 *   component   active -> idling -> idle <-> (F-state changes) -> activating -> active
 *   device      on -> leaving -> off -> returning -> on
 *
 * fx.c           what is due, and the calls
 * fx_register.c  registration, its start and end, the console's view
 * fx_wdk.c       what a driver says of its components
 *
 * Legend: (c) constant, (l) under the device's lock, (g) under the list's lock.
 */
#pragma once

#include <hal/types.h>
#include <nt/wdm.h>

#include "pnp/fx_component.h"

enum fx_condition { FX_ACTIVE, FX_IDLING, FX_IDLE, FX_ACTIVATING };

enum fx_power {
    FX_ON,
    FX_LEAVING,   /* DevicePowerNotRequired was called, and is not complete */
    FX_OFF,       /* it is: the device may be in any D-state */
    FX_RETURNING, /* DevicePowerRequired was called: until the device is reported to be on */
};

struct fx_component {
    struct fx_state *states;       /* (c) */
    uint32_t state_count;          /* (c) */
    uint32_t deepest_wakeable;     /* (c) */
    bool f0_on_dx;                 /* (c) */
    struct fx_providers providers; /* (c) */
    struct fx_hints hints;         /* (l) */
    uint32_t references;           /* (l) of the driver, of dependents, and one until the start */
    uint32_t driver_references;    /* (l) those of the driver */
    bool holds_providers;          /* (l) */
    enum fx_condition condition;   /* (l) */
    uint32_t state;                /* (l) F-state */
    bool state_pending;            /* (l) the driver is on its way to it */
};

struct fx_device {
    LIST_ENTRY entry;          /* (g) */
    PDEVICE_OBJECT pdo;        /* (c) referenced */
    PO_FX_DEVICE_V3 callbacks; /* (c) its Components is not used */
    KSPIN_LOCK lock;
    bool started;        /* (l) */
    bool closing;        /* (l) no calls any more */
    bool running;        /* (l) a thread is calling the driver, or about to */
    bool queued;         /* (l) the work item is */
    LIST_ENTRY waiters;  /* (l) struct fx_waiter */
    enum fx_power power; /* (l) */
    bool lit;            /* (l) turned on as a side effect, while off */
    bool timer_set;      /* (l) */
    bool due;            /* (l) idle for as long as was asked for */
    ULONGLONG timeout;   /* (l) 100 ns */
    KTIMER timer;
    KDPC timer_dpc;
    WORK_QUEUE_ITEM item;
    uint32_t count; /* (c) */
    struct fx_component components[];
};

struct fx_device *fx_device_of(POHANDLE handle);

/* ---- fx.c ----------------------------------------------------------------------------------- */

void fx_device_init(struct fx_device *device);
/* Both for changes: take the lock; release it and have done what is due. */
KIRQL fx_lock(struct fx_device *device);
/* In this thread, if no other is at it or waits; with `later` in a system thread. */
void fx_changed(struct fx_device *device, bool later, KIRQL irql);
/*
 * The same, and wait until the component is active (idle). The calls are made in this thread where
 * none else makes them. PASSIVE_LEVEL or APC_LEVEL.
 */
void fx_changed_wait(struct fx_device *device, uint32_t component, bool active, KIRQL irql);
/* The device was turned on, and with it components that nobody needs. The lock is held. */
void fx_states_lost(struct fx_device *device);
/* No calls any more, and none under way on return. PASSIVE_LEVEL. */
void fx_close(struct fx_device *device);

/* ---- fx_register.c -------------------------------------------------------------------------- */

/*
 * REMOVE_DEVICE has been handled. True: its driver has left the device registered; it is not called
 * any more. IRQL <= DISPATCH_LEVEL.
 */
bool pnp_fx_removed(PDEVICE_OBJECT pdo);

/* A copy for the console. */
struct pnp_fx_info {
    PDEVICE_OBJECT pdo;    /* not referenced */
    char instance[200];    /* instance path */
    const char *power;     /* "on", "leaving", "off", "returning", or "not started" */
    uint32_t component;    /* index */
    const char *condition; /* "active", "idling", "idle", "activating" */
    uint32_t state;
    uint32_t references;
};

/* A row for each component of each registered device. PASSIVE_LEVEL. */
bool pnp_fx_at(uint32_t index, struct pnp_fx_info *info);
