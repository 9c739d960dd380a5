/*
 * shortage.c - what run-time routines say when there is no memory: see ../ex/shortage.c.
 */
#include "rtl.h"

#define PATH L"\\Registry\\Machine\\Software\\RtlShortageTest"

/* Nothing may have been allocated by whoever had no memory. */
static NTSTATUS Judged(NTSTATUS Status, PVOID Buffer)
{
    return Status == STATUS_NO_MEMORY && Buffer == NULL ? STATUS_INSUFFICIENT_RESOURCES : Status;
}

static NTSTATUS JudgedWide(NTSTATUS Status, PUNICODE_STRING Made)
{
    if (NT_SUCCESS(Status))
        RtlFreeUnicodeString(Made);
    return Judged(Status, Made->Buffer);
}

static NTSTATUS TryToUnicode(VOID)
{
    UNICODE_STRING made = {0};
    ANSI_STRING text;

    RtlInitAnsiString(&text, "text");
    return JudgedWide(RtlAnsiStringToUnicodeString(&made, &text, TRUE), &made);
}

static NTSTATUS TryToAnsi(VOID)
{
    UNICODE_STRING text = TEXT("text");
    ANSI_STRING made = {0};
    NTSTATUS status = RtlUnicodeStringToAnsiString(&made, &text, TRUE);

    if (NT_SUCCESS(status))
        RtlFreeAnsiString(&made);
    return Judged(status, made.Buffer);
}

static NTSTATUS TryUpcase(VOID)
{
    UNICODE_STRING made = {0}, text = TEXT("text");

    return JudgedWide(RtlUpcaseUnicodeString(&made, &text, TRUE), &made);
}

static NTSTATUS TryDowncase(VOID)
{
    NTSTATUS(NTAPI * downcase)
    (PUNICODE_STRING, PCUNICODE_STRING, BOOLEAN) = TestRoutine(L"RtlDowncaseUnicodeString");
    UNICODE_STRING made = {0}, text = TEXT("TEXT");

    return JudgedWide(downcase(&made, &text, TRUE), &made);
}

static NTSTATUS TryGuid(VOID)
{
    static const GUID guid = {1, 2, 3, {4}};
    UNICODE_STRING made = {0};

    return JudgedWide(RtlStringFromGUID(&guid, &made), &made);
}

static NTSTATUS TryCreate(VOID)
{
    BOOLEAN(NTAPI * create)(PUNICODE_STRING, PCWSTR) = TestRoutine(L"RtlCreateUnicodeString");
    UNICODE_STRING made = {0};

    if (!create(&made, L"text"))
        return STATUS_INSUFFICIENT_RESOURCES;
    RtlFreeUnicodeString(&made);
    return STATUS_SUCCESS;
}

/* ---- registry -------------------------------------------------------------------------------- */

static NTSTATUS TryKey(VOID)
{
    return RtlCreateRegistryKey(RTL_REGISTRY_ABSOLUTE, (PWSTR)PATH);
}

static NTSTATUS TryWrite(VOID)
{
    return RtlWriteRegistryValue(RTL_REGISTRY_ABSOLUTE, PATH, L"Text", REG_SZ, (PVOID)L"text",
                                 sizeof(L"text"));
}

static NTSTATUS TryQuery(VOID)
{
    UNICODE_STRING text = {0};
    RTL_QUERY_REGISTRY_TABLE table[2] = {
        {NULL, RTL_QUERY_REGISTRY_DIRECT, (PWSTR)L"Text", &text, REG_NONE, NULL, 0}, {0}};
    NTSTATUS status = RtlQueryRegistryValues(RTL_REGISTRY_ABSOLUTE, PATH, table, NULL, NULL);

    if (NT_SUCCESS(status))
        RtlFreeUnicodeString(&text);
    return status;
}

static const TEST_ATTEMPT attempts[] = {
    {"G-RTL-10 RtlAnsiStringToUnicodeString without memory gives STATUS_NO_MEMORY", TryToUnicode},
    {"G-RTL-11 RtlUnicodeStringToAnsiString without memory gives STATUS_NO_MEMORY", TryToAnsi},
    {"G-RTL-33 RtlUpcaseUnicodeString without memory gives STATUS_NO_MEMORY", TryUpcase},
    {"RtlDowncaseUnicodeString without memory gives STATUS_NO_MEMORY", TryDowncase},
    {"G-RTL-30 RtlStringFromGUID without memory gives STATUS_NO_MEMORY", TryGuid},
    {"RtlCreateUnicodeString without memory is FALSE", TryCreate},
    {"G-RTL-23 RtlCreateRegistryKey without memory gives STATUS_INSUFFICIENT_RESOURCES", TryKey},
    {"G-RTL-20 RtlWriteRegistryValue without memory gives STATUS_INSUFFICIENT_RESOURCES", TryWrite},
    {"G-RTL-19 RtlQueryRegistryValues without memory gives STATUS_INSUFFICIENT_RESOURCES",
     TryQuery},
};

VOID StepShortage(ULONG Number)
{
    UNICODE_STRING path = TEXT("\\Registry\\Machine\\Software\\RtlShortageTest");
    OBJECT_ATTRIBUTES attributes;
    HANDLE key;

    UNREFERENCED_PARAMETER(Number);
    KtapBegin(&TestReport);
    TestAttempts(attempts, sizeof(attempts) / sizeof(attempts[0]));
    KtapEnd(&TestReport);
    InitializeObjectAttributes(&attributes, &path, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL,
                               NULL);
    if (NT_SUCCESS(ZwOpenKey(&key, KEY_ALL_ACCESS, &attributes))) {
        ZwDeleteKey(key);
        ZwClose(key);
    }
}
