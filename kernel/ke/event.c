/*
 * ke/event.c - events and semaphores.
 *
 * KeSetEvent is what a DPC does to wake a thread, so it is short: with nobody waiting it only
 * stores the state; the switch to the woken thread happens on the way out (dispatcher.c).
 */
#include <lib/assert.h>
#include <lib/export.h>

#include "ke/dispatcher.h"
#include "ke/ke.h"
#include "ke/object.h"

/* WDK surface */

VOID NTAPI KeInitializeEvent(PRKEVENT Event, EVENT_TYPE Type, BOOLEAN State)
{
    ke_object_init(&Event->Header,
                   Type == NotificationEvent ? KE_OBJECT_EVENT_NOTIFICATION
                                             : KE_OBJECT_EVENT_SYNCHRONIZATION,
                   sizeof *Event, State);
}
LDR_EXPORT(KeInitializeEvent);

/* The general way: from any level, any waiters. */
static __attribute__((noinline)) NTAPI LONG event_set(PRKEVENT event, KPRIORITY increment,
                                                      BOOLEAN wait)
{
    irql_t old = ke_dispatcher_lock();
    LONG previous = event->Header.SignalState;

    event->Header.SignalState = 1;
    if (!previous)
        ke_object_signaled(&event->Header, increment);
    ke_dispatcher_unlock_and(old, wait);
    return previous;
}

/* One thread waits, for this synchronization event alone, without timeout, and it can be made
 * next_thread without looking at other CPUs: what happens when a DPC wakes its driver's thread. */
static inline bool wakes_simply(const KEVENT *event, const struct _KTHREAD *thread,
                                KPRIORITY increment)
{
    return event->Header.Type == KE_OBJECT_EVENT_SYNCHRONIZATION && thread->wait_is_plain &&
           !increment && ke_thread_wakes_here(thread);
}

KE_HOT LONG NTAPI KeSetEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait)
{
    LIST_ENTRY *first;
    LONG previous;

    if (__builtin_expect(!PCR->dpc_active, 0)) {
        if (hal_irql_read() > DISPATCH_LEVEL)
            ke_irql_too_high(__builtin_return_address(0));
        return event_set(Event, Increment, Wait);
    }
    ke_lock_acquire(&ke_dispatcher_lock_word);
    previous = Event->Header.SignalState;
    first = Event->Header.WaitListHead.Flink;
    if (previous || first == &Event->Header.WaitListHead) {
        Event->Header.SignalState = 1;
    } else {
        PKTHREAD thread = CONTAINING_RECORD(first, KWAIT_BLOCK, WaitListEntry)->Thread;
        if (__builtin_expect(!wakes_simply(Event, thread, Increment), 0)) {
            ke_lock_release(&ke_dispatcher_lock_word);
            return event_set(Event, Increment, FALSE);
        }
        RemoveEntryList(first);
        thread->wait_count = 0;
        thread->wait_status = STATUS_WAIT_0;
        thread->state = KE_THREAD_STANDBY;
        PCR->next_thread = thread;
    }
    ke_lock_release(&ke_dispatcher_lock_word);
    return previous;
}
LDR_EXPORT(KeSetEvent);

LONG NTAPI KeResetEvent(PRKEVENT Event)
{
    irql_t old = ke_dispatcher_lock();
    LONG previous = Event->Header.SignalState;

    Event->Header.SignalState = 0;
    ke_dispatcher_unlock(old);
    return previous;
}
LDR_EXPORT(KeResetEvent);

VOID NTAPI KeClearEvent(PRKEVENT Event)
{
    Event->Header.SignalState = 0;
}
LDR_EXPORT(KeClearEvent);

LONG NTAPI KeReadStateEvent(PRKEVENT Event)
{
    return Event->Header.SignalState;
}
LDR_EXPORT(KeReadStateEvent);

LONG NTAPI KePulseEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait)
{
    irql_t old = ke_dispatcher_lock();
    LONG previous = Event->Header.SignalState;

    Event->Header.SignalState = 1;
    if (!previous)
        ke_object_signaled(&Event->Header, Increment);
    Event->Header.SignalState = 0;
    ke_dispatcher_unlock_and(old, Wait);
    return previous;
}
LDR_EXPORT(KePulseEvent);

VOID NTAPI KeInitializeSemaphore(PRKSEMAPHORE Semaphore, LONG Count, LONG Limit)
{
    ke_object_init(&Semaphore->Header, KE_OBJECT_SEMAPHORE, sizeof *Semaphore, Count);
    Semaphore->Limit = Limit;
}
LDR_EXPORT(KeInitializeSemaphore);

LONG NTAPI KeReleaseSemaphore(PRKSEMAPHORE Semaphore, KPRIORITY Increment, LONG Adjustment,
                              BOOLEAN Wait)
{
    irql_t old = ke_dispatcher_lock();
    LONG previous = Semaphore->Header.SignalState;

    if (Adjustment <= 0 || previous > Semaphore->Limit - Adjustment) {
        ke_dispatcher_unlock(old);
        ke_raise_status(STATUS_SEMAPHORE_LIMIT_EXCEEDED);
    }
    Semaphore->Header.SignalState = previous + Adjustment;
    ke_object_signaled(&Semaphore->Header, Increment);
    ke_dispatcher_unlock_and(old, Wait);
    return previous;
}
LDR_EXPORT(KeReleaseSemaphore);

LONG NTAPI KeReadStateSemaphore(PRKSEMAPHORE Semaphore)
{
    return Semaphore->Header.SignalState;
}
LDR_EXPORT(KeReadStateSemaphore);
