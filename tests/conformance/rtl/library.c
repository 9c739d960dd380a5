/*
 * library.c - the names of the C library that the kernel exports. Looked up, so that no compiler's
 * own version is what is tested.
 */
#include "rtl.h"

#include <ntstrsafe.h>
#include <stdarg.h>

static VOID CheckNarrow(VOID)
{
    ROUTINE(SIZE_T, strlen, (const CHAR *));
    ROUTINE(SIZE_T, strnlen, (const CHAR *, SIZE_T));
    ROUTINE(INT, strcmp, (const CHAR *, const CHAR *));
    ROUTINE(INT, strncmp, (const CHAR *, const CHAR *, SIZE_T));
    ROUTINE(INT, _stricmp, (const CHAR *, const CHAR *));
    ROUTINE(INT, _strnicmp, (const CHAR *, const CHAR *, SIZE_T));
    ROUTINE(CHAR *, strcpy, (CHAR *, const CHAR *));
    ROUTINE(CHAR *, strncpy, (CHAR *, const CHAR *, SIZE_T));
    ROUTINE(CHAR *, strcat, (CHAR *, const CHAR *));
    ROUTINE(CHAR *, strchr, (const CHAR *, INT));
    ROUTINE(CHAR *, strrchr, (const CHAR *, INT));
    ROUTINE(CHAR *, strstr, (const CHAR *, const CHAR *));
    static const CHAR text[] = "interrupt";
    CHAR buffer[16];

    ExpectEqual(strlen(text), 9, "strlen counts characters");
    ExpectEqual(strnlen(text, 4), 4, "strnlen stops at its limit");
    Expect(strcmp("a", "b") < 0 && strcmp("b", "a") > 0 && strcmp("a", "a") == 0, "strcmp orders");
    ExpectEqual((ULONG)strncmp("abX", "abY", 2), 0, "strncmp stops at its limit");
    ExpectEqual((ULONG)_stricmp("EDU", "edu"), 0, "_stricmp ignores case");
    ExpectEqual((ULONG)_strnicmp("EDUa", "edub", 3), 0, "_strnicmp stops at its limit");
    Expect(strcpy(buffer, "ab") == buffer && Same(buffer, "ab"), "strcpy copies to its target");
    Expect(strcat(buffer, "cd") == buffer && Same(buffer, "abcd"), "strcat appends to its target");
    strncpy(buffer, "xy", 4);
    Expect(buffer[1] == 'y' && buffer[2] == 0 && buffer[3] == 0, "strncpy fills with zeros");
    Expect(strchr(text, 'r') == text + 4 && strrchr(text, 'r') == text + 5 &&
               strchr(text, 'z') == NULL,
           "strchr and strrchr find the first and the last");
    Expect(strchr(text, 0) == text + 9, "strchr finds the terminator");
    Expect(strstr(text, "rupt") == text + 5 && strstr(text, "x") == NULL, "strstr finds");
}

static VOID CheckWide(VOID)
{
    ROUTINE(SIZE_T, wcslen, (PCWSTR));
    ROUTINE(SIZE_T, wcsnlen, (PCWSTR, SIZE_T));
    ROUTINE(INT, wcscmp, (PCWSTR, PCWSTR));
    ROUTINE(INT, wcsncmp, (PCWSTR, PCWSTR, SIZE_T));
    ROUTINE(INT, _wcsicmp, (PCWSTR, PCWSTR));
    ROUTINE(INT, _wcsnicmp, (PCWSTR, PCWSTR, SIZE_T));
    ROUTINE(PWSTR, wcscpy, (PWSTR, PCWSTR));
    ROUTINE(PWSTR, wcsncpy, (PWSTR, PCWSTR, SIZE_T));
    ROUTINE(PWSTR, wcscat, (PWSTR, PCWSTR));
    ROUTINE(PWSTR, wcschr, (PCWSTR, WCHAR));
    ROUTINE(PWSTR, wcsrchr, (PCWSTR, WCHAR));
    ROUTINE(PWSTR, wcsstr, (PCWSTR, PCWSTR));
    static const WCHAR text[] = L"interrupt";
    WCHAR buffer[8];

    Expect(wcslen(text) == 9 && wcsnlen(text, 4) == 4, "wcslen and wcsnlen count");
    Expect(wcscmp(L"a", L"b") < 0 && wcscmp(L"a", L"a") == 0 && wcsncmp(L"aX", L"aY", 1) == 0,
           "wcscmp and wcsncmp order");
    Expect(_wcsicmp(L"EDU", L"edu") == 0 && _wcsnicmp(L"EDUa", L"edub", 3) == 0,
           "_wcsicmp and _wcsnicmp ignore case");
    wcscpy(buffer, L"ab");
    wcscat(buffer, L"cd");
    Expect(wcscmp(buffer, L"abcd") == 0, "wcscpy and wcscat copy");
    wcsncpy(buffer, L"x", 3);
    Expect(buffer[0] == 'x' && buffer[1] == 0 && buffer[2] == 0 && buffer[3] == 'd',
           "wcsncpy fills with zeros, no further");
    Expect(wcschr(text, 'r') == text + 4 && wcsrchr(text, 'r') == text + 5,
           "wcschr and wcsrchr find");
    Expect(wcsstr(text, L"rupt") == text + 5 && wcsstr(text, L"x") == NULL, "wcsstr finds");
}

static VOID CheckBounded(VOID)
{
    ROUTINE(INT, strcpy_s, (CHAR *, SIZE_T, const CHAR *));
    ROUTINE(INT, strcat_s, (CHAR *, SIZE_T, const CHAR *));
    ROUTINE(INT, wcscpy_s, (PWSTR, SIZE_T, PCWSTR));
    ROUTINE(INT, wcscat_s, (PWSTR, SIZE_T, PCWSTR));
    ROUTINE(INT, memcpy_s, (PVOID, SIZE_T, const VOID *, SIZE_T));
    ROUTINE(INT, memmove_s, (PVOID, SIZE_T, const VOID *, SIZE_T));
    CHAR buffer[5];
    WCHAR wide[5];

    Expect(strcpy_s(buffer, 5, "ab") == 0 && strcat_s(buffer, 5, "cd") == 0 && Same(buffer, "abcd"),
           "strcpy_s and strcat_s copy what fits");
    Expect(strcat_s(buffer, 5, "e") == 34 && buffer[0] == 0,
           "strcat_s empties what it does not fit into");
    Expect(strcpy_s(buffer, 5, "abcde") == 34 && buffer[0] == 0,
           "strcpy_s empties what it does not fit into");
    Expect(strcpy_s(NULL, 5, "a") == 22 && strcpy_s(buffer, 5, NULL) == 22,
           "strcpy_s without a target is invalid, or without a source");
    Expect(wcscpy_s(wide, 5, L"ab") == 0 && wcscat_s(wide, 5, L"cd") == 0 && wide[3] == 'd' &&
               wide[4] == 0,
           "wcscpy_s and wcscat_s copy what fits");
    Expect(wcscat_s(wide, 5, L"e") == 34 && wide[0] == 0,
           "wcscat_s empties what it does not fit into");
    Expect(memcpy_s(buffer, 5, "wxyz", 5) == 0 && Same(buffer, "wxyz"), "memcpy_s copies");
    Expect(memmove_s(buffer + 1, 4, buffer, 4) == 0 && RtlCompareMemory(buffer, "wwxyz", 5) == 5,
           "memmove_s copies what overlaps");
}

static VOID CheckMemoryNames(VOID)
{
    ROUTINE(PVOID, memcpy, (PVOID, const VOID *, SIZE_T));
    ROUTINE(PVOID, memmove, (PVOID, const VOID *, SIZE_T));
    ROUTINE(PVOID, memset, (PVOID, INT, SIZE_T));
    ROUTINE(INT, memcmp, (const VOID *, const VOID *, SIZE_T));
    ROUTINE(PVOID, memchr, (const VOID *, INT, SIZE_T));
    CHAR bytes[8];

    Expect(memset(bytes, 'x', 8) == bytes && bytes[7] == 'x', "memset fills so many bytes");
    Expect(memcpy(bytes, "abcd", 5) == bytes && Same(bytes, "abcd"), "memcpy copies so many bytes");
    Expect(memmove(bytes + 1, bytes, 4) == bytes + 1 && bytes[4] == 'd' && bytes[1] == 'a',
           "memmove copies what overlaps");
    Expect(memcmp("ab", "ac", 2) < 0 && memcmp("\xFF", "\x01", 1) > 0 && memcmp("x", "y", 0) == 0,
           "memcmp orders unsigned bytes");
    Expect(memchr(bytes, 'd', 5) == bytes + 4 && memchr(bytes, 'z', 5) == NULL,
           "memchr finds a byte");
}

static int CompareInts(const void *First, const void *Second)
{
    int first = *(const int *)First, second = *(const int *)Second;

    return first < second ? -1 : first > second;
}

static VOID CheckOrder(VOID)
{
    typedef int COMPARE(const void *, const void *);
    ROUTINE(VOID, qsort, (PVOID, SIZE_T, SIZE_T, COMPARE *));
    ROUTINE(PVOID, bsearch, (const VOID *, const VOID *, SIZE_T, SIZE_T, COMPARE *));
    int numbers[33], i, wanted = 12, absent = 99, sorted = 1;

    for (i = 0; i < 33; i++)
        numbers[i] = i * 13 % 33;
    qsort(numbers, 33, sizeof(int), CompareInts);
    for (i = 0; i < 33; i++)
        sorted &= numbers[i] == i;
    Expect(sorted, "qsort puts elements in order");
    Expect(bsearch(&wanted, numbers, 33, sizeof(int), CompareInts) == &numbers[12],
           "bsearch finds its element");
    Expect(bsearch(&absent, numbers, 33, sizeof(int), CompareInts) == NULL, "bsearch says if not");
    qsort(numbers, 0, sizeof(int), CompareInts);
    Expect(bsearch(&wanted, numbers, 0, sizeof(int), CompareInts) == NULL,
           "in nothing there is nothing");
}

static VOID CheckText(VOID)
{
    ROUTINE(INT, atoi, (const CHAR *));
    ROUTINE(LONG, atol, (const CHAR *));
    ROUTINE(CHAR *, _itoa, (INT, CHAR *, INT));
    ROUTINE(PWSTR, _itow, (INT, PWSTR, INT));
    ROUTINE(INT, isdigit, (INT));
    ROUTINE(INT, islower, (INT));
    ROUTINE(INT, isupper, (INT));
    ROUTINE(INT, isspace, (INT));
    ROUTINE(INT, isprint, (INT));
    ROUTINE(INT, isxdigit, (INT));
    ROUTINE(INT, tolower, (INT));
    ROUTINE(INT, toupper, (INT));
    ROUTINE(WCHAR, towlower, (WCHAR));
    ROUTINE(WCHAR, towupper, (WCHAR));
    CHAR buffer[40];
    WCHAR wide[40];

    Expect(atoi(" -42x") == -42 && atol("+7") == 7 && atoi("x") == 0, "atoi and atol read");
    Expect(Same(_itoa(-255, buffer, 10), "-255") && Same(_itoa(-1, buffer, 16), "ffffffff") &&
               Same(_itoa(5, buffer, 2), "101"),
           "_itoa writes in any base, signed in base 10 only");
    Expect(_itow(12, wide, 10)[1] == L'2' && wide[2] == 0, "_itow writes wide digits");
    Expect(isdigit('7') && !isdigit('a') && isxdigit('F') && !isxdigit('g'), "digits are told");
    Expect(islower('a') && !islower('A') && isupper('Z') && !isupper('z'),
           "small letters and capitals are told");
    Expect(isspace('\t') && !isspace('x') && isprint(' ') && !isprint('\n'), "blanks are told");
    Expect(tolower('Q') == 'q' && toupper('q') == 'Q' && tolower('1') == '1', "case is converted");
    Expect(towlower(L'Q') == L'q' && towupper(L'q') == L'Q', "of wide characters too");
}

static INT Narrow(CHAR *Buffer, SIZE_T Count, const CHAR *Format, ...)
{
    ROUTINE(INT, _vsnprintf, (CHAR *, SIZE_T, const CHAR *, va_list));
    va_list arguments;
    INT length;

    va_start(arguments, Format);
    length = _vsnprintf(Buffer, Count, Format, arguments);
    va_end(arguments);
    return length;
}

static INT Wide(PWSTR Buffer, SIZE_T Count, PCWSTR Format, ...)
{
    ROUTINE(INT, _vsnwprintf, (PWSTR, SIZE_T, PCWSTR, va_list));
    va_list arguments;
    INT length;

    va_start(arguments, Format);
    length = _vsnwprintf(Buffer, Count, Format, arguments);
    va_end(arguments);
    return length;
}

static INT NarrowUnbounded(CHAR *Buffer, const CHAR *Format, ...)
{
    ROUTINE(INT, vsprintf, (CHAR *, const CHAR *, va_list));
    va_list arguments;
    INT length;

    va_start(arguments, Format);
    length = vsprintf(Buffer, Format, arguments);
    va_end(arguments);
    return length;
}

static INT WideUnbounded(PWSTR Buffer, PCWSTR Format, ...)
{
    ROUTINE(INT, _vswprintf, (PWSTR, PCWSTR, va_list));
    va_list arguments;
    INT length;

    va_start(arguments, Format);
    length = _vswprintf(Buffer, Format, arguments);
    va_end(arguments);
    return length;
}

static VOID CheckNarrowLists(VOID)
{
    CHAR buffer[64];

    RtlFillMemory(buffer, sizeof(buffer), '.');
    Expect(Narrow(buffer, 8, "%s-%d", "ab", 12) == 5 && Same(buffer, "ab-12"),
           "_vsnprintf terminates what is shorter than the buffer");
    RtlFillMemory(buffer, sizeof(buffer), '.');
    Expect(Narrow(buffer, 5, "%s-%d", "ab", 12) == 5 && buffer[4] == '2' && buffer[5] == '.',
           "_vsnprintf ends nothing that fills its count, and is no error");
    RtlFillMemory(buffer, sizeof(buffer), '.');
    Expect(Narrow(buffer, 4, "%s-%d", "ab", 12) == -1 && buffer[3] == '1' && buffer[4] == '.',
           "_vsnprintf is -1 for what is longer, and cuts it");
    Expect(Narrow(NULL, 0, "") == 0 && Narrow(NULL, 0, "a") == -1,
           "_vsnprintf writes nothing in a buffer of no characters");
    Expect(NarrowUnbounded(buffer, "%08I64X|%-4d|%+d|%c", 0xABCDEFull, 7, 5, 'z') == 18 &&
               Same(buffer, "00ABCDEF|7   |+5|z"),
           "vsprintf formats all that it is given");
}

static VOID CheckWideLists(VOID)
{
    WCHAR wide[32];

    RtlFillMemory(wide, sizeof(wide), '.');
    Expect(Wide(wide, 8, L"%s-%d", L"ab", 12) == 5 && wide[4] == L'2' && wide[5] == 0,
           "_vsnwprintf terminates what is shorter than the buffer");
    RtlFillMemory(wide, sizeof(wide), '.');
    Expect(Wide(wide, 5, L"%s-%d", L"ab", 12) == 5 && wide[4] == L'2' && wide[5] == 0x2E2E,
           "_vsnwprintf ends nothing that fills its count, and is no error");
    RtlFillMemory(wide, sizeof(wide), '.');
    Expect(Wide(wide, 4, L"%s-%d", L"ab", 12) == -1 && wide[3] == L'1' && wide[4] == 0x2E2E,
           "_vsnwprintf is -1 for what is longer, and cuts it");
    Expect(Wide(NULL, 0, L"") == 0 && Wide(NULL, 0, L"a") == -1,
           "_vsnwprintf writes nothing in a buffer of no characters");
    Expect(WideUnbounded(wide, L"%hs|%3u|%x", "n", 42, 0xBEEF) == 10 && wide[1] == L'|' &&
               wide[2] == L' ' && wide[9] == L'f' && wide[10] == 0,
           "_vswprintf formats all that it is given");
    ExpectStatus(RtlStringCchPrintfW(wide, 6, L"%d", 12345), STATUS_SUCCESS,
                 "RtlStringCchPrintfW has room for all characters but one");
    Expect(wide[4] == L'5' && wide[5] == 0, "which it terminates");
    ExpectStatus(RtlStringCchPrintfW(wide, 5, L"%d", 12345), STATUS_BUFFER_OVERFLOW,
                 "and says if it is too little");
    Expect(wide[3] == L'4' && wide[4] == 0, "when it keeps what fits");
}

static VOID CheckFormats(VOID)
{
    ROUTINE(INT, sprintf, (CHAR *, const CHAR *, ...));
    ROUTINE(INT, _snprintf, (CHAR *, SIZE_T, const CHAR *, ...));
    ROUTINE(INT, swprintf, (PWSTR, PCWSTR, ...));
    ROUTINE(INT, _snwprintf, (PWSTR, SIZE_T, PCWSTR, ...));
    UNICODE_STRING text = TEXT("counted");
    CHAR buffer[64];
    WCHAR wide[16];

    ExpectEqual((ULONG)sprintf(buffer, "%d %s %05x %c", -3, "abc", 0x2F, 'z'), 14,
                "sprintf counts what it writes");
    Expect(Same(buffer, "-3 abc 0002f z"), "sprintf formats");
    sprintf(buffer, "%wZ %ls %I64d %p", &text, L"wide", -1ll, (PVOID)0x1234);
    Expect(Same(buffer, "counted wide -1 0000000000001234"), "and what Windows adds");
    buffer[3] = '!';
    Expect(_snprintf(buffer, 3, "abcd") == -1 && buffer[2] == 'c' && buffer[3] == '!',
           "_snprintf fills the buffer, without a terminator, and says so");
    Expect(swprintf(wide, L"%d-%hs", 7, "n") == 3 && wide[2] == L'n' && wide[3] == 0,
           "swprintf formats");
    Expect(_snwprintf(wide, 8, L"%s", L"abc") == 3 && wide[2] == L'c', "_snwprintf formats");
}

/* ---- large frames ---------------------------------------------------------------------------- */

#define SCRATCH 0xC0FFEE

/* How much __chkstk(Size), in RAX, changes RSP, RAX and what else it must leave alone. */
static ULONG64 Probe(ULONG64 Size)
{
    PVOID routine = TestRoutine(L"__chkstk");
    ULONG64 rax = Size, rcx = SCRATCH, rdx = SCRATCH, moved;
    register ULONG64 r8 __asm__("r8") = SCRATCH;
    register ULONG64 r9 __asm__("r9") = SCRATCH;

    __asm__ volatile("movq %%rsp, %%rbx\n"
                     "callq *%%rsi\n"
                     "subq %%rsp, %%rbx"
                     : "=&b"(moved), "+a"(rax), "+c"(rcx), "+d"(rdx), "+r"(r8), "+r"(r9)
                     : "S"(routine)
                     : "r10", "r11", "cc", "memory");
    return moved | (rax ^ Size) | (rcx ^ SCRATCH) | (rdx ^ SCRATCH) | (r8 ^ SCRATCH) |
           (r9 ^ SCRATCH);
}

static VOID CheckProbe(VOID)
{
    ExpectEqual(Probe(0), 0, "__chkstk of no bytes changes no register");
    ExpectEqual(Probe(3 * PAGE_SIZE + 8), 0, "nor does one of several pages, RSP included");
}

static VOID ProbeBeyond(PVOID Context)
{
    ULONG_PTR low, high;

    UNREFERENCED_PARAMETER(Context);
    IoGetStackLimits(&low, &high);
    ExpectStop(PAGE_FAULT_IN_NONPAGED_AREA, low - PAGE_SIZE, TEST_ANY, TEST_ANY, TEST_ANY,
               "__chkstk reads each page of a frame, down to the one that is not there");
    Probe((ULONG_PTR)&low - low + PAGE_SIZE);
}

VOID ProbeBeyondStack(VOID)
{
    TEST_THREAD thread;

    TestThreadStart(&thread, 0, ProbeBeyond, NULL);
    TestThreadJoin(&thread);
}

VOID CheckLibrary(VOID)
{
    CheckMemoryNames();
    CheckNarrow();
    CheckWide();
    CheckBounded();
    CheckText();
    CheckOrder();
    CheckFormats();
    CheckNarrowLists();
    CheckWideLists();
    CheckProbe();
}
