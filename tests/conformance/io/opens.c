/*
 * opens.c - how opening a device by its name fails: names that are none, or something else's, what
 * its driver says, options that do not go together.
 */
#include "io.h"

#define NAME L"\\Device\\IoTestOpens"
#define EVENT L"\\BaseNamedObjects\\IoTestOpens"

static UNICODE_STRING Name = RTL_CONSTANT_STRING(NAME), EventName = RTL_CONSTANT_STRING(EVENT),
                      NoPath = RTL_CONSTANT_STRING(L"IoTestOpens"), Empty;
static NTSTATUS Verdict;     /* what the driver says of an open */
static PFILE_OBJECT Related; /* the last one's RelatedFileObject, */
static WCHAR Rest[8];        /* and the beginning of its FileName */
static ULONG Creates;

static NTSTATUS NTAPI JudgeCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PFILE_OBJECT file = IoGetCurrentIrpStackLocation(Irp)->FileObject;

    UNREFERENCED_PARAMETER(DeviceObject);
    Creates++;
    Related = file->RelatedFileObject;
    RtlZeroMemory(Rest, sizeof(Rest));
    if (file->FileName.Length < sizeof(Rest))
        RtlCopyMemory(Rest, file->FileName.Buffer, file->FileName.Length);
    return TestComplete(Irp, Verdict, NT_SUCCESS(Verdict) ? FILE_OPENED : 0);
}

/* Its status; the file is closed again. */
static NTSTATUS Point(PUNICODE_STRING ObjectName)
{
    PDEVICE_OBJECT device = NULL;
    PFILE_OBJECT file = NULL;
    NTSTATUS status = IoGetDeviceObjectPointer(ObjectName, FILE_READ_DATA, &file, &device);

    if (NT_SUCCESS(status))
        ObDereferenceObject(file);
    return status;
}

static VOID CheckPointers(PDEVICE_OBJECT Device)
{
    UNICODE_STRING half = Name;
    HANDLE handle;
    PKEVENT event = IoCreateNotificationEvent(&EventName, &handle);

    half.Length -= 1;
    ExpectStatus(Point(&half), STATUS_OBJECT_NAME_INVALID,
                 "G-IO-45 a name that ends within a character is no name");
    if (event != NULL) {
        ExpectStatus(Point(&EventName), STATUS_OBJECT_TYPE_MISMATCH,
                     "G-IO-45 what has the name of an event is no device");
        ZwClose(handle);
    } else {
        Expect(FALSE, "an event can be created");
    }
    Verdict = STATUS_INVALID_PARAMETER;
    ExpectStatus(Point(&Name), STATUS_INVALID_PARAMETER,
                 "G-IO-45 what the device's driver refuses an open with is the status");
    Verdict = STATUS_PRIVILEGE_NOT_HELD;
    ExpectStatus(Point(&Name), STATUS_PRIVILEGE_NOT_HELD,
                 "G-IO-45 a privilege that it asks for, too");
    Expect(Device->ReferenceCount == 0, "what was refused is not open");
    Verdict = STATUS_SUCCESS;
    ExpectStatus(Point(&Name), STATUS_SUCCESS, "what it accepts is");
}

static NTSTATUS Open(PUNICODE_STRING ObjectName, ACCESS_MASK Access, ULONG Disposition,
                     ULONG Options, PIO_STATUS_BLOCK Block)
{
    OBJECT_ATTRIBUTES attributes;
    HANDLE handle = NULL;
    NTSTATUS status;

    InitializeObjectAttributes(&attributes, ObjectName, OBJ_KERNEL_HANDLE, NULL, NULL);
    status = IoCreateFile(&handle, Access, &attributes, Block, NULL, FILE_ATTRIBUTE_NORMAL, 0,
                          Disposition, Options, NULL, 0, CreateFileTypeNone, NULL, 0);
    if (NT_SUCCESS(status))
        ZwClose(handle);
    return status;
}

static VOID CheckFiles(PDEVICE_OBJECT Device)
{
    IO_STATUS_BLOCK block;
    ULONG before = Creates;

    ExpectStatus(Open(&Empty, GENERIC_READ, FILE_OPEN, 0, &block), STATUS_OBJECT_PATH_SYNTAX_BAD,
                 "IoCreateFile opens nothing whose name is empty");
    ExpectStatus(Open(&NoPath, GENERIC_READ, FILE_OPEN, 0, &block), STATUS_OBJECT_PATH_SYNTAX_BAD,
                 "IoCreateFile opens nothing without a path");
    ExpectStatus(Open(&Name, GENERIC_READ, FILE_OVERWRITE, FILE_DIRECTORY_FILE, &block),
                 STATUS_INVALID_PARAMETER, "IoCreateFile: a directory cannot be overwritten");
    ExpectStatus(
        Open(&Name, GENERIC_READ, FILE_OPEN, FILE_DIRECTORY_FILE | FILE_RANDOM_ACCESS, &block),
        STATUS_INVALID_PARAMETER, "IoCreateFile: a directory goes with some options only");
    ExpectStatus(Open(&Name, GENERIC_READ | SYNCHRONIZE, FILE_OPEN,
                      FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT, &block),
                 STATUS_INVALID_PARAMETER,
                 "IoCreateFile: the two kinds of synchronous I/O exclude each other");
    ExpectStatus(Open(&Name, FILE_APPEND_DATA, FILE_OPEN, FILE_NO_INTERMEDIATE_BUFFERING, &block),
                 STATUS_INVALID_PARAMETER, "IoCreateFile: what is not buffered is not appended to");
    ExpectEqual(Creates, before, "none of these came to the driver");
    Verdict = STATUS_ACCESS_DENIED;
    ExpectStatus(Open(&Name, GENERIC_READ, FILE_OPEN, 0, &block), STATUS_ACCESS_DENIED,
                 "IoCreateFile returns what the driver refuses an open with");
    ExpectStatus(block.Status, STATUS_ACCESS_DENIED, "and the status block says it");
    Verdict = STATUS_SUCCESS;
    ExpectStatus(Open(&Name, GENERIC_READ, FILE_OPEN, 0, &block), STATUS_SUCCESS,
                 "IoCreateFile opens what the driver accepts");
    ExpectEqual(block.Information, FILE_OPENED, "and says that it was opened");
    Expect(Device->ReferenceCount == 0, "closed it is open no more");
}

/* By a handle of the device and a name below it. */
static VOID CheckRelative(VOID)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"below");
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK block;
    HANDLE root = NULL, handle = NULL;
    PFILE_OBJECT file = NULL;

    InitializeObjectAttributes(&attributes, &Name, OBJ_KERNEL_HANDLE, NULL, NULL);
    if (!NT_SUCCESS(IoCreateFile(&root, GENERIC_READ, &attributes, &block, NULL, 0, 0, FILE_OPEN, 0,
                                 NULL, 0, CreateFileTypeNone, NULL, 0))) {
        Expect(FALSE, "a device can be opened");
        return;
    }
    ObReferenceObjectByHandle(root, 0, NULL, KernelMode, (PVOID *)&file, NULL);
    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE, root, NULL);
    ExpectStatus(IoCreateFile(&handle, GENERIC_READ, &attributes, &block, NULL, 0, 0, FILE_OPEN, 0,
                              NULL, 0, CreateFileTypeNone, NULL, 0),
                 STATUS_SUCCESS, "IoCreateFile opens a name relative to RootDirectory");
    Expect(file != NULL && Related == file && wcscmp(Rest, L"below") == 0,
           "which its driver is told, and the name as it is");
    ZwClose(handle);
    if (file != NULL)
        ObDereferenceObject(file);
    ZwClose(root);
    ExpectStatus(IoCreateFile(&handle, GENERIC_READ, &attributes, &block, NULL, 0, 0, FILE_OPEN, 0,
                              NULL, 0, CreateFileTypeNone, NULL, 0),
                 STATUS_INVALID_HANDLE, "IoCreateFile: RootDirectory must be open");
}

static VOID CheckOtherNames(VOID)
{
    PDEVICE_OBJECT device = (PDEVICE_OBJECT)&Name;
    HANDLE handle;

    ExpectStatus(IoCreateDevice(TestDriver, 0, &NoPath, FILE_DEVICE_UNKNOWN, 0, FALSE, &device),
                 STATUS_OBJECT_PATH_SYNTAX_BAD, "the name of a device must be a full path");
    Expect(device == NULL, "else no device is created");

    Expect(IoCreateNotificationEvent(&Name, &handle) == NULL &&
               IoCreateSynchronizationEvent(&Name, &handle) == NULL,
           "the name of a device names no event");
    ExpectStatus(IoDeleteSymbolicLink(&Name), STATUS_OBJECT_TYPE_MISMATCH,
                 "the name of a device is no symbolic link that can be deleted");
    ExpectStatus(IoCreateSymbolicLink(&Name, &EventName), STATUS_OBJECT_NAME_COLLISION,
                 "nor one that can be created");
}

VOID CheckOpens(VOID)
{
    PDRIVER_DISPATCH create = TestDriver->MajorFunction[IRP_MJ_CREATE];
    PDEVICE_OBJECT device = CreateDevice(&Name);

    if (device == NULL) {
        Expect(FALSE, "a device can be created");
        return;
    }
    TestDriver->MajorFunction[IRP_MJ_CREATE] = JudgeCreate;
    CheckPointers(device);
    CheckFiles(device);
    CheckRelative();
    CheckOtherNames();
    TestDriver->MajorFunction[IRP_MJ_CREATE] = create;
    IoDeleteDevice(device);
}
