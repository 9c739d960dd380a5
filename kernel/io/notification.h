/*
 * io/notification.h - who wants to know that a device interface came or went.
 */
#pragma once

#include <nt/wdm.h>

/* Call the routines registered for the interface's class. PASSIVE_LEVEL. */
void io_notify_interface(const GUID *class_guid, PUNICODE_STRING link, BOOLEAN arrival);
