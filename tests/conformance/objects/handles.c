/*
 * handles.c - what a handle tells of its object, and waiting by handle.
 */
#include "objects.h"

static NTSTATUS Query(HANDLE Handle, TEST_OBJECT_INFORMATION Class, PVOID Buffer, ULONG Length,
                      PULONG Needed)
{
    *Needed = 0;
    return ZwQueryObject(Handle, Class, Buffer, Length, Needed);
}

static VOID CheckBasic(VOID)
{
    TEST_OBJECT_BASIC basic, more;
    HANDLE key = OpenKey();
    PVOID object;
    ULONG needed;

    ExpectStatus(Query(key, TestObjectBasic, &basic, sizeof(basic), &needed), STATUS_SUCCESS,
                 "ZwQueryObject counts handles and references");
    Expect(needed == sizeof(basic) && basic.HandleCount == 1, "one handle of what was opened once");
    Expect((basic.GrantedAccess & KEY_READ) == KEY_READ, "with the rights it grants");
    ObReferenceObjectByHandle(key, 0, NULL, KernelMode, &object, NULL);
    Query(key, TestObjectBasic, &more, sizeof(more), &needed);
    Expect(more.PointerCount == basic.PointerCount + 1 && more.HandleCount == 1,
           "a reference by pointer is none of a handle");
    ObDereferenceObject(object);
    ExpectStatus(Query(key, TestObjectBasic, &basic, sizeof(basic) - 1, &needed),
                 STATUS_INFO_LENGTH_MISMATCH, "a buffer of another size is refused");
    ExpectEqual(needed, sizeof(basic), "and what is needed is told");
    ExpectStatus(Query(key, (TEST_OBJECT_INFORMATION)77, &basic, sizeof(basic), &needed),
                 STATUS_INVALID_INFO_CLASS, "an unknown class is refused");
    ExpectStatus(ZwQueryObject(key, TestObjectBasic, &basic, sizeof(basic), NULL), STATUS_SUCCESS,
                 "the length need not be asked for");
    ZwClose(key);
    ExpectStatus(Query(key, TestObjectBasic, &basic, sizeof(basic), &needed), STATUS_INVALID_HANDLE,
                 "a handle that was closed is refused");
}

static VOID CheckType(VOID)
{
    static union {
        TEST_OBJECT_TYPE Type;
        UCHAR Bytes[sizeof(TEST_OBJECT_TYPE) + 64];
    } buffer;
    UNICODE_STRING file = RTL_CONSTANT_STRING(L"File"), key = RTL_CONSTANT_STRING(L"Key");
    HANDLE handle = OpenKey();
    ULONG needed, again;

    ExpectStatus(Query(handle, TestObjectType, &buffer, sizeof(buffer), &needed), STATUS_SUCCESS,
                 "ZwQueryObject names the type");
    Expect(RtlEqualUnicodeString(&buffer.Type.TypeName, &key, FALSE), "Key, for a registry key");
    Expect((PUCHAR)buffer.Type.TypeName.Buffer >= buffer.Bytes + sizeof(TEST_OBJECT_TYPE) &&
               (PUCHAR)buffer.Type.TypeName.Buffer + buffer.Type.TypeName.MaximumLength <=
                   buffer.Bytes + needed,
           "the name lies in the caller's buffer");
    ExpectStatus(Query(handle, TestObjectType, &buffer, needed - 1, &again),
                 STATUS_INFO_LENGTH_MISMATCH, "which must have room for it");
    ExpectEqual(again, needed, "and what is needed is told");
    ZwClose(handle);
    FileOpen(&handle, FILE_SYNCHRONOUS_IO_NONALERT);
    Query(handle, TestObjectType, &buffer, sizeof(buffer), &needed);
    Expect(RtlEqualUnicodeString(&buffer.Type.TypeName, &file, FALSE), "File, for a device");
    ZwClose(handle);
}

static VOID NTAPI EndLater(PVOID Context)
{
    KeWaitForSingleObject(Context, Executive, KernelMode, FALSE, NULL);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID CheckWaits(VOID)
{
    HANDLE key = OpenKey(), thread = NULL;
    LARGE_INTEGER now = {{0, 0}};
    KEVENT end;

    KeInitializeEvent(&end, NotificationEvent, FALSE);
    ExpectStatus(ZwWaitForSingleObject(NO_HANDLE, FALSE, &now), STATUS_INVALID_HANDLE,
                 "ZwWaitForSingleObject refuses a handle that there is not");
    ExpectStatus(ZwWaitForSingleObject(key, FALSE, &now), STATUS_OBJECT_TYPE_MISMATCH,
                 "and one of what cannot be waited for");
    ZwClose(key);
    if (!NT_SUCCESS(
            PsCreateSystemThread(&thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, EndLater, &end))) {
        Expect(FALSE, "a thread can be made");
        return;
    }
    ExpectStatus(ZwWaitForSingleObject(thread, FALSE, &now), STATUS_TIMEOUT,
                 "a wait for a thread times out while it runs");
    KeSetEvent(&end, IO_NO_INCREMENT, FALSE);
    ExpectStatus(ZwWaitForSingleObject(thread, FALSE, NULL), STATUS_SUCCESS,
                 "and is over when it ends");
    ExpectStatus(ZwWaitForSingleObject(NtCurrentThread(), FALSE, &now), STATUS_TIMEOUT,
                 "the current thread has not ended");
    ZwClose(thread);
}

VOID CheckHandles(VOID)
{
    CheckBasic();
    CheckType();
    CheckWaits();
}

/* ---- holding, for the console to see --------------------------------------------------------- */

enum { HELD_KEY, HELD_FILE, HELD_TIMER, HELD_THREAD, HELD_EVENT, HELD_COUNT };

static HANDLE Held[HELD_COUNT];
static KEVENT HeldEnd;

static VOID Hold(VOID)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\BaseNamedObjects\\ObjectsHeld");
    ULONG i, held = 0;

    KeInitializeEvent(&HeldEnd, NotificationEvent, FALSE);
    Held[HELD_KEY] = OpenKey();
    FileOpen(&Held[HELD_FILE], FILE_SYNCHRONOUS_IO_NONALERT);
    ZwCreateTimer(&Held[HELD_TIMER], STANDARD_RIGHTS_ALL, NULL, NotificationTimer);
    PsCreateSystemThread(&Held[HELD_THREAD], THREAD_ALL_ACCESS, NULL, NULL, NULL, EndLater,
                         &HeldEnd);
    IoCreateNotificationEvent(&name, &Held[HELD_EVENT]);
    for (i = 0; i < HELD_COUNT; i++)
        held += Held[i] != NULL;
    ExpectEqual(held, HELD_COUNT, "a key, a file, a timer, a thread and an event are held");
}

/* All but the key's, which is leaked. */
static VOID LetGo(VOID)
{
    ULONG i, closed = 0;

    KeSetEvent(&HeldEnd, IO_NO_INCREMENT, FALSE);
    ZwWaitForSingleObject(Held[HELD_THREAD], FALSE, NULL);
    for (i = HELD_KEY + 1; i < HELD_COUNT; i++)
        closed += ZwClose(Held[i]) == STATUS_SUCCESS;
    ExpectEqual(closed, HELD_COUNT - 1, "all are closed but one");
}

VOID HoldHandles(BOOLEAN Begin)
{
    if (Begin && FilesBegin()) {
        Hold();
    } else {
        LetGo();
        FilesEnd();
    }
}

/* Names that are longer than what the console has room for, in units that take three bytes each. */
VOID MakeLongNames(VOID)
{
    static WCHAR path[240] = L"\\Registry\\Machine\\Software\\ObjectsTest\\";
    static WCHAR link[240] = L"\\DosDevices\\objects";
    UNICODE_STRING key, name, target = RTL_CONSTANT_STRING(L"\\Device\\Null");
    OBJECT_ATTRIBUTES attributes;
    HANDLE parent = OpenKey(), handle = NULL;
    ULONG i;

    for (i = 0; i < 239; i++) {
        path[i] = path[i] != 0 ? path[i] : 0x20AC;
        link[i] = link[i] != 0 ? link[i] : 0x20AC;
    }
    NameAttributes(&attributes, &key, path);
    ExpectStatus(
        ZwCreateKey(&handle, KEY_ALL_ACCESS, &attributes, 0, NULL, REG_OPTION_VOLATILE, NULL),
        STATUS_SUCCESS, "a key may have a long name");
    RtlInitUnicodeString(&name, link);
    ExpectStatus(IoCreateSymbolicLink(&name, &target), STATUS_SUCCESS, "and a link");
    ZwClose(handle);
    ZwClose(parent);
}
