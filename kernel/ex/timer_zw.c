/*
 * ex/timer_zw.c - timers by handle: ZwCreateTimer and its kin.
 *
 * A timer object begins with a KTIMER, so a handle to it can be waited for. A name goes with the
 * last handle, as every object's without OBJ_PERMANENT.
 *
 * A routine that a timer is to call is called by an APC, which the timer's DPC queues to the thread
 * that set it. Until it is cancelled, set anew or closed, or its thread ends (Win32 page:
 * SetWaitableTimer). (m): under timers_mutex, which is held at PASSIVE_LEVEL.
 */
#include <hal/hal.h>
#include <lib/assert.h>
#include <lib/export.h>
#include <nt/ntifs.h>

#include "ex/name.h"
#include "ke/ke.h"
#include "ke/ob.h"
#include "ke/thread.h"
#include "mm/pool.h"

#define TIMER_TAG MM_TAG("TmAp")

struct timer {
    KTIMER timer;
    struct timer_apc *apc; /* (m) or NULL */
};

struct timer_apc {
    LIST_ENTRY entry;         /* (m) all that there are */
    struct timer *timer;      /* (c) */
    volatile LONG references; /* the timer's, and one while it is queued */
    KDPC dpc;
    KAPC apc;
};

static FAST_MUTEX timers_mutex = KE_FAST_MUTEX_FREE(timers_mutex);
static LIST_ENTRY apcs = {&apcs, &apcs}; /* (m) */

static void timers_lock(void)
{
    KeEnterCriticalRegion();
    ExAcquireFastMutexUnsafe(&timers_mutex);
}

static void timers_unlock(void)
{
    ExReleaseFastMutexUnsafe(&timers_mutex);
    KeLeaveCriticalRegion();
}

/* ---- The APC -------------------------------------------------------------------------------- */

static void apc_release(struct timer_apc *apc)
{
    if (InterlockedDecrement(&apc->references) != 0)
        return;
    ObDereferenceObjectDeferDelete(apc->apc.Thread);
    mm_pool_free(apc, TIMER_TAG);
}

/* Before the routine, which gets copies. */
static VOID NTAPI apc_begins(PRKAPC apc, PKNORMAL_ROUTINE *routine, PVOID *context, PVOID *low,
                             PVOID *high)
{
    UNREFERENCED_PARAMETER(routine);
    UNREFERENCED_PARAMETER(context);
    UNREFERENCED_PARAMETER(low);
    UNREFERENCED_PARAMETER(high);
    apc_release(CONTAINING_RECORD(apc, struct timer_apc, apc));
}

/* The time is up. One that is still queued from the last time is not queued again. */
static VOID NTAPI apc_due(PRKDPC dpc, PVOID context, PVOID unused1, PVOID unused2)
{
    struct timer_apc *apc = context;
    LARGE_INTEGER now;

    UNREFERENCED_PARAMETER(dpc);
    UNREFERENCED_PARAMETER(unused1);
    UNREFERENCED_PARAMETER(unused2);
    KeQuerySystemTime(&now);
    InterlockedIncrement(&apc->references);
    if (!KeInsertQueueApc(&apc->apc, (PVOID)(ULONG_PTR)now.LowPart,
                          (PVOID)(ULONG_PTR)(ULONG)now.HighPart, 0))
        apc_release(apc);
}

static struct timer_apc *apc_make(struct timer *timer, PTIMER_APC_ROUTINE routine, PVOID context)
{
    struct timer_apc *apc = mm_pool_alloc(sizeof(*apc), TIMER_TAG);

    if (apc == NULL)
        return NULL;
    apc->timer = timer;
    apc->references = 1;
    KeInitializeDpc(&apc->dpc, apc_due, apc);
    /* Its second and third parameter have a pointer's place each: what normal routines have. */
    KeInitializeApc(&apc->apc, KeGetCurrentThread(), OriginalApcEnvironment, apc_begins, NULL,
                    (PKNORMAL_ROUTINE)(void *)routine, KernelMode, context);
    ob_reference(apc->apc.Thread);
    return apc;
}

/* Nothing comes of the timer any more. (m) is held. */
static void timer_disarm(struct timer *timer)
{
    struct timer_apc *apc = timer->apc;

    KeCancelTimer(&timer->timer);
    if (apc == NULL)
        return;
    timer->apc = NULL;
    RemoveEntryList(&apc->entry);
    KeFlushQueuedDpcs();
    if (KeRemoveQueueApc(&apc->apc))
        apc_release(apc);
    apc_release(apc);
}

static void thread_ended(PKTHREAD thread)
{
    PLIST_ENTRY entry, next;

    timers_lock();
    for (entry = apcs.Flink; entry != &apcs; entry = next) {
        struct timer_apc *apc = CONTAINING_RECORD(entry, struct timer_apc, entry);

        next = entry->Flink;
        if (apc->apc.Thread == thread)
            timer_disarm(apc->timer);
    }
    timers_unlock();
}

/* (m) is held. */
static void timer_arm(struct timer *timer, struct timer_apc *apc)
{
    static struct ke_thread_end end = {.routine = thread_ended};
    static bool is_added;

    if (!is_added)
        ke_thread_end_add(&end);
    is_added = true;
    timer->apc = apc;
    InsertTailList(&apcs, &apc->entry);
}

/* ---- The object ----------------------------------------------------------------------------- */

static void timer_destroy(void *object)
{
    timers_lock();
    timer_disarm(object);
    timers_unlock();
}

static void timer_close(void *object)
{
    ex_name_remove(object);
    timer_destroy(object);
}

static const struct _OBJECT_TYPE timer_type = {.name = "Timer",
                                               .destroy = timer_destroy,
                                               .close = timer_close,
                                               .describe = ex_name_describe,
                                               .passive = true,
                                               .waitable = true};

/* WDK surface */

NTSTATUS NTAPI ZwCreateTimer(PHANDLE TimerHandle, ACCESS_MASK DesiredAccess,
                             POBJECT_ATTRIBUTES ObjectAttributes, TIMER_TYPE TimerType)
{
    PCUNICODE_STRING name;
    NTSTATUS status, named = STATUS_SUCCESS;
    void *timer;

    ASSERT_IRQL(PASSIVE_LEVEL);
    if (TimerType != NotificationTimer && TimerType != SynchronizationTimer)
        return STATUS_INVALID_PARAMETER_4;
    status = ex_name_of(ObjectAttributes, &name);
    if (!NT_SUCCESS(status))
        return status;
    timer = ob_create(&timer_type, sizeof(struct timer));
    if (timer == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    KeInitializeTimerEx(timer, TimerType);
    if (name != NULL)
        named = ex_name_insert(name, timer);
    if (named == STATUS_OBJECT_NAME_COLLISION && ObjectAttributes->Attributes & OBJ_OPENIF) {
        ob_discard(timer);
        named = STATUS_OBJECT_NAME_EXISTS;
        status = ex_name_lookup(name, &timer_type, &timer);
        if (!NT_SUCCESS(status))
            return status;
    } else if (!NT_SUCCESS(named)) {
        ob_discard(timer);
        return named;
    }
    status = ob_handle_create(timer, DesiredAccess, TimerHandle);
    if (!NT_SUCCESS(status) && named != STATUS_OBJECT_NAME_EXISTS)
        ex_name_remove(timer);
    ob_dereference(timer);
    return NT_SUCCESS(status) ? named : status;
}
LDR_EXPORT(ZwCreateTimer);

NTSTATUS NTAPI ZwOpenTimer(PHANDLE TimerHandle, ACCESS_MASK DesiredAccess,
                           POBJECT_ATTRIBUTES ObjectAttributes)
{
    PCUNICODE_STRING name;
    NTSTATUS status;
    void *timer;

    ASSERT_IRQL(PASSIVE_LEVEL);
    status = ex_name_of(ObjectAttributes, &name);
    if (!NT_SUCCESS(status))
        return status;
    if (name == NULL)
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    status = ex_name_lookup(name, &timer_type, &timer);
    if (!NT_SUCCESS(status))
        return status;
    status = ob_handle_create(timer, DesiredAccess, TimerHandle);
    ob_dereference(timer);
    return status;
}
LDR_EXPORT(ZwOpenTimer);

NTSTATUS NTAPI ZwSetTimer(HANDLE TimerHandle, PLARGE_INTEGER DueTime,
                          PTIMER_APC_ROUTINE TimerApcRoutine, PVOID TimerContext,
                          BOOLEAN ResumeTimer, LONG Period, PBOOLEAN PreviousState)
{
    struct timer_apc *apc = NULL;
    struct timer *timer;
    NTSTATUS status;
    BOOLEAN previous;

    ASSERT_IRQL(PASSIVE_LEVEL);
    if (Period < 0)
        return STATUS_INVALID_PARAMETER_6;
    status = ob_handle_reference(TimerHandle, &timer_type, (void **)&timer);
    if (!NT_SUCCESS(status))
        return status;
    if (TimerApcRoutine != NULL) {
        apc = apc_make(timer, TimerApcRoutine, TimerContext);
        if (apc == NULL) {
            ob_dereference(timer);
            return STATUS_INSUFFICIENT_RESOURCES;
        }
    }
    timers_lock();
    previous = KeReadStateTimer(&timer->timer);
    timer_disarm(timer);
    if (apc != NULL)
        timer_arm(timer, apc);
    KeSetTimerEx(&timer->timer, *DueTime, Period, apc != NULL ? &apc->dpc : NULL);
    timers_unlock();
    if (PreviousState != NULL)
        *PreviousState = previous;
    ob_dereference(timer);
    /* Nothing sleeps here, so there is nothing to wake: documented as a success code. */
    return ResumeTimer ? STATUS_TIMER_RESUME_IGNORED : STATUS_SUCCESS;
}
LDR_EXPORT(ZwSetTimer);

NTSTATUS NTAPI ZwCancelTimer(HANDLE TimerHandle, PBOOLEAN CurrentState)
{
    struct timer *timer;
    NTSTATUS status;

    ASSERT_IRQL(PASSIVE_LEVEL);
    status = ob_handle_reference(TimerHandle, &timer_type, (void **)&timer);
    if (!NT_SUCCESS(status))
        return status;
    timers_lock();
    timer_disarm(timer);
    timers_unlock();
    if (CurrentState != NULL)
        *CurrentState = KeReadStateTimer(&timer->timer);
    ob_dereference(timer);
    return STATUS_SUCCESS;
}
LDR_EXPORT(ZwCancelTimer);
