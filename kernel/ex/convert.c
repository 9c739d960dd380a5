/*
 * ex/convert.c - conversions between strings, and between strings and numbers or GUIDs.
 *
 * "ANSI" is Latin-1 here: every byte is a character and every character above U+00FF becomes '?'.
 * What a conversion allocates, RtlFreeUnicodeString and RtlFreeAnsiString free.
 */
#include <hal/types.h>
#include <lib/export.h>
#include <lib/format.h>
#include <lib/string.h>
#include <nt/ntddk.h>

#include "mm/pool.h"

#define STRING_TAG MM_TAG("Strg")

enum {
    GUID_UNITS = 38,        /* {00000000-0000-0000-0000-000000000000} */
    NUMBER_UNITS_MAX = 33,  /* 32 binary digits and a terminator */
};

/* Room for `bytes` and a terminator of `unit` bytes in a counted string. */
static NTSTATUS string_room(PVOID *buffer, USHORT *maximum, size_t bytes, size_t unit,
                            BOOLEAN allocate)
{
    if (bytes + unit > UINT16_MAX)
        return STATUS_INVALID_PARAMETER_2;
    if (allocate) {
        *buffer = mm_pool_alloc(bytes + unit, STRING_TAG);
        if (*buffer == NULL)
            return STATUS_NO_MEMORY;
        *maximum = (USHORT)(bytes + unit);
        return STATUS_SUCCESS;
    }
    return bytes > *maximum ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

static void wide_terminate(PUNICODE_STRING string)
{
    if (string->Length + sizeof(WCHAR) <= string->MaximumLength)
        string->Buffer[string->Length / sizeof(WCHAR)] = 0;
}

/* A digit's value, or 99. */
static unsigned digit_value(WCHAR c)
{
    if (c >= L'0' && c <= L'9')
        return c - L'0';
    if (c >= L'a' && c <= L'z')
        return c - L'a' + 10;
    return c >= L'A' && c <= L'Z' ? c - L'A' + 10u : 99;
}

static bool is_base(ULONG base)
{
    return base == 0 || base == 2 || base == 8 || base == 10 || base == 16;
}

/* Hexadecimal digits of a GUID's text; *at moves. */
static bool guid_digits(const WCHAR **at, unsigned count, uint64_t *value)
{
    *value = 0;
    while (count-- != 0) {
        unsigned digit = digit_value(*(*at)++);

        if (digit > 15)
            return false;
        *value = *value << 4 | digit;
    }
    return true;
}

static bool guid_character(const WCHAR **at, WCHAR wanted)
{
    return *(*at)++ == wanted;
}

/* WDK surface */

NTSTATUS NTAPI RtlAnsiStringToUnicodeString(PUNICODE_STRING DestinationString,
                                            PCANSI_STRING SourceString,
                                            BOOLEAN AllocateDestinationString)
{
    size_t bytes = SourceString->Length * sizeof(WCHAR);
    NTSTATUS status;
    USHORT i;

    status = string_room((PVOID *)&DestinationString->Buffer, &DestinationString->MaximumLength,
                         bytes, sizeof(WCHAR), AllocateDestinationString);
    if (!NT_SUCCESS(status))
        return status;
    for (i = 0; i < SourceString->Length; i++)
        DestinationString->Buffer[i] = (UCHAR)SourceString->Buffer[i];
    DestinationString->Length = (USHORT)bytes;
    wide_terminate(DestinationString);
    return STATUS_SUCCESS;
}
LDR_EXPORT(RtlAnsiStringToUnicodeString);

NTSTATUS NTAPI RtlUnicodeStringToAnsiString(PANSI_STRING DestinationString,
                                            PCUNICODE_STRING SourceString,
                                            BOOLEAN AllocateDestinationString)
{
    size_t count = SourceString->Length / sizeof(WCHAR);
    NTSTATUS status;
    size_t i;

    status = string_room((PVOID *)&DestinationString->Buffer, &DestinationString->MaximumLength,
                         count, sizeof(CHAR), AllocateDestinationString);
    if (!NT_SUCCESS(status))
        return status;
    for (i = 0; i < count; i++) {
        WCHAR c = SourceString->Buffer[i];

        DestinationString->Buffer[i] = c > UINT8_MAX ? '?' : (CHAR)c;
    }
    DestinationString->Length = (USHORT)count;
    if (count < DestinationString->MaximumLength)
        DestinationString->Buffer[count] = 0;
    return STATUS_SUCCESS;
}
LDR_EXPORT(RtlUnicodeStringToAnsiString);

NTSTATUS NTAPI RtlUpcaseUnicodeString(PUNICODE_STRING DestinationString,
                                      PCUNICODE_STRING SourceString,
                                      BOOLEAN AllocateDestinationString)
{
    NTSTATUS status;
    size_t i;

    status = string_room((PVOID *)&DestinationString->Buffer, &DestinationString->MaximumLength,
                         SourceString->Length, sizeof(WCHAR), AllocateDestinationString);
    if (!NT_SUCCESS(status))
        return status;
    for (i = 0; i < SourceString->Length / sizeof(WCHAR); i++)
        DestinationString->Buffer[i] = lib_wide_upcase(SourceString->Buffer[i]);
    DestinationString->Length = SourceString->Length;
    return STATUS_SUCCESS;
}
LDR_EXPORT(RtlUpcaseUnicodeString);

BOOLEAN NTAPI RtlCreateUnicodeString(PUNICODE_STRING DestinationString, PCWSTR SourceString)
{
    size_t bytes = lib_wcslen(SourceString) * sizeof(WCHAR);

    if (!NT_SUCCESS(string_room((PVOID *)&DestinationString->Buffer,
                                &DestinationString->MaximumLength, bytes, sizeof(WCHAR), TRUE)))
        return FALSE;
    memcpy(DestinationString->Buffer, SourceString, bytes);
    DestinationString->Length = (USHORT)bytes;
    return TRUE;
}
LDR_EXPORT(RtlCreateUnicodeString);

VOID NTAPI RtlFreeUnicodeString(PUNICODE_STRING UnicodeString)
{
    if (UnicodeString->Buffer != NULL)
        mm_pool_free(UnicodeString->Buffer, 0);
    memset(UnicodeString, 0, sizeof(*UnicodeString));
}
LDR_EXPORT(RtlFreeUnicodeString);

VOID NTAPI RtlFreeAnsiString(PANSI_STRING AnsiString)
{
    if (AnsiString->Buffer != NULL)
        mm_pool_free(AnsiString->Buffer, 0);
    memset(AnsiString, 0, sizeof(*AnsiString));
}
LDR_EXPORT(RtlFreeAnsiString);

NTSTATUS NTAPI RtlUTF8ToUnicodeN(PWSTR UnicodeStringDestination, ULONG UnicodeStringMaxByteCount,
                                 PULONG UnicodeStringActualByteCount, PCCH UTF8StringSource,
                                 ULONG UTF8StringByteCount)
{
    size_t room = UnicodeStringDestination == NULL ? 0 : UnicodeStringMaxByteCount / sizeof(WCHAR);
    size_t needed = lib_wide_from_utf8(UnicodeStringDestination, room, UTF8StringSource,
                                       UTF8StringByteCount);
    size_t done = UnicodeStringDestination != NULL && needed > room ? room : needed;

    if (UnicodeStringActualByteCount != NULL)
        *UnicodeStringActualByteCount = (ULONG)(done * sizeof(WCHAR));
    return done < needed ? STATUS_BUFFER_TOO_SMALL : STATUS_SUCCESS;
}
LDR_EXPORT(RtlUTF8ToUnicodeN);

NTSTATUS NTAPI RtlUnicodeToUTF8N(PCHAR UTF8StringDestination, ULONG UTF8StringMaxByteCount,
                                 PULONG UTF8StringActualByteCount, PCWCH UnicodeStringSource,
                                 ULONG UnicodeStringByteCount)
{
    size_t room = UTF8StringDestination == NULL ? 0 : UTF8StringMaxByteCount;
    size_t needed = lib_utf8_from_wide(UTF8StringDestination, room, UnicodeStringSource,
                                       UnicodeStringByteCount / sizeof(WCHAR));
    size_t done = UTF8StringDestination != NULL && needed > room ? room : needed;

    if (UTF8StringActualByteCount != NULL)
        *UTF8StringActualByteCount = (ULONG)done;
    return done < needed ? STATUS_BUFFER_TOO_SMALL : STATUS_SUCCESS;
}
LDR_EXPORT(RtlUnicodeToUTF8N);

NTSTATUS NTAPI RtlIntegerToUnicodeString(ULONG Value, ULONG Base, PUNICODE_STRING String)
{
    WCHAR digits[NUMBER_UNITS_MAX];
    unsigned at = NUMBER_UNITS_MAX;
    USHORT bytes;

    if (!is_base(Base))
        return STATUS_INVALID_PARAMETER;
    if (Base == 0)
        Base = 10;
    do {
        digits[--at] = L"0123456789ABCDEF"[Value % Base];
        Value /= Base;
    } while (Value != 0);
    bytes = (USHORT)((NUMBER_UNITS_MAX - at) * sizeof(WCHAR));
    if (bytes > String->MaximumLength)
        return STATUS_BUFFER_OVERFLOW;
    memcpy(String->Buffer, digits + at, bytes);
    String->Length = bytes;
    wide_terminate(String);
    return STATUS_SUCCESS;
}
LDR_EXPORT(RtlIntegerToUnicodeString);

NTSTATUS NTAPI RtlUnicodeStringToInteger(PCUNICODE_STRING String, ULONG Base, PULONG Value)
{
    const WCHAR *at = String->Buffer;
    const WCHAR *end = at + String->Length / sizeof(WCHAR);
    bool negative = false;
    ULONG value = 0;

    if (!is_base(Base))
        return STATUS_INVALID_PARAMETER;
    while (at < end && *at <= L' ')
        at++;
    if (at < end && (*at == L'-' || *at == L'+'))
        negative = *at++ == L'-';
    if (Base == 0) {
        Base = 10;
        if (end - at > 1 && at[0] == L'0' && (at[1] == L'x' || at[1] == L'o' || at[1] == L'b')) {
            Base = at[1] == L'x' ? 16 : at[1] == L'o' ? 8 : 2;
            at += 2;
        }
    }
    for (; at < end && digit_value(*at) < Base; at++)
        value = value * Base + digit_value(*at);
    *Value = negative ? 0u - value : value;
    return STATUS_SUCCESS;
}
LDR_EXPORT(RtlUnicodeStringToInteger);

NTSTATUS NTAPI RtlStringFromGUID(REFGUID Guid, PUNICODE_STRING GuidString)
{
    const UCHAR *d = Guid->Data4;
    char text[GUID_UNITS + 1];
    NTSTATUS status;

    status = string_room((PVOID *)&GuidString->Buffer, &GuidString->MaximumLength,
                         GUID_UNITS * sizeof(WCHAR), sizeof(WCHAR), TRUE);
    if (!NT_SUCCESS(status))
        return status;
    lib_snprintf(text, sizeof(text), "{%08X-%04X-%04X-%02X%02X-%02X%02X%02X%02X%02X%02X}",
                 (unsigned)Guid->Data1, Guid->Data2, Guid->Data3, d[0], d[1], d[2], d[3], d[4],
                 d[5], d[6], d[7]);
    lib_wide_from_utf8(GuidString->Buffer, GUID_UNITS, text, GUID_UNITS);
    GuidString->Length = GUID_UNITS * sizeof(WCHAR);
    return STATUS_SUCCESS;
}
LDR_EXPORT(RtlStringFromGUID);

NTSTATUS NTAPI RtlGUIDFromString(PCUNICODE_STRING GuidString, GUID *Guid)
{
    const WCHAR *at = GuidString->Buffer;
    uint64_t a, b, c, d, e;
    int i;

    if (GuidString->Length < GUID_UNITS * sizeof(WCHAR) || !guid_character(&at, L'{') ||
        !guid_digits(&at, 8, &a) || !guid_character(&at, L'-') || !guid_digits(&at, 4, &b) ||
        !guid_character(&at, L'-') || !guid_digits(&at, 4, &c) || !guid_character(&at, L'-') ||
        !guid_digits(&at, 4, &d) || !guid_character(&at, L'-') || !guid_digits(&at, 12, &e) ||
        !guid_character(&at, L'}'))
        return STATUS_INVALID_PARAMETER;
    Guid->Data1 = (ULONG)a;
    Guid->Data2 = (USHORT)b;
    Guid->Data3 = (USHORT)c;
    Guid->Data4[0] = (UCHAR)(d >> 8);
    Guid->Data4[1] = (UCHAR)d;
    for (i = 0; i < 6; i++)
        Guid->Data4[2 + i] = (UCHAR)(e >> (40 - 8 * i));
    return STATUS_SUCCESS;
}
LDR_EXPORT(RtlGUIDFromString);
