/*
 * io/file_set_zw.c - ZwSetInformationFile: what the I/O manager keeps of a file, and what its
 * driver does, which is told by IRP_MJ_SET_INFORMATION.
 *
 * There is no file system, so nothing can be linked or get another name, and there are no
 * completion ports: those classes are unknown. Rights are not checked: the caller is the kernel.
 */
#include <lib/assert.h>
#include <lib/bits.h>
#include <lib/export.h>
#include <nt/wdm.h>

#include "io/file.h"
#include "io/object_types.h"

/* How much an information class has at least; 0: it cannot be set here. */
static ULONG settable_size(FILE_INFORMATION_CLASS class)
{
    static const ULONG sizes[] = {
        [FileBasicInformation] = sizeof(FILE_BASIC_INFORMATION),
        [FileDispositionInformation] = sizeof(FILE_DISPOSITION_INFORMATION),
        [FilePositionInformation] = sizeof(FILE_POSITION_INFORMATION),
        [FileEndOfFileInformation] = sizeof(FILE_END_OF_FILE_INFORMATION),
        [FileValidDataLengthInformation] = sizeof(FILE_VALID_DATA_LENGTH_INFORMATION),
        [FileIoPriorityHintInformation] = sizeof(FILE_IO_PRIORITY_HINT_INFORMATION),
        [FileDispositionInformationEx] = sizeof(FILE_DISPOSITION_INFORMATION_EX),
    };

    return (ULONG) class < ARRAY_COUNT(sizes) ? sizes[class] : 0;
}

/* Without buffering it is where a sector begins. WDK: ZwCreateFile */
static NTSTATUS position_set(PFILE_OBJECT file, LONGLONG offset)
{
    ULONG sector = file->DeviceObject->SectorSize;

    if (offset < 0)
        return STATUS_INVALID_PARAMETER;
    if ((file->Flags & FO_NO_INTERMEDIATE_BUFFERING) != 0 && sector != 0 && offset % sector != 0)
        return STATUS_INVALID_PARAMETER;
    file->CurrentByteOffset.QuadPart = offset;
    return STATUS_SUCCESS;
}

/* WDK: ZwSetInformationFile: the structure is aligned to 8 bytes */
static NTSTATUS priority_set(PFILE_OBJECT file, PFILE_IO_PRIORITY_HINT_INFORMATION information)
{
    if ((uintptr_t)information % 8 != 0)
        return STATUS_DATATYPE_MISALIGNMENT;
    if ((ULONG)information->PriorityHint >= MaxIoPriorityTypes)
        return STATUS_INVALID_PARAMETER;
    *io_file_priority_hint(file) = information->PriorityHint;
    return STATUS_SUCCESS;
}

static NTSTATUS information_set(PFILE_OBJECT file, FILE_INFORMATION_CLASS class, PVOID information,
                                ULONG length, uint32_t *done)
{
    NTSTATUS status;

    if (class == FilePositionInformation)
        return position_set(file,
                            ((PFILE_POSITION_INFORMATION)information)->CurrentByteOffset.QuadPart);
    if (class == FileIoPriorityHintInformation)
        return priority_set(file, information);
    status = io_file_set(file, class, information, length, done);
    if (NT_SUCCESS(status) && class == FileDispositionInformation)
        file->DeletePending = ((PFILE_DISPOSITION_INFORMATION)information)->DeleteFile != FALSE;
    return status;
}

/* WDK surface */

/*
 * PASSIVE_LEVEL. STATUS_INVALID_INFO_CLASS, STATUS_INFO_LENGTH_MISMATCH: too small;
 * STATUS_INVALID_HANDLE, STATUS_OBJECT_TYPE_MISMATCH; STATUS_INVALID_PARAMETER: no position; else
 * the driver's. WDK: ZwSetInformationFile
 */
NTSTATUS NTAPI ZwSetInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
                                    PVOID FileInformation, ULONG Length,
                                    FILE_INFORMATION_CLASS FileInformationClass)
{
    ULONG size = settable_size(FileInformationClass);
    PFILE_OBJECT file;
    NTSTATUS status;
    uint32_t done = 0;

    ASSERT_IRQL(PASSIVE_LEVEL);
    if (size == 0)
        return STATUS_INVALID_INFO_CLASS;
    if (Length < size)
        return STATUS_INFO_LENGTH_MISMATCH;
    status = ob_handle_reference(FileHandle, &io_file_type, (void **)&file);
    if (!NT_SUCCESS(status))
        return status;
    io_file_lock(file);
    status = information_set(file, FileInformationClass, FileInformation, Length, &done);
    io_file_tell(file, NULL, IoStatusBlock, status, done);
    io_file_unlock(file);
    ob_dereference(file);
    return status;
}
LDR_EXPORT(ZwSetInformationFile);
