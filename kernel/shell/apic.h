/*
 * shell/apic.h - the local APICs of all CPUs, read at one moment.
 */
#pragma once

#include <hal/apic_state.h>

/* One for each CPU, by number; NULL: no memory. Freed by shell_apics_free(). PASSIVE_LEVEL. */
struct hal_apic_state *shell_apics_read(void);
void shell_apics_free(struct hal_apic_state *states);

static inline bool shell_apic_bit(const uint32_t bank[HAL_APIC_BANK], uint32_t vector)
{
    return bank[vector / 32] >> vector % 32 & 1;
}
