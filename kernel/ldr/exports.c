/*
 * ldr/exports.c - the exports table: name to address.
 *
 * The table is gathered by the linker from LDR_EXPORT lines (lib/export.h). At boot it is hashed
 * once into an open-addressing table of 16-bit indices, which keeps the linked table read-only and
 * costs less than sorting it.
 *
 * Owns: look-up, MmGetSystemRoutineAddress. Owns not: binding a driver's imports (ldr/imports.c).
 */
#include <lib/assert.h>
#include <lib/bits.h>
#include <lib/export.h>
#include <lib/log.h>
#include <lib/string.h>

#include "ke/verifier.h"
#include "ke/version.h"
#include "ldr/internal.h"

enum {
    EXPORT_SLOTS = 4096, /* power of two, at least twice the number of exports */
    EXPORT_NAME_MAX = 128,
};

static uint16_t export_slots[EXPORT_SLOTS]; /* index + 1; 0: free */

/* FNV-1a. */
static uint32_t export_hash(const char *name)
{
    uint32_t hash = 2166136261u;

    for (; *name != 0; name++)
        hash = (hash ^ (uint8_t)*name) * 16777619u;
    return hash ^ hash >> 15;
}

/* The slot that holds the name, or the free one where it would go. */
static uint16_t *export_slot(const char *name)
{
    uint32_t slot = export_hash(name) % EXPORT_SLOTS;

    while (export_slots[slot] != 0 &&
           strcmp(__ldr_exports_start[export_slots[slot] - 1].name, name) != 0)
        slot = (slot + 1) % EXPORT_SLOTS;
    return &export_slots[slot];
}

uint32_t ldr_export_count(void)
{
    return (uint32_t)(__ldr_exports_end - __ldr_exports_start);
}

void ldr_exports_init(void)
{
    uint32_t i;

    ASSERT(ldr_export_count() <= EXPORT_SLOTS / 2);
    for (i = 0; i < ldr_export_count(); i++) {
        uint16_t *slot = export_slot(__ldr_exports_start[i].name);

        if (*slot != 0)
            log_warn("ldr: %s is exported twice", __ldr_exports_start[i].name);
        *slot = (uint16_t)(i + 1);
    }
}

const void *ldr_export_find(const char *name)
{
    uint16_t index = *export_slot(name);

    return index == 0 ? NULL : __ldr_exports_start[index - 1].address;
}

/*
 * Drivers of several systems ask by name for what not all of them have. What the system presented
 * (ntver=) is too old for is not found, so that they do what they would do there. An import by name
 * is bound all the same: such a driver would not load there at all.
 */
static const struct {
    const char *name;
    uint32_t major, minor;
} newer_exports[] = {
    {"IoConnectInterruptEx", 6, 0},    {"IoDisconnectInterruptEx", 6, 0}, /* CIE-GEN-2 */
    {"IoGetAffinityInterrupt", 6, 1},                                     /* AFF-1 */
    {"IoReportInterruptActive", 6, 2}, {"IoReportInterruptInactive", 6, 2},
};

static bool export_is_too_new(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(newer_exports); i++)
        if (strcmp(newer_exports[i].name, name) == 0)
            return !ke_version_at_least(newer_exports[i].major, newer_exports[i].minor);
    return false;
}

/* WDK surface */

PVOID NTAPI MmGetSystemRoutineAddress(PUNICODE_STRING SystemRoutineName)
{
    char name[EXPORT_NAME_MAX];
    size_t length = lib_utf8_from_wide(name, sizeof(name), SystemRoutineName->Buffer,
                                       SystemRoutineName->Length / sizeof(WCHAR));

    const void *address;

    if (length >= sizeof(name))
        return NULL;
    name[length] = 0;
    if (export_is_too_new(name))
        return NULL;
    address = ldr_export_find(name);
    if (address != NULL && ke_verifier != NULL)
        address = ke_verifier->lookup(__builtin_return_address(0), name, address);
    return (PVOID)(uintptr_t)address;
}
LDR_EXPORT(MmGetSystemRoutineAddress);
