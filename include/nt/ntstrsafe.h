/*
 * ntstrsafe.h - counted string routines for drivers (WDK: Using Safe String Functions).
 *
 * Owns: the inlines that copy, append, measure and format zero-terminated strings
 * within a size, in bytes (Cb) or characters (Cch), and the PUNICODE_STRING
 * forms. The result is always terminated; STATUS_BUFFER_OVERFLOW says that it
 * was cut. The formatting ones import _vsnprintf or _vsnwprintf. For drivers
 * only: the kernel has one formatter of its own.
 */
#ifndef NT_NTSTRSAFE_H
#define NT_NTSTRSAFE_H

#ifdef _NTOSKRNL_
#error "for drivers only"
#endif
#include "wdm.h"

#define NTSTRSAFE_MAX_CCH 2147483647
#define NTSTRSAFE_UNICODE_STRING_MAX_CCH (0xffff / sizeof(WCHAR))

typedef char *NTSTRSAFE_PSTR;
typedef const char *NTSTRSAFE_PCSTR;
typedef WCHAR *NTSTRSAFE_PWSTR;
typedef const WCHAR *NTSTRSAFE_PCWSTR;

/* Bytes */

FORCEINLINE NTSTATUS NTAPI RtlStringCchLengthA(NTSTRSAFE_PCSTR String, size_t Max, size_t *Length)
{
    size_t Count = 0;

    if (String == NULL || Max > NTSTRSAFE_MAX_CCH)
        return STATUS_INVALID_PARAMETER;
    while (Count < Max && String[Count] != '\0')
        Count++;
    if (Length != NULL)
        *Length = Count < Max ? Count : 0;
    return Count < Max ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

/* At most Count characters of Source, and the zero. */
FORCEINLINE NTSTATUS NTAPI RtlStringCchCopyNA(NTSTRSAFE_PSTR Destination, size_t Size,
                                              NTSTRSAFE_PCSTR Source, size_t Count)
{
    if (Size == 0 || Size > NTSTRSAFE_MAX_CCH)
        return STATUS_INVALID_PARAMETER;
    while (Size > 1 && Count != 0 && *Source != '\0') {
        *Destination++ = *Source++;
        Size--;
        Count--;
    }
    *Destination = '\0';
    return Count == 0 || *Source == '\0' ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;
}

FORCEINLINE NTSTATUS NTAPI RtlStringCchCopyA(NTSTRSAFE_PSTR Destination, size_t Size,
                                             NTSTRSAFE_PCSTR Source)
{
    return RtlStringCchCopyNA(Destination, Size, Source, NTSTRSAFE_MAX_CCH);
}

FORCEINLINE NTSTATUS NTAPI RtlStringCchCatA(NTSTRSAFE_PSTR Destination, size_t Size,
                                            NTSTRSAFE_PCSTR Source)
{
    size_t Length;
    NTSTATUS Status = RtlStringCchLengthA(Destination, Size, &Length);

    if (!NT_SUCCESS(Status))
        return Status;
    return RtlStringCchCopyA(Destination + Length, Size - Length, Source);
}

FORCEINLINE NTSTATUS NTAPI RtlStringCchVPrintfA(NTSTRSAFE_PSTR Destination, size_t Size,
                                                NTSTRSAFE_PCSTR Format, va_list Arguments)
{
    int Written;

    if (Size == 0 || Size > NTSTRSAFE_MAX_CCH)
        return STATUS_INVALID_PARAMETER;
    Written = _vsnprintf(Destination, Size - 1, Format, Arguments);
    if (Written >= 0 && (size_t)Written < Size) {
        Destination[Written] = '\0';
        return STATUS_SUCCESS;
    }
    Destination[Size - 1] = '\0';
    return STATUS_BUFFER_OVERFLOW;
}

/* static, since a routine with variable arguments cannot be inlined */
static __inline__ __attribute__((unused)) NTSTATUS RtlStringCchPrintfA(NTSTRSAFE_PSTR Destination,
                                                                       size_t Size,
                                                                       NTSTRSAFE_PCSTR Format, ...)
{
    va_list Arguments;
    NTSTATUS Status;

    va_start(Arguments, Format);
    Status = RtlStringCchVPrintfA(Destination, Size, Format, Arguments);
    va_end(Arguments);
    return Status;
}

static __inline__ __attribute__((unused)) NTSTATUS RtlStringCbPrintfA(NTSTRSAFE_PSTR Destination,
                                                                      size_t Bytes,
                                                                      NTSTRSAFE_PCSTR Format, ...)
{
    va_list Arguments;
    NTSTATUS Status;

    va_start(Arguments, Format);
    Status = RtlStringCchVPrintfA(Destination, Bytes / sizeof(char), Format, Arguments);
    va_end(Arguments);
    return Status;
}

FORCEINLINE NTSTATUS NTAPI RtlStringCbVPrintfA(NTSTRSAFE_PSTR Destination, size_t Bytes,
                                               NTSTRSAFE_PCSTR Format, va_list Arguments)
{
    return RtlStringCchVPrintfA(Destination, Bytes / sizeof(char), Format, Arguments);
}

FORCEINLINE NTSTATUS NTAPI RtlStringCbLengthA(NTSTRSAFE_PCSTR String, size_t Max, size_t *Length)
{
    NTSTATUS Status = RtlStringCchLengthA(String, Max / sizeof(char), Length);

    if (NT_SUCCESS(Status) && Length != NULL)
        *Length *= sizeof(char);
    return Status;
}

FORCEINLINE NTSTATUS NTAPI RtlStringCbCopyNA(NTSTRSAFE_PSTR Destination, size_t Bytes,
                                             NTSTRSAFE_PCSTR Source, size_t Count)
{
    return RtlStringCchCopyNA(Destination, Bytes / sizeof(char), Source, Count / sizeof(char));
}

FORCEINLINE NTSTATUS NTAPI RtlStringCbCopyA(NTSTRSAFE_PSTR Destination, size_t Bytes,
                                            NTSTRSAFE_PCSTR Source)
{
    return RtlStringCchCopyA(Destination, Bytes / sizeof(char), Source);
}

FORCEINLINE NTSTATUS NTAPI RtlStringCbCatA(NTSTRSAFE_PSTR Destination, size_t Bytes,
                                           NTSTRSAFE_PCSTR Source)
{
    return RtlStringCchCatA(Destination, Bytes / sizeof(char), Source);
}

/* Wide characters */

FORCEINLINE NTSTATUS NTAPI RtlStringCchLengthW(NTSTRSAFE_PCWSTR String, size_t Max, size_t *Length)
{
    size_t Count = 0;

    if (String == NULL || Max > NTSTRSAFE_MAX_CCH)
        return STATUS_INVALID_PARAMETER;
    while (Count < Max && String[Count] != UNICODE_NULL)
        Count++;
    if (Length != NULL)
        *Length = Count < Max ? Count : 0;
    return Count < Max ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

/* At most Count characters of Source, and the zero. */
FORCEINLINE NTSTATUS NTAPI RtlStringCchCopyNW(NTSTRSAFE_PWSTR Destination, size_t Size,
                                              NTSTRSAFE_PCWSTR Source, size_t Count)
{
    if (Size == 0 || Size > NTSTRSAFE_MAX_CCH)
        return STATUS_INVALID_PARAMETER;
    while (Size > 1 && Count != 0 && *Source != UNICODE_NULL) {
        *Destination++ = *Source++;
        Size--;
        Count--;
    }
    *Destination = UNICODE_NULL;
    return Count == 0 || *Source == UNICODE_NULL ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;
}

FORCEINLINE NTSTATUS NTAPI RtlStringCchCopyW(NTSTRSAFE_PWSTR Destination, size_t Size,
                                             NTSTRSAFE_PCWSTR Source)
{
    return RtlStringCchCopyNW(Destination, Size, Source, NTSTRSAFE_MAX_CCH);
}

FORCEINLINE NTSTATUS NTAPI RtlStringCchCatW(NTSTRSAFE_PWSTR Destination, size_t Size,
                                            NTSTRSAFE_PCWSTR Source)
{
    size_t Length;
    NTSTATUS Status = RtlStringCchLengthW(Destination, Size, &Length);

    if (!NT_SUCCESS(Status))
        return Status;
    return RtlStringCchCopyW(Destination + Length, Size - Length, Source);
}

FORCEINLINE NTSTATUS NTAPI RtlStringCchVPrintfW(NTSTRSAFE_PWSTR Destination, size_t Size,
                                                NTSTRSAFE_PCWSTR Format, va_list Arguments)
{
    int Written;

    if (Size == 0 || Size > NTSTRSAFE_MAX_CCH)
        return STATUS_INVALID_PARAMETER;
    Written = _vsnwprintf(Destination, Size - 1, Format, Arguments);
    if (Written >= 0 && (size_t)Written < Size) {
        Destination[Written] = UNICODE_NULL;
        return STATUS_SUCCESS;
    }
    Destination[Size - 1] = UNICODE_NULL;
    return STATUS_BUFFER_OVERFLOW;
}

/* static, since a routine with variable arguments cannot be inlined */
static __inline__ __attribute__((unused)) NTSTATUS RtlStringCchPrintfW(NTSTRSAFE_PWSTR Destination,
                                                                       size_t Size,
                                                                       NTSTRSAFE_PCWSTR Format, ...)
{
    va_list Arguments;
    NTSTATUS Status;

    va_start(Arguments, Format);
    Status = RtlStringCchVPrintfW(Destination, Size, Format, Arguments);
    va_end(Arguments);
    return Status;
}

static __inline__ __attribute__((unused)) NTSTATUS RtlStringCbPrintfW(NTSTRSAFE_PWSTR Destination,
                                                                      size_t Bytes,
                                                                      NTSTRSAFE_PCWSTR Format, ...)
{
    va_list Arguments;
    NTSTATUS Status;

    va_start(Arguments, Format);
    Status = RtlStringCchVPrintfW(Destination, Bytes / sizeof(WCHAR), Format, Arguments);
    va_end(Arguments);
    return Status;
}

FORCEINLINE NTSTATUS NTAPI RtlStringCbVPrintfW(NTSTRSAFE_PWSTR Destination, size_t Bytes,
                                               NTSTRSAFE_PCWSTR Format, va_list Arguments)
{
    return RtlStringCchVPrintfW(Destination, Bytes / sizeof(WCHAR), Format, Arguments);
}

FORCEINLINE NTSTATUS NTAPI RtlStringCbLengthW(NTSTRSAFE_PCWSTR String, size_t Max, size_t *Length)
{
    NTSTATUS Status = RtlStringCchLengthW(String, Max / sizeof(WCHAR), Length);

    if (NT_SUCCESS(Status) && Length != NULL)
        *Length *= sizeof(WCHAR);
    return Status;
}

FORCEINLINE NTSTATUS NTAPI RtlStringCbCopyNW(NTSTRSAFE_PWSTR Destination, size_t Bytes,
                                             NTSTRSAFE_PCWSTR Source, size_t Count)
{
    return RtlStringCchCopyNW(Destination, Bytes / sizeof(WCHAR), Source, Count / sizeof(WCHAR));
}

FORCEINLINE NTSTATUS NTAPI RtlStringCbCopyW(NTSTRSAFE_PWSTR Destination, size_t Bytes,
                                            NTSTRSAFE_PCWSTR Source)
{
    return RtlStringCchCopyW(Destination, Bytes / sizeof(WCHAR), Source);
}

FORCEINLINE NTSTATUS NTAPI RtlStringCbCatW(NTSTRSAFE_PWSTR Destination, size_t Bytes,
                                           NTSTRSAFE_PCWSTR Source)
{
    return RtlStringCchCatW(Destination, Bytes / sizeof(WCHAR), Source);
}

/* Counted strings: never terminated, Length is set */

FORCEINLINE NTSTATUS NTAPI RtlUnicodeStringInit(PUNICODE_STRING Destination,
                                                NTSTRSAFE_PCWSTR Source)
{
    size_t Length = 0;

    if (Source != NULL &&
        !NT_SUCCESS(RtlStringCchLengthW(Source, NTSTRSAFE_UNICODE_STRING_MAX_CCH, &Length)))
        return STATUS_INVALID_PARAMETER;
    Destination->Length = (USHORT)(Length * sizeof(WCHAR));
    Destination->MaximumLength = (USHORT)(Source == NULL ? 0 : (Length + 1) * sizeof(WCHAR));
    Destination->Buffer = (PWSTR)Source;
    return STATUS_SUCCESS;
}

static __inline__ __attribute__((unused)) NTSTATUS RtlUnicodeStringPrintf(
    PUNICODE_STRING Destination, NTSTRSAFE_PCWSTR Format, ...)
{
    va_list Arguments;
    size_t Size = Destination->MaximumLength / sizeof(WCHAR);
    int Written;

    va_start(Arguments, Format);
    Written = _vsnwprintf(Destination->Buffer, Size, Format, Arguments);
    va_end(Arguments);
    if (Written < 0 || (size_t)Written > Size) {
        Destination->Length = (USHORT)(Size * sizeof(WCHAR));
        return STATUS_BUFFER_OVERFLOW;
    }
    Destination->Length = (USHORT)((size_t)Written * sizeof(WCHAR));
    return STATUS_SUCCESS;
}

#endif
