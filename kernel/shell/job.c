/*
 * Jobs: console commands that run by themselves, again and again, in threads of their own. They
 * are how a machine is put under load while something else is done to it:
 *
 *     job start "dev ioctl edu-line0 0x222008 e8030000 20" 100
 *     irq move "ioapic0 pin 20" 2
 *     job wait
 *
 * A job's command prints nothing but its errors. `job wait` waits for all, `job stop` first asks
 * them to end after the run they are in; both then list them, forget them, and fail if a run did.
 */
#include "shell/job.h"

#include <hal/hal.h>
#include <lib/string.h>

#include "ke/thread.h"
#include "mm/pool.h"
#include "parse/cmdline.h"
#include "shell/command.h"
#include "shell/table.h"

#define JOB_TAG MM_TAG("ShJb")

enum { JOBS_MAX = 32, JOB_RUNS_MAX = 1000000000 };

struct job {
    struct job *next;
    PKTHREAD thread;
    uint64_t times; /* 0: until it is told to stop */
    uint64_t runs;
    uint64_t failed;
    volatile bool stop;
    char line[256];
};

static struct job *jobs; /* by the console's thread only; the threads know their own */
static uint32_t job_count;

/* Threads whose output is not shown. */
static PKTHREAD volatile quiet_threads[JOBS_MAX];

bool shell_job_is_quiet(void)
{
    PKTHREAD self = ke_thread_current();

    for (uint32_t i = 0; i < job_count; i++)
        if (quiet_threads[i] == self)
            return true;
    return false;
}

static VOID NTAPI run_job(PVOID context)
{
    struct job *job = context;
    char line[sizeof(job->line)];

    while (!job->stop && (job->times == 0 || job->runs < job->times)) {
        lib_strlcpy(line, job->line, sizeof(line)); /* cut up by its execution */
        if (!shell_execute(line))
            job->failed++;
        job->runs++;
    }
}

static VOID NTAPI start_job(PVOID context)
{
    struct job *job = context;

    /* Until the console's thread has noted who this is, it would be heard. */
    while (job->thread == NULL)
        KeStallExecutionProcessor(1);
    run_job(job);
}

static bool run_start(const char *line, const char *times)
{
    struct job *job;
    PKTHREAD thread;
    NTSTATUS status;

    if (job_count == JOBS_MAX)
        return shell_fail("job: %u are running; `job wait`", JOBS_MAX);
    job = mm_pool_alloc(sizeof(*job), JOB_TAG);
    if (job == NULL)
        return shell_fail("job: not enough memory");
    if (lib_strlcpy(job->line, line, sizeof(job->line)) >= sizeof(job->line) ||
        (times != NULL && !cmdline_number(times, 0, JOB_RUNS_MAX, &job->times))) {
        mm_pool_free(job, JOB_TAG);
        return shell_fail("usage: job start \"COMMAND\" [TIMES]");
    }
    status = ke_thread_create("job", KE_PRIORITY_NORMAL, start_job, job, &thread);
    if (!NT_SUCCESS(status)) {
        mm_pool_free(job, JOB_TAG);
        return shell_fail_status("job", status);
    }
    quiet_threads[job_count++] = thread;
    __atomic_store_n(&job->thread, thread, __ATOMIC_RELEASE);
    job->next = jobs;
    jobs = job;
    return true;
}

static bool run_wait(bool stop, bool json)
{
    static const struct table_column columns[] = {
        {"command", TABLE_TEXT}, {"runs", TABLE_NUMBER}, {"failed", TABLE_NUMBER}};
    struct table *table = table_begin(columns, 3, json);
    uint64_t failed = 0;

    for (struct job *job = jobs; stop && job != NULL; job = job->next)
        job->stop = true;
    while (jobs != NULL) {
        struct job *job = jobs;

        KeWaitForSingleObject(job->thread, Executive, KernelMode, FALSE, NULL);
        jobs = job->next;
        table_text(table, "%s", job->line);
        table_number(table, job->runs);
        table_number(table, job->failed);
        failed += job->failed;
        ke_thread_release(job->thread);
        mm_pool_free(job, JOB_TAG);
    }
    job_count = 0;
    return table_end(table) &&
           (failed == 0 || shell_fail("job: %llu runs failed", (unsigned long long)failed));
}

static bool run_job_command(const struct shell_call *call)
{
    bool stop = strcmp(call->argv[0], "stop") == 0;

    if (strcmp(call->argv[0], "start") == 0 && call->argc >= 2)
        return run_start(call->argv[1], call->argc > 2 ? call->argv[2] : NULL);
    if ((stop || strcmp(call->argv[0], "wait") == 0) && call->argc == 1)
        return run_wait(stop, call->json);
    return shell_fail("usage: job start \"COMMAND\" [TIMES] | wait | stop");
}

const struct shell_command shell_job_commands[] = {
    {"job", "start \"COMMAND\" [TIMES] | wait | stop", "run commands again and again, side by side",
     1, 3, run_job_command},
    {0},
};
