/*
 * ex/bitmap.c - RTL_BITMAP: a caller's bits, in units of 32.
 *
 * Runs are found by whole units where possible. Bits behind SizeOfBitMap in the last unit are never
 * looked at and never changed. Any IRQL; the caller serialises.
 */
#include <hal/types.h>
#include <lib/export.h>
#include <nt/wdm.h>

enum { UNIT_BITS = 32 };

#define NOT_FOUND 0xFFFFFFFFu

static bool bit_get(const RTL_BITMAP *map, ULONG index)
{
    return map->Buffer[index / UNIT_BITS] >> (index % UNIT_BITS) & 1;
}

/* Bits of one unit: count of them (1 to 32) from first on. */
static ULONG unit_mask(ULONG first, ULONG count)
{
    return (count == UNIT_BITS ? ~0u : (1u << count) - 1) << first;
}

static void bits_put(PRTL_BITMAP map, ULONG start, ULONG count, bool value)
{
    if (start >= map->SizeOfBitMap)
        return;
    if (count > map->SizeOfBitMap - start)
        count = map->SizeOfBitMap - start;
    while (count) {
        ULONG first = start % UNIT_BITS;
        ULONG here = count < UNIT_BITS - first ? count : UNIT_BITS - first;
        ULONG mask = unit_mask(first, here);

        if (value)
            map->Buffer[start / UNIT_BITS] |= mask;
        else
            map->Buffer[start / UNIT_BITS] &= ~mask;
        start += here;
        count -= here;
    }
}

/* The first bit at or behind `from` that is `value`; the size of the map if there is none. */
static ULONG bit_find(const RTL_BITMAP *map, ULONG from, bool value)
{
    ULONG size = map->SizeOfBitMap;

    while (from < size) {
        ULONG unit = map->Buffer[from / UNIT_BITS];

        unit = (value ? unit : ~unit) >> (from % UNIT_BITS);
        if (unit) {
            from += (ULONG)__builtin_ctz(unit);
            return from < size ? from : size;
        }
        if (from / UNIT_BITS == (size - 1) / UNIT_BITS)
            break;
        from = (from / UNIT_BITS + 1) * UNIT_BITS;
    }
    return size;
}

/* The first run of `count` bits of that value at or behind `from`. */
static ULONG run_find(const RTL_BITMAP *map, ULONG from, ULONG count, bool value)
{
    while (from < map->SizeOfBitMap) {
        ULONG start = bit_find(map, from, value);
        ULONG end = bit_find(map, start, !value);

        if (start < map->SizeOfBitMap && end - start >= count)
            return start;
        from = end;
    }
    return NOT_FOUND;
}

/* From the hint on, then from the beginning. */
static ULONG find_bits(const RTL_BITMAP *map, ULONG count, ULONG hint, bool value)
{
    ULONG found;

    if (hint >= map->SizeOfBitMap)
        hint = 0;
    if (count == 0)
        return hint & ~7u; /* as Windows: the hint's byte */
    found = run_find(map, hint, count, value);
    return found == NOT_FOUND && hint ? run_find(map, 0, count, value) : found;
}

static bool all_are(const RTL_BITMAP *map, ULONG start, ULONG count, bool value)
{
    if (!count || start >= map->SizeOfBitMap || count > map->SizeOfBitMap - start)
        return false;
    return bit_find(map, start, !value) >= start + count;
}

/* WDK surface */

VOID NTAPI RtlInitializeBitMap(PRTL_BITMAP BitMapHeader, PULONG BitMapBuffer, ULONG SizeOfBitMap)
{
    BitMapHeader->SizeOfBitMap = SizeOfBitMap;
    BitMapHeader->Buffer = BitMapBuffer;
}
LDR_EXPORT(RtlInitializeBitMap);

VOID NTAPI RtlClearAllBits(PRTL_BITMAP BitMapHeader)
{
    bits_put(BitMapHeader, 0, BitMapHeader->SizeOfBitMap, false);
}
LDR_EXPORT(RtlClearAllBits);

VOID NTAPI RtlSetAllBits(PRTL_BITMAP BitMapHeader)
{
    bits_put(BitMapHeader, 0, BitMapHeader->SizeOfBitMap, true);
}
LDR_EXPORT(RtlSetAllBits);

VOID NTAPI RtlClearBits(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG NumberToClear)
{
    bits_put(BitMapHeader, StartingIndex, NumberToClear, false);
}
LDR_EXPORT(RtlClearBits);

VOID NTAPI RtlSetBits(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG NumberToSet)
{
    bits_put(BitMapHeader, StartingIndex, NumberToSet, true);
}
LDR_EXPORT(RtlSetBits);

VOID NTAPI RtlClearBit(PRTL_BITMAP BitMapHeader, ULONG BitNumber)
{
    bits_put(BitMapHeader, BitNumber, 1, false);
}
LDR_EXPORT(RtlClearBit);

VOID NTAPI RtlSetBit(PRTL_BITMAP BitMapHeader, ULONG BitNumber)
{
    bits_put(BitMapHeader, BitNumber, 1, true);
}
LDR_EXPORT(RtlSetBit);

BOOLEAN NTAPI RtlTestBit(PRTL_BITMAP BitMapHeader, ULONG BitNumber)
{
    return bit_get(BitMapHeader, BitNumber);
}
LDR_EXPORT(RtlTestBit);

BOOLEAN NTAPI RtlAreBitsClear(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG Length)
{
    return all_are(BitMapHeader, StartingIndex, Length, false);
}
LDR_EXPORT(RtlAreBitsClear);

BOOLEAN NTAPI RtlAreBitsSet(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG Length)
{
    return all_are(BitMapHeader, StartingIndex, Length, true);
}
LDR_EXPORT(RtlAreBitsSet);

ULONG NTAPI RtlFindClearBits(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex)
{
    return find_bits(BitMapHeader, NumberToFind, HintIndex, false);
}
LDR_EXPORT(RtlFindClearBits);

ULONG NTAPI RtlFindSetBits(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex)
{
    return find_bits(BitMapHeader, NumberToFind, HintIndex, true);
}
LDR_EXPORT(RtlFindSetBits);

ULONG NTAPI RtlFindClearBitsAndSet(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex)
{
    ULONG found = find_bits(BitMapHeader, NumberToFind, HintIndex, false);

    if (found != NOT_FOUND)
        bits_put(BitMapHeader, found, NumberToFind, true);
    return found;
}
LDR_EXPORT(RtlFindClearBitsAndSet);

ULONG NTAPI RtlFindSetBitsAndClear(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex)
{
    ULONG found = find_bits(BitMapHeader, NumberToFind, HintIndex, true);

    if (found != NOT_FOUND)
        bits_put(BitMapHeader, found, NumberToFind, false);
    return found;
}
LDR_EXPORT(RtlFindSetBitsAndClear);

ULONG NTAPI RtlNumberOfSetBits(PRTL_BITMAP BitMapHeader)
{
    ULONG count = 0;

    for (ULONG at = 0; at < BitMapHeader->SizeOfBitMap; at += UNIT_BITS) {
        ULONG left = BitMapHeader->SizeOfBitMap - at;

        ULONG unit = BitMapHeader->Buffer[at / UNIT_BITS] &
                     unit_mask(0, left < UNIT_BITS ? left : UNIT_BITS);

        for (; unit; unit &= unit - 1)
            count++;
    }
    return count;
}
LDR_EXPORT(RtlNumberOfSetBits);

ULONG NTAPI RtlNumberOfClearBits(PRTL_BITMAP BitMapHeader)
{
    return BitMapHeader->SizeOfBitMap - RtlNumberOfSetBits(BitMapHeader);
}
LDR_EXPORT(RtlNumberOfClearBits);

/* Length of the next run of clear bits at or behind FromIndex; 0 without one. */
ULONG NTAPI RtlFindNextForwardRunClear(PRTL_BITMAP BitMapHeader, ULONG FromIndex,
                                       PULONG StartingRunIndex)
{
    ULONG start = bit_find(BitMapHeader, FromIndex, false);

    *StartingRunIndex = start < BitMapHeader->SizeOfBitMap ? start : FromIndex;
    return bit_find(BitMapHeader, start, true) - start;
}
LDR_EXPORT(RtlFindNextForwardRunClear);

ULONG NTAPI RtlFindFirstRunClear(PRTL_BITMAP BitMapHeader, PULONG StartingIndex)
{
    return RtlFindNextForwardRunClear(BitMapHeader, 0, StartingIndex);
}
LDR_EXPORT(RtlFindFirstRunClear);

ULONG NTAPI RtlFindLongestRunClear(PRTL_BITMAP BitMapHeader, PULONG StartingIndex)
{
    ULONG longest = 0;
    ULONG from = 0;

    *StartingIndex = 0;
    while (from < BitMapHeader->SizeOfBitMap) {
        ULONG start = bit_find(BitMapHeader, from, false);
        ULONG end = bit_find(BitMapHeader, start, true);

        if (end - start > longest) {
            longest = end - start;
            *StartingIndex = start;
        }
        from = end;
    }
    return longest;
}
LDR_EXPORT(RtlFindLongestRunClear);

CCHAR NTAPI RtlFindLeastSignificantBit(ULONGLONG Set)
{
    return Set ? (CCHAR)__builtin_ctzll(Set) : -1;
}
LDR_EXPORT(RtlFindLeastSignificantBit);

CCHAR NTAPI RtlFindMostSignificantBit(ULONGLONG Set)
{
    return Set ? (CCHAR)(63 - __builtin_clzll(Set)) : -1;
}
LDR_EXPORT(RtlFindMostSignificantBit);
