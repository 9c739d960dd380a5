/*
 * io/notification.c - PnP notifications: device interfaces, removal and custom events of a target
 * device.
 *
 * A registration is an object of the list below, in it until its last reference is gone and
 * referenced while it is looked at, so that it can be withdrawn from inside its routine. One thread
 * at a time is in a routine; it may come back to it. Routines run at PASSIVE_LEVEL in the thread
 * that caused the event. Hardware profiles do not change here; such a registration is kept and
 * never called.
 *
 * Owns: registrations. Owns not: interfaces (io/interface.c), when a device goes (pnp/remove.c).
 */
#include "io/notification.h"

#include <lib/bits.h>
#include <lib/bugcheck.h>
#include <lib/export.h>
#include <lib/log.h>
#include <lib/string.h>
#include <nt/bugcodes.h>

#include "io/alloc.h"
#include "io/device.h"
#include "io/driver.h"
#include "io/interface.h"
#include "ke/ob.h"
#include "ke/thread.h"

/* WDK: wdmguid.h. The kernel has them once, here; they differ in one number. */
#define PNP_EVENT_GUID(number)                                                                     \
    {                                                                                              \
        (number), 0x46f0, 0x11d0,                                                                  \
        {                                                                                          \
            0xb0, 0x8f, 0x00, 0x60, 0x97, 0x13, 0x05, 0x3f                                         \
        }                                                                                          \
    }

static const GUID interface_arrival = PNP_EVENT_GUID(0xcb3a4004);
static const GUID interface_removal = PNP_EVENT_GUID(0xcb3a4005);
static const GUID target_guids[] = {
    [IO_TARGET_QUERY_REMOVE] = PNP_EVENT_GUID(0xcb3a4006),
    [IO_TARGET_REMOVE_CANCELLED] = PNP_EVENT_GUID(0xcb3a4007),
    [IO_TARGET_REMOVE_COMPLETE] = PNP_EVENT_GUID(0xcb3a4008),
};

enum { ROUTINE_CHANGED_LEVEL = 0xA }; /* parameter 1 of bug check 0xCA, BC-CA-1 */

/* Legend: (c) constant, (d) database lock, (g) whoever has the gate. */
struct registration {
    struct registration *next;               /* (d) */
    bool withdrawn;                          /* (d) */
    IO_NOTIFICATION_EVENT_CATEGORY category; /* (c) */
    GUID class_guid;                         /* (c) of an interface registration */
    PDEVICE_OBJECT target;                   /* (c) PDO of a target registration, referenced */
    PFILE_OBJECT file;     /* (c) its file as registered; told, not followed or referenced */
    PDRIVER_OBJECT driver; /* (c) referenced */
    PDRIVER_NOTIFICATION_CALLBACK_ROUTINE routine; /* (c) */
    PVOID context;                                 /* (c) */
    KEVENT gate;                                   /* set: nobody is in the routine */
    PKTHREAD inside;                               /* (g) who is, */
    unsigned depth;                                /* (g) so many times */
    bool asked; /* (g) it agreed to a removal that has not come yet */
};

static struct registration *registration_list;

static void registration_destroy(void *object)
{
    struct registration *registration = object;
    struct registration **link = &registration_list;
    KIRQL irql = io_database_acquire();

    while (*link != NULL && *link != registration)
        link = &(*link)->next;
    if (*link != NULL)
        *link = registration->next;
    io_database_release(irql);
    if (registration->target != NULL)
        ob_dereference(registration->target);
    if (registration->driver != NULL)
        ob_dereference(registration->driver);
}

static const struct _OBJECT_TYPE registration_type = {.name = "Notification",
                                                      .destroy = registration_destroy};

static void gate_enter(struct registration *registration)
{
    if (registration->inside != KeGetCurrentThread()) {
        KeWaitForSingleObject(&registration->gate, Executive, KernelMode, FALSE, NULL);
        registration->inside = KeGetCurrentThread();
    }
    registration->depth++;
}

static void gate_leave(struct registration *registration)
{
    if (--registration->depth != 0)
        return;
    registration->inside = NULL;
    KeSetEvent(&registration->gate, IO_NO_INCREMENT, FALSE);
}

/* The routine leaves IRQL and regions as they were: else a bug check (BC-CA-1). */
static NTSTATUS routine_call(struct registration *registration, PVOID event)
{
    uint32_t apc_disable = ke_thread_apc_disable();
    PDRIVER_OBJECT driver = registration->driver;
    NTSTATUS status = registration->routine(event, registration->context);

    if (KeGetCurrentIrql() != PASSIVE_LEVEL || ke_thread_apc_disable() != apc_disable)
        lib_bugcheck(PNP_DETECTED_FATAL_ERROR, ROUTINE_CHANGED_LEVEL, (uint64_t)driver,
                     KeGetCurrentIrql(), ke_thread_apc_disable(), NULL);
    return status;
}

static NTSTATUS registration_call(struct registration *registration, PVOID event)
{
    NTSTATUS status = STATUS_SUCCESS;

    gate_enter(registration);
    if (!registration->withdrawn)
        status = routine_call(registration, event);
    gate_leave(registration);
    return status;
}

/* The caller's reference goes. With `wait` nobody else is in the routine, or will be, on return. */
static void registration_withdraw(struct registration *registration, bool wait)
{
    KIRQL irql = io_database_acquire();

    registration->withdrawn = true;
    io_database_release(irql);
    if (wait) {
        gate_enter(registration);
        gate_leave(registration);
    }
    ob_dereference(registration);
}

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

static void interface_event(struct registration *registration, const GUID *class_guid,
                            PUNICODE_STRING link, BOOLEAN arrival)
{
    DEVICE_INTERFACE_CHANGE_NOTIFICATION event = {.Version = 1, .Size = sizeof(event)};

    event.Event = arrival ? interface_arrival : interface_removal;
    event.InterfaceClassGuid = *class_guid;
    event.SymbolicLinkName = link;
    registration_call(registration, &event);
}

void io_notify_interface(const GUID *class_guid, PUNICODE_STRING link, BOOLEAN arrival)
{
    struct registration *registration = NULL;

    while ((registration = registration_next(registration, class_guid, NULL)) != NULL)
        interface_event(registration, class_guid, link, arrival);
}

/* The interfaces of the class that others have been told of. */
static void interface_events_existing(struct registration *registration)
{
    WCHAR *list = io_interfaces_announced(&registration->class_guid);
    UNICODE_STRING link;

    for (WCHAR *at = list; at != NULL && *at != 0; at += lib_wcslen(at) + 1) {
        RtlInitUnicodeString(&link, at);
        interface_event(registration, &registration->class_guid, &link, TRUE);
    }
    io_free(list);
}

/* ---- A target device goes ------------------------------------------------------------------- */

static NTSTATUS removal_call(struct registration *registration, enum io_target_event event)
{
    TARGET_DEVICE_REMOVAL_NOTIFICATION notification = {
        .Version = 1, .Size = sizeof(notification), .Event = target_guids[event]};
    NTSTATUS status = STATUS_SUCCESS;

    notification.FileObject = registration->file;
    gate_enter(registration);
    if (event != IO_TARGET_REMOVE_CANCELLED || registration->asked) {
        status = registration_call(registration, &notification);
        registration->asked = event == IO_TARGET_QUERY_REMOVE && NT_SUCCESS(status);
    }
    gate_leave(registration);
    return event == IO_TARGET_QUERY_REMOVE ? status : STATUS_SUCCESS;
}

NTSTATUS io_notify_target(PDEVICE_OBJECT pdo, enum io_target_event event)
{
    struct registration *registration = NULL;
    NTSTATUS status = STATUS_SUCCESS;

    while (NT_SUCCESS(status) &&
           (registration = registration_next(registration, NULL, pdo)) != NULL)
        status = removal_call(registration, event);
    if (NT_SUCCESS(status))
        return STATUS_SUCCESS;
    ob_dereference(registration);
    io_notify_target(pdo, IO_TARGET_REMOVE_CANCELLED);
    return status;
}

void io_notify_forget(PDRIVER_OBJECT driver)
{
    for (;;) {
        struct registration *registration;
        KIRQL irql = io_database_acquire();

        registration = registration_list;
        while (registration != NULL && (registration->withdrawn || registration->driver != driver))
            registration = registration->next;
        io_database_release(irql);
        if (registration == NULL)
            return;
        log_warn("io: %s is unloaded with a PnP notification registered",
                 io_driver_of(driver)->name);
        registration_withdraw(registration, true);
    }
}

/* ---- Custom events of a target device, delivered by a work item ----------------------------- */

struct target_event {
    WORK_QUEUE_ITEM item;
    PDEVICE_OBJECT target;
    PTARGET_DEVICE_CUSTOM_NOTIFICATION event;
    PDEVICE_CHANGE_COMPLETE_CALLBACK done;
    PVOID context;
};

/* Each registrant sees the file object that it registered with. */
static void target_events(PDEVICE_OBJECT target, PTARGET_DEVICE_CUSTOM_NOTIFICATION event)
{
    struct registration *registration = NULL;

    while ((registration = registration_next(registration, NULL, target)) != NULL) {
        event->FileObject = registration->file;
        registration_call(registration, event);
    }
    event->FileObject = NULL;
}

/* STATUS_INVALID_DEVICE_REQUEST: the system's own. STATUS_INVALID_PARAMETER: it has no room. */
static NTSTATUS target_event_check(const TARGET_DEVICE_CUSTOM_NOTIFICATION *event)
{
    if (event->Size < FIELD_OFFSET(TARGET_DEVICE_CUSTOM_NOTIFICATION, CustomDataBuffer))
        return STATUS_INVALID_PARAMETER;
    for (unsigned i = 0; i < ARRAY_COUNT(target_guids); i++)
        if (IsEqualGUID(&event->Event, &target_guids[i]))
            return STATUS_INVALID_DEVICE_REQUEST;
    return STATUS_SUCCESS;
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
    PDEVICE_OBJECT target = NULL;
    KIRQL irql;

    *NotificationEntry = NULL;
    if (EventCategory <= EventCategoryReserved || EventCategory > EventCategoryTargetDeviceChange)
        return STATUS_INVALID_PARAMETER;
    if (EventCategory == EventCategoryTargetDeviceChange) {
        target = io_device_bottom(((PFILE_OBJECT)EventCategoryData)->DeviceObject);
        if (!io_device_is_pdo(target))
            return STATUS_INVALID_DEVICE_REQUEST;
    }
    registration = ob_create(&registration_type, sizeof(*registration));
    if (registration == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    KeInitializeEvent(&registration->gate, SynchronizationEvent, TRUE);
    registration->category = EventCategory;
    registration->routine = CallbackRoutine;
    registration->context = Context;
    registration->driver = DriverObject;
    registration->target = target;
    ob_reference(DriverObject);
    if (target != NULL) {
        registration->file = EventCategoryData;
        ob_reference(target);
    } else if (EventCategory == EventCategoryDeviceInterfaceChange) {
        registration->class_guid = *(const GUID *)EventCategoryData;
    }
    ob_reference(registration); /* ours: its routine may withdraw it */
    irql = io_database_acquire();
    registration->next = registration_list;
    registration_list = registration;
    io_database_release(irql);
    *NotificationEntry = registration;
    if (EventCategory == EventCategoryDeviceInterfaceChange &&
        (EventCategoryFlags & PNPNOTIFY_DEVICE_INTERFACE_INCLUDE_EXISTING_INTERFACES) != 0)
        interface_events_existing(registration);
    ob_dereference(registration);
    return STATUS_SUCCESS;
}
LDR_EXPORT(IoRegisterPlugPlayNotification);

NTSTATUS NTAPI IoUnregisterPlugPlayNotificationEx(PVOID NotificationEntry)
{
    registration_withdraw(NotificationEntry, true);
    return STATUS_SUCCESS;
}
LDR_EXPORT(IoUnregisterPlugPlayNotificationEx);

/* The routine may still run when this returns, as its page says. */
NTSTATUS NTAPI IoUnregisterPlugPlayNotification(PVOID NotificationEntry)
{
    registration_withdraw(NotificationEntry, false);
    return STATUS_SUCCESS;
}
LDR_EXPORT(IoUnregisterPlugPlayNotification);

NTSTATUS NTAPI IoReportTargetDeviceChange(PDEVICE_OBJECT PhysicalDeviceObject,
                                          PVOID NotificationStructure)
{
    NTSTATUS status = target_event_check(NotificationStructure);

    if (NT_SUCCESS(status))
        target_events(PhysicalDeviceObject, NotificationStructure);
    return status;
}
LDR_EXPORT(IoReportTargetDeviceChange);

NTSTATUS NTAPI IoReportTargetDeviceChangeAsynchronous(PDEVICE_OBJECT PhysicalDeviceObject,
                                                      PVOID NotificationStructure,
                                                      PDEVICE_CHANGE_COMPLETE_CALLBACK Callback,
                                                      PVOID Context)
{
    PTARGET_DEVICE_CUSTOM_NOTIFICATION event = NotificationStructure;
    struct target_event *request;
    NTSTATUS status = target_event_check(event);

    if (!NT_SUCCESS(status))
        return status;
    request = io_allocate(sizeof(*request), IO_TAG_IO);
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
    return STATUS_SUCCESS;
}
LDR_EXPORT(IoReportTargetDeviceChangeAsynchronous);
