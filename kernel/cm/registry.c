/*
 * cm/registry.c - the tree of keys and values.
 *
 * Children and values are short lists in order of creation. One spin lock guards the tree; it is
 * held for a walk or a copy, never across an allocation that is not nonpaged. A key stays in memory
 * while it is linked or referenced: a deleted key is unlinked at once and freed with its last
 * reference. A value is one block; replacing it swaps the block.
 *
 * Owns: the tree. Owns not: what pnp writes into it (pnp/inf_apply.c, pnp/enumerate.c), handles and
 * information classes (cm/registry_zw.c).
 */
#include "cm/registry.h"

#include <lib/string.h>

#include "io/alloc.h"
#include "ke/ob.h"
#include "cm/registry_filter.h"

struct cm_value {
    struct cm_value *next;
    ULONG type;
    ULONG size;
    bool kept;           /* INFs leave it as it is */
    UNICODE_STRING name; /* the buffer follows the data */
    uint8_t data[];
};

/* Legend: (c) constant, (l) registry lock. */
struct cm_key {
    struct cm_key *parent;      /* (l) referenced; NULL for the root and deleted keys */
    struct cm_key *first_child; /* (l) each child is referenced by this list */
    struct cm_key *next;        /* (l) sibling */
    struct cm_value *values;    /* (l) */
    UNICODE_STRING name;        /* (c) the buffer follows the key */
    UNICODE_STRING class;       /* (l) Length 0: none; once set it stays */
    LARGE_INTEGER written;      /* (l) when it, or a value or child of it, came or went */
    bool deleted;               /* (l) */
};

static KSPIN_LOCK registry_lock;
static struct cm_key *registry_root;

static const UNICODE_STRING control_set_alias = RTL_CONSTANT_STRING(L"ControlSet001");
static const UNICODE_STRING control_set_name = RTL_CONSTANT_STRING(L"CurrentControlSet");

static void key_destroy(void *object)
{
    struct cm_key *key = object;

    while (key->values != NULL) {
        struct cm_value *value = key->values;

        key->values = value->next;
        io_free(value);
    }
    io_free(key->class.Buffer);
}

static const struct ob_generic_rights key_rights = {KEY_READ, KEY_WRITE, KEY_EXECUTE,
                                                    KEY_ALL_ACCESS};

const struct _OBJECT_TYPE cm_key_type = {.name = "Key",
                                         .destroy = key_destroy,
                                         .close = cm_filter_key_closed,
                                         .close_handle = cm_filter_close_handle,
                                         .describe = cm_key_describe,
                                         .generic = &key_rights};

static bool names_equal(PCUNICODE_STRING left, PCUNICODE_STRING right)
{
    size_t i;

    if (left->Length != right->Length)
        return false;
    for (i = 0; i < left->Length / sizeof(WCHAR); i++)
        if (lib_wide_upcase(left->Buffer[i]) != lib_wide_upcase(right->Buffer[i]))
            return false;
    return true;
}

static struct cm_key *key_create(PCUNICODE_STRING name)
{
    struct cm_key *key = ob_create(&cm_key_type, sizeof(*key) + name->Length + sizeof(WCHAR));

    if (key == NULL)
        return NULL;
    key->name.Buffer = (WCHAR *)(key + 1);
    key->name.Length = name->Length;
    key->name.MaximumLength = name->Length + sizeof(WCHAR);
    memcpy(key->name.Buffer, name->Buffer, name->Length);
    KeQuerySystemTime(&key->written);
    return key;
}

/* Registry lock held. */
static struct cm_key *key_child(struct cm_key *key, PCUNICODE_STRING name)
{
    struct cm_key *child;

    if (names_equal(name, &control_set_alias))
        name = &control_set_name;
    for (child = key->first_child; child != NULL; child = child->next)
        if (names_equal(&child->name, name))
            return child;
    return NULL;
}

/* The child with a reference of the caller's; made if it is missing. */
static struct cm_key *key_child_open(struct cm_key *key, PCUNICODE_STRING name, bool create,
                                     bool *created)
{
    struct cm_key *fresh = create ? key_create(name) : NULL;
    struct cm_key **link;
    struct cm_key *child;
    KIRQL irql;

    KeAcquireSpinLock(&registry_lock, &irql);
    child = key->deleted ? NULL : key_child(key, name);
    *created = child == NULL && fresh != NULL && !key->deleted;
    if (*created) {
        for (link = &key->first_child; *link != NULL;)
            link = &(*link)->next;
        *link = fresh; /* the list has the creation reference */
        key->written = fresh->written;
        fresh->parent = key;
        ob_reference(key);
        child = fresh;
        fresh = NULL;
    }
    if (child != NULL)
        ob_reference(child);
    KeReleaseSpinLock(&registry_lock, irql);
    if (fresh != NULL)
        ob_dereference(fresh);
    return child;
}

struct cm_key *cm_key_open(struct cm_key *base, PCUNICODE_STRING path, bool create, bool *created)
{
    struct cm_key *key = base == NULL ? registry_root : base;
    size_t units = path->Length / sizeof(WCHAR);
    bool fresh = false;
    size_t start = 0;

    ob_reference(key);
    while (start < units) {
        UNICODE_STRING name = {.Buffer = path->Buffer + start};
        struct cm_key *child;
        size_t end = start;

        while (end < units && path->Buffer[end] != L'\\')
            end++;
        name.Length = name.MaximumLength = (USHORT)((end - start) * sizeof(WCHAR));
        start = end + 1;
        if (name.Length == 0)
            continue;
        child = key_child_open(key, &name, false, &fresh);
        if (child == NULL && create)
            child = key_child_open(key, &name, true, &fresh);
        ob_dereference(key);
        if (child == NULL)
            return NULL;
        key = child;
    }
    if (created != NULL)
        *created = fresh;
    return key;
}

NTSTATUS cm_key_delete(struct cm_key *key)
{
    struct cm_key *parent = NULL;
    struct cm_key **link;
    NTSTATUS status = STATUS_SUCCESS;
    KIRQL irql;

    KeAcquireSpinLock(&registry_lock, &irql);
    if (key->first_child != NULL || key->parent == NULL) {
        status = key->deleted ? STATUS_KEY_DELETED : STATUS_CANNOT_DELETE;
    } else {
        parent = key->parent;
        for (link = &parent->first_child; *link != key;)
            link = &(*link)->next;
        *link = key->next;
        KeQuerySystemTime(&parent->written);
        key->parent = NULL;
        key->deleted = true;
    }
    KeReleaseSpinLock(&registry_lock, irql);
    if (parent != NULL) {
        ob_dereference(parent);
        ob_dereference(key); /* the list's */
    }
    return status;
}

bool cm_key_is_deleted(struct cm_key *key)
{
    KIRQL irql;
    bool deleted;

    KeAcquireSpinLock(&registry_lock, &irql);
    deleted = key->deleted;
    KeReleaseSpinLock(&registry_lock, irql);
    return deleted;
}

NTSTATUS cm_key_set_class(struct cm_key *key, PCUNICODE_STRING class)
{
    WCHAR *text = io_allocate(class->Length + sizeof(WCHAR), IO_TAG_REGISTRY);
    KIRQL irql;

    if (text == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    memcpy(text, class->Buffer, class->Length);
    KeAcquireSpinLock(&registry_lock, &irql);
    if (key->class.Buffer == NULL) {
        key->class = (UNICODE_STRING){class->Length, class->Length, text};
        text = NULL;
    }
    KeReleaseSpinLock(&registry_lock, irql);
    io_free(text);
    return STATUS_SUCCESS;
}

LARGE_INTEGER cm_key_written(struct cm_key *key)
{
    LARGE_INTEGER written;
    KIRQL irql;

    KeAcquireSpinLock(&registry_lock, &irql);
    written = key->written;
    KeReleaseSpinLock(&registry_lock, irql);
    return written;
}

UNICODE_STRING cm_key_class(struct cm_key *key)
{
    UNICODE_STRING class;
    KIRQL irql;

    KeAcquireSpinLock(&registry_lock, &irql);
    class = key->class;
    KeReleaseSpinLock(&registry_lock, irql);
    return class;
}

/* ---- Values --------------------------------------------------------------------------------- */

/* Registry lock held: the link that points to the value, or to the end of the list. */
static struct cm_value **value_link(struct cm_key *key, PCUNICODE_STRING name)
{
    struct cm_value **link = &key->values;

    while (*link != NULL && !names_equal(&(*link)->name, name))
        link = &(*link)->next;
    return link;
}

NTSTATUS cm_value_set(struct cm_key *key, PCUNICODE_STRING name, ULONG type, const void *data,
                      ULONG size)
{
    size_t name_offset = (sizeof(struct cm_value) + size + 1) & ~(size_t)1;
    struct cm_value *value = io_allocate(name_offset + name->Length, IO_TAG_REGISTRY);
    struct cm_value *old = NULL;
    struct cm_value **link;
    bool deleted;
    KIRQL irql;

    if (value == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    value->type = type;
    value->size = size;
    value->kept = false;
    memcpy(value->data, data, size);
    value->name.Buffer = (WCHAR *)(void *)((char *)value + name_offset);
    value->name.Length = value->name.MaximumLength = name->Length;
    memcpy(value->name.Buffer, name->Buffer, name->Length);

    KeAcquireSpinLock(&registry_lock, &irql);
    deleted = key->deleted;
    if (!deleted) {
        link = value_link(key, name);
        old = *link;
        if (old != NULL)
            value->next = old->next;
        *link = value;
        KeQuerySystemTime(&key->written);
    }
    KeReleaseSpinLock(&registry_lock, irql);
    io_free(deleted ? value : old);
    return deleted ? STATUS_KEY_DELETED : STATUS_SUCCESS;
}

NTSTATUS cm_value_get(struct cm_key *key, PCUNICODE_STRING name, ULONG *type, void *data,
                      ULONG *size)
{
    NTSTATUS status = STATUS_OBJECT_NAME_NOT_FOUND;
    struct cm_value *value;
    ULONG room = *size;
    KIRQL irql;

    *size = 0;
    KeAcquireSpinLock(&registry_lock, &irql);
    value = *value_link(key, name);
    if (value != NULL) {
        *size = value->size;
        if (type != NULL)
            *type = value->type;
        memcpy(data, value->data, value->size < room ? value->size : room);
        status = value->size > room ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
    }
    KeReleaseSpinLock(&registry_lock, irql);
    return status;
}

void cm_value_keep(struct cm_key *key, PCUNICODE_STRING name)
{
    struct cm_value *value;
    KIRQL irql;

    KeAcquireSpinLock(&registry_lock, &irql);
    value = *value_link(key, name);
    if (value != NULL)
        value->kept = true;
    KeReleaseSpinLock(&registry_lock, irql);
}

bool cm_value_is_kept(struct cm_key *key, PCUNICODE_STRING name)
{
    const struct cm_value *value;
    bool kept;
    KIRQL irql;

    KeAcquireSpinLock(&registry_lock, &irql);
    value = *value_link(key, name);
    kept = value != NULL && value->kept;
    KeReleaseSpinLock(&registry_lock, irql);
    return kept;
}

NTSTATUS cm_value_delete(struct cm_key *key, PCUNICODE_STRING name)
{
    struct cm_value **link;
    struct cm_value *value;
    KIRQL irql;

    KeAcquireSpinLock(&registry_lock, &irql);
    link = value_link(key, name);
    value = *link;
    if (value != NULL) {
        *link = value->next;
        KeQuerySystemTime(&key->written);
    }
    KeReleaseSpinLock(&registry_lock, irql);
    io_free(value);
    return value == NULL ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_SUCCESS;
}

/* ---- Enumeration ---------------------------------------------------------------------------- */

bool cm_key_child_at(struct cm_key *key, ULONG index, UNICODE_STRING *name)
{
    struct cm_key *child;
    KIRQL irql;

    KeAcquireSpinLock(&registry_lock, &irql);
    for (child = key->first_child; child != NULL && index != 0; index--)
        child = child->next;
    if (child != NULL)
        *name = child->name;
    KeReleaseSpinLock(&registry_lock, irql);
    return child != NULL;
}

bool cm_value_at(struct cm_key *key, ULONG index, UNICODE_STRING *name)
{
    struct cm_value *value;
    KIRQL irql;

    KeAcquireSpinLock(&registry_lock, &irql);
    for (value = key->values; value != NULL && index != 0; index--)
        value = value->next;
    if (value != NULL)
        *name = value->name;
    KeReleaseSpinLock(&registry_lock, irql);
    return value != NULL;
}

void cm_key_counts(struct cm_key *key, ULONG *children, ULONG *values)
{
    struct cm_value *value;
    struct cm_key *child;
    KIRQL irql;

    *children = *values = 0;
    KeAcquireSpinLock(&registry_lock, &irql);
    for (child = key->first_child; child != NULL; child = child->next)
        (*children)++;
    for (value = key->values; value != NULL; value = value->next)
        (*values)++;
    KeReleaseSpinLock(&registry_lock, irql);
}

PCUNICODE_STRING cm_key_name(struct cm_key *key)
{
    return &key->name;
}

bool cm_key_is_trusted(struct cm_key *key)
{
    static const UNICODE_STRING machine = RTL_CONSTANT_STRING(L"Machine");
    static const UNICODE_STRING hives[] = {
        RTL_CONSTANT_STRING(L"Hardware"), RTL_CONSTANT_STRING(L"Software"),
        RTL_CONSTANT_STRING(L"System"), RTL_CONSTANT_STRING(L"Security"),
        RTL_CONSTANT_STRING(L"Sam")};
    struct cm_key *walk, *hive = NULL, *user_or_machine = NULL, *top = NULL;
    bool trusted;
    KIRQL irql;

    KeAcquireSpinLock(&registry_lock, &irql);
    for (walk = key; walk != NULL && walk != registry_root; walk = walk->parent) {
        hive = user_or_machine;
        user_or_machine = top;
        top = walk;
    }
    trusted = hive == NULL; /* a deleted key, or above all hives */
    for (size_t i = 0; !trusted && i < sizeof(hives) / sizeof(hives[0]); i++)
        trusted =
            names_equal(&user_or_machine->name, &machine) && names_equal(&hive->name, &hives[i]);
    KeReleaseSpinLock(&registry_lock, irql);
    return trusted;
}

NTSTATUS cm_key_path(struct cm_key *key, UNICODE_STRING *path)
{
    enum { PATH_BYTES = 2048 };
    size_t at = PATH_BYTES / sizeof(WCHAR);
    struct cm_key *walk;
    WCHAR *units;
    KIRQL irql;

    units = io_allocate(PATH_BYTES, IO_TAG_REGISTRY);
    if (units == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    KeAcquireSpinLock(&registry_lock, &irql);
    for (walk = key; walk != NULL && walk != registry_root; walk = walk->parent) {
        size_t length = walk->name.Length / sizeof(WCHAR);

        if (at < length + 2)
            break;
        at -= length;
        memcpy(units + at, walk->name.Buffer, walk->name.Length);
        units[--at] = L'\\';
    }
    KeReleaseSpinLock(&registry_lock, irql);
    path->Length = (USHORT)(PATH_BYTES - at * sizeof(WCHAR));
    memmove(units, units + at, path->Length);
    path->Buffer = units;
    path->MaximumLength = PATH_BYTES;
    return STATUS_SUCCESS;
}

void cm_registry_init(void)
{
    static const UNICODE_STRING empty;
    static const char *const keys[] = {CM_REGISTRY_SERVICES, CM_REGISTRY_ENUM, CM_REGISTRY_CLASS,
                                       "\\Registry\\Machine\\Hardware",
                                       "\\Registry\\Machine\\Software"};
    size_t i;

    registry_root = key_create(&empty);
    for (i = 0; registry_root != NULL && i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct cm_key *key = cm_key_open_text(NULL, keys[i], true);

        if (key != NULL)
            ob_dereference(key);
    }
}
