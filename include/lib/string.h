/*
 * The kernel's own memory and string routines.
 *
 * The narrow ones keep the C names and the System V calling convention because the compiler calls
 * them by itself. What drivers import under the same names is another function with the Windows
 * convention: the export table names it. The wide ones carry the prefix lib_ and so leave wcslen
 * and its kin free for those exports. A wide character is one UTF-16 unit.
 *
 * Nothing here allocates, faults by design, or depends on IRQL.
 */
#ifndef LIB_STRING_H
#define LIB_STRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict destination, const void *restrict source, size_t size);
void *memmove(void *destination, const void *source, size_t size);
void *memset(void *destination, int value, size_t size);
int memcmp(const void *left, const void *right, size_t size);
void *memchr(const void *memory, int value, size_t size);

size_t strlen(const char *text);
int strcmp(const char *left, const char *right);
int strncmp(const char *left, const char *right, size_t limit);
char *strchr(const char *text, int character);
char *strrchr(const char *text, int character);
char *strstr(const char *text, const char *pattern);

/* Length of text, at most limit. */
size_t lib_strnlen(const char *text, size_t limit);

/*
 * Copy with truncation; the result is always terminated when size > 0. Returns strlen(source), so
 * that a result >= size tells of the truncation.
 */
size_t lib_strlcpy(char *destination, const char *source, size_t size);
size_t lib_strlcat(char *destination, const char *source, size_t size);

/* ASCII letters compare without regard to case. */
int lib_stricmp(const char *left, const char *right);
int lib_strnicmp(const char *left, const char *right, size_t limit);

size_t lib_wcslen(const uint16_t *text);
size_t lib_wcsnlen(const uint16_t *text, size_t limit);
int lib_wcscmp(const uint16_t *left, const uint16_t *right);
int lib_wcsncmp(const uint16_t *left, const uint16_t *right, size_t limit);
int lib_wcsicmp(const uint16_t *left, const uint16_t *right);
int lib_wcsnicmp(const uint16_t *left, const uint16_t *right, size_t limit);
uint16_t *lib_wcschr(const uint16_t *text, uint16_t character);
uint16_t *lib_wcsrchr(const uint16_t *text, uint16_t character);
uint16_t *lib_wcsstr(const uint16_t *text, const uint16_t *pattern);

/* As lib_strlcpy, in units. */
size_t lib_wcslcpy(uint16_t *destination, const uint16_t *source, size_t size);

/* Upper case of one UTF-16 unit: ASCII, Latin-1, Greek and Cyrillic letters; others stay. */
uint16_t lib_wide_upcase(uint16_t character);
uint16_t lib_wide_downcase(uint16_t character);

static inline char lib_upcase(char character)
{
    return character >= 'a' && character <= 'z' ? (char)(character - 'a' + 'A') : character;
}

static inline char lib_downcase(char character)
{
    return character >= 'A' && character <= 'Z' ? (char)(character - 'A' + 'a') : character;
}

/*
 * UTF-16 to UTF-8 and back. Both convert `length` units of the source, put at most size units into
 * the destination (never half a character), do not terminate, and return the number of units the
 * whole result needs. A lone surrogate or a malformed byte becomes U+FFFD.
 */
size_t lib_utf8_from_wide(char *destination, size_t size, const uint16_t *source, size_t length);
size_t lib_wide_from_utf8(uint16_t *destination, size_t size, const char *source, size_t length);

/* As many whole characters as fit into size > 0 bytes, terminated. */
void lib_utf8_cut(char *text, size_t size, const uint16_t *source, size_t length);

/* One character of at least one unit from source[*at] on; *at, below length, moves behind it. */
uint32_t lib_utf8_next(const char *source, size_t length, size_t *at);
uint32_t lib_wide_next(const uint16_t *source, size_t length, size_t *at);

#endif
