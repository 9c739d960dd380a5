/*
 * rtl.c - the runtime library: strings, numbers, bit maps, time, tables, the registry, the C names.
 * Each routine's documented results and errors; memory.
 */
#include "rtl.h"

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

static VOID Run(VOID)
{
    CheckMemory();
    CheckStrings();
    CheckNumbers();
    CheckBits();
    CheckTime();
    CheckTables();
    CheckRegistry();
    CheckLibrary();
}

const TEST_GROUP TestGroup = {.Run = Run};
