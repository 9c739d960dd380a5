/*
 * The kernel command line: words separated by blanks, each `key=value` or `key`. Double quotes,
 * anywhere in a word, keep blanks: console="COM1, 115200". Where a key is given twice the last one
 * counts. Keys are compared with case. Which keys exist is the business of their users.
 */
#ifndef PARSE_CMDLINE_H
#define PARSE_CMDLINE_H

#include "parse/parse.h"

#define CMDLINE_VALUE_MAX 128 /* a buffer that holds any value we use */

struct cmdline_word {
    const char *key; /* key_size bytes inside the line */
    size_t key_size;
    const char *value; /* raw, quotes included; NULL: the word has no `=` */
    size_t value_size;
};

struct cmdline_iterator {
    const char *next;
    const char *end;
};

void cmdline_begin(struct cmdline_iterator *iterator, const char *line, size_t size);
bool cmdline_next(struct cmdline_iterator *iterator, struct cmdline_word *word);

/* Copy a word's value without its quotes; false if it does not fit. "" for a word without `=`. */
bool cmdline_value(const struct cmdline_word *word, char *buffer, size_t size);

/*
 * The value of the next word with that key, for options that may be given more than once; "" for
 * one that does not fit. False: no more.
 */
bool cmdline_next_value(struct cmdline_iterator *iterator, const char *key, char *buffer,
                        size_t size);

/* The line is NUL-terminated. False: no such key, or the value does not fit. */
bool cmdline_get(const char *line, const char *key, char *buffer, size_t size);
bool cmdline_has(const char *line, const char *key);

/* `key=number` within [least, most]; false leaves *number as it was, for a default set before. */
bool cmdline_get_number(const char *line, const char *key, uint64_t least, uint64_t most,
                        uint64_t *number);

/* A whole string as decimal or 0x hex with an optional K, M or G suffix (powers of 1,024). */
bool cmdline_number(const char *text, uint64_t least, uint64_t most, uint64_t *number);

#endif
