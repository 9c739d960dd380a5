/*
 * secure.c - the names of the C library that end in _s and take a count or a format.
 */
#include "rtl.h"

#include <stdarg.h>

static VOID CheckNarrowCopies(VOID)
{
    ROUTINE(INT, strncpy_s, (CHAR *, SIZE_T, const CHAR *, SIZE_T));
    ROUTINE(INT, strncat_s, (CHAR *, SIZE_T, const CHAR *, SIZE_T));
    CHAR buffer[5];

    Expect(strncpy_s(buffer, 5, "abcdef", 3) == 0 && Same(buffer, "abc"),
           "strncpy_s copies up to its count");
    Expect(strncpy_s(buffer, 5, "ab", 9) == 0 && Same(buffer, "ab"), "strncpy_s stops at the end");
    Expect(strncat_s(buffer, 5, "cdef", 2) == 0 && Same(buffer, "abcd"), "strncat_s appends");
    Expect(strncat_s(buffer, 5, "e", 1) == RANGE && buffer[0] == 0,
           "strncat_s empties what it does not fit into");
    Expect(strncpy_s(buffer, 5, "abcdef", 5) == RANGE && buffer[0] == 0,
           "strncpy_s empties what it does not fit into");
    Expect(strncpy_s(buffer, 5, "abcdef", CUT) == WAS_CUT && Same(buffer, "abcd"),
           "strncpy_s cuts with _TRUNCATE, and says so");
    Expect(strncpy_s(buffer, 5, "abcd", CUT) == 0, "strncpy_s does not say so of what fits");
    Expect(strncpy_s(NULL, 0, "a", 0) == 0 && strncpy_s(NULL, 1, "a", 0) == INVALID &&
               strncpy_s(buffer, 5, NULL, 1) == INVALID && buffer[0] == 0 &&
               strncpy_s(buffer, 5, NULL, 0) == 0,
           "strncpy_s needs a target, and a source unless nothing is copied");
    RtlFillMemory(buffer, 5, 'x');
    Expect(strncat_s(buffer, 5, "a", 1) == INVALID && buffer[0] == 0,
           "strncat_s refuses a target without an end");
}

static VOID CheckWideCopies(VOID)
{
    ROUTINE(INT, wcsncpy_s, (PWSTR, SIZE_T, PCWSTR, SIZE_T));
    ROUTINE(INT, wcsncat_s, (PWSTR, SIZE_T, PCWSTR, SIZE_T));
    WCHAR buffer[5];

    Expect(wcsncpy_s(buffer, 5, L"abcdef", 3) == 0 && SameWide(buffer, L"abc"),
           "wcsncpy_s copies up to its count");
    Expect(wcsncat_s(buffer, 5, L"def", 1) == 0 && SameWide(buffer, L"abcd"),
           "wcsncat_s appends up to its count");
    Expect(wcsncat_s(buffer, 5, L"e", 1) == RANGE && buffer[0] == 0,
           "wcsncat_s empties what it does not fit into");
    Expect(wcsncpy_s(buffer, 5, L"abcdef", CUT) == WAS_CUT && SameWide(buffer, L"abcd"),
           "wcsncpy_s cuts with _TRUNCATE, and says so");
}

static INT NarrowList(CHAR *Buffer, SIZE_T Size, const CHAR *Format, ...)
{
    ROUTINE(INT, vsprintf_s, (CHAR *, SIZE_T, const CHAR *, va_list));
    va_list arguments;
    INT length;

    va_start(arguments, Format);
    length = vsprintf_s(Buffer, Size, Format, arguments);
    va_end(arguments);
    return length;
}

static INT NarrowCounted(CHAR *Buffer, SIZE_T Size, SIZE_T Count, const CHAR *Format, ...)
{
    ROUTINE(INT, _vsnprintf_s, (CHAR *, SIZE_T, SIZE_T, const CHAR *, va_list));
    va_list arguments;
    INT length;

    va_start(arguments, Format);
    length = _vsnprintf_s(Buffer, Size, Count, Format, arguments);
    va_end(arguments);
    return length;
}

static INT WideList(PWSTR Buffer, SIZE_T Size, PCWSTR Format, ...)
{
    ROUTINE(INT, vswprintf_s, (PWSTR, SIZE_T, PCWSTR, va_list));
    va_list arguments;
    INT length;

    va_start(arguments, Format);
    length = vswprintf_s(Buffer, Size, Format, arguments);
    va_end(arguments);
    return length;
}

static INT WideCounted(PWSTR Buffer, SIZE_T Size, SIZE_T Count, PCWSTR Format, ...)
{
    ROUTINE(INT, _vsnwprintf_s, (PWSTR, SIZE_T, SIZE_T, PCWSTR, va_list));
    va_list arguments;
    INT length;

    va_start(arguments, Format);
    length = _vsnwprintf_s(Buffer, Size, Count, Format, arguments);
    va_end(arguments);
    return length;
}

static VOID CheckNarrowFormats(VOID)
{
    ROUTINE(INT, sprintf_s, (CHAR *, SIZE_T, const CHAR *, ...));
    ROUTINE(INT, _snprintf_s, (CHAR *, SIZE_T, SIZE_T, const CHAR *, ...));
    CHAR buffer[6];

    Expect(sprintf_s(buffer, 6, "%s-%d", "ab", 12) == 5 && Same(buffer, "ab-12"),
           "sprintf_s formats what fits with its end");
    Expect(sprintf_s(buffer, 5, "%s-%d", "ab", 12) == -1 && buffer[0] == 0,
           "sprintf_s empties what it does not fit into");
    Expect(sprintf_s(NULL, 6, "a") == -1 && sprintf_s(buffer, 0, "a") == -1,
           "sprintf_s needs a buffer");
    buffer[0] = 'x';
    Expect(sprintf_s(buffer, 6, NULL) == -1 && buffer[0] == 0, "sprintf_s needs a format");
    Expect(NarrowList(buffer, 6, "%x", 0xABC) == 3 && Same(buffer, "abc"),
           "vsprintf_s formats what fits");
    Expect(_snprintf_s(buffer, 6, 3, "%s-%d", "ab", 12) == -1 && Same(buffer, "ab-"),
           "_snprintf_s cuts at its count");
    Expect(_snprintf_s(buffer, 6, 5, "%s-%d", "ab", 12) == 5 && Same(buffer, "ab-12"),
           "_snprintf_s: what is as long as its count is not cut");
    Expect(_snprintf_s(buffer, 4, 5, "%s-%d", "ab", 12) == -1 && buffer[0] == 0,
           "_snprintf_s empties a buffer shorter than its count");
    Expect(NarrowCounted(buffer, 4, CUT, "%s-%d", "ab", 12) == -1 && Same(buffer, "ab-"),
           "_vsnprintf_s cuts with _TRUNCATE");
    Expect(NarrowCounted(buffer, 6, 3, "%d", 123) == 3 && Same(buffer, "123"),
           "_vsnprintf_s formats what fits");
    Expect(_snprintf_s(NULL, 0, 0, "a") == 0, "_snprintf_s: nothing goes nowhere");
}

static VOID CheckWideFormats(VOID)
{
    ROUTINE(INT, swprintf_s, (PWSTR, SIZE_T, PCWSTR, ...));
    ROUTINE(INT, _snwprintf_s, (PWSTR, SIZE_T, SIZE_T, PCWSTR, ...));
    WCHAR buffer[7];

    buffer[6] = L'.';
    Expect(swprintf_s(buffer, 6, L"%s-%d", L"ab", 12) == 5 && SameWide(buffer, L"ab-12"),
           "swprintf_s formats what fits with its end");
    Expect(swprintf_s(buffer, 5, L"%s-%d", L"ab", 12) == -1 && buffer[0] == 0,
           "swprintf_s empties what it does not fit into");
    Expect(WideList(buffer, 6, L"%x", 0xABC) == 3 && SameWide(buffer, L"abc"),
           "vswprintf_s formats what fits");
    Expect(_snwprintf_s(buffer, 6, 3, L"%s-%d", L"ab", 12) == -1 && SameWide(buffer, L"ab-"),
           "_snwprintf_s cuts at its count");
    Expect(_snwprintf_s(buffer, 6, 5, L"%d", 123) == 3 && SameWide(buffer, L"123"),
           "_snwprintf_s formats what fits");
    Expect(WideCounted(buffer, 6, 3, L"%d", 321) == 3 && SameWide(buffer, L"321"),
           "_vsnwprintf_s formats what fits");
    Expect(WideCounted(buffer, 6, CUT, L"%s-%d", L"abcd", 1234) == -1 &&
               SameWide(buffer, L"abcd-") && buffer[6] == L'.',
           "_vsnwprintf_s cuts with _TRUNCATE, and writes no further");
}

static VOID CheckCases(VOID)
{
    ROUTINE(CHAR *, _strlwr, (CHAR *));
    ROUTINE(CHAR *, _strupr, (CHAR *));
    ROUTINE(PWSTR, _wcslwr, (PWSTR));
    ROUTINE(PWSTR, _wcsupr, (PWSTR));
    CHAR narrow[] = "Edu-1";
    WCHAR wide[] = L"Edu-1";

    Expect(_strlwr(narrow) == narrow && Same(narrow, "edu-1"), "_strlwr makes small");
    Expect(_strupr(narrow) == narrow && Same(narrow, "EDU-1"), "_strupr makes large");
    Expect(_wcslwr(wide) == wide && SameWide(wide, L"edu-1"), "_wcslwr makes small");
    Expect(_wcsupr(wide) == wide && SameWide(wide, L"EDU-1"), "_wcsupr makes large");
}

VOID CheckSecure(VOID)
{
    CheckNarrowCopies();
    CheckWideCopies();
    CheckNarrowFormats();
    CheckWideFormats();
    CheckCases();
}
