/*
 * Hexadecimal text: digits to bytes and back, for the console's `dev write` and `dev ioctl`.
 */
#ifndef PARSE_HEX_H
#define PARSE_HEX_H

#include "parse/parse.h"

/* 0..15, or -1 for anything but a hex digit. */
int hex_digit(char character);

/*
 * Pairs of digits to bytes; blanks, ':', '-' and ',' may stand between pairs, "0x" in front of the
 * whole. Fails on an odd digit, any other character, or more than size bytes.
 */
bool hex_parse(const char *text, void *buffer, size_t size, size_t *length,
               struct parse_error *error);

/* Two lower-case digits a byte and a NUL; false if text_size is below 2 * size + 1. */
bool hex_format(const void *bytes, size_t size, char *text, size_t text_size);

#endif
