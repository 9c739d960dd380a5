/*
 * try.c - exceptions in gcc's C. The other cases are those of the seh group.
 */
#include "ex.h"

#define OWN_STATUS ((NTSTATUS)0xE0000003)

static VOID Raise(PVOID Context)
{
    ExRaiseStatus(*(PNTSTATUS)Context);
}

VOID CheckTry(VOID)
{
    NTSTATUS status = OWN_STATUS;

    ExpectStatus(TestCatch(Raise, &status), OWN_STATUS,
                 "a driver that gcc built catches what it raises");
}
