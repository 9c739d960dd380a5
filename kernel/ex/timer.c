/*
 * ex/timer.c - EX_TIMER, the timer that allocates itself (WDK: ExAllocateTimer).
 *
 * A KTIMER with a DPC. Its resolution is that of all timers here: the clock is armed for the next
 * due time, there is no tick to wait for, so EX_TIMER_HIGH_RESOLUTION asks for what is given anyway.
 */
#include <hal/types.h>
#include <lib/export.h>
#include <nt/wdm.h>

#include "mm/pool.h"

#define TIMER_TAG MM_TAG("ExTm")

enum { UNITS_PER_MS = 10000 }; /* 100 ns units */

struct _EX_TIMER {
    KTIMER timer;
    KDPC dpc;
    PEXT_CALLBACK callback;
    PVOID context;
    WORK_QUEUE_ITEM item; /* deletion without waiting */
    EXT_DELETE_PARAMETERS deletion;
};

static VOID NTAPI timer_expired(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    PEX_TIMER timer = context;

    UNREFERENCED_PARAMETER(dpc);
    UNREFERENCED_PARAMETER(argument1);
    UNREFERENCED_PARAMETER(argument2);
    if (timer->callback != NULL)
        timer->callback(timer, timer->context);
}

/* PASSIVE_LEVEL: the routine may still run on another CPU. */
static VOID NTAPI timer_free(PVOID context)
{
    PEX_TIMER timer = context;

    KeFlushQueuedDpcs();
    if (timer->deletion.DeleteCallback != NULL)
        timer->deletion.DeleteCallback(timer->deletion.DeleteContext);
    mm_pool_free(timer, TIMER_TAG);
}

/* WDK surface */

PEX_TIMER NTAPI ExAllocateTimer(PEXT_CALLBACK Callback, PVOID CallbackContext, ULONG Attributes)
{
    PEX_TIMER timer = mm_pool_alloc(sizeof(*timer), TIMER_TAG);

    if (timer == NULL)
        return NULL;
    KeInitializeTimerEx(&timer->timer, (Attributes & EX_TIMER_NOTIFICATION) != 0
                                           ? NotificationTimer
                                           : SynchronizationTimer);
    KeInitializeDpc(&timer->dpc, timer_expired, timer);
    timer->callback = Callback;
    timer->context = CallbackContext;
    return timer;
}
LDR_EXPORT(ExAllocateTimer);

BOOLEAN NTAPI ExSetTimer(PEX_TIMER Timer, LONGLONG DueTime, LONGLONG Period,
                         PEXT_SET_PARAMETERS Parameters)
{
    LARGE_INTEGER due = {.QuadPart = DueTime};

    UNREFERENCED_PARAMETER(Parameters);
    return KeSetTimerEx(&Timer->timer, due, (LONG)((Period + UNITS_PER_MS - 1) / UNITS_PER_MS),
                        &Timer->dpc);
}
LDR_EXPORT(ExSetTimer);

BOOLEAN NTAPI ExCancelTimer(PEX_TIMER Timer, PEXT_CANCEL_PARAMETERS Parameters)
{
    UNREFERENCED_PARAMETER(Parameters);
    return KeCancelTimer(&Timer->timer);
}
LDR_EXPORT(ExCancelTimer);

BOOLEAN NTAPI ExDeleteTimer(PEX_TIMER Timer, BOOLEAN Cancel, BOOLEAN Wait,
                            PEXT_DELETE_PARAMETERS Parameters)
{
    BOOLEAN was_set = Cancel ? KeCancelTimer(&Timer->timer) : FALSE;

    KeRemoveQueueDpc(&Timer->dpc);
    if (Parameters != NULL)
        Timer->deletion = *Parameters;
    if (Wait) {
        timer_free(Timer);
    } else {
        ExInitializeWorkItem(&Timer->item, timer_free, Timer);
        ExQueueWorkItem(&Timer->item, DelayedWorkQueue);
    }
    return was_set;
}
LDR_EXPORT(ExDeleteTimer);
