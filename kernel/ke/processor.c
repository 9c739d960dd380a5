/*
 * ke/processor.c - processor groups of threads, nodes, and who wants to know of new processors.
 *
 * There is one node. All processors are started before the first driver is loaded and none is
 * added later, so a processor change callback is told of those there are, if it asks, and then
 * never again.
 */
#include <hal/hal.h>
#include <lib/assert.h>
#include <lib/export.h>
#include <lib/string.h>
#include <nt/ntddk.h>

#include "ke/dispatcher.h"
#include "mm/pool.h"

#define CHANGE_TAG MM_TAG("KePc")

struct change_registration {
    PPROCESSOR_CALLBACK_FUNCTION function;
};

static void change_notify(PPROCESSOR_CALLBACK_FUNCTION function, PVOID context, uint32_t cpu,
                          KE_PROCESSOR_CHANGE_NOTIFY_STATE state, NTSTATUS *status)
{
    KE_PROCESSOR_CHANGE_NOTIFY_CONTEXT change = {
        .State = state,
        .NtNumber = cpu,
        .Status = *status,
        .ProcNumber = {.Group = (USHORT)(cpu / 64), .Number = (UCHAR)(cpu % 64)},
    };

    function(context, &change, status);
}

/*
 * Every processor is announced, and then all are confirmed or, after a refusal, taken back: all but
 * the one that was refused (WDK: KeRegisterProcessorChangeCallback).
 */
static NTSTATUS change_replay(PPROCESSOR_CALLBACK_FUNCTION function, PVOID context)
{
    NTSTATUS status = STATUS_SUCCESS;
    uint32_t announced;

    for (announced = 0; announced < hal_cpu_count(); announced++) {
        change_notify(function, context, announced, KeProcessorAddStartNotify, &status);
        if (!NT_SUCCESS(status))
            break;
    }
    for (uint32_t cpu = 0; cpu < announced; cpu++) {
        NTSTATUS ignored = status;

        change_notify(function, context, cpu,
                      NT_SUCCESS(status) ? KeProcessorAddCompleteNotify
                                         : KeProcessorAddFailureNotify,
                      &ignored);
    }
    return status;
}

/*
 * What a system affinity routine has set: it is of one group. Mask 0: nothing was, and the thread
 * may run anywhere, which is also what one without an online processor may (cpu_offline.c).
 */
static GROUP_AFFINITY affinity_of(const struct _KTHREAD *thread)
{
    GROUP_AFFINITY affinity = {0};
    uint32_t groups = 0;

    for (uint32_t group = 0; group < CPU_MAX / 64; group++) {
        if (thread->affinity[group]) {
            affinity.Group = (USHORT)group;
            affinity.Mask = thread->affinity[group];
            groups++;
        }
    }
    if (groups > 1 || (thread->displaced && affinity.Mask == ~0ull))
        return (GROUP_AFFINITY){0};
    return affinity;
}

/* WDK surface */

PVOID NTAPI KeRegisterProcessorChangeCallback(PPROCESSOR_CALLBACK_FUNCTION CallbackFunction,
                                              PVOID CallbackContext, ULONG Flags)
{
    struct change_registration *registration;

    ASSERT_IRQL(PASSIVE_LEVEL);
    registration = mm_pool_alloc(sizeof *registration, CHANGE_TAG);
    if (registration == NULL)
        return NULL;
    registration->function = CallbackFunction;
    if (Flags & KE_PROCESSOR_CHANGE_ADD_EXISTING &&
        !NT_SUCCESS(change_replay(CallbackFunction, CallbackContext))) {
        mm_pool_free(registration, CHANGE_TAG);
        return NULL;
    }
    return registration;
}
LDR_EXPORT(KeRegisterProcessorChangeCallback);

VOID NTAPI KeDeregisterProcessorChangeCallback(PVOID CallbackHandle)
{
    mm_pool_free(CallbackHandle, CHANGE_TAG);
}
LDR_EXPORT(KeDeregisterProcessorChangeCallback);

USHORT NTAPI KeQueryHighestNodeNumber(VOID)
{
    return 0;
}
LDR_EXPORT(KeQueryHighestNodeNumber);

USHORT NTAPI KeGetCurrentNodeNumber(VOID)
{
    return 0;
}
LDR_EXPORT(KeGetCurrentNodeNumber);

/* ---- affinity: a set of one group, and the system's own set before it ----------------------- */

VOID NTAPI KeSetSystemGroupAffinityThread(PGROUP_AFFINITY Affinity,
                                          PGROUP_AFFINITY PreviousAffinity)
{
    PKTHREAD self = KeGetCurrentThread();
    KAFFINITY wanted = ke_affinity_usable(Affinity->Group, Affinity->Mask);
    GROUP_AFFINITY previous = {0};
    irql_t old;

    ASSERT_IRQL(DISPATCH_LEVEL);
    old = ke_dispatcher_lock();
    if (wanted) {
        previous = affinity_of(self);
        ke_thread_set_affinity(self, Affinity->Group, wanted);
    }
    ke_dispatcher_unlock(old);
    if (PreviousAffinity != NULL)
        *PreviousAffinity = previous;
}
LDR_EXPORT(KeSetSystemGroupAffinityThread);

VOID NTAPI KeRevertToUserGroupAffinityThread(PGROUP_AFFINITY PreviousAffinity)
{
    PKTHREAD self = KeGetCurrentThread();
    irql_t old;

    ASSERT_IRQL(DISPATCH_LEVEL);
    if (!affinity_of(self).Mask)
        return;
    if (PreviousAffinity->Mask) {
        KeSetSystemGroupAffinityThread(PreviousAffinity, NULL);
        return;
    }
    old = ke_dispatcher_lock();
    memset(self->affinity, 0xFF, sizeof self->affinity);
    ke_dispatcher_unlock(old);
}
LDR_EXPORT(KeRevertToUserGroupAffinityThread);

KAFFINITY NTAPI KeSetSystemAffinityThreadEx(KAFFINITY Affinity)
{
    GROUP_AFFINITY wanted = {.Mask = Affinity}, previous;

    KeSetSystemGroupAffinityThread(&wanted, &previous);
    return previous.Mask;
}
LDR_EXPORT(KeSetSystemAffinityThreadEx);

VOID NTAPI KeSetSystemAffinityThread(KAFFINITY Affinity)
{
    KeSetSystemAffinityThreadEx(Affinity);
}
LDR_EXPORT(KeSetSystemAffinityThread);

VOID NTAPI KeRevertToUserAffinityThreadEx(KAFFINITY Affinity)
{
    GROUP_AFFINITY previous = {.Mask = Affinity};

    KeRevertToUserGroupAffinityThread(&previous);
}
LDR_EXPORT(KeRevertToUserAffinityThreadEx);

VOID NTAPI KeRevertToUserAffinityThread(VOID)
{
    KeRevertToUserAffinityThreadEx(0);
}
LDR_EXPORT(KeRevertToUserAffinityThread);

/* The increment is relative to the process's base priority, which is normal. */
LONG NTAPI KeSetBasePriorityThread(PKTHREAD Thread, LONG Increment)
{
    irql_t old = ke_dispatcher_lock();
    LONG previous = Thread->base_priority - KE_PRIORITY_NORMAL;
    int32_t priority = KE_PRIORITY_NORMAL + Increment;

    if (priority < 1)
        priority = 1;
    if (priority > KE_PRIORITY_REALTIME_LOW - 1) /* stays in the dynamic range */
        priority = KE_PRIORITY_REALTIME_LOW - 1;
    Thread->base_priority = priority;
    ke_thread_set_priority(Thread, priority);
    ke_dispatcher_unlock(old);
    return previous;
}
LDR_EXPORT(KeSetBasePriorityThread);
