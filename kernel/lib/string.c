/*
 * Narrow strings. See lib/string.h.
 *
 * Owns: zero-terminated byte strings. Owns not: block memory (memory.c), wide strings and UTF-8
 * conversion (wide.c).
 */
#include <lib/string.h>

/* The optimiser must not turn strlen's loop into a call of strlen. */
__attribute__((optimize("no-tree-loop-distribute-patterns"))) size_t strlen(const char *text)
{
    const char *end = text;

    while (*end != '\0') {
        end++;
    }
    return (size_t)(end - text);
}

static int string_compare(const char *left, const char *right, size_t limit, bool fold)
{
    for (; limit != 0; limit--, left++, right++) {
        unsigned char a = (unsigned char)(fold ? lib_downcase(*left) : *left);
        unsigned char b = (unsigned char)(fold ? lib_downcase(*right) : *right);

        if (a != b) {
            return a < b ? -1 : 1;
        }
        if (a == '\0') {
            break;
        }
    }
    return 0;
}

int strcmp(const char *left, const char *right)
{
    return string_compare(left, right, SIZE_MAX, false);
}

int strncmp(const char *left, const char *right, size_t limit)
{
    return string_compare(left, right, limit, false);
}

char *strchr(const char *text, int character)
{
    for (;; text++) {
        if (*text == (char)character) {
            return (char *)(uintptr_t)text;
        }
        if (*text == '\0') {
            return NULL;
        }
    }
}

char *strrchr(const char *text, int character)
{
    const char *found = NULL;

    for (;; text++) {
        if (*text == (char)character) {
            found = text;
        }
        if (*text == '\0') {
            return (char *)(uintptr_t)found;
        }
    }
}

char *strstr(const char *text, const char *pattern)
{
    size_t length = strlen(pattern);

    for (;; text++) {
        if (strncmp(text, pattern, length) == 0) {
            return (char *)(uintptr_t)text;
        }
        if (*text == '\0') {
            return NULL;
        }
    }
}

size_t lib_strnlen(const char *text, size_t limit)
{
    size_t length = 0;

    while (length < limit && text[length] != '\0') {
        length++;
    }
    return length;
}

size_t lib_strlcpy(char *destination, const char *source, size_t size)
{
    size_t length = strlen(source);

    if (size != 0) {
        size_t copied = length < size ? length : size - 1;

        memcpy(destination, source, copied);
        destination[copied] = '\0';
    }
    return length;
}

size_t lib_strlcat(char *destination, const char *source, size_t size)
{
    size_t used = lib_strnlen(destination, size);

    return used + lib_strlcpy(destination + used, source, size - used);
}

int lib_stricmp(const char *left, const char *right)
{
    return string_compare(left, right, SIZE_MAX, true);
}

int lib_strnicmp(const char *left, const char *right, size_t limit)
{
    return string_compare(left, right, limit, true);
}
