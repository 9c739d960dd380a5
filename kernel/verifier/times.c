/*
 * verifier/times.c - how long service routines and DPCs run, and spin locks are held (section D.5,
 * BUD-2).
 *
 * A fixed table, searched without a lock: a routine gets its row when it first runs, and keeps it
 * until its driver is unloaded. The first run past the guideline is logged by name; the rest is
 * counted. A routine's very first run is not held against it: its code has yet to come into the
 * caches, or to be translated.
 */
#include "verifier/internal.h"

#include <lib/bugcheck.h>
#include <lib/log.h>

enum { ROWS = 128, NANOSECONDS = 1000000000, MICROSECOND = 1000, NAME_MAX = 96 };

/* Legend: routine is written once; the rest by atomic additions. */
static struct verifier_time rows[ROWS];
static uint64_t ticks_per_microsecond;

static const struct {
    const char *what;
    uint64_t guideline; /* nanoseconds */
} kinds[] = {
    [VERIFIER_ISR] = {"service routine", 25 * MICROSECOND},
    [VERIFIER_DPC] = {"DPC", 100 * MICROSECOND},
    [VERIFIER_LOCK] = {"holder of a spin lock", 25 * MICROSECOND},
};

void verifier_times_init(void)
{
    ticks_per_microsecond = hal_tsc_frequency() / (NANOSECONDS / MICROSECOND);
}

static struct verifier_time *row_of(enum verifier_time_kind kind, uint64_t routine)
{
    uint32_t i = 0;

    while (i < ROWS && __atomic_load_n(&rows[i].routine, __ATOMIC_ACQUIRE) != routine)
        i++;
    if (i < ROWS)
        return &rows[i];
    for (i = 0; i < ROWS; i++) {
        uint64_t free = 0;

        if (__atomic_compare_exchange_n(&rows[i].routine, &free, routine, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_RELAXED)) {
            rows[i].kind = kind;
            return &rows[i];
        }
    }
    return NULL;
}

void verifier_times_unloaded(uint64_t base, uint64_t size)
{
    for (uint32_t i = 0; i < ROWS; i++) {
        if (rows[i].routine - base >= size)
            continue;
        rows[i].runs = rows[i].longest = rows[i].too_long = 0;
        __atomic_store_n(&rows[i].routine, 0, __ATOMIC_RELEASE);
    }
}

static void raise_longest(uint64_t *longest, uint64_t value)
{
    uint64_t seen = __atomic_load_n(longest, __ATOMIC_RELAXED);

    while (value > seen && !__atomic_compare_exchange_n(longest, &seen, value, false,
                                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
}

void verifier_time_add(enum verifier_time_kind kind, uint64_t routine, uint64_t since)
{
    uint64_t ticks = hal_tsc_read() - since;
    uint64_t time = ticks_per_microsecond ? ticks * MICROSECOND / ticks_per_microsecond : 0;
    struct verifier_time *row = row_of(kind, routine);
    char name[NAME_MAX];
    uint64_t runs;

    if (!row)
        return;
    runs = __atomic_fetch_add(&row->runs, 1, __ATOMIC_RELAXED);
    raise_longest(&row->longest, time);
    if (runs == 0 || time <= kinds[kind].guideline ||
        __atomic_fetch_add(&row->too_long, 1, __ATOMIC_RELAXED) != 0)
        return;
    lib_symbol_describe(routine, name, sizeof name);
    log_warn("verifier: %s, a %s, took %llu us; the guideline is %llu", name, kinds[kind].what,
             (unsigned long long)(time / MICROSECOND),
             (unsigned long long)(kinds[kind].guideline / MICROSECOND));
}

bool verifier_time_at(uint32_t index, struct verifier_time *time)
{
    for (uint32_t i = 0; i < ROWS; i++) {
        if (__atomic_load_n(&rows[i].routine, __ATOMIC_ACQUIRE) == 0 || index-- > 0)
            continue;
        *time = rows[i];
        return true;
    }
    return false;
}
