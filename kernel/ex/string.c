/*
 * ex/string.c - counted strings: initialising, copying, appending, comparing.
 *
 * Lengths are in bytes and may be odd only by a caller's mistake; nothing is ever written past
 * MaximumLength. Conversions between character sets are in ex/convert.c.
 */
#include <lib/export.h>
#include <lib/string.h>
#include <nt/wdm.h>

enum { UNICODE_STRING_MAX_BYTES = 0xFFFE };

static USHORT clamp_length(size_t bytes)
{
    return (USHORT)(bytes < UNICODE_STRING_MAX_BYTES ? bytes : UNICODE_STRING_MAX_BYTES);
}

/* WDK surface */

VOID NTAPI RtlInitUnicodeString(PUNICODE_STRING DestinationString, PCWSTR SourceString)
{
    size_t bytes = SourceString ? lib_wcslen(SourceString) * sizeof(WCHAR) : 0;

    DestinationString->Buffer = (PWSTR)SourceString;
    DestinationString->Length =
        bytes < UNICODE_STRING_MAX_BYTES ? (USHORT)bytes : UNICODE_STRING_MAX_BYTES - sizeof(WCHAR);
    DestinationString->MaximumLength =
        SourceString ? (USHORT)(DestinationString->Length + sizeof(WCHAR)) : 0;
}
LDR_EXPORT(RtlInitUnicodeString);

VOID NTAPI RtlInitString(PSTRING DestinationString, PCSZ SourceString)
{
    size_t bytes = SourceString ? strlen(SourceString) : 0;

    DestinationString->Buffer = (PCHAR)SourceString;
    DestinationString->Length = bytes < 0xFFFF ? (USHORT)bytes : 0xFFFE;
    DestinationString->MaximumLength = SourceString ? DestinationString->Length + 1 : 0;
}
LDR_EXPORT(RtlInitString);
LDR_EXPORT_AS("RtlInitAnsiString", RtlInitString);

VOID NTAPI RtlCopyUnicodeString(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString)
{
    USHORT bytes;

    if (!SourceString) {
        DestinationString->Length = 0;
        return;
    }
    bytes = SourceString->Length;
    if (bytes > DestinationString->MaximumLength)
        bytes = DestinationString->MaximumLength;
    memmove(DestinationString->Buffer, SourceString->Buffer, bytes);
    DestinationString->Length = bytes;
    if (bytes + sizeof(WCHAR) <= DestinationString->MaximumLength)
        DestinationString->Buffer[bytes / sizeof(WCHAR)] = 0;
}
LDR_EXPORT(RtlCopyUnicodeString);

static NTSTATUS append(PUNICODE_STRING to, const WCHAR *from, size_t bytes)
{
    if (to->Length + bytes > to->MaximumLength)
        return STATUS_BUFFER_TOO_SMALL;
    memmove((char *)to->Buffer + to->Length, from, bytes);
    to->Length = clamp_length(to->Length + bytes);
    if (to->Length + sizeof(WCHAR) <= to->MaximumLength)
        to->Buffer[to->Length / sizeof(WCHAR)] = 0;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlAppendUnicodeToString(PUNICODE_STRING Destination, PCWSTR Source)
{
    return Source ? append(Destination, Source, lib_wcslen(Source) * sizeof(WCHAR))
                  : STATUS_SUCCESS;
}
LDR_EXPORT(RtlAppendUnicodeToString);

NTSTATUS NTAPI RtlAppendUnicodeStringToString(PUNICODE_STRING Destination, PCUNICODE_STRING Source)
{
    return append(Destination, Source->Buffer, Source->Length);
}
LDR_EXPORT(RtlAppendUnicodeStringToString);

/* Lengths are characters. */
LONG NTAPI RtlCompareUnicodeStrings(PCWCH String1, SIZE_T String1Length, PCWCH String2,
                                    SIZE_T String2Length, BOOLEAN CaseInSensitive)
{
    for (size_t i = 0; i < String1Length && i < String2Length; i++) {
        WCHAR a = String1[i];
        WCHAR b = String2[i];
        if (CaseInSensitive) {
            a = lib_wide_upcase(a);
            b = lib_wide_upcase(b);
        }
        if (a != b)
            return (LONG)a - (LONG)b;
    }
    return (LONG)String1Length - (LONG)String2Length;
}
LDR_EXPORT(RtlCompareUnicodeStrings);

LONG NTAPI RtlCompareUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                                   BOOLEAN CaseInSensitive)
{
    return RtlCompareUnicodeStrings(String1->Buffer, String1->Length / sizeof(WCHAR),
                                    String2->Buffer, String2->Length / sizeof(WCHAR),
                                    CaseInSensitive);
}
LDR_EXPORT(RtlCompareUnicodeString);

BOOLEAN NTAPI RtlEqualUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                                    BOOLEAN CaseInSensitive)
{
    return String1->Length == String2->Length &&
           !RtlCompareUnicodeString(String1, String2, CaseInSensitive);
}
LDR_EXPORT(RtlEqualUnicodeString);

BOOLEAN NTAPI RtlPrefixUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                                     BOOLEAN CaseInSensitive)
{
    UNICODE_STRING head = *String2;

    if (String1->Length > String2->Length)
        return FALSE;
    head.Length = String1->Length;
    return RtlEqualUnicodeString(String1, &head, CaseInSensitive);
}
LDR_EXPORT(RtlPrefixUnicodeString);

WCHAR NTAPI RtlUpcaseUnicodeChar(WCHAR SourceCharacter)
{
    return lib_wide_upcase(SourceCharacter);
}
LDR_EXPORT(RtlUpcaseUnicodeChar);

/* ---- memory ---------------------------------------------------------------------------------- */

SIZE_T NTAPI RtlCompareMemory(const VOID *Source1, const VOID *Source2, SIZE_T Length)
{
    const UCHAR *a = Source1;
    const UCHAR *b = Source2;
    SIZE_T same = 0;

    while (same < Length && a[same] == b[same])
        same++;
    return same;
}
LDR_EXPORT(RtlCompareMemory);

/* 0 as well where Source is not aligned or Length no number of ULONGs (WDK: the routine's page). */
SIZE_T NTAPI RtlCompareMemoryUlong(PVOID Source, SIZE_T Length, ULONG Pattern)
{
    const ULONG *words = Source;
    SIZE_T count = Length / sizeof(ULONG);
    SIZE_T same = 0;

    if (((ULONG_PTR)Source | Length) % sizeof(ULONG) != 0)
        return 0;
    while (same < count && words[same] == Pattern)
        same++;
    return same * sizeof(ULONG);
}
LDR_EXPORT(RtlCompareMemoryUlong);

static VOID NTAPI move_memory(PVOID Destination, const VOID *Source, SIZE_T Length)
{
    memmove(Destination, Source, Length);
}
LDR_EXPORT_AS("RtlMoveMemory", move_memory);
LDR_EXPORT_AS("RtlCopyMemory", move_memory);
LDR_EXPORT_AS("RtlCopyMemoryNonTemporal", move_memory);

static VOID NTAPI fill_memory(PVOID Destination, SIZE_T Length, UCHAR Fill)
{
    memset(Destination, Fill, Length);
}
LDR_EXPORT_AS("RtlFillMemory", fill_memory);

static VOID NTAPI zero_memory(PVOID Destination, SIZE_T Length)
{
    memset(Destination, 0, Length);
}
LDR_EXPORT_AS("RtlZeroMemory", zero_memory);

VOID NTAPI RtlPrefetchMemoryNonTemporal(PVOID Source, SIZE_T Length)
{
    for (SIZE_T i = 0; i < Length; i += 64)
        __builtin_prefetch((const char *)Source + i, 0, 0);
}
LDR_EXPORT(RtlPrefetchMemoryNonTemporal);
