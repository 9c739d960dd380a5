/*
 * cm/registry_rtl.c - the Rtl short cuts to the registry.
 *
 * RtlQueryRegistryValues walks the caller's table: subkeys, single values by callback or directly
 * into the caller's variables, all values of a key, defaults. Absent and not required is no error.
 *
 * Owns: Rtl*Registry*. Owns not: the tree (cm/registry.c).
 */
#include <lib/bugcheck.h>
#include <lib/export.h>
#include <lib/string.h>

#include "io/alloc.h"
#include "ke/ob.h"
#include "ke/version.h"
#include "cm/registry.h"

enum { FAST_FAIL_UNSAFE_REGISTRY_ACCESS = 9 };

/* The key that RelativeTo and Path name. STATUS_INVALID_PARAMETER: no root has that number. */
static NTSTATUS relative_open(ULONG relative_to, PCWSTR path, bool create, struct cm_key **key)
{
    static const char *const roots[] = {
        [RTL_REGISTRY_ABSOLUTE] = NULL,
        [RTL_REGISTRY_SERVICES] = CM_REGISTRY_SERVICES,
        [RTL_REGISTRY_CONTROL] = CM_REGISTRY_CONTROL_SET "\\Control",
        [RTL_REGISTRY_WINDOWS_NT] =
            "\\Registry\\Machine\\Software\\Microsoft\\Windows NT\\CurrentVersion",
        [RTL_REGISTRY_DEVICEMAP] = "\\Registry\\Machine\\Hardware\\DeviceMap",
        [RTL_REGISTRY_USER] = "\\Registry\\User\\.Default",
    };
    ULONG root = relative_to & ~(ULONG)RTL_REGISTRY_OPTIONAL;
    struct cm_key *base = NULL;
    UNICODE_STRING name;
    NTSTATUS status;

    if ((root & RTL_REGISTRY_HANDLE) != 0)
        return ob_handle_reference((HANDLE)(ULONG_PTR)path, &cm_key_type, (void **)key);
    if (root >= RTL_REGISTRY_MAXIMUM)
        return STATUS_INVALID_PARAMETER;
    if (roots[root] != NULL) {
        base = cm_key_open_text(NULL, roots[root], true);
        if (base == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlInitUnicodeString(&name, path);
    status = cm_key_find(base, &name, create, NULL, key);
    if (base != NULL)
        ob_dereference(base);
    return status;
}

/* ---- RtlQueryRegistryValues ----------------------------------------------------------------- */

/* Of a UNICODE_STRING, with what ends it. */
enum { STRING_BYTES_MAX = UINT16_MAX - 1 };

/* What the caller gave for all entries. */
struct query {
    PVOID context;
    PCWSTR environment; /* NULL: no variable has a value */
};

/* One value as it is handed over. */
struct query_value {
    PWSTR name;
    ULONG type;
    ULONG size;
    PVOID data;
};

static bool is_string(ULONG type)
{
    return type == REG_SZ || type == REG_EXPAND_SZ || type == REG_MULTI_SZ;
}

/* Bytes of a string, or of a list of strings, with what ends it. */
static ULONG string_size(ULONG type, PCWSTR text)
{
    PCWSTR end = text;

    if (type != REG_MULTI_SZ)
        end += lib_wcslen(end);
    while (type == REG_MULTI_SZ && *end != 0)
        end += lib_wcslen(end) + 1;
    return (ULONG)((end - text + 1) * sizeof(WCHAR));
}

/*
 * A string, or a list as one, goes into the UNICODE_STRING at EntryContext; its buffer is made if
 * there is none.
 */
static NTSTATUS direct_string(PUNICODE_STRING target, const struct query_value *value)
{
    USHORT length = (USHORT)value->size;

    if (value->size > STRING_BYTES_MAX)
        return STATUS_BUFFER_TOO_SMALL;
    if (length >= sizeof(WCHAR) && ((PWSTR)value->data)[length / sizeof(WCHAR) - 1] == 0)
        length -= sizeof(WCHAR);
    if (target->Buffer == NULL) {
        target->Buffer = io_allocate(length + sizeof(WCHAR), IO_TAG_REGISTRY);
        if (target->Buffer == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
        target->MaximumLength = length + sizeof(WCHAR);
    } else if (target->MaximumLength < length + sizeof(WCHAR)) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    memcpy(target->Buffer, value->data, length);
    target->Buffer[length / sizeof(WCHAR)] = 0;
    target->Length = length;
    return STATUS_SUCCESS;
}

/*
 * RTL_QUERY_REGISTRY_DIRECT: up to 4 bytes as they are; more only where the first LONG of the
 * buffer says, negated, that there is room, else behind a length and a type.
 */
static NTSTATUS direct_store(PRTL_QUERY_REGISTRY_TABLE entry, const struct query_value *value)
{
    PLONG target = entry->EntryContext;

    if (is_string(value->type))
        return direct_string(entry->EntryContext, value);
    if (value->size <= sizeof(ULONG)) {
        memcpy(target, value->data, value->size);
        return STATUS_SUCCESS;
    }
    if (*target < 0) {
        if ((ULONG) - *target < value->size)
            return STATUS_BUFFER_TOO_SMALL;
        memcpy(target, value->data, value->size);
        return STATUS_SUCCESS;
    }
    if ((ULONG)*target < value->size + 2 * sizeof(ULONG))
        return STATUS_BUFFER_TOO_SMALL;
    target[0] = (LONG)value->size;
    target[1] = (LONG)value->type;
    memcpy(target + 2, value->data, value->size);
    return STATUS_SUCCESS;
}

/* Its status counts, but for the one that the page of RtlQueryRegistryValues excepts. */
static NTSTATUS routine_call(PRTL_QUERY_REGISTRY_TABLE entry, const struct query_value *value,
                             const struct query *query)
{
    NTSTATUS status = entry->QueryRoutine(value->name, value->type, value->data, value->size,
                                          query->context, entry->EntryContext);

    return status == STATUS_BUFFER_TOO_SMALL ? STATUS_SUCCESS : status;
}

static NTSTATUS value_deliver_as_is(PRTL_QUERY_REGISTRY_TABLE entry,
                                    const struct query_value *value, const struct query *query)
{
    struct query_value part = *value;
    NTSTATUS status = STATUS_SUCCESS;
    PWSTR at;

    if ((entry->Flags & RTL_QUERY_REGISTRY_DIRECT) != 0) {
        ULONG wanted = (entry->DefaultType & RTL_QUERY_REGISTRY_TYPECHECK_MASK) >>
                       RTL_QUERY_REGISTRY_TYPECHECK_SHIFT;

        if ((entry->Flags & RTL_QUERY_REGISTRY_TYPECHECK) != 0 && wanted != value->type)
            return STATUS_OBJECT_TYPE_MISMATCH;
        return direct_store(entry, value);
    }
    if (entry->QueryRoutine == NULL)
        return STATUS_SUCCESS;
    if (part.type == REG_EXPAND_SZ && (entry->Flags & RTL_QUERY_REGISTRY_NOEXPAND) == 0)
        part.type = REG_SZ;
    if (part.type != REG_MULTI_SZ || (entry->Flags & RTL_QUERY_REGISTRY_NOEXPAND) != 0)
        return routine_call(entry, &part, query);
    /* A list is delivered string by string. */
    part.type = REG_SZ;
    for (at = value->data; NT_SUCCESS(status) && *at != 0; at += lib_wcslen(at) + 1) {
        part.data = at;
        part.size = string_size(REG_SZ, at);
        status = routine_call(entry, &part, query);
    }
    return status;
}

/* Text with names of variables: with their values, unless it is wanted as it is. */
static NTSTATUS value_deliver(PRTL_QUERY_REGISTRY_TABLE entry, const struct query_value *value,
                              const struct query *query)
{
    size_t units = value->size / sizeof(WCHAR), needed;
    struct query_value expanded = *value;
    NTSTATUS status;

    if (value->type != REG_EXPAND_SZ || (entry->Flags & RTL_QUERY_REGISTRY_NOEXPAND) != 0 ||
        query->environment == NULL)
        return value_deliver_as_is(entry, value, query);
    needed = cm_environment_expand(query->environment, value->data, units, NULL, 0);
    expanded.size = (ULONG)(needed * sizeof(WCHAR));
    expanded.data = io_allocate(expanded.size + sizeof(WCHAR), IO_TAG_REGISTRY);
    if (expanded.data == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    cm_environment_expand(query->environment, value->data, units, expanded.data, needed);
    status = value_deliver_as_is(entry, &expanded, query);
    io_free(expanded.data);
    return status;
}

/* Reads a value into new memory with two zero units behind it. */
static NTSTATUS value_fetch(struct cm_key *key, PCUNICODE_STRING name, struct query_value *value)
{
    ULONG size = 0;
    NTSTATUS status = cm_value_get(key, name, &value->type, NULL, &size);

    if (status == STATUS_OBJECT_NAME_NOT_FOUND)
        return status;
    value->data = io_allocate(size + 2 * sizeof(WCHAR), IO_TAG_REGISTRY);
    if (value->data == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    value->size = size;
    return cm_value_get(key, name, &value->type, value->data, &value->size);
}

static NTSTATUS deliver_default(PRTL_QUERY_REGISTRY_TABLE entry, const struct query *query)
{
    struct query_value value = {.name = entry->Name, .data = entry->DefaultData};

    value.type = entry->DefaultType & ~(ULONG)RTL_QUERY_REGISTRY_TYPECHECK_MASK;
    value.size = entry->DefaultLength;
    if ((entry->Flags & RTL_QUERY_REGISTRY_REQUIRED) != 0)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    if (value.type == REG_NONE || value.data == NULL)
        return STATUS_SUCCESS;
    if (value.size == 0 && is_string(value.type))
        value.size = string_size(value.type, value.data);
    if ((entry->Flags & RTL_QUERY_REGISTRY_DIRECT) != 0)
        return direct_store(entry, &value);
    return value_deliver(entry, &value, query);
}

static NTSTATUS query_one(struct cm_key *key, PRTL_QUERY_REGISTRY_TABLE entry,
                          const struct query *query)
{
    struct query_value value = {.name = entry->Name};
    UNICODE_STRING name;
    NTSTATUS status;

    RtlInitUnicodeString(&name, entry->Name);
    status = value_fetch(key, &name, &value);
    if (status == STATUS_OBJECT_NAME_NOT_FOUND)
        return deliver_default(entry, query);
    if (NT_SUCCESS(status)) {
        status = value_deliver(entry, &value, query);
        if (NT_SUCCESS(status) && (entry->Flags & RTL_QUERY_REGISTRY_DELETE) != 0)
            cm_value_delete(key, &name);
    }
    io_free(value.data);
    return status;
}

/* An entry without a name: every value of the key. */
static NTSTATUS query_all(struct cm_key *key, PRTL_QUERY_REGISTRY_TABLE entry,
                          const struct query *query)
{
    NTSTATUS status = STATUS_SUCCESS;
    UNICODE_STRING name;
    ULONG i, gone = 0;

    for (i = 0; NT_SUCCESS(status) && cm_value_at(key, i - gone, &name); i++) {
        struct query_value value = {0};

        value.name = io_allocate(name.Length + sizeof(WCHAR), IO_TAG_REGISTRY);
        if (value.name == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
        memcpy(value.name, name.Buffer, name.Length);
        status = value_fetch(key, &name, &value);
        if (NT_SUCCESS(status))
            status = value_deliver(entry, &value, query);
        if (NT_SUCCESS(status) && (entry->Flags & RTL_QUERY_REGISTRY_DELETE) != 0) {
            RtlInitUnicodeString(&name, value.name);
            cm_value_delete(key, &name);
            gone++;
        }
        io_free(value.name);
        io_free(value.data);
    }
    if (NT_SUCCESS(status) && i == 0 && (entry->Flags & RTL_QUERY_REGISTRY_REQUIRED) != 0)
        status = STATUS_OBJECT_NAME_NOT_FOUND;
    return status;
}

/* Move *key to a subkey of top, or back to top. */
static NTSTATUS query_move(struct cm_key *top, PCWSTR name, struct cm_key **key)
{
    struct cm_key *next = top;
    UNICODE_STRING path;

    if (name != NULL) {
        RtlInitUnicodeString(&path, name);
        next = cm_key_open(top, &path, false, NULL);
        if (next == NULL)
            return STATUS_OBJECT_NAME_NOT_FOUND;
    } else {
        ob_reference(next);
    }
    ob_dereference(*key);
    *key = next;
    return STATUS_SUCCESS;
}

/* A direct query is of one value, and calls nobody; a subkey has a name. */
static bool entry_is_valid(const RTL_QUERY_REGISTRY_TABLE *entry)
{
    if ((entry->Flags & RTL_QUERY_REGISTRY_DIRECT) != 0)
        return entry->Name != NULL && entry->QueryRoutine == NULL &&
               (entry->Flags & RTL_QUERY_REGISTRY_SUBKEY) == 0;
    return (entry->Flags & RTL_QUERY_REGISTRY_SUBKEY) == 0 || entry->Name != NULL;
}

/*
 * What a user may have written is not stored without a look at its type. Since Windows 8; the page
 * of RtlQueryRegistryValues names the bug check, Microsoft's headers its first parameter.
 */
static void direct_check(struct cm_key *key, const RTL_QUERY_REGISTRY_TABLE *entry)
{
    const ULONG both = RTL_QUERY_REGISTRY_DIRECT | RTL_QUERY_REGISTRY_TYPECHECK;

    if ((entry->Flags & both) == RTL_QUERY_REGISTRY_DIRECT && ke_version_at_least(6, 2) &&
        !cm_key_is_trusted(key))
        lib_bugcheck(KERNEL_SECURITY_CHECK_FAILURE, FAST_FAIL_UNSAFE_REGISTRY_ACCESS, 0, 0, 0,
                     NULL);
}

static NTSTATUS query_entry(struct cm_key *top, struct cm_key **key,
                            PRTL_QUERY_REGISTRY_TABLE entry, const struct query *query)
{
    NTSTATUS status;

    if (!entry_is_valid(entry))
        return STATUS_INVALID_PARAMETER;
    direct_check(*key, entry);
    if ((entry->Flags & (RTL_QUERY_REGISTRY_TOPKEY | RTL_QUERY_REGISTRY_SUBKEY)) != 0)
        query_move(top, NULL, key);
    if ((entry->Flags & RTL_QUERY_REGISTRY_SUBKEY) != 0) {
        status = query_move(top, entry->Name, key);
        if (!NT_SUCCESS(status))
            return (entry->Flags & RTL_QUERY_REGISTRY_REQUIRED) != 0 ? status : STATUS_SUCCESS;
        return entry->QueryRoutine == NULL ? STATUS_SUCCESS : query_all(*key, entry, query);
    }
    if ((entry->Flags & RTL_QUERY_REGISTRY_NOVALUE) != 0) {
        const struct query_value none = {.type = REG_NONE};

        return entry->QueryRoutine == NULL ? STATUS_SUCCESS : routine_call(entry, &none, query);
    }
    return entry->Name == NULL ? query_all(*key, entry, query) : query_one(*key, entry, query);
}

/* WDK surface */

NTSTATUS NTAPI RtlQueryRegistryValues(ULONG RelativeTo, PCWSTR Path,
                                      PRTL_QUERY_REGISTRY_TABLE QueryTable, PVOID Context,
                                      PVOID Environment)
{
    const struct query query = {.context = Context, .environment = Environment};
    PRTL_QUERY_REGISTRY_TABLE entry;
    struct cm_key *top, *key;
    NTSTATUS status = relative_open(RelativeTo, Path, false, &top);

    if (!NT_SUCCESS(status))
        return status;
    ob_reference(top);
    key = top;
    for (entry = QueryTable;
         NT_SUCCESS(status) &&
         (entry->QueryRoutine != NULL ||
          (entry->Flags & (RTL_QUERY_REGISTRY_SUBKEY | RTL_QUERY_REGISTRY_DIRECT)) != 0);
         entry++)
        status = query_entry(top, &key, entry, &query);
    ob_dereference(key);
    ob_dereference(top);
    return status;
}
LDR_EXPORT(RtlQueryRegistryValues);

NTSTATUS NTAPI RtlWriteRegistryValue(ULONG RelativeTo, PCWSTR Path, PCWSTR ValueName,
                                     ULONG ValueType, PVOID ValueData, ULONG ValueLength)
{
    struct cm_key *key;
    UNICODE_STRING name;
    NTSTATUS status = relative_open(RelativeTo, Path, true, &key);

    if (!NT_SUCCESS(status))
        return status;
    RtlInitUnicodeString(&name, ValueName);
    status = cm_value_set(key, &name, ValueType, ValueData, ValueLength);
    ob_dereference(key);
    return status;
}
LDR_EXPORT(RtlWriteRegistryValue);

NTSTATUS NTAPI RtlDeleteRegistryValue(ULONG RelativeTo, PCWSTR Path, PCWSTR ValueName)
{
    struct cm_key *key;
    UNICODE_STRING name;
    NTSTATUS status = relative_open(RelativeTo, Path, false, &key);

    if (!NT_SUCCESS(status))
        return status;
    RtlInitUnicodeString(&name, ValueName);
    status = cm_value_delete(key, &name);
    ob_dereference(key);
    return status;
}
LDR_EXPORT(RtlDeleteRegistryValue);

NTSTATUS NTAPI RtlCheckRegistryKey(ULONG RelativeTo, PWSTR Path)
{
    struct cm_key *key;
    NTSTATUS status = relative_open(RelativeTo, Path, false, &key);

    if (NT_SUCCESS(status))
        ob_dereference(key);
    if ((RelativeTo & RTL_REGISTRY_HANDLE) != 0)
        ob_handle_close((HANDLE)(ULONG_PTR)Path); /* as its page says */
    return status;
}
LDR_EXPORT(RtlCheckRegistryKey);

NTSTATUS NTAPI RtlCreateRegistryKey(ULONG RelativeTo, PWSTR Path)
{
    struct cm_key *key;
    NTSTATUS status = relative_open(RelativeTo, Path, true, &key);

    if (NT_SUCCESS(status))
        ob_dereference(key);
    return status;
}
LDR_EXPORT(RtlCreateRegistryKey);
