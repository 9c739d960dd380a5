/*
 * irq/storm.c - a level line that stays asserted, whether nobody claims it or a handler claims it
 * without quieting its device.
 *
 * It would recur for ever, above everything of lower level on its CPU. Two counts find it: rounds
 * that nobody claimed, and rounds between which the interrupted code did not execute a single
 * instruction (SPUR-3). The second is suspected first, from many rounds that interrupted the same
 * place, and then proved: at the end of each further round the line must be asserted again before
 * anything else can run. (A thread that makes its device interrupt in a loop is interrupted at one
 * place, too.) The limit of suspicion is below 10,000, since QEMU's IOAPIC rests a line for 10 ms
 * after so many, which lets the interrupted code go on.
 *
 * Past the limits the line is masked, its chain is named in a record shaped as bug check 0xF2
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
    STORM_UNCLAIMED_ROUNDS = 10000, /* in a row */
    STORM_STUCK_ROUNDS = 9000,      /* in a row, claimed or not, at one place */
    STORM_HELD_ROUNDS = 16,         /* in a row after those, ended with the line asserted */
    STORM_LOOKS = 100,              /* at the IRR, for an IOAPIC that takes its time */
    STORM_PAUSE_FIRST_MS = 10,      /* doubled at each storm */
    STORM_PAUSE_LAST_MS = 10240,
    STORM_UNITS_PER_MS = 10000, /* 100 ns */
};

struct irq_storm {
    struct irq_line *line;
    uint32_t unclaimed_rounds;
    uint32_t stuck_rounds;
    uint32_t held_rounds;
    uint64_t last_rip; /* what was interrupted the last time */
    uint64_t last_rsp;
    uint64_t last_idle; /* the CPU's idle rounds then: HLT is left at one address every time */
    KTIMER timer;
    KDPC begin; /* queued at the line's level, sets the timer */
    KDPC again; /* the timer's */
    uint32_t pause_ms;
};

static bool stop_at_storm;

void irq_storm_set_bugcheck(bool stop)
{
    stop_at_storm = stop;
}

static void report(struct irq_line *line)
{
    PKINTERRUPT first = line->first;
    char name[64];

    lib_symbol_describe((uint64_t)first->routine, name, sizeof name);
    log_error("irq: storm on %s: 0x%08X (%016llX,%016llX,%016llX,%016llX) %s", line->name,
              HARDWARE_INTERRUPT_STORM, (unsigned long long)(uintptr_t)first->routine,
              (unsigned long long)(uintptr_t)first->service_context,
              (unsigned long long)(uintptr_t)first, first->next ? 2ull : 1ull, name);
    for (PKINTERRUPT i = first; i; i = i->next) {
        lib_symbol_describe((uint64_t)i->routine, name, sizeof name);
        log_error("irq:   %s called %llu claimed %llu", name, (unsigned long long)i->calls,
                  (unsigned long long)i->claims);
    }
}

static void line_stop(struct irq_line *line)
{
    struct irq_storm *storm = line->storm;
    PKINTERRUPT first = line->first;

    storm->unclaimed_rounds = storm->stuck_rounds = storm->held_rounds = 0;
    if (!first) /* the last handler has just left, and the line is masked */
        return;
    line->storms++;
    irq_line_mask(line);
    report(line);
    if (stop_at_storm)
        lib_bugcheck(HARDWARE_INTERRUPT_STORM, (uint64_t)first->routine,
                     (uint64_t)first->service_context, (uint64_t)first, first->next ? 2 : 1, NULL);
    KeInsertQueueDpc(&storm->begin, NULL, NULL);
}

bool irq_storm_watch(struct irq_line *line, bool claimed, const struct hal_interrupt_frame *frame)
{
    struct irq_storm *storm = line->storm;
    uint64_t idle = PCR->idle_rounds;

    storm->unclaimed_rounds = claimed ? 0 : storm->unclaimed_rounds + 1;
    if (frame->rip == storm->last_rip && frame->rsp == storm->last_rsp &&
        idle == storm->last_idle) {
        storm->stuck_rounds++;
    } else {
        storm->stuck_rounds = storm->held_rounds = 0;
        storm->last_rip = frame->rip;
        storm->last_rsp = frame->rsp;
        storm->last_idle = idle;
    }
    if (storm->unclaimed_rounds >= STORM_UNCLAIMED_ROUNDS)
        line_stop(line);
    return storm->stuck_rounds >= STORM_STUCK_ROUNDS;
}

void irq_storm_look(struct irq_line *line, vector_t vector)
{
    struct irq_storm *storm = line->storm;
    uint32_t looks = 0;

    while (!hal_apic_requested(vector)) {
        if (++looks < STORM_LOOKS)
            continue;
        storm->stuck_rounds = storm->held_rounds = 0;
        return;
    }
    if (++storm->held_rounds >= STORM_HELD_ROUNDS)
        line_stop(line);
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
