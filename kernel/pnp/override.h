/*
 * pnp/override.h - what the command line and the console say of one device; see pnp/pnp.h for how
 * they say it.
 */
#pragma once

#include <hal/types.h>
#include <nt/wdm.h>

/* Is its line to be assigned level 0, so that its routine runs at PASSIVE_LEVEL (CIE-PASS-2)? */
bool pnp_device_is_passive(PDEVICE_OBJECT pdo);
/* As many of the messages it wants as `inject messages` leaves it. */
uint32_t pnp_device_messages_allowed(PDEVICE_OBJECT pdo, uint32_t wanted);
