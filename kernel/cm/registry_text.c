/*
 * cm/registry_text.c - the registry by names and strings in UTF-8, as pnp and the shell have them.
 */
#include <lib/string.h>

#include "cm/registry.h"

enum { TEXT_UNITS_MAX = 512 };

/* UTF-8 to a string over the caller's units; false if it does not fit. */
static bool text_to_wide(const char *text, WCHAR *units, UNICODE_STRING *string)
{
    size_t length = lib_wide_from_utf8(units, TEXT_UNITS_MAX, text, strlen(text));

    string->Buffer = units;
    string->Length = string->MaximumLength = (USHORT)(length * sizeof(WCHAR));
    return length < TEXT_UNITS_MAX;
}

struct cm_key *cm_key_open_text(struct cm_key *base, const char *path, bool create)
{
    WCHAR units[TEXT_UNITS_MAX];
    UNICODE_STRING wide;

    if (!text_to_wide(path, units, &wide))
        return NULL;
    return cm_key_open(base, &wide, create, NULL);
}

NTSTATUS cm_value_set_data(struct cm_key *key, const char *name, ULONG type, const void *data,
                           ULONG size)
{
    WCHAR units[TEXT_UNITS_MAX];
    UNICODE_STRING wide;

    if (!text_to_wide(name, units, &wide))
        return STATUS_OBJECT_NAME_INVALID;
    return cm_value_set(key, &wide, type, data, size);
}

NTSTATUS cm_value_set_dword(struct cm_key *key, const char *name, uint32_t value)
{
    return cm_value_set_data(key, name, REG_DWORD, &value, sizeof(value));
}

NTSTATUS cm_value_set_string(struct cm_key *key, const char *name, ULONG type, const char *text)
{
    WCHAR units[TEXT_UNITS_MAX];
    UNICODE_STRING wide;

    if (!text_to_wide(text, units, &wide))
        return STATUS_BUFFER_OVERFLOW;
    units[wide.Length / sizeof(WCHAR)] = 0;
    return cm_value_set_data(key, name, type, units, wide.Length + sizeof(WCHAR));
}

bool cm_value_get_mask(struct cm_key *key, const char *name, uint64_t *value)
{
    WCHAR units[TEXT_UNITS_MAX];
    UNICODE_STRING wide;
    uint64_t found = 0;
    ULONG size = sizeof(found);
    ULONG type;

    if (!text_to_wide(name, units, &wide) ||
        !NT_SUCCESS(cm_value_get(key, &wide, &type, &found, &size)) ||
        (type != REG_DWORD && type != REG_QWORD && type != REG_BINARY))
        return false;
    *value = found;
    return true;
}

bool cm_value_get_dword(struct cm_key *key, const char *name, uint32_t *value)
{
    uint64_t found;

    if (!cm_value_get_mask(key, name, &found))
        return false;
    *value = (uint32_t)found;
    return true;
}
