/*
 * refusals.c - where the C library's names find nothing, cut, or refuse.
 */
#include "rtl.h"

/* ---- searches -------------------------------------------------------------------------------- */

static VOID CheckAbsent(VOID)
{
    ROUTINE(CHAR *, strchr, (const CHAR *, INT));
    ROUTINE(CHAR *, strrchr, (const CHAR *, INT));
    ROUTINE(CHAR *, strstr, (const CHAR *, const CHAR *));
    ROUTINE(PWSTR, wcschr, (PCWSTR, WCHAR));
    ROUTINE(PWSTR, wcsrchr, (PCWSTR, WCHAR));
    ROUTINE(PWSTR, wcsstr, (PCWSTR, PCWSTR));
    ROUTINE(PVOID, memchr, (const VOID *, INT, SIZE_T));
    static const CHAR text[] = "line";
    static const WCHAR wide[] = L"line";

    Expect(strchr(text, 'x') == NULL && strrchr(text, 'x') == NULL,
           "strchr and strrchr are NULL where the character is not");
    Expect(wcschr(wide, L'x') == NULL && wcsrchr(wide, L'x') == NULL,
           "wcschr and wcsrchr are NULL where the character is not");
    Expect(strrchr(text, 0) == text + 4 && wcschr(wide, 0) == wide + 4 &&
               wcsrchr(wide, 0) == wide + 4,
           "the terminator is one of the characters");
    Expect(strstr(text, "lines") == NULL && wcsstr(wide, L"lines") == NULL,
           "strstr and wcsstr are NULL where the text is not");
    Expect(strstr(text, "") == text && wcsstr(wide, L"") == wide,
           "strstr and wcsstr find no characters at the beginning");
    Expect(memchr(text, 'e', 3) == NULL && memchr(text, 'l', 0) == NULL,
           "memchr is NULL where the byte is further than its count");
}

static VOID CheckLimits(VOID)
{
    ROUTINE(INT, strcmp, (const CHAR *, const CHAR *));
    ROUTINE(INT, strncmp, (const CHAR *, const CHAR *, SIZE_T));
    ROUTINE(INT, _stricmp, (const CHAR *, const CHAR *));
    ROUTINE(INT, _strnicmp, (const CHAR *, const CHAR *, SIZE_T));
    ROUTINE(INT, wcscmp, (PCWSTR, PCWSTR));
    ROUTINE(INT, wcsncmp, (PCWSTR, PCWSTR, SIZE_T));
    ROUTINE(INT, _wcsicmp, (PCWSTR, PCWSTR));
    ROUTINE(INT, _wcsnicmp, (PCWSTR, PCWSTR, SIZE_T));
    ROUTINE(CHAR *, strncpy, (CHAR *, const CHAR *, SIZE_T));
    ROUTINE(PWSTR, wcsncpy, (PWSTR, PCWSTR, SIZE_T));
    ROUTINE(SIZE_T, strnlen, (const CHAR *, SIZE_T));
    ROUTINE(SIZE_T, wcsnlen, (PCWSTR, SIZE_T));
    CHAR narrow[5] = "....";
    WCHAR wide[5] = L"....";

    Expect(strnlen("ab", 9) == 2 && wcsnlen(L"ab", 9) == 2 && strnlen("ab", 0) == 0 &&
               wcsnlen(L"abc", 2) == 2,
           "strnlen and wcsnlen count to the end or to their limit");
    Expect(strcmp("ab", "abc") < 0 && strcmp("\xFF", "a") > 0 && wcscmp(L"abc", L"ab") > 0,
           "strcmp and wcscmp order a beginning before the whole, and bytes without sign");
    Expect(strncmp("abX", "abY", 3) < 0 && strncmp("a", "b", 0) == 0 &&
               wcsncmp(L"abY", L"abX", 3) > 0 && wcsncmp(L"a", L"b", 0) == 0,
           "strncmp and wcsncmp order within their limit, and nothing within none");
    Expect(_stricmp("ABC", "abd") < 0 && _strnicmp("ABd", "abc", 3) > 0 &&
               _wcsicmp(L"ABC", L"abd") < 0 && _wcsnicmp(L"ABd", L"abc", 3) > 0,
           "_stricmp, _strnicmp, _wcsicmp and _wcsnicmp order what differs by more than case");
    strncpy(narrow, "abcdef", 3);
    wcsncpy(wide, L"abcdef", 3);
    Expect(Same(narrow, "abc.") && SameWide(wide, L"abc."),
           "strncpy and wcsncpy write no terminator where their count is used up");
}

/* ---- bounded copies -------------------------------------------------------------------------- */

static VOID CheckNarrowErrors(VOID)
{
    ROUTINE(INT, strcpy_s, (CHAR *, SIZE_T, const CHAR *));
    ROUTINE(INT, strcat_s, (CHAR *, SIZE_T, const CHAR *));
    ROUTINE(INT, strncat_s, (CHAR *, SIZE_T, const CHAR *, SIZE_T));
    CHAR buffer[5] = "abc";

    Expect(strcpy_s(buffer, 5, NULL) == INVALID && buffer[0] == 0,
           "strcpy_s of nothing empties its target");
    Expect(strcat_s(NULL, 5, "a") == INVALID && strcat_s(buffer, 5, NULL) == INVALID,
           "strcat_s needs a target and a source");
    RtlFillMemory(buffer, 5, 'x');
    Expect(strcat_s(buffer, 5, "a") == INVALID && buffer[0] == 0,
           "strcat_s refuses a target without an end");
    Expect(strncat_s(NULL, 5, "a", 1) == INVALID && strncat_s(buffer, 5, NULL, 1) == INVALID,
           "strncat_s needs a target and a source");
    strcpy_s(buffer, 5, "ab");
    Expect(strncat_s(buffer, 5, "cdef", CUT) == WAS_CUT && Same(buffer, "abcd"),
           "strncat_s cuts with _TRUNCATE, and says so");
}

static VOID CheckWideErrors(VOID)
{
    ROUTINE(INT, wcscpy_s, (PWSTR, SIZE_T, PCWSTR));
    ROUTINE(INT, wcscat_s, (PWSTR, SIZE_T, PCWSTR));
    ROUTINE(INT, wcsncpy_s, (PWSTR, SIZE_T, PCWSTR, SIZE_T));
    ROUTINE(INT, wcsncat_s, (PWSTR, SIZE_T, PCWSTR, SIZE_T));
    WCHAR buffer[5] = L"abc";

    Expect(wcscpy_s(NULL, 5, L"a") == INVALID && wcscpy_s(buffer, 5, NULL) == INVALID &&
               buffer[0] == 0,
           "wcscpy_s needs a target and a source");
    Expect(wcscpy_s(buffer, 5, L"abcde") == RANGE && buffer[0] == 0,
           "wcscpy_s empties what it does not fit into");
    Expect(wcscat_s(NULL, 5, L"a") == INVALID && wcscat_s(buffer, 5, NULL) == INVALID,
           "wcscat_s needs a target and a source");
    Expect(wcsncpy_s(NULL, 5, L"a", 1) == INVALID && wcsncpy_s(buffer, 5, NULL, 1) == INVALID,
           "wcsncpy_s needs a target and a source");
    Expect(wcsncpy_s(buffer, 5, L"abcdef", 5) == RANGE && buffer[0] == 0,
           "wcsncpy_s empties what it does not fit into");
    Expect(wcsncat_s(NULL, 5, L"a", 1) == INVALID && wcsncat_s(buffer, 5, NULL, 1) == INVALID,
           "wcsncat_s needs a target and a source");
    wcscpy_s(buffer, 5, L"ab");
    Expect(wcsncat_s(buffer, 5, L"cdef", CUT) == WAS_CUT && SameWide(buffer, L"abcd"),
           "wcsncat_s cuts with _TRUNCATE, and says so");
}

static VOID CheckMemoryErrors(VOID)
{
    ROUTINE(INT, memcpy_s, (PVOID, SIZE_T, const VOID *, SIZE_T));
    ROUTINE(INT, memmove_s, (PVOID, SIZE_T, const VOID *, SIZE_T));
    CHAR buffer[5] = "abcd";

    Expect(memmove_s(NULL, 5, "a", 1) == INVALID && memmove_s(buffer, 5, NULL, 1) == INVALID,
           "memmove_s needs a target and a source");
    Expect(memmove_s(buffer, 3, "12345", 5) == RANGE && Same(buffer, "abcd"),
           "memmove_s leaves a target that is too small as it is");
    Expect(memcpy_s(buffer, 3, "12345", 5) == RANGE && buffer[0] == 0 && buffer[2] == 0 &&
               buffer[3] == 'd',
           "memcpy_s zeroes a target that is too small");
    buffer[0] = 'a';
    Expect(memcpy_s(NULL, 5, "a", 1) == INVALID && memcpy_s(buffer, 5, NULL, 1) == INVALID &&
               buffer[0] == 0,
           "memcpy_s needs a target, and a source or zeroes the target");
    Expect(memcpy_s(NULL, 0, NULL, 0) == 0 && memmove_s(NULL, 0, NULL, 0) == 0,
           "memcpy_s and memmove_s of no bytes need neither");
}

/* ---- formats --------------------------------------------------------------------------------- */

static VOID CheckFormatErrors(VOID)
{
    ROUTINE(INT, _snprintf, (CHAR *, SIZE_T, const CHAR *, ...));
    ROUTINE(INT, _snwprintf, (PWSTR, SIZE_T, PCWSTR, ...));
    ROUTINE(INT, sprintf_s, (CHAR *, SIZE_T, const CHAR *, ...));
    ROUTINE(INT, swprintf_s, (PWSTR, SIZE_T, PCWSTR, ...));
    ROUTINE(INT, _snprintf_s, (CHAR *, SIZE_T, SIZE_T, const CHAR *, ...));
    ROUTINE(INT, _snwprintf_s, (PWSTR, SIZE_T, SIZE_T, PCWSTR, ...));
    ROUTINE(INT, vsprintf_s, (CHAR *, SIZE_T, const CHAR *, PVOID));
    ROUTINE(INT, vswprintf_s, (PWSTR, SIZE_T, PCWSTR, PVOID));
    ROUTINE(INT, _vsnprintf_s, (CHAR *, SIZE_T, SIZE_T, const CHAR *, PVOID));
    ROUTINE(INT, _vsnwprintf_s, (PWSTR, SIZE_T, SIZE_T, PCWSTR, PVOID));
    CHAR narrow[5] = "....";
    WCHAR wide[5] = L"....";

    Expect(_snwprintf(wide, 2, L"%d", 123) == -1 && wide[1] == L'2' && wide[2] == L'.',
           "_snwprintf is -1 where it cuts, and ends nothing");
    Expect(_snprintf(narrow, 3, "%d", 123) == 3 && narrow[3] == '.',
           "_snprintf ends nothing that fills its count");
    Expect(sprintf_s(narrow, 5, NULL) == -1 && narrow[0] == 0 && swprintf_s(wide, 5, NULL) == -1 &&
               wide[0] == 0 && swprintf_s(NULL, 5, L"a") == -1,
           "sprintf_s and swprintf_s are -1 without a format or a buffer");
    Expect(vsprintf_s(NULL, 5, "a", NULL) == -1 && vsprintf_s(narrow, 2, "abc", NULL) == -1 &&
               narrow[0] == 0 && vswprintf_s(NULL, 5, L"a", NULL) == -1 &&
               vswprintf_s(wide, 2, L"abc", NULL) == -1 && wide[0] == 0,
           "vsprintf_s and vswprintf_s are -1 without a buffer, or without room in it");
    Expect(_snprintf_s(NULL, 5, 1, "a") == -1 && _snwprintf_s(NULL, 5, 1, L"a") == -1 &&
               _snprintf_s(narrow, 5, 1, NULL) == -1,
           "_snprintf_s and _snwprintf_s are -1 without a buffer or a format");
    Expect(_vsnprintf_s(NULL, 5, 1, "a", NULL) == -1 &&
               _vsnwprintf_s(NULL, 5, 1, L"a", NULL) == -1 &&
               _vsnwprintf_s(wide, 2, 4, L"abc", NULL) == -1 && wide[0] == 0,
           "_vsnprintf_s and _vsnwprintf_s are -1 without a buffer, or without room in it");
}

/* ---- numbers and classes --------------------------------------------------------------------- */

static VOID CheckNumbersInText(VOID)
{
    ROUTINE(INT, atoi, (const CHAR *));
    ROUTINE(LONG, atol, (const CHAR *));
    ROUTINE(CHAR *, _itoa, (INT, CHAR *, INT));
    ROUTINE(PWSTR, _itow, (INT, PWSTR, INT));
    CHAR narrow[34];
    WCHAR wide[34];

    Expect(atoi("2147483647") == MAXLONG && atoi("-2147483648") == (INT)0x80000000 &&
               atol("2147483648") == MAXLONG && atoi("-99999999999") == (INT)0x80000000,
           "atoi and atol stop at what a LONG can be");
    Expect(atoi("") == 0 && atol("x1") == 0 && atol("+-1") == 0,
           "atoi and atol are 0 where no number is");
    Expect(Same(_itoa((INT)0x80000000, narrow, 2), "10000000000000000000000000000000") &&
               Same(_itoa(35, narrow, 36), "z") &&
               Same(_itoa((INT)0x80000000, narrow, 10), "-2147483648"),
           "_itoa writes 32 digits of base 2, and in base 36");
    Expect(SameWide(_itow(-1, wide, 2), L"11111111111111111111111111111111") &&
               SameWide(_itow(35, wide, 36), L"z"),
           "_itow writes 32 digits of base 2, and in base 36");
}

/* How many of the 128 characters a class has. */
static ULONG Count(PCWSTR Name)
{
    INT (*is)(INT) = (INT(*)(INT))TestRoutine(Name);
    ULONG i, count = 0;

    for (i = 0; i < 128; i++)
        count += is((INT)i) != 0;
    return count;
}

static VOID CheckClasses(VOID)
{
    ROUTINE(INT, tolower, (INT));
    ROUTINE(INT, toupper, (INT));
    ROUTINE(WCHAR, towlower, (WCHAR));
    ROUTINE(WCHAR, towupper, (WCHAR));
    ULONG i, changed = 0;

    Expect(Count(L"isdigit") == 10 && Count(L"isxdigit") == 22, "no other characters are digits");
    Expect(Count(L"islower") == 26 && Count(L"isupper") == 26, "no other characters are letters");
    Expect(Count(L"isspace") == 6 && Count(L"isprint") == 95,
           "no other characters are blanks, or printed");
    for (i = 0; i < 128; i++)
        changed += (tolower((INT)i) != (INT)i) + (toupper((INT)i) != (INT)i) +
                   (towlower((WCHAR)i) != i) + (towupper((WCHAR)i) != i);
    ExpectEqual(changed, 4 * 26, "no other characters are converted");
}

VOID CheckRefusals(VOID)
{
    CheckAbsent();
    CheckLimits();
    CheckNarrowErrors();
    CheckWideErrors();
    CheckMemoryErrors();
    CheckFormatErrors();
    CheckNumbersInText();
    CheckClasses();
}
