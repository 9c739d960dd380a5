/*
 * `ipi CPU...`: interrupts some CPUs at once, and shows by how many messages and who took one.
 *
 * The interrupt is the kernel's own, at which a CPU looks whether there is anything to do; one that
 * another CPU sends in that same moment is counted too.
 */
#include <hal/hal.h>
#include <hal/ipi.h>
#include <lib/string.h>

#include "mm/pool.h"
#include "parse/cmdline.h"
#include "shell/command.h"
#include "shell/table.h"

#define IPI_TAG MM_TAG("ShIp")

enum {
    IPI_WAIT_US = 1000000, /* a CPU that has interrupts off for so long is stuck */
    IPI_POLL_US = 10,
    IPI_SETTLE_US = 1000, /* for a second interrupt that should not come */
};

/* What one CPU, or this sender, had before and has after. */
struct ipi_trial {
    struct cpu_set set;
    struct hal_ipi_counts before, after;
    uint64_t *taken; /* by CPU */
};

static uint64_t taken_by(uint32_t cpu)
{
    return __atomic_load_n(&hal_pcr(cpu)->vector_count[VECTOR_IPI], __ATOMIC_RELAXED);
}

/* "3" or "3-17" */
static bool set_add(struct cpu_set *set, char *text)
{
    char *dash = strchr(text, '-');
    uint64_t first, last;

    if (dash != NULL)
        *dash = '\0';
    if (!cmdline_number(text, 0, hal_cpu_count() - 1, &first))
        return shell_fail("ipi: %s is no CPU", text);
    last = first;
    if (dash != NULL && !cmdline_number(dash + 1, first, hal_cpu_count() - 1, &last))
        return shell_fail("ipi: %s is no CPU, or below the first", dash + 1);
    for (uint64_t cpu = first; cpu <= last; cpu++)
        cpu_set_add(set, (uint32_t)cpu);
    return true;
}

static bool all_have_taken(const struct ipi_trial *trial)
{
    for (uint32_t cpu = 0; (cpu = cpu_set_next(&trial->set, cpu)) < CPU_MAX; cpu++) {
        if (taken_by(cpu) == trial->taken[cpu])
            return false;
    }
    return true;
}

static void trial_run(struct ipi_trial *trial)
{
    irql_t old = hal_irql_raise(DISPATCH_LEVEL);
    uint32_t self = cpu_current();

    for (uint32_t cpu = 0; cpu < hal_cpu_count(); cpu++)
        trial->taken[cpu] = taken_by(cpu);
    hal_ipi_counts_read(self, &trial->before);
    hal_ipi_send_set(&trial->set, (vector_t){VECTOR_IPI});
    hal_ipi_counts_read(self, &trial->after);
    for (uint32_t us = 0; us < IPI_WAIT_US && !all_have_taken(trial); us += IPI_POLL_US)
        hal_stall(IPI_POLL_US);
    hal_stall(IPI_SETTLE_US);
    for (uint32_t cpu = 0; cpu < hal_cpu_count(); cpu++)
        trial->taken[cpu] = taken_by(cpu) - trial->taken[cpu];
    hal_irql_write(old);
}

static uint64_t messages_of(const struct ipi_trial *trial, enum hal_ipi_kind kind)
{
    return trial->after.messages[kind] - trial->before.messages[kind];
}

static bool cost_print(const struct ipi_trial *trial, bool json)
{
    static const struct table_column columns[] = {
        {"physical", TABLE_NUMBER},
        {"logical", TABLE_NUMBER},
        {"shorthand", TABLE_NUMBER},
        {"targets", TABLE_NUMBER},
    };
    struct table *table = table_begin(columns, 4, json);

    for (uint32_t kind = 0; kind < HAL_IPI_KIND_COUNT; kind++)
        table_number(table, messages_of(trial, (enum hal_ipi_kind)kind));
    table_number(table, trial->after.targets - trial->before.targets);
    return table_end(table);
}

static bool taken_print(const struct ipi_trial *trial, bool json)
{
    static const struct table_column columns[] = {
        {"cpu", TABLE_NUMBER},
        {"apic", TABLE_NUMBER},
        {"target", TABLE_FLAG},
        {"taken", TABLE_NUMBER},
    };
    struct table *table = table_begin(columns, 4, json);

    for (uint32_t cpu = 0; cpu < hal_cpu_count(); cpu++) {
        table_number(table, cpu);
        table_number(table, hal_pcr(cpu)->apic_id.value);
        table_number(table, cpu_set_has(&trial->set, cpu));
        table_number(table, trial->taken[cpu]);
    }
    return table_end(table);
}

static bool run_ipi(const struct shell_call *call)
{
    struct ipi_trial trial = {0};
    bool is_printed;

    for (unsigned i = 0; i < call->argc; i++) {
        if (!set_add(&trial.set, call->argv[i]))
            return false;
    }
    trial.taken = mm_pool_alloc(hal_cpu_count() * sizeof(uint64_t), IPI_TAG);
    if (trial.taken == NULL)
        return shell_fail("ipi: not enough memory");
    trial_run(&trial);
    is_printed = taken_print(&trial, call->json) && cost_print(&trial, call->json);
    mm_pool_free(trial.taken, IPI_TAG);
    return is_printed;
}

const struct shell_command shell_ipi_commands[] = {
    {"ipi", "CPU...", "interrupt CPUs (3, 8-15) at once: messages sent, interrupts taken", 1,
     CONSOLE_LINE_WORDS_MAX, run_ipi},
    {0},
};
