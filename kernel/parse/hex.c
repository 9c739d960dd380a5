/*
 * Hexadecimal digits to bytes and back.
 */
#include "parse/hex.h"

int hex_digit(char character)
{
    if (character >= '0' && character <= '9')
        return character - '0';
    if (character >= 'a' && character <= 'f')
        return character - 'a' + 10;
    if (character >= 'A' && character <= 'F')
        return character - 'A' + 10;
    return -1;
}

static bool is_separator(char character)
{
    return character == ' ' || character == ':' || character == '-' || character == ',';
}

bool hex_parse(const char *text, void *buffer, size_t size, size_t *length,
               struct parse_error *error)
{
    uint8_t *bytes = buffer;
    const char *at = text;

    *length = 0;
    if (at[0] == '0' && (at[1] == 'x' || at[1] == 'X'))
        at += 2;
    for (;;) {
        while (is_separator(*at))
            at++;
        if (*at == '\0')
            return true;

        uint64_t offset = (uint64_t)(at - text);
        int high = hex_digit(at[0]);
        if (high < 0)
            return parse_fail_value(error, "hex digits", offset, "not a hex digit", (uint8_t)at[0]);
        int low = hex_digit(at[1]);
        if (low < 0)
            return parse_fail(error, "hex digits", offset, "half a byte");
        if (*length == size)
            return parse_fail_value(error, "hex digits", offset, "more bytes than", size);
        bytes[(*length)++] = (uint8_t)(high << 4 | low);
        at += 2;
    }
}

bool hex_format(const void *bytes, size_t size, char *text, size_t text_size)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *from = bytes;

    if (text_size == 0 || size > (text_size - 1) / 2)
        return false;
    for (size_t i = 0; i < size; i++) {
        *text++ = digits[from[i] >> 4];
        *text++ = digits[from[i] & 0xF];
    }
    *text = '\0';
    return true;
}
