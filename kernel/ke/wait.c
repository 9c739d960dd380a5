/*
 * ke/wait.c - waiting on dispatcher objects, and ending a wait.
 *
 * A waiting thread has one wait block for each object, linked into the object's WaitListHead, and
 * one for its own timer if there is a timeout. When an object is signaled the list is walked from
 * its head, so that waits are satisfied in the order they began.
 */
#include <lib/assert.h>
#include <lib/bugcheck.h>
#include <lib/export.h>

#include "ke/dispatcher.h"
#include "ke/object.h"

/* ---- objects -------------------------------------------------------------------------------- */

static bool object_is_ready(const DISPATCHER_HEADER *header, PKTHREAD thread)
{
    if (header->SignalState > 0)
        return true;
    return header->Type == KE_OBJECT_MUTANT &&
           CONTAINING_RECORD(header, KMUTANT, Header)->OwnerThread == thread;
}

/* Ready, but its owner has it as often as it can be had. */
static bool object_is_exhausted(const DISPATCHER_HEADER *header)
{
    return header->Type == KE_OBJECT_MUTANT && header->SignalState == (LONG)MINLONG;
}

/*
 * A wait that began at `irql` is satisfied by the object: take what it gives. What that adds to the
 * wait's status.
 */
static NTSTATUS object_consume(DISPATCHER_HEADER *header, PKTHREAD thread, irql_t irql)
{
    switch (header->Type) {
    case KE_OBJECT_EVENT_SYNCHRONIZATION:
    case KE_OBJECT_TIMER_SYNCHRONIZATION:
        header->SignalState = 0;
        break;
    case KE_OBJECT_SEMAPHORE:
        header->SignalState--;
        break;
    case KE_OBJECT_MUTANT:
        if (ke_mutant_take(CONTAINING_RECORD(header, KMUTANT, Header), thread, irql))
            return STATUS_ABANDONED_WAIT_0;
        break;
    default: /* notification objects and threads stay signaled */
        break;
    }
    return STATUS_WAIT_0;
}

static bool wait_all_ready(PKTHREAD thread)
{
    for (uint32_t i = 0; i < thread->wait_count; i++)
        if (!object_is_ready(thread->wait_blocks[i].Object, thread))
            return false;
    return true;
}

/* ---- ending waits --------------------------------------------------------------------------- */

void ke_wait_end(PKTHREAD thread, NTSTATUS status, int32_t boost)
{
    for (uint32_t i = 0; i < thread->wait_count; i++)
        RemoveEntryList(&thread->wait_blocks[i].WaitListEntry);
    ke_timer_remove(&thread->wait_timer);
    InitializeListHead(&thread->wait_timer.Header.WaitListHead); /* only its own block was there */
    thread->wait_status = status;
    thread->wait_count = 0;
    if (boost && thread->base_priority < KE_PRIORITY_REALTIME_LOW) {
        int32_t boosted = thread->base_priority + boost;
        if (boosted >= KE_PRIORITY_REALTIME_LOW)
            boosted = KE_PRIORITY_REALTIME_LOW - 1;
        if (boosted > thread->priority)
            thread->priority = boosted;
    }
    ke_thread_make_ready(thread);
}

void ke_wait_interrupt(PKTHREAD thread, int32_t boost)
{
    bool again = thread->wait_blocks == thread->again_blocks; /* ke_wait_again() sees to it */

    thread->kept_count = thread->wait_count;
    thread->kept_is_timed = thread->wait_timer.Header.Inserted;
    ke_wait_end(thread, STATUS_KERNEL_APC, boost);
    thread->wait_interrupted = !again;
}

void ke_object_signaled(DISPATCHER_HEADER *header, int32_t boost)
{
    LIST_ENTRY *entry = header->WaitListHead.Flink;

    while (header->SignalState > 0 && entry != &header->WaitListHead) {
        PKWAIT_BLOCK block = CONTAINING_RECORD(entry, KWAIT_BLOCK, WaitListEntry);
        PKTHREAD thread = block->Thread;

        entry = entry->Flink;
        if (!thread->wait_all || block == &thread->wait_timer_block) {
            NTSTATUS status = block->WaitKey + object_consume(header, thread, thread->wait_irql);
            ke_wait_end(thread, status, boost);
        } else if (wait_all_ready(thread)) {
            NTSTATUS status = STATUS_WAIT_0;
            for (uint32_t i = 0; i < thread->wait_count; i++)
                status |= object_consume(thread->wait_blocks[i].Object, thread, thread->wait_irql);
            ke_wait_end(thread, status, boost);
        } else {
            continue;
        }
        entry = header->WaitListHead.Flink; /* the end of a wait may have unlinked `entry` too */
    }
}

/* ---- waiting -------------------------------------------------------------------------------- */

static void wait_check_irql(const LARGE_INTEGER *timeout, void *caller)
{
    irql_t irql = ke_wait_irql();

    if (irql < DISPATCH_LEVEL || (irql == DISPATCH_LEVEL && timeout && !timeout->QuadPart))
        return;
    if (PCR->dpc_active)
        lib_bugcheck(ATTEMPTED_SWITCH_FROM_DPC, (uint64_t)PCR->current_thread, 0, 0, 0, NULL);
    lib_bugcheck(IRQL_NOT_LESS_OR_EQUAL, (uint64_t)timeout, irql, 0, (uint64_t)caller, NULL);
}

/* Is the wait over before it began? Status out; STATUS_MUTANT_LIMIT_EXCEEDED is to be raised. */
static bool wait_try(uint32_t count, PVOID *objects, bool all, PKTHREAD self, irql_t irql,
                     NTSTATUS *status)
{
    uint32_t ready = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (!object_is_ready(objects[i], self))
            continue;
        if (object_is_exhausted(objects[i])) {
            *status = STATUS_MUTANT_LIMIT_EXCEEDED;
            return true;
        }
        ready++;
        if (!all) {
            *status = (NTSTATUS)i + object_consume(objects[i], self, irql);
            return true;
        }
    }
    if (!all || ready < count)
        return false;
    *status = STATUS_WAIT_0;
    for (uint32_t i = 0; i < count; i++)
        *status |= object_consume(objects[i], self, irql);
    return true;
}

static void wait_block_link(PKWAIT_BLOCK block, DISPATCHER_HEADER *object, PKTHREAD thread,
                            USHORT key)
{
    block->Thread = thread;
    block->Object = object;
    block->WaitKey = key;
    InsertTailList(&object->WaitListHead, &block->WaitListEntry);
}

static void wait_timer_start(PKTHREAD self, uint64_t due_time)
{
    KTIMER *timer = &self->wait_timer;

    timer->Header.SignalState = 0;
    InitializeListHead(&timer->Header.WaitListHead);
    wait_block_link(&self->wait_timer_block, &timer->Header, self, (USHORT)STATUS_TIMEOUT);
    ke_timer_insert(timer, due_time);
}

static inline __attribute__((always_inline)) void wait_link(PKTHREAD self, uint32_t count,
                                                            PVOID *objects, bool all,
                                                            PKWAIT_BLOCK blocks)
{
    self->wait_blocks = blocks;
    self->wait_count = count;
    self->wait_is_plain = FALSE;
    self->wait_all = all;
    for (uint32_t i = 0; i < count; i++)
        wait_block_link(&blocks[i], objects[i], self, (USHORT)(all ? 0 : i));
}

static inline __attribute__((always_inline)) NTSTATUS wait_for(uint32_t count, PVOID *objects,
                                                               bool all, KPROCESSOR_MODE mode,
                                                               BOOLEAN alertable,
                                                               const LARGE_INTEGER *timeout,
                                                               PKWAIT_BLOCK blocks)
{
    irql_t old = ke_dispatcher_lock();
    PKTHREAD self = ke_thread_current();
    NTSTATUS status;

    if (self->wait_next) {
        self->wait_next = FALSE;
        old = self->wait_irql;
    }
    if (wait_try(count, objects, all, self, old, &status)) {
        ke_dispatcher_unlock(old);
        if (status == STATUS_MUTANT_LIMIT_EXCEEDED)
            ke_raise_status(status);
        return status;
    }
    if (alertable && self->alerted) {
        self->alerted = FALSE;
        ke_dispatcher_unlock(old);
        return STATUS_ALERTED;
    }
    if (timeout && !timeout->QuadPart) {
        ke_dispatcher_unlock(old);
        return STATUS_TIMEOUT;
    }
    wait_link(self, count, objects, all, blocks);
    self->wait_is_plain = count == 1 && !timeout;
    self->wait_mode = (uint8_t)mode;
    self->wait_alertable = alertable;
    if (timeout)
        wait_timer_start(self, ke_due_time(*timeout));
    self->wait_irql = old;
    self->state = KE_THREAD_WAITING;
    return ke_dispatcher_block();
}

/*
 * APCs may wait themselves, by the same blocks and timer: all that the wait needs is kept here.
 * What has become ready meanwhile ends it, as what becomes ready does from then on; each further
 * APC only goes round. A pulse meanwhile is missed, as on Windows.
 */
void ke_wait_again(PKTHREAD self)
{
    PKWAIT_BLOCK blocks = self->wait_blocks, outer = self->again_blocks;
    KWAIT_BLOCK own[THREAD_WAIT_OBJECTS + 1];
    PVOID objects[MAXIMUM_WAIT_OBJECTS];
    uint32_t count = self->kept_count;
    bool all = self->wait_all, is_timed = self->kept_is_timed;
    uint8_t mode = self->wait_mode, alertable = self->wait_alertable;
    uint64_t due = (uint64_t)self->wait_timer.DueTime.QuadPart;
    irql_t irql = self->wait_irql;
    NTSTATUS status;

    for (uint32_t i = 0; i < count; i++)
        objects[i] = blocks[i].Object;
    if (blocks == self->own_wait_blocks)
        blocks = own;
    self->wait_interrupted = FALSE;
    hal_interrupts_on();
    ke_lock_release(&ke_dispatcher_lock_word);
    hal_irql_write(irql); /* here they run */
    for (;;) {
        ke_dispatcher_lock();
        if (wait_try(count, objects, all, self, irql, &status))
            break;
        status = alertable && self->alerted               ? STATUS_ALERTED
                 : is_timed && due <= ke_interrupt_time() ? STATUS_TIMEOUT
                                                          : STATUS_KERNEL_APC;
        if (status == STATUS_ALERTED)
            self->alerted = FALSE;
        if (status != STATUS_KERNEL_APC)
            break;
        wait_link(self, count, objects, all, blocks);
        self->wait_mode = mode;
        self->wait_alertable = alertable;
        if (is_timed)
            wait_timer_start(self, due);
        self->wait_irql = irql;
        self->state = KE_THREAD_WAITING;
        self->again_blocks = blocks;
        status = ke_dispatcher_block();
        self->again_blocks = outer;
        if (status != STATUS_KERNEL_APC) {
            ke_dispatcher_lock();
            break;
        }
    }
    hal_interrupts_off();
    self->wait_irql = irql;
    self->wait_status = status;
}

/* WDK surface */

static __attribute__((noinline)) NTAPI NTSTATUS wait_for_one(PVOID object, KPROCESSOR_MODE mode,
                                                             BOOLEAN alertable,
                                                             PLARGE_INTEGER timeout)
{
    wait_check_irql(timeout, __builtin_return_address(0));
    return wait_for(1, &object, false, mode, alertable, timeout,
                    ke_thread_current()->own_wait_blocks);
}

/* The plain wait, of a thread for a synchronization event, is short; others go the general way. */
KE_HOT NTSTATUS NTAPI KeWaitForSingleObject(PVOID Object, KWAIT_REASON WaitReason,
                                            KPROCESSOR_MODE WaitMode, BOOLEAN Alertable,
                                            PLARGE_INTEGER Timeout)
{
    DISPATCHER_HEADER *header = Object;
    irql_t old = hal_irql_read();
    PKTHREAD self;

    (void)WaitReason;
    if (Timeout || Alertable || old >= DISPATCH_LEVEL ||
        header->Type != KE_OBJECT_EVENT_SYNCHRONIZATION)
        return wait_for_one(Object, WaitMode, Alertable, Timeout);
    hal_irql_write(DISPATCH_LEVEL);
    ke_lock_acquire(&ke_dispatcher_lock_word);
    if (header->SignalState > 0) {
        header->SignalState = 0;
        ke_dispatcher_unlock(old);
        return STATUS_WAIT_0;
    }
    self = ke_thread_current();
    self->wait_irql = old;
    self->wait_blocks = self->own_wait_blocks;
    self->wait_count = 1;
    self->wait_is_plain = TRUE;
    self->wait_all = self->wait_alertable = FALSE;
    wait_block_link(self->own_wait_blocks, header, self, 0);
    self->state = KE_THREAD_WAITING;
    return ke_dispatcher_block();
}
LDR_EXPORT(KeWaitForSingleObject);
LDR_EXPORT_AS("KeWaitForMutexObject", KeWaitForSingleObject);

NTSTATUS NTAPI KeWaitForMultipleObjects(ULONG Count, PVOID Object[], WAIT_TYPE WaitType,
                                        KWAIT_REASON WaitReason, KPROCESSOR_MODE WaitMode,
                                        BOOLEAN Alertable, PLARGE_INTEGER Timeout,
                                        PKWAIT_BLOCK WaitBlockArray)
{
    (void)WaitReason;
    wait_check_irql(Timeout, __builtin_return_address(0));
    if (!Count || Count > (WaitBlockArray ? MAXIMUM_WAIT_OBJECTS : THREAD_WAIT_OBJECTS))
        lib_bugcheck(MAXIMUM_WAIT_OBJECTS_EXCEEDED, Count, hal_irql_read(), 0,
                     (uint64_t)__builtin_return_address(0), NULL);
    if (!WaitBlockArray)
        WaitBlockArray = ke_thread_current()->own_wait_blocks;
    return wait_for(Count, Object, WaitType == WaitAll, WaitMode, Alertable, Timeout,
                    WaitBlockArray);
}
LDR_EXPORT(KeWaitForMultipleObjects);

NTSTATUS NTAPI KeDelayExecutionThread(KPROCESSOR_MODE WaitMode, BOOLEAN Alertable,
                                      PLARGE_INTEGER Interval)
{
    LARGE_INTEGER interval = *Interval;
    NTSTATUS status;

    wait_check_irql(NULL, __builtin_return_address(0));
    if (!interval.QuadPart)
        interval.QuadPart = -1; /* give way at least once */
    status = wait_for(0, NULL, false, WaitMode, Alertable, &interval,
                      ke_thread_current()->own_wait_blocks);
    return status == STATUS_TIMEOUT ? STATUS_SUCCESS : status;
}
LDR_EXPORT(KeDelayExecutionThread);
