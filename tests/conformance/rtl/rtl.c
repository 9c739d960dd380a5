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
    RtlZeroMemory(same, sizeof(same));
    RtlCopyMemory(same, bytes, sizeof(bytes) - 1);
    Expect(same[14] == 0x5A && same[15] == 0, "G-RTL-14 RtlCopyMemory copies so many bytes");
    RtlCopyMemory(same, bytes, sizeof(bytes));
    ExpectEqual(RtlCompareMemory(bytes, same, 16), 16,
                "G-RTL-18 RtlCompareMemory counts equal bytes");
    same[9] = 0;
    ExpectEqual(RtlCompareMemory(bytes, same, 16), 9, "G-RTL-18 and stops at the first difference");
    ExpectEqual(RtlCompareMemory(bytes, same, 0), 0, "G-RTL-18 and no bytes are 0 equal ones");
    bytes[0] = 1;
    RtlMoveMemory(bytes + 1, bytes, 15);
    Expect(bytes[0] == 1 && bytes[1] == 1 && bytes[2] == 0x5A && bytes[15] == 0x5A,
           "G-RTL-15 RtlMoveMemory copies what overlaps");
    RtlZeroMemory(bytes, 4);
    Expect(bytes[0] == 0 && bytes[3] == 0 && bytes[4] == 0x5A,
           "G-RTL-16 RtlZeroMemory zeroes no more than asked");
    ExpectEqual(compareUlong(pattern, sizeof(pattern), 0xA5A5A5A5), 8,
                "RtlCompareMemoryUlong counts bytes of equal numbers");
    ExpectEqual(compareUlong(pattern, 12, 0xA5A5A5A5), 8,
                "RtlCompareMemoryUlong stops at the first that differs");
    ExpectEqual(compareUlong(pattern, 7, 0xA5A5A5A5), 0,
                "RtlCompareMemoryUlong is 0 for a length that is no number of ULONGs");
    ExpectEqual(compareUlong((PUCHAR)pattern + 1, 4, 0xA5A5A5A5), 0,
                "RtlCompareMemoryUlong is 0 for an address that is not aligned");
}

/* What the macros of the headers do not call. */
static VOID CheckMemoryRoutines(VOID)
{
    VOID(NTAPI * copy)(PVOID, const VOID *, SIZE_T) = TestRoutine(L"RtlCopyMemory");
    VOID(NTAPI * move)(PVOID, const VOID *, SIZE_T) = TestRoutine(L"RtlMoveMemory");
    VOID(NTAPI * fill)(PVOID, SIZE_T, UCHAR) = TestRoutine(L"RtlFillMemory");
    VOID(NTAPI * zero)(PVOID, SIZE_T) = TestRoutine(L"RtlZeroMemory");
    UCHAR bytes[6] = {1, 2, 3, 4, 5, 6};
    static const UCHAR wanted[6] = {7, 7, 0, 1, 2, 3};

    move(bytes + 3, bytes, 3);
    copy(bytes, bytes + 3, 1);
    zero(bytes + 1, 2);
    fill(bytes, 2, 7);
    ExpectEqual(RtlCompareMemory(bytes, wanted, 6), 6,
                "the routines that memory macros stand for do the same");
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

static VOID Run(VOID)
{
    CheckMemory();
    CheckMemoryRoutines();
    CheckNonTemporal();
    CheckStrings();
    CheckOverlong();
    CheckFailedConversions();
    CheckNumbers();
    CheckBits();
    CheckTime();
    CheckBounds();
    CheckTables();
    CheckTableEnds();
    CheckRegistry();
    CheckRegistryQueries();
    CheckRegistryRoots();
    CheckSplayLinks();
    CheckLibrary();
    CheckSecure();
    CheckRefusals();
}

static VOID Stop(ULONG Number)
{
    if (Number == 1)
        ProbeBeyondStack();
    else if (Number == 2)
        QueryUserHive();
}

const TEST_GROUP TestGroup = {.Run = Run, .Stop = Stop, .Step = StepShortage};
