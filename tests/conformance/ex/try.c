/*
 * try.c - exceptions in gcc's C, by the macros of mingw-w64's excpt.h: one guarded stretch in a
 * function, whose handler is a filter. The other cases are those of the seh group.
 */
#include "ex.h"

#include <excpt.h>

#define OWN_STATUS ((NTSTATUS)0xE0000003)

static NTSTATUS Caught;

/* Named in assembly, so not static. */
LONG NTAPI CatchAll(PEXCEPTION_POINTERS Pointers, PVOID Frame);

LONG NTAPI CatchAll(PEXCEPTION_POINTERS Pointers, PVOID Frame)
{
    UNREFERENCED_PARAMETER(Frame);
    Caught = Pointers->ExceptionRecord->ExceptionCode;
    return EXCEPTION_EXECUTE_HANDLER;
}

static void Raise(NTSTATUS Status)
{
    ExRaiseStatus(Status);
}

/* gcc must not know that the call does not return: what follows would be left out. */
static void (*volatile RaiseStatus)(NTSTATUS) = Raise;

static __attribute__((noinline)) VOID Guarded(VOID)
{
    __try1(CatchAll) RaiseStatus(OWN_STATUS);
    __except1
}

VOID CheckTry(VOID)
{
    Guarded();
    ExpectStatus(Caught, OWN_STATUS, "a driver that gcc built catches what it raises");
}
