/*
 * shortage.c - what routines do when something has run out: attempts, one allocation of which fails
 * because the run says so.
 */
#include "suite.h"

NTSTATUS TestMade(PVOID Object)
{
    return Object != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

VOID TestAttempts(const TEST_ATTEMPT *Attempts, ULONG Count)
{
    ULONG i;

    for (i = 0; i < Count; i++) {
        NTSTATUS status = Attempts[i].Try();

        if (NT_SUCCESS(status))
            continue;
        ExpectStatus(status, STATUS_INSUFFICIENT_RESOURCES, Attempts[i].Name);
        ExpectStatus(Attempts[i].Try(), STATUS_SUCCESS, "asked again, it succeeds");
    }
}
