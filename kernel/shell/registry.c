/*
 * Commands about the registry: reg.
 *
 * Paths begin with a backslash, or with HKLM\, or are taken from CurrentControlSet on: "Services",
 * "Enum\PCI\...". Types are written as in .reg files and INFs: REG_SZ, REG_DWORD, ...
 */
#include <lib/bits.h>
#include <lib/format.h>
#include <lib/string.h>

#include "ke/ob.h"
#include "mm/pool.h"
#include "parse/cmdline.h"
#include "parse/hex.h"
#include "pnp/property.h"
#include "cm/registry.h"
#include "cm/registry_filter.h"
#include "pnp/text.h"
#include "shell/command.h"
#include "shell/table.h"
#include "shell/text.h"

#define REGISTRY_TAG MM_TAG("ShRg")

enum { PATH_MAX_BYTES = 512, NAME_MAX_BYTES = 128, DATA_MAX_BYTES = 4096 };

static const char *const type_names[] = {
    [REG_NONE] = "REG_NONE",           [REG_SZ] = "REG_SZ",
    [REG_EXPAND_SZ] = "REG_EXPAND_SZ", [REG_BINARY] = "REG_BINARY",
    [REG_DWORD] = "REG_DWORD",         [REG_DWORD_BIG_ENDIAN] = "REG_DWORD_BIG_ENDIAN",
    [REG_LINK] = "REG_LINK",           [REG_MULTI_SZ] = "REG_MULTI_SZ",
    [REG_QWORD] = "REG_QWORD",
};

/* How data is printed: that of a property (pnp/property.h) as what has the same form here. */
static ULONG form_of(ULONG type)
{
    if ((type & PNP_PROPERTY_VALUE) != PNP_PROPERTY_VALUE)
        return type;
    switch (type & ~PNP_PROPERTY_VALUE) {
    case DEVPROP_TYPE_STRING:
        return REG_SZ;
    case DEVPROP_TYPE_STRING_LIST:
        return REG_MULTI_SZ;
    case DEVPROP_TYPE_UINT32:
        return REG_DWORD;
    case DEVPROP_TYPE_UINT64:
        return REG_QWORD;
    default:
        return REG_BINARY;
    }
}

static const char *type_name(ULONG type)
{
    if ((type & PNP_PROPERTY_VALUE) == PNP_PROPERTY_VALUE)
        return "property";
    return type < ARRAY_COUNT(type_names) && type_names[type] != NULL ? type_names[type] : "?";
}

static struct cm_key *key_open(const char *path, bool create)
{
    char whole[PATH_MAX_BYTES];

    if (path[0] == '\\')
        return cm_key_open_text(NULL, path, create);
    if (lib_strnicmp(path, "HKLM\\", 5) == 0)
        lib_snprintf(whole, sizeof(whole), "\\Registry\\Machine\\%s", path + 5);
    else
        lib_snprintf(whole, sizeof(whole), CM_REGISTRY_CONTROL_SET "\\%s", path);
    return cm_key_open_text(NULL, whole, create);
}

static void name_text(char *text, size_t size, const UNICODE_STRING *name)
{
    lib_utf8_cut(text, size, name->Buffer, name->Length / sizeof(WCHAR));
}

/* ---- query --------------------------------------------------------------------------------- */

static void add_data(struct table *table, ULONG type, const uint8_t *data, ULONG size)
{
    struct text text = {0};
    char utf8[DATA_MAX_BYTES];
    uint64_t value = 0;

    if (type == REG_SZ || type == REG_EXPAND_SZ || type == REG_MULTI_SZ) {
        const WCHAR *at = (const WCHAR *)(const void *)data;
        const WCHAR *end = at + size / sizeof(WCHAR);

        for (; at < end && *at != 0; at += lib_wcslen(at) + 1) {
            pnp_text_from_wide(utf8, sizeof(utf8), at);
            text_print(&text, "%s%s", text.used == 0 ? "" : ", ", utf8);
            if (type != REG_MULTI_SZ)
                break;
        }
    } else if ((type == REG_DWORD || type == REG_QWORD) && size <= sizeof(value)) {
        memcpy(&value, data, size);
        text_print(&text, "0x%llx", (unsigned long long)value);
    } else {
        for (ULONG i = 0; i < size; i++)
            text_print(&text, "%02x", data[i]);
    }
    table_text(table, "%s", text.used == 0 ? "" : text.bytes);
    text_free(&text);
}

static void add_value(struct table *table, struct cm_key *key, const UNICODE_STRING *name,
                      uint8_t *data)
{
    ULONG size = DATA_MAX_BYTES, type = REG_NONE;
    char text[NAME_MAX_BYTES];
    NTSTATUS status;

    memset(data, 0, DATA_MAX_BYTES + sizeof(WCHAR));
    status = cm_value_get(key, name, &type, data, &size);
    name_text(text, sizeof(text), name);
    table_text(table, "%s", text);
    table_text(table, "%s", type_name(type));
    if (NT_SUCCESS(status) || status == STATUS_BUFFER_OVERFLOW)
        add_data(table, form_of(type), data, size < DATA_MAX_BYTES ? size : DATA_MAX_BYTES);
    else
        table_text(table, "%s", "");
}

static bool query(struct cm_key *key, bool json)
{
    static const struct table_column columns[] = {
        {"name", TABLE_TEXT}, {"type", TABLE_TEXT}, {"data", TABLE_TEXT}};
    uint8_t *data = mm_pool_alloc(DATA_MAX_BYTES + sizeof(WCHAR), REGISTRY_TAG);
    char text[NAME_MAX_BYTES];
    UNICODE_STRING name;
    struct table *table;

    if (data == NULL)
        return shell_fail("not enough memory");
    table = table_begin(columns, 3, json);
    for (ULONG i = 0; cm_key_child_at(key, i, &name); i++) {
        name_text(text, sizeof(text), &name);
        table_text(table, "%s", text);
        table_text(table, "key");
        table_text(table, "%s", "");
    }
    for (ULONG i = 0; cm_value_at(key, i, &name); i++)
        add_value(table, key, &name, data);
    mm_pool_free(data, REGISTRY_TAG);
    return table_end(table);
}

/* ---- set ----------------------------------------------------------------------------------- */

static NTSTATUS set_binary(struct cm_key *key, const char *name, const char *hex)
{
    uint8_t *data = mm_pool_alloc(DATA_MAX_BYTES, REGISTRY_TAG);
    NTSTATUS status = STATUS_INVALID_PARAMETER;
    struct parse_error error;
    size_t size;

    if (data == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (hex_parse(hex, data, DATA_MAX_BYTES, &size, &error))
        status = cm_value_set_data(key, name, REG_BINARY, data, (ULONG)size);
    mm_pool_free(data, REGISTRY_TAG);
    return status;
}

static NTSTATUS set(struct cm_key *key, const char *name, const char *type, const char *data)
{
    uint64_t value;

    if (lib_stricmp(type, "REG_SZ") == 0 || lib_stricmp(type, "REG_EXPAND_SZ") == 0)
        return cm_value_set_string(key, name,
                                   type[4] == 'S' || type[4] == 's' ? REG_SZ : REG_EXPAND_SZ, data);
    if (lib_stricmp(type, "REG_BINARY") == 0)
        return set_binary(key, name, data);
    if (lib_stricmp(type, "REG_DWORD") == 0 && cmdline_number(data, 0, UINT32_MAX, &value))
        return cm_value_set_dword(key, name, (uint32_t)value);
    if (lib_stricmp(type, "REG_QWORD") == 0 && cmdline_number(data, 0, UINT64_MAX, &value))
        return cm_value_set_data(key, name, REG_QWORD, &value, sizeof(value));
    return STATUS_INVALID_PARAMETER;
}

static bool list_filters(bool json)
{
    static const struct table_column columns[] = {
        {"altitude", TABLE_TEXT}, {"driver", TABLE_TEXT}, {"calls", TABLE_NUMBER}};
    struct table *table = table_begin(columns, 3, json);
    struct cm_filter_info info;

    for (uint32_t i = 0; cm_filter_at(i, &info); i++) {
        table_text(table, "%s", info.altitude);
        table_text(table, "%s", info.driver);
        table_number(table, info.calls);
    }
    return table_end(table);
}

static bool run_reg(const struct shell_call *call)
{
    bool is_set = strcmp(call->argv[0], "set") == 0;
    struct cm_key *key;
    NTSTATUS status;
    bool done;

    if (strcmp(call->argv[0], "filters") == 0 && call->argc == 1)
        return list_filters(call->json);
    if ((!is_set && strcmp(call->argv[0], "query") != 0) || call->argc != (is_set ? 5u : 2u))
        return shell_fail("usage: reg query KEY | reg set KEY NAME TYPE DATA | reg filters");
    key = key_open(call->argv[1], is_set);
    if (key == NULL)
        return shell_fail_status(call->argv[1], STATUS_OBJECT_NAME_NOT_FOUND);
    if (is_set) {
        status = set(key, call->argv[2], call->argv[3], call->argv[4]);
        done = NT_SUCCESS(status) || shell_fail_status(call->argv[3], status);
    } else {
        done = query(key, call->json);
    }
    ob_dereference(key);
    return done;
}

const struct shell_command shell_registry_commands[] = {
    {"reg", "query KEY | set KEY NAME TYPE DATA | filters",
     "show or change the registry; the drivers that filter it", 1, 5, run_reg},
    {0},
};
