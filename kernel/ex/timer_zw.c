/*
 * ex/timer_zw.c - timers by handle: ZwCreateTimer and its kin.
 *
 * A timer object is a KTIMER with an object header, so a handle to it can be waited for. A name
 * goes with the last handle, as every object's without OBJ_PERMANENT. APC routines are refused:
 * this kernel queues no APCs.
 */
#include <hal/hal.h>
#include <lib/assert.h>
#include <lib/export.h>

#include "ex/name.h"
#include "ke/ob.h"

static void timer_close(void *object)
{
    ex_name_remove(object);
    KeCancelTimer(object);
}

static void timer_destroy(void *object)
{
    KeCancelTimer(object);
}

static const struct _OBJECT_TYPE timer_type = {.name = "Timer",
                                               .destroy = timer_destroy,
                                               .close = timer_close,
                                               .describe = ex_name_describe,
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
    timer = ob_create(&timer_type, sizeof(KTIMER));
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
    NTSTATUS status;
    BOOLEAN previous;
    void *timer;

    ASSERT_IRQL(PASSIVE_LEVEL);
    UNREFERENCED_PARAMETER(TimerContext);
    if (Period < 0)
        return STATUS_INVALID_PARAMETER_6;
    if (TimerApcRoutine != NULL)
        return STATUS_NOT_SUPPORTED;
    status = ob_handle_reference(TimerHandle, &timer_type, &timer);
    if (!NT_SUCCESS(status))
        return status;
    previous = KeReadStateTimer(timer);
    KeSetTimerEx(timer, *DueTime, Period, NULL);
    if (PreviousState != NULL)
        *PreviousState = previous;
    ob_dereference(timer);
    /* Nothing sleeps here, so there is nothing to wake: documented as a success code. */
    return ResumeTimer ? STATUS_TIMER_RESUME_IGNORED : STATUS_SUCCESS;
}
LDR_EXPORT(ZwSetTimer);

NTSTATUS NTAPI ZwCancelTimer(HANDLE TimerHandle, PBOOLEAN CurrentState)
{
    NTSTATUS status;
    void *timer;

    ASSERT_IRQL(PASSIVE_LEVEL);
    status = ob_handle_reference(TimerHandle, &timer_type, &timer);
    if (!NT_SUCCESS(status))
        return status;
    KeCancelTimer(timer);
    if (CurrentState != NULL)
        *CurrentState = KeReadStateTimer(timer);
    ob_dereference(timer);
    return STATUS_SUCCESS;
}
LDR_EXPORT(ZwCancelTimer);
