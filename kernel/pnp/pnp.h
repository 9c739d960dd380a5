/*
 * pnp/pnp.h - the PnP manager as boot, console and shutdown see it.
 *
 * Order at boot:
 *   ldr_init()
 *   pnp_init()                       registry and root devnode
 *   pnp_archive_add(bytes, size)     each boot module: .sys, .inf, match.cfg, named.txt
 *   bus_init()                       buses report children with pnp_device_report()
 *   pnp_start_all()                  match, load, AddDevice, assign, START
 *   ... pnp_shutdown()               IRP_MJ_SHUTDOWN, power off, remove every device
 *
 * Everything here is PASSIVE_LEVEL. Actions (start, stop, remove) run one at a time.
 */
#pragma once

#include <hal/types.h>
#include <nt/wdm.h>

void pnp_init(void);

/* A ustar archive that stays in memory. False, with a log line, if it is malformed. */
bool pnp_archive_add(const void *data, uint64_t size);
/* A member by its base name, from the archives in order: "exec.txt". False: there is none. */
bool pnp_archive_find(const char *name, const void **data, uint64_t *size);

void pnp_start_all(void);

/*
 * What comes before the machine goes off (PowerActionShutdownOff) or starts anew
 * (PowerActionShutdownReset): a driver that does not answer delays it, and does not stop it.
 */
void pnp_shutdown(POWER_ACTION action);

/* True if a driver of named.txt did not load, or has no started device. Says which, in the log. */
bool pnp_named_failed(void);

/* By service name with or without ".sys". STATUS_NOT_FOUND: no such driver. */
NTSTATUS pnp_driver_start(const char *name);
NTSTATUS pnp_driver_stop(const char *name);
/*
 * SET_POWER to the stacks of its devices: D3, or D0 again, with the devices that hang from them;
 * to D0 also those they hang from. STATUS_IO_TIMEOUT: a driver keeps the request.
 */
NTSTATUS pnp_driver_power(const char *name, bool awake);
/* Remove its devices and unload it. */
NTSTATUS pnp_driver_remove(const char *name);

/* ---- Single devices, by PCI_LOCATION(). Obeyed from their next start on. -------------------- */

/* PnP assigns its lines level 0 (`passive=`). False: too many devices were named. */
bool pnp_passive_set(uint32_t location);
/* It gets no more messages than that, or as many as it wants again. False: as above. */
bool pnp_messages_limit(uint32_t location, bool limited, uint32_t most);
/* Times it would have been given more. */
uint64_t pnp_messages_limit_hits(uint32_t location);

/* ---- Lists for the console: copies, by index, false past the last one ----------------------- */

struct pnp_driver_info {
    char name[64];     /* service name */
    char file[64];     /* .sys file, or "(built in)" */
    const char *state; /* "running", "loaded", "failed", "not loaded", "stopped" */
    NTSTATUS status;   /* of the load or DriverEntry */
    uint64_t base;
    uint64_t size;
    uint32_t device_count; /* devnodes whose stack it is in */
    uint32_t started_count;
    bool named; /* in named.txt */
};

bool pnp_driver_at(uint32_t index, struct pnp_driver_info *info);

struct pnp_device_info {
    uint32_t depth;       /* 0: root */
    char instance[160];   /* "PCI\VEN_1234&DEV_11E8&...\00_03_00" */
    char description[96]; /* INF's model name, else the bus's text */
    char location[64];
    char driver[64];   /* service name; empty: none */
    const char *state; /* "started", "asleep", "no driver", "failed", ... */
    NTSTATUS status;   /* why it failed */
    uint32_t resource_count;
    PDEVICE_OBJECT pdo;
};

/* Depth first, children in the order their bus reported them. */
bool pnp_device_at(uint32_t index, struct pnp_device_info *info);

struct pnp_resource_info {
    uint8_t type; /* CmResourceTypeMemory, -Port, -Interrupt, ... */
    uint16_t flags;
    uint64_t start; /* memory, port: translated */
    uint64_t length;
    uint32_t vector; /* interrupt: translated vector, level, and raw */
    uint8_t irql;
    uint32_t raw_vector;
    uint32_t message_count; /* 0: line */
    uint64_t affinity;
    uint16_t group;
};

bool pnp_device_resource_at(uint32_t device_index, uint32_t index, struct pnp_resource_info *info);
