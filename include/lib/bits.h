/*
 * Bits and register fields.
 *
 * A field is one shifted mask, written once beside its citation: FIELD_GET and FIELD_PREP derive
 * the shift from the mask, so that no shift count is ever written a second time. All results are
 * 64 bits wide; assigning one to a narrower register variable is the caller's statement that the
 * register is that narrow.
 *
 * Owns: bit and field arithmetic, alignment of powers of two.
 * Owns not: bit arrays (parse/, irq/ and mm/ keep their own, each with its own locking).
 */
#ifndef LIB_BITS_H
#define LIB_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BIT(n) (1ull << (n))

/* All bits from high down to low, both included: BITS(15, 8) == 0xFF00. */
#define BITS(high, low) ((~0ull >> (63 - (high))) & (~0ull << (low)))

#define FIELD_GET(mask, value) (((uint64_t)(value) & (uint64_t)(mask)) >> __builtin_ctzll(mask))

#define FIELD_PREP(mask, value) (((uint64_t)(value) << __builtin_ctzll(mask)) & (uint64_t)(mask))

/* The largest value that the field can hold. */
#define FIELD_MAX(mask) ((uint64_t)(mask) >> __builtin_ctzll(mask))

/* The register with one field replaced. */
#define FIELD_SET(mask, reg, value)                                                                \
    (((uint64_t)(reg) & ~(uint64_t)(mask)) | FIELD_PREP(mask, value))

#define ARRAY_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* alignment: a power of two. */
#define ALIGN_DOWN(value, alignment) ((uint64_t)(value) & ~((uint64_t)(alignment)-1))
#define ALIGN_UP(value, alignment)                                                                 \
    ALIGN_DOWN((uint64_t)(value) + (uint64_t)(alignment)-1, alignment)
#define IS_ALIGNED(value, alignment) (((uint64_t)(value) & ((uint64_t)(alignment)-1)) == 0)

static inline bool bits_is_power_of_two(uint64_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

/* Index of the highest bit set; value != 0. */
static inline unsigned int bits_log2_floor(uint64_t value)
{
    return 63u - (unsigned int)__builtin_clzll(value);
}

/* Smallest n with 1 << n >= value; value != 0. */
static inline unsigned int bits_log2_ceil(uint64_t value)
{
    return value <= 1 ? 0 : bits_log2_floor(value - 1) + 1;
}

#endif
