/*
 * Commands about interrupts: irq, cpus.
 *
 * `irq` has one row for each line that has a vector or handlers, then one for each vector of the
 * kernel's own. Counts are taken from the CPUs' vector maps, one number a CPU; calls and claims are
 * what each handler of the line counted: with a shared line they tell whose interrupts they were.
 */
#include <hal/hal.h>
#include <lib/format.h>
#include <lib/string.h>

#include "irq/interrupt.h"
#include "irq/line.h"
#include "irq/stats.h"
#include "ke/ke.h"
#include "ke/thread.h"
#include "ldr/ldr.h"
#include "mm/pool.h"
#include "shell/command.h"
#include "shell/irq_control.h"
#include "shell/table.h"
#include "shell/text.h"

#define INTERRUPTS_TAG MM_TAG("ShIr")

/* Lines are copied under irq's lock and printed after it. */
enum { HANDLERS_MAX = 16 };

struct handler_copy {
    const void *routine;
    uint64_t calls;
    uint64_t claims;
};

struct line_copy {
    struct irq_line line;
    struct handler_copy handlers[HANDLERS_MAX];
    uint32_t handler_count;
};

struct line_list {
    struct line_copy *lines;
    uint32_t count; /* found */
    uint32_t room;
};

static void copy_line(struct irq_line *line, void *context)
{
    struct line_list *list = context;
    struct line_copy *copy;

    if (line->assign_count == 0 && line->first == NULL)
        return;
    if (list->count++ >= list->room)
        return;
    copy = &list->lines[list->count - 1];
    copy->line = *line;
    copy->handler_count = 0;
    for (struct _KINTERRUPT *i = line->first; i != NULL && copy->handler_count < HANDLERS_MAX;
         i = i->next) {
        copy->handlers[copy->handler_count++] = (struct handler_copy){
            .routine = (const void *)(uintptr_t)i->routine,
            .calls = i->calls,
            .claims = i->claims,
        };
    }
}

static bool is_after(const struct irq_line *left, const struct irq_line *right)
{
    if (left->route.vector.value != right->route.vector.value)
        return left->route.vector.value > right->route.vector.value;
    return left->cpu > right->cpu;
}

/* By vector, then CPU: insertion, for a few dozen lines. */
static void sort_lines(struct line_list *list)
{
    for (uint32_t i = 1; i < list->count; i++) {
        for (uint32_t j = i; j > 0 && is_after(&list->lines[j - 1].line, &list->lines[j].line);
             j--) {
            struct line_copy swap = list->lines[j];

            list->lines[j] = list->lines[j - 1];
            list->lines[j - 1] = swap;
        }
    }
}

/* False: no memory. The caller frees list->lines. */
static bool copy_lines(struct line_list *list)
{
    *list = (struct line_list){0};
    irq_line_for_each(copy_line, list);
    list->room = list->count;
    list->count = 0;
    list->lines = mm_pool_alloc((list->room + 1) * sizeof(*list->lines), INTERRUPTS_TAG);
    if (list->lines == NULL)
        return false;
    irq_line_for_each(copy_line, list);
    if (list->count > list->room)
        list->count = list->room;
    sort_lines(list);
    return true;
}

/* File names of the drivers whose routines are connected, in the order they are called. */
static void add_drivers(struct table *table, const struct line_copy *copy)
{
    struct text names = {0};

    for (uint32_t i = 0; i < copy->handler_count; i++) {
        uint64_t address = (uint64_t)copy->handlers[i].routine;
        const struct ldr_image *image = ldr_image_containing(address);

        text_print(&names, "%s%s", i > 0 ? ", " : "", image != NULL ? image->name : "kernel");
    }
    table_text(table, "%s", names.bytes != NULL ? names.bytes : "");
    text_free(&names);
}

static void add_line(struct table *table, const struct line_copy *copy, uint64_t *counts)
{
    const struct irq_line *line = &copy->line;
    uint64_t calls[HANDLERS_MAX], claims[HANDLERS_MAX];

    irq_line_counts(line, counts);
    for (uint32_t i = 0; i < copy->handler_count; i++) {
        calls[i] = copy->handlers[i].calls;
        claims[i] = copy->handlers[i].claims;
    }
    table_number(table, line->route.vector.value);
    table_number(table, line->cpu);
    table_number(table, irq_line_irql(line));
    table_counts(table, counts, hal_cpu_count());
    table_text(table, "%s", line->route.trigger == IRQ_TRIGGER_LATCHED ? "latched" : "level");
    table_text(table, "%s", line->chip->name);
    table_text(table, "%s", line->name);
    table_number(table, line->masked);
    add_drivers(table, copy);
    table_counts(table, calls, copy->handler_count);
    table_counts(table, claims, copy->handler_count);
    table_number(table, line->unclaimed);
}

static void add_kernel_vector(struct table *table, vector_t vector, const char *name,
                              uint64_t *counts)
{
    uint64_t total = 0;

    for (uint32_t cpu = 0; cpu < hal_cpu_count(); cpu++) {
        counts[cpu] = hal_pcr(cpu)->vector_count[vector.value];
        total += counts[cpu];
    }
    if (total == 0)
        return;
    table_number(table, vector.value);
    table_number(table, 0);
    table_number(table, vector_irql(vector));
    table_counts(table, counts, hal_cpu_count());
    table_text(table, "latched");
    table_text(table, "lapic");
    table_text(table, "%s", name);
    table_fill(table);
}

static bool run_irq(const struct shell_call *call)
{
    static const struct table_column columns[] = {
        {"vector", TABLE_HEX},    {"cpu", TABLE_NUMBER},    {"irql", TABLE_NUMBER},
        {"counts", TABLE_COUNTS}, {"mode", TABLE_TEXT},     {"chip", TABLE_TEXT},
        {"source", TABLE_TEXT},   {"masked", TABLE_FLAG},   {"drivers", TABLE_WORDS},
        {"calls", TABLE_COUNTS},  {"claims", TABLE_COUNTS}, {"unclaimed", TABLE_NUMBER},
    };
    static const struct {
        vector_t vector;
        const char *name;
    } kernel_vectors[] = {
        {{VECTOR_APC}, "APC"},
        {{VECTOR_DPC}, "DPC"},
        {{VECTOR_CLOCK}, "clock"},
        {{VECTOR_IPI}, "IPI"},
        {{VECTOR_APIC_ERROR}, "APIC error"},
        {{VECTOR_SPURIOUS}, "spurious"},
    };
    struct table *table;
    uint64_t *counts;
    struct line_list list = {0};
    bool failed;

    if (call->argc > 0)
        return shell_irq_control(call);
    table = table_begin(columns, 12, call->json);
    counts = mm_pool_alloc(hal_cpu_count() * sizeof(*counts), INTERRUPTS_TAG);
    irq_lines_lock();
    failed = counts == NULL || !copy_lines(&list);
    for (uint32_t i = 0; !failed && i < list.count; i++)
        add_line(table, &list.lines[i], counts);
    for (uint32_t i = 0; !failed && i < sizeof(kernel_vectors) / sizeof(kernel_vectors[0]); i++)
        add_kernel_vector(table, kernel_vectors[i].vector, kernel_vectors[i].name, counts);
    irq_lines_unlock();
    if (list.lines != NULL)
        mm_pool_free(list.lines, INTERRUPTS_TAG);
    if (counts != NULL)
        mm_pool_free(counts, INTERRUPTS_TAG);
    if (!call->json && irq_stats.stray + ke_forged_exceptions > 0)
        shell_print("stray interrupts: %llu, last vector 0x%02x; by INT: %llu; forged exceptions: "
                    "%llu\n",
                    (unsigned long long)irq_stats.stray, irq_stats.last_stray,
                    (unsigned long long)irq_stats.software,
                    (unsigned long long)ke_forged_exceptions);
    return table_end(table) && (!failed || shell_fail("irq: not enough memory"));
}

static bool run_cpus(const struct shell_call *call)
{
    static const struct table_column columns[] = {
        {"cpu", TABLE_NUMBER},    {"apic", TABLE_NUMBER},  {"online", TABLE_FLAG},
        {"device", TABLE_NUMBER}, {"clock", TABLE_NUMBER}, {"dpc", TABLE_NUMBER},
        {"ipi", TABLE_NUMBER},    {"thread", TABLE_TEXT},
    };
    struct table *table = table_begin(columns, 8, call->json);

    for (uint32_t cpu = 0; cpu < hal_cpu_count(); cpu++) {
        const struct pcr *pcr = hal_pcr(cpu);
        uint64_t device = 0;

        for (uint32_t vector = VECTOR_DEVICE_FIRST; vector <= VECTOR_DEVICE_LAST; vector++)
            device += pcr->vector_count[vector];
        table_number(table, cpu);
        table_number(table, pcr->apic_id.value);
        table_number(table, pcr->online);
        table_number(table, device);
        table_number(table, pcr->vector_count[VECTOR_CLOCK]);
        table_number(table, pcr->vector_count[VECTOR_DPC]);
        table_number(table, pcr->vector_count[VECTOR_IPI]);
        table_text(table, "%s", pcr->current_thread != NULL ? pcr->current_thread->name : "");
    }
    return table_end(table);
}

const struct shell_command shell_interrupt_commands[] = {
    {"irq", "[move SOURCE|VECTOR[@CPU] CPU | vectors]",
     "vectors: counts a CPU, source, drivers; move one; what is free", 0, 3, run_irq},
    {"cpus", "", "processors and the interrupts each took", 0, 0, run_cpus},
    {0},
};
