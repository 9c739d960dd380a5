/*
 * raise.c - who raises what: the raising routines, the probes, and walks up the stack by hand.
 */
#include "seh.h"

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

typedef struct _RAISED {
    VOID (*Routine)(VOID);
    NTSTATUS Status;
    PCSTR Name;
} RAISED;

static VOID RaiseStatus(VOID)
{
    RtlRaiseStatus(OWN_STATUS);
}

static VOID AccessViolation(VOID)
{
    ExRaiseAccessViolation();
}

static VOID Misalignment(VOID)
{
    ExRaiseDatatypeMisalignment();
}

static VOID ReleaseForeignMutex(VOID)
{
    KMUTEX mutex;

    KeInitializeMutex(&mutex, 0);
    KeReleaseMutex(&mutex, FALSE);
}

static VOID ReleaseBeyondLimit(VOID)
{
    KSEMAPHORE semaphore;

    KeInitializeSemaphore(&semaphore, 1, 1);
    KeReleaseSemaphore(&semaphore, IO_NO_INCREMENT, 1, FALSE);
}

static VOID Assert(VOID)
{
    CHAR message[] = "the message";

    RtlAssert((PVOID) "1 == 2", (PVOID)__FILE__, __LINE__, message);
}

static VOID CallRaised(PVOID Context)
{
    ((const RAISED *)Context)->Routine();
}

typedef struct _PROBE {
    VOID(NTAPI *Routine)(const volatile VOID *Address, SIZE_T Length, ULONG Alignment);
    PVOID Address; /* NULL: one of the system */
    SIZE_T Length;
    NTSTATUS Status;
    PCSTR Name;
} PROBE;

#define PROBE_ALIGNMENT 4
#define ALIGNED (PVOID)(ULONG_PTR) 0x10000
#define ODD (PVOID)(ULONG_PTR) 0x10002

static VOID NTAPI ProbeWrite(const volatile VOID *Address, SIZE_T Length, ULONG Alignment)
{
    ProbeForWrite((PVOID)Address, Length, Alignment);
}

static VOID CallProbe(PVOID Context)
{
    const PROBE *probe = Context;

    probe->Routine(probe->Address != NULL ? probe->Address : Context, probe->Length,
                   PROBE_ALIGNMENT);
}

static VOID CheckProbes(VOID)
{
    static const PROBE probes[] = {
        {ProbeForRead, ALIGNED, 16, STATUS_SUCCESS,
         "ProbeForRead accepts a user address that is aligned"},
        {ProbeForRead, ODD, 16, STATUS_DATATYPE_MISALIGNMENT,
         "ProbeForRead raises about one that is not"},
        {ProbeForRead, NULL, 16, STATUS_ACCESS_VIOLATION,
         "ProbeForRead raises about a system address"},
        {ProbeForRead, ALIGNED, ~(SIZE_T)0, STATUS_ACCESS_VIOLATION,
         "ProbeForRead raises about a length that wraps around"},
        {ProbeForRead, NULL, 0, STATUS_SUCCESS,
         "ProbeForRead does not look at an address of no bytes"},
        {ProbeWrite, ALIGNED, 16, STATUS_ACCESS_VIOLATION,
         "ProbeForWrite raises about a user address that cannot be written"},
        {ProbeWrite, ODD, 16, STATUS_DATATYPE_MISALIGNMENT,
         "ProbeForWrite raises about one that is not aligned"},
        {ProbeWrite, NULL, 16, STATUS_ACCESS_VIOLATION,
         "ProbeForWrite raises about a system address"},
        {ProbeWrite, NULL, 0, STATUS_SUCCESS,
         "ProbeForWrite does not look at an address of no bytes"},
    };
    ULONG i;

    for (i = 0; i < sizeof(probes) / sizeof(probes[0]); i++)
        ExpectStatus(StatusOf(CallProbe, (PVOID)&probes[i]), probes[i].Status, probes[i].Name);
}

VOID CheckRaising(VOID)
{
    static const RAISED raised[] = {
        {AccessViolation, STATUS_ACCESS_VIOLATION,
         "ExRaiseAccessViolation raises STATUS_ACCESS_VIOLATION"},
        {Misalignment, STATUS_DATATYPE_MISALIGNMENT,
         "ExRaiseDatatypeMisalignment raises STATUS_DATATYPE_MISALIGNMENT"},
        {RaiseStatus, OWN_STATUS, "RtlRaiseStatus raises its status"},
        {Assert, STATUS_BREAKPOINT, "RtlAssert breaks into a debugger"},
        {ReleaseForeignMutex, STATUS_MUTANT_NOT_OWNED,
         "KeReleaseMutex raises about a mutex that the thread does not own"},
        {ReleaseBeyondLimit, STATUS_SEMAPHORE_LIMIT_EXCEEDED,
         "KeReleaseSemaphore raises beyond the limit"},
    };
    ULONG i;

    Expect(RaiseRecord(EXCEPTION_EXECUTE_HANDLER), "what RtlRaiseException raises is caught");
    Expect(!RaiseRecord(EXCEPTION_CONTINUE_EXECUTION),
           "RtlRaiseException returns if it is continued");
    for (i = 0; i < sizeof(raised) / sizeof(raised[0]); i++)
        ExpectStatus(StatusOf(CallRaised, (PVOID)&raised[i]), raised[i].Status, raised[i].Name);
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

VOID CheckWalks(VOID)
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
