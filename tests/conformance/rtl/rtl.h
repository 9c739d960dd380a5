/*
 * rtl.h - what the files of the rtl driver share.
 */
#pragma once

#include "suite.h"

/* A counted string of a literal. */
#define TEXT(Literal)                                                                              \
    {                                                                                              \
        sizeof(L##Literal) - sizeof(WCHAR), sizeof(L##Literal), (PWSTR)L##Literal                  \
    }

static inline BOOLEAN IsText(PCUNICODE_STRING String, PCWSTR Wanted)
{
    UNICODE_STRING wanted;

    RtlInitUnicodeString(&wanted, Wanted);
    return String->Length == wanted.Length &&
           RtlCompareMemory(String->Buffer, wanted.Buffer, wanted.Length) == wanted.Length;
}

VOID CheckStrings(VOID);
VOID CheckNumbers(VOID);
VOID CheckBits(VOID);
VOID CheckTime(VOID);
VOID CheckTables(VOID);
VOID CheckRegistry(VOID);
VOID CheckRegistryQueries(VOID);
VOID CheckSplayLinks(VOID);
VOID CheckLibrary(VOID);
VOID CheckSecure(VOID);
/* Ends in a bug check. */
VOID ProbeBeyondStack(VOID);
