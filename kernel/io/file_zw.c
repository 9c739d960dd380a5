/*
 * io/file_zw.c - files by handle: ZwCreateFile and its kin, for devices.
 *
 * There is no file system: a name resolves to a device or not at all. Every file is synchronous, so
 * an event or APC is signalled before the call returns.
 */
#include <lib/export.h>
#include <lib/string.h>

#include "io/alloc.h"
#include "io/file.h"
#include "io/object_types.h"

static NTSTATUS file_of(HANDLE handle, PFILE_OBJECT *file)
{
    return ob_handle_reference(handle, &io_file_type, (void **)file);
}

static NTSTATUS file_end(PFILE_OBJECT file, HANDLE event_handle, PIO_STATUS_BLOCK status_block,
                         NTSTATUS status, uint32_t done)
{
    PKEVENT event;

    status_block->Status = status;
    status_block->Information = done;
    if (event_handle != NULL &&
        NT_SUCCESS(ob_handle_reference(event_handle, &io_event_type, (void **)&event))) {
        KeSetEvent(event, IO_NO_INCREMENT, FALSE);
        ob_dereference(event);
    }
    ob_dereference(file);
    return status;
}

/* The offset asked for, or the file's own position, which then moves. */
static uint64_t file_offset(PFILE_OBJECT file, PLARGE_INTEGER offset)
{
    if (offset == NULL ||
        (offset->HighPart == -1 && offset->LowPart == FILE_USE_FILE_POINTER_POSITION))
        return (uint64_t)file->CurrentByteOffset.QuadPart;
    return (uint64_t)offset->QuadPart;
}

/* WDK surface */

NTSTATUS NTAPI ZwCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                            POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                            PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
                            ULONG CreateDisposition, ULONG CreateOptions, PVOID EaBuffer,
                            ULONG EaLength)
{
    PFILE_OBJECT file;
    NTSTATUS status;

    UNREFERENCED_PARAMETER(AllocationSize);
    UNREFERENCED_PARAMETER(FileAttributes);
    UNREFERENCED_PARAMETER(ShareAccess);
    UNREFERENCED_PARAMETER(CreateDisposition);
    UNREFERENCED_PARAMETER(CreateOptions);
    UNREFERENCED_PARAMETER(EaBuffer);
    UNREFERENCED_PARAMETER(EaLength);
    if (ObjectAttributes->ObjectName == NULL || ObjectAttributes->RootDirectory != NULL)
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    status = io_file_open_wide(ObjectAttributes->ObjectName, DesiredAccess, &file);
    if (NT_SUCCESS(status)) {
        status = ob_handle_create(file, FileHandle);
        if (NT_SUCCESS(status))
            ob_dereference(file);
        else
            io_file_close(file);
    }
    IoStatusBlock->Status = status;
    IoStatusBlock->Information = NT_SUCCESS(status) ? FILE_OPENED : FILE_DOES_NOT_EXIST;
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

NTSTATUS NTAPI ZwReadFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                          PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer,
                          ULONG Length, PLARGE_INTEGER ByteOffset, PULONG Key)
{
    PFILE_OBJECT file;
    NTSTATUS status = file_of(FileHandle, &file);
    uint64_t offset;
    uint32_t done;

    UNREFERENCED_PARAMETER(ApcContext);
    UNREFERENCED_PARAMETER(Key);
    if (!NT_SUCCESS(status))
        return status;
    if (ApcRoutine != NULL) {
        ob_dereference(file);
        return STATUS_NOT_SUPPORTED;
    }
    offset = file_offset(file, ByteOffset);
    status = io_file_read(file, offset, Buffer, Length, 0, &done);
    file->CurrentByteOffset.QuadPart = (LONGLONG)(offset + done);
    return file_end(file, Event, IoStatusBlock, status, done);
}
LDR_EXPORT(ZwReadFile);

NTSTATUS NTAPI ZwWriteFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                           PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer,
                           ULONG Length, PLARGE_INTEGER ByteOffset, PULONG Key)
{
    PFILE_OBJECT file;
    NTSTATUS status = file_of(FileHandle, &file);
    uint64_t offset;
    uint32_t done;

    UNREFERENCED_PARAMETER(ApcContext);
    UNREFERENCED_PARAMETER(Key);
    if (!NT_SUCCESS(status))
        return status;
    if (ApcRoutine != NULL) {
        ob_dereference(file);
        return STATUS_NOT_SUPPORTED;
    }
    offset = file_offset(file, ByteOffset);
    status = io_file_write(file, offset, Buffer, Length, 0, &done);
    file->CurrentByteOffset.QuadPart = (LONGLONG)(offset + done);
    return file_end(file, Event, IoStatusBlock, status, done);
}
LDR_EXPORT(ZwWriteFile);

NTSTATUS NTAPI ZwQueryInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
                                      PVOID FileInformation, ULONG Length,
                                      FILE_INFORMATION_CLASS FileInformationClass)
{
    PFILE_OBJECT file;
    NTSTATUS status = file_of(FileHandle, &file);
    uint32_t done = 0;

    if (!NT_SUCCESS(status))
        return status;
    status = STATUS_INVALID_INFO_CLASS;
    if (FileInformationClass == FilePositionInformation) {
        status = STATUS_INFO_LENGTH_MISMATCH;
        if (Length >= sizeof(FILE_POSITION_INFORMATION)) {
            ((PFILE_POSITION_INFORMATION)FileInformation)->CurrentByteOffset =
                file->CurrentByteOffset;
            done = sizeof(FILE_POSITION_INFORMATION);
            status = STATUS_SUCCESS;
        }
    } else if (FileInformationClass == FileAlignmentInformation) {
        status = STATUS_INFO_LENGTH_MISMATCH;
        if (Length >= sizeof(FILE_ALIGNMENT_INFORMATION)) {
            ((PFILE_ALIGNMENT_INFORMATION)FileInformation)->AlignmentRequirement =
                file->DeviceObject->AlignmentRequirement;
            done = sizeof(FILE_ALIGNMENT_INFORMATION);
            status = STATUS_SUCCESS;
        }
    }
    return file_end(file, NULL, IoStatusBlock, status, done);
}
LDR_EXPORT(ZwQueryInformationFile);
