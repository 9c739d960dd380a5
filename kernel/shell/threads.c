/*
 * Commands about what runs: threads, dpcs.
 */
#include <lib/bugcheck.h>
#include <lib/string.h>

#include "ke/dpc_list.h"
#include "ke/thread.h"
#include "shell/command.h"
#include "shell/table.h"

enum { QUEUED_MAX = 16, SYMBOL_TEXT = 96 };

static const char *state_name(enum ke_thread_state state)
{
    static const char *const names[] = {
        [KE_THREAD_INITIALIZED] = "initialized", [KE_THREAD_READY] = "ready",
        [KE_THREAD_STANDBY] = "standby",         [KE_THREAD_RUNNING] = "running",
        [KE_THREAD_WAITING] = "waiting",         [KE_THREAD_TERMINATED] = "terminated"};

    return names[state];
}

static void add_thread(PKTHREAD thread, void *context)
{
    struct table *table = context;
    char symbol[SYMBOL_TEXT] = "";

    if (thread->start_routine != NULL)
        lib_symbol_describe((uintptr_t)thread->start_routine, symbol, sizeof(symbol));
    table_number(table, thread->id);
    table_text(table, "%s", thread->name);
    table_text(table, "%s", state_name(thread->state));
    table_number(table, thread->priority < 0 ? 0 : (uint64_t)thread->priority); /* idle: -1 */
    table_number(table, thread->cpu);
    table_number(table, thread->run_ticks);
    table_number(table, thread->switches);
    table_number(table, thread->state == KE_THREAD_WAITING ? thread->wait_count : 0);
    table_text(table, "%s", symbol);
}

static bool run_threads(const struct shell_call *call)
{
    static const struct table_column columns[] = {
        {"id", TABLE_NUMBER},       {"name", TABLE_TEXT},    {"state", TABLE_TEXT},
        {"priority", TABLE_NUMBER}, {"cpu", TABLE_NUMBER},   {"ticks", TABLE_NUMBER},
        {"switches", TABLE_NUMBER}, {"waits", TABLE_NUMBER}, {"routine", TABLE_TEXT}};
    struct table *table = table_begin(columns, 9, call->json);

    ke_thread_for_each(add_thread, table);
    return table_end(table);
}

/* A queue's DPCs while its lock is held: addresses, to be named afterwards. */
struct queued {
    uint32_t count;
    void *routines[QUEUED_MAX];
};

static void note_dpc(PKDPC dpc, void *context)
{
    struct queued *queued = context;

    if (queued->count < QUEUED_MAX)
        queued->routines[queued->count] = dpc->DeferredRoutine;
    queued->count++;
}

static bool run_dpcs(const struct shell_call *call)
{
    static const struct table_column columns[] = {{"cpu", TABLE_NUMBER},
                                                  {"run", TABLE_NUMBER},
                                                  {"queued", TABLE_NUMBER},
                                                  {"routines", TABLE_WORDS}};
    struct table *table = table_begin(columns, 4, call->json);

    for (uint32_t cpu = 0; cpu < hal_cpu_count(); cpu++) {
        struct queued queued = {0};
        uint64_t run = ke_dpc_visit(cpu, note_dpc, &queued);
        char symbol[SYMBOL_TEXT];

        table_number(table, cpu);
        table_number(table, run);
        table_number(table, queued.count);
        for (uint32_t i = 0; i < queued.count && i < QUEUED_MAX; i++) {
            lib_symbol_describe((uintptr_t)queued.routines[i], symbol, sizeof(symbol));
            table_text(table, "%s", symbol);
        }
        table_fill(table);
    }
    return table_end(table);
}

const struct shell_command shell_thread_commands[] = {
    {"threads", "", "threads: state, priority, what they run", 0, 0, run_threads},
    {"dpcs", "", "DPCs run on each CPU, and those that wait", 0, 0, run_dpcs},
    {0},
};
