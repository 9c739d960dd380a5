/*
 * shell/text.h - a string that grows, so that a line reaches the console in one piece however long
 * it is: what CPUs log meanwhile then stands before or after it, not within.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct text {
    char *bytes; /* NUL-terminated once anything was put in; NULL: empty */
    size_t used; /* without the NUL */
    size_t size;
    bool failed; /* memory was short: the text ends where it was */
};

void text_put(struct text *text, const char *bytes, size_t length);
void text_pad(struct text *text, char filler, size_t count);
__attribute__((format(printf, 2, 3))) void text_print(struct text *text, const char *format, ...);
void text_vprint(struct text *text, const char *format, va_list arguments);
/* A JSON string of the first `length` bytes, quotes included. */
void text_put_json(struct text *text, const char *bytes, size_t length);
/* To the console; the text is empty afterwards and keeps its memory. */
void text_flush(struct text *text);
void text_free(struct text *text);
