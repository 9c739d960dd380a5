/*
 * irq/dispatch.c - from a vector to the handlers: the whole policy.
 *
 * On arrival interrupts are off and CR8 still holds the interrupted code's level. For every
 * handler: CR8 := its SynchronizeIrql, take its lock, call it, drop the lock (CIE-SYNC-1). What
 * differs is the end of interrupt and who is called:
 *
 *   latched  EOI first, so that an edge arriving meanwhile is kept in the IRR (MISR-11). One
 *            handler: call it, done. A chain: call every handler, and again until one full pass
 *            claims nothing, since a second device's edge may have merged into ours (SHR-4).
 *   level    call in order until one claims; EOI last. If the line is still asserted it recurs
 *            (SHR-3). Claimed by nobody: counted, and a storm if that goes on (irq/storm.c).
 *
 * On the way out DPCs run and threads switch if the interrupted code was below DISPATCH_LEVEL.
 * The path has no search, no shared lock and no allocation. What it calls when things are not
 * simple is NTAPI too, so that it need not save RSI and RDI for their sake.
 */
#include <hal/upcall.h>
#include <lib/bugcheck.h>

#include "irq/interrupt.h"
#include "irq/stats.h"
#include "irq/storm.h"
#include "irq/passive.h"
#include "ke/ke.h"
#include "ke/lock.h"

/* An ISR that returns at another level has broken the machine: BC-C8-1, unique value 3. */
static _Noreturn __attribute__((noinline, cold)) NTAPI void isr_changed_irql(PKINTERRUPT interrupt)
{
    lib_bugcheck(IRQL_UNEXPECTED_VALUE,
                 (uint64_t)hal_irql_read() << 16 | (uint64_t)interrupt->synchronize_irql << 8 | 3,
                 (uint64_t)interrupt->routine, (uint64_t)interrupt, 0, NULL);
}

/* Interrupts on; returns at the handler's SynchronizeIrql. */
static inline BOOLEAN call_handler(PKINTERRUPT interrupt)
{
    PKSPIN_LOCK lock = interrupt->lock;
    BOOLEAN claimed;

    ke_lock_acquire(lock);
    claimed =
        interrupt->service_routine(interrupt, interrupt->service_context, interrupt->message_id);
    interrupt->calls++;
    interrupt->claims += claimed != FALSE;
    ke_lock_release(lock);
    if (__builtin_expect(hal_irql_read() != interrupt->synchronize_irql, 0))
        isr_changed_irql(interrupt);
    return claimed;
}

static bool chain_pass(struct irq_line *line, bool stop_at_first)
{
    irql_t line_irql = irq_line_irql(line);
    bool claimed = false;

    for (PKINTERRUPT i = __atomic_load_n(&line->first, __ATOMIC_ACQUIRE); i;
         i = __atomic_load_n(&i->next, __ATOMIC_ACQUIRE)) {
        if (!i->active || i->passive)
            continue;
        hal_irql_write(i->synchronize_irql);
        if (call_handler(i))
            claimed = true;
        hal_irql_write(line_irql);
        if (claimed && stop_at_first)
            break;
    }
    return claimed;
}

/* Some chips do not see the local APIC's end of interrupt. */
static __attribute__((noinline, cold)) NTAPI void end_at_chip(struct irq_line *line)
{
    line->chip->eoi(&line->source);
}

static __attribute__((noinline)) NTAPI void dispatch_general(
    uint64_t vector, struct irq_line *line, const struct hal_interrupt_frame *frame)
{
    bool latched = line->route.trigger == IRQ_TRIGGER_LATCHED;
    bool claimed;

    if (!line->first) {
        irq_stray(line, (vector_t){(uint8_t)vector});
        return;
    }
    if (latched)
        hal_apic_eoi();
    hal_irql_write(irq_line_irql(line));
    hal_interrupts_on();
    claimed = chain_pass(line, !latched);
    if (latched && claimed && line->handler_count > 1)
        while (chain_pass(line, false))
            ;
    if (!claimed && irq_passive_schedule(line))
        claimed = true;
    hal_interrupts_off();
    if (!claimed)
        line->unclaimed++;
    if (!latched) {
        bool suspect = irq_storm_watch(line, claimed, frame);
        if (__builtin_expect(line->chip->eoi != NULL, 0))
            end_at_chip(line);
        hal_apic_eoi();
        if (__builtin_expect(suspect, 0))
            irq_storm_look(line, (vector_t){(uint8_t)vector});
    }
}

/* The latched line's only handler; its interrupt has been ended. */
static inline void dispatch_single(PKINTERRUPT interrupt)
{
    hal_irql_write(interrupt->synchronize_irql);
    hal_interrupts_on();
    call_handler(interrupt);
    hal_interrupts_off();
}

static inline void dispatch_leave(irql_t old)
{
    if (!--PCR->interrupt_depth)
        PCR->interrupt_exits++;
    if (PCR->dispatch_requests)
        ke_interrupt_exit(old);
    hal_irql_write(old);
}

/*
 * Both without a frame pointer of their own: two instructions of every interrupt. `old` is volatile
 * so that RBP is not spent on it: a backtrace from an ISR goes on through the interrupted code.
 */
__attribute__((optimize("omit-frame-pointer"))) HAL_UPCALL void irq_dispatch(uint64_t vector)
{
    volatile irql_t old = hal_irql_read();
    struct irq_line *line = PCR->vector_line[vector];

    PCR->vector_count[vector]++;
    PCR->interrupt_depth++;
    if (__builtin_expect(line->flow == IRQ_FLOW_LATCHED_SINGLE, 1)) {
        PKINTERRUPT interrupt = line->first;
        hal_apic_eoi();
        dispatch_single(interrupt);
    } else {
        dispatch_general(vector, line, HAL_INTERRUPT_FRAME);
    }
    dispatch_leave(old);
}

_Static_assert(IRQ_FLOW_LATCHED_SINGLE == 0, "what hal_apic_eoi_x2() writes");

__attribute__((optimize("omit-frame-pointer"))) HAL_UPCALL void irq_dispatch_x2(
    uint64_t arrival, struct irq_line *line)
{
    volatile irql_t old = hal_irql_read();
    uint32_t flow = line->flow;

    PCR->interrupt_depth++;
    if (__builtin_expect(hal_is_zero(flow), 1)) {
        PKINTERRUPT interrupt = line->first;
        hal_apic_eoi_x2(flow, arrival);
        dispatch_single(interrupt);
    } else {
        dispatch_general(arrival >> 32, line, HAL_INTERRUPT_FRAME);
    }
    dispatch_leave(old);
}
