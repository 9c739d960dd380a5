/*
 * cm/registry_value_zw.c - the registry services of values; see registry_zw.c.
 */
#include <lib/bits.h>
#include <lib/export.h>
#include <lib/string.h>

#include "io/alloc.h"
#include "ke/ob.h"
#include "cm/registry_filter.h"
#include "cm/registry_zw.h"

static const UNICODE_STRING unnamed; /* a key's default value */

struct value_copy {
    UNICODE_STRING name;
    ULONG type;
    ULONG size;
    void *data; /* io_free() */
};

/* A consistent copy of type and data: the size may change between two looks. */
static NTSTATUS value_read(struct cm_key *key, PCUNICODE_STRING name, struct value_copy *copy)
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
        status = cm_value_get(key, name, &copy->type, copy->data, &copy->size);
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
        status = cm_fill_end(room, fixed, fixed + value->size, result);
        if (status != STATUS_BUFFER_TOO_SMALL) {
            memcpy(buffer, head, sizeof(head));
            cm_fill_bytes(buffer, room, fixed, value->data, value->size);
        }
        return status;
    }
    status = cm_fill_end(room, fixed, fixed + value->size, result);
    if (status != STATUS_BUFFER_TOO_SMALL) {
        memcpy(buffer, &info, fixed);
        cm_fill_bytes(buffer, room, fixed, value->data, value->size);
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
    NTSTATUS status = cm_fill_end(room, fixed, data + value->size, result);

    if (status != STATUS_BUFFER_TOO_SMALL) {
        memcpy(buffer, &info, fixed);
        cm_fill_bytes(buffer, room, fixed, value->name.Buffer, value->name.Length);
        cm_fill_bytes(buffer, room, data, value->data, value->size);
    }
    return status;
}

static NTSTATUS value_fill_basic(const struct value_copy *value, PVOID buffer, ULONG room,
                                 PULONG result)
{
    ULONG fixed = FIELD_OFFSET(KEY_VALUE_BASIC_INFORMATION, Name);
    KEY_VALUE_BASIC_INFORMATION info = {.Type = value->type, .NameLength = value->name.Length};
    NTSTATUS status = cm_fill_end(room, fixed, fixed + value->name.Length, result);

    if (status != STATUS_BUFFER_TOO_SMALL) {
        memcpy(buffer, &info, fixed);
        cm_fill_bytes(buffer, room, fixed, value->name.Buffer, value->name.Length);
    }
    return status;
}

static NTSTATUS value_fill(struct cm_key *key, PCUNICODE_STRING name,
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

static NTSTATUS value_enumerate(struct cm_key *key, const REG_ENUMERATE_VALUE_KEY_INFORMATION *info)
{
    UNICODE_STRING name;

    if (!cm_value_at(key, info->Index, &name))
        return STATUS_NO_MORE_ENTRIES;
    return value_fill(key, &name, info->KeyValueInformationClass, info->KeyValueInformation,
                      info->Length, info->ResultLength);
}

/* WDK surface */

NTSTATUS NTAPI ZwQueryValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName,
                               KEY_VALUE_INFORMATION_CLASS KeyValueInformationClass,
                               PVOID KeyValueInformation, ULONG Length, PULONG ResultLength)
{
    REG_QUERY_VALUE_KEY_INFORMATION info = {.ValueName = ValueName,
                                            .KeyValueInformationClass = KeyValueInformationClass,
                                            .KeyValueInformation = KeyValueInformation,
                                            .Length = Length,
                                            .ResultLength = ResultLength};
    struct cm_filter_call call;
    struct cm_key *key;
    NTSTATUS status = cm_key_of_handle(KeyHandle, &key);

    if (!NT_SUCCESS(status))
        return status;
    info.Object = key;
    if (cm_filter_before(&call, RegNtPreQueryValueKey, CM_FILTER(info), &status)) {
        status = value_fill(key, ValueName, KeyValueInformationClass, KeyValueInformation, Length,
                            ResultLength);
        status = cm_filter_after(&call, RegNtPostQueryValueKey, key, status);
    }
    ob_dereference(key);
    return status;
}
LDR_EXPORT(ZwQueryValueKey);

NTSTATUS NTAPI ZwEnumerateValueKey(HANDLE KeyHandle, ULONG Index,
                                   KEY_VALUE_INFORMATION_CLASS KeyValueInformationClass,
                                   PVOID KeyValueInformation, ULONG Length, PULONG ResultLength)
{
    REG_ENUMERATE_VALUE_KEY_INFORMATION info = {.Index = Index,
                                                .KeyValueInformationClass =
                                                    KeyValueInformationClass,
                                                .KeyValueInformation = KeyValueInformation,
                                                .Length = Length,
                                                .ResultLength = ResultLength};
    struct cm_filter_call call;
    struct cm_key *key;
    NTSTATUS status = cm_key_of_handle(KeyHandle, &key);

    if (!NT_SUCCESS(status))
        return status;
    info.Object = key;
    if (cm_filter_before(&call, RegNtPreEnumerateValueKey, CM_FILTER(info), &status))
        status =
            cm_filter_after(&call, RegNtPostEnumerateValueKey, key, value_enumerate(key, &info));
    ob_dereference(key);
    return status;
}
LDR_EXPORT(ZwEnumerateValueKey);

NTSTATUS NTAPI ZwSetValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName, ULONG TitleIndex,
                             ULONG Type, PVOID Data, ULONG DataSize)
{
    REG_SET_VALUE_KEY_INFORMATION info = {.ValueName = ValueName,
                                          .TitleIndex = TitleIndex,
                                          .Type = Type,
                                          .Data = Data,
                                          .DataSize = DataSize};
    struct cm_filter_call call;
    struct cm_key *key;
    NTSTATUS status = cm_key_of_handle(KeyHandle, &key);

    if (!NT_SUCCESS(status))
        return status;
    info.Object = key;
    if (cm_filter_before(&call, RegNtPreSetValueKey, CM_FILTER(info), &status)) {
        status = cm_value_set(key, ValueName != NULL ? ValueName : &unnamed, Type, Data, DataSize);
        status = cm_filter_after(&call, RegNtPostSetValueKey, key, status);
    }
    ob_dereference(key);
    return status;
}
LDR_EXPORT(ZwSetValueKey);

NTSTATUS NTAPI ZwDeleteValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName)
{
    REG_DELETE_VALUE_KEY_INFORMATION info = {.ValueName = ValueName};
    struct cm_filter_call call;
    struct cm_key *key;
    NTSTATUS status = cm_key_of_handle(KeyHandle, &key);

    if (!NT_SUCCESS(status))
        return status;
    info.Object = key;
    if (cm_filter_before(&call, RegNtPreDeleteValueKey, CM_FILTER(info), &status))
        status =
            cm_filter_after(&call, RegNtPostDeleteValueKey, key, cm_value_delete(key, ValueName));
    ob_dereference(key);
    return status;
}
LDR_EXPORT(ZwDeleteValueKey);
