/*
 * tables.c - generic tables, and the registry routines of the runtime library.
 */
#include "rtl.h"

#define ELEMENTS 50
#define KEY_PATH L"\\Registry\\Machine\\Software\\RtlTest"

static RTL_GENERIC_COMPARE_RESULTS NTAPI CompareNumbers(PRTL_GENERIC_TABLE Table, PVOID First,
                                                        PVOID Second)
{
    ULONG first = *(PULONG)First, second = *(PULONG)Second;

    UNREFERENCED_PARAMETER(Table);
    return first < second ? GenericLessThan : first > second ? GenericGreaterThan : GenericEqual;
}

static PVOID NTAPI AllocateNode(PRTL_GENERIC_TABLE Table, CLONG Size)
{
    UNREFERENCED_PARAMETER(Table);
    return ExAllocatePoolWithTag(NonPagedPool, Size, TEST_TAG);
}

static VOID NTAPI FreeNode(PRTL_GENERIC_TABLE Table, PVOID Node)
{
    UNREFERENCED_PARAMETER(Table);
    ExFreePoolWithTag(Node, TEST_TAG);
}

static BOOLEAN IsAscending(PRTL_GENERIC_TABLE Table)
{
    PVOID key = NULL;
    PULONG number;
    ULONG next = 0;

    for (number = RtlEnumerateGenericTable(Table, TRUE); number != NULL;
         number = RtlEnumerateGenericTable(Table, FALSE))
        if (*number != next++)
            return FALSE;
    for (number = RtlEnumerateGenericTableWithoutSplaying(Table, &key); number != NULL;
         number = RtlEnumerateGenericTableWithoutSplaying(Table, &key))
        next--;
    return next == 0;
}

VOID CheckTables(VOID)
{
    RTL_GENERIC_TABLE table;
    BOOLEAN isNew = FALSE;
    PULONG number;
    ULONG i;

    RtlInitializeGenericTable(&table, CompareNumbers, AllocateNode, FreeNode, NULL);
    Expect(RtlIsGenericTableEmpty(&table), "a new table is empty");
    for (i = 0; i < ELEMENTS; i++) {
        ULONG value = i * 7 % ELEMENTS;

        RtlInsertElementGenericTable(&table, &value, sizeof(value), &isNew);
    }
    ExpectEqual(RtlNumberGenericTableElements(&table), ELEMENTS, "all elements are counted");
    i = 7;
    number = RtlInsertElementGenericTable(&table, &i, sizeof(i), &isNew);
    Expect(!isNew && number != NULL && *number == 7,
           "an element that is there is not inserted again");
    number = RtlLookupElementGenericTable(&table, &i);
    Expect(number != NULL && *number == 7, "an element is found by its key");
    Expect(IsAscending(&table), "enumerations are in order and complete");
    number = RtlGetElementGenericTable(&table, 12);
    Expect(number != NULL && *number == 7 * 12 % ELEMENTS,
           "elements are numbered as they were inserted");
    Expect(RtlGetElementGenericTable(&table, ELEMENTS) == NULL, "past the last one there is none");
    Expect(RtlDeleteElementGenericTable(&table, &i), "an element is deleted by its key");
    Expect(!RtlDeleteElementGenericTable(&table, &i) &&
               RtlLookupElementGenericTable(&table, &i) == NULL,
           "once");
    for (i = 0; i < ELEMENTS; i++)
        RtlDeleteElementGenericTable(&table, &i);
    Expect(RtlIsGenericTableEmpty(&table), "a table whose elements are deleted is empty");
}

/* ---- ends of a table ------------------------------------------------------------------------- */

static PVOID NTAPI AllocateNothing(PRTL_GENERIC_TABLE Table, CLONG Size)
{
    *(PULONG)Table->TableContext = Size;
    return NULL;
}

static VOID CheckEmpty(PRTL_GENERIC_TABLE Table)
{
    PVOID key = NULL;
    ULONG number = 1;

    Expect(RtlLookupElementGenericTable(Table, &number) == NULL,
           "RtlLookupElementGenericTable is NULL of an empty table");
    Expect(RtlGetElementGenericTable(Table, 0) == NULL,
           "RtlGetElementGenericTable is NULL of an empty table");
    Expect(RtlEnumerateGenericTable(Table, TRUE) == NULL,
           "RtlEnumerateGenericTable is NULL of an empty table");
    Expect(RtlEnumerateGenericTableWithoutSplaying(Table, &key) == NULL,
           "RtlEnumerateGenericTableWithoutSplaying is NULL of an empty table");
    Expect(!RtlDeleteElementGenericTable(Table, &number),
           "RtlDeleteElementGenericTable is FALSE of an empty table");
    ExpectEqual(RtlNumberGenericTableElements(Table), 0, "an empty table counts no elements");
}

VOID CheckTableEnds(VOID)
{
    RTL_GENERIC_TABLE table;
    BOOLEAN isNew = TRUE;
    ULONG asked = 0, i;
    PULONG number;

    RtlInitializeGenericTable(&table, CompareNumbers, AllocateNothing, FreeNode, &asked);
    CheckEmpty(&table);
    i = 3;
    Expect(RtlInsertElementGenericTable(&table, &i, sizeof(i), &isNew) == NULL && !isNew,
           "RtlInsertElementGenericTable is NULL if its element cannot be allocated");
    ExpectEqual(asked, sizeof(RTL_SPLAY_LINKS) + sizeof(LIST_ENTRY) + sizeof(i),
                "it asks for the element's size and for links before it");
    Expect(RtlIsGenericTableEmpty(&table), "and leaves the table as it was");
    RtlInitializeGenericTable(&table, CompareNumbers, AllocateNode, FreeNode, NULL);
    for (i = 0; i < 3; i++)
        RtlInsertElementGenericTable(&table, &i, sizeof(i), NULL);
    Expect(!RtlIsGenericTableEmpty(&table), "RtlIsGenericTableEmpty is FALSE of one with elements");
    Expect(RtlLookupElementGenericTable(&table, &i) == NULL,
           "RtlLookupElementGenericTable is NULL where no element matches");
    Expect(!RtlDeleteElementGenericTable(&table, &i),
           "RtlDeleteElementGenericTable is FALSE where no element matches");
    i = 1;
    RtlDeleteElementGenericTable(&table, &i);
    number = RtlGetElementGenericTable(&table, 1);
    Expect(number != NULL && *number == 2, "elements behind one that is deleted move up by one");
    for (i = 0; i < 3; i++)
        RtlDeleteElementGenericTable(&table, &i);
}

/* ---- registry -------------------------------------------------------------------------------- */

static NTSTATUS NTAPI CountValue(PWSTR Name, ULONG Type, PVOID Data, ULONG Length, PVOID Context,
                                 PVOID EntryContext)
{
    UNREFERENCED_PARAMETER(Name);
    UNREFERENCED_PARAMETER(Data);
    UNREFERENCED_PARAMETER(Length);
    UNREFERENCED_PARAMETER(EntryContext);
    *(PULONG)Context += Type == REG_DWORD ? 1 : 100;
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI RefuseValue(PWSTR Name, ULONG Type, PVOID Data, ULONG Length, PVOID Context,
                                  PVOID EntryContext)
{
    UNREFERENCED_PARAMETER(Name);
    UNREFERENCED_PARAMETER(Type);
    UNREFERENCED_PARAMETER(Data);
    UNREFERENCED_PARAMETER(Length);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(EntryContext);
    return STATUS_DEVICE_BUSY;
}

static NTSTATUS Query(PRTL_QUERY_REGISTRY_TABLE Entry, PVOID Context)
{
    RTL_QUERY_REGISTRY_TABLE table[2] = {*Entry, {0}};

    return RtlQueryRegistryValues(RTL_REGISTRY_ABSOLUTE, KEY_PATH, table, Context, NULL);
}

static VOID CheckQuery(VOID)
{
    ULONG number = 5, fallback = 77, calls = 0;
    UNICODE_STRING text = {0};
    RTL_QUERY_REGISTRY_TABLE direct = {
        NULL, RTL_QUERY_REGISTRY_DIRECT, L"Number", &number, REG_NONE, NULL, 0};
    RTL_QUERY_REGISTRY_TABLE called = {CountValue, 0, L"Number", NULL, REG_NONE, NULL, 0};

    ExpectStatus(Query(&direct, NULL), STATUS_SUCCESS, "G-RTL-19 a direct query of a number");
    ExpectEqual(number, 1234, "G-RTL-19 stores it");
    direct.Name = L"Absent";
    direct.DefaultType = REG_DWORD;
    direct.DefaultData = &fallback;
    direct.DefaultLength = sizeof(fallback);
    Query(&direct, NULL);
    ExpectEqual(number, 77, "G-RTL-19 a value that is not there has its default");
    direct.DefaultType = REG_NONE;
    direct.Flags |= RTL_QUERY_REGISTRY_REQUIRED;
    ExpectStatus(Query(&direct, NULL), STATUS_OBJECT_NAME_NOT_FOUND,
                 "G-RTL-19 and is an error where it is required");
    direct.Name = L"Text";
    direct.EntryContext = &text;
    ExpectStatus(Query(&direct, NULL), STATUS_SUCCESS, "G-RTL-19 a direct query of a string");
    Expect(IsText(&text, L"hello"), "G-RTL-19 allocates its copy");
    RtlFreeUnicodeString(&text);
    ExpectStatus(Query(&called, &calls), STATUS_SUCCESS, "G-RTL-19 a query routine is called");
    ExpectEqual(calls, 1, "G-RTL-19 once, with the type of the value");
    called.QueryRoutine = RefuseValue;
    ExpectStatus(Query(&called, NULL), STATUS_DEVICE_BUSY, "G-RTL-19 and its failure is returned");
}

/* Below a key that is not there, and below a root that there is not. */
static VOID CheckPaths(VOID)
{
    PWSTR below = (PWSTR)KEY_PATH L"\\Absent\\Child";
    ULONG nowhere = RTL_REGISTRY_MAXIMUM, number = 1;

    ExpectStatus(RtlCreateRegistryKey(RTL_REGISTRY_ABSOLUTE, below), STATUS_OBJECT_NAME_NOT_FOUND,
                 "G-RTL-23 RtlCreateRegistryKey makes one key, not those above it");
    ExpectStatus(RtlWriteRegistryValue(RTL_REGISTRY_ABSOLUTE, below, L"Number", REG_DWORD, &number,
                                       sizeof(number)),
                 STATUS_OBJECT_NAME_NOT_FOUND, "G-RTL-20 nor does RtlWriteRegistryValue");
    ExpectStatus(RtlDeleteRegistryValue(RTL_REGISTRY_ABSOLUTE, below, L"Number"),
                 STATUS_OBJECT_NAME_NOT_FOUND, "G-RTL-21 where nothing is, nothing is deleted");
    ExpectStatus(RtlCheckRegistryKey(nowhere, (PWSTR)L"Software"), STATUS_INVALID_PARAMETER,
                 "G-RTL-22 a number that stands for no root is invalid");
    ExpectStatus(RtlCreateRegistryKey(nowhere, (PWSTR)L"Software"), STATUS_INVALID_PARAMETER,
                 "G-RTL-23 in each of them");
}

VOID CheckRegistry(VOID)
{
    UNICODE_STRING path = TEXT("\\Registry\\Machine\\Software\\RtlTest");
    OBJECT_ATTRIBUTES attributes;
    ULONG number = 1234;
    HANDLE key;

    ExpectStatus(RtlCheckRegistryKey(RTL_REGISTRY_ABSOLUTE, (PWSTR)KEY_PATH),
                 STATUS_OBJECT_NAME_NOT_FOUND,
                 "G-RTL-22 RtlCheckRegistryKey does not find what is not there");
    ExpectStatus(RtlCreateRegistryKey(RTL_REGISTRY_ABSOLUTE, (PWSTR)KEY_PATH), STATUS_SUCCESS,
                 "G-RTL-23 RtlCreateRegistryKey makes a key");
    ExpectStatus(RtlCheckRegistryKey(RTL_REGISTRY_ABSOLUTE, (PWSTR)KEY_PATH), STATUS_SUCCESS,
                 "G-RTL-22 and RtlCheckRegistryKey finds it");
    ExpectStatus(RtlWriteRegistryValue(RTL_REGISTRY_ABSOLUTE, KEY_PATH, L"Number", REG_DWORD,
                                       &number, sizeof(number)),
                 STATUS_SUCCESS, "G-RTL-20 RtlWriteRegistryValue writes a number");
    ExpectStatus(RtlWriteRegistryValue(RTL_REGISTRY_ABSOLUTE, KEY_PATH, L"Text", REG_SZ,
                                       (PVOID)L"hello", sizeof(L"hello")),
                 STATUS_SUCCESS, "G-RTL-20 RtlWriteRegistryValue writes a string");
    CheckQuery();
    CheckPaths();
    ExpectStatus(RtlDeleteRegistryValue(RTL_REGISTRY_ABSOLUTE, KEY_PATH, L"Number"), STATUS_SUCCESS,
                 "G-RTL-21 RtlDeleteRegistryValue deletes");
    ExpectStatus(RtlDeleteRegistryValue(RTL_REGISTRY_ABSOLUTE, KEY_PATH, L"Number"),
                 STATUS_OBJECT_NAME_NOT_FOUND, "G-RTL-21 what is there");
    InitializeObjectAttributes(&attributes, &path, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL,
                               NULL);
    ExpectStatus(ZwOpenKey(&key, KEY_ALL_ACCESS, &attributes), STATUS_SUCCESS,
                 "G-ZW-7 ZwOpenKey opens");
    ExpectStatus(ZwDeleteKey(key), STATUS_SUCCESS, "G-ZW-12 ZwDeleteKey deletes");
    ExpectStatus(ZwClose(key), STATUS_SUCCESS, "G-ZW-3 ZwClose closes");
    ExpectStatus(ZwOpenKey(&key, KEY_READ, &attributes), STATUS_OBJECT_NAME_NOT_FOUND,
                 "G-ZW-7 a key that was deleted is not found");
}
