/*
 * values.c - registry values and subkeys by handle: in buffers of any length, without a name, of
 * keys that are none; and the classes of keys.
 */
#include "objects.h"

#define PATH L"\\REGISTRY\\MACHINE\\SOFTWARE\\ObjectsValues"
#define CLASS L"Class of it"
#define UNITS(Text) ((ULONG)(sizeof(Text) - sizeof(WCHAR)))

static union {
    KEY_BASIC_INFORMATION Basic;
    KEY_NODE_INFORMATION Node;
    KEY_FULL_INFORMATION Full;
    KEY_VALUE_BASIC_INFORMATION ValueBasic;
    KEY_VALUE_PARTIAL_INFORMATION ValuePartial;
    KEY_VALUE_FULL_INFORMATION ValueFull;
    UCHAR Bytes[256];
} Buffer;

static HANDLE Key;

static NTSTATUS Create(PHANDLE Handle, HANDLE Root, PCWSTR Text, PCWSTR ClassText)
{
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING name, class;

    RtlInitUnicodeString(&name, Text);
    RtlInitUnicodeString(&class, ClassText);
    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, Root,
                               NULL);
    return ZwCreateKey(Handle, KEY_ALL_ACCESS, &attributes, 0, &class, REG_OPTION_VOLATILE, NULL);
}

static NTSTATUS Set(PCWSTR Name, const VOID *Data, ULONG Size)
{
    UNICODE_STRING name;

    RtlInitUnicodeString(&name, Name);
    return ZwSetValueKey(Key, &name, 0, REG_BINARY, (PVOID)Data, Size);
}

static NTSTATUS Enumerate(ULONG Index, KEY_VALUE_INFORMATION_CLASS Class, ULONG Length,
                          PULONG Result)
{
    RtlFillMemory(&Buffer, sizeof(Buffer), 0xEE);
    *Result = 0;
    return ZwEnumerateValueKey(Key, Index, Class, &Buffer, Length, Result);
}

/* ---- values ---------------------------------------------------------------------------------- */

static VOID CheckSetting(VOID)
{
    static const UCHAR data[] = {1, 2, 3, 4, 5};
    UNICODE_STRING none = {0, 0, NULL}, one = RTL_CONSTANT_STRING(L"One");
    ULONG result = 0;

    ExpectStatus(Set(L"One", data, 5), STATUS_SUCCESS, "G-ZW-10 ZwSetValueKey makes a value");
    ExpectStatus(Set(L"ONE", data + 1, 3), STATUS_SUCCESS, "G-ZW-10 ZwSetValueKey replaces it");
    ZwQueryValueKey(Key, &one, KeyValuePartialInformation, &Buffer, sizeof(Buffer), &result);
    Expect(Buffer.ValuePartial.DataLength == 3 && Buffer.ValuePartial.Data[0] == 2,
           "G-ZW-10 by the last data, whatever the case of its name");
    ExpectStatus(ZwSetValueKey(Key, NULL, 0, REG_BINARY, (PVOID)data, 2), STATUS_SUCCESS,
                 "G-ZW-10 a value may be without a name");
    ZwQueryValueKey(Key, &none, KeyValuePartialInformation, &Buffer, sizeof(Buffer), &result);
    ExpectEqual(Buffer.ValuePartial.DataLength, 2, "G-ZW-9 which is found by an empty one");
    ExpectStatus(Set(L"Nothing", NULL, 0), STATUS_SUCCESS, "G-ZW-10 and without data");
    ExpectStatus(ZwSetValueKey(NO_HANDLE, &one, 0, REG_BINARY, (PVOID)data, 1),
                 STATUS_INVALID_HANDLE, "G-ZW-10 ZwSetValueKey refuses a handle that there is not");
    ExpectStatus(ZwQueryValueKey(Key, &one, (KEY_VALUE_INFORMATION_CLASS)99, &Buffer,
                                 sizeof(Buffer), &result),
                 STATUS_INVALID_PARAMETER, "G-ZW-9 ZwQueryValueKey refuses an unknown class");
}

/* "One" with three bytes is the first value. */
static VOID CheckEnumerating(VOID)
{
    static const struct {
        KEY_VALUE_INFORMATION_CLASS Class;
        ULONG Fixed;
        ULONG Whole;
    } classes[] = {
        {KeyValueBasicInformation, FIELD_OFFSET(KEY_VALUE_BASIC_INFORMATION, Name), UNITS(L"One")},
        {KeyValuePartialInformation, FIELD_OFFSET(KEY_VALUE_PARTIAL_INFORMATION, Data), 3},
        /* the data is aligned to 8 bytes: 26 are 32 */
        {KeyValueFullInformation, FIELD_OFFSET(KEY_VALUE_FULL_INFORMATION, Name), 12 + 3},
    };
    ULONG i, result, all = 0, cut = 0, small = 0;

    for (i = 0; i < 3; i++) {
        ULONG whole = classes[i].Fixed + classes[i].Whole;

        all += Enumerate(0, classes[i].Class, whole, &result) == STATUS_SUCCESS && result == whole;
        cut += Enumerate(0, classes[i].Class, whole - 1, &result) == STATUS_BUFFER_OVERFLOW &&
               result == whole && Buffer.Bytes[0] != 0xEE && Buffer.Bytes[whole - 1] == 0xEE;
        small += Enumerate(0, classes[i].Class, classes[i].Fixed - 1, &result) ==
                     STATUS_BUFFER_TOO_SMALL &&
                 result == whole && Buffer.Bytes[0] == 0xEE;
    }
    ExpectEqual(all, 3, "ZwEnumerateValueKey tells of each value what it is asked for");
    ExpectEqual(cut, 3,
                "ZwEnumerateValueKey fills a buffer without room for all as far as it goes");
    ExpectEqual(small, 3, "ZwEnumerateValueKey leaves one without room for the fixed part alone");
    Enumerate(0, KeyValueFullInformation, sizeof(Buffer), &result);
    Expect(Buffer.ValueFull.NameLength == UNITS(L"One") && Buffer.ValueFull.Name[0] == L'O' &&
               Buffer.ValueFull.DataLength == 3 && Buffer.Bytes[Buffer.ValueFull.DataOffset] == 2,
           "ZwEnumerateValueKey: with name and data");
    ExpectStatus(Enumerate(0, (KEY_VALUE_INFORMATION_CLASS)99, sizeof(Buffer), &result),
                 STATUS_INVALID_PARAMETER, "ZwEnumerateValueKey refuses an unknown class");
    ExpectStatus(Enumerate(3, KeyValueBasicInformation, sizeof(Buffer), &result),
                 STATUS_NO_MORE_ENTRIES, "ZwEnumerateValueKey finds three and no fourth");
    ExpectStatus(ZwEnumerateValueKey(NO_HANDLE, 0, KeyValueBasicInformation, &Buffer,
                                     sizeof(Buffer), &result),
                 STATUS_INVALID_HANDLE, "ZwEnumerateValueKey refuses a handle that there is not");
}

static VOID CheckDeleting(VOID)
{
    UNICODE_STRING one = RTL_CONSTANT_STRING(L"One"), none = {0, 0, NULL};
    ULONG result;

    ExpectStatus(ZwDeleteValueKey(NO_HANDLE, &one), STATUS_INVALID_HANDLE,
                 "ZwDeleteValueKey refuses a handle that there is not");
    ExpectStatus(ZwDeleteValueKey(NULL, &one), STATUS_INVALID_HANDLE,
                 "ZwDeleteValueKey refuses NULL");
    ExpectStatus(ZwDeleteValueKey(Key, &one), STATUS_SUCCESS, "ZwDeleteValueKey deletes a value");
    ExpectStatus(ZwDeleteValueKey(Key, &one), STATUS_OBJECT_NAME_NOT_FOUND,
                 "ZwDeleteValueKey does not find it again");
    ExpectStatus(ZwDeleteValueKey(Key, &none), STATUS_SUCCESS,
                 "ZwDeleteValueKey deletes the one without a name by an empty one");
    ExpectStatus(Enumerate(1, KeyValueBasicInformation, sizeof(Buffer), &result),
                 STATUS_NO_MORE_ENTRIES, "ZwDeleteValueKey leaves the third");
}

/* ---- keys ------------------------------------------------------------------------------------ */

static NTSTATUS Subkey(ULONG Index, KEY_INFORMATION_CLASS Class, ULONG Length, PULONG Result)
{
    RtlFillMemory(&Buffer, sizeof(Buffer), 0xEE);
    *Result = 0;
    return ZwEnumerateKey(Key, Index, Class, &Buffer, Length, Result);
}

static VOID CheckSubkeys(VOID)
{
    ULONG whole = FIELD_OFFSET(KEY_BASIC_INFORMATION, Name) + UNITS(L"Child"), result;

    ExpectStatus(Subkey(0, KeyBasicInformation, whole, &result), STATUS_SUCCESS,
                 "G-ZW-11 ZwEnumerateKey fills a buffer that has room");
    Expect(result == whole && Buffer.Basic.NameLength == UNITS(L"Child"),
           "G-ZW-11 and tells how much it wrote");
    ExpectStatus(Subkey(0, KeyBasicInformation, whole - 1, &result), STATUS_BUFFER_OVERFLOW,
                 "G-ZW-11 ZwEnumerateKey fills a buffer without room for all as far as it goes");
    Expect(result == whole && Buffer.Bytes[whole - 2] != 0xEE && Buffer.Bytes[whole - 1] == 0xEE,
           "G-ZW-11 and tells what is needed");
    ExpectStatus(Subkey(0, KeyBasicInformation, 8, &result), STATUS_BUFFER_TOO_SMALL,
                 "G-ZW-11 ZwEnumerateKey leaves one without room for the fixed part alone");
    Expect(result == whole && Buffer.Bytes[0] == 0xEE, "G-ZW-11 and tells what that needs");
    ExpectStatus(Subkey(0, KeyFullInformation, sizeof(Buffer), &result), STATUS_SUCCESS,
                 "G-ZW-11 ZwEnumerateKey counts what a subkey has");
    ExpectEqual(Buffer.Full.Values, 0, "G-ZW-11 no values");
    ExpectStatus(Subkey(0, (KEY_INFORMATION_CLASS)99, sizeof(Buffer), &result),
                 STATUS_INVALID_PARAMETER, "G-ZW-11 ZwEnumerateKey refuses an unknown class");
    ExpectStatus(Subkey(0, KeyCachedInformation, sizeof(Buffer), &result), STATUS_INVALID_PARAMETER,
                 "G-ZW-11 ZwEnumerateKey refuses a class that only ZwQueryKey has");
}

static VOID CheckClass(HANDLE Child)
{
    ULONG whole = FIELD_OFFSET(KEY_FULL_INFORMATION, Class) + UNITS(CLASS), result;
    HANDLE again = NULL;

    ExpectStatus(ZwQueryKey(Child, KeyFullInformation, &Buffer, sizeof(Buffer), &result),
                 STATUS_SUCCESS, "ZwQueryKey tells the class that ZwCreateKey was given");
    Expect(result == whole && Buffer.Full.ClassLength == UNITS(CLASS) &&
               RtlCompareMemory(Buffer.Bytes + Buffer.Full.ClassOffset, CLASS, UNITS(CLASS)) ==
                   UNITS(CLASS),
           "ZwQueryKey: as it was given");
    ExpectStatus(ZwQueryKey(Child, KeyFullInformation, &Buffer, whole - 1, &result),
                 STATUS_BUFFER_OVERFLOW, "ZwQueryKey fills a buffer without room for the class");
    ExpectEqual(result, whole, "ZwQueryKey: and tells what is needed for it");
    Create(&again, Key, L"child", L"Another");
    ZwQueryKey(again, KeyNodeInformation, &Buffer, sizeof(Buffer), &result);
    Expect(Buffer.Node.ClassLength == UNITS(CLASS) &&
               Buffer.Node.ClassOffset >=
                   FIELD_OFFSET(KEY_NODE_INFORMATION, Name) + UNITS(L"Child") &&
               RtlCompareMemory(Buffer.Bytes + Buffer.Node.ClassOffset, CLASS, UNITS(CLASS)) ==
                   UNITS(CLASS),
           "ZwQueryKey: a key that is there keeps its class, behind its name");
    ZwClose(again);
    ZwQueryKey(Key, KeyFullInformation, &Buffer, sizeof(Buffer), &result);
    Expect(Buffer.Full.ClassLength == 0 && Buffer.Full.ClassOffset == (ULONG)-1,
           "ZwQueryKey: a key without a class has none");
    ExpectEqual(Buffer.Full.MaxClassLen, UNITS(CLASS),
                "ZwQueryKey tells the longest class of the subkeys");
}

static LONGLONG Written(VOID)
{
    ULONG result;

    ZwQueryKey(Key, KeyBasicInformation, &Buffer, sizeof(Buffer), &result);
    return Buffer.Basic.LastWriteTime.QuadPart;
}

static VOID CheckTimes(VOID)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"Timed");
    LARGE_INTEGER now;
    LONGLONG before = Written(), set, deleted;

    TestPause(50); /* more than a tick of the clock */
    Expect(Written() == before, "ZwQueryKey: reading does not change when a key was last written");
    Set(L"Timed", &name, 4);
    set = Written();
    TestPause(50);
    ZwDeleteValueKey(Key, &name);
    deleted = Written();
    KeQuerySystemTime(&now);
    Expect(before != 0 && set > before && deleted > set && deleted <= now.QuadPart,
           "ZwQueryKey tells when a value was last set, or deleted");
}

static VOID CheckNoKeys(VOID)
{
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"Child");
    HANDLE handle = NULL;

    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE, NO_HANDLE, NULL);
    ExpectStatus(ZwOpenKey(&handle, KEY_READ, &attributes), STATUS_INVALID_HANDLE,
                 "G-ZW-7 ZwOpenKey refuses a root that there is not");
    ExpectStatus(Create(&handle, NO_HANDLE, L"Child", NULL), STATUS_INVALID_HANDLE,
                 "G-ZW-8 ZwCreateKey refuses a root that there is not");
    ExpectStatus(Create(&handle, NtCurrentThread(), L"Child", NULL), STATUS_OBJECT_TYPE_MISMATCH,
                 "G-ZW-8 ZwCreateKey refuses a root that is no key");
    Expect(handle == NULL, "G-ZW-8 and gives no handle");
    ExpectStatus(ZwDeleteKey(NO_HANDLE), STATUS_INVALID_HANDLE,
                 "G-ZW-12 ZwDeleteKey refuses a handle that there is not");
    ExpectStatus(ZwFlushKey(NO_HANDLE), STATUS_INVALID_HANDLE,
                 "ZwFlushKey refuses a handle that there is not");
}

VOID CheckValues(VOID)
{
    HANDLE child = NULL;

    if (!NT_SUCCESS(Create(&Key, NULL, PATH, NULL)) ||
        !NT_SUCCESS(Create(&child, Key, L"Child", CLASS))) {
        Expect(FALSE, "keys can be made");
        return;
    }
    CheckSetting();
    CheckEnumerating();
    CheckDeleting();
    CheckSubkeys();
    CheckClass(child);
    CheckTimes();
    CheckNoKeys();
    ZwDeleteKey(child);
    ZwClose(child);
    ZwDeleteKey(Key);
    ZwClose(Key);
}
