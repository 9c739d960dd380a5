/*
 * ex/bitmap.c - RTL_BITMAP: a caller's bits.
 */
#include <hal/types.h>
#include <lib/export.h>
#include <nt/wdm.h>

enum { BITS_PER_UNIT = 32 };

#define NOT_FOUND 0xFFFFFFFFu

static bool bit_get(const RTL_BITMAP *map, ULONG index)
{
    return (map->Buffer[index / BITS_PER_UNIT] >> index % BITS_PER_UNIT & 1) != 0;
}

static void bits_put(PRTL_BITMAP map, ULONG start, ULONG count, bool value)
{
    for (; count != 0 && start < map->SizeOfBitMap; start++, count--) {
        ULONG bit = 1u << start % BITS_PER_UNIT;

        if (value)
            map->Buffer[start / BITS_PER_UNIT] |= bit;
        else
            map->Buffer[start / BITS_PER_UNIT] &= ~bit;
    }
}

/* The first run of `count` clear bits that lies within [from, to). */
static ULONG clear_run(const RTL_BITMAP *map, ULONG count, ULONG from, ULONG to)
{
    ULONG length = 0;
    ULONG i;

    for (i = from; i < to; i++) {
        length = bit_get(map, i) ? 0 : length + 1;
        if (length == count)
            return i + 1 - count;
    }
    return NOT_FOUND;
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

ULONG NTAPI RtlFindClearBits(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex)
{
    ULONG size = BitMapHeader->SizeOfBitMap;
    ULONG hint = HintIndex < size ? HintIndex : 0;
    ULONG found;

    if (NumberToFind == 0)
        return hint & ~7u; /* as Windows: the hint's byte */
    found = clear_run(BitMapHeader, NumberToFind, hint, size);
    if (found == NOT_FOUND && hint != 0)
        found = clear_run(BitMapHeader, NumberToFind, 0, size);
    return found;
}
LDR_EXPORT(RtlFindClearBits);

ULONG NTAPI RtlFindClearBitsAndSet(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex)
{
    ULONG found = RtlFindClearBits(BitMapHeader, NumberToFind, HintIndex);

    if (found != NOT_FOUND)
        bits_put(BitMapHeader, found, NumberToFind, true);
    return found;
}
LDR_EXPORT(RtlFindClearBitsAndSet);

ULONG NTAPI RtlNumberOfSetBits(PRTL_BITMAP BitMapHeader)
{
    ULONG count = 0;
    ULONG i;

    for (i = 0; i < BitMapHeader->SizeOfBitMap; i++)
        count += bit_get(BitMapHeader, i);
    return count;
}
LDR_EXPORT(RtlNumberOfSetBits);

BOOLEAN NTAPI RtlTestBit(PRTL_BITMAP BitMapHeader, ULONG BitNumber)
{
    return bit_get(BitMapHeader, BitNumber);
}
LDR_EXPORT(RtlTestBit);
