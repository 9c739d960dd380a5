/*
 * io/shutdown.c - IRP_MJ_SHUTDOWN to the devices that asked for it.
 *
 * First those of IoRegisterShutdownNotification, then those of the last chance, in each list the
 * youngest registration first. Power IRPs come later (pnp/shutdown.c). A device may be in both
 * lists; a registration is used up by the request it asked for.
 *
 * Owns: the two lists. Owns not: when the system shuts down.
 */
#include <lib/export.h>

#include "io/device.h"
#include "io/driver.h"
#include "io/irp.h"
#include "ke/ob.h"

static struct io_device *shutdown_list[IO_SHUTDOWN_KINDS]; /* under the database lock */

/* Database lock held. */
static void unregister(struct io_device *io, enum io_shutdown_kind kind)
{
    struct io_device **link = &shutdown_list[kind];

    while (*link != NULL && *link != io)
        link = &(*link)->next_shutdown[kind];
    if (*link != NULL)
        *link = io->next_shutdown[kind];
    io->shutdown_registered[kind] = false;
}

/* The youngest registration, taken off its list: its device, referenced, or NULL. */
static PDEVICE_OBJECT take_first(enum io_shutdown_kind kind)
{
    PDEVICE_OBJECT device = NULL;
    KIRQL irql = io_database_acquire();

    if (shutdown_list[kind] != NULL) {
        device = shutdown_list[kind]->device;
        unregister(shutdown_list[kind], kind);
        ob_reference(device);
    }
    io_database_release(irql);
    return device;
}

void io_shutdown_notify(const char *volatile *now)
{
    IO_STACK_LOCATION location = {.MajorFunction = IRP_MJ_SHUTDOWN};

    for (enum io_shutdown_kind kind = IO_SHUTDOWN_FIRST; kind < IO_SHUTDOWN_KINDS; kind++) {
        PDEVICE_OBJECT device;

        while ((device = take_first(kind)) != NULL) {
            *now = io_driver_of(device->DriverObject)->name;
            io_request_send(device, &location, STATUS_NOT_SUPPORTED, NULL);
            ob_dereference(device);
        }
    }
}

/* Registered already: once is enough. */
static NTSTATUS register_device(PDEVICE_OBJECT device, enum io_shutdown_kind kind)
{
    struct io_device *io = io_device_of(device);
    KIRQL irql = io_database_acquire();

    if (!io->shutdown_registered[kind]) {
        io->shutdown_registered[kind] = true;
        io->next_shutdown[kind] = shutdown_list[kind];
        shutdown_list[kind] = io;
        device->Flags |= DO_SHUTDOWN_REGISTERED;
    }
    io_database_release(irql);
    return STATUS_SUCCESS;
}

/* WDK surface */

NTSTATUS NTAPI IoRegisterShutdownNotification(PDEVICE_OBJECT DeviceObject)
{
    return register_device(DeviceObject, IO_SHUTDOWN_FIRST);
}
LDR_EXPORT(IoRegisterShutdownNotification);

NTSTATUS NTAPI IoRegisterLastChanceShutdownNotification(PDEVICE_OBJECT DeviceObject)
{
    return register_device(DeviceObject, IO_SHUTDOWN_LAST_CHANCE);
}
LDR_EXPORT(IoRegisterLastChanceShutdownNotification);

VOID NTAPI IoUnregisterShutdownNotification(PDEVICE_OBJECT DeviceObject)
{
    struct io_device *io = io_device_of(DeviceObject);
    KIRQL irql = io_database_acquire();

    for (enum io_shutdown_kind kind = IO_SHUTDOWN_FIRST; kind < IO_SHUTDOWN_KINDS; kind++)
        unregister(io, kind);
    DeviceObject->Flags &= ~DO_SHUTDOWN_REGISTERED;
    io_database_release(irql);
}
LDR_EXPORT(IoUnregisterShutdownNotification);
