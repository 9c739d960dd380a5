/*
 * cm/registry_zw.c - the registry services of keys: handles, and the information that they give.
 *
 * A structure that does not fit is filled as far as its fixed part goes, with
 * STATUS_BUFFER_OVERFLOW; a buffer too small for that gets STATUS_BUFFER_TOO_SMALL. ResultLength is
 * always what the whole would need.
 *
 * Owns: Zw*Key but for values. Owns not: those (cm/registry_value_zw.c), the tree
 * (cm/registry.c), the Rtl short cuts (cm/registry_rtl.c).
 */
#include <lib/bits.h>
#include <lib/export.h>
#include <lib/string.h>

#include "io/alloc.h"
#include "ke/ob.h"
#include "cm/registry_zw.h"

NTSTATUS cm_key_of_handle(HANDLE handle, struct cm_key **key)
{
    NTSTATUS status = ob_handle_reference(handle, &cm_key_type, (void **)key);

    if (NT_SUCCESS(status) && cm_key_is_deleted(*key)) {
        ob_dereference(*key);
        return STATUS_KEY_DELETED;
    }
    return status;
}

NTSTATUS cm_key_find(struct cm_key *base, PCUNICODE_STRING path, bool create, bool *created,
                     struct cm_key **key)
{
    UNICODE_STRING parent_path = *path, name = *path;
    struct cm_key *parent;

    *key = cm_key_open(base, path, false, created);
    if (*key != NULL)
        return STATUS_SUCCESS;
    if (!create)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    while (parent_path.Length != 0 &&
           parent_path.Buffer[parent_path.Length / sizeof(WCHAR) - 1] != L'\\')
        parent_path.Length -= sizeof(WCHAR);
    parent = cm_key_open(base, &parent_path, false, NULL);
    if (parent == NULL)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    name.Buffer += parent_path.Length / sizeof(WCHAR);
    name.Length = name.MaximumLength = (USHORT)(path->Length - parent_path.Length);
    *key = cm_key_open(parent, &name, true, created);
    ob_dereference(parent);
    return *key == NULL ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS;
}

static NTSTATUS key_find(POBJECT_ATTRIBUTES attributes, bool create, bool *created,
                         struct cm_key **key)
{
    struct cm_key *base = NULL;
    NTSTATUS status;

    if (attributes->ObjectName == NULL)
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    if (attributes->RootDirectory != NULL) {
        status = cm_key_of_handle(attributes->RootDirectory, &base);
        if (!NT_SUCCESS(status))
            return status;
    } else if (attributes->ObjectName->Length == 0 || attributes->ObjectName->Buffer[0] != L'\\') {
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    }
    status = cm_key_find(base, attributes->ObjectName, create, created, key);
    if (base != NULL)
        ob_dereference(base);
    return status;
}

/* The handle takes a reference of its own; the caller's goes. */
static NTSTATUS hand_out(struct cm_key *key, ACCESS_MASK access, PHANDLE handle)
{
    NTSTATUS status = ob_handle_create(key, access, handle);

    ob_dereference(key);
    return status;
}

void cm_key_describe(void *key, char *text, size_t size)
{
    UNICODE_STRING path;

    if (!NT_SUCCESS(cm_key_path(key, &path)))
        return;
    lib_utf8_cut(text, size, path.Buffer, path.Length / sizeof(WCHAR));
    io_free(path.Buffer);
}

NTSTATUS cm_fill_end(ULONG room, ULONG fixed, ULONG needed, PULONG result)
{
    *result = needed;
    if (room < fixed)
        return STATUS_BUFFER_TOO_SMALL;
    return room < needed ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

void cm_fill_bytes(PVOID buffer, ULONG room, ULONG offset, const void *data, ULONG size)
{
    if (offset < room)
        memcpy((PUCHAR)buffer + offset, data, size < room - offset ? size : room - offset);
}

/* ---- Keys ----------------------------------------------------------------------------------- */

static ULONG child_class_length(struct cm_key *key, PCUNICODE_STRING name)
{
    struct cm_key *child = cm_key_open(key, name, false, NULL);
    ULONG length = child != NULL ? cm_key_class(child).Length : 0;

    if (child != NULL)
        ob_dereference(child);
    return length;
}

/* What the key has, and the longest of each. */
static void key_measure(struct cm_key *key, KEY_FULL_INFORMATION *info)
{
    UNICODE_STRING name;
    ULONG i, size;

    cm_key_counts(key, &info->SubKeys, &info->Values);
    for (i = 0; cm_key_child_at(key, i, &name); i++) {
        size = child_class_length(key, &name);
        info->MaxClassLen = size > info->MaxClassLen ? size : info->MaxClassLen;
        info->MaxNameLen = name.Length > info->MaxNameLen ? name.Length : info->MaxNameLen;
    }
    for (i = 0; cm_value_at(key, i, &name); i++) {
        size = 0;
        cm_value_get(key, &name, NULL, NULL, &size);
        info->MaxValueNameLen =
            name.Length > info->MaxValueNameLen ? name.Length : info->MaxValueNameLen;
        info->MaxValueDataLen = size > info->MaxValueDataLen ? size : info->MaxValueDataLen;
    }
}

static NTSTATUS key_fill_full(struct cm_key *key, PVOID buffer, ULONG room, PULONG result)
{
    ULONG fixed = FIELD_OFFSET(KEY_FULL_INFORMATION, Class);
    UNICODE_STRING class = cm_key_class(key);
    KEY_FULL_INFORMATION info = {.LastWriteTime = cm_key_written(key),
                                 .ClassOffset = class.Length != 0 ? fixed : ~0u,
                                 .ClassLength = class.Length};
    NTSTATUS status;

    key_measure(key, &info);
    status = cm_fill_end(room, fixed, fixed + class.Length, result);
    if (status != STATUS_BUFFER_TOO_SMALL) {
        memcpy(buffer, &info, fixed);
        cm_fill_bytes(buffer, room, fixed, class.Buffer, class.Length);
    }
    return status;
}

static NTSTATUS key_fill_cached(struct cm_key *key, PVOID buffer, ULONG room, PULONG result)
{
    KEY_FULL_INFORMATION full = {0};
    KEY_CACHED_INFORMATION info = {.LastWriteTime = cm_key_written(key),
                                   .NameLength = cm_key_name(key)->Length};
    NTSTATUS status = cm_fill_end(room, sizeof(info), sizeof(info), result);

    key_measure(key, &full);
    info.SubKeys = full.SubKeys;
    info.MaxNameLen = full.MaxNameLen;
    info.Values = full.Values;
    info.MaxValueNameLen = full.MaxValueNameLen;
    info.MaxValueDataLen = full.MaxValueDataLen;
    if (NT_SUCCESS(status))
        memcpy(buffer, &info, sizeof(info));
    return status;
}

/* Keys are virtual for programs in user mode only. */
static NTSTATUS key_fill_virtual(PVOID buffer, ULONG room, PULONG result)
{
    ULONG size = sizeof(KEY_VIRTUALIZATION_INFORMATION);
    NTSTATUS status = cm_fill_end(room, size, size, result);

    if (NT_SUCCESS(status))
        memset(buffer, 0, size);
    return status;
}

/* The name, and behind it the class. */
static NTSTATUS key_fill_node(struct cm_key *key, PCUNICODE_STRING name, PVOID buffer, ULONG room,
                              PULONG result)
{
    ULONG fixed = FIELD_OFFSET(KEY_NODE_INFORMATION, Name), end = fixed + name->Length;
    UNICODE_STRING class = cm_key_class(key);
    KEY_NODE_INFORMATION info = {.LastWriteTime = cm_key_written(key),
                                 .ClassOffset = ~0u,
                                 .ClassLength = class.Length,
                                 .NameLength = name->Length};
    NTSTATUS status;

    if (class.Length != 0) {
        info.ClassOffset = (ULONG)ALIGN_UP(end, sizeof(ULONG));
        end = info.ClassOffset + class.Length;
    }
    status = cm_fill_end(room, fixed, end, result);
    if (status != STATUS_BUFFER_TOO_SMALL) {
        memcpy(buffer, &info, fixed);
        cm_fill_bytes(buffer, room, fixed, name->Buffer, name->Length);
        cm_fill_bytes(buffer, room, info.ClassOffset, class.Buffer, class.Length);
    }
    return status;
}

static NTSTATUS key_fill(struct cm_key *key, PCUNICODE_STRING name, KEY_INFORMATION_CLASS class,
                         PVOID buffer, ULONG room, PULONG result)
{
    KEY_BASIC_INFORMATION basic = {.LastWriteTime = cm_key_written(key),
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
    status = cm_fill_end(room, fixed, fixed + name->Length, result);
    if (status != STATUS_BUFFER_TOO_SMALL) {
        memcpy(buffer, head, fixed);
        cm_fill_bytes(buffer, room, fixed, name->Buffer, name->Length);
    }
    return status;
}

static NTSTATUS key_query(struct cm_key *key, const void *information)
{
    const REG_QUERY_KEY_INFORMATION *info = information;
    UNICODE_STRING path = {0};
    NTSTATUS status = STATUS_SUCCESS;

    if (info->KeyInformationClass == KeyCachedInformation)
        return key_fill_cached(key, info->KeyInformation, info->Length, info->ResultLength);
    if (info->KeyInformationClass == KeyVirtualizationInformation)
        return key_fill_virtual(info->KeyInformation, info->Length, info->ResultLength);
    if (info->KeyInformationClass == KeyNameInformation)
        status = cm_key_path(key, &path);
    if (NT_SUCCESS(status))
        status =
            key_fill(key, path.Buffer == NULL ? cm_key_name(key) : &path, info->KeyInformationClass,
                     info->KeyInformation, info->Length, info->ResultLength);
    io_free(path.Buffer);
    return status;
}

static NTSTATUS key_enumerate(struct cm_key *key, const void *information)
{
    const REG_ENUMERATE_KEY_INFORMATION *info = information;
    struct cm_key *child = NULL;
    UNICODE_STRING name;
    NTSTATUS status;

    if (cm_key_child_at(key, info->Index, &name))
        child = cm_key_open(key, &name, false, NULL);
    if (child == NULL)
        return STATUS_NO_MORE_ENTRIES;
    status = key_fill(child, cm_key_name(child), info->KeyInformationClass, info->KeyInformation,
                      info->Length, info->ResultLength);
    ob_dereference(child);
    return status;
}

/* ---- Opening and creating ------------------------------------------------------------------- */

struct key_request {
    POBJECT_ATTRIBUTES attributes;
    ACCESS_MASK access;
    bool create;
    PUNICODE_STRING class;
    ULONG options;
    ULONG disposition;
};

/* The key itself, referenced. */
static NTSTATUS key_obtain(struct key_request *request, struct cm_key **key)
{
    bool created = false;
    NTSTATUS status = key_find(request->attributes, request->create, &created, key);

    if (NT_SUCCESS(status) && created && request->class != NULL && request->class->Length != 0) {
        status = cm_key_set_class(*key, request->class);
        if (!NT_SUCCESS(status)) {
            cm_key_delete(*key);
            ob_dereference(*key);
        }
    }
    request->disposition = created ? REG_CREATED_NEW_KEY : REG_OPENED_EXISTING_KEY;
    return status;
}

/* What a path begins with, referenced; *rest: the path from there on. */
static NTSTATUS root_find(POBJECT_ATTRIBUTES attributes, struct cm_key **root, UNICODE_STRING *rest)
{
    static const UNICODE_STRING registry = RTL_CONSTANT_STRING(L"\\Registry\\");

    *rest = *attributes->ObjectName;
    if (attributes->RootDirectory != NULL)
        return cm_key_of_handle(attributes->RootDirectory, root);
    if (RtlPrefixUnicodeString(&registry, rest, TRUE)) {
        rest->Buffer += registry.Length / sizeof(WCHAR);
        rest->Length -= registry.Length;
        rest->MaximumLength = rest->Length;
    }
    *root = cm_key_open_text(NULL, "\\Registry", false);
    return *root == NULL ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_SUCCESS;
}

/* The same as key_obtain() by way of the filters, who may have a key of their own instead. */
static NTSTATUS key_obtain_filtered(struct key_request *request, struct cm_key **key)
{
    PVOID result = NULL;
    UNICODE_STRING rest;
    REG_CREATE_KEY_INFORMATION_V1 info = {.CompleteName = request->attributes->ObjectName,
                                          .Options = request->options,
                                          .Class = request->class,
                                          .SecurityDescriptor =
                                              request->attributes->SecurityDescriptor,
                                          .DesiredAccess = request->access,
                                          .GrantedAccess = request->access,
                                          .Disposition = &request->disposition,
                                          .ResultObject = &result,
                                          .Version = 1,
                                          .RemainingName = &rest,
                                          .Attributes = request->attributes->Attributes,
                                          .CheckAccessMode = KernelMode};
    struct cm_filter_call call;
    struct cm_key *root;
    NTSTATUS status = root_find(request->attributes, &root, &rest);

    if (!NT_SUCCESS(status))
        return status;
    info.RootObject = root;
    if (cm_filter_before(&call, request->create ? RegNtPreCreateKeyEx : RegNtPreOpenKeyEx, &info,
                         &info.CallContext, &info.RootObjectContext, &status)) {
        status = key_obtain(request, key);
        if (NT_SUCCESS(status))
            result = *key;
        status = cm_filter_after(&call, request->create ? RegNtPostCreateKeyEx : RegNtPostOpenKeyEx,
                                 result, status);
    }
    ob_dereference(root);
    *key = result;
    if (NT_SUCCESS(status) && result == NULL) /* a filter says so, but has none */
        return STATUS_INVALID_PARAMETER;
    if (!NT_SUCCESS(status) && result != NULL)
        ob_dereference(result);
    return status;
}

static NTSTATUS key_hand_out(struct key_request *request, PHANDLE handle)
{
    struct cm_key *key;
    NTSTATUS status = cm_filter_any() && request->attributes->ObjectName != NULL
                          ? key_obtain_filtered(request, &key)
                          : key_obtain(request, &key);

    return NT_SUCCESS(status) ? hand_out(key, request->access, handle) : status;
}

NTSTATUS cm_key_operate(HANDLE handle, REG_NOTIFY_CLASS before, REG_NOTIFY_CLASS after,
                        void *information, PVOID *call_context, PVOID *object_context,
                        cm_operate_fn *operate)
{
    struct cm_filter_call call;
    struct cm_key *key;
    NTSTATUS status = cm_key_of_handle(handle, &key);

    if (!NT_SUCCESS(status))
        return status;
    *(PVOID *)information = key;
    if (cm_filter_before(&call, before, information, call_context, object_context, &status))
        status = cm_filter_after(&call, after, key, operate(key, information));
    ob_dereference(key);
    return status;
}

static NTSTATUS key_delete(struct cm_key *key, const void *information)
{
    (void)information;
    return cm_key_delete(key);
}

/* The registry lives in memory: nothing is behind. */
static NTSTATUS key_flush(struct cm_key *key, const void *information)
{
    (void)key;
    (void)information;
    return STATUS_SUCCESS;
}

/* WDK surface */

NTSTATUS NTAPI ZwOpenKey(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess,
                         POBJECT_ATTRIBUTES ObjectAttributes)
{
    struct key_request request = {.attributes = ObjectAttributes, .access = DesiredAccess};

    return key_hand_out(&request, KeyHandle);
}
LDR_EXPORT(ZwOpenKey);

NTSTATUS NTAPI ZwCreateKey(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess,
                           POBJECT_ATTRIBUTES ObjectAttributes, ULONG TitleIndex,
                           PUNICODE_STRING Class, ULONG CreateOptions, PULONG Disposition)
{
    struct key_request request = {.attributes = ObjectAttributes,
                                  .access = DesiredAccess,
                                  .create = true,
                                  .class = Class,
                                  .options = CreateOptions /* no key outlives the boot */};
    NTSTATUS status = key_hand_out(&request, KeyHandle);

    UNREFERENCED_PARAMETER(TitleIndex);
    if (NT_SUCCESS(status) && Disposition != NULL)
        *Disposition = request.disposition;
    return status;
}
LDR_EXPORT(ZwCreateKey);

NTSTATUS NTAPI ZwDeleteKey(HANDLE KeyHandle)
{
    REG_DELETE_KEY_INFORMATION info = {0};

    return cm_key_operate(KeyHandle, RegNtPreDeleteKey, RegNtPostDeleteKey, CM_FILTER(info),
                          key_delete);
}
LDR_EXPORT(ZwDeleteKey);

NTSTATUS NTAPI ZwFlushKey(HANDLE KeyHandle)
{
    REG_FLUSH_KEY_INFORMATION info = {0};

    return cm_key_operate(KeyHandle, RegNtPreFlushKey, RegNtPostFlushKey, CM_FILTER(info),
                          key_flush);
}
LDR_EXPORT(ZwFlushKey);

NTSTATUS NTAPI ZwQueryKey(HANDLE KeyHandle, KEY_INFORMATION_CLASS KeyInformationClass,
                          PVOID KeyInformation, ULONG Length, PULONG ResultLength)
{
    REG_QUERY_KEY_INFORMATION info = {.KeyInformationClass = KeyInformationClass,
                                      .KeyInformation = KeyInformation,
                                      .Length = Length,
                                      .ResultLength = ResultLength};

    return cm_key_operate(KeyHandle, RegNtPreQueryKey, RegNtPostQueryKey, CM_FILTER(info),
                          key_query);
}
LDR_EXPORT(ZwQueryKey);

NTSTATUS NTAPI ZwEnumerateKey(HANDLE KeyHandle, ULONG Index,
                              KEY_INFORMATION_CLASS KeyInformationClass, PVOID KeyInformation,
                              ULONG Length, PULONG ResultLength)
{
    REG_ENUMERATE_KEY_INFORMATION info = {.Index = Index,
                                          .KeyInformationClass = KeyInformationClass,
                                          .KeyInformation = KeyInformation,
                                          .Length = Length,
                                          .ResultLength = ResultLength};

    return cm_key_operate(KeyHandle, RegNtPreEnumerateKey, RegNtPostEnumerateKey, CM_FILTER(info),
                          key_enumerate);
}
LDR_EXPORT(ZwEnumerateKey);
