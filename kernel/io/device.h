/*
 * io/device.h - DEVICE_OBJECTs and the stacks they form.
 *
 * One allocation holds the object header, the DEVICE_OBJECT, the driver's extension right behind
 * it, as drivers expect, and our own part, which DeviceObjectExtension points to. The database
 * lock guards names, the drivers' device lists and the attachments; it is held for a few
 * instructions only.
 *
 * Owns: creation, names, attachment. Owns not: what PnP knows of a device (pnp/devnode.h), which
 * hangs from io_device.devnode.
 */
#pragma once

#include <hal/types.h>
#include <nt/wdm.h>

#include "io/interrupt_assignment.h"

/* Which packet IoStartNextPacket or IoStartNextPacketByKey is to take. */
struct io_startio_next {
    bool cancelable;
    bool by_key;
    ULONG key;
};

/* What io/startio.c keeps of a device; all but the flags for deferred calls only. */
struct io_startio {
    uint32_t flags;  /* IoSetStartIoAttributes */
    KSPIN_LOCK lock; /* of what follows */
    bool inside;     /* somebody is in StartIo, and starts what is here when it returns: */
    PIRP first;      /* the packet of a device that was idle */
    ULONG asked;     /* how often the next packet was asked for, */
    struct io_startio_next next; /* the last time this one */
};

/* What io/idle.c keeps of a device that is registered for idle detection. */
struct io_idle {
    struct io_device *next;   /* (d) */
    volatile ULONG counter;   /* seconds; the driver sets it to 0 */
    uint32_t performance;     /* (d) limit, 0: none */
    uint32_t conservation;    /* (d) the one while energy is to be saved */
    bool was_due;             /* (d) since the device was last in use */
    bool is_due;              /* (d) */
    DEVICE_POWER_STATE state; /* (d) to be asked for then */
};

/* In the order in which IRP_MJ_SHUTDOWN is sent. */
enum io_shutdown_kind { IO_SHUTDOWN_FIRST, IO_SHUTDOWN_LAST_CHANCE, IO_SHUTDOWN_KINDS };

/*
 * Our part of a device. The beginning has the public shape of DEVOBJ_EXTENSION.
 * Legend: (c) constant, (d) io database lock, (p) written by pnp at PASSIVE_LEVEL.
 */
struct io_device {
    CSHORT type;
    USHORT size;
    PDEVICE_OBJECT device; /* (c) */
    PDEVICE_OBJECT lower;  /* (d) the device this one is attached to, NULL at the bottom */
    void *devnode;         /* (p) struct pnp_devnode of a PDO, else NULL */
    struct io_interrupt_assignment *interrupts; /* (p) of a PDO */
    uint32_t location;          /* (p) of a PDO: PCI_LOCATION(), or PCI_LOCATION_NONE */
    const WCHAR *instance_path; /* (p) of a PDO: "PCI\VEN_1234&...\3&0&18", for interface names */
    bool starting;              /* (p) of a PDO: START_DEVICE is under way */
    struct io_name *name;       /* (d) NULL: unnamed */
    struct io_timer *timer;     /* (c) once IoInitializeTimer was called */
    struct io_device *next_shutdown[IO_SHUTDOWN_KINDS]; /* (d) */
    bool shutdown_registered[IO_SHUTDOWN_KINDS];        /* (d) */
    bool delete_pending;                                /* (d) IoDeleteDevice was called */
    POWER_STATE power_state;                            /* PoSetPowerState */
    DEVICE_POWER_STATE device_power; /* of a PDO: since START_DEVICE D0, or what it was set to */
    VPB volume;                      /* of a disk and the like: no volume was ever mounted */
    struct io_idle idle;
    struct io_startio startio;
};

static inline struct io_device *io_device_of(PDEVICE_OBJECT device)
{
    return (struct io_device *)(void *)device->DeviceObjectExtension;
}

/*
 * A pointer that a driver gave: is it that of a device object, and of a device node's? Looked at
 * before it is followed. Any IRQL.
 */
bool io_device_is_device(PDEVICE_OBJECT device);
bool io_device_is_pdo(PDEVICE_OBJECT device);

/* Guards attachment, names and driver lists. Returns the IRQL to go back to. */
KIRQL io_database_acquire(void);
void io_database_release(KIRQL irql);

/* Give an unnamed device a name of its own, \Device\<number>. PASSIVE_LEVEL. */
NTSTATUS io_device_name_ensure(PDEVICE_OBJECT device);

/* The lowest device of the stack: the PDO where it is a PnP stack. No reference is added. */
PDEVICE_OBJECT io_device_bottom(PDEVICE_OBJECT device);
/* Top of the stack, with a reference. IRQL <= DISPATCH_LEVEL. */
PDEVICE_OBJECT io_device_top_reference(PDEVICE_OBJECT device);
/*
 * One opener more, or less. STATUS_NO_SUCH_DEVICE: deletion has begun, or START_DEVICE has not
 * ended. STATUS_ACCESS_DENIED: it is exclusive and open. The last close of a deleted device frees
 * it.
 */
NTSTATUS io_device_open_reference(PDEVICE_OBJECT device);
void io_device_close_reference(PDEVICE_OBJECT device);

/* Has any device of the PDO's stack an opener? */
bool io_device_stack_is_open(PDEVICE_OBJECT pdo);

/* ---- shutdown.c ----------------------------------------------------------------------------- */

/* IRP_MJ_SHUTDOWN to all devices registered for it; *now: the driver it is at. PASSIVE_LEVEL. */
void io_shutdown_notify(const char *volatile *now);
