/*
 * cm/registry_filter_key.c - what registry filters know of keys.
 *
 * A key and its object are one here: a context, and a name that was asked for, last until the last
 * handle of the key is closed (WDK: "Specifying Context Information").
 */
#include "cm/registry_filter_key.h"

#include <lib/export.h>
#include <lib/string.h>

#include "io/alloc.h"
#include "ke/ob.h"
#include "cm/registry_filter.h"

/* A context of a filter's, or (cookie 0) the name. */
struct key_note {
    struct key_note *next; /* (l) */
    void *key;             /* not referenced: the note goes with the key's last handle */
    LONGLONG cookie;
    PVOID context;
    UNICODE_STRING name; /* io_free() its buffer */
};

static KSPIN_LOCK note_lock; /* (l) */
static struct key_note *notes;

/* The lock is held. The link to the note, or to the end of the list. */
static struct key_note **note_find(const void *key, LONGLONG cookie)
{
    struct key_note **link = &notes;

    while (*link != NULL && ((*link)->key != key || (*link)->cookie != cookie))
        link = &(*link)->next;
    return link;
}

PVOID cm_filter_context(const LARGE_INTEGER *cookie, const void *key)
{
    const struct key_note *note;
    PVOID context;
    KIRQL irql;

    KeAcquireSpinLock(&note_lock, &irql);
    note = *note_find(key, cookie->QuadPart);
    context = note != NULL ? note->context : NULL;
    KeReleaseSpinLock(&note_lock, irql);
    return context;
}

/* One note that is of the key, or else of the filter; unlinked. */
static struct key_note *note_take(const void *key, LONGLONG cookie)
{
    struct key_note **link = &notes;
    struct key_note *note;
    KIRQL irql;

    KeAcquireSpinLock(&note_lock, &irql);
    while (*link != NULL && (key != NULL ? (*link)->key != key : (*link)->cookie != cookie))
        link = &(*link)->next;
    note = *link;
    if (note != NULL)
        *link = note->next;
    KeReleaseSpinLock(&note_lock, irql);
    return note;
}

static void notes_end(const void *key, LONGLONG cookie)
{
    struct key_note *note;

    while ((note = note_take(key, cookie)) != NULL) {
        LARGE_INTEGER of = {.QuadPart = note->cookie};

        if (note->cookie != 0)
            cm_filter_cleanup(&of, note->key, note->context);
        io_free(note->name.Buffer);
        io_free(note);
    }
}

void cm_filter_contexts_end(const LARGE_INTEGER *cookie)
{
    notes_end(NULL, cookie->QuadPart);
}

void cm_filter_key_closed(void *key)
{
    notes_end(key, 0);
}

static bool is_key(const void *object)
{
    return mm_pool_owns(object) && ob_type(object) == &cm_key_type;
}

static bool is_known(const LARGE_INTEGER *cookie, const void *object)
{
    return cm_filter_is_registered(cookie) && is_key(object);
}

/* The key's note under that cookie, or the new one. The other is freed. */
static struct key_note *note_add(struct key_note *new)
{
    struct key_note **link;
    struct key_note *note;
    KIRQL irql;

    KeAcquireSpinLock(&note_lock, &irql);
    link = note_find(new->key, new->cookie);
    note = *link;
    if (note == NULL) {
        note = *link = new;
        new = NULL;
    }
    KeReleaseSpinLock(&note_lock, irql);
    if (new != NULL)
        io_free(new->name.Buffer);
    io_free(new);
    return note;
}

/* WDK surface */

/*
 * IRQL <= APC_LEVEL. STATUS_INVALID_PARAMETER: no such filter, or no key.
 * STATUS_INSUFFICIENT_RESOURCES. WDK "CmSetCallbackObjectContext".
 */
NTSTATUS NTAPI CmSetCallbackObjectContext(PVOID Object, PLARGE_INTEGER Cookie, PVOID NewContext,
                                          PVOID *OldContext)
{
    struct key_note *note;

    if (!is_known(Cookie, Object))
        return STATUS_INVALID_PARAMETER;
    note = io_allocate(sizeof(*note), IO_TAG_REGISTRY);
    if (note == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    note->key = Object;
    note->cookie = Cookie->QuadPart;
    note = note_add(note);
    if (OldContext != NULL)
        *OldContext = note->context;
    note->context = NewContext;
    return STATUS_SUCCESS;
}
LDR_EXPORT(CmSetCallbackObjectContext);

/*
 * IRQL <= APC_LEVEL. The name lasts until the key's last handle is closed.
 * STATUS_INVALID_PARAMETER: no such filter, or no key. STATUS_INSUFFICIENT_RESOURCES. WDK
 * "CmCallbackGetKeyObjectID".
 */
NTSTATUS NTAPI CmCallbackGetKeyObjectID(PLARGE_INTEGER Cookie, PVOID Object, PULONG_PTR ObjectID,
                                        PCUNICODE_STRING *ObjectName)
{
    struct key_note *note;
    NTSTATUS status;

    if (!is_known(Cookie, Object))
        return STATUS_INVALID_PARAMETER;
    if (ObjectID != NULL)
        *ObjectID = (ULONG_PTR)Object;
    if (ObjectName == NULL)
        return STATUS_SUCCESS;
    note = io_allocate(sizeof(*note), IO_TAG_REGISTRY);
    if (note == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    note->key = Object;
    status = cm_key_path(Object, &note->name);
    if (NT_SUCCESS(status))
        *ObjectName = &note_add(note)->name;
    else
        io_free(note);
    return status;
}
LDR_EXPORT(CmCallbackGetKeyObjectID);

/*
 * The same, but the name is the caller's until CmCallbackReleaseKeyObjectIDEx. Flags other than 0
 * are STATUS_INVALID_PARAMETER, too. WDK "CmCallbackGetKeyObjectIDEx".
 */
NTSTATUS NTAPI CmCallbackGetKeyObjectIDEx(PLARGE_INTEGER Cookie, PVOID Object, PULONG_PTR ObjectID,
                                          PCUNICODE_STRING *ObjectName, ULONG Flags)
{
    UNICODE_STRING *name;
    NTSTATUS status;

    if (Flags != 0 || !is_known(Cookie, Object))
        return STATUS_INVALID_PARAMETER;
    if (ObjectID != NULL)
        *ObjectID = (ULONG_PTR)Object;
    if (ObjectName == NULL)
        return STATUS_SUCCESS;
    name = io_allocate(sizeof(*name), IO_TAG_REGISTRY);
    if (name == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    status = cm_key_path(Object, name);
    if (NT_SUCCESS(status))
        *ObjectName = name;
    else
        io_free(name);
    return status;
}
LDR_EXPORT(CmCallbackGetKeyObjectIDEx);

/* IRQL <= APC_LEVEL. WDK "CmCallbackReleaseKeyObjectIDEx". */
VOID NTAPI CmCallbackReleaseKeyObjectIDEx(PCUNICODE_STRING ObjectName)
{
    io_free(ObjectName->Buffer);
    io_free((void *)(uintptr_t)ObjectName);
}
LDR_EXPORT(CmCallbackReleaseKeyObjectIDEx);
