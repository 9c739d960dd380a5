/*
 * memcpy and its kin, as the compiler calls them.
 *
 * Small sizes go by overlapping loads and stores, large ones by the string instructions on eight
 * bytes at a time: with general registers only, that is the fastest form which is good on every
 * CPU and under emulation. The optimiser must not turn these bodies into calls of themselves.
 *
 * Owns: block memory. Owns not: strings (string.c, wide.c).
 */
#include <lib/string.h>

#define NOT_RECURSIVE __attribute__((optimize("no-tree-loop-distribute-patterns")))

enum { BLOCK_STRING_MIN = 64 }; /* from here on `rep` pays its start-up */

typedef uint64_t __attribute__((may_alias, aligned(1))) word64_t;
typedef uint32_t __attribute__((may_alias, aligned(1))) word32_t;
typedef uint16_t __attribute__((may_alias, aligned(1))) word16_t;

static uint64_t block_load64(const void *at)
{
    return *(const word64_t *)at;
}

static void block_store64(void *at, uint64_t value)
{
    *(word64_t *)at = value;
}

/* At most 16 bytes; all loads come before all stores, so overlap does not matter. */
static void block_move_short(uint8_t *to, const uint8_t *from, size_t size)
{
    if (size >= 8) {
        uint64_t first = block_load64(from);
        uint64_t last = block_load64(from + size - 8);

        block_store64(to, first);
        block_store64(to + size - 8, last);
    } else if (size >= 4) {
        uint32_t first = *(const word32_t *)from;
        uint32_t last = *(const word32_t *)(from + size - 4);

        *(word32_t *)to = first;
        *(word32_t *)(to + size - 4) = last;
    } else if (size >= 2) {
        uint16_t first = *(const word16_t *)from;
        uint8_t last = from[size - 1];

        *(word16_t *)to = first;
        to[size - 1] = last;
    } else if (size == 1) {
        *to = *from;
    }
}

static NOT_RECURSIVE void block_move_up(uint8_t *to, const uint8_t *from, size_t size)
{
    size_t words = size / 8;

    if (size >= BLOCK_STRING_MIN) {
        __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
        for (size &= 7; size != 0; size--) {
            *to++ = *from++;
        }
        return;
    }
    for (; size > 16; size -= 8, to += 8, from += 8) {
        block_store64(to, block_load64(from));
    }
    block_move_short(to, from, size);
}

/* The destination starts inside the source: from the end down. */
static NOT_RECURSIVE void block_move_down(uint8_t *to, const uint8_t *from, size_t size)
{
    while (size > 16) {
        size -= 8;
        block_store64(to + size, block_load64(from + size));
    }
    block_move_short(to, from, size);
}

void *memcpy(void *restrict destination, const void *restrict source, size_t size)
{
    block_move_up(destination, source, size);
    return destination;
}

void *memmove(void *destination, const void *source, size_t size)
{
    if ((uintptr_t)destination - (uintptr_t)source < size) {
        block_move_down(destination, source, size);
    } else {
        block_move_up(destination, source, size);
    }
    return destination;
}

NOT_RECURSIVE void *memset(void *destination, int value, size_t size)
{
    uint8_t *to = destination;
    uint64_t pattern = (uint8_t)value * 0x0101010101010101ull;

    if (size >= BLOCK_STRING_MIN) {
        size_t words = size / 8;

        __asm__ volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(pattern) : "memory");
        size &= 7;
    }
    for (; size >= 8; size -= 8, to += 8) {
        block_store64(to, pattern);
    }
    for (; size != 0; size--) {
        *to++ = (uint8_t)value;
    }
    return destination;
}

NOT_RECURSIVE int memcmp(const void *left, const void *right, size_t size)
{
    const uint8_t *a = left;
    const uint8_t *b = right;

    for (; size >= 8 && block_load64(a) == block_load64(b); size -= 8, a += 8, b += 8) {
    }
    for (; size != 0; size--, a++, b++) {
        if (*a != *b) {
            return *a < *b ? -1 : 1;
        }
    }
    return 0;
}

void *memchr(const void *memory, int value, size_t size)
{
    const uint8_t *at = memory;

    for (; size != 0; size--, at++) {
        if (*at == (uint8_t)value) {
            return (void *)(uintptr_t)at;
        }
    }
    return NULL;
}
