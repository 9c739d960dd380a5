/*
 * lookup.c - functions and images by address, and what there is to unwind at one.
 */
#include "seh.h"

#define NO_VALUE 0x5A5A5A5A

static VOID CheckFunctions(VOID)
{
    ULONG64 leaf = (ULONG64)ReadLong, framed = (ULONG64)CallResumable, image = NO_VALUE;
    PRUNTIME_FUNCTION function;
    PVOID base;

    RtlPcToFileHeader((PVOID)leaf, &base);
    Expect(RtlLookupFunctionEntry(leaf, &image, NULL) == NULL,
           "RtlLookupFunctionEntry is NULL of a routine without a frame");
    ExpectEqual(image, (ULONG64)base, "RtlLookupFunctionEntry: and tells its image");
    function = RtlLookupFunctionEntry(framed + 1, &image, NULL);
    Expect(function != NULL && function->BeginAddress == framed - image &&
               function->EndAddress == (ULONG64)EndOfResumable - image,
           "RtlLookupFunctionEntry finds the function around an address");
    image = NO_VALUE;
    Expect(RtlLookupFunctionEntry(0x1000, &image, NULL) == NULL && image == 0,
           "RtlLookupFunctionEntry is NULL of an address in no image, as its base is");
}

/* In the body of a function that has a termination handler. */
static NOINLINE VOID UnwindHere(ULONG64 Pc, ULONG HandlerType, PEXCEPTION_ROUTINE *Handler,
                                PVOID *Data)
{
    PRUNTIME_FUNCTION function;
    ULONG64 image, frame;
    CONTEXT context;

    RtlCaptureContext(&context);
    function = RtlLookupFunctionEntry(Pc, &image, NULL);
    *Handler = RtlVirtualUnwind(HandlerType, image, Pc, function, &context, Data, &frame, NULL);
}

static VOID CheckHandlers(VOID)
{
    ULONG64 body = (ULONG64)CallNoted + 6; /* behind its prologue */
    PVOID data = (PVOID)(ULONG_PTR)NO_VALUE;
    PEXCEPTION_ROUTINE handler;

    UnwindHere(body, UNW_FLAG_NHANDLER, &handler, &data);
    Expect(handler == NULL && data == (PVOID)(ULONG_PTR)NO_VALUE,
           "RtlVirtualUnwind is NULL if no handler is asked for");
    UnwindHere(body, UNW_FLAG_UHANDLER, &handler, &data);
    Expect(handler == (PEXCEPTION_ROUTINE)(ULONG_PTR)NoteUnwind && data != NULL,
           "RtlVirtualUnwind gives the handler that is asked for, and its data");
    UnwindHere((ULONG64)CallResumable + 6, UNW_FLAG_UHANDLER, &handler, &data);
    Expect(handler == NULL, "RtlVirtualUnwind is NULL if the function has no handler");
}

/* Code of nobody's image, and the unwind data of a frame of 0x28 bytes. */
typedef struct _FOREIGN {
    UCHAR Code[16];
    UCHAR Info[8];
    RUNTIME_FUNCTION Function;
} FOREIGN;

static VOID CheckForeign(VOID)
{
    static const UCHAR info[8] = {1, 4, 1, 0, 4, 0x42, 0, 0}; /* UWOP_ALLOC_SMALL at 4 */
    FOREIGN *foreign = ExAllocatePoolWithTag(NonPagedPool, sizeof(*foreign), TEST_TAG);
    ULONG64 stack[8] = {0, 0, 0, 0, 0, 0xFFFF900000000123}, frame = 0;
    CONTEXT context = {0};
    PVOID data;

    if (foreign == NULL) {
        Expect(FALSE, "there is memory for a function");
        return;
    }
    RtlFillMemory(foreign->Code, sizeof(foreign->Code), 0x90); /* nop */
    RtlCopyMemory(foreign->Info, info, sizeof(info));
    foreign->Function.BeginAddress = 0;
    foreign->Function.EndAddress = sizeof(foreign->Code);
    foreign->Function.UnwindData = FIELD_OFFSET(FOREIGN, Info);
    context.Rsp = (ULONG64)stack;
    RtlVirtualUnwind(UNW_FLAG_NHANDLER, (ULONG64)foreign, (ULONG64)&foreign->Code[8],
                     &foreign->Function, &context, &data, &frame, NULL);
    Expect(context.Rip == stack[5] && context.Rsp == (ULONG64)&stack[6] && frame == (ULONG64)stack,
           "RtlVirtualUnwind goes by the function entry of code that is in no image");
    ExFreePoolWithTag(foreign, TEST_TAG);
}

static VOID CheckCounts(VOID)
{
    PVOID frames[4] = {NULL};

    ExpectEqual(RtlCaptureStackBackTrace(100, 4, frames, NULL), 0,
                "RtlCaptureStackBackTrace is 0 if all frames are skipped");
    ExpectEqual(RtlCaptureStackBackTrace(0, 0, frames, NULL), 0,
                "RtlCaptureStackBackTrace is 0 if none is to be captured");
    ExpectEqual(RtlWalkFrameChain(frames, 4, 1), 0, "RtlWalkFrameChain finds no frames of users");
    ExpectEqual(RtlWalkFrameChain(frames, 2, 0), 2, "RtlWalkFrameChain finds as many as fit");
    Expect(frames[1] != NULL && frames[2] == NULL, "and writes no further");
}

static VOID UnwindPlainly(PVOID Frame)
{
    RtlUnwind(Frame, (PVOID)(ULONG_PTR)ResumeWithValue, NULL, (PVOID)(ULONG_PTR)0x4321);
}

VOID CheckLookups(VOID)
{
    CheckFunctions();
    CheckHandlers();
    CheckForeign();
    CheckCounts();
    ExpectEqual(CallResumable(UnwindPlainly), 0x4321,
                "RtlUnwind goes on at TargetIp in the target frame, with ReturnValue in RAX");
}
