/*
 * ke/version.h - which Windows this kernel presents itself as: `ntver=` on the command line.
 *
 * 10.0 by default. 5.0, 5.1 and 5.2 behave as those systems did where it matters to interrupts:
 * IoConnectInterruptEx knows only CONNECT_FULLY_SPECIFIED, and there are no messages.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct ke_version {
    uint32_t major;
    uint32_t minor;
    uint32_t build;
};

extern struct ke_version ke_version;

/* False where the text is none of 5.0, 5.1, 5.2, 6.0, 6.1, 6.2, 6.3, 10.0. */
bool ke_version_choose(const char *text);

static inline bool ke_version_at_least(uint32_t major, uint32_t minor)
{
    return ke_version.major > major || (ke_version.major == major && ke_version.minor >= minor);
}

/* Message-signaled interrupts and the newer connect versions came with Windows Vista. */
static inline bool ke_version_has_messages(void)
{
    return ke_version.major >= 6;
}
