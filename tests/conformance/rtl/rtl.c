/*
 * rtl.c - the runtime library: strings, numbers, bit maps, time, tables, the registry, the C names.
 * Each routine's documented results and errors; memory.
 */
#include "rtl.h"

#define XSTATE_X87_AND_SSE 0x3 /* XSTATE_MASK_LEGACY */

static VOID CheckMemory(VOID)
{
    SIZE_T(NTAPI * compareUlong)(PVOID, SIZE_T, ULONG) = TestRoutine(L"RtlCompareMemoryUlong");
    UCHAR bytes[16], same[16];
    ULONG pattern[4] = {0xA5A5A5A5, 0xA5A5A5A5, 0xA5A5A5A4, 0};

    RtlFillMemory(bytes, sizeof(bytes), 0x5A);
    Expect(bytes[0] == 0x5A && bytes[15] == 0x5A, "G-RTL-17 RtlFillMemory fills every byte");
    RtlCopyMemory(same, bytes, sizeof(bytes));
    ExpectEqual(RtlCompareMemory(bytes, same, 16), 16,
                "G-RTL-18 RtlCompareMemory counts equal bytes");
    same[9] = 0;
    ExpectEqual(RtlCompareMemory(bytes, same, 16), 9, "G-RTL-18 and stops at the first difference");
    ExpectEqual(RtlCompareMemory(bytes, same, 0), 0, "G-RTL-18 and no bytes are 0 equal ones");
    RtlMoveMemory(bytes + 1, bytes, 15);
    RtlZeroMemory(bytes, 4);
    Expect(bytes[3] == 0 && bytes[4] == 0x5A, "G-RTL-16 RtlZeroMemory zeroes no more than asked");
    ExpectEqual(compareUlong(pattern, sizeof(pattern), 0xA5A5A5A5), 8,
                "RtlCompareMemoryUlong counts bytes of equal numbers");
    ExpectEqual(compareUlong(pattern, 7, 0xA5A5A5A5), 4,
                "RtlCompareMemoryUlong ignores what is less than a number");
}

static VOID CheckNonTemporal(VOID)
{
    UCHAR bytes[100], copy[100];
    BOOLEAN same = TRUE;
    ULONG i, length;

    for (i = 0; i < sizeof(bytes); i++)
        bytes[i] = (UCHAR)(i * 7);
    for (length = 0; length < sizeof(bytes); length += 11) {
        RtlFillMemory(copy, sizeof(copy), 0xEE);
        RtlCopyMemoryNonTemporal(copy + 1, bytes, length);
        same = same && RtlCompareMemory(copy + 1, bytes, length) == length && copy[0] == 0xEE &&
               copy[length + 1 < sizeof(copy) ? length + 1 : 0] == 0xEE;
    }
    Expect(same, "RtlCopyMemoryNonTemporal copies any number of bytes, to any address");
    RtlPrefetchMemoryNonTemporal(bytes, sizeof(bytes));
    RtlPrefetchMemoryNonTemporal(NULL, PAGE_SIZE);
    Expect(bytes[99] == (UCHAR)(99 * 7), "RtlPrefetchMemoryNonTemporal is a hint: it never faults");
}

static VOID CheckProcessor(VOID)
{
    ULONG64 all = RtlGetEnabledExtendedFeatures(~0ull);
    ULONG i;

    ExpectEqual(all & XSTATE_X87_AND_SSE, XSTATE_X87_AND_SSE,
                "RtlGetEnabledExtendedFeatures has x87 and SSE");
    for (i = 0; i < 64 && RtlGetEnabledExtendedFeatures(1ull << i) == (all & 1ull << i); i++)
        ;
    ExpectEqual(i, 64, "and answers for the features of its mask only");
}

static VOID Run(VOID)
{
    CheckMemory();
    CheckNonTemporal();
    CheckStrings();
    CheckNumbers();
    CheckBits();
    CheckTime();
    CheckTables();
    CheckRegistry();
    CheckRegistryQueries();
    CheckSplayLinks();
    CheckLibrary();
    CheckSecure();
    CheckProcessor();
}

static VOID Stop(ULONG Number)
{
    if (Number == 1)
        ProbeBeyondStack();
}

const TEST_GROUP TestGroup = {.Run = Run, .Stop = Stop};
