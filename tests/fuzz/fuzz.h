/*
 * What every fuzz target shares. A target is one file fuzz_<parser>.c with libFuzzer's entry; it
 * calls the whole public surface of its parser on the input and checks what the parser promises.
 *
 * The input is handed over as it lies in libFuzzer's exact heap block, so that the address
 * sanitizer sees any read past it. Targets whose parser demands a checksum mend it in a copy first.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A broken promise ends the run as a crash. */
#define FUZZ_CHECK(condition)                                                                      \
    do {                                                                                           \
        if (!(condition))                                                                          \
            __builtin_trap();                                                                      \
    } while (0)

/* An exact heap copy; free() it. */
static inline uint8_t *fuzz_copy(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);

    FUZZ_CHECK(copy);
    if (size)
        memcpy(copy, data, size);
    return copy;
}

/* An exact copy with a NUL behind it, for parsers of C strings. */
static inline char *fuzz_string(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1);

    FUZZ_CHECK(copy);
    if (size)
        memcpy(copy, data, size);
    copy[size] = '\0';
    return copy;
}

/* Make length bytes sum to 0 by the byte at `at`. */
static inline void fuzz_fix_sum(uint8_t *bytes, size_t length, size_t at)
{
    uint8_t sum = 0;

    bytes[at] = 0;
    for (size_t i = 0; i < length; i++)
        sum = (uint8_t)(sum + bytes[i]);
    bytes[at] = (uint8_t)-sum;
}

enum { FUZZ_ACPI_HEADER = 36, FUZZ_ACPI_LENGTH = 4, FUZZ_ACPI_CHECKSUM = 9 };

/* A copy with signature, length and checksum of an ACPI table mended; NULL if it is too short. */
static inline uint8_t *fuzz_acpi_table(const uint8_t *data, size_t size, const char *signature)
{
    uint8_t *table;
    uint32_t length = (uint32_t)size;

    if (size < FUZZ_ACPI_HEADER)
        return NULL;
    table = fuzz_copy(data, size);
    memcpy(table, signature, 4);
    memcpy(table + FUZZ_ACPI_LENGTH, &length, sizeof(length));
    fuzz_fix_sum(table, size, FUZZ_ACPI_CHECKSUM);
    return table;
}

#endif
