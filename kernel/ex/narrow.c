/*
 * ex/narrow.c - counted strings of bytes, and small things the run-time library also has.
 *
 * Case is folded for ASCII letters only. The wide strings are in ex/string.c.
 */
#include <hal/types.h>
#include <lib/export.h>
#include <lib/string.h>
#include <nt/wdm.h>

enum { HASH_DEFAULT = 0, HASH_X65599 = 1, HASH_MULTIPLIER = 65599 };

#define RANDOM_MODULUS 0x7FFFFFFFull /* prime: the generator's period is one less */
#define RANDOM_MULTIPLIER 48271ull

/* WDK surface */

CHAR NTAPI RtlUpperChar(CHAR Character)
{
    return lib_upcase(Character);
}
LDR_EXPORT(RtlUpperChar);

VOID NTAPI RtlCopyString(PSTRING DestinationString, const STRING *SourceString)
{
    USHORT length = SourceString == NULL ? 0 : SourceString->Length;

    if (length > DestinationString->MaximumLength)
        length = DestinationString->MaximumLength;
    if (length)
        memmove(DestinationString->Buffer, SourceString->Buffer, length);
    DestinationString->Length = length;
}
LDR_EXPORT(RtlCopyString);

VOID NTAPI RtlUpperString(PSTRING DestinationString, const STRING *SourceString)
{
    USHORT length = SourceString->Length;

    if (length > DestinationString->MaximumLength)
        length = DestinationString->MaximumLength;
    for (USHORT i = 0; i < length; i++)
        DestinationString->Buffer[i] = lib_upcase(SourceString->Buffer[i]);
    DestinationString->Length = length;
}
LDR_EXPORT(RtlUpperString);

LONG NTAPI RtlCompareString(const STRING *String1, const STRING *String2, BOOLEAN CaseInSensitive)
{
    for (USHORT i = 0; i < String1->Length && i < String2->Length; i++) {
        CHAR a = String1->Buffer[i];
        CHAR b = String2->Buffer[i];

        if (CaseInSensitive) {
            a = lib_upcase(a);
            b = lib_upcase(b);
        }
        if (a != b)
            return (UCHAR)a - (UCHAR)b;
    }
    return (LONG)String1->Length - (LONG)String2->Length;
}
LDR_EXPORT(RtlCompareString);

BOOLEAN NTAPI RtlEqualString(const STRING *String1, const STRING *String2, BOOLEAN CaseInSensitive)
{
    return String1->Length == String2->Length &&
           RtlCompareString(String1, String2, CaseInSensitive) == 0;
}
LDR_EXPORT(RtlEqualString);

WCHAR NTAPI RtlDowncaseUnicodeChar(WCHAR SourceCharacter)
{
    return lib_wide_downcase(SourceCharacter);
}
LDR_EXPORT(RtlDowncaseUnicodeChar);

NTSTATUS NTAPI RtlHashUnicodeString(PCUNICODE_STRING String, BOOLEAN CaseInSensitive,
                                    ULONG HashAlgorithm, PULONG HashValue)
{
    ULONG hash = 0;

    if (String == NULL || HashValue == NULL ||
        (HashAlgorithm != HASH_DEFAULT && HashAlgorithm != HASH_X65599))
        return STATUS_INVALID_PARAMETER;
    for (uint32_t i = 0; i < String->Length / sizeof(WCHAR); i++) {
        WCHAR c = String->Buffer[i];

        hash = hash * HASH_MULTIPLIER + (CaseInSensitive ? lib_wide_upcase(c) : c);
    }
    *HashValue = hash;
    return STATUS_SUCCESS;
}
LDR_EXPORT(RtlHashUnicodeString);

/* 0 to MAXLONG - 1; the seed is the state. */
ULONG NTAPI RtlRandomEx(PULONG Seed)
{
    ULONGLONG state = *Seed % RANDOM_MODULUS;

    state = (state ? state : 1) * RANDOM_MULTIPLIER % RANDOM_MODULUS;
    *Seed = (ULONG)state;
    return (ULONG)state - 1;
}
LDR_EXPORT(RtlRandomEx);

ULONG NTAPI RtlRandom(PULONG Seed)
{
    return RtlRandomEx(Seed);
}
LDR_EXPORT(RtlRandom);
