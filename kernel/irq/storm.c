/*
 * irq/storm.c - a level line that stays asserted and that no handler claims.
 *
 * It would recur for ever, above everything of lower level on its CPU. After a bounded number of
 * rounds the line is masked, its chain is named in a record shaped as bug check 0xF2
 * (HARDWARE_INTERRUPT_STORM, BC-F2-1), and a timer tries it again after a pause that grows each
 * time, while the rest of the machine runs on.
 */
#include <lib/bugcheck.h>
#include <lib/log.h>
#include <nt/wdm.h>

#include "irq/interrupt.h"
#include "irq/storm.h"
#include "ke/lock.h"
#include "mm/pool.h"

#define STORM_TAG MM_TAG("IStr")

enum {
    STORM_ROUNDS = 10000,      /* unclaimed passes in a row */
    STORM_PAUSE_FIRST_MS = 10, /* doubled at each storm */
    STORM_PAUSE_LAST_MS = 10240,
    STORM_UNITS_PER_MS = 10000, /* 100 ns */
};

struct irq_storm {
    struct irq_line *line;
    KTIMER timer;
    KDPC begin; /* queued at the line's level, sets the timer */
    KDPC again; /* the timer's */
    uint32_t pause_ms;
};

static void report(struct irq_line *line)
{
    PKINTERRUPT first = line->first;
    char name[64];

    lib_symbol_describe((uint64_t)first->service_routine, name, sizeof name);
    log_error("irq: storm on %s: 0x%08X (%016llX,%016llX,%016llX,%016llX) %s", line->name,
              HARDWARE_INTERRUPT_STORM, (unsigned long long)(uintptr_t)first->service_routine,
              (unsigned long long)(uintptr_t)first->service_context,
              (unsigned long long)(uintptr_t)first, first->next ? 2ull : 1ull, name);
    for (PKINTERRUPT i = first; i; i = i->next) {
        lib_symbol_describe((uint64_t)i->service_routine, name, sizeof name);
        log_error("irq:   %s called %llu claimed %llu", name, (unsigned long long)i->calls,
                  (unsigned long long)i->claims);
    }
}

void irq_unclaimed(struct irq_line *line)
{
    line->unclaimed++;
    if (line->route.trigger != IRQ_TRIGGER_LEVEL || ++line->unclaimed_in_a_row < STORM_ROUNDS)
        return;
    line->unclaimed_in_a_row = 0;
    line->storms++;
    irq_line_mask(line);
    report(line);
    if (line->storm)
        KeInsertQueueDpc(&line->storm->begin, NULL, NULL);
}

static VOID NTAPI storm_begin(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1,
                              PVOID SystemArgument2)
{
    struct irq_storm *storm = DeferredContext;
    LARGE_INTEGER due = {.QuadPart = -(LONGLONG)storm->pause_ms * STORM_UNITS_PER_MS};

    (void)Dpc, (void)SystemArgument1, (void)SystemArgument2;
    KeSetTimer(&storm->timer, due, &storm->again);
    if (storm->pause_ms < STORM_PAUSE_LAST_MS)
        storm->pause_ms *= 2;
}

static VOID NTAPI storm_again(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1,
                              PVOID SystemArgument2)
{
    struct irq_storm *storm = DeferredContext;

    (void)Dpc, (void)SystemArgument1, (void)SystemArgument2;
    irq_line_unmask(storm->line);
}

NTSTATUS irq_storm_create(struct irq_line *line)
{
    struct irq_storm *storm = mm_pool_alloc(sizeof *storm, STORM_TAG);

    if (!storm)
        return STATUS_INSUFFICIENT_RESOURCES;
    storm->line = line;
    storm->pause_ms = STORM_PAUSE_FIRST_MS;
    KeInitializeTimer(&storm->timer);
    KeInitializeDpc(&storm->begin, storm_begin, storm);
    KeInitializeDpc(&storm->again, storm_again, storm);
    line->storm = storm;
    return STATUS_SUCCESS;
}

void irq_storm_destroy(struct irq_line *line)
{
    if (!line->storm)
        return;
    KeCancelTimer(&line->storm->timer);
    KeFlushQueuedDpcs();
    mm_pool_free(line->storm, STORM_TAG);
    line->storm = NULL;
}
