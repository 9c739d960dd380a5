/*
 * A line of ordinals.txt: which routine a number stood for in the library a driver was linked with.
 *
 *     ntoskrnl.exe 77 DbgPrint
 *
 * The fields are separated by blanks; the number is decimal, or hexadecimal after 0x.
 */
#ifndef PARSE_ORDINAL_H
#define PARSE_ORDINAL_H

#include "parse/parse.h"

enum { ORDINAL_LIBRARY_MAX = 32, ORDINAL_NAME_MAX = 128 };

struct ordinal {
    char library[ORDINAL_LIBRARY_MAX];
    char name[ORDINAL_NAME_MAX];
    uint16_t number;
};

/* The whole line must be one ordinal. */
bool ordinal_parse(const char *line, struct ordinal *ordinal, struct parse_error *error);

#endif
