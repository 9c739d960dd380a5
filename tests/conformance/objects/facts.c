/*
 * facts.c - what ZwQueryInformationFile tells of a file that the I/O manager knows, and a name of
 * which the driver tells as much as fits.
 */
#include "objects.h"

#define UNITS (sizeof(FILE_NAME) - sizeof(WCHAR))

/* Some are of ntifs.h, which goes with no other header. */
enum { ClassAccess = 8, ClassMode = 16, ClassPriorityHint = 43, ClassIsRemote = 51 };

static NTSTATUS Ask(HANDLE File, ULONG Class, PVOID Buffer, ULONG Length, PULONG_PTR Written)
{
    IO_STATUS_BLOCK block = {{0}, 77};
    NTSTATUS status =
        ZwQueryInformationFile(File, &block, Buffer, Length, (FILE_INFORMATION_CLASS)Class);

    *Written = block.Information;
    return status;
}

static VOID CheckModes(VOID)
{
    static const ULONG modes[] = {0, FILE_SYNCHRONOUS_IO_NONALERT,
                                  FILE_SYNCHRONOUS_IO_ALERT | FILE_SEQUENTIAL_ONLY,
                                  FILE_WRITE_THROUGH};
    ULONG i, mode, right = 0;
    ULONG_PTR written;
    HANDLE file;

    for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (!NT_SUCCESS(FileOpen(&file, modes[i])))
            continue;
        right += Ask(file, ClassMode, &mode, sizeof(mode), &written) == STATUS_SUCCESS &&
                 mode == modes[i] && written == sizeof(mode);
        ZwClose(file);
    }
    ExpectEqual(right, i, "G-ZW-6 ZwQueryInformationFile tells the mode that a file is opened in");
}

static VOID CheckName(HANDLE File)
{
    union {
        TEST_FILE_NAME Name;
        UCHAR Bytes[64];
    } buffer;
    ULONG_PTR written;

    ExpectStatus(Ask(File, FileNameInformation, &buffer, sizeof(buffer), &written), STATUS_SUCCESS,
                 "G-ZW-6 ZwQueryInformationFile tells the name that the driver gives");
    Expect(buffer.Name.Length == UNITS && written == 4 + UNITS &&
               RtlCompareMemory(buffer.Name.Name, FILE_NAME, UNITS) == UNITS,
           "G-ZW-6 all of it");
    RtlFillMemory(&buffer, sizeof(buffer), 0xEE);
    ExpectStatus(Ask(File, FileNameInformation, &buffer, 4 + 8, &written), STATUS_BUFFER_OVERFLOW,
                 "G-ZW-6 and of one that does not fit");
    Expect(buffer.Name.Length == UNITS && written == 4 + 8 && buffer.Name.Name[3] == FILE_NAME[3] &&
               buffer.Bytes[4 + 8] == 0xEE,
           "G-ZW-6 as much as fits, and how long it is");
}

/* Of some the I/O manager knows what there is, of some the driver. */
static VOID CheckAll(HANDLE File)
{
    union {
        TEST_FILE_ALL All;
        UCHAR Bytes[sizeof(TEST_FILE_ALL) + UNITS];
    } buffer;
    LARGE_INTEGER at;
    IO_STATUS_BLOCK block;
    ULONG_PTR written;
    UCHAR bytes[16];

    at.QuadPart = 20;
    ZwReadFile(File, NULL, NULL, NULL, &block, bytes, sizeof(bytes), &at, NULL);
    RtlFillMemory(&buffer, sizeof(buffer), 0xEE);
    ExpectStatus(Ask(File, TEST_FILE_ALL_CLASS, &buffer, sizeof(buffer), &written), STATUS_SUCCESS,
                 "G-ZW-6 ZwQueryInformationFile tells all of a file at once");
    Expect(buffer.All.Access == (FILE_GENERIC_READ | FILE_GENERIC_WRITE) &&
               buffer.All.Position.QuadPart == 36 &&
               buffer.All.Mode == FILE_SYNCHRONOUS_IO_NONALERT &&
               buffer.All.Alignment == FILE_QUAD_ALIGNMENT,
           "G-ZW-6 with rights, position, mode and alignment");
    Expect(buffer.All.Standard.EndOfFile.QuadPart != 0 && buffer.All.Name.Length == UNITS &&
               written == FIELD_OFFSET(TEST_FILE_ALL, Name.Name) + UNITS &&
               RtlCompareMemory(buffer.All.Name.Name, FILE_NAME, UNITS) == UNITS,
           "G-ZW-6 beside what the driver knows");
    ExpectStatus(Ask(File, TEST_FILE_ALL_CLASS, &buffer, sizeof(TEST_FILE_ALL) - 1, &written),
                 STATUS_INFO_LENGTH_MISMATCH, "G-ZW-6 it must have room for a name's beginning");
}

VOID CheckFileFacts(VOID)
{
    ACCESS_MASK access = 0;
    BOOLEAN remote = 99;
    ULONG hint = 99;
    ULONG_PTR written;
    HANDLE file;

    CheckModes();
    if (!NT_SUCCESS(FileOpen(&file, FILE_SYNCHRONOUS_IO_NONALERT))) {
        Expect(FALSE, "a file can be opened");
        return;
    }
    ExpectStatus(Ask(file, ClassAccess, &access, sizeof(access), &written), STATUS_SUCCESS,
                 "G-ZW-6 ZwQueryInformationFile tells the rights");
    ExpectEqual(access, FILE_GENERIC_READ | FILE_GENERIC_WRITE,
                "G-ZW-6 which the handle was opened for");
    Expect(Ask(file, ClassIsRemote, &remote, sizeof(remote), &written) == STATUS_SUCCESS &&
               remote == FALSE && written == sizeof(remote),
           "G-ZW-6 and that its device is no remote one");
    Expect(Ask(file, ClassPriorityHint, &hint, sizeof(hint), &written) == STATUS_SUCCESS &&
               hint == IoPriorityNormal && written == sizeof(hint),
           "G-ZW-6 and that it is as important as any");
    CheckName(file);
    CheckAll(file);
    ExpectStatus(Ask(NtCurrentThread(), ClassAccess, &access, sizeof(access), &written),
                 STATUS_OBJECT_TYPE_MISMATCH, "G-ZW-6 it refuses a file that is none");
    ZwClose(file);
}
