/*
 * ex/number.c - numbers and GUIDs as text, and back.
 *
 * Text of numbers: digits of base 2, 8, 10 or 16, upper case when written, either when read.
 * Text of a GUID: {00000000-0000-0000-0000-000000000000}. PASSIVE_LEVEL, as their pages say.
 */
#include <hal/types.h>
#include <lib/export.h>
#include <lib/format.h>
#include <lib/string.h>
#include <nt/ntddk.h>

#include "mm/pool.h"

#define STRING_TAG MM_TAG("Strg")

enum {
    GUID_UNITS = 38,
    NUMBER_UNITS_MAX = 64, /* binary digits */
};

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

/* Prefix that base 0 leaves open: 0x, 0o, 0b; else decimal. *at moves behind it. */
static ULONG prefix_base(const WCHAR **at, const WCHAR *end)
{
    if (end - *at < 2 || **at != L'0')
        return 10;
    switch ((*at)[1]) {
    case L'x':
        *at += 2;
        return 16;
    case L'o':
        *at += 2;
        return 8;
    case L'b':
        *at += 2;
        return 2;
    default:
        return 10;
    }
}

/* With a terminator, for which there must be room. */
static NTSTATUS number_to_string(ULONGLONG value, ULONG base, PUNICODE_STRING string)
{
    WCHAR digits[NUMBER_UNITS_MAX];
    unsigned at = NUMBER_UNITS_MAX;
    USHORT bytes;

    if (!is_base(base))
        return STATUS_INVALID_PARAMETER;
    if (base == 0)
        base = 10;
    do {
        digits[--at] = L"0123456789ABCDEF"[value % base];
        value /= base;
    } while (value != 0);
    bytes = (USHORT)((NUMBER_UNITS_MAX - at) * sizeof(WCHAR));
    if (bytes + sizeof(WCHAR) > string->MaximumLength)
        return STATUS_BUFFER_OVERFLOW;
    memcpy(string->Buffer, digits + at, bytes);
    string->Buffer[bytes / sizeof(WCHAR)] = 0;
    string->Length = bytes;
    return STATUS_SUCCESS;
}

/* WDK surface */

NTSTATUS NTAPI RtlIntegerToUnicodeString(ULONG Value, ULONG Base, PUNICODE_STRING String)
{
    return number_to_string(Value, Base, String);
}
LDR_EXPORT(RtlIntegerToUnicodeString);

NTSTATUS NTAPI RtlInt64ToUnicodeString(ULONGLONG Value, ULONG Base, PUNICODE_STRING String)
{
    return number_to_string(Value, Base, String);
}
LDR_EXPORT(RtlInt64ToUnicodeString);

NTSTATUS NTAPI RtlUnicodeStringToInteger(PCUNICODE_STRING String, ULONG Base, PULONG Value)
{
    const WCHAR *at = String->Buffer;
    const WCHAR *end = at + String->Length / sizeof(WCHAR);
    bool negative = false;
    ULONG value = 0;

    if (!is_base(Base) || at == end)
        return STATUS_INVALID_PARAMETER;
    while (at < end && *at <= L' ')
        at++;
    if (at < end && (*at == L'-' || *at == L'+'))
        negative = *at++ == L'-';
    if (Base == 0)
        Base = prefix_base(&at, end);
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

    GuidString->Buffer = mm_pool_alloc((GUID_UNITS + 1) * sizeof(WCHAR), STRING_TAG);
    if (GuidString->Buffer == NULL)
        return STATUS_NO_MEMORY;
    GuidString->MaximumLength = (GUID_UNITS + 1) * sizeof(WCHAR);
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
