/*
 * share.c - IoCheckShareAccess and its kin: which opens go together.
 */
#include "services.h"

#define ALL_SHARED (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

static BOOLEAN CountsAre(const SHARE_ACCESS *Counts, ULONG Opens, ULONG Readers, ULONG Writers,
                         ULONG SharedRead, ULONG SharedWrite)
{
    return Counts->OpenCount == Opens && Counts->Readers == Readers && Counts->Writers == Writers &&
           Counts->Deleters == 0 && Counts->SharedRead == SharedRead &&
           Counts->SharedWrite == SharedWrite && Counts->SharedDelete == 0;
}

/* Each combination of what may be shared, for one who has all access. */
static VOID CheckSetShare(VOID)
{
    static FILE_OBJECT file;
    BOOLEAN right = TRUE;
    SHARE_ACCESS counts;
    ULONG shared;

    for (shared = 0; shared <= ALL_SHARED; shared++) {
        BOOLEAN read = (shared & FILE_SHARE_READ) != 0, write = (shared & FILE_SHARE_WRITE) != 0,
                delete = (shared & FILE_SHARE_DELETE) != 0;

        RtlZeroMemory(&file, sizeof(file));
        IoSetShareAccess(FILE_READ_DATA | FILE_WRITE_DATA | DELETE, shared, &file, &counts);
        right = right && file.SharedRead == read && file.SharedWrite == write &&
                file.SharedDelete == delete &&file.ReadAccess && file.WriteAccess &&
                file.DeleteAccess && counts.OpenCount == 1 && counts.Readers == 1 &&
                counts.Writers == 1 && counts.Deleters == 1 && counts.SharedRead == read &&
                counts.SharedWrite == write && counts.SharedDelete == delete;
    }
    Expect(right, "IoSetShareAccess takes any combination of what is shared, or none");
}

VOID CheckShares(VOID)
{
    static FILE_OBJECT first, second, third;
    SHARE_ACCESS counts;

    RtlFillMemory(&counts, sizeof(counts), 0xFF);
    IoSetShareAccess(FILE_READ_DATA, FILE_SHARE_READ, &first, &counts);
    Expect(CountsAre(&counts, 1, 1, 0, 1, 0), "IoSetShareAccess begins the counts");
    Expect(first.ReadAccess && !first.WriteAccess && !first.DeleteAccess && first.SharedRead &&
               !first.SharedWrite && !first.SharedDelete,
           "IoSetShareAccess notes them in the file");
    ExpectStatus(IoCheckShareAccess(FILE_WRITE_DATA, ALL_SHARED, &second, &counts, TRUE),
                 STATUS_SHARING_VIOLATION, "IoCheckShareAccess: writing is not shared");
    ExpectStatus(IoCheckShareAccess(DELETE, ALL_SHARED, &second, &counts, TRUE),
                 STATUS_SHARING_VIOLATION, "IoCheckShareAccess: nor is deleting");
    ExpectStatus(IoCheckShareAccess(FILE_READ_DATA, FILE_SHARE_WRITE, &second, &counts, TRUE),
                 STATUS_SHARING_VIOLATION, "IoCheckShareAccess: readers are there already");
    Expect(CountsAre(&counts, 1, 1, 0, 1, 0), "IoCheckShareAccess counts nothing that it refuses");
    ExpectStatus(IoCheckShareAccess(SYNCHRONIZE, 0, &third, &counts, TRUE), STATUS_SUCCESS,
                 "IoCheckShareAccess: what neither reads, writes nor deletes is in nobody's way");
    Expect(CountsAre(&counts, 1, 1, 0, 1, 0), "IoCheckShareAccess: and is not counted");
    ExpectStatus(IoCheckShareAccess(FILE_EXECUTE, FILE_SHARE_READ | FILE_SHARE_WRITE, &second,
                                    &counts, FALSE),
                 STATUS_SUCCESS, "IoCheckShareAccess: to execute is to read");
    Expect(CountsAre(&counts, 1, 1, 0, 1, 0), "IoCheckShareAccess counts only when told to");
    IoUpdateShareAccess(&second, &counts);
    Expect(CountsAre(&counts, 2, 2, 0, 2, 1), "IoUpdateShareAccess counts");
    IoRemoveShareAccess(&third, &counts);
    IoRemoveShareAccess(&first, &counts);
    Expect(CountsAre(&counts, 1, 1, 0, 1, 1), "IoRemoveShareAccess counts back");
    ExpectStatus(IoCheckShareAccess(FILE_APPEND_DATA, FILE_SHARE_READ, &first, &counts, TRUE),
                 STATUS_SUCCESS, "IoCheckShareAccess: all who are left share writing");
    Expect(CountsAre(&counts, 2, 1, 1, 2, 1), "IoCheckShareAccess counts what it allows");
    IoRemoveShareAccess(&second, &counts);
    IoRemoveShareAccess(&first, &counts);
    Expect(CountsAre(&counts, 0, 0, 0, 0, 0), "IoRemoveShareAccess: none is left");
    CheckSetShare();
}
