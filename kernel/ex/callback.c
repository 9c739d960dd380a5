/*
 * ex/callback.c - callback objects: named lists of routines to notify.
 *
 * A registration that is being called is pinned by a count; ExUnregisterCallback waits until no
 * notification is inside its routine (WDK: ExUnregisterCallback).
 */
#include <hal/types.h>
#include <lib/export.h>
#include <lib/string.h>
#include <nt/wdm.h>

#include "ke/ob.h"
#include "mm/pool.h"

enum { CALLBACK_NAME_UNITS = 64 };

#define CALLBACK_TAG MM_TAG("CbRg")

struct _CALLBACK_OBJECT {
    struct _CALLBACK_OBJECT *next; /* (l) named ones */
    KSPIN_LOCK lock;
    LIST_ENTRY registrations;      /* (lock) */
    BOOLEAN multiple;
    USHORT name_length;            /* bytes; 0: unnamed */
    WCHAR name[CALLBACK_NAME_UNITS];
};

struct callback_registration {
    LIST_ENTRY link;
    PCALLBACK_OBJECT object; /* referenced */
    PCALLBACK_FUNCTION routine;
    PVOID context;
    ULONG calls;             /* (lock) notifications inside the routine */
    BOOLEAN leaving;         /* (lock) the unregistering thread waits on `idle` */
    KEVENT idle;
};

static const struct _OBJECT_TYPE callback_type = {.name = "Callback"};
static PCALLBACK_OBJECT named_list; /* named objects are permanent */
static KSPIN_LOCK named_lock;

/* Named lock held. */
static PCALLBACK_OBJECT named_find(PUNICODE_STRING name)
{
    PCALLBACK_OBJECT object;

    for (object = named_list; object != NULL; object = object->next) {
        if (object->name_length == name->Length &&
            lib_wcsnicmp(object->name, name->Buffer, name->Length / sizeof(WCHAR)) == 0)
            return object;
    }
    return NULL;
}

static PCALLBACK_OBJECT callback_create(PUNICODE_STRING name, BOOLEAN multiple)
{
    PCALLBACK_OBJECT object = ob_create(&callback_type, sizeof(*object));

    if (object == NULL)
        return NULL;
    InitializeListHead(&object->registrations);
    object->multiple = multiple;
    if (name != NULL) {
        object->name_length = name->Length;
        memcpy(object->name, name->Buffer, name->Length);
    }
    return object;
}

/* WDK surface */

NTSTATUS NTAPI ExCreateCallback(PCALLBACK_OBJECT *CallbackObject,
                                POBJECT_ATTRIBUTES ObjectAttributes, BOOLEAN Create,
                                BOOLEAN AllowMultipleCallbacks)
{
    PUNICODE_STRING name = ObjectAttributes->ObjectName;
    PCALLBACK_OBJECT fresh = NULL;
    PCALLBACK_OBJECT object;
    KIRQL irql;

    *CallbackObject = NULL;
    if (name != NULL && name->Length > CALLBACK_NAME_UNITS * sizeof(WCHAR))
        return STATUS_OBJECT_NAME_INVALID;
    if (Create) {
        fresh = callback_create(name, AllowMultipleCallbacks);
        if (fresh == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
    }
    if (name == NULL) {
        *CallbackObject = fresh;
        return fresh == NULL ? STATUS_UNSUCCESSFUL : STATUS_SUCCESS;
    }
    KeAcquireSpinLock(&named_lock, &irql);
    object = named_find(name);
    if (object == NULL && fresh != NULL) {
        object = fresh;
        fresh = NULL;
        object->next = named_list;
        named_list = object;
    }
    if (object != NULL)
        ob_reference(object);
    KeReleaseSpinLock(&named_lock, irql);
    if (fresh != NULL)
        ob_discard(fresh);
    *CallbackObject = object;
    return object == NULL ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_SUCCESS;
}
LDR_EXPORT(ExCreateCallback);

PVOID NTAPI ExRegisterCallback(PCALLBACK_OBJECT CallbackObject, PCALLBACK_FUNCTION CallbackFunction,
                               PVOID CallbackContext)
{
    struct callback_registration *registration =
        mm_pool_alloc(sizeof(*registration), CALLBACK_TAG);
    BOOLEAN refused;
    KIRQL irql;

    if (registration == NULL)
        return NULL;
    registration->object = CallbackObject;
    registration->routine = CallbackFunction;
    registration->context = CallbackContext;
    KeInitializeEvent(&registration->idle, NotificationEvent, FALSE);
    KeAcquireSpinLock(&CallbackObject->lock, &irql);
    refused = !CallbackObject->multiple && !IsListEmpty(&CallbackObject->registrations);
    if (!refused)
        InsertTailList(&CallbackObject->registrations, &registration->link);
    KeReleaseSpinLock(&CallbackObject->lock, irql);
    if (refused) {
        mm_pool_free(registration, CALLBACK_TAG);
        return NULL;
    }
    ob_reference(CallbackObject);
    return registration;
}
LDR_EXPORT(ExRegisterCallback);

VOID NTAPI ExUnregisterCallback(PVOID CallbackRegistration)
{
    struct callback_registration *registration = CallbackRegistration;
    PCALLBACK_OBJECT object = registration->object;
    BOOLEAN busy;
    KIRQL irql;

    KeAcquireSpinLock(&object->lock, &irql);
    registration->leaving = TRUE;
    busy = registration->calls != 0;
    if (!busy)
        RemoveEntryList(&registration->link);
    KeReleaseSpinLock(&object->lock, irql);
    if (busy) /* the last call out unlinks it */
        KeWaitForSingleObject(&registration->idle, Executive, KernelMode, FALSE, NULL);
    mm_pool_free(registration, CALLBACK_TAG);
    ob_dereference(object);
}
LDR_EXPORT(ExUnregisterCallback);

VOID NTAPI ExNotifyCallback(PVOID CallbackObject, PVOID Argument1, PVOID Argument2)
{
    PCALLBACK_OBJECT object = CallbackObject;
    PLIST_ENTRY link;
    KIRQL irql;

    KeAcquireSpinLock(&object->lock, &irql);
    for (link = object->registrations.Flink; link != &object->registrations;) {
        struct callback_registration *registration =
            CONTAINING_RECORD(link, struct callback_registration, link);

        if (registration->leaving) {
            link = link->Flink;
            continue;
        }
        registration->calls++;
        KeReleaseSpinLock(&object->lock, irql);
        registration->routine(registration->context, Argument1, Argument2);
        KeAcquireSpinLock(&object->lock, &irql);
        link = link->Flink;
        if (--registration->calls == 0 && registration->leaving) {
            RemoveEntryList(&registration->link);
            KeSetEvent(&registration->idle, IO_NO_INCREMENT, FALSE);
        }
    }
    KeReleaseSpinLock(&object->lock, irql);
}
LDR_EXPORT(ExNotifyCallback);
