/*
 * ldr/system_processes.c - ZwQuerySystemInformation: the process, its threads, processors' times.
 *
 * There is one process, the system's; each processor's idle thread is among its threads. What the
 * SDK's page reserves is zero, and so are the sizes of memory, which is charged to nobody.
 */
#include <lib/string.h>
#include <nt/ntifs.h>

#include "ke/dispatcher.h"
#include "ke/ob.h"
#include "ldr/internal.h"

static const WCHAR process_name[] = L"System";

/* KTHREAD_STATE of public headers. */
static const ULONG thread_states[] = {
    [KE_THREAD_INITIALIZED] = 0, [KE_THREAD_READY] = 1,      [KE_THREAD_RUNNING] = 2,
    [KE_THREAD_STANDBY] = 3,     [KE_THREAD_TERMINATED] = 4, [KE_THREAD_WAITING] = 5,
};

struct thread_list {
    PSYSTEM_THREAD_INFORMATION threads;
    ULONG room; /* that fit */
    ULONG count;
};

static void thread_add(PKTHREAD thread, void *context)
{
    struct thread_list *list = context;
    ULONG index = list->count++;

    if (index >= list->room)
        return;
    list->threads[index] = (SYSTEM_THREAD_INFORMATION){
        .StartAddress = (PVOID)(uintptr_t)thread->start_routine,
        .ClientId = {PsGetCurrentProcessId(), (HANDLE)thread->id},
        .Priority = thread->priority,
        .BasePriority = thread->base_priority,
        .ThreadState = thread_states[thread->state],
    };
}

static ULONG handles_count(void)
{
    struct ob_handle_info info;
    uint32_t index = 0;
    ULONG count = 0;

    for (; ob_handle_next(&index, &info); count++)
        ob_dereference(info.object);
    return count;
}

/* The process, its threads, its name. */
NTSTATUS ldr_query_processes(PVOID information, ULONG length, PULONG needed)
{
    const ULONG fixed = sizeof(SYSTEM_PROCESS_INFORMATION) + sizeof(process_name);
    PSYSTEM_PROCESS_INFORMATION process = information;
    struct thread_list list = {.threads = (PSYSTEM_THREAD_INFORMATION)(process + 1)};
    PWSTR name;

    if (length >= fixed)
        list.room = (length - fixed) / sizeof(SYSTEM_THREAD_INFORMATION);
    ke_thread_for_each(thread_add, &list);
    *needed = fixed + list.count * sizeof(SYSTEM_THREAD_INFORMATION);
    if (length < *needed)
        return STATUS_INFO_LENGTH_MISMATCH;
    name = (PWSTR)(list.threads + list.count);
    memcpy(name, process_name, sizeof(process_name));
    *process = (SYSTEM_PROCESS_INFORMATION){
        .NumberOfThreads = list.count,
        .ImageName = {sizeof(process_name) - sizeof(WCHAR), sizeof(process_name), name},
        .BasePriority = KE_PRIORITY_NORMAL,
        .UniqueProcessId = PsGetCurrentProcessId(),
        .HandleCount = handles_count(),
    };
    return STATUS_SUCCESS;
}

/*
 * Since the boot. What the clock found busy was not idle; parts of a tick make that uncertain, but
 * it never goes back.
 */
static uint64_t idle_time(uint32_t cpu, uint64_t elapsed)
{
    static uint64_t told[CPU_MAX];
    uint64_t busy = hal_pcr(cpu)->ke->busy_ticks * KE_CLOCK_PERIOD;
    uint64_t last = __atomic_load_n(&told[cpu], __ATOMIC_RELAXED);
    uint64_t idle = busy < elapsed ? elapsed - busy : 0;

    if (idle < last)
        return last;
    __atomic_store_n(&told[cpu], idle, __ATOMIC_RELAXED);
    return idle;
}

/* Idle time is kernel time, too. */
NTSTATUS ldr_query_processor_times(PVOID information, ULONG length, PULONG needed)
{
    PSYSTEM_PROCESSOR_PERFORMANCE_INFORMATION processors = information;
    ULONG count = KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS);
    uint64_t elapsed = KeQueryInterruptTime();

    *needed = count * sizeof(*processors);
    if (length < *needed)
        return STATUS_INFO_LENGTH_MISMATCH;
    for (ULONG i = 0; i < count; i++)
        processors[i] = (SYSTEM_PROCESSOR_PERFORMANCE_INFORMATION){
            .IdleTime = {.QuadPart = (LONGLONG)idle_time(i, elapsed)},
            .KernelTime = {.QuadPart = (LONGLONG)elapsed},
        };
    return STATUS_SUCCESS;
}
