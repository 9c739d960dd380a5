/*
 * What every host test needs: cmocka, tests named by sentences, little-endian bytes, and byte
 * strings whose ends the address sanitizer watches.
 */
#ifndef TEST_H
#define TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A test whose reported name is a sentence. */
#define SENTENCE(text, function)                                                                   \
    {                                                                                              \
        text, function, NULL, NULL, NULL                                                           \
    }

/* The same with a set-up of its own. */
#define SENTENCE_WITH(text, function, setup)                                                       \
    {                                                                                              \
        text, function, setup, NULL, NULL                                                          \
    }

#define TEST_COUNT(array) (sizeof(array) / sizeof((array)[0]))

static inline void test_put(void *to, uint64_t value, size_t width)
{
    memcpy(to, &value, width);
}

/* An exact copy on the heap: reading one byte past it ends the test. free() it. */
static inline void *test_exact(const void *bytes, size_t size)
{
    void *copy = malloc(size ? size : 1);

    assert_non_null(copy);
    memcpy(copy, bytes, size);
    return copy;
}

/* Make the bytes sum to 0 by the byte at `at`. */
static inline void test_fix_checksum(void *table, size_t size, size_t at)
{
    uint8_t *bytes = table;
    uint8_t sum = 0;

    bytes[at] = 0;
    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + bytes[i]);
    bytes[at] = (uint8_t)-sum;
}

/* Offsets in the ACPI table header. */
enum { TEST_ACPI_LENGTH = 4, TEST_ACPI_CHECKSUM = 9, TEST_ACPI_HEADER = 36 };

/* Give a table its signature, length and checksum. */
static inline void test_acpi_seal(void *table, const char *signature, uint32_t size)
{
    memcpy(table, signature, 4);
    test_put((uint8_t *)table + TEST_ACPI_LENGTH, size, 4);
    test_fix_checksum(table, size, TEST_ACPI_CHECKSUM);
}

/* The whole file, or NULL; free() it. */
static inline void *test_read_file(const char *path, size_t *size)
{
    FILE *stream = path ? fopen(path, "rb") : NULL;
    char *bytes = NULL;

    *size = 0;
    if (!stream)
        return NULL;
    if (fseek(stream, 0, SEEK_END) == 0) {
        long end = ftell(stream);
        rewind(stream);
        bytes = malloc(end > 0 ? (size_t)end : 1);
        *size = end > 0 && bytes ? fread(bytes, 1, (size_t)end, stream) : 0;
    }
    fclose(stream);
    return bytes;
}

#endif
