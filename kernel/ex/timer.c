/*
 * ex/timer.c - EX_TIMER: a timer in memory of its own, with a callback at DISPATCH_LEVEL and a
 * period of 100 ns units (WDK: ExAllocateTimer).
 *
 * It begins with a KTIMER, so it can be waited for. The KTIMER always runs once; its DPC calls the
 * callback and, for a periodic timer, arms it again for exactly one period after the last due
 * time. The clock is programmed for the next due time, so every timer is of high resolution.
 *
 * Deletion ends in a DPC of its own on the CPU that serves timers: queues are first in, first out,
 * so the timer's own DPC is over by then. It frees the memory, calls the delete callback and wakes
 * a waiting deleter.
 *
 * Field legend: (c) constant, (l) lock.
 */
#include <hal/hal.h>
#include <lib/assert.h>
#include <lib/bugcheck.h>
#include <lib/export.h>

#include "ke/dispatcher.h"
#include "ke/object.h"
#include "mm/pool.h"

#define TIMER_TAG MM_TAG("ExTm")

enum { TIMER_PERIOD_MIN = 1000 }; /* 0.1 ms: shorter ones would leave no time for threads */

#define TIMER_ATTRIBUTES (EX_TIMER_HIGH_RESOLUTION | EX_TIMER_NO_WAKE | EX_TIMER_NOTIFICATION)

struct _EX_TIMER {
    KTIMER timer;
    KDPC expired;
    KDPC finish;
    PEXT_CALLBACK callback; /* (c) may be NULL */
    PVOID context;          /* (c) */
    bool relative_only;     /* (c) of high resolution: no absolute due times */
    ke_lock_t lock;
    uint64_t period;       /* (l) 100 ns units; 0: once */
    bool deleting;         /* (l) no more sets */
    bool finish_on_expiry; /* (l) deleted without cancelling, still to fire */
    EXT_DELETE_PARAMETERS deletion;
    PKEVENT deleted; /* a deleter that waits */
};

/* What the pages answer with a bug check, without naming one: a timer or 0, what was given. */
static void timer_require(bool sound, PEX_TIMER timer, uint64_t given, void *caller)
{
    enum { VIOLATION_EX_TIMER = 5 };

    if (!sound)
        lib_bugcheck(DRIVER_VIOLATION, VIOLATION_EX_TIMER, (uint64_t)timer, given, (uint64_t)caller,
                     NULL);
}

static irql_t timer_lock(PEX_TIMER timer)
{
    irql_t old = hal_irql_raise(DISPATCH_LEVEL);

    ke_lock_acquire(&timer->lock);
    return old;
}

static void timer_unlock(PEX_TIMER timer, irql_t old)
{
    ke_lock_release(&timer->lock);
    hal_irql_write(old);
}

/*
 * TRUE: it was set. A periodic timer is set also between an expiry and the DPC that arms it again.
 * Lock held.
 */
static BOOLEAN timer_disarm(PEX_TIMER timer)
{
    BOOLEAN was_set = KeCancelTimer(&timer->timer);

    if (timer->period)
        was_set = TRUE;
    timer->period = 0;
    return was_set;
}

/* One period after it was due; its signal state stays. Lock held. */
static void timer_rearm(PEX_TIMER timer)
{
    irql_t old = ke_dispatcher_lock();

    if (!timer->timer.Header.Inserted)
        ke_timer_insert(&timer->timer, timer->timer.DueTime.QuadPart + timer->period);
    ke_dispatcher_unlock(old);
}

static VOID NTAPI expired(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1,
                          PVOID SystemArgument2)
{
    PEX_TIMER timer = DeferredContext;
    bool finish;
    irql_t old;

    (void)Dpc, (void)SystemArgument1, (void)SystemArgument2;
    old = timer_lock(timer);
    if (timer->period && !timer->deleting)
        timer_rearm(timer);
    /* A call left over from before the last set is not the expiry that is waited for. */
    finish = timer->finish_on_expiry && !timer->timer.Header.Inserted;
    if (finish)
        timer->finish_on_expiry = false;
    timer_unlock(timer, old);
    if (timer->callback != NULL)
        timer->callback(timer, timer->context);
    if (finish)
        KeInsertQueueDpc(&timer->finish, NULL, NULL);
}

static VOID NTAPI finish(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1,
                         PVOID SystemArgument2)
{
    PEX_TIMER timer = DeferredContext;
    EXT_DELETE_PARAMETERS deletion = timer->deletion;
    PKEVENT deleted = timer->deleted;

    (void)Dpc, (void)SystemArgument1, (void)SystemArgument2;
    mm_pool_free(timer, TIMER_TAG);
    if (deletion.DeleteCallback != NULL)
        deletion.DeleteCallback(deletion.DeleteContext);
    if (deleted != NULL)
        KeSetEvent(deleted, IO_NO_INCREMENT, FALSE);
}

/* WDK surface */

PEX_TIMER NTAPI ExAllocateTimer(PEXT_CALLBACK Callback, PVOID CallbackContext, ULONG Attributes)
{
    PEX_TIMER timer;

    ASSERT_IRQL(DISPATCH_LEVEL);
    timer_require(!(Attributes & EX_TIMER_HIGH_RESOLUTION && Attributes & EX_TIMER_NO_WAKE), NULL,
                  Attributes, __builtin_return_address(0));
    if (Attributes & ~(ULONG)TIMER_ATTRIBUTES)
        return NULL;
    timer = mm_pool_alloc(sizeof *timer, TIMER_TAG);
    if (timer == NULL)
        return NULL;
    KeInitializeTimerEx(&timer->timer, Attributes & EX_TIMER_NOTIFICATION ? NotificationTimer
                                                                          : SynchronizationTimer);
    KeInitializeDpc(&timer->expired, expired, timer);
    KeInitializeDpc(&timer->finish, finish, timer);
    KeSetTargetProcessorDpc(&timer->expired, 0); /* which serves timers */
    KeSetTargetProcessorDpc(&timer->finish, 0);
    KeSetImportanceDpc(&timer->expired, MediumHighImportance);
    KeSetImportanceDpc(&timer->finish, MediumHighImportance);
    timer->callback = Callback;
    timer->context = CallbackContext;
    timer->relative_only = Attributes & EX_TIMER_HIGH_RESOLUTION;
    return timer;
}
LDR_EXPORT(ExAllocateTimer);

/* The tolerance in Parameters is an upper bound for lateness, which is never used up. */
BOOLEAN NTAPI ExSetTimer(PEX_TIMER Timer, LONGLONG DueTime, LONGLONG Period,
                         PEXT_SET_PARAMETERS Parameters)
{
    LARGE_INTEGER due = {.QuadPart = DueTime};
    BOOLEAN was_set = FALSE;
    irql_t old;

    ASSERT_IRQL(DISPATCH_LEVEL);
    timer_require(Parameters == NULL || Parameters->NoWakeTolerance >= 0 ||
                      Parameters->NoWakeTolerance == EX_TIMER_UNLIMITED_TOLERANCE,
                  Timer, Parameters == NULL ? 0 : (uint64_t)Parameters->NoWakeTolerance,
                  __builtin_return_address(0));
    timer_require(DueTime < 0 || !Timer->relative_only, Timer, (uint64_t)DueTime,
                  __builtin_return_address(0));
    old = timer_lock(Timer);
    if (!Timer->deleting) {
        was_set = timer_disarm(Timer);
        Timer->period = Period > 0 ? (uint64_t)Period : 0;
        if (Timer->period && Timer->period < TIMER_PERIOD_MIN)
            Timer->period = TIMER_PERIOD_MIN;
        KeSetTimer(&Timer->timer, due, &Timer->expired);
    }
    timer_unlock(Timer, old);
    return was_set;
}
LDR_EXPORT(ExSetTimer);

BOOLEAN NTAPI ExCancelTimer(PEX_TIMER Timer, PEXT_CANCEL_PARAMETERS Parameters)
{
    BOOLEAN was_set = FALSE;
    irql_t old;

    ASSERT_IRQL(DISPATCH_LEVEL);
    UNREFERENCED_PARAMETER(Parameters);
    old = timer_lock(Timer);
    if (!Timer->deleting)
        was_set = timer_disarm(Timer);
    timer_unlock(Timer, old);
    return was_set;
}
LDR_EXPORT(ExCancelTimer);

/*
 * Without Cancel a timer that is set fires once more before it goes. Wait asks for Cancel; it comes
 * back when the callback has run for the last time.
 */
BOOLEAN NTAPI ExDeleteTimer(PEX_TIMER Timer, BOOLEAN Cancel, BOOLEAN Wait,
                            PEXT_DELETE_PARAMETERS Parameters)
{
    BOOLEAN was_set = FALSE;
    bool defer = false;
    KEVENT deleted;
    irql_t old;

    ASSERT_IRQL(Wait ? APC_LEVEL : DISPATCH_LEVEL);
    timer_require(Cancel || !Wait, Timer, Cancel, __builtin_return_address(0));
    KeInitializeEvent(&deleted, NotificationEvent, FALSE);
    old = timer_lock(Timer);
    if (Timer->deleting) {
        timer_unlock(Timer, old);
        return FALSE;
    }
    Timer->deleting = true;
    if (Cancel)
        was_set = timer_disarm(Timer);
    else
        defer = Timer->timer.Header.Inserted;
    Timer->period = 0;
    Timer->finish_on_expiry = defer;
    if (Parameters != NULL)
        Timer->deletion = *Parameters;
    Timer->deleted = Wait ? &deleted : NULL;
    timer_unlock(Timer, old);
    if (!defer)
        KeInsertQueueDpc(&Timer->finish, NULL, NULL);
    if (Wait)
        KeWaitForSingleObject(&deleted, Executive, KernelMode, FALSE, NULL);
    return was_set;
}
LDR_EXPORT(ExDeleteTimer);
