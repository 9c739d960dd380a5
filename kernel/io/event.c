/*
 * io/event.c - named events, waiting by handle, object types and objects that drivers refer to by
 * name.
 */
#include <lib/export.h>
#include <lib/string.h>
#include <nt/ntifs.h>

#include "io/alloc.h"
#include "io/driver.h"
#include "io/event.h"
#include "io/name.h"
#include "io/object_types.h"
#include "ke/thread.h"

enum { NAME_TRIES = 3 };

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

struct description {
    const void *object;
    char *text;
    size_t size;
};

static void describe_by(const struct io_name *name, void *context)
{
    struct description *description = context;

    if (name->object == description->object)
        lib_utf8_cut(description->text, description->size, name->path.Buffer,
                     name->path.Length / sizeof(WCHAR));
}

static void event_describe(void *object, char *text, size_t size)
{
    struct description description = {object, text, size};

    io_name_for_each(describe_by, &description);
}

/* WDK: what ACCESS_MASK says of every type, with EVENT_QUERY_STATE and EVENT_MODIFY_STATE. */
static const struct ob_generic_rights event_rights = {
    STANDARD_RIGHTS_READ | EVENT_QUERY_STATE, STANDARD_RIGHTS_WRITE | EVENT_MODIFY_STATE,
    STANDARD_RIGHTS_EXECUTE | SYNCHRONIZE, EVENT_ALL_ACCESS};

const struct _OBJECT_TYPE io_event_type = {.name = "Event",
                                           .close = event_close,
                                           .describe = event_describe,
                                           .generic = &event_rights,
                                           .waitable = true};

NTSTATUS io_event_create(PUNICODE_STRING path, EVENT_TYPE type, BOOLEAN state, void **event)
{
    struct named_event *named = ob_create(&io_event_type, sizeof(*named));
    NTSTATUS status = STATUS_SUCCESS;

    if (named == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    KeInitializeEvent(&named->event, type, state);
    if (path != NULL)
        status = io_name_insert(IO_NAME_EVENT, path, named, NULL, &named->name);
    if (NT_SUCCESS(status))
        *event = named;
    else
        ob_dereference(named);
    return status;
}

/* The event of that name, or a new one; the handle keeps it. */
static PKEVENT event_open(PUNICODE_STRING path, PHANDLE handle, EVENT_TYPE type)
{
    void *named = NULL;
    NTSTATUS status = STATUS_OBJECT_NAME_COLLISION;

    /* Between looking it up and creating it, another may have come. */
    for (int i = 0; i < NAME_TRIES && status == STATUS_OBJECT_NAME_COLLISION; i++) {
        named = io_name_lookup(IO_NAME_EVENT, path);
        status = named != NULL ? STATUS_SUCCESS : io_event_create(path, type, TRUE, &named);
    }
    if (!NT_SUCCESS(status))
        return NULL;
    status = ob_handle_create(named, EVENT_ALL_ACCESS, handle);
    ob_dereference(named);
    return NT_SUCCESS(status) ? named : NULL;
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

NTSTATUS NTAPI ZwWaitForSingleObject(HANDLE Handle, BOOLEAN Alertable, PLARGE_INTEGER Timeout)
{
    NTSTATUS status;
    PVOID object;

    status = ob_handle_reference(Handle, NULL, &object);
    if (!NT_SUCCESS(status))
        return status;
    if (ob_type(object)->waitable)
        status = KeWaitForSingleObject(object, UserRequest, KernelMode, Alertable, Timeout);
    else if (ob_type(object) == &io_file_type)
        status = KeWaitForSingleObject(&((PFILE_OBJECT)object)->Event, UserRequest, KernelMode,
                                       Alertable, Timeout);
    else
        status = STATUS_OBJECT_TYPE_MISMATCH;
    ob_dereference(object);
    return status;
}
LDR_EXPORT(ZwWaitForSingleObject);

NTSTATUS NTAPI ObReferenceObjectByName(PUNICODE_STRING ObjectName, ULONG Attributes,
                                       PVOID AccessState, ACCESS_MASK DesiredAccess,
                                       POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode,
                                       PVOID ParseContext, PVOID *Object)
{
    static const char prefix[] = "\\driver\\";
    char name[IO_DRIVER_NAME_MAX + sizeof(prefix)];
    size_t length;

    UNREFERENCED_PARAMETER(Attributes);
    UNREFERENCED_PARAMETER(AccessState);
    UNREFERENCED_PARAMETER(DesiredAccess);
    UNREFERENCED_PARAMETER(AccessMode);
    UNREFERENCED_PARAMETER(ParseContext);
    *Object = NULL;
    if (ObjectType == &io_device_type)
        return io_name_resolve(ObjectName, (PDEVICE_OBJECT *)Object, NULL, NULL);
    if (ObjectType != &io_driver_type)
        return STATUS_OBJECT_TYPE_MISMATCH;
    length = lib_utf8_from_wide(name, sizeof(name) - 1, ObjectName->Buffer,
                                ObjectName->Length / sizeof(WCHAR));
    if (length >= sizeof(name))
        return STATUS_OBJECT_NAME_NOT_FOUND;
    name[length] = 0;
    if (lib_strnicmp(name, prefix, sizeof(prefix) - 1) == 0)
        *Object = io_driver_find(name + sizeof(prefix) - 1);
    return *Object == NULL ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_SUCCESS;
}
LDR_EXPORT(ObReferenceObjectByName);
