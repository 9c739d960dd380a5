/*
 * refused.c - what events, controls and sections by handle are refused.
 */
#include "services.h"

#define EMPTY ((PCWSTR)-1) /* a name of no characters */
#define NO_HANDLE ((HANDLE)(ULONG_PTR)0x7FFFFFFC)

/* ---- names of events ------------------------------------------------------------------------- */

typedef struct _NAMED {
    PCWSTR Name;
    NTSTATUS Status;
    PCSTR Create;
    PCSTR Open;
} NAMED;

static VOID SetName(POBJECT_ATTRIBUTES Attributes, PUNICODE_STRING Name, PCWSTR Text)
{
    RtlInitUnicodeString(Name, Text == EMPTY ? L"" : Text);
    InitializeObjectAttributes(Attributes, Name, OBJ_KERNEL_HANDLE, NULL, NULL);
}

static VOID CheckNames(VOID)
{
    static const NAMED names[] = {
        {EMPTY, STATUS_OBJECT_PATH_SYNTAX_BAD, "ZwCreateEvent refuses an empty name",
         "ZwOpenEvent refuses an empty name"},
        {L"ServicesTest", STATUS_OBJECT_PATH_SYNTAX_BAD,
         "ZwCreateEvent refuses a name that does not begin at the root",
         "ZwOpenEvent refuses a name that does not begin at the root"},
        {L"\\BaseNamedObjects\\\\ServicesTest", STATUS_OBJECT_NAME_INVALID,
         "ZwCreateEvent refuses a name with nothing between two backslashes",
         "ZwOpenEvent refuses a name with nothing between two backslashes"},
        {L"\\BaseNamedObjects\\", STATUS_OBJECT_NAME_INVALID,
         "ZwCreateEvent refuses a name with nothing behind its last backslash",
         "ZwOpenEvent refuses a name with nothing behind its last backslash"},
        {L"\\ServicesNone\\ServicesTest", STATUS_OBJECT_PATH_NOT_FOUND,
         "ZwCreateEvent does not find a directory that there is not",
         "ZwOpenEvent does not find a directory that there is not"},
    };
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING name;
    HANDLE handle;
    ULONG i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        SetName(&attributes, &name, names[i].Name);
        ExpectStatus(
            ZwCreateEvent(&handle, EVENT_ALL_ACCESS, &attributes, NotificationEvent, FALSE),
            names[i].Status, names[i].Create);
        ExpectStatus(ZwOpenEvent(&handle, EVENT_ALL_ACCESS, &attributes), names[i].Status,
                     names[i].Open);
    }
}

static VOID CheckAttributes(VOID)
{
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING name;
    HANDLE handle;

    SetName(&attributes, &name, L"\\BaseNamedObjects\\ServicesTest");
    attributes.Length--;
    ExpectStatus(ZwCreateEvent(&handle, EVENT_ALL_ACCESS, &attributes, NotificationEvent, FALSE),
                 STATUS_INVALID_PARAMETER, "ZwCreateEvent refuses attributes of another length");
    ExpectStatus(ZwOpenEvent(&handle, EVENT_ALL_ACCESS, &attributes), STATUS_INVALID_PARAMETER,
                 "ZwOpenEvent refuses attributes of another length");
    ExpectStatus(ZwOpenEvent(&handle, EVENT_ALL_ACCESS, NULL), STATUS_INVALID_PARAMETER,
                 "ZwOpenEvent needs attributes");
    attributes.Length++;
    name.Length--;
    ExpectStatus(ZwOpenEvent(&handle, EVENT_ALL_ACCESS, &attributes), STATUS_OBJECT_NAME_INVALID,
                 "ZwOpenEvent refuses a name that ends with half a character");
}

/* There is nothing that a handle of a directory could be had from. */
static VOID CheckRoots(VOID)
{
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING name;
    HANDLE handle, event;

    ZwCreateEvent(&event, EVENT_ALL_ACCESS, NULL, NotificationEvent, FALSE);
    SetName(&attributes, &name, L"ServicesTest");
    attributes.RootDirectory = NO_HANDLE;
    ExpectStatus(ZwCreateEvent(&handle, EVENT_ALL_ACCESS, &attributes, NotificationEvent, FALSE),
                 STATUS_INVALID_HANDLE, "ZwCreateEvent: RootDirectory must be open");
    ExpectStatus(ZwOpenEvent(&handle, EVENT_ALL_ACCESS, &attributes), STATUS_INVALID_HANDLE,
                 "ZwOpenEvent: RootDirectory must be open");
    ExpectStatus(ZwOpenSection(&handle, SECTION_MAP_READ, &attributes), STATUS_INVALID_HANDLE,
                 "ZwOpenSection: RootDirectory must be open");
    attributes.RootDirectory = event;
    ExpectStatus(ZwCreateEvent(&handle, EVENT_ALL_ACCESS, &attributes, NotificationEvent, FALSE),
                 STATUS_OBJECT_TYPE_MISMATCH, "ZwCreateEvent: RootDirectory must be a directory");
    ExpectStatus(ZwOpenEvent(&handle, EVENT_ALL_ACCESS, &attributes), STATUS_OBJECT_TYPE_MISMATCH,
                 "ZwOpenEvent: RootDirectory must be a directory");
    ExpectStatus(ZwOpenSection(&handle, SECTION_MAP_READ, &attributes), STATUS_OBJECT_TYPE_MISMATCH,
                 "ZwOpenSection: RootDirectory must be a directory");
    ZwClose(event);
}

static VOID CheckClosed(VOID)
{
    LARGE_INTEGER now = {{0, 0}};
    LONG previous = 77;
    NTSTATUS status;
    HANDLE handle;
    KIRQL irql;

    ZwCreateEvent(&handle, EVENT_ALL_ACCESS, NULL, SynchronizationEvent, TRUE);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    status = ZwWaitForSingleObject(handle, FALSE, &now);
    KeLowerIrql(irql);
    ExpectStatus(status, STATUS_SUCCESS,
                 "ZwWaitForSingleObject looks at DISPATCH_LEVEL, too, without waiting");
    ExpectStatus(ZwWaitForSingleObject(handle, FALSE, &now), STATUS_TIMEOUT,
                 "ZwWaitForSingleObject: what it took there is taken");
    ZwClose(handle);
    ExpectStatus(ZwResetEvent(handle, &previous), STATUS_INVALID_HANDLE,
                 "ZwResetEvent refuses a closed handle");
    ExpectEqual((ULONG)previous, 77, "ZwResetEvent: and tells no state");
    ExpectStatus(ZwClearEvent(handle), STATUS_INVALID_HANDLE,
                 "ZwClearEvent refuses a closed handle");
    ExpectStatus(ZwClose(handle), STATUS_INVALID_HANDLE, "ZwClose refuses a closed handle");
}

/* ---- controls -------------------------------------------------------------------------------- */

static VOID CheckControls(VOID)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\??\\services-test");
    LARGE_INTEGER now = {{0, 0}};
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK block = {{0}, 77};
    HANDLE file, event;
    ULONG number = 4712;

    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE, NULL, NULL);
    ZwCreateEvent(&event, EVENT_ALL_ACCESS, NULL, NotificationEvent, TRUE);
    if (!NT_SUCCESS(ZwOpenFile(&file, GENERIC_READ, &attributes, &block, 0, 0))) {
        Expect(FALSE, "the driver's own device can be opened");
        return;
    }
    ExpectStatus(ZwDeviceIoControlFile(file, NO_HANDLE, NULL, NULL, &block, IOCTL_TEST_STEP,
                                       &number, sizeof(number), NULL, 0),
                 STATUS_INVALID_HANDLE, "ZwDeviceIoControlFile refuses an event that there is not");
    ExpectStatus(ZwDeviceIoControlFile(file, file, NULL, NULL, &block, IOCTL_TEST_STEP, &number,
                                       sizeof(number), NULL, 0),
                 STATUS_OBJECT_TYPE_MISMATCH,
                 "ZwDeviceIoControlFile refuses an event that is none");
    Expect(NotedStep != number, "ZwDeviceIoControlFile: and sends nothing");
    ExpectStatus(ZwDeviceIoControlFile(event, NULL, NULL, NULL, &block, IOCTL_TEST_STEP, &number,
                                       sizeof(number), NULL, 0),
                 STATUS_OBJECT_TYPE_MISMATCH, "ZwDeviceIoControlFile refuses a file that is none");
    ZwResetEvent(event, NULL);
    ExpectStatus(ZwDeviceIoControlFile(file, event, NULL, NULL, &block, IOCTL_TEST_STEP, &number,
                                       sizeof(number), NULL, 0),
                 STATUS_SUCCESS, "ZwDeviceIoControlFile takes an event");
    ExpectStatus(ZwWaitForSingleObject(event, FALSE, &now), STATUS_SUCCESS,
                 "ZwDeviceIoControlFile: which the end of the request signals");
    ExpectEqual(NotedStep, number, "ZwDeviceIoControlFile: it was sent");
    ZwClose(file);
    ZwClose(event);
}

/* ---- sections -------------------------------------------------------------------------------- */

static HANDLE Section;

static NTSTATUS Map(ULONG64 Physical, ULONG_PTR ZeroBits, ULONG Type, ULONG Protect)
{
    LARGE_INTEGER offset;
    SIZE_T size = PAGE_SIZE;
    PVOID base = NULL;
    NTSTATUS status;

    offset.QuadPart = (LONGLONG)Physical;
    status = ZwMapViewOfSection(Section, ZwCurrentProcess(), &base, ZeroBits, 0, &offset, &size,
                                ViewUnmap, Type, Protect);
    if (NT_SUCCESS(status))
        ZwUnmapViewOfSection(ZwCurrentProcess(), base);
    else if (base != NULL || size != PAGE_SIZE || offset.QuadPart != (LONGLONG)Physical)
        Expect(FALSE, "ZwMapViewOfSection leaves its parameters alone when it fails");
    return status;
}

static VOID CheckViews(ULONG64 Registers, ULONG64 Memory)
{
    SIZE_T size = PAGE_SIZE;
    PVOID base = NULL;

    ExpectStatus(Map(Memory, 0, 0, PAGE_READWRITE | PAGE_NOCACHE), STATUS_CONFLICTING_ADDRESSES,
                 "ZwMapViewOfSection refuses memory that is not to be cached");
    ExpectStatus(Map(Memory, 0, 0, PAGE_READWRITE), STATUS_SUCCESS,
                 "ZwMapViewOfSection maps it as the kernel has it");
    ExpectStatus(Map(Registers, 20, 0, PAGE_READWRITE | PAGE_NOCACHE), STATUS_SUCCESS,
                 "ZwMapViewOfSection takes 20 zero bits");
    ExpectStatus(Map(Registers, 21, 0, PAGE_READWRITE | PAGE_NOCACHE), STATUS_INVALID_PARAMETER_4,
                 "ZwMapViewOfSection refuses 21 zero bits");
    ExpectStatus(Map(Registers, 0, MEM_COMMIT, PAGE_READWRITE | PAGE_NOCACHE),
                 STATUS_INVALID_PARAMETER_9, "ZwMapViewOfSection refuses MEM_COMMIT");
    ExpectStatus(ZwMapViewOfSection(Section, NO_HANDLE, &base, 0, 0, NULL, &size, ViewUnmap, 0,
                                    PAGE_READONLY),
                 STATUS_INVALID_HANDLE, "ZwMapViewOfSection refuses a process that there is not");
    ExpectStatus(
        ZwMapViewOfSection(Section, Section, &base, 0, 0, NULL, &size, ViewUnmap, 0, PAGE_READONLY),
        STATUS_OBJECT_TYPE_MISMATCH, "ZwMapViewOfSection refuses a process that is none");
    ExpectStatus(ZwMapViewOfSection(Section, ZwCurrentProcess(), &base, 0, 0, NULL, &size,
                                    ViewUnmap, 0, PAGE_READONLY),
                 STATUS_SUCCESS, "ZwMapViewOfSection begins at 0 without an offset");
    ExpectStatus(ZwUnmapViewOfSection(NO_HANDLE, base), STATUS_INVALID_HANDLE,
                 "ZwUnmapViewOfSection refuses a process that there is not");
    ExpectStatus(ZwUnmapViewOfSection(ZwCurrentProcess(), base), STATUS_SUCCESS,
                 "ZwUnmapViewOfSection ends the view");
}

static VOID CheckSection(VOID)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\PhysicalMemory");
    PTEST_DEVICE device = TestFind(TestKindEdu, 0);
    OBJECT_ATTRIBUTES attributes;

    InitializeObjectAttributes(&attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    ExpectStatus(ZwOpenSection(&Section, SECTION_ALL_ACCESS, &attributes), STATUS_INVALID_PARAMETER,
                 "ZwOpenSection needs a name");
    attributes.ObjectName = &name;
    if (!NT_SUCCESS(ZwOpenSection(&Section, SECTION_ALL_ACCESS, &attributes))) {
        Expect(FALSE, "ZwOpenSection opens the section again");
        return;
    }
    CheckViews((ULONG64)MmGetPhysicalAddress(device->Registers).QuadPart,
               (ULONG64)MmGetPhysicalAddress(TestDriver).QuadPart);
    ZwClose(Section);
}

VOID CheckRefused(VOID)
{
    CheckNames();
    CheckAttributes();
    CheckRoots();
    CheckClosed();
    CheckControls();
    CheckSection();
}
