/*
 * io/idle.h - devices whose idle time is counted (PoRegisterDeviceForIdleDetection).
 *
 * A driver sets the counter to 0 each time it uses the device; io_idle_scan() counts a second. The
 * list is here, and not with the power manager that scans it, because deletion ends the counting.
 * All at IRQL <= DISPATCH_LEVEL.
 */
#pragma once

#include "io/device.h"

/*
 * Count from now on; so many seconds make the device due for `state`, 0: none do. Which of the two
 * counts io_idle_scan() is told. The counter.
 */
PULONG io_idle_register(PDEVICE_OBJECT device, uint32_t performance, uint32_t conservation,
                        DEVICE_POWER_STATE state);
/* Not registered: no effect. */
void io_idle_unregister(PDEVICE_OBJECT device);
/* A second has passed for the devices in D0. False: there are none to count for. */
bool io_idle_scan(bool conserve);
/* One of those that have just become due, with a reference; NULL: no more. */
PDEVICE_OBJECT io_idle_take_due(DEVICE_POWER_STATE *state);
