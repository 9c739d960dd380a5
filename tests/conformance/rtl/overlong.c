/*
 * overlong.c - text that no counted string can hold, and what is left where a conversion fails.
 */
#include "rtl.h"

#define CHARACTERS 70000
#define LONGEST_WIDE 0xFFFC /* of a Length in bytes, with room for a terminator */
#define LONGEST_NARROW 0xFFFE

static VOID CheckWide(PWSTR Text)
{
    BOOLEAN(NTAPI * create)(PUNICODE_STRING, PCWSTR) = TestRoutine(L"RtlCreateUnicodeString");
    UNICODE_STRING string = {2, 2, NULL}, small = TEXT("abc");
    ULONG i;

    for (i = 0; i < CHARACTERS - 1; i++)
        Text[i] = L'a';
    Text[i] = 0;
    Expect(!create(&string, Text),
           "RtlCreateUnicodeString is FALSE for text that no counted string can hold");
    RtlInitUnicodeString(&string, Text);
    Expect(string.Length == LONGEST_WIDE && string.MaximumLength == LONGEST_WIDE + sizeof(WCHAR) &&
               string.Buffer == Text,
           "G-RTL-1 RtlInitUnicodeString counts no more than a counted string can");
    ExpectStatus(RtlAppendUnicodeToString(&small, Text), STATUS_BUFFER_TOO_SMALL,
                 "G-RTL-4 nor is such text appended");
    string.MaximumLength = LONGEST_WIDE + 3;
    ExpectStatus(RtlAppendUnicodeStringToString(&string, &small), STATUS_BUFFER_TOO_SMALL,
                 "G-RTL-5 nor anything to a string that is full");
    ExpectEqual(string.Length, LONGEST_WIDE, "G-RTL-5 which is left as long as it was");
}

static VOID CheckNarrow(PCHAR Text)
{
    UNICODE_STRING wide = {0};
    STRING string;
    ULONG i;

    for (i = 0; i < CHARACTERS - 1; i++)
        Text[i] = 'a';
    Text[i] = 0;
    RtlInitString(&string, Text);
    Expect(string.Length == LONGEST_NARROW && string.MaximumLength == LONGEST_NARROW + 1,
           "RtlInitString counts no more than a counted string can");
    RtlInitAnsiString(&string, Text);
    Expect(string.Length == LONGEST_NARROW && string.MaximumLength == LONGEST_NARROW + 1,
           "G-RTL-2 nor does RtlInitAnsiString");
    Expect(!NT_SUCCESS(RtlAnsiStringToUnicodeString(&wide, &string, TRUE)) && wide.Buffer == NULL,
           "G-RTL-10 text that is too long as Unicode is an error, and nothing is allocated");
}

VOID CheckOverlong(VOID)
{
    PVOID text = ExAllocatePoolWithTag(PagedPool, CHARACTERS * sizeof(WCHAR), TEST_TAG);

    if (text == NULL) {
        Expect(FALSE, "there is memory for long text");
        return;
    }
    CheckWide(text);
    CheckNarrow(text);
    ExFreePoolWithTag(text, TEST_TAG);
}

/* ---- conversions that fail ------------------------------------------------------------------- */

static VOID CheckTargets(VOID)
{
    NTSTATUS(NTAPI * downcase)
    (PUNICODE_STRING, PCUNICODE_STRING, BOOLEAN) = TestRoutine(L"RtlDowncaseUnicodeString");
    WCHAR units[3] = L"..", kept[3] = L"..";
    CHAR bytes[3] = "..";
    UNICODE_STRING wide = {2, sizeof(units), units}, text = TEXT("ABCDEF");
    ANSI_STRING narrow = {1, sizeof(bytes), bytes}, from;

    ExpectStatus(RtlUnicodeStringToAnsiString(&narrow, &text, FALSE), STATUS_BUFFER_OVERFLOW,
                 "G-RTL-11 a target that is too small is an error");
    Expect(narrow.Length == 1 && narrow.Buffer == bytes && Same(bytes, ".."),
           "G-RTL-11 and nothing is converted");
    RtlInitAnsiString(&from, "abcdef");
    ExpectStatus(RtlAnsiStringToUnicodeString(&wide, &from, FALSE), STATUS_BUFFER_OVERFLOW,
                 "G-RTL-10 nor is anything");
    ExpectStatus(downcase(&wide, &text, FALSE), STATUS_BUFFER_OVERFLOW,
                 "RtlDowncaseUnicodeString fails without room");
    ExpectStatus(RtlUpcaseUnicodeString(&wide, &text, FALSE), STATUS_BUFFER_OVERFLOW,
                 "G-RTL-33 as RtlUpcaseUnicodeString does");
    Expect(wide.Length == 2 && wide.Buffer == units && SameWide(units, kept),
           "G-RTL-10 G-RTL-33 in the target of any of them");
    ExpectStatus(RtlUpcaseUnicodeString(&wide, &text, TRUE), STATUS_SUCCESS,
                 "G-RTL-33 RtlUpcaseUnicodeString can allocate");
    Expect(wide.Buffer != units && IsText(&wide, L"ABCDEF"), "G-RTL-33 what it needs");
    RtlFreeUnicodeString(&wide);
}

typedef NTSTATUS(NTAPI *PTO_UTF8)(PCHAR, ULONG, PULONG, PCWCH, ULONG);
typedef NTSTATUS(NTAPI *PFROM_UTF8)(PWSTR, ULONG, PULONG, PCCH, ULONG);

static VOID CheckToUtf8(VOID)
{
    PTO_UTF8 to = (PTO_UTF8)TestRoutine(L"RtlUnicodeToUTF8N");
    static const WCHAR text[] = {'x', 0x20AC, 0};
    CHAR bytes[8] = "......";
    ULONG size = 77;

    ExpectStatus(to(NULL, 0, NULL, text, 4), STATUS_INVALID_PARAMETER,
                 "RtlUnicodeToUTF8N needs a buffer or a place for the size");
    ExpectStatus(to(bytes, sizeof(bytes), &size, NULL, 4), STATUS_INVALID_PARAMETER_4,
                 "RtlUnicodeToUTF8N needs a source");
    ExpectStatus(to(bytes, sizeof(bytes), &size, text, 3), STATUS_INVALID_PARAMETER_5,
                 "RtlUnicodeToUTF8N takes whole characters only");
    Expect(size == 77 && bytes[0] == '.', "RtlUnicodeToUTF8N stores nothing then");
    ExpectStatus(to(bytes, 3, &size, text, 4), STATUS_BUFFER_TOO_SMALL,
                 "RtlUnicodeToUTF8N says if the buffer is too small");
    Expect(size == 1 && bytes[0] == 'x' && bytes[1] == '.',
           "RtlUnicodeToUTF8N writes the whole characters that fit, and counts them");
    ExpectStatus(to(bytes, sizeof(bytes), &size, text, sizeof(text)), STATUS_SUCCESS,
                 "RtlUnicodeToUTF8N converts a terminator as well");
    Expect(size == 5 && bytes[4] == 0, "RtlUnicodeToUTF8N: where there is one");
}

static VOID CheckFromUtf8(VOID)
{
    PFROM_UTF8 from = (PFROM_UTF8)TestRoutine(L"RtlUTF8ToUnicodeN");
    WCHAR units[4] = L"...";
    ULONG size = 77;

    ExpectStatus(from(NULL, 0, NULL, "ab", 2), STATUS_INVALID_PARAMETER,
                 "RtlUTF8ToUnicodeN needs a buffer or a place for the size");
    ExpectStatus(from(units, sizeof(units), &size, NULL, 2), STATUS_INVALID_PARAMETER_4,
                 "RtlUTF8ToUnicodeN needs a source");
    Expect(size == 77 && units[0] == L'.', "RtlUTF8ToUnicodeN stores nothing then");
    ExpectStatus(from(units, 3, &size, "ab", 2), STATUS_BUFFER_TOO_SMALL,
                 "RtlUTF8ToUnicodeN says if the buffer is too small");
    Expect(size == 2 && units[0] == L'a' && units[1] == L'.',
           "RtlUTF8ToUnicodeN writes the whole characters that fit, and counts them");
    ExpectStatus(from(NULL, 0, &size, "\xE2\x82\xACx", 4), STATUS_SUCCESS,
                 "RtlUTF8ToUnicodeN without a buffer gives the size");
    ExpectEqual(size, 4, "RtlUTF8ToUnicodeN: that is needed");
    ExpectStatus(from(units, sizeof(units), &size, "\xFFx", 2), STATUS_SOME_NOT_MAPPED,
                 "RtlUTF8ToUnicodeN goes on behind bytes that are no UTF-8");
    Expect(size == 4 && units[0] == 0xFFFD && units[1] == L'x',
           "RtlUTF8ToUnicodeN: with U+FFFD in their place");
}

VOID CheckFailedConversions(VOID)
{
    CheckTargets();
    CheckToUtf8();
    CheckFromUtf8();
}
