/*
 * irq/move.c - moving live lines between CPUs.
 *
 * An interrupt that is on its way when the route changes goes by the old route, by the new one, or,
 * where the hardware takes vector and destination in two writes, by the new vector at the old CPU.
 * All of these name the line from before the change until the old CPU's local APIC holds none of
 * them any more; only then are the old vectors free. Best is to keep the vector's number, since the
 * destination alone is one write.
 *
 * A level line is masked meanwhile, which loses nothing, and changed only when its Remote IRR is
 * clear: the EOI that clears it names the vector, and would miss a new one (IOAPIC 3.2.4).
 *
 * Owns: the move, the evacuation of a CPU. Owns not: the writes (chips), scheduling
 * (ke/cpu_offline.c).
 */
#include <lib/assert.h>
#include <lib/log.h>
#include <nt/wdm.h>

#include "irq/interrupt.h"
#include "irq/move.h"
#include "irq/vector.h"
#include "ke/ke.h"
#include "ke/lock.h"
#include "mm/pool.h"

#define LINE_TAG MM_TAG("ILin")

enum { POLL_UNITS = 10000 }; /* 1 ms */

/* What moves: one line, or the lines of an MSI block in the order of their vectors. */
struct move {
    struct irq_line *lines[IRQ_CLASS_SIZE];
    uint32_t count;
    uint32_t from;
    uint32_t to;
    vector_t old_first;
    vector_t new_first;
    bool two_steps; /* the new vectors are bound on `from` too */
};

static vector_t vector_add(vector_t first, uint32_t n)
{
    return (vector_t){(uint8_t)(first.value + n)};
}

/* ---- what moves ----------------------------------------------------------------------------- */

static void collect_block(struct move *move, const struct irq_line *member)
{
    for (struct irq_line *line = irq_line_next(NULL); line; line = irq_line_next(line)) {
        uint32_t index = line->source.index;
        if (line->chip != member->chip || line->source.context != member->source.context)
            continue;
        ASSERT(index < IRQ_CLASS_SIZE);
        move->lines[index] = line;
        if (index >= move->count)
            move->count = index + 1;
    }
}

/* Room to keep the counts of the old CPU. */
static bool counts_allocate(const struct move *move)
{
    for (uint32_t i = 0; i < move->count; i++) {
        struct irq_line *line = move->lines[i];
        if (!line->earlier)
            line->earlier = mm_pool_alloc(hal_cpu_count() * sizeof *line->earlier, LINE_TAG);
        if (!line->earlier)
            return false;
    }
    return true;
}

/* ---- vectors of both sides ------------------------------------------------------------------ */

static bool vectors_bind(struct move *move, bool both)
{
    uint64_t state = irq_vectors_lock();
    bool taken = irq_vectors_take_move(move->from, move->to, move->old_first, move->count, both,
                                       &move->new_first);

    move->two_steps = taken && both && move->new_first.value != move->old_first.value;
    for (uint32_t i = 0; taken && i < move->count; i++) {
        irq_vector_bind(move->to, vector_add(move->new_first, i), move->lines[i]);
        if (move->two_steps)
            irq_vector_bind(move->from, vector_add(move->new_first, i), move->lines[i]);
    }
    irq_vectors_unlock(state);
    return taken;
}

static void vector_retire(struct irq_line *line, uint32_t cpu, vector_t vector)
{
    line->earlier[cpu] += hal_pcr(cpu)->vector_count[vector.value];
    irq_vector_free(cpu, vector);
}

static void vectors_retire(const struct move *move)
{
    uint64_t state = irq_vectors_lock();

    for (uint32_t i = 0; i < move->count; i++) {
        vector_retire(move->lines[i], move->from, vector_add(move->old_first, i));
        if (move->two_steps)
            vector_retire(move->lines[i], move->from, vector_add(move->new_first, i));
    }
    irq_vectors_unlock(state);
}

/* ---- waiting for what is on its way --------------------------------------------------------- */

static void pause_1ms(void)
{
    LARGE_INTEGER interval = {.QuadPart = -POLL_UNITS};

    KeDelayExecutionThread(KernelMode, FALSE, &interval);
}

struct apic_look {
    const struct move *move;
    bool busy;
};

/* On the old CPU: does its local APIC hold any of the vectors? */
static void look(void *context)
{
    struct apic_look *apic = context;
    const struct move *move = apic->move;

    for (uint32_t i = 0; i < move->count; i++) {
        vector_t old = vector_add(move->old_first, i);
        vector_t new = vector_add(move->new_first, i);

        apic->busy |= hal_apic_requested(old) || hal_apic_in_service(old);
        if (move->two_steps)
            apic->busy |= hal_apic_requested(new) || hal_apic_in_service(new);
    }
}

static void wait_until_old_is_quiet(const struct move *move)
{
    for (;;) {
        struct apic_look apic = {move, false};

        ke_call_on_cpu(move->from, look, &apic);
        if (!apic.busy)
            break;
        pause_1ms();
    }
    ke_interrupt_rendezvous(); /* the handler has returned too */
}

static void wait_until_ended(const struct irq_line *line)
{
    for (;;) {
        struct irq_chip_state state = {0};

        line->chip->read(&line->source, &state);
        if (!state.in_service && !state.pending)
            return;
        pause_1ms();
    }
}

/* ---- the move -------------------------------------------------------------------------------- */

static void route_change(const struct move *move)
{
    struct irq_line *first = move->lines[0];
    struct irq_chip_state state;
    uint64_t flags = ke_lock_acquire_irqoff(&first->lock);

    for (uint32_t i = 0; i < move->count; i++) {
        struct irq_line *line = move->lines[i];
        line->cpu = move->to;
        line->route.vector = vector_add(move->new_first, i);
        line->route.destination = hal_pcr(move->to)->apic_id;
    }
    first->chip->retarget(&first->source, &first->route);
    for (uint32_t i = 1; i < move->count; i++)
        first->chip->program(&move->lines[i]->source, &move->lines[i]->route);
    ke_lock_release_irqoff(&first->lock, flags);
    first->chip->read(&first->source, &state); /* what was sent before has arrived after this */
}

NTSTATUS irq_line_move(struct irq_line *line, uint32_t cpu)
{
    bool level = line->route.trigger == IRQ_TRIGGER_LEVEL;
    struct move move = {.lines = {line}, .count = 1, .from = line->cpu, .to = cpu};

    ASSERT_IRQL(PASSIVE_LEVEL);
    if (!line->assign_count || cpu >= hal_cpu_count() || !irq_cpu_allowed(&irq_policy_default, cpu))
        return STATUS_INVALID_PARAMETER;
    if (cpu == line->cpu)
        return STATUS_SUCCESS;
    if (!line->chip->retarget)
        return STATUS_NOT_SUPPORTED;
    if (line->chip->is_block)
        collect_block(&move, line);
    move.old_first = move.lines[0]->route.vector;
    if (!counts_allocate(&move) || !vectors_bind(&move, !level && !line->chip->retarget_is_whole))
        return STATUS_INSUFFICIENT_RESOURCES;
    if (level) {
        irq_line_mask(line);
        wait_until_ended(line);
    }
    route_change(&move);
    if (level)
        irq_line_unmask(line);
    wait_until_old_is_quiet(&move);
    vectors_retire(&move);
    return STATUS_SUCCESS;
}

/* ---- CPUs that come and go ------------------------------------------------------------------ */

/* To the CPU with the most vectors left that takes it; `policy` says which may. */
static NTSTATUS move_to_any(struct irq_line *line, const struct irq_policy *policy)
{
    uint16_t tried[CPU_MAX] = {0};
    struct irq_policy spread = *policy;
    NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;
    uint32_t cpu;

    spread.spread = true; /* one that was not tried yet */
    while (irq_cpu_choose(&spread, irq_line_irql(line), 1, tried, &cpu) && !tried[cpu]) {
        tried[cpu] = 1;
        status = irq_line_move(line, cpu);
        if (NT_SUCCESS(status))
            break;
    }
    return status;
}

static NTSTATUS evacuate(uint32_t cpu)
{
    NTSTATUS status = STATUS_SUCCESS;

    for (struct irq_line *line = irq_line_next(NULL); line; line = irq_line_next(line)) {
        if (!line->assign_count || line->cpu != cpu)
            continue;
        status = move_to_any(line, &line->policy);
        if (!NT_SUCCESS(status))
            status = move_to_any(line, &irq_policy_default);
        if (!NT_SUCCESS(status)) {
            log_warn("irq: %s cannot leave CPU %u: 0x%08X", line->name, cpu, (unsigned)status);
            break;
        }
    }
    return status;
}

/* Lines that are where their affinity forbids go where it allows. */
static void go_home(void)
{
    for (struct irq_line *line = irq_line_next(NULL); line; line = irq_line_next(line))
        if (line->assign_count && line->policy.affinity &&
            !irq_cpu_allowed(&line->policy, line->cpu))
            move_to_any(line, &line->policy);
}

NTSTATUS irq_cpu_offline(uint32_t cpu)
{
    NTSTATUS status = STATUS_INVALID_PARAMETER;

    if (cpu == 0)
        return STATUS_NOT_SUPPORTED; /* clock, timers */
    irq_lines_lock();
    if (cpu < hal_cpu_count() && hal_pcr(cpu)->online) {
        status = ke_cpu_park(cpu);
        if (NT_SUCCESS(status)) {
            status = evacuate(cpu);
            if (!NT_SUCCESS(status))
                ke_cpu_unpark(cpu);
        }
    }
    irq_lines_unlock();
    return status;
}

NTSTATUS irq_cpu_online(uint32_t cpu)
{
    NTSTATUS status = STATUS_INVALID_PARAMETER;

    irq_lines_lock();
    if (cpu < hal_cpu_count() && !hal_pcr(cpu)->online) {
        ke_cpu_unpark(cpu);
        go_home();
        status = STATUS_SUCCESS;
    }
    irq_lines_unlock();
    return status;
}
