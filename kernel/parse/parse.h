/*
 * What every parser of this folder shares: the error report, the step an iterator takes, and
 * bounds-checked reads of little-endian numbers from foreign bytes.
 *
 * A parser turns bytes into structs. It does no I/O, keeps no globals and allocates nothing: the
 * bytes, and where text must be rewritten a scratch buffer, belong to the caller and must outlive
 * the structs that point into them. Every function may be called at any IRQL and on a host.
 *
 * A parser that fails fills a struct parse_error, which the caller prints as one line:
 *     "<source>: <what> at offset 0x<offset>: <detail>"
 */
#ifndef PARSE_PARSE_H
#define PARSE_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct parse_error {
    const char *what; /* the field's name in its specification, a string constant */
    uint64_t offset;  /* of that field, in the bytes the parser was given */
    char detail[48];  /* what is wrong with it, NUL-terminated */
};

/* What a call of an iterator's next function came to. */
enum parse_step {
    PARSE_END,  /* nothing is left; the output was not written */
    PARSE_ITEM, /* the output holds one item */
    PARSE_BAD,  /* the bytes are malformed; the error says where; the iterator must be given up */
};

/* Bytes with their length: all that a parser may touch. */
struct parse_bytes {
    const uint8_t *data;
    uint64_t size;
};

/* White space inside a line. A carriage return is some: lines end at the line feed behind it. */
static inline bool parse_is_blank(char character)
{
    return character == ' ' || character == '\t' || character == '\r';
}

/* White space where the end of a line is some too. */
static inline bool parse_is_space(char character)
{
    return parse_is_blank(character) || character == '\n';
}

/* Fill the error (NULL is allowed). */
void parse_report(struct parse_error *error, const char *what, uint64_t offset, const char *detail);

/* The same with a number after the detail: "leaves SizeOfImage: 0x12000". */
void parse_report_value(struct parse_error *error, const char *what, uint64_t offset,
                        const char *detail, uint64_t value);

/* The same for text files: "not a number, line 12". */
void parse_report_line(struct parse_error *error, const char *what, uint64_t offset,
                       const char *detail, uint32_t line);

/* Fill the error and return false, so that a check reads `return parse_fail(...)`. */
static inline bool parse_fail(struct parse_error *error, const char *what, uint64_t offset,
                              const char *detail)
{
    parse_report(error, what, offset, detail);
    return false;
}

static inline bool parse_fail_value(struct parse_error *error, const char *what, uint64_t offset,
                                    const char *detail, uint64_t value)
{
    parse_report_value(error, what, offset, detail, value);
    return false;
}

/* The same for iterators. */
static inline enum parse_step parse_bad(struct parse_error *error, const char *what,
                                        uint64_t offset, const char *detail, uint64_t value)
{
    parse_report_value(error, what, offset, detail, value);
    return PARSE_BAD;
}

/* True if [offset, offset + length) lies within size bytes; it cannot overflow. */
static inline bool parse_range_ok(uint64_t size, uint64_t offset, uint64_t length)
{
    return offset <= size && length <= size - offset;
}

/* Unchecked reads: the caller has checked the range. The copy makes alignment irrelevant. */
static inline uint16_t parse_u16(const void *from)
{
    uint16_t value;

    __builtin_memcpy(&value, from, sizeof(value));
    return value;
}

static inline uint32_t parse_u32(const void *from)
{
    uint32_t value;

    __builtin_memcpy(&value, from, sizeof(value));
    return value;
}

static inline uint64_t parse_u64(const void *from)
{
    uint64_t value;

    __builtin_memcpy(&value, from, sizeof(value));
    return value;
}

/* Checked copy into an aligned local: `if (!parse_copy(bytes, offset, &entry, sizeof(entry)))`. */
static inline bool parse_copy(struct parse_bytes bytes, uint64_t offset, void *to, uint64_t length)
{
    if (!parse_range_ok(bytes.size, offset, length))
        return false;
    __builtin_memcpy(to, bytes.data + offset, length);
    return true;
}

/* The sum of the bytes modulo 256: 0 for a sound ACPI or MP table. */
uint8_t parse_byte_sum(const void *data, size_t size);

#endif
