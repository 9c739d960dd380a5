/*
 * A console line to words. Blanks separate words; "double" and 'single' quotes, anywhere in a word,
 * keep blanks; in double quotes and outside quotes \" \\ and \<blank> stand for the character
 * itself, and any other backslash is a plain one (device names are full of them). `#` at the start
 * of a word begins a comment.
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
