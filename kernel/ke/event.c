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

LONG NTAPI KeSetEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait)
{
    irql_t old;
    LONG previous;

    (void)Wait; /* a promise to wait next; nothing is kept for it */
    ASSERT_IRQL(DISPATCH_LEVEL);
    old = ke_dispatcher_lock();
    previous = Event->Header.SignalState;
    Event->Header.SignalState = 1;
    if (!previous)
        ke_object_signaled(&Event->Header, Increment);
    ke_dispatcher_unlock(old);
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

    (void)Wait;
    Event->Header.SignalState = 1;
    if (!previous)
        ke_object_signaled(&Event->Header, Increment);
    Event->Header.SignalState = 0;
    ke_dispatcher_unlock(old);
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

    (void)Wait;
    if (Adjustment <= 0 || previous > Semaphore->Limit - Adjustment) {
        ke_dispatcher_unlock(old);
        ke_raise_status(STATUS_SEMAPHORE_LIMIT_EXCEEDED);
    }
    Semaphore->Header.SignalState = previous + Adjustment;
    ke_object_signaled(&Semaphore->Header, Increment);
    ke_dispatcher_unlock(old);
    return previous;
}
LDR_EXPORT(KeReleaseSemaphore);

LONG NTAPI KeReadStateSemaphore(PRKSEMAPHORE Semaphore)
{
    return Semaphore->Header.SignalState;
}
LDR_EXPORT(KeReadStateSemaphore);
