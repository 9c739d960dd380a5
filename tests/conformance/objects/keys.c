/*
 * keys.c - what ZwQueryKey tells of a registry key.
 */
#include "objects.h"

#define PATH L"\\REGISTRY\\MACHINE\\SOFTWARE\\ObjectsTest"
#define UNITS(Text) ((ULONG)(sizeof(Text) - sizeof(WCHAR)))

static union {
    KEY_BASIC_INFORMATION Basic;
    KEY_NODE_INFORMATION Node;
    KEY_FULL_INFORMATION Full;
    TEST_KEY_NAME Name;
    TEST_KEY_CACHED Cached;
    ULONG Virtual; /* KEY_VIRTUALIZATION_INFORMATION */
    UCHAR Bytes[256];
} Buffer;

static BOOLEAN IsText(PCWSTR Text, ULONG Length, PCWSTR Wanted, ULONG Units)
{
    UNICODE_STRING text, wanted;

    text.Buffer = (PWCH)Text;
    text.Length = text.MaximumLength = (USHORT)Length;
    wanted.Buffer = (PWCH)Wanted;
    wanted.Length = wanted.MaximumLength = (USHORT)Units;
    return RtlEqualUnicodeString(&text, &wanted, TRUE);
}

static NTSTATUS Query(HANDLE Key, KEY_INFORMATION_CLASS Class, ULONG Length, PULONG Result)
{
    RtlFillMemory(&Buffer, sizeof(Buffer), 0xEE);
    *Result = 0;
    return ZwQueryKey(Key, Class, &Buffer, Length, Result);
}

/* A child and three values, the longest name "Third" and the longest data 20 bytes. */
static HANDLE Fill(HANDLE Key)
{
    UNICODE_STRING child = RTL_CONSTANT_STRING(L"Child"), value;
    static UCHAR data[20];
    OBJECT_ATTRIBUTES attributes;
    HANDLE handle = NULL;

    InitializeObjectAttributes(&attributes, &child, OBJ_KERNEL_HANDLE, Key, NULL);
    ZwCreateKey(&handle, KEY_ALL_ACCESS, &attributes, 0, NULL, REG_OPTION_VOLATILE, NULL);
    RtlInitUnicodeString(&value, L"A");
    ZwSetValueKey(Key, &value, 0, REG_BINARY, data, 4);
    RtlInitUnicodeString(&value, L"Third");
    ZwSetValueKey(Key, &value, 0, REG_BINARY, data, 8);
    RtlInitUnicodeString(&value, L"B");
    ZwSetValueKey(Key, &value, 0, REG_BINARY, data, 20);
    return handle;
}

static VOID CheckClasses(HANDLE Key)
{
    ULONG result;

    ExpectStatus(Query(Key, KeyBasicInformation, sizeof(Buffer), &result), STATUS_SUCCESS,
                 "ZwQueryKey gives basic information");
    Expect(
        IsText(Buffer.Basic.Name, Buffer.Basic.NameLength, L"ObjectsTest", UNITS(L"ObjectsTest")) &&
            result == FIELD_OFFSET(KEY_BASIC_INFORMATION, Name) + UNITS(L"ObjectsTest"),
        "the key's own name");
    ExpectStatus(Query(Key, KeyNodeInformation, sizeof(Buffer), &result), STATUS_SUCCESS,
                 "a node's");
    Expect(
        IsText(Buffer.Node.Name, Buffer.Node.NameLength, L"ObjectsTest", UNITS(L"ObjectsTest")) &&
            Buffer.Node.ClassLength == 0,
        "the name, and no class");
    ExpectStatus(Query(Key, KeyNameInformation, sizeof(Buffer), &result), STATUS_SUCCESS, "a path");
    Expect(IsText(Buffer.Name.Name, Buffer.Name.NameLength, PATH, UNITS(PATH)), "from the root on");
    ExpectStatus(Query(Key, KeyFullInformation, sizeof(Buffer), &result), STATUS_SUCCESS,
                 "and counts");
    Expect(Buffer.Full.SubKeys == 1 && Buffer.Full.Values == 3, "of keys and values");
    Expect(Buffer.Full.MaxNameLen == UNITS(L"Child") &&
               Buffer.Full.MaxValueNameLen == UNITS(L"Third") && Buffer.Full.MaxValueDataLen == 20,
           "with the longest of each");
    ExpectStatus(Query(Key, KeyCachedInformation, sizeof(Buffer.Cached), &result), STATUS_SUCCESS,
                 "ZwQueryKey gives the counts without a class");
    Expect(result == sizeof(Buffer.Cached) && Buffer.Cached.SubKeys == 1 &&
               Buffer.Cached.Values == 3 && Buffer.Cached.MaxNameLen == UNITS(L"Child") &&
               Buffer.Cached.MaxValueNameLen == UNITS(L"Third") &&
               Buffer.Cached.MaxValueDataLen == 20 &&
               Buffer.Cached.NameLength == UNITS(L"ObjectsTest"),
           "and how long the name is");
    ExpectStatus(Query(Key, KeyVirtualizationInformation, sizeof(ULONG), &result), STATUS_SUCCESS,
                 "ZwQueryKey tells whether the key is virtual");
    Expect(result == sizeof(ULONG) && Buffer.Virtual == 0, "which no driver's is");
}

static VOID CheckSizes(HANDLE Key)
{
    static const struct {
        KEY_INFORMATION_CLASS Class;
        ULONG Fixed;
        ULONG Whole;
    } sizes[] = {
        {KeyBasicInformation, FIELD_OFFSET(KEY_BASIC_INFORMATION, Name), UNITS(L"ObjectsTest")},
        {KeyNodeInformation, FIELD_OFFSET(KEY_NODE_INFORMATION, Name), UNITS(L"ObjectsTest")},
        {KeyNameInformation, FIELD_OFFSET(TEST_KEY_NAME, Name), UNITS(PATH)},
    };
    ULONG result, i, small = 0, cut = 0, exact = 0;

    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        ULONG whole = sizes[i].Fixed + sizes[i].Whole;

        small +=
            Query(Key, sizes[i].Class, sizes[i].Fixed - 1, &result) == STATUS_BUFFER_TOO_SMALL &&
            result == whole && Buffer.Bytes[0] == 0xEE;
        cut += Query(Key, sizes[i].Class, whole - 1, &result) == STATUS_BUFFER_OVERFLOW &&
               result == whole && Buffer.Bytes[whole - 2] != 0xEE &&
               Buffer.Bytes[whole - 1] == 0xEE;
        exact += Query(Key, sizes[i].Class, whole, &result) == STATUS_SUCCESS && result == whole;
    }
    ExpectEqual(small, 3,
                "a buffer without room for the fixed part is too small, and is left alone");
    ExpectEqual(cut, 3, "one without room for the name gets what fits");
    ExpectEqual(exact, 3, "and one of the length told gets all");
    ExpectStatus(Query(Key, KeyFullInformation, 8, &result), STATUS_BUFFER_TOO_SMALL,
                 "so it is for counts");
    ExpectStatus(Query(Key, KeyCachedInformation, sizeof(Buffer.Cached) - 1, &result),
                 STATUS_BUFFER_TOO_SMALL, "for those without a class");
    Expect(result == sizeof(Buffer.Cached) && Buffer.Bytes[0] == 0xEE,
           "of which all is told, or nothing");
    ExpectStatus(Query(Key, KeyVirtualizationInformation, sizeof(ULONG) - 1, &result),
                 STATUS_BUFFER_TOO_SMALL, "and for what is virtual");
}

static NTSTATUS Create(PCWSTR Path)
{
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING name;
    HANDLE key;
    NTSTATUS status;

    NameAttributes(&attributes, &name, Path);
    status = ZwCreateKey(&key, KEY_ALL_ACCESS, &attributes, 0, NULL, REG_OPTION_VOLATILE, NULL);
    if (NT_SUCCESS(status)) {
        ZwDeleteKey(key);
        ZwClose(key);
    }
    return status;
}

static VOID CheckDeleted(HANDLE Key)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"A");
    ULONG result, data = 0;

    ExpectStatus(ZwDeleteKey(Key), STATUS_SUCCESS, "G-ZW-12 a key can be deleted while it is open");
    ExpectStatus(Query(Key, KeyBasicInformation, sizeof(Buffer), &result), STATUS_KEY_DELETED,
                 "then there is nothing to ask about");
    ExpectStatus(ZwSetValueKey(Key, &name, 0, REG_DWORD, &data, sizeof(data)), STATUS_KEY_DELETED,
                 "G-ZW-10 to set");
    ExpectStatus(
        ZwQueryValueKey(Key, &name, KeyValueBasicInformation, &Buffer, sizeof(Buffer), &result),
        STATUS_KEY_DELETED, "G-ZW-9 or to find");
    ExpectStatus(ZwDeleteKey(Key), STATUS_KEY_DELETED, "G-ZW-12 nor is it deleted again");
    ExpectStatus(ZwClose(Key), STATUS_SUCCESS, "G-ZW-3 but it is closed");
}

VOID CheckKeys(VOID)
{
    HANDLE key = OpenKey(), child = Fill(key);
    ULONG result;

    CheckClasses(key);
    CheckSizes(key);
    ExpectStatus(Query(key, (KEY_INFORMATION_CLASS)99, sizeof(Buffer), &result),
                 STATUS_INVALID_PARAMETER, "ZwQueryKey refuses an unknown class");
    ExpectStatus(Query(NO_HANDLE, KeyBasicInformation, sizeof(Buffer), &result),
                 STATUS_INVALID_HANDLE, "a handle that there is not is refused");
    ExpectStatus(Query(NtCurrentThread(), KeyBasicInformation, sizeof(Buffer), &result),
                 STATUS_OBJECT_TYPE_MISMATCH, "and one of something else");
    CheckDeleted(child);
    ExpectStatus(Create(PATH L"\\Child"), STATUS_SUCCESS,
                 "G-ZW-8 ZwCreateKey makes the last key of a path");
    ExpectStatus(Create(PATH L"\\Absent\\Child"), STATUS_OBJECT_NAME_NOT_FOUND,
                 "G-ZW-8 but not those on the way to it");
    ExpectStatus(Create(L"Registry\\Machine"), STATUS_OBJECT_PATH_SYNTAX_BAD,
                 "G-ZW-8 which begins at the root");
    ZwDeleteKey(key);
    ZwClose(key);
}
