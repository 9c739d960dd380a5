/*
 * io/notification.c - PnP notifications: device interfaces, custom events of a target device.
 *
 * A registration is an object of the list below, referenced while its routine runs, so that it can
 * be withdrawn from inside the routine. Routines run at PASSIVE_LEVEL in the thread that caused the
 * event. Hardware profiles do not change here; such a registration is kept and never called.
 *
 * Owns: registrations. Owns not: interfaces (io/interface.c).
 */
#include "io/notification.h"

#include <lib/export.h>
#include <lib/string.h>

#include "io/alloc.h"
#include "io/device.h"
#include "ke/ob.h"

/* WDK: wdmguid.h. The kernel has them once, here. */
static const GUID interface_arrival = {
    0xcb3a4004, 0x46f0, 0x11d0, {0xb0, 0x8f, 0x00, 0x60, 0x97, 0x13, 0x05, 0x3f}};
static const GUID interface_removal = {
    0xcb3a4005, 0x46f0, 0x11d0, {0xb0, 0x8f, 0x00, 0x60, 0x97, 0x13, 0x05, 0x3f}};

/* Legend: (c) constant, (d) database lock. */
struct registration {
    struct registration *next;               /* (d) */
    bool withdrawn;                          /* (d) */
    IO_NOTIFICATION_EVENT_CATEGORY category; /* (c) */
    GUID class_guid;                         /* (c) of an interface registration */
    PDEVICE_OBJECT target;                   /* (c) PDO of a target registration, referenced */
    PDRIVER_OBJECT driver;                   /* (c) referenced */
    PDRIVER_NOTIFICATION_CALLBACK_ROUTINE routine; /* (c) */
    PVOID context;                                 /* (c) */
};

static struct registration *registration_list;

static void registration_destroy(void *object)
{
    struct registration *registration = object;

    if (registration->target != NULL)
        ob_dereference(registration->target);
    if (registration->driver != NULL)
        ob_dereference(registration->driver);
}

static const struct _OBJECT_TYPE registration_type = {.name = "Notification",
                                                      .destroy = registration_destroy};

static bool registration_wants(const struct registration *registration, const GUID *class_guid,
                               PDEVICE_OBJECT target)
{
    if (registration->withdrawn)
        return false;
    if (class_guid != NULL)
        return registration->category == EventCategoryDeviceInterfaceChange &&
               IsEqualGUID(&registration->class_guid, class_guid);
    return registration->category == EventCategoryTargetDeviceChange &&
           registration->target == target;
}

/* The next registration after `previous` that wants the event, referenced; previous is released. */
static struct registration *registration_next(struct registration *previous, const GUID *class_guid,
                                              PDEVICE_OBJECT target)
{
    struct registration *next;
    KIRQL irql = io_database_acquire();

    next = previous == NULL ? registration_list : previous->next;
    while (next != NULL && !registration_wants(next, class_guid, target))
        next = next->next;
    if (next != NULL)
        ob_reference(next);
    io_database_release(irql);
    if (previous != NULL)
        ob_dereference(previous);
    return next;
}

static void interface_event(const struct registration *registration, const GUID *class_guid,
                            PUNICODE_STRING link, BOOLEAN arrival)
{
    DEVICE_INTERFACE_CHANGE_NOTIFICATION event = {.Version = 1, .Size = sizeof(event)};

    event.Event = arrival ? interface_arrival : interface_removal;
    event.InterfaceClassGuid = *class_guid;
    event.SymbolicLinkName = link;
    registration->routine(&event, registration->context);
}

void io_notify_interface(const GUID *class_guid, PUNICODE_STRING link, BOOLEAN arrival)
{
    struct registration *registration = NULL;

    while ((registration = registration_next(registration, class_guid, NULL)) != NULL)
        interface_event(registration, class_guid, link, arrival);
}

/* The interfaces of the class that are enabled already. */
static void interface_events_existing(struct registration *registration)
{
    UNICODE_STRING link;
    PZZWSTR list;
    PWSTR at;

    if (!NT_SUCCESS(IoGetDeviceInterfaces(&registration->class_guid, NULL, 0, &list)))
        return;
    for (at = list; *at != 0; at += lib_wcslen(at) + 1) {
        RtlInitUnicodeString(&link, at);
        interface_event(registration, &registration->class_guid, &link, TRUE);
    }
    io_free(list);
}

/* ---- Custom events of a target device, delivered by a work item ----------------------------- */

struct target_event {
    WORK_QUEUE_ITEM item;
    PDEVICE_OBJECT target;
    PVOID event;
    PDEVICE_CHANGE_COMPLETE_CALLBACK done;
    PVOID context;
};

static void target_events(PDEVICE_OBJECT target, PVOID event)
{
    struct registration *registration = NULL;

    while ((registration = registration_next(registration, NULL, target)) != NULL)
        registration->routine(event, registration->context);
}

static VOID NTAPI target_event_run(PVOID parameter)
{
    struct target_event *request = parameter;

    target_events(request->target, request->event);
    if (request->done != NULL)
        request->done(request->context);
    ob_dereference(request->target);
    io_free(request->event);
    io_free(request);
}

/* WDK surface */

NTSTATUS NTAPI IoRegisterPlugPlayNotification(IO_NOTIFICATION_EVENT_CATEGORY EventCategory,
                                              ULONG EventCategoryFlags, PVOID EventCategoryData,
                                              PDRIVER_OBJECT DriverObject,
                                              PDRIVER_NOTIFICATION_CALLBACK_ROUTINE CallbackRoutine,
                                              PVOID Context, PVOID *NotificationEntry)
{
    struct registration *registration;
    KIRQL irql;

    *NotificationEntry = NULL;
    if (EventCategory <= EventCategoryReserved || EventCategory > EventCategoryTargetDeviceChange)
        return STATUS_INVALID_PARAMETER;
    registration = ob_create(&registration_type, sizeof(*registration));
    if (registration == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    registration->category = EventCategory;
    registration->routine = CallbackRoutine;
    registration->context = Context;
    registration->driver = DriverObject;
    ob_reference(DriverObject);
    if (EventCategory == EventCategoryDeviceInterfaceChange) {
        registration->class_guid = *(const GUID *)EventCategoryData;
    } else if (EventCategory == EventCategoryTargetDeviceChange) {
        PFILE_OBJECT file = EventCategoryData;

        registration->target = io_device_bottom(file->DeviceObject);
        ob_reference(registration->target);
    }
    irql = io_database_acquire();
    registration->next = registration_list;
    registration_list = registration;
    io_database_release(irql);
    *NotificationEntry = registration;
    if (EventCategory == EventCategoryDeviceInterfaceChange &&
        (EventCategoryFlags & PNPNOTIFY_DEVICE_INTERFACE_INCLUDE_EXISTING_INTERFACES) != 0)
        interface_events_existing(registration);
    return STATUS_SUCCESS;
}
LDR_EXPORT(IoRegisterPlugPlayNotification);

NTSTATUS NTAPI IoUnregisterPlugPlayNotificationEx(PVOID NotificationEntry)
{
    struct registration *registration = NotificationEntry;
    struct registration **link;
    KIRQL irql = io_database_acquire();

    registration->withdrawn = true;
    for (link = &registration_list; *link != NULL && *link != registration;)
        link = &(*link)->next;
    if (*link != NULL)
        *link = registration->next;
    io_database_release(irql);
    ob_dereference(registration);
    return STATUS_SUCCESS;
}
LDR_EXPORT(IoUnregisterPlugPlayNotificationEx);

NTSTATUS NTAPI IoUnregisterPlugPlayNotification(PVOID NotificationEntry)
{
    return IoUnregisterPlugPlayNotificationEx(NotificationEntry);
}
LDR_EXPORT(IoUnregisterPlugPlayNotification);

NTSTATUS NTAPI IoReportTargetDeviceChange(PDEVICE_OBJECT PhysicalDeviceObject,
                                          PVOID NotificationStructure)
{
    target_events(PhysicalDeviceObject, NotificationStructure);
    return STATUS_SUCCESS;
}
LDR_EXPORT(IoReportTargetDeviceChange);

NTSTATUS NTAPI IoReportTargetDeviceChangeAsynchronous(PDEVICE_OBJECT PhysicalDeviceObject,
                                                      PVOID NotificationStructure,
                                                      PDEVICE_CHANGE_COMPLETE_CALLBACK Callback,
                                                      PVOID Context)
{
    PTARGET_DEVICE_CUSTOM_NOTIFICATION event = NotificationStructure;
    struct target_event *request = io_allocate(sizeof(*request), IO_TAG_IO);

    if (request == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    request->event = io_allocate(event->Size, IO_TAG_IO);
    if (request->event == NULL) {
        io_free(request);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    memcpy(request->event, event, event->Size);
    request->target = PhysicalDeviceObject;
    request->done = Callback;
    request->context = Context;
    ob_reference(PhysicalDeviceObject);
    ExInitializeWorkItem(&request->item, target_event_run, request);
    ExQueueWorkItem(&request->item, DelayedWorkQueue);
    return STATUS_PENDING;
}
LDR_EXPORT(IoReportTargetDeviceChangeAsynchronous);
