/*
 * io/event_zw.c - events by handle: ZwCreateEvent and its kin.
 *
 * A name is a whole path: no directory can be opened for a RootDirectory.
 */
#include <lib/assert.h>
#include <lib/export.h>
#include <nt/ntifs.h>

#include "io/event.h"
#include "io/name.h"
#include "io/object_types.h"

static NTSTATUS event_of(HANDLE handle, PKEVENT *event)
{
    ASSERT_IRQL(PASSIVE_LEVEL);
    return ob_handle_reference(handle, &io_event_type, (void **)event);
}

/* The handle takes a reference of its own; the caller's goes. */
static NTSTATUS hand_out(void *event, ACCESS_MASK access, PHANDLE handle)
{
    NTSTATUS status = ob_handle_create(event, access, handle);

    ob_dereference(event);
    return status;
}

static bool attributes_are_valid(const OBJECT_ATTRIBUTES *attributes)
{
    return attributes->Length == sizeof(*attributes) &&
           (attributes->Attributes & ~(ULONG)OBJ_VALID_ATTRIBUTES) == 0;
}

/* WDK surface */

/*
 * STATUS_OBJECT_NAME_EXISTS: an event of that name was there, and OBJ_OPENIF was given; its type
 * and state stay. STATUS_INVALID_PARAMETER, _INVALID_PARAMETER_4, _OBJECT_NAME_INVALID,
 * _OBJECT_PATH_SYNTAX_BAD, _OBJECT_PATH_NOT_FOUND, _INSUFFICIENT_RESOURCES; _INVALID_HANDLE,
 * _OBJECT_TYPE_MISMATCH: a RootDirectory. IRQL = PASSIVE_LEVEL. WDK: ZwCreateEvent
 */
NTSTATUS NTAPI ZwCreateEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess,
                             POBJECT_ATTRIBUTES ObjectAttributes, EVENT_TYPE EventType,
                             BOOLEAN InitialState)
{
    PUNICODE_STRING name = ObjectAttributes == NULL ? NULL : ObjectAttributes->ObjectName;
    NTSTATUS status = STATUS_SUCCESS;
    void *event;

    ASSERT_IRQL(PASSIVE_LEVEL);
    if (ObjectAttributes != NULL && !attributes_are_valid(ObjectAttributes))
        return STATUS_INVALID_PARAMETER;
    if (EventType != NotificationEvent && EventType != SynchronizationEvent)
        return STATUS_INVALID_PARAMETER_4;
    if (ObjectAttributes != NULL && ObjectAttributes->RootDirectory != NULL)
        return ob_directory_refuse(ObjectAttributes->RootDirectory);
    if (name != NULL)
        status = io_name_check(name);
    if (NT_SUCCESS(status))
        status = io_event_create(name, EventType, InitialState, &event);
    if (status == STATUS_OBJECT_NAME_COLLISION && ObjectAttributes != NULL &&
        (ObjectAttributes->Attributes & OBJ_OPENIF)) {
        event = io_name_lookup(IO_NAME_EVENT, name);
        if (event == NULL)
            return STATUS_OBJECT_TYPE_MISMATCH;
        status = hand_out(event, DesiredAccess, EventHandle);
        return NT_SUCCESS(status) ? STATUS_OBJECT_NAME_EXISTS : status;
    }
    return NT_SUCCESS(status) ? hand_out(event, DesiredAccess, EventHandle) : status;
}
LDR_EXPORT(ZwCreateEvent);

/*
 * STATUS_INVALID_PARAMETER, _OBJECT_NAME_INVALID, _OBJECT_PATH_SYNTAX_BAD, _OBJECT_PATH_NOT_FOUND,
 * _OBJECT_NAME_NOT_FOUND, _INSUFFICIENT_RESOURCES; for a RootDirectory as ZwCreateEvent.
 * IRQL = PASSIVE_LEVEL. WDK: ZwOpenEvent
 */
NTSTATUS NTAPI ZwOpenEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess,
                           POBJECT_ATTRIBUTES ObjectAttributes)
{
    NTSTATUS status;
    void *event;

    ASSERT_IRQL(PASSIVE_LEVEL);
    if (ObjectAttributes == NULL || ObjectAttributes->ObjectName == NULL ||
        !attributes_are_valid(ObjectAttributes))
        return STATUS_INVALID_PARAMETER;
    if (ObjectAttributes->RootDirectory != NULL)
        return ob_directory_refuse(ObjectAttributes->RootDirectory);
    status = io_name_check(ObjectAttributes->ObjectName);
    if (!NT_SUCCESS(status))
        return status;
    event = io_name_lookup(IO_NAME_EVENT, ObjectAttributes->ObjectName);
    return event == NULL ? STATUS_OBJECT_NAME_NOT_FOUND
                         : hand_out(event, DesiredAccess, EventHandle);
}
LDR_EXPORT(ZwOpenEvent);

/* IRQL = PASSIVE_LEVEL. WDK: ZwSetEvent */
NTSTATUS NTAPI ZwSetEvent(HANDLE EventHandle, PLONG PreviousState)
{
    PKEVENT event;
    NTSTATUS status = event_of(EventHandle, &event);
    LONG previous;

    if (!NT_SUCCESS(status))
        return status;
    previous = KeSetEvent(event, IO_NO_INCREMENT, FALSE);
    ob_dereference(event);
    if (PreviousState != NULL)
        *PreviousState = previous;
    return STATUS_SUCCESS;
}
LDR_EXPORT(ZwSetEvent);

/* IRQL = PASSIVE_LEVEL. */
NTSTATUS NTAPI ZwResetEvent(HANDLE EventHandle, PLONG PreviousState)
{
    PKEVENT event;
    NTSTATUS status = event_of(EventHandle, &event);
    LONG previous;

    if (!NT_SUCCESS(status))
        return status;
    previous = KeResetEvent(event);
    ob_dereference(event);
    if (PreviousState != NULL)
        *PreviousState = previous;
    return STATUS_SUCCESS;
}
LDR_EXPORT(ZwResetEvent);

/* IRQL = PASSIVE_LEVEL. */
NTSTATUS NTAPI ZwClearEvent(HANDLE EventHandle)
{
    return ZwResetEvent(EventHandle, NULL);
}
LDR_EXPORT(ZwClearEvent);
