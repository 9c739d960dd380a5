/*
 * ke/boot_time.h - where the time of the boot goes: marks set by main.c, shown by `boottime`.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { KE_BOOT_MARKS_MAX = 16 };

struct ke_boot_mark {
    const char *done; /* what had just been finished */
    uint64_t tsc;
};

/* `done` is not copied. Boot CPU only; marks beyond the last are dropped. */
void ke_boot_mark(const char *done);
/* In order; false past the last. */
bool ke_boot_mark_at(uint32_t index, struct ke_boot_mark *mark);
