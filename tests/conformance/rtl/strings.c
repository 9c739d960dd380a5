/*
 * strings.c - counted strings: making, copying, appending, comparing, converting.
 */
#include "rtl.h"

static VOID CheckInit(VOID)
{
    BOOLEAN(NTAPI * create)(PUNICODE_STRING, PCWSTR) = TestRoutine(L"RtlCreateUnicodeString");
    UNICODE_STRING wide;
    ANSI_STRING narrow;

    RtlInitUnicodeString(&wide, L"abc");
    Expect(wide.Length == 6 && wide.MaximumLength == 8,
           "G-RTL-1 RtlInitUnicodeString counts bytes, with and without the terminator");
    RtlInitUnicodeString(&wide, NULL);
    Expect(wide.Length == 0 && wide.MaximumLength == 0 && wide.Buffer == NULL,
           "G-RTL-1 RtlInitUnicodeString of NULL is an empty string");
    RtlInitAnsiString(&narrow, "abc");
    Expect(narrow.Length == 3 && narrow.MaximumLength == 4,
           "G-RTL-2 RtlInitAnsiString counts bytes");
    RtlInitString(&narrow, "abcd");
    Expect(narrow.Length == 4 && narrow.MaximumLength == 5 && narrow.Buffer[0] == 'a',
           "RtlInitString takes text as it is");
    RtlInitAnsiString(&narrow, NULL);
    Expect(narrow.Length == 0 && narrow.MaximumLength == 0 && narrow.Buffer == NULL,
           "RtlInitAnsiString of NULL is an empty string");
    narrow.Length = 1;
    RtlInitString(&narrow, NULL);
    Expect(narrow.Length == 0 && narrow.Buffer == NULL, "RtlInitString of NULL is an empty string");
    Expect(create(&wide, L"made") && IsText(&wide, L"made"),
           "RtlCreateUnicodeString copies into memory of its own");
    RtlFreeUnicodeString(&wide);
    Expect(wide.Buffer == NULL && wide.Length == 0,
           "G-RTL-12 RtlFreeUnicodeString clears the string");
}

static VOID CheckAppend(VOID)
{
    WCHAR buffer[6];
    UNICODE_STRING to = {0, sizeof(buffer), buffer}, from = TEXT("abcd"), longer = TEXT("abcdefgh"),
                   two = TEXT("xy");

    RtlCopyUnicodeString(&to, &two);
    ExpectStatus(RtlAppendUnicodeStringToString(&to, &from), STATUS_SUCCESS,
                 "G-RTL-5 RtlAppendUnicodeStringToString appends to the last character");
    Expect(IsText(&to, L"xyabcd"), "G-RTL-5 what it is given");
    RtlCopyUnicodeString(&to, &from);
    Expect(IsText(&to, L"abcd"), "G-RTL-3 RtlCopyUnicodeString copies");
    ExpectStatus(RtlAppendUnicodeToString(&to, L"ef"), STATUS_SUCCESS,
                 "G-RTL-4 RtlAppendUnicodeToString fills to the last character");
    Expect(IsText(&to, L"abcdef"), "G-RTL-4 and appends");
    ExpectStatus(RtlAppendUnicodeToString(&to, L"g"), STATUS_BUFFER_TOO_SMALL,
                 "G-RTL-4 RtlAppendUnicodeToString fails when it does not fit");
    ExpectStatus(RtlAppendUnicodeStringToString(&to, &from), STATUS_BUFFER_TOO_SMALL,
                 "G-RTL-5 RtlAppendUnicodeStringToString fails when it does not fit");
    Expect(IsText(&to, L"abcdef"), "G-RTL-4 G-RTL-5 and the target is unchanged");
    ExpectStatus(RtlAppendUnicodeToString(&to, NULL), STATUS_SUCCESS,
                 "RtlAppendUnicodeToString of NULL does nothing");
    RtlCopyUnicodeString(&to, &longer);
    Expect(to.Length == sizeof(buffer), "G-RTL-3 RtlCopyUnicodeString cuts what does not fit");
    RtlCopyUnicodeString(&to, NULL);
    ExpectEqual(to.Length, 0, "RtlCopyUnicodeString of NULL empties the target");
}

static VOID CheckCompare(VOID)
{
    UNICODE_STRING a = TEXT("Driver"), b = TEXT("dRIVER"), c = TEXT("Drivers"), d = TEXT("Drive");
    STRING narrow, other;

    Expect(RtlEqualUnicodeString(&a, &b, TRUE) && !RtlEqualUnicodeString(&a, &b, FALSE),
           "G-RTL-7 RtlEqualUnicodeString regards case as asked");
    Expect(!RtlEqualUnicodeString(&a, &c, TRUE), "G-RTL-7 strings of other lengths differ");
    ExpectEqual((ULONG)RtlCompareUnicodeString(&a, &b, TRUE), 0,
                "G-RTL-6 RtlCompareUnicodeString of equal strings is 0");
    Expect(RtlCompareUnicodeString(&a, &c, FALSE) < 0 && RtlCompareUnicodeString(&a, &d, FALSE) > 0,
           "G-RTL-6 a string is greater than its beginning");
    Expect(RtlCompareUnicodeString(&a, &b, FALSE) < 0, "G-RTL-6 with case, upper case comes first");
    Expect(RtlCompareUnicodeStrings(L"Edu", 3, L"eDUx", 3, TRUE) == 0 &&
               RtlCompareUnicodeStrings(L"Edu", 3, L"eDUx", 3, FALSE) < 0 &&
               RtlCompareUnicodeStrings(L"Edu", 3, L"eDUx", 4, TRUE) < 0,
           "RtlCompareUnicodeStrings compares as many characters as it is told");
    Expect(RtlPrefixUnicodeString(&d, &a, FALSE) && !RtlPrefixUnicodeString(&c, &a, FALSE) &&
               RtlPrefixUnicodeString(&b, &c, TRUE),
           "RtlPrefixUnicodeString tells a beginning");
    RtlInitString(&narrow, "edu");
    RtlInitString(&other, "EDU");
    Expect(RtlEqualString(&narrow, &other, TRUE) && !RtlEqualString(&narrow, &other, FALSE),
           "RtlEqualString regards case as asked");
    Expect(RtlCompareString(&narrow, &other, FALSE) > 0 &&
               RtlCompareString(&narrow, &other, TRUE) == 0,
           "RtlCompareString orders by code");
}

static VOID CheckCase(VOID)
{
    NTSTATUS(NTAPI * downcase)
    (PUNICODE_STRING, PCUNICODE_STRING, BOOLEAN) = TestRoutine(L"RtlDowncaseUnicodeString");
    WCHAR buffer[4];
    UNICODE_STRING to = {0, sizeof(buffer), buffer}, from = TEXT("aB\xE4z"), longer = TEXT("aaaaa");
    CHAR text[4];
    STRING upper = {0, sizeof(text), text}, lower;

    ExpectStatus(RtlUpcaseUnicodeString(&to, &from, FALSE), STATUS_SUCCESS,
                 "G-RTL-33 RtlUpcaseUnicodeString converts");
    Expect(IsText(&to, L"AB\xC4Z"), "G-RTL-33 letters beyond ASCII too");
    ExpectStatus(RtlUpcaseUnicodeString(&to, &longer, FALSE), STATUS_BUFFER_OVERFLOW,
                 "G-RTL-33 a target that is too small is an error");
    ExpectStatus(downcase(&to, &from, TRUE), STATUS_SUCCESS,
                 "RtlDowncaseUnicodeString can allocate");
    Expect(IsText(&to, L"ab\xE4z"), "RtlDowncaseUnicodeString converts");
    RtlFreeUnicodeString(&to);
    Expect(RtlUpcaseUnicodeChar(L'q') == L'Q' && RtlDowncaseUnicodeChar(L'Q') == L'q' &&
               RtlUpcaseUnicodeChar(L'1') == L'1',
           "RtlUpcaseUnicodeChar and RtlDowncaseUnicodeChar convert letters only");
    ExpectEqual((UCHAR)RtlUpperChar('x'), 'X', "RtlUpperChar converts a letter");
    Expect(RtlUpperChar('1') == '1' && (UCHAR)RtlUpperChar((CHAR)0x81) == 0x81,
           "RtlUpperChar gives back what has no capital");
    RtlInitString(&lower, "abcdef");
    RtlUpperString(&upper, &lower);
    Expect(upper.Length == 4 && RtlCompareMemory(text, "ABCD", 4) == 4,
           "RtlUpperString cuts what does not fit");
    RtlCopyString(&upper, &lower);
    Expect(upper.Length == 4 && RtlCompareMemory(text, "abcd", 4) == 4,
           "RtlCopyString cuts what does not fit");
    RtlCopyString(&upper, NULL);
    Expect(upper.Length == 0 && upper.MaximumLength == 4 && upper.Buffer == text,
           "RtlCopyString of NULL empties the target");
}

static VOID CheckConversions(VOID)
{
    WCHAR buffer[4];
    CHAR bytes[4];
    UNICODE_STRING wide = {0, sizeof(buffer), buffer}, text = TEXT("abc"), longer = TEXT("abcd");
    ANSI_STRING narrow = {0, sizeof(bytes), bytes}, from;

    RtlInitAnsiString(&from, "abc");
    ExpectEqual(RtlxAnsiStringToUnicodeSize(&from), 8,
                "RtlxAnsiStringToUnicodeSize counts the terminator");
    ExpectEqual(RtlxUnicodeStringToAnsiSize(&text), 4,
                "RtlxUnicodeStringToAnsiSize counts the terminator");
    ExpectStatus(RtlAnsiStringToUnicodeString(&wide, &from, FALSE), STATUS_SUCCESS,
                 "G-RTL-10 RtlAnsiStringToUnicodeString converts");
    Expect(IsText(&wide, L"abc") && buffer[3] == 0, "G-RTL-10 and terminates");
    RtlInitAnsiString(&from, "abcd");
    ExpectStatus(RtlAnsiStringToUnicodeString(&wide, &from, FALSE), STATUS_BUFFER_OVERFLOW,
                 "G-RTL-10 without room for the terminator it is an error");
    ExpectStatus(RtlAnsiStringToUnicodeString(&wide, &from, TRUE), STATUS_SUCCESS,
                 "G-RTL-10 RtlAnsiStringToUnicodeString can allocate");
    Expect(IsText(&wide, L"abcd"), "G-RTL-10 what it needs");
    RtlFreeUnicodeString(&wide);
    ExpectStatus(RtlUnicodeStringToAnsiString(&narrow, &text, FALSE), STATUS_SUCCESS,
                 "G-RTL-11 RtlUnicodeStringToAnsiString converts");
    Expect(narrow.Length == 3 && RtlCompareMemory(bytes, "abc", 4) == 4, "G-RTL-11 and terminates");
    ExpectStatus(RtlUnicodeStringToAnsiString(&narrow, &longer, FALSE), STATUS_BUFFER_OVERFLOW,
                 "G-RTL-11 without room it is an error");
    ExpectStatus(RtlUnicodeStringToAnsiString(&narrow, &longer, TRUE), STATUS_SUCCESS,
                 "G-RTL-11 RtlUnicodeStringToAnsiString can allocate");
    RtlFreeAnsiString(&narrow);
    Expect(narrow.Buffer == NULL, "G-RTL-13 RtlFreeAnsiString clears the string");
}

typedef NTSTATUS(NTAPI *PTO_UTF8)(PCHAR, ULONG, PULONG, PCWCH, ULONG);
typedef NTSTATUS(NTAPI *PFROM_UTF8)(PWSTR, ULONG, PULONG, PCCH, ULONG);

static VOID CheckUtf8(VOID)
{
    PTO_UTF8 toUtf8 = (PTO_UTF8)TestRoutine(L"RtlUnicodeToUTF8N");
    PFROM_UTF8 fromUtf8 = (PFROM_UTF8)TestRoutine(L"RtlUTF8ToUnicodeN");
    static const WCHAR euro[] = {0x20AC, 'x'}, alone[] = {0xD800};
    CHAR bytes[8];
    WCHAR wide[4];
    ULONG size = 0;

    ExpectStatus(toUtf8(bytes, sizeof(bytes), &size, euro, sizeof(euro)), STATUS_SUCCESS,
                 "RtlUnicodeToUTF8N converts");
    Expect(size == 4 && RtlCompareMemory(bytes, "\xE2\x82\xACx", 4) == 4, "to the bytes of UTF-8");
    ExpectStatus(toUtf8(bytes, 2, &size, euro, sizeof(euro)), STATUS_BUFFER_TOO_SMALL,
                 "RtlUnicodeToUTF8N fails without room");
    ExpectStatus(toUtf8(NULL, 0, &size, euro, sizeof(euro)), STATUS_SUCCESS,
                 "RtlUnicodeToUTF8N without a buffer gives the size");
    ExpectEqual(size, 4, "that is needed");
    ExpectStatus(toUtf8(bytes, sizeof(bytes), &size, alone, sizeof(alone)), STATUS_SOME_NOT_MAPPED,
                 "RtlUnicodeToUTF8N tells of a surrogate without its half");
    ExpectStatus(fromUtf8(wide, sizeof(wide), &size, "\xE2\x82\xACx", 4), STATUS_SUCCESS,
                 "RtlUTF8ToUnicodeN converts");
    Expect(size == 4 && wide[0] == 0x20AC && wide[1] == 'x', "to UTF-16");
    ExpectStatus(fromUtf8(wide, sizeof(wide), &size, "\xFFx", 2), STATUS_SOME_NOT_MAPPED,
                 "RtlUTF8ToUnicodeN tells of bytes that are no UTF-8");
}

VOID CheckStrings(VOID)
{
    CheckInit();
    CheckAppend();
    CheckCompare();
    CheckCase();
    CheckConversions();
    CheckUtf8();
}
