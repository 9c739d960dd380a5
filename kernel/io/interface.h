/*
 * io/interface.h - what becomes of a device's interfaces when it starts and when it goes.
 */
#pragma once

#include <nt/wdm.h>

/*
 * The class's interfaces that those who want to know have been told of: their links, each ended by
 * a zero and all by another, to free with io_free(); NULL without memory. PASSIVE_LEVEL.
 */
WCHAR *io_interfaces_announced(const GUID *class_guid);
/* START_DEVICE has ended: tell of the interfaces that were enabled meanwhile. PASSIVE_LEVEL. */
void io_interfaces_started(PDEVICE_OBJECT pdo);
/* The device is gone: disable the interfaces that its drivers left enabled. PASSIVE_LEVEL. */
void io_interfaces_removed(PDEVICE_OBJECT pdo);
