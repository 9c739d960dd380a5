/*
 * A console line to words. Blanks separate words; "double" and 'single' quotes, anywhere in a word,
 * keep blanks; \" is a quote except in single quotes, and outside quotes a backslash keeps the
 * blank after it. Any other backslash is a plain one: \\.\name is a device's name. `#` at the
 * start of a word begins a comment.
 */
#ifndef PARSE_CONSOLE_LINE_H
#define PARSE_CONSOLE_LINE_H

#include "parse/parse.h"

#define CONSOLE_LINE_WORDS_MAX 32

/*
 * Cut the line up in place: argv[0..*argc) point into it, NUL-terminated, argv[*argc] is NULL
 * (so argv has argv_size >= 2 places). Fails on an open quote or too many words.
 */
bool console_line_split(char *line, char **argv, unsigned argv_size, unsigned *argc,
                        struct parse_error *error);

#endif
