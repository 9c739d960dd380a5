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

/* ---- Events --------------------------------------------------------------------------------- */

enum { IO_WMI_EVENT_DATA_SHOWN = 32 };

/* A copy of what an event was, for the console. */
struct io_wmi_event_info {
    uint64_t number; /* from 1 on */
    GUID guid;
    char driver[64]; /* who registered the provider; empty: nobody */
    ULONG instance;
    ULONG size;                            /* of its data, */
    uint8_t data[IO_WMI_EVENT_DATA_SHOWN]; /* of which this is the beginning */
};

/*
 * Have the events of a block enabled with all providers, also those to come, or disabled. False:
 * too many have been asked for. PASSIVE_LEVEL.
 */
bool io_wmi_event_want(const GUID *guid, bool enable);
/* Those that are kept, oldest first. PASSIVE_LEVEL. */
bool io_wmi_event_at(uint32_t index, struct io_wmi_event_info *info);

/* Inside io/: 0: no provider. With a reference; NULL: there is none. IRQL <= DISPATCH_LEVEL. */
ULONG io_wmi_provider_id(PDEVICE_OBJECT device);
PDEVICE_OBJECT io_wmi_provider_device(ULONG id);
