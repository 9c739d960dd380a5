/*
 * io/file_zw.c - files by handle: ZwCreateFile and its kin, for devices.
 *
 * There is no file system: a name resolves to a device or not at all. A file that was opened for
 * synchronous I/O has one request at a time, which is waited for; the others' requests end when
 * they do. Rights are not checked: the caller is the kernel.
 */
#include <lib/assert.h>
#include <lib/bits.h>
#include <lib/export.h>
#include <lib/string.h>
#include <nt/ntifs.h>

#include "io/alloc.h"
#include "io/file.h"
#include "io/object_types.h"

#define SYNCHRONOUS_OPTIONS (FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT)
#define NO_DIRECTORY_OPTIONS                                                                       \
    (FILE_NON_DIRECTORY_FILE | FILE_SEQUENTIAL_ONLY | FILE_NO_INTERMEDIATE_BUFFERING |             \
     FILE_RANDOM_ACCESS)

static NTSTATUS file_of(HANDLE handle, PFILE_OBJECT *file)
{
    return ob_handle_reference(handle, &io_file_type, (void **)file);
}

static bool suits_directory(ULONG disposition, ULONG options)
{
    return (options & NO_DIRECTORY_OPTIONS) == 0 &&
           (disposition == FILE_CREATE || disposition == FILE_OPEN || disposition == FILE_OPEN_IF);
}

/* WDK: the remarks on CreateOptions and DesiredAccess */
static bool options_are_valid(ACCESS_MASK access, ULONG disposition, ULONG options)
{
    ULONG synchronous = options & SYNCHRONOUS_OPTIONS;

    return disposition <= FILE_MAXIMUM_DISPOSITION && synchronous != SYNCHRONOUS_OPTIONS &&
           (synchronous == 0 || (access & SYNCHRONIZE) != 0) &&
           ((options & FILE_DIRECTORY_FILE) == 0 || suits_directory(disposition, options)) &&
           ((options & FILE_NO_INTERMEDIATE_BUFFERING) == 0 || (access & FILE_APPEND_DATA) == 0) &&
           ((options & FILE_DELETE_ON_CLOSE) == 0 || (access & DELETE) != 0);
}

static bool file_is_synchronous(PFILE_OBJECT file)
{
    return (file->Flags & FO_SYNCHRONOUS_IO) != 0;
}

/* A request to be made: of which file, and how its end is told. */
struct file_call {
    PFILE_OBJECT file;
    PKEVENT event; /* the caller's; NULL: the file's own, for which a wait by handle waits */
    PIO_STATUS_BLOCK status_block;
    PKAPC apc;  /* or NULL */
    bool moves; /* the file's position, to behind what was transferred */
    uint64_t offset;
};

static void call_release(const struct file_call *call)
{
    if (call->event != NULL)
        ob_dereference(call->event);
    if (call->apc != NULL)
        io_file_apc_free(call->apc);
    ob_dereference(call->file);
}

static void call_abandon(const struct file_call *call)
{
    io_file_unlock(call->file);
    call_release(call);
}

/*
 * References to both; a synchronous file's other requests have ended, and what will be signalled is
 * not any more. Undone by call_abandon(), or by call_send().
 */
static NTSTATUS call_begin(struct file_call *call, HANDLE handle, HANDLE event_handle,
                           PIO_APC_ROUTINE routine, PVOID context)
{
    NTSTATUS status = file_of(handle, &call->file);

    ASSERT_IRQL(PASSIVE_LEVEL);
    if (!NT_SUCCESS(status))
        return status;
    call->event = NULL;
    call->apc = NULL;
    call->moves = false;
    if (event_handle != NULL)
        status = ob_handle_reference(event_handle, &io_event_type, (void **)&call->event);
    if (NT_SUCCESS(status) && routine != NULL) {
        call->apc = io_file_apc_make(routine, context);
        status = call->apc != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
    }
    if (!NT_SUCCESS(status)) {
        call_release(call);
        return status;
    }
    io_file_lock(call->file);
    KeClearEvent(call->event != NULL ? call->event : &call->file->Event);
    return STATUS_SUCCESS;
}

/* What has failed is told by the result of the call, not by the APC. */
static void call_tell(struct file_call *call, NTSTATUS status, uint32_t done)
{
    io_file_tell(call->file, call->event, call->status_block, status, done);
    if (call->apc != NULL && !NT_ERROR(status)) {
        io_file_apc_queue(call->apc, call->status_block, IO_NO_INCREMENT);
        call->apc = NULL;
    }
}

/* Sends what was built, NULL if it could not be, and waits for it if the file is synchronous. */
static NTSTATUS call_send(struct file_call *call, PIRP irp)
{
    NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;
    uint32_t done;

    if (irp != NULL && !file_is_synchronous(call->file))
        return io_file_send(irp, call->status_block, call->event, call->apc);
    if (irp != NULL) {
        status = io_file_wait_as_opened(irp, &done);
        if (call->moves)
            call->file->CurrentByteOffset.QuadPart = (LONGLONG)(call->offset + done);
        call_tell(call, status, done);
    }
    call_abandon(call);
    return status;
}

/*
 * The offset asked for, or the position of a synchronous file, which moves on. Others have none.
 * Where the end of a file is, only the driver knows.
 */
static bool call_offset(struct file_call *call, PLARGE_INTEGER given, bool write)
{
    bool position = given == NULL ||
                    (given->HighPart == -1 && given->LowPart == FILE_USE_FILE_POINTER_POSITION);
    bool end =
        !position && write && given->HighPart == -1 && given->LowPart == FILE_WRITE_TO_END_OF_FILE;

    if (position && !file_is_synchronous(call->file))
        return false;
    call->offset = (uint64_t)(position ? call->file->CurrentByteOffset : *given).QuadPart;
    call->moves = !end;
    return position || end || given->QuadPart >= 0;
}

/* ZwReadFile and ZwWriteFile, once they have begun */
static NTSTATUS call_transfer(struct file_call *call, UCHAR major, PVOID buffer, ULONG length,
                              PLARGE_INTEGER given)
{
    if (!call_offset(call, given, major == IRP_MJ_WRITE)) {
        call_abandon(call);
        return STATUS_INVALID_PARAMETER;
    }
    return call_send(call, io_file_build_transfer(call->file, major, call->offset, buffer, length));
}

/* How much room an information class needs at least; 0: it cannot be asked for here. */
static ULONG information_size(FILE_INFORMATION_CLASS class)
{
    static const ULONG sizes[] = {
        [FileBasicInformation] = sizeof(FILE_BASIC_INFORMATION),
        [FileStandardInformation] = sizeof(FILE_STANDARD_INFORMATION),
        [FileInternalInformation] = sizeof(FILE_INTERNAL_INFORMATION),
        [FileEaInformation] = sizeof(FILE_EA_INFORMATION),
        [FileAccessInformation] = sizeof(FILE_ACCESS_INFORMATION),
        [FileNameInformation] = sizeof(FILE_NAME_INFORMATION),
        [FilePositionInformation] = sizeof(FILE_POSITION_INFORMATION),
        [FileModeInformation] = sizeof(FILE_MODE_INFORMATION),
        [FileAlignmentInformation] = sizeof(FILE_ALIGNMENT_INFORMATION),
        [FileAllInformation] = sizeof(FILE_ALL_INFORMATION),
        [FileNetworkOpenInformation] = sizeof(FILE_NETWORK_OPEN_INFORMATION),
        [FileAttributeTagInformation] = sizeof(FILE_ATTRIBUTE_TAG_INFORMATION),
        [FileIoPriorityHintInformation] = sizeof(FILE_IO_PRIORITY_HINT_INFORMATION),
        [FileIsRemoteDeviceInformation] = sizeof(FILE_IS_REMOTE_DEVICE_INFORMATION),
    };

    return (ULONG) class < ARRAY_COUNT(sizes) ? sizes[class] : 0;
}

/* What the I/O manager knows of a file; false: the driver is to be asked. */
static bool file_tell(PFILE_OBJECT file, ACCESS_MASK granted, FILE_INFORMATION_CLASS class,
                      PVOID information)
{
    switch (class) {
    case FileAccessInformation:
        ((PFILE_ACCESS_INFORMATION)information)->AccessFlags = granted;
        return true;
    case FilePositionInformation:
        ((PFILE_POSITION_INFORMATION)information)->CurrentByteOffset = file->CurrentByteOffset;
        return true;
    case FileModeInformation:
        ((PFILE_MODE_INFORMATION)information)->Mode = io_file_mode(file);
        return true;
    case FileAlignmentInformation:
        ((PFILE_ALIGNMENT_INFORMATION)information)->AlignmentRequirement =
            file->DeviceObject->AlignmentRequirement;
        return true;
    case FileIoPriorityHintInformation:
        ((PFILE_IO_PRIORITY_HINT_INFORMATION)information)->PriorityHint =
            *io_file_priority_hint(file);
        return true;
    case FileIsRemoteDeviceInformation:
        ((PFILE_IS_REMOTE_DEVICE_INFORMATION)information)->IsRemote =
            (file->DeviceObject->Characteristics & FILE_REMOTE_DEVICE) != 0;
        return true;
    default:
        return false;
    }
}

/* The parts of FileAllInformation that the I/O manager knows; the driver is to fill in the rest. */
static void file_tell_parts(PFILE_OBJECT file, ACCESS_MASK granted, PFILE_ALL_INFORMATION all)
{
    memset(all, 0, sizeof(*all));
    file_tell(file, granted, FileAccessInformation, &all->AccessInformation);
    file_tell(file, granted, FilePositionInformation, &all->PositionInformation);
    file_tell(file, granted, FileModeInformation, &all->ModeInformation);
    file_tell(file, granted, FileAlignmentInformation, &all->AlignmentInformation);
}

/* The driver is asked. */
static NTSTATUS file_ask(PFILE_OBJECT file, ACCESS_MASK granted, FILE_INFORMATION_CLASS class,
                         PVOID information, ULONG length, uint32_t *done)
{
    ULONG told = 0;

    if (class == FileAllInformation) {
        file_tell_parts(file, granted, information);
        told = sizeof(FILE_ALL_INFORMATION);
    }
    return io_file_query(file, class, told, information, length, done);
}

/* WDK surface */

NTSTATUS NTAPI ZwCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                            POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                            PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
                            ULONG CreateDisposition, ULONG CreateOptions, PVOID EaBuffer,
                            ULONG EaLength)
{
    struct io_file_create create = {
        .access = DesiredAccess,
        .options = CreateDisposition << CREATE_DISPOSITION_SHIFT | CreateOptions,
        .attributes = (USHORT)FileAttributes,
        .share = (USHORT)ShareAccess,
    };
    PFILE_OBJECT file;
    NTSTATUS status;

    UNREFERENCED_PARAMETER(AllocationSize); /* these three are for file systems */
    UNREFERENCED_PARAMETER(EaBuffer);
    UNREFERENCED_PARAMETER(EaLength);
    if (!options_are_valid(DesiredAccess, CreateDisposition, CreateOptions))
        return STATUS_INVALID_PARAMETER;
    if (ObjectAttributes->ObjectName == NULL)
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    if (ObjectAttributes->RootDirectory != NULL) {
        status = file_of(ObjectAttributes->RootDirectory, &create.related);
        if (!NT_SUCCESS(status))
            return status;
    }
    status = io_file_create(ObjectAttributes->ObjectName, &create, &file);
    if (create.related != NULL)
        ob_dereference(create.related);
    if (NT_SUCCESS(status)) {
        status = ob_handle_create(file, DesiredAccess, FileHandle);
        if (NT_SUCCESS(status))
            ob_dereference(file);
        else
            io_file_close(file);
    }
    IoStatusBlock->Status = status;
    IoStatusBlock->Information = NT_SUCCESS(status) ? create.information : FILE_DOES_NOT_EXIST;
    return status;
}
LDR_EXPORT(ZwCreateFile);

NTSTATUS NTAPI ZwOpenFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                          POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                          ULONG ShareAccess, ULONG OpenOptions)
{
    return ZwCreateFile(FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock, NULL, 0,
                        ShareAccess, FILE_OPEN, OpenOptions, NULL, 0);
}
LDR_EXPORT(ZwOpenFile);

/* Pipes and mailslots do not exist here. IRQL = PASSIVE_LEVEL. WDK: IoCreateFile */
NTSTATUS NTAPI IoCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                            POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                            PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
                            ULONG Disposition, ULONG CreateOptions, PVOID EaBuffer, ULONG EaLength,
                            CREATE_FILE_TYPE CreateFileType, PVOID InternalParameters,
                            ULONG Options)
{
    UNREFERENCED_PARAMETER(InternalParameters);
    UNREFERENCED_PARAMETER(Options);
    if (CreateFileType != CreateFileTypeNone)
        return STATUS_INVALID_PARAMETER;
    return ZwCreateFile(FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock, AllocationSize,
                        FileAttributes, ShareAccess, Disposition, CreateOptions, EaBuffer,
                        EaLength);
}
LDR_EXPORT(IoCreateFile);

/*
 * IRQL = PASSIVE_LEVEL. STATUS_PENDING: the file is not synchronous, and the request goes on.
 * WDK: ZwDeviceIoControlFile
 */
NTSTATUS NTAPI ZwDeviceIoControlFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                                     PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock,
                                     ULONG IoControlCode, PVOID InputBuffer,
                                     ULONG InputBufferLength, PVOID OutputBuffer,
                                     ULONG OutputBufferLength)
{
    const struct io_file_buffers buffers = {InputBuffer, InputBufferLength, OutputBuffer,
                                            OutputBufferLength};
    struct file_call call = {.status_block = IoStatusBlock};
    NTSTATUS status = call_begin(&call, FileHandle, Event, ApcRoutine, ApcContext);

    if (!NT_SUCCESS(status))
        return status;
    return call_send(&call, io_file_build_control(call.file, IoControlCode, &buffers));
}
LDR_EXPORT(ZwDeviceIoControlFile);

NTSTATUS NTAPI ZwReadFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                          PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer,
                          ULONG Length, PLARGE_INTEGER ByteOffset, PULONG Key)
{
    struct file_call call = {.status_block = IoStatusBlock};
    NTSTATUS status = call_begin(&call, FileHandle, Event, ApcRoutine, ApcContext);

    UNREFERENCED_PARAMETER(Key);
    if (!NT_SUCCESS(status))
        return status;
    return call_transfer(&call, IRP_MJ_READ, Buffer, Length, ByteOffset);
}
LDR_EXPORT(ZwReadFile);

NTSTATUS NTAPI ZwWriteFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                           PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer,
                           ULONG Length, PLARGE_INTEGER ByteOffset, PULONG Key)
{
    struct file_call call = {.status_block = IoStatusBlock};
    NTSTATUS status = call_begin(&call, FileHandle, Event, ApcRoutine, ApcContext);

    UNREFERENCED_PARAMETER(Key);
    if (!NT_SUCCESS(status))
        return status;
    return call_transfer(&call, IRP_MJ_WRITE, Buffer, Length, ByteOffset);
}
LDR_EXPORT(ZwWriteFile);

/*
 * What the I/O manager knows it says; the rest the driver, asked by IRP_MJ_QUERY_INFORMATION.
 * STATUS_INVALID_INFO_CLASS, _INFO_LENGTH_MISMATCH, _INVALID_HANDLE. IRQL = PASSIVE_LEVEL.
 * WDK: ZwQueryInformationFile
 */
NTSTATUS NTAPI ZwQueryInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
                                      PVOID FileInformation, ULONG Length,
                                      FILE_INFORMATION_CLASS FileInformationClass)
{
    ULONG size = information_size(FileInformationClass);
    uint32_t done = size;
    ACCESS_MASK granted;
    PFILE_OBJECT file;
    NTSTATUS status;

    ASSERT_IRQL(PASSIVE_LEVEL);
    if (size == 0)
        return STATUS_INVALID_INFO_CLASS;
    if (Length < size)
        return STATUS_INFO_LENGTH_MISMATCH;
    status = ob_handle_look_up(FileHandle, &io_file_type, (void **)&file, &granted);
    if (!NT_SUCCESS(status))
        return status;
    if (!file_tell(file, granted, FileInformationClass, FileInformation))
        status = file_ask(file, granted, FileInformationClass, FileInformation, Length, &done);
    io_file_tell(file, NULL, IoStatusBlock, status, done);
    ob_dereference(file);
    return status;
}
LDR_EXPORT(ZwQueryInformationFile);
