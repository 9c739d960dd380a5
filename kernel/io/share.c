/*
 * io/share.c - share access: which opens of one thing go together. A driver keeps the counts and
 * calls these one at a time (WDK "IoCheckShareAccess").
 */
#include <lib/export.h>
#include <nt/wdm.h>
#include <stdbool.h>

#define READS (FILE_EXECUTE | FILE_READ_DATA)
#define WRITES (FILE_WRITE_DATA | FILE_APPEND_DATA)

/* Note in the file what it was opened for; opens that neither read, write nor delete share all. */
static void file_opened(PFILE_OBJECT file, ACCESS_MASK access, ULONG share)
{
    file->ReadAccess = (access & READS) != 0;
    file->WriteAccess = (access & WRITES) != 0;
    file->DeleteAccess = (access & DELETE) != 0;
    file->SharedRead = (share & FILE_SHARE_READ) != 0;
    file->SharedWrite = (share & FILE_SHARE_WRITE) != 0;
    file->SharedDelete = (share & FILE_SHARE_DELETE) != 0;
}

static bool file_is_counted(const FILE_OBJECT *file)
{
    return file->ReadAccess || file->WriteAccess || file->DeleteAccess;
}

/* Add the file to the counts `by` times: 1 or, as unsigned, -1. */
static void count_file(PSHARE_ACCESS counts, const FILE_OBJECT *file, ULONG by)
{
    if (!file_is_counted(file))
        return;
    counts->OpenCount += by;
    counts->Readers += file->ReadAccess * by;
    counts->Writers += file->WriteAccess * by;
    counts->Deleters += file->DeleteAccess * by;
    counts->SharedRead += file->SharedRead * by;
    counts->SharedWrite += file->SharedWrite * by;
    counts->SharedDelete += file->SharedDelete * by;
}

/* Whether an access that is wanted is not shared by all, or one that some have is not shared. */
static bool conflicts(BOOLEAN wanted, ULONG sharing, ULONG having, BOOLEAN shared, ULONG opens)
{
    return (wanted && sharing < opens) || (having != 0 && !shared);
}

/*
 * STATUS_SUCCESS, or STATUS_SHARING_VIOLATION, with which nothing is counted. The file's access is
 * set either way. IRQL PASSIVE_LEVEL.
 * WDK: IoCheckShareAccess
 */
NTSTATUS NTAPI IoCheckShareAccess(ACCESS_MASK DesiredAccess, ULONG DesiredShareAccess,
                                  PFILE_OBJECT FileObject, PSHARE_ACCESS ShareAccess,
                                  BOOLEAN Update)
{
    ULONG opens = ShareAccess->OpenCount;

    file_opened(FileObject, DesiredAccess, DesiredShareAccess);
    if (!file_is_counted(FileObject))
        return STATUS_SUCCESS;
    if (conflicts(FileObject->ReadAccess, ShareAccess->SharedRead, ShareAccess->Readers,
                  FileObject->SharedRead, opens) ||
        conflicts(FileObject->WriteAccess, ShareAccess->SharedWrite, ShareAccess->Writers,
                  FileObject->SharedWrite, opens) ||
        conflicts(FileObject->DeleteAccess, ShareAccess->SharedDelete, ShareAccess->Deleters,
                  FileObject->SharedDelete, opens))
        return STATUS_SHARING_VIOLATION;
    if (Update)
        count_file(ShareAccess, FileObject, 1);
    return STATUS_SUCCESS;
}
LDR_EXPORT(IoCheckShareAccess);

/*
 * The first open: the counts begin with it. IRQL PASSIVE_LEVEL.
 * WDK: IoSetShareAccess
 */
VOID NTAPI IoSetShareAccess(ACCESS_MASK DesiredAccess, ULONG DesiredShareAccess,
                            PFILE_OBJECT FileObject, PSHARE_ACCESS ShareAccess)
{
    file_opened(FileObject, DesiredAccess, DesiredShareAccess);
    *ShareAccess = (SHARE_ACCESS){0};
    count_file(ShareAccess, FileObject, 1);
}
LDR_EXPORT(IoSetShareAccess);

/*
 * After IoCheckShareAccess that did not count. IRQL PASSIVE_LEVEL.
 * WDK: IoUpdateShareAccess
 */
VOID NTAPI IoUpdateShareAccess(PFILE_OBJECT FileObject, PSHARE_ACCESS ShareAccess)
{
    count_file(ShareAccess, FileObject, 1);
}
LDR_EXPORT(IoUpdateShareAccess);

/*
 * The file is closed. IRQL PASSIVE_LEVEL.
 * WDK: IoRemoveShareAccess
 */
VOID NTAPI IoRemoveShareAccess(PFILE_OBJECT FileObject, PSHARE_ACCESS ShareAccess)
{
    count_file(ShareAccess, FileObject, 0U - 1);
}
LDR_EXPORT(IoRemoveShareAccess);
