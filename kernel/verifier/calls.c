/*
 * verifier/calls.c - the entries that verified drivers' imports lead to, and who is verified.
 *
 * Each export that some rule names gets an entry at boot. The entry comes here with the driver's
 * call; after the checks it goes on to the export, or to what stands in its place.
 */
#include "verifier/internal.h"

#include <hal/checked_call.h>
#include <hal/upcall.h>
#include <lib/bits.h>
#include <lib/export.h>
#include <lib/log.h>
#include <lib/string.h>

#include "ke/verifier.h"
#include "ldr/ldr.h"
#include "mm/mm.h"
#include "mm/pool.h"
#include "parse/cmdline.h"

struct entry {
    const char *name;
    const void *target;
    const struct verifier_rule *rule; /* NULL: no IRQL is checked */
    void (*check)(const char *routine, const uint64_t *frame);
};

static struct entry entries[HAL_CHECKED_CALL_COUNT]; /* constant once verifier_init() is done */
static uint32_t entry_count;
static uint64_t calls;                   /* atomic */
static bool skips;                       /* constant, too */
static char verified[CMDLINE_VALUE_MAX]; /* words with commas between them; "": nobody */

/* ---- who ------------------------------------------------------------------------------------ */

/* Is that word in the list? */
static bool is_listed(const char *word)
{
    size_t length = strlen(word);
    const char *at = verified;

    while (*at != '\0') {
        const char *end = strchr(at, ',');
        size_t size = end != NULL ? (size_t)(end - at) : strlen(at);

        if (size == length && lib_strnicmp(at, word, length) == 0)
            return true;
        at += size + (end != NULL);
    }
    return false;
}

static bool is_verified(const char *driver)
{
    return is_listed("all") || is_listed(driver);
}

bool verifier_covers(const void *address)
{
    const struct ldr_image *image;

    if (!mm_image_owns(address))
        return false;
    image = ldr_image_containing((uint64_t)address);
    return image == NULL || is_verified(image->name); /* NULL: it is being loaded or unloaded */
}

bool verifier_is_on(void)
{
    return verified[0] != '\0';
}

uint64_t verifier_calls(void)
{
    return __atomic_load_n(&calls, __ATOMIC_RELAXED);
}

/* ---- calls ---------------------------------------------------------------------------------- */

/* In place of a routine at a wrong IRQL; who expects a pointer finds none that is good. */
static NTSTATUS NTAPI skipped(void)
{
    return STATUS_UNSUCCESSFUL;
}

HAL_UPCALL const void *verifier_call(uint64_t number, uint64_t *frame)
{
    const struct entry *entry = &entries[number];
    const struct verifier_rule *rule = entry->rule;
    irql_t irql = hal_irql_read();

    __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
    if (rule != NULL && (irql < rule->low || irql > rule->high)) {
        verifier_report_irql(rule, frame, skips);
        return (const void *)(uintptr_t)skipped;
    }
    if (entry->check != NULL)
        entry->check(entry->name, frame);
    return entry->target;
}

static const void *stand_in(const char *routine, const void *address)
{
    for (uint32_t i = 0; i < entry_count; i++)
        if (strcmp(entries[i].name, routine) == 0)
            return hal_checked_calls[i];
    return address;
}

static const void *import(const char *driver, const char *routine, const void *address)
{
    return is_verified(driver) ? stand_in(routine, address) : address;
}

static const void *lookup(const void *caller, const char *routine, const void *address)
{
    return verifier_covers(caller) ? stand_in(routine, address) : address;
}

/* ---- the table ------------------------------------------------------------------------------ */

/* Its entry, a new one if need be; NULL: nothing of that name is exported. */
static struct entry *entry_of(const char *name)
{
    const void *address = ldr_export_find(name);

    for (uint32_t i = 0; i < entry_count; i++)
        if (strcmp(entries[i].name, name) == 0)
            return &entries[i];
    if (address == NULL || entry_count == HAL_CHECKED_CALL_COUNT)
        return NULL;
    entries[entry_count] = (struct entry){.name = name, .target = address};
    return &entries[entry_count++];
}

static void add_specials(const struct verifier_special *specials)
{
    for (; specials->name != NULL; specials++) {
        struct entry *entry = entry_of(specials->name);

        if (entry == NULL)
            continue;
        if (specials->check != NULL)
            entry->check = specials->check;
        if (specials->instead != NULL)
            entry->target = specials->instead;
    }
}

static void unloading(const char *driver, uint64_t base, uint64_t size)
{
    if (is_verified(driver))
        verifier_objects_unloading(base, size);
}

static void unloaded(const char *driver, uint64_t base, uint64_t size)
{
    if (!is_verified(driver))
        return;
    verifier_pool_unloaded(driver, base, size);
    verifier_times_unloaded(base, size);
}

void verifier_init(const char *command_line)
{
    static const struct ke_verifier hooks = {.import = import,
                                             .lookup = lookup,
                                             .service = verifier_service,
                                             .disconnected = verifier_disconnected,
                                             .dispatch = verifier_dispatch,
                                             .completion = verifier_completion,
                                             .cancel = verifier_cancel,
                                             .thread_ended = verifier_mutexes_ended,
                                             .unloading = unloading,
                                             .unloaded = unloaded};

    if (!cmdline_get(command_line, "verifier", verified, sizeof(verified)) ||
        strcmp(verified, "none") == 0)
        verified[0] = '\0';
    if (!verifier_is_on())
        return;
    for (uint32_t i = 0; i < verifier_irql_rule_count; i++) {
        struct entry *entry = entry_of(verifier_irql_rules[i].name);

        if (entry != NULL)
            entry->rule = &verifier_irql_rules[i];
    }
    add_specials(verifier_lock_specials);
    add_specials(verifier_interrupt_lock_specials);
    add_specials(verifier_cancel_specials);
    add_specials(verifier_rw_lock_specials);
    add_specials(verifier_mutex_specials);
    add_specials(verifier_object_specials);
    add_specials(verifier_registration_specials);
    add_specials(verifier_level_specials);
    add_specials(verifier_remove_lock_specials);
    add_specials(verifier_pool_specials);
    add_specials(verifier_irp_specials);
    add_specials(verifier_dpc_specials);
    add_specials(verifier_connect_specials);
    if (entry_count == HAL_CHECKED_CALL_COUNT)
        log_warn("verifier: more routines than entries; some are not checked");
    verifier_held_init();
    verifier_order_init();
    verifier_times_init();
    mm_pool_track(verifier_memory_forget);
    if (is_listed("special"))
        mm_pool_special(verifier_covers);
    skips = is_listed("skip");
    ke_verifier = &hooks;
}

/* WDK surface */

/* IRQL <= DISPATCH_LEVEL. Nonzero: the driver's calls are checked. WDK: MmIsDriverVerifying */
LOGICAL NTAPI MmIsDriverVerifying(PDRIVER_OBJECT DriverObject)
{
    return verifier_covers(DriverObject->DriverStart);
}
LDR_EXPORT(MmIsDriverVerifying);
