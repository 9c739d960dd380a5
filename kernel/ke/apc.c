/*
 * ke/apc.c - kernel APCs: routines that run in the context of a thread that somebody chose.
 *
 * A special APC has a kernel routine only, which runs at APC_LEVEL; a normal one has a normal
 * routine besides, which runs at PASSIVE_LEVEL, one at a time (APC-1). A thread has them when its
 * IRQL is below APC_LEVEL and no guarded region, for normal ones also no critical region, keeps
 * them off (APC-2 to APC-4); a wait that it does below APC_LEVEL is interrupted for them.
 *
 *   the thread runs       VECTOR_APC is sent to its CPU, and arrives when IRQL is below APC_LEVEL
 *   it waits, and may     its wait is ended; when it runs again it has its APCs, then waits again
 *   it does not run       when it runs again it sends itself VECTOR_APC
 *
 * For the last two the context that it left is intercepted, so that switches and waits cost
 * nothing for APCs that are not there. VECTOR_APC may find another thread than it was sent for: the
 * list of threads to tell says for whom. Leaving a region looks at the queue.
 *
 * Owns: APC queues, critical and guarded regions, alerting a thread. Owns not: the wait that is
 * begun again (wait.c). There is no user mode, so there are no user APCs.
 *
 * The counts of regions go below zero while APCs are off, as Windows keeps them; a thread that
 * ends, and a work item that returns, with a count other than 0 is a bug check (APC-8).
 */
#include <hal/hal.h>
#include <hal/upcall.h>
#include <lib/bugcheck.h>
#include <lib/export.h>
#include <nt/ntifs.h>

#include "ke/dispatcher.h"
#include "ke/ob.h"

enum { APC_OBJECT = 18 }; /* KAPC.Type */

static LIST_ENTRY to_tell = {&to_tell, &to_tell}; /* (dispatcher lock) by apc_notice */

/* Dispatcher lock held. The APC that the thread is to run next, or NULL. */
static PKAPC apc_due(const struct _KTHREAD *thread)
{
    PKAPC apc;

    if (IsListEmpty(&thread->apc_queue) || thread->special_apc_disable)
        return NULL;
    apc = CONTAINING_RECORD(thread->apc_queue.Flink, KAPC, ApcListEntry);
    if (apc->NormalRoutine != NULL && (thread->kernel_apc_disable || thread->apc_in_progress))
        return NULL;
    return apc;
}

static void apc_unlink(PKAPC apc)
{
    RemoveEntryList(&apc->ApcListEntry);
    apc->Inserted = FALSE;
}

/* ---- Telling a thread ---------------------------------------------------------------------- */

/* By an interrupt of its CPU: what it may have now, only that CPU knows. */
static void tell_running(PKTHREAD thread)
{
    if (IsListEmpty(&thread->apc_notice))
        InsertTailList(&to_tell, &thread->apc_notice);
    if (thread->cpu == cpu_current())
        hal_ipi_self((vector_t){VECTOR_APC});
    else
        hal_ipi_send(thread->cpu, (vector_t){VECTOR_APC});
}

static void intercept(PKTHREAD thread)
{
    if (thread->go_on_at == 0)
        thread->go_on_at = hal_context_intercept(&thread->context);
}

void ke_apc_tell(PKTHREAD thread, int32_t boost)
{
    if (hal_pcr(thread->cpu)->current_thread == thread) {
        tell_running(thread);
    } else if (apc_due(thread) != NULL && thread->state != KE_THREAD_TERMINATED) {
        if (thread->state == KE_THREAD_WAITING && thread->wait_irql < APC_LEVEL)
            ke_wait_interrupt(thread, boost);
        intercept(thread);
    }
}

/* An intercepted thread runs again, as after a switch: interrupts off, dispatcher lock held. */
HAL_UPCALL uint64_t ke_context_resumed(void)
{
    PKTHREAD self = ke_thread_current();
    uint64_t goes_on_at = self->go_on_at;

    self->go_on_at = 0;
    tell_running(self);
    if (self->wait_interrupted)
        ke_wait_again(self);
    return goes_on_at;
}

/* ---- Running them -------------------------------------------------------------------------- */

/* WDK "Bug Check 0xC8": 0 and 1 are APCs, with kernel routine, APC and normal routine. */
static void require_irql(irql_t wanted, uint32_t kind, PKKERNEL_ROUTINE kernel, PKAPC apc,
                         PKNORMAL_ROUTINE normal)
{
    irql_t irql = hal_irql_read();

    if (irql != wanted)
        lib_bugcheck(IRQL_UNEXPECTED_VALUE, (uint64_t)irql << 16 | (uint64_t)wanted << 8 | kind,
                     (uint64_t)kernel, (uint64_t)apc, (uint64_t)normal, NULL);
}

/* At APC_LEVEL. The APC may be gone when its kernel routine returns. */
static void apc_run(PKTHREAD self, PKAPC apc)
{
    PKKERNEL_ROUTINE kernel = apc->KernelRoutine;
    PKNORMAL_ROUTINE normal = apc->NormalRoutine;
    PVOID context = apc->NormalContext;
    PVOID argument1 = apc->SystemArgument1, argument2 = apc->SystemArgument2;

    kernel(apc, &normal, &context, &argument1, &argument2);
    require_irql(APC_LEVEL, 0, kernel, apc, normal);
    if (normal == NULL)
        return;
    self->apc_in_progress = TRUE;
    hal_irql_write(PASSIVE_LEVEL);
    normal(context, argument1, argument2);
    require_irql(PASSIVE_LEVEL, 1, kernel, apc, normal);
    hal_irql_write(APC_LEVEL);
    self->apc_in_progress = FALSE;
}

/* Who was to be told and does not run here is told otherwise. Dispatcher lock held. */
static void tell_others(const struct _KTHREAD *self)
{
    LIST_ENTRY moved;

    InitializeListHead(&moved);
    while (!IsListEmpty(&to_tell)) {
        PKTHREAD thread = CONTAINING_RECORD(RemoveHeadList(&to_tell), struct _KTHREAD, apc_notice);

        InitializeListHead(&thread->apc_notice);
        if (thread == self)
            continue;
        if (hal_pcr(thread->cpu)->current_thread == thread)
            InsertTailList(&moved, &thread->apc_notice); /* its own interrupt is on its way */
        else
            ke_apc_tell(thread, 0);
    }
    while (!IsListEmpty(&moved))
        InsertTailList(&to_tell, RemoveHeadList(&moved));
}

/* At APC_LEVEL, in the thread's context: what it is due, and who else was to be told here. */
static void apcs_run(PKTHREAD self)
{
    PKAPC apc;

    ke_dispatcher_lock();
    tell_others(self);
    while ((apc = apc_due(self)) != NULL) {
        apc_unlink(apc);
        ke_dispatcher_unlock(APC_LEVEL);
        apc_run(self, apc);
        ke_dispatcher_lock();
    }
    ke_dispatcher_unlock(APC_LEVEL);
}

HAL_UPCALL void ke_apc_interrupt(uint64_t vector)
{
    PKTHREAD self = ke_thread_current();

    PCR->vector_count[vector]++;
    hal_apic_eoi();
    hal_irql_write(APC_LEVEL);
    hal_interrupts_on();
    apcs_run(self);
    hal_interrupts_off();
    hal_irql_write(PASSIVE_LEVEL); /* only code below APC_LEVEL is interrupted */
}

void ke_apc_close(PKTHREAD self)
{
    irql_t old = ke_dispatcher_lock();

    self->apc_in_progress = FALSE; /* it may end in a normal routine */
    while (apc_due(self) != NULL) {
        ke_dispatcher_unlock(APC_LEVEL);
        apcs_run(self);
        ke_dispatcher_lock();
    }
    self->apc_is_closed = TRUE;
    if (!IsListEmpty(&self->apc_notice)) {
        RemoveEntryList(&self->apc_notice);
        InitializeListHead(&self->apc_notice);
    }
    ke_dispatcher_unlock(old);
}

struct apc_search {
    bool (*match)(PKAPC apc, const void *context);
    const void *context;
    PKAPC found;
};

static void apc_look(PKTHREAD thread, void *context)
{
    struct apc_search *search = context;

    for (LIST_ENTRY *e = thread->apc_queue.Flink; e != &thread->apc_queue; e = e->Flink) {
        PKAPC apc = CONTAINING_RECORD(e, KAPC, ApcListEntry);

        if (search->match(apc, search->context))
            search->found = apc;
    }
}

PKAPC ke_apc_find(bool (*match)(PKAPC apc, const void *context), const void *context)
{
    struct apc_search search = {match, context, NULL};
    irql_t old = ke_dispatcher_lock();

    ke_thread_for_each(apc_look, &search);
    ke_dispatcher_unlock(old);
    return search.found;
}

/* ---- WDK surface --------------------------------------------------------------------------- */

/* Fills in; nothing is queued. There is one process, so one environment. Any IRQL. */
VOID NTAPI KeInitializeApc(PRKAPC Apc, PKTHREAD Thread, KAPC_ENVIRONMENT Environment,
                           PKKERNEL_ROUTINE KernelRoutine, PKRUNDOWN_ROUTINE RundownRoutine,
                           PKNORMAL_ROUTINE NormalRoutine, KPROCESSOR_MODE ApcMode,
                           PVOID NormalContext)
{
    UNREFERENCED_PARAMETER(Environment);
    Apc->Type = APC_OBJECT;
    Apc->Size = sizeof(*Apc);
    Apc->Thread = Thread;
    Apc->ApcStateIndex = OriginalApcEnvironment;
    Apc->KernelRoutine = KernelRoutine;
    Apc->RundownRoutine = RundownRoutine;
    Apc->NormalRoutine = NormalRoutine;
    Apc->ApcMode = NormalRoutine != NULL ? ApcMode : (KPROCESSOR_MODE)KernelMode;
    Apc->NormalContext = NormalRoutine != NULL ? NormalContext : NULL;
    Apc->Inserted = FALSE;
}
LDR_EXPORT(KeInitializeApc);

/* Special APCs go before normal ones, each kind in the order in which they came. */
static void apc_insert(PKTHREAD thread, PKAPC apc)
{
    LIST_ENTRY *before = &thread->apc_queue;

    if (apc->NormalRoutine == NULL) {
        before = thread->apc_queue.Flink;
        while (before != &thread->apc_queue &&
               CONTAINING_RECORD(before, KAPC, ApcListEntry)->NormalRoutine == NULL)
            before = before->Flink;
    }
    InsertTailList(before, &apc->ApcListEntry);
    apc->Inserted = TRUE;
}

/*
 * Increment boosts the thread if its wait is interrupted. IRQL <= DISPATCH_LEVEL. FALSE: it is
 * queued already, is a user-mode APC, or its thread is at its end.
 */
BOOLEAN NTAPI KeInsertQueueApc(PRKAPC Apc, PVOID SystemArgument1, PVOID SystemArgument2,
                               KPRIORITY Increment)
{
    irql_t old = ke_dispatcher_lock();
    PKTHREAD thread = Apc->Thread;
    BOOLEAN inserts = !Apc->Inserted && Apc->ApcMode == KernelMode && !thread->apc_is_closed;

    if (inserts) {
        Apc->SystemArgument1 = SystemArgument1;
        Apc->SystemArgument2 = SystemArgument2;
        apc_insert(thread, Apc);
        ke_apc_tell(thread, Increment);
    }
    ke_dispatcher_unlock(old);
    return inserts;
}
LDR_EXPORT(KeInsertQueueApc);

/* TRUE: it was queued, and will not run. IRQL <= DISPATCH_LEVEL. */
BOOLEAN NTAPI KeRemoveQueueApc(PRKAPC Apc)
{
    irql_t old = ke_dispatcher_lock();
    BOOLEAN removes = Apc->Inserted;

    if (removes)
        apc_unlink(Apc);
    ke_dispatcher_unlock(old);
    return removes;
}
LDR_EXPORT(KeRemoveQueueApc);

/*
 * An alertable wait ends with STATUS_ALERTED: the one under way, or else the next. PASSIVE_LEVEL.
 * STATUS_INVALID_HANDLE, STATUS_OBJECT_TYPE_MISMATCH.
 */
NTSTATUS NTAPI ZwAlertThread(HANDLE ThreadHandle)
{
    PKTHREAD thread;
    NTSTATUS status = ob_handle_reference(ThreadHandle, &ke_thread_type, (void **)&thread);
    irql_t old;

    if (!NT_SUCCESS(status))
        return status;
    old = ke_dispatcher_lock();
    if (thread->state == KE_THREAD_WAITING && thread->wait_alertable)
        ke_wait_end(thread, STATUS_ALERTED, 0);
    else
        thread->alerted = TRUE;
    ke_dispatcher_unlock(old);
    ke_thread_release(thread);
    return STATUS_SUCCESS;
}
LDR_EXPORT(ZwAlertThread);

VOID NTAPI KeEnterCriticalRegion(VOID)
{
    ke_thread_current()->kernel_apc_disable--;
}
LDR_EXPORT(KeEnterCriticalRegion);

static void region_left(PKTHREAD self)
{
    irql_t old = ke_dispatcher_lock();

    ke_apc_enabled(self);
    ke_dispatcher_unlock(old);
}

VOID NTAPI KeLeaveCriticalRegion(VOID)
{
    PKTHREAD self = ke_thread_current();

    if (++self->kernel_apc_disable == 0 && !IsListEmpty(&self->apc_queue))
        region_left(self);
}
LDR_EXPORT(KeLeaveCriticalRegion);

VOID NTAPI KeEnterGuardedRegion(VOID)
{
    ke_thread_current()->special_apc_disable--;
}
LDR_EXPORT(KeEnterGuardedRegion);

VOID NTAPI KeLeaveGuardedRegion(VOID)
{
    PKTHREAD self = ke_thread_current();

    if (++self->special_apc_disable == 0 && !IsListEmpty(&self->apc_queue))
        region_left(self);
}
LDR_EXPORT(KeLeaveGuardedRegion);

BOOLEAN NTAPI KeAreApcsDisabled(VOID)
{
    PKTHREAD self = ke_thread_current();

    return self->kernel_apc_disable || self->special_apc_disable;
}
LDR_EXPORT(KeAreApcsDisabled);

BOOLEAN NTAPI KeAreAllApcsDisabled(VOID)
{
    return ke_thread_current()->special_apc_disable || hal_irql_read() >= APC_LEVEL;
}
LDR_EXPORT(KeAreAllApcsDisabled);
