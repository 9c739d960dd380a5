/*
 * pnp/power_need.h - who needs the system to go on working: power requests and busy states.
 */
#pragma once

#include <hal/types.h>
#include <nt/wdm.h>

/* A copy of what one request or registration is, for the console. */
struct pnp_power_need_info {
    char what[16];   /* "request", "busy state", and last "activity" */
    char driver[64]; /* of a request */
    uint32_t count;  /* of a request: times it is set; of activity: calls of PoSetSystemState */
    ULONG flags;     /* ES_... */
    char reason[96]; /* of a request */
};

/* By index, the oldest first. PASSIVE_LEVEL. */
bool pnp_power_need_at(uint32_t index, struct pnp_power_need_info *info);
