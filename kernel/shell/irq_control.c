/*
 * Commands that change where interrupts go: `irq move`, `irq vectors`, `cpu offline`, `cpu online`.
 */
#include <hal/hal.h>
#include <lib/string.h>

#include "irq/move.h"
#include "irq/vector.h"
#include "parse/cmdline.h"
#include "shell/command.h"
#include "shell/irq_control.h"
#include "shell/table.h"

/* "msix 00:07.0 message 1", a vector ("0x61"), or a vector of one CPU ("0x61@2"). */
static struct irq_line *line_find(char *name)
{
    uint64_t vector = VECTOR_COUNT, cpu = CPU_MAX;
    char *at = strchr(name, '@');

    if (at != NULL) {
        *at = '\0';
        if (!cmdline_number(at + 1, 0, CPU_MAX - 1, &cpu))
            return NULL;
    }
    cmdline_number(name, 0, VECTOR_COUNT - 1, &vector);
    for (struct irq_line *line = irq_line_next(NULL); line != NULL; line = irq_line_next(line)) {
        if (line->assign_count == 0)
            continue;
        if (at == NULL && strcmp(line->name, name) == 0)
            return line;
        if (line->route.vector.value == vector && (at == NULL || line->cpu == cpu))
            return line;
    }
    return NULL;
}

static bool run_move(char *name, const char *target)
{
    struct irq_line *line;
    uint64_t cpu;
    NTSTATUS status;

    if (!cmdline_number(target, 0, CPU_MAX - 1, &cpu))
        return shell_fail("irq move: %s is no CPU", target);
    irq_lines_lock();
    line = line_find(name);
    status = line != NULL ? irq_line_move(line, (uint32_t)cpu) : STATUS_NOT_FOUND;
    if (NT_SUCCESS(status))
        shell_print("%s: CPU %u, vector 0x%02x\n", line->name, line->cpu, line->route.vector.value);
    irq_lines_unlock();
    return NT_SUCCESS(status) || shell_fail_status("irq move", status);
}

/* Free vectors by CPU and IRQL class. */
static bool run_vectors(bool json)
{
    static const struct table_column columns[] = {
        {"cpu", TABLE_NUMBER},
        {"online", TABLE_FLAG},
        {"free", TABLE_NUMBER},
        {"by irql", TABLE_COUNTS},
    };
    struct table *table = table_begin(columns, 4, json);

    for (uint32_t cpu = 0; cpu < hal_cpu_count(); cpu++) {
        uint64_t by_irql[IRQ_CLASS_HIGHEST - IRQ_CLASS_LOWEST + 1];
        uint64_t total = 0;

        for (uint32_t irql = IRQ_CLASS_LOWEST; irql <= IRQ_CLASS_HIGHEST; irql++) {
            by_irql[irql - IRQ_CLASS_LOWEST] = irq_vectors_free(cpu, (irql_t)irql);
            total += by_irql[irql - IRQ_CLASS_LOWEST];
        }
        table_number(table, cpu);
        table_number(table, hal_pcr(cpu)->online);
        table_number(table, total);
        table_counts(table, by_irql, IRQ_CLASS_HIGHEST - IRQ_CLASS_LOWEST + 1);
    }
    return table_end(table);
}

bool shell_irq_control(const struct shell_call *call)
{
    if (call->argc == 3 && strcmp(call->argv[0], "move") == 0)
        return run_move(call->argv[1], call->argv[2]);
    if (call->argc == 1 && strcmp(call->argv[0], "vectors") == 0)
        return run_vectors(call->json);
    return shell_fail("usage: irq [move SOURCE|VECTOR[@CPU] CPU | vectors]");
}

static bool run_cpu(const struct shell_call *call)
{
    bool online = strcmp(call->argv[0], "online") == 0;
    NTSTATUS status;
    uint64_t cpu;

    if ((!online && strcmp(call->argv[0], "offline") != 0) ||
        !cmdline_number(call->argv[1], 0, CPU_MAX - 1, &cpu))
        return shell_fail("usage: cpu offline|online N");
    status = online ? irq_cpu_online((uint32_t)cpu) : irq_cpu_offline((uint32_t)cpu);
    if (!NT_SUCCESS(status))
        return shell_fail_status(online ? "cpu online" : "cpu offline", status);
    shell_print("CPU %llu is %s\n", (unsigned long long)cpu, online ? "online" : "offline");
    return true;
}

const struct shell_command shell_irq_control_commands[] = {
    {"cpu", "offline|online N", "take a processor away, its interrupts move; bring it back", 2, 2,
     run_cpu},
    {0},
};
