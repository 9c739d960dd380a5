/*
 * ACPICA's OS layer: threads, deferred work, the SCI's handler. Kernel only; the host has its own.
 *
 * Work (GPE methods, notifications) is queued by the SCI's handler at its device level too, where
 * nothing may be allocated: entries come from a fixed ring. One system worker empties it in order,
 * so AML never runs above PASSIVE_LEVEL and at most one event is being handled. From above
 * DISPATCH_LEVEL the worker is woken by way of a DPC.
 *
 * Owns not: the line the SCI arrives on. That is drivers/bus/acpi_sci.c, which calls the handler.
 */
#include <lib/rawlock.h>
#include <nt/wdm.h>

#include "acpi/os.h"
#include "ke/thread.h"

enum { WORK_MAX = 128, POLL_MS = 1 };

struct work {
    acpi_osd_exec_callback function;
    void *context;
};

/* Legend: (l) lock. */
static struct {
    struct raw_lock lock;
    struct work ring[WORK_MAX]; /* (l) */
    uint32_t first;             /* (l) */
    uint32_t count;             /* (l) */
    bool running;               /* (l) the item is queued or its routine empties the ring */
    bool initialised;
    KDPC dpc;
    WORK_QUEUE_ITEM item;
} work_queue;

static struct {
    acpi_osd_handler routine;
    void *context;
} sci;

acpi_thread_id acpi_os_get_thread_id(void)
{
    return (acpi_thread_id)(uintptr_t)ke_thread_current();
}

/* ---- Deferred work ------------------------------------------------------------------------- */

static bool work_take(struct work *work)
{
    raw_lock_state_t state = raw_lock_acquire(&work_queue.lock);
    bool is_taken = work_queue.count > 0;

    if (is_taken) {
        *work = work_queue.ring[work_queue.first];
        work_queue.first = (work_queue.first + 1) % WORK_MAX;
        work_queue.count--;
    } else {
        work_queue.running = false;
    }
    raw_lock_release(&work_queue.lock, state);
    return is_taken;
}

static VOID NTAPI work_run(PVOID context)
{
    struct work work;

    (void)context;
    while (work_take(&work))
        work.function(work.context);
}

static VOID NTAPI work_wake(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    (void)dpc;
    (void)context;
    (void)argument1;
    (void)argument2;
    ExQueueWorkItem(&work_queue.item, DelayedWorkQueue);
}

/* The first call comes from acpi_init(), at PASSIVE_LEVEL: nothing is queued before. */
static void work_init(void)
{
    if (work_queue.initialised)
        return;
    KeInitializeDpc(&work_queue.dpc, work_wake, NULL);
    ExInitializeWorkItem(&work_queue.item, work_run, NULL);
    work_queue.initialised = true;
}

acpi_status acpi_os_execute(acpi_execute_type type, acpi_osd_exec_callback function, void *context)
{
    raw_lock_state_t state;
    bool is_full, must_wake;

    (void)type;
    work_init();
    state = raw_lock_acquire(&work_queue.lock);
    is_full = work_queue.count == WORK_MAX;
    must_wake = !is_full && !work_queue.running;
    if (!is_full) {
        uint32_t last = (work_queue.first + work_queue.count++) % WORK_MAX;

        work_queue.ring[last] = (struct work){function, context};
        work_queue.running = true;
    }
    raw_lock_release(&work_queue.lock, state);
    if (must_wake && KeGetCurrentIrql() > DISPATCH_LEVEL)
        KeInsertQueueDpc(&work_queue.dpc, NULL, NULL);
    else if (must_wake)
        ExQueueWorkItem(&work_queue.item, DelayedWorkQueue);
    return is_full ? AE_NO_MEMORY : AE_OK;
}

void acpi_os_wait_events_complete(void)
{
    while (*(volatile bool *)&work_queue.running)
        acpi_os_sleep(POLL_MS);
}

/* ---- The SCI ------------------------------------------------------------------------------- */

acpi_status acpi_os_install_interrupt_handler(u32 number, acpi_osd_handler routine, void *context)
{
    (void)number; /* the FADT's, which the bus reads too */
    work_init();
    sci.context = context;
    sci.routine = routine;
    return AE_OK;
}

acpi_status acpi_os_remove_interrupt_handler(u32 number, acpi_osd_handler routine)
{
    (void)number;
    if (sci.routine != routine)
        return AE_NOT_EXIST;
    sci.routine = NULL;
    return AE_OK;
}

bool acpi_os_sci(acpi_osd_handler *routine, void **context)
{
    *routine = sci.routine;
    *context = sci.context;
    return sci.routine != NULL;
}

/* Nothing stands between the registers and the sleep state. */
acpi_status acpi_os_enter_sleep(u8 state, u32 control_a, u32 control_b)
{
    (void)state;
    (void)control_a;
    (void)control_b;
    return AE_OK;
}
