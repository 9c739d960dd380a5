/*
 * bounds.c - numbers, bit maps, time and versions at the ends of what they can be.
 */
#include "rtl.h"

#define NONE 0xFFFFFFFFu

/* ---- numbers in text ------------------------------------------------------------------------- */

typedef struct _READING {
    UNICODE_STRING Text;
    ULONG Base;
    ULONG Value;
} READING;

/* The table of the routine's page, and the prefixes. */
static VOID CheckReadings(VOID)
{
    static const READING readings[] = {
        {TEXT("123"), 10, 123},
        {TEXT("  -345"), 10, (ULONG)-345},
        {TEXT("xyz"), 10, 0},
        {TEXT("   +678abc"), 10, 678},
        {TEXT("   +678abc"), 16, 6785724},
        {TEXT("007"), 10, 7},
        {TEXT("789"), 8, 7},
        {TEXT("FGH"), 16, 15},
        {TEXT("      "), 10, 0},
        {TEXT("0x1f"), 0, 31},
        {TEXT("0o17"), 0, 15},
        {TEXT("0b101"), 0, 5},
        {TEXT("017"), 0, 17},
    };
    UNICODE_STRING empty = TEXT("");
    ULONG i, right = 0, value;

    for (i = 0; i < sizeof(readings) / sizeof(readings[0]); i++) {
        value = 99;
        right += RtlUnicodeStringToInteger(&readings[i].Text, readings[i].Base, &value) ==
                     STATUS_SUCCESS &&
                 value == readings[i].Value;
    }
    ExpectEqual(right, i, "G-RTL-9 RtlUnicodeStringToInteger reads what its page shows");
    ExpectStatus(RtlUnicodeStringToInteger(&empty, 10, &value), STATUS_INVALID_PARAMETER,
                 "G-RTL-9 a string of no characters is an error");
}

static VOID CheckWriting(VOID)
{
    WCHAR units[66], few[6] = L".....";
    UNICODE_STRING text = {0, sizeof(units), units}, small = {2, sizeof(few), few};
    BOOLEAN all = TRUE;
    ULONG i;

    ExpectStatus(RtlInt64ToUnicodeString(~0ull, 2, &text), STATUS_SUCCESS,
                 "RtlInt64ToUnicodeString writes the most digits there can be");
    for (i = 0; i < 64; i++)
        all = all && units[i] == L'1';
    Expect(all && text.Length == 64 * sizeof(WCHAR) && units[64] == 0, "of base 2, and ends them");
    RtlInt64ToUnicodeString(8, 8, &text);
    Expect(IsText(&text, L"10"), "RtlInt64ToUnicodeString writes octal numbers");
    RtlInt64ToUnicodeString(10, 0, &text);
    Expect(IsText(&text, L"10"), "RtlInt64ToUnicodeString takes base 0 for 10");
    RtlIntegerToUnicodeString(10, 0, &text);
    Expect(IsText(&text, L"10"), "G-RTL-8 and RtlIntegerToUnicodeString does");
    ExpectStatus(RtlInt64ToUnicodeString(1234567, 10, &small), STATUS_BUFFER_OVERFLOW,
                 "RtlInt64ToUnicodeString says if the string is too small");
    ExpectStatus(RtlInt64ToUnicodeString(1, 3, &small), STATUS_INVALID_PARAMETER,
                 "RtlInt64ToUnicodeString refuses base 3");
    Expect(small.Length == 2 && SameWide(few, L"....."),
           "RtlInt64ToUnicodeString leaves the string as it is then");
}

static VOID CheckGuids(VOID)
{
    static const GUID empty = {0};
    UNICODE_STRING braces = TEXT("(12345678-9ABC-DEF0-0102-030405060708)"),
                   digits = TEXT("{12345678-9ABC-DEF0-0102-03040506070x}"),
                   small = TEXT("{12345678-9abc-def0-0102-030405060708}");
    GUID guid = {0};

    Expect(RtlGUIDFromString(&braces, &guid) == STATUS_INVALID_PARAMETER &&
               RtlGUIDFromString(&digits, &guid) == STATUS_INVALID_PARAMETER &&
               RtlCompareMemory(&guid, &empty, sizeof(guid)) == sizeof(guid),
           "G-RTL-31 nothing is stored of text that is no GUID");
    Expect(NT_SUCCESS(RtlGUIDFromString(&small, &guid)) && guid.Data2 == 0x9ABC,
           "G-RTL-31 digits may be small letters");
}

static VOID CheckHashes(VOID)
{
    ULONG(NTAPI * random)(PULONG) = TestRoutine(L"RtlRandom");
    ULONG(NTAPI * randomEx)(PULONG) = TestRoutine(L"RtlRandomEx");
    UNICODE_STRING text = TEXT("ab");
    ULONG hash = 0, seed = 0, seedEx = 0, i, most = 0, mostEx = 0, same = 0;

    ExpectStatus(RtlHashUnicodeString(&text, FALSE, HASH_STRING_ALGORITHM_X65599, &hash),
                 STATUS_SUCCESS, "RtlHashUnicodeString hashes by X65599");
    ExpectEqual(hash, 'a' * 65599u + 'b', "each character times 65599, and the next");
    ExpectStatus(RtlHashUnicodeString(NULL, TRUE, HASH_STRING_ALGORITHM_DEFAULT, &hash),
                 STATUS_INVALID_PARAMETER, "RtlHashUnicodeString needs a string");
    ExpectStatus(RtlHashUnicodeString(&text, TRUE, HASH_STRING_ALGORITHM_DEFAULT, NULL),
                 STATUS_INVALID_PARAMETER, "RtlHashUnicodeString needs a place for the value");
    for (i = 0; i < 1000; i++) {
        ULONG before = seedEx, number = random(&seed), numberEx = randomEx(&seedEx);

        most = number > most ? number : most;
        mostEx = numberEx > mostEx ? numberEx : mostEx;
        same += before == seedEx;
    }
    Expect(most < MAXLONG && most > MAXLONG / 2, "RtlRandom is below MAXLONG, and goes far");
    Expect(mostEx < MAXLONG && mostEx > MAXLONG / 2 && same == 0,
           "RtlRandomEx is below MAXLONG, goes far, and moves its seed each time");
}

/* ---- bit maps -------------------------------------------------------------------------------- */

static VOID CheckFull(PRTL_BITMAP Map)
{
    ULONG start = 0;

    RtlSetAllBits(Map);
    Expect(RtlFindFirstRunClear(Map, &start) == 0, "RtlFindFirstRunClear is 0 of a full map");
    Expect(RtlFindLongestRunClear(Map, &start) == 0, "RtlFindLongestRunClear is 0 of a full map");
    Expect(RtlFindNextForwardRunClear(Map, 3, &start) == 0,
           "RtlFindNextForwardRunClear is 0 where no bit behind is clear");
    ExpectEqual(RtlFindClearBitsAndSet(Map, 1, 0), NONE,
                "G-RTL-27 RtlFindClearBitsAndSet finds nothing in a full map");
    ExpectEqual(RtlNumberOfClearBits(Map), 0, "RtlNumberOfClearBits of a full map is 0");
    RtlClearAllBits(Map);
    ExpectEqual(RtlFindSetBits(Map, 1, 0), NONE, "RtlFindSetBits finds nothing in an empty map");
    ExpectEqual(RtlFindSetBitsAndClear(Map, 1, 0), NONE,
                "RtlFindSetBitsAndClear finds nothing in an empty map");
    ExpectEqual(RtlNumberOfSetBits(Map), 0, "RtlNumberOfSetBits of an empty map is 0");
}

static VOID CheckRanges(PRTL_BITMAP Map, PULONG Words)
{
    RtlClearAllBits(Map);
    Expect(!RtlAreBitsClear(Map, 0, 0) && !RtlAreBitsClear(Map, 60, 11) &&
               !RtlAreBitsClear(Map, 70, 1) && RtlAreBitsClear(Map, 60, 10),
           "RtlAreBitsClear is FALSE of no bits, and of bits beyond the map");
    RtlSetBits(Map, 5, 0);
    ExpectEqual(Words[0], 0, "G-RTL-29 RtlSetBits of no bits sets none");
    RtlSetAllBits(Map);
    Expect(!RtlAreBitsSet(Map, 0, 0) && !RtlAreBitsSet(Map, 60, 11) && !RtlAreBitsSet(Map, 70, 1) &&
               RtlAreBitsSet(Map, 60, 10),
           "RtlAreBitsSet is FALSE of no bits, and of bits beyond the map");
    RtlClearBits(Map, 5, 0);
    ExpectEqual(Words[0], ~0u, "G-RTL-28 RtlClearBits of no bits clears none");
    RtlClearBits(Map, 2, 3);
    ExpectEqual(RtlFindClearBits(Map, 3, 40), 2,
                "RtlFindClearBits goes on from the beginning, behind the hint there is nothing");
    ExpectEqual(RtlFindClearBitsAndSet(Map, 3, 40), 2, "G-RTL-27 so does RtlFindClearBitsAndSet");
    RtlClearAllBits(Map);
    RtlSetBits(Map, 4, 2);
    ExpectEqual(RtlFindSetBits(Map, 2, 40), 4, "RtlFindSetBits goes on from the beginning, too");
    ExpectEqual(RtlFindSetBitsAndClear(Map, 2, 40), 4, "and RtlFindSetBitsAndClear");
}

static VOID CheckMaps(VOID)
{
    ULONG words[3] = {0x5A5A5A5A, 1, 0xFFFFFFFF};
    RTL_BITMAP map;

    RtlInitializeBitMap(&map, words, 70);
    Expect(map.SizeOfBitMap == 70 && map.Buffer == words && words[0] == 0x5A5A5A5A,
           "G-RTL-26 RtlInitializeBitMap leaves the bits as they are");
    CheckFull(&map);
    ExpectEqual(words[2] >> 6, 0x3FFFFFF, "bits behind the map's end are never changed");
    CheckRanges(&map, words);
    ExpectEqual((UCHAR)RtlFindMostSignificantBit(0), 0xFF, "RtlFindMostSignificantBit of 0 is -1");
    Expect(RtlFindMostSignificantBit(~0ull) == 63 && RtlFindLeastSignificantBit(1ull << 63) == 63,
           "both number as far as 63");
}

/* ---- time and version ------------------------------------------------------------------------ */

typedef struct _SPAN {
    CSHORT Year, Month, Day, Hour, Minute, Second, Milliseconds;
} SPAN;

static ULONG Refused(const SPAN *Spans, ULONG Count)
{
    LARGE_INTEGER time;
    ULONG i, refused = 0;

    for (i = 0; i < Count; i++) {
        const SPAN *span = &Spans[i];
        TIME_FIELDS fields = {span->Year,   span->Month,  span->Day,          span->Hour,
                              span->Minute, span->Second, span->Milliseconds, 9};

        refused += !RtlTimeFieldsToTime(&fields, &time);
    }
    return refused;
}

static VOID CheckFields(VOID)
{
    static const SPAN wrong[] = {
        {1600, 12, 31, 0, 0, 0, 0}, {2024, 0, 1, 0, 0, 0, 0},  {2024, 13, 1, 0, 0, 0, 0},
        {2024, 1, 0, 0, 0, 0, 0},   {2024, 4, 31, 0, 0, 0, 0}, {2024, 1, 1, 24, 0, 0, 0},
        {2024, 1, 1, 0, 60, 0, 0},  {2024, 1, 1, 0, 0, 60, 0}, {2024, 1, 1, 0, 0, 0, 1000},
        {2024, 1, 1, -1, 0, 0, 0},  {2100, 2, 29, 0, 0, 0, 0},
    };
    static const SPAN right[] = {
        {1601, 1, 1, 0, 0, 0, 0}, {2000, 2, 29, 23, 59, 59, 999}, {30827, 12, 31, 23, 59, 59, 999}};
    LARGE_INTEGER time = {.QuadPart = 0};
    TIME_FIELDS fields;

    ExpectEqual(Refused(wrong, sizeof(wrong) / sizeof(wrong[0])), sizeof(wrong) / sizeof(wrong[0]),
                "RtlTimeFieldsToTime is FALSE for any field beyond its range");
    ExpectEqual(Refused(right, sizeof(right) / sizeof(right[0])), 0,
                "RtlTimeFieldsToTime takes the ends of the ranges, and any weekday");
    RtlTimeToTimeFields(&time, &fields);
    Expect(fields.Year == 1601 && fields.Month == 1 && fields.Day == 1 && fields.Weekday == 1,
           "G-RTL-32 time begins on Monday, January 1, 1601");
}

static VOID CheckSeconds(VOID)
{
    BOOLEAN(NTAPI * toSeconds)
    (PLARGE_INTEGER, PULONG) = TestRoutine(L"RtlTimeToSecondsSince1970");
    VOID(NTAPI * fromSeconds)(ULONG, PLARGE_INTEGER) = TestRoutine(L"RtlSecondsSince1970ToTime");
    LARGE_INTEGER time;
    TIME_FIELDS fields;
    ULONG seconds = 77;

    fromSeconds(0, &time);
    RtlTimeToTimeFields(&time, &fields);
    Expect(fields.Year == 1970 && fields.Month == 1 && fields.Day == 1 && fields.Hour == 0,
           "RtlSecondsSince1970ToTime takes 0 for the beginning of 1970");
    time.QuadPart--;
    Expect(!toSeconds(&time, &seconds) && seconds == 77,
           "RtlTimeToSecondsSince1970 is FALSE a moment before");
    fromSeconds(MAXULONG, &time);
    Expect(toSeconds(&time, &seconds) && seconds == MAXULONG,
           "RtlTimeToSecondsSince1970 takes what 32 bits can say, to the year 2106");
    time.QuadPart += 10000000;
    Expect(!toSeconds(&time, &seconds), "RtlTimeToSecondsSince1970 is FALSE a second later");
}

static NTSTATUS Verify(RTL_OSVERSIONINFOEXW *Wanted, ULONG Type, UCHAR Condition)
{
    ULONGLONG mask = 0;

    VER_SET_CONDITION(mask, Type, Condition);
    return RtlVerifyVersionInfo(Wanted, Type, mask);
}

static VOID CheckVersions(VOID)
{
    RTL_OSVERSIONINFOEXW ours = {.dwOSVersionInfoSize = sizeof(ours)}, wanted;
    RTL_OSVERSIONINFOW small = {.dwOSVersionInfoSize = sizeof(small)};
    ULONGLONG mask = 0;

    RtlGetVersion((PRTL_OSVERSIONINFOW)&ours);
    ExpectStatus(RtlGetVersion(&small), STATUS_SUCCESS, "G-RTL-24 RtlGetVersion takes either size");
    Expect(small.dwMajorVersion == ours.dwMajorVersion && small.dwBuildNumber == ours.dwBuildNumber,
           "G-RTL-24 and says the same");
    wanted = ours;
    ExpectStatus(Verify(&wanted, VER_PRODUCT_TYPE, VER_EQUAL), STATUS_SUCCESS,
                 "G-RTL-25 RtlVerifyVersionInfo compares the kind of product");
    wanted.wProductType ^= 3;
    ExpectStatus(Verify(&wanted, VER_PRODUCT_TYPE, VER_EQUAL), STATUS_REVISION_MISMATCH,
                 "G-RTL-25 which another is not");
    wanted.wSuiteMask = ours.wSuiteMask;
    ExpectStatus(Verify(&wanted, VER_SUITENAME, VER_AND), STATUS_SUCCESS,
                 "G-RTL-25 and the suites, of which all can be wanted");
    wanted.wSuiteMask = (USHORT)~ours.wSuiteMask;
    Expect(Verify(&wanted, VER_SUITENAME, VER_AND) == STATUS_REVISION_MISMATCH &&
               Verify(&wanted, VER_SUITENAME, VER_OR) == STATUS_REVISION_MISMATCH,
           "G-RTL-25 or any, of those that are there");
    wanted = ours;
    wanted.dwMajorVersion--;
    wanted.dwMinorVersion = 99;
    wanted.wServicePackMajor = 9;
    VER_SET_CONDITION(mask, VER_MAJORVERSION, VER_GREATER_EQUAL);
    VER_SET_CONDITION(mask, VER_MINORVERSION, VER_GREATER_EQUAL);
    VER_SET_CONDITION(mask, VER_SERVICEPACKMAJOR, VER_GREATER_EQUAL);
    ExpectStatus(RtlVerifyVersionInfo(
                     &wanted, VER_MAJORVERSION | VER_MINORVERSION | VER_SERVICEPACKMAJOR, mask),
                 STATUS_SUCCESS, "G-RTL-25 a greater major version is enough");
    ExpectStatus(RtlVerifyVersionInfo(&wanted, VER_MAJORVERSION, 0), STATUS_INVALID_PARAMETER,
                 "G-RTL-25 without a condition there is nothing to go by");
}

VOID CheckBounds(VOID)
{
    CheckReadings();
    CheckWriting();
    CheckGuids();
    CheckHashes();
    CheckMaps();
    CheckFields();
    CheckSeconds();
    CheckVersions();
}
