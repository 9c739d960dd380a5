/*
 * rtl.h - what the files of the rtl driver share.
 */
#pragma once

#include "suite.h"

#ifndef RTL_QUERY_REGISTRY_TYPECHECK
#define RTL_QUERY_REGISTRY_TYPECHECK 0x00000100
#define RTL_QUERY_REGISTRY_TYPECHECK_SHIFT 24
#endif

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

/* A name of the C library, looked up: no compiler's own version is called. */
#define ROUTINE(Type, Name, Parameters)                                                            \
    Type(*Name) Parameters = (Type(*) Parameters)TestRoutine(L## #Name)

#define CUT ((SIZE_T)-1) /* _TRUNCATE */
#define INVALID 22       /* EINVAL */
#define RANGE 34         /* ERANGE */
#define WAS_CUT 80       /* STRUNCATE */

static inline BOOLEAN Same(const CHAR *Text, const CHAR *Wanted)
{
    SIZE_T length = 0;

    while (Wanted[length] != 0)
        length++;
    return RtlCompareMemory(Text, Wanted, length + 1) == length + 1;
}

static inline BOOLEAN SameWide(PCWSTR Text, PCWSTR Wanted)
{
    SIZE_T length = 0;

    while (Wanted[length] != 0)
        length++;
    length = (length + 1) * sizeof(WCHAR);
    return RtlCompareMemory(Text, Wanted, length) == length;
}

VOID CheckStrings(VOID);
VOID CheckOverlong(VOID);
VOID CheckFailedConversions(VOID);
VOID CheckNumbers(VOID);
VOID CheckBits(VOID);
VOID CheckBounds(VOID);
VOID CheckTime(VOID);
VOID CheckTables(VOID);
VOID CheckTableEnds(VOID);
VOID CheckRegistry(VOID);
VOID CheckRegistryQueries(VOID);
VOID CheckRegistryRoots(VOID);
VOID CheckSplayLinks(VOID);
VOID CheckLibrary(VOID);
VOID CheckSecure(VOID);
VOID CheckRefusals(VOID);
VOID StepShortage(ULONG Number);
/* These end in a bug check. */
VOID ProbeBeyondStack(VOID);
VOID QueryUserHive(VOID);
