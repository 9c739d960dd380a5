/*
 * ex/name.c - one list of names; see name.h.
 *
 * A name does not keep its object alive. A lookup may meet an object whose last reference has just
 * gone and which waits for the lock to take its name away: it counts as not there.
 */
#include "ex/name.h"

#include <lib/string.h>

#include "ke/lock.h"
#include "mm/pool.h"

#define NAME_TAG MM_TAG("ExNm")

struct ex_name {
    LIST_ENTRY entry;
    void *object;
    UNICODE_STRING text; /* characters follow */
};

static LIST_ENTRY names = {&names, &names};
static ke_lock_t names_lock;

static irql_t names_acquire(void)
{
    irql_t old = hal_irql_raise(DISPATCH_LEVEL);

    ke_lock_acquire(&names_lock);
    return old;
}

static void names_release(irql_t old)
{
    ke_lock_release(&names_lock);
    hal_irql_write(old);
}

/* Lock held. */
static struct ex_name *name_find(PCUNICODE_STRING text)
{
    for (LIST_ENTRY *e = names.Flink; e != &names; e = e->Flink) {
        struct ex_name *name = CONTAINING_RECORD(e, struct ex_name, entry);

        if (RtlEqualUnicodeString(&name->text, text, TRUE))
            return name;
    }
    return NULL;
}

NTSTATUS ex_name_of(const OBJECT_ATTRIBUTES *attributes, PCUNICODE_STRING *name)
{
    *name = NULL;
    if (attributes == NULL || attributes->ObjectName == NULL || !attributes->ObjectName->Length)
        return STATUS_SUCCESS;
    if (attributes->RootDirectory != NULL)
        return ob_directory_refuse(attributes->RootDirectory);
    if (attributes->ObjectName->Buffer[0] != u'\\')
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    *name = attributes->ObjectName;
    return STATUS_SUCCESS;
}

/* One reference more, unless the last is gone. */
static bool reference_living(void *object)
{
    struct ob_header *header = (struct ob_header *)object - 1;
    int64_t seen = __atomic_load_n(&header->reference_count, __ATOMIC_RELAXED);

    while (seen > 0) {
        if (__atomic_compare_exchange_n(&header->reference_count, &seen, seen + 1, false,
                                        __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return true;
    }
    return false;
}

NTSTATUS ex_name_lookup(PCUNICODE_STRING text, const struct _OBJECT_TYPE *type, void **object)
{
    NTSTATUS status = STATUS_OBJECT_NAME_NOT_FOUND;
    irql_t old = names_acquire();
    struct ex_name *name = name_find(text);

    if (name != NULL && ob_type(name->object) != type) {
        status = STATUS_OBJECT_TYPE_MISMATCH;
    } else if (name != NULL && reference_living(name->object)) {
        *object = name->object;
        status = STATUS_SUCCESS;
    }
    names_release(old);
    return status;
}

NTSTATUS ex_name_insert(PCUNICODE_STRING text, void *object)
{
    struct ex_name *name = mm_pool_alloc(sizeof *name + text->Length, NAME_TAG);
    NTSTATUS status = STATUS_SUCCESS;
    irql_t old;

    if (name == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    name->object = object;
    name->text.Buffer = (PWCH)(name + 1);
    name->text.Length = name->text.MaximumLength = text->Length;
    memcpy(name->text.Buffer, text->Buffer, text->Length);
    old = names_acquire();
    if (name_find(text) != NULL)
        status = STATUS_OBJECT_NAME_COLLISION;
    else
        InsertTailList(&names, &name->entry);
    names_release(old);
    if (!NT_SUCCESS(status))
        mm_pool_free(name, NAME_TAG);
    return status;
}

/* Lock held. */
static struct ex_name *name_of(const void *object)
{
    for (LIST_ENTRY *e = names.Flink; e != &names; e = e->Flink) {
        struct ex_name *name = CONTAINING_RECORD(e, struct ex_name, entry);

        if (name->object == object)
            return name;
    }
    return NULL;
}

void ex_name_describe(void *object, char *text, size_t size)
{
    irql_t old = names_acquire();
    const struct ex_name *name = name_of(object);

    if (name != NULL)
        lib_utf8_cut(text, size, name->text.Buffer, name->text.Length / sizeof(WCHAR));
    names_release(old);
}

void ex_name_remove(const void *object)
{
    irql_t old = names_acquire();
    struct ex_name *found = name_of(object);

    if (found != NULL)
        RemoveEntryList(&found->entry);
    names_release(old);
    if (found != NULL)
        mm_pool_free(found, NAME_TAG);
}
