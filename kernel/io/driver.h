/*
 * io/driver.h - DRIVER_OBJECTs: made for a loaded image or for a bus driver built into the kernel.
 *
 * The loader creates one with io_driver_create(), fills DriverStart, DriverSize and DriverInit and
 * calls the entry point; a built-in bus calls io_driver_create_builtin(). Both appear in the
 * drivers list, in order of creation, until io_driver_delete().
 */
#pragma once

#include <hal/types.h>
#include <nt/wdm.h>

enum { IO_DRIVER_NAME_MAX = 64 };

struct io_client_extension;

/* What lies around a DRIVER_OBJECT. Legend: (c) constant, (d) io database lock, (a) atomic. */
struct io_driver {
    PDRIVER_OBJECT object;         /* (c) */
    char name[IO_DRIVER_NAME_MAX]; /* (c) service name, "edu-line" */
    bool builtin;                  /* (c) */
    void *image;                   /* (c) struct ldr_image, NULL where built in */
    volatile int32_t device_count; /* (a) devices whose memory exists, deleted ones too */
    struct io_driver *next;        /* (d) */
    struct io_client_extension *client_extensions; /* (d) IoAllocateDriverObjectExtension */
    PDRIVER_REINITIALIZE reinitialize;             /* (d) */
    PVOID reinitialize_context;                    /* (d) */
    struct io_driver *next_reinitialize;           /* (d) */
};

/*
 * A driver object named \Driver\<name> with every major function answering
 * STATUS_INVALID_DEVICE_REQUEST. PASSIVE_LEVEL. STATUS_OBJECT_NAME_COLLISION if there is one.
 */
NTSTATUS io_driver_create(const char *name, PDRIVER_OBJECT *driver);
/* The same for a driver inside the kernel: creates, then calls init(driver, NULL). */
NTSTATUS io_driver_create_builtin(const char *name, PDRIVER_INITIALIZE init,
                                  PDRIVER_OBJECT *driver);
/* Out of the list; the memory goes with the last reference. No device may be left. */
void io_driver_delete(PDRIVER_OBJECT driver);

/*
 * Run and forget the routines given to IoRegisterDriverReinitialization, in that order, until there
 * is none: one that registers itself anew runs again, behind the others. PASSIVE_LEVEL.
 */
void io_drivers_reinitialize(void);

/*
 * Is one of its devices open, or deleted but still referenced? Then code of the driver may run yet.
 */
bool io_driver_is_busy(PDRIVER_OBJECT driver);

struct io_driver *io_driver_of(PDRIVER_OBJECT driver);
/* With a reference; NULL where there is none. Name without regard to case. */
PDRIVER_OBJECT io_driver_find(const char *name);
/* Visit all, oldest first. The callback must not block. */
void io_driver_for_each(void (*visit)(struct io_driver *driver, void *context), void *context);
