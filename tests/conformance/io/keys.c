/*
 * keys.c - registry handles, processors, device queues.
 */
#include "io.h"

static HANDLE Key;

static VOID CheckValues(VOID)
{
    UCHAR buffer[64];
    PKEY_VALUE_PARTIAL_INFORMATION partial = (PVOID)buffer;
    UNICODE_STRING name, absent;
    ULONG number = 0xABCD, length = 0;

    RtlInitUnicodeString(&name, L"Value");
    RtlInitUnicodeString(&absent, L"Absent");
    ExpectStatus(ZwSetValueKey(Key, &name, 0, REG_DWORD, &number, sizeof(number)), STATUS_SUCCESS,
                 "G-ZW-10 ZwSetValueKey sets");
    ExpectStatus(
        ZwQueryValueKey(Key, &name, KeyValuePartialInformation, buffer, sizeof(buffer), &length),
        STATUS_SUCCESS, "G-ZW-9 ZwQueryValueKey reads");
    Expect(partial->Type == REG_DWORD && partial->DataLength == 4 &&
               *(PULONG)partial->Data == 0xABCD,
           "G-ZW-9 type and data");
    ExpectStatus(ZwQueryValueKey(Key, &name, KeyValuePartialInformation, buffer,
                                 FIELD_OFFSET(KEY_VALUE_PARTIAL_INFORMATION, Data), &length),
                 STATUS_BUFFER_OVERFLOW, "G-ZW-9 with room for the head only it overflows");
    ExpectEqual(length, FIELD_OFFSET(KEY_VALUE_PARTIAL_INFORMATION, Data) + 4,
                "G-ZW-9 and tells what is needed");
    ExpectStatus(ZwQueryValueKey(Key, &name, KeyValuePartialInformation, buffer, 4, &length),
                 STATUS_BUFFER_TOO_SMALL, "G-ZW-9 with less it is too small");
    ExpectStatus(
        ZwQueryValueKey(Key, &absent, KeyValuePartialInformation, buffer, sizeof(buffer), &length),
        STATUS_OBJECT_NAME_NOT_FOUND, "G-ZW-9 a value that there is not is not found");
    ExpectStatus(
        ZwEnumerateValueKey(Key, 1, KeyValuePartialInformation, buffer, sizeof(buffer), &length),
        STATUS_NO_MORE_ENTRIES, "ZwEnumerateValueKey ends behind the last value");
}

static VOID CheckSubkeys(POBJECT_ATTRIBUTES Attributes)
{
    UCHAR buffer[64];
    PKEY_BASIC_INFORMATION basic = (PVOID)buffer;
    OBJECT_ATTRIBUTES below;
    UNICODE_STRING name;
    ULONG disposition = 0, length;
    HANDLE child, again;

    RtlInitUnicodeString(&name, L"Child");
    InitializeObjectAttributes(&below, &name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, Key, NULL);
    ExpectStatus(ZwCreateKey(&child, KEY_ALL_ACCESS, &below, 0, NULL, 0, &disposition),
                 STATUS_SUCCESS, "G-ZW-8 a key is created below another");
    ExpectEqual(disposition, REG_CREATED_NEW_KEY, "G-ZW-8 and said to be new");
    ZwCreateKey(&again, KEY_ALL_ACCESS, Attributes, 0, NULL, 0, &disposition);
    ExpectEqual(disposition, REG_OPENED_EXISTING_KEY, "G-ZW-8 one that there is is opened");
    ZwClose(again);
    ExpectStatus(ZwEnumerateKey(Key, 0, KeyBasicInformation, buffer, sizeof(buffer), &length),
                 STATUS_SUCCESS, "G-ZW-11 ZwEnumerateKey lists subkeys");
    Expect(basic->NameLength == 10 && basic->Name[0] == L'C', "G-ZW-11 by name");
    ExpectStatus(ZwEnumerateKey(Key, 1, KeyBasicInformation, buffer, sizeof(buffer), &length),
                 STATUS_NO_MORE_ENTRIES, "G-ZW-11 to the end");
    ExpectStatus(ZwDeleteKey(Key), STATUS_CANNOT_DELETE,
                 "G-ZW-12 a key with a subkey is not deleted");
    ExpectStatus(ZwDeleteKey(child), STATUS_SUCCESS, "G-ZW-12 the subkey is");
    ZwClose(child);
}

VOID CheckKeys(VOID)
{
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING path;
    ULONG disposition;

    RtlInitUnicodeString(&path, L"\\Registry\\Machine\\Software\\IoTest");
    InitializeObjectAttributes(&attributes, &path, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL,
                               NULL);
    ExpectStatus(ZwCreateKey(&Key, KEY_ALL_ACCESS, &attributes, 0, NULL, 0, &disposition),
                 STATUS_SUCCESS, "G-ZW-8 ZwCreateKey creates");
    CheckValues();
    CheckSubkeys(&attributes);
    ExpectStatus(ZwFlushKey(Key), STATUS_SUCCESS, "ZwFlushKey succeeds");
    ExpectStatus(ZwDeleteKey(Key), STATUS_SUCCESS, "G-ZW-12 ZwDeleteKey deletes");
    ExpectStatus(ZwClose(Key), STATUS_SUCCESS, "G-ZW-3 ZwClose closes");
}

/* ---- processors ------------------------------------------------------------------------------ */

VOID CheckProcessors(VOID)
{
    PROCESSOR_NUMBER number = {0};
    GROUP_AFFINITY affinity = {1, 0, {0}}, previous;
    ULONG count = KeQueryActiveProcessorCount(NULL);
    NTSTATUS(NTAPI * keep)(PVOID) = TestRoutine(L"KeSaveFloatingPointState");
    NTSTATUS(NTAPI * restore)(PVOID) = TestRoutine(L"KeRestoreFloatingPointState");
    ULONG64 save[8];
    KIRQL irql;

    Expect(count == TestProcessors() && KeQueryMaximumProcessorCount() >= count,
           "KeQueryActiveProcessorCount counts processors");
    Expect(KeQueryActiveProcessors() == ((KAFFINITY)1 << count) - 1,
           "KeQueryActiveProcessors is their set");
    Expect(KeQueryActiveGroupCount() == 1 && KeQueryMaximumGroupCount() >= 1 &&
               KeQueryGroupAffinity(0) == KeQueryActiveProcessors() && KeQueryGroupAffinity(1) == 0,
           "they are all in group 0");
    ExpectStatus(KeGetProcessorNumberFromIndex(count - 1, &number), STATUS_SUCCESS,
                 "KeGetProcessorNumberFromIndex converts");
    ExpectEqual(KeGetProcessorIndexFromNumber(&number), count - 1, "and back");
    ExpectStatus(KeGetProcessorNumberFromIndex(count, &number), STATUS_INVALID_PARAMETER,
                 "an index that there is not is an error");
    KeSetSystemGroupAffinityThread(&affinity, &previous);
    ExpectEqual(KeGetCurrentProcessorNumber(), 0, "a thread runs where its affinity says");
    KeRevertToUserGroupAffinityThread(&previous);
    ExpectStatus(keep(save), STATUS_SUCCESS, "the floating point state is saved");
    ExpectStatus(restore(save), STATUS_SUCCESS, "and restored");
    irql = KeRaiseIrqlToDpcLevel();
    Expect(irql == PASSIVE_LEVEL && KeGetCurrentIrql() == DISPATCH_LEVEL,
           "KeRaiseIrqlToDpcLevel raises");
    KeLowerIrql(irql);
    Expect(PsGetCurrentProcessId() == (HANDLE)4 && PsGetCurrentThreadId() != NULL &&
               PsIsSystemThread(PsGetCurrentThread()) && ExGetPreviousMode() == KernelMode,
           "the caller is a thread of the system process");
}

/* ---- device queues --------------------------------------------------------------------------- */

VOID CheckQueues(VOID)
{
    static KDEVICE_QUEUE queue;
    static KDEVICE_QUEUE_ENTRY entries[4];

    KeInitializeDeviceQueue(&queue);
    KIRQL irql = KeRaiseIrqlToDpcLevel();
    BOOLEAN first = KeInsertDeviceQueue(&queue, &entries[0]);
    BOOLEAN second = KeInsertByKeyDeviceQueue(&queue, &entries[1], 20);
    BOOLEAN third = KeInsertByKeyDeviceQueue(&queue, &entries[2], 10);
    BOOLEAN fourth = KeInsertDeviceQueue(&queue, &entries[3]);
    PKDEVICE_QUEUE_ENTRY byKey = KeRemoveByKeyDeviceQueue(&queue, 15);
    BOOLEAN removed = KeRemoveEntryDeviceQueue(&queue, &entries[3]);
    BOOLEAN again = KeRemoveEntryDeviceQueue(&queue, &entries[3]);
    PKDEVICE_QUEUE_ENTRY last = KeRemoveDeviceQueue(&queue);
    PKDEVICE_QUEUE_ENTRY none = KeRemoveDeviceQueue(&queue);
    BOOLEAN busy = queue.Busy;
    KeLowerIrql(irql);
    Expect(!first && second && third && fourth,
           "the first entry of an idle device queue makes it busy and is not queued");
    Expect(byKey == &entries[1], "an entry is removed by the next key");
    Expect(removed && !again, "one entry is removed once");
    Expect(last == &entries[2] && none == NULL && !busy, "an empty queue becomes idle");
}
