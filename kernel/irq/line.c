/*
 * irq/line.c - lines: their list, their vectors, their chips.
 *
 * Vectors are chosen so that all lines of one device share an IRQL class where that is possible
 * (CIE-SYNC-15, CIE-FULL-35), and each goes to the allowed CPU with the most vectors left.
 */
#include <hal/remap.h>
#include <lib/assert.h>
#include <lib/bugcheck.h>
#include <lib/string.h>
#include <nt/wdm.h>

#include "irq/interrupt.h"
#include "irq/storm.h"
#include "irq/vector.h"
#include "ke/ke.h"
#include "ke/lock.h"
#include "mm/pool.h"

#define LINE_TAG MM_TAG("ILin")

struct irq_line irq_stray_line = {.flow = IRQ_FLOW_GENERAL, .name = "stray"};

/* RES-IO-20: undefined and normal priority. */
const struct irq_policy irq_policy_default = {.irql_low = 6, .irql_high = 8};

static struct irq_line *all_lines;
static ke_lock_t all_lines_lock;
static KEVENT lines_free; /* signaled while nobody has irq_lines_lock() */

void irq_init(void)
{
    KeInitializeEvent(&lines_free, SynchronizationEvent, TRUE);
    irq_cpu_init(pcr_self());
}

/* An APC of the holder that asks for it, too, would wait for ever. */
void irq_lines_lock(void)
{
    KeEnterCriticalRegion();
    KeWaitForSingleObject(&lines_free, Executive, KernelMode, FALSE, NULL);
}

void irq_lines_unlock(void)
{
    KeSetEvent(&lines_free, IO_NO_INCREMENT, FALSE);
    KeLeaveCriticalRegion();
}

/* ---- life ------------------------------------------------------------------------------------ */

NTSTATUS irq_line_create(const struct irq_chip *chip, struct irq_source source,
                         enum irq_trigger trigger, enum irq_polarity polarity, const char *name,
                         struct irq_line **line_out)
{
    struct irq_line *line = mm_pool_alloc(sizeof *line, LINE_TAG);
    uint64_t flags;

    if (!line)
        return STATUS_INSUFFICIENT_RESOURCES;
    line->flow = IRQ_FLOW_GENERAL;
    line->chip = chip;
    line->source = source;
    line->route.trigger = trigger;
    line->route.polarity = polarity;
    line->masked = true;
    lib_strlcpy(line->name, name, sizeof line->name);
    if (trigger == IRQ_TRIGGER_LEVEL && !NT_SUCCESS(irq_storm_create(line))) {
        mm_pool_free(line, LINE_TAG);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    flags = ke_lock_acquire_irqoff(&all_lines_lock);
    line->next_line = all_lines;
    all_lines = line;
    ke_lock_release_irqoff(&all_lines_lock, flags);
    *line_out = line;
    return STATUS_SUCCESS;
}

void irq_line_destroy(struct irq_line *line)
{
    struct irq_line **link = &all_lines;
    uint64_t flags;

    ASSERT(!line->first && !line->assign_count);
    irq_lines_lock();
    flags = ke_lock_acquire_irqoff(&all_lines_lock);
    while (*link != line)
        link = &(*link)->next_line;
    *link = line->next_line;
    ke_lock_release_irqoff(&all_lines_lock, flags);
    irq_lines_unlock();
    irq_storm_destroy(line);
    if (line->earlier)
        mm_pool_free(line->earlier, LINE_TAG);
    mm_pool_free(line, LINE_TAG);
}

void irq_line_for_each(void (*visit)(struct irq_line *line, void *context), void *context)
{
    uint64_t flags = ke_lock_acquire_irqoff(&all_lines_lock);

    for (struct irq_line *line = all_lines; line; line = line->next_line)
        visit(line, context);
    ke_lock_release_irqoff(&all_lines_lock, flags);
}

struct irq_line *irq_line_next(const struct irq_line *line)
{
    uint64_t flags = ke_lock_acquire_irqoff(&all_lines_lock);
    struct irq_line *next = line ? line->next_line : all_lines;

    ke_lock_release_irqoff(&all_lines_lock, flags);
    return next;
}

struct line_search {
    vector_t vector;
    uint16_t group;
    uint64_t affinity;
    struct irq_line *found;
};

static void match_home(struct irq_line *line, void *context)
{
    struct line_search *search = context;

    if (line->assign_count &&
        irq_line_is_home(line, search->vector.value, search->group, search->affinity) &&
        (!search->found || line->home_cpu < search->found->home_cpu))
        search->found = line;
}

struct irq_line *irq_line_find(vector_t vector, uint16_t group, uint64_t affinity)
{
    struct line_search search = {vector, group, affinity, NULL};

    irq_line_for_each(match_home, &search);
    return search.found;
}

void irq_line_counts(const struct irq_line *line, uint64_t *counts)
{
    for (uint32_t cpu = 0; cpu < hal_cpu_count(); cpu++)
        counts[cpu] = line->earlier ? line->earlier[cpu] : 0;
    if (line->assign_count)
        counts[line->cpu] += hal_pcr(line->cpu)->vector_count[line->route.vector.value];
}

/* ---- vectors -------------------------------------------------------------------------------- */

bool irq_cpu_allowed(const struct irq_policy *policy, uint32_t cpu)
{
    if (!hal_pcr(cpu)->online || hal_pcr(cpu)->apic_id.value > hal_destination_max())
        return false;
    if (!policy->affinity)
        return true;
    return cpu / 64 == policy->group && policy->affinity >> (cpu % 64) & 1;
}

/*
 * The allowed CPU with the most free vectors of the class, at least `count`; with `spread`, one
 * that has the fewest lines of this call so far. vectors_used counts those by CPU.
 */
bool irq_cpu_choose(const struct irq_policy *policy, irql_t irql, uint32_t count,
                    const uint16_t *used, uint32_t *cpu_out)
{
    uint32_t best_free = 0;
    uint32_t best_used = UINT32_MAX;
    bool found = false;

    for (uint32_t cpu = 0; cpu < hal_cpu_count(); cpu++) {
        uint32_t available = irq_cpu_allowed(policy, cpu) ? irq_vectors_free(cpu, irql) : 0;
        uint32_t here = policy->spread ? used[cpu] : 0;
        if (available < count)
            continue;
        if (here < best_used || (here == best_used && available > best_free)) {
            best_used = here;
            best_free = available;
            *cpu_out = cpu;
            found = true;
        }
    }
    return found;
}

static void line_place(struct irq_line *line, uint32_t cpu, vector_t vector)
{
    line->cpu = line->home_cpu = cpu;
    line->route.vector = line->home_vector = vector;
    line->route.destination = hal_pcr(cpu)->apic_id;
    line->assign_count = 1;
    line->masked = true;
    if (line->earlier)
        memset(line->earlier, 0, hal_cpu_count() * sizeof *line->earlier);
    irq_vector_bind(cpu, vector, line);
}

static void line_unplace(struct irq_line *line)
{
    irq_vector_free(line->cpu, line->route.vector);
    line->assign_count = 0;
}

static bool place_block(struct irq_line *const *lines, uint32_t count, irql_t irql,
                        const struct irq_policy *policy, const uint16_t *used)
{
    vector_t first;
    uint32_t cpu;

    if (!irq_cpu_choose(policy, irql, count, used, &cpu) ||
        !irq_vectors_take(cpu, irql, count, &first))
        return false;
    for (uint32_t i = 0; i < count; i++)
        line_place(lines[i], cpu, (vector_t){(uint8_t)(first.value + i)});
    return true;
}

/* Place the lines one by one into the lowest class that has room; undone if one does not fit. */
static bool place_each(struct irq_line *const *lines, uint32_t count, irql_t low, irql_t high,
                       const struct irq_policy *policy)
{
    uint16_t used[CPU_MAX] = {0};
    uint32_t done = 0;

    for (; done < count; done++) {
        irql_t irql = low;
        while (irql <= high && !place_block(&lines[done], 1, irql, policy, used))
            irql++;
        if (irql > high)
            break;
        used[lines[done]->cpu]++;
    }
    if (done == count)
        return true;
    while (done--)
        line_unplace(lines[done]);
    return false;
}

/* Is every CPU that the policy allows used, or each by one line at most? */
static bool is_spread(struct irq_line *const *lines, uint32_t count,
                      const struct irq_policy *policy)
{
    uint16_t used[CPU_MAX] = {0};
    uint32_t different = 0;
    uint32_t allowed = 0;

    for (uint32_t i = 0; i < count; i++)
        different += used[lines[i]->cpu]++ == 0;
    for (uint32_t cpu = 0; cpu < hal_cpu_count(); cpu++)
        allowed += irq_cpu_allowed(policy, cpu);
    return different == (count < allowed ? count : allowed);
}

/* One class, and so many CPUs as there can be: a class may be full on one of them only. */
static bool place_spread(struct irq_line *const *lines, uint32_t count,
                         const struct irq_policy *policy)
{
    for (irql_t irql = policy->irql_low; irql <= policy->irql_high; irql++) {
        if (!place_each(lines, count, irql, irql, policy))
            continue;
        if (is_spread(lines, count, policy))
            return true;
        for (uint32_t i = 0; i < count; i++)
            line_unplace(lines[i]);
    }
    return false;
}

static bool place_all(struct irq_line *const *lines, uint32_t count, bool block,
                      const struct irq_policy *policy)
{
    static const uint16_t none[CPU_MAX];

    if (policy->spread && !block && place_spread(lines, count, policy))
        return true;
    for (irql_t irql = policy->irql_low; irql <= policy->irql_high; irql++)
        if (block ? place_block(lines, count, irql, policy, none)
                  : place_each(lines, count, irql, irql, policy))
            return true;
    return !block && place_each(lines, count, policy->irql_low, policy->irql_high, policy);
}

static NTSTATUS assign_locked(struct irq_line *const *lines, uint32_t count, bool block,
                              const struct irq_policy *policy)
{
    uint64_t state;
    bool placed;

    if (count == 1 && lines[0]->assign_count) {
        lines[0]->assign_count++;
        return STATUS_SUCCESS;
    }
    state = irq_vectors_lock();
    placed = place_all(lines, count, block, policy);
    if (!placed)
        irq_vectors_count_refusal();
    irq_vectors_unlock(state);
    if (!placed)
        return STATUS_INSUFFICIENT_RESOURCES;
    for (uint32_t i = 0; i < count; i++) {
        lines[i]->policy = *policy;
        lines[i]->chip->program(&lines[i]->source, &lines[i]->route);
    }
    return STATUS_SUCCESS;
}

NTSTATUS irq_line_assign(struct irq_line *const *lines, uint32_t count, bool block,
                         const struct irq_policy *policy)
{
    NTSTATUS status;

    ASSERT_IRQL(PASSIVE_LEVEL);
    irq_lines_lock();
    status = assign_locked(lines, count, block, policy);
    irq_lines_unlock();
    return status;
}

void irq_line_release(struct irq_line *line)
{
    uint64_t state;

    irq_lines_lock();
    ASSERT(line->assign_count);
    if (line->assign_count > 1) {
        line->assign_count--;
    } else {
        if (line->first) /* a driver's, which named no device: CIE-LIFE-14 */
            lib_bugcheck(DRIVER_VIOLATION, 4, (uint64_t)line->first->routine, (uint64_t)line->first,
                         0, NULL);
        line->chip->mask(&line->source);
        line->masked = true;
        if (line->chip->release)
            line->chip->release(&line->source);
        ke_interrupt_rendezvous();
        state = irq_vectors_lock();
        line_unplace(line);
        irq_vectors_unlock(state);
    }
    irq_lines_unlock();
}

/* ---- masking -------------------------------------------------------------------------------- */

void irq_line_mask(struct irq_line *line)
{
    uint64_t flags = ke_lock_acquire_irqoff(&line->lock);

    if (!line->mask_depth++ && !line->masked) {
        line->chip->mask(&line->source);
        line->masked = true;
    }
    ke_lock_release_irqoff(&line->lock, flags);
}

void irq_line_unmask(struct irq_line *line)
{
    uint64_t flags = ke_lock_acquire_irqoff(&line->lock);

    ASSERT(line->mask_depth);
    line->mask_depth--;
    irq_line_update_mask(line);
    ke_lock_release_irqoff(&line->lock, flags);
}

void irq_line_update_mask(struct irq_line *line)
{
    bool quiet =
        line->route.trigger == IRQ_TRIGGER_LEVEL ? !line->active_count : !line->handler_count;
    bool wanted = line->mask_depth || quiet;

    if (wanted == line->masked)
        return;
    line->masked = wanted;
    if (wanted)
        line->chip->mask(&line->source);
    else
        line->chip->unmask(&line->source);
}
