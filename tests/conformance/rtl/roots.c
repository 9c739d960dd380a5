/*
 * roots.c - what the registry routines take a path from: roots, handles, hives.
 */
#include "rtl.h"

#define NAME L"RtlRootsTest"
#define USER_VALUE L"Number"
#define UNSAFE_REGISTRY_ACCESS 9 /* FAST_FAIL_UNSAFE_REGISTRY_ACCESS of winnt.h */

typedef struct _ROOT {
    ULONG RelativeTo;
    PCWSTR Path;
} ROOT;

/* The key is made below the root, and found from the top. */
static BOOLEAN LeadsTo(const ROOT *Root)
{
    PWSTR name = (PWSTR)NAME;
    WCHAR units[128];
    UNICODE_STRING path = {0, sizeof(units), units};
    OBJECT_ATTRIBUTES attributes;
    BOOLEAN found = FALSE;
    HANDLE key;

    RtlAppendUnicodeToString(&path, Root->Path);
    RtlAppendUnicodeToString(&path, L"\\" NAME);
    InitializeObjectAttributes(&attributes, &path, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL,
                               NULL);
    if (!NT_SUCCESS(RtlCreateRegistryKey(Root->RelativeTo, name)))
        return FALSE;
    if (NT_SUCCESS(ZwOpenKey(&key, KEY_ALL_ACCESS, &attributes))) {
        found = NT_SUCCESS(RtlCheckRegistryKey(Root->RelativeTo | RTL_REGISTRY_OPTIONAL, name));
        ZwDeleteKey(key);
        ZwClose(key);
    }
    return found && !NT_SUCCESS(RtlCheckRegistryKey(Root->RelativeTo, name));
}

static VOID CheckRoots(VOID)
{
    static const ROOT roots[] = {
        {RTL_REGISTRY_SERVICES, L"\\Registry\\Machine\\System\\CurrentControlSet\\Services"},
        {RTL_REGISTRY_CONTROL, L"\\Registry\\Machine\\System\\CurrentControlSet\\Control"},
        {RTL_REGISTRY_WINDOWS_NT,
         L"\\Registry\\Machine\\Software\\Microsoft\\Windows NT\\CurrentVersion"},
        {RTL_REGISTRY_DEVICEMAP, L"\\Registry\\Machine\\Hardware\\DeviceMap"},
        {RTL_REGISTRY_USER, L"\\Registry\\User\\.Default"},
    };
    RTL_QUERY_REGISTRY_TABLE nothing[1] = {{0}};
    ULONG i, leads = 0, number = 1;
    PCWSTR name = NAME;

    for (i = 0; i < sizeof(roots) / sizeof(roots[0]); i++)
        leads += LeadsTo(&roots[i]);
    ExpectEqual(leads, i, "G-RTL-22 G-RTL-23 each number leads to the root that its page names");
    ExpectStatus(RtlQueryRegistryValues(RTL_REGISTRY_MAXIMUM, name, nothing, NULL, NULL),
                 STATUS_INVALID_PARAMETER, "G-RTL-19 RtlQueryRegistryValues knows no other root");
    ExpectStatus(RtlWriteRegistryValue(RTL_REGISTRY_MAXIMUM, name, L"Number", REG_DWORD, &number,
                                       sizeof(number)),
                 STATUS_INVALID_PARAMETER, "G-RTL-20 RtlWriteRegistryValue knows no other root");
    ExpectStatus(RtlDeleteRegistryValue(RTL_REGISTRY_MAXIMUM, name, L"Number"),
                 STATUS_INVALID_PARAMETER, "G-RTL-21 RtlDeleteRegistryValue knows no other root");
    ExpectStatus(RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, NAME, nothing, NULL, NULL),
                 STATUS_OBJECT_NAME_NOT_FOUND, "G-RTL-19 a path without a key is not found");
    ExpectStatus(RtlQueryRegistryValues(RTL_REGISTRY_SERVICES | RTL_REGISTRY_OPTIONAL, NAME,
                                        nothing, NULL, NULL),
                 STATUS_OBJECT_NAME_NOT_FOUND, "G-RTL-19 optional or not");
}

/* ---- handles --------------------------------------------------------------------------------- */

static HANDLE Open(VOID)
{
    UNICODE_STRING path = TEXT("\\Registry\\Machine\\Software\\RtlRootsTest");
    OBJECT_ATTRIBUTES attributes;
    HANDLE key = NULL;

    InitializeObjectAttributes(&attributes, &path, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL,
                               NULL);
    ZwCreateKey(&key, KEY_ALL_ACCESS, &attributes, 0, NULL, REG_OPTION_VOLATILE, NULL);
    return key;
}

static VOID CheckHandles(VOID)
{
    HANDLE key = Open();
    ULONG number = 5, read = 0;
    RTL_QUERY_REGISTRY_TABLE table[2] = {
        {NULL, RTL_QUERY_REGISTRY_DIRECT, (PWSTR)L"Number", &read, REG_NONE, NULL, 0}, {0}};

    ExpectStatus(RtlWriteRegistryValue(RTL_REGISTRY_HANDLE, key, L"Number", REG_DWORD, &number,
                                       sizeof(number)),
                 STATUS_SUCCESS, "G-RTL-20 a handle can stand for the path");
    ExpectStatus(RtlQueryRegistryValues(RTL_REGISTRY_HANDLE, key, table, NULL, NULL),
                 STATUS_SUCCESS, "G-RTL-19 to read by");
    ExpectEqual(read, 5, "G-RTL-19 what was written");
    ExpectStatus(RtlDeleteRegistryValue(RTL_REGISTRY_HANDLE, key, L"Number"), STATUS_SUCCESS,
                 "G-RTL-21 to delete by");
    ExpectStatus(RtlDeleteRegistryValue(RTL_REGISTRY_HANDLE, key, L"Number"),
                 STATUS_OBJECT_NAME_NOT_FOUND,
                 "G-RTL-21 RtlDeleteRegistryValue leaves the handle open");
    ExpectStatus(RtlCheckRegistryKey(RTL_REGISTRY_HANDLE, (PWSTR)key), STATUS_SUCCESS,
                 "G-RTL-22 to check, though that closes it");
    ExpectStatus(ZwClose(key), STATUS_INVALID_HANDLE,
                 "G-RTL-22 RtlCheckRegistryKey has closed the handle");
}

/* ---- writing --------------------------------------------------------------------------------- */

static NTSTATUS NTAPI TooSmall(PWSTR Name, ULONG Type, PVOID Data, ULONG Length, PVOID Context,
                               PVOID EntryContext)
{
    UNREFERENCED_PARAMETER(Name);
    UNREFERENCED_PARAMETER(Type);
    UNREFERENCED_PARAMETER(Data);
    UNREFERENCED_PARAMETER(Length);
    UNREFERENCED_PARAMETER(EntryContext);
    ++*(PULONG)Context;
    return STATUS_BUFFER_TOO_SMALL;
}

static NTSTATUS Query(PRTL_QUERY_REGISTRY_TABLE Table, PVOID Context)
{
    return RtlQueryRegistryValues(RTL_REGISTRY_WINDOWS_NT, NAME, Table, Context, NULL);
}

/* Longer than a counted string; its characters do not matter. */
static VOID CheckLongValue(VOID)
{
    ULONG size = 0x10002;
    PWSTR data = ExAllocatePoolWithTag(PagedPool, size, TEST_TAG);
    UNICODE_STRING text = {0};
    RTL_QUERY_REGISTRY_TABLE table[2] = {
        {NULL, RTL_QUERY_REGISTRY_DIRECT, (PWSTR)L"Long", &text, REG_NONE, NULL, 0}, {0}};

    if (data == NULL) {
        Expect(FALSE, "there is memory for a long value");
        return;
    }
    RtlFillMemory(data, size, 'a');
    data[size / sizeof(WCHAR) - 1] = 0;
    RtlWriteRegistryValue(RTL_REGISTRY_WINDOWS_NT, NAME, L"Long", REG_SZ, data, size);
    ExpectStatus(Query(table, NULL), STATUS_BUFFER_TOO_SMALL,
                 "G-RTL-19 a string that is too long for a counted one is not stored");
    Expect(text.Buffer == NULL && text.Length == 0, "G-RTL-19 nor is anything allocated for it");
    ExFreePoolWithTag(data, TEST_TAG);
}

static VOID CheckWrites(VOID)
{
    UNICODE_STRING path =
        TEXT("\\Registry\\Machine\\Software\\Microsoft\\Windows NT\\CurrentVersion\\" NAME);
    RTL_QUERY_REGISTRY_TABLE table[3] = {
        {TooSmall, 0, (PWSTR)L"Number", NULL, REG_NONE, NULL, 0},
        {TooSmall, RTL_QUERY_REGISTRY_NOVALUE, NULL, NULL, REG_NONE, NULL, 0},
        {0}};
    OBJECT_ATTRIBUTES attributes;
    ULONG number = 1, calls = 0;
    HANDLE key;

    ExpectStatus(RtlWriteRegistryValue(RTL_REGISTRY_WINDOWS_NT, NAME, L"Number", REG_DWORD, &number,
                                       sizeof(number)),
                 STATUS_SUCCESS, "G-RTL-20 RtlWriteRegistryValue makes the last key of its path");
    ExpectStatus(RtlCheckRegistryKey(RTL_REGISTRY_WINDOWS_NT, (PWSTR)NAME), STATUS_SUCCESS,
                 "G-RTL-20 which is there then");
    ExpectStatus(Query(table, &calls), STATUS_SUCCESS,
                 "G-RTL-19 STATUS_BUFFER_TOO_SMALL from a query routine is ignored");
    ExpectEqual(calls, 2, "G-RTL-19 and the table is processed to its end");
    CheckLongValue();
    InitializeObjectAttributes(&attributes, &path, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL,
                               NULL);
    if (NT_SUCCESS(ZwOpenKey(&key, KEY_ALL_ACCESS, &attributes))) {
        ZwDeleteKey(key);
        ZwClose(key);
    }
}

/* ---- hives that users write to --------------------------------------------------------------- */

static NTSTATUS QueryUser(ULONG Flags, PULONG Number)
{
    RTL_QUERY_REGISTRY_TABLE table[2] = {{NULL, RTL_QUERY_REGISTRY_DIRECT | Flags,
                                          (PWSTR)USER_VALUE, Number,
                                          REG_DWORD << RTL_QUERY_REGISTRY_TYPECHECK_SHIFT, NULL, 0},
                                         {0}};
    ULONG number = 8;

    RtlWriteRegistryValue(RTL_REGISTRY_USER, NAME, USER_VALUE, REG_DWORD, &number, sizeof(number));
    return RtlQueryRegistryValues(RTL_REGISTRY_USER, NAME, table, NULL, NULL);
}

VOID QueryUserHive(VOID)
{
    ULONG number = 0;

    ExpectStop(0x139, UNSAFE_REGISTRY_ACCESS, TEST_ANY, TEST_ANY, TEST_ANY,
               "G-RTL-19 a user's value is not stored without a look at its type");
    QueryUser(0, &number);
}

VOID CheckRegistryRoots(VOID)
{
    ULONG number = 0;

    CheckRoots();
    CheckHandles();
    CheckWrites();
    ExpectStatus(QueryUser(RTL_QUERY_REGISTRY_TYPECHECK, &number), STATUS_SUCCESS,
                 "G-RTL-19 a user's value is stored if its type is looked at");
    ExpectEqual(number, 8, "G-RTL-19 as it is");
}
