/*
 * io/event.c - named events, the object type of events, object types that drivers refer to.
 */
#include <lib/export.h>

#include "io/alloc.h"
#include "io/name.h"
#include "io/object_types.h"

struct named_event {
    KEVENT event;
    struct io_name *name;
};

static void event_close(void *object)
{
    struct named_event *named = object;
    struct io_name *name = named->name;

    named->name = NULL;
    if (name != NULL)
        io_name_remove(name);
}

const struct _OBJECT_TYPE io_event_type = {.name = "Event", .close = event_close};

/* The event of that name, or a new one; the handle keeps it. */
static PKEVENT event_open(PUNICODE_STRING path, PHANDLE handle, EVENT_TYPE type)
{
    struct named_event *named = io_name_lookup(IO_NAME_EVENT, path);
    NTSTATUS status;

    if (named == NULL) {
        named = ob_create(&io_event_type, sizeof(*named));
        if (named == NULL)
            return NULL;
        KeInitializeEvent(&named->event, type, TRUE);
        status = io_name_insert(IO_NAME_EVENT, path, named, NULL, &named->name);
        if (!NT_SUCCESS(status)) {
            ob_dereference(named);
            return NULL;
        }
    }
    status = ob_handle_create(named, handle);
    ob_dereference(named);
    return NT_SUCCESS(status) ? &named->event : NULL;
}

/* WDK surface */

PKEVENT NTAPI IoCreateNotificationEvent(PUNICODE_STRING EventName, PHANDLE EventHandle)
{
    return event_open(EventName, EventHandle, NotificationEvent);
}
LDR_EXPORT(IoCreateNotificationEvent);

PKEVENT NTAPI IoCreateSynchronizationEvent(PUNICODE_STRING EventName, PHANDLE EventHandle)
{
    return event_open(EventName, EventHandle, SynchronizationEvent);
}
LDR_EXPORT(IoCreateSynchronizationEvent);

static const struct _OBJECT_TYPE *const driver_type_pointer = &io_driver_type;
static const struct _OBJECT_TYPE *const device_type_pointer = &io_device_type;
static const struct _OBJECT_TYPE *const file_type_pointer = &io_file_type;
static const struct _OBJECT_TYPE *const event_type_pointer = &io_event_type;

LDR_EXPORT_AS("IoDriverObjectType", driver_type_pointer);
LDR_EXPORT_AS("IoDeviceObjectType", device_type_pointer);
LDR_EXPORT_AS("IoFileObjectType", file_type_pointer);
LDR_EXPORT_AS("ExEventObjectType", event_type_pointer);
