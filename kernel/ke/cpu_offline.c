/*
 * ke/cpu_offline.c - taking a processor out of scheduling, and back.
 *
 * A CPU is parked by a thread of its own: bound to it, above all others, asleep with interrupts on.
 * Nothing else is scheduled there, since nothing outranks it and `online` is 0; but the CPU still
 * answers IPIs (rendezvous, TLB), serves device interrupts until kernel/irq has moved them, and
 * runs DPCs that are queued there meanwhile. Threads that may run nowhere else are let run
 * anywhere, and get their affinity back with the CPU. DPCs targeted at a parked CPU go to CPU 0
 * (dpc.c).
 *
 * Owns: park records, displaced threads. Owns not: lines (irq/move.c).
 */
#include <lib/assert.h>

#include "ke/dispatcher.h"
#include "ke/ke.h"
#include "mm/pool.h"

#define PARK_TAG MM_TAG("Kprk")

enum { GROUP_COUNT = CPU_MAX / 64 };

/* Lives as long as its thread. */
struct park {
    PKTHREAD thread;
    KEVENT parked;
    volatile uint32_t leave;
};

static struct park *parks[CPU_MAX]; /* by CPU; changed by the callers, one at a time */

static VOID NTAPI park_thread(PVOID context)
{
    struct park *park = context;
    uint64_t flags = hal_interrupts_disable();

    ke_request_dispatch(); /* what is queued here, of low importance too, runs now */
    hal_interrupts_restore(flags);
    KeSetEvent(&park->parked, 0, FALSE);
    for (;;) {
        hal_interrupts_off(); /* the IPI that ends the wait cannot come between test and HLT */
        if (park->leave)
            break;
        hal_cpu_wait();
    }
    hal_tlb_service();
    hal_interrupts_on();
}

static bool has_online_cpu(const struct _KTHREAD *thread)
{
    for (uint32_t cpu = 0; cpu < hal_cpu_count(); cpu++)
        if (hal_pcr(cpu)->online && ke_thread_may_run_on(thread, cpu))
            return true;
    return false;
}

/* Dispatcher lock held. */
static void displace(PKTHREAD thread, void *park_thread_of_cpu)
{
    if (thread == park_thread_of_cpu || thread->state == KE_THREAD_TERMINATED ||
        thread->priority == KE_PRIORITY_IDLE || has_online_cpu(thread))
        return;
    for (uint32_t group = 0; group < GROUP_COUNT; group++)
        thread->kept_affinity[group] = thread->affinity[group];
    thread->displaced = true;
    ke_thread_set_affinity(thread, 0, ~0ull);
}

/* Unless it has chosen another affinity since. Dispatcher lock held. */
static void replace(PKTHREAD thread, void *context)
{
    uint16_t group = 0;

    (void)context;
    if (!thread->displaced || thread->state == KE_THREAD_TERMINATED)
        return;
    while (group < GROUP_COUNT - 1 && !thread->kept_affinity[group])
        group++;
    if (!(thread->kept_affinity[group] & KeQueryGroupAffinity(group)))
        return;
    thread->displaced = false;
    if (thread->affinity[0] == ~0ull)
        ke_thread_set_affinity(thread, group, thread->kept_affinity[group]);
}

/* From here on the CPU runs the park thread as soon as it can, and gets nothing else. */
static void cpu_leave(struct pcr *pcr, PKTHREAD park_thread_of_cpu)
{
    irql_t old = ke_dispatcher_lock();
    PKTHREAD standby = pcr->next_thread;

    if (standby == pcr->idle_thread)
        standby = NULL;
    pcr->next_thread = NULL;
    if (pcr->current_thread != pcr->idle_thread)
        pcr->current_thread->must_move = TRUE;
    ke_thread_make_ready(park_thread_of_cpu);
    pcr->online = 0;
    if (standby)
        ke_thread_make_ready(standby);
    ke_thread_for_each(displace, park_thread_of_cpu);
    ke_dispatcher_unlock(old);
}

NTSTATUS ke_cpu_park(uint32_t cpu)
{
    struct park *park = mm_pool_alloc(sizeof *park, PARK_TAG);
    NTSTATUS status;

    ASSERT_IRQL(PASSIVE_LEVEL);
    ASSERT(cpu && cpu < hal_cpu_count() && hal_pcr(cpu)->online);
    if (!park)
        return STATUS_INSUFFICIENT_RESOURCES;
    KeInitializeEvent(&park->parked, NotificationEvent, FALSE);
    status = ke_thread_allocate("parked", KE_PRIORITY_COUNT - 1, park_thread, park, &park->thread);
    if (!NT_SUCCESS(status)) {
        mm_pool_free(park, PARK_TAG);
        return status;
    }
    ke_thread_reference(park->thread); /* its own, dropped after its end */
    for (uint32_t group = 0; group < GROUP_COUNT; group++)
        park->thread->affinity[group] = group == cpu / 64 ? 1ull << (cpu % 64) : 0;
    park->thread->cpu = cpu;
    parks[cpu] = park;
    cpu_leave(hal_pcr(cpu), park->thread);
    KeWaitForSingleObject(&park->parked, Executive, KernelMode, FALSE, NULL);
    return STATUS_SUCCESS;
}

void ke_cpu_unpark(uint32_t cpu)
{
    struct park *park = parks[cpu];
    irql_t old;

    ASSERT_IRQL(PASSIVE_LEVEL);
    ASSERT(park && !hal_pcr(cpu)->online);
    old = ke_dispatcher_lock();
    hal_pcr(cpu)->online = 1;
    ke_thread_for_each(replace, NULL);
    ke_dispatcher_unlock(old);
    park->leave = 1;
    ke_request_dispatch_on(cpu);
    KeWaitForSingleObject(park->thread, Executive, KernelMode, FALSE, NULL);
    ke_thread_release(park->thread);
    parks[cpu] = NULL;
    mm_pool_free(park, PARK_TAG);
}
