/*
 * io/wmi.h - data providers that drivers registered (IoWMIRegistrationControl).
 */
#pragma once

#include <hal/types.h>
#include <nt/wdm.h>

/* Forget a device's registration; no WMI request to it is under way on return. PASSIVE_LEVEL. */
void io_wmi_delete(PDEVICE_OBJECT device);
