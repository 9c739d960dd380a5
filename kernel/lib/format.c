/*
 * The one formatter. See lib/format.h for what it understands.
 *
 * One loop serves narrow and wide formats and both kinds of argument list: a struct format_source
 * hides the width of the format's characters and where arguments come from, a struct format_sink
 * where the result goes. Every argument is fetched as one 64-bit slot, which is how both calling
 * conventions store integers and pointers, and is then cut to the size that the conversion names.
 *
 * Owns: conversion. Owns not: the log's prefix and line discipline (log.c), the return value -1
 * on truncation that Windows' _vsnprintf has (the export's owner).
 */
#include <lib/bits.h>
#include <lib/format.h>
#include <lib/string.h>
#include <nt/ntdef.h>

enum { FORMAT_CHUNK = 64 };

struct format_source {
    const void *format;
    bool wide;      /* the format is UTF-16, %s means wide */
    bool microsoft; /* Windows argument list, long is 32 bits */
    va_list *sysv;
    __builtin_ms_va_list *ms;
};

struct format_sink {
    lib_sink_fn *sink; /* narrow results */
    void *context;
    uint16_t *wide; /* wide results */
    size_t wide_size;
    size_t total;
    size_t used;
    char chunk[FORMAT_CHUNK];
};

enum format_size { SIZE_INT, SIZE_CHAR, SIZE_SHORT, SIZE_LONG, SIZE_64, SIZE_WIDE };

struct format_spec {
    bool left, plus, space, alternate, zero;
    bool has_precision;
    uint32_t width;
    uint32_t precision;
    enum format_size size;
    uint16_t conversion;
};

static uint16_t source_unit(const struct format_source *source, size_t at)
{
    return source->wide ? ((const uint16_t *)source->format)[at]
                        : ((const uint8_t *)source->format)[at];
}

static uint64_t source_argument(struct format_source *source)
{
    return source->microsoft ? __builtin_va_arg(*source->ms, uint64_t)
                             : va_arg(*source->sysv, uint64_t);
}

static void sink_flush(struct format_sink *sink)
{
    if (sink->used != 0) {
        sink->sink(sink->context, sink->chunk, sink->used);
        sink->used = 0;
    }
}

static void sink_put(struct format_sink *sink, uint16_t unit)
{
    if (sink->sink == NULL) {
        if (sink->total < sink->wide_size) {
            sink->wide[sink->total] = unit;
        }
    } else {
        if (sink->used == FORMAT_CHUNK) {
            sink_flush(sink);
        }
        sink->chunk[sink->used++] = (char)unit;
    }
    sink->total++;
}

static void sink_repeat(struct format_sink *sink, char character, size_t count)
{
    while (count-- != 0) {
        sink_put(sink, (uint8_t)character);
    }
}

static void sink_wide(struct format_sink *sink, const uint16_t *text, size_t length)
{
    for (size_t at = 0; at < length;) {
        char bytes[4];
        size_t pair = (text[at] & 0xFC00) == 0xD800 && at + 1 < length ? 2 : 1;
        size_t count;

        if (sink->sink == NULL) {
            sink_put(sink, text[at++]);
            continue;
        }
        count = lib_utf8_from_wide(bytes, sizeof(bytes), text + at, pair);
        for (size_t i = 0; i < count && i < sizeof(bytes); i++) {
            sink_put(sink, (uint8_t)bytes[i]);
        }
        at += pair;
    }
}

static void sink_string(struct format_sink *sink, const struct format_spec *spec, const void *text,
                        size_t length, bool wide)
{
    size_t padding = spec->width > length ? spec->width - length : 0;

    if (!spec->left) {
        sink_repeat(sink, spec->zero ? '0' : ' ', padding);
    }
    if (wide) {
        sink_wide(sink, text, length);
    } else {
        for (size_t i = 0; i < length; i++) {
            sink_put(sink, ((const uint8_t *)text)[i]);
        }
    }
    if (spec->left) {
        sink_repeat(sink, ' ', padding);
    }
}

static bool spec_text_is_wide(const struct format_spec *spec, const struct format_source *source)
{
    bool capital = spec->conversion == 'S' || spec->conversion == 'C';

    if (spec->size == SIZE_SHORT) {
        return false;
    }
    if (spec->size == SIZE_LONG || spec->size == SIZE_WIDE) {
        return true;
    }
    return source->wide != capital;
}

static void format_text(struct format_sink *sink, const struct format_spec *spec,
                        struct format_source *source)
{
    const void *text = (const void *)source_argument(source);
    bool wide = spec_text_is_wide(spec, source);
    size_t limit = spec->has_precision ? spec->precision : SIZE_MAX;

    if (text == NULL) {
        text = "(null)";
        wide = false;
    }
    sink_string(sink, spec, text, wide ? lib_wcsnlen(text, limit) : lib_strnlen(text, limit), wide);
}

/* %Z ANSI_STRING, %wZ UNICODE_STRING: counted, not terminated. */
static void format_counted(struct format_sink *sink, const struct format_spec *spec,
                           struct format_source *source)
{
    const UNICODE_STRING *string = (const UNICODE_STRING *)source_argument(source);
    bool wide = spec->size == SIZE_WIDE || spec->size == SIZE_LONG;
    size_t length;

    if (string == NULL || string->Buffer == NULL) {
        sink_string(sink, spec, "(null)", 6, false);
        return;
    }
    length = wide ? string->Length / sizeof(WCHAR) : string->Length;
    if (spec->has_precision && spec->precision < length) {
        length = spec->precision;
    }
    sink_string(sink, spec, string->Buffer, length, wide);
}

static void format_character(struct format_sink *sink, const struct format_spec *spec,
                             struct format_source *source)
{
    uint64_t value = source_argument(source);
    uint16_t wide = (uint16_t)value;
    char narrow = (char)value;

    if (spec_text_is_wide(spec, source)) {
        sink_string(sink, spec, &wide, 1, true);
    } else {
        sink_string(sink, spec, &narrow, 1, false);
    }
}

static uint64_t spec_cut(const struct format_spec *spec, const struct format_source *source,
                         uint64_t value, bool is_signed)
{
    unsigned int bits = 32;

    if (spec->size == SIZE_CHAR) {
        bits = 8;
    } else if (spec->size == SIZE_SHORT) {
        bits = 16;
    } else if (spec->size == SIZE_64 || (spec->size == SIZE_LONG && !source->microsoft)) {
        return value;
    }
    value <<= 64 - bits;
    return is_signed ? (uint64_t)((int64_t)value >> (64 - bits)) : value >> (64 - bits);
}

static void format_number(struct format_sink *sink, const struct format_spec *spec, uint64_t value,
                          bool negative)
{
    const char *digits = spec->conversion == 'x' ? "0123456789abcdef" : "0123456789ABCDEF";
    unsigned int base = spec->conversion == 'o' ? 8 : 10;
    char text[24];
    char prefix[2];
    size_t count = 0;
    size_t prefix_count = 0;
    size_t zeros = 0;
    size_t padding;

    if (spec->conversion == 'x' || spec->conversion == 'X' || spec->conversion == 'p') {
        base = 16;
    }
    if (negative || spec->plus || spec->space) {
        prefix[prefix_count++] = negative ? '-' : spec->plus ? '+' : ' ';
    } else if (spec->alternate && base == 16 && value != 0) {
        prefix[prefix_count++] = '0';
        prefix[prefix_count++] = spec->conversion == 'X' ? 'X' : 'x';
    }
    for (; value != 0; value /= base) {
        text[count++] = digits[value % base];
    }
    if (spec->has_precision) {
        zeros = spec->precision > count ? spec->precision - count : 0;
    } else if (count == 0) {
        zeros = 1;
    }
    if (spec->alternate && base == 8 && zeros == 0) {
        zeros = 1;
    }
    padding = count + zeros + prefix_count;
    padding = spec->width > padding ? spec->width - padding : 0;
    if (spec->zero && !spec->left && !spec->has_precision) {
        zeros += padding;
        padding = 0;
    }
    sink_repeat(sink, ' ', spec->left ? 0 : padding);
    for (size_t i = 0; i < prefix_count; i++) {
        sink_put(sink, (uint8_t)prefix[i]);
    }
    sink_repeat(sink, '0', zeros);
    while (count != 0) {
        sink_put(sink, (uint8_t)text[--count]);
    }
    sink_repeat(sink, ' ', spec->left ? padding : 0);
}

/* False: not a conversion; the caller prints it as it stands. */
static bool format_convert(struct format_sink *sink, struct format_spec *spec,
                           struct format_source *source)
{
    uint64_t value;

    switch (spec->conversion) {
    case 'd':
    case 'i':
        value = spec_cut(spec, source, source_argument(source), true);
        format_number(sink, spec, (int64_t)value < 0 ? 0 - value : value, (int64_t)value < 0);
        return true;
    case 'u':
    case 'o':
    case 'x':
    case 'X':
        spec->plus = spec->space = false;
        value = spec_cut(spec, source, source_argument(source), false);
        format_number(sink, spec, value, false);
        return true;
    case 'p':
        spec->plus = spec->space = spec->zero = false;
        spec->has_precision = true;
        spec->precision = 2 * sizeof(void *);
        format_number(sink, spec, source_argument(source), false);
        return true;
    case 's':
    case 'S':
        format_text(sink, spec, source);
        return true;
    case 'c':
    case 'C':
        format_character(sink, spec, source);
        return true;
    case 'Z':
        format_counted(sink, spec, source);
        return true;
    case '%':
        sink_put(sink, '%');
        return true;
    default:
        return false;
    }
}

static size_t spec_parse_flags(const struct format_source *source, size_t at,
                               struct format_spec *spec)
{
    for (;; at++) {
        switch (source_unit(source, at)) {
        case '-':
            spec->left = true;
            break;
        case '+':
            spec->plus = true;
            break;
        case ' ':
            spec->space = true;
            break;
        case '#':
            spec->alternate = true;
            break;
        case '0':
            spec->zero = true;
            break;
        default:
            return at;
        }
    }
}

/* A number or *; a negative * comes back as a negative value. */
static size_t spec_parse_number(struct format_source *source, size_t at, int32_t *value)
{
    enum { NUMBER_MAX = 1 << 20 };
    int32_t number = 0;

    if (source_unit(source, at) == '*') {
        *value = (int32_t)source_argument(source);
        return at + 1;
    }
    for (; source_unit(source, at) >= '0' && source_unit(source, at) <= '9'; at++) {
        if (number < NUMBER_MAX) {
            number = number * 10 + (source_unit(source, at) - '0');
        }
    }
    *value = number;
    return at;
}

static size_t spec_parse_size(const struct format_source *source, size_t at,
                              struct format_spec *spec)
{
    uint16_t unit = source_unit(source, at);
    uint16_t next = unit != 0 ? source_unit(source, at + 1) : 0;

    switch (unit) {
    case 'h':
        spec->size = next == 'h' ? SIZE_CHAR : SIZE_SHORT;
        return at + (next == 'h' ? 2 : 1);
    case 'l':
        spec->size = next == 'l' ? SIZE_64 : SIZE_LONG;
        return at + (next == 'l' ? 2 : 1);
    case 'w':
        spec->size = SIZE_WIDE;
        return at + 1;
    case 'z':
    case 't':
    case 'j':
    case 'L':
        spec->size = SIZE_64;
        return at + 1;
    case 'I':
        if (next == '6' && source_unit(source, at + 2) == '4') {
            spec->size = SIZE_64;
            return at + 3;
        }
        if (next == '3' && source_unit(source, at + 2) == '2') {
            return at + 3;
        }
        spec->size = SIZE_64;
        return at + 1;
    default:
        return at;
    }
}

static size_t spec_parse(struct format_source *source, size_t at, struct format_spec *spec)
{
    int32_t number;

    *spec = (struct format_spec){0};
    at = spec_parse_flags(source, at, spec);
    at = spec_parse_number(source, at, &number);
    if (number < 0) {
        spec->left = true;
        number = number == INT32_MIN ? 0 : -number;
    }
    spec->width = (uint32_t)number;
    if (source_unit(source, at) == '.') {
        at = spec_parse_number(source, at + 1, &number);
        spec->has_precision = number >= 0;
        spec->precision = number >= 0 ? (uint32_t)number : 0;
    }
    at = spec_parse_size(source, at, spec);
    spec->conversion = source_unit(source, at);
    return at;
}

static int format_run(struct format_sink *sink, struct format_source *source)
{
    size_t at = 0;
    uint16_t unit;

    while ((unit = source_unit(source, at)) != 0) {
        struct format_spec spec;
        size_t end;

        if (unit != '%') {
            sink_put(sink, unit);
            at++;
            continue;
        }
        end = spec_parse(source, at + 1, &spec);
        if (format_convert(sink, &spec, source)) {
            at = end + 1;
        } else {
            sink_put(sink, unit);
            at++;
        }
    }
    if (sink->sink != NULL) {
        sink_flush(sink);
    }
    return (int)sink->total;
}

int lib_format(lib_sink_fn *sink, void *context, const char *format, va_list arguments)
{
    struct format_sink to = {.sink = sink, .context = context};
    struct format_source from = {.format = format};
    va_list copy;
    int total;

    va_copy(copy, arguments);
    from.sysv = &copy;
    total = format_run(&to, &from);
    va_end(copy);
    return total;
}

int lib_format_ms(lib_sink_fn *sink, void *context, const char *format,
                  __builtin_ms_va_list arguments)
{
    struct format_sink to = {.sink = sink, .context = context};
    struct format_source from = {.format = format, .microsoft = true, .ms = &arguments};

    return format_run(&to, &from);
}

int lib_vsnwprintf_ms(uint16_t *text, size_t size, const uint16_t *format,
                      __builtin_ms_va_list arguments)
{
    struct format_sink to = {.wide = text, .wide_size = size};
    struct format_source from = {
        .format = format, .wide = true, .microsoft = true, .ms = &arguments};
    int total = format_run(&to, &from);

    if (to.total < size) {
        text[to.total] = 0;
    }
    return total;
}
