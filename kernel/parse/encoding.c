/*
 * The encodings text files come in: UTF-16LE with or without a byte order mark, UTF-8 with or
 * without one, and ANSI, which is taken for Latin-1: only texts shown to people are affected.
 */
#include "parse/encoding.h"

#define REPLACEMENT_CHARACTER 0xFFFDu

/* Where the converted text grows. */
struct output {
    char *buffer;
    uint64_t size;
    uint64_t length;
    bool overflow;
};

static void put_byte(struct output *output, uint32_t byte)
{
    if (output->length == output->size) {
        output->overflow = true;
        return;
    }
    output->buffer[output->length++] = (char)byte;
}

static void put_character(struct output *output, uint32_t code)
{
    if (code < 0x80) {
        put_byte(output, code);
    } else if (code < 0x800) {
        put_byte(output, 0xC0 | code >> 6);
        put_byte(output, 0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        put_byte(output, 0xE0 | code >> 12);
        put_byte(output, 0x80 | (code >> 6 & 0x3F));
        put_byte(output, 0x80 | (code & 0x3F));
    } else {
        put_byte(output, 0xF0 | code >> 18);
        put_byte(output, 0x80 | (code >> 12 & 0x3F));
        put_byte(output, 0x80 | (code >> 6 & 0x3F));
        put_byte(output, 0x80 | (code & 0x3F));
    }
}

/* Unit by unit; a lone surrogate becomes the replacement character, an odd last byte is dropped. */
static void convert_utf16(const uint8_t *from, uint64_t size, struct output *output)
{
    for (uint64_t at = 0; at + 2 <= size; at += 2) {
        uint32_t code = parse_u16(from + at);

        if (code >= 0xD800 && code < 0xDC00 && at + 4 <= size) {
            uint32_t low = parse_u16(from + at + 2);
            if (low >= 0xDC00 && low < 0xE000) {
                code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
                at += 2;
            }
        }
        if (code >= 0xD800 && code < 0xE000)
            code = REPLACEMENT_CHARACTER;
        put_character(output, code);
    }
}

/* Length of the well-formed sequence at the first byte, 0 if there is none. Unicode 15 table 3-7,
 * with the overlong forms let through: the text is compared bytewise and never decoded. */
static unsigned utf8_sequence(const uint8_t *from, uint64_t left)
{
    unsigned length = from[0] < 0x80   ? 1
                      : from[0] < 0xC2 ? 0
                      : from[0] < 0xE0 ? 2
                      : from[0] < 0xF0 ? 3
                      : from[0] < 0xF5 ? 4
                                       : 0;

    if (length > left)
        return 0;
    for (unsigned i = 1; i < length; i++) {
        if ((from[i] & 0xC0) != 0x80)
            return 0;
    }
    return length;
}

static bool is_utf8(const uint8_t *from, uint64_t size)
{
    unsigned length;

    for (uint64_t at = 0; at < size; at += length) {
        length = utf8_sequence(from + at, size - at);
        if (length == 0)
            return false;
    }
    return true;
}

static bool has_mark(const uint8_t *from, uint64_t size, uint8_t first, uint8_t second)
{
    return size >= 2 && from[0] == first && from[1] == second;
}

bool encoding_decode(const void *file, uint64_t file_size, char *scratch, uint64_t scratch_size,
                     const char **text, uint32_t *size, struct parse_error *error)
{
    const uint8_t *from = file;
    struct output output = {.buffer = scratch, .size = scratch_size};

    if (has_mark(from, file_size, 0xFE, 0xFF))
        return parse_fail(error, "byte order mark", 0, "big-endian UTF-16");
    if (has_mark(from, file_size, 0xFF, 0xFE)) {
        convert_utf16(from + 2, file_size - 2, &output);
    } else if (file_size >= 2 && from[0] != 0 && from[1] == 0) {
        convert_utf16(from, file_size, &output); /* ASCII first, so the high byte tells */
    } else {
        if (has_mark(from, file_size, 0xEF, 0xBB) && file_size >= 3 && from[2] == 0xBF) {
            from += 3;
            file_size -= 3;
        }
        if (is_utf8(from, file_size)) {
            output = (struct output){.length = file_size};
        } else {
            for (uint64_t at = 0; at < file_size; at++)
                put_character(&output, from[at]);
        }
    }
    if (output.overflow)
        return parse_fail_value(error, "text", 0, "does not fit the scratch buffer", scratch_size);

    *text = output.buffer ? output.buffer : (const char *)from;
    *size = (uint32_t)output.length;
    for (uint32_t at = 0; at < *size; at++) {
        if ((*text)[at] == '\0')
            return parse_fail(error, "text", at, "holds a NUL character");
    }
    return true;
}
