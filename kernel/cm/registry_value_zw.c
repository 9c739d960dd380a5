/*
 * cm/registry_value_zw.c - the registry services of values; see registry_zw.c.
 */
#include <lib/bits.h>
#include <lib/export.h>
#include <lib/string.h>

#include "io/alloc.h"
#include "ke/ob.h"
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

static NTSTATUS value_query(struct cm_key *key, const void *information)
{
    const REG_QUERY_VALUE_KEY_INFORMATION *info = information;

    return value_fill(key, info->ValueName, info->KeyValueInformationClass,
                      info->KeyValueInformation, info->Length, info->ResultLength);
}

static NTSTATUS value_enumerate(struct cm_key *key, const void *information)
{
    const REG_ENUMERATE_VALUE_KEY_INFORMATION *info = information;
    UNICODE_STRING name;

    if (!cm_value_at(key, info->Index, &name))
        return STATUS_NO_MORE_ENTRIES;
    return value_fill(key, &name, info->KeyValueInformationClass, info->KeyValueInformation,
                      info->Length, info->ResultLength);
}

static NTSTATUS value_set(struct cm_key *key, const void *information)
{
    const REG_SET_VALUE_KEY_INFORMATION *info = information;

    return cm_value_set(key, info->ValueName != NULL ? info->ValueName : &unnamed, info->Type,
                        info->Data, info->DataSize);
}

static NTSTATUS value_delete(struct cm_key *key, const void *information)
{
    const REG_DELETE_VALUE_KEY_INFORMATION *info = information;

    return cm_value_delete(key, info->ValueName);
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

    return cm_key_operate(KeyHandle, RegNtPreQueryValueKey, RegNtPostQueryValueKey, CM_FILTER(info),
                          value_query);
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

    return cm_key_operate(KeyHandle, RegNtPreEnumerateValueKey, RegNtPostEnumerateValueKey,
                          CM_FILTER(info), value_enumerate);
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

    return cm_key_operate(KeyHandle, RegNtPreSetValueKey, RegNtPostSetValueKey, CM_FILTER(info),
                          value_set);
}
LDR_EXPORT(ZwSetValueKey);

NTSTATUS NTAPI ZwDeleteValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName)
{
    REG_DELETE_VALUE_KEY_INFORMATION info = {.ValueName = ValueName};

    return cm_key_operate(KeyHandle, RegNtPreDeleteValueKey, RegNtPostDeleteValueKey,
                          CM_FILTER(info), value_delete);
}
LDR_EXPORT(ZwDeleteValueKey);
