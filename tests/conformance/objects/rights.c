/*
 * rights.c - what a handle grants, and handles of objects that a driver has a pointer to.
 */
#include "objects.h"

static ACCESS_MASK Granted(HANDLE Handle)
{
    TEST_OBJECT_BASIC basic = {0};

    ZwQueryObject(Handle, TestObjectBasic, &basic, sizeof(basic), NULL);
    return basic.GrantedAccess;
}

static NTSTATUS Reference(HANDLE Handle, ACCESS_MASK Access, KPROCESSOR_MODE Mode)
{
    OBJECT_HANDLE_INFORMATION information = {0};
    PVOID object = &object;
    NTSTATUS status = ObReferenceObjectByHandle(Handle, Access, TYPE(IoFileObjectType), Mode,
                                                &object, &information);

    if (NT_SUCCESS(status) && information.GrantedAccess != Granted(Handle))
        status = STATUS_UNSUCCESSFUL;
    if (NT_SUCCESS(status))
        ObDereferenceObject(object);
    else if (object != NULL)
        Expect(FALSE, "ObReferenceObjectByHandle gives no object when it fails");
    return status;
}

static VOID CheckGranted(PFILE_OBJECT File)
{
    HANDLE handle;

    if (!NT_SUCCESS(ObOpenObjectByPointer(File, OBJ_KERNEL_HANDLE, NULL, GENERIC_READ,
                                          TYPE(IoFileObjectType), KernelMode, &handle))) {
        Expect(FALSE, "a file can be opened by its object");
        return;
    }
    ExpectEqual(Granted(handle), FILE_GENERIC_READ,
                "ZwQueryObject: GENERIC_READ of a file is FILE_GENERIC_READ");
    ExpectStatus(Reference(handle, FILE_READ_DATA, UserMode), STATUS_SUCCESS,
                 "G-OB-1 ObReferenceObjectByHandle for user mode takes what the handle grants");
    ExpectStatus(
        Reference(handle, FILE_READ_DATA | FILE_WRITE_DATA, UserMode), STATUS_ACCESS_DENIED,
        "G-OB-1 ObReferenceObjectByHandle for user mode refuses what the handle does not grant");
    ExpectStatus(Reference(handle, FILE_WRITE_DATA, KernelMode), STATUS_SUCCESS,
                 "G-OB-1 ObReferenceObjectByHandle for kernel mode does not look at that");
    ZwClose(handle);
    ObOpenObjectByPointer(File, OBJ_KERNEL_HANDLE, NULL, SYNCHRONIZE | DELETE, NULL, KernelMode,
                          &handle);
    ExpectEqual(Granted(handle), SYNCHRONIZE | DELETE,
                "ZwQueryObject: rights that are not generic are what they are");
    ZwClose(handle);
    ObOpenObjectByPointer(File, OBJ_KERNEL_HANDLE, NULL, MAXIMUM_ALLOWED, NULL, KernelMode,
                          &handle);
    ExpectEqual(Granted(handle), FILE_ALL_ACCESS, "ZwQueryObject: MAXIMUM_ALLOWED is every right");
    ZwClose(handle);
}

static VOID CheckOpening(PFILE_OBJECT File, HANDLE First)
{
    HANDLE handle = NULL;
    PVOID object = NULL;
    LONG closes = FileCloses;
    NTSTATUS status;
    KIRQL irql;

    KeRaiseIrql(APC_LEVEL, &irql);
    status = ObOpenObjectByPointer(File, 0, NULL, FILE_READ_DATA, NULL, KernelMode, &handle);
    KeLowerIrql(irql);
    ExpectStatus(status, STATUS_SUCCESS,
                 "ObOpenObjectByPointer gives a handle of what it is given, up to APC_LEVEL");
    ObReferenceObjectByHandle(handle, 0, NULL, KernelMode, &object, NULL);
    Expect(object == File && handle != First, "ObOpenObjectByPointer: another one of the object");
    ObDereferenceObject(object);
    ZwClose(First);
    ExpectEqual((ULONG)(FileCloses - closes), 0, "ObOpenObjectByPointer: which keeps it open");
    ExpectStatus(ObOpenObjectByPointer(File, 0x80000000, NULL, 0, NULL, KernelMode, &object),
                 STATUS_INVALID_PARAMETER, "ObOpenObjectByPointer refuses unknown attributes");
    Expect(object == NULL, "ObOpenObjectByPointer: and gives no handle");
    ExpectStatus(ObOpenObjectByPointer(File, OBJ_INHERIT | OBJ_EXCLUSIVE, NULL, 0, NULL, KernelMode,
                                       &object),
                 STATUS_INVALID_PARAMETER,
                 "ObOpenObjectByPointer refuses to be inherited and exclusive");
    ExpectStatus(ObOpenObjectByPointer(File, 0, NULL, 0, NULL, UserMode, &object),
                 STATUS_OBJECT_TYPE_MISMATCH, "ObOpenObjectByPointer for user mode needs a type");
    ExpectStatus(ObReferenceObjectByPointer(File, 0, NULL, UserMode), STATUS_OBJECT_TYPE_MISMATCH,
                 "G-OB-2 ObReferenceObjectByPointer for user mode needs a type");
    ExpectStatus(ObReferenceObjectByPointer(File, 0, NULL, KernelMode), STATUS_SUCCESS,
                 "G-OB-2 ObReferenceObjectByPointer for kernel mode needs none");
    ObDereferenceObject(File);
    ZwClose(handle);
}

VOID CheckRights(VOID)
{
    PVOID file = NULL;
    HANDLE handle;

    if (!NT_SUCCESS(FileOpen(&handle, FILE_SYNCHRONOUS_IO_NONALERT)) ||
        !NT_SUCCESS(ObReferenceObjectByHandle(handle, 0, TYPE(IoFileObjectType), KernelMode, &file,
                                              NULL))) {
        Expect(FALSE, "a file and its object can be had, for their rights");
        return;
    }
    CheckGranted(file);
    CheckOpening(file, handle);
    ObDereferenceObject(file);
}
