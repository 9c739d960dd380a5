/*
 * references.c - reference counts, and what handles, names and pointers lead to.
 */
#include "objects.h"

#define TAG 0x7467624F /* "Obgt" */

static PFILE_OBJECT OpenFileObject(PHANDLE Handle)
{
    PVOID object = NULL;

    if (!NT_SUCCESS(FileOpen(Handle, FILE_SYNCHRONOUS_IO_NONALERT)))
        return NULL;
    ObReferenceObjectByHandle(*Handle, 0, TYPE(IoFileObjectType), KernelMode, &object, NULL);
    return object;
}

static VOID CheckCounts(VOID)
{
    HANDLE handle;
    PFILE_OBJECT file = OpenFileObject(&handle);
    LONG closes = FileCloses;
    LONG_PTR count;

    if (file == NULL) {
        Expect(FALSE, "G-OB-3 a file and its object can be had");
        return;
    }
    count = ObReferenceObject(file);
    ExpectEqual((ULONG64)ObReferenceObjectWithTag(file, TAG), (ULONG64)count + 1,
                "G-OB-3 ObReferenceObjectWithTag returns a count of one more");
    ExpectEqual((ULONG64)ObDereferenceObjectWithTag(file, TAG), (ULONG64)count,
                "G-OB-4 ObDereferenceObjectWithTag one of one less");
    ObDereferenceObject(file);
    ExpectStatus(ObReferenceObjectByPointer(file, 0, TYPE(IoFileObjectType), KernelMode),
                 STATUS_SUCCESS, "G-OB-2 ObReferenceObjectByPointer takes a reference by pointer");
    ExpectEqual((ULONG64)ObReferenceObject(file), (ULONG64)count + 1, "G-OB-3 which counts");
    ObDereferenceObject(file);
    ObDereferenceObject(file);
    ExpectStatus(ObReferenceObjectByPointer(file, 0, TYPE(PsThreadType), KernelMode),
                 STATUS_OBJECT_TYPE_MISMATCH, "G-OB-2 but not to an object of another type");
    ExpectEqual((ULONG64)ObReferenceObject(file), (ULONG64)count, "G-OB-3 which changes no count");
    ObDereferenceObject(file);
    ZwClose(handle);
    ExpectEqual((ULONG)(FileCloses - closes), 0, "G-OB-4 an object lives while it is referenced");
    ObDereferenceObject(file);
    ExpectEqual((ULONG)(FileCloses - closes), 1, "G-OB-4 and ends with its last reference");
    Expect(FileCloser == KeGetCurrentThread(),
           "G-OB-4 in the thread that drops it, at PASSIVE_LEVEL");
}

typedef VOID(NTAPI *DEFER)(PVOID Object);

static VOID NTAPI DeferWithTag(PVOID Object)
{
    ObDereferenceObjectDeferDeleteWithTag(Object, TAG);
}

/* Drops the last reference at an IRQL: when and where IRP_MJ_CLOSE comes. */
static VOID CheckDeferred(DEFER Dereference, KIRQL Irql, PCSTR Name)
{
    HANDLE handle;
    PFILE_OBJECT file = OpenFileObject(&handle);
    LONG closes = FileCloses, early;
    KIRQL old;

    if (file == NULL) {
        Expect(FALSE, Name);
        return;
    }
    ZwClose(handle);
    KeRaiseIrql(Irql, &old);
    Dereference(file);
    early = FileCloses - closes;
    KeLowerIrql(old);
    WaitUntilAtLeast(&FileCloses, closes + 1, 10000);
    Expect((Irql == PASSIVE_LEVEL || early == 0) && FileCloses == closes + 1 &&
               FileCloser != KeGetCurrentThread(),
           Name);
}

static VOID CheckHandleReferences(VOID)
{
    OBJECT_HANDLE_INFORMATION information;
    HANDLE key = OpenKey();
    PVOID object = &object;

    ExpectStatus(ObReferenceObjectByHandle(key, KEY_READ, NULL, KernelMode, &object, &information),
                 STATUS_SUCCESS,
                 "G-OB-1 ObReferenceObjectByHandle without a type takes any object");
    Expect(object != NULL && (information.GrantedAccess & KEY_READ) == KEY_READ,
           "G-OB-1 and tells what the handle grants");
    ObDereferenceObject(object);
    ExpectStatus(
        ObReferenceObjectByHandle(key, KEY_READ, TYPE(IoFileObjectType), KernelMode, &object, NULL),
        STATUS_OBJECT_TYPE_MISMATCH, "G-OB-1 it refuses an object of another type");
    Expect(object == NULL, "G-OB-1 and gives none");
    ZwClose(key);
    ExpectStatus(ObReferenceObjectByHandle(key, KEY_READ, NULL, KernelMode, &object, NULL),
                 STATUS_INVALID_HANDLE, "G-OB-1 it refuses a handle that was closed");
    ExpectStatus(ObReferenceObjectByHandle(NULL, KEY_READ, NULL, KernelMode, &object, NULL),
                 STATUS_INVALID_HANDLE, "G-OB-1 and NULL");
    ExpectStatus(ObReferenceObjectByHandle(NtCurrentProcess(), 0, TYPE(PsProcessType), KernelMode,
                                           &object, NULL),
                 STATUS_SUCCESS, "G-OB-1 NtCurrentProcess() is a handle");
    Expect(object == PsGetCurrentProcess(), "G-OB-1 of the current process");
    ObDereferenceObject(object);
    ExpectStatus(ObReferenceObjectByHandle(NtCurrentThread(), 0, TYPE(PsThreadType), KernelMode,
                                           &object, NULL),
                 STATUS_SUCCESS, "G-OB-1 NtCurrentThread() is one");
    Expect(object == KeGetCurrentThread(), "G-OB-1 of the current thread");
    ObDereferenceObject(object);
    ExpectStatus(ObReferenceObjectByHandle(NtCurrentThread(), 0, TYPE(PsProcessType), KernelMode,
                                           &object, NULL),
                 STATUS_OBJECT_TYPE_MISMATCH, "G-OB-1 and of nothing else");
}

static NTSTATUS ByName(PCWSTR Name, POBJECT_TYPE Type, PVOID *Object)
{
    UNICODE_STRING name;

    RtlInitUnicodeString(&name, Name);
    *Object = &name;
    return ObReferenceObjectByName(&name, OBJ_CASE_INSENSITIVE, NULL, 0, Type, KernelMode, NULL,
                                   Object);
}

static VOID CheckNames(VOID)
{
    PVOID object;

    ExpectStatus(ByName(L"\\Driver\\OBJECTS", TYPE(IoDriverObjectType), &object), STATUS_SUCCESS,
                 "ObReferenceObjectByName finds a driver, by any letter case");
    Expect(object == TestDriver, "this one");
    ObDereferenceObject(object);
    ExpectStatus(ByName(L"\\Device\\objects-file", TYPE(IoDeviceObjectType), &object),
                 STATUS_SUCCESS, "and a device");
    if (object != NULL) {
        Expect(((PDEVICE_OBJECT)object)->DriverObject == TestDriver, "of this driver");
        ObDereferenceObject(object);
    }
    ExpectStatus(ByName(L"\\Driver\\objects-none", TYPE(IoDriverObjectType), &object),
                 STATUS_OBJECT_NAME_NOT_FOUND,
                 "ObReferenceObjectByName does not find a driver that there is not");
    Expect(object == NULL, "of which it gives none");
    ExpectStatus(ByName(L"\\Device\\objects-none", TYPE(IoDeviceObjectType), &object),
                 STATUS_OBJECT_NAME_NOT_FOUND, "nor a device");
    ExpectStatus(ByName(L"\\Driver\\objects", TYPE(PsThreadType), &object),
                 STATUS_OBJECT_TYPE_MISMATCH,
                 "ObReferenceObjectByName does not take an object for what it is not");
}

VOID CheckReferences(VOID)
{
    CheckCounts();
    CheckDeferred(
        (DEFER)ObDereferenceObjectDeferDelete, PASSIVE_LEVEL,
        "G-OB-5 ObDereferenceObjectDeferDelete leaves the end of an object to another thread");
    CheckDeferred((DEFER)ObDereferenceObjectDeferDelete, DISPATCH_LEVEL,
                  "G-OB-5 so that it can be called at DISPATCH_LEVEL");
    CheckDeferred(DeferWithTag, DISPATCH_LEVEL,
                  "G-OB-5 and so does ObDereferenceObjectDeferDeleteWithTag");
    CheckHandleReferences();
    CheckNames();
}
