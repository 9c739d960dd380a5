/*
 * ex/callback.c - callback objects: one driver tells others that something happened.
 *
 * Routines run in the order of registration, at the notifier's IRQL, without a lock held. A
 * registration that is being called is busy; who unregisters it waits until it is not, and only
 * then takes it off the list, so that a notification under way finds its next entry.
 *
 * \Callback\SetSystemTime, \Callback\PowerState and \Callback\ProcessorAdd exist from the first
 * time they are asked for. The events they stand for do not occur in this kernel.
 */
#include <hal/hal.h>
#include <lib/assert.h>
#include <lib/export.h>
#include <lib/string.h>

#include "ex/name.h"
#include "ke/lock.h"
#include "ke/ob.h"
#include "mm/pool.h"

#define CALLBACK_TAG MM_TAG("ExCb")

struct _CALLBACK_OBJECT {
    ke_lock_t lock;
    LIST_ENTRY registrations; /* (l) */
    BOOLEAN allow_multiple;   /* (c) */
};

struct callback_registration {
    LIST_ENTRY entry;        /* (l) */
    PCALLBACK_OBJECT object; /* (c) referenced */
    PCALLBACK_FUNCTION function;
    PVOID context;
    ULONG busy;      /* (l) calls under way */
    BOOLEAN leaving; /* (l) being unregistered: no new calls */
    KEVENT idle;     /* set when busy falls to 0 while leaving */
};

static void callback_destroy(void *object)
{
    ex_name_remove(object);
}

static const struct _OBJECT_TYPE callback_type = {.name = "Callback", .destroy = callback_destroy};

static irql_t callback_lock(PCALLBACK_OBJECT object)
{
    irql_t old = hal_irql_raise(DISPATCH_LEVEL);

    ke_lock_acquire(&object->lock);
    return old;
}

static void callback_unlock(PCALLBACK_OBJECT object, irql_t old)
{
    ke_lock_release(&object->lock);
    hal_irql_write(old);
}

static bool is_system_callback(PCUNICODE_STRING name)
{
    static const WCHAR *const known[] = {L"\\Callback\\SetSystemTime", L"\\Callback\\PowerState",
                                         L"\\Callback\\ProcessorAdd"};

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        UNICODE_STRING text;

        RtlInitUnicodeString(&text, known[i]);
        if (RtlEqualUnicodeString(&text, name, TRUE))
            return true;
    }
    return false;
}

static NTSTATUS callback_create(PCUNICODE_STRING name, BOOLEAN allow_multiple,
                                PCALLBACK_OBJECT *object)
{
    PCALLBACK_OBJECT created = ob_create(&callback_type, sizeof *created);
    NTSTATUS status;

    if (created == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    InitializeListHead(&created->registrations);
    created->allow_multiple = allow_multiple;
    status = ex_name_insert(name, created);
    if (!NT_SUCCESS(status)) {
        ob_discard(created);
        return status;
    }
    *object = created;
    return STATUS_SUCCESS;
}

/* WDK surface */

/* STATUS_UNSUCCESSFUL: no name. IRQL <= APC_LEVEL. WDK: ExCreateCallback */
NTSTATUS NTAPI ExCreateCallback(PCALLBACK_OBJECT *CallbackObject,
                                POBJECT_ATTRIBUTES ObjectAttributes, BOOLEAN Create,
                                BOOLEAN AllowMultipleCallbacks)
{
    PCUNICODE_STRING name;
    NTSTATUS status;
    bool system;

    ASSERT_IRQL(APC_LEVEL);
    status = ex_name_of(ObjectAttributes, &name);
    if (!NT_SUCCESS(status))
        return status;
    if (name == NULL)
        return STATUS_UNSUCCESSFUL;
    system = is_system_callback(name);
    do {
        status = ex_name_lookup(name, &callback_type, (void **)CallbackObject);
        if (status != STATUS_OBJECT_NAME_NOT_FOUND || (!Create && !system))
            return status;
        status = callback_create(name, AllowMultipleCallbacks || system, CallbackObject);
    } while (status == STATUS_OBJECT_NAME_COLLISION); /* another was faster: open that */
    if (NT_SUCCESS(status) && (system || ObjectAttributes->Attributes & OBJ_PERMANENT))
        ob_reference(*CallbackObject);
    return status;
}
LDR_EXPORT(ExCreateCallback);

PVOID NTAPI ExRegisterCallback(PCALLBACK_OBJECT CallbackObject, PCALLBACK_FUNCTION CallbackFunction,
                               PVOID CallbackContext)
{
    struct callback_registration *registration;
    bool accepted;
    irql_t old;

    ASSERT_IRQL(APC_LEVEL);
    registration = mm_pool_alloc(sizeof *registration, CALLBACK_TAG);
    if (registration == NULL)
        return NULL;
    registration->object = CallbackObject;
    registration->function = CallbackFunction;
    registration->context = CallbackContext;
    KeInitializeEvent(&registration->idle, NotificationEvent, FALSE);
    ob_reference(CallbackObject);
    old = callback_lock(CallbackObject);
    accepted = CallbackObject->allow_multiple || IsListEmpty(&CallbackObject->registrations);
    if (accepted)
        InsertTailList(&CallbackObject->registrations, &registration->entry);
    callback_unlock(CallbackObject, old);
    if (!accepted) {
        mm_pool_free(registration, CALLBACK_TAG);
        ob_dereference(CallbackObject);
        return NULL;
    }
    return registration;
}
LDR_EXPORT(ExRegisterCallback);

VOID NTAPI ExUnregisterCallback(PVOID CallbackRegistration)
{
    struct callback_registration *registration = CallbackRegistration;
    PCALLBACK_OBJECT object = registration->object;
    irql_t old;

    ASSERT_IRQL(APC_LEVEL);
    old = callback_lock(object);
    registration->leaving = TRUE;
    while (registration->busy) {
        callback_unlock(object, old);
        KeWaitForSingleObject(&registration->idle, Executive, KernelMode, FALSE, NULL);
        old = callback_lock(object);
    }
    RemoveEntryList(&registration->entry);
    callback_unlock(object, old);
    mm_pool_free(registration, CALLBACK_TAG);
    ob_dereference(object);
}
LDR_EXPORT(ExUnregisterCallback);

VOID NTAPI ExNotifyCallback(PVOID CallbackObject, PVOID Argument1, PVOID Argument2)
{
    PCALLBACK_OBJECT object = CallbackObject;
    irql_t old;

    ASSERT_IRQL(DISPATCH_LEVEL);
    old = callback_lock(object);
    for (LIST_ENTRY *e = object->registrations.Flink; e != &object->registrations; e = e->Flink) {
        struct callback_registration *registration =
            CONTAINING_RECORD(e, struct callback_registration, entry);

        if (registration->leaving)
            continue;
        registration->busy++;
        callback_unlock(object, old);
        registration->function(registration->context, Argument1, Argument2);
        old = callback_lock(object);
        if (!--registration->busy && registration->leaving)
            KeSetEvent(&registration->idle, IO_NO_INCREMENT, FALSE);
    }
    callback_unlock(object, old);
}
LDR_EXPORT(ExNotifyCallback);
