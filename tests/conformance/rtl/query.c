/*
 * query.c - RtlQueryRegistryValues: the flags of its table, the kinds of value, the errors.
 */
#include "rtl.h"

#define PATH L"\\Registry\\Machine\\Software\\RtlQueryTest"
#define UNITS 64
#define CALLS 8

/* What a query routine was called with. */
typedef struct _CALL {
    PVOID EntryContext;
    ULONG Type;
    ULONG Length;
    WCHAR Name[UNITS];
    WCHAR Text[UNITS];
} CALL;

static CALL Calls[CALLS];
static ULONG Count;

static NTSTATUS NTAPI Note(PWSTR Name, ULONG Type, PVOID Data, ULONG Length, PVOID Context,
                           PVOID EntryContext)
{
    CALL *call = &Calls[Count < CALLS ? Count : CALLS - 1];
    ULONG i;

    RtlZeroMemory(call, sizeof(*call));
    for (i = 0; Name != NULL && i < UNITS - 1 && Name[i] != 0; i++)
        call->Name[i] = Name[i];
    if (Data != NULL)
        RtlCopyMemory(call->Text, Data, Length < sizeof(call->Text) ? Length : sizeof(call->Text));
    call->Type = Type;
    call->Length = Length;
    call->EntryContext = EntryContext;
    Count++;
    return *(PNTSTATUS)Context;
}

static NTSTATUS Query(PRTL_QUERY_REGISTRY_TABLE Table)
{
    NTSTATUS answer = STATUS_SUCCESS;

    Count = 0;
    return RtlQueryRegistryValues(RTL_REGISTRY_ABSOLUTE, PATH, Table, &answer, NULL);
}

static NTSTATUS QueryOne(PRTL_QUERY_REGISTRY_ROUTINE Routine, ULONG Flags, PCWSTR Name,
                         PVOID EntryContext, ULONG DefaultType)
{
    RTL_QUERY_REGISTRY_TABLE table[2] = {
        {Routine, Flags, (PWSTR)Name, EntryContext, DefaultType, NULL, 0}, {0}};

    return Query(table);
}

static BOOLEAN Is(PCWSTR Text, PCWSTR Wanted)
{
    UNICODE_STRING text;

    RtlInitUnicodeString(&text, Text);
    return IsText(&text, Wanted);
}

static VOID Write(PCWSTR Path, PCWSTR Name, ULONG Type, const VOID *Data, ULONG Length)
{
    RtlWriteRegistryValue(RTL_REGISTRY_ABSOLUTE, Path, Name, Type, (PVOID)Data, Length);
}

static VOID Fill(VOID)
{
    static const UCHAR bytes[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    static const WCHAR list[] = L"one\0second\0";
    ULONG number = 77;

    RtlCreateRegistryKey(RTL_REGISTRY_ABSOLUTE, (PWSTR)PATH);
    RtlCreateRegistryKey(RTL_REGISTRY_ABSOLUTE, (PWSTR)PATH L"\\Below");
    Write(PATH, L"Number", REG_DWORD, &number, sizeof(number));
    Write(PATH, L"Text", REG_SZ, L"hello", sizeof(L"hello"));
    Write(PATH, L"List", REG_MULTI_SZ, list, sizeof(list));
    Write(PATH, L"Variable", REG_EXPAND_SZ, L"plain", sizeof(L"plain"));
    Write(PATH, L"Bytes", REG_BINARY, bytes, sizeof(bytes));
    Write(PATH L"\\Below", L"Deep", REG_SZ, L"deep", sizeof(L"deep"));
}

static VOID CheckRoutines(VOID)
{
    ExpectStatus(QueryOne(Note, 0, L"List", &Count, REG_NONE), STATUS_SUCCESS,
                 "G-RTL-19 a list is given to the query routine");
    Expect(Count == 2 && Calls[0].Type == REG_SZ && Is(Calls[0].Text, L"one") &&
               Is(Calls[1].Text, L"second") && Calls[1].Length == sizeof(L"second"),
           "G-RTL-19 string by string");
    Expect(Is(Calls[0].Name, L"List") && Calls[0].EntryContext == &Count,
           "G-RTL-19 with the value's name and the entry's context");
    QueryOne(Note, RTL_QUERY_REGISTRY_NOEXPAND, L"List", NULL, REG_NONE);
    Expect(Count == 1 && Calls[0].Type == REG_MULTI_SZ && Calls[0].Length == 12 * sizeof(WCHAR),
           "G-RTL-19 as a whole if it is not to be expanded");
    QueryOne(Note, 0, L"Variable", NULL, REG_NONE);
    Expect(Count == 1 && Calls[0].Type == REG_SZ && Is(Calls[0].Text, L"plain"),
           "G-RTL-19 a string with variables is given as one without");
    QueryOne(Note, RTL_QUERY_REGISTRY_NOEXPAND, L"Variable", NULL, REG_NONE);
    Expect(Count == 1 && Calls[0].Type == REG_EXPAND_SZ, "G-RTL-19 or as it is");
    QueryOne(Note, RTL_QUERY_REGISTRY_NOVALUE, NULL, &Count, REG_NONE);
    Expect(Count == 1 && Calls[0].Type == REG_NONE && Calls[0].Length == 0,
           "G-RTL-19 a call without a value can be had");
    QueryOne(Note, RTL_QUERY_REGISTRY_NOEXPAND, NULL, NULL, REG_NONE);
    ExpectEqual(Count, 5, "G-RTL-19 without a name all values of the key are given");
    ExpectStatus(QueryOne(Note, 0, L"Absent", NULL, REG_NONE), STATUS_SUCCESS,
                 "G-RTL-19 a value that is not there is no error");
    ExpectEqual(Count, 0, "G-RTL-19 and no call");
}

static VOID CheckEnvironment(VOID)
{
    static const WCHAR value[] = L"%root%\\%Absent%\\%Empty%%ROOT%100%";
    static WCHAR environment[] = L"Rooted=no\0Root=\\Device\0Empty=\0";
    NTSTATUS answer = STATUS_SUCCESS;
    UNICODE_STRING made = {0};
    RTL_QUERY_REGISTRY_TABLE table[2] = {{Note, 0, (PWSTR)L"Path", NULL, REG_NONE, NULL, 0}, {0}};

    Write(PATH, L"Path", REG_EXPAND_SZ, value, sizeof(value));
    Count = 0;
    RtlQueryRegistryValues(RTL_REGISTRY_ABSOLUTE, PATH, table, &answer, environment);
    Expect(Count == 1 && Calls[0].Type == REG_SZ &&
               Is(Calls[0].Text, L"\\Device\\%Absent%\\\\Device100%"),
           "G-RTL-19 names of variables are replaced by what the environment has for them");
    Expect(Calls[0].Length == sizeof(L"\\Device\\%Absent%\\\\Device100%"),
           "G-RTL-19 with the length of what came of it");
    table[0].Flags = RTL_QUERY_REGISTRY_NOEXPAND;
    RtlQueryRegistryValues(RTL_REGISTRY_ABSOLUTE, PATH, table, &answer, environment);
    Expect(Count == 2 && Is(Calls[1].Text, value), "G-RTL-19 unless they are to be left alone");
    table[0].QueryRoutine = NULL;
    table[0].Flags = RTL_QUERY_REGISTRY_DIRECT;
    table[0].EntryContext = &made;
    RtlQueryRegistryValues(RTL_REGISTRY_ABSOLUTE, PATH, table, &answer, environment);
    Expect(IsText(&made, L"\\Device\\%Absent%\\\\Device100%"),
           "G-RTL-19 in what is stored directly, too");
    RtlFreeUnicodeString(&made);
    RtlDeleteRegistryValue(RTL_REGISTRY_ABSOLUTE, PATH, L"Path");
}

static VOID CheckKeys(VOID)
{
    RTL_QUERY_REGISTRY_TABLE table[] = {
        {NULL, RTL_QUERY_REGISTRY_SUBKEY, (PWSTR)L"Below", NULL, REG_NONE, NULL, 0},
        {Note, RTL_QUERY_REGISTRY_REQUIRED, (PWSTR)L"Deep", NULL, REG_NONE, NULL, 0},
        {Note, RTL_QUERY_REGISTRY_TOPKEY, (PWSTR)L"Text", NULL, REG_NONE, NULL, 0},
        {0},
    };

    ExpectStatus(Query(table), STATUS_SUCCESS, "G-RTL-19 a subkey is for the entries behind it");
    Expect(Count == 2 && Is(Calls[0].Text, L"deep") && Is(Calls[1].Text, L"hello"),
           "G-RTL-19 until the top key is named");
    ExpectStatus(QueryOne(Note, RTL_QUERY_REGISTRY_SUBKEY, L"Below", NULL, REG_NONE),
                 STATUS_SUCCESS, "G-RTL-19 a subkey may have a routine itself");
    Expect(Count == 1 && Is(Calls[0].Name, L"Deep"), "G-RTL-19 for all of its values");
    ExpectStatus(QueryOne(Note, RTL_QUERY_REGISTRY_SUBKEY | RTL_QUERY_REGISTRY_REQUIRED, L"Absent",
                          NULL, REG_NONE),
                 STATUS_OBJECT_NAME_NOT_FOUND, "G-RTL-19 a required one must be there");
    ExpectStatus(QueryOne(Note, RTL_QUERY_REGISTRY_SUBKEY, NULL, NULL, REG_NONE),
                 STATUS_INVALID_PARAMETER, "G-RTL-19 and have a name");
}

static VOID CheckDirect(VOID)
{
    struct {
        LONG Size;
        ULONG Type;
        UCHAR Data[12];
    } with;
    LONG without[3] = {-(LONG)sizeof(without), 0, 0};
    ULONG number = 0;
    WCHAR room[6];
    UNICODE_STRING text = {0, sizeof(room), room}, made = {0, 0, NULL};
    ULONG direct = RTL_QUERY_REGISTRY_DIRECT;

    ExpectStatus(QueryOne(NULL, direct, L"Text", &text, REG_NONE), STATUS_SUCCESS,
                 "G-RTL-19 a string fits with its terminator");
    Expect(IsText(&text, L"hello") && room[5] == 0, "G-RTL-19 into the caller's buffer");
    text.MaximumLength -= sizeof(WCHAR);
    ExpectStatus(QueryOne(NULL, direct, L"Text", &text, REG_NONE), STATUS_BUFFER_TOO_SMALL,
                 "G-RTL-19 or the buffer is too small");
    ExpectStatus(QueryOne(NULL, direct | RTL_QUERY_REGISTRY_NOEXPAND, L"List", &made, REG_NONE),
                 STATUS_SUCCESS, "G-RTL-19 a list is stored as one string");
    Expect(made.Length == 11 * sizeof(WCHAR) && Is(made.Buffer, L"one") &&
               Is(made.Buffer + 4, L"second"),
           "G-RTL-19 zeros and all");
    RtlFreeUnicodeString(&made);
    with.Size = sizeof(with);
    ExpectStatus(QueryOne(NULL, direct, L"Bytes", &with, REG_NONE), STATUS_SUCCESS,
                 "G-RTL-19 bytes are stored behind their length and type");
    Expect(with.Size == 12 && with.Type == REG_BINARY && with.Data[11] == 12,
           "G-RTL-19 where a positive size is given");
    with.Size = sizeof(with) - 1;
    ExpectStatus(QueryOne(NULL, direct, L"Bytes", &with, REG_NONE), STATUS_BUFFER_TOO_SMALL,
                 "G-RTL-19 that counts them too");
    ExpectStatus(QueryOne(NULL, direct, L"Bytes", without, REG_NONE), STATUS_SUCCESS,
                 "G-RTL-19 alone");
    ExpectEqual((ULONG)without[2], 0x0C0B0A09, "G-RTL-19 where a negative one is");
    without[0] = -11;
    ExpectStatus(QueryOne(NULL, direct, L"Bytes", without, REG_NONE), STATUS_BUFFER_TOO_SMALL,
                 "G-RTL-19 that is enough");
    direct |= RTL_QUERY_REGISTRY_TYPECHECK;
    ExpectStatus(
        QueryOne(NULL, direct, L"Number", &number, REG_DWORD << RTL_QUERY_REGISTRY_TYPECHECK_SHIFT),
        STATUS_SUCCESS, "G-RTL-19 the type can be checked");
    ExpectEqual(number, 77, "G-RTL-19 of what is stored");
    ExpectStatus(
        QueryOne(NULL, direct, L"Number", &number, REG_SZ << RTL_QUERY_REGISTRY_TYPECHECK_SHIFT),
        STATUS_OBJECT_TYPE_MISMATCH, "G-RTL-19 which another is not");
    ExpectStatus(QueryOne(Note, RTL_QUERY_REGISTRY_DIRECT, L"Number", &number, REG_NONE),
                 STATUS_INVALID_PARAMETER, "G-RTL-19 a direct query calls no routine");
    ExpectStatus(QueryOne(NULL, RTL_QUERY_REGISTRY_DIRECT, NULL, &number, REG_NONE),
                 STATUS_INVALID_PARAMETER, "G-RTL-19 and has a name");
}

static VOID CheckDefaults(VOID)
{
    static WCHAR list[] = L"a\0bc\0";
    RTL_QUERY_REGISTRY_TABLE table[2] = {
        {Note, 0, (PWSTR)L"Absent", NULL, REG_SZ, (PVOID)L"default", 0}, {0}};

    Query(table);
    Expect(Count == 1 && Is(Calls[0].Text, L"default") && Calls[0].Length == sizeof(L"default"),
           "G-RTL-19 a default string is as long as it is, if no length is given");
    table[0].DefaultType = REG_MULTI_SZ;
    table[0].DefaultData = list;
    Query(table);
    Expect(Count == 2 && Is(Calls[1].Text, L"bc"), "G-RTL-19 and so is a list");
}

static VOID CheckDeletion(VOID)
{
    NTSTATUS answer = STATUS_DEVICE_BUSY;
    RTL_QUERY_REGISTRY_TABLE table[2] = {
        {Note, RTL_QUERY_REGISTRY_DELETE, (PWSTR)L"Text", NULL, REG_NONE, NULL, 0}, {0}};

    Count = 0;
    ExpectStatus(RtlQueryRegistryValues(RTL_REGISTRY_ABSOLUTE, PATH, table, &answer, NULL),
                 STATUS_DEVICE_BUSY, "G-RTL-19 a routine's failure ends the query");
    Query(table);
    ExpectEqual(Count, 1, "G-RTL-19 and deletes nothing");
    Query(table);
    ExpectEqual(Count, 0, "G-RTL-19 otherwise a value can be deleted when it has been queried");
    QueryOne(Note, RTL_QUERY_REGISTRY_DELETE | RTL_QUERY_REGISTRY_NOEXPAND, NULL, NULL, REG_NONE);
    ExpectEqual(Count, 4, "G-RTL-19 or all of a key's");
    ExpectStatus(QueryOne(Note, RTL_QUERY_REGISTRY_REQUIRED, NULL, NULL, REG_NONE),
                 STATUS_OBJECT_NAME_NOT_FOUND, "G-RTL-19 of which one can be required");
}

VOID CheckRegistryQueries(VOID)
{
    Fill();
    CheckRoutines();
    CheckEnvironment();
    CheckKeys();
    CheckDirect();
    CheckDefaults();
    CheckDeletion();
}
