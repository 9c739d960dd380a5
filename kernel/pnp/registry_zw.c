/*
 * pnp/registry_zw.c - the registry services of keys: handles, and the information classes they fill.
 *
 * A structure that does not fit is filled as far as its fixed part goes, with
 * STATUS_BUFFER_OVERFLOW; a buffer too small for that gets STATUS_BUFFER_TOO_SMALL. ResultLength is
 * always what the whole would need.
 *
 * Owns: Zw*Key but for values. Owns not: those (pnp/registry_value_zw.c), the tree (pnp/registry.c),
 * the Rtl short cuts (pnp/registry_rtl.c).
 */
#include <lib/bits.h>
#include <lib/export.h>
#include <lib/string.h>

#include "io/alloc.h"
#include "ke/ob.h"
#include "pnp/registry_zw.h"

NTSTATUS pnp_key_of_handle(HANDLE handle, struct pnp_key **key)
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
        status = pnp_key_of_handle(attributes->RootDirectory, &base);
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

NTSTATUS pnp_fill_end(ULONG room, ULONG fixed, ULONG needed, PULONG result)
{
    *result = needed;
    if (room < fixed)
        return STATUS_BUFFER_TOO_SMALL;
    return room < needed ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

void pnp_fill_bytes(PVOID buffer, ULONG room, ULONG offset, const void *data, ULONG size)
{
    if (offset < room)
        memcpy((PUCHAR)buffer + offset, data, size < room - offset ? size : room - offset);
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
    status = pnp_fill_end(room, fixed, fixed + class.Length, result);
    if (status != STATUS_BUFFER_TOO_SMALL) {
        memcpy(buffer, &info, fixed);
        pnp_fill_bytes(buffer, room, fixed, class.Buffer, class.Length);
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
    status = pnp_fill_end(room, fixed, end, result);
    if (status != STATUS_BUFFER_TOO_SMALL) {
        memcpy(buffer, &info, fixed);
        pnp_fill_bytes(buffer, room, fixed, name->Buffer, name->Length);
        pnp_fill_bytes(buffer, room, info.ClassOffset, class.Buffer, class.Length);
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
    status = pnp_fill_end(room, fixed, fixed + name->Length, result);
    if (status != STATUS_BUFFER_TOO_SMALL) {
        memcpy(buffer, head, fixed);
        pnp_fill_bytes(buffer, room, fixed, name->Buffer, name->Length);
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
    NTSTATUS status = pnp_key_of_handle(KeyHandle, &key);

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
    NTSTATUS status = pnp_key_of_handle(KeyHandle, &key);

    if (NT_SUCCESS(status))
        ob_dereference(key); /* the registry lives in memory: nothing is behind */
    return status;
}
LDR_EXPORT(ZwFlushKey);

NTSTATUS NTAPI ZwQueryKey(HANDLE KeyHandle, KEY_INFORMATION_CLASS KeyInformationClass,
                          PVOID KeyInformation, ULONG Length, PULONG ResultLength)
{
    struct pnp_key *key;
    UNICODE_STRING path = {0};
    NTSTATUS status = pnp_key_of_handle(KeyHandle, &key);

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
    NTSTATUS status = pnp_key_of_handle(KeyHandle, &key);

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
