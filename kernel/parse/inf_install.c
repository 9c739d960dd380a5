/*
 * What hangs from an install section: services, AddReg values, copied files.
 */
#include "parse/inf_model.h"

#include <lib/bits.h>

#define ADDREG_FIRST_DATA_FIELD 5u

/* WDK "INF AddReg Directive": values of the type bits that do not carry a REG_ number. */
#define ADDREG_TYPE_SZ 0x00000000u
#define ADDREG_TYPE_BINARY 0x00000001u
#define ADDREG_TYPE_MULTI_SZ 0x00010000u
#define ADDREG_TYPE_DWORD 0x00010001u
#define ADDREG_TYPE_EXPAND_SZ 0x00020000u
#define ADDREG_TYPE_NONE 0x00020001u
#define ADDREG_CUSTOM_TYPE BITS(31, 16) /* with the low bit set: a REG_ number */

/* Errors name the line; offsets alone help nobody with an INF. */
static bool fail_line(const struct inf_line *line, const char *what, const char *detail,
                      struct parse_error *error)
{
    parse_report_line(error, what, line->start, detail, inf_line_of_offset(line->inf, line->start));
    return false;
}

static void find_file_name(struct inf_service *service)
{
    service->file_name = service->binary;
    for (const char *at = service->binary; *at; at++) {
        if (*at == '\\' || *at == '/' || (*at == '%' && at[1] != '\0'))
            service->file_name = at + 1;
    }
}

static bool read_service_number(const struct inf *inf, const char *section, const char *key,
                                uint32_t *number, struct parse_error *error)
{
    struct inf_line line;

    *number = 0;
    if (!inf_find_line(inf, section, key, &line))
        return true; /* the caller's default */
    if (!inf_line_number(&line, 1, number))
        return fail_line(&line, "service-install section", "not a number", error);
    return true;
}

/* The service-install section that service->section names. */
static bool read_service(const struct inf *inf, struct inf_service *service,
                         struct parse_error *error)
{
    const char *section = service->section;
    struct inf_line line;

    if (!read_service_number(inf, section, "ServiceType", &service->service_type, error) ||
        !read_service_number(inf, section, "StartType", &service->start_type, error) ||
        !read_service_number(inf, section, "ErrorControl", &service->error_control, error))
        return false;
    service->load_order_group[0] = '\0';
    if (inf_find_line(inf, section, "LoadOrderGroup", &line) &&
        inf_line_field(&line, 1, service->load_order_group, sizeof(service->load_order_group)) ==
            INF_FIELD_TOO_LONG)
        return fail_line(&line, "LoadOrderGroup", "too long", error);
    if (!inf_find_line(inf, section, "ServiceBinary", &line))
        return parse_fail(error, "ServiceBinary", 0, "the service has none");
    if (inf_line_field(&line, 1, service->binary, sizeof(service->binary)) <= 0)
        return fail_line(&line, "ServiceBinary", "empty or too long", error);
    find_file_name(service);
    if (*service->file_name == '\0')
        return fail_line(&line, "ServiceBinary", "no file name", error);
    return true;
}

bool inf_service_find(const struct inf *inf, const char *services, struct inf_service *service,
                      struct parse_error *error)
{
    struct inf_cursor cursor;
    struct inf_line line;
    struct inf_line chosen;
    char key[32];
    uint32_t flags;
    bool any = false;

    *service = (struct inf_service){.flags = 0};
    if (!inf_find_section(inf, services, &cursor))
        return parse_fail(error, "DDInstall.Services", 0, "no such section");
    while (inf_next_line(&cursor, &line)) {
        if (inf_line_field(&line, 0, key, sizeof(key)) < 0 || !inf_equal(key, "AddService") ||
            inf_line_field(&line, 1, service->name, sizeof(service->name)) == 0)
            continue; /* an empty name is the null service */
        if (!inf_line_number(&line, 2, &flags))
            flags = 0;
        if (any && !(flags & INF_SERVICE_ASSOCIATED))
            continue;
        chosen = line;
        service->flags = flags;
        any = true;
        if (flags & INF_SERVICE_ASSOCIATED)
            break;
    }
    if (!any)
        return parse_fail(error, "AddService", 0, "the section names no service");
    if (inf_line_field(&chosen, 1, service->name, sizeof(service->name)) <= 0 ||
        inf_line_field(&chosen, 3, service->section, sizeof(service->section)) <= 0)
        return fail_line(&chosen, "AddService", "name or section missing", error);
    return read_service(inf, service, error);
}

static bool begin(const struct inf *inf, const char *section, const char *directive,
                  struct inf_directive_iterator *iterator)
{
    *iterator = (struct inf_directive_iterator){.inf = inf, .directive = directive};
    return inf_find_section(inf, section, &iterator->outer);
}

/* The next name a directive lists, in file order. */
static bool next_name(struct inf_directive_iterator *iterator, char *name, size_t size)
{
    char key[32];

    for (;;) {
        while (iterator->field) {
            int32_t length = inf_line_field(&iterator->list, iterator->field, name, size);

            iterator->field = length == INF_FIELD_ABSENT ? 0 : iterator->field + 1;
            if (length > 0)
                return true;
        }
        if (!inf_next_line(&iterator->outer, &iterator->list))
            return false;
        if (inf_line_field(&iterator->list, 0, key, sizeof(key)) >= 0 &&
            inf_equal(key, iterator->directive))
            iterator->field = 1;
    }
}

/*
 * The next line of the listed sections, or (PARSE_ITEM with *line untouched and a name that begins
 * with @) a listed file.
 */
static enum parse_step next_line(struct inf_directive_iterator *iterator, struct inf_line *line,
                                 char name[INF_NAME_MAX], struct parse_error *error)
{
    for (;;) {
        name[0] = '\0';
        if (iterator->in_inner && inf_next_line(&iterator->inner, line))
            return PARSE_ITEM;
        iterator->in_inner = false;
        if (!next_name(iterator, name, INF_NAME_MAX))
            return PARSE_END;
        if (name[0] == '@')
            return PARSE_ITEM;
        if (!inf_find_section(iterator->inf, name, &iterator->inner)) {
            fail_line(&iterator->list, iterator->directive, "no such section", error);
            return PARSE_BAD;
        }
        iterator->in_inner = true;
    }
}

bool inf_registry_begin(const struct inf *inf, const char *section,
                        struct inf_directive_iterator *iterator)
{
    return begin(inf, section, "AddReg", iterator);
}

static bool is_root(const char *name)
{
    static const char *const roots[] = {"HKR", "HKLM", "HKCR", "HKCU", "HKU"};

    for (unsigned i = 0; i < ARRAY_COUNT(roots); i++) {
        if (inf_equal(name, roots[i]))
            return true;
    }
    return false;
}

static bool decode_type(uint32_t flags, uint32_t *type)
{
    static const struct {
        uint32_t bits;
        uint32_t type;
    } types[] = {
        {ADDREG_TYPE_SZ, INF_REG_SZ},       {ADDREG_TYPE_BINARY, INF_REG_BINARY},
        {ADDREG_TYPE_DWORD, INF_REG_DWORD}, {ADDREG_TYPE_MULTI_SZ, INF_REG_MULTI_SZ},
        {ADDREG_TYPE_NONE, INF_REG_NONE},   {ADDREG_TYPE_EXPAND_SZ, INF_REG_EXPAND_SZ},
    };
    uint32_t bits = flags & INF_ADDREG_TYPE_MASK;

    for (unsigned i = 0; i < ARRAY_COUNT(types); i++) {
        if (types[i].bits == bits) {
            *type = types[i].type;
            return true;
        }
    }
    *type = (uint32_t)FIELD_GET(ADDREG_CUSTOM_TYPE, bits);
    return bits & INF_ADDREG_BINARY_TYPE;
}

enum parse_step inf_registry_next(struct inf_directive_iterator *iterator,
                                  struct inf_registry_value *value, struct parse_error *error)
{
    struct inf_line *line = &value->line;
    char name[INF_NAME_MAX];
    char flags[24];
    enum parse_step step = next_line(iterator, line, name, error);

    if (step != PARSE_ITEM)
        return step;
    const char *wrong = NULL;
    value->flags = 0;
    if (name[0] == '@' || inf_line_field(line, 1, value->root, sizeof(value->root)) < 0 ||
        !is_root(value->root))
        wrong = "no registry root";
    else if (inf_line_field(line, 2, value->subkey, sizeof(value->subkey)) == INF_FIELD_TOO_LONG)
        wrong = "the subkey is too long";
    else if (inf_line_field(line, 3, value->name, sizeof(value->name)) == INF_FIELD_TOO_LONG)
        wrong = "the value's name is too long";
    else if (inf_line_field(line, 4, flags, sizeof(flags)) != INF_FIELD_ABSENT && flags[0] &&
             !inf_line_number(line, 4, &value->flags))
        wrong = "the flags are not a number";
    else if (!decode_type(value->flags, &value->type))
        wrong = "an unknown type";
    if (wrong) {
        fail_line(name[0] == '@' ? &iterator->list : line, "AddReg", wrong, error);
        return PARSE_BAD;
    }
    return PARSE_ITEM;
}

/* Bounded output of inf_registry_data(). */
struct data_output {
    uint8_t *buffer;
    size_t size;
    size_t length;
};

static bool put_text(const struct inf_line *line, unsigned field, struct data_output *output)
{
    size_t left = output->size - output->length;
    int32_t length = inf_line_field(line, field, (char *)output->buffer + output->length, left);

    if (length == INF_FIELD_TOO_LONG || left == 0)
        return false;
    output->length += (size_t)(length > 0 ? length : 0) + 1;
    return true;
}

static bool put_strings(const struct inf_line *line, struct data_output *output)
{
    unsigned count = inf_line_value_count(line);

    for (unsigned i = ADDREG_FIRST_DATA_FIELD; i <= count; i++) {
        if (!put_text(line, i, output))
            return false;
    }
    if (output->length == output->size)
        return false;
    output->buffer[output->length++] = '\0';
    return true;
}

/* One byte a field, in hex with or without 0x. */
static bool put_bytes(const struct inf_line *line, struct data_output *output)
{
    unsigned count = inf_line_value_count(line);
    char text[8];

    for (unsigned i = ADDREG_FIRST_DATA_FIELD; i <= count; i++) {
        int32_t length = inf_line_field(line, i, text, sizeof(text));
        const char *at = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? text + 2 : text;
        unsigned value = 0;

        if (length <= 0 || output->length == output->size || *at == '\0')
            return false;
        for (; *at; at++) {
            unsigned digit = *at >= '0' && *at <= '9'   ? (unsigned)(*at - '0')
                             : *at >= 'a' && *at <= 'f' ? (unsigned)(*at - 'a') + 10
                             : *at >= 'A' && *at <= 'F' ? (unsigned)(*at - 'A') + 10
                                                        : 16;
            value = value * 16 + digit;
            if (digit == 16 || value > UINT8_MAX)
                return false;
        }
        output->buffer[output->length++] = (uint8_t)value;
    }
    return true;
}

/* A number in one field, or its bytes in `width` fields. */
static bool put_number(const struct inf_line *line, unsigned width, struct data_output *output)
{
    unsigned fields = inf_line_value_count(line);
    uint64_t wide = 0;
    uint32_t value;

    if (output->size < width)
        return false;
    if (fields == ADDREG_FIRST_DATA_FIELD) {
        if (!inf_line_number(line, ADDREG_FIRST_DATA_FIELD, &value))
            return false;
        wide = value;
    } else if (fields > ADDREG_FIRST_DATA_FIELD) {
        return put_bytes(line, output) && output->length == width;
    }
    __builtin_memcpy(output->buffer, &wide, width); /* without data it is 0 */
    output->length = width;
    return true;
}

bool inf_registry_data(const struct inf_registry_value *value, void *buffer, size_t size,
                       size_t *length, struct parse_error *error)
{
    const struct inf_line *line = &value->line;
    struct data_output output = {.buffer = buffer, .size = size};
    bool good;

    switch (value->type) {
    case INF_REG_SZ:
    case INF_REG_EXPAND_SZ:
        good = put_text(line, ADDREG_FIRST_DATA_FIELD, &output);
        break;
    case INF_REG_MULTI_SZ:
        good = put_strings(line, &output);
        break;
    case INF_REG_DWORD:
        good = put_number(line, sizeof(uint32_t), &output);
        break;
    case INF_REG_QWORD:
        good = put_number(line, sizeof(uint64_t), &output);
        break;
    default:
        good = put_bytes(line, &output);
        break;
    }
    *length = output.length;
    if (!good)
        return fail_line(line, "AddReg", "data malformed or too long", error);
    return true;
}

bool inf_copy_begin(const struct inf *inf, const char *section,
                    struct inf_directive_iterator *iterator)
{
    return begin(inf, section, "CopyFiles", iterator);
}

enum parse_step inf_copy_next(struct inf_directive_iterator *iterator, struct inf_copy_file *file,
                              struct parse_error *error)
{
    struct inf_line line;
    char name[INF_NAME_MAX];
    enum parse_step step = next_line(iterator, &line, name, error);

    if (step != PARSE_ITEM)
        return step;
    if (name[0] == '@') {
        __builtin_memcpy(file->target, name + 1, sizeof(name) - 1);
        file->target[sizeof(name) - 1] = '\0';
        __builtin_memcpy(file->source, file->target, sizeof(file->source));
        return PARSE_ITEM;
    }
    int32_t source = inf_line_field(&line, 2, file->source, sizeof(file->source));
    if (inf_line_field(&line, 1, file->target, sizeof(file->target)) <= 0 ||
        source == INF_FIELD_TOO_LONG) {
        fail_line(&line, "CopyFiles", "no file name", error);
        return PARSE_BAD;
    }
    if (source <= 0)
        __builtin_memcpy(file->source, file->target, sizeof(file->source));
    return PARSE_ITEM;
}
