/*
 * io/timer.h - the once-a-second timer of a device (IoInitializeTimer).
 */
#pragma once

#include <hal/types.h>
#include <nt/wdm.h>

/* Forget the device's timer; its routine does not run any more on return. IRQL <= APC_LEVEL. */
void io_timer_delete(PDEVICE_OBJECT device);
