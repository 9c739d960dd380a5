/*
 * ex/convert.c - conversions between counted strings of different kinds, and their freeing.
 *
 * "ANSI" is code page 1252; a character that is not in it becomes '?'. What a conversion allocates,
 * RtlFreeUnicodeString and RtlFreeAnsiString free.
 */
#include <hal/types.h>
#include <lib/export.h>
#include <lib/string.h>
#include <nt/ntifs.h>

#include "mm/pool.h"

#define STRING_TAG MM_TAG("Strg")

enum { ANSI_FIRST_SPECIAL = 0x80, ANSI_LAST_SPECIAL = 0x9F };

/* Code page 1252, 80 to 9F; the five without a character stand for themselves. */
static const WCHAR ansi_special[] = {
    0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008D, 0x017D, 0x008F, 0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178,
};

static WCHAR wide_from_ansi(UCHAR c)
{
    return c >= ANSI_FIRST_SPECIAL && c <= ANSI_LAST_SPECIAL ? ansi_special[c - ANSI_FIRST_SPECIAL]
                                                             : c;
}

static CHAR ansi_from_wide(WCHAR c)
{
    if (c < ANSI_FIRST_SPECIAL || (c > ANSI_LAST_SPECIAL && c <= UINT8_MAX))
        return (CHAR)c;
    for (unsigned i = 0; i < sizeof ansi_special / sizeof ansi_special[0]; i++) {
        if (ansi_special[i] == c)
            return (CHAR)(ANSI_FIRST_SPECIAL + i);
    }
    return '?';
}

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
    return bytes >= *maximum ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

static void wide_terminate(PUNICODE_STRING string)
{
    if (string->Length + sizeof(WCHAR) <= string->MaximumLength)
        string->Buffer[string->Length / sizeof(WCHAR)] = 0;
}

/* Character by character; no terminator is promised. */
static NTSTATUS map_string(PUNICODE_STRING destination, PCUNICODE_STRING source, BOOLEAN allocate,
                           uint16_t (*map)(uint16_t character))
{
    if (allocate) {
        destination->Buffer = mm_pool_alloc(source->Length + sizeof(WCHAR), STRING_TAG);
        if (destination->Buffer == NULL)
            return STATUS_NO_MEMORY;
        destination->MaximumLength = source->Length;
    } else if (source->Length > destination->MaximumLength) {
        return STATUS_BUFFER_OVERFLOW;
    }
    for (size_t i = 0; i < source->Length / sizeof(WCHAR); i++)
        destination->Buffer[i] = map(source->Buffer[i]);
    destination->Length = source->Length;
    return STATUS_SUCCESS;
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
        DestinationString->Buffer[i] = wide_from_ansi((UCHAR)SourceString->Buffer[i]);
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
    for (i = 0; i < count; i++)
        DestinationString->Buffer[i] = ansi_from_wide(SourceString->Buffer[i]);
    DestinationString->Length = (USHORT)count;
    DestinationString->Buffer[count] = 0;
    return STATUS_SUCCESS;
}
LDR_EXPORT(RtlUnicodeStringToAnsiString);

/* What fits; no terminator. STATUS_SUCCESS also where not everything did. Any IRQL. */
NTSTATUS NTAPI RtlUnicodeToMultiByteN(PCHAR MultiByteString, ULONG MaxBytesInMultiByteString,
                                      PULONG BytesInMultiByteString, PCWCH UnicodeString,
                                      ULONG BytesInUnicodeString)
{
    ULONG count = BytesInUnicodeString / sizeof(WCHAR);

    if (count > MaxBytesInMultiByteString)
        count = MaxBytesInMultiByteString;
    for (ULONG i = 0; i < count; i++)
        MultiByteString[i] = ansi_from_wide(UnicodeString[i]);
    if (BytesInMultiByteString != NULL)
        *BytesInMultiByteString = count;
    return STATUS_SUCCESS;
}
LDR_EXPORT(RtlUnicodeToMultiByteN);

NTSTATUS NTAPI RtlUpcaseUnicodeString(PUNICODE_STRING DestinationString,
                                      PCUNICODE_STRING SourceString,
                                      BOOLEAN AllocateDestinationString)
{
    return map_string(DestinationString, SourceString, AllocateDestinationString, lib_wide_upcase);
}
LDR_EXPORT(RtlUpcaseUnicodeString);

NTSTATUS NTAPI RtlDowncaseUnicodeString(PUNICODE_STRING DestinationString,
                                        PCUNICODE_STRING SourceString,
                                        BOOLEAN AllocateDestinationString)
{
    return map_string(DestinationString, SourceString, AllocateDestinationString,
                      lib_wide_downcase);
}
LDR_EXPORT(RtlDowncaseUnicodeString);

/* Lengths in bytes, with the terminator; macros of the WDK call them for multi-byte code pages. */
ULONG NTAPI RtlxAnsiStringToUnicodeSize(PCANSI_STRING AnsiString)
{
    return (AnsiString->Length + 1u) * (ULONG)sizeof(WCHAR);
}
LDR_EXPORT(RtlxAnsiStringToUnicodeSize);

ULONG NTAPI RtlxUnicodeStringToAnsiSize(PCUNICODE_STRING UnicodeString)
{
    return UnicodeString->Length / (ULONG)sizeof(WCHAR) + 1;
}
LDR_EXPORT(RtlxUnicodeStringToAnsiSize);

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
