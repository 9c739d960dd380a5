/*
 * ke/timer.c - KTIMER: one list, ordered by due time, served by CPU 0.
 *
 * Due times are interrupt time (100 ns since boot). The clock interrupt of CPU 0 notices that the
 * first timer is due and has the DPC loop call ke_timers_expire(). A timer that becomes the first
 * makes CPU 0 program its clock anew.
 */
#include <lib/assert.h>
#include <lib/export.h>

#include "ke/dispatcher.h"
#include "ke/object.h"

enum { TIMER_UNITS_PER_MS = 10000 };

static LIST_ENTRY timer_list = {&timer_list, &timer_list};

/* Due time of the first timer, for the clock interrupt, which does not take the lock. */
static volatile uint64_t first_due = UINT64_MAX;

uint64_t ke_timer_first_due(void)
{
    return __atomic_load_n(&first_due, __ATOMIC_RELAXED);
}

static void first_due_update(void)
{
    LIST_ENTRY *first = timer_list.Flink;

    __atomic_store_n(&first_due,
                     first == &timer_list
                         ? UINT64_MAX
                         : CONTAINING_RECORD(first, KTIMER, TimerListEntry)->DueTime.QuadPart,
                     __ATOMIC_RELAXED);
}

void ke_timer_insert(PKTIMER timer, uint64_t due_time)
{
    LIST_ENTRY *before = timer_list.Blink;

    timer->DueTime.QuadPart = due_time;
    timer->Header.Inserted = TRUE;
    while (before != &timer_list &&
           CONTAINING_RECORD(before, KTIMER, TimerListEntry)->DueTime.QuadPart > due_time)
        before = before->Blink;
    InsertHeadList(before, &timer->TimerListEntry);
    if (before == &timer_list) {
        first_due_update();
        ke_clock_reprogram();
    }
}

bool ke_timer_remove(PKTIMER timer)
{
    if (!timer->Header.Inserted)
        return false;
    RemoveEntryList(&timer->TimerListEntry);
    timer->Header.Inserted = FALSE;
    first_due_update();
    return true;
}

static void timer_fire(PKTIMER timer)
{
    timer->Header.SignalState = 1;
    ke_object_signaled(&timer->Header, 0);
    if (timer->Period)
        ke_timer_insert(timer,
                        timer->DueTime.QuadPart + (uint64_t)timer->Period * TIMER_UNITS_PER_MS);
    if (timer->Dpc)
        KeInsertQueueDpc(timer->Dpc, NULL, NULL);
}

void ke_timers_expire(void)
{
    irql_t old = ke_dispatcher_lock();
    uint64_t now = ke_interrupt_time();

    while (!IsListEmpty(&timer_list)) {
        PKTIMER timer = CONTAINING_RECORD(timer_list.Flink, KTIMER, TimerListEntry);
        if (timer->DueTime.QuadPart > now)
            break;
        ke_timer_remove(timer);
        timer_fire(timer);
    }
    ke_clock_reprogram();
    ke_dispatcher_unlock(old);
}

uint64_t ke_due_time(LARGE_INTEGER due)
{
    uint64_t now = ke_interrupt_time();
    int64_t ahead;

    if (due.QuadPart < 0)
        return now - (uint64_t)due.QuadPart;
    /* By one reading: time that passes between two would make the timer early. */
    ahead = due.QuadPart - (int64_t)ke_system_time_at(now);
    return ahead > 0 ? now + (uint64_t)ahead : now;
}

PKTIMER ke_timer_find(bool (*match)(PKTIMER timer, const void *context), const void *context)
{
    irql_t old = ke_dispatcher_lock();
    PKTIMER found = NULL;

    for (LIST_ENTRY *e = timer_list.Flink; e != &timer_list && !found; e = e->Flink)
        if (match(CONTAINING_RECORD(e, KTIMER, TimerListEntry), context))
            found = CONTAINING_RECORD(e, KTIMER, TimerListEntry);
    ke_dispatcher_unlock(old);
    return found;
}

/* WDK surface */

VOID NTAPI KeInitializeTimerEx(PKTIMER Timer, TIMER_TYPE Type)
{
    ke_object_init(&Timer->Header,
                   Type == NotificationTimer ? KE_OBJECT_TIMER_NOTIFICATION
                                             : KE_OBJECT_TIMER_SYNCHRONIZATION,
                   sizeof *Timer, 0);
    Timer->DueTime.QuadPart = 0;
    Timer->Dpc = NULL;
    Timer->Period = 0;
}
LDR_EXPORT(KeInitializeTimerEx);

VOID NTAPI KeInitializeTimer(PKTIMER Timer)
{
    KeInitializeTimerEx(Timer, NotificationTimer);
}
LDR_EXPORT(KeInitializeTimer);

BOOLEAN NTAPI KeSetTimerEx(PKTIMER Timer, LARGE_INTEGER DueTime, LONG Period, PKDPC Dpc)
{
    irql_t old;
    BOOLEAN queued;

    ASSERT_IRQL(DISPATCH_LEVEL);
    old = ke_dispatcher_lock();
    queued = ke_timer_remove(Timer);
    Timer->Header.SignalState = 0;
    Timer->Dpc = Dpc;
    Timer->Period = (ULONG)Period;
    ke_timer_insert(Timer, ke_due_time(DueTime));
    ke_dispatcher_unlock(old);
    return queued;
}
LDR_EXPORT(KeSetTimerEx);

BOOLEAN NTAPI KeSetTimer(PKTIMER Timer, LARGE_INTEGER DueTime, PKDPC Dpc)
{
    return KeSetTimerEx(Timer, DueTime, 0, Dpc);
}
LDR_EXPORT(KeSetTimer);

BOOLEAN NTAPI KeSetCoalescableTimer(PKTIMER Timer, LARGE_INTEGER DueTime, ULONG Period,
                                    ULONG TolerableDelay, PKDPC Dpc)
{
    (void)TolerableDelay; /* an upper bound: never late is allowed */
    return KeSetTimerEx(Timer, DueTime, (LONG)Period, Dpc);
}
LDR_EXPORT(KeSetCoalescableTimer);

BOOLEAN NTAPI KeCancelTimer(PKTIMER Timer)
{
    irql_t old;
    BOOLEAN queued;

    ASSERT_IRQL(DISPATCH_LEVEL);
    old = ke_dispatcher_lock();
    queued = ke_timer_remove(Timer);
    ke_dispatcher_unlock(old);
    return queued;
}
LDR_EXPORT(KeCancelTimer);

BOOLEAN NTAPI KeReadStateTimer(PKTIMER Timer)
{
    return Timer->Header.SignalState != 0;
}
LDR_EXPORT(KeReadStateTimer);
