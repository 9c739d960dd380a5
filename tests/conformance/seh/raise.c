/*
 * raise.c - who raises what: the raising routines, the probes, and walks up the stack by hand.
 */
#include "seh.h"

#define OWN_STATUS ((NTSTATUS)0xE0000001)
#define FRAMES 16

/* ---- RtlRaiseException ----------------------------------------------------------------------- */

static LONG CheckRecord(PEXCEPTION_POINTERS Pointers, PEXCEPTION_RECORD Raised, LONG Answer)
{
    Expect(Pointers->ExceptionRecord == Raised && Raised->ExceptionInformation[1] == 22,
           "a filter sees the record that was raised");
    Expect((ULONG64)Raised->ExceptionAddress == Pointers->ContextRecord->Rip,
           "with the address of whoever raised it");
    return Answer;
}

static NOINLINE BOOLEAN RaiseRecord(LONG Answer)
{
    EXCEPTION_RECORD record = {
        .ExceptionCode = OWN_STATUS, .NumberParameters = 2, .ExceptionInformation = {11, 22}};

    __try {
        RtlRaiseException(&record);
    } __except (CheckRecord(GetExceptionInformation(), &record, Answer)) {
        return TRUE;
    }
    return FALSE;
}

/* ---- the routines that raise ----------------------------------------------------------------- */

static VOID AccessViolation(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    ExRaiseAccessViolation();
}

static VOID Misalignment(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    ExRaiseDatatypeMisalignment();
}

static VOID RaiseStatus(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    RtlRaiseStatus(OWN_STATUS);
}

static VOID ReleaseForeignMutex(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KMUTEX mutex;

    KeInitializeMutex(&mutex, 0);
    KeReleaseMutex(&mutex, FALSE);
}

static VOID ReleaseBeyondLimit(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KSEMAPHORE semaphore;

    KeInitializeSemaphore(&semaphore, 1, 1);
    KeReleaseSemaphore(&semaphore, IO_NO_INCREMENT, 1, FALSE);
}

typedef struct _PROBE {
    PVOID Address;
    SIZE_T Length;
    ULONG Alignment;
} PROBE;

static VOID ProbeRead(PVOID Context)
{
    PROBE *probe = Context;

    ProbeForRead(probe->Address, probe->Length, probe->Alignment);
}

static VOID ProbeWrite(PVOID Context)
{
    PROBE *probe = Context;

    ProbeForWrite(probe->Address, probe->Length, probe->Alignment);
}

static VOID CheckProbes(VOID)
{
    PROBE user = {(PVOID)(ULONG_PTR)0x10000, 16, 4}, odd = {(PVOID)(ULONG_PTR)0x10002, 16, 4};
    PROBE system = {&user, 16, 4}, empty = {&user, 0, 4};
    PROBE wrapped = {(PVOID)(ULONG_PTR)0x10000, ~(SIZE_T)0, 1};

    ExpectStatus(StatusOf(ProbeRead, &user), STATUS_SUCCESS,
                 "ProbeForRead accepts a user address that is aligned");
    ExpectStatus(StatusOf(ProbeRead, &odd), STATUS_DATATYPE_MISALIGNMENT,
                 "ProbeForRead raises about one that is not");
    ExpectStatus(StatusOf(ProbeRead, &system), STATUS_ACCESS_VIOLATION,
                 "ProbeForRead raises about a system address");
    ExpectStatus(StatusOf(ProbeRead, &wrapped), STATUS_ACCESS_VIOLATION,
                 "ProbeForRead raises about a length that wraps around");
    ExpectStatus(StatusOf(ProbeRead, &empty), STATUS_SUCCESS,
                 "ProbeForRead does not look at an address of no bytes");
    ExpectStatus(StatusOf(ProbeWrite, &user), STATUS_ACCESS_VIOLATION,
                 "ProbeForWrite raises about a user address that cannot be written");
    ExpectStatus(StatusOf(ProbeWrite, &odd), STATUS_DATATYPE_MISALIGNMENT,
                 "ProbeForWrite raises about one that is not aligned");
    ExpectStatus(StatusOf(ProbeWrite, &system), STATUS_ACCESS_VIOLATION,
                 "ProbeForWrite raises about a system address");
    ExpectStatus(StatusOf(ProbeWrite, &empty), STATUS_SUCCESS,
                 "ProbeForWrite does not look at an address of no bytes");
}

VOID CheckRaising(VOID)
{
    Expect(RaiseRecord(EXCEPTION_EXECUTE_HANDLER), "what RtlRaiseException raises is caught");
    Expect(!RaiseRecord(EXCEPTION_CONTINUE_EXECUTION),
           "RtlRaiseException returns if it is continued");
    ExpectStatus(StatusOf(AccessViolation, NULL), STATUS_ACCESS_VIOLATION,
                 "ExRaiseAccessViolation raises STATUS_ACCESS_VIOLATION");
    ExpectStatus(StatusOf(Misalignment, NULL), STATUS_DATATYPE_MISALIGNMENT,
                 "ExRaiseDatatypeMisalignment raises STATUS_DATATYPE_MISALIGNMENT");
    ExpectStatus(StatusOf(RaiseStatus, NULL), OWN_STATUS, "RtlRaiseStatus raises its status");
    ExpectStatus(StatusOf(ReleaseForeignMutex, NULL), STATUS_MUTANT_NOT_OWNED,
                 "KeReleaseMutex raises about a mutex that the thread does not own");
    ExpectStatus(StatusOf(ReleaseBeyondLimit, NULL), STATUS_SEMAPHORE_LIMIT_EXCEEDED,
                 "KeReleaseSemaphore raises beyond the limit");
    CheckProbes();
}

/* ---- walks ----------------------------------------------------------------------------------- */

static NOINLINE ULONG WalkByHand(PVOID *Addresses, ULONG Count)
{
    CONTEXT context;
    ULONG i;

    RtlCaptureContext(&context);
    for (i = 0; i < Count && context.Rip != 0; i++) {
        PRUNTIME_FUNCTION function;
        ULONG64 image, frame;
        PVOID data;

        Addresses[i] = (PVOID)context.Rip;
        function = RtlLookupFunctionEntry(context.Rip, &image, NULL);
        if (function == NULL)
            break;
        RtlVirtualUnwind(UNW_FLAG_NHANDLER, image, context.Rip, function, &context, &data, &frame,
                         NULL);
    }
    return i;
}

static NOINLINE VOID WalkBothWays(VOID)
{
    PVOID byHand[FRAMES], captured[FRAMES], chain[FRAMES], base, base2;
    ULONG i, hash = 0, sum = 0, found, count, chained;

    count = WalkByHand(byHand, FRAMES);
    found = RtlCaptureStackBackTrace(0, FRAMES, captured, &hash);
    chained = RtlWalkFrameChain(chain, FRAMES, 0);
    Expect(count > 4 && found > 4, "a walk passes the driver and the kernel");
    Expect(RtlPcToFileHeader(captured[0], &base) ==
                   RtlPcToFileHeader((PVOID)(ULONG_PTR)CheckWalks, &base2) &&
               base != NULL && base == base2,
           "the first address of a backtrace is the caller's, in this image");
    /* Each of the three was called from another place of this routine; above it all is the same. */
    for (i = 1; i + 1 < count && i < found && byHand[i + 1] == captured[i]; i++)
        ;
    Expect(i >= found - 1 || i + 1 >= count, "RtlVirtualUnwind and RtlCaptureStackBackTrace agree");
    for (i = 1; i < chained && i < found && chain[i] == captured[i]; i++)
        ;
    Expect(chained == found && i == found, "and so does RtlWalkFrameChain");
    for (i = 0; i < found; i++)
        sum += (ULONG)(ULONG_PTR)captured[i];
    ExpectEqual(hash, sum, "the hash is the sum of the addresses");
    ExpectEqual(RtlCaptureStackBackTrace(1, 1, byHand, NULL), 1, "as many as were asked for come");
    Expect(byHand[0] == captured[1], "and as many as were asked for are skipped");
    Expect(RtlPcToFileHeader(NULL, &base) == NULL && base == NULL, "address 0 is in no image");
}

VOID CheckWalks(VOID)
{
    WalkBothWays();
}
