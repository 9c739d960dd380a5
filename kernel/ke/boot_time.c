/*
 * ke/boot_time.c - the marks of the boot.
 */
#include "ke/boot_time.h"

#include <hal/hal.h>

static struct ke_boot_mark marks[KE_BOOT_MARKS_MAX];
static uint32_t mark_count;

void ke_boot_mark(const char *done)
{
    if (mark_count < KE_BOOT_MARKS_MAX)
        marks[mark_count++] = (struct ke_boot_mark){done, hal_tsc_read()};
}

bool ke_boot_mark_at(uint32_t index, struct ke_boot_mark *mark)
{
    if (index >= mark_count)
        return false;
    *mark = marks[index];
    return true;
}
