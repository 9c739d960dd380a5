/*
 * pnp/registry_zw.c - the registry services: handles, and the information classes they fill.
 *
 * A structure that does not fit is filled as far as its fixed part goes, with
 * STATUS_BUFFER_OVERFLOW; a buffer too small for that gets STATUS_BUFFER_TOO_SMALL. ResultLength is
 * always what the whole would need.
 *
 * Owns: Zw*Key. Owns not: the tree (pnp/registry.c), the Rtl short cuts (pnp/registry_rtl.c).
 */
#include <lib/bits.h>
#include <lib/export.h>
#include <lib/string.h>

#include "io/alloc.h"
#include "ke/ob.h"
#include "pnp/registry.h"

static const UNICODE_STRING unnamed; /* a key's default value */

/* The key of a handle, referenced, unless it was deleted: then only ZwClose is left to do. */
static NTSTATUS key_of(HANDLE handle, struct pnp_key **key)
{
    NTSTATUS status = ob_handle_reference(handle, &pnp_key_type, (void **)key);

    if (NT_SUCCESS(status) && pnp_key_is_deleted(*key)) {
        ob_dereference(*key);
        return STATUS_KEY_DELETED;
    }
    return status;
}

NTSTATUS pnp_key_find(struct pnp_key *base, PCUNICODE_STRING path, bool create, bool *created,
                      struct pnp_key **key)
{
    UNICODE_STRING parent_path = *path, name = *path;
    struct pnp_key *parent;

    *key = pnp_key_open(base, path, false, created);
    if (*key != NULL)
        return STATUS_SUCCESS;
    if (!create)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    while (parent_path.Length != 0 &&
           parent_path.Buffer[parent_path.Length / sizeof(WCHAR) - 1] != L'\\')
        parent_path.Length -= sizeof(WCHAR);
    parent = pnp_key_open(base, &parent_path, false, NULL);
    if (parent == NULL)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    name.Buffer += parent_path.Length / sizeof(WCHAR);
    name.Length = name.MaximumLength = (USHORT)(path->Length - parent_path.Length);
    *key = pnp_key_open(parent, &name, true, created);
    ob_dereference(parent);
    return *key == NULL ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS;
}

static NTSTATUS key_find(POBJECT_ATTRIBUTES attributes, bool create, bool *created,
                         struct pnp_key **key)
{
    struct pnp_key *base = NULL;
    NTSTATUS status;

    if (attributes->ObjectName == NULL)
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    if (attributes->RootDirectory != NULL) {
        status = key_of(attributes->RootDirectory, &base);
        if (!NT_SUCCESS(status))
            return status;
    } else if (attributes->ObjectName->Length == 0 || attributes->ObjectName->Buffer[0] != L'\\') {
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    }
    status = pnp_key_find(base, attributes->ObjectName, create, created, key);
    if (base != NULL)
        ob_dereference(base);
    return status;
}

/* The handle takes a reference of its own; the caller's goes. */
static NTSTATUS hand_out(struct pnp_key *key, ACCESS_MASK access, PHANDLE handle)
{
    NTSTATUS status = ob_handle_create(key, access, handle);

    ob_dereference(key);
    return status;
}

void pnp_key_describe(void *key, char *text, size_t size)
{
    UNICODE_STRING path;

    if (!NT_SUCCESS(pnp_key_path(key, &path)))
        return;
    lib_utf8_cut(text, size, path.Buffer, path.Length / sizeof(WCHAR));
    io_free(path.Buffer);
}

/* What a caller's structure takes: a fixed part, then bytes. */
static NTSTATUS fill_end(ULONG room, ULONG fixed, ULONG needed, PULONG result)
{
    *result = needed;
    if (room < fixed)
        return STATUS_BUFFER_TOO_SMALL;
    return room < needed ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

static void fill_bytes(PVOID buffer, ULONG room, ULONG offset, const void *data, ULONG size)
{
    if (offset < room)
        memcpy((PUCHAR)buffer + offset, data, size < room - offset ? size : room - offset);
}

/* ---- Values --------------------------------------------------------------------------------- */

struct value_copy {
    UNICODE_STRING name;
    ULONG type;
    ULONG size;
    void *data; /* io_free() */
};

/* A consistent copy of type and data: the size may change between two looks. */
static NTSTATUS value_read(struct pnp_key *key, PCUNICODE_STRING name, struct value_copy *copy)
{
    NTSTATUS status;
    ULONG size = 0;

    copy->name = *name;
    copy->data = NULL;
    do {
        io_free(copy->data);
        copy->data = io_allocate(size + 1, IO_TAG_REGISTRY);
        if (copy->data == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
        copy->size = size;
        status = pnp_value_get(key, name, &copy->type, copy->data, &copy->size);
        size = copy->size;
    } while (status == STATUS_BUFFER_OVERFLOW);
    if (!NT_SUCCESS(status))
        io_free(copy->data);
    return status;
}

static NTSTATUS value_fill_partial(const struct value_copy *value, PVOID buffer, ULONG room,
                                   bool align, PULONG result)
{
    KEY_VALUE_PARTIAL_INFORMATION info = {.Type = value->type, .DataLength = value->size};
    ULONG fixed = FIELD_OFFSET(KEY_VALUE_PARTIAL_INFORMATION, Data);
    NTSTATUS status;

    if (align) { /* KEY_VALUE_PARTIAL_INFORMATION_ALIGN64: Type, DataLength, Data */
        ULONG head[2] = {value->type, value->size};

        fixed = sizeof(head);
        status = fill_end(room, fixed, fixed + value->size, result);
        if (status != STATUS_BUFFER_TOO_SMALL) {
            memcpy(buffer, head, sizeof(head));
            fill_bytes(buffer, room, fixed, value->data, value->size);
        }
        return status;
    }
    status = fill_end(room, fixed, fixed + value->size, result);
    if (status != STATUS_BUFFER_TOO_SMALL) {
        memcpy(buffer, &info, fixed);
        fill_bytes(buffer, room, fixed, value->data, value->size);
    }
    return status;
}

static NTSTATUS value_fill_full(const struct value_copy *value, PVOID buffer, ULONG room,
                                PULONG result)
{
    ULONG fixed = FIELD_OFFSET(KEY_VALUE_FULL_INFORMATION, Name);
    ULONG data = (ULONG)ALIGN_UP(fixed + value->name.Length, sizeof(ULONG64));
    KEY_VALUE_FULL_INFORMATION info = {.Type = value->type,
                                       .DataOffset = data,
                                       .DataLength = value->size,
                                       .NameLength = value->name.Length};
    NTSTATUS status = fill_end(room, fixed, data + value->size, result);

    if (status != STATUS_BUFFER_TOO_SMALL) {
        memcpy(buffer, &info, fixed);
        fill_bytes(buffer, room, fixed, value->name.Buffer, value->name.Length);
        fill_bytes(buffer, room, data, value->data, value->size);
    }
    return status;
}

static NTSTATUS value_fill_basic(const struct value_copy *value, PVOID buffer, ULONG room,
                                 PULONG result)
{
    ULONG fixed = FIELD_OFFSET(KEY_VALUE_BASIC_INFORMATION, Name);
    KEY_VALUE_BASIC_INFORMATION info = {.Type = value->type, .NameLength = value->name.Length};
    NTSTATUS status = fill_end(room, fixed, fixed + value->name.Length, result);

    if (status != STATUS_BUFFER_TOO_SMALL) {
        memcpy(buffer, &info, fixed);
        fill_bytes(buffer, room, fixed, value->name.Buffer, value->name.Length);
    }
    return status;
}

static NTSTATUS value_fill(struct pnp_key *key, PCUNICODE_STRING name,
                           KEY_VALUE_INFORMATION_CLASS class, PVOID buffer, ULONG room,
                           PULONG result)
{
    struct value_copy value;
    NTSTATUS status = value_read(key, name, &value);

    if (!NT_SUCCESS(status))
        return status;
    switch (class) {
    case KeyValueBasicInformation:
        status = value_fill_basic(&value, buffer, room, result);
        break;
    case KeyValueFullInformation:
    case KeyValueFullInformationAlign64:
        status = value_fill_full(&value, buffer, room, result);
        break;
    case KeyValuePartialInformation:
    case KeyValuePartialInformationAlign64:
        status = value_fill_partial(&value, buffer, room,
                                    class == KeyValuePartialInformationAlign64, result);
        break;
    default:
        status = STATUS_INVALID_PARAMETER;
        break;
    }
    io_free(value.data);
    return status;
}

/* ---- Keys ----------------------------------------------------------------------------------- */

static ULONG child_class_length(struct pnp_key *key, PCUNICODE_STRING name)
{
    struct pnp_key *child = pnp_key_open(key, name, false, NULL);
    ULONG length = child != NULL ? pnp_key_class(child).Length : 0;

    if (child != NULL)
        ob_dereference(child);
    return length;
}

static NTSTATUS key_fill_full(struct pnp_key *key, PVOID buffer, ULONG room, PULONG result)
{
    ULONG fixed = FIELD_OFFSET(KEY_FULL_INFORMATION, Class);
    UNICODE_STRING class = pnp_key_class(key), name;
    KEY_FULL_INFORMATION info = {.LastWriteTime = pnp_key_written(key),
                                 .ClassOffset = class.Length != 0 ? fixed : ~0u,
                                 .ClassLength = class.Length};
    NTSTATUS status;
    ULONG i, size;

    pnp_key_counts(key, &info.SubKeys, &info.Values);
    for (i = 0; pnp_key_child_at(key, i, &name); i++) {
        size = child_class_length(key, &name);
        info.MaxClassLen = size > info.MaxClassLen ? size : info.MaxClassLen;
        info.MaxNameLen = name.Length > info.MaxNameLen ? name.Length : info.MaxNameLen;
    }
    for (i = 0; pnp_value_at(key, i, &name); i++) {
        size = 0;
        pnp_value_get(key, &name, NULL, NULL, &size);
        info.MaxValueNameLen =
            name.Length > info.MaxValueNameLen ? name.Length : info.MaxValueNameLen;
        info.MaxValueDataLen = size > info.MaxValueDataLen ? size : info.MaxValueDataLen;
    }
    status = fill_end(room, fixed, fixed + class.Length, result);
    if (status != STATUS_BUFFER_TOO_SMALL) {
        memcpy(buffer, &info, fixed);
        fill_bytes(buffer, room, fixed, class.Buffer, class.Length);
    }
    return status;
}

/* The name, and behind it the class. */
static NTSTATUS key_fill_node(struct pnp_key *key, PCUNICODE_STRING name, PVOID buffer, ULONG room,
                              PULONG result)
{
    ULONG fixed = FIELD_OFFSET(KEY_NODE_INFORMATION, Name), end = fixed + name->Length;
    UNICODE_STRING class = pnp_key_class(key);
    KEY_NODE_INFORMATION info = {.LastWriteTime = pnp_key_written(key),
                                 .ClassOffset = ~0u,
                                 .ClassLength = class.Length,
                                 .NameLength = name->Length};
    NTSTATUS status;

    if (class.Length != 0) {
        info.ClassOffset = (ULONG)ALIGN_UP(end, sizeof(ULONG));
        end = info.ClassOffset + class.Length;
    }
    status = fill_end(room, fixed, end, result);
    if (status != STATUS_BUFFER_TOO_SMALL) {
        memcpy(buffer, &info, fixed);
        fill_bytes(buffer, room, fixed, name->Buffer, name->Length);
        fill_bytes(buffer, room, info.ClassOffset, class.Buffer, class.Length);
    }
    return status;
}

static NTSTATUS key_fill(struct pnp_key *key, PCUNICODE_STRING name, KEY_INFORMATION_CLASS class,
                         PVOID buffer, ULONG room, PULONG result)
{
    KEY_BASIC_INFORMATION basic = {.LastWriteTime = pnp_key_written(key),
                                   .NameLength = name->Length};
    KEY_NAME_INFORMATION path = {.NameLength = name->Length};
    const void *head = &basic;
    ULONG fixed = FIELD_OFFSET(KEY_BASIC_INFORMATION, Name);
    NTSTATUS status;

    if (class == KeyFullInformation)
        return key_fill_full(key, buffer, room, result);
    if (class == KeyNodeInformation)
        return key_fill_node(key, name, buffer, room, result);
    if (class == KeyNameInformation) {
        head = &path;
        fixed = FIELD_OFFSET(KEY_NAME_INFORMATION, Name);
    } else if (class != KeyBasicInformation) {
        return STATUS_INVALID_PARAMETER;
    }
    status = fill_end(room, fixed, fixed + name->Length, result);
    if (status != STATUS_BUFFER_TOO_SMALL) {
        memcpy(buffer, head, fixed);
        fill_bytes(buffer, room, fixed, name->Buffer, name->Length);
    }
    return status;
}

/* WDK surface */

NTSTATUS NTAPI ZwOpenKey(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess,
                         POBJECT_ATTRIBUTES ObjectAttributes)
{
    struct pnp_key *key;
    NTSTATUS status = key_find(ObjectAttributes, false, NULL, &key);

    return NT_SUCCESS(status) ? hand_out(key, DesiredAccess, KeyHandle) : status;
}
LDR_EXPORT(ZwOpenKey);

NTSTATUS NTAPI ZwCreateKey(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess,
                           POBJECT_ATTRIBUTES ObjectAttributes, ULONG TitleIndex,
                           PUNICODE_STRING Class, ULONG CreateOptions, PULONG Disposition)
{
    bool created = false;
    struct pnp_key *key;
    NTSTATUS status = key_find(ObjectAttributes, true, &created, &key);

    UNREFERENCED_PARAMETER(TitleIndex);
    UNREFERENCED_PARAMETER(CreateOptions); /* no key outlives the boot */
    if (!NT_SUCCESS(status))
        return status;
    if (created && Class != NULL && Class->Length != 0)
        status = pnp_key_set_class(key, Class);
    if (!NT_SUCCESS(status)) {
        pnp_key_delete(key);
        ob_dereference(key);
        return status;
    }
    if (Disposition != NULL)
        *Disposition = created ? REG_CREATED_NEW_KEY : REG_OPENED_EXISTING_KEY;
    return hand_out(key, DesiredAccess, KeyHandle);
}
LDR_EXPORT(ZwCreateKey);

NTSTATUS NTAPI ZwDeleteKey(HANDLE KeyHandle)
{
    struct pnp_key *key;
    NTSTATUS status = key_of(KeyHandle, &key);

    if (!NT_SUCCESS(status))
        return status;
    status = pnp_key_delete(key);
    ob_dereference(key);
    return status;
}
LDR_EXPORT(ZwDeleteKey);

NTSTATUS NTAPI ZwFlushKey(HANDLE KeyHandle)
{
    struct pnp_key *key;
    NTSTATUS status = key_of(KeyHandle, &key);

    if (NT_SUCCESS(status))
        ob_dereference(key); /* the registry lives in memory: nothing is behind */
    return status;
}
LDR_EXPORT(ZwFlushKey);

NTSTATUS NTAPI ZwQueryValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName,
                               KEY_VALUE_INFORMATION_CLASS KeyValueInformationClass,
                               PVOID KeyValueInformation, ULONG Length, PULONG ResultLength)
{
    struct pnp_key *key;
    NTSTATUS status = key_of(KeyHandle, &key);

    if (!NT_SUCCESS(status))
        return status;
    status = value_fill(key, ValueName, KeyValueInformationClass, KeyValueInformation, Length,
                        ResultLength);
    ob_dereference(key);
    return status;
}
LDR_EXPORT(ZwQueryValueKey);

NTSTATUS NTAPI ZwEnumerateValueKey(HANDLE KeyHandle, ULONG Index,
                                   KEY_VALUE_INFORMATION_CLASS KeyValueInformationClass,
                                   PVOID KeyValueInformation, ULONG Length, PULONG ResultLength)
{
    struct pnp_key *key;
    UNICODE_STRING name;
    NTSTATUS status = key_of(KeyHandle, &key);

    if (!NT_SUCCESS(status))
        return status;
    if (pnp_value_at(key, Index, &name))
        status = value_fill(key, &name, KeyValueInformationClass, KeyValueInformation, Length,
                            ResultLength);
    else
        status = STATUS_NO_MORE_ENTRIES;
    ob_dereference(key);
    return status;
}
LDR_EXPORT(ZwEnumerateValueKey);

NTSTATUS NTAPI ZwSetValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName, ULONG TitleIndex,
                             ULONG Type, PVOID Data, ULONG DataSize)
{
    struct pnp_key *key;
    NTSTATUS status = key_of(KeyHandle, &key);

    UNREFERENCED_PARAMETER(TitleIndex);
    if (!NT_SUCCESS(status))
        return status;
    status = pnp_value_set(key, ValueName != NULL ? ValueName : &unnamed, Type, Data, DataSize);
    ob_dereference(key);
    return status;
}
LDR_EXPORT(ZwSetValueKey);

NTSTATUS NTAPI ZwDeleteValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName)
{
    struct pnp_key *key;
    NTSTATUS status = key_of(KeyHandle, &key);

    if (!NT_SUCCESS(status))
        return status;
    status = pnp_value_delete(key, ValueName);
    ob_dereference(key);
    return status;
}
LDR_EXPORT(ZwDeleteValueKey);

NTSTATUS NTAPI ZwQueryKey(HANDLE KeyHandle, KEY_INFORMATION_CLASS KeyInformationClass,
                          PVOID KeyInformation, ULONG Length, PULONG ResultLength)
{
    struct pnp_key *key;
    UNICODE_STRING path = {0};
    NTSTATUS status = key_of(KeyHandle, &key);

    if (!NT_SUCCESS(status))
        return status;
    if (KeyInformationClass == KeyNameInformation)
        status = pnp_key_path(key, &path);
    if (NT_SUCCESS(status))
        status = key_fill(key, path.Buffer == NULL ? pnp_key_name(key) : &path, KeyInformationClass,
                          KeyInformation, Length, ResultLength);
    io_free(path.Buffer);
    ob_dereference(key);
    return status;
}
LDR_EXPORT(ZwQueryKey);

NTSTATUS NTAPI ZwEnumerateKey(HANDLE KeyHandle, ULONG Index,
                              KEY_INFORMATION_CLASS KeyInformationClass, PVOID KeyInformation,
                              ULONG Length, PULONG ResultLength)
{
    struct pnp_key *child = NULL;
    struct pnp_key *key;
    UNICODE_STRING name;
    NTSTATUS status = key_of(KeyHandle, &key);

    if (!NT_SUCCESS(status))
        return status;
    if (pnp_key_child_at(key, Index, &name))
        child = pnp_key_open(key, &name, false, NULL);
    if (child != NULL) {
        status = key_fill(child, pnp_key_name(child), KeyInformationClass, KeyInformation, Length,
                          ResultLength);
        ob_dereference(child);
    } else {
        status = STATUS_NO_MORE_ENTRIES;
    }
    ob_dereference(key);
    return status;
}
LDR_EXPORT(ZwEnumerateKey);
