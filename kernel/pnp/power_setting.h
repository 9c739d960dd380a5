/*
 * pnp/power_setting.h - power settings: their values, and the drivers that are told of them.
 *
 * Everything here is PASSIVE_LEVEL.
 */
#pragma once

#include <hal/types.h>
#include <nt/wdm.h>

union pnp_power_setting_value {
    ULONG number;
    GUID guid;
};

void pnp_power_setting_init(void);

/* A copy of what one setting is, for the console. */
struct pnp_power_setting_info {
    const char *name; /* as its GUID is called, without GUID_, in lower case */
    ULONG length;     /* 0: it has no value on this machine */
    union pnp_power_setting_value value;
    uint32_t callbacks; /* that are registered for it */
};

bool pnp_power_setting_at(uint32_t index, struct pnp_power_setting_info *info);
/*
 * Give a setting that is a number another value, and tell those who registered for it. False: there
 * is no such setting.
 */
bool pnp_power_setting_set(const char *name, ULONG value);
/* The power source is not the mains. Any IRQL. */
bool pnp_power_setting_conserves(void);
