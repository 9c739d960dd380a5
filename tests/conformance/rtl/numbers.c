/*
 * numbers.c - numbers and identifiers in text, bit maps, time, version.
 */
#include "rtl.h"

/* ---- text ------------------------------------------------------------------------------------ */

static VOID CheckInteger(VOID)
{
    WCHAR buffer[12];
    UNICODE_STRING text = {0, sizeof(buffer), buffer}, small = {0, 4, buffer};
    UNICODE_STRING hex = TEXT("0x1F"), decimal = TEXT("  -12x"), binary = TEXT("101"),
                   none = TEXT("z");
    ULONG value = 0;

    ExpectStatus(RtlIntegerToUnicodeString(1234, 10, &text), STATUS_SUCCESS,
                 "G-RTL-8 RtlIntegerToUnicodeString writes");
    Expect(IsText(&text, L"1234"), "G-RTL-8 decimal");
    RtlIntegerToUnicodeString(0xBEEF, 16, &text);
    Expect(IsText(&text, L"BEEF"), "G-RTL-8 and hexadecimal numbers, in upper case");
    ExpectStatus(RtlIntegerToUnicodeString(1234, 10, &small), STATUS_BUFFER_OVERFLOW,
                 "G-RTL-8 a buffer that is too small is an error");
    ExpectStatus(RtlIntegerToUnicodeString(1, 7, &text), STATUS_INVALID_PARAMETER,
                 "G-RTL-8 and so is a base that is none of 2, 8, 10, 16");
    ExpectStatus(RtlInt64ToUnicodeString(0x123456789Aull, 16, &text), STATUS_SUCCESS,
                 "RtlInt64ToUnicodeString writes");
    Expect(IsText(&text, L"123456789A"), "more than 32 bits");
    ExpectStatus(RtlUnicodeStringToInteger(&hex, 0, &value), STATUS_SUCCESS,
                 "G-RTL-9 RtlUnicodeStringToInteger reads");
    ExpectEqual(value, 0x1F, "G-RTL-9 with base 0, by the prefix");
    RtlUnicodeStringToInteger(&decimal, 0, &value);
    ExpectEqual(value, (ULONG)-12, "G-RTL-9 blanks and a sign, up to what is no digit");
    RtlUnicodeStringToInteger(&binary, 2, &value);
    ExpectEqual(value, 5, "G-RTL-9 in the base that is asked for");
    RtlUnicodeStringToInteger(&none, 10, &value);
    ExpectEqual(value, 0, "G-RTL-9 no digits are 0");
    ExpectStatus(RtlUnicodeStringToInteger(&binary, 3, &value), STATUS_INVALID_PARAMETER,
                 "G-RTL-9 a base that is none of 0, 2, 8, 10, 16 is an error");
}

static VOID CheckGuid(VOID)
{
    static const GUID guid = {0x12345678, 0x9ABC, 0xDEF0, {1, 2, 3, 4, 5, 6, 7, 8}};
    UNICODE_STRING text, bad = TEXT("{12345678-9ABC-DEF0-0102-03040506070}");
    GUID read;

    ExpectStatus(RtlStringFromGUID(&guid, &text), STATUS_SUCCESS,
                 "G-RTL-30 RtlStringFromGUID writes");
    Expect(IsText(&text, L"{12345678-9ABC-DEF0-0102-030405060708}"), "G-RTL-30 in braces");
    ExpectStatus(RtlGUIDFromString(&text, &read), STATUS_SUCCESS,
                 "G-RTL-31 RtlGUIDFromString reads");
    ExpectEqual(RtlCompareMemory(&read, &guid, sizeof(guid)), sizeof(guid),
                "G-RTL-31 the same back");
    RtlFreeUnicodeString(&text);
    ExpectStatus(RtlGUIDFromString(&bad, &read), STATUS_INVALID_PARAMETER,
                 "G-RTL-31 text of another form is an error");
}

static VOID CheckHash(VOID)
{
    UNICODE_STRING a = TEXT("Hash"), b = TEXT("hASH");
    ULONG(NTAPI * random)(PULONG) = TestRoutine(L"RtlRandom");
    ULONG(NTAPI * randomEx)(PULONG) = TestRoutine(L"RtlRandomEx");
    ULONG first = 0, second = 1, seed = 1;

    ExpectStatus(RtlHashUnicodeString(&a, TRUE, HASH_STRING_ALGORITHM_DEFAULT, &first),
                 STATUS_SUCCESS, "RtlHashUnicodeString computes");
    RtlHashUnicodeString(&b, TRUE, HASH_STRING_ALGORITHM_X65599, &second);
    ExpectEqual(first, second, "the same for strings that differ in case, by X65599");
    RtlHashUnicodeString(&b, FALSE, HASH_STRING_ALGORITHM_X65599, &second);
    Expect(first != second, "unless case counts");
    ExpectStatus(RtlHashUnicodeString(&a, TRUE, 99, &first), STATUS_INVALID_PARAMETER,
                 "an algorithm that there is not is an error");
    Expect(randomEx(&seed) <= MAXLONG && seed != 1, "RtlRandomEx gives 31 bits and moves the seed");
    Expect(random(&seed) <= MAXLONG, "RtlRandom gives 31 bits");
}

VOID CheckNumbers(VOID)
{
    CheckInteger();
    CheckGuid();
    CheckHash();
}

/* ---- bit maps -------------------------------------------------------------------------------- */

static VOID CheckRuns(PRTL_BITMAP Map)
{
    ULONG start = 0;

    RtlClearAllBits(Map);
    RtlSetBits(Map, 0, 8);
    RtlSetBits(Map, 20, 4);
    ExpectEqual(RtlFindFirstRunClear(Map, &start), 12, "RtlFindFirstRunClear gives the length");
    ExpectEqual(start, 8, "and the start of the first run");
    ExpectEqual(RtlFindLongestRunClear(Map, &start), 46,
                "RtlFindLongestRunClear gives the longest");
    ExpectEqual(start, 24, "and its start");
    ExpectEqual(RtlFindNextForwardRunClear(Map, 10, &start), 10,
                "RtlFindNextForwardRunClear begins where it is told");
    ExpectEqual(RtlFindClearBits(Map, 13, 0), 24,
                "RtlFindClearBits finds a run that is long enough");
    ExpectEqual(RtlFindClearBits(Map, 2, 21), 24, "RtlFindClearBits begins at the hint");
    ExpectEqual(RtlFindSetBits(Map, 4, 10), 20, "RtlFindSetBits finds set bits");
    ExpectEqual(RtlFindClearBits(Map, 47, 0), ~0u,
                "RtlFindClearBits says when there is no such run");
    ExpectEqual(RtlFindClearBitsAndSet(Map, 46, 0), 24, "G-RTL-27 RtlFindClearBitsAndSet finds");
    Expect(RtlAreBitsSet(Map, 20, 50), "G-RTL-27 and sets");
    ExpectEqual(RtlFindClearBitsAndSet(Map, 13, 0), ~0u,
                "G-RTL-27 0xFFFFFFFF: there is no such run");
    ExpectEqual(RtlFindSetBitsAndClear(Map, 50, 0), 20, "RtlFindSetBitsAndClear finds");
    Expect(RtlAreBitsClear(Map, 8, 62), "RtlFindSetBitsAndClear clears what it finds");
}

VOID CheckBits(VOID)
{
    ULONG words[3];
    RTL_BITMAP map;

    RtlInitializeBitMap(&map, words, 70);
    RtlSetAllBits(&map);
    ExpectEqual(RtlNumberOfSetBits(&map), 70, "G-RTL-26 a map has as many bits as it was made for");
    RtlClearAllBits(&map);
    ExpectEqual(RtlNumberOfClearBits(&map), 70, "RtlClearAllBits clears them");
    RtlSetBits(&map, 30, 5);
    Expect(words[0] == 0xC0000000 && words[1] == 7, "G-RTL-29 RtlSetBits sets a run across words");
    RtlClearBits(&map, 31, 2);
    Expect(words[0] == 0x40000000 && words[1] == 6,
           "G-RTL-28 RtlClearBits clears a run across words");
    RtlSetBit(&map, 69);
    Expect(RtlTestBit(&map, 69) && !RtlTestBit(&map, 68), "RtlSetBit sets one bit");
    RtlClearBit(&map, 69);
    Expect(!RtlTestBit(&map, 69), "RtlClearBit clears one bit");
    Expect(!RtlAreBitsSet(&map, 30, 2) && !RtlAreBitsClear(&map, 30, 2),
           "a mixed run is neither set nor clear");
    ExpectEqual((UCHAR)RtlFindMostSignificantBit(0x8001), 15,
                "RtlFindMostSignificantBit numbers from 0");
    ExpectEqual((UCHAR)RtlFindLeastSignificantBit(0x8008), 3,
                "RtlFindLeastSignificantBit numbers from 0");
    ExpectEqual((UCHAR)RtlFindLeastSignificantBit(0), 0xFF,
                "RtlFindLeastSignificantBit of 0 is -1");
    CheckRuns(&map);
}

/* ---- time and version ------------------------------------------------------------------------ */

static VOID CheckVersion(VOID)
{
    RTL_OSVERSIONINFOEXW version = {.dwOSVersionInfoSize = sizeof(version)}, wanted;
    ULONGLONG mask = 0;

    ExpectStatus(RtlGetVersion((PRTL_OSVERSIONINFOW)&version), STATUS_SUCCESS,
                 "G-RTL-24 RtlGetVersion fills the version");
    Expect(version.dwMajorVersion >= 6 && version.dwPlatformId == 2, "G-RTL-24 of a Windows NT");
    VER_SET_CONDITION(mask, VER_MAJORVERSION, VER_GREATER_EQUAL);
    wanted = version;
    ExpectStatus(RtlVerifyVersionInfo(&wanted, VER_MAJORVERSION, mask), STATUS_SUCCESS,
                 "G-RTL-25 RtlVerifyVersionInfo accepts what is met");
    wanted.dwMajorVersion++;
    ExpectStatus(RtlVerifyVersionInfo(&wanted, VER_MAJORVERSION, mask), STATUS_REVISION_MISMATCH,
                 "G-RTL-25 RtlVerifyVersionInfo refuses a greater major version");
    ExpectStatus(RtlVerifyVersionInfo(&wanted, 0, mask), STATUS_INVALID_PARAMETER,
                 "G-RTL-25 nothing to compare is an error");
}

typedef BOOLEAN(NTAPI *PTO_SECONDS)(PLARGE_INTEGER, PULONG);
typedef VOID(NTAPI *PFROM_SECONDS)(ULONG, PLARGE_INTEGER);

VOID CheckTime(VOID)
{
    PTO_SECONDS toSeconds = (PTO_SECONDS)TestRoutine(L"RtlTimeToSecondsSince1970");
    PFROM_SECONDS fromSeconds = (PFROM_SECONDS)TestRoutine(L"RtlSecondsSince1970ToTime");
    TIME_FIELDS fields = {2024, 2, 29, 23, 59, 58, 123, 0}, back;
    LARGE_INTEGER time, local;
    ULONG seconds = 0;

    Expect(RtlTimeFieldsToTime(&fields, &time), "RtlTimeFieldsToTime takes a leap day");
    RtlTimeToTimeFields(&time, &back);
    Expect(back.Year == 2024 && back.Month == 2 && back.Day == 29 && back.Hour == 23 &&
               back.Minute == 59 && back.Second == 58 && back.Milliseconds == 123 &&
               back.Weekday == 4,
           "G-RTL-32 RtlTimeToTimeFields gives it back, a Thursday");
    fields.Year = 2023;
    Expect(!RtlTimeFieldsToTime(&fields, &time),
           "RtlTimeFieldsToTime refuses a day that there is not");
    fromSeconds(1000000000, &time);
    RtlTimeToTimeFields(&time, &back);
    Expect(back.Year == 2001 && back.Month == 9 && back.Day == 9 && back.Hour == 1 &&
               back.Minute == 46 && back.Second == 40,
           "RtlSecondsSince1970ToTime counts from 1970");
    Expect(toSeconds(&time, &seconds) && seconds == 1000000000,
           "RtlTimeToSecondsSince1970 counts back");
    time.QuadPart = 0;
    Expect(!toSeconds(&time, &seconds), "RtlTimeToSecondsSince1970 refuses what was before");
    KeQuerySystemTime(&time);
    ExSystemTimeToLocalTime(&time, &local);
    ExLocalTimeToSystemTime(&local, &local);
    ExpectEqual((ULONG64)local.QuadPart, (ULONG64)time.QuadPart,
                "local time and back is the same time");
    CheckVersion();
}
