/*
 * The error report shared by the parsers, and the byte sum of firmware tables.
 *
 * The detail is written by hand, with no formatter, so that this folder stays free of the others
 * and runs unchanged under the host's sanitizers.
 */
#include "parse/parse.h"

/* Append text to the detail; what does not fit is cut off. Returns the new length. */
static size_t detail_append(struct parse_error *error, size_t length, const char *text)
{
    while (*text && length + 1 < sizeof(error->detail))
        error->detail[length++] = *text++;
    error->detail[length] = '\0';
    return length;
}

void parse_report(struct parse_error *error, const char *what, uint64_t offset, const char *detail)
{
    if (!error)
        return;
    error->what = what;
    error->offset = offset;
    detail_append(error, 0, detail);
}

/* The detail, the text between, and the number in base 10 or 16. */
static void report_number(struct parse_error *error, const char *detail, const char *between,
                          uint64_t value, unsigned base)
{
    static const char digits[] = "0123456789abcdef";
    char number[24]; /* 20 decimal digits and a NUL */
    size_t at = sizeof(number) - 1;
    size_t length = detail_append(error, 0, detail);

    number[at] = '\0';
    do {
        number[--at] = digits[value % base];
        value /= base;
    } while (value);
    length = detail_append(error, length, between);
    detail_append(error, length, &number[at]);
}

void parse_report_value(struct parse_error *error, const char *what, uint64_t offset,
                        const char *detail, uint64_t value)
{
    if (!error)
        return;
    error->what = what;
    error->offset = offset;
    report_number(error, detail, ": 0x", value, 16);
}

void parse_report_line(struct parse_error *error, const char *what, uint64_t offset,
                       const char *detail, uint32_t line)
{
    if (!error)
        return;
    error->what = what;
    error->offset = offset;
    report_number(error, detail, ", line ", line, 10);
}

uint8_t parse_byte_sum(const void *data, size_t size)
{
    const uint8_t *bytes = data;
    uint8_t sum = 0;

    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + bytes[i]);
    return sum;
}
