/*
 * catch.c - what a call raises. Of gcc's C, by the macros of mingw-w64's excpt.h: one guarded
 * stretch in a function, whose handler is a filter.
 */
#include "suite.h"

#include <excpt.h>

static NTSTATUS Caught;

/* Named in assembly, so not static. */
LONG NTAPI TestCatchAll(PEXCEPTION_POINTERS Pointers, PVOID Frame);

LONG NTAPI TestCatchAll(PEXCEPTION_POINTERS Pointers, PVOID Frame)
{
    UNREFERENCED_PARAMETER(Frame);
    Caught = Pointers->ExceptionRecord->ExceptionCode;
    return EXCEPTION_EXECUTE_HANDLER;
}

/* gcc must not know the routine: what follows a call that does not return would be left out. */
static __attribute__((noinline)) VOID Guarded(TEST_THREAD_ROUTINE volatile Routine, PVOID Context)
{
    __try1(TestCatchAll) Routine(Context);
    __except1
}

NTSTATUS TestCatch(TEST_THREAD_ROUTINE Routine, PVOID Context)
{
    Caught = STATUS_SUCCESS;
    Guarded(Routine, Context);
    return Caught;
}
