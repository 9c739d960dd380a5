/*
 * io/wmi.h - data providers that drivers registered (IoWMIRegistrationControl).
 */
#pragma once

#include <hal/types.h>
#include <nt/wdm.h>

/* Forget a device's registration; no WMI request to it is under way on return. PASSIVE_LEVEL. */
void io_wmi_delete(PDEVICE_OBJECT device);

/*
 * What is wanted of trace providers has changed (ex/trace.h): those whose blocks are traced by way
 * of WMI are told, from system threads. PASSIVE_LEVEL.
 */
void io_wmi_trace_changed(void);
