/*
 * files.c - files by handle, of a device whose driver says what came to it.
 */
#include "objects.h"

#define FILE_END 1000 /* where reads find no more */
#define DEVICE_NAME L"\\Device\\objects-file"
#define SYNCHRONOUS FILE_SYNCHRONOUS_IO_NONALERT
#define ACCESS (GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE)

volatile LONG FileCloses;
volatile PKTHREAD FileCloser;

static PDEVICE_OBJECT Device;
static PDRIVER_DISPATCH Saved[IRP_MJ_MAXIMUM_FUNCTION + 1];

/* The requests seen. */
static struct {
    ULONG Options;
    USHORT Attributes;
    USHORT Share;
    ACCESS_MASK Access;
    ACCESS_MASK Remaining;
    BOOLEAN Subject;
    ULONG FileFlags;
    LONGLONG Offset;
    ULONG Length;
    ULONG QueryLength;
    ULONG Cleanups;
} Seen;

/* ---- the driver's side ----------------------------------------------------------------------- */

static NTSTATUS Create(PIO_STACK_LOCATION Stack, PULONG_PTR Information)
{
    PACCESS_STATE state = Stack->Parameters.Create.SecurityContext->AccessState;

    Seen.Remaining = state->RemainingDesiredAccess;
    Seen.Subject = state->SubjectSecurityContext.PrimaryToken != NULL;
    Seen.Options = Stack->Parameters.Create.Options;
    Seen.Attributes = Stack->Parameters.Create.FileAttributes;
    Seen.Share = Stack->Parameters.Create.ShareAccess;
    Seen.Access = Stack->Parameters.Create.SecurityContext->DesiredAccess;
    Seen.FileFlags = Stack->FileObject->Flags;
    if (Stack->FileObject->FileName.Length != 0)
        return STATUS_SHARING_VIOLATION; /* a name behind the device's is refused */
    *Information = FILE_OPENED;
    return STATUS_SUCCESS;
}

static NTSTATUS Read(PIRP Irp, PIO_STACK_LOCATION Stack, PULONG_PTR Information)
{
    PUCHAR bytes = Irp->AssociatedIrp.SystemBuffer;
    ULONG i;

    Seen.Offset = Stack->Parameters.Read.ByteOffset.QuadPart;
    Seen.Length = Stack->Parameters.Read.Length;
    if (Seen.Offset >= FILE_END)
        return STATUS_END_OF_FILE;
    for (i = 0; i < Seen.Length && Seen.Offset + i < FILE_END; i++)
        bytes[i] = (UCHAR)(Seen.Offset + i);
    *Information = i;
    return STATUS_SUCCESS;
}

static NTSTATUS Write(PIO_STACK_LOCATION Stack, PULONG_PTR Information)
{
    Seen.Offset = Stack->Parameters.Write.ByteOffset.QuadPart;
    Seen.Length = Stack->Parameters.Write.Length;
    *Information = Seen.Length;
    return STATUS_SUCCESS;
}

static NTSTATUS QueryName(PVOID Buffer, ULONG Length, PULONG_PTR Information)
{
    static const WCHAR name[] = FILE_NAME;
    ULONG room = Length - FIELD_OFFSET(TEST_FILE_NAME, Name), all = sizeof(name) - sizeof(WCHAR);
    TEST_FILE_NAME *information = Buffer;

    information->Length = all;
    RtlCopyMemory(information->Name, name, room < all ? room : all);
    *Information = FIELD_OFFSET(TEST_FILE_NAME, Name) + (room < all ? room : all);
    return room < all ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

/* What the I/O manager has told stays. */
static NTSTATUS QueryAll(TEST_FILE_ALL *All, ULONG Length, PULONG_PTR Information)
{
    ULONG_PTR name = 0;
    NTSTATUS status;

    All->Standard.EndOfFile.QuadPart = FILE_END;
    status = QueryName(&All->Name, Length - FIELD_OFFSET(TEST_FILE_ALL, Name), &name);
    *Information = FIELD_OFFSET(TEST_FILE_ALL, Name) + name;
    return status;
}

static NTSTATUS Query(PIRP Irp, PIO_STACK_LOCATION Stack, PULONG_PTR Information)
{
    PFILE_STANDARD_INFORMATION standard = Irp->AssociatedIrp.SystemBuffer;

    Seen.QueryLength = Stack->Parameters.QueryFile.Length;
    if (Stack->Parameters.QueryFile.FileInformationClass == FileNameInformation)
        return QueryName(standard, Seen.QueryLength, Information);
    if ((ULONG)Stack->Parameters.QueryFile.FileInformationClass == TEST_FILE_ALL_CLASS)
        return QueryAll((TEST_FILE_ALL *)standard, Seen.QueryLength, Information);
    if (Stack->Parameters.QueryFile.FileInformationClass != FileStandardInformation)
        return STATUS_INVALID_DEVICE_REQUEST;
    RtlZeroMemory(standard, sizeof(*standard));
    standard->EndOfFile.QuadPart = FILE_END;
    standard->NumberOfLinks = 1;
    *Information = sizeof(*standard);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI Dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG_PTR information = 0;
    NTSTATUS status = STATUS_SUCCESS;

    if (DeviceObject != Device)
        return Saved[stack->MajorFunction](DeviceObject, Irp);
    switch (stack->MajorFunction) {
    case IRP_MJ_CREATE:
        status = Create(stack, &information);
        break;
    case IRP_MJ_READ:
        status = Read(Irp, stack, &information);
        break;
    case IRP_MJ_WRITE:
        status = Write(stack, &information);
        break;
    case IRP_MJ_QUERY_INFORMATION:
        status = Query(Irp, stack, &information);
        break;
    case IRP_MJ_CLEANUP:
        Seen.Cleanups++;
        break;
    case IRP_MJ_CLOSE:
        FileCloser = KeGetCurrentThread();
        InterlockedIncrement(&FileCloses);
        break;
    }
    Irp->IoStatus.Status = status;
    Irp->IoStatus.Information = information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return status;
}

static const UCHAR Majors[] = {IRP_MJ_CREATE,  IRP_MJ_READ, IRP_MJ_WRITE, IRP_MJ_QUERY_INFORMATION,
                               IRP_MJ_CLEANUP, IRP_MJ_CLOSE};

BOOLEAN FilesBegin(VOID)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(DEVICE_NAME);
    NTSTATUS status = IoCreateDevice(TestDriver, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    ULONG i;

    if (!NT_SUCCESS(status))
        return FALSE;
    for (i = 0; i < sizeof(Majors); i++) {
        Saved[Majors[i]] = TestDriver->MajorFunction[Majors[i]];
        TestDriver->MajorFunction[Majors[i]] = Dispatch;
    }
    Device->Flags |= DO_BUFFERED_IO;
    Device->AlignmentRequirement = FILE_QUAD_ALIGNMENT;
    Device->Flags &= ~DO_DEVICE_INITIALIZING;
    return TRUE;
}

VOID FilesEnd(VOID)
{
    ULONG i;

    for (i = 0; i < sizeof(Majors); i++)
        TestDriver->MajorFunction[Majors[i]] = Saved[Majors[i]];
    IoDeleteDevice(Device);
}

/* ---- opening --------------------------------------------------------------------------------- */

typedef struct _OPENING {
    PCWSTR Name; /* NULL: none */
    ACCESS_MASK Access;
    ULONG Disposition;
    ULONG Options;
    NTSTATUS Status;
    PCSTR Says;
} OPENING;

static NTSTATUS Open(const OPENING *Opening, PHANDLE Handle, PIO_STATUS_BLOCK Block)
{
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING name;

    NameAttributes(&attributes, &name, Opening->Name);
    if (Opening->Name == NULL)
        attributes.ObjectName = NULL;
    *Handle = NULL;
    return ZwCreateFile(Handle, Opening->Access, &attributes, Block, NULL, FILE_ATTRIBUTE_HIDDEN,
                        FILE_SHARE_READ, Opening->Disposition, Opening->Options, NULL, 0);
}

NTSTATUS FileOpen(PHANDLE Handle, ULONG Options)
{
    OPENING opening = {DEVICE_NAME, ACCESS, FILE_OPEN, Options, 0, NULL};
    IO_STATUS_BLOCK block;

    return Open(&opening, Handle, &block);
}

static VOID CheckRefused(VOID)
{
    static const OPENING openings[] = {
        {L"\\Device\\objects-none", ACCESS, FILE_OPEN, SYNCHRONOUS, STATUS_OBJECT_NAME_NOT_FOUND,
         "G-ZW-1 ZwCreateFile does not find a device that there is not"},
        {L"objects-file", ACCESS, FILE_OPEN, SYNCHRONOUS, STATUS_OBJECT_PATH_SYNTAX_BAD,
         "G-ZW-1 nor a name that does not begin at the root"},
        {NULL, ACCESS, FILE_OPEN, SYNCHRONOUS, STATUS_OBJECT_PATH_SYNTAX_BAD,
         "G-ZW-1 nor something without a name"},
        {DEVICE_NAME L"\\more", ACCESS, FILE_OPEN, SYNCHRONOUS, STATUS_SHARING_VIOLATION,
         "G-ZW-1 what the driver refuses it with is its status"},
        {DEVICE_NAME, ACCESS, FILE_MAXIMUM_DISPOSITION + 1, SYNCHRONOUS, STATUS_INVALID_PARAMETER,
         "G-ZW-1 an unknown disposition is invalid"},
        {DEVICE_NAME, ACCESS, FILE_OPEN, FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT,
         STATUS_INVALID_PARAMETER, "G-ZW-1 both forms of synchronous I/O at once are invalid"},
        {DEVICE_NAME, GENERIC_READ, FILE_OPEN, SYNCHRONOUS, STATUS_INVALID_PARAMETER,
         "G-ZW-1 synchronous I/O without SYNCHRONIZE is invalid"},
        {DEVICE_NAME, ACCESS, FILE_OPEN, FILE_DIRECTORY_FILE | FILE_NON_DIRECTORY_FILE,
         STATUS_INVALID_PARAMETER, "G-ZW-1 a directory that is none is invalid"},
        {DEVICE_NAME, ACCESS, FILE_OPEN, FILE_DELETE_ON_CLOSE, STATUS_INVALID_PARAMETER,
         "G-ZW-1 deletion at close without DELETE is invalid"},
        {DEVICE_NAME, ACCESS, FILE_OVERWRITE_IF, FILE_DIRECTORY_FILE, STATUS_INVALID_PARAMETER,
         "G-ZW-1 a directory is not overwritten"},
        {DEVICE_NAME, FILE_APPEND_DATA, FILE_OPEN, FILE_NO_INTERMEDIATE_BUFFERING,
         STATUS_INVALID_PARAMETER, "G-ZW-1 appending without buffers is invalid"},
    };
    IO_STATUS_BLOCK block;
    HANDLE file;
    ULONG i;

    for (i = 0; i < sizeof(openings) / sizeof(openings[0]); i++) {
        ExpectStatus(Open(&openings[i], &file, &block), openings[i].Status, openings[i].Says);
        if (file != NULL)
            ZwClose(file);
    }
}

static VOID CheckOpening(VOID)
{
    OPENING opening = {DEVICE_NAME, ACCESS, FILE_OPEN_IF, SYNCHRONOUS, 0, NULL};
    LONG closes = FileCloses;
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING name;
    IO_STATUS_BLOCK block;
    HANDLE file;

    ExpectStatus(Open(&opening, &file, &block), STATUS_SUCCESS,
                 "G-ZW-1 ZwCreateFile opens a device");
    Expect(block.Status == STATUS_SUCCESS && block.Information == FILE_OPENED,
           "G-ZW-1 with the result that the driver gave");
    ExpectEqual(Seen.Options, (FILE_OPEN_IF << 24) | SYNCHRONOUS,
                "G-ZW-1 the driver sees disposition and options");
    Expect(Seen.Share == FILE_SHARE_READ && Seen.Attributes == FILE_ATTRIBUTE_HIDDEN &&
               Seen.Access == ACCESS,
           "G-ZW-1 sharing, attributes and access");
    Expect(Seen.Remaining == ACCESS && Seen.Subject,
           "G-ZW-1 and who asks for which access: AccessState");
    ExpectEqual(Seen.FileFlags & (FO_SYNCHRONOUS_IO | FO_ALERTABLE_IO), FO_SYNCHRONOUS_IO,
                "G-ZW-1 and a file for synchronous I/O");
    Seen.Cleanups = 0;
    ExpectStatus(ZwClose(file), STATUS_SUCCESS, "G-ZW-3 ZwClose closes it");
    Expect(Seen.Cleanups == 1 && FileCloses == closes + 1,
           "G-ZW-3 which sends IRP_MJ_CLEANUP and IRP_MJ_CLOSE once");
    ExpectStatus(ZwClose(file), STATUS_INVALID_HANDLE, "G-ZW-3 and leaves no handle");
    NameAttributes(&attributes, &name, DEVICE_NAME);
    ExpectStatus(ZwOpenFile(&file, ACCESS, &attributes, &block, 0, FILE_SYNCHRONOUS_IO_ALERT),
                 STATUS_SUCCESS, "G-ZW-2 ZwOpenFile opens it too");
    Expect(Seen.Options == ((FILE_OPEN << 24) | FILE_SYNCHRONOUS_IO_ALERT) && Seen.Share == 0 &&
               (Seen.FileFlags & FO_ALERTABLE_IO) != 0,
           "G-ZW-2 as what exists");
    ZwClose(file);
    NameAttributes(&attributes, &name, L"\\Device\\objects-none");
    ExpectStatus(ZwOpenFile(&file, ACCESS, &attributes, &block, 0, 0), STATUS_OBJECT_NAME_NOT_FOUND,
                 "G-ZW-2 if it exists");
}

/* ---- reading and writing --------------------------------------------------------------------- */

static LARGE_INTEGER At(LONGLONG Offset)
{
    LARGE_INTEGER at;

    at.QuadPart = Offset;
    return at;
}

static VOID CheckReading(HANDLE File)
{
    LARGE_INTEGER at = At(10), position = At(0);
    IO_STATUS_BLOCK block;
    UCHAR bytes[64];

    position.LowPart = FILE_USE_FILE_POINTER_POSITION;
    position.HighPart = -1;
    ExpectStatus(ZwReadFile(File, NULL, NULL, NULL, &block, bytes, 16, &at, NULL), STATUS_SUCCESS,
                 "G-ZW-4 ZwReadFile reads");
    Expect(block.Information == 16 && bytes[0] == 10 && bytes[15] == 25 && Seen.Offset == 10,
           "G-ZW-4 so much, from the offset given");
    ZwReadFile(File, NULL, NULL, NULL, &block, bytes, 16, NULL, NULL);
    ExpectEqual((ULONG64)Seen.Offset, 26,
                "G-ZW-4 without an offset it goes on where the last one ended");
    ZwReadFile(File, NULL, NULL, NULL, &block, bytes, 16, &position, NULL);
    ExpectEqual((ULONG64)Seen.Offset, 42, "G-ZW-4 and with FILE_USE_FILE_POINTER_POSITION");
    at = At(FILE_END - 4);
    ExpectStatus(ZwReadFile(File, NULL, NULL, NULL, &block, bytes, 16, &at, NULL), STATUS_SUCCESS,
                 "G-ZW-4 less than asked for is no error");
    ExpectEqual(block.Information, 4, "G-ZW-4 and is told");
    ExpectStatus(ZwReadFile(File, NULL, NULL, NULL, &block, bytes, 16, NULL, NULL),
                 STATUS_END_OF_FILE, "G-ZW-4 an error of the driver is the result");
    ExpectStatus(block.Status, STATUS_END_OF_FILE, "G-ZW-4 and the status block's");
    ExpectEqual(block.Information, 0, "G-ZW-4 of no bytes");
}

static VOID CheckWriting(HANDLE File)
{
    LARGE_INTEGER at = At(100), end;
    IO_STATUS_BLOCK block;
    UCHAR bytes[8] = {0};

    end.LowPart = FILE_WRITE_TO_END_OF_FILE;
    end.HighPart = -1;
    ExpectStatus(ZwWriteFile(File, NULL, NULL, NULL, &block, bytes, 8, &at, NULL), STATUS_SUCCESS,
                 "G-ZW-5 ZwWriteFile writes");
    Expect(Seen.Offset == 100 && Seen.Length == 8 && block.Information == 8,
           "G-ZW-5 so much, at the offset given");
    ZwWriteFile(File, NULL, NULL, NULL, &block, bytes, 5, NULL, NULL);
    ExpectEqual((ULONG64)Seen.Offset, 108,
                "G-ZW-5 without an offset it goes on where the last one ended");
    ExpectStatus(ZwWriteFile(File, NULL, NULL, NULL, &block, bytes, 5, &end, NULL), STATUS_SUCCESS,
                 "G-ZW-5 FILE_WRITE_TO_END_OF_FILE is an offset");
    ExpectEqual((ULONG64)Seen.Offset, (ULONG64)-1, "G-ZW-5 which the driver sees");
}

static VOID CheckRefusedTransfers(HANDLE File)
{
    LARGE_INTEGER at = At(0), negative = At(-5);
    HANDLE key = OpenKey(), unsynchronous = NULL;
    IO_STATUS_BLOCK block;
    UCHAR bytes[8];

    ExpectStatus(ZwReadFile(NO_HANDLE, NULL, NULL, NULL, &block, bytes, 8, &at, NULL),
                 STATUS_INVALID_HANDLE, "G-ZW-4 ZwReadFile refuses a handle that there is not");
    ExpectStatus(ZwWriteFile(NO_HANDLE, NULL, NULL, NULL, &block, bytes, 8, &at, NULL),
                 STATUS_INVALID_HANDLE, "G-ZW-5 and so does ZwWriteFile");
    ExpectStatus(ZwReadFile(key, NULL, NULL, NULL, &block, bytes, 8, &at, NULL),
                 STATUS_OBJECT_TYPE_MISMATCH, "G-ZW-4 or one of something else");
    ExpectStatus(ZwReadFile(File, key, NULL, NULL, &block, bytes, 8, &at, NULL),
                 STATUS_OBJECT_TYPE_MISMATCH, "G-ZW-4 an event that is none");
    ExpectStatus(ZwReadFile(File, NULL, NULL, NULL, &block, bytes, 8, &negative, NULL),
                 STATUS_INVALID_PARAMETER, "G-ZW-4 and a negative offset");
    ExpectStatus(FileOpen(&unsynchronous, 0), STATUS_SUCCESS, "a file need not be synchronous");
    ExpectStatus(ZwReadFile(unsynchronous, NULL, NULL, NULL, &block, bytes, 8, NULL, NULL),
                 STATUS_INVALID_PARAMETER, "G-ZW-4 then a read needs an offset");
    ExpectStatus(ZwWriteFile(unsynchronous, NULL, NULL, NULL, &block, bytes, 8, NULL, NULL),
                 STATUS_INVALID_PARAMETER, "G-ZW-5 and so does a write");
    ZwClose(unsynchronous);
    ZwClose(key);
}

static VOID CheckSignals(HANDLE File)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\BaseNamedObjects\\ObjectsTestEvent");
    LARGE_INTEGER at = At(0), now = At(0);
    IO_STATUS_BLOCK block;
    HANDLE event = NULL;
    PKEVENT object = IoCreateNotificationEvent(&name, &event);
    UCHAR bytes[8];

    if (object == NULL) {
        Expect(FALSE, "G-ZW-4 an event with a handle can be made");
        return;
    }
    KeClearEvent(object);
    ExpectStatus(ZwReadFile(File, event, NULL, NULL, &block, bytes, 8, &at, NULL), STATUS_SUCCESS,
                 "G-ZW-4 a read may have an event");
    Expect(KeReadStateEvent(object) != 0, "G-ZW-4 which its end signals");
    ZwReadFile(File, NULL, NULL, NULL, &block, bytes, 8, &at, NULL);
    ExpectStatus(ZwWaitForSingleObject(File, FALSE, &now), STATUS_SUCCESS,
                 "G-ZW-4 without one it signals the file");
    ZwClose(event);
}

/* ---- information ----------------------------------------------------------------------------- */

static VOID CheckInformation(HANDLE File)
{
    FILE_POSITION_INFORMATION position = {{{0}}};
    FILE_ALIGNMENT_INFORMATION alignment = {0};
    FILE_STANDARD_INFORMATION standard;
    FILE_BASIC_INFORMATION basic;
    LARGE_INTEGER at = At(50);
    IO_STATUS_BLOCK block;
    UCHAR bytes[8];

    ZwReadFile(File, NULL, NULL, NULL, &block, bytes, 8, &at, NULL);
    ExpectStatus(
        ZwQueryInformationFile(File, &block, &position, sizeof(position), FilePositionInformation),
        STATUS_SUCCESS, "G-ZW-6 ZwQueryInformationFile tells the position");
    Expect(position.CurrentByteOffset.QuadPart == 58 && block.Information == sizeof(position),
           "G-ZW-6 behind what was read");
    ZwQueryInformationFile(File, &block, &alignment, sizeof(alignment), FileAlignmentInformation);
    ExpectEqual(alignment.AlignmentRequirement, FILE_QUAD_ALIGNMENT,
                "G-ZW-6 the device's alignment");
    ExpectStatus(
        ZwQueryInformationFile(File, &block, &standard, sizeof(standard), FileStandardInformation),
        STATUS_SUCCESS, "G-ZW-6 and, by IRP_MJ_QUERY_INFORMATION, what the driver knows");
    Expect(standard.EndOfFile.QuadPart == FILE_END && Seen.QueryLength == sizeof(standard) &&
               block.Information == sizeof(standard),
           "G-ZW-6 as the driver gave it");
    ExpectStatus(ZwQueryInformationFile(File, &block, &basic, sizeof(basic), FileBasicInformation),
                 STATUS_INVALID_DEVICE_REQUEST,
                 "G-ZW-6 what the driver does not know is its error");
    ExpectStatus(ZwQueryInformationFile(File, &block, &position, sizeof(position) - 1,
                                        FilePositionInformation),
                 STATUS_INFO_LENGTH_MISMATCH, "G-ZW-6 a buffer that is too small is refused");
    ExpectStatus(ZwQueryInformationFile(File, &block, &standard, sizeof(standard) - 1,
                                        FileStandardInformation),
                 STATUS_INFO_LENGTH_MISMATCH, "G-ZW-6 before the driver is asked");
    ExpectStatus(
        ZwQueryInformationFile(File, &block, &basic, sizeof(basic), (FILE_INFORMATION_CLASS)0x1000),
        STATUS_INVALID_INFO_CLASS, "G-ZW-6 so is an unknown class");
    ExpectStatus(ZwQueryInformationFile(NO_HANDLE, &block, &position, sizeof(position),
                                        FilePositionInformation),
                 STATUS_INVALID_HANDLE, "G-ZW-6 and a handle that there is not");
}

VOID CheckFiles(VOID)
{
    HANDLE file;

    CheckRefused();
    CheckOpening();
    if (!NT_SUCCESS(FileOpen(&file, SYNCHRONOUS))) {
        Expect(FALSE, "the device can be opened");
        return;
    }
    CheckReading(file);
    CheckWriting(file);
    CheckRefusedTransfers(file);
    CheckSignals(file);
    CheckInformation(file);
    ZwClose(file);
}
