/*
 * io/notification.h - who wants to know that a device interface came or went, or a device itself.
 */
#pragma once

#include <nt/wdm.h>

/* Call the routines registered for the interface's class. PASSIVE_LEVEL. */
void io_notify_interface(const GUID *class_guid, PUNICODE_STRING link, BOOLEAN arrival);

/* WDK "Using PnP Target Device Change Notification". */
enum io_target_event {
    IO_TARGET_QUERY_REMOVE,     /* before QUERY_REMOVE_DEVICE: the last moment to close files */
    IO_TARGET_REMOVE_CANCELLED, /* to those who agreed: it stays */
    IO_TARGET_REMOVE_COMPLETE,
};

/*
 * Call the routines registered for the device with this PDO. PASSIVE_LEVEL. The first error with
 * which one answers a query, after those that agreed have been told that it is cancelled.
 */
NTSTATUS io_notify_target(PDEVICE_OBJECT pdo, enum io_target_event event);

/*
 * The driver goes: no routine of it is called any more. Windows keeps the image of a driver that
 * has not withdrawn its registrations; here they are withdrawn, and that is logged. PASSIVE_LEVEL.
 */
void io_notify_forget(PDRIVER_OBJECT driver);
