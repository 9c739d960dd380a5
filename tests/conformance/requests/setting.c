/*
 * setting.c - ZwSetInformationFile, of the file's device in files.c.
 */
#include "requests.h"

/* The latest IRP_MJ_SET_INFORMATION. */
static struct {
    ULONG Count;
    ULONG Class;
    ULONG Length;
    UCHAR First; /* byte of what is set */
} Setting;

NTSTATUS FileNoteSetting(PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);

    Setting.Count++;
    Setting.Class = stack->Parameters.SetFile.FileInformationClass;
    Setting.Length = stack->Parameters.SetFile.Length;
    Setting.First = *(PUCHAR)Irp->AssociatedIrp.SystemBuffer;
    return Setting.Class == FileBasicInformation ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
}

static NTSTATUS Set(HANDLE File, ULONG Class, PVOID Information, ULONG Length)
{
    IO_STATUS_BLOCK block;
    NTSTATUS status =
        ZwSetInformationFile(File, &block, Information, Length, (FILE_INFORMATION_CLASS)Class);

    return NT_SUCCESS(status) && block.Status != status ? STATUS_UNSUCCESSFUL : status;
}

static VOID CheckPosition(HANDLE File)
{
    FILE_POSITION_INFORMATION position, told;
    HANDLE unbuffered;
    IO_STATUS_BLOCK block;
    UCHAR bytes[FILE_LENGTH];

    position.CurrentByteOffset.QuadPart = 48;
    ExpectStatus(Set(File, FilePositionInformation, &position, sizeof(position)), STATUS_SUCCESS,
                 "ZwSetInformationFile sets the position");
    FileAtOnce = TRUE;
    ZwReadFile(File, NULL, NULL, NULL, &block, bytes, FILE_LENGTH, NULL, NULL);
    FileAtOnce = FALSE;
    ZwQueryInformationFile(File, &block, &told, sizeof(told), FilePositionInformation);
    ExpectEqual((ULONG64)told.CurrentByteOffset.QuadPart, 48 + FILE_LENGTH,
                "from which a read goes on");
    position.CurrentByteOffset.QuadPart = -1;
    ExpectStatus(Set(File, FilePositionInformation, &position, sizeof(position)),
                 STATUS_INVALID_PARAMETER, "not to before the beginning");
    FileDevice->SectorSize = 512;
    unbuffered = FileOpen(FILE_SYNCHRONOUS_IO_NONALERT | FILE_NO_INTERMEDIATE_BUFFERING);
    position.CurrentByteOffset.QuadPart = 511;
    ExpectStatus(Set(unbuffered, FilePositionInformation, &position, sizeof(position)),
                 STATUS_INVALID_PARAMETER, "nor, without buffering, into a sector");
    position.CurrentByteOffset.QuadPart = 512;
    ExpectStatus(Set(unbuffered, FilePositionInformation, &position, sizeof(position)),
                 STATUS_SUCCESS, "but to a sector's beginning");
    ZwClose(unbuffered);
}

static VOID CheckPriority(HANDLE File)
{
    struct {
        ULONG64 Aligned;
        ULONG Hint, Misaligned;
    } information;
    HANDLE unsynchronous = FileOpen(0);
    LARGE_INTEGER at = {{0}};
    IO_STATUS_BLOCK block;
    UCHAR bytes[FILE_LENGTH];
    PIRP irp;

    information.Hint = IoPriorityHigh;
    information.Misaligned = IoPriorityLow;
    ExpectStatus(
        Set(unsynchronous, FileIoPriorityHintInformation, &information.Hint, sizeof(ULONG)),
        STATUS_SUCCESS, "ZwSetInformationFile sets the hint of a file's priority");
    ExpectStatus(Set(File, FileIoPriorityHintInformation, &information.Misaligned, sizeof(ULONG)),
                 STATUS_DATATYPE_MISALIGNMENT, "from where it is aligned");
    information.Hint = MaxIoPriorityTypes;
    ExpectStatus(Set(File, FileIoPriorityHintInformation, &information.Hint, sizeof(ULONG)),
                 STATUS_INVALID_PARAMETER, "if there is one");
    ZwQueryInformationFile(unsynchronous, &block, &information.Hint, sizeof(ULONG),
                           FileIoPriorityHintInformation);
    ExpectEqual(information.Hint, IoPriorityHigh, "ZwQueryInformationFile tells it");
    ZwReadFile(unsynchronous, NULL, NULL, NULL, &block, bytes, FILE_LENGTH, &at, NULL);
    irp = Held[0];
    ExpectEqual(IoGetIoPriorityHint(irp), IoPriorityHigh,
                "IoGetIoPriorityHint: a request has its file's");
    ExpectStatus(IoSetIoPriorityHint(irp, IoPriorityVeryLow), STATUS_SUCCESS,
                 "IoSetIoPriorityHint gives it another");
    ExpectEqual(IoGetIoPriorityHint(irp), IoPriorityVeryLow, "which it has then");
    ExpectStatus(IoSetIoPriorityHint(irp, MaxIoPriorityTypes), STATUS_INVALID_PARAMETER,
                 "IoSetIoPriorityHint refuses what is no hint");
    HeldCount = 0;
    Complete(irp, STATUS_SUCCESS);
    ZwClose(unsynchronous);
}

static VOID CheckPriorityOfIrp(VOID)
{
    PIRP irp = IoAllocateIrp(1, FALSE);

    if (irp == NULL)
        return;
    ExpectEqual(IoGetIoPriorityHint(irp), IoPriorityNormal,
                "IoGetIoPriorityHint: an IRP is of normal priority");
    IoFreeIrp(irp);
}

VOID CheckSetting(VOID)
{
    HANDLE file = FileOpen(FILE_SYNCHRONOUS_IO_NONALERT);
    FILE_END_OF_FILE_INFORMATION end = {{{77, 0}}};
    FILE_BASIC_INFORMATION basic;
    FILE_DISPOSITION_INFORMATION gone = {TRUE};
    PFILE_OBJECT object = NULL;

    RtlZeroMemory(&basic, sizeof(basic));
    CheckPosition(file);
    CheckPriority(file);
    CheckPriorityOfIrp();
    ExpectEqual(Setting.Count, 0, "ZwSetInformationFile: the position is no driver's business");
    ExpectStatus(Set(file, FileEndOfFileInformation, &end, sizeof(end)), STATUS_SUCCESS,
                 "ZwSetInformationFile sends IRP_MJ_SET_INFORMATION");
    Expect(Setting.Count == 1 && Setting.Class == FileEndOfFileInformation &&
               Setting.Length == sizeof(end) && Setting.First == 77,
           "with class, length and what is to be set");
    ExpectStatus(Set(file, FileBasicInformation, &basic, sizeof(basic)), STATUS_INVALID_PARAMETER,
                 "the driver's refusal is its status");
    ObReferenceObjectByHandle(file, 0, NULL, KernelMode, (PVOID *)&object, NULL);
    Expect(Set(file, FileDispositionInformation, &gone, sizeof(gone)) == STATUS_SUCCESS &&
               object != NULL && object->DeletePending,
           "a file that is to be deleted says so");
    if (object != NULL)
        ObDereferenceObject(object);
    Setting.Count = 0;
    ExpectStatus(Set(file, FileEndOfFileInformation, &end, sizeof(end) - 1),
                 STATUS_INFO_LENGTH_MISMATCH, "ZwSetInformationFile refuses too little");
    ExpectStatus(Set(file, FileNameInformation, &end, sizeof(end)), STATUS_INVALID_INFO_CLASS,
                 "what cannot be set");
    ExpectStatus(Set(NtCurrentThread(), FileEndOfFileInformation, &end, sizeof(end)),
                 STATUS_OBJECT_TYPE_MISMATCH, "a handle of something else");
    ZwClose(file);
    ExpectStatus(Set(file, FileEndOfFileInformation, &end, sizeof(end)), STATUS_INVALID_HANDLE,
                 "and one that there is not");
    ExpectEqual(Setting.Count, 0, "all without asking the driver");
}
